//! What is computed from a layer's features when it is sealed: overviews for low zooms, thinning, simplified
//! shapes, the census. Deterministic and local: a changed feature changes only what stands near it.

use crate::error::Result;
use crate::layer::Layer;
use crate::store::{Draft, LayerEntry, table::SealedTable};
use std::collections::BTreeMap;

/// Adds the sealed features and everything derived from them to the draft; the layer's manifest entry.
pub fn derive_layer(
    _draft: &mut Draft,
    _layer: &Layer,
    _features: SealedTable,
    _sources: BTreeMap<String, u64>,
) -> Result<LayerEntry> {
    todo!()
}
