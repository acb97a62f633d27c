//! runlog-schemas
