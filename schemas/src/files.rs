//! Files that a program left and that are given back.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use crate::output::hex;
use crate::{ChunkKind, Data};

/// How many paths a submission may ask for.
pub const MOST_OUTPUT_PATHS: usize = 32;
/// Bytes of one path.
pub const LONGEST_OUTPUT_PATH: usize = 1_024;
/// How many files are given back at most.
pub const MOST_OUTPUT_FILES: usize = 64;
/// How many bytes they may have together.
pub const MOST_OUTPUT_BYTES: u64 = 8 << 20;
/// How many folders may lie between the working directory and a file.
pub const DEEPEST_OUTPUT_FILE: usize = 8;

/// Something that was asked for, or lay in a folder that was, and is not given back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LeftFile {
    /// Its path below the working directory, or what was asked for.
    pub name: String,
    /// Why.
    pub reason: LeftBecause,
}

/// Why a file is not given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LeftBecause {
    /// There is nothing of that name.
    Missing,
    /// It is no path below the working directory, or its name is not UTF-8.
    BadPath,
    /// It is neither a file nor a folder, or the way to it leads over a link.
    NotRegular,
    /// With it there would be more bytes than are given back.
    TooLarge,
    /// With it there would be more files than are given back.
    TooMany,
    /// It lies beneath too many folders.
    TooDeep,
    /// It could not be read.
    Unreadable,
}

impl LeftBecause {
    /// The reason, in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Missing => "there is no such file",
            Self::BadPath => "it is no path below the working directory",
            Self::NotRegular => "it is no regular file, or a link leads to it",
            Self::TooLarge => "more bytes than are given back",
            Self::TooMany => "more files than are given back",
            Self::TooDeep => "beneath too many folders",
            Self::Unreadable => "it could not be read",
        }
    }
}

/// Why a path cannot be asked for; `None` where it can. It leads below the working directory: a
/// file, or a folder for all files in it, `.` for everything; its last part may be a pattern with `*`
/// and `?`.
#[must_use]
pub fn output_path_problem(path: &str) -> Option<&'static str> {
    if path.is_empty() || path.len() > LONGEST_OUTPUT_PATH {
        return Some("1 to 1024 bytes");
    }
    if path.chars().any(char::is_control) {
        return Some("a path without control characters");
    }
    if path.starts_with('/') || path.split('/').any(|part| part == "..") {
        return Some("a path below the working directory, without ..");
    }
    let folders = path
        .split('/')
        .filter(|part| !matches!(*part, "" | "."))
        .count()
        .saturating_sub(1);
    (folders > DEEPEST_OUTPUT_FILE).then_some("a file beneath at most 8 folders")
}

/// Bytes of a file in one chunk.
const PIECE_BYTES: usize = 64 << 10;

/// A file as it stands in a recording.
pub fn file_chunks(name: String, content: &[u8]) -> impl Iterator<Item = ChunkKind> {
    let file = ChunkKind::File {
        name,
        bytes: content.len() as u64,
        sha256: hex(&Sha256::digest(content)),
    };
    let pieces = content
        .chunks(PIECE_BYTES)
        .map(|piece| ChunkKind::FileData {
            data: Data(piece.to_vec()),
        });
    std::iter::once(file).chain(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_below_the_working_directory() {
        for good in ["a", "a/b.png", ".", "./a", "...", "-rf", "ü", "a//b"] {
            assert_eq!(output_path_problem(good), None, "{good}");
        }
        let long = "x".repeat(LONGEST_OUTPUT_PATH + 1);
        let deep = "x/".repeat(DEEPEST_OUTPUT_FILE + 1) + "x";
        for bad in [
            "",
            "/a",
            "..",
            "a/../b",
            "a\0b",
            "a\nb",
            "\u{1b}[2J",
            &long,
            &deep,
        ] {
            assert!(output_path_problem(bad).is_some(), "{bad:?}");
        }
    }
}
