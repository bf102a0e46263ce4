//! What thinning, census and budget need to know of each feature, gathered in one scan. No geometry is kept.

use crate::draw::Validity;
use crate::error::Result;
use crate::feature::{Geometry, ValueRef};
use crate::geo::{BBox, GeometryKind};
use crate::layer::Layer;
use crate::store::{Row, SearchWriter, Table, Wanted};

use super::shape::Ranker;
use super::thin;
use super::tile_rows::Gathering;

/// One feature, in the table's order.
#[derive(Debug, Clone)]
pub struct Item {
    pub id: u64,
    pub bbox: BBox,
    /// Where the feature stands for thinning.
    pub anchor: [f64; 2],
    /// The value of the layer's rank field; 0 without one.
    pub rank: f64,
    /// Longer side of the box, degrees of longitude on the Mercator plane; 0 for points.
    pub size: f64,
    pub vertices: u32,
    /// Valid on the day asked for; the others are kept in the store but not drawn.
    pub valid: bool,
}

/// The middle of a box, on the Mercator plane in degrees.
pub fn anchor(bbox: &BBox) -> [f64; 2] {
    let [x, y] = bbox.center();
    [x, plane_y(y)]
}

/// Latitude → ordinate of the Mercator plane measured in degrees of longitude, so that a pixel is square:
/// y = (180/π) · ln tan(45° + φ/2) (Snyder 1987, eq. 7-2, on the sphere), clamped at the poles.
pub fn plane_y(lat: f64) -> f64 {
    let phi = lat.clamp(-85.06, 85.06).to_radians();
    phi.tan().asinh().to_degrees()
}

/// All that is derived from, of every feature in the table's order.
pub struct Survey {
    pub items: Vec<Item>,
    /// Importance of every vertex, feature after feature (see `shape`).
    pub ranks: Vec<f32>,
    /// Thinning level of every feature (see `thin`).
    pub levels: Vec<u8>,
}

/// What else takes each row while it is at hand.
pub struct Gatherers<'a> {
    /// The searched texts.
    pub search: &'a mut SearchWriter,
    pub rows: Option<&'a mut Gathering>,
}

impl Gatherers<'_> {
    fn reads(&self, column: usize) -> bool {
        self.search.reads(column) || self.rows.as_ref().is_some_and(|rows| rows.reads(column))
    }
}

/// One scan over a layer's features. `today` is an ISO date.
pub fn survey(table: &Table, layer: &Layer, today: &str, others: &mut Gatherers<'_>) -> Result<Survey> {
    let rank = layer.thin.rank.as_deref().and_then(|r| layer.field(r));
    let validity = Validity::of(layer, table.schema());
    let mut items = Vec::with_capacity(table.count() as usize);
    let mut ranker = Ranker::new(layer);
    let mut g = Geometry::empty(GeometryKind::Point);
    let wanted: Vec<bool> =
        (0..table.schema().columns.len()).map(|c| Some(c) == rank || validity.reads(c) || others.reads(c)).collect();
    table.scan_of(Wanted::These(&wanted), &mut |row| {
        row.read_geometry(&mut g);
        let bbox = g.bbox();
        let (mut rank_value, mut valid) = (0.0, true);
        each_value(row, &bbox, others.search, &mut |column, value| {
            if Some(column) == rank {
                rank_value = number(value);
            }
            valid &= validity.allows(column, value, today);
        })?;
        let height = if bbox.height() > 0.0 { plane_y(bbox.max_y) - plane_y(bbox.min_y) } else { 0.0 };
        let size = bbox.width().max(height);
        let (id, anchor, vertices) = (row.id().0, anchor(&bbox), g.xy.len() as u32);
        items.push(Item { id, bbox, anchor, rank: rank_value, size, vertices, valid });
        ranker.add(&g);
        others.rows.as_mut().map_or(Ok(()), |rows| rows.take(row))
    })?;
    let levels = thin::levels(&items);
    Ok(Survey { items, ranks: ranker.finish(), levels })
}

/// Takes the searched texts of a row of a layer's features, whose columns are the layer's fields.
pub fn search_texts(row: &Row<'_>, bbox: &BBox, search: &mut SearchWriter) -> Result<()> {
    each_value(row, bbox, search, &mut |_, _| {})
}

/// As `search_texts`, and shows every value on the way: a row is parsed once.
fn each_value(
    row: &Row<'_>,
    bbox: &BBox,
    search: &mut SearchWriter,
    see: &mut dyn FnMut(usize, ValueRef<'_>),
) -> Result<()> {
    let mut taken = Ok(());
    row.values(|field, value| {
        see(field, value);
        if let (ValueRef::Text(text), Ok(())) = (value, &taken) {
            taken = search.push(field, text, row.ordinal(), bbox);
        }
    });
    taken
}

fn number(v: ValueRef<'_>) -> f64 {
    match v {
        ValueRef::Int(i) => i as f64,
        ValueRef::Float(f) if f.is_finite() => f,
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plane_is_the_mercator_square() {
        assert!(plane_y(0.0).abs() < 1e-12);
        assert!((plane_y(85.051_128_779_806_6) - 180.0).abs() < 1e-9);
        assert_eq!(plane_y(90.0), plane_y(85.06));
    }
}
