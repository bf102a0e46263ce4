//! Writes a table: encode, sort (`runs`), then header, index and features in one pass. The file depends on the set
//! of features alone, never on the order in which they came. Publishes nothing: that is `Draft::add_file`.

use super::durable::Output;
use super::fgb::{self, Encoder};
use super::index::{self, IndexBuilder};
use super::row::Row;
use super::runs::{Item, Runs};
use super::table::Schema;
use crate::error::{Error, Result};
use crate::feature::{Feature, FeatureId};
use crate::geo::{BBox, hilbert};
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Bytes of features held in memory before a sorted run goes to disk.
const RUN_BYTES: usize = 16 << 20;

/// Writes one table. Memory stays below about 24 MiB whatever the number of features (and 16 bytes a feature for
/// the ids when it is sealed).
pub struct TableWriter {
    dir: PathBuf,
    name: String,
    schema: Schema,
    encoder: Encoder,
    runs: Runs,
    count: u64,
    bounds: BBox,
    /// Whether every feature so far has heights.
    heights: bool,
}

/// A finished table file, ready for `Draft::add_file`, and what the manifest says of it.
pub struct SealedTable {
    pub path: PathBuf,
    pub count: u64,
    pub bounds: Option<BBox>,
    /// (id, byte offset of the feature in the file), sorted by id.
    pub ids: Vec<(FeatureId, u64)>,
}

impl SealedTable {
    /// The blob of `LayerEntry::ids`: pairs of u64 LE.
    pub fn ids_blob(&self) -> Vec<u8> {
        self.ids.iter().flat_map(|(id, offset)| [id.0.to_le_bytes(), offset.to_le_bytes()]).flatten().collect()
    }
}

impl TableWriter {
    /// `dir`: where the table and its runs are written (`Draft::staging`); `name`: how the file calls itself.
    pub fn new(dir: &Path, name: &str, schema: Schema) -> Result<TableWriter> {
        TableWriter::with_run_bytes(dir, name, schema, RUN_BYTES)
    }

    /// As `new`, with another share of memory: for many tables written at once. The file does not depend on it.
    pub fn with_run_bytes(dir: &Path, name: &str, schema: Schema, run_bytes: usize) -> Result<TableWriter> {
        if schema.columns.len() > usize::from(u16::MAX) - fgb::OWN_COLUMNS {
            return Err(Error::Data(format!("table {name}: it has more columns than FlatGeobuf can number")));
        }
        Ok(TableWriter {
            dir: dir.to_path_buf(),
            name: name.to_string(),
            schema,
            encoder: Encoder::new(),
            runs: Runs::new(dir, run_bytes),
            count: 0,
            bounds: BBox::EMPTY,
            heights: true,
        })
    }

    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Features so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// `f.values` in schema order. Any order of features; the file does not depend on it. `Error::Data` when the
    /// feature does not fit the schema, has no vertex or one that is not finite, or an id out of range.
    pub fn push(&mut self, f: &Feature) -> Result<()> {
        let bytes = self.encoder.encode(f, &self.schema)?;
        let bbox = f.geometry.bbox();
        self.heights &= !f.geometry.z.is_empty();
        self.count += 1;
        self.bounds = self.bounds.join(&bbox);
        self.runs.push(&Item { hilbert: hilbert::key(bbox.center()), id: f.id, bbox, bytes })
    }

    /// A row of another table of the same schema, copied as bytes.
    pub fn push_row(&mut self, row: &Row<'_>) -> Result<()> {
        if *row.schema != self.schema {
            let what = format!("table {}: a row of another schema cannot be copied into it", self.name);
            return Err(Error::Data(what));
        }
        let bbox = row.bbox();
        self.heights &= row.has_heights();
        self.count += 1;
        self.bounds = self.bounds.join(&bbox);
        self.runs.push(&Item { hilbert: hilbert::key(bbox.center()), id: row.id(), bbox, bytes: row.bytes })
    }

    /// Sorts and writes the table. `Error::Data` when an id occurs twice.
    pub fn seal(self) -> Result<SealedTable> {
        let TableWriter { dir, name, schema, runs, count, bounds, heights, .. } = self;
        let bounds = (count > 0).then_some(bounds);
        let head = fgb::write_head(&name, &fgb::Header { schema, count, bounds }, heights && count > 0);
        let file = Output::create(&dir, &format!("{name}-"), ".fgb")?;
        let mut ids = write_table(&file, &head, count, runs)?;
        ids.sort_unstable();
        refuse_duplicates(&name, &ids)?;
        Ok(SealedTable { path: file.path().to_path_buf(), count, bounds, ids })
    }
}

fn write_table(file: &Output, head: &[u8], count: u64, runs: Runs) -> Result<Vec<(FeatureId, u64)>> {
    let io = |e| Error::io(file.path(), e);
    let features_at = head.len() as u64 + index::index_bytes(count);
    let mut out = BufWriter::with_capacity(256 << 10, file);
    out.write_all(head).map_err(io)?;
    out.seek(SeekFrom::Start(features_at)).map_err(io)?;

    let mut tree = IndexBuilder::new(file, head.len() as u64, count);
    let mut ids = Vec::with_capacity(count as usize);
    let mut at = features_at;
    runs.drain(&mut |item| {
        tree.push(item.bbox, at - features_at).map_err(io)?;
        out.write_all(item.bytes).map_err(io)?;
        ids.push((item.id, at));
        at += item.bytes.len() as u64;
        Ok(())
    })?;
    tree.finish().map_err(io)?;
    out.flush().map_err(io)?;
    Ok(ids)
}

fn refuse_duplicates(name: &str, ids: &[(FeatureId, u64)]) -> Result<()> {
    let mut twice: Vec<u64> = ids.windows(2).filter(|w| w[0].0 == w[1].0).map(|w| w[0].0.0).collect();
    if twice.is_empty() {
        return Ok(());
    }
    let count = twice.len();
    twice.dedup();
    let first: Vec<String> = twice.iter().take(5).map(u64::to_string).collect();
    let what = format!("table {name}: {count} features repeat an id that another has; first ids: {}", first.join(", "));
    Err(Error::Data(what))
}
