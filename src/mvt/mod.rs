//! Shapes in tile units → Mapbox Vector Tile 2.1 bytes. Pure: no I/O, no store, no projection.
//! Everything the specification asks for is made sure of here: winding, ring order, no degenerate part, valid
//! after rounding, de-duplicated keys and values. Unique ids are the store's promise.
//!
//! `snap` rounds to the integer grid, `validity` finds what rounding broke, `repair` mends it, `encode` writes;
//! `decode` is the strict reader that the tests and the checks use.

pub mod decode;
mod dictionary;
mod encode;
mod repair;
mod snap;
mod validity;
pub(crate) mod wire;

pub use dictionary::{put_value, text_of};
pub use encode::{LayerEncoder, Tags};

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

impl Shape {
    /// Empties it and keeps its room.
    pub fn clear(&mut self) {
        self.kind = None;
        self.xy.clear();
        self.ends.clear();
        self.parts.clear();
    }
}

#[cfg(test)]
mod property_tests;
