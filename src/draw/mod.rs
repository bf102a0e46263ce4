//! Rows of one table → one layer of one vector tile: window, project, clip, encode. Reads the store, knows no
//! cache, no plan and no HTTP.

use crate::audience::{Audience, Seen};
use crate::error::Result;
use crate::feature::Geometry;
use crate::geo::clip::{ClippedBuffers, clip};
use crate::geo::{BBox, GeometryKind, Projector, TileKey, TileMatrixSet};
use crate::layer::Layer;
use crate::mvt::{LayerEncoder, Shape, Tags};
use crate::store::{Column, Recipe, Row, Table, TileRows, Wanted};

mod footing;
mod label;
mod points;
mod scene;
mod validity;

pub use footing::Footing;
use label::Labels;
pub use scene::{Joint, Sculptor, drawn_in_3d, near};
pub use validity::Validity;

/// Tile units across a tile. 4096 keeps a unit at 3 cm at z 18.
pub const EXTENT: u32 = 4096;
/// Changes whenever the same rows would give other bytes: part of every tile's revision.
pub const VERSION: u32 = 3;
/// An overview's column with the number of features that a kept one stands for.
pub const COUNT: &str = "_count";

/// Where a layer is drawn: one tile of one grid with the layer's buffer.
pub struct Frame {
    projector: Projector,
    /// The buffered tile in lon/lat degrees.
    window: BBox,
    /// The buffered tile in tile units.
    rect: BBox,
}

impl Frame {
    pub fn new(grid: &TileMatrixSet, key: TileKey, buffer_px: f64) -> Frame {
        let margin = f64::from(EXTENT) / 256.0 * buffer_px;
        let side = f64::from(EXTENT) + margin;
        Frame {
            projector: grid.projector(key, EXTENT),
            window: grid.window(key, buffer_px),
            rect: BBox::new(-margin, -margin, side, side),
        }
    }
}

/// What of a layer's rows goes into the tile.
pub struct Brush<'a> {
    pub layer: &'a Layer,
    /// Per column of the table: its key in the tile, or none.
    keys: Vec<Option<&'a str>>,
    /// The columns that are read: those and what says whether a record is valid.
    wanted: Vec<bool>,
    /// Whether the names of areas are drawn too.
    named: bool,
    validity: Validity,
    today: &'a str,
    thinning: Option<Thinning<'a>>,
    /// The rows that are seen, where not all are.
    seen: Option<&'a Seen>,
    /// The table's rows as tiles take them, where it has such.
    tile_rows: Option<&'a TileRows>,
}

/// Leaves out rows above a thinning level (`derive`): for composites that would be too heavy whole.
#[derive(Clone, Copy)]
pub struct Thinning<'a> {
    /// One level a row, in the table's order.
    pub levels: &'a [u8],
    pub cut: u8,
}

impl<'a> Brush<'a> {
    /// The fields of `layer` that tiles of nominal zoom `z` carry for `audience`, as columns of `table`.
    /// `today` (ISO date) decides which records are valid.
    pub fn new(layer: &'a Layer, table: &'a Table, z: u8, audience: &Audience, today: &'a str) -> Brush<'a> {
        let shown =
            |name: &str| layer.tile_fields(z).any(|(_, f)| f.name == name && audience.sees_field_in_tiles(layer, f));
        let columns = &table.schema().columns;
        let key = |c: &'a Column| (c.name == COUNT || shown(&c.name)).then_some(c.name.as_str());
        let keys: Vec<_> = columns.iter().map(key).collect();
        let named = layer.has_labels_at(z);
        let validity = Validity::of(layer, table.schema());
        let wanted = keys.iter().enumerate().map(|(i, key)| key.is_some() || validity.reads(i)).collect();
        Brush { layer, keys, wanted, named, validity, today, thinning: None, seen: None, tile_rows: None }
    }

    /// Leaves out rows that are not seen; and the counts, which would tell of them.
    pub fn only(mut self, seen: &'a Seen) -> Brush<'a> {
        self.keys.iter_mut().filter(|k| **k == Some(COUNT)).for_each(|k| *k = None);
        Brush { seen: Some(seen), ..self }
    }

    /// Draws from these, the table's own, what is quicker and gives the same.
    pub fn from_tile_rows(self, tile_rows: &'a TileRows) -> Brush<'a> {
        Brush { tile_rows: Some(tile_rows), ..self }
    }

    pub fn thinned(self, thinning: Thinning<'a>) -> Brush<'a> {
        Brush { thinning: Some(thinning), ..self }
    }

    /// A digest of all that a tile of `grid` follows from beside the layer's sealed features: those that are drawn by brushes of
    /// one recipe have the same bytes. None where some rows are left out, or the day decides.
    pub fn recipe(&self, grid: &str, z: u8) -> Option<Recipe> {
        if self.thinning.is_some() || self.seen.is_some() || self.validity.is_bounded() {
            return None;
        }
        let mut digest = blake3::Hasher::new();
        digest.update(&VERSION.to_le_bytes()).update(self.layer.digest().as_bytes());
        digest.update(grid.as_bytes()).update(&[0, z]);
        for key in &self.keys {
            digest.update(key.unwrap_or_default().as_bytes()).update(&[0]);
        }
        let mut recipe = Recipe::default();
        recipe.copy_from_slice(&digest.finalize().as_bytes()[..16]);
        Some(recipe)
    }

    /// Whether the row with this ordinal is not thinned out.
    fn stays(&self, ordinal: u64) -> bool {
        self.thinning.is_none_or(|t| t.levels.get(ordinal as usize).is_none_or(|&l| l <= t.cut))
    }

    fn is_seen(&self, row: &Row<'_>) -> bool {
        self.seen.is_none_or(|seen| seen.has(row.id()))
    }

    fn is_valid(&self, row: &Row<'_>) -> bool {
        let mut valid = true;
        if self.validity.is_bounded() {
            row.values(|column, value| valid &= self.validity.allows(column, value, self.today));
        }
        valid
    }
}

/// Draws a table's rows that touch the frame, in the table's order, and after them their names where the layer has such.
/// `None` when nothing is left.
pub fn draw(table: &Table, frame: &Frame, brush: &Brush<'_>) -> Result<Option<Vec<u8>>> {
    let mut encoder = LayerEncoder::new(&brush.layer.id, EXTENT, brush.keys.iter().copied());
    if let Some(rows) = brush.tile_rows {
        points::add(&mut encoder, (table, rows), frame, brush)?;
        return Ok(encoder.finish());
    }
    let mut labels = Labels::of(brush);
    let mut pen = Pen::default();
    let (wanted, stays) = (Wanted::These(&brush.wanted), |ordinal| brush.stays(ordinal));
    table.query_some(&frame.window, wanted, &stays, &mut |row| {
        if brush.is_seen(row) && brush.is_valid(row) && pen.trace(row, frame) {
            let values = |tags: &mut Tags<'_, '_>| row.values(|column, value| tags.put(column, value));
            // What is too small to be seen is there all the same: in the tiles that have its first vertex.
            if !encoder.feature(row.id(), &pen.shape, values)
                && let Some(at) = pen.first.filter(|p| frame.rect.contains(&BBox::of(&[*p])))
            {
                encoder.speck(row.id(), row.kind(), at, values);
            }
            if let Some(labels) = &mut labels {
                labels.add(row, &pen.geometry, frame);
            }
        }
        Ok(())
    })?;
    let drawn = encoder.finish();
    Ok(drawn.map(|all| match labels.and_then(Labels::finish) {
        Some(names) => [all, names].concat(),
        None => all,
    }))
}

/// Buffers used again from row to row.
struct Pen {
    geometry: Geometry,
    shape: Shape,
    cut: ClippedBuffers,
    /// The shape's first vertex before it was cut.
    first: Option<[f64; 2]>,
}

impl Default for Pen {
    fn default() -> Pen {
        Pen {
            geometry: Geometry::empty(GeometryKind::Point),
            shape: Shape::default(),
            cut: ClippedBuffers::default(),
            first: None,
        }
    }
}

impl Pen {
    /// Projects and clips a row's geometry into `shape`; whether anything of it lies in the frame.
    fn trace(&mut self, row: &Row<'_>, frame: &Frame) -> bool {
        row.read_geometry(&mut self.geometry);
        let (g, s) = (&self.geometry, &mut self.shape);
        s.kind = Some(g.kind);
        s.xy.clear();
        frame.projector.project_into(&g.xy, &mut s.xy);
        self.first = s.xy.first().copied();
        s.ends.clone_from(&g.ends);
        s.parts.clone_from(&g.parts);
        if frame.rect.contains(&BBox::of(&s.xy)) {
            return true;
        }
        clip(g.kind, &s.xy, &s.ends, &s.parts, &frame.rect, &mut self.cut);
        std::mem::swap(&mut s.xy, &mut self.cut.xy);
        std::mem::swap(&mut s.ends, &mut self.cut.ends);
        std::mem::swap(&mut s.parts, &mut self.cut.parts);
        !s.xy.is_empty()
    }
}
