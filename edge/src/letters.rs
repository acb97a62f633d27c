//! Looks through the dead letters, the oldest first.

use runlog_nats::StoredLetter;
use runlog_schemas::api::DeadLetterView;

use crate::error::EdgeError;
use crate::state::Edge;

/// Which letters are looked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// Only of this language, by id.
    pub(crate) language: Option<String>,
    /// Only with this text in the reason, in lower case.
    pub(crate) reason: Option<String>,
    /// Only given up at or after, in milliseconds since 1970.
    pub(crate) since_ms: Option<u64>,
    /// Only given up before, in milliseconds since 1970.
    pub(crate) until_ms: Option<u64>,
    /// Only those that were tried again, or only those that were not.
    pub(crate) redriven: Option<bool>,
}

/// Letters that were found, and where to go on; `None` at the end.
pub(crate) struct Found {
    pub(crate) letters: Vec<StoredLetter>,
    pub(crate) next: Option<u64>,
}

impl Wanted {
    fn takes(&self, stored: &StoredLetter) -> bool {
        let letter = &stored.letter;
        self.since_ms.is_none_or(|since| letter.at_ms >= since)
            && self.until_ms.is_none_or(|until| letter.at_ms < until)
            && self
                .redriven
                .is_none_or(|redriven| letter.redriven.is_some() == redriven)
            && self
                .reason
                .as_ref()
                .is_none_or(|reason| letter.reason.to_lowercase().contains(reason))
    }
}

/// Looks for letters behind the sequence `after`.
///
/// # Errors
/// When the log does not answer, or holds something that cannot be read.
pub(crate) async fn find(
    edge: &Edge,
    wanted: &Wanted,
    mut after: u64,
    limit: usize,
) -> Result<Found, EdgeError> {
    let mut letters = Vec::new();
    loop {
        let (page, more) = edge
            .log
            .dead_letters(wanted.language.as_deref(), after)
            .await?;
        let count = page.len();
        for (place, stored) in page.into_iter().enumerate() {
            after = stored.sequence;
            if wanted.takes(&stored) {
                letters.push(stored);
            }
            if letters.len() == limit {
                let next = (more || place + 1 < count).then_some(after);
                return Ok(Found { letters, next });
            }
        }
        if !more || count == 0 {
            return Ok(Found {
                letters,
                next: None,
            });
        }
    }
}

/// A letter as users see it.
pub(crate) fn view(stored: &StoredLetter) -> DeadLetterView {
    let letter = &stored.letter;
    DeadLetterView {
        id: stored.id,
        language: stored.language.clone(),
        at_ms: letter.at_ms,
        attempts: letter.attempts,
        reason: letter.reason.clone(),
        redriven_as: letter.redriven.map(|it| it.to),
        redriven_at_ms: letter.redriven.map(|it| it.at_ms),
        execution: None,
    }
}

#[cfg(test)]
mod tests {
    use runlog_nats::{DeadLetter, Redriven};
    use runlog_schemas::ExecutionId;

    use super::*;

    #[test]
    fn everything_that_is_given_must_fit() {
        let id: ExecutionId = "01941f29-7c00-7000-8000-000000000001".parse().unwrap();
        let stored = StoredLetter {
            sequence: 1,
            id,
            language: "c".to_owned(),
            letter: DeadLetter {
                at_ms: 10,
                attempts: 3,
                reason: "No Cell could be made".to_owned(),
                submission_sequence: 5,
                redriven: None,
            },
        };
        let base = Wanted {
            reason: Some("no cell".to_owned()),
            since_ms: Some(10),
            until_ms: Some(11),
            ..Wanted::default()
        };
        assert!(Wanted::default().takes(&stored) && base.takes(&stored));
        for other in [
            Wanted {
                reason: Some("lost".to_owned()),
                ..base.clone()
            },
            Wanted {
                since_ms: Some(11),
                ..base.clone()
            },
            Wanted {
                until_ms: Some(10),
                ..base.clone()
            },
            Wanted {
                redriven: Some(true),
                ..base.clone()
            },
        ] {
            assert!(!other.takes(&stored), "{other:?}");
        }
        let mut again = stored;
        again.letter.redriven = Some(Redriven { to: id, at_ms: 20 });
        assert!(
            Wanted {
                redriven: Some(true),
                ..base
            }
            .takes(&again)
        );
        assert_eq!(view(&again).redriven_as, Some(id));
    }
}
