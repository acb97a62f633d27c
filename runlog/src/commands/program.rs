//! A program as it is given on the command line: its files, its language, its limits.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use clap::Args;
use runlog_client::Client;
use runlog_schemas::api::{FileRequest, LanguageView, LimitsRequest, SubmitRequest};
use runlog_schemas::{Data, LimitRange, Priority};

use crate::failure::Failure;

/// What `run` and `submit` send.
#[derive(Args, Debug)]
pub(super) struct Program {
    /// The program's files, the one to start with in front; - reads it from standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// The language, by id or alias; without it the ending of the first file decides
    #[arg(long, short)]
    language: Option<String>,
    /// The file to start with, if it is not the first one
    #[arg(long, value_name = "NAME")]
    entry: Option<String>,
    /// Arguments for the program, behind --
    #[arg(last = true, value_name = "ARGS")]
    args: Vec<String>,
    /// A variable for the program's environment
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    env: Vec<(String, String)>,
    /// A limit that differs from the default: wall_ms, cpu_ms, memory_mb, processes, file_mb,
    /// disk_mb or output_kb
    #[arg(long, value_name = "LIMIT=N", value_parser = limit)]
    limit: Vec<(&'static str, u64)>,
    /// An option for the compiler, such as --option=-O2
    #[arg(long, value_name = "OPTION", allow_hyphen_values = true)]
    option: Vec<String>,
    /// A file that the program leaves and that is to be given back; a folder for all files in it, a
    /// pattern such as '*.png' for all that fit
    #[arg(long, value_name = "PATH")]
    output_file: Vec<String>,
    /// A name by which to find it in the history
    #[arg(long)]
    session: Option<String>,
}

impl Program {
    /// Whether the program itself comes from our standard input.
    pub(super) fn is_on_stdin(&self) -> bool {
        self.files.iter().any(|it| it == "-")
    }

    /// What stands in the place of the files, where it is one word alone.
    pub(super) fn only_file(&self) -> Option<&str> {
        match self.files.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    /// Whether nothing but files was given.
    pub(super) const fn is_bare(&self) -> bool {
        self.language.is_none()
            && self.entry.is_none()
            && self.args.is_empty()
            && self.env.is_empty()
            && self.limit.is_empty()
            && self.option.is_empty()
            && self.output_file.is_empty()
            && self.session.is_none()
    }

    /// The request without what stands on standard input. Asks the edge for its languages where
    /// none was named.
    pub(super) async fn request(&self, client: &Client) -> Result<SubmitRequest, Failure> {
        let mut request = SubmitRequest {
            args: self.args.clone(),
            env: self.env.iter().cloned().collect::<BTreeMap<_, _>>(),
            compiler_options: self.option.clone(),
            output_files: self.output_file.clone(),
            limits: limits(&self.limit),
            session: self.session.clone(),
            ..SubmitRequest::default()
        };
        if self.is_on_stdin() {
            return self.read_from_stdin(request);
        }
        for path in &self.files {
            let (name, content) = (file_name(path)?, read_bytes(path)?);
            request.files.push(file(name, content));
        }
        let first = request.files.first().map(|it| it.name.clone());
        let entry = self.entry.clone().or(first).unwrap_or_default();
        request.language = match &self.language {
            Some(language) => language.clone(),
            None => by_ending(&entry, &client.languages().await?.languages)?,
        };
        request.entry = Some(entry);
        Ok(request)
    }

    fn read_from_stdin(&self, mut request: SubmitRequest) -> Result<SubmitRequest, Failure> {
        let usage = |words: &str| Err(Failure::Usage(words.to_owned()));
        let Some(language) = &self.language else {
            return usage("a program from standard input needs --language");
        };
        if self.files.len() > 1 || self.entry.is_some() {
            return usage("a program from standard input is the only file");
        }
        let source = String::from_utf8(read_bytes("-")?);
        request.language.clone_from(language);
        match source {
            Ok(source) => request.source = Some(source),
            Err(_) => return usage("a program from standard input has to be UTF-8"),
        }
        Ok(request)
    }
}

fn file(name: String, content: Vec<u8>) -> FileRequest {
    match String::from_utf8(content) {
        Ok(text) => FileRequest {
            name,
            content: Some(text),
            data: None,
        },
        Err(error) => FileRequest {
            name,
            content: None,
            data: Some(Data(error.into_bytes())),
        },
    }
}

/// The content of a file; `-` is our standard input.
pub(super) fn read_bytes(path: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = if path == "-" {
        io::stdin().read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|mut file| file.read_to_end(&mut bytes))
    };
    match read {
        Ok(_) => Ok(bytes),
        Err(source) => Err(Failure::Unreadable {
            path: path.to_owned(),
            source,
        }),
    }
}

fn file_name(path: &str) -> Result<String, Failure> {
    let name = Path::new(path).file_name().and_then(|it| it.to_str());
    name.map(str::to_owned)
        .ok_or_else(|| Failure::Usage(format!("{path:?} is no file")))
}

/// The id of the language whose files end so.
fn by_ending(name: &str, languages: &[LanguageView]) -> Result<String, Failure> {
    let ending = Path::new(name).extension().and_then(|it| it.to_str());
    let of = |it: &&LanguageView| ending.is_some_and(|end| it.extensions.iter().any(|e| e == end));
    if let Some(found) = languages.iter().find(of) {
        return Ok(found.id.clone());
    }
    let known: Vec<_> = languages.iter().map(|it| it.id.as_str()).collect();
    Err(Failure::Usage(format!(
        "no language has files named like {name:?}; name one with --language: {}",
        known.join(", ")
    )))
}

pub(super) fn priority(text: &str) -> Result<Priority, String> {
    text.parse()
        .map_err(|error: runlog_schemas::UnknownPriority| error.to_string())
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        Some(_) | None => Err("expected NAME=VALUE".to_owned()),
    }
}

/// The values themselves are the edge's business: a language may have ranges of its own.
fn limit(text: &str) -> Result<(&'static str, u64), String> {
    let known = || LimitRange::ALL.map(|it| it.field).join(", ");
    let (name, value) = text.split_once('=').ok_or("expected LIMIT=N")?;
    let range = LimitRange::ALL.into_iter().find(|it| it.field == name);
    let range = range.ok_or_else(|| format!("no limit {name:?}; there are {}", known()))?;
    let value = value
        .parse()
        .map_err(|_| format!("{value:?} is no number"))?;
    Ok((range.field, value))
}

fn limits(given: &[(&'static str, u64)]) -> LimitsRequest {
    // The last one counts, as with other flags.
    let of = |range: LimitRange| given.iter().rfind(|it| it.0 == range.field).map(|it| it.1);
    LimitsRequest {
        wall_ms: of(LimitRange::WALL_MS),
        cpu_ms: of(LimitRange::CPU_MS),
        memory_mb: of(LimitRange::MEMORY_MB),
        processes: of(LimitRange::PROCESSES),
        file_mb: of(LimitRange::FILE_MB),
        disk_mb: of(LimitRange::DISK_MB),
        output_kb: of(LimitRange::OUTPUT_KB),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_reaches_the_request() {
        let given = LimitRange::ALL.map(|range| limit(&format!("{}=77", range.field)).unwrap());
        let json = serde_json::to_value(limits(&given)).unwrap();
        for range in LimitRange::ALL {
            assert_eq!(json[range.field], 77, "{}", range.field);
        }
    }

    #[test]
    fn a_wrong_limit_says_which_there_are() {
        assert!(limit("walltime=3").unwrap_err().contains("wall_ms"));
        assert!(limit("wall_ms=soon").is_err());
        assert!(limit("wall_ms").is_err());
    }

    #[test]
    fn bytes_that_are_no_text_are_sent_as_they_are() {
        assert_eq!(
            file("a".to_owned(), b"x".to_vec()).content.as_deref(),
            Some("x")
        );
        let bytes = vec![0xff, 0x00];
        assert_eq!(file("a".to_owned(), bytes.clone()).data, Some(Data(bytes)));
    }
}
