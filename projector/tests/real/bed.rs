//! Servers of the test's own, a log on them, and projectors.

use std::time::Duration;

use async_nats::jetstream;
use prometheus::Registry;
use runlog_local::Testbed;
use runlog_nats::streams::{self, Replicas, Wanted};
use runlog_nats::{Log, LogConfig};
use runlog_projector::{Clock, Config, Error, run};
use tokio::task::JoinHandle;
use tokio_postgres::{Client, NoTls};
use tokio_util::sync::CancellationToken;

/// Every test fails with words.
pub(crate) type TestResult = anyhow::Result<()>;

/// A nats-server and a PostgreSQL.
pub(crate) struct Bed {
    pub(crate) servers: Testbed,
    pub(crate) log: Log,
    pub(crate) address: String,
}

impl Bed {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let mut servers = Testbed::start_with_postgres().await?;
        let address = servers.postgres().connection_string();
        let log = Log::connect(&LogConfig::new(servers.nats().url(), "test")).await?;
        let languages = ["python".to_owned()];
        streams::apply(&log, &Wanted::of(&languages, Replicas::One), false, 1).await?;
        Ok(Self {
            servers,
            log,
            address,
        })
    }

    /// Settings that suit impatient tests.
    pub(crate) fn config(&self) -> Config {
        let mut config = Config::new(&self.address);
        let short = Duration::from_millis(20);
        config.standby_interval = short;
        config.expiry_interval = short;
        config.archive_interval = short;
        config.lag_interval = short;
        config.snippet_interval = short;
        config.first_pause = short;
        config.longest_pause = short;
        // The stories are old; nothing of them shall expire.
        config.clock = Clock::new(|| 0);
        config
    }

    /// A projector with the usual settings.
    pub(crate) fn projector(&self) -> Projector {
        Projector::start(self.config(), self.log.clone())
    }

    pub(crate) async fn client(&self) -> anyhow::Result<Client> {
        let (client, connection) = tokio_postgres::connect(&self.address, NoTls).await?;
        #[expect(
            clippy::disallowed_methods,
            reason = "the connection ends with its client"
        )]
        tokio::spawn(connection);
        client.batch_execute("SET search_path TO runlog").await?;
        Ok(client)
    }

    /// Asks until the answer is yes. Errors are no answer: the tables may not be there yet.
    pub(crate) async fn until(&self, question: &str) -> anyhow::Result<()> {
        loop {
            if let Ok(client) = self.client().await {
                while let Ok(row) = client.query_one(question, &[]).await {
                    if row.get::<_, Option<bool>>(0) == Some(true) {
                        return Ok(());
                    }
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until everything that is in the log now is in the tables.
    pub(crate) async fn until_folded(&self) -> anyhow::Result<()> {
        let last = self.log.last_sequence().await?;
        self.until(&format!(
            "SELECT (SELECT last_sequence FROM projector_checkpoints) >= {last}
             AND NOT EXISTS (SELECT FROM recordings_due)"
        ))
        .await
    }

    /// Removes everything before a sequence from a stream, as age or count would.
    pub(crate) async fn purge(&mut self, stream: &str, before: u64) -> TestResult {
        let client = async_nats::connect(self.servers.nats().url()).await?;
        let stream = jetstream::new(client).get_stream(stream).await?;
        stream.purge().sequence(before).await?;
        Ok(())
    }

    /// Every row of every table, as PostgreSQL writes it down.
    pub(crate) async fn dump(&self) -> anyhow::Result<Vec<String>> {
        let client = self.client().await?;
        let mut lines = Vec::new();
        for table in [
            "executions",
            "submissions",
            "recordings",
            "recordings_due",
            "snippets",
            "projector_checkpoints",
        ] {
            let rows = client
                .query(
                    &format!("SELECT it::text FROM {table} it ORDER BY it::text COLLATE \"C\""),
                    &[],
                )
                .await?;
            lines.extend(
                rows.iter()
                    .map(|row| format!("{table} {}", row.get::<_, &str>(0))),
            );
        }
        Ok(lines)
    }
}

/// Compares dumps without printing megabytes.
#[track_caller]
pub(crate) fn assert_same(left: &[String], right: &[String]) {
    for (left, right) in left.iter().zip(right) {
        assert_eq!(left, right);
    }
    assert_eq!(left.len(), right.len());
}

/// A projector that runs.
pub(crate) struct Projector {
    shutdown: CancellationToken,
    task: JoinHandle<Result<(), Error>>,
    registry: Registry,
}

impl Projector {
    pub(crate) fn start(config: Config, log: Log) -> Self {
        let shutdown = CancellationToken::new();
        let registry = Registry::new();
        let (stop, metrics) = (shutdown.clone(), registry.clone());
        #[expect(clippy::disallowed_methods, reason = "awaited in stop and failed")]
        let task = tokio::spawn(async move { run(config, log, &metrics, stop).await });
        Self {
            shutdown,
            task,
            registry,
        }
    }

    /// Ends it in an orderly way.
    pub(crate) async fn stop(self) -> TestResult {
        self.shutdown.cancel();
        Ok(self.task.await??)
    }

    /// Ends it wherever it is.
    pub(crate) async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }

    /// What it gives up with.
    pub(crate) async fn failed(&mut self) -> anyhow::Result<Error> {
        match (&mut self.task).await? {
            Ok(()) => anyhow::bail!("it ended without an error"),
            Err(error) => Ok(error),
        }
    }

    /// The value of a metric, summed over its labels.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let name = format!("projector_{name}");
        self.registry
            .gather()
            .iter()
            .filter(|family| family.name() == name)
            .flat_map(|family| family.get_metric().iter())
            .map(|metric| metric.get_counter().get_value() + metric.get_gauge().get_value())
            .sum()
    }

    /// Waits until a metric has at least this value.
    pub(crate) async fn until_metric(&self, name: &str, value: f64) {
        while self.metric(name) < value {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
