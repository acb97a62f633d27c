//! What a worker counts and measures.

use std::time::Duration;

use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry,
};
use runlog_schemas::{Measurements, Outcome};

/// Upper bounds, in seconds.
const DURATIONS: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 60.0,
];

/// A part of an execution's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// From acceptance to the start of the attempt.
    Queued,
    /// From the start of the attempt to a cell with the files in it.
    Prepare,
    /// The compile step.
    Compile,
    /// The run step.
    Run,
    /// From the end of the last step to the end in the log.
    Finalize,
}

impl Stage {
    const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Prepare => "prepare",
            Self::Compile => "compile",
            Self::Run => "run",
            Self::Finalize => "finalize",
        }
    }
}

/// Why a delivery came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ignored {
    /// This worker runs the execution already.
    RunningHere,
    /// The execution has ended.
    Ended,
    /// Its time has not come.
    TooEarly,
    /// Somebody else has it.
    Superseded,
    /// Its lease ran out, but the worker that has it is alive.
    Held,
    /// It needs a toolchain in a version that is not here.
    OtherVersion,
    /// It is no submission that this version understands.
    Unreadable,
}

impl Ignored {
    const fn name(self) -> &'static str {
        match self {
            Self::RunningHere => "running_here",
            Self::Ended => "ended",
            Self::TooEarly => "too_early",
            Self::Superseded => "superseded",
            Self::Held => "held",
            Self::OtherVersion => "other_version",
            Self::Unreadable => "unreadable",
        }
    }
}

/// The metrics of a worker.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    pub(crate) slots: IntGauge,
    pub(crate) running: IntGauge,
    pub(crate) output_bytes: IntCounter,
    first_output: Histogram,
    runs: IntCounterVec,
    given_up: IntCounterVec,
    stages: HistogramVec,
    ignored: IntCounterVec,
    /// Looks for what had been compiled before, by where it was found.
    pub(crate) artifacts: IntCounterVec,
}

impl Metrics {
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let histogram = |name, help| HistogramOpts::new(name, help).buckets(DURATIONS.to_vec());
        let metrics = Self {
            slots: IntGauge::new("exec_slots", "Executions that may run at once.")?,
            running: IntGauge::new("exec_running", "Executions that run.")?,
            output_bytes: IntCounter::new(
                "exec_output_bytes_total",
                "Bytes of output that were recorded.",
            )?,
            first_output: Histogram::with_opts(histogram(
                "exec_first_output_seconds",
                "Time from the start of an attempt to the first output of its program.",
            ))?,
            runs: IntCounterVec::new(
                Opts::new("exec_runs_total", "Executions that ended here."),
                &["language", "outcome"],
            )?,
            given_up: IntCounterVec::new(
                Opts::new(
                    "exec_given_up_total",
                    "Attempts that were given up through our fault.",
                ),
                &["language"],
            )?,
            stages: HistogramVec::new(
                histogram(
                    "exec_stage_duration_seconds",
                    "Time that each part of an execution took.",
                ),
                &["stage"],
            )?,
            ignored: IntCounterVec::new(
                Opts::new(
                    "exec_deliveries_ignored_total",
                    "Deliveries that led to no attempt, or to one that came too late.",
                ),
                &["reason"],
            )?,
            artifacts: IntCounterVec::new(
                Opts::new(
                    "exec_artifact_lookups_total",
                    "Looks for what had been compiled before, by where it was found.",
                ),
                &["found"],
            )?,
        };
        registry.register(Box::new(metrics.slots.clone()))?;
        registry.register(Box::new(metrics.running.clone()))?;
        registry.register(Box::new(metrics.output_bytes.clone()))?;
        registry.register(Box::new(metrics.first_output.clone()))?;
        registry.register(Box::new(metrics.runs.clone()))?;
        registry.register(Box::new(metrics.given_up.clone()))?;
        registry.register(Box::new(metrics.stages.clone()))?;
        registry.register(Box::new(metrics.ignored.clone()))?;
        registry.register(Box::new(metrics.artifacts.clone()))?;
        Ok(metrics)
    }

    pub(crate) fn stage(&self, stage: Stage, took: Duration) {
        let seconds = took.as_secs_f64();
        self.stages
            .with_label_values(&[stage.name()])
            .observe(seconds);
    }

    pub(crate) fn ignore(&self, why: Ignored) {
        self.ignored.with_label_values(&[why.name()]).inc();
    }

    pub(crate) fn given_up(&self, language: &str) {
        self.given_up.with_label_values(&[language]).inc();
    }

    pub(crate) fn ended(&self, language: &str, outcome: &Outcome) {
        self.runs
            .with_label_values(&[language, outcome.name()])
            .inc();
    }

    pub(crate) fn measured(&self, used: &Measurements) {
        self.stage(Stage::Queued, Duration::from_micros(used.queued_us));
        self.stage(Stage::Run, Duration::from_micros(used.wall_us));
        if let Some(compile_us) = used.compile_us {
            self.stage(Stage::Compile, Duration::from_micros(compile_us));
        }
        if let Some(first_output_us) = used.first_output_us {
            let first = Duration::from_micros(first_output_us);
            self.first_output.observe(first.as_secs_f64());
        }
    }
}
