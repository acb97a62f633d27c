//! Executions that are named by whoever asks for them, so that asking twice makes one.

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::ExecutionId;

/// Whose key it is. The same key of somebody else names another execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyScope<'a> {
    /// Of a request that names no session.
    Nobody,
    /// Of a session, by its name.
    Session(&'a str),
}

impl<'a> KeyScope<'a> {
    /// The scope of a request with that session, or with none.
    #[must_use]
    pub const fn of(session: Option<&'a str>) -> Self {
        match session {
            Some(name) => Self::Session(name),
            None => Self::Nobody,
        }
    }

    /// A name for this scope's key, made of letters and digits: SHA-256 in hex.
    #[must_use]
    pub fn digest(self, key: &str) -> String {
        let (kind, name) = self.parts();
        hex(&hash(&["key", kind, name, key]))
    }

    const fn parts(self) -> (&'static str, &'a str) {
        match self {
            Self::Nobody => ("nobody", ""),
            Self::Session(name) => ("session", name),
        }
    }
}

impl ExecutionId {
    /// The execution that an idempotency key names: always the same one, so that the log itself,
    /// which takes an id once, decides which of several requests was first.
    #[must_use]
    pub fn of_key(scope: KeyScope<'_>, key: &str) -> Self {
        let (kind, name) = scope.parts();
        Self::named(&["key", kind, name, key])
    }

    /// The execution that a dead letter becomes when it is tried again: a letter has one.
    #[must_use]
    pub fn of_redrive(dead: Self) -> Self {
        Self::named(&["redrive", &dead.to_string()])
    }

    /// A UUIDv8 of the SHA-256 of those texts.
    fn named(texts: &[&str]) -> Self {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash(texts)[..16]);
        Self::from_uuid(Uuid::new_v8(bytes))
    }
}

fn hash(texts: &[&str]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for text in texts {
        // With the length in front no two lists of texts are the same bytes.
        digest.update((text.len() as u64).to_be_bytes());
        digest.update(text.as_bytes());
    }
    digest.finalize().into()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(64), |mut hex, byte| {
            write!(hex, "{byte:02x}").expect("a String takes everything");
            hex
        })
}

/// What two requests must have in common to be the same: what they do, and their body but for
/// the order of its fields and the space between them. SHA-256 in hex.
#[must_use]
pub fn request_digest(operation: &str, body: &serde_json::Value) -> String {
    let mut digest = Sha256::new();
    digest.update((operation.len() as u64).to_be_bytes());
    digest.update(operation.as_bytes());
    // Its maps are sorted by their keys.
    digest.update(body.to_string().as_bytes());
    hex(&digest.finalize())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_names_one_execution_in_each_scope() {
        let of = |scope, key| ExecutionId::of_key(scope, key);
        let id = of(KeyScope::Nobody, "k");
        // Stands in logs: an edge of another version must find it.
        assert_eq!(id.to_string(), "3b37b8c3-8442-8dd8-b857-60f40d1521ae");
        assert_eq!(id, of(KeyScope::of(None), "k"));
        assert_eq!(id.as_uuid().get_version_num(), 8);
        let others = [
            of(KeyScope::Nobody, "l"),
            of(KeyScope::Session("k"), ""),
            of(KeyScope::Session(""), "k"),
            of(KeyScope::Session("s"), "k"),
            of(KeyScope::Session("sk"), ""),
            ExecutionId::of_redrive(id),
        ];
        for (n, other) in others.iter().enumerate() {
            assert_ne!(id, *other);
            assert!(!others[n + 1..].contains(other));
        }
    }

    #[test]
    fn the_order_of_fields_makes_no_difference_and_their_values_do() {
        let body = |text: &str| serde_json::from_str(text).unwrap();
        let digest = request_digest("submit", &body(r#"{"a": 1, "b": [1, 2]}"#));
        assert_eq!(digest.len(), 64);
        assert_eq!(
            digest,
            request_digest("submit", &body(r#"{"b":[1,2],"a":1}"#))
        );
        assert_ne!(
            digest,
            request_digest("submit", &json!({"a": 1, "b": [2, 1]}))
        );
        assert_ne!(
            digest,
            request_digest("rerun", &json!({"a": 1, "b": [1, 2]}))
        );
    }
}
