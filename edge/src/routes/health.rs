//! `/livez`, `/readyz`, `/version`, `/metrics`

use std::sync::Arc;
use std::time::Duration;

use prometheus::TextEncoder;
use runlog_schemas::api::{Check, Problem, Readiness, Version};
use runlog_schemas::subject;
use tokio::time::timeout;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::StatusCode;
use warp::reply::Response;

use super::with;
use crate::error::EdgeError;
use crate::query::{self, Query};
use crate::reply::{bytes, json, json_with, respond};
use crate::state::Edge;

/// Time that one check may take.
const PATIENCE: Duration = Duration::from_secs(2);
const TEXT: &str = "text/plain; charset=utf-8";
/// The text format of prometheus.
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(super) fn route(edge: &Arc<Edge>) -> BoxedFilter<(Response,)> {
    let livez = warp::path!("livez").and(warp::get()).map(livez);
    let version = warp::path!("version").and(warp::get()).map(version);
    let readyz = warp::path!("readyz")
        .and(warp::get())
        .and(with(edge))
        .and(query::raw())
        .then(async |edge, query: String| respond(readyz(edge, &query).await));
    let metrics = warp::path!("metrics")
        .and(warp::get())
        .and(with(edge))
        .map(|edge: Arc<Edge>| respond(metrics(&edge)));
    livez
        .or(version)
        .unify()
        .or(readyz)
        .unify()
        .or(metrics)
        .unify()
        .boxed()
}

/// Is the process alive?
#[utoipa::path(
    get,
    path = "/livez",
    tag = "operations",
    responses((status = 200, description = "It is.", body = String, content_type = "text/plain"))
)]
fn livez() -> Response {
    bytes(TEXT, "ok\n")
}

/// What runs here?
#[utoipa::path(
    get,
    path = "/version",
    tag = "operations",
    responses((status = 200, description = "This.", body = Version))
)]
fn version() -> Response {
    json(&Version {
        name: "runlog".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

/// Should requests be sent here?
///
/// With `verbose` the answer says what was looked at.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "operations",
    params(("verbose" = Option<String>, Query, description = "Answer with details.")),
    responses(
        (status = 200, description = "Yes.", content(
            (String = "text/plain"), (Readiness = "application/json"))),
        (status = 400, description = "A query that makes no sense.",
            body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "No.", content(
            (String = "text/plain"), (Readiness = "application/json"))),
    )
)]
async fn readyz(edge: Arc<Edge>, query: &str) -> Result<Response, EdgeError> {
    let mut query = Query::parse(query);
    let verbose = query.text("verbose").is_some();
    query.finish()?;
    let readiness = look(&edge).await;
    let (status, word) = match (readiness.ready, readiness.degraded) {
        (true, false) => (StatusCode::OK, "ready\n"),
        (true, true) => (StatusCode::OK, "ready, but degraded\n"),
        (false, _) => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n"),
    };
    if verbose {
        return Ok(json_with(status, &readiness));
    }
    let mut response = bytes(TEXT, word);
    *response.status_mut() = status;
    Ok(response)
}

async fn look(edge: &Edge) -> Readiness {
    let nats = if edge.log.is_connected() {
        Ok(())
    } else {
        Err("not connected".to_owned())
    };
    let streams = async {
        for stream in [subject::EXECUTIONS, subject::OUTPUT] {
            let bounds = edge.log.bounds(stream).await;
            bounds.map_err(|error| format!("{stream}: {error}"))?;
        }
        Ok(())
    };
    let postgres = async {
        match &edge.history {
            Some(history) => history.ping().await.map_err(|error| error.to_string()),
            None => Err("this edge was started without a history".to_owned()),
        }
    };
    let (streams, postgres) = tokio::join!(in_time(streams), in_time(postgres));
    let draining = match edge.draining.is_cancelled() {
        true => Err("this edge is about to stop".to_owned()),
        false => Ok(()),
    };
    let isolation = match edge.config.missing_layers.as_slice() {
        [] => Ok(()),
        missing => Err(format!(
            "INSECURE: programs run here without {}",
            missing.join(", ")
        )),
    };
    let ready = nats.is_ok() && streams.is_ok() && draining.is_ok();
    Readiness {
        ready,
        degraded: ready && (postgres.is_err() || isolation.is_err()),
        checks: vec![
            check("nats", nats),
            check("streams", streams),
            check("postgres", postgres),
            check("draining", draining),
            check("isolation", isolation),
        ],
    }
}

async fn in_time(looking: impl Future<Output = Result<(), String>>) -> Result<(), String> {
    match timeout(PATIENCE, looking).await {
        Ok(looked) => looked,
        Err(_) => Err("no answer in time".to_owned()),
    }
}

fn check(name: &str, looked: Result<(), String>) -> Check {
    Check {
        name: name.to_owned(),
        ok: looked.is_ok(),
        detail: looked.err(),
    }
}

/// The metrics, in the text format of prometheus
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "operations",
    responses(
        (status = 200, description = "The metrics.", body = String, content_type = "text/plain")
    )
)]
fn metrics(edge: &Edge) -> Result<Response, EdgeError> {
    let text = TextEncoder::new()
        .encode_to_string(&edge.registry.gather())
        .map_err(|error| EdgeError::Broken(error.into()))?;
    Ok(bytes(METRICS, text))
}
