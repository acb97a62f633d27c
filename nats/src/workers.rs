//! The workers, as they report themselves: a key-value bucket with one key for each.

use std::time::Duration;

use runlog_schemas::WorkerReport;

use crate::bucket::{Entries, Entry};
use crate::{AppendError, Log, ReadError, RequestError};

impl Entry for WorkerReport {
    const BUCKET: &'static str = "WORKERS";
    const STREAM: &'static str = "KV_WORKERS";
    const LOOK: Duration = Duration::from_secs(5);

    fn key(&self) -> Vec<&str> {
        vec![&self.name]
    }
}

/// Tells of the workers whenever something has changed about them.
pub struct WorkerReports(Entries<WorkerReport>);

impl Log {
    /// Reports a worker, in place of what it reported before. To be repeated every ten seconds:
    /// the bucket forgets what is older than thirty.
    ///
    /// # Errors
    /// When it was not stored, or nobody can tell.
    pub async fn report_worker(&self, report: &WorkerReport) -> Result<(), AppendError> {
        self.put(report).await
    }

    /// Takes a worker off the list, because it ends.
    ///
    /// # Errors
    /// When it was not stored, or nobody can tell.
    pub async fn forget_worker(&self, name: &str) -> Result<(), AppendError> {
        self.remove::<WorkerReport>(&[name]).await
    }

    /// All workers, sorted by name.
    ///
    /// # Errors
    /// When the log does not answer, or holds something that cannot be read.
    pub async fn worker_reports(&self) -> Result<Vec<WorkerReport>, ReadError> {
        self.entries().await
    }

    /// Watches the workers.
    ///
    /// # Errors
    /// When the log does not answer.
    pub async fn watch_worker_reports(&self) -> Result<WorkerReports, RequestError> {
        self.watch_entries().await.map(WorkerReports)
    }
}

impl WorkerReports {
    /// All workers, now at first and then whenever something has changed; `None` when the client
    /// was closed. May be dropped and called again.
    pub async fn next(&mut self) -> Option<Result<Vec<WorkerReport>, ReadError>> {
        self.0.next_change().await
    }
}
