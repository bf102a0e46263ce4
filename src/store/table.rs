//! A layer's records as FlatGeobuf with its packed Hilbert R-tree: columns `_id` (ULong), `_src` (UInt), then
//! the schema's. Written by external sort (order: Hilbert key of the box's centre, then id), read by a walk of
//! the verified index and a view of each feature's bytes. Here: the schema and the reading.

use super::BlobRef;
use super::blob::{Blob, BlockCache, Cursor};
use super::{fgb, index};
use crate::audience::Seen;
use crate::error::{Error, Result};
use crate::feature::Feature;
use crate::geo::BBox;
use crate::layer::{FieldType, Layer};
use std::path::Path;
use std::sync::Arc;

use super::row::Values;
pub use super::row::{Row, Wanted};
pub use super::writer::{SealedTable, TableWriter};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    Text,
    Int,
    Float,
    Bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub kind: ColumnKind,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Schema {
    pub columns: Vec<Column>,
}

impl Schema {
    /// One column a field, in the layer's order.
    pub fn of(layer: &Layer) -> Schema {
        let kind = |t: FieldType| match t {
            FieldType::Int => ColumnKind::Int,
            FieldType::Float => ColumnKind::Float,
            FieldType::Bool => ColumnKind::Bool,
            FieldType::Text | FieldType::Date | FieldType::Enum => ColumnKind::Text,
        };
        let columns = layer.fields.iter().map(|f| Column { name: f.name.clone(), kind: kind(f.kind) }).collect();
        Schema { columns }
    }
}

/// An open table. Its file stays open, so that a snapshot that is still read survives `Store::gc`.
pub struct Table {
    blob: Blob,
    header: fgb::Header,
    index_at: u64,
    features_at: u64,
}

impl Table {
    /// Reads and checks the header; the rest is verified when it is touched.
    pub(super) fn open(store: &Path, blob: &BlobRef, cache: &Arc<BlockCache>) -> Result<Table> {
        let blob = Blob::open(store, blob, cache)?;
        let (header, index_at) = read_header(&blob)?;
        // A wrong count must not become a wrong multiplication: no feature is smaller than its node.
        let features_at = match header.count <= blob.size {
            true => index_at + index::index_bytes(header.count),
            false => return Err(blob.damaged("its header counts more features than it has bytes")),
        };
        if features_at > blob.size {
            return Err(blob.damaged("it is shorter than its index"));
        }
        Ok(Table { blob, header, index_at, features_at })
    }

    pub fn schema(&self) -> &Schema {
        &self.header.schema
    }

    pub fn count(&self) -> u64 {
        self.header.count
    }

    /// Degrees; `None` when the table is empty.
    pub fn bounds(&self) -> Option<BBox> {
        self.header.bounds
    }

    /// Calls `each` for every row whose box touches `window` (degrees), in file order.
    pub fn query(&self, window: &BBox, each: &mut dyn FnMut(&Row<'_>) -> Result<()>) -> Result<()> {
        self.query_some(window, Wanted::All, &|_| true, each)
    }

    /// The same for the rows whose ordinal `stays`, with the wanted values alone: what is not needed is not looked at.
    pub fn query_some(
        &self,
        window: &BBox,
        wanted: Wanted<'_>,
        stays: &dyn Fn(u64) -> bool,
        each: &mut dyn FnMut(&Row<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut nodes = Cursor::new(&self.blob);
        let mut features = Cursor::new(&self.blob);
        index::search(&mut nodes, self.index_at, self.header.count, window, |leaf| {
            let at = self.features_at.saturating_add(leaf.offset);
            match stays(leaf.number) {
                true => self.row(&mut features, (leaf.number, at), wanted, &mut |row, _| each(row)),
                false => Ok(()),
            }
        })
    }

    /// Bytes of the rows whose boxes touch `window` (degrees), or `None` where those are more than `most`. Reads the index
    /// alone.
    pub fn weight(&self, window: &BBox, most: u64) -> Result<Option<u64>> {
        let (mut sum, all) = (0u64, self.blob.size - self.features_at);
        let found = index::search(&mut Cursor::new(&self.blob), self.index_at, self.header.count, window, |leaf| {
            sum = sum.saturating_add(leaf.next.unwrap_or(all).saturating_sub(leaf.offset));
            if sum > most { Err(Weighed::TooMuch) } else { Ok(()) }
        });
        match found {
            Ok(()) => Ok(Some(sum)),
            Err(Weighed::TooMuch) => Ok(None),
            Err(Weighed::Failed(e)) => Err(e),
        }
    }

    /// The same of a table whose rows are of like size, about: rather too much. Reads a tenth of it.
    pub fn likely_weight(&self, window: &BBox) -> Result<u64> {
        let rows = index::reach(&mut Cursor::new(&self.blob), self.index_at, self.header.count, window)?;
        Ok(rows.saturating_mul((self.blob.size - self.features_at) / self.header.count.max(1)))
    }

    /// Calls `each(ordinal, box)` for every row whose box touches `window` (degrees) and whose ordinal `stays`, in file order.
    /// Reads the index alone.
    pub fn boxes(
        &self,
        window: &BBox,
        stays: &dyn Fn(u64) -> bool,
        each: &mut dyn FnMut(u64, &BBox) -> Result<()>,
    ) -> Result<()> {
        index::search(&mut Cursor::new(&self.blob), self.index_at, self.header.count, window, |leaf| {
            match stays(leaf.number) {
                true => each(leaf.number, &leaf.bbox),
                false => Ok(()),
            }
        })
    }

    /// Reads the index, and of the features so many bytes, into the cache of blocks; how many bytes those are.
    pub(super) fn preheat(&self, most: u64) -> Result<u64> {
        self.blob.preheat(self.features_at.saturating_add(most))
    }

    /// Byte offset, as from `ids`, and box of every row whose box touches `window` (degrees), in file order; of those that
    /// are `seen`, where not all are. Reads the index alone.
    pub fn find(&self, window: &BBox, seen: Option<&Seen>) -> Result<Vec<(u64, BBox)>> {
        let mut found = vec![];
        index::search(&mut Cursor::new(&self.blob), self.index_at, self.header.count, window, |leaf| {
            if seen.is_none_or(|s| s.has_place(leaf.number)) {
                found.push((self.features_at.saturating_add(leaf.offset), leaf.bbox));
            }
            Ok::<_, Error>(())
        })?;
        Ok(found)
    }

    /// Byte offset, as from `ids`, and box of the row with this ordinal. Reads the index alone.
    pub fn leaf(&self, ordinal: u64) -> Result<(u64, BBox)> {
        let (offset, bbox) = index::leaf(&mut Cursor::new(&self.blob), self.index_at, self.header.count, ordinal)?;
        Ok((self.features_at.saturating_add(offset), bbox))
    }

    /// Calls `each` for every row, in file order.
    pub fn scan(&self, each: &mut dyn FnMut(&Row<'_>) -> Result<()>) -> Result<()> {
        self.scan_of(Wanted::All, each)
    }

    /// The same with the wanted values alone.
    pub fn scan_of(&self, wanted: Wanted<'_>, each: &mut dyn FnMut(&Row<'_>) -> Result<()>) -> Result<()> {
        self.scan_by(Cursor::along(&self.blob), wanted, each)
    }

    /// The same with the wanted values for what is read once: it pushes nothing out of the cache of blocks.
    pub fn scan_once(&self, wanted: Wanted<'_>, each: &mut dyn FnMut(&Row<'_>) -> Result<()>) -> Result<()> {
        self.scan_by(Cursor::passing(&self.blob), wanted, each)
    }

    fn scan_by(
        &self,
        mut features: Cursor<'_>,
        wanted: Wanted<'_>,
        each: &mut dyn FnMut(&Row<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut at = self.features_at;
        for ordinal in 0..self.header.count {
            let mut next = at;
            self.row(&mut features, (ordinal, at), wanted, &mut |row, end| {
                next = end;
                each(row)
            })?;
            at = next;
        }
        match at == self.blob.size {
            true => Ok(()),
            false => Err(self.blob.damaged("it has bytes after its last feature")),
        }
    }

    /// Calls `each` for the features at these byte offsets from `ids`, in this order. Their ordinals are not known: 0.
    pub fn pick(&self, offsets: &[u64], each: &mut dyn FnMut(&Row<'_>) -> Result<()>) -> Result<()> {
        let mut features = Cursor::new(&self.blob);
        for &at in offsets {
            if at < self.features_at {
                return Err(self.blob.damaged("an offset leads before its first feature"));
            }
            self.row(&mut features, (0, at), Wanted::All, &mut |row, _| each(row))?;
        }
        Ok(())
    }

    /// Calls `each` for the rows with these ordinals and byte offsets from `ids`, which rise, with the wanted values alone:
    /// blocks between them are not read.
    pub fn pick_of(
        &self,
        places: impl Iterator<Item = (u64, u64)>,
        wanted: Wanted<'_>,
        each: &mut dyn FnMut(&Row<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut features = Cursor::along(&self.blob);
        for (ordinal, at) in places {
            if at < self.features_at {
                return Err(self.blob.damaged("an offset leads before its first feature"));
            }
            self.row(&mut features, (ordinal, at), wanted, &mut |row, _| each(row))?;
        }
        Ok(())
    }

    /// The feature at a byte offset from `ids`.
    pub fn get(&self, offset: u64) -> Result<Feature> {
        if offset < self.features_at {
            return Err(self.blob.damaged("an offset leads before its first feature"));
        }
        let mut feature = None;
        self.row(&mut Cursor::new(&self.blob), (0, offset), Wanted::All, &mut |row, _| {
            feature = Some(row.to_feature());
            Ok(())
        })?;
        feature.ok_or_else(|| self.blob.damaged("a feature of it cannot be read"))
    }

    /// Views the feature with an ordinal at byte `at` and hands it over with the byte after it.
    fn row(
        &self,
        features: &mut Cursor<'_>,
        (ordinal, at): (u64, u64),
        wanted: Wanted<'_>,
        each: &mut dyn FnMut(&Row<'_>, u64) -> Result<()>,
    ) -> Result<()> {
        let prefix = features.bytes(at, 4)?.first_chunk().copied().unwrap_or_default();
        let len = 4 + u32::from_le_bytes(prefix) as usize;
        let mut values = Values::new();
        match Row::parse(features.bytes(at, len)?, ordinal, &self.header.schema, wanted, &mut values) {
            Some(row) => each(&row, at + len as u64),
            None => Err(self.blob.damaged(format!("the feature at byte {at} cannot be read"))),
        }
    }
}

/// Why weighing ended early.
enum Weighed {
    TooMuch,
    Failed(Error),
}

impl From<Error> for Weighed {
    fn from(e: Error) -> Weighed {
        Weighed::Failed(e)
    }
}

fn read_header(blob: &Blob) -> Result<(fgb::Header, u64)> {
    let mut cursor = Cursor::new(blob);
    let start = cursor.bytes(0, 12)?.first_chunk().copied().unwrap_or([0; 12]);
    let len = fgb::head_bytes(&start).map_err(|what| blob.damaged(what))?;
    let header = fgb::read_head(cursor.bytes(0, len as usize)?).map_err(|what| blob.damaged(what))?;
    Ok((header, len))
}
