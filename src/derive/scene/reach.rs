//! From how far away each feature is wanted, and what it weighs. Reads declarations and sizes, places nothing.

use crate::derive::item::plane_y;
use crate::draw::{Sculptor, near};
use crate::error::Result;
use crate::feature::{Geometry, ValueRef};
use crate::geo::GeometryKind;
use crate::layer::{Layer, SceneKind};
use crate::scene::{Frame, Rule, Section, ring_sides};
use crate::store::{Models, Table, Wanted};

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

/// Rings that an arc of 90° has instead of one, about.
const RINGS_OF_A_BEND: usize = 8;

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
    table.scan_of(Wanted::These(&sculptor.shaping(&rule)), &mut |row| {
        row.read_geometry(&mut g);
        // Models stand in the table's order; a packed corner takes about five bytes.
        let own =
            packed.as_mut().and_then(|p| p.next_if(|r| r.as_ref().map_or(true, |r| r.id == row.id()))).transpose()?;
        let lonlat = g.bbox().center();
        let values = match rule.kind() {
            SceneKind::Tube => sculptor.values(row),
            _ => vec![],
        };
        let weight = own.map_or_else(|| weight(&rule, &g, &values), |m| m.bytes.len() / 5);
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

fn weight(rule: &Rule, g: &Geometry, values: &[ValueRef<'_>]) -> usize {
    let vertices = g.xy.len();
    match rule.kind() {
        SceneKind::Tube => {
            let (sides, bend) = match rule.section(values).0.value {
                Section::Round { outer_m } => (ring_sides(outer_m / 2.0, near().tolerance_m), RINGS_OF_A_BEND),
                Section::Box { .. } => (8, 0),
            };
            // Each ring once, two caps.
            sides * (vertices + 2 + bend * sharp_turns(g))
        }
        SceneKind::Node => vertices * 60,
        SceneKind::Instance => vertices,
        _ => vertices * 6,
    }
}

/// Vertices at which a line turns by more than 30°, in plan.
fn sharp_turns(g: &Geometry) -> usize {
    let scale = g.xy.first().map_or(1.0, |p| p[1].to_radians().cos());
    let leg = |a: [f64; 2], b: [f64; 2]| [(b[0] - a[0]) * scale, b[1] - a[1]];
    let is_sharp = |w: &[[f64; 2]]| {
        let (a, b) = (leg(w[0], w[1]), leg(w[1], w[2]));
        let (dot, cross) = (a[0] * b[0] + a[1] * b[1], a[0] * b[1] - a[1] * b[0]);
        cross.abs().atan2(dot) > 30f64.to_radians()
    };
    g.runs().map(|run| g.xy[run].windows(3).filter(|w| is_sharp(w)).count()).sum()
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
