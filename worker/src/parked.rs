//! The cells that wait, as metrics: looked at when somebody asks.

use std::sync::Arc;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntGaugeVec, Opts, Registry};
use runlog_sandbox::Engine;

/// What stands for cells that can run anything.
pub(crate) const ANY: &str = "any";

struct ParkedCells {
    engine: Arc<dyn Engine>,
    cells: IntGaugeVec,
    memory: IntGaugeVec,
}

/// Registers the metrics of an engine's parked cells.
pub(crate) fn register(
    registry: &Registry,
    engine: Arc<dyn Engine>,
) -> Result<(), prometheus::Error> {
    let gauge = |name, help| IntGaugeVec::new(Opts::new(name, help), &["host"]);
    registry.register(Box::new(ParkedCells {
        engine,
        cells: gauge(
            "exec_parked_cells",
            "Sandboxes that wait, by the warm runtime in them.",
        )?,
        memory: gauge(
            "exec_parked_memory_bytes",
            "Memory of the sandboxes that wait.",
        )?,
    }))
}

impl Collector for ParkedCells {
    fn desc(&self) -> Vec<&Desc> {
        [self.cells.desc(), self.memory.desc()].concat()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        for parked in self.engine.parked() {
            let host = [parked.warm.as_deref().unwrap_or(ANY)];
            let cells = i64::try_from(parked.cells).unwrap_or(i64::MAX);
            let memory = i64::try_from(parked.memory_bytes).unwrap_or(i64::MAX);
            self.cells.with_label_values(&host).set(cells);
            self.memory.with_label_values(&host).set(memory);
        }
        [self.cells.collect(), self.memory.collect()].concat()
    }
}
