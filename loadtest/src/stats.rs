//! Durations, and what they come to.

use std::time::Duration;

use hdrhistogram::Histogram;

/// The longest duration that is told apart, in nanoseconds.
const LONGEST_NS: u64 = 600_000_000_000;

/// Durations to three figures, whatever their number.
#[derive(Clone, Debug)]
pub(crate) struct Samples(Histogram<u64>);

impl Samples {
    /// No durations yet.
    pub(crate) fn new() -> Self {
        Self(Histogram::new_with_bounds(1, LONGEST_NS, 3).expect("these bounds are valid"))
    }

    /// Takes one.
    pub(crate) fn record(&mut self, time: Duration) {
        let ns = u64::try_from(time.as_nanos()).unwrap_or(LONGEST_NS);
        self.0.saturating_record(ns);
    }

    /// Takes those of another.
    pub(crate) fn add(&mut self, other: &Self) {
        self.0.add(&other.0).expect("all have the same bounds");
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u64 {
        self.0.len()
    }

    /// The duration that so many percent do not exceed, in milliseconds.
    pub(crate) fn percentile_ms(&self, percent: f64) -> f64 {
        to_ms(self.0.value_at_percentile(percent))
    }

    /// The longest, in milliseconds.
    pub(crate) fn max_ms(&self) -> f64 {
        to_ms(self.0.max())
    }
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
fn to_ms(ns: u64) -> f64 {
    ns as f64 / 1e6
}

/// The middle of some numbers; of two middles the lower one.
pub(crate) fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
        .get(sorted.len().saturating_sub(1) / 2)
        .copied()
        .unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn percentiles_of_known_durations() {
        let mut samples = Samples::new();
        for ms in 1..=1_000 {
            samples.record(Duration::from_millis(ms));
        }
        assert_eq!(samples.count(), 1_000);
        for (percent, expected) in [(50.0, 500.0), (90.0, 900.0), (99.0, 990.0)] {
            let found = samples.percentile_ms(percent);
            assert!(
                (found - expected).abs() <= expected / 500.0,
                "{percent}: {found}"
            );
        }
    }

    #[test]
    fn the_middle_of_numbers() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median(&[4.0, 1.0, 3.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!(median(&[]).is_nan());
    }

    proptest! {
        #[test]
        fn percentiles_stand_in_order(times in prop::collection::vec(1_u64..1_000_000, 1..100)) {
            let mut samples = Samples::new();
            for time in &times {
                samples.record(Duration::from_micros(*time));
            }
            let [p50, p90, p99] = [50.0, 90.0, 99.0].map(|it| samples.percentile_ms(it));
            prop_assert!(p50 <= p90 && p90 <= p99 && p99 <= samples.max_ms());
        }
    }
}
