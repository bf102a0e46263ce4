//! A sealed snapshot, open for reading. Its manifest and catalog are verified, every other blob on first touch: a
//! damaged blob costs its layer only. Changes nothing.

use super::blob::{self, Blob, BlockCache, Cursor};
use super::files::Files;
use super::ground::{GROUND, Ground};
use super::images::{IMAGES, ImageBlob};
use super::manifest::{BlobRef, LayerEntry, Manifest};
use super::models::{MODELS, Models};
use super::search::{SEARCH, SearchIndex};
use super::seeds::{SEEDS, Seeds};
use super::table::Table;
use super::tile_rows::{TILE_ROWS, TileRows};
use crate::error::{Error, Result};
use crate::feature::FeatureId;
use crate::layer::Catalog;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

/// The finest overviews that a first view of a city touches.
const PREHEATED_ZOOM: u8 = 12;
/// Bytes of a pair in `LayerEntry::ids`.
const PAIR_BYTES: usize = 16;

/// A sealed snapshot, open for reading.
pub struct Snapshot {
    pub id: String,
    pub manifest: Manifest,
    pub catalog: Catalog,
    store: PathBuf,
    cache: Arc<BlockCache>,
    /// Opened when first asked for, by digest. A failure is not kept: a restored file heals its layer.
    tables: Opened<Table>,
    tile_rows: Opened<TileRows>,
    seeds: Opened<Seeds>,
    models: Opened<Models>,
    files: Opened<Files>,
    grounds: Opened<Ground>,
    searches: Opened<SearchIndex>,
    ids: Opened<Blob>,
    blobs: RwLock<HashMap<String, Arc<[u8]>>>,
}

type Opened<T> = RwLock<HashMap<String, Arc<T>>>;

impl Snapshot {
    pub(super) fn open(store: &Path, id: &str, cache: &Arc<BlockCache>) -> Result<Snapshot> {
        let manifest = Manifest::read(store, id)?;
        let catalog = blob::read_whole(store, &manifest.catalog.digest, manifest.catalog.size)?;
        Ok(Snapshot {
            id: id.to_string(),
            catalog: Catalog::from_json(&catalog)?,
            manifest,
            store: store.to_path_buf(),
            cache: Arc::clone(cache),
            tables: Opened::default(),
            tile_rows: Opened::default(),
            seeds: Opened::default(),
            models: Opened::default(),
            files: Opened::default(),
            grounds: Opened::default(),
            searches: Opened::default(),
            ids: Opened::default(),
            blobs: RwLock::default(),
        })
    }

    /// The features of a layer; `None` where the snapshot holds nothing of it.
    pub fn features(&self, layer: &str) -> Result<Option<Arc<Table>>> {
        self.manifest.layers.get(layer).map(|l| self.table(&l.features)).transpose()
    }

    /// What is drawn at nominal zoom `z`: the overview of that zoom if there is one, else the features.
    pub fn drawn_at(&self, layer: &str, z: u8) -> Result<Option<Arc<Table>>> {
        let drawn = |l: &LayerEntry| self.table(l.overviews.get(&z).unwrap_or(&l.features));
        self.manifest.layers.get(layer).map(drawn).transpose()
    }

    /// The tile rows of what is drawn at nominal zoom `z`; `None` where it has none.
    pub fn tile_rows_at(&self, layer: &str, z: u8) -> Result<Option<Arc<TileRows>>> {
        let entry = self.manifest.layers.get(layer).filter(|entry| !entry.overviews.contains_key(&z));
        entry.and_then(|entry| entry.extra.get(TILE_ROWS)).map(|blob| self.tile_rows(blob)).transpose()
    }

    /// The seeded tiles of a layer; `None` where it has none.
    pub fn seeds(&self, layer: &str) -> Result<Option<Arc<Seeds>>> {
        let blob = self.manifest.layers.get(layer).and_then(|l| l.extra.get(SEEDS));
        blob.map(|blob| self.seeds_of(blob)).transpose()
    }

    /// The 3D models of a layer's features; `None` where the layer has none.
    pub fn models(&self, layer: &str) -> Result<Option<Arc<Models>>> {
        let blob = self.manifest.layers.get(layer).and_then(|l| l.extra.get(MODELS));
        let open = |b: &BlobRef| opened(&self.models, &b.digest, || Models::open(&self.store, b, &self.cache));
        blob.map(open).transpose()
    }

    /// The search index of a layer's features; `None` where it was imported before there were any.
    pub fn search(&self, layer: &str) -> Result<Option<Arc<SearchIndex>>> {
        let blob = self.manifest.layers.get(layer).and_then(|l| l.extra.get(SEARCH));
        let open = |b: &BlobRef| opened(&self.searches, &b.digest, || SearchIndex::open(&self.store, b, &self.cache));
        blob.map(open).transpose()
    }

    /// The images that a layer's models wear; `None` where they wear none.
    pub fn images(&self, layer: &str) -> Result<Option<ImageBlob>> {
        let blob = self.manifest.layers.get(layer).and_then(|l| l.extra.get(IMAGES));
        let open = |b: &BlobRef| opened(&self.files, &b.digest, || Files::open(&self.store, b, &self.cache));
        Ok(blob.map(open).transpose()?.map(ImageBlob))
    }

    /// The tilesets made elsewhere that are registered for a layer, by id.
    pub fn tilesets(&self, layer: &str) -> Result<Vec<(&str, Arc<Files>)>> {
        let open = |b: &BlobRef| opened(&self.files, &b.digest, || Files::open(&self.store, b, &self.cache));
        self.manifest.tilesets(layer).map(|(id, blob)| Ok((id, open(blob)?))).collect()
    }

    /// The ground that things stand on; `None` where no heights of it were delivered.
    pub fn ground(&self) -> Result<Option<Arc<Ground>>> {
        let open = |b: &BlobRef| opened(&self.grounds, &b.digest, || Ground::open(&self.store, b, &self.cache));
        self.manifest.extra.get(GROUND).map(open).transpose()
    }

    /// A small blob whole, verified; kept in memory as long as the snapshot is open.
    pub fn blob(&self, blob: &BlobRef) -> Result<Arc<[u8]>> {
        if let Some(found) = self.blobs.read().unwrap_or_else(PoisonError::into_inner).get(&blob.digest) {
            return Ok(Arc::clone(found));
        }
        let bytes: Arc<[u8]> = blob::read_whole(&self.store, &blob.digest, blob.size)?.into();
        let mut all = self.blobs.write().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(all.entry(blob.digest.clone()).or_insert(bytes)))
    }

    /// A blob whole, verified, for one reading.
    pub fn blob_once(&self, blob: &BlobRef) -> Result<Vec<u8>> {
        blob::read_whole(&self.store, &blob.digest, blob.size)
    }

    /// Byte offset in `features` of the feature with this id.
    pub fn offset_of(&self, layer: &str, id: FeatureId) -> Result<Option<u64>> {
        let Some(entry) = self.manifest.layers.get(layer) else { return Ok(None) };
        let ids = opened(&self.ids, &entry.ids.digest, || Blob::open(&self.store, &entry.ids, &self.cache))?;
        find(&ids, entry.count, id)
    }

    /// Fills the cache of blocks with what first views and lookups touch: overviews of the whole city, indexes, then seeded
    /// tiles, tile rows and features of the largest layers. What is damaged is told by the way.
    pub fn preheat(&self) -> Vec<Error> {
        let layers = || self.manifest.layers.values();
        let mut overviews: Vec<(u8, &BlobRef)> = layers().flat_map(|l| &l.overviews).map(|(z, b)| (*z, b)).collect();
        overviews.sort_by_key(|(z, _)| *z);
        let coarse = overviews.into_iter().filter(|(z, _)| *z <= PREHEATED_ZOOM).map(|(_, blob)| (blob, u64::MAX));
        let mut largest: Vec<&LayerEntry> = layers().collect();
        largest.sort_by_key(|l| std::cmp::Reverse(l.count));
        let indexes = layers().map(|l| (&l.features, 0));
        let (mut left, mut damages) = (self.cache.capacity(), vec![]);
        let mut heat = |preheat: &dyn Fn(u64) -> Result<u64>| match if left > 0 { preheat(left) } else { Ok(0) } {
            Ok(bytes) => left = left.saturating_sub(bytes),
            Err(damage) => damages.push(damage),
        };
        for (blob, most) in coarse.chain(indexes) {
            heat(&|left| self.table(blob)?.preheat(most.min(left)));
        }
        for layer in &largest {
            if let Some(blob) = layer.extra.get(SEEDS) {
                heat(&|left| self.seeds_of(blob)?.preheat(left));
            }
        }
        for layer in &largest {
            if let Some(blob) = layer.extra.get(TILE_ROWS) {
                heat(&|left| self.tile_rows(blob)?.preheat(left));
            }
        }
        for layer in &largest {
            heat(&|left| self.table(&layer.features)?.preheat(left));
        }
        damages
    }

    fn tile_rows(&self, blob: &BlobRef) -> Result<Arc<TileRows>> {
        opened(&self.tile_rows, &blob.digest, || TileRows::open(&self.store, blob, &self.cache))
    }

    fn seeds_of(&self, blob: &BlobRef) -> Result<Arc<Seeds>> {
        opened(&self.seeds, &blob.digest, || Seeds::open(&self.store, blob, &self.cache))
    }

    fn table(&self, blob: &BlobRef) -> Result<Arc<Table>> {
        opened(&self.tables, &blob.digest, || Table::open(&self.store, blob, &self.cache))
    }
}

fn opened<T>(all: &Opened<T>, digest: &str, open: impl FnOnce() -> Result<T>) -> Result<Arc<T>> {
    if let Some(found) = all.read().unwrap_or_else(PoisonError::into_inner).get(digest) {
        return Ok(Arc::clone(found));
    }
    // Two threads may open the same file; the first to be done is kept.
    let new = Arc::new(open()?);
    Ok(Arc::clone(all.write().unwrap_or_else(PoisonError::into_inner).entry(digest.to_string()).or_insert(new)))
}

/// Binary search among the sorted pairs.
fn find(ids: &Blob, count: u64, id: FeatureId) -> Result<Option<u64>> {
    if ids.size != count * PAIR_BYTES as u64 {
        return Err(Error::damaged(ids.label(), "it does not list one id for each feature"));
    }
    let mut cursor = Cursor::new(ids);
    let (mut from, mut to) = (0, count);
    while from < to {
        let middle = from + (to - from) / 2;
        let words = cursor.bytes(middle * PAIR_BYTES as u64, PAIR_BYTES)?.as_chunks::<8>().0;
        let [found, offset] = [0, 1].map(|i| u64::from_le_bytes(words[i]));
        match found.cmp(&id.0) {
            Ordering::Less => from = middle + 1,
            Ordering::Greater => to = middle,
            Ordering::Equal => return Ok(Some(offset)),
        }
    }
    Ok(None)
}
