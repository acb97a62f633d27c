//! A few words of the log's own protocol, to ask a server who leads.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{interval, sleep, timeout};

/// The stream that submissions go into, and the one with what programs print.
const STREAMS: [&str; 2] = ["EXECUTIONS", "OUTPUT"];

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Between two questions for who leads.
const BETWEEN: Duration = Duration::from_millis(20);

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

/// Waits until a server hears of a leader of the submissions' stream other than `gone`. Asks every
/// few milliseconds and waits for no single answer: nobody answers what was asked while there was
/// no leader.
pub(crate) async fn successor(port: u16, gone: &str) -> Instant {
    loop {
        match hear_of_successor(port, gone).await {
            Ok(at) => return at,
            // Something else breaks at the same time.
            Err(_) => sleep(BETWEEN).await,
        }
    }
}

async fn hear_of_successor(port: u16, gone: &str) -> anyhow::Result<Instant> {
    let mut server = Session::open(port).await?;
    let subject = format!("$JS.API.STREAM.INFO.{}", STREAMS[0]);
    let mut ticks = interval(BETWEEN);
    loop {
        tokio::select! {
            _ = ticks.tick() => server.ask(&subject).await?,
            answer = server.answer() => {
                let leader = serde_json::from_str::<Info>(&answer?).ok().and_then(|it| it.cluster.leader);
                if leader.is_some_and(|it| it != gone) {
                    return Ok(Instant::now());
                }
            }
        }
    }
}

/// The payload of the answer to an empty request.
async fn request(port: u16, subject: &str) -> anyhow::Result<String> {
    let mut server = Session::open(port).await?;
    server.ask(subject).await?;
    server.answer().await
}

/// A connection on which one asks and hears answers.
struct Session {
    server: TcpStream,
    heard: Vec<u8>,
}

impl Session {
    async fn open(port: u16) -> anyhow::Result<Self> {
        let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
        let words = b"CONNECT {\"verbose\":false}\r\nSUB answer 1\r\n";
        server.write_all(words).await?;
        let heard = Vec::new();
        Ok(Self { server, heard })
    }

    async fn ask(&mut self, subject: &str) -> anyhow::Result<()> {
        let words = format!("PUB {subject} answer 0\r\n\r\n");
        Ok(self.server.write_all(words.as_bytes()).await?)
    }

    /// The payload of the next answer. May be dropped and called again.
    async fn answer(&mut self) -> anyhow::Result<String> {
        loop {
            if let Some(payload) = take_payload(&mut self.heard) {
                return Ok(payload);
            }
            let count = self.server.read_buf(&mut self.heard).await?;
            ensure!(count > 0, "the server hung up");
        }
    }
}

/// Takes the payload of the first message out of what was heard, once all of it is there.
fn take_payload(heard: &mut Vec<u8>) -> Option<String> {
    let text = std::str::from_utf8(heard).ok()?;
    let begin = text.find("MSG answer 1 ")?;
    let (head, rest) = text[begin..].split_once("\r\n")?;
    // A reply subject may stand before the size.
    let size: usize = head.rsplit(' ').next()?.parse().ok()?;
    let payload = rest.get(..size)?.to_owned();
    let end = begin + head.len() + 2 + size;
    heard.drain(..end);
    Some(payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_whole_or_not_there_and_taken_once() {
        let words = b"INFO {}\r\nMSG answer 1 4\r\n{  }\r\nMSG answer 1 2\r\n{}\r\n";
        let mut cut = words[..words.len() - 4].to_vec();
        let mut heard = words.to_vec();
        assert_eq!(take_payload(&mut heard).as_deref(), Some("{  }"));
        assert_eq!(take_payload(&mut heard).as_deref(), Some("{}"));
        assert_eq!(take_payload(&mut heard), None);
        assert_eq!(take_payload(&mut cut).as_deref(), Some("{  }"));
        assert_eq!(take_payload(&mut cut), None);
        assert_eq!(take_payload(&mut b"INFO {}\r\n".to_vec()), None);
    }
}
