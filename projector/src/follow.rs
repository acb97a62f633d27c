//! Reads the log from the checkpoint on and has it written, batch by batch.

use std::convert::Infallible;
use std::time::Duration;

use runlog_nats::Recorded;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::Error;
use crate::read_ahead::ReadAhead;
use crate::run::Shared;
use crate::store::Store;

/// Folds the log for as long as nothing fails.
pub(crate) async fn follow(
    shared: &Shared,
    store: &mut Store,
    tasks: &TaskTracker,
) -> Result<Infallible, Error> {
    let mut checkpoint = store.checkpoint().await?;
    shared.checkpoint.send_replace(checkpoint);
    let mut batches = ReadAhead::start(tasks, &shared.log, checkpoint, &shared.config);
    tracing::info!(checkpoint, "folding the log");
    loop {
        let mut events = batches.next().await?;
        // A reader that was made anew may begin at the beginning again.
        events.retain(|event| event.sequence > checkpoint);
        count_lost(shared, checkpoint, &events);
        let began = Instant::now();
        let written = store.write(checkpoint, &events).await?;
        checkpoint = written.checkpoint;
        shared.checkpoint.send_replace(checkpoint);
        shared.metrics.ignored.inc_by(written.ignored as u64);
        measure(shared, &events, began);
        if written.due {
            shared.recordings_due.notify_one();
        }
    }
}

/// Nothing can bring back what left the log too early; it must not go unnoticed either.
fn count_lost(shared: &Shared, checkpoint: u64, events: &[Recorded]) {
    let Some(first) = events.first() else { return };
    let lost = first.sequence - checkpoint - 1;
    if lost > 0 {
        shared.metrics.lost.inc_by(lost);
        tracing::error!(
            from = checkpoint + 1,
            to = first.sequence - 1,
            "these events left the log before they were folded"
        );
    }
}

fn measure(shared: &Shared, events: &[Recorded], began: Instant) {
    let Some(first) = events.first() else { return };
    let metrics = &shared.metrics;
    metrics.events.inc_by(events.len() as u64);
    metrics.batch_events.observe(count(events.len()));
    metrics.batch_seconds.observe(began.elapsed().as_secs_f64());
    let now_ms = shared.config.clock.now_ms();
    let lag = Duration::from_millis(now_ms.saturating_sub(first.event.at_ms));
    metrics.lag_seconds.observe(lag.as_secs_f64());
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a batch has far fewer events than a float has digits"
)]
const fn count(events: usize) -> f64 {
    events as f64
}
