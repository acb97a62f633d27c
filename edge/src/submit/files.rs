//! The files of a submission and the one to start with.

use std::collections::HashSet;

use runlog_schemas::api::FileRequest;
use runlog_schemas::{Data, SourceFile};

use super::Problems;

const MOST_FILES: usize = 200;
const LONGEST_NAME: usize = 255;
const NAME_ALLOWED: &str =
    "a plain file name: 1 to 255 bytes, no /, no control characters, not . or ..";

/// Name of the one file where the language, and so its usual name, is not known.
const UNNAMED: &str = "main";

/// The files, as far as they make sense.
pub(super) fn check(
    files: Vec<FileRequest>,
    source: Option<String>,
    usual: Option<&str>,
    problems: &mut Problems,
) -> Vec<SourceFile> {
    match source {
        Some(source) if files.is_empty() => {
            return vec![SourceFile {
                name: usual.unwrap_or(UNNAMED).to_owned(),
                content: Data(source.into_bytes()),
            }];
        }
        Some(_) => problems.add("source", "together with files", "one of the two"),
        None if files.is_empty() => problems.add("files", "none", "at least one file, or source"),
        None => {}
    }
    if files.len() > MOST_FILES {
        let allowed = format!("at most {MOST_FILES}");
        problems.add("files", format!("{} files", files.len()), allowed);
    }
    let mut names = HashSet::new();
    let mut checked = Vec::with_capacity(files.len());
    for (index, file) in files.into_iter().enumerate() {
        let field = format!("files[{index}]");
        if !is_plain(&file.name) {
            problems.add(format!("{field}.name"), escaped(&file.name), NAME_ALLOWED);
        } else if !names.insert(file.name.clone()) {
            problems.add(
                format!("{field}.name"),
                &file.name,
                "a name that no other file has",
            );
        }
        let content = match (file.content, file.data) {
            (Some(_), Some(_)) => {
                problems.add(
                    format!("{field}.data"),
                    "together with content",
                    "one of the two",
                );
                Data::default()
            }
            (None, None) => {
                problems.add(format!("{field}.content"), "nothing", "content or data");
                Data::default()
            }
            (Some(text), None) => Data(text.into_bytes()),
            (None, Some(data)) => data,
        };
        checked.push(SourceFile {
            name: file.name,
            content,
        });
    }
    checked
}

/// The name of the file to start with.
pub(super) fn entry(
    asked: Option<String>,
    files: &[SourceFile],
    usual: Option<&str>,
    problems: &mut Problems,
) -> String {
    let has = |name: &str| files.iter().any(|file| file.name == name);
    let names = || {
        let names: Vec<String> = files
            .iter()
            .take(10)
            .map(|file| escaped(&file.name))
            .collect();
        format!("the name of one of the files: {}", names.join(", "))
    };
    match (asked, files, usual) {
        (Some(asked), _, _) => {
            if !has(&asked) && !files.is_empty() {
                problems.add("entry", escaped(&asked), names());
            }
            asked
        }
        (None, [only], _) => only.name.clone(),
        (None, _, Some(usual)) if has(usual) => usual.to_owned(),
        (None, [], _) => String::new(),
        (None, _, _) => {
            problems.add("entry", "nothing, with several files", names());
            String::new()
        }
    }
}

/// Whether the name can be a file's in one flat folder.
fn is_plain(name: &str) -> bool {
    (1..=LONGEST_NAME).contains(&name.len())
        && name != "."
        && name != ".."
        && !name.chars().any(|c| c == '/' || c.is_control())
}

fn escaped(name: &str) -> String {
    name.escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_accepted_name_is_one_component_below_its_folder(name in "\\PC{0,300}|[./\0a]{0,6}") {
            if is_plain(&name) {
                let path = std::path::Path::new("/box").join(&name);
                prop_assert_eq!(path.parent(), Some(std::path::Path::new("/box")));
                prop_assert_eq!(path.file_name(), Some(std::ffi::OsStr::new(&name)));
                prop_assert!(name.len() <= 255 && !name.contains('\0'));
            }
        }
    }
}
