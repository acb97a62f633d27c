//! The worker with the native engine: real programs in real cells. Needs root.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail as loudly as the tests themselves"
)]

mod alike;
#[expect(
    dead_code,
    unused_imports,
    unused_macros,
    reason = "not all of the suite makes sense for forks of an interpreter"
)]
#[path = "../../../sandbox/tests/conformance/mod.rs"]
mod conformance;
#[expect(dead_code, reason = "not all of it is for warm runtimes")]
#[path = "../../../sandbox/tests/corpus/mod.rs"]
mod corpus;
mod cxx;
mod cxx_programs;
#[macro_use]
#[path = "../../../sandbox/tests/conformance/each.rs"]
mod each;
mod files;
mod languages;
mod mishaps;
mod programs;
mod reuse;
mod support;
mod toolchains;
mod warm;
mod warm_attacks;
mod warm_cells;
