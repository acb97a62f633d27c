//! Writes stories into the log, many at once.

use std::ops::Range;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use runlog_nats::Log;
use tokio::time::Instant;

use super::story::Story;
use crate::report::say;

/// Stories that are being written at once.
const AT_ONCE: usize = 256;

/// How often it is told how far it has come.
const TELL: Duration = Duration::from_secs(15);

/// What is written of a story.
#[derive(Clone, Copy, Debug)]
enum Part {
    All,
    Submission,
    Rest,
}

/// Writes the stories of those numbers, each a millisecond behind the one before.
pub(crate) async fn write(log: &Log, numbers: Range<u64>, first_ms: u64) -> anyhow::Result<()> {
    write_parts(log, numbers, first_ms, Part::All).await
}

/// The same, and the log may be full to the brim afterwards: it refuses submissions before it
/// refuses anything else, so those of the last quarter come before the rest of it.
pub(crate) async fn fill(log: &Log, executions: u64, first_ms: u64) -> anyhow::Result<()> {
    let early = executions - executions / 4;
    write(log, 0..early, first_ms).await?;
    write_parts(log, early..executions, first_ms, Part::Submission).await?;
    write_parts(log, early..executions, first_ms, Part::Rest).await
}

async fn write_parts(
    log: &Log,
    numbers: Range<u64>,
    first_ms: u64,
    part: Part,
) -> anyhow::Result<()> {
    let began = Instant::now();
    let mut told = began;
    let count = numbers.end - numbers.start;
    let mut written = stream::iter(numbers)
        .map(|number| one(log, Story::new(number, first_ms + number), part))
        .buffer_unordered(AT_ONCE);
    let mut done = 0_u64;
    while written.try_next().await?.is_some() {
        done += 1;
        if told.elapsed() > TELL {
            told = Instant::now();
            say(&format!("{done} of {count} executions are in the log"));
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    say(&format!("wrote {count} executions in {seconds:.1} s"));
    Ok(())
}

/// One execution, or a part of it.
async fn one(log: &Log, story: Story, part: Part) -> anyhow::Result<()> {
    let id = story.id();
    if !matches!(part, Part::Rest) {
        let at_ms = story.submitted().at_ms;
        log.append_submission(id, &story.submission(), at_ms)
            .await
            .context("cannot submit")?;
    }
    if !matches!(part, Part::Submission) {
        let started = log.append_status(id, 0, &story.started()).await?;
        let output = log.append_output(id, &story.output()).await?;
        log.append_status(id, started, &story.finished(output))
            .await?;
    }
    Ok(())
}
