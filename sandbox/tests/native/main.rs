//! The native engine, for real. Needs root.

#[path = "../conformance/mod.rs"]
mod conformance;
#[macro_use]
#[path = "../conformance/each.rs"]
mod each;
mod machine;
mod preflight;
mod reasons;
mod soak;
mod started;
mod toolchains;
mod turns;
mod users;

use std::sync::Arc;

use runlog_sandbox::native::{NativeConfig, NativeEngine, SpawnerCommand};

fn config() -> NativeConfig {
    NativeConfig {
        spawner: SpawnerCommand {
            program: env!("CARGO_BIN_EXE_cell-spawner").into(),
            args: Vec::new(),
        },
        ..NativeConfig::new()
    }
}

async fn engine() -> Arc<NativeEngine> {
    Arc::new(
        NativeEngine::start(config())
            .await
            .expect("every layer is there"),
    )
}

conformance::suite!(tests);
