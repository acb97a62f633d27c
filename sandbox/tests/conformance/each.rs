//! The suite as tests that a test runner sees one by one.

/// Makes a test of each, with an engine of its own from the function `engine` beside it.
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
