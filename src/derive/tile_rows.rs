//! Tile rows of a table: its values as the entries that tiles have of them.

use crate::draw::Validity;
use crate::error::Result;
use crate::geo::GeometryKind;
use crate::layer::{Layer, Serve};
use crate::mvt::put_value;
use crate::store::{BlobRef, Draft, Row, Schema, Table, TileRowsWriter, Wanted};

/// Takes the rows of a layer's features on their way past.
pub struct Gathering {
    /// By column: whether it is read.
    columns: Vec<bool>,
    writer: TileRowsWriter,
    /// Whether all rows have been single points, of not too many distinct values.
    fits: bool,
    entry: Vec<u8>,
}

impl Gathering {
    /// `None` of a layer that has no tile rows: no tiles, no records, or more than points.
    pub fn of(draft: &Draft, layer: &Layer, table: &Table) -> Option<Gathering> {
        if !layer.serves(Serve::Mvt) || layer.geometry != [GeometryKind::Point] || table.count() == 0 {
            return None;
        }
        let writer = TileRowsWriter::new(draft.staging(), &layer.id);
        Some(Gathering { columns: columns(layer, table.schema()), writer, fits: true, entry: vec![] })
    }

    /// Whether it reads a column.
    pub fn reads(&self, column: usize) -> bool {
        self.columns[column]
    }

    /// The next row in the table's order, with all columns that are read.
    pub fn take(&mut self, row: &Row<'_>) -> Result<()> {
        self.fits &= row.kind() == GeometryKind::Point && row.vertices() == 1;
        if !self.fits {
            return Ok(());
        }
        let Gathering { columns, entry, .. } = self;
        self.fits = self.writer.push(row.id(), |put| {
            row.values(|column, value| {
                entry.clear();
                if columns[column] {
                    put_value(entry, value);
                }
                if !entry.is_empty() {
                    put(column, entry);
                }
            });
        })?;
        Ok(())
    }

    /// `None` where a row does not fit.
    pub fn seal(self, draft: &Draft) -> Result<Option<BlobRef>> {
        let file = if self.fits { self.writer.seal()? } else { None };
        file.map(|file| draft.add_file(&file)).transpose()
    }
}

/// The tile rows of a table that was sealed without; `None` where it can have none.
pub fn write(draft: &Draft, layer: &Layer, table: &Table) -> Result<Option<BlobRef>> {
    let Some(mut gathering) = Gathering::of(draft, layer, table) else { return Ok(None) };
    let wanted = gathering.columns.clone();
    table.scan_once(Wanted::These(&wanted), &mut |row| gathering.take(row))?;
    gathering.seal(draft)
}

/// What tiles of any zoom may carry, and what says whether a record is valid.
fn columns(layer: &Layer, schema: &Schema) -> Vec<bool> {
    let validity = Validity::of(layer, schema);
    let carried = |name: &str| layer.fields.iter().any(|f| f.name == name && layer.in_any_tile(f));
    schema.columns.iter().enumerate().map(|(i, c)| carried(&c.name) || validity.reads(i)).collect()
}
