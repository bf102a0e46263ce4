//! A snapshot being written: blobs in, then one publish in an order that a power cut cannot break. Dropped or
//! killed before that, it changes nothing that anybody reads.
//!
//! Blobs are hashed and named at once and fsynced by `publish`, so that the disk works while the import goes on. A
//! name in `blobs/` is therefore no promise: a blob that is already there is kept only if the snapshot that this one is
//! drafted from names it, so that it was durable once, and if its bytes are read and compared. One that a failed import
//! left may be whole in memory and never reach the disk, whatever a second fsync says.

use super::blob::{self, BlockCache, open_file};
use super::durable::{self, Output};
use super::ground::{GROUND, Ground};
use super::manifest::{self, BlobRef, FORMAT, Manifest};
use super::models::Models;
use super::seeds::Seeds;
use super::snapshot::Snapshot;
use super::table::Table;
use super::tile_rows::TileRows;
use super::{BLOCK, Store};
use crate::error::{Error, Result};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// Cache of the snapshot that a draft copies from: rows are read once, in order.
const BASE_CACHE_BYTES: u64 = 16 << 20;

/// A snapshot being written. Dropped without `publish`, it leaves nothing behind; killed, what the next draft sweeps.
pub struct Draft {
    pub manifest: Manifest,
    store: PathBuf,
    base: Option<Arc<Snapshot>>,
    staging: tempfile::TempDir,
    /// Digests that the base names: durable since it was published.
    settled: BTreeSet<String>,
    published: bool,
    /// Digests of the blobs to be fsynced.
    fresh: Mutex<BTreeSet<String>>,
    /// Cache for reading what the draft itself has written.
    cache: Arc<BlockCache>,
    /// Held while the draft lives.
    _lock: File,
}

impl Draft {
    pub(super) fn begin(store: &Store, lock: File) -> Result<Draft> {
        let dir = store.dir();
        sweep(store)?;
        let cache = Arc::new(BlockCache::verifying_once(BASE_CACHE_BYTES));
        let base = store.current()?.map(|id| store.snapshot(&id, &cache)).transpose()?;
        let mut manifest = base.as_ref().map_or_else(Manifest::empty, |b| b.manifest.clone());
        manifest.format = FORMAT;
        // Without a base every attempt is a first one: see `Store::current`.
        let latest = store.snapshots()?.iter().filter_map(|id| manifest::sequence_of(id)).max();
        manifest.sequence = base.as_ref().and(latest).unwrap_or(0) + 1;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        manifest.created = manifest::rfc3339(now.as_secs());
        let staging = durable::folder(&dir.join("staging"), "draft-")?;
        let named = base.iter().flat_map(|b| b.manifest.blobs());
        let settled = named.flat_map(|(b, _)| [b.digest.clone(), b.blocks.clone()]).collect();
        let (store, fresh, published) = (dir.to_path_buf(), Mutex::default(), false);
        Ok(Draft { manifest, store, base, staging, settled, published, fresh, cache, _lock: lock })
    }

    /// The folder for this draft's temporary files.
    pub fn staging(&self) -> &Path {
        self.staging.path()
    }

    /// Moves a finished file of `staging()` into `blobs/`, with its block list.
    pub fn add_file(&self, path: &Path) -> Result<BlobRef> {
        let Hashed { digest, size, blocks } = hash_file(path).map_err(|e| Error::io(path, e))?;
        self.place(path, &digest, size)?;
        let list = self.stage(&blocks)?;
        let blocks_digest = blake3::hash(&blocks).to_hex().to_string();
        self.place(&list, &blocks_digest, blocks.len() as u64)?;
        Ok(BlobRef { digest, size, blocks: blocks_digest })
    }

    pub fn add_bytes(&self, bytes: &[u8]) -> Result<BlobRef> {
        let file = self.stage(bytes)?;
        self.add_file(&file)
    }

    /// Opens a table that was added to this draft.
    pub fn table(&self, blob: &BlobRef) -> Result<Arc<Table>> {
        Table::open(&self.store, blob, &self.cache).map(Arc::new)
    }

    /// Opens tile rows that were added to this draft.
    pub fn tile_rows(&self, blob: &BlobRef) -> Result<TileRows> {
        TileRows::open(&self.store, blob, &self.cache)
    }

    /// Opens seeded tiles that were added to this draft.
    pub fn seeds(&self, blob: &BlobRef) -> Result<Seeds> {
        Seeds::open(&self.store, blob, &self.cache)
    }

    /// Opens models that were added to this draft.
    pub fn models(&self, blob: &BlobRef) -> Result<Models> {
        Models::open(&self.store, blob, &self.cache)
    }

    /// A blob that was added to this draft or stays, whole, verified.
    pub fn blob(&self, blob: &BlobRef) -> Result<Vec<u8>> {
        blob::read_whole(&self.store, &blob.digest, blob.size)
    }

    /// Opens heights that were added to this draft.
    pub fn ground_of(&self, blob: &BlobRef) -> Result<Ground> {
        Ground::open(&self.store, blob, &self.cache)
    }

    /// The ground of this draft as it is now; `None` where it has none.
    pub fn ground(&self) -> Result<Option<Ground>> {
        self.manifest.extra.get(GROUND).map(|blob| self.ground_of(blob)).transpose()
    }

    /// The snapshot this draft began from, for copying what stays.
    pub fn base(&self) -> Option<&Arc<Snapshot>> {
        self.base.as_ref()
    }

    /// fsyncs all blobs and folders, writes the manifest aside, renames it, then replaces `CURRENT`; the new id.
    /// After an error the store is as it was, or it has the new snapshot whole.
    pub fn publish(mut self) -> Result<String> {
        refuse_missing(&self.store, &self.manifest)?;

        let blobs = self.store.join("blobs");
        let fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        durable::sync_files(&fresh.iter().map(|digest| blobs.join(digest)).collect::<Vec<_>>())?;
        drop(fresh);
        durable::sync_dir(&blobs)?;
        let (json, id) = self.manifest.to_json()?;
        durable::replace(&self.store.join("snapshots"), &manifest::file_name(&id), &json)?;
        set_current(&self.store, &id)?;
        self.published = true;
        Ok(id)
    }

    fn stage(&self, bytes: &[u8]) -> Result<PathBuf> {
        let mut file = Output::create(self.staging(), "blob-", "")?;
        file.write_all(bytes).map_err(|e| Error::io(self.staging(), e))?;
        Ok(file.path().to_path_buf())
    }

    /// Names the file by its digest, unless a blob with these very bytes is there that can be relied on.
    fn place(&self, from: &Path, digest: &str, size: u64) -> Result<()> {
        let to = self.store.join("blobs").join(digest);
        let own = self.fresh.lock().unwrap_or_else(PoisonError::into_inner).contains(digest);
        let whole = || {
            let there = fs::metadata(&to).is_ok_and(|m| m.len() == size);
            there && hash_file(&to).is_ok_and(|h| h.digest == digest)
        };
        match own || (self.settled.contains(digest) && whole()) {
            true => durable::remove(from)?,
            false => durable::rename(from, &to)?,
        }
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner).insert(digest.to_string());
        Ok(())
    }
}

/// What was placed for a snapshot that did not come to be goes. On a disk that fails the next draft does it.
impl Drop for Draft {
    fn drop(&mut self) {
        if !self.published {
            let _ = Store { dir: self.store.clone() }.clear_blobs();
        }
    }
}

/// The last step of a publish and all of a rollback.
pub(super) fn set_current(store: &Path, id: &str) -> Result<()> {
    durable::replace(store, "CURRENT", format!("{id}\n").as_bytes())
}

/// Every blob that a manifest names is there in its full length. (Its bytes are checked when they are read.)
pub(super) fn refuse_missing(store: &Path, manifest: &Manifest) -> Result<()> {
    for (blob, _) in manifest.blobs() {
        for (digest, size) in [(&blob.digest, blob.size), (&blob.blocks, blob::list_bytes(blob.size))] {
            let path = blob::path_of(store, digest)?;
            let found = fs::metadata(&path).map_err(|e| blob::damage(&path, blob::label(digest), e))?.len();
            if found != size {
                return Err(Error::damaged(blob::label(digest), format!("it has {found} bytes, not {size}")));
            }
        }
    }
    Ok(())
}

/// Removes what a killed draft left. Where a manifest is damaged its blobs cannot be told from leftovers: all stay.
fn sweep(store: &Store) -> Result<()> {
    let dir = store.dir();
    durable::empty(&dir.join("staging"))?;
    [dir, &dir.join("snapshots")].into_iter().try_for_each(durable::sweep_asides)?;
    match store.clear_blobs() {
        Err(Error::Damaged { .. } | Error::Config(_)) => Ok(()),
        other => other,
    }
}

/// Digest of a file and of each of its blocks.
pub(super) struct Hashed {
    pub digest: String,
    pub size: u64,
    /// 32 bytes a block.
    pub blocks: Vec<u8>,
}

pub(super) fn hash_file(path: &Path) -> std::io::Result<Hashed> {
    let mut file = open_file(path)?;
    let (mut whole, mut blocks, mut size) = (blake3::Hasher::new(), vec![], 0);
    let mut block = Vec::with_capacity(BLOCK);
    loop {
        block.clear();
        (&mut file).take(BLOCK as u64).read_to_end(&mut block)?;
        if block.is_empty() {
            return Ok(Hashed { digest: whole.finalize().to_hex().to_string(), size, blocks });
        }
        size += block.len() as u64;
        whole.update(&block);
        blocks.extend_from_slice(blake3::hash(&block).as_bytes());
    }
}
