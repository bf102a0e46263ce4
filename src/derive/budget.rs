//! The budget: no tile of a layer above 500 KB compressed, at any zoom. The heaviest tiles are drawn for real
//! and weighed; the census only says which those are.

use super::census::Cell;
use super::overview::Source;
use super::thin::FINEST;
use crate::audience::Audience;
use crate::draw::{self, Brush, Frame, Thinning};
use crate::error::{Error, Result};
use crate::geo::{TileKey, TileMatrixSet};
use crate::store::Table;
use libdeflater::{CompressionLvl, Compressor};

/// Bytes of a WebMercatorQuad tile after gzip. A CGCS2000Quad tile of the same zoom covers 1/cos φ as much ground
/// (1.22 times at Kaifeng), so this keeps both below 500 KB.
pub const TILE_BUDGET: usize = 400_000;
/// Tiles with less than this are not weighed: even 500 bytes a feature would fit.
const LIGHT_FEATURES: u32 = 800;
const LIGHT_VERTICES: u64 = 40_000;
/// How many of the heaviest tiles are weighed.
const WEIGHED: usize = 3;

/// The largest thinning level up to `most` at which no tile of zoom `z`, drawn from `table`, is above the budget;
/// `most` itself where everything it keeps fits. `levels`: one a row of `table`.
pub fn largest_cut(source: &Source<'_>, table: &Table, levels: &[u8], census: &[Cell], z: u8, most: u8) -> Result<u8> {
    let grid = TileMatrixSet::web_mercator_quad();
    let cells = heaviest(census);
    let fits = |cut: u8| -> Result<bool> {
        for cell in &cells {
            let frame = Frame::new(&grid, TileKey { z, x: cell.x, y: cell.y }, source.layer.buffer_px);
            let brush =
                Brush::new(source.layer, table, z, &Audience::OPEN, source.today).thinned(Thinning { levels, cut });
            if !within_budget(&draw::draw(table, &frame, &brush)?.unwrap_or_default())? {
                return Ok(false);
            }
        }
        Ok(true)
    };
    largest_fitting(most, fits)
}

/// The largest of the cuts 0 ..= `FINEST` below `most`, or `most`, that fits; 0 if none does. What a cut keeps, a
/// larger one keeps too, so a search by halves finds it.
pub fn largest_fitting(most: u8, mut fits: impl FnMut(u8) -> Result<bool>) -> Result<u8> {
    if fits(most)? {
        return Ok(most);
    }
    let (mut low, mut high) = (0, most.min(FINEST + 1));
    while low + 1 < high {
        let middle = low + (high - low) / 2;
        match fits(middle)? {
            true => low = middle,
            false => high = middle,
        }
    }
    Ok(low)
}

/// Whether a tile, not compressed yet, keeps to the budget.
pub fn within_budget(tile: &[u8]) -> Result<bool> {
    Ok(tile.len() <= TILE_BUDGET || gzipped(tile)? <= TILE_BUDGET)
}

/// The cells worth weighing, heaviest first.
pub fn heaviest(census: &[Cell]) -> Vec<Cell> {
    let mut cells: Vec<Cell> =
        census.iter().filter(|c| c.features > LIGHT_FEATURES || c.vertices > LIGHT_VERTICES).copied().collect();
    cells.sort_by_key(|c| std::cmp::Reverse((c.weight(), c.y, c.x)));
    cells.truncate(WEIGHED);
    cells
}

/// Length of `bytes` after the fastest gzip that the server uses.
pub fn gzipped(bytes: &[u8]) -> Result<usize> {
    let mut compressor = Compressor::new(CompressionLvl::new(1).unwrap_or_default());
    let mut out = vec![0; compressor.gzip_compress_bound(bytes.len())];
    compressor.gzip_compress(bytes, &mut out).map_err(|e| Error::io("gzip", std::io::Error::other(e)))
}
