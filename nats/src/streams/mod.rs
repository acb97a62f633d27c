//! The streams and consumers as data: what is wanted, what is there, and the way from one to the
//! other, which never loses a message.

mod apply;
mod plan;
mod wanted;

pub use apply::{ApplyError, VerifyError, apply};
pub use plan::{Change, Current, CurrentStream, Kind, ObjectKind, plan};
pub use wanted::{Object, Replicas, Wanted};
