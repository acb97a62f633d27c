//! `GET /v1/executions/{id}/files`, `GET /v1/executions/{id}/files/{name}`

use std::sync::Arc;

use runlog_schemas::ExecutionId;
use runlog_schemas::api::{FilesView, Problem};
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::StatusCode;
use warp::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, ETAG, HeaderMap, HeaderName,
    HeaderValue, IF_NONE_MATCH, X_CONTENT_TYPE_OPTIONS,
};
use warp::reply::Response;

use super::{id, with};
use crate::error::EdgeError;
use crate::files::{Files, Given, Wanted, decode, disposition, media};
use crate::query;
use crate::record;
use crate::reply::{bytes, is_known, json, respond};
use crate::state::Edge;

/// No script, no form, no origin of ours, whatever a browser makes of it.
const POLICY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

pub(super) fn route(edge: &Arc<Edge>) -> BoxedFilter<(Response,)> {
    let list = warp::path!("v1" / "executions" / String / "files")
        .and(warp::get())
        .and(with(edge))
        .and(query::raw())
        .then(async |text: String, edge, query: String| respond(get(&text, edge, &query).await));
    let one = warp::path!("v1" / "executions" / String / "files" / String)
        .and(warp::get())
        .and(with(edge))
        .and(query::raw())
        .and(warp::header::headers_cloned())
        .then(
            async |text: String, name: String, edge, query: String, headers| {
                respond(get_one(&text, &name, edge, &query, &headers).await)
            },
        );
    list.or(one).unify().boxed()
}

/// List the files that a program gave back
///
/// Those that its submission asked for in `output_files`, and what of it is not given back and why.
/// They are there as soon as the execution has ended.
#[utoipa::path(
    get,
    operation_id = "list_files",
    path = "/v1/executions/{id}/files",
    tag = "executions",
    params(("id" = ExecutionId, Path, description = "The execution's id.")),
    responses(
        (status = 200, description = "The files.", body = FilesView),
        (status = 400, description = "Not an id, or a query that makes no sense.",
            body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such execution.",
            body = Problem, content_type = "application/problem+json"),
        (status = 410, description = "What it gave back is no longer kept.",
            body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Neither the log nor the history answers.",
            body = Problem, content_type = "application/problem+json"),
    )
)]
async fn get(text: &str, edge: Arc<Edge>, query: &str) -> Result<Response, EdgeError> {
    let id = id(text)?;
    query::none(query)?;
    let mut files = Files::of(id);
    let execution = record::each_chunk(&edge, id, |chunk| files.take(chunk)).await?;
    Ok(json(&files.view(id, execution.end().is_some())))
}

/// Get a file that a program gave back
///
/// Its bytes as they were, with a type that is found from them. Pictures and texts may be shown; what
/// could hold scripts, or is unknown, is saved.
#[utoipa::path(
    get,
    operation_id = "get_file",
    path = "/v1/executions/{id}/files/{name}",
    tag = "executions",
    params(
        ("id" = ExecutionId, Path, description = "The execution's id."),
        ("name" = String, Path,
            description = "The file's name as one part of the path, a `/` in it written `%2F`."),
    ),
    responses(
        (status = 200, description = "The file.", content(
            (Vec<u8> = "application/octet-stream"), (Vec<u8> = "image/png"),
            (Vec<u8> = "image/jpeg"), (Vec<u8> = "image/gif"), (Vec<u8> = "image/webp"),
            (Vec<u8> = "image/svg+xml"), (Vec<u8> = "application/pdf"),
            (String = "text/plain"), (String = "text/csv"), (String = "application/json")),
            headers(("ETag" = String, description = "For `If-None-Match`."))),
        (status = 304, description = "You have it: it is as `If-None-Match` says."),
        (status = 400, description = "Not an id, or a query that makes no sense.",
            body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such execution, or no such file.",
            body = Problem, content_type = "application/problem+json"),
        (status = 410, description = "The file is no longer kept.",
            body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Neither the log nor the history answers.",
            body = Problem, content_type = "application/problem+json"),
    )
)]
async fn get_one(
    text: &str,
    name: &str,
    edge: Arc<Edge>,
    query: &str,
    headers: &HeaderMap,
) -> Result<Response, EdgeError> {
    let id = id(text)?;
    query::none(query)?;
    // Whether there is such an execution is said first.
    let mut wanted = decode(name).map(Wanted::new);
    let take = |chunk| {
        if let Some(wanted) = &mut wanted {
            wanted.take(chunk);
        }
    };
    record::each_chunk(&edge, id, take).await?;
    let file = wanted.and_then(Wanted::found);
    let file = file.ok_or(EdgeError::NoSuchFile)?;
    if !file.is_whole() {
        return Err(EdgeError::OutputGone);
    }
    Ok(serve(file, headers))
}

fn serve(file: Given, headers: &HeaderMap) -> Response {
    let media = media(&file.name, &file.content);
    let tag = format!("\"{}\"", file.sha256);
    let mut response = if is_known(headers.get_all(IF_NONE_MATCH), &tag) {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        bytes(media.content_type, file.content)
    };
    let text = |text: String| HeaderValue::try_from(text).expect("it is made of printable ASCII");
    let to = response.headers_mut();
    to.insert(ETAG, text(tag));
    to.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    let disposition = disposition(&file.name, media.shown);
    to.insert(CONTENT_DISPOSITION, text(disposition));
    to.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    to.insert(CONTENT_SECURITY_POLICY, POLICY);
    to.insert(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    response
}
