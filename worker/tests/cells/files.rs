//! Files that a program leaves are given back, and nothing else: the attacks T-F01 to T-F08.

use runlog_schemas::{ChunkKind, LeftBecause, MOST_OUTPUT_BYTES, MOST_OUTPUT_FILES, Outcome};
use runlog_schemas::{Clock, Limits, Phase, Submission};

use crate::support::{Ended, Site, submission};

fn python(source: &str, paths: &[&str]) -> Submission {
    Submission {
        output_files: paths.iter().map(|&path| path.to_owned()).collect(),
        ..submission("python", "main.py", source)
    }
}

/// Names and bytes of what was given back.
fn given(ended: &Ended) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    for chunk in &ended.chunks {
        match &chunk.what {
            ChunkKind::File { name, .. } => files.push((name.clone(), Vec::new())),
            ChunkKind::FileData { data } => files.last_mut().unwrap().1.extend(&data.0),
            _ => {}
        }
    }
    files
}

fn left(ended: &Ended) -> (Vec<(String, LeftBecause)>, u64) {
    for chunk in &ended.chunks {
        if let ChunkKind::FilesLeft { left, count } = &chunk.what {
            let left = left.iter().map(|it| (it.name.clone(), it.reason));
            return (left.collect(), *count);
        }
    }
    (Vec::new(), 0)
}

#[tokio::test]
async fn what_was_asked_for_comes_back_byte_for_byte_behind_the_output() {
    let site = Site::start(&["python"]).await;
    let source = "
import os
os.makedirs('out/deep')
open('out/deep/all', 'wb').write(bytes(range(256)) * 3000)
open('out/text.txt', 'w').write('ü\\n')
open('other', 'w').write('not asked for')
print('done')
";
    let submission = python(source, &["out/*.txt", "out", "none", "*.gif"]);
    let id = site.submit(&submission).await;
    let ended = site.end(id).await;
    assert_eq!(ended.outcome, Outcome::Exited { code: 0 });
    let all: Vec<u8> = (0..=255).collect::<Vec<u8>>().repeat(3000);
    let expected = [
        ("out/text.txt".to_owned(), "ü\n".as_bytes().to_vec()),
        ("out/deep/all".to_owned(), all),
    ];
    assert!(given(&ended) == expected);
    let missing = ["none", "*.gif"].map(|name| (name.to_owned(), LeftBecause::Missing));
    assert_eq!(left(&ended), (missing.to_vec(), 2));
    let first_file = ended
        .chunks
        .iter()
        .position(|it| matches!(it.what, ChunkKind::File { .. }));
    let last_output = ended
        .chunks
        .iter()
        .rposition(|it| it.what.output().is_some());
    assert!(last_output < first_file);
    site.stop().await;
}

#[tokio::test]
async fn a_program_that_ran_out_of_time_gives_back_what_it_had_and_a_refused_one_nothing() {
    let site = Site::start(&["python", "c"]).await;
    let source = "open('half', 'w').write('half')\nwhile True: pass";
    let slow = Submission {
        limits: Limits {
            wall_ms: 500,
            ..Limits::default()
        },
        ..python(source, &["half"])
    };
    let ended = site.end(site.submit(&slow).await).await;
    let clock = Clock::Wall;
    let phase = Phase::Run;
    assert_eq!(ended.outcome, Outcome::TimeLimit { clock, phase });
    assert_eq!(given(&ended), [("half".to_owned(), b"half".to_vec())]);
    let wrong = Submission {
        output_files: vec![".".to_owned()],
        ..submission("c", "main.c", "no program")
    };
    let ended = site.end(site.submit(&wrong).await).await;
    assert!(matches!(ended.outcome, Outcome::CompileError { .. }));
    assert_eq!((given(&ended), left(&ended).1), (Vec::new(), 0));
    site.stop().await;
}

/// T-F01, T-F02, T-F04, T-F05.
#[tokio::test]
async fn links_devices_and_folders_are_no_files() {
    let site = Site::start(&["python"]).await;
    let source = "
import os, socket
os.symlink('/etc/passwd', 'absolute')
os.symlink('../../../../../etc/passwd', 'relative')
os.symlink('/proc/self/environ', 'environ')
os.symlink('main.py', 'chain0')
for number in range(40): os.symlink(f'chain{number}', f'chain{number + 1}')
os.symlink('/etc', 'folder')
os.mkdir('real'); os.symlink('/', 'real/root')
os.mkdir('place')
os.mkfifo('fifo')
socket.socket(socket.AF_UNIX).bind('socket')
try: os.link('/etc/passwd', 'hard')
except OSError: pass
open('fine', 'w').write('fine')
";
    let paths = [
        "absolute",
        "relative",
        "environ",
        "chain40",
        "folder/passwd",
        "real/root/etc/passwd",
        "place",
        "fifo",
        "socket",
        "hard",
        "fine",
    ];
    let ended = site.end(site.submit(&python(source, &paths)).await).await;
    assert_eq!(
        ended.outcome,
        Outcome::Exited { code: 0 },
        "{:?}",
        left(&ended)
    );
    assert_eq!(given(&ended), [("fine".to_owned(), b"fine".to_vec())]);
    let (refused, count) = left(&ended);
    for (name, reason) in &refused {
        let expected = match name.as_str() {
            "hard" => LeftBecause::Missing,
            _ => LeftBecause::NotRegular,
        };
        assert_eq!(*reason, expected, "{name}");
    }
    // An empty folder in the place of a file is nothing to give back, and nothing to refuse.
    assert_eq!((refused.len(), count), (9, 9), "{refused:?}");
    site.stop().await;
}

/// T-F07.
#[tokio::test]
async fn count_size_and_depth_have_limits() {
    let site = Site::start(&["python"]).await;
    let source = "
import os
with open('sparse', 'wb') as file: file.truncate(60 << 20)
os.mkdir('many')
for number in range(3000): open(f'many/{number}', 'w').write('x')
path = 'deep'
os.mkdir(path)
for _ in range(300):
    path += '/d'
    os.mkdir(path)
open(path + '/file', 'w').close() if len(path) < 4000 else None
";
    let paths = ["sparse", "deep", "many"];
    let ended = site.end(site.submit(&python(source, &paths)).await).await;
    assert_eq!(ended.outcome, Outcome::Exited { code: 0 });
    let files = given(&ended);
    assert!(files.len() <= MOST_OUTPUT_FILES, "{}", files.len());
    assert!(files.iter().all(|(name, _)| name.starts_with("many/")));
    let bytes: usize = files.iter().map(|(_, content)| content.len()).sum();
    assert!(bytes as u64 <= MOST_OUTPUT_BYTES);
    let (refused, count) = left(&ended);
    let reasons: Vec<LeftBecause> = refused.iter().map(|(_, reason)| *reason).collect();
    for reason in [
        LeftBecause::TooLarge,
        LeftBecause::TooDeep,
        LeftBecause::TooMany,
    ] {
        assert!(reasons.contains(&reason), "{reason:?}");
    }
    assert!(refused.len() <= MOST_OUTPUT_FILES && count >= refused.len() as u64);
    site.stop().await;
}

/// T-F08.
#[tokio::test]
async fn any_name_is_told_as_it_is_or_refused() {
    let site = Site::start(&["python"]).await;
    let source = "
import os
names = ['new\\nline', '\\x1b]0;title\\x07', 'a' * 255, 'CON', '-rf', 'gpj\\u202eexe',
         '<img src=x onerror=alert(1)>', '..hidden', '%2e%2e']
os.mkdir('names')
for name in names: open('names/' + name, 'w').write(name)
open(b'names/\\xff', 'w').close()
";
    let ended = site
        .end(site.submit(&python(source, &["names"])).await)
        .await;
    assert_eq!(ended.outcome, Outcome::Exited { code: 0 });
    let files = given(&ended);
    assert_eq!(files.len(), 9, "{files:?}");
    for (name, content) in files {
        assert_eq!(name.strip_prefix("names/").unwrap().as_bytes(), content);
    }
    let (refused, count) = left(&ended);
    assert_eq!((refused[0].1, count), (LeftBecause::BadPath, 1));
    site.stop().await;
}
