//! Takes the body of a request, within limits of size and time, and reads JSON from it.

use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};
use runlog_schemas::api::FieldProblem;
use serde::de::DeserializeOwned;
use warp::{Filter, Rejection};

use crate::error::EdgeError;

/// How far beyond the limit a body is read, and dropped, so that its sender gets to read why.
const PATIENCE: usize = 4;

/// How much a body may have of what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyLimits {
    /// Bytes.
    pub(crate) bytes: usize,
    /// Time.
    pub(crate) time: Duration,
}

/// The body of a request that must be declared as JSON.
pub(crate) fn json_body(
    limits: BodyLimits,
) -> impl Filter<Extract = (Result<Bytes, EdgeError>,), Error = Rejection> + Clone {
    warp::header::optional::<String>("content-type")
        .and(warp::body::stream())
        .then(move |content_type: Option<String>, body| async move {
            let body = tokio::time::timeout(limits.time, read(body, limits.bytes)).await;
            // The body is read first: who still sends cannot listen.
            let body = body.map_err(|_| EdgeError::BodyIncomplete)??;
            let given = content_type.unwrap_or_else(|| "nothing".to_owned());
            if is_json(&given) {
                Ok(body)
            } else {
                Err(EdgeError::NotJson { given })
            }
        })
}

fn is_json(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/json")
}

async fn read<B: Buf>(
    body: impl Stream<Item = Result<B, warp::Error>>,
    limit: usize,
) -> Result<Bytes, EdgeError> {
    let mut body = std::pin::pin!(body);
    let mut read = BytesMut::new();
    let mut length = 0_usize;
    while let Some(piece) = body.next().await {
        let mut piece = piece.map_err(|_| EdgeError::BodyIncomplete)?;
        length = length.saturating_add(piece.remaining());
        if length <= limit {
            while piece.has_remaining() {
                let chunk = piece.chunk();
                read.extend_from_slice(chunk);
                let taken = chunk.len();
                piece.advance(taken);
            }
        } else if length > limit.saturating_mul(PATIENCE) {
            break;
        }
    }
    if length > limit {
        return Err(EdgeError::BodyTooLarge { limit });
    }
    Ok(read.freeze())
}

/// Reads a value from JSON.
///
/// # Errors
/// With the place in the text where it is no JSON, or with the field where it is none of ours.
pub(crate) fn from_json<T: DeserializeOwned>(text: &[u8]) -> Result<T, EdgeError> {
    let mut json = serde_json::Deserializer::from_slice(text);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        if error.inner().is_data() {
            EdgeError::InvalidRequest(vec![explain(&error)])
        } else {
            EdgeError::MalformedJson(error.inner().to_string())
        }
    })?;
    json.end()
        .map_err(|error| EdgeError::MalformedJson(error.to_string()))?;
    Ok(value)
}

/// What serde says, as field, given and allowed.
fn explain(error: &serde_path_to_error::Error<serde_json::Error>) -> FieldProblem {
    let path = match error.path().to_string() {
        path if path == "." => String::new(),
        path => path,
    };
    let message = error.inner().to_string();
    let message = message
        .rsplit_once(" at line ")
        .map_or(message.as_str(), |(message, _)| message);
    let quoted = |text: &str| text.split('`').nth(1).unwrap_or_default().to_owned();
    let (field, given, allowed) = if message.starts_with("unknown field") {
        let allowed = message.split_once(", ").map_or("nothing", |(_, rest)| rest);
        (
            path,
            format!("the unknown field {:?}", quoted(message)),
            allowed,
        )
    } else if message.starts_with("missing field") {
        (
            join(&path, &quoted(message)),
            "nothing".to_owned(),
            "a value; it is needed",
        )
    } else if let Some((given, allowed)) = message.split_once(", expected ") {
        let given = given
            .trim_start_matches("invalid type: ")
            .trim_start_matches("invalid value: ");
        (path, given.to_owned(), allowed)
    } else {
        (path, "a value that cannot be read".to_owned(), message)
    };
    FieldProblem {
        field: if field.is_empty() {
            "body".to_owned()
        } else {
            field
        },
        given: shorten(&given),
        allowed: allowed.to_owned(),
    }
}

fn join(path: &str, field: &str) -> String {
    if path.is_empty() {
        field.to_owned()
    } else {
        format!("{path}.{field}")
    }
}

/// What came, short enough to be sent back.
#[must_use]
pub(crate) fn shorten(text: &str) -> String {
    const LONGEST: usize = 80;
    match text.char_indices().nth(LONGEST) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", &text[..at]),
    }
}

#[cfg(test)]
mod tests {
    use runlog_schemas::api::SubmitRequest;

    use super::*;

    fn problem(text: &str) -> FieldProblem {
        match from_json::<SubmitRequest>(text.as_bytes()) {
            Err(EdgeError::InvalidRequest(mut fields)) => fields.remove(0),
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn a_wrong_type_is_named_with_its_path() {
        let problem = problem(r#"{"language":"c","limits":{"wall_ms":"10"}}"#);
        assert_eq!(problem.field, "limits.wall_ms");
        assert_eq!(problem.given, "string \"10\"");
        assert_eq!(problem.allowed, "u64");
    }

    #[test]
    fn an_unknown_field_is_named_with_those_that_exist() {
        let problem = problem(r#"{"language":"c","files":[{"name":"a","contents":""}]}"#);
        assert!(problem.field.starts_with("files[0]"), "{problem:?}");
        assert!(problem.given.contains("contents"), "{problem:?}");
        assert!(problem.allowed.contains("`content`"), "{problem:?}");
    }

    #[test]
    fn a_missing_field_is_named() {
        assert_eq!(problem("{}").field, "language");
        let problem = problem(r#"{"language":"c","files":[{}]}"#);
        assert_eq!(problem.field, "files[0].name");
    }

    #[test]
    fn what_is_no_json_is_told_with_line_and_column() {
        for text in [
            "",
            "{",
            "no",
            "{\"language\":\"c\"} {}",
            "\u{feff}{}",
            "{\"language\":\"c\"}x",
        ] {
            match from_json::<SubmitRequest>(text.as_bytes()) {
                Err(EdgeError::MalformedJson(message)) => {
                    assert!(message.contains("column"), "{text}: {message}");
                }
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn base64_that_is_none_is_refused_with_its_field() {
        let problem = problem(r#"{"language":"c","stdin_data":{"base64":"!"}}"#);
        assert_eq!(problem.field, "stdin_data");
    }

    #[test]
    fn long_input_is_shortened_at_a_character() {
        assert_eq!(shorten("é"), "é");
        assert_eq!(shorten(&"é".repeat(100)).chars().count(), 81);
    }
}
