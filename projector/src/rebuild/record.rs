//! Stores the recordings of the new tables while the fold goes on.

use runlog_nats::Log;
use runlog_schemas::subject;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::archive::{Archiver, Table};
use crate::{Config, Error};

use super::{BESIDE, Progress};

/// What is needed for it.
pub(super) struct Recording {
    pub(super) config: Config,
    pub(super) log: Log,
    pub(super) progress: watch::Sender<Progress>,
    /// Told when the fold is through.
    pub(super) folded: CancellationToken,
}

impl Recording {
    /// Stores recordings until the fold is through and none is left that can be stored.
    pub(super) async fn run(self) -> Result<(), Error> {
        let table = Table::open_beside(&self.config.database, BESIDE).await?;
        let first_output = self.log.bounds(subject::OUTPUT).await?.first_sequence;
        let mut archiver =
            Archiver::new(&self.log, &table, &self.config)?.without_output_before(first_output);
        let mut news = self.progress.subscribe();
        loop {
            // Looked at first: what is due then is all there is.
            let last = self.folded.is_cancelled();
            news.mark_unchanged();
            let stored = archiver.store_some().await?;
            if !stored.is_nothing() {
                self.progress.send_modify(|progress| {
                    progress.recordings += stored.complete;
                    progress.incomplete += stored.incomplete;
                });
            } else if last {
                return Ok(());
            } else {
                tokio::select! {
                    () = self.folded.cancelled() => {}
                    _ = news.changed() => {}
                }
            }
        }
    }
}
