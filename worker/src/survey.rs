//! Finds out which languages this machine can run, and reports it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _, stream};
use runlog_nats::{LanguageReport, now_ms};
use runlog_schemas::LanguageDefinition;
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::toolchain::{self, Toolchains};
use crate::worker::Worker;

/// How many toolchains are looked at at once: runs should not have to wait for this.
const AT_ONCE: usize = 2;

/// Time between two reports, and between two looks at what was missing.
const PERIOD: Duration = Duration::from_secs(300);

/// Pause before a report is sent again that the log did not take.
const PAUSE: Duration = Duration::from_secs(2);

/// Looks at all languages, sends the available ones to the dispatcher, and reports for as long as
/// the worker lives.
pub(crate) async fn survey(
    worker: Arc<Worker>,
    toolchains: Toolchains,
    available: mpsc::Sender<String>,
    stop: CancellationToken,
) {
    let surveying = async {
        let mut reports = Vec::new();
        loop {
            reports = look_at_all(&worker, &toolchains, &reports, &available).await;
            sleep(PERIOD).await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = surveying => {}
    }
}

async fn look_at_all(
    worker: &Worker,
    toolchains: &Toolchains,
    before: &[LanguageReport],
    available: &mpsc::Sender<String>,
) -> Vec<LanguageReport> {
    let mut looks = Vec::new();
    for language in worker.languages.iter() {
        let known = before
            .iter()
            .find(|it| it.id == language.id && it.available);
        let look = async move {
            if let Some(known) = known {
                let at_ms = now_ms();
                return (
                    false,
                    LanguageReport {
                        at_ms,
                        ..known.clone()
                    },
                );
            }
            (true, look(worker, language, toolchains).await)
        };
        looks.push(look.boxed());
    }
    let mut looks = stream::iter(looks).buffer_unordered(AT_ONCE);
    let mut reports = Vec::new();
    while let Some((fresh, report)) = looks.next().await {
        if fresh && report.available {
            worker.served.send_modify(|served| {
                served.insert(report.id.clone(), report.version.clone());
            });
            // The dispatcher goes away before the survey only when the worker stops.
            let _ = available.send(report.id.clone()).await;
        }
        send(worker, &report).await;
        reports.push(report);
    }
    reports
}

async fn look(
    worker: &Worker,
    language: &LanguageDefinition,
    toolchains: &Toolchains,
) -> LanguageReport {
    let probed = match toolchains.missing.get(&language.id) {
        Some(reason) => Err(reason.clone()),
        None => toolchain::probe(&worker.engine, language).await,
    };
    match &probed {
        Ok(version) => {
            worker.cache.learn(&language.id, version);
            tracing::info!(language = language.id, version, "available");
        }
        Err(reason) => tracing::warn!(language = language.id, reason, "not available"),
    }
    LanguageReport {
        id: language.id.clone(),
        available: probed.is_ok(),
        version: probed.as_ref().ok().cloned(),
        reason: probed.err(),
        host: worker.config.host.clone(),
        at_ms: now_ms(),
    }
}

async fn send(worker: &Worker, report: &LanguageReport) {
    while let Err(error) = worker.log.report_language(report).await {
        tracing::warn!(%error, language = report.id, "cannot report a language");
        sleep(PAUSE).await;
    }
}
