//! runlog-loadtest
fn main() {}
