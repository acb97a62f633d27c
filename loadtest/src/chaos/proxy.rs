//! A wire between two processes that can be cut, frozen and slowed down.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What the wire does to what passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Weather {
    /// Nothing passes, and nobody is told.
    pub(crate) partitioned: bool,
    /// Every piece takes that much longer.
    pub(crate) delay: Duration,
    /// Connections older than this number are cut.
    pub(crate) generation: u64,
}

/// A TCP proxy to one port of this machine.
pub(crate) struct Proxy {
    port: u16,
    weather: Arc<watch::Sender<Weather>>,
    _tasks: JoinSet<()>,
}

impl Proxy {
    /// Listens on a free port and passes on to `to`.
    pub(crate) async fn start(to: u16) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .context("cannot listen")?;
        let port = listener.local_addr()?.port();
        let weather = Arc::new(watch::Sender::new(Weather::default()));
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, to, Arc::clone(&weather)));
        Ok(Self {
            port,
            weather,
            _tasks: tasks,
        })
    }

    /// Where to connect.
    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// Holds everything back, or lets it go on.
    pub(crate) fn partition(&self, partitioned: bool) {
        self.weather.send_modify(|it| it.partitioned = partitioned);
    }

    /// Slows every piece down.
    pub(crate) fn slow(&self, delay: Duration) {
        self.weather.send_modify(|it| it.delay = delay);
    }

    /// Cuts every connection that there is.
    pub(crate) fn reset(&self) {
        self.weather.send_modify(|it| it.generation += 1);
    }
}

async fn accept(listener: TcpListener, to: u16, weather: Arc<watch::Sender<Weather>>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((client, _)) = listener.accept().await else {
            continue;
        };
        let weather = weather.subscribe();
        connections.spawn(async move {
            if let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, to)).await {
                pass_both(client, server, weather).await;
            }
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn pass_both(client: TcpStream, server: TcpStream, weather: watch::Receiver<Weather>) {
    client.set_nodelay(true).ok();
    server.set_nodelay(true).ok();
    let generation = weather.borrow().generation;
    let mut cut = weather.clone();
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = pass(from_client, to_server, weather.clone()) => {}
        () = pass(from_server, to_client, weather) => {}
        _ = cut.wait_for(|it| it.generation != generation) => {}
    }
}

async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut weather: watch::Receiver<Weather>,
) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if weather.wait_for(|it| !it.partitioned).await.is_err() {
            return;
        }
        let delay = weather.borrow().delay;
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn echo() -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serve = async move {
            let mut open = JoinSet::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                open.spawn(async move {
                    let (mut from, mut to) = stream.split();
                    tokio::io::copy(&mut from, &mut to).await.ok();
                });
            }
        };
        #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
        tokio::spawn(serve);
        port
    }

    #[tokio::test]
    async fn what_is_held_back_comes_later_and_what_is_cut_is_cut() {
        let proxy = Proxy::start(echo().await).await.unwrap();
        let at = (Ipv4Addr::LOCALHOST, proxy.port());
        let mut stream = TcpStream::connect(at).await.unwrap();
        let mut answer = [0; 2];
        stream.write_all(b"hi").await.unwrap();
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"hi");

        proxy.partition(true);
        stream.write_all(b"ho").await.unwrap();
        let waiting = stream.read_exact(&mut answer);
        let early = tokio::time::timeout(Duration::from_millis(100), waiting).await;
        assert!(early.is_err(), "nothing passes");
        proxy.partition(false);
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"ho");

        proxy.reset();
        assert_eq!(stream.read(&mut answer).await.unwrap_or(0), 0);
    }
}
