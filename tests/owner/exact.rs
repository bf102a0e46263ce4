//! A city's partition of 15,252 cells: a million random points and a hundred thousand on edges and nodes, each in exactly
//! the cell that whole-number arithmetic says.

use super::oracle::{Polygon, whole};
use chengtu::feature::Geometry;
use chengtu::ownership::{Fineness, PolygonIndex};
use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};
use std::collections::HashMap;

const COLUMNS: usize = 123;
const ROWS: usize = 124;
const WEST: f64 = 114.27;
const SOUTH: f64 = 34.73;
/// About 100 m.
const SIDE: f64 = 0.001;

struct Random(TestRng);

impl Random {
    fn next(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Nodes moved about, borders bent once, shared vertex by vertex; some cells with a hole that another cell fills.
fn partition(random: &mut Random) -> Vec<Geometry> {
    let mut node = HashMap::new();
    let mut bends = HashMap::new();
    for j in 0..=ROWS {
        for i in 0..=COLUMNS {
            let move_by = |r: f64| (r - 0.5) * SIDE * 0.5;
            let p = [WEST + i as f64 * SIDE + move_by(random.next()), SOUTH + j as f64 * SIDE + move_by(random.next())];
            node.insert((i, j), p);
        }
    }
    let mut bend = |a: (usize, usize), b: (usize, usize), random: &mut Random| {
        let key = if a < b { (a, b) } else { (b, a) };
        let (p, q) = (node[&key.0], node[&key.1]);
        *bends.entry(key).or_insert_with(|| {
            let (t, off) = (0.3 + 0.4 * random.next(), (random.next() - 0.5) * 0.2);
            [p[0] + (q[0] - p[0]) * t - (q[1] - p[1]) * off, p[1] + (q[1] - p[1]) * t + (q[0] - p[0]) * off]
        })
    };
    let (mut cells, mut islands) = (vec![], vec![]);
    for j in 0..ROWS {
        for i in 0..COLUMNS {
            let corners = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)];
            let mut ring = vec![];
            for k in 0..4 {
                ring.push(node[&corners[k]]);
                ring.push(bend(corners[k], corners[(k + 1) % 4], random));
            }
            ring.push(ring[0]);
            if (i + j * 7) % 50 != 0 {
                cells.push(Geometry::polygon(&[ring]));
                continue;
            }
            let c = [WEST + (i as f64 + 0.5) * SIDE, SOUTH + (j as f64 + 0.5) * SIDE];
            let s = SIDE * 0.05;
            let island = vec![[c[0], c[1] - s], [c[0] + s, c[1]], [c[0], c[1] + s], [c[0] - s, c[1]], [c[0], c[1] - s]];
            cells.push(Geometry::polygon(&[ring, island.iter().rev().copied().collect()]));
            islands.push(Geometry::polygon(&[island]));
        }
    }
    cells.append(&mut islands);
    cells
}

/// The oracle's polygons by coarse boxes, so that not every one is asked.
struct Oracle {
    polygons: Vec<Polygon>,
    bins: HashMap<[i64; 2], Vec<u32>>,
}

fn bin(p: [f64; 2]) -> [i64; 2] {
    p.map(|v| (v / SIDE).floor() as i64)
}

impl Oracle {
    fn new(cells: &[Geometry]) -> Oracle {
        let mut oracle = Oracle { polygons: vec![], bins: HashMap::new() };
        for (n, g) in cells.iter().enumerate() {
            let rings: Vec<&[[f64; 2]]> = g.runs().map(|r| &g.xy[r]).collect();
            oracle.polygons.push(Polygon::new(&rings));
            let b = g.bbox();
            let ([x0, y0], [x1, y1]) = (bin([b.min_x, b.min_y]), bin([b.max_x, b.max_y]));
            for x in x0 - 1..=x1 + 1 {
                for y in y0 - 1..=y1 + 1 {
                    oracle.bins.entry([x, y]).or_default().push(n as u32);
                }
            }
        }
        oracle
    }

    fn holding(&self, p: [f64; 2]) -> Vec<u32> {
        let exact = whole(p);
        let near = self.bins.get(&bin(p)).map_or(&[][..], Vec::as_slice);
        near.iter().copied().filter(|&n| self.polygons[n as usize].holds(exact)).collect()
    }
}

fn compare(index: &PolygonIndex, oracle: &Oracle, p: [f64; 2]) -> usize {
    let mut found = vec![];
    index.containing(p, |i| found.push(i));
    assert_eq!(found, oracle.holding(p), "{p:?}");
    found.len()
}

#[test]
fn every_point_is_in_the_one_cell_that_whole_numbers_say() {
    let mut random = Random(TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let cells = partition(&mut random);
    let index = PolygonIndex::build(cells.iter(), Fineness::Fine);
    let oracle = Oracle::new(&cells);
    let (east, north) = (WEST + COLUMNS as f64 * SIDE, SOUTH + ROWS as f64 * SIDE);
    // Away from the partition's own border every point has exactly one cell.
    let within =
        |p: [f64; 2]| (WEST + SIDE..east - SIDE).contains(&p[0]) && (SOUTH + SIDE..north - SIDE).contains(&p[1]);
    for _ in 0..1_000_000 {
        let p = [WEST - SIDE + random.next() * (east - WEST + 2.0 * SIDE), SOUTH + random.next() * (north - SOUTH)];
        let count = compare(&index, &oracle, p);
        assert!(count == 1 || !within(p), "{p:?} is in {count} cells");
    }
    for _ in 0..50_000 {
        let g = &cells[(random.next() * cells.len() as f64) as usize];
        let k = (random.next() * (g.xy.len() - 1) as f64) as usize;
        // A node, and a point on the edge as near as doubles come.
        let t = random.next();
        let (a, b) = (g.xy[k], g.xy[k + 1]);
        for p in [a, [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t]] {
            let count = compare(&index, &oracle, p);
            assert!(count == 1 || !within(p), "{p:?} is in {count} cells");
        }
    }
}
