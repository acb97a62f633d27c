//! `GET /v1/openapi.json`

use utoipa::OpenApi;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use super::{
    batch, cancel, dead_letter, dead_letters, events, execution, files, health, history, languages,
    operations, output, program, recording, rerun, snippets, submit, workers, ws,
};
use crate::reply::bytes;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Runlog",
        description = "Runs programs, streams what they print while they run, and keeps every \
                       run as a recording."
    ),
    paths(
        submit::post,
        batch::post,
        history::get,
        execution::get,
        output::get,
        recording::get,
        files::get,
        files::get_one,
        program::get,
        cancel::post,
        rerun::post,
        events::get,
        ws::get,
        snippets::post,
        snippets::get,
        languages::get,
        workers::get,
        operations::get,
        dead_letters::get,
        dead_letters::redrive,
        dead_letters::drop,
        dead_letter::get,
        dead_letter::delete,
        dead_letter::redrive,
        get,
        health::livez,
        health::readyz,
        health::version,
        health::metrics,
    ),
    components(schemas(
        runlog_schemas::api::ViewerRequest,
        runlog_schemas::api::ViewerMessage
    )),
    tags(
        (name = "executions", description = "Programs that run, or ran."),
        (name = "live", description = "Watching and talking to them while they run."),
        (name = "history", description = "What ran before."),
        (name = "snippets", description = "Programs that are shared."),
        (name = "languages", description = "What can be run."),
        (name = "dead letters", description = "What was given up through our fault."),
        (name = "operations", description = "For those who run Runlog."),
    )
)]
struct Document;

/// The description of the HTTP interface, as JSON.
#[must_use]
pub fn openapi() -> String {
    let mut text = Document::openapi()
        .to_pretty_json()
        .expect("the document has string keys only, so it always serialises");
    text.push('\n');
    text
}

pub(super) fn route() -> BoxedFilter<(Response,)> {
    let document = bytes::Bytes::from(openapi());
    warp::path!("v1" / "openapi.json")
        .and(warp::get())
        .map(move || get(document.clone()))
        .boxed()
}

/// This description
#[utoipa::path(
    get,
    operation_id = "get_openapi",
    path = "/v1/openapi.json",
    tag = "operations",
    responses((status = 200, description = "OpenAPI.", content_type = "application/json"))
)]
fn get(document: bytes::Bytes) -> Response {
    bytes("application/json", document)
}
