//! What an edge counts and measures.

use std::time::Duration;

use prometheus::{
    GaugeVec, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry,
};
use runlog_nats::QueueDepth;
use runlog_schemas::{Priority, WorkerReport};
use warp::http::{Method, StatusCode};

/// Upper bounds, in seconds, around the figures that we promise.
const DURATIONS: [f64; 14] = [
    0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 1.0, 10.0, 60.0,
];

/// The metrics of an edge. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    requests: HistogramVec,
    clients: IntGaugeVec,
    feeds: IntGauge,
    resyncs: IntCounterVec,
    newer: IntCounter,
    submissions: IntCounterVec,
    workers: IntGauge,
    queues: Queues,
    worker_slots: IntGaugeVec,
}

/// What is known of the queues.
#[derive(Clone, Debug)]
struct Queues {
    waiting: IntGaugeVec,
    leased: IntGaugeVec,
    oldest: GaugeVec,
}

/// How a viewer is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    /// Server-Sent Events.
    Sse,
    /// A WebSocket.
    Ws,
}

impl Transport {
    const fn name(self) -> &'static str {
        match self {
            Self::Sse => "sse",
            Self::Ws => "ws",
        }
    }
}

/// What became of a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Submitted {
    /// It is in the log.
    Accepted,
    /// It was there already, under the same idempotency key.
    Repeated,
    /// It made no sense.
    Refused,
    /// The log did not take it.
    Failed,
}

impl Metrics {
    /// Registers the metrics.
    ///
    /// # Errors
    /// When another edge of the same process has done so.
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let requests = HistogramVec::new(
            HistogramOpts::new(
                "http_request_duration_seconds",
                "Time from a request's header to its answer's header.",
            )
            .buckets(DURATIONS.to_vec()),
            &["route", "method", "code"],
        )?;
        let clients = IntGaugeVec::new(
            Opts::new("stream_clients", "Viewers that are connected."),
            &["transport"],
        )?;
        let feeds = IntGauge::new(
            "stream_executions",
            "Executions that are followed for viewers.",
        )?;
        let resyncs = IntCounterVec::new(
            Opts::new(
                "stream_resync_total",
                "Viewers that were told to connect again and resume.",
            ),
            &["reason"],
        )?;
        let newer = IntCounter::new(
            "log_newer_total",
            "Answers and viewers broken off at something in the log that a newer version wrote.",
        )?;
        let submissions = IntCounterVec::new(
            Opts::new("submissions_total", "Submissions, by what became of them."),
            &["language", "priority", "result"],
        )?;
        let workers = IntGauge::new("workers", "Workers that have reported themselves lately.")?;
        let worker_slots = IntGaugeVec::new(
            Opts::new("worker_slots", "Slots of all workers, free and busy."),
            &["state"],
        )?;
        let queues = Queues::new(registry)?;
        registry.register(Box::new(workers.clone()))?;
        registry.register(Box::new(worker_slots.clone()))?;
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(clients.clone()))?;
        registry.register(Box::new(feeds.clone()))?;
        registry.register(Box::new(resyncs.clone()))?;
        registry.register(Box::new(newer.clone()))?;
        registry.register(Box::new(submissions.clone()))?;
        Ok(Self {
            requests,
            clients,
            feeds,
            resyncs,
            newer,
            submissions,
            workers,
            queues,
            worker_slots,
        })
    }

    /// Measures a request. `route` is a template, never a path.
    pub(crate) fn request(&self, route: &str, method: &Method, code: StatusCode, took: Duration) {
        self.requests
            .with_label_values(&[route, known(method), code.as_str()])
            .observe(took.as_secs_f64());
    }

    /// Counts a viewer for as long as the answer lives.
    #[must_use]
    pub(crate) fn client(&self, transport: Transport) -> Counted {
        Counted::new(self.clients.with_label_values(&[transport.name()]))
    }

    /// Counts an execution that is followed, for as long as the answer lives.
    #[must_use]
    pub(crate) fn feed(&self) -> Counted {
        Counted::new(self.feeds.clone())
    }

    /// Counts what could not be told since a newer version wrote it.
    pub(crate) fn newer(&self) {
        self.newer.inc();
    }

    /// Counts a viewer that was told to resume.
    pub(crate) fn resync(&self, reason: &'static str) {
        self.resyncs.with_label_values(&[reason]).inc();
    }

    /// Notes how much waits in a queue.
    pub(crate) fn queue(&self, language: &str, priority: Priority, depth: &QueueDepth) {
        let labels = [language, priority.name()];
        let set = |gauge: &IntGaugeVec, count: u64| {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            gauge.with_label_values(&labels).set(count);
        };
        set(&self.queues.waiting, depth.waiting);
        set(&self.queues.leased, depth.leased);
    }

    /// Notes how long the oldest that waits in a queue has done so, in milliseconds.
    pub(crate) fn oldest(&self, language: &str, priority: Priority, age_ms: Option<u64>) {
        let age = Duration::from_millis(age_ms.unwrap_or(0));
        self.queues
            .oldest
            .with_label_values(&[language, priority.name()])
            .set(age.as_secs_f64());
    }

    /// Notes which workers there are.
    pub(crate) fn fleet(&self, workers: &[WorkerReport]) {
        self.workers
            .set(i64::try_from(workers.len()).unwrap_or(i64::MAX));
        let slots: u32 = workers.iter().map(|it| it.slots).sum();
        let free: u32 = workers.iter().map(|it| it.free_slots).sum();
        for (state, count) in [("free", free), ("busy", slots.saturating_sub(free))] {
            self.worker_slots
                .with_label_values(&[state])
                .set(i64::from(count));
        }
    }

    /// Counts a submission. `language` is the id of a language that exists, or `unknown`.
    pub(crate) fn submission(&self, language: &str, priority: Priority, result: Submitted) {
        let result = match result {
            Submitted::Accepted => "accepted",
            Submitted::Repeated => "repeated",
            Submitted::Refused => "refused",
            Submitted::Failed => "failed",
        };
        self.submissions
            .with_label_values(&[language, priority.name(), result])
            .inc();
    }
}

impl Queues {
    fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let labels = ["language", "priority"];
        let waiting = "Submissions that no worker has had yet, at the last look.";
        let leased = "Submissions that workers have, or that wait for their next attempt, at the \
                      last look.";
        let oldest = "How long the oldest submission that no worker has had yet had waited at the \
                      last look; 0 where none does.";
        let queues = Self {
            waiting: IntGaugeVec::new(Opts::new("queue_waiting", waiting), &labels)?,
            leased: IntGaugeVec::new(Opts::new("queue_leased", leased), &labels)?,
            oldest: GaugeVec::new(Opts::new("queue_oldest_age_seconds", oldest), &labels)?,
        };
        registry.register(Box::new(queues.waiting.clone()))?;
        registry.register(Box::new(queues.leased.clone()))?;
        registry.register(Box::new(queues.oldest.clone()))?;
        Ok(queues)
    }
}

/// Something that counts while it is there.
#[derive(Debug)]
pub(crate) struct Counted(IntGauge);

impl Counted {
    fn new(gauge: IntGauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Methods that a sender made up must not become labels.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::PATCH => "PATCH",
        _ => "other",
    }
}
