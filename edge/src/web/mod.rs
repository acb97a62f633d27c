//! The page: files that were built from `web/` and stand inside the program, already compressed.

mod asset;

use std::future::ready;

use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::StatusCode;
use warp::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use warp::path::FullPath;
use warp::reply::Response;

use asset::Asset;

use crate::error::EdgeError;
use crate::reply::{is_known, respond};

/// What was built; empty where nothing was.
const PAGE: &[Asset] = include!(concat!(env!("OUT_DIR"), "/page.rs"));

/// What the page may load and run. Kept beside its sources, whose own tests read it too.
const POLICY: &str = include_str!("../../../web/csp.txt");

/// Says what to do where the page is missing.
const NOT_BUILT: &str =
    "This program was built without its page. Run `make web`, then build it again.\n";

/// Every address at which the page itself is shown, as templates. The page reads them in
/// `web/src/app/route.ts`.
pub(crate) const VIEWS: [&str; 8] = [
    "/",
    "/runs/{id}",
    "/runs/{id}/replay",
    "/diff/{id}/{id}",
    "/history",
    "/s/{id}",
    "/embed/{id}",
    "/ops",
];

/// The address that pages of others may show in a frame: it only reads what was shared.
const FRAMED: &str = "/embed/";

/// What the policy says of frames elsewhere, and what it says there.
const FRAMES: [&str; 2] = ["frame-ancestors 'self'", "frame-ancestors *"];

/// Files of the page that keep their names.
const FILES: [&str; 2] = ["/theme.js", "/favicon.svg"];

/// Serves the page and its files. `is_view` says whether a path is one of [`VIEWS`].
pub(crate) fn route(is_view: fn(&str) -> bool) -> BoxedFilter<(Response,)> {
    warp::path::full()
        .and(warp::get().or(warp::head()).unify())
        .and(warp::header::headers_cloned())
        .and_then(move |path: FullPath, headers: HeaderMap| {
            let answer = answer(path.as_str(), &headers, is_view);
            ready(answer.ok_or_else(warp::reject::not_found))
        })
        .boxed()
}

/// The answer; `None` where the path is none of the page's.
fn answer(path: &str, headers: &HeaderMap, is_view: fn(&str) -> bool) -> Option<Response> {
    let is_view = is_view(path);
    if is_view && PAGE.is_empty() {
        return Some(not_built());
    }
    let framed = is_view && path.starts_with(FRAMED);
    let path = if is_view { "/index.html" } else { path };
    match PAGE.iter().find(|asset| asset.path == path) {
        Some(asset) => Some(serve(asset, headers, framed)),
        None if is_ours(path) => Some(respond(Err(EdgeError::NoSuchPath {
            path: path.to_owned(),
        }))),
        None => None,
    }
}

/// Whether nothing but the page can stand at a path.
fn is_ours(path: &str) -> bool {
    path.starts_with(asset::HASHED) || FILES.contains(&path)
}

fn serve(asset: &Asset, headers: &HeaderMap, framed: bool) -> Response {
    let accepted: Vec<&str> = texts(headers, &ACCEPT_ENCODING).collect();
    let (encoding, bytes) = asset.best(&accepted);
    let tag = asset.tag(encoding);
    let known = is_known(headers.get_all(IF_NONE_MATCH), &tag);
    let mut response = if known {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        Response::new(bytes.into())
    };
    let to = response.headers_mut();
    to.insert(CACHE_CONTROL, HeaderValue::from_static(asset.caching()));
    to.insert(VARY, HeaderValue::from_static("accept-encoding"));
    to.insert(CONTENT_TYPE, HeaderValue::from_static(asset.content_type()));
    to.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        to.insert(ETAG, tag);
    }
    if let Some(encoding) = encoding {
        to.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    if asset.path.ends_with(".html") {
        to.insert(CONTENT_SECURITY_POLICY, policy(framed));
        to.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    }
    response
}

fn policy(framed: bool) -> HeaderValue {
    let policy = HeaderValue::from_static(POLICY.trim_ascii_end());
    if !framed {
        return policy;
    }
    let open = POLICY.trim_ascii_end().replace(FRAMES[0], FRAMES[1]);
    // With the stricter one the page cannot be framed, which is all that can go wrong.
    HeaderValue::from_str(&open).unwrap_or(policy)
}

/// The values of a header that are text.
fn texts<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> + use<'a> {
    let values = headers.get_all(name).into_iter();
    values.filter_map(|value| value.to_str().ok())
}

fn not_built() -> Response {
    let mut response = Response::new(NOT_BUILT.into());
    *response.status_mut() = StatusCode::NOT_FOUND;
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    response
}
