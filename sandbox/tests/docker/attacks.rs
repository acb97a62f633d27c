//! The corpus of attacks against containers.

use std::sync::Arc;
use std::time::Duration;

use runlog_sandbox::Engine;
use runlog_sandbox::docker::{DockerConfig, Runtime};
use runlog_sandbox::native::Mount;

use super::Daemon;
use super::corpus::trial::{self, Company};
use super::corpus::{Case, Ground, Site};

/// Where the cells have the canary tree.
const TREE: &str = "/opt/runlog-canary";

/// For these the image for tests lacks Java, or modules of Python's.
const WITHOUT_TOOLCHAIN: &[&str] = &["T-A23", "T-D13", "T-F07", "T-G09", "T-G19"];

/// It takes all terminals of the kernel, of which containers cannot have a share of their own: others
/// that want one beside it are tried again later.
const NOT_IN_COMPANY: &str = "T-I05";

/// A part of the ids of those to be tried, while one is being worked on.
#[expect(clippy::disallowed_methods, reason = "the only setting of this test")]
fn only() -> String {
    std::env::var("RUNLOG_ATTACKS_ONLY").unwrap_or_else(|_| "T-".to_owned())
}

async fn hold(company: Company) {
    let Some(daemon) = Daemon::start().await else {
        return;
    };
    let mut cases = Case::read_all(&only());
    cases.retain(|case| {
        let has_toolchain = !WITHOUT_TOOLCHAIN.contains(&case.id.as_str());
        if !has_toolchain {
            trial::tell(&format!("{}: the image has no toolchain for it", case.id));
        }
        let has_its_own = company == Company::Alone || case.id != NOT_IN_COMPANY;
        has_toolchain && has_its_own
    });
    let site = Site::prepare(&cases);
    // No cell waits beforehand: what is there after a run is what the run has left.
    let config = DockerConfig {
        parked_cells: 0,
        mounts: vec![Mount {
            host: site.canaries.tree(),
            inside: TREE.into(),
        }],
        ..daemon.config(Runtime::Runc)
    };
    let engine = daemon.engine(config).await;
    let ground = Ground {
        engine: Arc::clone(&engine) as Arc<dyn Engine>,
        host: None,
        site,
        tree_inside: TREE,
        // The daemon says it a little after the kernel.
        grace: Duration::from_secs(2),
        leftovers: |_| Vec::new(),
    };
    let mut breaches = trial::hold(&ground, cases, company).await;
    drop(ground);
    engine.close().await;
    breaches.extend(
        daemon
            .containers()
            .await
            .into_iter()
            .map(|id| format!("the container {id} is left")),
    );
    drop(engine);
    daemon.stop().await;
    assert!(
        breaches.is_empty(),
        "{} breaches:\n{}",
        breaches.len(),
        breaches.join("\n")
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: make test-attacks"]
async fn the_corpus_holds_alone() {
    hold(Company::Alone).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: make test-attacks"]
async fn the_corpus_holds_eight_at_once() {
    hold(Company::EightAtOnce).await;
}
