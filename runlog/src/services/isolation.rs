//! Layers of isolation that a worker does without because that was allowed: nobody shall be able
//! to overlook it.

use std::time::Duration;

use prometheus::{IntGaugeVec, Opts, Registry};
use runlog_sandbox::native::Layer;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::failed;
use crate::failure::Failure;

/// Time between two warnings.
const PERIOD: Duration = Duration::from_secs(300);

/// Tells in the metrics of every required layer whether it is missing.
pub(crate) fn count_missing(missing: &[Layer], registry: &Registry) -> Result<(), Failure> {
    let help = "1 for a layer of isolation that is missing, and was allowed to be.";
    let gauge = IntGaugeVec::new(Opts::new("sandbox_layer_missing", help), &["layer"]);
    let gauge = gauge.map_err(|error| failed("cannot make a metric", &error))?;
    for layer in Layer::ALL.into_iter().filter(|it| it.is_required()) {
        let value = i64::from(missing.contains(&layer));
        gauge.with_label_values(&[layer.name()]).set(value);
    }
    let registered = registry.register(Box::new(gauge));
    registered.map_err(|error| failed("cannot register a metric", &error))
}

/// Says so in the log, at once and again and again.
pub(crate) async fn warn_of(missing: Vec<Layer>, stop: CancellationToken) -> Result<(), Failure> {
    loop {
        for layer in &missing {
            tracing::error!(
                layer = layer.name(),
                "INSECURE: programs run without the layer of isolation that keeps apart: {}",
                layer.keeps()
            );
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = sleep(PERIOD) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_metrics_tell_of_every_required_layer() {
        let registry = Registry::new();
        count_missing(&[Layer::Seccomp], &registry).unwrap();
        let text = prometheus::TextEncoder::new()
            .encode_to_string(&registry.gather())
            .unwrap();
        assert!(
            text.contains("sandbox_layer_missing{layer=\"seccomp\"} 1"),
            "{text}"
        );
        assert!(
            text.contains("sandbox_layer_missing{layer=\"memory\"} 0"),
            "{text}"
        );
    }
}
