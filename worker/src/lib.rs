//! runlog-worker
