//! What goes wrong beside the runs is said in the log with its reason.

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use runlog_sandbox::Engine as _;
use runlog_sandbox::native::{NativeConfig, NativeEngine, WarmHost, WarmRuntime, WarmWay};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, "{field}={value:?} ");
    }
}

impl Subscriber for Kept {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().expect("nothing panics").push(line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runtime_that_ends_at_once_is_told_as_that() {
    let kept = Kept::default();
    // Whoever else is in this process is heard too.
    tracing::subscriber::set_global_default(kept.clone()).expect("the only one");
    let host = WarmHost {
        name: "short".into(),
        way: WarmWay::Start,
        runtimes: vec![WarmRuntime {
            argv: vec!["/bin/sh".into(), "-c".into(), "exit 3".into()],
            env: Vec::new(),
        }],
        files: Vec::new(),
        least_parked: 1,
        most_parked: 1,
    };
    let config = NativeConfig {
        warm_hosts: vec![host],
        ..super::config()
    };
    let engine = NativeEngine::start(config).await.expect("every layer");
    let began = Instant::now();
    let said = loop {
        let lines = kept.0.lock().expect("nothing panics").clone();
        let mut lines = lines.into_iter();
        if let Some(line) = lines.find(|line| line.contains("could not be parked")) {
            break line;
        }
        assert!(
            began.elapsed() < Duration::from_secs(120),
            "it says nothing"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    // Whoever notices first: init, which reaps it, or its herald.
    let is_told = said.contains("ended with code 3") || said.contains("waiting for a runtime");
    assert!(is_told, "{said}");
    engine.close().await;
}
