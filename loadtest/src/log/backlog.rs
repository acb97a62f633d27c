//! A projector that finds a full log and empty tables.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::process::Child;
use tokio::time::{Instant, sleep};
use tokio_postgres::Client;

use super::stage::Stage;
use super::{cpu_of, ratio, story};
use crate::processes;
use crate::report::{Figure, Report};

/// How often it is looked how far it has come.
const LOOK: Duration = Duration::from_millis(10);

const FOLDED: &str = "SELECT last_sequence FROM projector_checkpoints";
const STORED: &str = "SELECT count(*) FROM recordings WHERE complete";
/// Quicker than to count, and right once all is folded.
const DUE: &str = "SELECT count(*) FROM (SELECT FROM recordings_due LIMIT 1) AS due";

/// Has a projector fold so many executions. It runs on afterwards.
pub(crate) async fn measure(
    stage: &Stage,
    executions: u64,
    report: &mut Report,
) -> anyhow::Result<Child> {
    let events = executions * story::EVENTS;
    let sql = stage.sql().await?;
    let before = (stage.postgres_cpu()?, stage.nats_cpu()?);
    let began = Instant::now();
    let mut projector = stage
        .command(&["projector", "run"])
        .stdout(Stdio::null())
        .spawn()
        .context("cannot start a projector")?;
    let pid = projector.id().context("the projector has ended")?;
    until(&sql, &mut projector, FOLDED, |now| now >= events).await?;
    let seconds = began.elapsed().as_secs_f64();
    let rate = ratio(events, 1) / seconds;
    report.add(Figure::single("backlog", "events/s", events, rate).at_least("value", 50_000.0));
    cpu(
        report,
        ["backlog_cpu", "backlog_cpu_postgres", "backlog_cpu_nats"],
        events,
        [
            processes::cpu(pid).unwrap_or_default(),
            stage.postgres_cpu()?.saturating_sub(before.0),
            stage.nats_cpu()?.saturating_sub(before.1),
        ],
    );
    until(&sql, &mut projector, DUE, |due| due == 0).await?;
    until(&sql, &mut projector, STORED, |now| now == executions).await?;
    let rate = ratio(executions, 1) / began.elapsed().as_secs_f64();
    report.add(Figure::single(
        "backlog_recorded",
        "executions/s",
        executions,
        rate,
    ));
    cpu(
        report,
        ["recorded_cpu", "recorded_cpu_postgres", "recorded_cpu_nats"],
        events,
        [
            processes::cpu(pid).unwrap_or_default(),
            stage.postgres_cpu()?.saturating_sub(before.0),
            stage.nats_cpu()?.saturating_sub(before.1),
        ],
    );
    Ok(projector)
}

fn cpu(report: &mut Report, names: [&'static str; 3], events: u64, times: [Duration; 3]) {
    for (name, time) in names.into_iter().zip(times) {
        report.add(cpu_of(name, events, time));
    }
}

/// Waits until the answer is what it should be.
async fn until(
    sql: &Client,
    projector: &mut Child,
    question: &str,
    done: impl Fn(u64) -> bool,
) -> anyhow::Result<()> {
    loop {
        let row = sql.query_one(question, &[]).await?;
        if done(row.get::<_, i64>(0).unsigned_abs()) {
            return Ok(());
        }
        if let Some(status) = projector.try_wait()? {
            bail!("the projector ended with {status}");
        }
        sleep(LOOK).await;
    }
}
