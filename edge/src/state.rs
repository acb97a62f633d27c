//! What all requests of an edge share.

use std::sync::Arc;

use prometheus::Registry;
use runlog_nats::{Clock, Log};
use runlog_schemas::Catalog;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::EdgeParts;
use crate::admission::Admission;
use crate::config::EdgeConfig;
use crate::fleet::Fleet;
use crate::history::History;
use crate::languages::Reports;
use crate::live::Hub;
use crate::metrics::Metrics;
use crate::operations::Operations;

/// How many recordings are held in memory at once, at most. One has some 20 MB in the worst case.
const LARGE_READS: usize = 8;

/// What all requests of an edge share.
pub(crate) struct Edge {
    pub(crate) config: EdgeConfig,
    pub(crate) log: Log,
    pub(crate) history: Option<History>,
    pub(crate) catalog: Catalog,
    pub(crate) reports: Reports,
    pub(crate) fleet: Fleet,
    pub(crate) operations: Operations,
    pub(crate) admission: Admission,
    pub(crate) hub: Hub,
    pub(crate) metrics: Metrics,
    pub(crate) registry: Registry,
    pub(crate) clock: Clock,
    pub(crate) large_reads: Semaphore,
    /// Every task of this edge, so that its end can be waited for.
    pub(crate) tracker: TaskTracker,
    /// Nothing new should be sent here.
    pub(crate) draining: CancellationToken,
    /// Viewers are to connect elsewhere.
    pub(crate) closing: CancellationToken,
}

impl Edge {
    pub(crate) fn new(parts: EdgeParts) -> Result<Arc<Self>, prometheus::Error> {
        let metrics = Metrics::new(&parts.registry)?;
        let tracker = TaskTracker::new();
        let closing = CancellationToken::new();
        let hub = Hub::new(
            parts.log.clone(),
            &parts.config,
            metrics.clone(),
            tracker.clone(),
            closing.clone(),
        );
        let reports = Reports::default();
        tracker.spawn(reports.clone().follow(parts.log.clone(), closing.clone()));
        let fleet = Fleet::default();
        let following = fleet
            .clone()
            .follow(parts.log.clone(), metrics.clone(), closing.clone());
        tracker.spawn(following);
        Ok(Arc::new(Self {
            metrics,
            config: parts.config,
            log: parts.log,
            history: parts.history,
            catalog: parts.catalog,
            reports,
            fleet,
            operations: Operations::default(),
            admission: Admission::default(),
            hub,
            registry: parts.registry,
            clock: parts.clock,
            large_reads: Semaphore::new(LARGE_READS),
            tracker,
            draining: CancellationToken::new(),
            closing,
        }))
    }
}
