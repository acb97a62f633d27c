//! How far the read models lag behind a steady stream: from the answer that an event is in the
//! log to the moment at which a reader of the tables sees it.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::Context as _;
use runlog_nats::Log;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tokio_postgres::Client;

use super::stage::Stage;
use super::story::{EVENTS, Story};
use crate::machine::wall_ms;
use crate::report::{Figure, Report};
use crate::stats::Samples;

/// Events a second.
const RATE: u64 = 1_000;

/// How often it is looked; the figures are that much too large at worst.
const LOOK: Duration = Duration::from_millis(1);

/// An event is that much behind at most, or something is wrong.
const PATIENCE: Duration = Duration::from_secs(60);

/// A sequence of the log, and when it was known to be there.
type Appended = (u64, Instant);

/// Measures for so many seconds.
pub(crate) async fn measure(
    stage: &Stage,
    first: u64,
    seconds: u64,
    report: &mut Report,
) -> anyhow::Result<()> {
    let log = stage.log().await?;
    let sql = stage.sql().await?;
    let (tell, told) = mpsc::unbounded_channel();
    let last = first + seconds * RATE / EVENTS;
    let (written, samples) = tokio::join!(write(&log, first..last, tell), watch(&sql, told));
    written?;
    let figure = Figure::times("projector_lag", &samples?);
    report.add(figure.at_most("p99", 20.0));
    Ok(())
}

/// One execution every three thousandths of a second, each event as soon as the one before it
/// stands; several are under way at once.
async fn write(
    log: &Log,
    numbers: std::ops::Range<u64>,
    tell: mpsc::UnboundedSender<Appended>,
) -> anyhow::Result<()> {
    let mut ticks = interval(Duration::from_micros(1_000_000 * EVENTS / RATE));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut under_way = tokio::task::JoinSet::new();
    for number in numbers {
        ticks.tick().await;
        under_way.spawn(one(
            log.clone(),
            Story::new(number, wall_ms()),
            tell.clone(),
        ));
        while let Some(done) = under_way.try_join_next() {
            done.context("a writer ended")??;
        }
    }
    while let Some(done) = under_way.join_next().await {
        done.context("a writer ended")??;
    }
    Ok(())
}

async fn one(log: Log, story: Story, tell: mpsc::UnboundedSender<Appended>) -> anyhow::Result<()> {
    let id = story.id();
    let tell = |sequence| {
        tell.send((sequence, Instant::now()))
            .context("nobody watches")
    };
    let at_ms = story.submitted().at_ms;
    tell(
        log.append_submission(id, &story.submission(), at_ms)
            .await?,
    )?;
    let started = log.append_status(id, 0, &story.started()).await?;
    tell(started)?;
    let output = log.append_output(id, &story.output()).await?;
    let finished = log
        .append_status(id, started, &story.finished(output))
        .await?;
    tell(finished)
}

/// Looks at the checkpoint until nobody writes and everything has been seen.
async fn watch(
    sql: &Client,
    mut told: mpsc::UnboundedReceiver<Appended>,
) -> anyhow::Result<Samples> {
    let checkpoint = sql
        .prepare("SELECT last_sequence FROM projector_checkpoints")
        .await?;
    let mut samples = Samples::new();
    let mut waiting: VecDeque<Appended> = VecDeque::new();
    loop {
        let ended = loop {
            match told.try_recv() {
                Ok(appended) => waiting.push_back(appended),
                Err(mpsc::error::TryRecvError::Empty) => break false,
                Err(mpsc::error::TryRecvError::Disconnected) => break true,
            }
        };
        let row = sql.query_one(&checkpoint, &[]).await?;
        let seen = row.get::<_, i64>(0).unsigned_abs();
        let now = Instant::now();
        waiting.retain(|(sequence, at)| {
            let is_seen = *sequence <= seen;
            if is_seen {
                samples.record(now - *at);
            }
            !is_seen
        });
        if ended && waiting.is_empty() {
            return Ok(samples);
        }
        let oldest = waiting.front().map_or(now, |(_, at)| *at);
        anyhow::ensure!(now - oldest < PATIENCE, "the projector does not come along");
        sleep(LOOK).await;
    }
}
