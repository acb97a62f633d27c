//! What can be set on a projector. The environment is read by the binary, not here.

use std::time::Duration;

use runlog_nats::BatchLimit;

use crate::Clock;

/// Settings of a projector.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where PostgreSQL is, for example `postgres://user:password@host/database`.
    pub database: String,
    /// The most that one transaction takes: of a backlog, as much as has the events of most
    /// executions together, so that each is written once. Default 4,000 events and 4 MiB.
    pub batch: BatchLimit,
    /// The shortest time between the beginnings of two transactions that did not fill `batch`. What
    /// comes within it shares one commit, which costs several times what an event does; it is also
    /// what the read models lag behind at least under load. The first event after a quiet time is
    /// written at once. Default 10 ms.
    pub pace: Duration,
    /// The shortest time between two looks at the recordings that are due, for the same reason.
    /// Default 50 ms.
    pub archive_pace: Duration,
    /// How often a projector that stands by looks whether it is needed. Default 1 s.
    pub standby_interval: Duration,
    /// How often the queue is searched for executions that waited longer than their limit.
    /// Default 1 s.
    pub expiry_interval: Duration,
    /// How often the archiver looks for recordings that nobody told it of: those that another
    /// projector left behind. Default 10 s.
    pub archive_interval: Duration,
    /// How often it is looked for objects that no recording names. Default 1 h.
    pub clean_interval: Duration,
    /// How often the log is asked how far ahead it is, for the lag. Default 5 s.
    pub lag_interval: Duration,
    /// How often the dead letters are counted. Default 15 s.
    pub letters_interval: Duration,
    /// How often the front of the log is looked at for what may go. Default 60 s.
    pub trim_interval: Duration,
    /// How often it is looked for programs that were shared. Default 1 s.
    pub snippet_interval: Duration,
    /// The largest recording that is kept in PostgreSQL, in bytes and compressed; a larger one goes
    /// to the object store. Default 1 MiB.
    pub inline_bytes: usize,
    /// Bytes of output that the archiver may have in memory at once; one recording is always
    /// allowed. Default 32 MiB.
    pub archive_bytes: u32,
    /// Pause after a failure, doubled with each one up to `longest_pause`. Default 50 ms.
    pub first_pause: Duration,
    /// See `first_pause`. Default 2 s.
    pub longest_pause: Duration,
    /// What time it is.
    pub clock: Clock,
}

impl Config {
    /// The usual settings.
    #[must_use]
    pub fn new(database: impl Into<String>) -> Self {
        Self {
            database: database.into(),
            batch: BatchLimit {
                events: 4_000,
                bytes: 4 << 20,
            },
            pace: Duration::from_millis(10),
            archive_pace: Duration::from_millis(50),
            standby_interval: Duration::from_secs(1),
            expiry_interval: Duration::from_secs(1),
            archive_interval: Duration::from_secs(10),
            clean_interval: Duration::from_secs(3_600),
            lag_interval: Duration::from_secs(5),
            letters_interval: Duration::from_secs(15),
            trim_interval: Duration::from_secs(60),
            snippet_interval: Duration::from_secs(1),
            inline_bytes: 1 << 20,
            archive_bytes: 32 << 20,
            first_pause: Duration::from_millis(50),
            longest_pause: Duration::from_secs(2),
            clock: Clock::system(),
        }
    }
}
