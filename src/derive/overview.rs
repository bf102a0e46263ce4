//! Overviews: what is drawn at a zoom instead of the features themselves: thinned below the layer's full zoom,
//! shapes simplified, fields as the declaration allows, and no tile above the budget.

use super::budget;
use super::census::{self, Cell};
use super::item::{Item, Survey};
use super::shape;
use super::thin::{self, ALL, level_of};
use crate::draw::{COUNT, Validity};
use crate::error::Result;
use crate::feature::{Feature, Geometry, Value};
use crate::geo::GeometryKind;
use crate::layer::Layer;
use crate::store::table::SealedTable;
use crate::store::{BlobRef, Column, ColumnKind, Draft, Schema, Table, TableWriter};
use std::collections::BTreeMap;
use std::sync::Arc;

/// An overview is worth its bytes when it leaves out at least this share of the vertices.
const WORTHWHILE: f64 = 0.3;

/// The layer's sealed features and what is known of them.
pub struct Source<'a> {
    pub layer: &'a Layer,
    pub table: &'a Arc<Table>,
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
    let table = draft.table(&blob)?;
    let level_by_id: BTreeMap<u64, u8> =
        items.iter().zip(levels).zip(&kept.vertices).filter(|(_, v)| **v > 0).map(|((i, l), _)| (i.id, *l)).collect();
    let mut in_order = Vec::with_capacity(sealed.count as usize);
    table.scan(&mut |row| {
        in_order.push(level_by_id.get(&row.id().0).copied().unwrap_or(ALL));
        Ok(())
    })?;
    let overview = Overview { table: Some(blob), levels: Some(draft.add_bytes(&in_order)?), census };
    Ok((overview, table, in_order))
}

fn write_table(draft: &Draft, source: &Source<'_>, kept: &Kept) -> Result<SealedTable> {
    let layer = source.layer;
    let Survey { items, ranks, levels } = source.survey;
    let counts = (layer.thin.count && kept.cut != ALL).then(|| thin::counts(items, levels, kept.cut));
    let features = source.table.schema();
    let columns = overview_columns(layer, features, kept.z);
    let name = format!("{}-z{}-l{}", layer.id, kept.z, kept.cut);
    let mut writer = TableWriter::new(draft.staging(), &name, schema(features, &columns, counts.is_some()))?;
    let (mut n, mut vertex) = (0usize, 0usize);
    let (mut whole, mut simple) = (Geometry::empty(GeometryKind::Point), Geometry::empty(GeometryKind::Point));
    source.table.scan(&mut |row| {
        let vertices = items[n].vertices as usize;
        if kept.vertices[n] > 0 {
            row.read_geometry(&mut whole);
            shape::filter(&whole, &ranks[vertex..vertex + vertices], kept.tolerance, &mut simple);
            simple.z.clear();
            let mut all = vec![Value::Null; features.columns.len()];
            row.values(|column, value| all[column] = value.to_value());
            let mut values: Vec<Value> = columns.iter().map(|&c| std::mem::replace(&mut all[c], Value::Null)).collect();
            values.extend(counts.as_ref().map(|c| Value::Int(i64::from(c[n]))));
            writer.push(&Feature { id: row.id(), source: row.source(), geometry: simple.clone(), values })?;
        }
        n += 1;
        vertex += vertices;
        Ok(())
    })?;
    writer.seal()
}

/// Columns of the features table that an overview of zoom `z` keeps: what tiles carry there, and validity.
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
