//! Everything that Runlog says to NATS `JetStream`: the log, its queues, its live view, and the
//! streams that they stand in.
//!
//! Responsible for the guarantees of the log: an append is stored once or refused, and what is
//! unclear is found out before it is answered; a reader gets every event once and in order. Never
//! decides what is appended, never reads a clock or the environment, never makes or changes a
//! stream unless [`streams::apply`] is called.

mod acknowledge;
mod append;
mod artifacts;
mod bucket;
mod clock;
mod connect;
mod connection;
mod control;
mod dead;
mod depth;
mod elections;
mod fetch;
mod keys;
mod languages;
mod log;
mod objects;
mod queue;
mod read;
mod request;
mod room;
mod scan;
mod snippets;
pub mod streams;
mod tail;
mod wakeups;
mod watch;
mod workers;

pub use append::AppendError;
pub use artifacts::{ArtifactError, Artifacts, MOST_ARTIFACT_BYTES};
pub use clock::{Clock, now_ms};
pub use connect::{ConnectError, LogConfig, MINIMUM_API_LEVEL, MINIMUM_SERVER};
pub use connection::ConnectionState;
pub use control::{ControlError, ControlListener, Replier};
pub use dead::{DeadLetter, Redriven, StoredLetter};
pub use depth::{QueueDepth, Waiting};
pub use keys::{KeyClaim, KeyError};
pub use languages::{LanguageReport, LanguageReports};
pub use log::{Bounds, Log, Server};
pub use objects::{ObjectEntry, ObjectError, ObjectReader};
pub use queue::{Delivery, Lease, Poison, Queue};
pub use read::{Folded, Freshness, ReadError, StoredSubmission};
pub use request::RequestError;
pub use scan::RawMessage;
pub use snippets::RecordedSnippet;
pub use streams::VerifyError;
pub use tail::{BatchLimit, Recorded, Tail};
pub use wakeups::{Wakeup, Wakeups};
pub use watch::{NewWatch, Watch};
pub use workers::WorkerReports;
