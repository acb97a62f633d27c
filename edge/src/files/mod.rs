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
    /// Reads on in a recording; gives back the file that ends with that.
    fn take(current: &mut Option<Self>, what: ChunkKind) -> Option<Self> {
        match what {
            ChunkKind::File {
                name,
                bytes,
                sha256,
            } => current.replace(Self {
                name,
                sha256,
                bytes,
                content: Vec::new(),
            }),
            ChunkKind::FileData { data } => {
                if let Some(file) = current {
                    file.content.extend_from_slice(&data.0);
                }
                None
            }
            _ => None,
        }
    }

    /// Whether all of it is there, as it was taken out.
    pub(crate) fn is_whole(&self) -> bool {
        let digest = Sha256::digest(&self.content);
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        self.content.len() as u64 == self.bytes && hex == self.sha256
    }
}

/// Everything that a recording says about files, with the content of one of them at a time.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    folder: String,
    /// Those that are whole.
    listed: Vec<FileView>,
    /// The one whose content comes.
    current: Option<Given>,
    left: Vec<LeftFile>,
    left_count: u64,
}

impl Files {
    /// Nothing yet.
    pub(crate) fn of(id: ExecutionId) -> Self {
        Self {
            folder: Links::of(id).files,
            listed: Vec::new(),
            current: None,
            left: Vec::new(),
            left_count: 0,
        }
    }

    /// Reads on in a recording.
    pub(crate) fn take(&mut self, chunk: Chunk) {
        if let ChunkKind::FilesLeft { left, count } = chunk.what {
            self.left.extend(left);
            self.left_count += count;
        } else if let Some(before) = Given::take(&mut self.current, chunk.what) {
            self.list(before);
        }
    }

    /// The list, as users see it.
    pub(crate) fn view(mut self, id: ExecutionId, complete: bool) -> FilesView {
        if let Some(last) = self.current.take() {
            self.list(last);
        }
        FilesView {
            id,
            complete,
            files: self.listed,
            left: self.left,
            left_count: self.left_count,
        }
    }

    fn list(&mut self, file: Given) {
        self.listed.push(FileView {
            media_type: media(&file.name, &file.content).content_type.to_owned(),
            link: format!("{}/{}", self.folder, encode(&file.name)),
            name: file.name,
            bytes: file.bytes,
            sha256: file.sha256,
        });
    }
}

/// One file of a recording, which is looked for by its name.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    name: String,
    current: Option<Given>,
    found: Option<Given>,
}

impl Wanted {
    /// To be looked for.
    pub(crate) const fn new(name: String) -> Self {
        Self {
            name,
            current: None,
            found: None,
        }
    }

    /// Reads on in a recording.
    pub(crate) fn take(&mut self, chunk: Chunk) {
        if self.found.is_none()
            && let Some(before) = Given::take(&mut self.current, chunk.what)
        {
            self.see(before);
        }
    }

    /// The file, where there is one.
    pub(crate) fn found(mut self) -> Option<Given> {
        if let Some(last) = self.current.take() {
            self.see(last);
        }
        self.found
    }

    fn see(&mut self, file: Given) {
        if self.found.is_none() && file.name == self.name {
            self.found = Some(file);
        }
    }
}
