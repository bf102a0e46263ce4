//! Mends polygons that rounding or the clipper's joins along the tile's edge made unsound: a boolean overlay
//! on the integer grid. `geo::overlay` is the other user of i_overlay.
//!
//! Area counts where exteriors outnumber interiors around it (the positive fill rule): a sliver that rounding
//! turned inside out vanishes, an interior that came to stick out of its exterior cuts and adds nothing.

use super::snap::{Point, Snapped};
use i_overlay::core::fill_rule::FillRule;
use i_overlay::core::overlay::{ContourDirection, IntOverlayOptions, Overlay, ShapeType};
use i_overlay::core::overlay_rule::OverlayRule;
use i_overlay::core::solver::Solver;
use i_overlay::i_float::int::point::IntPoint;

/// Simple rings that meet each other in single points at most; all vertices that are still on an edge stay.
const OPTIONS: IntOverlayOptions = IntOverlayOptions {
    preserve_input_collinear: true,
    output_direction: ContourDirection::CounterClockwise,
    preserve_output_collinear: true,
    min_output_area: 0,
    ogc: true,
};

/// Replaces a shape by the same area in sound polygons: one, several or none.
pub fn repair(shape: &mut Snapped) {
    let mut overlay = Overlay::new_custom(shape.points.len(), OPTIONS, Solver::default());
    for ring in shape.runs() {
        overlay.add_path_iter(ring.iter().map(|p| IntPoint::new(p[0], p[1])), ShapeType::Subject);
    }
    let polygons = overlay.overlay(OverlayRule::Subject, FillRule::Positive);
    shape.clear();
    for polygon in polygons {
        for (i, ring) in polygon.iter().enumerate() {
            let start = shape.points.len();
            shape.points.extend(ring.iter().map(|p| -> Point { [p.x, p.y] }));
            let left = shape.finish_ring(start, i == 0);
            if i == 0 && !left {
                break;
            }
        }
        if shape.ends.len() as u32 > shape.parts.last().copied().unwrap_or(0) {
            shape.parts.push(shape.ends.len() as u32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::snap::double_area;
    use super::*;

    fn repaired(rings: &[&[Point]]) -> (Vec<Vec<Point>>, Vec<u32>) {
        let mut s = Snapped::default();
        for (i, r) in rings.iter().enumerate() {
            s.points.extend_from_slice(r);
            assert!(s.finish_ring(s.points.len() - r.len(), i == 0));
        }
        s.parts.push(s.ends.len() as u32);
        repair(&mut s);
        (s.runs().map(<[Point]>::to_vec).collect(), s.parts)
    }

    fn area(rings: &[Vec<Point>]) -> i64 {
        rings.iter().map(|r| double_area(r)).sum()
    }

    #[test]
    fn joins_along_an_edge_come_apart() {
        // Two towers over a base that was cut away: joined along y = 0.
        let towers = [[0, 0], [0, 9], [2, 9], [2, 0], [6, 0], [6, 9], [8, 9], [8, 0]];
        let (rings, parts) = repaired(&[&towers]);
        assert_eq!((parts.as_slice(), area(&rings)), (&[1, 2][..], 2 * 2 * 18));
    }

    #[test]
    fn pinches_come_apart_and_hole_contacts_stay() {
        let pinched = [[0, 0], [4, 4], [9, 0], [9, 9], [4, 4], [0, 9]];
        let (rings, parts) = repaired(&[&pinched]);
        assert_eq!((parts.len(), area(&rings)), (2, double_area(&pinched).abs()));
        let square = [[0, 0], [9, 0], [9, 9], [0, 9]];
        let (rings, parts) = repaired(&[&square, &[[0, 0], [2, 4], [4, 4]]]);
        assert_eq!((rings.len(), parts.len()), (2, 1), "{rings:?}");
        let (rings, _) = repaired(&[&square, &[[5, 5], [20, 5], [20, 6], [5, 6]]]);
        assert_eq!(area(&rings), 2 * (81 - 4), "an interior that sticks out adds nothing");
        let (rings, _) = repaired(&[&square, &[[-1, -1], [20, -1], [20, 20], [-1, 20]]]);
        assert!(rings.is_empty());
    }
}
