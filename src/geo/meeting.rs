//! Whether edges meet elsewhere than in a common end, exactly: by the signs of `side`'s determinants alone.

use super::BBox;
use super::side::{Edge, orientation};
use std::cmp::Ordering;

/// Whether rings cross themselves or each other, or run along each other. Meeting in vertices is allowed. Compares all
/// pairs of edges: for rings of some hundred vertices.
pub fn cross_themselves(rings: &[Vec<[f64; 2]>]) -> bool {
    let edges: Vec<Edge> =
        rings.iter().flat_map(|r| r.windows(2)).filter(|w| w[0] != w[1]).map(|w| Edge::new(w[0], w[1])).collect();
    edges.iter().enumerate().any(|(i, a)| edges[i + 1..].iter().any(|b| touches(a, b)))
}

/// Whether two edges meet anywhere but in a common end from which they part.
pub fn touches(a: &Edge, b: &Edge) -> bool {
    if !a.meets(&BBox::of(&[b.low, b.high])) {
        return false;
    }
    let common = |p: [f64; 2]| p == b.low || p == b.high;
    match (common(a.low), common(a.high)) {
        (true, true) => true,
        (true, false) => goes_along(a.low, a.high, b),
        (false, true) => goes_along(a.high, a.low, b),
        (false, false) => !(apart(a, b) || apart(b, a)),
    }
}

/// Whether an edge from a common end to `to` runs along `b`: on one line and in one direction. Else they part for good.
fn goes_along(common: [f64; 2], to: [f64; 2], b: &Edge) -> bool {
    let end = if common == b.low { b.high } else { b.low };
    let forward = |v: [f64; 2]| [v[0].total_cmp(&common[0]), v[1].total_cmp(&common[1])];
    orientation(b.low, b.high, to) == 0.0 && forward(to) == forward(end)
}

/// Whether all of `b` is strictly on one side of `a`'s line.
fn apart(a: &Edge, b: &Edge) -> bool {
    let side = |p| orientation(a.low, a.high, p).total_cmp(&0.0);
    let (low, high) = (side(b.low), side(b.high));
    // A zero of either sign is on the line.
    let clear = |o: Ordering, p| o != Ordering::Equal && orientation(a.low, a.high, p) != 0.0;
    clear(low, b.low) && clear(high, b.high) && low == high
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(a: [f64; 2], b: [f64; 2]) -> Edge {
        Edge::new(a, b)
    }

    #[test]
    fn edges_may_share_an_end_and_nothing_else() {
        let level = edge([0.0, 0.0], [4.0, 0.0]);
        for (other, want) in [
            (edge([4.0, 0.0], [5.0, 1.0]), false),
            (edge([4.0, 0.0], [8.0, 0.0]), false),
            (edge([0.0, 1.0], [4.0, 1.0]), false),
            (edge([2.0, 0.0], [2.0, 3.0]), true),
            (edge([2.0, -1.0], [2.0, 3.0]), true),
            (edge([0.0, 0.0], [3.0, 0.0]), true),
            (edge([1.0, 0.0], [9.0, 0.0]), true),
            (level, true),
        ] {
            assert_eq!((touches(&level, &other), touches(&other, &level)), (want, want), "{other:?}");
        }
    }

    #[test]
    fn rings_that_cross_themselves_are_told_from_sound_ones() {
        let ring = |p: &[[f64; 2]]| p.to_vec();
        let square = ring(&[[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0], [0.0, 0.0]]);
        let hole = ring(&[[1.0, 1.0], [1.0, 2.0], [2.0, 2.0], [1.0, 1.0]]);
        let across = ring(&[[3.0, 3.0], [3.0, 5.0], [5.0, 5.0], [3.0, 3.0]]);
        let bow = ring(&[[0.0, 0.0], [4.0, 4.0], [4.0, 0.0], [0.0, 4.0], [0.0, 0.0]]);
        let at_a_vertex = ring(&[[0.0, 0.0], [2.0, 0.0], [1.0, 1.0], [2.0, 2.0], [0.0, 2.0], [1.0, 1.0], [0.0, 0.0]]);
        let repeated = ring(&[[0.0, 0.0], [4.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 0.0]]);
        assert!([vec![square.clone(), hole], vec![at_a_vertex], vec![repeated]].iter().all(|r| !cross_themselves(r)));
        assert!([vec![square, across], vec![bow]].iter().all(|r| cross_themselves(r)));
    }
}
