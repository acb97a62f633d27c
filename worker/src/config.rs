//! The worker's settings.

use std::time::Duration;

/// How a worker is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// Its name, as it stands in `started` events.
    pub name: String,
    /// The machine's name, as it stands in reports about languages.
    pub host: String,
    /// How many executions it runs at once.
    pub slots: usize,
    /// How long runs may go on after a shutdown was asked for. What is not done by then is given
    /// up, and another worker tries it again.
    pub grace: Duration,
    /// Time between two looks at all queues. New submissions announce themselves; redeliveries are
    /// found by this alone.
    pub sweep: Duration,
    /// How long the queue waits for a sign of life before it gives an execution to somebody else:
    /// the consumers' `ack_wait`.
    pub lease: Duration,
}

impl Config {
    /// The usual settings.
    #[must_use]
    pub fn new(name: impl Into<String>, host: impl Into<String>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            name: name.into(),
            host: host.into(),
            // A run mostly computes, but a third of its time here is spent on waiting for the disk
            // of the log and for its cell to go; a second one per core fills that.
            slots: 2 * cores,
            grace: Duration::from_secs(25),
            sweep: Duration::from_secs(1),
            lease: Duration::from_secs(10),
        }
    }

    /// Time between two signs of life.
    pub(crate) fn heartbeat(&self) -> Duration {
        self.lease * 3 / 10
    }
}
