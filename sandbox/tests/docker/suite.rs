//! The conformance suite.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use runlog_sandbox::Engine;
use runlog_sandbox::docker::{DockerConfig, Runtime};

use super::Daemon;
use super::conformance::{self, Tested};

/// At once; a container takes processor time to be made.
const AT_ONCE: usize = 2;

type Test = fn(Tested) -> BoxFuture<'static, ()>;

macro_rules! list {
    ($($module:ident: $($name:ident),+ $(,)?;)+) => {
        &[$($((
            concat!(stringify!($module), "::", stringify!($name)),
            |engine| conformance::$module::$name(engine).boxed(),
        )),+),+]
    };
}

const ALL: &[(&str, Test)] = conformance::suite!(list);

/// A part of the names of those to be run, while one is being worked on.
#[expect(clippy::disallowed_methods, reason = "the only setting of this test")]
fn only() -> String {
    std::env::var("RUNLOG_SUITE_ONLY").unwrap_or_default()
}

/// Runs all tests but the named ones on one engine, and tells all that failed.
async fn run_all(daemon: &Daemon, runtime: Runtime, but: &[&str]) {
    let only = only();
    let config = DockerConfig {
        parked_cells: 3,
        ..daemon.config(runtime)
    };
    let engine = daemon.engine(config).await;
    let wanted = ALL
        .iter()
        .filter(|(name, _)| !but.contains(name) && name.contains(&only));
    let runs = wanted.map(|(name, test)| {
        let tested = Arc::clone(&engine) as Tested;
        async move {
            let began = Instant::now();
            let ended = AssertUnwindSafe(test(tested)).catch_unwind().await;
            let said = if ended.is_ok() { "ok" } else { "FAILED" };
            eprintln!("{name}: {said}, {:.2} s", began.elapsed().as_secs_f64());
            ended.is_err().then_some(*name)
        }
    });
    let ended: Vec<_> = futures_util::stream::iter(runs)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let failed: Vec<_> = ended.into_iter().flatten().collect();
    engine.close().await;
    assert!(failed.is_empty(), "on {}: {failed:#?}", engine.name());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_suite_holds_on_runc() {
    let Some(daemon) = Daemon::start().await else {
        return;
    };
    run_all(&daemon, Runtime::Runc, &[]).await;
    daemon.stop().await;
}
