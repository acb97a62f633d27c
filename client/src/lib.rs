//! Talks to an edge: HTTP for questions, SSE for watching, a WebSocket for taking part.
//!
//! Responsible for connections, their loss and their return, and for telling apart what went
//! wrong: nobody there, a refusal, nonsense. Knows of the edge what stands in
//! `runlog_schemas::api` and nothing more. Plain `http://` only: an edge serves the machine or the
//! private network that it stands in, and what ends TLS in front of it can end it for us too.

mod backoff;
mod base;
mod client;
mod error;
mod frames;
mod letters;
mod live;
mod socket;
pub mod sse;

pub use base::BaseUrl;
pub use client::{Client, Waited};
pub use error::{Error, Refused};
pub use frames::Frames;
pub use live::{Events, Session};
pub use socket::Socket;
