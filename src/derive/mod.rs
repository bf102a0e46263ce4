//! What is computed from a layer's features when it is sealed: overviews for low zooms, thinning, simplified
//! shapes, the census. Deterministic and local: a changed feature changes only what stands near it.

mod budget;
mod census;
mod coverage;
pub mod family;
pub mod ground;
mod item;
mod overview;
mod present;
mod removal;
mod scene;
pub mod seeds;
mod shape;
mod thin;
mod tile_rows;

pub use budget::{TILE_BUDGET, gzipped, heaviest, largest_fitting, within_budget};
pub use census::{Cell, Census};
use scene::{DISTANCE_PER_ERROR, PipesEnds};
pub use scene::{NODE_PIPES, Node, NodePipes, PIPE_ENDS, PipeEnds, SCENE, STANDS_ON, Tree, corners, drawn_ends};
pub use thin::ALL;

use crate::draw::drawn_in_3d;
use crate::error::Result;
use crate::layer::{Catalog, Layer};
use crate::store::table::SealedTable;
use crate::store::{BlobRef, Draft, LayerEntry, MODELS, SEARCH, SEEDS, SealedModels, SearchWriter, TILE_ROWS};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Adds the sealed features and everything derived from them to the draft; the layer's manifest entry.
/// `sources`: source id → its records in this layer.
pub fn derive_layer(
    draft: &Draft,
    layer: &Layer,
    features: SealedTable,
    sources: BTreeMap<String, u64>,
) -> Result<LayerEntry> {
    let offsets = offsets(&features);
    let mut entry = derive_flat(draft, layer, features, None, sources)?;
    entry.extra.extend(seeds::write(draft, layer, &entry)?.map(|seeds| (SEEDS.to_string(), seeds)));
    // Bodies on pipes are measured when all pipes are there (`stand_on_ground`).
    if !scene::is_of_nodes(layer) {
        let of = (&draft.table(&entry.features)?, offsets.as_slice(), None);
        entry.extra.extend(scene::tree(draft, layer, of, &scene::on_ground(draft), &PipesEnds::default())?);
    }
    Ok(entry)
}

/// As `derive_layer`, of a layer whose features may have 3D models, without what depends on other layers, the tree of its 3D
/// tiles, which is `stand_on_ground`'s, and without what nothing else waits for, its seeded tiles.
pub fn derive_flat(
    draft: &Draft,
    layer: &Layer,
    features: SealedTable,
    models: Option<SealedModels>,
    sources: BTreeMap<String, u64>,
) -> Result<LayerEntry> {
    let blob = draft.add_file(&features.path)?;
    let table = draft.table(&blob)?;
    let today: String = draft.manifest.created.chars().take(10).collect();
    let mut search = SearchWriter::new(layer.searchable().map(|(field, _)| field));
    let mut rows = tile_rows::Gathering::of(draft, layer, &table);
    let survey =
        item::survey(&table, layer, &today, &mut item::Gatherers { search: &mut search, rows: rows.as_mut() })?;
    let mut extra = BTreeMap::from([(levels_key(None), draft.add_bytes(&survey.levels)?)]);
    if let Some(texts) = search.seal()? {
        extra.insert(SEARCH.to_string(), draft.add_bytes(&texts)?);
    }
    if let Some(blob) = rows.map(|rows| rows.seal(draft)).transpose()?.flatten() {
        extra.insert(TILE_ROWS.to_string(), blob);
    }
    let offsets = offsets(&features);
    let source = overview::Source { layer, table: &table, offsets: &offsets, survey: &survey, today: &today };
    let (mut overviews, mut census) = (BTreeMap::new(), Census::default());
    for (z, overview) in overview::write_all(draft, &source)? {
        overviews.extend(overview.table.map(|t| (z, t)));
        extra.extend(overview.levels.map(|l| (levels_key(Some(z)), l)));
        census.zooms.insert(z, overview.census);
    }
    if let Some(models) = models {
        extra.insert(MODELS.to_string(), draft.add_file(&models.path)?);
    }
    Ok(LayerEntry {
        declaration: layer.digest().to_hex().to_string(),
        count: features.count,
        bounds: features.bounds,
        overviews,
        census: draft.add_bytes(&census.to_bytes()?)?,
        ids: draft.add_bytes(&features.ids_blob())?,
        features: blob,
        sources,
        extra,
    })
}

/// Where each feature stands in the table, in its order.
fn offsets(features: &SealedTable) -> Vec<u64> {
    let mut offsets: Vec<u64> = features.ids.iter().map(|(_, at)| *at).collect();
    offsets.sort_unstable();
    offsets
}

/// Makes the trees, once all layers are in the draft, of nodes on pipes, and again those of layers that were measured on
/// another ground or other pipes than the draft's; their ids.
pub fn stand_on_ground(draft: &mut Draft, catalog: &Catalog) -> Result<Vec<String>> {
    let hex = |text: &String| blake3::hash(text.as_bytes()).to_hex().to_string();
    let stale = |(layer, stands): &(&Arc<Layer>, [String; 2])| {
        let entry = draft.manifest.layers.get(&layer.id);
        entry.is_some_and(|e| e.extra.get(STANDS_ON).is_none_or(|b| !stands.iter().any(|s| hex(s) == b.digest)))
    };
    let layers = catalog.iter().map(|(_, l)| l).filter(|layer| drawn_in_3d(layer));
    let stands = |layer: &Layer| match scene::is_of_nodes(layer) {
        true => scene::on_pipes(draft, catalog),
        false => scene::on_ground(draft),
    };
    let layers = layers.map(|layer| (layer, stands(layer)));
    let layers: Vec<(&Arc<Layer>, [String; 2])> = layers.filter(stale).collect();
    let pipes = match layers.iter().any(|(layer, _)| scene::is_of_nodes(layer)) {
        true => scene::pipes_ends(draft, catalog)?,
        false => PipesEnds::default(),
    };
    let made: Vec<(String, Vec<(String, BlobRef)>)> = layers
        .into_par_iter()
        .map(|(layer, stands)| {
            let entry = &draft.manifest.layers[&layer.id];
            let (table, ids) = (draft.table(&entry.features)?, draft.blob(&entry.ids)?);
            let pairs = ids.as_chunks::<16>().0.iter();
            let mut offsets: Vec<u64> =
                pairs.map(|p| p[8..].first_chunk().map_or(0, |o| u64::from_le_bytes(*o))).collect();
            offsets.sort_unstable();
            let models = entry.extra.get(MODELS).map(|blob| draft.models(blob)).transpose()?;
            let of = (&table, offsets.as_slice(), models.as_ref());
            Ok((layer.id.clone(), scene::tree(draft, layer, of, &stands, &pipes)?))
        })
        .collect::<Result<_>>()?;
    Ok(made
        .into_iter()
        .map(|(id, blobs)| {
            if let Some(entry) = draft.manifest.layers.get_mut(&id) {
                entry.extra.extend(blobs);
            }
            id
        })
        .collect())
}

/// Makes the search indexes, tile rows and seeded tiles of layers that have none because they were imported before there were any,
/// or by a program that drew otherwise; their ids.
pub fn complete(draft: &mut Draft, catalog: &Catalog) -> Result<Vec<String>> {
    let layers: Vec<(&Arc<Layer>, &LayerEntry)> =
        catalog.iter().filter_map(|(_, l)| Some((l, draft.manifest.layers.get(&l.id)?))).collect();
    let made: Vec<(String, Vec<(String, BlobRef)>)> = layers
        .into_par_iter()
        .map(|(layer, entry)| {
            let mut blobs = vec![];
            if !entry.extra.contains_key(SEARCH) && layer.searchable().next().is_some() {
                let mut search = SearchWriter::new(layer.searchable().map(|(field, _)| field));
                let table = draft.table(&entry.features)?;
                table.scan(&mut |row| item::search_texts(row, &row.bbox(), &mut search))?;
                let texts = search.seal()?.map(|texts| draft.add_bytes(&texts)).transpose()?;
                blobs.extend(texts.map(|blob| (SEARCH.to_string(), blob)));
            }
            if !entry.extra.contains_key(TILE_ROWS) {
                let rows = tile_rows::write(draft, layer, &*draft.table(&entry.features)?)?;
                blobs.extend(rows.map(|blob| (TILE_ROWS.to_string(), blob)));
            }
            if seeds::are_stale(draft, layer, entry)? {
                let mut whole = entry.clone();
                whole.extra.extend(blobs.iter().cloned());
                let seeded = seeds::write(draft, layer, &whole)?;
                blobs.extend(seeded.map(|blob| (SEEDS.to_string(), blob)));
            }
            Ok((layer.id.clone(), blobs))
        })
        .collect::<Result<_>>()?;
    let mut ids = vec![];
    for (id, blobs) in made.into_iter().filter(|(_, blobs)| !blobs.is_empty()) {
        if let Some(entry) = draft.manifest.layers.get_mut(&id) {
            entry.extra.extend(blobs);
            ids.push(id);
        }
    }
    Ok(ids)
}

/// Name among a layer entry's extra blobs of the thinning levels of its features (`None`) or of the overview of a
/// zoom: one byte a row, in the table's order.
pub fn levels_key(zoom: Option<u8>) -> String {
    zoom.map_or_else(|| "levels".to_string(), |z| format!("levels-z{z}"))
}
