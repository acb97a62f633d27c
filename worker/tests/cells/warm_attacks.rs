//! The corpus of attacks inside runtimes that have waited: in the process of a fork of an
//! interpreter, and of one that was started in the cell.

use std::sync::Arc;
use std::time::Duration;

use runlog_sandbox::native::{Mount, NativeEngine};
use runlog_worker::mounts;

use crate::corpus::cells::leftovers;
use crate::corpus::trial::{self, Company};
use crate::corpus::warm::Host;
use crate::corpus::{Case, Ground, Site, machine};
use crate::support;

/// Where the cells have the canary tree.
const TREE: &str = "/opt/runlog-canary";

/// How many runtimes an engine keeps to fork cells from.
const ZYGOTES: usize = 3;

/// An engine on which the entries are run in that runtime, and none waits that is not needed.
async fn ground(host: Host, site: Site) -> Ground {
    let languages = support::catalog(&[host.name()]);
    let toolchains = mounts(&languages, &support::tools()).await;
    let mut config = support::config(&languages, &toolchains);
    config.parked_cells = 0;
    config.mounts.push(Mount {
        host: site.canaries.tree(),
        inside: TREE.into(),
    });
    let waiting = usize::from(!host.is_forked());
    for it in &mut config.warm_hosts {
        (it.least_parked, it.most_parked) = (waiting, waiting);
    }
    let engine = NativeEngine::start(config).await;
    Ground {
        engine: Arc::new(engine.expect("every layer is there")),
        host: Some(host),
        site,
        tree_inside: TREE,
        grace: Duration::from_secs(1),
        leftovers,
    }
}

/// Whether there is what a run needs.
fn is_ready(ground: &Ground, host: Host) -> bool {
    if host.is_forked() {
        return machine::children("/usr/bin/python3").len() >= ZYGOTES;
    }
    ground.engine.parked().iter().any(|it| it.cells > 0)
}

/// Tries the entries whose ids start so; fails with every breach.
async fn hold(host: Host, prefix: &str, company: Company) {
    let cases = Case::read_all(prefix).into_iter();
    let cases = cases.filter(|case| host.runs(case));
    let cases: Vec<_> = cases.map(|case| host.provide(case)).collect();
    let site = Site::prepare_for(&cases, Some(host));
    let ground = ground(host, site).await;
    // Each of them has descriptors of its own, and is counted when all are there.
    while !is_ready(&ground, host) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let breaches = trial::hold(&ground, cases, company).await;
    ground.engine.close().await;
    assert!(
        breaches.is_empty(),
        "{} breaches:\n{}",
        breaches.len(),
        breaches.join("\n")
    );
}

macro_rules! sections {
    ($($host:ident $name:ident: $($section:ident: $prefix:literal),+;)+) => {
        $(mod $name {
            use super::{Company, Host, hold};

            $(#[tokio::test(flavor = "multi_thread")]
            #[ignore = "takes minutes: make test-attacks"]
            async fn $section() {
                hold(Host::$host, $prefix, Company::Alone).await;
            })+
        })+
    };
}

sections! {
    Python python:
        exhaustion: "T-A", time: "T-B", kernel: "T-C", neighbours: "T-D", streams: "T-E",
        files: "T-F", compilers: "T-G", network: "T-H", terminals: "T-I", forks: "T-K";
    JavaScript javascript: kernel: "T-C", neighbours: "T-D";
    Java java: kernel: "T-C";
}
