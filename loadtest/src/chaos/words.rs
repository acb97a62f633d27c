//! A few words of the log's own protocol, to ask a server who leads.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The stream that submissions go into, and the one with what programs print.
const STREAMS: [&str; 2] = ["EXECUTIONS", "OUTPUT"];

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Debug, Deserialize)]
struct Info {
    cluster: Group,
}

#[derive(Debug, Deserialize)]
struct Group {
    leader: Option<String>,
    #[serde(default)]
    replicas: Vec<Replica>,
}

#[derive(Debug, Deserialize)]
struct Replica {
    current: bool,
}

/// The name of the server that leads the stream of submissions.
pub(crate) async fn leader(port: u16) -> anyhow::Result<String> {
    let info = ask(port, STREAMS[0]).await?;
    info.cluster.leader.context("nobody leads now")
}

/// Whether every stream has a leader and followers that have everything, so that any one server may
/// be taken away.
pub(crate) async fn is_whole(port: u16) -> bool {
    for stream in STREAMS {
        let Ok(info) = ask(port, stream).await else {
            return false;
        };
        let group = info.cluster;
        let current = group.replicas.iter().filter(|it| it.current).count();
        if group.leader.is_none() || current < 2 {
            return false;
        }
    }
    true
}

async fn ask(port: u16, stream: &str) -> anyhow::Result<Info> {
    let subject = format!("$JS.API.STREAM.INFO.{stream}");
    let answer = timeout(PATIENCE, request(port, &subject)).await;
    let answer = answer.context("the server is silent")??;
    serde_json::from_str(&answer).with_context(|| format!("the server says {answer}"))
}

/// The payload of the answer to an empty request.
async fn request(port: u16, subject: &str) -> anyhow::Result<String> {
    let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    let words =
        format!("CONNECT {{\"verbose\":false}}\r\nSUB answer 1\r\nPUB {subject} answer 0\r\n\r\n");
    server.write_all(words.as_bytes()).await?;
    let mut heard = Vec::new();
    loop {
        let mut buffer = [0; 4096];
        let count = server.read(&mut buffer).await?;
        ensure!(count > 0, "the server hung up");
        heard.extend_from_slice(&buffer[..count]);
        if let Some(payload) = payload(&heard) {
            return Ok(payload);
        }
    }
}

/// The payload of the first message, once all of it is there.
fn payload(heard: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(heard).ok()?;
    let (_, behind) = text.split_once("MSG answer 1 ")?;
    let (size, rest) = behind.split_once("\r\n")?;
    // A reply subject may stand before the size.
    let size: usize = size.rsplit(' ').next()?.parse().ok()?;
    rest.get(..size).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_whole_or_not_there() {
        let heard = b"INFO {}\r\nMSG answer 1 4\r\n{  }\r\n";
        assert_eq!(payload(heard).as_deref(), Some("{  }"));
        assert_eq!(payload(&heard[..heard.len() - 4]), None);
        assert_eq!(payload(b"INFO {}\r\n"), None);
    }
}
