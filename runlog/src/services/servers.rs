//! The nats-server and the PostgreSQL of `up`: started, kept alive, stopped.

use std::collections::VecDeque;
use std::path::Path;
use std::time::{Duration, Instant};

use runlog_local::{Durability, Nats, NatsConfig, Postgres, PostgresConfig, Tools};
use tokio_util::sync::CancellationToken;

use super::failed;
use crate::failure::Failure;

/// A server that ends so often within [`WINDOW`] is not started again.
const OFTEN: usize = 5;

/// Before it is tried again to start a server that could not be started.
const PAUSE: Duration = Duration::from_secs(1);

/// See [`OFTEN`].
const WINDOW: Duration = Duration::from_secs(60);

/// Both, running.
pub(crate) struct Servers {
    pub(crate) nats: Nats,
    pub(crate) postgres: Postgres,
}

impl Servers {
    /// Starts both on the data of that folder, on free ports.
    pub(crate) async fn start(folder: &Path) -> Result<Self, Failure> {
        let nats = Nats::start(NatsConfig {
            tools: Tools::default(),
            data_dir: folder.join("nats"),
            port: None,
        });
        let postgres = Postgres::start(PostgresConfig {
            tools: Tools::default(),
            data_dir: folder.join("postgres"),
            port: None,
            durability: Durability::Durable,
        });
        let (nats, postgres) = tokio::join!(nats, postgres);
        Ok(Self {
            nats: nats.map_err(|error| failed("cannot start the log", &error))?,
            postgres: postgres.map_err(|error| failed("cannot start the history", &error))?,
        })
    }
}

/// What both can do.
pub(crate) trait Server: Send {
    fn ended(&mut self) -> impl Future<Output = Result<String, runlog_local::Error>> + Send;
    fn restart(&mut self) -> impl Future<Output = Result<(), runlog_local::Error>> + Send;
    fn stop(&mut self) -> impl Future<Output = Result<(), runlog_local::Error>> + Send;
}

impl Server for Nats {
    async fn ended(&mut self) -> Result<String, runlog_local::Error> {
        Self::ended(self).await
    }

    async fn restart(&mut self) -> Result<(), runlog_local::Error> {
        Self::restart(self).await
    }

    async fn stop(&mut self) -> Result<(), runlog_local::Error> {
        Self::stop(self).await
    }
}

impl Server for Postgres {
    async fn ended(&mut self) -> Result<String, runlog_local::Error> {
        Self::ended(self).await
    }

    async fn restart(&mut self) -> Result<(), runlog_local::Error> {
        Self::restart(self).await
    }

    async fn stop(&mut self) -> Result<(), runlog_local::Error> {
        Self::stop(self).await
    }
}

/// Starts a server again whenever it ends, on the same data and port; the services connect again
/// by themselves. Gives up when it ends, or cannot be started, too often.
pub(crate) async fn keep(mut server: impl Server, stop: CancellationToken) -> Result<(), Failure> {
    let mut ends = VecDeque::new();
    let mut running = true;
    loop {
        let mut how = String::new();
        if running {
            how = tokio::select! {
                biased;
                () = stop.cancelled() => {
                    return server.stop().await.map_err(|error| failed("", &error));
                }
                how = server.ended() => how.map_err(|error| failed("", &error))?,
            };
            tracing::warn!(how, "a server ended; starting it again");
        }
        if let Err(error) = server.restart().await {
            // Such as while children of the one before still hold its data.
            how = failed("", &error).words();
            tracing::warn!(how, "a server cannot be started again yet");
            running = false;
            tokio::time::sleep(PAUSE).await;
        } else {
            running = true;
        }
        ends.push_back(Instant::now());
        ends.retain(|it| it.elapsed() < WINDOW);
        if ends.len() >= OFTEN {
            let seconds = WINDOW.as_secs();
            return Err(Failure::Service(format!(
                "it ended {OFTEN} times within {seconds} s, the last time with {how}"
            )));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ends at once, every time.
    struct Dying(usize);

    impl Server for Dying {
        async fn ended(&mut self) -> Result<String, runlog_local::Error> {
            Ok("exit status: 1".to_owned())
        }

        async fn restart(&mut self) -> Result<(), runlog_local::Error> {
            self.0 += 1;
            assert!(self.0 <= OFTEN, "started too often");
            Ok(())
        }

        async fn stop(&mut self) -> Result<(), runlog_local::Error> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_server_that_keeps_dying_is_given_up_with_its_reason() {
        let result = keep(Dying(0), CancellationToken::new()).await;
        let words = result.unwrap_err().words();
        assert!(words.contains("exit status: 1"), "{words}");
    }

    #[tokio::test]
    async fn a_server_is_stopped_when_asked() {
        let stop = CancellationToken::new();
        stop.cancel();
        assert!(keep(Dying(0), stop).await.is_ok());
    }
}
