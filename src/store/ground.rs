//! Heights of the ground as one immutable file: tiles of the lattice (`geo::lattice`) on several levels, each packed by
//! itself, so that a request reads the few it needs. Layout, all integers little-endian: `chtuGRD1`, count u64, offset
//! of the index u64, the tiles, then 32 bytes a tile by ascending key: key, offset, length u32, least and greatest height
//! in mm i32, deviation in mm u32. Says nothing of where heights come from.

use super::BlobRef;
use super::blob::{Blob, BlockCache, Cursor};
use super::durable::Output;
use crate::error::{Error, Result};
use crate::geo::lattice::{NODES, Patch, TileAt};
use quick_cache::sync::Cache;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Name among a manifest's extra blobs of the ground that things stand on.
pub const GROUND: &str = "ground";

const MAGIC: &[u8; 8] = b"chtuGRD1";
const HEAD_BYTES: u64 = 24;
const ENTRY_BYTES: usize = 32;
/// Unpacked tiles kept in memory: 17 kB each.
const KEPT_TILES: usize = 512;
const ZSTD_LEVEL: i32 = 6;
/// A tile unpacked is at most its bits and five bytes a node.
const MOST_BYTES: usize = NODES * NODES * 5 + NODES * NODES / 8 + 2;

/// One tile in the index.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GroundTile {
    pub at: TileAt,
    /// Least and greatest height, metres.
    pub range_m: [f64; 2],
    /// How far its surface leaves the finest one, metres; 0 of the finest.
    pub error_m: f64,
    offset: u64,
    length: u32,
}

/// Writes tiles in any order, each once.
pub struct GroundWriter {
    out: BufWriter<Output>,
    path: PathBuf,
    index: Vec<GroundTile>,
    at: u64,
}

impl GroundWriter {
    /// `dir`: where the file is written (`Draft::staging`).
    pub fn new(dir: &Path) -> Result<GroundWriter> {
        let file = Output::create(dir, "ground-", ".heights")?;
        let path = file.path().to_path_buf();
        let mut out = BufWriter::with_capacity(256 << 10, file);
        out.write_all(&[0; HEAD_BYTES as usize]).map_err(|e| Error::io(&path, e))?;
        Ok(GroundWriter { out, path, index: vec![], at: HEAD_BYTES })
    }

    /// Adds a tile that has a height; the others are left out.
    pub fn push(&mut self, at: TileAt, patch: &Patch, error_m: f64) -> Result<()> {
        let Some(range_m) = patch.range_m() else { return Ok(()) };
        let bytes = pack(patch).map_err(|e| Error::io(&self.path, e))?;
        self.out.write_all(&bytes).map_err(|e| Error::io(&self.path, e))?;
        // Up, so that what is written is never less than the truth.
        let error_m = (error_m * 1000.0).ceil().clamp(0.0, f64::from(u32::MAX)) / 1000.0;
        self.index.push(GroundTile { at, range_m, error_m, offset: self.at, length: bytes.len() as u32 });
        self.at += bytes.len() as u64;
        Ok(())
    }

    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// The finished file, ready for `Draft::add_file`. `Error::Data` when a tile came twice.
    pub fn seal(mut self) -> Result<PathBuf> {
        self.index.sort_by_key(|t| t.at.key());
        if let Some(twice) = self.index.windows(2).find(|w| w[0].at == w[1].at) {
            return Err(Error::Data(format!("tile {:?} of the ground came twice", twice[0].at)));
        }
        let (path, at) = (self.path, self.at);
        let io = |e| Error::io(&path, e);
        let mm = |m: f64| (m * 1000.0).round();
        for t in &self.index {
            let mut entry = Vec::with_capacity(ENTRY_BYTES);
            entry.extend(t.at.key().to_le_bytes());
            entry.extend(t.offset.to_le_bytes());
            entry.extend(t.length.to_le_bytes());
            t.range_m.iter().for_each(|m| entry.extend((mm(*m) as i32).to_le_bytes()));
            entry.extend((mm(t.error_m) as u32).to_le_bytes());
            self.out.write_all(&entry).map_err(io)?;
        }
        self.out.seek(SeekFrom::Start(0)).map_err(io)?;
        let head = [*MAGIC, (self.index.len() as u64).to_le_bytes(), at.to_le_bytes()];
        self.out.write_all(head.as_flattened()).and_then(|()| self.out.flush()).map_err(io)?;
        Ok(path)
    }
}

/// Open heights. The file stays open, so that a snapshot that is still read survives `Store::gc`.
pub struct Ground {
    blob: Blob,
    /// By key, so by level.
    index: Vec<GroundTile>,
    patches: Cache<u64, Arc<Patch>>,
}

impl Ground {
    pub(super) fn open(store: &Path, blob: &BlobRef, cache: &Arc<BlockCache>) -> Result<Ground> {
        let blob = Blob::open(store, blob, cache)?;
        let mut cursor = Cursor::new(&blob);
        let head = cursor.bytes(0, HEAD_BYTES as usize)?.to_vec();
        let word = |at: usize| head[at..at + 8].first_chunk().map_or(0, |w| u64::from_le_bytes(*w));
        let (count, index_at) = (word(8), word(16));
        let size = count.checked_mul(ENTRY_BYTES as u64).and_then(|n| n.checked_add(index_at));
        if !head.starts_with(MAGIC) || index_at < HEAD_BYTES || size != Some(blob.size) {
            return Err(blob.damaged("its header does not hold together"));
        }
        let mut index = Vec::with_capacity(count as usize);
        for i in 0..count {
            index.push(entry(cursor.bytes(index_at + i * ENTRY_BYTES as u64, ENTRY_BYTES)?));
        }
        let sound = |t: &GroundTile| t.offset.checked_add(u64::from(t.length)).is_some_and(|end| end <= index_at);
        let ordered = index.windows(2).all(|w| w[0].at.key() < w[1].at.key());
        match ordered && index.iter().all(sound) {
            true => Ok(Ground { blob, index, patches: Cache::new(KEPT_TILES) }),
            false => Err(blob.damaged("its index does not hold together")),
        }
    }

    /// All tiles, coarse levels first.
    pub fn tiles(&self) -> &[GroundTile] {
        &self.index
    }

    pub fn tile(&self, at: TileAt) -> Option<&GroundTile> {
        self.index.binary_search_by_key(&at.key(), |t| t.at.key()).ok().map(|i| &self.index[i])
    }

    pub fn coarsest(&self) -> Option<u8> {
        self.index.first().map(|t| t.at.level)
    }

    pub fn finest(&self) -> Option<u8> {
        self.index.last().map(|t| t.at.level)
    }

    /// Whether it has a tile of `level` in `at`.
    pub fn has_within(&self, at: TileAt, level: u8) -> bool {
        let keys = at.keys_within(level);
        let first = self.index.partition_point(|t| t.at.key() < keys.start);
        self.index.get(first).is_some_and(|t| keys.contains(&t.at.key()))
    }

    /// The heights of a tile; `None` where it has none.
    pub fn patch(&self, at: TileAt) -> Result<Option<Arc<Patch>>> {
        let Some(tile) = self.tile(at) else { return Ok(None) };
        let read = || {
            let mut cursor = Cursor::new(&self.blob);
            let packed = cursor.bytes(tile.offset, tile.length as usize)?;
            unpack(packed).map(Arc::new).ok_or_else(|| self.blob.damaged(format!("its tile {at:?} cannot be read")))
        };
        self.patches.get_or_insert_with(&at.key(), read).map(Some)
    }

    /// The finest tile of a place.
    pub fn finest_at(&self, lonlat: [f64; 2]) -> Option<&GroundTile> {
        let levels = self.coarsest()?..=self.finest()?;
        levels.map_while(|level| self.tile(TileAt::of(level, lonlat))).last()
    }

    /// The ground's height at `[longitude°, latitude°]`, metres, bilinear on the finest tile; `None` where it is unknown.
    pub fn height(&self, lonlat: [f64; 2]) -> Result<Option<f64>> {
        let Some(tile) = self.finest_at(lonlat) else { return Ok(None) };
        Ok(self.patch(tile.at)?.and_then(|patch| patch.height(tile.at, lonlat)))
    }
}

fn entry(bytes: &[u8]) -> GroundTile {
    let word = |at: usize| bytes[at..].first_chunk().map_or(0, |w| u64::from_le_bytes(*w));
    let half = |at: usize| bytes[at..].first_chunk().map_or(0, |w| u32::from_le_bytes(*w));
    let metres = |at: usize| f64::from(half(at) as i32) / 1000.0;
    GroundTile {
        at: TileAt::from_key(word(0)),
        offset: word(8),
        length: half(16),
        range_m: [metres(20), metres(24)],
        error_m: f64::from(half(28)) / 1000.0,
    }
}

/// Which nodes have a height, where not all do, then each height's difference from what its neighbours to the west and
/// south lead to expect, as zigzag numbers of 7 bits; in zstd.
fn pack(patch: &Patch) -> std::io::Result<Vec<u8>> {
    let heights: Vec<Option<i32>> = patch.millimetres().collect();
    let whole = heights.iter().all(Option::is_some);
    let mut bytes = vec![u8::from(!whole)];
    if !whole {
        let bits = |group: &[Option<i32>]| group.iter().enumerate().fold(0, |b, (k, h)| b | u8::from(h.is_some()) << k);
        bytes.extend(heights.chunks(8).map(bits));
    }
    let mut expect = Expect::default();
    for (k, height) in heights.iter().enumerate() {
        if let Some(height) = *height {
            let off = height.wrapping_sub(expect.next(&heights[..k]));
            let mut zigzag = (off << 1 ^ off >> 31) as u32;
            while zigzag >= 0x80 {
                bytes.push(zigzag as u8 | 0x80);
                zigzag >>= 7;
            }
            bytes.push(zigzag as u8);
            expect.last = height;
        }
    }
    zstd::bulk::compress(&bytes, ZSTD_LEVEL)
}

/// `None` when the bytes are no tile.
fn unpack(packed: &[u8]) -> Option<Patch> {
    let bytes = zstd::bulk::decompress(packed, MOST_BYTES).ok()?;
    let (head, mut rest) = bytes.split_first()?;
    let count = NODES * NODES;
    let mut present = vec![0xffu8; count.div_ceil(8)];
    if *head != 0 {
        let (bits, after) = rest.split_at_checked(count.div_ceil(8))?;
        present.copy_from_slice(bits);
        rest = after;
    }
    let mut rest = rest.iter();
    let mut heights: Vec<Option<i32>> = Vec::with_capacity(count);
    let mut expect = Expect::default();
    for k in 0..count {
        if present[k / 8] >> (k % 8) & 1 == 0 {
            heights.push(None);
            continue;
        }
        let (mut zigzag, mut shift) = (0u32, 0);
        loop {
            let byte = *rest.next()?;
            zigzag |= u32::from(byte & 0x7f).checked_shl(shift)?;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let off = (zigzag >> 1) as i32 ^ -((zigzag & 1) as i32);
        let height = expect.next(&heights).wrapping_add(off);
        heights.push(Some(height));
        expect.last = height;
    }
    Patch::of_millimetres(heights)
}

/// What the next height would be if the ground went on as it came.
#[derive(Default)]
struct Expect {
    last: i32,
}

impl Expect {
    fn next(&self, before: &[Option<i32>]) -> i32 {
        let k = before.len();
        let back = |by: usize| k.checked_sub(by).and_then(|i| before[i]);
        let west = if k.is_multiple_of(NODES) { None } else { back(1) };
        let corner = if k.is_multiple_of(NODES) { None } else { back(NODES + 1) };
        match (west, back(NODES), corner) {
            (Some(w), Some(s), Some(c)) => w.wrapping_add(s).wrapping_sub(c),
            (None, Some(s), _) => s,
            _ => self.last,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hill(holes: bool) -> Patch {
        let mut patch = Patch::default();
        for j in 0..NODES {
            for i in 0..NODES {
                let h = 70.0 + (i as f64 / 9.0).sin() * 3.0 + (j as f64 / 7.0).cos() * 2.0;
                patch.set(i, j, (!holes || (i * 7 + j * 3) % 11 != 0).then_some(h));
            }
        }
        patch
    }

    #[test]
    fn tiles_come_back_as_they_were() {
        for patch in [hill(false), hill(true)] {
            let packed = pack(&patch).unwrap();
            assert_eq!(unpack(&packed), Some(patch));
            assert!(packed.len() < NODES * NODES * 2, "{}", packed.len());
        }
        let steep =
            Patch::of_millimetres((0..NODES * NODES).map(|k| Some(if k % 2 == 0 { i32::MAX } else { -9 })).collect());
        assert_eq!(unpack(&pack(steep.as_ref().unwrap()).unwrap()), steep);
    }

    #[test]
    fn damaged_bytes_are_no_tile_and_no_panic() {
        let good = pack(&hill(true)).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x55;
            if let Some(patch) = unpack(&bad) {
                assert!(patch.is_whole());
            }
        }
        assert!((0..good.len()).all(|n| unpack(&good[..n]).is_none()));
    }

    #[test]
    fn a_file_answers_from_its_finest_tiles() {
        let dir = tempfile::tempdir().unwrap();
        let store = super::super::Store::open(dir.path(), true).unwrap();
        let draft = store.draft().unwrap();
        let coarse = TileAt::of(12, [114.3, 34.8]);
        let fine = coarse.children()[2];
        let flat = |h: f64| {
            let mut patch = Patch::default();
            (0..NODES * NODES).for_each(|k| patch.set(k % NODES, k / NODES, Some(h)));
            patch
        };
        let mut writer = GroundWriter::new(draft.staging()).unwrap();
        writer.push(fine, &flat(81.5), 0.0).unwrap();
        writer.push(coarse, &flat(80.0), 1.2345).unwrap();
        writer.push(coarse.children()[0], &Patch::default(), 0.0).unwrap();
        let blob = draft.add_file(&writer.seal().unwrap()).unwrap();
        let ground = draft.ground_of(&blob).unwrap();
        assert_eq!((ground.tiles().len(), ground.coarsest(), ground.finest()), (2, Some(12), Some(13)));
        assert_eq!(ground.tile(coarse).unwrap().error_m, 1.235);
        assert_eq!(ground.height(fine.centre()).unwrap(), Some(81.5));
        assert_eq!(ground.height(coarse.children()[1].centre()).unwrap(), Some(80.0));
        assert_eq!(ground.height([10.0, 10.0]).unwrap(), None);
        assert!(ground.has_within(coarse, 13) && !ground.has_within(coarse.children()[0], 13));
        let path = dir.path().join("blobs").join(&blob.digest);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[40] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let cold = Arc::new(BlockCache::new(1 << 20));
        assert!(Ground::open(dir.path(), &blob, &cold).is_err(), "a block that is not what was written is refused");
    }
}
