//! runlog-client
