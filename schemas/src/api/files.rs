//! Files that a program left.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{ExecutionId, LeftFile};

/// The files that an execution gives back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FilesView {
    /// The execution's id.
    pub id: ExecutionId,
    /// Whether the execution has ended, so that nothing will be added.
    pub complete: bool,
    /// The files, in the order in which they were asked for.
    pub files: Vec<FileView>,
    /// What was asked for, or lay in a folder that was, and is not given back; the first of it.
    pub left: Vec<LeftFile>,
    /// How much that is in all.
    pub left_count: u64,
}

/// A file that an execution gives back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FileView {
    /// Its path below the working directory, as the program chose it: show it, but trust nothing
    /// in it.
    pub name: String,
    /// Bytes.
    pub bytes: u64,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
    /// What it is, found from its bytes: one of a few types that can be shown without harm, or
    /// `application/octet-stream`.
    pub media_type: String,
    /// Where its bytes are.
    pub link: String,
}
