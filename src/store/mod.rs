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

mod blob;
mod draft;
mod durable;
mod fgb;
mod files;
mod ground;
mod images;
mod index;
mod manifest;
mod models;
mod row;
mod runs;
mod search;
mod seeds;
mod snapshot;
pub mod table;
mod tile_rows;
mod tileset;
#[cfg(test)]
mod torture;
mod upkeep;
mod varint;
mod writer;

use crate::error::{Error, Result};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use blob::BlockCache;
pub use draft::Draft;
pub use files::{FileEntry, Files, FilesWriter, NotAdded, SealedFiles};
pub use ground::{GROUND, Ground, GroundTile, GroundWriter};
pub use images::{IMAGE_SIDES, IMAGES, ImageBlob, image_name};
pub use manifest::{BlobRef, FORMAT, LayerEntry, Manifest, tileset_key, tileset_of};
pub use models::{MODELS, ModelWriter, Models, PackedModel, SealedModels, images_of};
pub use search::{Found, How, LONGEST, Records, SEARCH, SearchIndex, SearchWriter, Sought, fold};
pub use seeds::{Recipe, SEEDS, Seeds, SeedsOf, SeedsWriter};
pub use snapshot::Snapshot;
pub use table::{Column, ColumnKind, Row, Schema, SealedTable, Table, TableWriter, Wanted};
pub use tile_rows::{Coded, TILE_ROWS, TileRow, TileRows, TileRowsReader, TileRowsWriter};
pub use tileset::{FileKind, Media, Tileset};

/// Bytes of a block: what is verified and cached at once.
pub const BLOCK: usize = 64 * 1024;

const FOLDERS: [&str; 3] = ["snapshots", "blobs", "staging"];

/// A store directory.
pub struct Store {
    dir: PathBuf,
}

impl Store {
    /// Opens a store; with `create`, makes the folders that are missing.
    pub fn open(dir: &Path, create: bool) -> Result<Store> {
        for name in FOLDERS {
            let folder = dir.join(name);
            if folder.is_dir() {
                continue;
            }
            if !create {
                return Err(Error::Missing(folder));
            }
            durable::make_dir(dir, name)?;
        }
        Ok(Store { dir: dir.to_path_buf() })
    }

    /// The id in `CURRENT`; none in a new store, and in one whose first import was killed.
    pub fn current(&self) -> Result<Option<String>> {
        let path = self.dir.join("CURRENT");
        let text = match blob::read_file(&path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return self.nothing_published().map(|()| None),
            Err(e) => return Err(blob::damage(&path, "CURRENT".into(), e)),
        };
        let id = text.strip_suffix('\n').filter(|id| manifest::sequence_of(id).is_some());
        id.map(|id| Some(id.to_string())).ok_or_else(|| Error::damaged("CURRENT", "it holds no snapshot id"))
    }

    /// Without `CURRENT` there can be first snapshots at most, which were never published. A second one was drafted
    /// from a published one: then `CURRENT` is lost, and an import from nothing would lose the other layers.
    fn nothing_published(&self) -> Result<()> {
        let later = self.snapshots()?.iter().any(|id| manifest::sequence_of(id) > Some(1));
        match later {
            true => Err(Error::damaged("CURRENT", "it is missing: roll back to one of the snapshots")),
            false => Ok(()),
        }
    }

    /// Opens a snapshot: its manifest and catalog are verified now, every other blob on first touch.
    pub fn snapshot(&self, id: &str, cache: &Arc<BlockCache>) -> Result<Arc<Snapshot>> {
        Snapshot::open(&self.dir, id, cache).map(Arc::new)
    }

    /// The ids of all snapshots, oldest first.
    pub fn snapshots(&self) -> Result<Vec<String>> {
        let names = self.names_in("snapshots")?;
        let ids = names.iter().filter_map(|n| n.strip_suffix(".json"));
        let mut ids: Vec<_> = ids.filter_map(|id| Some((manifest::sequence_of(id)?, id.to_string()))).collect();
        ids.sort();
        Ok(ids.into_iter().map(|(_, id)| id).collect())
    }

    /// Takes the import lock (`Error::Busy` when another process holds it), sweeps `staging/`, and begins a
    /// draft whose manifest is the current snapshot's.
    pub fn draft(&self) -> Result<Draft> {
        Draft::begin(self, self.lock()?)
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Held as long as the file is open; the kernel lets it go when the process ends, however it ends.
    fn lock(&self) -> Result<File> {
        let path = self.dir.join("LOCK");
        let file = durable::lock_file(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(Error::Busy(self.dir.clone())),
            Err(TryLockError::Error(e)) => Err(Error::io(path, e)),
        }
    }
}
