//! What all tiles of a zoom share: tables, columns' revision, rows that are seen. Made once a snapshot, audience, grid, list of
//! layers and zoom, because it costs more than a cached tile's whole way.

use super::{Refusal, Revision, in_range, zoom_range};
use crate::audience::{Audience, Seen};
use crate::city::{City, SheetKey};
use crate::derive::levels_key;
use crate::draw::{self, Brush};
use crate::error::Result;
use crate::geo::{TileKey, TileMatrixSet};
use crate::layer::{Layer, LayerIx};
use crate::store::{BlobRef, SeedsOf, Table, TileRows};
use std::sync::Arc;

/// A plan without its place.
pub struct Sheet {
    pub revision: Revision,
    /// Digest of all that its layers hold at any zoom: what a composite is thinned by.
    pub composite: Revision,
    /// As asked, those too that are not served at this zoom.
    pub layers: Vec<LayerIx>,
    pub today: String,
    pub parts: Vec<Part>,
    /// Why there are no tiles of it.
    pub refusal: Option<Refusal>,
}

/// One layer of it.
pub struct Part {
    pub layer: Arc<Layer>,
    pub table: Arc<Table>,
    pub tile_rows: Option<Arc<TileRows>>,
    /// Its seeded tiles, where they are what is drawn here.
    pub seeds: Option<SeedsOf>,
    pub levels: Option<BlobRef>,
    pub census: BlobRef,
    /// The rows that the audience sees, where not all are.
    pub seen: Option<Arc<Seen>>,
}

impl Part {
    /// Whether the store has this tile of it, drawn and packed.
    pub fn is_seeded(&self, key: TileKey) -> bool {
        self.seeds.as_ref().is_some_and(|seeds| seeds.has(key.x, key.y))
    }
}

/// The sheet, where it was made before.
pub fn known(city: &City, audience: &Audience, grid: &TileMatrixSet, layers: &[LayerIx], z: u8) -> Option<Arc<Sheet>> {
    city.sheets.get(&SheetKey::of(audience, &grid.id, layers, z))?.downcast().ok()
}

/// The sheet of a zoom of `grid`.
pub fn of(city: &City, audience: &Audience, grid: &TileMatrixSet, layers: &[LayerIx], z: u8) -> Result<Arc<Sheet>> {
    if let Some(known) = known(city, audience, grid, layers, z) {
        return Ok(known);
    }
    let made = Arc::new(make(city, audience, grid, layers, z)?);
    city.sheets.insert(SheetKey::of(audience, &grid.id, layers, z), made.clone());
    Ok(made)
}

fn make(city: &City, audience: &Audience, grid: &TileMatrixSet, layers: &[LayerIx], level: u8) -> Result<Sheet> {
    let catalog = &city.snapshot.catalog;
    let asked: Vec<&Layer> = layers.iter().map(|&ix| catalog.layer(ix).as_ref()).collect();
    let (min, max) = zoom_range(grid, &asked).unwrap_or((u8::MAX, 0));
    let refusal = (level < min || level > max).then_some(Refusal::ZoomNotServed { min, max });
    let z = grid.nominal_zoom(level);
    let today = city.snapshot.manifest.created.chars().take(10).collect::<String>();
    let composite = composite(city, audience, layers, &today)?;
    let mut digest = blake3::Hasher::new();
    digest.update(&draw::VERSION.to_le_bytes()).update(grid.id.as_bytes());
    digest.update(b"/").update(audience.tag().as_bytes()).update(b"/");
    if layers.len() > 1 {
        digest.update(&composite.0);
    }
    let mut parts = vec![];
    for &ix in layers.iter().filter(|_| refusal.is_none()) {
        let layer = catalog.layer(ix);
        let Some(entry) = city.snapshot.manifest.layers.get(&layer.id).filter(|_| in_range(layer, z)) else { continue };
        let Some(table) = city.snapshot.drawn_at(&layer.id, z)? else { continue };
        let overview = entry.overviews.get(&z);
        digest.update(layer.id.as_bytes()).update(entry.declaration.as_bytes());
        digest.update(overview.unwrap_or(&entry.features).digest.as_bytes());
        if draw::Validity::declared(layer) {
            digest.update(today.as_bytes());
        }
        let seen = audience.rows(layer)?;
        digest.update(seen.as_ref().map_or(&[][..], |s| &s.digest));
        let levels = entry.extra.get(&levels_key(overview.map(|_| z))).cloned();
        let tile_rows = city.snapshot.tile_rows_at(&layer.id, z)?;
        let mut brush = Brush::new(layer, &table, z, audience, &today);
        if let Some(seen) = &seen {
            brush = brush.only(seen);
        }
        let recipe = brush.recipe(&grid.id, level);
        let seeds = match (recipe, city.snapshot.seeds(&layer.id)?) {
            (Some(recipe), Some(seeds)) => seeds.of(level, &recipe),
            _ => None,
        };
        parts.push(Part { layer: layer.clone(), table, tile_rows, seeds, levels, census: entry.census.clone(), seen });
    }
    Ok(Sheet { revision: Revision::of(&digest), composite, layers: layers.to_vec(), today, parts, refusal })
}

/// All that the cuts of a composite follow from: its layers' declarations and features, whatever the zoom.
fn composite(city: &City, audience: &Audience, layers: &[LayerIx], today: &str) -> Result<Revision> {
    let mut digest = blake3::Hasher::new();
    digest.update(&draw::VERSION.to_le_bytes()).update(audience.tag().as_bytes()).update(b"/").update(today.as_bytes());
    for &ix in layers {
        let layer = city.snapshot.catalog.layer(ix);
        if let Some(entry) = city.snapshot.manifest.layers.get(&layer.id) {
            digest.update(layer.id.as_bytes()).update(entry.declaration.as_bytes());
            digest.update(entry.features.digest.as_bytes());
            digest.update(audience.rows(layer)?.as_ref().map_or(&[][..], |s| &s.digest));
        }
    }
    Ok(Revision::of(&digest))
}
