//! The language of the HTTP interface: what is sent to an edge and what comes back.
//!
//! Shared by the edge, the command line and the load driver. JSON field names, units and
//! meanings here are the public interface under `/v1`.

mod request;
mod stream;
mod view;

pub use request::{BatchRequest, FileRequest, LimitsRequest, SubmitRequest};
pub use stream::{ViewerMessage, ViewerRequest};
pub use view::{
    Accepted, AttemptView, BatchItem, BatchReply, ExecutionPage, ExecutionView, FieldProblem,
    LanguageView, Languages, Links, OutputView, Problem, Status, StreamText,
};
