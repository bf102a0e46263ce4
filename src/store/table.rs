//! A layer's records as FlatGeobuf with its packed Hilbert R-tree: columns `_id` (ULong), `_src` (UInt), then
//! the schema's. Written by external sort (order: Hilbert key of the box's centre, then id), read by a walk of
//! the verified index and a view of each feature's bytes.

use crate::error::Result;
use crate::feature::{Feature, FeatureId, SourceTag, ValueRef};
use crate::geo::{BBox, GeometryKind};
use crate::layer::{FieldType, Layer};
use std::path::{Path, PathBuf};

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

/// Writes one table. Memory stays below about 24 MiB whatever the number of features.
pub struct TableWriter {
    _dir: PathBuf,
}

/// A finished table file, ready for `Draft::add_file`, and what the manifest says of it.
pub struct SealedTable {
    pub path: PathBuf,
    pub count: u64,
    pub bounds: Option<BBox>,
    /// (id, byte offset of the feature in the file), sorted by id.
    pub ids: Vec<(FeatureId, u64)>,
}

impl TableWriter {
    pub fn new(_dir: &Path, _name: &str, _schema: Schema) -> Result<TableWriter> {
        todo!()
    }
    /// `f.values` in schema order. Any order of features; the file does not depend on it.
    pub fn push(&mut self, _f: &Feature) -> Result<()> {
        todo!()
    }
    /// A row of another table of the same schema, copied as bytes.
    pub fn push_row(&mut self, _row: &Row<'_>) -> Result<()> {
        todo!()
    }
    pub fn seal(self) -> Result<SealedTable> {
        todo!()
    }
}

/// An open table.
pub struct Table {}

impl Table {
    pub fn schema(&self) -> &Schema {
        todo!()
    }
    pub fn count(&self) -> u64 {
        todo!()
    }
    /// Calls `each` for every row whose box touches `window` (degrees), in file order.
    pub fn query(&self, _window: &BBox, _each: &mut dyn FnMut(&Row<'_>) -> Result<()>) -> Result<()> {
        todo!()
    }
    /// Calls `each` for every row, in file order.
    pub fn scan(&self, _each: &mut dyn FnMut(&Row<'_>) -> Result<()>) -> Result<()> {
        todo!()
    }
    /// The feature at a byte offset from `ids`.
    pub fn get(&self, _offset: u64) -> Result<Feature> {
        todo!()
    }
}

/// One record, viewed in verified bytes.
pub struct Row<'a> {
    _bytes: &'a [u8],
}

impl Row<'_> {
    pub fn id(&self) -> FeatureId {
        todo!()
    }
    pub fn source(&self) -> SourceTag {
        todo!()
    }
    pub fn kind(&self) -> GeometryKind {
        todo!()
    }
    /// Fills `g` (cleared first; its buffers are reused) with the row's geometry.
    pub fn read_geometry(&self, _g: &mut crate::feature::Geometry) {
        todo!()
    }
    /// Calls `each(column, value)` for every value that is not null, in column order.
    pub fn values(&self, _each: &mut dyn FnMut(usize, ValueRef<'_>)) {
        todo!()
    }
    pub fn to_feature(&self) -> Feature {
        todo!()
    }
}
