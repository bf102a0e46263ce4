//! Tile grids: OGC Two Dimensional Tile Matrix Sets (OGC 17-083r4). x and y count from the top left in every
//! grid. `WebMercatorQuad` and `CGCS2000Quad` (天地图 `c`, EPSG:4490, from z 1: 2 × 1 tiles) are built in, others
//! come as OGC TMS JSON.

use super::BBox;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TileKey {
    pub z: u8,
    pub x: u32,
    pub y: u32,
}

/// A tile matrix set over a CRS the house knows in closed form.
#[derive(Debug, Clone)]
pub struct TileMatrixSet {
    pub id: String,
}

impl TileMatrixSet {
    pub fn web_mercator_quad() -> TileMatrixSet {
        todo!()
    }
    pub fn cgcs2000_quad() -> TileMatrixSet {
        todo!()
    }
    /// An OGC TMS 2.0 JSON document; the message says what is wrong with it.
    pub fn from_ogc_json(_text: &str) -> Result<TileMatrixSet, String> {
        todo!()
    }
    pub fn to_ogc_json(&self) -> serde_json::Value {
        todo!()
    }
    /// First and last matrix.
    pub fn levels(&self) -> std::ops::RangeInclusive<u8> {
        todo!()
    }
    /// Tiles across and down at z; `None` where the set has no such matrix.
    pub fn size(&self, _z: u8) -> Option<(u32, u32)> {
        todo!()
    }
    /// The zoom whose declared detail belongs to matrix z: floor(log2(1.40625° / degrees of longitude per pixel)).
    /// z itself in both built-in grids.
    pub fn nominal_zoom(&self, _z: u8) -> u8 {
        todo!()
    }
    /// The lon/lat box that a tile covers with `buffer_px` pixels (of 256) around it, clamped to the world.
    pub fn window(&self, _key: TileKey, _buffer_px: f64) -> BBox {
        todo!()
    }
    /// The tiles of matrix z that a lon/lat box touches: (x range, y range), both inclusive.
    pub fn tiles_over(
        &self,
        _b: &BBox,
        _z: u8,
    ) -> Option<(std::ops::RangeInclusive<u32>, std::ops::RangeInclusive<u32>)> {
        todo!()
    }
    /// lon/lat degrees → tile units: (0, 0) top left, (extent, extent) bottom right, y down.
    pub fn projector(&self, _key: TileKey, _extent: u32) -> Projector {
        todo!()
    }
}

/// Projects into one tile.
#[derive(Debug, Clone)]
pub struct Projector {}

impl Projector {
    pub fn project(&self, _lonlat: [f64; 2]) -> [f64; 2] {
        todo!()
    }
}
