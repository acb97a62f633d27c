//! Writes the files that a program gave back beside our own. Their names were chosen by the program,
//! which is not trusted: nothing is written but below the folder in which we are, and over something
//! that is there only where it was asked for by its name.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use runlog_client::Client;
use runlog_schemas::ExecutionId;

use crate::failure::Failure;
use crate::writer::{Writer, plain};

/// Fetches the files of an execution and writes them. `asked` are the paths that it was to give
/// back.
pub(crate) async fn write(
    client: &Client,
    id: ExecutionId,
    asked: &[String],
    writer: &mut Writer,
) -> Result<(), Failure> {
    let files = client.files(id).await?;
    for file in &files.files {
        let name = plain(&file.name);
        match target(&file.name, asked) {
            Err(reason) => writer.say(&format!("{name} was not written: {reason}")),
            Ok(target) => {
                let content = client.file(file).await?;
                match save(&target, &content) {
                    Ok(()) => writer.say(&format!("wrote {name}, {} bytes", file.bytes)),
                    Err(error) => writer.say(&format!("{name} was not written: {error}")),
                }
            }
        }
    }
    for left in &files.left {
        let (name, why) = (plain(&left.name), left.reason.words());
        writer.say(&format!("{name} was not given back: {why}"));
    }
    let more = files.left_count.saturating_sub(files.left.len() as u64);
    if more > 0 {
        writer.say(&format!("and {more} more were not given back"));
    }
    Ok(())
}

/// Where a file is written, and whether it may take the place of another.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    path: PathBuf,
    over: bool,
}

fn target(name: &str, asked: &[String]) -> Result<Target, &'static str> {
    let parts: Vec<&str> = name.split('/').collect();
    let is_plain = |part: &&str| {
        !matches!(*part, "" | "." | "..") && !part.chars().any(|c| c.is_control() || c == '\\')
    };
    if !parts.iter().all(is_plain) {
        return Err("its name leads elsewhere or cannot be shown");
    }
    let over = asked.iter().any(|asked| trimmed(asked) == name);
    if !over && parts.iter().any(|part| part.starts_with('.')) {
        return Err("it is hidden, and was not asked for by its name");
    }
    Ok(Target {
        path: parts.iter().collect(),
        over,
    })
}

/// A path as files are named: without `.` in it.
fn trimmed(asked: &str) -> String {
    let parts: Vec<&str> = asked
        .split('/')
        .filter(|part| !matches!(*part, "" | "."))
        .collect();
    parts.join("/")
}

fn save(target: &Target, content: &[u8]) -> io::Result<()> {
    let folder = target.path.parent().unwrap_or_else(|| Path::new(""));
    if !folder.as_os_str().is_empty() {
        fs::create_dir_all(folder)?;
    }
    if !target.over {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&target.path)?;
        return file.write_all(content);
    }
    // In the place of what is there, and not through it if that is a link.
    let beside = target.path.with_added_extension("runlog-part");
    fs::write(&beside, content)?;
    fs::rename(&beside, &target.path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(paths: &[&str]) -> Vec<String> {
        paths.iter().map(|&path| path.to_owned()).collect()
    }

    #[test]
    fn nothing_is_written_elsewhere() {
        let asked = asked(&["."]);
        for bad in [
            "../x",
            "/etc/passwd",
            "a/../b",
            "a//b",
            "",
            "a\nb",
            "\u{1b}]0;x",
            "a\\b",
            ".bashrc",
            ".git/hooks/post-checkout",
        ] {
            assert!(target(bad, &asked).is_err(), "{bad:?}");
        }
        assert!(!target("out/a.png", &asked).unwrap().over);
    }

    #[test]
    fn what_was_asked_for_by_its_name_may_take_the_place_of_another() {
        let asked = asked(&["./out//a.png", ".hidden"]);
        assert!(target("out/a.png", &asked).unwrap().over);
        assert!(target(".hidden", &asked).unwrap().over);
        assert!(!target("out/b.png", &asked).unwrap().over);
    }
}
