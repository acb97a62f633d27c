//! Files that a program left, put together again from its recording. Everything about them was
//! chosen by the program: names, content, and what they pretend to be.

mod media;
mod name;

use runlog_schemas::api::{FileView, FilesView, Links};
use runlog_schemas::{Chunk, ChunkKind, ExecutionId, LeftFile};
use sha2::{Digest as _, Sha256};

pub(crate) use media::media;
pub(crate) use name::{decode, disposition, encode};

/// A file that is given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Given {
    /// Its path below the working directory.
    pub(crate) name: String,
    /// What its bytes come to, in hex.
    pub(crate) sha256: String,
    /// How many there should be.
    bytes: u64,
    /// Those that there are.
    pub(crate) content: Vec<u8>,
}

impl Given {
    /// Whether all of it is there, as it was taken out.
    pub(crate) fn is_whole(&self) -> bool {
        let digest = Sha256::digest(&self.content);
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        self.content.len() as u64 == self.bytes && hex == self.sha256
    }
}

/// Everything that a recording says about files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Files {
    /// Those that are given back.
    pub(crate) given: Vec<Given>,
    left: Vec<LeftFile>,
    left_count: u64,
}

impl Files {
    /// Reads a recording.
    pub(crate) fn of(chunks: Vec<Chunk>) -> Self {
        let mut files = Self::default();
        for chunk in chunks {
            match chunk.what {
                ChunkKind::File {
                    name,
                    bytes,
                    sha256,
                } => files.given.push(Given {
                    name,
                    sha256,
                    bytes,
                    content: Vec::new(),
                }),
                ChunkKind::FileData { data } => {
                    if let Some(file) = files.given.last_mut() {
                        file.content.extend_from_slice(&data.0);
                    }
                }
                ChunkKind::FilesLeft { left, count } => {
                    files.left.extend(left);
                    files.left_count += count;
                }
                _ => {}
            }
        }
        files
    }

    /// The list, as users see it.
    pub(crate) fn view(self, id: ExecutionId, complete: bool) -> FilesView {
        let folder = Links::of(id).files;
        let view = |file: Given| FileView {
            media_type: media(&file.name, &file.content).content_type.to_owned(),
            link: format!("{folder}/{}", encode(&file.name)),
            name: file.name,
            bytes: file.bytes,
            sha256: file.sha256,
        };
        FilesView {
            id,
            complete,
            files: self.given.into_iter().map(view).collect(),
            left: self.left,
            left_count: self.left_count,
        }
    }

    /// One of them.
    pub(crate) fn take(self, name: &str) -> Option<Given> {
        self.given.into_iter().find(|file| file.name == name)
    }
}
