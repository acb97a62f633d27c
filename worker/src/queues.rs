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
/// A higher priority always comes first; within one, the languages take turns, so that a flood
/// of one does not starve another.
#[derive(Debug, Default)]
pub(crate) struct Queues {
    /// By priority, the highest in front.
    lanes: [Lane; 3],
}

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

    /// Whether there is a queue to ask.
    pub(crate) fn may_hold_something(&self) -> bool {
        self.lanes
            .iter()
            .any(|lane| lane.known.values().any(Known::may_hold_something))
    }

    /// The queue to ask next; `None` while all are known to be empty.
    pub(crate) fn next(&mut self) -> Option<Queue> {
        for (lane, priority) in self.lanes.iter_mut().zip(Priority::ALL) {
            if let Some(language) = lane.next() {
                lane.last.clone_from(&language);
                return Some(Queue { language, priority });
            }
        }
        None
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
        while let Some(queue) = queues.next() {
            queues.was_empty(&queue);
            asked += 1;
        }
        asked
    }

    #[test]
    fn a_higher_priority_comes_first_and_languages_take_turns() {
        let mut queues = queues();
        assert!(queues.next().is_none());
        for _ in 0..2 {
            queues.announce(&queue("python", Priority::Api));
            queues.announce(&queue("c", Priority::Api));
        }
        queues.announce(&queue("go", Priority::Background));
        queues.announce(&queue("cobol", Priority::Interactive));
        let mut turn = || {
            let next = queues.next().unwrap();
            queues.gave(&next);
            next.language
        };
        let turns = [turn(), turn(), turn()];
        assert!(turns == ["c", "python", "c"] || turns == ["python", "c", "python"]);
        let go = queue("go", Priority::Interactive);
        queues.announce(&go);
        assert_eq!(queues.next(), Some(go));
    }

    #[test]
    fn what_was_announced_is_asked_for_and_no_more() {
        let mut queues = queues();
        let c = queue("c", Priority::Api);
        queues.announce(&c);
        queues.announce(&c);
        queues.gave(&c);
        assert_eq!(queues.next(), Some(c.clone()));
        queues.gave(&c);
        assert!(!queues.may_hold_something());
        queues.announce(&c);
        assert!(queues.was_empty(&c), "it was announced");
        assert!(queues.next().is_none());
        queues.doubt(&c);
        assert!(queues.may_hold_something());
        assert!(!queues.was_empty(&c));
        queues.doubt_all();
        queues.gave(&c);
        assert_eq!(empty_all(&mut queues), 9, "one may be followed by more");
    }
}
