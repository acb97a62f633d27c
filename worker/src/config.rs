//! The worker's settings.

use std::time::Duration;

/// How a worker is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// Its name, as it stands in `started` events.
    pub name: String,
    /// The machine's name, as it stands in reports about languages.
    pub host: String,
    /// Layers of isolation that the machine lacks and that it was allowed to do without, for
    /// whoever looks at the list of workers.
    pub missing_layers: Vec<String>,
    /// How many executions it runs at once.
    pub slots: usize,
    /// How long runs may go on after a shutdown was asked for. What is not done by then is handed
    /// back, and another worker begins it anew at once.
    pub grace: Duration,
    /// Time between two looks at all queues. New submissions announce themselves; redeliveries are
    /// found by this alone.
    pub sweep: Duration,
    /// How much of what was compiled is kept in memory, in bytes.
    pub cache_bytes: usize,
    /// How long the queue waits for a sign of life before it gives an execution to somebody else:
    /// the consumers' `ack_wait`.
    pub lease: Duration,
    /// How long the log may be away before a run is left, since somebody else may have it by then.
    pub patience: Duration,
    /// When something may come again that this worker cannot read: perhaps to a newer one.
    pub unreadable: Duration,
}

impl Config {
    /// The usual settings.
    #[must_use]
    pub fn new(name: impl Into<String>, host: impl Into<String>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            name: name.into(),
            host: host.into(),
            missing_layers: Vec::new(),
            // A run mostly computes, but a third of its time here is spent on waiting for the disk
            // of the log and for its cell to go; a second one per core fills that.
            slots: 2 * cores,
            grace: Duration::from_secs(25),
            cache_bytes: 64 << 20,
            sweep: Duration::from_secs(1),
            lease: Duration::from_secs(3),
            patience: Duration::from_secs(10),
            unreadable: Duration::from_secs(10),
        }
    }

    /// How many slots background work may take: a quarter, and one at least, is kept for what
    /// somebody waits for. A worker with a single slot cannot keep any.
    pub(crate) const fn background_slots(&self) -> usize {
        let kept = self.slots.div_ceil(4);
        if self.slots > kept {
            self.slots - kept
        } else {
            self.slots
        }
    }

    /// Time between two signs of life.
    pub(crate) fn heartbeat(&self) -> Duration {
        self.lease * 3 / 10
    }
}
