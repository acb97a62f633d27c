//! What can go wrong between us and an edge, by what a caller does about it.

use std::time::Duration;

use runlog_schemas::api::Problem;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why an edge did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The text names no edge.
    #[error(
        "{given:?} is not the address of an edge: {because}; an example is http://127.0.0.1:8740"
    )]
    BaseUrl {
        /// The text.
        given: String,
        /// What is wrong with it.
        because: &'static str,
    },
    /// Nobody answered, or the connection was lost. Trying again later may help.
    #[error("cannot reach the edge at {url}")]
    Unreachable {
        /// What was asked for.
        url: String,
        /// Why not.
        #[source]
        source: Source,
    },
    /// The edge understood, and refused or failed.
    #[error("{0}")]
    Problem(Box<Refused>),
    /// What answered does not speak our language.
    #[error("{url} did not answer as an edge does: {what}")]
    Protocol {
        /// What was asked for.
        url: String,
        /// What was wrong with the answer.
        what: String,
    },
}

/// A problem document, and when to come back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}", .problem.detail, fields(.problem))]
pub struct Refused {
    /// What the edge said.
    pub problem: Problem,
    /// When to try again, where the edge said so (`Retry-After`).
    pub retry_after: Option<Duration>,
}

impl Error {
    pub(crate) fn unreachable(url: &str, source: impl Into<Source>) -> Self {
        Self::Unreachable {
            url: url.to_owned(),
            source: source.into(),
        }
    }

    pub(crate) fn protocol(url: &str, what: impl Into<String>) -> Self {
        Self::Protocol {
            url: url.to_owned(),
            what: what.into(),
        }
    }

    /// The edge's problem document, where it sent one.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Problem(refused) => Some(&refused.problem),
            Self::BaseUrl { .. } | Self::Unreachable { .. } | Self::Protocol { .. } => None,
        }
    }

    /// Whether the same request may succeed later: nobody answered, the edge was overloaded
    /// (429) or something behind it was away (5xx).
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Problem(refused) => {
                refused.problem.status == 429 || refused.problem.status >= 500
            }
            Self::BaseUrl { .. } | Self::Protocol { .. } => false,
        }
    }

    /// When it makes sense to ask again, where whoever refused has said so.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Problem(refused) => refused.retry_after,
            Self::BaseUrl { .. } | Self::Unreachable { .. } | Self::Protocol { .. } => None,
        }
    }

    /// Reads an answer that is no success. What is no problem document, such as a proxy's page,
    /// is never taken for one.
    pub(crate) fn from_answer(
        url: &str,
        status: u16,
        retry_after: Option<Duration>,
        body: &[u8],
    ) -> Self {
        match serde_json::from_slice::<Problem>(body) {
            Ok(problem) => Self::Problem(Box::new(Refused {
                problem,
                retry_after,
            })),
            // A gateway that finds no edge behind it.
            Err(_) if matches!(status, 502..=504) => {
                Self::unreachable(url, format!("HTTP {status} from something in between"))
            }
            Err(_) => Self::protocol(url, format!("HTTP {status} with {}", excerpt(body))),
        }
    }
}

/// Each wrong field in a line of its own, below the sentence.
fn fields(problem: &Problem) -> String {
    problem
        .fields
        .iter()
        .map(|it| {
            format!(
                "\n  {}: given {}, allowed {}",
                it.field, it.given, it.allowed
            )
        })
        .collect()
}

/// The beginning of something unexpected, fit for one line of an error message.
pub(crate) fn excerpt(body: &[u8]) -> String {
    const LONGEST: usize = 120;
    if body.is_empty() {
        return "an empty body".to_owned();
    }
    let text: String = String::from_utf8_lossy(body)
        .chars()
        .take(LONGEST)
        .map(|it| if it.is_control() { ' ' } else { it })
        .collect();
    format!("the body {:?}", text.trim())
}

/// Reads a `Retry-After` in seconds; the other form, a date, is not used by an edge.
pub(crate) fn retry_after(value: Option<&str>) -> Option<Duration> {
    value?.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROBLEM: &str = r#"{"type":"about:blank","title":"Bad Request","status":400,
        "code":"invalid_request","detail":"the request has a field that is not allowed",
        "request_id":"r-1","fields":[{"field":"limits.wall_ms","given":"5","allowed":"100 to 60000"}]}"#;

    #[test]
    fn a_problem_document_is_shown_with_its_fields() {
        let error = Error::from_answer("http://x", 400, None, PROBLEM.as_bytes());
        assert_eq!(
            error.to_string(),
            "the request has a field that is not allowed\n  \
             limits.wall_ms: given 5, allowed 100 to 60000"
        );
        assert_eq!(error.problem().unwrap().request_id, "r-1");
        assert!(!error.is_temporary());
    }

    #[test]
    fn a_page_of_a_proxy_is_no_problem_document() {
        let error = Error::from_answer("http://x", 404, None, b"<html>\n<b>Not found</b>");
        assert!(matches!(error, Error::Protocol { .. }), "{error:?}");
        assert!(error.to_string().contains("HTTP 404"), "{error}");
        let error = Error::from_answer("http://x", 502, None, b"<html>\n<b>Bad gateway</b>");
        assert!(error.is_temporary(), "{error:?}");
    }

    #[test]
    fn only_what_may_pass_is_temporary() {
        for (status, temporary) in [(400, false), (404, false), (429, true), (503, true)] {
            let body = PROBLEM.replace("400", &status.to_string());
            let error = Error::from_answer("http://x", status, None, body.as_bytes());
            assert_eq!(error.is_temporary(), temporary, "{status}");
        }
    }

    #[test]
    fn retry_after_is_read_in_seconds() {
        assert_eq!(retry_after(Some(" 7 ")), Some(Duration::from_secs(7)));
        assert_eq!(retry_after(Some("soon")), None);
        assert_eq!(retry_after(None), None);
    }
}
