//! Whether a polygon's rings are still rings: they enclose something the right way round and neither cross nor overlap.
//! Exact. Rings may meet at a common vertex; whether holes lie inside is not asked.

use crate::geo::ring::signed_area;
use crate::geo::side::orientation;

type Segment = [[f64; 2]; 2];

/// Closed rings; `exterior[i]` tells whether ring i winds counter-clockwise.
pub fn is_sound(rings: &[Vec<[f64; 2]>], exterior: &[bool]) -> bool {
    let encloses = |(ring, outer): (&Vec<[f64; 2]>, &bool)| {
        let area = signed_area(ring);
        ring.len() >= 4 && if *outer { area > 0.0 } else { area < 0.0 }
    };
    if !rings.iter().zip(exterior).all(encloses) {
        return false;
    }
    let mut segments: Vec<Segment> = rings.iter().flat_map(|r| r.windows(2).map(|w| [w[0], w[1]])).collect();
    if segments.iter().any(|[a, b]| a == b) {
        return false;
    }
    let (west, east) = (|s: &Segment| s[0][0].min(s[1][0]), |s: &Segment| s[0][0].max(s[1][0]));
    segments.sort_unstable_by(|a, b| west(a).total_cmp(&west(b)));
    segments.iter().enumerate().all(|(i, a)| {
        let ahead = segments[i + 1..].iter().take_while(|b| west(b) <= east(a));
        ahead.filter(|b| overlap_in_y(a, b)).all(|b| apart(a, b))
    })
}

fn overlap_in_y(a: &Segment, b: &Segment) -> bool {
    a[0][1].min(a[1][1]) <= b[0][1].max(b[1][1]) && b[0][1].min(b[1][1]) <= a[0][1].max(a[1][1])
}

/// Whether two segments whose boxes meet have nothing in common but, perhaps, one end.
fn apart(a: &Segment, b: &Segment) -> bool {
    for (end, rest) in [(a[0], a[1]), (a[1], a[0])] {
        for (other_end, other) in [(b[0], b[1]), (b[1], b[0])] {
            if end == other_end {
                // Folded back on itself, or not.
                let ahead = (rest[0] - end[0]) * (other[0] - end[0]) + (rest[1] - end[1]) * (other[1] - end[1]);
                return orientation(end, rest, other) != 0.0 || ahead < 0.0;
            }
        }
    }
    let one_side = |s: &Segment, t: &Segment| {
        let (x, y) = (orientation(s[0], s[1], t[0]), orientation(s[0], s[1], t[1]));
        (x > 0.0 && y > 0.0) || (x < 0.0 && y < 0.0)
    };
    let beside = |k: usize| {
        let range = |s: &Segment| (s[0][k].min(s[1][k]), s[0][k].max(s[1][k]));
        range(a).1 < range(b).0 || range(b).1 < range(a).0
    };
    beside(0) || beside(1) || one_side(a, b) || one_side(b, a)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crossings_folds_and_turned_rings_are_seen() {
        let square = vec![[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0], [0.0, 0.0]];
        let hole = vec![[0.0, 0.0], [1.0, 2.0], [2.0, 1.0], [0.0, 0.0]];
        let sound = |rings: &[Vec<[f64; 2]>]| is_sound(rings, &[true, false][..rings.len()]);
        assert!(sound(std::slice::from_ref(&square)));
        assert!(sound(&[square.clone(), hole.clone()]), "a hole may touch the exterior at a vertex");
        for wrong in [
            vec![[0.0, 0.0], [4.0, 4.0], [4.0, 0.0], [0.0, 4.0], [0.0, 0.0]],
            vec![[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [4.0, 2.0], [4.0, 3.0], [0.0, 4.0], [0.0, 0.0]],
            vec![[0.0, 0.0], [4.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 0.0]],
            vec![[0.0, 0.0], [2.0, 0.0], [4.0, 0.0], [0.0, 0.0]],
            vec![[0.0, 0.0], [4.0, 0.0], [2.0, 3.0], [2.0, 0.0], [1.0, 3.0], [0.0, 0.0]],
            square.iter().rev().copied().collect(),
        ] {
            assert!(!sound(std::slice::from_ref(&wrong)), "{wrong:?}");
        }
        let out: Vec<_> = hole.iter().map(|p| [p[0] + 3.0, p[1] - 0.5]).collect();
        assert!(!sound(&[square, out]), "a hole that crosses the exterior");
    }
}
