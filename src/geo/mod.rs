//! Mathematics of place, no I/O: boxes, tile grids, CRSs in closed form, clipping, simplifying, rings.
//! Inside the house there is one CRS: CGCS2000 longitude, latitude in degrees (EPSG:4490, x = longitude).

mod bbox;
mod grid;

pub use bbox::BBox;
pub use grid::{Projector, TileKey, TileMatrixSet};

/// What a shape is made of; every shape may have several parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GeometryKind {
    Point,
    Line,
    Polygon,
}
