//! runlog-edge
