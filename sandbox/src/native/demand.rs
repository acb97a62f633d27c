//! How many cells of a kind should wait: as many as came at once lately.

use std::time::{Duration, Instant};

/// Cells that are taken within this time were wanted at once: a new one is not there sooner.
const AT_ONCE: Duration = Duration::from_millis(100);

/// After this time without as many the demand is taken to be half of what it was.
const HALF_LIFE: Duration = Duration::from_secs(30);

/// What was asked for lately. Pure.
#[derive(Debug)]
pub(super) struct Demand {
    least: usize,
    most: usize,
    burst_began: Instant,
    in_burst: usize,
    peak: usize,
    peak_seen: Instant,
}

impl Demand {
    /// Between `least` and `most` cells are wanted.
    pub(super) fn new(least: usize, most: usize, now: Instant) -> Self {
        Self {
            least,
            most,
            burst_began: now,
            in_burst: 0,
            peak: 0,
            peak_seen: now,
        }
    }

    /// A cell was asked for.
    pub(super) fn taken(&mut self, now: Instant) {
        if now.saturating_duration_since(self.burst_began) >= AT_ONCE {
            self.burst_began = now;
            self.in_burst = 0;
        }
        self.in_burst += 1;
        if self.in_burst >= self.peak(now) {
            self.peak = self.in_burst;
            self.peak_seen = now;
        }
    }

    /// How many cells should wait now.
    pub(super) fn target(&self, now: Instant) -> usize {
        // One more than came at once, as the next burst may be larger.
        let wanted = match self.peak(now) {
            0 => 0,
            peak => peak + 1,
        };
        wanted.clamp(self.least, self.most.max(self.least))
    }

    fn peak(&self, now: Instant) -> usize {
        let passed = now.saturating_duration_since(self.peak_seen);
        let halvings = passed.as_secs() / HALF_LIFE.as_secs();
        let halvings = u32::try_from(halvings).unwrap_or(u32::MAX);
        self.peak.checked_shr(halvings).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_remembered_and_forgotten() {
        let start = Instant::now();
        let mut demand = Demand::new(1, 8, start);
        assert_eq!(demand.target(start), 1);
        for _ in 0..4 {
            demand.taken(start);
        }
        assert_eq!(demand.target(start), 5);
        assert_eq!(demand.target(start + HALF_LIFE), 3);
        assert_eq!(demand.target(start + 5 * HALF_LIFE), 1);
        assert_eq!(demand.target(start + 1000 * HALF_LIFE), 1);
    }

    #[test]
    fn takes_that_are_far_apart_are_no_burst() {
        let start = Instant::now();
        let mut demand = Demand::new(0, 8, start);
        assert_eq!(demand.target(start), 0);
        for nth in 0..20 {
            demand.taken(start + nth * AT_ONCE);
        }
        assert_eq!(demand.target(start + 20 * AT_ONCE), 2);
    }

    #[test]
    fn the_target_keeps_within_its_bounds() {
        let start = Instant::now();
        let mut demand = Demand::new(2, 4, start);
        for _ in 0..100 {
            demand.taken(start);
        }
        assert_eq!(demand.target(start), 4);
        assert_eq!(demand.target(start + 100 * HALF_LIFE), 2);
    }
}
