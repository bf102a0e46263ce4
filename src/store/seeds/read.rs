//! Reading seeded tiles: their index is held in memory, the tiles are read block by block. What is not as it is written is damage,
//! never a panic.

use super::{HEAD_BYTES, MAGIC, Recipe, SEED_HEAD_BYTES, ZOOM_BYTES};
use crate::deflate::Piece;
use crate::error::Result;
use crate::store::BlobRef;
use crate::store::blob::{Blob, BlockCache, Cursor};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// An open blob of seeded tiles.
pub struct Seeds {
    blob: Blob,
    zooms: Vec<Zoom>,
    /// (y, x), rising within a zoom.
    keys: Vec<[u32; 2]>,
    /// Where each seed ends.
    ends: Vec<u64>,
}

struct Zoom {
    z: u8,
    recipe: Recipe,
    /// Its tiles among `keys`.
    tiles: Range<usize>,
}

/// The seeds of one zoom, which were drawn by what is asked for.
#[derive(Clone)]
pub struct SeedsOf {
    seeds: Arc<Seeds>,
    tiles: Range<usize>,
}

impl Seeds {
    pub(in crate::store) fn open(store: &Path, blob: &BlobRef, cache: &Arc<BlockCache>) -> Result<Seeds> {
        let blob = Blob::open(store, blob, cache)?;
        let parts = read_index(&mut Cursor::passing(&blob), blob.size)?;
        let (zooms, keys, ends) = parts.ok_or_else(|| blob.damaged("its list of tiles cannot be read"))?;
        Ok(Seeds { blob, zooms, keys, ends })
    }

    /// How many tiles there are.
    pub fn count(&self) -> usize {
        self.keys.len()
    }

    /// Each zoom and what its tiles were drawn by.
    pub fn recipes(&self) -> impl Iterator<Item = (u8, Recipe)> {
        self.zooms.iter().map(|zoom| (zoom.z, zoom.recipe))
    }

    /// The tiles of zoom `z`, where they were drawn by this.
    pub fn of(self: &Arc<Self>, z: u8, recipe: &Recipe) -> Option<SeedsOf> {
        let zoom = self.zooms.iter().find(|zoom| zoom.z == z && zoom.recipe == *recipe && !zoom.tiles.is_empty())?;
        Some(SeedsOf { seeds: Arc::clone(self), tiles: zoom.tiles.clone() })
    }

    /// Reads so many bytes into the cache of blocks; how many those are.
    pub(in crate::store) fn preheat(&self, most: u64) -> Result<u64> {
        self.blob.preheat(most)
    }
}

impl SeedsOf {
    /// Whether this tile is among them.
    pub fn has(&self, x: u32, y: u32) -> bool {
        self.find(x, y).is_some()
    }

    /// Columns and rows of all tiles.
    pub fn tiles(&self) -> impl Iterator<Item = [u32; 2]> {
        self.seeds.keys[self.tiles.clone()].iter().map(|[y, x]| [*x, *y])
    }

    /// Calls `each` with a tile's seed; whether there is one.
    pub fn read(&self, x: u32, y: u32, each: impl FnOnce(Piece<'_>)) -> Result<bool> {
        let Some(number) = self.find(x, y) else { return Ok(false) };
        let Seeds { blob, ends, .. } = &*self.seeds;
        let from = number.checked_sub(1).map_or(HEAD_BYTES as u64, |before| ends[before]);
        let mut cursor = Cursor::new(blob);
        let bytes = cursor.bytes(from, (ends[number] - from) as usize)?;
        let Some(([plain, crc], blocks)) = words(bytes) else {
            return Err(blob.damaged("it has too few bytes of a tile"));
        };
        each(Piece { blocks, plain, crc });
        Ok(true)
    }

    /// Its place among the keys.
    fn find(&self, x: u32, y: u32) -> Option<usize> {
        let own = &self.seeds.keys[self.tiles.clone()];
        own.binary_search(&[y, x]).ok().map(|at| self.tiles.start + at)
    }
}

/// The first two numbers.
fn words(bytes: &[u8]) -> Option<([u32; 2], &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<SEED_HEAD_BYTES>()?;
    let [first, second] = [0, 1].map(|i| head[i * 4..].first_chunk().map_or(0, |w| u32::from_le_bytes(*w)));
    Some(([first, second], rest))
}

type Index = (Vec<Zoom>, Vec<[u32; 2]>, Vec<u64>);

/// `None` where its parts contradict each other or the file.
fn read_index(cursor: &mut Cursor<'_>, size: u64) -> Result<Option<Index>> {
    if size < HEAD_BYTES as u64 + 4 {
        return Ok(None);
    }
    let head = cursor.bytes(0, HEAD_BYTES)?;
    let index_at = head[8..].first_chunk().map_or(0, |w| u64::from_le_bytes(*w));
    if !head.starts_with(MAGIC) || index_at < HEAD_BYTES as u64 || index_at > size - 4 {
        return Ok(None);
    }
    let index = cursor.bytes(index_at, (size - index_at) as usize)?;
    Ok(parse_index(index, index_at))
}

fn parse_index(index: &[u8], index_at: u64) -> Option<Index> {
    let (zooms, rest) = index.split_first_chunk::<4>()?;
    let heads = rest.get(..(u32::from_le_bytes(*zooms) as usize).checked_mul(ZOOM_BYTES)?)?;
    let rest = &rest[heads.len()..];
    let (mut zooms, mut count) = (vec![], 0usize);
    for head in heads.as_chunks::<ZOOM_BYTES>().0 {
        let ([z, tiles], recipe) = words(head)?;
        let tiles = count..count.checked_add(tiles as usize)?;
        count = tiles.end;
        zooms.push(Zoom { z: u8::try_from(z).ok()?, recipe: *recipe.first_chunk()?, tiles });
    }
    // Held against the file before it becomes memory.
    if count.checked_mul(16) != Some(rest.len()) {
        return None;
    }
    let (keys, ends) = rest.split_at(count * 8);
    let keys: Vec<[u32; 2]> = keys.as_chunks::<8>().0.iter().filter_map(|k| Some(words(k)?.0)).collect();
    let ends: Vec<u64> = ends.as_chunks::<8>().0.iter().map(|end| u64::from_le_bytes(*end)).collect();
    let rising = zooms.iter().all(|zoom| keys[zoom.tiles.clone()].is_sorted_by(|a, b| a < b));
    let first = ends.first().is_none_or(|end| *end >= HEAD_BYTES as u64);
    let whole = first && ends.is_sorted() && ends.last().is_none_or(|end| *end == index_at);
    (rising && whole).then_some((zooms, keys, ends))
}
