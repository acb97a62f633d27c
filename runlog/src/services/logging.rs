//! What a service writes about its own work.

use std::io;

use tracing_subscriber::EnvFilter;

use crate::config::{LogConfig, LogFormat};
use crate::failure::Failure;

/// Sends log lines to standard error. `usual` is what is logged when nothing else was asked for.
pub(crate) fn start_logging(config: &LogConfig, usual: &str) -> Result<(), Failure> {
    let filter = config.log.as_deref().unwrap_or(usual);
    let filter = EnvFilter::builder()
        .parse(filter)
        .map_err(|error| Failure::Usage(format!("--log {filter:?}: {error}")))?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    let started = match config.log_format {
        LogFormat::Text => lines.with_ansi(false).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| Failure::Service(format!("cannot log: {error}")))
}
