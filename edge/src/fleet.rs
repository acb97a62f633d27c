//! The workers, as they report themselves.

use std::time::Duration;

use runlog_nats::Log;
use runlog_schemas::WorkerReport;
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;

/// Pause before the workers are asked for again.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// The workers that there are. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fleet(watch::Sender<Vec<WorkerReport>>);

impl Fleet {
    /// Takes in reports until the edge closes.
    pub(crate) async fn follow(self, log: Log, metrics: Metrics, closing: CancellationToken) {
        tokio::select! {
            () = closing.cancelled() => {}
            () = self.take_all(&log, &metrics) => {}
        }
    }

    async fn take_all(&self, log: &Log, metrics: &Metrics) {
        loop {
            if let Ok(mut reports) = log.watch_worker_reports().await {
                while let Some(read) = reports.next().await {
                    match read {
                        Ok(read) => {
                            metrics.fleet(&read);
                            self.0.send_replace(read);
                        }
                        Err(error) => tracing::warn!(%error, "the workers cannot be read"),
                    }
                }
            }
            sleep(RETRY_PAUSE).await;
            log.connected().await;
        }
    }

    /// All of them, by name.
    pub(crate) fn all(&self) -> Vec<WorkerReport> {
        self.0.borrow().clone()
    }

    /// The versions of a language that workers have, each once.
    pub(crate) fn versions(&self, language: &str) -> Vec<String> {
        let mut versions: Vec<String> = self
            .0
            .borrow()
            .iter()
            .flat_map(|worker| worker.languages.iter())
            .filter(|it| it.id == language)
            .filter_map(|it| it.version.clone())
            .collect();
        versions.sort();
        versions.dedup();
        versions
    }

    /// How many executions in that language can run at once.
    pub(crate) fn slots(&self, language: &str) -> u64 {
        let workers = self.0.borrow();
        let serving = workers
            .iter()
            .filter(|it| !it.draining && it.serves(language, None));
        serving.map(|it| u64::from(it.slots)).sum()
    }
}
