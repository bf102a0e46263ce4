//! The 3D models of a layer, beside its features: written in the table's order with bounded memory, looked up by
//! feature id. Holds what it is given; which features have a model is the import's business.
//!
//! ```text
//! "CTMODEL1"  count u64  index_at u64          little-endian
//! per model:  length u32  id u64  bytes        in the table's order; `pack` says what the bytes are
//! index:      (id u64, byte of the model u64)  sorted by id
//! ```

use super::BlobRef;
use super::blob::{Blob, BlockCache, Cursor};
use super::durable::Output;
use super::runs::{Item, Runs};
use crate::error::{Error, Result};
use crate::feature::{FeatureId, ImageId, Lod, Model, Skin};
use crate::geo::{BBox, hilbert};
use serde::{Deserialize, Serialize};
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The models' name among a layer entry's extra blobs.
pub const MODELS: &str = "models";

const MAGIC: &[u8; 8] = b"CTMODEL1";
const HEAD_BYTES: u64 = 24;
const RECORD_HEAD: usize = 12;
const PAIR_BYTES: usize = 16;
/// Bytes of models held in memory before a sorted run goes to disk.
const RUN_BYTES: usize = 16 << 20;
/// One model may be as large as a reader's limits let it; anything beyond is damage.
const MAX_MODEL_BYTES: usize = 512 << 20;

/// Steps of the stored integers: 1e-9 degrees are at most 0.11 mm, heights are kept to 0.1 mm.
const STEPS: [f64; 3] = [1e9, 1e9, 1e4];

/// A model as bytes (postcard): positions as differences of integer steps.
#[derive(Serialize, Deserialize)]
enum Packed {
    V1 {
        positions: Vec<[i64; 3]>,
        lods: Vec<Lod>,
    },
    /// Of models that wear something.
    V2 {
        positions: Vec<[i64; 3]>,
        lods: Vec<Lod>,
        skin: Box<Skin>,
    },
}

/// The stored form of a model; positions are rounded to 0.1 mm.
pub fn pack(model: &Model) -> Result<Vec<u8>> {
    let mut before = [0i64; 3];
    let positions = model.positions.iter().map(|p| {
        let steps: [i64; 3] = std::array::from_fn(|k| (p[k] * STEPS[k]).round() as i64);
        let difference = std::array::from_fn(|k| steps[k] - before[k]);
        before = steps;
        difference
    });
    let (positions, lods) = (positions.collect(), model.lods.clone());
    let packed = match &model.skin {
        None => Packed::V1 { positions, lods },
        Some(skin) => Packed::V2 { positions, lods, skin: skin.clone() },
    };
    postcard::to_stdvec(&packed).map_err(|e| Error::Data(format!("a model cannot be stored: {e}")))
}

/// `None` when the bytes are no model.
fn unpack(bytes: &[u8]) -> Option<Model> {
    let (positions, lods, skin) = match postcard::from_bytes(bytes).ok()? {
        Packed::V1 { positions, lods } => (positions, lods, None),
        Packed::V2 { positions, lods, skin } => (positions, lods, Some(skin)),
    };
    let mut at = [0i64; 3];
    let place = |d: [i64; 3]| {
        at = std::array::from_fn(|k| at[k].wrapping_add(d[k]));
        std::array::from_fn(|k| at[k] as f64 / STEPS[k])
    };
    let model = Model { positions: positions.into_iter().map(place).collect(), lods, skin };
    model.flaw().is_none().then_some(model)
}

/// The images that a stored model wears.
pub fn images_of(packed: &[u8]) -> Vec<ImageId> {
    // Only the second form has any; the number of the form is its first byte.
    let skin = (packed.first() == Some(&1)).then(|| unpack(packed)).flatten().and_then(|m| m.skin);
    skin.map(|s| s.images().collect()).unwrap_or_default()
}

/// Writes the models of one layer. Memory stays below about 24 MiB (and 16 bytes a model) whatever their number.
pub struct ModelWriter {
    dir: PathBuf,
    name: String,
    runs: Runs,
    count: u64,
}

/// A finished file, ready for `Draft::add_file`.
pub struct SealedModels {
    pub path: PathBuf,
    pub count: u64,
}

impl ModelWriter {
    /// `dir`: where the file and its runs are written (`Draft::staging`); `name`: how the file is called there.
    pub fn new(dir: &Path, name: &str) -> ModelWriter {
        ModelWriter::with_run_bytes(dir, name, RUN_BYTES)
    }

    /// As `new`, with another share of memory. The file does not depend on it.
    pub fn with_run_bytes(dir: &Path, name: &str, run_bytes: usize) -> ModelWriter {
        let runs = Runs::new(dir, run_bytes);
        ModelWriter { dir: dir.to_path_buf(), name: name.to_string(), runs, count: 0 }
    }

    /// `bbox` is that of the feature's geometry: it gives the model its feature's place in the table's order.
    ///
    /// # Errors
    /// `Error::Data` when the model breaks its rules.
    pub fn push(&mut self, id: FeatureId, bbox: BBox, model: &Model) -> Result<()> {
        match model.flaw() {
            None => self.push_packed(id, bbox, &pack(model)?),
            Some(flaw) => Err(Error::Data(format!("the model of feature {} has {flaw}", id.0))),
        }
    }

    /// A model of another blob, copied as bytes.
    pub fn push_packed(&mut self, id: FeatureId, bbox: BBox, bytes: &[u8]) -> Result<()> {
        if bytes.len() > MAX_MODEL_BYTES {
            return Err(Error::Data(format!("the model of feature {} is larger than {MAX_MODEL_BYTES} bytes", id.0)));
        }
        self.count += 1;
        self.runs.push(&Item { hilbert: hilbert::key(bbox.center()), id, bbox, bytes })
    }

    /// Sorts and writes the file. `Error::Data` when an id occurs twice.
    pub fn seal(self) -> Result<SealedModels> {
        let ModelWriter { dir, name, runs, count } = self;
        let file = Output::create(&dir, &format!("{name}-"), ".models")?;
        write(&file, count, runs)?;
        Ok(SealedModels { path: file.path().to_path_buf(), count })
    }
}

fn write(file: &Output, count: u64, runs: Runs) -> Result<()> {
    let io = |e| Error::io(file.path(), e);
    let mut out = BufWriter::with_capacity(256 << 10, file);
    out.write_all(&[0; HEAD_BYTES as usize]).map_err(io)?;
    let mut index = Vec::with_capacity(count as usize);
    let mut at = HEAD_BYTES;
    runs.drain(&mut |item| {
        out.write_all(&(item.bytes.len() as u32).to_le_bytes()).map_err(io)?;
        out.write_all(&item.id.0.to_le_bytes()).map_err(io)?;
        out.write_all(item.bytes).map_err(io)?;
        index.push((item.id.0, at));
        at += (RECORD_HEAD + item.bytes.len()) as u64;
        Ok(())
    })?;
    index.sort_unstable();
    if let Some(twice) = index.windows(2).find(|w| w[0].0 == w[1].0) {
        return Err(Error::Data(format!("feature {} has two models", twice[0].0)));
    }
    for (id, place) in index {
        out.write_all(&id.to_le_bytes()).and_then(|()| out.write_all(&place.to_le_bytes())).map_err(io)?;
    }
    out.seek(SeekFrom::Start(0)).map_err(io)?;
    out.write_all(MAGIC).map_err(io)?;
    out.write_all(&count.to_le_bytes()).and_then(|()| out.write_all(&at.to_le_bytes())).map_err(io)?;
    out.flush().map_err(io)
}

/// The open models of a layer. The file stays open, so that a snapshot that is still read survives `Store::gc`.
pub struct Models {
    blob: Blob,
    count: u64,
    index_at: u64,
}

/// A model still in its stored form.
pub struct PackedModel {
    pub id: FeatureId,
    pub bytes: Vec<u8>,
}

impl Models {
    pub(super) fn open(store: &Path, blob: &BlobRef, cache: &Arc<BlockCache>) -> Result<Models> {
        let blob = Blob::open(store, blob, cache)?;
        let head = Cursor::new(&blob).bytes(0, HEAD_BYTES as usize)?.to_vec();
        let word = |at: usize| head[at..at + 8].first_chunk().map_or(0, |w| u64::from_le_bytes(*w));
        let (count, index_at) = (word(8), word(16));
        let size = count.checked_mul(PAIR_BYTES as u64).and_then(|n| n.checked_add(index_at));
        match head.starts_with(MAGIC) && index_at >= HEAD_BYTES && size == Some(blob.size) {
            true => Ok(Models { blob, count, index_at }),
            false => Err(blob.damaged("its header does not hold together")),
        }
    }

    /// How many features have a model.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The model of a feature; `None` when it has none.
    pub fn get(&self, id: FeatureId) -> Result<Option<Model>> {
        let mut cursor = Cursor::new(&self.blob);
        let (mut from, mut to) = (0, self.count);
        while from < to {
            let middle = from + (to - from) / 2;
            let pair = cursor.bytes(self.index_at + middle * PAIR_BYTES as u64, PAIR_BYTES)?.as_chunks::<8>().0;
            let [found, at] = [0, 1].map(|i| u64::from_le_bytes(pair[i]));
            match found.cmp(&id.0) {
                std::cmp::Ordering::Less => from = middle + 1,
                std::cmp::Ordering::Greater => to = middle,
                std::cmp::Ordering::Equal => {
                    let (record, _) = self.record(&mut cursor, at)?;
                    return match record.id == id {
                        true => self.unpacked(&record).map(Some),
                        false => Err(self.blob.damaged("its index leads to another model")),
                    };
                }
            }
        }
        Ok(None)
    }

    /// Calls `each` for every model, in the order of the layer's table.
    pub fn scan(&self, each: &mut dyn FnMut(FeatureId, Model) -> Result<()>) -> Result<()> {
        self.packed().try_for_each(|record| {
            let record = record?;
            each(record.id, self.unpacked(&record)?)
        })
    }

    /// Every model as its bytes, in the order of the layer's table, for copying.
    pub fn packed(&self) -> impl Iterator<Item = Result<PackedModel>> + '_ {
        let (mut cursor, mut at, mut left) = (Cursor::new(&self.blob), HEAD_BYTES, self.count);
        std::iter::from_fn(move || {
            left = left.checked_sub(1)?;
            Some(self.record(&mut cursor, at).map(|(record, next)| {
                at = next;
                record
            }))
        })
    }

    fn unpacked(&self, record: &PackedModel) -> Result<Model> {
        unpack(&record.bytes).ok_or_else(|| self.blob.damaged(format!("the model of {} cannot be read", record.id.0)))
    }

    /// The model at a byte, and the byte after it.
    fn record(&self, cursor: &mut Cursor<'_>, at: u64) -> Result<(PackedModel, u64)> {
        let head = cursor.bytes(at, RECORD_HEAD)?;
        let len = head.first_chunk().map_or(0, |l| u32::from_le_bytes(*l)) as usize;
        let id = head[4..].first_chunk().map_or(0, |w| u64::from_le_bytes(*w));
        let next = at.saturating_add((RECORD_HEAD + len) as u64);
        if len > MAX_MODEL_BYTES || next > self.index_at {
            return Err(self.blob.damaged("a model of it is longer than the file"));
        }
        let bytes = cursor.bytes(at + RECORD_HEAD as u64, len)?.to_vec();
        Ok((PackedModel { id: FeatureId(id), bytes }, next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feature::{Role, Shell, Surface, Tier};

    fn model() -> Model {
        let lod = Lod {
            tier: Tier { level: 2, refined: Some(2) },
            corners: vec![0, 1, 2, 2, 1, 3],
            ring_ends: vec![3, 6],
            surfaces: vec![Surface { ring_end: 1, role: Role::Roof }, Surface { ring_end: 2, role: Role::Unknown }],
            shells: vec![Shell { surface_end: 2, closed: true }],
        };
        let positions = vec![
            [114.307_512_345_678, 34.797_412_345_678, 71.123_449],
            [114.3076, 34.7975, -3.5],
            [-180.0, 90.0, 8848.86],
            [180.0, -90.0, 0.0],
        ];
        Model { positions, lods: vec![lod], skin: None }
    }

    #[test]
    fn a_model_comes_back_within_a_tenth_of_a_millimetre() {
        let m = model();
        let back = unpack(&pack(&m).unwrap()).unwrap();
        assert_eq!(back.lods, m.lods);
        for (a, b) in m.positions.iter().zip(&back.positions) {
            assert!((a[0] - b[0]).abs() <= 0.6e-9 && (a[1] - b[1]).abs() <= 0.6e-9 && (a[2] - b[2]).abs() <= 0.6e-4);
        }
        // What was rounded once stays: copies and re-imports make the same bytes.
        assert_eq!(pack(&back).unwrap(), pack(&m).unwrap());
    }

    /// The stored form is a promise to the stores that are out there.
    #[test]
    fn the_stored_form_is_the_one_of_format_1() {
        let m = Model {
            positions: vec![[0.0, 1e-9, 0.0001]; 3],
            lods: vec![Lod {
                tier: Tier { level: 1, refined: None },
                corners: vec![0, 1, 2],
                ring_ends: vec![3],
                surfaces: vec![Surface { ring_end: 1, role: Role::Ground }],
                shells: vec![Shell { surface_end: 1, closed: false }],
            }],
            skin: None,
        };
        let golden = [0, 3, 0, 2, 2, 0, 0, 0, 0, 0, 0, 1, 1, 0, 3, 0, 1, 2, 1, 3, 1, 1, 3, 1, 1, 0];
        assert_eq!(pack(&m).unwrap(), golden);
        assert_eq!(unpack(&golden), Some(m));
    }

    /// Bytes that are none: an answer or none, never a panic, never much memory.
    #[test]
    fn damaged_bytes_are_no_model() {
        let good = pack(&model()).unwrap();
        for at in 0..good.len() {
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[at] ^= 1 << bit;
                if let Some(m) = unpack(&bad) {
                    assert_eq!(m.flaw(), None);
                    m.lods.iter().for_each(|l| assert!(l.walk().all(|s| s.exterior().len() >= 3)));
                }
            }
            assert_eq!(unpack(&good[..at]), None);
        }
        assert_eq!(unpack(&[0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]), None);
    }
}
