//! What is kept of a compile step, and the bytes in which it is.
//!
//! A digest of the rest, the length of the head in four bytes, the head in JSON, then the contents
//! of the files. Whatever has been changed on the way is noticed before any of it is used.

use bytes::Bytes;
use runlog_sandbox::CellFile;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::key::Key;

const DIGEST_BYTES: usize = 32;
const LENGTH_BYTES: usize = 4;

/// What a compile step left: its words and its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Compiled {
    /// What the compiler said, warnings for one.
    pub(crate) said: Bytes,
    /// The files that it made or changed.
    pub(crate) files: Vec<CellFile>,
}

/// An entry that is not as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Damage {
    #[error("its digest is another")]
    Digest,
    #[error("it belongs to another key")]
    Key,
    #[error("it cannot be read")]
    Form,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    key: String,
    said_bytes: usize,
    files: Vec<HeadFile>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HeadFile {
    name: String,
    mode: u32,
    bytes: usize,
}

impl Compiled {
    pub(crate) fn encode(&self, key: &Key) -> Bytes {
        let head = Head {
            key: key.name().to_owned(),
            said_bytes: self.said.len(),
            files: self
                .files
                .iter()
                .map(|file| HeadFile {
                    name: file.name.clone(),
                    mode: file.mode,
                    bytes: file.content.len(),
                })
                .collect(),
        };
        let head = serde_json::to_vec(&head).expect("plain fields always serialise");
        let length = u32::try_from(head.len()).expect("a head is far smaller than 4 GiB");
        let mut bytes = vec![0; DIGEST_BYTES];
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&head);
        bytes.extend_from_slice(&self.said);
        for file in &self.files {
            bytes.extend_from_slice(&file.content);
        }
        let digest = Sha256::digest(&bytes[DIGEST_BYTES..]);
        bytes[..DIGEST_BYTES].copy_from_slice(&digest);
        bytes.into()
    }

    pub(crate) fn decode(key: &Key, bytes: &Bytes) -> Result<Self, Damage> {
        if bytes.len() < DIGEST_BYTES + LENGTH_BYTES {
            return Err(Damage::Form);
        }
        let mut rest = bytes.clone();
        let digest = rest.split_to(DIGEST_BYTES);
        if Sha256::digest(&rest)[..] != digest[..] {
            return Err(Damage::Digest);
        }
        let length = rest.split_to(LENGTH_BYTES);
        let length = length
            .iter()
            .fold(0, |all, &byte| all << 8 | usize::from(byte));
        let head = take(&mut rest, length)?;
        let head: Head = serde_json::from_slice(&head).map_err(|_| Damage::Form)?;
        if head.key != key.name() {
            return Err(Damage::Key);
        }
        let said = take(&mut rest, head.said_bytes)?;
        let files = head.files.into_iter().map(|file| {
            Ok(CellFile {
                content: take(&mut rest, file.bytes)?,
                name: file.name,
                mode: file.mode,
            })
        });
        let files = files.collect::<Result<_, Damage>>()?;
        if rest.is_empty() {
            Ok(Self { said, files })
        } else {
            Err(Damage::Form)
        }
    }
}

fn take(rest: &mut Bytes, bytes: usize) -> Result<Bytes, Damage> {
    if bytes > rest.len() {
        return Err(Damage::Form);
    }
    Ok(rest.split_to(bytes))
}

#[cfg(test)]
mod tests {
    use super::super::key::tests::any_key;
    use super::*;

    fn compiled() -> Compiled {
        Compiled {
            said: Bytes::from_static(b"a warning"),
            files: vec![
                CellFile::new("program", vec![0, 1, 2]),
                CellFile {
                    name: "a/b.class".to_owned(),
                    mode: 0o644,
                    content: Bytes::new(),
                },
            ],
        }
    }

    #[test]
    fn what_was_written_is_read() {
        let key = any_key();
        let bytes = compiled().encode(&key);
        assert_eq!(Compiled::decode(&key, &bytes), Ok(compiled()));
    }

    #[test]
    fn every_changed_bit_and_every_cut_is_noticed() {
        let key = any_key();
        let bytes = compiled().encode(&key);
        for at in 0..bytes.len() {
            assert!(Compiled::decode(&key, &bytes.slice(..at)).is_err());
            let mut changed = bytes.to_vec();
            changed[at] ^= 4;
            let changed = Compiled::decode(&key, &changed.into());
            assert_eq!(changed, Err(Damage::Digest));
        }
        let more = [&bytes[..], b"x"].concat();
        assert_eq!(Compiled::decode(&key, &more.into()), Err(Damage::Digest));
    }

    #[test]
    fn an_entry_serves_no_other_key() {
        let key = any_key();
        let bytes = compiled().encode(&key);
        // Written whole by somebody, under a name that is not its own.
        let mut other = bytes.to_vec();
        let name = key.name().as_bytes();
        let at = bytes.windows(name.len()).position(|it| it == name).unwrap();
        other[at] = if other[at] == b'0' { b'1' } else { b'0' };
        let digest = Sha256::digest(&other[DIGEST_BYTES..]);
        other[..DIGEST_BYTES].copy_from_slice(&digest);
        assert_eq!(Compiled::decode(&key, &other.into()), Err(Damage::Key));
    }
}
