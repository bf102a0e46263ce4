//! Pages of a layer's records: those in a box and with given values, in the order of the table. In one snapshot that order
//! never changes, so a position in it is where the next page begins.

use super::geojson::Writer;
use super::lods;
use crate::audience::{Audience, Seen};
use crate::city::City;
use crate::error::Result;
use crate::feature::{Geometry, ValueRef};
use crate::geo::clip::{ClippedBuffers, clip};
use crate::geo::{BBox, Crs, GeometryKind};
use crate::layer::{FieldType, Layer, LayerIx};
use crate::store::{Row, Table};

/// Which records of a layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// Degrees: those whose geometry comes into the box, its border included.
    pub bbox: Option<BBox>,
    /// Those that have all these values.
    pub filters: Vec<Filter>,
    /// Position of the page's first record among them.
    pub from: usize,
    pub limit: usize,
    /// Of the coordinates written.
    pub crs: Crs,
}

/// A field that must have a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    field: usize,
    value: Sought,
}

#[derive(Debug, Clone, PartialEq)]
enum Sought {
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
}

/// A page that has grown to this ends, bytes: memory of a request is bounded however large the records are.
const PAGE_BYTES: usize = 16 << 20;

/// Some records: those wanted, or fewer where they are large.
#[derive(Debug, Default, PartialEq)]
pub struct Page {
    /// GeoJSON Features, a comma between them.
    pub features: Vec<u8>,
    pub returned: usize,
    /// All that are wanted, on whatever page.
    pub matched: usize,
    /// Where each of the page's records is: the middle of its box, degrees.
    pub places: Vec<[f64; 2]>,
}

impl Filter {
    /// `field` by position in the layer; `None` where the text is no value of its type.
    pub fn new(layer: &Layer, field: usize, text: &str) -> Option<Filter> {
        let value = match layer.fields[field].kind {
            FieldType::Int => Sought::Int(text.parse().ok()?),
            FieldType::Float => Sought::Float(text.parse().ok()?),
            FieldType::Bool => Sought::Bool(text.parse().ok()?),
            FieldType::Text | FieldType::Date | FieldType::Enum => Sought::Text(text.to_string()),
        };
        Some(Filter { field, value })
    }

    fn is_met(&self, value: ValueRef<'_>) -> bool {
        match (&self.value, value) {
            (Sought::Text(a), ValueRef::Text(b)) => a == b,
            (Sought::Int(a), ValueRef::Int(b)) => *a == b,
            (Sought::Float(a), ValueRef::Float(b)) => *a == b,
            (Sought::Bool(a), ValueRef::Bool(b)) => *a == b,
            _ => false,
        }
    }
}

/// One page of a layer's records for `audience`.
pub fn page(city: &City, audience: &Audience, layer: LayerIx, wanted: &Wanted) -> Result<Page> {
    let snapshot = &city.snapshot;
    let layer = snapshot.catalog.layer(layer);
    let Some(table) = snapshot.features(&layer.id)? else { return Ok(Page::default()) };
    let seen = audience.rows(layer)?;
    let offsets = matching(layer, &table, wanted, seen.as_deref())?;
    let mut page = Page { matched: offsets.len(), ..Page::default() };
    let from = wanted.from.min(offsets.len());
    let some = &offsets[from..offsets.len().min(from.saturating_add(wanted.limit))];
    let writer = Writer { layer, audience, crs: wanted.crs };
    for offset in some {
        table.pick(&[*offset], &mut |row| {
            if page.returned > 0 {
                page.features.extend_from_slice(b",\n");
            }
            let feature = row.to_feature();
            writer.write(&feature, lods(snapshot, layer, &feature)?, &mut page.features);
            page.returned += 1;
            page.places.push(row.bbox().center());
            Ok(())
        })?;
        if page.features.len() >= PAGE_BYTES {
            break;
        }
    }
    Ok(page)
}

/// Where the wanted records stand, in the table's order. Reads only those of which their box in the index does not tell.
fn matching(layer: &Layer, table: &Table, wanted: &Wanted, seen: Option<&Seen>) -> Result<Vec<u64>> {
    let everywhere = BBox::new(f64::NEG_INFINITY, f64::NEG_INFINITY, f64::INFINITY, f64::INFINITY);
    let window = wanted.bbox.unwrap_or(everywhere);
    let filters: Vec<(usize, &Filter)> =
        wanted.filters.iter().filter_map(|f| Some((column(layer, table, f)?, f))).collect();
    if filters.len() < wanted.filters.len() {
        // A field that the table does not know has no value anywhere.
        return Ok(vec![]);
    }
    let mut geometry = Geometry::empty(GeometryKind::Point);
    let mut clipped = ClippedBuffers::default();
    let mut matching = vec![];
    for (offset, bbox) in table.find(&window, seen)? {
        let inside = window.contains(&bbox);
        let mut meets = true;
        if !inside || !filters.is_empty() {
            table.pick(&[offset], &mut |row| {
                meets = (inside || comes_into(row, &window, &mut geometry, &mut clipped)) && has_all(row, &filters);
                Ok(())
            })?;
        }
        if meets {
            matching.push(offset);
        }
    }
    Ok(matching)
}

fn column(layer: &Layer, table: &Table, filter: &Filter) -> Option<usize> {
    let name = &layer.fields[filter.field].name;
    table.schema().columns.iter().position(|c| c.name == *name)
}

fn has_all(row: &Row<'_>, filters: &[(usize, &Filter)]) -> bool {
    let mut met = 0;
    row.values(|column, value| met += filters.iter().filter(|(c, f)| *c == column && f.is_met(value)).count());
    met == filters.len()
}

fn comes_into(row: &Row<'_>, window: &BBox, g: &mut Geometry, clipped: &mut ClippedBuffers) -> bool {
    row.read_geometry(g);
    clipped.clear();
    clip(g.kind, &g.xy, &g.ends, &g.parts, window, clipped);
    !clipped.is_empty()
}
