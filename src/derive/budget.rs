//! The budget: no tile of a layer above 500 KB compressed, at any zoom. The heaviest tiles are drawn for real
//! and weighed; the census only says which those are.

use super::census::Cell;
use super::overview::Source;
use crate::audience::Audience;
use crate::draw::{self, Brush, Frame};
use crate::error::{Error, Result};
use crate::geo::{TileKey, TileMatrixSet};
use crate::store::Table;
use std::io::Write;

/// Bytes of a tile after gzip. Below 500 KB with room for the other grid, whose tiles are cut elsewhere, and for
/// faster compression levels.
pub const TILE_BUDGET: usize = 420_000;
/// Tiles with less than this are not weighed: even 500 bytes a feature would fit.
const LIGHT_FEATURES: u32 = 800;
const LIGHT_VERTICES: u64 = 40_000;
/// How many of the heaviest tiles are weighed.
const WEIGHED: usize = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Fits,
    TooHeavy,
}

/// Weighs the heaviest tiles of zoom `z` as they would be drawn from `table`.
pub fn judge(source: &Source<'_>, table: &Table, census: &[Cell], z: u8) -> Result<Verdict> {
    let grid = TileMatrixSet::web_mercator_quad();
    for cell in heaviest(census) {
        let frame = Frame::new(&grid, TileKey { z, x: cell.x, y: cell.y }, source.layer.buffer_px);
        let brush = Brush::new(source.layer, table, z, &Audience::OPEN, source.today);
        let tile = draw::draw(table, &frame, &brush)?.unwrap_or_default();
        if tile.len() > TILE_BUDGET && gzipped(&tile)? > TILE_BUDGET {
            return Ok(Verdict::TooHeavy);
        }
    }
    Ok(Verdict::Fits)
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
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(4));
    out.write_all(bytes).and_then(|()| out.finish()).map(|v| v.len()).map_err(|e| Error::io("memory", e))
}
