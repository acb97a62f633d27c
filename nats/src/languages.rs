//! What workers can run, as they report it: a key-value bucket with one key for each language and
//! host.

use std::time::Duration;

use async_nats::Subscriber;
use futures_util::StreamExt as _;
use runlog_schemas::WireError;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::connection::ConnectionState;
use crate::fetch::PageLimit;
use crate::{AppendError, Log, ReadError, RequestError};

/// The stream behind the bucket `LANGUAGES`.
pub(crate) const STREAM: &str = "KV_LANGUAGES";
const KEYS: &str = "$KV.LANGUAGES";

/// How often a watcher looks although it heard nothing.
const LOOK: Duration = Duration::from_secs(30);

/// Pause before a read is tried again.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

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

/// Tells of the reports whenever they change.
pub struct LanguageReports {
    log: Log,
    subscriber: Subscriber,
    state: watch::Receiver<ConnectionState>,
    last: Option<Vec<LanguageReport>>,
    failed: bool,
}

impl Log {
    /// Reports what this host can run, in place of what it reported before.
    ///
    /// # Errors
    /// When it was not stored, or nobody can tell.
    pub async fn report_language(&self, report: &LanguageReport) -> Result<(), AppendError> {
        let payload = serde_json::to_vec(report).expect("plain fields always serialise");
        self.append_over(STREAM, key(report), payload).await
    }

    /// All reports of all hosts, sorted by language and host.
    ///
    /// # Errors
    /// When the log does not answer, or holds something that cannot be read.
    pub async fn language_reports(&self) -> Result<Vec<LanguageReport>, ReadError> {
        let subject = format!("{KEYS}.>");
        let mut reports: Vec<LanguageReport> = Vec::new();
        let mut after = 0;
        loop {
            let page = self
                .page(STREAM, &subject, after + 1, PageLimit::USUAL)
                .await?;
            for stored in &page.messages {
                after = stored.sequence;
                // A key that somebody deleted by hand leaves an empty message.
                if !stored.payload.is_empty() {
                    reports.push(stored.report()?);
                }
            }
            if !page.more || page.messages.is_empty() {
                reports.sort_by(|a, b| (&a.id, &a.host).cmp(&(&b.id, &b.host)));
                return Ok(reports);
            }
        }
    }

    /// Watches the reports.
    ///
    /// # Errors
    /// When the log does not answer.
    pub async fn watch_language_reports(&self) -> Result<LanguageReports, RequestError> {
        let subscriber = self.listen(format!("{KEYS}.>")).await?;
        Ok(LanguageReports {
            log: self.clone(),
            subscriber,
            state: self.state(),
            last: None,
            failed: false,
        })
    }
}

impl LanguageReports {
    /// All reports, now at first and then whenever they have changed; `None` when the client was
    /// closed. May be dropped and called again.
    pub async fn next(&mut self) -> Option<Result<Vec<LanguageReport>, ReadError>> {
        loop {
            if self.failed {
                sleep(RETRY_PAUSE).await;
            } else if self.last.is_some() {
                tokio::select! {
                    message = self.subscriber.next() => { message?; }
                    changed = self.state.changed() => { changed.ok()?; }
                    () = sleep(LOOK) => {}
                }
            }
            self.log.connected().await;
            let reports = self.log.language_reports().await;
            self.failed = reports.is_err();
            match reports {
                Ok(reports) if self.last.as_ref() == Some(&reports) => {}
                Ok(reports) => {
                    self.last = Some(reports.clone());
                    return Some(Ok(reports));
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl crate::fetch::Stored {
    fn report(&self) -> Result<LanguageReport, ReadError> {
        serde_json::from_slice(&self.payload).map_err(|error| ReadError::Unreadable {
            stream: STREAM,
            sequence: self.sequence,
            subject: self.subject.clone(),
            source: WireError::Malformed(error),
        })
    }
}

/// `$KV.LANGUAGES.{language}.{host}`, with what a key may not contain replaced.
fn key(report: &LanguageReport) -> String {
    let clean = |text: &str| -> String {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        text.chars()
            .map(|c| if allowed(c) { c } else { '_' })
            .collect()
    };
    format!("{KEYS}.{}.{}", clean(&report.id), clean(&report.host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_name_becomes_one_token() {
        let report = LanguageReport {
            id: "python".to_owned(),
            available: true,
            version: None,
            reason: None,
            host: "a.b c>*".to_owned(),
            at_ms: 0,
        };
        assert_eq!(key(&report), "$KV.LANGUAGES.python.a_b_c__");
    }
}
