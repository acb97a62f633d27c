//! runlog-runlog
fn main() {}
