//! Bytes of the store, read block by block and checked before anybody parses them: pread into a bounded, shared
//! cache. No memory maps: a file that shrinks or fails costs an error, not the process.

use super::{BLOCK, BlobRef};
use crate::error::{Error, Result};
use foldhash::fast::FixedState;
use hashbrown::HashSet;
use quick_cache::{DefaultHashBuilder, Lifecycle, sync::Cache};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// A verified block in memory. Its bytes stand alone: with the counters before them they would not fit the allocator's
/// class of 64 KiB and take a fourth more.
type Block = Arc<Vec<u8>>;
/// First half of the blob's digest, number of the block.
type Key = (u128, u64);

#[derive(Clone)]
struct ByBytes;

impl quick_cache::Weighter<Key, Block> for ByBytes {
    fn weight(&self, _: &Key, block: &Block) -> u64 {
        block.len().max(1) as u64
    }
}

/// The memory of blocks that were pushed out, for the next ones: fresh memory costs more than reading into it.
#[derive(Clone, Default)]
struct Spare(Arc<Mutex<Vec<Vec<u8>>>>);

/// Blocks that are spare at most.
const SPARE: usize = 16;

/// A blob up to this part of the cache may push out others when it is gone through.
const SMALL_PART: u64 = 4;

impl Spare {
    /// Room for so many bytes, whatever stands in it.
    fn room(&self, len: usize) -> Vec<u8> {
        let mut room = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        room.resize(len, 0);
        room
    }

    fn keep(&self, room: Vec<u8>) {
        let mut spare = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if room.len() == BLOCK && spare.len() < SPARE {
            spare.push(room);
        }
    }
}

impl Lifecycle<Key, Block> for Spare {
    type RequestState = ();

    fn on_evict(&self, _: &mut (), _: Key, block: Block) {
        // One that is still read is freed by its last reader.
        if let Some(room) = Arc::into_inner(block) {
            self.keep(room);
        }
    }
}

/// Verified 64 KiB blocks in memory, bounded in bytes, shared by all open snapshots.
pub struct BlockCache {
    blocks: Cache<Key, Block, ByBytes, DefaultHashBuilder, Spare>,
    spare: Spare,
    /// Of a cache that lives as long as a draft: the blocks that were verified, and need not be when they are read again.
    verified: Option<Mutex<HashSet<Key, FixedState>>>,
}

impl BlockCache {
    pub fn new(bytes: u64) -> BlockCache {
        let (items, spare) = ((bytes / BLOCK as u64) as usize, Spare::default());
        let blocks = Cache::with(items, bytes, ByBytes, DefaultHashBuilder::default(), spare.clone());
        BlockCache { blocks, spare, verified: None }
    }

    /// One that verifies a block when it is read first: for seconds of work that goes through the same blobs many times.
    pub(super) fn verifying_once(bytes: u64) -> BlockCache {
        BlockCache { verified: Some(Mutex::default()), ..BlockCache::new(bytes) }
    }

    fn was_verified(&self, key: &Key) -> bool {
        self.verified.as_ref().is_some_and(|v| v.lock().unwrap_or_else(PoisonError::into_inner).contains(key))
    }

    fn note_verified(&self, key: Key) {
        if let Some(verified) = &self.verified {
            verified.lock().unwrap_or_else(PoisonError::into_inner).insert(key);
        }
    }

    pub(super) fn capacity(&self) -> u64 {
        self.blocks.capacity()
    }

    /// Bytes held now.
    pub fn bytes(&self) -> u64 {
        self.blocks.weight()
    }
}

/// A digest as it stands in manifests and file names: 64 lower-case hex digits. Nothing else is joined to a path.
pub(super) fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// How the blob is named in errors.
pub(super) fn label(digest: &str) -> String {
    format!("blobs/{digest}")
}

pub(super) fn path_of(store: &Path, digest: &str) -> Result<PathBuf> {
    match is_digest(digest) {
        true => Ok(store.join("blobs").join(digest)),
        false => Err(Error::damaged("manifest", "it names a blob by something that is no digest")),
    }
}

/// An error of reading a file that has to be there. Missing and unreadable bytes are damage; a lack of file handles
/// or of permission is the machine's.
pub(super) fn damage(path: &Path, label: String, e: std::io::Error) -> Error {
    match e.kind() {
        ErrorKind::NotFound => Error::damaged(label, "it is missing"),
        ErrorKind::UnexpectedEof => Error::damaged(label, "it is shorter than it was"),
        ErrorKind::PermissionDenied | ErrorKind::OutOfMemory => Error::io(path, e),
        // EMFILE, ENFILE: the process or the machine has no handle left.
        _ if matches!(e.raw_os_error(), Some(23 | 24)) => Error::io(path, e),
        _ => Error::damaged(label, format!("it cannot be read: {e}")),
    }
}

/// Opens a file, not what has taken its place: who opens a pipe waits for its other end, and a device never ends.
pub(super) fn open_file(path: &Path) -> std::io::Result<File> {
    match std::fs::metadata(path)?.is_file() {
        true => File::open(path),
        false => Err(std::io::Error::other("it is no file")),
    }
}

/// The same, read whole.
pub(super) fn read_file(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![];
    open_file(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A file read whole and compared with its digest.
pub(super) fn read_whole(store: &Path, digest: &str, size: u64) -> Result<Vec<u8>> {
    let path = path_of(store, digest)?;
    let file = open_file(&path).map_err(|e| damage(&path, label(digest), e))?;
    check_size(&file, &path, digest, size)?;
    let mut bytes = vec![0; size as usize];
    file.read_exact_at(&mut bytes, 0).map_err(|e| damage(&path, label(digest), e))?;
    match blake3::hash(&bytes).to_hex().as_str() == digest {
        true => Ok(bytes),
        false => Err(Error::damaged(label(digest), "its bytes are not those of its digest")),
    }
}

fn check_size(file: &File, path: &Path, digest: &str, size: u64) -> Result<()> {
    let found = file.metadata().map_err(|e| damage(path, label(digest), e))?.len();
    match found == size {
        true => Ok(()),
        false => Err(Error::damaged(label(digest), format!("it has {found} bytes, not {size}"))),
    }
}

/// Bytes of the list of block digests of a blob.
pub(super) fn list_bytes(size: u64) -> u64 {
    size.div_ceil(BLOCK as u64) * blake3::OUT_LEN as u64
}

/// An open blob.
pub(super) struct Blob {
    path: PathBuf,
    digest: String,
    file: File,
    pub size: u64,
    /// BLAKE3 of each block, verified against the manifest.
    blocks: Vec<u8>,
    key: u128,
    cache: Arc<BlockCache>,
}

impl Blob {
    pub fn open(store: &Path, blob: &BlobRef, cache: &Arc<BlockCache>) -> Result<Blob> {
        let path = path_of(store, &blob.digest)?;
        let file = open_file(&path).map_err(|e| damage(&path, label(&blob.digest), e))?;
        check_size(&file, &path, &blob.digest, blob.size)?;
        let blocks = read_whole(store, &blob.blocks, list_bytes(blob.size))?;
        let key = u128::from_str_radix(&blob.digest[..32], 16).unwrap_or_default();
        let (digest, cache) = (blob.digest.clone(), Arc::clone(cache));
        Ok(Blob { path, digest, file, size: blob.size, blocks, key, cache })
    }

    /// Reads so many bytes from the beginning into the cache of blocks; how many those are.
    pub fn preheat(&self, most: u64) -> Result<u64> {
        let until = most.min(self.size);
        (0..until.div_ceil(BLOCK as u64)).try_for_each(|number| self.block(number, false).map(drop))?;
        Ok(until)
    }

    /// For errors.
    pub fn label(&self) -> String {
        label(&self.digest)
    }

    pub fn damaged(&self, what: impl Into<String>) -> Error {
        Error::damaged(self.label(), what)
    }

    /// A block, from the cache or read and verified now; threads that want the same one wait for one read. What is only
    /// `passing` pushes nothing out of the cache.
    fn block(&self, number: u64, passing: bool) -> Result<Block> {
        let key = (self.key, number);
        match passing {
            false => self.cache.blocks.get_or_insert_with(&key, || self.read(number)),
            true => self.cache.blocks.get(&key).map_or_else(|| self.read(number), Ok),
        }
    }

    fn read(&self, number: u64) -> Result<Block> {
        let at = number * BLOCK as u64;
        let mut bytes = self.cache.spare.room(self.size.saturating_sub(at).min(BLOCK as u64) as usize);
        self.file.read_exact_at(&mut bytes, at).map_err(|e| damage(&self.path, self.label(), e))?;
        let key = (self.key, number);
        let digest = self.blocks.as_chunks::<{ blake3::OUT_LEN }>().0.get(number as usize);
        if !self.cache.was_verified(&key) && digest.is_none_or(|d| blake3::hash(&bytes) != *d) {
            return Err(self.damaged(format!("block {number} is not what was written")));
        }
        self.cache.note_verified(key);
        Ok(Arc::new(bytes))
    }
}

/// Reads a blob at one place after another; keeps the latest block at hand.
pub(super) struct Cursor<'b> {
    blob: &'b Blob,
    number: u64,
    block: Option<Block>,
    scratch: Vec<u8>,
    passing: bool,
}

impl<'b> Cursor<'b> {
    pub fn new(blob: &'b Blob) -> Cursor<'b> {
        Cursor { blob, number: 0, block: None, scratch: vec![], passing: false }
    }

    /// One that leaves the cache as it is: for what is read once from end to end.
    pub fn passing(blob: &'b Blob) -> Cursor<'b> {
        Cursor { passing: true, ..Cursor::new(blob) }
    }

    pub fn file(&self) -> String {
        self.blob.label()
    }

    /// One for going through the blob from one end to the other: what the cache has no room for leaves it as it is.
    pub fn along(blob: &'b Blob) -> Cursor<'b> {
        Cursor { passing: blob.size > blob.cache.capacity() / SMALL_PART, ..Cursor::new(blob) }
    }

    /// `len` verified bytes from `at`: in place when one block holds them, else put together.
    pub fn bytes(&mut self, at: u64, len: usize) -> Result<&[u8]> {
        let inside = at.checked_add(len as u64).is_some_and(|end| end <= self.blob.size);
        if !inside {
            return Err(self.blob.damaged("an offset in it leads beyond its end"));
        }
        if len == 0 {
            return Ok(&[]);
        }
        let from = (at % BLOCK as u64) as usize;
        if from + len <= BLOCK {
            return Ok(self.at(at / BLOCK as u64)?.get(from..from + len).unwrap_or_default());
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        while scratch.len() < len {
            let next = at + scratch.len() as u64;
            let block = self.at(next / BLOCK as u64)?;
            let rest = block.get((next % BLOCK as u64) as usize..).unwrap_or_default();
            scratch.extend_from_slice(&rest[..rest.len().min(len - scratch.len())]);
        }
        self.scratch = scratch;
        Ok(&self.scratch)
    }

    fn at(&mut self, number: u64) -> Result<&[u8]> {
        if self.block.is_none() || self.number != number {
            // What only passed makes room for the next.
            if let Some(room) = self.block.take().filter(|_| self.passing).and_then(Arc::into_inner) {
                self.blob.cache.spare.keep(room);
            }
            self.block = Some(self.blob.block(number, self.passing)?);
            self.number = number;
        }
        Ok(self.block.as_ref().map_or(&[], |block| block.as_slice()))
    }
}
