//! Reports the worker itself, for as long as it lives.

use std::sync::Arc;
use std::time::Duration;

use runlog_nats::now_ms;
use runlog_schemas::{ParkedCells, WorkerLanguage, WorkerReport};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::parked::ANY;
use crate::worker::Worker;

/// Time between two reports.
const PERIOD: Duration = Duration::from_secs(10);

/// Time between two looks at whether there is something new to report.
const LOOK: Duration = Duration::from_secs(1);

/// Time between two reports when something keeps changing.
const SHORTEST: Duration = Duration::from_millis(200);

/// How long the end of a worker may be held up to take it off the list.
const FAREWELL: Duration = Duration::from_secs(2);

/// Reports until nothing runs any more, and then takes the worker off the list.
pub(crate) async fn report(worker: Arc<Worker>, over: CancellationToken) {
    let started_at_ms = now_ms();
    let mut changes = worker.languages_served();
    loop {
        let began = Instant::now();
        let report = describe(&worker, started_at_ms);
        if let Err(error) = worker.log.report_worker(&report).await {
            tracing::warn!(%error, "cannot report this worker");
        }
        tokio::select! {
            biased;
            () = over.cancelled() => break,
            () = worker.draining.cancelled(), if !report.draining => {}
            Ok(()) = changes.changed() => sleep_until(began + SHORTEST).await,
            () = outdated(&worker, &report, began) => {}
        }
    }
    let farewell = worker.log.forget_worker(&worker.config.name);
    // Without the log it is forgotten by itself.
    let _ = timeout(FAREWELL, farewell).await;
}

/// Returns when a report is too old to stand: after [`PERIOD`], or as soon as a look shows other
/// slots or cells.
async fn outdated(worker: &Worker, report: &WorkerReport, began: Instant) {
    let mut look = began + LOOK;
    while look < began + PERIOD {
        sleep_until(look).await;
        let cells =
            |parked: &[ParkedCells]| -> Vec<u32> { parked.iter().map(|it| it.cells).collect() };
        let same = cells(&parked(worker)) == cells(&report.parked);
        if free_slots(worker) != report.free_slots || !same {
            return;
        }
        look += LOOK;
    }
    sleep_until(began + PERIOD).await;
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn free_slots(worker: &Worker) -> u32 {
    count(worker.config.slots.saturating_sub(worker.running_now()))
}

fn parked(worker: &Worker) -> Vec<ParkedCells> {
    let parked = worker.engine.parked().into_iter().map(|it| ParkedCells {
        host: it.warm.unwrap_or_else(|| ANY.to_owned()),
        cells: count(it.cells),
        memory_bytes: it.memory_bytes,
    });
    parked.collect()
}

fn describe(worker: &Worker, started_at_ms: u64) -> WorkerReport {
    let (memory_bytes, available_memory_bytes) = memory();
    WorkerReport {
        name: worker.config.name.clone(),
        host: worker.config.host.clone(),
        engine: worker.engine.name().to_owned(),
        slots: count(worker.config.slots),
        free_slots: free_slots(worker),
        languages: worker
            .languages_served()
            .borrow()
            .iter()
            .map(|(id, version)| WorkerLanguage {
                id: id.clone(),
                version: version.clone(),
            })
            .collect(),
        memory_bytes,
        available_memory_bytes,
        started_at_ms,
        draining: worker.draining.is_cancelled(),
        missing_layers: worker.config.missing_layers.clone(),
        parked: parked(worker),
        at_ms: now_ms(),
    }
}

/// All of the machine's memory and what of it is available, in bytes; 0 where it does not tell.
fn memory() -> (u64, u64) {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    (field(&text, "MemTotal:"), field(&text, "MemAvailable:"))
}

/// A line of `/proc/meminfo`: `MemTotal:       24689764 kB`.
fn field(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let kilobytes = line.and_then(|rest| rest.trim().strip_suffix(" kB"));
    let kilobytes = kilobytes.and_then(|it| it.trim().parse::<u64>().ok());
    kilobytes.map_or(0, |it| it.saturating_mul(1024))
}

#[cfg(test)]
mod tests {
    #[test]
    fn memory_is_read_in_bytes() {
        let text = "MemTotal:       24689764 kB\nMemFree: 1 kB\nMemAvailable:     20 kB\n";
        assert_eq!(super::field(text, "MemTotal:"), 24_689_764 * 1024);
        assert_eq!(super::field(text, "MemAvailable:"), 20_480);
        assert_eq!(super::field(text, "SwapTotal:"), 0);
        let (all, available) = super::memory();
        assert!(all >= available && available > 0);
    }
}
