//! Whether a decoded polygon is sound by OGC's rules, edge by edge against all others: slow, plain, and
//! independent of the encoder's own check.

use super::{Geometry, Point};

/// What is wrong with the polygons: rings that cross or touch themselves, rings that cross or overlap each
/// other, interiors outside of their exterior. Rings may touch each other in single points. Empty for points
/// and lines.
pub fn faults(geometry: &Geometry) -> Vec<String> {
    let Geometry::Polygons(polygons) = geometry else { return vec![] };
    let mut out = vec![];
    let rings: Vec<&Vec<Point>> = polygons.iter().flatten().collect();
    for (i, a) in rings.iter().enumerate() {
        if !is_simple(a) {
            out.push(format!("ring {i} crosses or touches itself"));
        }
        for (j, b) in rings.iter().enumerate().skip(i + 1) {
            if rings_cross(a, b) {
                out.push(format!("rings {i} and {j} cross or overlap"));
            }
        }
    }
    for polygon in polygons {
        let exterior = &polygon[0];
        for interior in &polygon[1..] {
            // A point that is inside tells; points on the exterior tell nothing.
            let outside = interior.iter().map(|p| side(exterior, *p)).find(|s| *s != 0) == Some(-1);
            if outside {
                out.push("an interior lies outside of its exterior".into());
            }
        }
    }
    out
}

/// Whether no two edges of a ring have a point in common but neighbours their shared end.
pub fn is_simple(ring: &[Point]) -> bool {
    let n = ring.len();
    let edge = |i: usize| (ring[i], ring[(i + 1) % n]);
    (0..n).all(|i| {
        (i + 1..n).all(|j| {
            let ((a, b), (c, d)) = (edge(i), edge(j));
            if apart(a, b, c, d) {
                return true;
            }
            match (j == i + 1, (j + 1) % n == i) {
                (true, true) => true,
                (true, false) => !on_segment(a, b, d) && !on_segment(c, d, a),
                (false, true) => !on_segment(a, b, c) && !on_segment(c, d, b),
                (false, false) => !segments_meet(a, b, c, d),
            }
        })
    })
}

/// Whether the boxes of two edges have no point in common: told before anything is multiplied.
fn apart(a: Point, b: Point, c: Point, d: Point) -> bool {
    (0..2).any(|k| a[k].max(b[k]) < c[k].min(d[k]) || c[k].max(d[k]) < a[k].min(b[k]))
}

fn rings_cross(a: &[Point], b: &[Point]) -> bool {
    let span =
        |r: &[Point], k: usize| r.iter().fold((i32::MAX, i32::MIN), |(low, high), p| (low.min(p[k]), high.max(p[k])));
    if (0..2).any(|k| span(a, k).1 < span(b, k).0 || span(b, k).1 < span(a, k).0) {
        return false;
    }
    let edges = |r: &[Point]| (0..r.len()).map(|i| (r[i], r[(i + 1) % r.len()])).collect::<Vec<_>>();
    let (ea, eb) = (edges(a), edges(b));
    let proper = ea.iter().any(|&(p, q)| {
        eb.iter().any(|&(r, s)| {
            if apart(p, q, r, s) {
                return false;
            }
            let t = [turn(p, q, r), turn(p, q, s), turn(r, s, p), turn(r, s, q)];
            let crossing = t[0] * t[1] < 0 && t[2] * t[3] < 0;
            let along = t[0] == 0 && t[1] == 0 && overlap_length(p, q, r, s) > 0;
            crossing || along
        })
    });
    // Through a vertex: parts of one ring on both sides of the other. Middles of edges tell, because no edge
    // crosses properly; what touches has side 0.
    let sides = |e: &[(Point, Point)], ring: &[Point]| {
        let doubled: Vec<Point> = ring.iter().map(|p| [p[0] * 2, p[1] * 2]).collect();
        let s: Vec<i32> = e.iter().map(|(p, q)| side(&doubled, [p[0] + q[0], p[1] + q[1]])).collect();
        s.contains(&1) && s.contains(&-1)
    };
    let touch_midway = |e: &[(Point, Point)], ring: &[Point]| {
        e.iter().any(|&(p, q)| ring.iter().any(|&v| v != p && v != q && on_segment(p, q, v)))
    };
    // An edge that a vertex of the other ring stands on may lie on both sides of it; then its middle is no proof.
    let provable = !touch_midway(&ea, b) && !touch_midway(&eb, a);
    proper || provable && (sides(&ea, b) || sides(&eb, a))
}

/// 1 inside, 0 on the ring, −1 outside.
fn side(ring: &[Point], p: Point) -> i32 {
    let n = ring.len();
    let mut inside = false;
    for i in 0..n {
        let (a, b) = (ring[i], ring[(i + 1) % n]);
        if on_segment(a, b, p) {
            return 0;
        }
        if (a[1] > p[1]) != (b[1] > p[1]) {
            let up = b[1] > a[1];
            inside ^= (turn(a, b, p) > 0) == up;
        }
    }
    if inside { 1 } else { -1 }
}

fn turn(a: Point, b: Point, c: Point) -> i32 {
    let d = |p: Point, q: Point, k: usize| i128::from(q[k]) - i128::from(p[k]);
    (d(a, b, 0) * d(a, c, 1) - d(a, b, 1) * d(a, c, 0)).signum() as i32
}

fn on_segment(a: Point, b: Point, p: Point) -> bool {
    let within = |k: usize| a[k].min(b[k]) <= p[k] && p[k] <= a[k].max(b[k]);
    turn(a, b, p) == 0 && within(0) && within(1)
}

fn segments_meet(a: Point, b: Point, c: Point, d: Point) -> bool {
    let crossing = turn(a, b, c) * turn(a, b, d) < 0 && turn(c, d, a) * turn(c, d, b) < 0;
    crossing || on_segment(a, b, c) || on_segment(a, b, d) || on_segment(c, d, a) || on_segment(c, d, b)
}

/// Of two segments on one line, along the axis on which the first is longer.
fn overlap_length(p: Point, q: Point, r: Point, s: Point) -> i32 {
    let k = usize::from((p[0] - q[0]).abs() < (p[1] - q[1]).abs());
    p[k].max(q[k]).min(r[k].max(s[k])) - p[k].min(q[k]).max(r[k].min(s[k]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_by_hand() {
        let square = vec![[0, 0], [9, 0], [9, 9], [0, 9]];
        let hole = vec![[2, 2], [2, 4], [4, 4]];
        let far_hole = vec![[22, 2], [22, 4], [24, 4]];
        let touching = vec![[0, 0], [2, 4], [4, 4]];
        let through = vec![[0, 4], [-3, 6], [3, 6]];
        let next = vec![[9, 0], [12, 0], [12, 9], [9, 9]];
        let bowtie = vec![[0, 0], [9, 9], [9, 0], [0, 8]];
        let corner_through = vec![[0, 0], [-2, 3], [4, 4], [3, -2]];
        for (polygons, count) in [
            (vec![vec![square.clone()]], 0),
            (vec![vec![square.clone(), hole]], 0),
            (vec![vec![square.clone(), touching]], 0),
            (vec![vec![square.clone(), far_hole]], 1),
            (vec![vec![square.clone(), through]], 2),
            (vec![vec![square.clone()], vec![next]], 1),
            (vec![vec![bowtie]], 1),
            (vec![vec![square], vec![corner_through]], 1),
        ] {
            let found = faults(&Geometry::Polygons(polygons.clone()));
            assert_eq!(found.len(), count, "{polygons:?}: {found:?}");
        }
    }
}
