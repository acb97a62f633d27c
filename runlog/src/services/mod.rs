//! What the services are made of, for `up` and for the commands that run one of them.

mod catalog;
mod cold;
mod engine;
mod isolation;
mod limits;
mod listener;
mod logging;
mod parts;
mod registry;
mod servers;
mod shutdown;
mod up_file;

pub(crate) use catalog::read_catalog;
pub(crate) use engine::{Checked, Sandbox, Wanted};
pub(crate) use isolation::{count_missing, warn_of};
pub(crate) use limits::raise_file_limit;
pub(crate) use listener::bind;
pub(crate) use logging::start_logging;
pub(crate) use parts::Parts;
pub(crate) use registry::registry;
pub(crate) use servers::{Servers, keep};
pub(crate) use shutdown::{Shutdown, shutdown};
pub(crate) use up_file::{DataFolder, UpFile};

use std::error::Error;

use runlog_nats::{Log, LogConfig};
use runlog_schemas::Catalog;

use crate::failure::Failure;

/// Connects to the log.
pub(crate) async fn connect(nats_url: &str, name: &str) -> Result<Log, Failure> {
    Log::connect(&LogConfig::new(nats_url, name))
        .await
        .map_err(|error| failed("", &error))
}

/// The ids of all languages.
pub(crate) fn ids(catalog: &Catalog) -> Vec<String> {
    catalog.iter().map(|it| it.id.clone()).collect()
}

/// The machine's name.
pub(crate) fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "localhost" } else { name }.to_owned()
}

/// An error of a service with everything that led to it, in one line.
pub(crate) fn failed(doing: &str, error: &dyn Error) -> Failure {
    let words = in_words(error);
    Failure::Service(if doing.is_empty() {
        words
    } else {
        format!("{doing}: {words}")
    })
}

/// An error with everything that led to it, in one line.
pub(crate) fn in_words(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_words = cause.to_string();
        if !words.contains(&cause_words) {
            words = format!("{words}: {cause_words}");
        }
        source = cause.source();
    }
    words
}
