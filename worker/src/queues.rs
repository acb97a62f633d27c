//! Which queue to ask next. Pure.

use std::collections::BTreeMap;

use runlog_schemas::Priority;

/// One queue: a language and a priority.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Queue {
    pub(crate) language: String,
    pub(crate) priority: Priority,
}

/// The queues that this worker serves, and which of them may hold something.
///
/// A higher priority comes first, but for one turn in 32 of a lower one that waits; within one, the
/// languages take turns. So a flood of one does not starve another.
#[derive(Debug, Default)]
pub(crate) struct Queues {
    /// By priority, the highest in front.
    lanes: [Lane; 3],
    /// How often in a row a lower priority had to wait for a higher one.
    passed_over: u32,
}

/// One turn in so many goes to a lower priority that waits, so that none waits for ever.
const TURN: u32 = 32;

#[derive(Debug, Default)]
struct Lane {
    /// What is known of each language's queue.
    known: BTreeMap<String, Known>,
    /// The language that was asked last.
    last: String,
}

#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// Submissions that were announced and have not been seen. Other workers may have them.
    announced: u64,
    /// Whether it may hold something although nothing was announced.
    doubted: bool,
}

impl Queues {
    /// Serves a language from now on; its queues may hold something.
    pub(crate) fn add(&mut self, language: &str) {
        for lane in &mut self.lanes {
            lane.known.entry(language.to_owned()).or_default().doubted = true;
        }
    }

    /// A submission came to a queue.
    pub(crate) fn announce(&mut self, queue: &Queue) {
        if let Some(known) = self.known(queue) {
            known.announced += 1;
        }
    }

    /// A queue may hold something.
    pub(crate) fn doubt(&mut self, queue: &Queue) {
        if let Some(known) = self.known(queue) {
            known.doubted = true;
        }
    }

    /// Any queue may hold something.
    pub(crate) fn doubt_all(&mut self) {
        for known in self
            .lanes
            .iter_mut()
            .flat_map(|lane| lane.known.values_mut())
        {
            known.doubted = true;
        }
    }

    /// Whether there is a queue to ask, `background` ones only if they may be.
    pub(crate) fn may_hold_something(&self, background: bool) -> bool {
        self.open(background)
            .iter()
            .any(|lane| lane.known.values().any(Known::may_hold_something))
    }

    /// The queue to ask next, a `background` one only if it may be; `None` while all are known to
    /// be empty.
    pub(crate) fn next(&mut self, background: bool) -> Option<Queue> {
        let waiting: Vec<usize> = (0..self.open(background).len())
            .filter(|lane| self.lanes[*lane].next().is_some())
            .collect();
        let (highest, lowest) = (*waiting.first()?, *waiting.last()?);
        let lane = if highest == lowest {
            highest
        } else {
            self.passed_over += 1;
            match self.passed_over {
                // Each of two lower ones has its turn.
                it if it.is_multiple_of(2 * TURN) => waiting[1],
                it if it.is_multiple_of(TURN) => lowest,
                _ => highest,
            }
        };
        let language = self.lanes[lane].next()?;
        self.lanes[lane].last.clone_from(&language);
        Some(Queue {
            language,
            priority: Priority::ALL[lane],
        })
    }

    fn open(&self, background: bool) -> &[Lane] {
        let closed = usize::from(!background);
        &self.lanes[..self.lanes.len() - closed]
    }

    /// The queue had something.
    pub(crate) fn gave(&mut self, queue: &Queue) {
        if let Some(known) = self.known(queue) {
            known.announced = known.announced.saturating_sub(1);
        }
    }

    /// The queue had nothing. `true` where a submission had been announced: another worker has it,
    /// or the queue is a moment behind its own announcements.
    pub(crate) fn was_empty(&mut self, queue: &Queue) -> bool {
        let known = self.known(queue).map(std::mem::take);
        known.is_some_and(|known| known.announced > 0)
    }

    fn known(&mut self, queue: &Queue) -> Option<&mut Known> {
        let lane = match queue.priority {
            Priority::Interactive => &mut self.lanes[0],
            Priority::Api => &mut self.lanes[1],
            Priority::Background => &mut self.lanes[2],
        };
        lane.known.get_mut(&queue.language)
    }
}

impl Lane {
    fn next(&self) -> Option<String> {
        let candidates = || {
            self.known
                .iter()
                .filter(|(_, known)| known.may_hold_something())
                .map(|(language, _)| language)
        };
        let after = candidates().find(|language| **language > self.last);
        after.or_else(|| candidates().next()).cloned()
    }
}

impl Known {
    const fn may_hold_something(&self) -> bool {
        self.announced > 0 || self.doubted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(language: &str, priority: Priority) -> Queue {
        Queue {
            language: language.to_owned(),
            priority,
        }
    }

    fn queues() -> Queues {
        let mut queues = Queues::default();
        for language in ["c", "go", "python"] {
            queues.add(language);
        }
        assert_eq!(empty_all(&mut queues), 9);
        queues
    }

    /// Asks until nothing is left to ask; how often that was.
    fn empty_all(queues: &mut Queues) -> u32 {
        let mut asked = 0;
        while let Some(queue) = queues.next(true) {
            queues.was_empty(&queue);
            asked += 1;
        }
        asked
    }

    #[test]
    fn a_higher_priority_comes_first_and_languages_take_turns() {
        let mut queues = queues();
        assert!(queues.next(true).is_none());
        for _ in 0..2 {
            queues.announce(&queue("python", Priority::Api));
            queues.announce(&queue("c", Priority::Api));
        }
        queues.announce(&queue("go", Priority::Background));
        queues.announce(&queue("cobol", Priority::Interactive));
        let mut turn = || {
            let next = queues.next(true).unwrap();
            queues.gave(&next);
            next.language
        };
        let turns = [turn(), turn(), turn()];
        assert!(turns == ["c", "python", "c"] || turns == ["python", "c", "python"]);
        let go = queue("go", Priority::Interactive);
        queues.announce(&go);
        assert_eq!(queues.next(true), Some(go));
    }

    #[test]
    fn what_was_announced_is_asked_for_and_no_more() {
        let mut queues = queues();
        let c = queue("c", Priority::Api);
        queues.announce(&c);
        queues.announce(&c);
        queues.gave(&c);
        assert_eq!(queues.next(true), Some(c.clone()));
        queues.gave(&c);
        assert!(!queues.may_hold_something(true));
        queues.announce(&c);
        assert!(queues.was_empty(&c), "it was announced");
        assert!(queues.next(true).is_none());
        queues.doubt(&c);
        assert!(queues.may_hold_something(true));
        assert!(!queues.was_empty(&c));
        queues.doubt_all();
        queues.gave(&c);
        assert_eq!(empty_all(&mut queues), 9, "one may be followed by more");
    }

    #[test]
    fn background_waits_for_leave_and_no_priority_waits_for_ever() {
        let mut queues = queues();
        let lanes = [Priority::Interactive, Priority::Api, Priority::Background];
        let lanes = lanes.map(|priority| queue("c", priority));
        queues.announce(&lanes[2]);
        assert!(!queues.may_hold_something(false));
        assert_eq!(queues.next(false), None);
        assert_eq!(queues.next(true), Some(lanes[2].clone()));
        for lane in &lanes {
            for _ in 0..1_000 {
                queues.announce(lane);
            }
        }
        let mut turns = [0; 3];
        for _ in 0..10 * TURN {
            let next = queues.next(true).unwrap();
            queues.gave(&next);
            turns[lanes.iter().position(|it| *it == next).unwrap()] += 1;
        }
        assert_eq!(turns, [10 * TURN - 10, 5, 5]);
        for _ in 0..10 * TURN {
            assert_ne!(queues.next(false), Some(lanes[2].clone()));
        }
    }
}
