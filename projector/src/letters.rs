//! Looks at the dead letters, so that somebody is told when they pile up.

use std::sync::Arc;

use runlog_nats::{ReadError, StoredLetter};
use tokio_util::sync::CancellationToken;

use crate::run::{Shared, pause_for};

/// Counts until it is told to stop. Only the active projector does, so that they are counted once.
pub(crate) async fn watch_letters(shared: Arc<Shared>, stop: CancellationToken) {
    loop {
        let counted = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            counted = count(&shared) => counted,
        };
        match counted {
            Ok(waiting) => show(&shared, &waiting),
            Err(error) => tracing::debug!(%error, "the dead letters cannot be counted"),
        }
        if !pause_for(shared.config.letters_interval, &stop).await {
            break;
        }
    }
    show(&shared, &Waiting::default());
}

/// Letters that nobody has had tried again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Waiting {
    count: i64,
    oldest_at_ms: Option<u64>,
}

impl Waiting {
    fn add(mut self, stored: &StoredLetter) -> Self {
        let letter = &stored.letter;
        if letter.redriven.is_none() {
            self.count += 1;
            let oldest = self.oldest_at_ms.unwrap_or(letter.at_ms);
            self.oldest_at_ms = Some(oldest.min(letter.at_ms));
        }
        self
    }
}

async fn count(shared: &Shared) -> Result<Waiting, ReadError> {
    let mut waiting = Waiting::default();
    let mut after = 0;
    loop {
        let (letters, more) = shared.log.dead_letters(None, after).await?;
        waiting = letters.iter().fold(waiting, Waiting::add);
        match letters.last() {
            Some(last) if more => after = last.sequence,
            _ => return Ok(waiting),
        }
    }
}

fn show(shared: &Shared, waiting: &Waiting) {
    let now_ms = shared.config.clock.now_ms();
    let age_ms = waiting
        .oldest_at_ms
        .map_or(0, |at| now_ms.saturating_sub(at));
    shared.metrics.dead_letters.set(waiting.count);
    let age_s = i64::try_from(age_ms / 1_000).unwrap_or(i64::MAX);
    shared.metrics.dead_letter_age.set(age_s);
}
