//! Mathematics of place, no I/O: boxes, tile grids, CRSs in closed form, clipping, simplifying, rings.
//! Inside the house there is one CRS: CGCS2000 longitude, latitude in degrees (EPSG:4490, x = longitude).

mod bbox;
pub mod border;
pub mod clip;
pub mod crs;
pub mod ellipsoid;
pub mod gauss_kruger;
pub mod geoid;
mod grid;
pub mod helmert;
pub mod hilbert;
pub mod label;
pub mod lattice;
pub mod local;
pub mod meeting;
mod mercator;
pub mod overlay;
mod projector;
pub mod ring;
pub mod shift;
pub mod side;
mod simplify;
mod tms_json;

pub use bbox::BBox;
pub use crs::Crs;
pub use grid::{TileKey, TileMatrixSet};
pub use projector::Projector;
pub use simplify::importance;

/// What a shape is made of; every shape may have several parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GeometryKind {
    Point,
    Line,
    Polygon,
}
