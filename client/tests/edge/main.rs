//! The client against a server that answers by script: losses, refusals and nonsense.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a helper of a test may panic, and its server ends with the test's runtime"
)]

mod requests;
mod script;
mod sse;
mod websocket;
