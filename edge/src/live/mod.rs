//! The live view: one reader of the log per execution, any number of viewers.
//!
//! ```text
//! Hub ── one feed per running execution ── task: Watch → Frame → Ring
//!                                                          │  (wakes)
//! Viewer, in the task of its connection: CatchUp → Follow <┘
//! ```
//!
//! A message is serialised once, by the feed; viewers share the bytes. Nothing is buffered for a
//! viewer: it reads the feed's ring at its own pace, and is told to resume where the ring has
//! overtaken it. Who comes when the ring has lost the beginning reads that from the log first.

mod catch_up;
mod feed;
mod follow;
mod frame;
mod hub;
mod open;
mod replay;
mod ring;
mod viewer;

pub(crate) use feed::{Feed, Seat};
pub(crate) use frame::{json, sse_of};
pub(crate) use hub::Hub;
pub(crate) use open::open;
pub(crate) use viewer::{Next, Viewer};
