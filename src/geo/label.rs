//! Where an area's name stands: one point inside it, the same for every tile that shows a part of the area. As
//! `ST_PointOnSurface` finds it, on several lines: along the one with the widest stretch a level text has most room.

use super::BBox;
use super::ring::signed_area;

/// Heights at which the area is crossed, as parts of its own, with what a stretch there counts: the middle is the
/// natural place.
const LINES: [(f64, f64); 5] = [(0.5, 1.0), (0.4, 0.9), (0.6, 0.9), (0.3, 0.75), (0.7, 0.75)];

/// A point inside the largest polygon of a flat geometry (`ends[i]`: the vertex index after ring i, rings closed;
/// `parts[i]`: the ring index after polygon i), in the units of `xy`. `None` of what is empty or has no area.
pub fn label_point(xy: &[[f64; 2]], ends: &[u32], parts: &[u32]) -> Option<[f64; 2]> {
    let start = |i: usize, of: &[u32]| i.checked_sub(1).map_or(0, |before| of[before] as usize);
    let ring = |r: usize| xy.get(start(r, ends)..ends[r] as usize).unwrap_or_default();
    let polygons = (0..parts.len()).map(|p| start(p, parts)..parts[p] as usize).filter(|rings| !rings.is_empty());
    let largest = polygons.max_by(|a, b| {
        let area = |rings: &std::ops::Range<usize>| signed_area(ring(rings.start)).abs();
        area(a).total_cmp(&area(b))
    })?;
    let bounds = BBox::of(ring(largest.start));
    let mut crossings = vec![];
    let mut best: Option<(f64, [f64; 2])> = None;
    for (part, counts) in LINES {
        let y = bounds.min_y + part * bounds.height();
        crossings.clear();
        largest.clone().for_each(|r| cross(ring(r), y, &mut crossings));
        crossings.sort_by(f64::total_cmp);
        for [from, to] in crossings.as_chunks::<2>().0 {
            let worth = (to - from) * counts;
            if worth > best.map_or(0.0, |(most, _)| most) {
                best = Some((worth, [(from + to) / 2.0, y]));
            }
        }
    }
    best.map(|(_, point)| point)
}

/// Where a closed ring crosses the height `y`. A vertex on it counts as above: so crossings come in pairs.
fn cross(ring: &[[f64; 2]], y: f64, out: &mut Vec<f64>) {
    for s in ring.windows(2) {
        let [a, b] = [s[0], s[1]];
        if (a[1] >= y) != (b[1] >= y) {
            out.push(a[0] + (y - a[1]) / (b[1] - a[1]) * (b[0] - a[0]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::ring::contains_flat;
    use super::*;

    fn ring(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
        points.iter().chain(points.first()).copied().collect()
    }

    #[test]
    fn a_name_stands_inside_where_it_has_room() {
        let square = ring(&[[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0]]);
        assert_eq!(label_point(&square, &[5], &[1]), Some([2.0, 2.0]));
        // An arch: its middle is open, its crown is the widest.
        let arch =
            ring(&[[0.0, 0.0], [1.0, 0.0], [1.0, 2.5], [9.0, 2.5], [9.0, 0.0], [10.0, 0.0], [10.0, 4.0], [0.0, 4.0]]);
        let p = label_point(&arch, &[9], &[1]).unwrap();
        assert!(p[0] == 5.0 && p[1] > 2.5, "{p:?}");
        // A hole in the middle, and a second, larger polygon.
        let hole = ring(&[[1.0, 1.0], [1.0, 3.0], [3.5, 3.0], [3.5, 1.0]]);
        let far = ring(&[[20.0, 0.0], [30.0, 0.0], [30.0, 4.0], [20.0, 4.0]]);
        let both: Vec<_> = [square.clone(), hole.clone()].concat();
        let p = label_point(&both, &[5, 10], &[2]).unwrap();
        assert!(contains_flat(&both, &[5, 10], p), "{p:?}");
        let all: Vec<_> = [square, hole, far].concat();
        assert_eq!(label_point(&all, &[5, 10, 15], &[2, 3]), Some([25.0, 2.0]));
    }

    #[test]
    fn what_has_no_area_has_no_place() {
        assert_eq!(label_point(&[], &[], &[]), None);
        assert_eq!(label_point(&ring(&[[1.0, 1.0], [1.0, 1.0]]), &[3], &[1]), None);
        assert_eq!(label_point(&ring(&[[0.0, 0.0], [4.0, 0.0]]), &[3], &[1]), None);
    }

    proptest::proptest! {
        /// Stars about a point, sharp and blunt.
        #[test]
        fn it_lies_inside(radii in proptest::collection::vec(0.1f64..10.0, 3..40)) {
            let n = radii.len() as f64;
            let star: Vec<[f64; 2]> = (0..).zip(&radii).map(|(i, r)| {
                let turn = f64::from(i) / n * std::f64::consts::TAU;
                [114.0 + r * turn.cos(), 34.0 + r * turn.sin()]
            }).collect();
            let star = ring(&star);
            let ends = [star.len() as u32];
            let p = label_point(&star, &ends, &[1]).unwrap();
            proptest::prop_assert!(contains_flat(&star, &ends, p), "{:?}", p);
        }
    }
}
