//! One tile from one City: plan → draw. Knows no HTTP and no cache.

mod joint;
mod sheet;
pub mod three;

use crate::audience::Audience;
use crate::city::City;
use crate::deflate::{Member, piece};
use crate::draw::{self, Brush, Frame, Thinning};
use crate::error::Result;
use crate::geo::{TileKey, TileMatrixSet};
use crate::layer::{Layer, LayerIx, Serve};
use sheet::{Part, Sheet};
use std::sync::Arc;

/// Digest of the blobs and declarations a plan reads, the audience, the grid and the encoder's version: with the
/// tile's key, the cache key. Publishing one layer leaves the tiles of the others warm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Revision(pub [u8; 16]);

/// What will be read, as a value.
pub struct Plan {
    pub revision: Revision,
    pub key: TileKey,
    grid: Arc<TileMatrixSet>,
    audience: Audience,
    sheet: Arc<Sheet>,
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The zoom is outside the range of all asked layers; `min > max` when they are in no tile of this grid.
    ZoomNotServed { min: u8, max: u8 },
}

/// The zooms of a grid at which any of `layers` is served: the union of their ranges within the grid.
pub fn zoom_range(grid: &TileMatrixSet, layers: &[&Layer]) -> Option<(u8, u8)> {
    let served = |z: &u8| layers.iter().any(|l| in_range(l, grid.nominal_zoom(*z)));
    let first = grid.levels().find(served)?;
    let last = grid.levels().rev().find(served)?;
    Some((first, last))
}

fn in_range(layer: &Layer, nominal: u8) -> bool {
    layer.serves(Serve::Mvt) && layer.zoom.min <= nominal && nominal <= layer.zoom.max
}

/// Plans a tile of `layers`, in this order; the caller has made sure that each exists for `audience` and that
/// `key` lies inside the grid. `Ok(Ok(None))` when the city holds nothing of these layers. May read from disk.
pub fn plan(
    city: &City,
    audience: &Audience,
    grid: &Arc<TileMatrixSet>,
    layers: &[LayerIx],
    key: TileKey,
) -> Result<Result<Option<Plan>, Refusal>> {
    sheet::of(city, audience, grid, layers, key.z).map(|sheet| place(sheet, audience, grid, key))
}

/// The same where memory has what it takes.
pub fn planned(
    city: &City,
    audience: &Audience,
    grid: &Arc<TileMatrixSet>,
    layers: &[LayerIx],
    key: TileKey,
) -> Option<Result<Option<Plan>, Refusal>> {
    sheet::known(city, audience, grid, layers, key.z).map(|sheet| place(sheet, audience, grid, key))
}

fn place(
    sheet: Arc<Sheet>,
    audience: &Audience,
    grid: &Arc<TileMatrixSet>,
    key: TileKey,
) -> Result<Option<Plan>, Refusal> {
    match sheet.refusal.clone() {
        Some(refusal) => Err(refusal),
        None if sheet.parts.is_empty() => Ok(None),
        None => Ok(Some(Plan { revision: sheet.revision, key, grid: grid.clone(), audience: audience.clone(), sheet })),
    }
}

impl Revision {
    pub(crate) fn of(digest: &blake3::Hasher) -> Revision {
        let mut revision = [0; 16];
        revision.copy_from_slice(&digest.finalize().as_bytes()[..16]);
        Revision(revision)
    }
}

/// A tile as it comes about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made {
    /// Drawn: its bytes, none where nothing is there.
    Plain(Vec<u8>),
    /// Put together, with layers that were packed beforehand: a gzip member.
    Gzip(Vec<u8>),
}

impl From<Vec<u8>> for Made {
    fn from(bytes: Vec<u8>) -> Made {
        Made::Plain(bytes)
    }
}

/// The tile, with its seeded layers as they are in the store; drawn where it has none such. Unpacked, it is what `render` gives.
pub fn make(city: &City, plan: &Plan) -> Result<Made> {
    if !is_seeded(plan) {
        return render(city, plan).map(Made::Plain);
    }
    let parts = &plan.sheet.parts;
    if let Some(cut) = joint::cut(city, plan)? {
        return draw_parts(city, parts, plan, (plan.key, &plan.grid), Some(cut)).map(Made::Plain);
    }
    let mut member = Member::default();
    // Neighbours that have to be drawn are packed together.
    for parts in parts.chunk_by(|a, b| !a.is_seeded(plan.key) && !b.is_seeded(plan.key)) {
        match &parts[0].seeds {
            Some(seeds) if seeds.read(plan.key.x, plan.key.y, |seed| member.push(seed))? => {}
            _ => {
                let drawn = draw_parts(city, parts, plan, (plan.key, &plan.grid), None)?;
                if !drawn.is_empty() {
                    member.push(piece(&drawn)?.as_piece());
                }
            }
        }
    }
    Ok(if member.is_empty() { Made::Plain(vec![]) } else { Made::Gzip(member.finish()) })
}

/// Whether some of the tile's layers are in the store as they are sent.
pub fn is_seeded(plan: &Plan) -> bool {
    plan.sheet.parts.iter().any(|part| part.is_seeded(plan.key))
}

/// The tile's bytes, drawn, uncompressed; empty when nothing is there. A composite is the concatenation of its layers'
/// messages, thinned together where the layers would be too heavy in one tile.
pub fn render(city: &City, plan: &Plan) -> Result<Vec<u8>> {
    let cut = joint::cut(city, plan)?;
    draw_parts(city, &plan.sheet.parts, plan, (plan.key, &plan.grid), cut)
}

/// Rows of so many bytes are drawn in less than a millisecond.
const LIGHT_BYTES: u64 = 448 << 10;
/// Each layer's index is searched for it.
const LIGHT_LAYERS: usize = 8;

/// Whether so little goes into the tile that waking another thread to draw it would be a good part of the work.
pub fn is_light(city: &City, plan: &Plan) -> bool {
    let parts = &plan.sheet.parts;
    let Some(cut) = joint::known_cut(city, plan).filter(|_| parts.len() <= LIGHT_LAYERS) else { return false };
    let mut left = LIGHT_BYTES;
    parts.iter().all(|part| {
        // Of a tile that is thinned everything is drawn.
        if cut.is_none() && part.is_seeded(plan.key) {
            return true;
        }
        let window = plan.grid.window(plan.key, part.layer.buffer_px);
        let weight = match part.tile_rows {
            // Rows of points are alike.
            Some(_) => part.table.likely_weight(&window).map(|w| Some(w).filter(|w| *w <= left)),
            None => part.table.weight(&window, left),
        };
        // What cannot be read is found out where it is drawn.
        let weight = weight.ok().flatten();
        left -= weight.unwrap_or(0);
        weight.is_some()
    })
}

/// Draws parts of a plan into the tile `key` of `grid`; with a `cut`, only rows up to that thinning level.
fn draw_parts(
    city: &City,
    parts: &[Part],
    plan: &Plan,
    (key, grid): (TileKey, &TileMatrixSet),
    cut: Option<u8>,
) -> Result<Vec<u8>> {
    let mut tile = vec![];
    let z = grid.nominal_zoom(key.z);
    for part in parts {
        let frame = Frame::new(grid, key, part.layer.buffer_px);
        let mut brush = Brush::new(&part.layer, &part.table, z, &plan.audience, &plan.sheet.today);
        if let Some(seen) = &part.seen {
            brush = brush.only(seen);
        }
        if let Some(rows) = &part.tile_rows {
            brush = brush.from_tile_rows(rows);
        }
        let levels = match (cut, &part.levels) {
            (Some(_), Some(blob)) => Some(city.snapshot.blob(blob)?),
            _ => None,
        };
        if let (Some(cut), Some(levels)) = (cut, &levels) {
            brush = brush.thinned(Thinning { levels, cut });
        }
        let drawn = draw::draw(&part.table, &frame, &brush)?.unwrap_or_default();
        match tile.is_empty() {
            true => tile = drawn,
            false => tile.extend(drawn),
        }
    }
    Ok(tile)
}
