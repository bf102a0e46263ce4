//! Simplified shapes: each vertex gets the largest tolerance at which it still matters, once; a zoom is a filter.

use crate::feature::Geometry;
use crate::geo::{GeometryKind, importance};
use crate::layer::Layer;

use super::coverage::Topology;
use super::item::plane_y;

/// Degrees of longitude per pixel at zoom 0 in both built-in grids.
const PIXEL_DEG: f64 = 1.40625;

/// Largest deviation from the original at zoom `z`, degrees on the Mercator plane.
pub fn tolerance_deg(layer: &Layer, z: u8) -> f32 {
    (layer.generalise.tolerance_px * PIXEL_DEG / (1u64 << z) as f64) as f32
}

/// Ranks the vertices of a layer's geometries, in the order they are added. Lines and free-standing polygons are
/// ranked one by one as they come; the rings of a coverage together, when all are known.
#[derive(Default)]
pub struct Ranker {
    /// Of a coverage, and the largest tolerance it will be simplified by.
    topology: Option<(Topology, f32)>,
    /// Where in `ranks` a coverage's rings go.
    awaited: Vec<std::ops::Range<usize>>,
    ranks: Vec<f32>,
    plane: Vec<[f64; 2]>,
    run: Vec<f64>,
}

impl Ranker {
    pub fn new(layer: &Layer) -> Ranker {
        let topology = layer.generalise.coverage.then(|| (Topology::new(), tolerance_deg(layer, layer.zoom.min)));
        Ranker { topology, ..Ranker::default() }
    }

    pub fn add(&mut self, g: &Geometry) {
        if g.kind == GeometryKind::Point {
            self.ranks.resize(self.ranks.len() + g.xy.len(), f32::INFINITY);
            return;
        }
        for run in g.runs() {
            to_plane(&g.xy[run.clone()], &mut self.plane);
            match &mut self.topology {
                Some((topology, _)) if g.kind == GeometryKind::Polygon => {
                    topology.add_ring(&self.plane);
                    self.awaited.push(self.ranks.len()..self.ranks.len() + run.len());
                    self.ranks.resize(self.ranks.len() + run.len(), 0.0);
                }
                _ => {
                    importance(&self.plane, &mut self.run);
                    if g.kind == GeometryKind::Polygon {
                        keep_three(&mut self.run);
                    }
                    self.ranks.extend(self.run.iter().map(|&r| r as f32));
                }
            }
        }
    }

    /// For every vertex added, the largest tolerance in degrees of the Mercator plane at which it stays.
    pub fn finish(mut self) -> Vec<f32> {
        if let Some((topology, most)) = self.topology.take() {
            let ranked = topology.importances(most);
            let mut from = 0;
            for place in self.awaited {
                let to = from + place.len();
                self.ranks[place].copy_from_slice(&ranked[from..to]);
                from = to;
            }
        }
        self.ranks
    }
}

fn to_plane(run: &[[f64; 2]], out: &mut Vec<[f64; 2]>) {
    out.clear();
    out.extend(run.iter().map(|p| [p[0], plane_y(p[1])]));
}

/// A ring's three strongest places stay at any tolerance (its first and last vertex are one place).
fn keep_three(ranks: &mut [f64]) {
    let inner = ranks.len().saturating_sub(1);
    for _ in 0..2 {
        let strongest =
            (1..inner).filter(|&i| ranks[i].is_finite()).max_by(|&a, &b| ranks[a].total_cmp(&ranks[b]).then(b.cmp(&a)));
        if let Some(i) = strongest.filter(|_| ranks.iter().skip(1).filter(|r| r.is_infinite()).count() < 3) {
            ranks[i] = f64::INFINITY;
        }
    }
}

/// How many vertices stay at a tolerance.
pub fn count_kept(ranks: &[f32], tolerance: f32) -> u32 {
    ranks.iter().filter(|&&r| r >= tolerance).count() as u32
}

/// Writes into `out` the geometry with the vertices whose importance reaches `tolerance`. Heights go along. A ring
/// whose first vertex goes is closed at the next one that stays.
pub fn filter(g: &Geometry, ranks: &[f32], tolerance: f32, out: &mut Geometry) {
    out.kind = g.kind;
    out.xy.clear();
    out.z.clear();
    out.ends.clear();
    out.parts.clone_from(&g.parts);
    for run in g.runs() {
        let start = out.xy.len();
        for i in run.filter(|&i| ranks[i] >= tolerance) {
            out.xy.push(g.xy[i]);
            out.z.extend(g.z.get(i));
        }
        if g.kind == GeometryKind::Polygon && out.xy.len() > start && out.xy.last() != Some(&out.xy[start]) {
            out.xy.push(out.xy[start]);
            out.z.extend(out.z.get(start).copied());
        }
        out.ends.push(out.xy.len() as u32);
    }
    if g.kind == GeometryKind::Point {
        out.ends.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranked(g: &Geometry) -> Vec<f32> {
        let mut r = Ranker::default();
        r.add(g);
        r.finish()
    }

    #[test]
    fn a_filtered_ring_stays_closed_and_has_an_area() {
        let ring: Vec<[f64; 2]> = (0..=60)
            .map(|i| f64::from(i % 60) / 60.0 * std::f64::consts::TAU)
            .map(|a| [114.0 + 0.01 * a.cos(), 34.0 + 0.01 * a.sin()])
            .collect();
        let g = Geometry::polygon(&[ring]);
        let ranks = ranked(&g);
        let mut out = g.clone();
        for tolerance in [0.0, 1e-4, 1e-3, 1.0] {
            filter(&g, &ranks, tolerance, &mut out);
            assert_eq!(out.xy.first(), out.xy.last());
            assert!(out.xy.len() >= 4, "{} vertices at {tolerance}", out.xy.len());
            assert_eq!(out.xy.len() as u32, count_kept(&ranks, tolerance));
        }
    }

    #[test]
    fn heights_follow_their_vertices() {
        let mut g = Geometry::line(vec![[114.0, 34.0], [114.1, 34.0], [114.2, 34.1]]);
        g.z = vec![1.0, 2.0, 3.0];
        let mut out = g.clone();
        filter(&g, &ranked(&g), 10.0, &mut out);
        assert_eq!((out.xy.len(), out.z), (2, vec![1.0, 3.0]));
    }
}
