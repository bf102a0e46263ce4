//! Tile rows of a table: its values as the entries that tiles have of them.

use crate::draw::Validity;
use crate::error::Result;
use crate::geo::GeometryKind;
use crate::layer::{Layer, Serve};
use crate::mvt::put_value;
use crate::store::{BlobRef, Draft, Row, Table, TileRowsWriter, ValueCounts, Wanted};

/// Writes the tile rows of a layer's features; `None` where these are anything but single points, and where they have too
/// many distinct values.
pub fn write(draft: &Draft, layer: &Layer, table: &Table) -> Result<Option<BlobRef>> {
    if !layer.serves(Serve::Mvt) || layer.geometry != [GeometryKind::Point] {
        return Ok(None);
    }
    let wanted = columns(layer, table);
    let (mut counts, mut fits) = (ValueCounts::default(), table.count() > 0);
    let mut entry = vec![];
    table.scan_once(Wanted::These(&wanted), &mut |row| {
        fits &= row.kind() == GeometryKind::Point && row.vertices() == 1;
        if fits {
            entries(row, &mut entry, &mut |_, entry| fits &= counts.add(entry));
        }
        Ok(())
    })?;
    if !fits {
        return Ok(None);
    }
    let mut writer = TileRowsWriter::new(draft.staging(), &layer.id, counts)?;
    table.scan_once(Wanted::These(&wanted), &mut |row| writer.push(row.id(), |put| entries(row, &mut entry, put)))?;
    draft.add_file(&writer.seal()?).map(Some)
}

/// What tiles of any zoom may carry, and what says whether a record is valid.
fn columns(layer: &Layer, table: &Table) -> Vec<bool> {
    let validity = Validity::of(layer, table.schema());
    let carried = |name: &str| layer.fields.iter().any(|f| f.name == name && layer.in_any_tile(f));
    table.schema().columns.iter().enumerate().map(|(i, c)| carried(&c.name) || validity.reads(i)).collect()
}

fn entries(row: &Row<'_>, entry: &mut Vec<u8>, each: &mut dyn FnMut(usize, &[u8])) {
    row.values(|column, value| {
        entry.clear();
        put_value(entry, value);
        if !entry.is_empty() {
            each(column, entry);
        }
    });
}
