//! The header `Idempotency-Key`: under the same key a request is done once.

use runlog_nats::{AppendError, KeyClaim, KeyError};
use runlog_schemas::api::FieldProblem;
use runlog_schemas::{ExecutionId, KeyScope, SnippetId, request_digest};
use serde_json::Value;
use warp::http::HeaderMap;

use crate::body::shorten;
use crate::error::EdgeError;
use crate::state::Edge;

/// The header's name, as it is told to senders.
const NAME: &str = "Idempotency-Key";
/// The longest key, in bytes.
const LONGEST: usize = 255;

/// A sender's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key(String);

/// What a key stands for: the execution that it names, and what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Keyed {
    /// The execution.
    pub(crate) id: ExecutionId,
    /// Tells the same request from another one under the same key.
    pub(crate) digest: String,
}

impl Key {
    /// The key of a request, where it has one.
    ///
    /// # Errors
    /// When there are several, or it is empty, too long or not made of visible characters.
    pub(crate) fn read(headers: &HeaderMap) -> Result<Option<Self>, EdgeError> {
        let mut values = headers.get_all(NAME).iter();
        let Some(value) = values.next() else {
            return Ok(None);
        };
        if values.next().is_some() {
            return Err(refused("several of them"));
        }
        let text = String::from_utf8_lossy(value.as_bytes());
        let fits = (1..=LONGEST).contains(&value.len());
        match value.to_str() {
            Ok(text) if fits && !text.contains('\t') => Ok(Some(Self(text.to_owned()))),
            _ if value.is_empty() => Err(refused("an empty one")),
            _ if !fits => Err(refused(&format!("{} bytes", value.len()))),
            _ => Err(refused(&format!("{text:?}"))),
        }
    }

    /// The key of one item of a request with several: no sender can give it otherwise, since a
    /// header holds no NUL.
    pub(crate) fn item(&self, place: usize) -> Self {
        Self(format!("{}\0{place}", self.0))
    }

    /// The snippet that it stands for, which the first request under it has chosen.
    ///
    /// # Errors
    /// When it was used for another request, or the log does not answer.
    pub(crate) async fn of_snippet(
        &self,
        edge: &Edge,
        body: &Value,
        chosen: SnippetId,
    ) -> Result<SnippetId, EdgeError> {
        let claim = KeyClaim {
            request_digest: request_digest("share", body),
            id: chosen.to_string(),
        };
        let claimed = edge.log.claim_key(KeyScope::Nobody, &self.0, &claim).await;
        let claimed = claimed.map_err(|error| match error {
            KeyError::Append(error @ AppendError::Full(_)) => EdgeError::LogFull(error.into()),
            KeyError::Append(error) => EdgeError::LogUnavailable(error.into()),
            KeyError::Read(error) => error.into(),
        })?;
        if claimed.request_digest != claim.request_digest {
            return Err(EdgeError::KeyReused {
                became: "a snippet".to_owned(),
            });
        }
        Ok(claimed.id.parse()?)
    }

    /// What it stands for, for a request of that session.
    pub(crate) fn of(&self, session: Option<&str>, operation: &str, body: &Value) -> Keyed {
        Keyed {
            id: ExecutionId::of_key(KeyScope::of(session), &self.0),
            digest: request_digest(operation, body),
        }
    }
}

fn refused(given: &str) -> EdgeError {
    EdgeError::InvalidKey(Box::new(FieldProblem {
        field: NAME.to_owned(),
        given: shorten(given),
        allowed: format!("one key of 1 to {LONGEST} visible ASCII characters and spaces"),
    }))
}

#[cfg(test)]
mod tests {
    use warp::http::HeaderValue;

    use super::*;

    fn read(values: &[&[u8]]) -> Result<Option<Key>, EdgeError> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(NAME, HeaderValue::from_bytes(value).unwrap());
        }
        Key::read(&headers)
    }

    #[test]
    fn a_key_is_one_line_of_visible_characters() {
        assert_eq!(read(&[]).unwrap(), None);
        for good in ["a", "a b", "\"quoted\"", &"x".repeat(LONGEST)] {
            let key = read(&[good.as_bytes()]).unwrap();
            assert_eq!(key, Some(Key(good.to_owned())));
        }
        let long = "x".repeat(LONGEST + 1);
        for bad in [&b""[..], b"a\tb", b"\xff", "ü".as_bytes(), long.as_bytes()] {
            let error = read(&[bad]).unwrap_err();
            let EdgeError::InvalidKey(field) = error else {
                panic!("{error:?}")
            };
            assert_eq!(field.field, NAME);
        }
        assert!(read(&[b"a", b"a"]).is_err());
    }

    #[test]
    fn items_have_keys_of_their_own() {
        let key = Key("a".to_owned());
        let body = Value::Null;
        let ids = [&key, &key.item(0), &key.item(1)].map(|key| key.of(None, "", &body).id);
        assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2]);
    }
}
