//! Which languages can be run now: what the workers report about what is defined.

use std::time::Duration;

use runlog_nats::{LanguageReport, Log};
use runlog_schemas::LanguageDefinition;
use runlog_schemas::api::LanguageView;
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::error::EdgeError;

/// Pause before the reports are asked for again.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// What the workers have reported last. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reports(watch::Sender<Vec<LanguageReport>>);

/// Whether a language can be run.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Availability {
    /// On some worker, in this version.
    Available(Option<String>),
    /// On none, for this reason.
    Unavailable(String),
    /// No worker has said anything about it.
    NotReported,
}

impl Reports {
    /// Takes in reports until the edge closes.
    pub(crate) async fn follow(self, log: Log, closing: CancellationToken) {
        tokio::select! {
            () = closing.cancelled() => {}
            () = self.take_all(&log) => {}
        }
    }

    async fn take_all(&self, log: &Log) {
        loop {
            if let Ok(mut reports) = log.watch_language_reports().await {
                while let Some(read) = reports.next().await {
                    match read {
                        Ok(read) => {
                            self.0.send_replace(read);
                        }
                        Err(error) => {
                            tracing::warn!(%error, "the languages' reports cannot be read");
                            sleep(RETRY_PAUSE).await;
                        }
                    }
                }
            }
            sleep(RETRY_PAUSE).await;
            log.connected().await;
        }
    }

    fn availability(&self, language: &str) -> Availability {
        let reports = self.0.borrow();
        let mut about = reports.iter().filter(|report| report.id == language);
        let mut unavailable = None;
        for report in about.by_ref() {
            if report.available {
                return Availability::Available(report.version.clone());
            }
            unavailable = unavailable.or(report.reason.as_deref());
        }
        match unavailable {
            Some(reason) => Availability::Unavailable(reason.to_owned()),
            None if reports.iter().any(|report| report.id == language) => {
                Availability::Unavailable("its toolchain is missing".to_owned())
            }
            None => Availability::NotReported,
        }
    }

    /// Refuses a language that cannot be run now.
    ///
    /// # Errors
    /// With the reason.
    pub(crate) fn require(&self, language: &str) -> Result<(), EdgeError> {
        match self.availability(language) {
            Availability::Available(_) => Ok(()),
            Availability::Unavailable(reason) => Err(EdgeError::LanguageUnavailable {
                language: language.to_owned(),
                reason,
            }),
            Availability::NotReported => Err(EdgeError::LanguageNotReported {
                language: language.to_owned(),
            }),
        }
    }

    /// A language as users see it.
    pub(crate) fn view(&self, language: &LanguageDefinition) -> LanguageView {
        let (available, version, unavailable_because) = match self.availability(&language.id) {
            Availability::Available(version) => (true, version, None),
            Availability::Unavailable(reason) => (false, None, Some(reason)),
            Availability::NotReported => (
                false,
                None,
                Some("no worker has reported it yet".to_owned()),
            ),
        };
        LanguageView {
            id: language.id.clone(),
            name: language.name.clone(),
            aliases: language.aliases.clone(),
            extensions: language.extensions.clone(),
            entry: language.entry.clone(),
            available,
            version,
            unavailable_because,
            compiler_options: language
                .compile
                .as_ref()
                .map(|step| step.options.list())
                .unwrap_or_default(),
            hello_world: language.hello_world().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(host: &str, available: bool) -> LanguageReport {
        LanguageReport {
            id: "c".to_owned(),
            available,
            version: available.then(|| "12.2.0".to_owned()),
            reason: (!available).then(|| format!("no gcc on {host}")),
            host: host.to_owned(),
            at_ms: 0,
        }
    }

    #[test]
    fn one_worker_that_can_is_enough() {
        let reports = Reports::default();
        assert_eq!(reports.availability("c"), Availability::NotReported);
        reports.0.send_replace(vec![report("a", false)]);
        let reason = "no gcc on a".to_owned();
        assert_eq!(reports.availability("c"), Availability::Unavailable(reason));
        reports
            .0
            .send_replace(vec![report("a", false), report("b", true)]);
        let version = Some("12.2.0".to_owned());
        assert_eq!(reports.availability("c"), Availability::Available(version));
        assert_eq!(reports.availability("d"), Availability::NotReported);
    }
}
