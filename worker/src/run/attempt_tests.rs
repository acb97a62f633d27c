use bytes::Bytes;
use runlog_sandbox::{Cause, OutputStream as Fd};
use runlog_schemas::{Change, Limits, Origin, Priority, decode_event, encode_event};

use super::*;

/// An attempt, and the time that its test lets pass.
struct Bench {
    attempt: Attempt,
    now: Now,
    sequence: u64,
}

pub(in crate::run) fn queued() -> Execution {
    Execution {
        origin: Some(Origin {
            language: "c".to_owned(),
            priority: Priority::Api,
            entry: "main.c".to_owned(),
            interactive: true,
            terminal: None,
            limits: Limits::default(),
            queue_limit_ms: 1_000,
            session: None,
            request_digest: None,
            toolchain_version: None,
            repeats: None,
            submitted_at_ms: 0,
        }),
        state: State::Queued {
            next_attempt: 1,
            not_before_ms: None,
        },
        attempts: Vec::new(),
    }
}

fn event(change: Change) -> ExecutionEvent {
    ExecutionEvent { at_ms: 1, change }
}

fn started() -> ExecutionEvent {
    event(Change::Started {
        attempt: 1,
        worker: "w".to_owned(),
    })
}

fn setup(compiles: bool) -> Setup {
    Setup {
        attempt: 1,
        compiles,
        caps: Caps {
            compiler: 1_000,
            program: 10,
        },
        stdin: None,
        interactive: true,
        terminal: Some(TerminalSize {
            columns: 80,
            rows: 24,
        }),
        engine: "fake",
        queued: Duration::from_millis(3),
    }
}

fn size(columns: u16) -> TerminalSize {
    TerminalSize { columns, rows: 10 }
}

fn end(cause: Cause) -> Event {
    Event::Ended(StepEnd {
        cause,
        usage: Usage {
            wall: Duration::from_millis(9),
            ..Usage::default()
        },
    })
}

impl Bench {
    fn new(compiles: bool) -> Self {
        let position = Position {
            execution: queued(),
            sequence: 0,
        };
        Self {
            attempt: Attempt::new(setup(compiles), position, started()),
            now: Now::default(),
            sequence: 40,
        }
    }

    fn on(&mut self, event: Event) -> Vec<Next> {
        self.now.since_start += Duration::from_millis(1);
        self.attempt.on(self.now, event);
        self.todo()
    }

    fn todo(&mut self) -> Vec<Next> {
        std::iter::from_fn(|| self.attempt.take_next()).collect()
    }

    fn control(&mut self, request: ControlRequest) -> ControlReply {
        self.attempt.control(self.now, request).expect("an answer")
    }

    fn appended(&mut self) -> Vec<Next> {
        self.sequence += 1;
        let sequence = self.sequence;
        self.on(Event::Appended { sequence })
    }

    /// Takes the next batch and has it acknowledged.
    fn record(&mut self) -> (Vec<ChunkKind>, Vec<Next>) {
        self.now.since_start += Duration::from_millis(100);
        let batch = self.attempt.batch(self.now).expect("a batch is due");
        self.sequence += 1;
        let sequence = self.sequence;
        let next = self.on(Event::Recorded { sequence });
        (batch.chunks.into_iter().map(|it| it.what).collect(), next)
    }

    /// Up to a program that runs, with `started` in the log at 41.
    fn running() -> Self {
        let mut bench = Self::new(false);
        assert_eq!(bench.todo(), [Next::Append(started(), 0), Next::Prepare]);
        assert_eq!(
            bench.on(Event::Prepared { warm: true }),
            [Next::Start(Phase::Run)]
        );
        assert_eq!(bench.on(Event::Started), []);
        assert_eq!(bench.appended(), []);
        bench
    }

    fn write(&mut self, text: &'static str) -> Vec<Next> {
        self.on(Event::Output(
            Fd::Stdout,
            Bytes::from_static(text.as_bytes()),
        ))
    }
}

/// The one append among what is to be done.
fn appended(next: &[Next]) -> (&ExecutionEvent, u64) {
    match next {
        [Next::Append(event, expected)] => {
            assert_eq!(&decode_event(&encode_event(event)).unwrap(), event);
            (event, *expected)
        }
        other => panic!("{other:?}"),
    }
}

fn outcome(next: &[Next]) -> (Outcome, u64) {
    let (event, expected) = appended(next);
    match &event.change {
        Change::Finished { outcome, .. } => (outcome.clone(), expected),
        other => panic!("{other:?}"),
    }
}

fn reason(next: &[Next]) -> String {
    match &appended(next).0.change {
        Change::Retried { reason, .. } => reason.clone(),
        other => panic!("{other:?}"),
    }
}

fn running_in_log(cancelling: bool, attempt: u32, sequence: u64) -> Event {
    let mut execution = fold(queued(), &started());
    execution.state = State::Running {
        attempt,
        cancelling,
    };
    Event::Read(Position {
        execution,
        sequence,
    })
}

#[test]
fn the_end_stands_behind_the_last_output() {
    let mut bench = Bench::running();
    bench.write("hello");
    assert_eq!(bench.on(end(Cause::Exited { code: 0 })), [], "output waits");
    let (chunks, next) = bench.record();
    let text = ChunkKind::Stdout {
        data: "hello".into(),
    };
    assert_eq!(chunks, [ChunkKind::Phase { phase: Phase::Run }, text]);
    let (event, expected) = appended(&next);
    assert_eq!(expected, 41);
    let Change::Finished {
        output,
        measurements,
        ..
    } = &event.change
    else {
        panic!("{event:?}")
    };
    assert_eq!(output.last_sequence, Some(42));
    assert_eq!((output.chunks, output.stdout.bytes), (2, 5));
    assert_eq!(measurements.queued_us, 3_000);
    assert_eq!(measurements.wall_us, 9_000);
    assert!(measurements.first_output_us.is_some() && measurements.warm);
    assert!(
        matches!(&*bench.appended(), [Next::Leave(Leave::Concluded(it))] if it.end().is_some())
    );
}

#[test]
fn nothing_is_published_before_the_claim() {
    let mut bench = Bench::new(false);
    bench.todo();
    bench.on(Event::Prepared { warm: false });
    bench.on(Event::Started);
    bench.write("early");
    bench.on(end(Cause::Exited { code: 0 }));
    bench.now.since_start += Duration::from_secs(1);
    assert_eq!(bench.attempt.batch_due(), None);
    assert_eq!(bench.attempt.batch(bench.now), None);
    assert_eq!(bench.appended(), []);
    assert_eq!(bench.record().0.len(), 2);
}

#[test]
fn a_refused_claim_leaves_at_once() {
    let mut bench = Bench::new(false);
    bench.todo();
    bench.on(Event::Prepared { warm: false });
    assert_eq!(bench.on(Event::Conflict), [Next::Leave(Leave::NotClaimed)]);
    assert_eq!(bench.on(Event::Started), [], "nothing happens any more");
}

#[test]
fn a_compiler_runs_first_and_its_output_is_its_own() {
    let mut bench = Bench::new(true);
    bench.todo();
    bench.appended();
    assert_eq!(
        bench.on(Event::Prepared { warm: true }),
        [Next::Start(Phase::Compile)]
    );
    bench.on(Event::Started);
    bench.write("warning");
    assert_eq!(
        bench.control(ControlRequest::Signal { signal: 2 }),
        ControlReply::Refused {
            reason: ControlRefusal::NotRunningYet
        }
    );
    let typed = ControlRequest::Stdin { data: "x".into() };
    assert_eq!(bench.control(typed), ControlReply::Applied);
    assert_eq!(bench.todo(), [], "kept until the program runs");
    assert_eq!(
        bench.on(end(Cause::Exited { code: 0 })),
        [Next::Start(Phase::Run)]
    );
    assert_eq!(
        bench.on(Event::Started),
        [Next::Send(Sent::Bytes(Bytes::from_static(b"x")))]
    );
    bench.on(Event::HandedOver);
    bench.on(end(Cause::Signaled { signal: 6 }));
    let (chunks, next) = bench.record();
    assert_eq!(
        chunks,
        [
            ChunkKind::Phase {
                phase: Phase::Compile
            },
            ChunkKind::Compiler {
                data: "warning".into()
            },
            ChunkKind::Phase { phase: Phase::Run },
            ChunkKind::Input { data: "x".into() },
        ]
    );
    assert_eq!(outcome(&next).0, Outcome::Signaled { signal: 6 });
    assert_eq!(bench.attempt.measurements().compile_us, Some(9_000));
}

#[test]
fn a_compiler_that_leaves_no_program_is_no_fault_of_ours() {
    let mut bench = Bench::new(true);
    bench.todo();
    bench.appended();
    bench.on(Event::Prepared { warm: true });
    bench.on(Event::Started);
    bench.on(end(Cause::Exited { code: 0 }));
    let missing = Event::Broken(Breakage::NoSuchProgram("./main".to_owned()));
    assert_eq!(bench.on(missing), []);
    let (chunks, next) = bench.record();
    assert!(matches!(chunks.last(), Some(ChunkKind::Compiler { .. })));
    assert_eq!(outcome(&next).0, Outcome::CompileError { code: 0 });
}

#[test]
fn a_broken_engine_is_given_up() {
    let mut bench = Bench::running();
    bench.write("x");
    bench.on(Event::Broken(Breakage::Other(
        "the cell is gone".to_owned(),
    )));
    let (_, next) = bench.record();
    assert_eq!(reason(&next), "the cell is gone");
    let mut bench = Bench::new(false);
    bench.todo();
    bench.appended();
    let missing = Event::Broken(Breakage::NoSuchProgram("no python".to_owned()));
    assert_eq!(reason(&bench.on(missing)), "no python");
    assert!(
        matches!(&*bench.appended(), [Next::Leave(Leave::Concluded(it))] if it.end().is_none())
    );
}

#[test]
fn the_output_cap_kills_and_decides() {
    let mut bench = Bench::running();
    assert_eq!(bench.write("0123456789"), []);
    assert_eq!(bench.write("x"), [Next::Kill]);
    assert_eq!(bench.write("y"), []);
    bench.on(end(Cause::Exited { code: 0 }));
    let (chunks, next) = bench.record();
    assert_eq!(chunks.last(), Some(&ChunkKind::Cut));
    let limit = Outcome::OutputLimit { phase: Phase::Run };
    assert_eq!(outcome(&next).0, limit);
}

#[test]
fn a_cancel_kills_and_the_end_stands_behind_it() {
    let mut bench = Bench::running();
    assert_eq!(bench.control(ControlRequest::Cancel), ControlReply::Applied);
    assert!(matches!(*bench.todo(), [Next::Read(_)]));
    assert_eq!(bench.on(running_in_log(true, 1, 50)), [Next::Kill]);
    bench.on(end(Cause::Killed));
    let (_, next) = bench.record();
    assert_eq!(outcome(&next), (Outcome::Cancelled, 50));
}

#[test]
fn a_cancel_that_came_before_the_end_is_found_by_the_refusal() {
    let mut bench = Bench::running();
    bench.on(end(Cause::Exited { code: 0 }));
    let (_, next) = bench.record();
    assert_eq!(outcome(&next), (Outcome::Exited { code: 0 }, 41));
    assert!(matches!(*bench.on(Event::Conflict), [Next::Read(_)]));
    let next = bench.on(running_in_log(true, 1, 50));
    assert_eq!(outcome(&next), (Outcome::Cancelled, 50));
}

#[test]
fn a_cancel_is_noticed_although_the_claim_is_on_its_way() {
    let mut bench = Bench::new(false);
    bench.todo();
    bench.control(ControlRequest::Cancel);
    assert_eq!(bench.todo(), []);
    assert!(matches!(*bench.appended(), [Next::Read(_)]));
    // Nothing runs yet, so there is nothing to kill.
    let next = bench.on(running_in_log(true, 1, 50));
    assert_eq!(outcome(&next), (Outcome::Cancelled, 50));
    assert_eq!(bench.on(Event::Prepared { warm: true }), []);
}

#[test]
fn a_cancelled_attempt_of_ours_that_broke_ends_as_cancelled() {
    let mut bench = Bench::running();
    bench.control(ControlRequest::Cancel);
    bench.todo();
    bench.on(Event::Broken(Breakage::Other("gone".to_owned())));
    bench.record();
    let next = bench.on(running_in_log(true, 1, 50));
    assert_eq!(outcome(&next), (Outcome::Cancelled, 50));
}

#[test]
fn a_newer_attempt_or_an_end_fences_us() {
    for read in [running_in_log(false, 2, 50), running_in_log(true, 2, 50)] {
        let mut bench = Bench::running();
        let next = bench.on(Event::LeaseDue);
        assert!(matches!(*next, [Next::KeepLease, Next::Read(_)]));
        assert_eq!(bench.on(read), [Next::Leave(Leave::Superseded)]);
        assert_eq!(bench.on(end(Cause::Killed)), []);
    }
    let mut bench = Bench::running();
    bench.on(Event::LeaseDue);
    let execution = fold(queued(), &event(Change::Cancelled));
    let read = Event::Read(Position {
        execution: execution.clone(),
        sequence: 50,
    });
    assert_eq!(
        bench.on(read),
        [Next::Leave(Leave::Concluded(Box::new(execution)))]
    );
}

#[test]
fn a_shutdown_gives_up_what_is_not_done() {
    let mut bench = Bench::running();
    assert_eq!(bench.on(Event::Shutdown), [Next::Kill]);
    bench.on(end(Cause::Killed));
    assert_eq!(reason(&bench.record().1), SHUT_DOWN);

    let mut bench = Bench::new(false);
    bench.todo();
    bench.appended();
    assert_eq!(reason(&bench.on(Event::Shutdown)), SHUT_DOWN);

    let mut bench = Bench::new(false);
    bench.todo();
    bench.on(Event::Prepared { warm: true });
    bench.on(Event::Shutdown);
    assert_eq!(bench.on(Event::Started), [Next::Kill]);
}

#[test]
fn a_lost_lease_stops_without_a_word() {
    let mut bench = Bench::running();
    bench.write("x");
    assert_eq!(bench.on(Event::LeaseLost), [Next::Leave(Leave::LeaseLost)]);
}

#[test]
fn a_terminal_takes_its_size_whenever_it_comes() {
    let resize = |columns| ControlRequest::Resize {
        size: size(columns),
    };
    let mut bench = Bench::new(false);
    bench.todo();
    assert_eq!(bench.control(resize(1)), ControlReply::Applied);
    assert_eq!(bench.attempt.terminal(), Some(size(1)), "starts with it");
    bench.on(Event::Prepared { warm: true });
    assert_eq!(bench.control(resize(2)), ControlReply::Applied);
    let send = |columns| Next::Send(Sent::Resize(size(columns)));
    assert_eq!(bench.on(Event::Started), [send(2)]);
    assert_eq!(bench.control(resize(3)), ControlReply::Applied);
    assert_eq!(bench.todo(), [send(3)]);
    bench.appended();
    let resizes = |kind: &ChunkKind| matches!(kind, ChunkKind::Resize { .. });
    assert_eq!(bench.record().0.iter().filter(|it| resizes(it)).count(), 3);
}

#[test]
fn viewers_are_told_what_does_not_work() {
    let refused = |reason| ControlReply::Refused { reason };
    let mut bench = Bench::running();
    assert_eq!(bench.control(ControlRequest::Eof), ControlReply::Applied);
    let typed = ControlRequest::Stdin { data: "x".into() };
    assert_eq!(
        bench.control(typed.clone()),
        refused(ControlRefusal::InputClosed)
    );
    bench.attempt.terminal = None;
    assert_eq!(
        bench.control(ControlRequest::Resize { size: size(1) }),
        refused(ControlRefusal::NoTerminal)
    );
    bench.on(end(Cause::Exited { code: 0 }));
    assert_eq!(bench.control(typed), refused(ControlRefusal::Ended));
}

#[test]
fn files_are_taken_out_before_the_end_and_stand_in_front_of_it() {
    use runlog_sandbox::{CellFile, Left, LeftReason};

    let mut bench = Bench::running();
    bench.attempt.collects = true;
    bench.write("hello");
    let next = bench.on(end(Cause::Exited { code: 3 }));
    assert_eq!(next, [Next::Collect]);
    bench.record();
    let late = ControlRequest::Signal { signal: 2 };
    let refused = ControlReply::Refused {
        reason: ControlRefusal::Ended,
    };
    assert_eq!(bench.control(late), refused);
    let collected = Collected {
        files: vec![CellFile::new("a", "bytes")],
        left: vec![Left {
            path: "b".to_owned(),
            reason: LeftReason::Missing,
        }],
        left_count: 1,
    };
    assert_eq!(bench.on(Event::Collected(collected)), [], "files wait");
    let (chunks, next) = bench.record();
    let names: Vec<bool> = chunks
        .iter()
        .map(|it| matches!(it, ChunkKind::File { name, bytes: 5, .. } if name == "a"))
        .collect();
    assert_eq!(names, [true, false, false], "{chunks:?}");
    assert!(matches!(&chunks[2], ChunkKind::FilesLeft { count: 1, .. }));
    assert_eq!(outcome(&next).0, Outcome::Exited { code: 3 });
}

#[test]
fn what_was_cancelled_or_has_no_program_gives_nothing_back() {
    let mut bench = Bench::running();
    bench.attempt.collects = true;
    bench.on(running_in_log(true, 1, 50));
    let next = bench.on(end(Cause::Killed));
    assert!(!next.contains(&Next::Collect), "{next:?}");

    let mut bench = Bench::running();
    bench.attempt.collects = true;
    bench.on(end(Cause::Exited { code: 0 }));
    // The cell is gone: our fault, so there is another attempt.
    bench.on(Event::Broken(Breakage::Other("gone".to_owned())));
    let (_, next) = bench.record();
    assert_eq!(reason(&next), "gone");
}
