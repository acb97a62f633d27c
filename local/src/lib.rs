//! runlog-local
