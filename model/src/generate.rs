//! Histories at random, and the smallest one that still fails.

use crate::op::{Fault, Op};

/// Most operations of one history.
const LONGEST: u64 = 120;

/// Numbers that look random and are the same for the same seed: splitmix64.
struct Numbers(u64);

impl Numbers {
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut it = self.0;
        it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        it ^ (it >> 31)
    }

    const fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    const fn small(&mut self) -> u8 {
        self.next().to_le_bytes()[0] % 16
    }

    /// Most messages arrive.
    const fn fault(&mut self) -> Fault {
        match self.below(8) {
            0 => Fault::RequestLost,
            1 => Fault::ReplyLost,
            _ => Fault::None,
        }
    }

    const fn op(&mut self) -> Op {
        let (worker, choice) = (self.small(), self.small());
        let (key, projector, viewer) = (self.small(), self.small(), self.small());
        match self.below(64) {
            0..=4 => Op::Submit {
                key,
                fault: self.fault(),
            },
            5 => Op::SubmitOther { key },
            6..=7 => Op::Cancel {
                key,
                fault: self.fault(),
            },
            8..=12 => Op::Pull { worker },
            13..=37 => Op::Step {
                worker,
                choice,
                fault: self.fault(),
            },
            38 => Op::Break { worker, choice },
            39 => Op::GiveUp { worker, choice },
            40..=41 => Op::Beat { worker, choice },
            42 => Op::Pause { worker },
            43 => Op::Resume { worker },
            44 => Op::Kill { worker },
            45 => Op::Shutdown { worker },
            46..=47 => Op::Plan {
                projector,
                events: self.small(),
            },
            48 => Op::Commit { projector },
            49 => Op::KillProjector { projector },
            50 => Op::LoseTables {
                transactions: self.small(),
            },
            51 => Op::Sweep,
            52..=57 => Op::View {
                viewer,
                lifecycle: self.below(2) == 0,
            },
            58 => Op::Reconnect { viewer },
            _ => Op::Pass { ms: self.time() },
        }
    }

    const fn time(&mut self) -> u16 {
        match self.below(5) {
            0 => 1,
            1 => 300,
            2 => 2_000,
            3 => 4_000,
            _ => 11_000,
        }
    }
}

/// The histories of a range of seeds, one for each.
pub fn histories(seeds: std::ops::Range<u64>) -> impl Iterator<Item = (u64, Vec<Op>)> {
    seeds.map(|seed| {
        let mut numbers = Numbers(seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
        let length = 10 + numbers.below(LONGEST - 10);
        let ops = (0..length).map(|_| numbers.op()).collect();
        (seed, ops)
    })
}

/// The smallest history that is left of a failing one when everything is taken out that it can do
/// without.
pub fn shrink(mut ops: Vec<Op>, fails: impl Fn(&[Op]) -> bool) -> Vec<Op> {
    let mut piece = ops.len() / 2;
    while piece > 0 {
        let mut from = 0;
        while from < ops.len() {
            let mut shorter = ops.clone();
            shorter.drain(from..(from + piece).min(ops.len()));
            if fails(&shorter) {
                ops = shorter;
            } else {
                from += piece;
            }
        }
        piece /= 2;
    }
    simplify(ops, fails)
}

/// Takes the faults out that it can do without.
fn simplify(mut ops: Vec<Op>, fails: impl Fn(&[Op]) -> bool) -> Vec<Op> {
    for index in 0..ops.len() {
        let mut simpler = ops.clone();
        match &mut simpler[index] {
            Op::Submit { fault, .. } | Op::Cancel { fault, .. } | Op::Step { fault, .. } => {
                *fault = Fault::None;
            }
            _ => continue,
        }
        if fails(&simpler) {
            ops = simpler;
        }
    }
    ops
}
