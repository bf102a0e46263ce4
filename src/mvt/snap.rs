//! From tile units to the integer grid: rounds, drops what collapses, forces winding. Does not look for rings
//! that cross themselves (`validity`).
//!
//! Rounding is floor(v + ½): unlike rounding half away from zero it does not depend on where zero is, so a
//! vertex on a border snaps to the same place in both tiles.

use super::Shape;
use crate::geo::GeometryKind;

pub type Point = [i32; 2];

/// Coordinates are drawn to ± this: far outside of any buffered tile, and small enough that no product
/// of two differences leaves i64.
const LIMIT: f64 = (1 << 24) as f64;

/// A shape on the grid; parts as in `feature::Geometry`, rings not closed, exteriors of positive area
/// (surveyor's formula, y down), interiors of negative.
#[derive(Default)]
pub struct Snapped {
    pub points: Vec<Point>,
    pub ends: Vec<u32>,
    pub parts: Vec<u32>,
}

impl Snapped {
    pub fn clear(&mut self) {
        self.points.clear();
        self.ends.clear();
        self.parts.clear();
    }

    /// Point ranges of the lines or rings.
    pub fn runs(&self) -> impl Iterator<Item = &[Point]> {
        let mut from = 0;
        self.ends.iter().map(move |&end| {
            let run = &self.points[from..end as usize];
            from = end as usize;
            run
        })
    }

    /// Replaces itself with the shape; a part with a coordinate that is not finite is left out.
    pub fn snap(&mut self, kind: GeometryKind, shape: &Shape) {
        self.clear();
        match kind {
            GeometryKind::Point => self.snap_points(&shape.xy),
            GeometryKind::Line => {
                let mut from = 0;
                for &end in &shape.ends {
                    self.snap_line(&shape.xy[from..end as usize]);
                    from = end as usize;
                }
            }
            GeometryKind::Polygon => self.snap_polygons(shape),
        }
    }

    /// Replaces itself with the smallest shape of its kind at a place: a point, a line of one unit, half a square unit.
    pub fn speck(&mut self, kind: GeometryKind, at: [f64; 2]) {
        self.clear();
        if !(at[0] + at[1]).is_finite() {
            return;
        }
        let [x, y] = round(&at);
        let corners: &[Point] = match kind {
            GeometryKind::Point => &[[x, y]],
            GeometryKind::Line => &[[x, y], [x + 1, y]],
            GeometryKind::Polygon => &[[x, y], [x + 1, y], [x, y + 1]],
        };
        self.points.extend_from_slice(corners);
        if kind != GeometryKind::Point {
            self.ends.push(self.points.len() as u32);
        }
        if kind == GeometryKind::Polygon {
            self.parts.push(1);
        }
    }

    /// Points are a set: several of them are sorted and each stands once.
    fn snap_points(&mut self, xy: &[[f64; 2]]) {
        self.points.extend(xy.iter().filter(|p| (p[0] + p[1]).is_finite()).map(round));
        if self.points.len() > 1 {
            self.points.sort_unstable();
            self.points.dedup();
        }
    }

    fn snap_line(&mut self, line: &[[f64; 2]]) {
        let start = self.points.len();
        for p in line {
            if !(p[0] + p[1]).is_finite() {
                self.points.truncate(start);
                return;
            }
            let p = round(p);
            if self.points.len() == start || self.points.last() != Some(&p) {
                self.points.push(p);
            }
        }
        match self.points.len() - start {
            0 | 1 => self.points.truncate(start),
            _ => self.ends.push(self.points.len() as u32),
        }
    }

    fn snap_polygons(&mut self, shape: &Shape) {
        let mut first_ring = 0;
        for &last_ring in &shape.parts {
            let rings = self.ends.len();
            for ring in first_ring..last_ring as usize {
                let from = if ring == 0 { 0 } else { shape.ends[ring - 1] as usize };
                let exterior = ring == first_ring;
                let left = self.snap_ring(&shape.xy[from..shape.ends[ring] as usize], exterior);
                // Without its exterior a polygon is nothing.
                if exterior && !left {
                    break;
                }
            }
            if self.ends.len() > rings {
                self.parts.push(self.ends.len() as u32);
            }
            first_ring = last_ring as usize;
        }
    }

    /// Whether something is left of the ring.
    fn snap_ring(&mut self, ring: &[[f64; 2]], exterior: bool) -> bool {
        let start = self.points.len();
        for p in ring {
            if !(p[0] + p[1]).is_finite() {
                self.points.truncate(start);
                return false;
            }
            push_unspiked(&mut self.points, start, round(p));
        }
        close_unspiked(&mut self.points, start);
        self.finish_ring(start, exterior)
    }

    /// Takes the points from `start` on as a ring: drops it without area, turns it as its place asks.
    pub fn finish_ring(&mut self, start: usize, exterior: bool) -> bool {
        let ring = &mut self.points[start..];
        let area = if ring.len() < 3 { 0 } else { double_area(ring) };
        if area == 0 {
            self.points.truncate(start);
            return false;
        }
        if (area > 0) != exterior {
            // The first point stays the first.
            ring[1..].reverse();
        }
        self.ends.push(self.points.len() as u32);
        true
    }
}

#[inline]
fn round(p: &[f64; 2]) -> Point {
    [round_coordinate(p[0]), round_coordinate(p[1])]
}

/// floor(v + ½) without a call to libm.
#[inline]
fn round_coordinate(v: f64) -> i32 {
    let v = v.clamp(-LIMIT, LIMIT) + 0.5;
    let towards_zero = v as i32;
    towards_zero - i32::from(f64::from(towards_zero) > v)
}

#[inline]
pub fn cross(a: Point, b: Point, c: Point) -> i64 {
    let [ux, uy] = [i64::from(b[0]) - i64::from(a[0]), i64::from(b[1]) - i64::from(a[1])];
    let [vx, vy] = [i64::from(c[0]) - i64::from(a[0]), i64::from(c[1]) - i64::from(a[1])];
    ux * vy - uy * vx
}

/// Whether the way a → b → c turns back on itself.
#[inline]
fn turns_back(a: Point, b: Point, c: Point) -> bool {
    if cross(a, b, c) != 0 {
        return false;
    }
    let dot = (i64::from(b[0]) - i64::from(a[0])) * (i64::from(c[0]) - i64::from(b[0]))
        + (i64::from(b[1]) - i64::from(a[1])) * (i64::from(c[1]) - i64::from(b[1]));
    dot < 0
}

/// Appends a point to a ring; a spike (there and back) encloses nothing and is taken off.
#[inline]
fn push_unspiked(points: &mut Vec<Point>, start: usize, p: Point) {
    loop {
        match points[start..] {
            [.., b] if b == p => return,
            [.., a, b] if turns_back(a, b, p) => {
                points.pop();
            }
            _ => break points.push(p),
        }
    }
}

/// Takes off repeated points and spikes where a ring's end meets its start.
fn close_unspiked(points: &mut Vec<Point>, start: usize) {
    loop {
        match points[start..] {
            [first, .., last] if first == last => {
                points.pop();
            }
            [first, _, .., a, b] if turns_back(a, b, first) => {
                points.pop();
            }
            [first, second, .., last] if turns_back(last, first, second) => {
                points.remove(start);
            }
            _ => return,
        }
    }
}

/// Twice the area by the surveyor's formula, as the specification has it: positive is clockwise to the eye.
pub fn double_area(ring: &[Point]) -> i64 {
    let o = ring[0];
    ring.windows(2).map(|s| cross(o, s[0], s[1])).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapped(kind: GeometryKind, runs: &[&[[f64; 2]]], parts: &[u32]) -> Snapped {
        let mut shape = Shape { kind: Some(kind), parts: parts.to_vec(), ..Shape::default() };
        for r in runs {
            shape.xy.extend_from_slice(r);
            shape.ends.push(shape.xy.len() as u32);
        }
        let mut s = Snapped::default();
        s.snap(kind, &shape);
        s
    }

    #[test]
    fn rounding_does_not_depend_on_the_tile() {
        for v in [-4096.5, -1.5, -0.5, -0.4999, 0.0, 0.5, 1.5, 4095.5, 4096.49] {
            for tiles in [-2.0, -1.0, 1.0, 3.0] {
                let moved = round_coordinate(v - 4096.0 * tiles);
                assert_eq!(moved + 4096 * tiles as i32, round_coordinate(v), "{v}");
            }
            assert_eq!(round_coordinate(v), (v + 0.5).floor() as i32, "{v}");
        }
        assert_eq!(round_coordinate(1e300), 1 << 24);
    }

    #[test]
    fn lines_and_points_collapse() {
        let l = snapped(GeometryKind::Line, &[&[[0.1, 0.2], [0.3, 0.1]], &[[0.0, 0.0], [0.2, 0.0], [5.0, 0.0]]], &[]);
        assert_eq!((l.points, l.ends), (vec![[0, 0], [5, 0]], vec![2]));
        let l = snapped(GeometryKind::Line, &[&[[0.0, 0.0], [f64::NAN, 0.0]], &[[0.0, 0.0], [5.0, 0.0]]], &[]);
        assert_eq!(l.ends, [2], "a bad part does not take its siblings along");
        let p = snapped(GeometryKind::Point, &[&[[1.2, 1.0], [0.0, 7.0], [0.9, 1.1], [f64::INFINITY, 0.0]]], &[]);
        assert_eq!(p.points, [[0, 7], [1, 1]]);
    }

    #[test]
    fn rings_lose_spikes_closing_points_and_wrong_turns() {
        let square = [[0.0, 0.0], [0.0, 9.0], [9.0, 9.0], [9.0, 0.0], [0.0, 0.0]];
        let s = snapped(GeometryKind::Polygon, &[&square], &[1]);
        assert_eq!(s.points, [[0, 0], [9, 0], [9, 9], [0, 9]], "turned, first point kept");
        let spiked =
            [[0.0, 0.0], [9.0, 0.0], [9.0, 9.0], [15.0, 15.0], [9.0, 9.0], [0.0, 9.0], [0.0, 20.0], [0.0, 0.0]];
        let s = snapped(GeometryKind::Polygon, &[&spiked], &[1]);
        assert_eq!(s.points, [[0, 0], [9, 0], [9, 9], [0, 9]]);
        let at_start = [[0.0, -5.0], [0.0, 0.0], [9.0, 0.0], [9.0, 9.0], [0.0, 9.0]];
        let s = snapped(GeometryKind::Polygon, &[&at_start], &[1]);
        assert_eq!(double_area(&s.points), 162);
        assert_eq!(s.points.len(), 4);
    }

    #[test]
    fn specks_are_the_smallest_of_their_kind() {
        let mut s = Snapped::default();
        s.speck(GeometryKind::Line, [3.4, -0.6]);
        assert_eq!((s.points.as_slice(), s.ends.as_slice()), (&[[3, -1], [4, -1]][..], &[2][..]));
        s.speck(GeometryKind::Polygon, [3.5, 7.0]);
        assert_eq!((double_area(&s.points), s.parts.as_slice()), (1, &[1][..]), "an exterior");
        s.speck(GeometryKind::Polygon, [f64::NAN, 7.0]);
        assert!(s.points.is_empty());
    }

    #[test]
    fn polygons_without_exterior_vanish() {
        let flat = [[0.0, 0.0], [5.0, 0.1], [9.0, 0.0]];
        let hole = [[1.0, 0.0], [2.0, 0.0], [2.0, 1.0]];
        let sound = [[0.0, 0.0], [9.0, 0.0], [9.0, 9.0]];
        let s = snapped(GeometryKind::Polygon, &[&flat, &hole, &sound, &flat, &hole], &[2, 5]);
        assert_eq!((s.ends.as_slice(), s.parts.as_slice()), (&[3, 6][..], &[2][..]));
        assert!(double_area(&s.points[..3]) > 0 && double_area(&s.points[3..]) < 0);
    }
}
