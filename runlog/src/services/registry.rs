//! The metrics of one process.

use prometheus::Registry;
use prometheus::process_collector::ProcessCollector;

use super::failed;
use crate::failure::Failure;

/// A registry that has what is known of the process itself.
pub(crate) fn registry() -> Result<Registry, Failure> {
    let registry = Registry::new();
    registry
        .register(Box::new(ProcessCollector::for_self()))
        .map_err(|error| failed("the metrics", &error))?;
    Ok(registry)
}
