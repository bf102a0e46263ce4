//! From how far away each feature is wanted, and what it weighs. Reads declarations and sizes, places nothing.

use crate::derive::item::plane_y;
use crate::draw::Sculptor;
use crate::error::Result;
use crate::feature::{Geometry, ValueRef};
use crate::geo::GeometryKind;
use crate::layer::{Layer, SceneKind};
use crate::scene::{Frame, Rule, Section};
use crate::store::{Models, Table};

/// Distance over geometric error at which a client of 1080 lines refines: screen-space error 16, 60° wide (CesiumJS:
/// sse = error · height / (distance · 2 tan(fovy / 2))).
pub const DISTANCE_PER_ERROR: f64 = 104.0;

/// A body of this size is 8 pixels at as many metres.
const SEEN_FROM: f64 = 208.0;
/// A pipe is wanted from this many times its width: DN300 from 1.5 km, DN1000 from 5 km.
const PIPE_FROM: f64 = 5000.0;
const NEAREST_M: f64 = 300.0;
/// From how far a layer is wanted that does not say.
const BLOCKS_M: f64 = 6000.0;
const NODES_M: f64 = 600.0;

/// One feature, in the table's order.
#[derive(Debug, Clone, Copy)]
pub struct Thing {
    pub id: u64,
    /// Its anchor, degrees on the Mercator plane.
    pub at: [f64; 2],
    pub lonlat: [f64; 2],
    /// Metres from which on it is wanted.
    pub reach_m: f64,
    /// About as many vertices as its faces have.
    pub weight: u32,
}

/// One scan over a layer's features.
pub fn things(layer: &Layer, table: &Table, models: Option<&Models>) -> Result<Vec<Thing>> {
    let Some(rule) = Rule::of(layer) else { return Ok(vec![]) };
    let sculptor = Sculptor::new(layer, table.schema(), models);
    let mut packed = models.map(|m| m.packed().peekable());
    let mut things = Vec::with_capacity(table.count() as usize);
    let mut g = Geometry::empty(GeometryKind::Point);
    table.scan(&mut |row| {
        row.read_geometry(&mut g);
        // Models stand in the table's order; a packed corner takes about five bytes.
        let own =
            packed.as_mut().and_then(|p| p.next_if(|r| r.as_ref().map_or(true, |r| r.id == row.id()))).transpose()?;
        let weight = own.map_or_else(|| weight(rule.kind(), g.xy.len()), |m| m.bytes.len() / 5);
        let lonlat = g.bbox().center();
        let values = match rule.kind() {
            SceneKind::Tube => sculptor.values(row),
            _ => vec![],
        };
        things.push(Thing {
            id: row.id().0,
            at: [lonlat[0], plane_y(lonlat[1])],
            lonlat,
            reach_m: reach_m(&rule, &g, &values),
            weight: weight as u32,
        });
        Ok(())
    })?;
    Ok(things)
}

fn weight(kind: SceneKind, vertices: usize) -> usize {
    match kind {
        SceneKind::Tube => vertices * 30,
        SceneKind::Node => vertices * 60,
        SceneKind::Instance => vertices,
        _ => vertices * 6,
    }
}

/// By the feature's size where sizes tell, at most by what the layer declares: its `importance`, or the distance at which
/// the error of what stands in for it is 16 pixels.
fn reach_m(rule: &Rule, g: &Geometry, values: &[ValueRef<'_>]) -> f64 {
    let by_error = rule.scene.geometric_error_m.map(|e| e * DISTANCE_PER_ERROR);
    let declared_m = rule.scene.importance.or(by_error);
    let (size_m, most_m) = match rule.kind() {
        SceneKind::Tube => {
            let width_m = match rule.section(values).0.value {
                Section::Round { outer_m } => outer_m,
                Section::Box { width_m, height_m } => width_m.max(height_m),
            };
            (width_m * PIPE_FROM, declared_m.unwrap_or(BLOCKS_M))
        }
        SceneKind::Node | SceneKind::Instance => return declared_m.unwrap_or(NODES_M),
        _ => (diagonal_m(g) * SEEN_FROM, declared_m.unwrap_or(BLOCKS_M)),
    };
    size_m.min(most_m).max(NEAREST_M.min(most_m))
}

fn diagonal_m(g: &Geometry) -> f64 {
    let b = g.bbox();
    let [e, n, _] = Frame::at([b.min_x, b.min_y], 0.0).local([b.max_x, b.max_y], 0.0);
    e.hypot(n)
}
