//! The corpus against the native engine. Needs root.

#[expect(
    dead_code,
    reason = "runtimes that have waited are attacked by the worker's tests"
)]
#[path = "../corpus/mod.rs"]
mod corpus;
mod documented;
mod killed;
mod native;

use std::sync::Arc;

use corpus::trial::{self, Company};
use corpus::{Case, Ground, Site};
use runlog_sandbox::native::NativeEngine;

/// An engine that has every layer.
async fn ground(site: Site) -> Ground {
    let engine = NativeEngine::start(native::config(&site)).await;
    native::ground_of(Arc::new(engine.expect("every layer is there")), site)
}

/// Tries the entries whose ids start so; fails with every breach.
async fn hold(prefix: &str, company: Company) {
    let cases = Case::read_all(prefix);
    assert!(!cases.is_empty(), "no entry {prefix}");
    let site = Site::prepare(&cases);
    let ground = ground(site).await;
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
    ($($name:ident: $prefix:literal,)+) => {
        $(mod $name {
            #[tokio::test(flavor = "multi_thread")]
            async fn alone() {
                super::hold($prefix, super::Company::Alone).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            #[ignore = "takes minutes: make test-attacks"]
            async fn eight_at_once() {
                super::hold($prefix, super::Company::EightAtOnce).await;
            }
        })+
    };
}

sections! {
    exhaustion: "T-A",
    time: "T-B",
    kernel: "T-C",
    neighbours: "T-D",
    streams: "T-E",
    files: "T-F",
    compilers: "T-G",
    network: "T-H",
    terminals: "T-I",
    forks: "T-K",
}

#[test]
fn the_corpus_is_whole() {
    let cases = Case::read_all("T-");
    assert!(cases.len() >= 70, "{}", cases.len());
    let tried = [
        "T-A", "T-B", "T-C", "T-D", "T-E", "T-F", "T-G", "T-H", "T-I", "T-K",
    ];
    for case in &cases {
        assert!(
            tried.iter().any(|section| case.id.starts_with(section)),
            "nothing tries {}",
            case.id
        );
        assert!(
            !case.expect.verdict.is_empty(),
            "{} expects nothing",
            case.id
        );
    }
}
