//! runlog-nats
