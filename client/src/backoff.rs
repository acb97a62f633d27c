//! How long to wait between attempts. Pure.

use std::time::Duration;

/// First pause, before jitter.
const FIRST: Duration = Duration::from_millis(100);

/// Longest pause, before jitter.
const LONGEST: Duration = Duration::from_secs(5);

/// Pauses that double, each one shortened by chance so that many viewers who lost the same edge
/// do not all come back at once.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// The next pause; `chance` is any random number. `asked` is what the server asked for, and
    /// is never undercut.
    pub(crate) fn next(&mut self, chance: u64, asked: Option<Duration>) -> Duration {
        let full = FIRST
            .saturating_mul(1 << self.attempts.min(16))
            .min(LONGEST);
        self.attempts += 1;
        let share = u32::try_from(chance % 1_000).expect("below 1,000");
        match asked {
            Some(asked) => asked.min(Duration::from_secs(60)) + FIRST * share / 1_000,
            None => full / 2 + full / 2 * share / 1_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_pause_lies_between_half_and_all_of_its_step(chances: Vec<u64>) {
            let mut backoff = Backoff::default();
            let mut full = FIRST;
            for chance in chances {
                let pause = backoff.next(chance, None);
                prop_assert!(pause >= full / 2 && pause <= full, "{pause:?} of {full:?}");
                full = (full * 2).min(LONGEST);
            }
        }

        #[test]
        fn a_pause_that_was_asked_for_is_kept(chance: u64, seconds in 0_u64..60) {
            let asked = Duration::from_secs(seconds);
            prop_assert!(Backoff::default().next(chance, Some(asked)) >= asked);
        }
    }
}
