//! How results become responses.

use runlog_schemas::api::Problem;
use serde::Serialize;
use warp::http::StatusCode;
use warp::http::header::{ALLOW, CONTENT_TYPE, GetAll, HeaderName, HeaderValue, RETRY_AFTER};
use warp::reply::{Reply as _, Response};

use crate::error::EdgeError;
use crate::record::Told;

/// The type of a JSON document.
pub(crate) const JSON: &str = "application/json";

/// The header that carries a request's id, both ways.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Marks a response that says that this edge is older than what it was to read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogNewer;

const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// The answer to a request, whatever came of it. What is missing in a problem document, the
/// request's id, is filled in by [`finish`].
#[must_use]
pub(crate) fn respond(result: Result<Response, EdgeError>) -> Response {
    result.unwrap_or_else(|error| refuse(&error))
}

/// 200 and a JSON document.
#[must_use]
pub(crate) fn json(body: &impl Serialize) -> Response {
    json_with(StatusCode::OK, body)
}

/// A JSON document.
#[must_use]
pub(crate) fn json_with(status: StatusCode, body: &impl Serialize) -> Response {
    let body = serde_json::to_vec(body)
        .expect("our types have string keys only, so they always serialise");
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    response
}

/// A body of a given type that is sent while it is made.
#[must_use]
pub(crate) fn told(content_type: &'static str, body: Told) -> Response {
    let mut response = warp::reply::stream(body).into_response();
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// A body of a given type.
#[must_use]
pub(crate) fn bytes(content_type: &'static str, body: impl Into<bytes::Bytes>) -> Response {
    let mut response = Response::new(body.into().into());
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// Whether one of the values of `If-None-Match` is this `ETag`.
#[must_use]
pub(crate) fn is_known(values: GetAll<'_, HeaderValue>, tag: &str) -> bool {
    values
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|one| one.trim().trim_start_matches("W/") == tag)
}

fn refuse(error: &EdgeError) -> Response {
    let problem = error.problem();
    if problem.status >= 500 {
        tracing::warn!(
            error = %Chain(error),
            code = problem.code,
            "a request could not be done"
        );
    }
    let mut response = Response::default();
    *response.status_mut() = error.status_and_code().0;
    if let Some(seconds) = error.retry_after() {
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let EdgeError::MethodNotAllowed { allow, .. } = error {
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static(allow));
    }
    if matches!(error, EdgeError::LogNewer(_)) {
        response.extensions_mut().insert(LogNewer);
    }
    response.extensions_mut().insert(problem);
    response
}

/// Puts the request's id on a response, and into its problem document where it is one.
#[must_use]
pub(crate) fn finish(mut response: Response, request_id: &HeaderValue) -> Response {
    if let Some(mut problem) = response.extensions_mut().remove::<Problem>() {
        problem.request_id = request_id.to_str().unwrap_or_default().to_owned();
        let body = serde_json::to_vec(&problem)
            .expect("our types have string keys only, so they always serialise");
        *response.body_mut() = body.into();
        response.headers_mut().insert(CONTENT_TYPE, PROBLEM_JSON);
    }
    response
        .headers_mut()
        .insert(REQUEST_ID, request_id.clone());
    response
}

/// An error with all that caused it, on one line.
struct Chain<'a>(&'a dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}
