//! Our standard input: a file goes along with the program, anything else is streamed to it.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::thread;

use tokio::sync::mpsc::{Receiver, channel};

/// The most that goes along with the program; a request has 1 MB.
const WHOLE: u64 = 512 * 1024;

/// The number of `/dev/null`.
const NULL_DEVICE: u64 = 0x103;

/// What stands on our standard input.
pub(crate) enum Source {
    /// All of it, known now.
    Whole(Vec<u8>),
    /// It arrives as it arrives.
    Stream,
}

/// Looks at our standard input. A pipe is never read here: it may be silent for long.
pub(crate) fn source() -> Source {
    let Ok(Ok(mut file)) = io::stdin()
        .as_fd()
        .try_clone_to_owned()
        .map(|it| Ok::<_, io::Error>(File::from(it)))
    else {
        // It was closed.
        return Source::Whole(Vec::new());
    };
    let Ok(metadata) = file.metadata() else {
        return Source::Stream;
    };
    if metadata.rdev() == NULL_DEVICE && !metadata.is_file() {
        return Source::Whole(Vec::new());
    }
    let left = file
        .stream_position()
        .map_or(u64::MAX, |at| metadata.len().saturating_sub(at));
    let mut bytes = Vec::new();
    if metadata.is_file() && left <= WHOLE && file.read_to_end(&mut bytes).is_ok() {
        return Source::Whole(bytes);
    }
    Source::Stream
}

/// Reads standard input in pieces; the channel closes at its end. Reading blocks, so it has a
/// thread of its own, which ends with the process.
pub(super) fn read() -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel(1);
    thread::spawn(move || {
        let mut stdin = io::stdin().lock();
        let mut piece = vec![0; 32 * 1024];
        loop {
            match stdin.read(&mut piece) {
                Ok(0) => break,
                Ok(count) => {
                    if sender.blocking_send(piece[..count].to_vec()).is_err() {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
    });
    receiver
}
