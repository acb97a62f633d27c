//! Makes a submission of an execution that is to run again.

use std::sync::Arc;

use runlog_schemas::api::{FieldProblem, FileRequest, LimitsRequest, RerunRequest, SubmitRequest};
use runlog_schemas::{ChunkKind, Data, ExecutionId, Repeats, Submission};

use crate::body::shorten;
use crate::error::EdgeError;
use crate::state::Edge;
use crate::submit::{self, SESSION_ALLOWED, is_session};
use crate::{record, repeat};

/// The submission with which an execution runs again.
///
/// # Errors
/// When nobody knows what was submitted, or it cannot run as asked.
pub(crate) async fn submission(
    edge: &Arc<Edge>,
    of: ExecutionId,
    request: RerunRequest,
) -> Result<Submission, EdgeError> {
    if edge.draining.is_cancelled() {
        return Err(EdgeError::Draining);
    }
    if let Some(session) = &request.session
        && !is_session(session)
    {
        return Err(refusal("session", session, SESSION_ALLOWED));
    }
    let mut again = repeat::submission(edge, of).await?;
    again.repeats = Some(Repeats::Rerun { of });
    again.request_digest = None;
    again.session = request.session.or(again.session);
    again.priority = request.priority.unwrap_or(again.priority);
    if let Some(against) = &request.against {
        again = elsewhere(edge, again, against)?;
    }
    edge.reports.require(&again.language)?;
    if again.interactive {
        again.stdin = Some(typed(edge, of, again.stdin).await?);
        again.interactive = false;
    }
    Ok(again)
}

/// The same on another toolchain: `LANGUAGE@VERSION`, or `LANGUAGE` in whatever version.
fn elsewhere(edge: &Edge, again: Submission, against: &str) -> Result<Submission, EdgeError> {
    let (name, version) = match against.split_once('@') {
        Some((name, version)) => (name, Some(version)),
        None => (against, None),
    };
    let Some(language) = edge.catalog.find(name) else {
        let ids: Vec<&str> = edge.catalog.iter().map(|it| it.id.as_str()).collect();
        let allowed = format!(
            "LANGUAGE or LANGUAGE@VERSION, with one of {}",
            ids.join(", ")
        );
        return Err(refusal("against", against, &allowed));
    };
    if let Some(version) = version {
        let there = edge.fleet.versions(&language.id);
        if !there.iter().any(|it| it == version) {
            let offers = there.iter().map(|it| format!("{}@{it}", language.id));
            let allowed = match offers.collect::<Vec<_>>().as_slice() {
                [] => format!("no worker has {} at the moment", language.id),
                offers => format!("what the workers have: {}", offers.join(", ")),
            };
            return Err(refusal("against", against, &allowed));
        }
    }
    let toolchain_version = version.map(str::to_owned);
    if language.id == again.language {
        return Ok(Submission {
            toolchain_version,
            ..again
        });
    }
    let id = language.id.clone();
    let checked = submit::check(in_language(&again, id), &edge.catalog);
    let checked = checked.map_err(|refused| EdgeError::InvalidRequest(refused.fields))?;
    Ok(Submission {
        toolchain_version,
        repeats: again.repeats,
        ..checked
    })
}

/// What one would send for the same in another language.
fn in_language(again: &Submission, language: String) -> SubmitRequest {
    let limits = &again.limits;
    SubmitRequest {
        language,
        files: again
            .files
            .iter()
            .map(|file| FileRequest {
                name: file.name.clone(),
                content: None,
                data: Some(file.content.clone()),
            })
            .collect(),
        source: None,
        entry: Some(again.entry.clone()),
        args: again.args.clone(),
        env: again.env.clone(),
        compiler_options: again.compiler_options.clone(),
        stdin: None,
        stdin_data: again.stdin.clone(),
        interactive: again.interactive,
        terminal: again.terminal,
        output_files: again.output_files.clone(),
        limits: LimitsRequest {
            wall_ms: Some(limits.wall_ms),
            cpu_ms: Some(limits.cpu_ms),
            memory_mb: Some(limits.memory_mb),
            processes: Some(limits.processes),
            file_mb: Some(limits.file_mb),
            disk_mb: Some(limits.disk_mb),
            output_kb: Some(limits.output_kb),
        },
        priority: again.priority,
        queue_limit_ms: Some(again.queue_limit_ms),
        session: again.session.clone(),
    }
}

/// What the program was given, and then what was typed into it, in order.
async fn typed(edge: &Arc<Edge>, of: ExecutionId, given: Option<Data>) -> Result<Data, EdgeError> {
    let recorded = record::recorded(edge, of).await?;
    let mut input = given.map(|data| data.0).unwrap_or_default();
    for chunk in recorded.chunks() {
        if let ChunkKind::Input { data } = &chunk.what {
            input.extend_from_slice(&data.0);
        }
    }
    Ok(Data(input))
}

fn refusal(field: &str, given: &str, allowed: &str) -> EdgeError {
    EdgeError::InvalidRequest(vec![FieldProblem {
        field: field.to_owned(),
        given: shorten(given),
        allowed: allowed.to_owned(),
    }])
}
