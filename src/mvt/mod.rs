//! Shapes in tile units → Mapbox Vector Tile 2.1 bytes. Pure: no I/O, no store, no projection.
//! Everything the specification asks for is made sure of here: winding, ring order, no degenerate part, valid
//! after rounding, de-duplicated keys and values, unique ids.

use crate::feature::{FeatureId, ValueRef};
use crate::geo::GeometryKind;

/// Geometry in tile units before rounding (extent 4096, y down), parts as in `feature::Geometry`;
/// already clipped to the buffered tile. Rings closed or not.
#[derive(Debug, Clone, Default)]
pub struct Shape {
    pub kind: Option<GeometryKind>,
    pub xy: Vec<[f64; 2]>,
    pub ends: Vec<u32>,
    pub parts: Vec<u32>,
}

/// Builds one layer of a tile: `new`, then per feature `feature`, then `finish`.
pub struct LayerEncoder {}

impl LayerEncoder {
    pub fn new(_name: &str, _extent: u32) -> LayerEncoder {
        todo!()
    }
    /// Adds a feature unless nothing of its shape is left after rounding; whether it was added.
    /// `values` calls its argument with (key, value) for each attribute; null is skipped.
    pub fn feature(
        &mut self,
        _id: FeatureId,
        _shape: &Shape,
        _values: &mut dyn FnMut(&mut dyn FnMut(&str, ValueRef<'_>)),
    ) -> bool {
        todo!()
    }
    /// The layer as it stands in a tile message (field 3, length, Layer); `None` if it has no feature.
    /// A tile is the concatenation of its layers.
    pub fn finish(self) -> Option<Vec<u8>> {
        todo!()
    }
}
