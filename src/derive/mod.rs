//! What is computed from a layer's features when it is sealed: overviews for low zooms, thinning, simplified
//! shapes, the census. Deterministic and local: a changed feature changes only what stands near it.

mod budget;
mod census;
mod coverage;
pub mod family;
mod item;
mod overview;
mod present;
mod removal;
mod scene;
mod shape;
mod thin;

pub use budget::{TILE_BUDGET, gzipped, heaviest, largest_fitting, within_budget};
pub use census::{Cell, Census};
pub use scene::{DATA_HEIGHTS, Node, PIPE_ENDS, PipeEnds, SCENE, Tree, corners};
pub use thin::ALL;

use crate::error::Result;
use crate::layer::Layer;
use crate::store::table::SealedTable;
use crate::store::{Draft, LayerEntry, MODELS, SealedModels};
use std::collections::BTreeMap;

/// Adds the sealed features and everything derived from them to the draft; the layer's manifest entry.
/// `sources`: source id → its records in this layer.
pub fn derive_layer(
    draft: &Draft,
    layer: &Layer,
    features: SealedTable,
    sources: BTreeMap<String, u64>,
) -> Result<LayerEntry> {
    derive_modelled_layer(draft, layer, features, None, sources)
}

/// As `derive_layer`, of a layer whose features may have 3D models.
pub fn derive_modelled_layer(
    draft: &Draft,
    layer: &Layer,
    features: SealedTable,
    models: Option<SealedModels>,
    sources: BTreeMap<String, u64>,
) -> Result<LayerEntry> {
    let blob = draft.add_file(&features.path)?;
    let table = draft.table(&blob)?;
    let today: String = draft.manifest.created.chars().take(10).collect();
    let survey = item::survey(&table, layer, &today)?;
    let source = overview::Source { layer, table: &table, survey: &survey, today: &today };
    let mut entry_overviews = BTreeMap::new();
    let mut extra = BTreeMap::from([(levels_key(None), draft.add_bytes(&survey.levels)?)]);
    let mut census = Census::default();
    for (z, overview) in overview::write_all(draft, &source)? {
        entry_overviews.extend(overview.table.map(|t| (z, t)));
        extra.extend(overview.levels.map(|l| (levels_key(Some(z)), l)));
        census.zooms.insert(z, overview.census);
    }
    let mut offsets: Vec<u64> = features.ids.iter().map(|(_, at)| *at).collect();
    offsets.sort_unstable();
    let models = models.map(|m| draft.add_file(&m.path)).transpose()?;
    let opened = models.as_ref().map(|blob| draft.models(blob)).transpose()?;
    extra.extend(scene::tree(draft, layer, &table, &offsets, opened.as_ref())?);
    extra.extend(models.map(|blob| (MODELS.to_string(), blob)));
    let ids: Vec<u8> =
        features.ids.iter().flat_map(|(id, at)| [id.0.to_le_bytes(), at.to_le_bytes()]).flatten().collect();
    Ok(LayerEntry {
        declaration: layer.digest().to_hex().to_string(),
        count: features.count,
        bounds: features.bounds,
        features: blob,
        overviews: entry_overviews,
        census: draft.add_bytes(&census.to_bytes()?)?,
        ids: draft.add_bytes(&ids)?,
        sources,
        extra,
    })
}

/// Name among a layer entry's extra blobs of the thinning levels of its features (`None`) or of the overview of a
/// zoom: one byte a row, in the table's order.
pub fn levels_key(zoom: Option<u8>) -> String {
    zoom.map_or_else(|| "levels".to_string(), |z| format!("levels-z{z}"))
}
