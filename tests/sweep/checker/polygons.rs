//! Areas in tile units: what two polygons have in common, what one set lacks of another, how wide a sliver is.

use i_overlay::core::fill_rule::FillRule;
use i_overlay::core::overlay::{Overlay, ShapeType};
use i_overlay::core::overlay_rule::OverlayRule;
use i_overlay::i_float::int::point::IntPoint;

/// Overlays are computed on a grid this much finer than the tile's units.
pub const FINE: f64 = 16.0;

pub type Ring = Vec<[f64; 2]>;

fn fine(ring: &[[f64; 2]]) -> Vec<IntPoint> {
    ring.iter().map(|p| IntPoint::new((p[0] * FINE).round() as i32, (p[1] * FINE).round() as i32)).collect()
}

/// A connected area: its outline, then its holes.
pub type Area = Vec<Ring>;

/// What is left of `subject` combined with `clip`; areas wound alike add up.
fn overlay(subject: &[Ring], clip: &[Ring], rule: OverlayRule) -> Vec<Area> {
    let mut overlay = Overlay::new(subject.iter().chain(clip).map(Vec::len).sum());
    subject.iter().for_each(|r| overlay.add_contour(&fine(r), ShapeType::Subject));
    clip.iter().for_each(|r| overlay.add_contour(&fine(r), ShapeType::Clip));
    let back = |p: &IntPoint| [f64::from(p.x) / FINE, f64::from(p.y) / FINE];
    let areas = overlay.overlay(rule, FillRule::NonZero);
    areas.iter().map(|a| a.iter().map(|c| c.iter().map(back).collect()).collect()).collect()
}

pub fn in_common(a: &[Ring], b: &[Ring]) -> Vec<Area> {
    overlay(a, b, OverlayRule::Intersect)
}

pub fn lacking(whole: &[Ring], drawn: &[Ring]) -> Vec<Area> {
    overlay(whole, drawn, OverlayRule::Difference)
}

/// The side of the largest upright square in an area where it is above `least`, with its centre. A quadtree over the
/// distance to the outline (as Agafonkin's polylabel, 2016), to within a hundredth of a unit.
pub fn wider_than(area: &Area, least: f64) -> Option<(f64, [f64; 2])> {
    if surface(area) <= least * least {
        return None;
    }
    let (mut min, mut max) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
    for p in area.iter().flatten() {
        for k in 0..2 {
            min[k] = min[k].min(p[k]);
            max[k] = max[k].max(p[k]);
        }
    }
    if max[0] - min[0] <= least || max[1] - min[1] <= least {
        return None;
    }
    let half = (max[0] - min[0]).max(max[1] - min[1]) / 2.0;
    let mut search = Search { area, radius: least / 2.0, centre: None };
    search.look([(min[0] + max[0]) / 2.0, (min[1] + max[1]) / 2.0], half, &edges(area).collect::<Vec<_>>());
    search.centre.map(|c| (2.0 * search.radius, c))
}

type Edge = ([f64; 2], [f64; 2]);

struct Search<'a> {
    area: &'a Area,
    /// The best so far.
    radius: f64,
    centre: Option<[f64; 2]>,
}

impl Search<'_> {
    /// Looks in a square for the middle of a larger one. `near`: the edges that any place of it can be nearest to.
    fn look(&mut self, c: [f64; 2], half: f64, near: &[Edge]) {
        let reach = half;
        let distances: Vec<f64> = near.iter().map(|&e| distance(e, c)).collect();
        let nearest = distances.iter().copied().fold(f64::INFINITY, f64::min);
        if nearest + reach <= self.radius + 0.005 {
            return;
        }
        let inside = (nearest > reach.min(self.radius)).then(|| contains(self.area, c));
        if inside == Some(true) && nearest > self.radius + 0.005 {
            (self.radius, self.centre) = (nearest, Some(c));
        }
        if inside == Some(false) && nearest > reach {
            return;
        }
        let near: Vec<Edge> =
            near.iter().zip(distances).filter(|(_, d)| *d <= nearest + 2.0 * reach).map(|(e, _)| *e).collect();
        let h = half / 2.0;
        for o in [[-h, -h], [h, -h], [-h, h], [h, h]] {
            self.look([c[0] + o[0], c[1] + o[1]], h, &near);
        }
    }
}

fn edges(area: &Area) -> impl Iterator<Item = Edge> {
    area.iter().flat_map(|ring| (0..ring.len()).map(move |i| (ring[i], ring[(i + 1) % ring.len()])))
}

fn surface(area: &Area) -> f64 {
    edges(area).map(|(a, b)| a[0] * b[1] - b[0] * a[1]).sum::<f64>().abs() / 2.0
}

fn contains(area: &Area, p: [f64; 2]) -> bool {
    let crosses =
        |(a, b): &Edge| (a[1] > p[1]) != (b[1] > p[1]) && p[0] < (b[0] - a[0]) * (p[1] - a[1]) / (b[1] - a[1]) + a[0];
    edges(area).filter(crosses).count() % 2 == 1
}

/// From a point to an edge along the longer axis: rounding moves a vertex by half a unit along each.
fn distance((a, b): Edge, p: [f64; 2]) -> f64 {
    let (x, y) = (a[0] - p[0], a[1] - p[1]);
    let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
    let at = |t: f64| (x + dx * t).abs().max((y + dy * t).abs());
    // The larger of the two has its least value at an end, where both are equal, or where it is 0.
    let turns = [(x, dx), (y, dy), (x - y, dx - dy), (x + y, dx + dy)];
    let inner = turns.into_iter().filter(|(_, d)| *d != 0.0).map(|(v, d)| at((-v / d).clamp(0.0, 1.0)));
    inner.fold(at(0.0).min(at(1.0)), f64::min)
}
