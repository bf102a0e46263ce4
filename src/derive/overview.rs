//! Overviews: what is drawn at a zoom instead of the features themselves: thinned below the layer's full zoom,
//! shapes simplified, fields as the declaration allows, and no tile above the budget.

use super::budget;
use super::census::{self, Cell};
use super::item::{Item, Survey};
use super::shape;
use super::thin::{self, ALL, level_of};
use crate::draw::{COUNT, Validity};
use crate::error::Result;
use crate::feature::{Feature, FeatureId, Geometry, SourceTag, Value};
use crate::geo::GeometryKind;
use crate::layer::Layer;
use crate::store::table::SealedTable;
use crate::store::{BlobRef, Column, ColumnKind, Draft, Schema, Table, TableWriter, Wanted};
use std::collections::BTreeMap;
use std::sync::Arc;

/// An overview is worth its bytes when it leaves out at least this share of the vertices.
const WORTHWHILE: f64 = 0.3;

/// The layer's sealed features and what is known of them.
pub struct Source<'a> {
    pub layer: &'a Layer,
    pub table: &'a Arc<Table>,
    /// Byte offset of each feature in the table, in its order.
    pub offsets: &'a [u64],
    pub survey: &'a Survey,
    /// ISO date: what is not valid then is not drawn.
    pub today: &'a str,
}

/// What was derived for one zoom.
pub struct Overview {
    /// None where the features themselves are drawn.
    pub table: Option<BlobRef>,
    /// Level of every row of `table`, one byte each, in its order.
    pub levels: Option<BlobRef>,
    /// Tiles of the zoom and what is drawn there.
    pub census: Vec<Cell>,
}

/// Derives every zoom of the layer, from the largest down: a coarser zoom never keeps what a finer one dropped.
pub fn write_all(draft: &Draft, source: &Source<'_>) -> Result<BTreeMap<u8, Overview>> {
    let zoom = source.layer.zoom;
    let mut overviews = BTreeMap::new();
    let mut cut = ALL;
    for z in (zoom.min..=zoom.max).rev() {
        if z < zoom.full {
            cut = cut.min(level_of(z, source.layer.thin.cell_px));
        }
        let (mut overview, table, levels) = write(draft, source, &Kept::at(source, cut, z))?;
        let fitting = budget::largest_cut(source, &table, &levels, &overview.census, z, cut)?;
        if fitting != cut {
            cut = fitting;
            (overview, ..) = write(draft, source, &Kept::at(source, cut, z))?;
        }
        overviews.insert(z, overview);
    }
    Ok(overviews)
}

/// Which features stay at a zoom, and how simple they become there.
struct Kept {
    z: u8,
    cut: u8,
    tolerance: f32,
    /// Per item: vertices left, 0 where the item is not kept.
    vertices: Vec<u32>,
}

impl Kept {
    fn at(source: &Source<'_>, cut: u8, z: u8) -> Kept {
        let tolerance = shape::tolerance_deg(source.layer, z);
        let Survey { items, ranks, levels } = source.survey;
        let mut from = 0;
        let left = |(n, item): (usize, &Item)| {
            let own = &ranks[from..from + item.vertices as usize];
            from += item.vertices as usize;
            if item.valid && levels[n] <= cut { shape::count_kept(own, tolerance) } else { 0 }
        };
        Kept { z, cut, tolerance, vertices: items.iter().enumerate().map(left).collect() }
    }

    /// Whether a table of its own is worth writing.
    fn differs(&self, items: &[Item]) -> bool {
        let all: u64 = items.iter().filter(|i| i.valid).map(|i| u64::from(i.vertices)).sum();
        let left: u64 = self.vertices.iter().map(|&v| u64::from(v)).sum();
        self.cut != ALL || (all - left) as f64 > WORTHWHILE * all as f64
    }
}

/// Writes a zoom's overview where it is worth one; with it what is drawn there and the levels of its rows.
fn write(draft: &Draft, source: &Source<'_>, kept: &Kept) -> Result<(Overview, Arc<Table>, Vec<u8>)> {
    let Survey { items, levels, .. } = source.survey;
    if !kept.differs(items) {
        let census = census::count(items.iter().filter(|i| i.valid).map(|i| (i, i.vertices)), kept.z);
        return Ok((Overview { table: None, levels: None, census }, source.table.clone(), levels.clone()));
    }
    let drawn = items.iter().zip(&kept.vertices).filter(|(_, v)| **v > 0).map(|(i, v)| (i, *v));
    let census = census::count(drawn, kept.z);
    let sealed = write_table(draft, source, kept)?;
    let blob = draft.add_file(&sealed.path)?;
    let in_order = levels_in_order(&sealed, items, levels, &kept.vertices);
    let table = draft.table(&blob)?;
    let overview = Overview { table: Some(blob), levels: Some(draft.add_bytes(&in_order)?), census };
    Ok((overview, table, in_order))
}

/// Level of every row of the sealed table, which holds the items that are kept and no others.
fn levels_in_order(sealed: &SealedTable, items: &[Item], levels: &[u8], vertices: &[u32]) -> Vec<u8> {
    let kept = items.iter().zip(levels).zip(vertices).filter(|(_, v)| **v > 0);
    let mut by_id: Vec<(u64, u8)> = kept.map(|((item, level), _)| (item.id, *level)).collect();
    by_id.sort_unstable();
    let mut by_place: Vec<(u64, u8)> =
        sealed.ids.iter().zip(by_id).map(|((_, offset), (_, level))| (*offset, level)).collect();
    by_place.sort_unstable();
    by_place.into_iter().map(|(_, level)| level).collect()
}

fn write_table(draft: &Draft, source: &Source<'_>, kept: &Kept) -> Result<SealedTable> {
    let layer = source.layer;
    let Survey { items, ranks, levels } = source.survey;
    let counts = (layer.thin.count && kept.cut != ALL).then(|| thin::counts(items, levels, kept.cut));
    let features = source.table.schema();
    let columns = overview_columns(layer, features, kept.z);
    let name = format!("{}-z{}-l{}", layer.id, kept.z, kept.cut);
    let mut writer = TableWriter::new(draft.staging(), &name, schema(features, &columns, counts.is_some()))?;
    let wanted: Vec<bool> = (0..features.columns.len()).map(|c| columns.contains(&c)).collect();
    let (mut n, mut vertex) = (0usize, 0usize);
    let mut whole = Geometry::empty(GeometryKind::Point);
    let mut feature = Feature {
        id: FeatureId(0),
        source: SourceTag(0),
        geometry: Geometry::empty(GeometryKind::Point),
        values: vec![],
    };
    let places = source.offsets.iter().zip(0..).filter(|(_, n)| kept.vertices[*n as usize] > 0).map(|(at, n)| (n, *at));
    source.table.pick_of(places, Wanted::These(&wanted), &mut |row| {
        let before = std::mem::replace(&mut n, row.ordinal() as usize);
        vertex += items[before..n].iter().map(|i| i.vertices as usize).sum::<usize>();
        row.read_geometry(&mut whole);
        let own = &ranks[vertex..vertex + items[n].vertices as usize];
        shape::filter(&whole, own, kept.tolerance, &mut feature.geometry);
        feature.geometry.z.clear();
        feature.values.clear();
        feature.values.resize(columns.len(), Value::Null);
        row.values(|column, value| {
            if let Ok(at) = columns.binary_search(&column) {
                feature.values[at] = value.to_value();
            }
        });
        feature.values.extend(counts.as_ref().map(|c| Value::Int(i64::from(c[n]))));
        (feature.id, feature.source) = (row.id(), row.source());
        writer.push(&feature)
    })?;
    writer.seal()
}

/// Columns of the features table, rising, that an overview of zoom `z` keeps: what tiles carry there, and validity.
fn overview_columns(layer: &Layer, features: &Schema, z: u8) -> Vec<usize> {
    let validity = Validity::of(layer, features);
    let shown = |name: &str| layer.tile_fields(z).any(|(_, f)| f.name == name);
    (0..features.columns.len()).filter(|&c| shown(&features.columns[c].name) || validity.reads(c)).collect()
}

fn schema(features: &Schema, columns: &[usize], counted: bool) -> Schema {
    let mut columns: Vec<Column> = columns.iter().map(|&c| features.columns[c].clone()).collect();
    columns.extend(counted.then(|| Column { name: COUNT.into(), kind: ColumnKind::Int }));
    Schema { columns }
}
