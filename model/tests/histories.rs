//! Hundreds of thousands of histories, none of which breaks a promise.

use std::thread;

use runlog_model::{Op, Sabotage, histories, play, play_sabotaged, shrink};

/// How many are played.
const HISTORIES: u64 = 300_000;

/// How many may be needed to notice a part that is broken.
const TO_NOTICE: u64 = 20_000;

/// Fails with the shortest history that fails, ready to be frozen in `reproduction.rs`.
fn fail(seed: u64, ops: Vec<Op>) {
    let ops = shrink(ops, |ops| play(ops).is_err());
    let words = play(&ops).expect_err("what fails once fails again");
    panic!("seed {seed}: {words}\n{ops:#?}");
}

#[test]
fn no_history_breaks_a_promise() {
    let threads = thread::available_parallelism().map_or(1, |it| it.get() as u64);
    let share = HISTORIES / threads;
    thread::scope(|scope| {
        for number in 0..threads {
            let seeds = number * share..(number + 1) * share;
            scope.spawn(move || {
                for (seed, ops) in histories(seeds) {
                    if play(&ops).is_err() {
                        fail(seed, ops);
                    }
                }
            });
        }
    });
}

/// A model that notices nothing would prove nothing.
#[test]
fn every_part_that_is_broken_is_noticed() {
    let noticed =
        |sabotage| histories(0..TO_NOTICE).any(|(_, ops)| play_sabotaged(&ops, sabotage).is_err());
    let unnoticed: Vec<_> = Sabotage::ALL
        .into_iter()
        .filter(|sabotage| !noticed(*sabotage))
        .collect();
    assert!(unnoticed.is_empty(), "{unnoticed:?}");
}

#[test]
fn a_failing_history_is_cut_down_to_what_it_needs() {
    let fails = |ops: &[Op]| play_sabotaged(ops, Sabotage::NoFence).is_err();
    let (_, ops) = histories(0..TO_NOTICE)
        .find(|(_, ops)| fails(ops))
        .expect("it is noticed");
    let short = shrink(ops.clone(), fails);
    assert!(fails(&short));
    assert!(short.len() < ops.len());
    for index in 0..short.len() {
        let mut shorter = short.clone();
        shorter.remove(index);
        assert!(!fails(&shorter), "it needs every operation that is left");
    }
}
