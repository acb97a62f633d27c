//! What the engine says about the machine before it serves.

use runlog_sandbox::native::{Layer, LayerState, NativeConfig, NativeEngine};
use runlog_sandbox::{Engine, Error};

use super::config;

#[tokio::test(flavor = "multi_thread")]
async fn every_layer_is_proven_here() {
    let findings = NativeEngine::check(config()).await.expect("a report");
    let layers: Vec<_> = findings.iter().map(|finding| finding.layer).collect();
    assert_eq!(layers, Layer::ALL);
    let wrong: Vec<_> = findings
        .iter()
        .filter(|finding| finding.layer.is_required() && finding.state != LayerState::Holds)
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// Without its control groups no cell is made: the layer is named, nothing is known of the rest,
/// and it is no use to allow it.
#[tokio::test(flavor = "multi_thread")]
async fn a_layer_without_which_there_is_no_cell_is_named() {
    let nothing = tempfile::tempdir().expect("a folder");
    let broken = NativeConfig {
        cgroup_root: nothing.path().into(),
        allow_missing: vec![Layer::Memory],
        ..config()
    };
    let findings = NativeEngine::check(broken.clone()).await.expect("a report");
    for finding in &findings {
        match finding.layer {
            Layer::Memory => assert!(finding.missing().expect("it is").contains("memory cgroup")),
            _ => assert_eq!(finding.state, LayerState::Unknown),
        }
    }
    let refused = NativeEngine::start(broken).await.expect_err("a refusal");
    assert!(
        matches!(
            refused,
            Error::LayerMissing {
                layer: "memory",
                ..
            }
        ),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_tells_what_it_has_found() {
    let engine = NativeEngine::start(config())
        .await
        .expect("every layer is there");
    assert_eq!(engine.findings().len(), Layer::ALL.len());
    engine.close().await;
}
