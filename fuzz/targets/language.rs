//! Definitions of languages, and what a toolchain says of its version.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use runlog_schemas::LanguageDefinition;

fuzz_target!(|text: &str| {
    let Ok(language) = LanguageDefinition::from_toml("fuzzed", text) else {
        return;
    };
    let _ = language.toolchain.version.read(text);
    let _ = language.default_limits();
    let _ = language.run_environment(&BTreeMap::new());
    let _ = language.hello_world();
    let _ = language.check_options(&[text.to_owned()]);
});
