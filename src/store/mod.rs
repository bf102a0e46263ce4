//! The place where a city is kept: immutable snapshots of content-addressed blobs, one manifest each, and
//! `CURRENT`. Reads only what it has verified. Knows layers by id, nothing of deliveries or requests.
//!
//! ```text
//! <store>/CURRENT                 one line: the snapshot id
//! <store>/LOCK                    held (flock) by the one import under way
//! <store>/snapshots/<id>.json     Manifest
//! <store>/blobs/<blake3>          immutable, shared by snapshots
//! <store>/staging/<draft>/        swept when an import starts
//! ```

pub mod table;

use crate::error::Result;
use crate::geo::BBox;
use crate::layer::Catalog;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use table::{Column, ColumnKind, Row, Schema, Table, TableWriter};

/// A blob as a manifest names it. `blocks` is the digest of the blob that lists the BLAKE3 digests of its
/// 64 KiB blocks, 32 bytes each, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlobRef {
    pub digest: String,
    pub size: u64,
    pub blocks: String,
}

/// What a snapshot holds of one layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerEntry {
    /// Digest of the layer's declaration that the blobs were made with (hex).
    pub declaration: String,
    pub count: u64,
    /// Degrees: west, south, east, north; null when empty.
    pub bounds: Option<BBox>,
    /// All features, all fields, Hilbert order, R-tree.
    pub features: BlobRef,
    /// Nominal zoom → what is drawn there instead of `features`, by `derive`.
    pub overviews: BTreeMap<u8, BlobRef>,
    pub census: BlobRef,
    /// Sorted pairs (feature id u64 LE, byte offset in `features` u64 LE).
    pub ids: BlobRef,
    /// Source id → its records in this layer.
    pub sources: BTreeMap<String, u64>,
    /// Room for what later versions add (search index, models, height grid, register).
    #[serde(default)]
    pub extra: BTreeMap<String, BlobRef>,
}

/// `snapshots/<id>.json`. The id is `<sequence, 8 digits>-<first 12 hex digits of the BLAKE3 of the JSON>`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// 1. A newer server reads the older format, an older server refuses the newer.
    pub format: u32,
    /// One more than the snapshot it was drafted from: orders snapshots whatever the clock says.
    pub sequence: u64,
    /// RFC 3339, for people.
    pub created: String,
    /// The catalog as JSON (`Catalog::to_json`).
    pub catalog: BlobRef,
    pub layers: BTreeMap<String, LayerEntry>,
    #[serde(default)]
    pub extra: BTreeMap<String, BlobRef>,
}

pub const FORMAT: u32 = 1;
pub const BLOCK: usize = 64 * 1024;

/// A store directory.
pub struct Store {
    dir: PathBuf,
}

impl Store {
    /// Opens a store; with `create`, makes the folders that are missing.
    pub fn open(_dir: &Path, _create: bool) -> Result<Store> {
        todo!()
    }
    /// The id in `CURRENT`, none in a new store.
    pub fn current(&self) -> Result<Option<String>> {
        todo!()
    }
    /// Opens a snapshot: its manifest and catalog are verified now, every other blob on first touch.
    pub fn snapshot(&self, _id: &str, _cache: &Arc<BlockCache>) -> Result<Arc<Snapshot>> {
        todo!()
    }
    pub fn snapshots(&self) -> Result<Vec<String>> {
        todo!()
    }
    /// Takes the import lock (`Error::Busy` when another process holds it), sweeps `staging/`, and begins a
    /// draft whose manifest is the current snapshot's.
    pub fn draft(&self) -> Result<Draft> {
        todo!()
    }
    pub fn rollback(&self, _id: &str) -> Result<()> {
        todo!()
    }
    /// Removes snapshots older than the newest `keep` and the blobs only they used. Never the current one.
    pub fn gc(&self, _keep: usize) -> Result<Vec<String>> {
        todo!()
    }
    /// Reads every byte that any snapshot names; the files that are not whole, by name.
    pub fn verify(&self) -> Result<Vec<crate::error::Finding>> {
        todo!()
    }
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

/// Verified 64 KiB blocks in memory, bounded in bytes, shared by all open snapshots.
pub struct BlockCache;

impl BlockCache {
    pub fn new(_bytes: u64) -> BlockCache {
        todo!()
    }
}

/// A sealed snapshot, open for reading.
pub struct Snapshot {
    pub id: String,
    pub manifest: Manifest,
    pub catalog: Catalog,
}

impl Snapshot {
    /// The features of a layer; `None` where the snapshot holds nothing of it.
    pub fn features(&self, _layer: &str) -> Result<Option<Arc<Table>>> {
        todo!()
    }
    /// What is drawn at nominal zoom `z`: the overview of that zoom if there is one, else the features.
    pub fn drawn_at(&self, _layer: &str, _z: u8) -> Result<Option<Arc<Table>>> {
        todo!()
    }
    /// A small blob whole, verified.
    pub fn blob(&self, _blob: &BlobRef) -> Result<Arc<[u8]>> {
        todo!()
    }
    /// Byte offset in `features` of the feature with this id.
    pub fn offset_of(&self, _layer: &str, _id: crate::feature::FeatureId) -> Result<Option<u64>> {
        todo!()
    }
}

/// A snapshot being written. Dropped without `publish`, it leaves nothing behind.
pub struct Draft {
    pub manifest: Manifest,
}

impl Draft {
    /// The folder for this draft's temporary files.
    pub fn staging(&self) -> &Path {
        todo!()
    }
    /// Moves a finished file of `staging()` into `blobs/` (hashing it, fsync, rename), with its block list.
    pub fn add_file(&mut self, _path: &Path) -> Result<BlobRef> {
        todo!()
    }
    pub fn add_bytes(&mut self, _bytes: &[u8]) -> Result<BlobRef> {
        todo!()
    }
    /// The snapshot this draft began from, for copying what stays.
    pub fn base(&self) -> Option<&Arc<Snapshot>> {
        todo!()
    }
    /// fsyncs all blobs and folders, writes the manifest aside, renames it, then replaces `CURRENT`; the new id.
    pub fn publish(self) -> Result<String> {
        todo!()
    }
}
