//! How far a place is from a geometry, in plan.

use super::Geometry;
use crate::geo::GeometryKind;
use crate::geo::local::Local;
use crate::geo::side::Edge;

impl Geometry {
    /// The segments of its lines or rings.
    pub fn edges(&self) -> impl Iterator<Item = Edge> + '_ {
        self.runs().flat_map(|r| self.xy[r].windows(2)).map(|w| Edge::new(w[0], w[1]))
    }

    /// Metres from `p` (`[longitude°, latitude°]`) to the nearest part; 0 inside an area, by the half-open rule of
    /// `geo::side`. `here` stands at `p`.
    pub fn distance_m(&self, p: [f64; 2], here: &Local) -> f64 {
        if self.kind == GeometryKind::Point {
            return self.xy.iter().map(|v| here.distance_m(*v)).fold(f64::INFINITY, f64::min);
        }
        let inside = || self.edges().filter(|e| e.is_crossed_from(p)).count() % 2 == 1;
        if self.kind == GeometryKind::Polygon && inside() {
            return 0.0;
        }
        self.edges().map(|e| here.square_to_edge_m2(&e)).fold(f64::INFINITY, f64::min).sqrt()
    }
}
