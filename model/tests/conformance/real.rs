//! The real log on a nats-server of the test's own.

use std::time::Duration;

use futures_util::TryStreamExt as _;
use runlog_local::Testbed;
use runlog_model::Conflict;
use runlog_nats::streams::{self, Replicas, Wanted};
use runlog_nats::{AppendError, BatchLimit, Freshness, Lease, Log, LogConfig, Recorded};
use runlog_schemas::{Cursor, ExecutionEvent, ExecutionId, OutputBatch, Priority, Shown};
use tokio::time::sleep;

use crate::suite::{LEASE_MS, Pulled, UnderTest, submission};

pub(crate) struct JetStream {
    servers: Testbed,
    log: Log,
}

impl JetStream {
    pub(crate) async fn start() -> Self {
        let mut servers = Testbed::start().await.unwrap();
        let log = Log::connect(&LogConfig::new(servers.nats().url(), "suite"))
            .await
            .unwrap();
        let mut wanted = Wanted::of(&["python".to_owned()], Replicas::One);
        for consumer in &mut wanted.consumers {
            let nanoseconds = LEASE_MS * 1_000_000;
            consumer
                .config
                .insert("ack_wait".to_owned(), nanoseconds.into());
        }
        streams::apply(&log, &wanted, false, 1).await.unwrap();
        Self { servers, log }
    }

    /// A client that soon stops to wait for an answer, and long goes on to find out.
    async fn hasty(&mut self) -> Log {
        let config = LogConfig {
            request_timeout: Duration::from_millis(150),
            append_patience: Duration::from_secs(60),
            ..LogConfig::new(self.servers.nats().url(), "hasty")
        };
        Log::connect(&config).await.unwrap()
    }

    /// Does something while the server takes requests and does not answer.
    async fn frozen<T>(&mut self, what: impl Future<Output = T>) -> T {
        self.servers.nats().pause().unwrap();
        let thaw = async {
            // Long enough for a few requests to go unanswered.
            sleep(Duration::from_millis(600)).await;
            self.servers.nats().resume().unwrap();
        };
        tokio::join!(what, thaw).0
    }
}

fn appended(result: Result<u64, AppendError>) -> Result<u64, Conflict> {
    match result {
        Ok(sequence) => Ok(sequence),
        Err(AppendError::Conflict) => Err(Conflict),
        Err(error) => panic!("{error}"),
    }
}

impl UnderTest for JetStream {
    type Lease = Lease;

    async fn submit(&mut self, id: ExecutionId, priority: Priority) -> Result<u64, Conflict> {
        let submission = submission(priority);
        appended(self.log.append_submission(id, &submission, 1).await)
    }

    async fn change(
        &mut self,
        id: ExecutionId,
        expected: u64,
        event: &ExecutionEvent,
    ) -> Result<u64, Conflict> {
        appended(self.log.append_status(id, expected, event).await)
    }

    async fn two_unanswered(
        &mut self,
        id: ExecutionId,
        expected: u64,
        event: &ExecutionEvent,
    ) -> [Result<u64, Conflict>; 2] {
        let (one, other) = (self.hasty().await, self.hasty().await);
        let both = async {
            tokio::join!(
                one.append_status(id, expected, event),
                other.append_status(id, expected, event),
            )
        };
        let (one, other) = self.frozen(both).await;
        [appended(one), appended(other)]
    }

    async fn unanswered(
        &mut self,
        id: ExecutionId,
        expected: u64,
        event: &ExecutionEvent,
    ) -> Result<u64, Conflict> {
        let hasty = self.hasty().await;
        appended(self.frozen(hasty.append_status(id, expected, event)).await)
    }

    async fn record(&mut self, id: ExecutionId, batch: &OutputBatch) -> u64 {
        self.log.append_output(id, batch).await.unwrap()
    }

    async fn events(&mut self, id: ExecutionId) -> Vec<(u64, ExecutionEvent)> {
        let folded = self.log.read_execution(id, Freshness::Leader).await;
        folded.unwrap().map(|it| it.events).unwrap_or_default()
    }

    async fn recording(&mut self, id: ExecutionId) -> Vec<(u64, OutputBatch)> {
        let recording = self.log.read_output(id, 0, Freshness::Leader);
        recording.try_collect().await.unwrap()
    }

    async fn tail(&mut self, after: u64, count: usize) -> Vec<Recorded> {
        let mut tail = self.log.tail(after + 1).await.unwrap();
        let mut events = Vec::new();
        while events.len() < count {
            let limit = BatchLimit {
                events: count - events.len(),
                bytes: usize::MAX,
            };
            events.extend(tail.next_batch(limit).await.unwrap());
        }
        events
    }

    async fn watch(&mut self, id: ExecutionId, from: Cursor) -> Vec<Shown> {
        let mut watch = self.log.watch(id, from).await.unwrap();
        let mut shown = Vec::new();
        while let Some(next) = watch.next().await {
            shown.push(next.unwrap());
        }
        shown
    }

    async fn pull(&mut self, priority: Priority) -> Option<Pulled<Lease>> {
        let pulled = self.log.queue().pull("python", priority, 1).await.unwrap();
        let delivery = pulled.into_iter().next()?.unwrap();
        Some(Pulled {
            id: delivery.id,
            sequence: delivery.stream_sequence,
            deliveries: delivery.deliveries,
            lease: delivery.lease,
        })
    }

    async fn ack(&mut self, lease: &Lease) {
        lease.ack().await.unwrap();
        // The word has no answer; one to another request says that it has arrived.
        self.log.ping().await.unwrap();
    }

    async fn nak(&mut self, lease: &Lease, delay_ms: u64) {
        lease.nak(Duration::from_millis(delay_ms)).await.unwrap();
        self.log.ping().await.unwrap();
    }

    async fn progress(&mut self, lease: &Lease) {
        lease.progress().await.unwrap();
        self.log.ping().await.unwrap();
    }

    async fn pass(&mut self, ms: u64) {
        sleep(Duration::from_millis(ms)).await;
    }
}
