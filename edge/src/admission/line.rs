//! What is known of one queue, and whether one more may join it. Pure.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use runlog_nats::QueueDepth;

/// A session may have this share of a queue's capacity waiting.
const SESSION_SHARE: u64 = 4;

/// Where nothing is known of how fast a queue is worked off.
const UNKNOWN_WAIT: Duration = Duration::from_secs(10);
/// The shortest and the longest time that anybody is sent away for.
const WAITS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(120));

/// One queue, as this edge knows it.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// At the last look.
    depth: QueueDepth,
    /// How long ago the first look was, at the last one; `None` before the first.
    looked_at: Option<Duration>,
    /// Appended through this edge, ever.
    entered: u64,
    /// Appended through this edge since the last look began.
    entered_since: u64,
    /// On their way into the log.
    entering: u64,
    /// Deliveries in a second, while there was something to deliver.
    drain_rate: Option<f64>,
    /// What each session has waiting, as far as it came through this edge.
    sessions: HashMap<String, Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    entering: u64,
    /// Their sequences in the log, in order.
    sequences: VecDeque<u64>,
}

impl Waiting {
    fn count(&self) -> u64 {
        self.entering + self.sequences.len() as u64
    }
}

/// Why one may not join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full {
    /// How many wait: in the queue, or of the session.
    pub(super) waiting: u64,
    /// How many may.
    pub(super) capacity: u64,
    /// Whether it is the session's share that is used up.
    pub(super) of_session: bool,
    /// After that time there should be room.
    pub(super) retry_after: Duration,
}

impl Line {
    /// How many wait, as far as this edge knows.
    pub(super) fn waiting(&self) -> u64 {
        self.depth.waiting + self.entered_since + self.entering
    }

    /// Joins the queue, if there is room. A session that has next to nothing waiting is let in
    /// above the capacity, up to twice, so that a flood of others does not shut it out.
    pub(super) fn join(&mut self, capacity: u64, session: Option<&str>) -> Result<(), Full> {
        let waiting = self.waiting();
        let share = (capacity / SESSION_SHARE).max(1);
        let own = session.map(|name| self.sessions.get(name).map_or(0, Waiting::count));
        let modest = own.is_some_and(|own| own < (share / SESSION_SHARE).max(1));
        let bound = if modest { capacity * 2 } else { capacity };
        let full = match own {
            Some(own) if own >= share => Some((own, share, true)),
            _ if waiting >= bound => Some((waiting, bound, false)),
            _ => None,
        };
        if let Some((waiting, capacity, of_session)) = full {
            return Err(Full {
                waiting,
                capacity,
                of_session,
                retry_after: self.retry_after(waiting + 1 - capacity, capacity),
            });
        }
        self.entering += 1;
        if let Some(name) = session {
            self.sessions.entry(name.to_owned()).or_default().entering += 1;
        }
        Ok(())
    }

    /// One that joined is in the log, or will not be.
    pub(super) fn settle(&mut self, session: Option<&str>, sequence: Option<u64>) {
        self.entering -= 1;
        if sequence.is_some() {
            self.entered += 1;
            self.entered_since += 1;
        }
        let Some(waiting) = session.and_then(|name| self.sessions.get_mut(name)) else {
            return;
        };
        waiting.entering -= 1;
        if let Some(sequence) = sequence {
            // Appends that went out together may be answered in any order.
            let place = waiting.sequences.partition_point(|it| *it < sequence);
            waiting.sequences.insert(place, sequence);
        }
    }

    /// To be given to [`Line::looked`]: what is in the log by now is part of what is seen.
    pub(super) const fn before_look(&self) -> u64 {
        self.entered
    }

    /// Takes in what a look saw, at a time since the first one.
    pub(super) fn looked(&mut self, depth: QueueDepth, entered_before: u64, at: Duration) {
        if let Some(before) = self.looked_at {
            let time = at.saturating_sub(before).as_secs_f64();
            let delivered = depth.deliveries.saturating_sub(self.depth.deliveries);
            if time > 0.0 {
                self.measure(delivered as f64 / time);
            }
        }
        self.looked_at = Some(at);
        self.depth = depth;
        self.entered_since = self.entered - entered_before;
        self.sessions.retain(|_, waiting| {
            let left = |it: &u64| *it <= depth.delivered_up_to;
            let gone = waiting.sequences.iter().take_while(|it| left(it)).count();
            waiting.sequences.drain(..gone);
            waiting.count() > 0
        });
    }

    /// A queue in which nothing waited was worked off as fast as it was filled, not as fast as it
    /// could be.
    fn measure(&mut self, rate: f64) {
        self.drain_rate = Some(match self.drain_rate {
            None => rate,
            Some(before) if self.depth.waiting == 0 => before.max(rate),
            Some(before) => f64::midpoint(before, rate),
        });
    }

    /// The time until there is room for one, and for a tenth more, so that not everybody who was
    /// sent away comes back to a full queue.
    fn retry_after(&self, over: u64, capacity: u64) -> Duration {
        let to_go = (over + capacity / 10) as f64;
        let wait = match self.drain_rate {
            Some(rate) if rate > 0.0 => to_go / rate,
            Some(_) | None => UNKNOWN_WAIT.as_secs_f64(),
        };
        let wait = wait.clamp(WAITS.0.as_secs_f64(), WAITS.1.as_secs_f64());
        Duration::from_secs_f64(wait.ceil())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn depth(waiting: u64, deliveries: u64, delivered_up_to: u64) -> QueueDepth {
        QueueDepth {
            waiting,
            leased: 0,
            deliveries,
            delivered_up_to,
        }
    }

    fn enter(line: &mut Line, session: Option<&str>, sequence: u64) {
        line.join(100, session).unwrap();
        line.settle(session, Some(sequence));
    }

    #[test]
    fn what_is_on_its_way_counts_and_what_failed_does_not() {
        let mut line = Line::default();
        assert_eq!((line.join(2, None), line.join(2, None)), (Ok(()), Ok(())));
        let full = line.join(2, None).unwrap_err();
        assert_eq!(
            (full.waiting, full.capacity, full.of_session),
            (2, 2, false)
        );
        line.settle(None, None);
        assert_eq!(line.join(2, None), Ok(()));
        line.settle(None, Some(1));
        let before = line.before_look();
        line.settle(None, Some(2));
        assert_eq!(line.waiting(), 2);
        // The look sees the first; the second came too late for it.
        line.looked(depth(1, 0, 0), before, SECOND);
        assert_eq!(line.waiting(), 2);
        line.looked(depth(0, 2, 2), line.before_look(), 2 * SECOND);
        assert_eq!(line.waiting(), 0);
    }

    #[test]
    fn one_session_can_not_fill_a_queue_and_a_full_one_lets_modest_ones_in() {
        let mut line = Line::default();
        for sequence in 1..=25 {
            enter(&mut line, Some("flood"), sequence);
        }
        let full = line.join(100, Some("flood")).unwrap_err();
        assert_eq!(
            (full.waiting, full.capacity, full.of_session),
            (25, 25, true)
        );
        for sequence in 26..=100 {
            enter(&mut line, None, sequence);
        }
        assert!(!line.join(100, None).unwrap_err().of_session);
        for sequence in 101..=106 {
            enter(&mut line, Some("modest"), sequence);
        }
        assert!(!line.join(100, Some("modest")).unwrap_err().of_session);
        enter(&mut line, Some("another"), 107);
        // What was delivered has left the queue.
        line.looked(depth(97, 10, 10), line.before_look(), SECOND);
        enter(&mut line, Some("flood"), 108);
        line.looked(depth(0, 108, 108), line.before_look(), 2 * SECOND);
        assert!(line.sessions.is_empty());
    }

    #[test]
    fn who_is_sent_away_is_told_when_there_will_be_room() {
        let mut line = Line::default();
        line.looked(depth(100, 0, 0), 0, Duration::ZERO);
        assert_eq!(line.join(100, None).unwrap_err().retry_after, UNKNOWN_WAIT);
        line.looked(depth(100, 10, 10), 0, 2 * SECOND);
        // Five a second: one has to go, and a tenth more.
        assert_eq!(line.join(100, None).unwrap_err().retry_after, 3 * SECOND);
        line.looked(depth(1_000_000, 20, 20), 0, 4 * SECOND);
        assert_eq!(line.join(100, None).unwrap_err().retry_after, WAITS.1);
        line.looked(depth(100, 10_020, 9_000), 0, 6 * SECOND);
        assert_eq!(line.join(100, None).unwrap_err().retry_after, WAITS.0);
        // Idle time is no measure.
        line.looked(depth(0, 10_120, 9_000), 0, 7 * SECOND);
        line.looked(depth(0, 10_120, 9_000), 0, 100 * SECOND);
        assert!(line.drain_rate.unwrap() > 1_000.0);
    }
}
