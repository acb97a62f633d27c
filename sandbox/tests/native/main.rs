//! The native engine, for real. Needs root.

#[path = "../conformance/mod.rs"]
mod conformance;
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

/// Makes a test of each, with an engine of its own.
macro_rules! tests {
    ($($module:ident: $($name:ident),+ $(,)?;)+) => {
        $(mod $module {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let engine: crate::conformance::Tested = super::engine().await;
                crate::conformance::$module::$name(std::sync::Arc::clone(&engine)).await;
                engine.close().await;
            })+
        })+
    };
}

conformance::suite!(tests);
