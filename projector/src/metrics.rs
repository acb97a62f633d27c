//! What a projector counts.

use prometheus::{
    Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry,
    exponential_buckets,
};

use crate::Error;

/// The metrics of one projector.
pub(crate) struct Metrics {
    /// Whether this projector is the one that writes.
    pub(crate) active: IntGauge,
    /// Events in the log that are not in the read models yet.
    pub(crate) lag: IntGauge,
    /// Events folded.
    pub(crate) events: IntCounter,
    /// Events folded that changed nothing.
    pub(crate) ignored: IntCounter,
    /// Events that had left the log before they were folded.
    pub(crate) lost: IntCounter,
    /// Events in one transaction.
    pub(crate) batch_events: Histogram,
    /// Time that one transaction takes.
    pub(crate) batch_seconds: Histogram,
    /// Time from the writing of an event to its row, for the oldest event of each transaction, by
    /// two clocks.
    pub(crate) lag_seconds: Histogram,
    /// Recordings stored, by whether they are complete.
    pub(crate) recordings: IntCounterVec,
    /// Executions ended because they waited too long.
    pub(crate) expired: IntCounter,
    /// Failures after which it tried again.
    pub(crate) failures: IntCounterVec,
    /// Dead letters that nobody has had tried again.
    pub(crate) dead_letters: IntGauge,
    /// The age of the oldest of them, in seconds.
    pub(crate) dead_letter_age: IntGauge,
    /// Messages of the log that this version cannot read.
    pub(crate) poison: IntGauge,
}

impl Metrics {
    pub(crate) fn register(registry: &Registry) -> Result<Self, Error> {
        let register = Register(registry);
        Ok(Self {
            active: register.gauge("active", "Whether this projector is the one that writes.")?,
            lag: register.gauge(
                "lag_events",
                "Events in the log that are not in the read models yet.",
            )?,
            events: register.counter("events_total", "Events folded.")?,
            ignored: register.counter(
                "events_ignored_total",
                "Events folded that changed nothing: repeated, late or fenced.",
            )?,
            lost: register.counter(
                "events_lost_total",
                "Events that had left the log before they were folded.",
            )?,
            batch_events: register.histogram(
                "batch_events",
                "Events in one transaction.",
                exponential_buckets(1.0, 4.0, 7)?,
            )?,
            batch_seconds: register.histogram(
                "batch_seconds",
                "Time that one transaction takes.",
                exponential_buckets(0.000_25, 2.0, 14)?,
            )?,
            lag_seconds: register.histogram(
                "lag_seconds",
                "Time from the writing of an event to its row, for the oldest event of each \
                 transaction.",
                exponential_buckets(0.001, 2.0, 17)?,
            )?,
            recordings: register.counters(
                "recordings_total",
                "Recordings stored, complete or incomplete.",
                "result",
            )?,
            expired: register.counter(
                "expired_total",
                "Executions ended because they waited longer than their limit.",
            )?,
            failures: register.counters(
                "failures_total",
                "Failures after which it was tried again, by what failed.",
                "task",
            )?,
            dead_letters: register.gauge(
                "dead_letters",
                "Dead letters that nobody has had tried again.",
            )?,
            dead_letter_age: register.gauge(
                "dead_letter_oldest_age_seconds",
                "Age of the oldest dead letter that nobody has had tried again.",
            )?,
            poison: register.gauge(
                "poison",
                "Messages of the log that this version cannot read; the fold stands still.",
            )?,
        })
    }
}

struct Register<'a>(&'a Registry);

impl Register<'_> {
    fn gauge(&self, name: &str, help: &str) -> Result<IntGauge, Error> {
        self.add(IntGauge::with_opts(opts(name, help))?)
    }

    fn counter(&self, name: &str, help: &str) -> Result<IntCounter, Error> {
        self.add(IntCounter::with_opts(opts(name, help))?)
    }

    fn counters(&self, name: &str, help: &str, label: &str) -> Result<IntCounterVec, Error> {
        self.add(IntCounterVec::new(opts(name, help), &[label])?)
    }

    fn histogram(&self, name: &str, help: &str, buckets: Vec<f64>) -> Result<Histogram, Error> {
        let opts = HistogramOpts::from(opts(name, help)).buckets(buckets);
        self.add(Histogram::with_opts(opts)?)
    }

    fn add<T: prometheus::core::Collector + Clone + 'static>(&self, metric: T) -> Result<T, Error> {
        self.0.register(Box::new(metric.clone()))?;
        Ok(metric)
    }
}

fn opts(name: &str, help: &str) -> Opts {
    Opts::new(name, help).namespace("projector")
}
