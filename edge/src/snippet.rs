//! Programs that are shared: makes a snippet of a request, and finds one again.

use runlog_nats::ReadError;
use runlog_schemas::api::{FieldProblem, SnippetRequest};
use runlog_schemas::{
    Change, ExecutionId, Snippet, SnippetEvent, SnippetId, SnippetRun, Submission,
};

use crate::body::shorten;
use crate::error::EdgeError;
use crate::state::Edge;
use crate::submit;

/// Characters of a title.
const LONGEST_TITLE: usize = 200;
const TITLE_ALLOWED: &str = "1 to 200 characters on one line, without control characters";

/// An id that nobody can guess.
///
/// # Errors
/// When the system has no random numbers.
pub(crate) fn new_id() -> Result<SnippetId, EdgeError> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits).map_err(|error| EdgeError::Broken(error.into()))?;
    Ok(SnippetId::from_bits(u128::from_be_bytes(bits)))
}

/// Checks a request and completes it with what the execution says that it names.
///
/// # Errors
/// With every field that makes no sense; and when the execution cannot be looked for.
pub(crate) async fn complete(edge: &Edge, request: SnippetRequest) -> Result<Snippet, EdgeError> {
    let title = request.title.clone();
    let mut fields = Vec::new();
    if title.as_ref().is_some_and(|title| !is_title(title)) {
        fields.push(FieldProblem {
            field: "title".to_owned(),
            given: shorten(
                &title
                    .as_deref()
                    .unwrap_or_default()
                    .escape_debug()
                    .to_string(),
            ),
            allowed: TITLE_ALLOWED.to_owned(),
        });
    }
    let execution_id = request.execution_id;
    let own = own_program(edge, request, &mut fields)?;
    let ran = match execution_id {
        Some(id) => ran(edge, id, &mut fields).await?,
        None => None,
    };
    let same_program = own.is_none() || own == ran;
    match own.or(ran) {
        Some(program) if fields.is_empty() => Ok(Snippet {
            title,
            run: execution_id.map(|execution_id| SnippetRun {
                execution_id,
                same_program,
            }),
            ..program
        }),
        _ => Err(EdgeError::InvalidRequest(fields)),
    }
}

/// The program that the request itself has; `None` where it only names an execution, or makes no
/// sense.
fn own_program(
    edge: &Edge,
    request: SnippetRequest,
    fields: &mut Vec<FieldProblem>,
) -> Result<Option<Snippet>, EdgeError> {
    if request.execution_id.is_some() && request.has_no_program() {
        return Ok(None);
    }
    if request.language.is_none() {
        fields.push(FieldProblem {
            field: "language".to_owned(),
            given: "nothing".to_owned(),
            allowed: "the id of a language; only a request with nothing but an execution_id needs \
                      none"
                .to_owned(),
        });
        return Ok(None);
    }
    let given = request.language.clone().unwrap_or_default();
    match submit::check(request.into_program(), &edge.catalog) {
        Ok(submission) => Ok(Some(submission.into())),
        Err(refused) if refused.only_unknown_language && fields.is_empty() => {
            Err(submit::refusal(given, refused))
        }
        Err(refused) => {
            fields.extend(refused.fields);
            Ok(None)
        }
    }
}

/// The program that an execution ran.
async fn ran(
    edge: &Edge,
    id: ExecutionId,
    fields: &mut Vec<FieldProblem>,
) -> Result<Option<Snippet>, EdgeError> {
    let submission = submission(edge, id).await?;
    if submission.is_none() {
        fields.push(FieldProblem {
            field: "execution_id".to_owned(),
            given: id.to_string(),
            allowed: "the id of an execution that exists".to_owned(),
        });
    }
    Ok(submission.map(Snippet::from))
}

/// What was submitted under an id: from the log, or from the history where the log does not have
/// it or does not answer. `None` where nothing was.
///
/// # Errors
/// When who may know it does not answer.
pub(crate) async fn submission(
    edge: &Edge,
    id: ExecutionId,
) -> Result<Option<Submission>, EdgeError> {
    let in_log = match edge.log.read_submission(id).await {
        Ok(Some(stored)) => return Ok(Some(stored.submission)),
        Ok(None) => Ok(()),
        Err(error) => Err(error),
    };
    let remembered = match &edge.history {
        Some(history) => history.submitted(id).await.map_err(EdgeError::from),
        None => Ok(None),
    };
    let event = either(in_log, remembered)?;
    Ok(event.and_then(|event| match event.change {
        Change::Submitted { submission } => Some(*submission),
        _ => None,
    }))
}

/// A snippet: from the log, or from the read model where the log no longer has it or does not
/// answer.
///
/// # Errors
/// When nobody knows it, or who may know it does not answer.
pub(crate) async fn find(edge: &Edge, id: SnippetId) -> Result<SnippetEvent, EdgeError> {
    let in_log = match edge.log.read_snippet(id).await {
        Ok(Some(recorded)) => return Ok(recorded.event),
        Ok(None) => Ok(()),
        Err(error) => Err(error),
    };
    let remembered = match &edge.history {
        Some(history) => history.snippet(id).await.map_err(EdgeError::from),
        None => Ok(None),
    };
    either(in_log, remembered)?.ok_or(EdgeError::NoSuchSnippet)
}

/// What the history says of something that the log does not have, or did not tell of. Whoever was
/// asked first is the one to blame.
fn either<T>(
    log: Result<(), ReadError>,
    history: Result<Option<T>, EdgeError>,
) -> Result<Option<T>, EdgeError> {
    match (history, log) {
        (Ok(Some(found)), _) => Ok(Some(found)),
        (_, Err(error)) => Err(error.into()),
        (other, Ok(())) => other,
    }
}

fn is_title(title: &str) -> bool {
    !title.trim().is_empty()
        && title.chars().count() <= LONGEST_TITLE
        && !title.chars().any(char::is_control)
}
