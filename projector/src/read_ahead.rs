//! Reads the log while what was read before is still being written.

use std::time::Duration;

use runlog_nats::{BatchLimit, Log, ReadError, Recorded};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::task::TaskTracker;

use crate::{Config, Error};

/// Batches of the log in order, one of them read in advance. Its task ends with it.
pub(crate) struct ReadAhead {
    batches: mpsc::Receiver<Result<Vec<Recorded>, ReadError>>,
}

impl ReadAhead {
    /// Reads on from behind the sequence `after`, batches at least `pace` apart unless more waits in
    /// the log: what comes in quick succession shares a transaction.
    pub(crate) fn start(tasks: &TaskTracker, log: &Log, after: u64, config: &Config) -> Self {
        let (limit, pace) = (config.batch, config.pace);
        let (send, batches) = mpsc::channel(1);
        let log = log.clone();
        tasks.spawn(async move {
            tokio::select! {
                () = send.closed() => {}
                Err(error) = read(&log, after, (limit, pace), &send) => {
                    // Whoever has gone does not need to know.
                    let _ = send.send(Err(error)).await;
                }
            }
        });
        Self { batches }
    }

    /// The next batch, when there is one. May be dropped and called again.
    pub(crate) async fn next(&mut self) -> Result<Vec<Recorded>, Error> {
        let batch = self.batches.recv().await;
        Ok(batch.expect("the reader tells why it ends")?)
    }
}

async fn read(
    log: &Log,
    after: u64,
    (limit, pace): (BatchLimit, Duration),
    batches: &mpsc::Sender<Result<Vec<Recorded>, ReadError>>,
) -> Result<(), ReadError> {
    let mut tail = log.tail(after + 1).await?;
    loop {
        let batch = tail.next_batch(limit).await?;
        let pace = if tail.is_behind() {
            Duration::ZERO
        } else {
            pace
        };
        let next = Instant::now() + pace;
        if batches.send(Ok(batch)).await.is_err() {
            return Ok(());
        }
        sleep_until(next).await;
    }
}
