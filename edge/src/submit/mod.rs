//! Checks what somebody wants to be run, and completes it. Pure; nothing here knows HTTP or the log.

mod files;
mod limits;
mod output_files;
mod words;

use runlog_schemas::api::{FieldProblem, SubmitRequest};
use runlog_schemas::{Catalog, LanguageDefinition};
use runlog_schemas::{Data, Submission};

use crate::body::shorten;
use crate::error::EdgeError;

/// How long a submission may wait in the queue, in milliseconds.
const QUEUE_LIMIT_MS: std::ops::RangeInclusive<u64> = 1_000..=86_400_000;
/// Columns or rows of a terminal.
const TERMINAL: std::ops::RangeInclusive<u16> = 1..=1_000;
/// Characters of a session's name.
const SESSION_LENGTH: usize = 64;

/// Everything that is wrong with a request.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<FieldProblem>);

impl Problems {
    /// Notes that a field makes no sense.
    pub(crate) fn add(
        &mut self,
        field: impl Into<String>,
        given: impl AsRef<str>,
        allowed: impl Into<String>,
    ) {
        self.0.push(FieldProblem {
            field: field.into(),
            given: shorten(given.as_ref()),
            allowed: allowed.into(),
        });
    }
}

/// A request that was refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// Each field that makes no sense.
    pub(crate) fields: Vec<FieldProblem>,
    /// Whether the one problem is that the language does not exist.
    pub(crate) only_unknown_language: bool,
}

/// Makes a submission of a request.
///
/// # Errors
/// With all problems at once.
pub(crate) fn check(request: SubmitRequest, catalog: &Catalog) -> Result<Submission, Refused> {
    let mut problems = Problems::default();
    let language = catalog.find(&request.language);
    if language.is_none() {
        problems.add(
            "language",
            &request.language,
            offer(&request.language, catalog),
        );
    }
    check_scalars(&request, &mut problems);
    words::check(&request, language, &mut problems);
    output_files::check(&request.output_files, &mut problems);
    let limits = limits::check(&request.limits, language, &mut problems);
    let stdin = match (request.stdin, request.stdin_data) {
        (Some(_), Some(_)) => {
            problems.add("stdin_data", "together with stdin", "one of the two");
            None
        }
        (Some(text), None) => Some(Data(text.into_bytes())),
        (None, data) => data,
    };
    let usual = language.map(|language| language.entry.as_str());
    let files = files::check(request.files, request.source, usual, &mut problems);
    let entry = files::entry(request.entry, &files, usual, &mut problems);
    match language {
        Some(language) if problems.0.is_empty() => Ok(Submission {
            language: language.id.clone(),
            priority: request.priority,
            files,
            entry,
            args: request.args,
            env: request.env,
            compiler_options: request.compiler_options,
            stdin,
            interactive: request.interactive,
            terminal: request.terminal,
            output_files: request.output_files,
            limits,
            queue_limit_ms: request
                .queue_limit_ms
                .unwrap_or_else(|| request.priority.default_queue_limit_ms()),
            session: request.session,
            request_digest: None,
            toolchain_version: None,
            repeats: None,
        }),
        _ => Err(Refused {
            only_unknown_language: language.is_none() && problems.0.len() == 1,
            fields: problems.0,
        }),
    }
}

/// What to say of a request in the language `given` that was refused.
pub(crate) fn refusal(given: String, refused: Refused) -> EdgeError {
    let mut fields = refused.fields;
    match fields.pop() {
        Some(field) if refused.only_unknown_language => EdgeError::UnknownLanguage {
            given: shorten(&given),
            field: Box::new(field),
        },
        last => {
            fields.extend(last);
            EdgeError::InvalidRequest(fields)
        }
    }
}

fn check_scalars(request: &SubmitRequest, problems: &mut Problems) {
    if let Some(size) = request.terminal {
        for (field, value) in [
            ("terminal.columns", size.columns),
            ("terminal.rows", size.rows),
        ] {
            if !TERMINAL.contains(&value) {
                problems.add(field, value.to_string(), range(TERMINAL));
            }
        }
    }
    if let Some(limit) = request.queue_limit_ms
        && !QUEUE_LIMIT_MS.contains(&limit)
    {
        problems.add("queue_limit_ms", limit.to_string(), range(QUEUE_LIMIT_MS));
    }
    if let Some(session) = &request.session
        && !is_session(session)
    {
        problems.add("session", session, SESSION_ALLOWED);
    }
}

/// What [`is_session`] accepts, in words.
pub(crate) const SESSION_ALLOWED: &str = "1 to 64 of A-Z a-z 0-9 . _ -";

/// Whether a session may be called so.
#[must_use]
pub(crate) fn is_session(name: &str) -> bool {
    (1..=SESSION_LENGTH).contains(&name.len())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

fn range<T: std::fmt::Display>(range: std::ops::RangeInclusive<T>) -> String {
    format!("{} to {}", range.start(), range.end())
}

/// The languages that there are, the one that was probably meant in front.
fn offer(given: &str, catalog: &Catalog) -> String {
    let given = given.to_lowercase();
    let names = |language: &LanguageDefinition| -> Vec<String> {
        let own = [language.id.clone(), language.name.to_lowercase()];
        own.into_iter().chain(language.aliases.clone()).collect()
    };
    let nearest = catalog
        .iter()
        .map(|language| {
            let distance = names(language)
                .iter()
                .map(|name| strsim::damerau_levenshtein(name, &given))
                .min();
            (distance.unwrap_or(usize::MAX), language)
        })
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= 2 && *distance < given.chars().count());
    let ids: Vec<&str> = catalog
        .iter()
        .map(|language| language.id.as_str())
        .collect();
    let all = format!("one of {}", ids.join(", "));
    match nearest {
        Some((_, language)) => format!("{all}; did you mean {}?", language.id),
        None => all,
    }
}

#[cfg(test)]
mod tests;
