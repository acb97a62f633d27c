//! Those who submit, cancel and watch, and what they expect.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use runlog_client::{Client, Error};
use runlog_schemas::api::{ExecutionView, Status};
use runlog_schemas::{ExecutionId, Outcome};
use tokio::time::sleep;

use super::fault::Dice;
use super::program::Kind;
use super::tally::{Tally, Wrong};
use super::viewer::{self, Seen};

/// Pause after something did not work.
const PAUSE: Duration = Duration::from_millis(100);

/// What the table calls submissions that got a 2xx.
pub(crate) const ACCEPTED: &str = "submissions accepted";

/// What all of them share.
pub(crate) struct Driver {
    pub(crate) clients: Vec<Client>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) session: String,
    pub(crate) seed: u64,
    pub(crate) executions: u64,
    /// When no more is sent.
    pub(crate) until: Option<tokio::time::Instant>,
    pub(crate) next: AtomicU64,
}

/// How long to wait before a submission that was refused is sent again, and counts what was
/// refused as it must not be. `None` where it is in vain.
pub(crate) fn pause_after(tally: &Tally, error: &Error) -> Option<Duration> {
    match error {
        Error::Unreachable { .. } => {
            tally.count("submissions without an answer", 1);
            Some(PAUSE)
        }
        Error::Problem(refused) if matches!(refused.problem.status, 429 | 503) => {
            tally.count("submissions refused for now (429, 503)", 1);
            if refused.retry_after.is_none() {
                let words = format!("a refusal without Retry-After: {error}");
                tally.wrong(Wrong::Refusal, words);
            }
            let asked = refused.retry_after.unwrap_or(PAUSE);
            Some(asked.min(Duration::from_secs(1)))
        }
        _ => {
            tally.wrong(Wrong::Refusal, format!("a submission was refused: {error}"));
            error.is_temporary().then_some(PAUSE)
        }
    }
}

impl Driver {
    /// One after the other, until there are as many as there should be. Everything that was
    /// accepted, with its end.
    pub(crate) async fn work(self: Arc<Self>) -> Vec<(ExecutionId, Box<ExecutionView>)> {
        let mut ended = Vec::new();
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let late = self
                .until
                .is_some_and(|it| tokio::time::Instant::now() >= it);
            if late || number >= self.executions {
                return ended;
            }
            ended.extend(self.one(number).await);
        }
    }

    async fn one(&self, number: u64) -> Option<(ExecutionId, Box<ExecutionView>)> {
        let kind = Kind::of(number);
        let mut dice = Dice::new(self.seed.wrapping_mul(1_000_003).wrapping_add(number));
        let id = self.submit(number, kind, &mut dice).await?;
        let cancel = async {
            if kind == Kind::Cancelled {
                sleep(Duration::from_millis(dice.below(1_500))).await;
                self.cancel(id, number).await;
            }
        };
        let seed = self.seed ^ number;
        let (seen, ()) = tokio::join!(viewer::watch(&self.clients, id, seed), cancel);
        let first = self.judge(id, number, seen)?;
        // Somebody who comes when all is over sees the same.
        if number.is_multiple_of(4) {
            let again = viewer::watch(&self.clients, id, seed + 1).await;
            let second = self.judge(id, number, again)?;
            if second.outcome != first.outcome || second.output != first.output {
                let words = format!("{id}: two viewers were told of two ends");
                self.tally.wrong(Wrong::Viewer, words);
            }
        }
        Some((id, first))
    }

    /// Submits until it is accepted. `None` where it is refused for good.
    async fn submit(&self, number: u64, kind: Kind, dice: &mut Dice) -> Option<ExecutionId> {
        let request = kind.request(number, &self.session);
        let key = format!("{}-{number}", self.session);
        let began = Instant::now();
        loop {
            let client = &self.clients[usize::try_from(dice.below(2)).unwrap_or(0)];
            let error = match client.submit(&request, Some(&key)).await {
                Ok(accepted) => {
                    self.tally.count(ACCEPTED, 1);
                    self.tally
                        .took("submission to 202, with retries", began.elapsed());
                    return Some(accepted.id);
                }
                Err(error) => error,
            };
            sleep(pause_after(&self.tally, &error)?).await;
        }
    }

    /// Cancels until that is clear. A 404 may come from a replica that lags.
    async fn cancel(&self, id: ExecutionId, number: u64) {
        for attempt in number.. {
            let client = &self.clients[usize::try_from(attempt % 2).unwrap_or(0)];
            match client.cancel(id).await {
                Ok(_) => return,
                Err(error) if error.problem().is_some_and(|it| it.status == 409) => return,
                Err(_) => sleep(PAUSE).await,
            }
        }
    }

    /// Compares an end with what the program does.
    fn judge(
        &self,
        id: ExecutionId,
        number: u64,
        seen: Result<Seen, String>,
    ) -> Option<Box<ExecutionView>> {
        let Seen { end, stdout, late } = match seen {
            Ok(seen) => seen,
            Err(words) => {
                self.tally.wrong(Wrong::Viewer, format!("{id}: {words}"));
                return None;
            }
        };
        if late {
            self.tally
                .count("viewers who saw late output of a lost worker", 1);
        }
        if end.status != Status::Ended {
            let words = format!("{id}: the last event is no end");
            self.tally.wrong(Wrong::Viewer, words);
        }
        let kind = Kind::of(number);
        let expected = kind.stdout(number);
        let outcome = end.outcome.clone();
        if matches!(outcome, Some(Outcome::SystemError { .. })) {
            // Three attempts, and each time something of ours was broken.
            self.tally.count("given up after three attempts", 1);
        } else if outcome != Some(kind.outcome()) {
            let words = format!("{id}, {kind:?}, ended as {outcome:?}");
            self.tally.wrong(Wrong::Outcome, words);
        }
        let whole = matches!(
            outcome,
            Some(Outcome::Exited { .. } | Outcome::TimeLimit { .. })
        );
        let fits = if whole {
            stdout == expected.as_bytes()
        } else {
            expected.as_bytes().starts_with(&stdout)
        };
        if !fits {
            let printed = String::from_utf8_lossy(&stdout);
            let words = format!("{id}, {kind:?}, printed {printed:?}");
            self.tally.wrong(Wrong::Output, words);
        }
        Some(end)
    }
}
