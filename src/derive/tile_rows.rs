//! Tile rows of a table: its values as the entries that tiles have of them.

use crate::draw::{COUNT, Validity};
use crate::error::Result;
use crate::geo::GeometryKind;
use crate::layer::{Layer, Serve};
use crate::mvt::put_value;
use crate::store::{BlobRef, Draft, Row, Table, TileRowsWriter, ValueCounts, Wanted, tile_rows_key};
use std::collections::BTreeMap;

/// Writes the tile rows of a layer's features and of its overviews, by their names among its extra blobs; none where its
/// features are no single points.
pub fn write_all(
    draft: &Draft,
    layer: &Layer,
    features: &BlobRef,
    overviews: &BTreeMap<u8, BlobRef>,
) -> Result<Vec<(String, BlobRef)>> {
    if !layer.serves(Serve::Mvt) || layer.geometry != [GeometryKind::Point] {
        return Ok(vec![]);
    }
    let drawn = overviews.iter().map(|(z, overview)| (Some(*z), overview)).chain([(None, features)]);
    let written = drawn.map(|(zoom, blob)| Ok((tile_rows_key(zoom), write(draft, layer, &*draft.table(blob)?)?)));
    let written = written.collect::<Result<Vec<_>>>()?;
    Ok(written.into_iter().filter_map(|(key, blob)| Some((key, blob?))).collect())
}

/// `None` of a table of anything but single points, and of one with too many distinct values.
fn write(draft: &Draft, layer: &Layer, table: &Table) -> Result<Option<BlobRef>> {
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
    let carried = |name: &str| name == COUNT || layer.fields.iter().any(|f| f.name == name && layer.in_any_tile(f));
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
