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
    /// How many hints each language has had since its queue was found empty last.
    hints: BTreeMap<String, u64>,
    /// The language that was asked last.
    last: String,
}

/// A queue to ask; goes back with the answer.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) queue: Queue,
    hints: u64,
}

impl Queues {
    /// Serves a language from now on; its queues may hold something.
    pub(crate) fn add(&mut self, language: &str) {
        for lane in &mut self.lanes {
            lane.hints.insert(language.to_owned(), 1);
        }
    }

    /// Something was put into a queue.
    pub(crate) fn hint(&mut self, language: &str, priority: Priority) {
        if let Some(hints) = self.lanes[index(priority)].hints.get_mut(language) {
            *hints += 1;
        }
    }

    /// Any queue may hold something.
    pub(crate) fn hint_all(&mut self) {
        for hints in self
            .lanes
            .iter_mut()
            .flat_map(|lane| lane.hints.values_mut())
        {
            *hints += 1;
        }
    }

    /// Whether there is a queue to ask.
    pub(crate) fn may_hold_something(&self) -> bool {
        self.lanes
            .iter()
            .any(|lane| lane.hints.values().any(|hints| *hints > 0))
    }

    /// The queue to ask next; `None` while all are known to be empty.
    pub(crate) fn next(&mut self) -> Option<Turn> {
        for (lane, priority) in self.lanes.iter_mut().zip(Priority::ALL) {
            if let Some((language, hints)) = lane.next() {
                lane.last.clone_from(&language);
                return Some(Turn {
                    queue: Queue { language, priority },
                    hints,
                });
            }
        }
        None
    }

    /// The queue had nothing. A hint that came after the question keeps it on the list.
    pub(crate) fn was_empty(&mut self, turn: &Turn) {
        let lane = &mut self.lanes[index(turn.queue.priority)];
        if let Some(hints) = lane.hints.get_mut(&turn.queue.language) {
            *hints -= turn.hints;
        }
    }
}

impl Lane {
    fn next(&self) -> Option<(String, u64)> {
        let hinted = |(_, hints): &(&String, &u64)| **hints > 0;
        let after = self
            .hints
            .iter()
            .filter(hinted)
            .find(|(language, _)| **language > self.last);
        let (language, hints) = after.or_else(|| self.hints.iter().find(hinted))?;
        Some((language.clone(), *hints))
    }
}

fn index(priority: Priority) -> usize {
    match priority {
        Priority::Interactive => 0,
        Priority::Api => 1,
        Priority::Background => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queues() -> Queues {
        let mut queues = Queues::default();
        for language in ["c", "go", "python"] {
            queues.add(language);
        }
        while let Some(turn) = queues.next() {
            queues.was_empty(&turn);
        }
        queues
    }

    fn next(queues: &mut Queues) -> Option<(String, Priority)> {
        let queue = queues.next()?.queue;
        Some((queue.language, queue.priority))
    }

    #[test]
    fn a_higher_priority_comes_first_and_languages_take_turns() {
        let mut queues = queues();
        assert!(queues.next().is_none());
        queues.hint("python", Priority::Api);
        queues.hint("c", Priority::Api);
        queues.hint("go", Priority::Background);
        queues.hint("cobol", Priority::Interactive);
        let turns: Vec<_> = (0..3).map(|_| next(&mut queues).unwrap().0).collect();
        assert!(turns == ["c", "python", "c"] || turns == ["python", "c", "python"]);
        queues.hint("go", Priority::Interactive);
        assert_eq!(
            next(&mut queues),
            Some(("go".to_owned(), Priority::Interactive))
        );
    }

    #[test]
    fn an_empty_queue_is_left_alone_until_the_next_hint() {
        let mut queues = queues();
        queues.hint("c", Priority::Api);
        let turn = queues.next().unwrap();
        queues.hint("c", Priority::Api);
        queues.was_empty(&turn);
        let turn = queues.next().expect("a hint came after the question");
        queues.was_empty(&turn);
        assert!(queues.next().is_none());
        queues.hint_all();
        let mut asked = 0;
        while let Some(turn) = queues.next() {
            queues.was_empty(&turn);
            asked += 1;
        }
        assert_eq!(asked, 9);
    }
}
