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

/// The diameter of the largest circle in an area where it is above `least`, with its centre. A quadtree over the
/// distance to the outline (Agafonkin's polylabel, 2016), to within a hundredth of a unit.
pub fn wider_than(area: &Area, least: f64) -> Option<(f64, [f64; 2])> {
    if surface(area) <= std::f64::consts::FRAC_PI_4 * least * least {
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
    let mut cells = vec![([(min[0] + max[0]) / 2.0, (min[1] + max[1]) / 2.0], half)];
    let mut best = (least / 2.0, None);
    while let Some((c, half)) = cells.pop() {
        let d = distance(area, c);
        if d > best.0 + 0.005 {
            best = (d, Some(c));
        }
        if d + half * std::f64::consts::SQRT_2 > best.0 + 0.005 {
            let h = half / 2.0;
            cells.extend([[-h, -h], [h, -h], [-h, h], [h, h]].map(|o| ([c[0] + o[0], c[1] + o[1]], h)));
        }
    }
    best.1.map(|c| (2.0 * best.0, c))
}

fn edges(area: &Area) -> impl Iterator<Item = ([f64; 2], [f64; 2])> {
    area.iter().flat_map(|ring| (0..ring.len()).map(move |i| (ring[i], ring[(i + 1) % ring.len()])))
}

fn surface(area: &Area) -> f64 {
    edges(area).map(|(a, b)| a[0] * b[1] - b[0] * a[1]).sum::<f64>().abs() / 2.0
}

/// To the outline's nearest point: positive inside.
fn distance(area: &Area, p: [f64; 2]) -> f64 {
    let (mut nearest, mut inside) = (f64::INFINITY, false);
    for (a, b) in edges(area) {
        if (a[1] > p[1]) != (b[1] > p[1]) {
            inside ^= p[0] < (b[0] - a[0]) * (p[1] - a[1]) / (b[1] - a[1]) + a[0];
        }
        let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
        let l = dx * dx + dy * dy;
        let t = if l > 0.0 { (((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / l).clamp(0.0, 1.0) } else { 0.0 };
        nearest = nearest.min((p[0] - a[0] - t * dx).hypot(p[1] - a[1] - t * dy));
    }
    if inside { nearest } else { -nearest }
}
