//! A kind of cells: those that can run anything, and those of one warm host.

use std::sync::Arc;

use super::Shared;
use super::body::Body;
use super::config::{WarmHost, WarmWay};
use super::link::Link;
use super::pool::Pool;
use super::zygotes::Zygotes;
use crate::Error;

/// A kind of cells.
#[derive(Debug)]
pub(super) struct Flavour {
    host: Option<Host>,
    pub(super) pool: Pool,
}

#[derive(Debug)]
enum Host {
    Forked(WarmHost, Zygotes),
    Started(WarmHost),
}

impl Flavour {
    /// Cells that can run anything, of which always as many wait.
    pub(super) fn plain(parked: usize) -> Self {
        Self {
            host: None,
            pool: Pool::new(parked, parked, usize::MAX),
        }
    }

    /// Cells of a warm host.
    pub(super) fn warm(host: WarmHost) -> Self {
        let (least, most) = (host.least_parked, host.most_parked);
        let (host, at_once) = match host.way {
            WarmWay::Fork => (Host::Forked(host, Zygotes::default()), usize::MAX),
            // Starting a runtime takes long: several at once would only be in each other's way.
            WarmWay::Start => (Host::Started(host), 1),
        };
        Self {
            host: Some(host),
            pool: Pool::new(least, most, at_once),
        }
    }

    /// The warm host's name.
    pub(super) fn name(&self) -> Option<&str> {
        match &self.host {
            Some(Host::Forked(host, _) | Host::Started(host)) => Some(&host.name),
            None => None,
        }
    }

    /// The host that is started in each cell, if this is such a kind.
    pub(super) fn started(&self) -> Option<&WarmHost> {
        match &self.host {
            Some(Host::Started(host)) => Some(host),
            _ => None,
        }
    }

    /// The host whose forks the cells are, if this is such a kind.
    pub(super) fn forked(&self) -> Option<(&WarmHost, &Zygotes)> {
        match &self.host {
            Some(Host::Forked(host, zygotes)) => Some((host, zygotes)),
            _ => None,
        }
    }

    /// Does what is to be done beside the runs: starts runtimes, makes and drops cells.
    pub(super) fn tend(shared: &Arc<Shared>, flavour: &Arc<Self>) {
        Zygotes::renew(shared, flavour);
        // Not before all are there, or neighbouring cells would be forks of the same.
        if flavour
            .forked()
            .is_none_or(|(_, zygotes)| zygotes.are_complete())
        {
            Pool::refill(shared, flavour);
        }
    }

    /// Makes a cell of this kind; `None` if it can only be waited for in the background.
    pub(super) async fn make_at_once(
        shared: &Arc<Shared>,
        flavour: &Arc<Self>,
        disk_bytes: u64,
    ) -> Option<Result<Body, Error>> {
        let can = match &flavour.host {
            None => true,
            Some(Host::Forked(_, zygotes)) => !zygotes.is_empty(),
            Some(Host::Started(_)) => false,
        };
        if can {
            Some(Self::make(shared, flavour, disk_bytes).await)
        } else {
            None
        }
    }

    /// Makes a cell of this kind.
    pub(super) async fn make(
        shared: &Arc<Shared>,
        flavour: &Arc<Self>,
        disk_bytes: u64,
    ) -> Result<Body, Error> {
        let link: Arc<Link> = match &flavour.host {
            Some(Host::Forked(host, zygotes)) => zygotes.next().ok_or_else(|| {
                Error::CellGone(format!("the warm host {} is not there", host.name))
            })?,
            Some(Host::Started(_)) | None => Arc::clone(&shared.link),
        };
        // In a task of its own: if nobody waits for it any more, it is removed again.
        let making = Body::make(Arc::clone(shared), (Arc::clone(flavour), link), disk_bytes);
        let made = shared.tasks.spawn(making).await;
        made.map_err(|error| Error::CellGone(format!("a task of ours was lost: {error}")))?
    }

    /// Lets go of everything.
    pub(super) fn close(&self) -> Vec<Arc<Link>> {
        self.pool.close();
        self.forked()
            .map_or_else(Vec::new, |(_, zygotes)| zygotes.close())
    }
}

/// An error with its cause.
pub(super) struct Report<'a>(pub(super) &'a Error);

impl std::fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        match std::error::Error::source(self.0) {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}
