//! What the probes have found so far.

use std::collections::BTreeMap;

use super::super::layer::{Finding, Layer, LayerState};

/// Findings by layer; what was found to be missing stays so.
#[derive(Debug, Default)]
pub(super) struct Report(BTreeMap<Layer, LayerState>);

impl Report {
    /// Notes a probe of a layer: nothing to say, or what was found in its place.
    pub(super) fn expect(&mut self, layer: Layer, probed: Result<(), String>) {
        let state = self.0.entry(layer).or_insert(LayerState::Holds);
        if let (Err(found), LayerState::Holds) = (probed, &*state) {
            *state = LayerState::Missing(found);
        }
    }

    /// Of every layer, in their order. One without a probe on this architecture is unknown.
    pub(super) fn findings(mut self) -> Vec<Finding> {
        let finding = |layer| Finding {
            layer,
            state: self.0.remove(&layer).unwrap_or(LayerState::Unknown),
        };
        Layer::ALL.into_iter().map(finding).collect()
    }
}
