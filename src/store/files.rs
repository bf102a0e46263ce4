//! Many files as one blob, kept byte for byte and found by name: tilesets made elsewhere have millions, and a blob each
//! would be a million inodes. Does not look into the files.
//!
//! ```text
//! "CTFILES1"  count u64  index_at u64  about_at u64                        little-endian
//! per file:   bytes                                                        in the order of their coming
//! index:      (name's hash u128, at u64, length u64, digest u128, kind u64)  sorted by hash
//! about:      to the end                                                   of a tileset: `Tileset` as JSON
//! ```
//! A name's hash and a file's digest are the first 128 bits of their BLAKE3. Names themselves are not kept.

use super::BlobRef;
use super::blob::{Blob, BlockCache, Cursor};
use super::durable::Output;
use super::runs::{Item, Runs};
use super::tileset::{FileKind, Tileset};
use crate::error::{Error, Result};
use crate::feature::FeatureId;
use crate::geo::BBox;
use std::collections::HashSet;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const MAGIC: &[u8; 8] = b"CTFILES1";
const HEAD_BYTES: u64 = 32;
const RECORD_BYTES: usize = 56;
/// Bytes of the index held in memory before a sorted run goes to disk.
const RUN_BYTES: usize = 16 << 20;
/// Bytes copied at once.
const COPY_BYTES: usize = 256 << 10;

/// A file of the blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileEntry {
    at: u64,
    pub size: u64,
    /// The first 128 bits of the BLAKE3 of its bytes.
    pub digest: [u8; 16],
    pub kind: FileKind,
}

/// Writes files one after another. Memory: 16 bytes a file and about 24 MiB.
pub struct FilesWriter {
    path: PathBuf,
    out: BufWriter<Output>,
    at: u64,
    known: HashSet<u128>,
    index: Runs,
    buffer: Vec<u8>,
}

/// A finished blob, ready for `Draft::add_file`.
pub struct SealedFiles {
    pub path: PathBuf,
    pub count: u64,
}

/// Why a file could not be added.
#[derive(Debug)]
pub enum NotAdded {
    /// The file gave no bytes: its bearer's matter. The blob is as it was.
    Unread(std::io::Error),
    /// It gave other than was announced.
    Failed(Error),
}

fn hash_of(name: &str) -> u128 {
    let hash = blake3::hash(name.as_bytes());
    hash.as_bytes().first_chunk().map_or(0, |b| u128::from_le_bytes(*b))
}

impl FilesWriter {
    /// `dir`: where the blob and its runs are written (`Draft::staging`); `name`: how the file is called there.
    pub fn new(dir: &Path, name: &str) -> Result<FilesWriter> {
        FilesWriter::with_run_bytes(dir, name, RUN_BYTES)
    }

    /// As `new`, with another share of memory. The blob does not depend on it.
    pub fn with_run_bytes(dir: &Path, name: &str, run_bytes: usize) -> Result<FilesWriter> {
        let file = Output::create(dir, &format!("{name}-"), ".files")?;
        let path = file.path().to_path_buf();
        let mut out = BufWriter::with_capacity(COPY_BYTES, file);
        out.write_all(&[0; HEAD_BYTES as usize]).map_err(|e| Error::io(&path, e))?;
        let (known, index) = (HashSet::new(), Runs::new(dir, run_bytes));
        Ok(FilesWriter { path, out, at: HEAD_BYTES, known, index, buffer: vec![0; COPY_BYTES] })
    }

    /// Whether a file of this name was added.
    pub fn holds(&self, name: &str) -> bool {
        self.known.contains(&hash_of(name))
    }

    /// Adds a file that is not there yet; its size.
    pub fn add(&mut self, name: &str, kind: FileKind, from: &mut dyn Read) -> Result<u64, NotAdded> {
        let failed = |path: &Path, e| NotAdded::Failed(Error::io(path, e));
        let (mut digest, mut size) = (blake3::Hasher::new(), 0u64);
        loop {
            let got = match from.read(&mut self.buffer) {
                Ok(0) => break,
                Ok(got) => got,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(e) => {
                    // What was copied of it stays as bytes that nobody names.
                    self.at += size;
                    return Err(NotAdded::Unread(e));
                }
            };
            digest.update(&self.buffer[..got]);
            self.out.write_all(&self.buffer[..got]).map_err(|e| failed(&self.path, e))?;
            size += got as u64;
        }
        let hash = hash_of(name);
        let mut record = [0; RECORD_BYTES];
        record[..16].copy_from_slice(&hash.to_le_bytes());
        record[16..24].copy_from_slice(&self.at.to_le_bytes());
        record[24..32].copy_from_slice(&size.to_le_bytes());
        record[32..48].copy_from_slice(&digest.finalize().as_bytes()[..16]);
        record[48..].copy_from_slice(&kind.number().to_le_bytes());
        self.at += size;
        if !self.known.insert(hash) {
            return Err(NotAdded::Failed(Error::Data(format!("{name}: the file is there twice"))));
        }
        let (high, low) = ((hash >> 64) as u64, hash as u64);
        let item = Item { hilbert: high, id: FeatureId(low), bbox: BBox::EMPTY, bytes: &record };
        self.index.push(&item).map_err(NotAdded::Failed)?;
        Ok(size)
    }

    /// Writes the index and what there is to say of the files.
    pub fn seal(self, about: &[u8]) -> Result<SealedFiles> {
        let FilesWriter { path, mut out, at: index_at, known, index, .. } = self;
        let io = |e| Error::io(&path, e);
        index.drain(&mut |item| out.write_all(item.bytes).map_err(io))?;
        let count = known.len() as u64;
        let about_at = index_at + count * RECORD_BYTES as u64;
        out.write_all(about).and_then(|()| out.seek(SeekFrom::Start(0)).map(drop)).map_err(io)?;
        let words = [count, index_at, about_at].map(u64::to_le_bytes);
        out.write_all(MAGIC).and_then(|()| out.write_all(words.as_flattened())).map_err(io)?;
        out.flush().map_err(io)?;
        Ok(SealedFiles { path, count })
    }
}

/// Open files. The blob stays open, so that a snapshot that is still read survives `Store::gc`.
pub struct Files {
    blob: Blob,
    count: u64,
    index_at: u64,
    about_at: u64,
}

impl Files {
    pub(super) fn open(store: &Path, blob: &BlobRef, cache: &Arc<BlockCache>) -> Result<Files> {
        let blob = Blob::open(store, blob, cache)?;
        let head = Cursor::new(&blob).bytes(0, HEAD_BYTES as usize)?.to_vec();
        let word = |at: usize| head[at..at + 8].first_chunk().map_or(0, |w| u64::from_le_bytes(*w));
        let (count, index_at, about_at) = (word(8), word(16), word(24));
        let index_end = count.checked_mul(RECORD_BYTES as u64).and_then(|n| n.checked_add(index_at));
        let ordered = index_at >= HEAD_BYTES && index_end == Some(about_at) && about_at <= blob.size;
        match head.starts_with(MAGIC) && ordered {
            true => Ok(Files { blob, count, index_at, about_at }),
            false => Err(blob.damaged("its header does not hold together")),
        }
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    /// The account of the tileset that they are, if they are one.
    pub fn about(&self) -> Result<Tileset> {
        let len = self.blob.size - self.about_at;
        let mut cursor = Cursor::new(&self.blob);
        Tileset::from_json(cursor.bytes(self.about_at, len as usize)?, &self.blob.label())
    }

    /// The file of this name; `None` where there is none.
    pub fn find(&self, name: &str) -> Result<Option<FileEntry>> {
        let wanted = hash_of(name);
        let mut cursor = Cursor::new(&self.blob);
        let (mut from, mut to) = (0, self.count);
        while from < to {
            let middle = from + (to - from) / 2;
            let record = cursor.bytes(self.index_at + middle * RECORD_BYTES as u64, RECORD_BYTES)?;
            let wide = |at: usize| record[at..at + 16].first_chunk::<16>().copied().unwrap_or_default();
            let word = |at: usize| record[at..at + 8].first_chunk().map_or(0, |w| u64::from_le_bytes(*w));
            match u128::from_le_bytes(wide(0)).cmp(&wanted) {
                std::cmp::Ordering::Less => from = middle + 1,
                std::cmp::Ordering::Greater => to = middle,
                std::cmp::Ordering::Equal => {
                    let entry =
                        FileEntry { at: word(16), size: word(24), digest: wide(32), kind: FileKind::of(word(48)) };
                    let inside = entry.at >= HEAD_BYTES
                        && entry.at.checked_add(entry.size).is_some_and(|end| end <= self.index_at);
                    return match inside {
                        true => Ok(Some(entry)),
                        false => Err(self.blob.damaged("a file of it is longer than it is")),
                    };
                }
            }
        }
        Ok(None)
    }

    /// `len` bytes of a file from `from` on, or what there is of them; every block of them verified.
    pub fn read(&self, file: &FileEntry, from: u64, len: usize) -> Result<Vec<u8>> {
        let len = file.size.saturating_sub(from).min(len as u64) as usize;
        let mut cursor = Cursor::new(&self.blob);
        Ok(cursor.bytes(file.at.saturating_add(from), len)?.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Media, Store};

    /// The blob of many small files is the same however much memory its index had, and each is found in it.
    #[test]
    fn every_file_is_found_by_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let draft = Store::open(dir.path(), true).unwrap().draft().unwrap();
        let file = |i: u32| (format!("Data/Tile_{i}/内容.b3dm"), vec![i as u8; (i as usize * 37) % 5000]);
        let mut blobs = vec![];
        for run_bytes in [1000, usize::MAX] {
            let mut writer = FilesWriter::with_run_bytes(draft.staging(), "t", run_bytes).unwrap();
            for (name, bytes) in (0..700).map(file) {
                assert!(!writer.holds(&name));
                writer.add(&name, FileKind { media: Media::Glb, gzip: true }, &mut &bytes[..]).unwrap();
                assert!(writer.holds(&name));
            }
            let twice = writer.add(&file(3).0, FileKind { media: Media::Glb, gzip: true }, &mut &[][..]);
            assert!(matches!(twice, Err(NotAdded::Failed(_))));
            let mut writer = FilesWriter::with_run_bytes(draft.staging(), "t", run_bytes).unwrap();
            for (name, bytes) in (0..700).map(file) {
                writer.add(&name, FileKind { media: Media::Glb, gzip: true }, &mut &bytes[..]).unwrap();
            }
            let sealed = writer.seal(b"about").unwrap();
            assert_eq!(sealed.count, 700);
            blobs.push(draft.add_file(&sealed.path).unwrap());
        }
        assert_eq!(blobs[0], blobs[1]);
        let cache = Arc::new(BlockCache::new(1 << 20));
        let files = Files::open(dir.path(), &blobs[0], &cache).unwrap();
        assert_eq!(files.count(), 700);
        for (name, bytes) in (0..700).map(file) {
            let entry = files.find(&name).unwrap().unwrap();
            assert_eq!((entry.size, entry.kind.gzip), (bytes.len() as u64, true));
            assert_eq!(files.read(&entry, 0, usize::MAX >> 1).unwrap(), bytes);
            assert_eq!(files.read(&entry, 3, 2).unwrap(), bytes.get(3..5).unwrap_or(bytes.get(3..).unwrap_or(&[])));
            assert_eq!(entry.digest, blake3::hash(&bytes).as_bytes()[..16]);
        }
        assert_eq!(files.find("Data/Tile_700/内容.b3dm").unwrap(), None);
    }
}
