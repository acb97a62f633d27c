//! The connection over which a worker talks to a container: its standard streams.
//!
//! Made by hand, because the frames on it are untrusted input that the client library would take
//! apart in a way of its own.

use std::io;
use std::path::Path;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

/// More is no answer to a request like ours.
const LONGEST_HEAD: usize = 16 << 10;

/// The most of a refusal that is told.
const LONGEST_REASON: u64 = 1024;

/// Attaches to a container, which should not have been started yet.
pub(super) async fn attach(socket: &Path, id: &str) -> io::Result<UnixStream> {
    let mut stream = UnixStream::connect(socket).await?;
    let request = format!(
        "POST /containers/{id}/attach?stream=1&stdin=1&stdout=1&stderr=1 HTTP/1.1\r\n\
         Host: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let head = head(&mut stream).await?;
    match status(&head) {
        Some(101 | 200) => Ok(stream),
        Some(_) => {
            let mut reason = Vec::new();
            // An answer that ends early or never tells at least its first line.
            let reading = (&mut stream).take(LONGEST_REASON);
            let patience = std::time::Duration::from_secs(1);
            let mut reading = reading;
            let _ = tokio::time::timeout(patience, reading.read_to_end(&mut reason)).await;
            let line = head.lines().next().unwrap_or_default();
            let reason = String::from_utf8_lossy(&reason);
            Err(io::Error::other(format!("{line}: {}", reason.trim())))
        }
        None => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "the daemon does not speak HTTP",
        )),
    }
}

/// Reads up to the empty line and not a byte more.
async fn head(stream: &mut UnixStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= LONGEST_HEAD {
            return Err(io::ErrorKind::InvalidData.into());
        }
        head.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

fn status(head: &str) -> Option<u16> {
    let rest = head.strip_prefix("HTTP/1.")?;
    rest.split(' ').nth(1)?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_read() {
        assert_eq!(status("HTTP/1.1 101 UPGRADED\r\n\r\n"), Some(101));
        assert_eq!(status("HTTP/1.0 404 Not Found\r\n"), Some(404));
        for nonsense in ["", "SSH-2.0", "HTTP/1.1", "HTTP/1.1 x"] {
            assert_eq!(status(nonsense), None, "{nonsense}");
        }
    }
}
