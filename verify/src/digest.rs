//! Short stand-ins for what is too large to keep for every execution.

use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// The first half of a SHA-256: two that are equal stand for the same content.
pub(crate) type Digest = [u8; 16];

/// Of bytes.
pub(crate) fn of_bytes(bytes: &[u8]) -> Digest {
    shorten(Sha256::digest(bytes).as_slice())
}

/// Of a value, as it stands in JSON.
pub(crate) fn of_value(value: &impl Serialize) -> Digest {
    let bytes = serde_json::to_vec(value).expect("our types have string keys only");
    of_bytes(&bytes)
}

/// Of several pieces.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sum(Sha256);

impl Sum {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    pub(crate) fn finish(self) -> Digest {
        shorten(self.0.finalize().as_slice())
    }
}

fn shorten(hash: &[u8]) -> Digest {
    let mut digest = [0; 16];
    digest.copy_from_slice(&hash[..16]);
    digest
}
