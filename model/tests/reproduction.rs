//! Every history that ever broke a promise, cut down and frozen.

use runlog_model::{Fault, Op, play};

const fn step(worker: u8, choice: u8) -> Op {
    Op::Step {
        worker,
        choice,
        fault: Fault::None,
    }
}

const fn submit(key: u8) -> Op {
    let fault = Fault::None;
    Op::Submit { key, fault }
}

const fn cancel(key: u8) -> Op {
    let fault = Fault::None;
    Op::Cancel { key, fault }
}

#[track_caller]
fn holds(ops: &[Op]) {
    if let Err(failed) = play(ops) {
        panic!("{failed}");
    }
}

/// A worker stands still for longer than its lease, its attempt is ended as cancelled by another,
/// and it goes on to write. It must notice before it writes.
#[test]
fn a_worker_that_stood_still_writes_no_more_output() {
    holds(&[
        submit(3),
        Op::Pull { worker: 0 },
        step(0, 9),
        step(0, 15),
        step(0, 15),
        step(0, 9),
        cancel(3),
        Op::Pass { ms: 11_000 },
        Op::Pull { worker: 2 },
        step(2, 1),
        step(2, 14),
        step(0, 2),
        step(0, 14),
        step(2, 13),
        Op::View {
            viewer: 3,
            lifecycle: false,
        },
    ]);
}

/// The same, but the log has just answered it. What it writes then is seen by whoever watches, and
/// is no part of the recording.
#[test]
fn late_output_is_no_part_of_the_recording() {
    holds(&[
        submit(1),
        Op::Pull { worker: 0 },
        step(0, 11),
        step(0, 10),
        step(0, 5),
        step(0, 12),
        Op::Pass { ms: 8_000 },
        cancel(1),
        step(0, 12),
        Op::Pass { ms: 4_000 },
        Op::Pull { worker: 1 },
        step(1, 9),
        step(1, 6),
        step(0, 2),
        step(1, 7),
        Op::View {
            viewer: 1,
            lifecycle: false,
        },
    ]);
}
