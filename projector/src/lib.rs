//! runlog-projector
