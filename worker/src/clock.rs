//! What time it is for the worker.

pub(crate) use runlog_nats::now_ms;
