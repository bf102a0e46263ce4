//! On which side of a line a point lies, exactly: adaptive-precision determinants (Shewchuk, "Adaptive Precision
//! Floating-Point Arithmetic and Fast Robust Geometric Predicates", 1997), and the half-open rule of edges built on
//! them. No tolerance anywhere.

use super::BBox;
use robust::{Coord, orient2d};

/// An edge of a ring from its lower to its higher end (for level edges from west to east): both users of a border
/// see the same numbers in the same order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Edge {
    pub low: [f64; 2],
    pub high: [f64; 2],
}

impl Edge {
    pub fn new(a: [f64; 2], b: [f64; 2]) -> Edge {
        match (a[1], a[0]) <= (b[1], b[0]) {
            true => Edge { low: a, high: b },
            false => Edge { low: b, high: a },
        }
    }

    pub fn min_x(&self) -> f64 {
        self.low[0].min(self.high[0])
    }

    pub fn max_x(&self) -> f64 {
        self.low[0].max(self.high[0])
    }

    /// Whether the edge's box and another meet.
    #[inline]
    pub fn meets(&self, b: &BBox) -> bool {
        self.low[1] <= b.max_y && self.high[1] >= b.min_y && self.min_x() <= b.max_x && self.max_x() >= b.min_x
    }

    /// Whether the ray from `p` to the east crosses the edge, for a `p` moved by an infinitesimal (ε, ε²) to the
    /// east and north. Summed over a polygon's rings, an odd number of crossings means inside; so a point on an edge
    /// belongs to the polygon to its east, on a west–east edge to the one to its north, at a node to the one that the
    /// moved point is in, and every point of the plane to exactly one cell of a seamless partition.
    #[inline]
    pub fn is_crossed_from(&self, p: [f64; 2]) -> bool {
        // The moved point is above every vertex of its own ordinate.
        if (self.high[1] > p[1]) == (self.low[1] > p[1]) {
            return false;
        }
        if self.min_x() > p[0] {
            return true;
        }
        // On the edge itself the moved point is already east of it.
        self.max_x() > p[0] && orientation(self.low, self.high, p) > 0.0
    }
}

/// Positive when `c` lies left of the line from `a` to `b`, negative when right, zero exactly on it.
#[inline]
pub fn orientation(a: [f64; 2], b: [f64; 2], c: [f64; 2]) -> f64 {
    let at = |p: [f64; 2]| Coord { x: p[0], y: p[1] };
    orient2d(at(a), at(b), at(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edge_belongs_to_the_east_and_to_the_north() {
        let upright = Edge::new([1.0, 5.0], [1.0, 0.0]);
        assert!(upright.is_crossed_from([0.9, 2.0]));
        assert!(!upright.is_crossed_from([1.0, 2.0]), "on it: the point counts as east of it");
        assert!(upright.is_crossed_from([0.0, 0.0]), "the lower end is moved above itself");
        assert!(!upright.is_crossed_from([0.0, 5.0]), "and so is the upper one");
        let level = Edge::new([5.0, 1.0], [0.0, 1.0]);
        assert!(!level.is_crossed_from([2.0, 1.0]) && !level.is_crossed_from([-1.0, 1.0]));
        for slope in [[3.0, 5.0], [-3.0, 5.0]] {
            let edge = Edge::new([0.0, 0.0], slope);
            let on = slope.map(|v| v / 2.0);
            assert!(!edge.is_crossed_from(on), "{slope:?}");
            assert!(edge.is_crossed_from([on[0].next_down(), on[1]]), "{slope:?}");
        }
    }

    #[test]
    fn sides_are_exact_where_floating_point_is_not() {
        let (a, b) = ([114.300_000_1, 34.800_000_3], [114.300_000_7, 34.800_001_1]);
        let mut wrong = 0;
        for i in 0..2_000 {
            let t = f64::from(i) / 2_000.0;
            let p = [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t];
            let plain = a[0] + (p[1] - a[1]) / (b[1] - a[1]) * (b[0] - a[0]) - p[0];
            let exact = orientation(a, b, p);
            assert_eq!(exact > 0.0, orientation(b, a, p) < 0.0, "one side from both ends");
            wrong += usize::from((plain > 0.0) != (exact > 0.0));
        }
        assert!(wrong > 0, "the case is too easy to prove anything");
    }
}
