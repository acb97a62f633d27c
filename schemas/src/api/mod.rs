//! The language of the HTTP interface: what is sent to an edge and what comes back.
//!
//! Shared by the edge, the command line and the load driver. JSON field names, units and
//! meanings here are the public interface under `/v1`.

mod files;
mod letter;
mod operations;
mod program;
mod query;
mod request;
mod service;
mod snippet;
mod stream;
mod view;

pub use files::{FileView, FilesView};
pub use letter::{
    DeadLetterAction, DeadLetterPage, DeadLetterQuery, DeadLetterReport, DeadLetterSelection,
    DeadLetterView,
};
pub use operations::{DeadLettersMark, OperationsView, QueueView};
pub use program::ProgramView;
pub use query::{HistoryQuery, OutputQuery, RecordingQuery, StreamQuery, SubmitQuery};
pub use request::{BatchRequest, FileRequest, LimitsRequest, RerunRequest, SubmitRequest};
pub use service::{Check, LanguageView, Languages, Readiness, Version, Workers};
pub use snippet::{SnippetCreated, SnippetLinks, SnippetRequest, SnippetView};
pub use stream::{ViewerMessage, ViewerRequest};
pub use view::{
    Accepted, AttemptView, BatchItem, BatchReply, Completed, ExecutionPage, ExecutionView,
    FieldProblem, Links, OutputView, Problem, RecordingView, Status, StreamText,
};
