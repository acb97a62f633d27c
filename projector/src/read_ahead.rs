//! Reads the log while what was read before is still being written.

use runlog_nats::{BatchLimit, Log, ReadError, Recorded};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use crate::Error;

/// Batches of the log in order, one of them read in advance. Its task ends with it.
pub(crate) struct ReadAhead {
    batches: mpsc::Receiver<Result<Vec<Recorded>, ReadError>>,
}

impl ReadAhead {
    /// Reads on from behind the sequence `after`.
    pub(crate) fn start(tasks: &TaskTracker, log: &Log, after: u64, limit: BatchLimit) -> Self {
        let (send, batches) = mpsc::channel(1);
        let log = log.clone();
        tasks.spawn(async move {
            tokio::select! {
                () = send.closed() => {}
                Err(error) = read(&log, after, limit, &send) => {
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
    limit: BatchLimit,
    batches: &mpsc::Sender<Result<Vec<Recorded>, ReadError>>,
) -> Result<(), ReadError> {
    let mut tail = log.tail(after + 1).await?;
    while batches
        .send(Ok(tail.next_batch(limit).await?))
        .await
        .is_ok()
    {}
    Ok(())
}
