//! Partitions with known faults: what snapping makes of them, whatever the order of their cells.

use super::plan::Partition;
use super::rings::{Origin, Snapped, Vertex, snap};
use crate::feature::Geometry;
use crate::geo::border::{self, Shape, unmatched};
use proptest::prelude::*;

const ALWAYS: [i64; 2] = [i64::MIN, i64::MAX];
/// Degrees to a metre, at 34.7° N.
const M: [f64; 2] = [1.0 / 91_620.0, 1.0 / 110_930.0];

type Ring = Vec<[f64; 2]>;

/// Metres from 114.3° E, 34.7° N.
fn at(x: f64, y: f64) -> [f64; 2] {
    [114.3 + x * M[0], 34.7 + y * M[1]]
}

fn ring(corners: &[[f64; 2]]) -> Ring {
    corners.iter().chain(corners.first()).map(|[x, y]| at(*x, *y)).collect()
}

fn partition(rings: &[Ring], reach: &[Option<f64>]) -> Partition {
    let cells: Vec<_> = rings.iter().map(|r| Shape { rings: vec![r.as_slice()], span: ALWAYS }).collect();
    let (nodes, cells) = border::number(&cells);
    Partition { nodes, cells, reach: reach.to_vec() }
}

fn snapped(rings: &[Ring]) -> (Vec<Ring>, Snapped) {
    let done = snap(&partition(rings, &vec![Some(0.05); rings.len()]));
    (after(rings, &done), done)
}

fn after(rings: &[Ring], done: &Snapped) -> Vec<Ring> {
    let new = |i: usize| {
        let r = &done.changed.get(&(i as u32))?.rings[0];
        Some(r.iter().chain(r.first()).map(|v| v.place).collect())
    };
    (0..rings.len()).map(|i| new(i).unwrap_or_else(|| rings[i].clone())).collect()
}

/// Edges without their reverse, and those of them beside another border.
fn faults(rings: &[Ring]) -> (usize, usize) {
    let p = partition(rings, &[]);
    (border::Loose::of(p.nodes.len(), &p.cells).sides.len(), unmatched(&p.nodes, &p.cells, 0.05).len())
}

/// Columns × rows of cells of about 40 m with `bends` vertices inside each edge, slanted so that nothing is level.
fn seamless(columns: usize, rows: usize, bends: usize) -> Vec<Ring> {
    let n = bends + 1;
    let node = |c: usize, r: usize| {
        let (x, y) = (c as f64 * 40.0 / n as f64, r as f64 * 40.0 / n as f64);
        [x + 3.0 * (y / 17.0).sin() + y * 0.1, y + 2.0 * (x / 23.0).cos()]
    };
    let mut cells = vec![];
    for c in 0..columns {
        for r in 0..rows {
            let south = (0..n).map(|i| node(c * n + i, r * n));
            let east = (0..n).map(|i| node((c + 1) * n, r * n + i));
            let north = (0..n).map(|i| node((c + 1) * n - i, (r + 1) * n));
            let west = (0..n).map(|i| node(c * n, (r + 1) * n - i));
            cells.push(ring(&south.chain(east).chain(north).chain(west).collect::<Vec<_>>()));
        }
    }
    cells
}

fn outer_sides(columns: usize, rows: usize, bends: usize) -> usize {
    2 * (columns + rows) * (bends + 1)
}

fn shoelace_m2(ring: &Ring) -> f64 {
    crate::geo::ring::area_m2(ring)
}

#[test]
fn a_seamless_partition_stays_as_it_is() {
    let cells = seamless(6, 5, 3);
    let (_, done) = snapped(&cells);
    assert!(done.changed.is_empty() && done.left.is_empty(), "{done:?}");
}

#[test]
fn one_moved_cell_comes_back_to_its_neighbours() {
    let good = seamless(3, 3, 2);
    let mut cells = good.clone();
    cells[4] = cells[4].iter().map(|p| [p[0] + 0.03 * M[0], p[1] - 0.02 * M[1]]).collect();
    assert!(faults(&cells).1 > 0);
    let (after, done) = snapped(&cells);
    assert_eq!(faults(&after), (outer_sides(3, 3, 2), 0));
    assert!(done.left.is_empty());
    // The nodes that the neighbours share among themselves are where they were.
    let corners = |r: &Ring| [r[0], r[3], r[6], r[9]].map(|p| p.map(f64::to_bits));
    assert_eq!(corners(&after[4]), corners(&good[4]));
    let most = done.changed.values().filter_map(|c| c.largest).map(|(way, _)| way).fold(0.0, f64::max);
    assert!(most > 0.03 && most < 0.037, "{most}");
}

#[test]
fn a_gap_wider_than_the_reach_stays() {
    for (gap, left) in [(0.06, 2), (0.04, 0)] {
        let cells = [
            ring(&[[0.0, 0.0], [50.0, 0.0], [50.0, 40.0], [0.0, 40.0]]),
            ring(&[[50.0 + gap, 0.0], [90.0, 0.0], [90.0, 40.0], [50.0 + gap, 40.0]]),
        ];
        let (after, done) = snapped(&cells);
        assert_eq!(done.changed.is_empty(), left == 2, "{gap}");
        assert_eq!(faults(&after), (6 + left, 0), "{gap}");
    }
}

#[test]
fn a_vertex_beside_an_edge_comes_into_it() {
    // Two cells share a corner at the long side of a third: near it, on it, and in it.
    for off in [0.03, 0.0, -0.03] {
        let cells = [
            ring(&[[0.0, 0.0], [50.0, 0.0], [50.0, 40.0], [0.0, 40.0]]),
            ring(&[[50.0, 0.0], [90.0, 0.0], [90.0, 17.0], [50.0 + off, 17.0]]),
            ring(&[[50.0 + off, 17.0], [90.0, 17.0], [90.0, 40.0], [50.0, 40.0]]),
        ];
        let (after, done) = snapped(&cells);
        assert_eq!((after[0].len(), done.changed[&0].inserted, done.changed.len()), (6, 1, 1), "{off}");
        assert_eq!(&after[1..], &cells[1..], "the corner is shared: it stays, and the long side bends");
        assert_eq!(faults(&after), (7, 0), "{off}");
    }
}

#[test]
fn a_lone_vertex_goes_onto_the_edge_and_into_it() {
    let cells = [
        ring(&[[0.0, 0.0], [50.0, 0.0], [50.0, 40.0], [0.0, 40.0]]),
        ring(&[[50.0, 0.0], [90.0, 0.0], [90.0, 40.0], [50.0, 40.0], [50.04, 25.0], [50.0, 13.0]]),
    ];
    let (after, done) = snapped(&cells);
    assert_eq!((done.changed[&0].inserted, done.changed[&0].moved, done.changed[&1].moved), (2, 0, 1));
    assert!((shoelace_m2(&after[0]) - shoelace_m2(&cells[0])).abs() < 1e-3, "the edge stays straight");
    assert_eq!(faults(&after), (6, 0));
}

#[test]
fn records_that_may_not_change_do_not() {
    let fixed = ring(&[[0.0, 0.0], [50.0, 0.0], [50.0, 40.0], [0.0, 40.0]]);
    let free = ring(&[[50.03, 0.0], [90.0, 0.0], [90.0, 40.0], [50.03, 40.0], [50.03, 20.0]]);
    let cells = [fixed, free];
    let done = snap(&partition(&cells, &[None, Some(0.05)]));
    assert_eq!(done.changed.keys().collect::<Vec<_>>(), [&1]);
    assert_eq!(
        done.changed[&1].moved, 2,
        "its corners go to the other's; the vertex at its side has no vertex to go to"
    );
    assert_eq!(done.left[&1].edges, 2);
}

#[test]
fn a_cell_that_would_collapse_keeps_its_vertices() {
    // 4 cm wide between two that are far wider: both its sides would go to one line.
    let cells = [
        ring(&[[0.0, 0.0], [50.0, 0.0], [50.0, 40.0], [0.0, 40.0]]),
        ring(&[[50.02, 5.0], [50.06, 5.0], [50.06, 35.0], [50.02, 35.0]]),
        ring(&[[50.08, 0.0], [90.0, 0.0], [90.0, 40.0], [50.08, 40.0]]),
    ];
    let (after, _) = snapped(&cells);
    assert!(after.iter().all(|r| shoelace_m2(r) > 0.0));
    for r in &after {
        assert!(super::sound::is_sound(std::slice::from_ref(r), &[true]));
    }
}

#[test]
fn cells_of_different_times_do_not_meet() {
    let old = ring(&[[0.0, 0.0], [50.0, 0.0], [50.0, 40.0], [0.0, 40.0]]);
    let new = ring(&[[50.03, 0.0], [90.0, 0.0], [90.0, 40.0], [50.03, 40.0]]);
    let shape = |ring, span| Shape { rings: vec![ring], span };
    let cells = [shape(old.as_slice(), [0, 10]), shape(new.as_slice(), [10, 20])];
    let (nodes, cells) = border::number(&cells);
    let done = snap(&Partition { nodes, cells, reach: vec![Some(0.05); 2] });
    assert!(done.changed.is_empty());
}

#[test]
fn heights_go_with_their_vertices() {
    let square = ring(&[[0.0, 0.0], [50.0, 0.0], [50.0, 40.0], [0.0, 40.0]]);
    let old = Geometry { z: vec![10.0, 20.0, 30.0, 40.0, 10.0], ..Geometry::polygon(&[square]) };
    let own = |i: usize| Vertex { place: old.xy[i], origin: Origin::Own(i) };
    let new = |i, along| Vertex { place: at(50.0, 20.0), origin: Origin::Between(i, along) };
    let g = super::rebuilt(&old, &[vec![own(0), own(1), new(1, 0.5), own(2), own(3), new(3, 0.25)]]);
    assert_eq!(g.z, [10.0, 20.0, 25.0, 30.0, 40.0, 32.5, 10.0]);
    assert_eq!((g.xy.first(), g.xy.len(), g.ends, g.parts), (g.xy.last(), 7, vec![7], vec![1]));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Every vertex of every cell moved by up to 2.4 cm on its own: two copies are less than 5 cm apart.
    #[test]
    fn jittered_partitions_are_reunited_whatever_their_order(
        noise in prop::collection::vec((0.0..0.024f64, 0.0..std::f64::consts::TAU), 12 * 16),
        share in 0.1..1.0f64,
        order in Just((0..12usize).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let mut moves = noise.iter().cycle();
        let mut cells: Vec<Ring> = seamless(4, 3, 3);
        for cell in &mut cells {
            let last = cell.len() - 1;
            for p in &mut cell[..last] {
                let (r, a) = moves.next().copied().unwrap_or_default();
                if a / std::f64::consts::TAU < share {
                    *p = [p[0] + r * a.cos() * M[0], p[1] + r * a.sin() * M[1]];
                }
            }
            cell[last] = cell[0];
        }
        let (after, done) = snapped(&cells);
        prop_assert_eq!(faults(&after), (outer_sides(4, 3, 3), 0));
        prop_assert!(done.left.is_empty());
        prop_assert!(done.changed.values().all(|c| c.inserted == 0 && c.largest.is_none_or(|l| l.0 <= 0.05)));
        let shuffled: Vec<Ring> = order.iter().map(|i| cells[*i].clone()).collect();
        let (again, _) = snapped(&shuffled);
        for (at, i) in order.iter().enumerate() {
            prop_assert_eq!(&again[at], &after[*i]);
        }
        let (twice, done) = snapped(&after);
        prop_assert!(done.changed.is_empty() && twice == after, "snapping again changes nothing");
    }
}
