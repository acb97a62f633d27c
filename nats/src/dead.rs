//! The dead letters: copies of what was given up, for whoever tends the system.

use runlog_schemas::{ExecutionId, WireError, subject};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::fetch::{PageLimit, Stored};
use crate::read::Place;
use crate::{AppendError, Freshness, Log, ReadError, RequestError};

/// A submission that was given up: where it stands and why. The fact itself is the `dead` event
/// of the execution; this is a copy for whoever tends the system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// When it was given up, in milliseconds since 1970.
    pub at_ms: u64,
    /// How often it was tried.
    pub attempts: u32,
    /// What failed last, in words.
    pub reason: String,
    /// Its sequence in [`subject::EXECUTIONS`].
    pub submission_sequence: u64,
    /// What became of it, where somebody had it tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redriven: Option<Redriven>,
}

/// That a dead letter was tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redriven {
    /// The execution that tries it.
    pub to: ExecutionId,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
}

/// A dead letter as it stands in [`subject::DEAD_LETTERS`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredLetter {
    /// Its sequence there.
    pub sequence: u64,
    /// The execution that was given up.
    pub id: ExecutionId,
    /// That execution's language.
    pub language: String,
    /// What is known of it.
    pub letter: DeadLetter,
}

impl Log {
    /// Files a dead letter. Filing it again changes nothing.
    ///
    /// # Errors
    /// When it was not stored, or nobody can tell.
    pub async fn append_dead_letter(
        &self,
        language: &str,
        id: ExecutionId,
        letter: &DeadLetter,
    ) -> Result<(), AppendError> {
        let payload = serde_json::to_vec(letter).expect("plain fields always serialise");
        self.append_once(subject::DEAD_LETTERS, subject::dead(language, id), payload)
            .await
    }

    /// The dead letter of an execution, as the leader knows it.
    ///
    /// # Errors
    /// When the log does not answer, or holds something that cannot be read.
    pub async fn dead_letter(&self, id: ExecutionId) -> Result<Option<StoredLetter>, ReadError> {
        let place = Place {
            stream: subject::DEAD_LETTERS,
            subject: subject::dead("*", id),
            freshness: Freshness::Leader,
        };
        let mut last = None;
        let mut after = 0;
        loop {
            let page = self.next_page(&place, after).await?;
            for stored in &page.messages {
                after = stored.sequence;
                last = Some(stored.letter()?);
            }
            if !page.more {
                return Ok(last);
            }
        }
    }

    /// Some dead letters behind the sequence `after`, the oldest in front, of one language or of
    /// all; and whether there are more.
    ///
    /// # Errors
    /// When the log does not answer, or holds something that cannot be read.
    pub async fn dead_letters(
        &self,
        language: Option<&str>,
        after: u64,
    ) -> Result<(Vec<StoredLetter>, bool), ReadError> {
        let subject = format!("dead.{}.*", language.unwrap_or("*"));
        let stream = subject::DEAD_LETTERS;
        let page = self
            .page(stream, &subject, after + 1, PageLimit::USUAL)
            .await?;
        let letters = page.messages.iter().map(Stored::letter);
        Ok((letters.collect::<Result<_, _>>()?, page.more))
    }

    /// Notes on a dead letter that it is tried again.
    ///
    /// # Errors
    /// [`AppendError::Conflict`] when somebody changed it since it was read.
    pub async fn mark_redriven(
        &self,
        stored: &StoredLetter,
        redriven: Redriven,
    ) -> Result<(), AppendError> {
        let letter = DeadLetter {
            redriven: Some(redriven),
            ..stored.letter.clone()
        };
        let payload = serde_json::to_vec(&letter).expect("plain fields always serialise");
        let subject = subject::dead(&stored.language, stored.id);
        self.append_behind(
            subject::DEAD_LETTERS,
            subject.clone(),
            payload,
            stored.sequence,
        )
        .await?;
        let kept = self.purge_dead(&subject, 1).await;
        if let Err(error) = kept {
            // The older copy is listed beside the newer one until it ages away.
            tracing::warn!(id = %stored.id, %error, "an old copy of a dead letter is left over");
        }
        Ok(())
    }

    /// Removes a dead letter; `false` where there was none. The execution stays as it is.
    ///
    /// # Errors
    /// When the log does not answer.
    pub async fn drop_dead_letter(&self, id: ExecutionId) -> Result<bool, RequestError> {
        let purged = self.purge_dead(&subject::dead("*", id), 0).await?;
        Ok(purged > 0)
    }

    async fn purge_dead(&self, subject: &str, keep: u64) -> Result<u64, RequestError> {
        #[derive(Deserialize)]
        struct Purged {
            purged: u64,
        }
        let request = match keep {
            0 => json!({ "filter": subject }),
            keep => json!({ "filter": subject, "keep": keep }),
        };
        let api = format!("STREAM.PURGE.{}", subject::DEAD_LETTERS);
        let purged: Purged = self.api(&api, &request).await?;
        Ok(purged.purged)
    }
}

impl Stored {
    fn letter(&self) -> Result<StoredLetter, ReadError> {
        let mut tokens = self.subject.split('.').skip(1);
        let language = tokens.next().map(str::to_owned);
        let id = tokens.next().and_then(|id| id.parse::<ExecutionId>().ok());
        let (Some(language), Some(id)) = (language, id) else {
            return Err(ReadError::UnknownSubject {
                stream: subject::DEAD_LETTERS,
                sequence: self.sequence,
                subject: self.subject.clone(),
            });
        };
        let letter =
            serde_json::from_slice(&self.payload).map_err(|error| ReadError::Unreadable {
                stream: subject::DEAD_LETTERS,
                sequence: self.sequence,
                subject: self.subject.clone(),
                source: WireError::Malformed(error),
            })?;
        Ok(StoredLetter {
            sequence: self.sequence,
            id,
            language,
            letter,
        })
    }
}
