//! Every language's self-tests, for real.

use crate::support::{Machine, catalog, language};

/// Runs the self-tests of one language.
async fn works(id: &str) {
    let machine = Machine::start(&[id]).await;
    assert_eq!(machine.toolchains.missing.get(id), None);
    let definition = language(&machine, id);
    runlog_worker::self_test(&machine.engine, definition)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    machine.engine.close().await;
}

macro_rules! languages {
    ($($id:ident),* $(,)?) => {
        $(
            #[tokio::test]
            async fn $id() {
                works(stringify!($id)).await;
            }
        )*

        /// Each definition is tested: to add one means to add it here.
        #[test]
        fn none_is_left_out() {
            let tested = [$(stringify!($id)),*];
            for language in catalog(&[]).iter() {
                assert!(tested.contains(&language.id.as_str()), "{} is not tested", language.id);
            }
        }
    };
}

languages! {
    bash,
    c,
    cpp,
    go,
    java,
    javascript,
    php,
    python,
    ruby,
    rust,
    sql,
    typescript,
}
