//! All routes, one file per resource.

mod batch;
mod cancel;
mod dead_letter;
mod dead_letters;
mod events;
mod execution;
mod files;
mod health;
mod history;
mod languages;
mod openapi;
mod operations;
mod output;
mod program;
mod recording;
mod rerun;
mod snippets;
mod submit;
mod workers;
mod ws;

use std::convert::Infallible;
use std::sync::Arc;

use runlog_schemas::ExecutionId;
use warp::filters::BoxedFilter;
use warp::http::{HeaderValue, Method};
use warp::path::FullPath;
use warp::reply::Response;
use warp::{Filter, Rejection};

use crate::error::EdgeError;
use crate::reply::{REQUEST_ID, finish, respond};
use crate::state::Edge;
use crate::web;

pub(crate) use cancel::cancel;
pub use openapi::openapi;

/// A path with the methods that it has.
struct Route {
    template: &'static str,
    allow: &'static str,
}

/// Every path, for the header `Allow` and for the labels of metrics.
const ROUTES: [Route; 38] = [
    route("/v1/executions", "GET, POST"),
    route("/v1/executions/batch", "POST"),
    route("/v1/executions/{id}", "GET"),
    route("/v1/executions/{id}/output", "GET"),
    route("/v1/executions/{id}/events", "GET"),
    route("/v1/executions/{id}/ws", "GET"),
    route("/v1/executions/{id}/cancel", "POST"),
    route("/v1/executions/{id}/rerun", "POST"),
    route("/v1/executions/{id}/recording", "GET"),
    route("/v1/executions/{id}/files", "GET"),
    route("/v1/executions/{id}/files/{id}", "GET"),
    route("/v1/executions/{id}/program", "GET"),
    route("/v1/snippets", "POST"),
    route("/v1/snippets/{id}", "GET"),
    route("/v1/languages", "GET"),
    route("/v1/workers", "GET"),
    route("/v1/operations/events", "GET"),
    route("/v1/dead-letters", "GET"),
    route("/v1/dead-letters/redrive", "POST"),
    route("/v1/dead-letters/drop", "POST"),
    route("/v1/dead-letters/{id}", "DELETE, GET"),
    route("/v1/dead-letters/{id}/redrive", "POST"),
    route("/v1/openapi.json", "GET"),
    route("/livez", "GET"),
    route("/readyz", "GET"),
    route("/version", "GET"),
    route("/metrics", "GET"),
    route("/", "GET, HEAD"),
    route("/runs/{id}", "GET, HEAD"),
    route("/runs/{id}/replay", "GET, HEAD"),
    route("/diff/{id}/{id}", "GET, HEAD"),
    route("/history", "GET, HEAD"),
    route("/s/{id}", "GET, HEAD"),
    route("/embed/{id}", "GET, HEAD"),
    route("/ops", "GET, HEAD"),
    route("/assets/{id}", "GET, HEAD"),
    route("/theme.js", "GET, HEAD"),
    route("/favicon.svg", "GET, HEAD"),
];

const fn route(template: &'static str, allow: &'static str) -> Route {
    Route { template, allow }
}

/// The template of a path; `unknown` where no route has it.
pub(crate) fn template(path: &str) -> &'static str {
    matching(path).map_or("unknown", |route| route.template)
}

fn matching(path: &str) -> Option<&'static Route> {
    let path = match path.strip_suffix('/') {
        Some(shorter) if !shorter.is_empty() && !shorter.ends_with('/') => shorter,
        _ => path,
    };
    ROUTES.iter().find(|route| {
        let mut wanted = route.template.split('/');
        let mut given = path.split('/');
        loop {
            match (wanted.next(), given.next()) {
                (None, None) => return true,
                (Some("{id}"), Some(given)) if !given.is_empty() => {}
                (Some(wanted), Some(given)) if wanted == given => {}
                _ => return false,
            }
        }
    })
}

/// Every route, with an answer to every request.
pub(crate) fn all(
    edge: &Arc<Edge>,
) -> impl Filter<Extract = (Response,), Error = Infallible> + Clone + use<> {
    // In groups of their own: the type of one long chain is too deep for the compiler.
    let routes = of_executions(edge)
        .or(of_the_rest(edge))
        .unify()
        .or(web::route(|path| web::VIEWS.contains(&template(path))))
        .unify();
    answered(routes)
}

fn of_executions(edge: &Arc<Edge>) -> BoxedFilter<(Response,)> {
    submit::route(edge)
        .or(execution::route(edge))
        .unify()
        .or(events::route(edge))
        .unify()
        .or(ws::route(edge))
        .unify()
        .or(output::route(edge))
        .unify()
        .or(cancel::route(edge))
        .unify()
        .or(rerun::route(edge))
        .unify()
        .or(recording::route(edge))
        .unify()
        .or(program::route(edge))
        .unify()
        .or(history::route(edge))
        .unify()
        .or(files::route(edge))
        .unify()
        .or(batch::route(edge))
        .unify()
        .boxed()
}

fn of_the_rest(edge: &Arc<Edge>) -> BoxedFilter<(Response,)> {
    snippets::route(edge)
        .or(languages::route(edge))
        .unify()
        .or(dead_letters::route(edge))
        .unify()
        .or(dead_letter::route(edge))
        .unify()
        .or(workers::route(edge))
        .unify()
        .or(operations::route(edge))
        .unify()
        .or(openapi::route())
        .unify()
        .or(health::route(edge))
        .unify()
        .boxed()
}

/// Makes an answer of whatever warp itself refused, and finishes every answer.
fn answered<F>(routes: F) -> impl Filter<Extract = (Response,), Error = Infallible> + Clone + use<F>
where
    F: Filter<Extract = (Response,), Error = Rejection> + Clone + Send,
{
    let answer = routes
        .map(Ok)
        .or_else(async |rejection: Rejection| Ok::<_, Infallible>((Err(rejection),)));
    warp::path::full()
        .and(warp::method())
        .and(warp::header::headers_cloned())
        .and(answer)
        .map(
            |path: FullPath, method: Method, headers: warp::http::HeaderMap, answer| {
                let response = match answer {
                    Ok(response) => response,
                    Err(rejection) => respond(Err(explain(&rejection, path.as_str(), &method))),
                };
                let id = headers.get(REQUEST_ID).cloned();
                finish(response, &id.unwrap_or(HeaderValue::from_static("none")))
            },
        )
}

/// What a rejection means. Our own filters reject nothing but path and method.
fn explain(rejection: &Rejection, path: &str, method: &Method) -> EdgeError {
    let Some(route) = matching(path) else {
        return EdgeError::NoSuchPath {
            path: path.to_owned(),
        };
    };
    if !route
        .allow
        .split(", ")
        .any(|allowed| allowed == method.as_str())
    {
        return EdgeError::MethodNotAllowed {
            method: method.to_string(),
            allow: route.allow,
        };
    }
    if let Some(error) = rejection.find::<warp::reject::InvalidHeader>() {
        return EdgeError::InvalidHeader(error.to_string());
    }
    EdgeError::Broken(format!("{rejection:?}").into())
}

/// What handlers of a resource are given.
fn with(
    edge: &Arc<Edge>,
) -> impl Filter<Extract = (Arc<Edge>,), Error = Infallible> + Clone + use<> {
    let edge = Arc::clone(edge);
    warp::any().map(move || Arc::clone(&edge))
}

/// Reads the id in a path.
fn id(text: &str) -> Result<ExecutionId, EdgeError> {
    Ok(text.parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_found_by_their_templates() {
        for (path, expected) in [
            ("/v1/executions", "/v1/executions"),
            ("/v1/executions/", "/v1/executions"),
            ("/v1/executions/batch", "/v1/executions/batch"),
            ("/v1/executions/x", "/v1/executions/{id}"),
            ("/v1/executions/x/ws", "/v1/executions/{id}/ws"),
            ("/v1/executions/x/y", "unknown"),
            ("/v1/executions//ws", "unknown"),
            ("/v1", "unknown"),
            ("", "unknown"),
            ("/metrics", "/metrics"),
            ("/", "/"),
            ("//", "unknown"),
            ("/runs/x", "/runs/{id}"),
            ("/runs/x/replay", "/runs/{id}/replay"),
            ("/assets/x.js", "/assets/{id}"),
            ("/assets/x/y.js", "unknown"),
        ] {
            assert_eq!(template(path), expected, "{path}");
        }
    }
}
