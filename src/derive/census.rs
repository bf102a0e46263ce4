//! The census: per zoom, which tiles hold how many features and vertices as drawn there. Answers "where is it
//! heaviest?" without reading a feature.

use super::item::Item;
use crate::error::{Error, Result};
use crate::geo::TileMatrixSet;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The finest zoom counted; a tile there is about 500 m wide at Kaifeng. Finer tiles hold less.
pub const FINEST: u8 = 16;
/// A feature that touches more tiles than this is counted in none: one among many in each of them.
const MOST_TILES: u64 = 256;

/// WebMercatorQuad zoom → its tiles, by (y, x), that features are drawn in.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Census {
    pub zooms: BTreeMap<u8, Vec<Cell>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    pub x: u32,
    pub y: u32,
    pub features: u32,
    /// Vertices of the features that touch it, each feature counted whole.
    pub vertices: u64,
}

impl Cell {
    /// What the cell costs, roughly, in bytes of a compressed tile. Only for telling heavy from light.
    pub fn weight(&self) -> u64 {
        u64::from(self.features) * 20 + self.vertices * 3
    }
}

impl Census {
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        postcard::to_stdvec(self).map_err(|e| Error::Data(format!("census: {e}")))
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Census> {
        postcard::from_bytes(bytes).map_err(|e| Error::damaged("census", e.to_string()))
    }
}

/// Counts features (with the vertices drawn of each) per tile of zoom `z`; nothing beyond `FINEST`.
pub fn count<'a>(drawn: impl Iterator<Item = (&'a Item, u32)>, z: u8) -> Vec<Cell> {
    if z > FINEST {
        return vec![];
    }
    let grid = TileMatrixSet::web_mercator_quad();
    let mut cells: BTreeMap<(u32, u32), (u32, u64)> = BTreeMap::new();
    for (item, vertices) in drawn {
        let Some((xs, ys)) = grid.tiles_over(&item.bbox, z) else { continue };
        if xs.clone().count() as u64 * ys.clone().count() as u64 > MOST_TILES {
            continue;
        }
        for y in ys {
            for x in xs.clone() {
                let c = cells.entry((y, x)).or_default();
                c.0 += 1;
                c.1 += u64::from(vertices);
            }
        }
    }
    let cell = |((y, x), (features, vertices))| Cell { x, y, features, vertices };
    cells.into_iter().map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::derive::item::anchor;
    use crate::geo::BBox;

    fn item(bbox: BBox) -> Item {
        Item { id: 1, bbox, anchor: anchor(&bbox), rank: 0.0, size: 0.0, vertices: 5, valid: true }
    }

    #[test]
    fn a_feature_is_counted_in_every_tile_it_touches() {
        let grid = TileMatrixSet::web_mercator_quad();
        let items = [item(BBox::new(114.30, 34.79, 114.31, 34.80)), item(BBox::new(114.301, 34.795, 114.301, 34.795))];
        for z in 0..=FINEST {
            let cells = count(items.iter().map(|i| (i, i.vertices)), z);
            for (n, i) in items.iter().enumerate() {
                let (xs, ys) = grid.tiles_over(&i.bbox, z).unwrap();
                for (x, y) in ys.flat_map(|y| xs.clone().map(move |x| (x, y))) {
                    assert!(cells.iter().any(|c| (c.x, c.y) == (x, y) && c.features > 0), "item {n} at {z}/{x}/{y}");
                }
            }
        }
        assert!(count(items.iter().map(|i| (i, 5)), FINEST + 1).is_empty());
    }

    #[test]
    fn bytes_and_back() {
        let items = [item(BBox::new(114.30, 34.79, 114.31, 34.80))];
        let zooms = (3..6).map(|z| (z, count(items.iter().map(|i| (i, 5)), z))).collect();
        let census = Census { zooms };
        assert_eq!(Census::from_bytes(&census.to_bytes().unwrap()).unwrap(), census);
        assert!(Census::from_bytes(&[9, 9, 9]).is_err());
    }
}
