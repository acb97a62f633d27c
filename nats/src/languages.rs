//! What workers can run, as they report it: a key-value bucket with one key for each language and
//! host.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::bucket::{Entries, Entry};
use crate::{AppendError, Log, ReadError, RequestError};

/// What one host says about one language. To be repeated every few minutes: the bucket forgets
/// what is older than an hour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LanguageReport {
    /// The language's id.
    pub id: String,
    /// Whether the host can run it.
    pub available: bool,
    /// The exact version that was found.
    pub version: Option<String>,
    /// Why it cannot be run, where that is so.
    pub reason: Option<String>,
    /// The host.
    pub host: String,
    /// When this was found, in milliseconds since 1970.
    pub at_ms: u64,
}

impl Entry for LanguageReport {
    const BUCKET: &'static str = "LANGUAGES";
    const STREAM: &'static str = "KV_LANGUAGES";
    const LOOK: Duration = Duration::from_secs(30);

    fn key(&self) -> Vec<&str> {
        vec![&self.id, &self.host]
    }
}

/// Tells of the reports whenever they change.
pub struct LanguageReports(Entries<LanguageReport>);

impl Log {
    /// Reports what this host can run, in place of what it reported before.
    ///
    /// # Errors
    /// When it was not stored, or nobody can tell.
    pub async fn report_language(&self, report: &LanguageReport) -> Result<(), AppendError> {
        self.put(report).await
    }

    /// All reports of all hosts, sorted by language and host.
    ///
    /// # Errors
    /// When the log does not answer, or holds something that cannot be read.
    pub async fn language_reports(&self) -> Result<Vec<LanguageReport>, ReadError> {
        self.entries().await
    }

    /// Watches the reports.
    ///
    /// # Errors
    /// When the log does not answer.
    pub async fn watch_language_reports(&self) -> Result<LanguageReports, RequestError> {
        self.watch_entries().await.map(LanguageReports)
    }
}

impl LanguageReports {
    /// All reports, now at first and then whenever they have changed; `None` when the client was
    /// closed. May be dropped and called again.
    pub async fn next(&mut self) -> Option<Result<Vec<LanguageReport>, ReadError>> {
        self.0.next_change().await
    }
}
