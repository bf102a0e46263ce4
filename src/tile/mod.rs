//! One tile from one City: plan → draw. Knows no HTTP and no cache.

mod joint;
pub mod three;

use crate::audience::{Audience, Seen};
use crate::city::City;
use crate::derive::levels_key;
use crate::draw::{self, Brush, Frame, Thinning};
use crate::error::Result;
use crate::geo::{TileKey, TileMatrixSet};
use crate::layer::{Layer, LayerIx, Serve};
use crate::store::{BlobRef, Table};
use std::sync::Arc;

/// Digest of the blobs and declarations a plan reads, the audience, the grid and the encoder's version: with the
/// tile's key, the cache key. Publishing one layer leaves the tiles of the others warm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Revision(pub [u8; 16]);

/// What will be read, as a value.
pub struct Plan {
    pub revision: Revision,
    pub key: TileKey,
    /// Digest of all that its layers hold at any zoom: what a composite is thinned by.
    composite: Revision,
    /// As asked, those too that are not served at this zoom.
    layers: Vec<LayerIx>,
    grid: Arc<TileMatrixSet>,
    audience: Audience,
    today: String,
    parts: Vec<Part>,
}

/// One layer of a plan.
struct Part {
    layer: Arc<Layer>,
    table: Arc<Table>,
    levels: Option<BlobRef>,
    census: BlobRef,
    /// The rows that the audience sees, where not all are.
    seen: Option<Arc<Seen>>,
}

/// Why there is no plan.
#[derive(Debug, PartialEq, Eq)]
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
/// `key` lies inside the grid. `Ok(Ok(None))` when the city holds nothing of these layers.
pub fn plan(
    city: &City,
    audience: &Audience,
    grid: &Arc<TileMatrixSet>,
    layers: &[LayerIx],
    key: TileKey,
) -> Result<Result<Option<Plan>, Refusal>> {
    let catalog = &city.snapshot.catalog;
    let asked: Vec<&Layer> = layers.iter().map(|&ix| catalog.layer(ix).as_ref()).collect();
    let (min, max) = zoom_range(grid, &asked).unwrap_or((u8::MAX, 0));
    if key.z < min || key.z > max {
        return Ok(Err(Refusal::ZoomNotServed { min, max }));
    }
    let z = grid.nominal_zoom(key.z);
    let today = city.snapshot.manifest.created.chars().take(10).collect::<String>();
    let mut digest = blake3::Hasher::new();
    digest.update(&draw::VERSION.to_le_bytes()).update(grid.id.as_bytes());
    digest.update(b"/").update(audience.tag().as_bytes()).update(b"/");
    let composite = composite(city, audience, layers, &today)?;
    if layers.len() > 1 {
        digest.update(&composite.0);
    }
    let mut parts = vec![];
    for &ix in layers {
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
        parts.push(Part { layer: layer.clone(), table, levels, census: entry.census.clone(), seen });
    }
    if parts.is_empty() {
        return Ok(Ok(None));
    }
    let plan = Plan {
        revision: Revision::of(&digest),
        key,
        composite,
        layers: layers.to_vec(),
        grid: grid.clone(),
        audience: audience.clone(),
        today,
        parts,
    };
    Ok(Ok(Some(plan)))
}

impl Revision {
    pub(crate) fn of(digest: &blake3::Hasher) -> Revision {
        let mut revision = [0; 16];
        revision.copy_from_slice(&digest.finalize().as_bytes()[..16]);
        Revision(revision)
    }
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

/// The tile's bytes, uncompressed; empty when nothing is there. A composite is the concatenation of its layers'
/// messages, thinned together where the layers would be too heavy in one tile.
pub fn render(city: &City, plan: &Plan) -> Result<Vec<u8>> {
    let cut = joint::cut(city, plan)?;
    draw_parts(city, plan, plan.key, &plan.grid, cut)
}

/// Draws every part of a plan into the tile `key` of `grid`; with a `cut`, only rows up to that thinning level.
fn draw_parts(city: &City, plan: &Plan, key: TileKey, grid: &TileMatrixSet, cut: Option<u8>) -> Result<Vec<u8>> {
    let mut tile = vec![];
    let z = grid.nominal_zoom(key.z);
    for part in &plan.parts {
        let frame = Frame::new(grid, key, part.layer.buffer_px);
        let mut brush = Brush::new(&part.layer, &part.table, z, &plan.audience, &plan.today);
        if let Some(seen) = &part.seen {
            brush = brush.only(seen);
        }
        let levels = match (cut, &part.levels) {
            (Some(_), Some(blob)) => Some(city.snapshot.blob(blob)?),
            _ => None,
        };
        if let (Some(cut), Some(levels)) = (cut, &levels) {
            brush = brush.thinned(Thinning { levels, cut });
        }
        tile.extend(draw::draw(&part.table, &frame, &brush)?.unwrap_or_default());
    }
    Ok(tile)
}
