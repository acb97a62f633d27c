//! A viewer who checks what is shown to him, and a writer who gives him something to see.

use std::time::Duration;

use runlog_nats::{AppendError, Freshness, Log, Watch};
use runlog_schemas::{
    Change, Cursor, ExecutionEvent, ExecutionId, Item, OutputBatch, Priority, Shown,
};

use tokio::time::timeout;

use crate::support::{event, finished, output, started, submission};

/// Far beyond what noise can cost; what takes longer does not come at all.
const PATIENCE: Duration = Duration::from_secs(60);

/// Awaits what must come.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(PATIENCE, what).await.expect("it comes")
}

/// What a viewer has seen.
#[derive(Debug, Default)]
pub(crate) struct Viewer {
    pub(crate) cursor: Cursor,
    pub(crate) events: Vec<ExecutionEvent>,
    /// The numbers of the chunks of the attempt that counts.
    pub(crate) chunks: Vec<u64>,
}

impl Viewer {
    pub(crate) fn see(&mut self, shown: Shown) {
        assert!(shown.cursor.status >= self.cursor.status);
        assert!(shown.cursor.output >= self.cursor.output);
        assert_ne!(shown.cursor, self.cursor, "something is shown once");
        self.cursor = shown.cursor;
        match shown.item {
            Item::Event(event) => {
                if let Change::Started { .. } = event.change {
                    self.chunks.clear();
                }
                self.events.push(event);
            }
            Item::Output(batch) => {
                self.chunks.extend(batch.chunks.iter().map(|it| it.number));
            }
        }
    }

    /// Watches to the end, which was there before or comes while it watches.
    pub(crate) async fn watch(&mut self, mut watch: Watch) {
        while let Some(shown) = soon(watch.next()).await {
            self.see(shown.expect("everything can be read"));
            let ended = self.events.last().map(|it| it.change.name()) == Some("finished");
            assert_eq!(watch.execution().end().is_some(), ended);
        }
        assert!(!watch.output_lost());
    }

    pub(crate) fn check(&self, script: &Script) {
        assert_eq!(self.events, script.events());
        let last = script.attempts.last().expect("there is an attempt");
        let expected: Vec<u64> = (0..last.iter().sum()).collect();
        assert_eq!(self.chunks, expected, "{script:?}");
    }
}

/// What happens to an execution: for each attempt, how many chunks each batch has.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) attempts: Vec<Vec<u64>>,
    /// Whether an attempt that failed says so, or is overtaken.
    pub(crate) says_so: bool,
}

impl Script {
    /// What is appended to the status, without the sequence in the end.
    fn changes(&self) -> Vec<(u32, ExecutionEvent)> {
        let mut changes = Vec::new();
        for attempt in (1..).take(self.attempts.len()) {
            changes.push((attempt, started(attempt)));
            if self.says_so && (attempt as usize) < self.attempts.len() {
                let retried = event(Change::Retried {
                    attempt,
                    reason: "test".to_owned(),
                    not_before_ms: 0,
                    handed_back: false,
                });
                changes.push((attempt, retried));
            }
        }
        changes
    }

    fn submitted() -> ExecutionEvent {
        event(Change::Submitted {
            submission: Box::new(submission("python", Priority::Api)),
        })
    }

    /// All events; the sequence of the last output is not known here and taken as it is.
    fn events(&self) -> Vec<ExecutionEvent> {
        let mut events = vec![Self::submitted()];
        events.extend(self.changes().into_iter().map(|(_, event)| event));
        events
    }

    pub(crate) async fn submit(log: &Log, id: ExecutionId) {
        let asked = submission("python", Priority::Api);
        while let Err(error) = log.append_submission(id, &asked, 1).await {
            assert!(retryable(&error), "{error}");
            log.connected().await;
        }
    }

    /// Plays it against the log, through losses of the connection. `pause` is awaited before each
    /// append.
    pub(crate) async fn play(&self, log: &Log, id: ExecutionId, mut pause: impl AsyncFnMut()) {
        let mut last = 0;
        let count = self.attempts.len();
        for (number, event) in self.changes() {
            pause().await;
            last = status(log, id, last, &event).await;
            if !matches!(event.change, Change::Started { .. }) {
                continue;
            }
            let batches = &self.attempts[number as usize - 1];
            let mut first = 0;
            let mut written = None;
            for size in batches {
                pause().await;
                written = Some(append_output(log, id, &output(number, first, *size)).await);
                first += size;
            }
            if number as usize == count {
                pause().await;
                status(log, id, last, &finished(number, first, written)).await;
            }
        }
    }
}

fn retryable(error: &AppendError) -> bool {
    matches!(error, AppendError::Unavailable(_) | AppendError::Unknown(_))
}

async fn append_output(log: &Log, id: ExecutionId, batch: &OutputBatch) -> u64 {
    loop {
        match log.append_output(id, batch).await {
            Ok(sequence) => return sequence,
            Err(error) => assert!(retryable(&error), "{error}"),
        }
        log.connected().await;
    }
}

async fn status(log: &Log, id: ExecutionId, last: u64, event: &ExecutionEvent) -> u64 {
    loop {
        match log.append_status(id, last, event).await {
            Ok(sequence) => return sequence,
            Err(AppendError::Conflict) => {
                let events = log.read_status(id, last, Freshness::Leader).await;
                let events = events.expect("the log can be read");
                assert_eq!(&events[0].1, event, "nobody else writes");
                return events[0].0;
            }
            Err(error) => assert!(retryable(&error), "{error}"),
        }
        log.connected().await;
    }
}
