//! Areas where polygons overlap and the holes that they leave together: boolean overlays on a grid of whole numbers fine
//! enough for surveying (0.2 mm over 2°). For reports; what decides anything is exact (`side`).

use super::BBox;
use super::local::Local;
use i_overlay::core::fill_rule::FillRule;
use i_overlay::core::overlay::{IntOverlayOptions, Overlay, ShapeType};
use i_overlay::core::overlay_rule::OverlayRule;
use i_overlay::core::solver::Solver;
use i_overlay::i_float::int::point::IntPoint;

/// Closed rings of `[longitude°, latitude°]`, exteriors counter-clockwise, holes clockwise.
pub type Rings<'a> = Vec<&'a [[f64; 2]]>;

/// A region found: a place in or at it and its size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Patch {
    pub place: [f64; 2],
    pub area_m2: f64,
    /// Twice the area over the perimeter: the width of a long strip.
    pub width_m: f64,
}

/// Degrees ↔ whole numbers around a box.
struct Lattice {
    origin: [f64; 2],
    per_degree: f64,
}

impl Lattice {
    fn over(b: &BBox) -> Lattice {
        let half = ((b.max_x - b.min_x).max(b.max_y - b.min_y) / 2.0).max(1e-6);
        // The sorter's differences of two coordinates fit 31 bits, too.
        Lattice { origin: b.center(), per_degree: f64::from(1 << 29) / half }
    }

    fn point(&self, p: &[f64; 2]) -> IntPoint {
        let at = |k: usize| ((p[k] - self.origin[k]) * self.per_degree).round() as i32;
        IntPoint::new(at(0), at(1))
    }

    fn degrees(&self, p: &IntPoint) -> [f64; 2] {
        [self.origin[0] + f64::from(p.x) / self.per_degree, self.origin[1] + f64::from(p.y) / self.per_degree]
    }

    fn add(&self, overlay: &mut Overlay, rings: &[&[[f64; 2]]], kind: ShapeType) {
        for ring in rings {
            overlay.add_path_iter(ring.iter().map(|p| self.point(p)), kind);
        }
    }

    fn patch(&self, ring: &[IntPoint]) -> Patch {
        let ring: Vec<[f64; 2]> = ring.iter().map(|p| self.degrees(p)).collect();
        let local = Local::at(ring.first().copied().unwrap_or_default());
        let metres: Vec<[f64; 2]> = ring.iter().map(|p| local.offset_m(*p)).collect();
        let (mut double, mut perimeter) = (0.0, 0.0);
        for (i, a) in metres.iter().enumerate() {
            let b = metres[(i + 1) % metres.len()];
            double += a[0] * b[1] - b[0] * a[1];
            perimeter += (b[0] - a[0]).hypot(b[1] - a[1]);
        }
        let n = ring.len().max(1) as f64;
        let place = ring.iter().fold([0.0; 2], |s, p| [s[0] + p[0] / n, s[1] + p[1] / n]);
        let area_m2 = double.abs() / 2.0;
        Patch { place, area_m2, width_m: if perimeter > 0.0 { 2.0 * area_m2 / perimeter } else { 0.0 } }
    }
}

fn overlay(points: usize) -> Overlay {
    Overlay::new_custom(points, IntOverlayOptions::default(), Solver::default())
}

fn bounds<'a>(rings: impl Iterator<Item = &'a [[f64; 2]]>) -> BBox {
    rings.fold(BBox::EMPTY, |b, r| b.join(&BBox::of(r)))
}

/// Where two polygons overlap.
pub fn common(a: &Rings<'_>, b: &Rings<'_>) -> Vec<Patch> {
    let lattice = Lattice::over(&bounds(a.iter().chain(b).copied()));
    let mut both = overlay(a.iter().chain(b).map(|r| r.len()).sum());
    lattice.add(&mut both, a, ShapeType::Subject);
    lattice.add(&mut both, b, ShapeType::Clip);
    let shapes = both.overlay(OverlayRule::Intersect, FillRule::Positive);
    shapes.iter().filter_map(|shape| shape.first()).map(|exterior| lattice.patch(exterior)).collect()
}

/// The holes of the union of polygons.
pub fn holes<'a>(polygons: impl Iterator<Item = Rings<'a>> + Clone) -> Vec<Patch> {
    let lattice = Lattice::over(&bounds(polygons.clone().flatten()));
    let mut all = overlay(polygons.clone().flatten().map(<[_]>::len).sum());
    polygons.for_each(|rings| lattice.add(&mut all, &rings, ShapeType::Subject));
    let shapes = all.overlay(OverlayRule::Subject, FillRule::Positive);
    shapes.iter().flat_map(|shape| shape.iter().skip(1)).map(|hole| lattice.patch(hole)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(x: f64, y: f64, side: f64) -> Vec<[f64; 2]> {
        let at = |x: f64, y: f64| [114.3 + x, 34.7 + y];
        vec![at(x, y), at(x + side, y), at(x + side, y + side), at(x, y + side), at(x, y)]
    }

    #[test]
    fn overlaps_have_their_place_and_size() {
        let (a, b, c) = (square(0.0, 0.0, 0.002), square(0.001, 0.001, 0.002), square(0.002, 0.0, 0.001));
        let found = common(&vec![&a], &vec![&b]);
        let want = super::super::ring::area_m2(&square(0.001, 0.001, 0.001));
        assert_eq!(found.len(), 1);
        assert!((found[0].area_m2 / want - 1.0).abs() < 1e-4, "{found:?} {want}");
        assert!((found[0].place[0] - 114.3015).abs() < 1e-6 && (found[0].place[1] - 34.7015).abs() < 1e-6);
        assert_eq!(common(&vec![&a], &vec![&c]), [], "a common border is no overlap");
    }

    #[test]
    fn gaps_are_the_holes_of_the_union() {
        let frame: Vec<Vec<[f64; 2]>> = (0..9)
            .filter(|i| *i != 4)
            .map(|i| square(f64::from(i % 3) * 0.001, f64::from(i / 3) * 0.001, 0.001))
            .collect();
        let found = holes(frame.iter().map(|r| vec![r.as_slice()]));
        assert_eq!(found.len(), 1);
        assert!((found[0].area_m2 - 10_150.0).abs() < 100.0 && found[0].width_m > 40.0, "{found:?}");
    }
}
