//! Seeded tiles of a layer: those that hold many features, at the zooms where a city is looked at closely, drawn as the server would
//! and packed. What they cost once an import pays, on what its cores leave; what everybody who looks there first would wait for.

use crate::audience::Audience;
use crate::deflate::piece;
use crate::draw::{Brush, Frame, Validity, draw};
use crate::error::Result;
use crate::geo::{BBox, TileKey, TileMatrixSet};
use crate::layer::{Layer, Serve};
use crate::store::{BlobRef, Draft, LayerEntry, Recipe, SEEDS, SeedsWriter, TILE_ROWS, Table};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use std::sync::Arc;

/// WebMercatorQuad zooms that are seeded: coarser tiles are few, finer ones are small.
const ZOOMS: std::ops::RangeInclusive<u8> = 13..=17;
/// The finest at which a layer that has an overview there needs no seeds: it is thinned.
const THINNED: u8 = 14;
/// A tile with fewer features is drawn in the time that an answer takes anyway.
const LEAST_FEATURES: u32 = 16;
/// A feature over more tiles than this is one among many in each of them.
const MOST_TILES: usize = 64;

/// What is drawn at one zoom.
struct Zoom {
    z: u8,
    table: Arc<Table>,
    /// Whether those are the features, which may have tile rows.
    whole: bool,
    recipe: Recipe,
}

/// Draws and packs the seeded tiles of a layer in the draft; `None` where it has none by its kind. A layer whose tiles are all
/// light has an empty list, which says that they were looked at.
pub fn write(draft: &Draft, layer: &Layer, entry: &LayerEntry) -> Result<Option<BlobRef>> {
    let zooms = zooms(draft, layer, entry)?;
    if zooms.is_empty() {
        return Ok(None);
    }
    let grid = TileMatrixSet::web_mercator_quad();
    let rows = entry.extra.get(TILE_ROWS).map(|blob| draft.tile_rows(blob)).transpose()?;
    let mut writer = SeedsWriter::new(draft.staging(), &layer.id)?;
    for zoom in &zooms {
        writer.begin(zoom.z, zoom.recipe);
        let mut brush = Brush::new(layer, &zoom.table, zoom.z, &Audience::OPEN, "");
        if let Some(rows) = rows.as_ref().filter(|_| zoom.whole) {
            brush = brush.from_tile_rows(rows);
        }
        for [y, x] in crowded(&grid, zoom)? {
            let frame = Frame::new(&grid, TileKey { z: zoom.z, x, y }, layer.buffer_px);
            if let Some(tile) = draw(&zoom.table, &frame, &brush)? {
                writer.push([x, y], piece(&tile)?.as_piece())?;
            }
        }
    }
    draft.add_file(&writer.seal()?).map(Some)
}

/// Whether the seeded tiles of a layer are missing, or others would be drawn now.
pub fn are_stale(draft: &Draft, layer: &Layer, entry: &LayerEntry) -> Result<bool> {
    let wanted = zooms(draft, layer, entry)?;
    match entry.extra.get(SEEDS) {
        Some(blob) => Ok(!draft.seeds(blob)?.recipes().eq(wanted.iter().map(|zoom| (zoom.z, zoom.recipe)))),
        None => Ok(!wanted.is_empty()),
    }
}

/// The zooms of a layer that may be seeded. Who sees all fields of tiles is who most ask as.
fn zooms(draft: &Draft, layer: &Layer, entry: &LayerEntry) -> Result<Vec<Zoom>> {
    if !layer.serves(Serve::Mvt) || Validity::declared(layer) {
        return Ok(vec![]);
    }
    let grid = TileMatrixSet::web_mercator_quad().id;
    let mut zooms = vec![];
    for z in ZOOMS.filter(|z| (layer.zoom.min..=layer.zoom.max).contains(z)) {
        let overview = entry.overviews.get(&z);
        if overview.is_some() && z <= THINNED {
            continue;
        }
        let table = draft.table(overview.unwrap_or(&entry.features))?;
        let recipe = Brush::new(layer, &table, z, &Audience::OPEN, "").recipe(&grid, z);
        zooms.extend(recipe.map(|recipe| Zoom { z, table, whole: overview.is_none(), recipe }));
    }
    Ok(zooms)
}

/// (y, x) of the tiles that many features touch, rising.
fn crowded(grid: &TileMatrixSet, zoom: &Zoom) -> Result<Vec<[u32; 2]>> {
    let mut counts: HashMap<[u32; 2], u32, FixedState> = HashMap::default();
    let everywhere = zoom.table.bounds().unwrap_or(BBox::EMPTY);
    zoom.table.boxes(&everywhere, &|_| true, &mut |_, bbox| {
        let Some((xs, ys)) = grid.tiles_over(bbox, zoom.z) else { return Ok(()) };
        if xs.clone().count().saturating_mul(ys.clone().count()) <= MOST_TILES {
            for y in ys {
                xs.clone().for_each(|x| *counts.entry([y, x]).or_default() += 1);
            }
        }
        Ok(())
    })?;
    let mut crowded: Vec<_> = counts.into_iter().filter(|(_, n)| *n >= LEAST_FEATURES).map(|(key, _)| key).collect();
    crowded.sort_unstable();
    Ok(crowded)
}
