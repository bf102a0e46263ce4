//! Borders between the cells of a partition: which edges no neighbour has the other way round, bit for bit, and where
//! the border of another cell runs within reach of such an edge all the same. Finds and measures; moves nothing.

use super::local::Local;
use std::collections::{BTreeMap, HashMap};

/// The shortest metres of a degree of latitude (at the equator: 110 574), rounded down.
const DEGREE_M: f64 = 110_500.0;

/// A cell as recorded.
#[derive(Debug, Clone)]
pub struct Shape<'a> {
    /// Closed; exteriors counter-clockwise, holes clockwise, degrees.
    pub rings: Vec<&'a [[f64; 2]]>,
    /// As of `Cell`.
    pub span: [i64; 2],
}

/// A cell, as its borders see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// Numbers of nodes, not closed; exteriors counter-clockwise, holes clockwise.
    pub rings: Vec<Vec<u32>>,
    /// When it holds: `[from, to)`. Cells that never hold together are no neighbours.
    pub span: [i64; 2],
}

/// An edge of a ring in its own direction: the cell lies to its left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Side {
    pub from: u32,
    pub to: u32,
    pub cell: u32,
}

/// Edges that lack their reverse.
#[derive(Debug, Default)]
pub struct Loose {
    pub sides: Vec<Side>,
    /// Nodes with an edge that does have its reverse.
    pub matched: Vec<bool>,
    /// (node, position in `sides`) of both ends, sorted.
    ends: Vec<(u32, u32)>,
}

/// A node of one cell's loose edge within reach of the loose edge of another cell, which does not end there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Meeting {
    pub node: u32,
    /// The node's own edge that faces the other; both are positions in `Loose::sides`.
    pub side: u32,
    pub host: u32,
    /// Where along the host the nearest point is, 0 ..= 1.
    pub along: f64,
    pub distance_m: f64,
}

/// A loose edge beside the border of another cell: the two are meant to be one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unmatched {
    pub cell: u32,
    pub other: u32,
    /// The vertex of either that is nearest to the other, degrees, and how near it is.
    pub place: [f64; 2],
    pub distance_m: f64,
}

/// Loose edges within `reach_m` of another cell's border, each with what is nearest to it; in order of edges.
pub fn unmatched(nodes: &[[f64; 2]], cells: &[Cell], reach_m: f64) -> Vec<Unmatched> {
    let loose = Loose::of(nodes.len(), cells);
    let mut meetings = loose.meetings(nodes, cells, reach_m);
    meetings.sort_unstable_by_key(|m| (m.distance_m.to_bits(), m.node, m.side, m.host));
    let mut found: BTreeMap<u32, Unmatched> = BTreeMap::new();
    for m in meetings {
        for (one, other) in [(m.side, m.host), (m.host, m.side)] {
            let [cell, other] = [one, other].map(|s| loose.sides[s as usize].cell);
            let (place, distance_m) = (nodes[m.node as usize], m.distance_m);
            found.entry(one).or_insert(Unmatched { cell, other, place, distance_m });
        }
    }
    found.into_values().collect()
}

/// Distinct places (degrees) in order, and the cells of closed rings as numbers of them: numbers do not depend on the
/// order of the cells.
pub fn number(shapes: &[Shape<'_>]) -> (Vec<[f64; 2]>, Vec<Cell>) {
    let mut nodes: Vec<[f64; 2]> = shapes.iter().flat_map(|s| &s.rings).flat_map(|r| r.iter().copied()).collect();
    let order = |a: &[f64; 2], b: &[f64; 2]| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1]));
    nodes.sort_unstable_by(order);
    nodes.dedup_by_key(|p| p.map(f64::to_bits));
    let at = |p: &[f64; 2]| nodes.binary_search_by(|n| order(n, p)).unwrap_or_default() as u32;
    let ring = |r: &&[[f64; 2]]| r[..r.len().saturating_sub(1)].iter().map(at).collect();
    let cell = |s: &Shape<'_>| Cell { rings: s.rings.iter().map(ring).collect(), span: s.span };
    let cells = shapes.iter().map(cell).collect();
    (nodes, cells)
}

impl Cell {
    pub fn edges(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.rings.iter().flat_map(|r| r.iter().enumerate().map(|(i, &from)| (from, r[(i + 1) % r.len()])))
    }
}

/// Whether two cells ever hold at the same time.
fn together(a: &Cell, b: &Cell) -> bool {
    a.span[0] < b.span[1] && b.span[0] < a.span[1]
}

impl Loose {
    pub fn of(nodes: usize, cells: &[Cell]) -> Loose {
        let mut all: Vec<Side> = vec![];
        for (i, cell) in cells.iter().enumerate() {
            all.extend(cell.edges().map(|(from, to)| Side { from, to, cell: i as u32 }));
        }
        // Both directions of an edge side by side.
        all.sort_unstable_by_key(|s| (s.from.min(s.to), s.from.max(s.to), *s));
        let mut loose = Loose { matched: vec![false; nodes], ..Loose::default() };
        for same in all.chunk_by(|a, b| (a.from.min(a.to), a.from.max(a.to)) == (b.from.min(b.to), b.from.max(b.to))) {
            for side in same {
                let cell = &cells[side.cell as usize];
                let reverse = |o: &&Side| o.from == side.to && together(cell, &cells[o.cell as usize]);
                match same.iter().find(reverse) {
                    Some(_) => [side.from, side.to].into_iter().for_each(|n| loose.matched[n as usize] = true),
                    None => loose.sides.push(*side),
                }
            }
        }
        let ends = loose.sides.iter().zip(0..).flat_map(|(s, i)| [(s.from, i), (s.to, i)]);
        loose.ends = ends.collect();
        loose.ends.sort_unstable();
        loose
    }

    /// The loose edges that begin or end at a node.
    fn at(&self, node: u32) -> &[(u32, u32)] {
        let from = self.ends.partition_point(|(n, _)| *n < node);
        let count = self.ends[from..].partition_point(|(n, _)| *n == node);
        &self.ends[from..from + count]
    }

    /// Every node within `reach_m` of the border of another cell that runs the other way (more than a right angle
    /// turned, as the two sides of a seam do), once for each edge of the node that does.
    pub fn meetings(&self, nodes: &[[f64; 2]], cells: &[Cell], reach_m: f64) -> Vec<Meeting> {
        let grid = Grid::of(nodes, &self.sides, reach_m);
        let mut found = vec![];
        let mut before = None;
        for &(node, _) in &self.ends {
            if before.replace(node) == Some(node) {
                continue;
            }
            let here = Local::at(nodes[node as usize]);
            for &host in grid.around(nodes[node as usize]) {
                let h = &self.sides[host as usize];
                if h.from == node || h.to == node {
                    continue;
                }
                let (along, distance_m) = nearest(&here, nodes, h);
                if distance_m > reach_m {
                    continue;
                }
                let other = |s: &Side| s.cell != h.cell && together(&cells[s.cell as usize], &cells[h.cell as usize]);
                let faces = |s: &Side| other(s) && facing(&here, nodes, s, h);
                let own = self.at(node).iter().map(|(_, i)| *i).filter(|i| faces(&self.sides[*i as usize]));
                found.extend(own.map(|side| Meeting { node, side, host, along, distance_m }));
            }
        }
        found
    }
}

fn facing(here: &Local, nodes: &[[f64; 2]], a: &Side, b: &Side) -> bool {
    let way = |s: &Side| {
        let (p, q) = (here.offset_m(nodes[s.from as usize]), here.offset_m(nodes[s.to as usize]));
        [q[0] - p[0], q[1] - p[1]]
    };
    let (a, b) = (way(a), way(b));
    a[0] * b[0] + a[1] * b[1] < 0.0
}

/// Where along a side the point nearest to `here` is, 0 ..= 1, and how far in metres.
fn nearest(here: &Local, nodes: &[[f64; 2]], side: &Side) -> (f64, f64) {
    let (a, b) = (here.offset_m(nodes[side.from as usize]), here.offset_m(nodes[side.to as usize]));
    let d = [b[0] - a[0], b[1] - a[1]];
    let long = d[0] * d[0] + d[1] * d[1];
    let along = if long > 0.0 { (-(a[0] * d[0] + a[1] * d[1]) / long).clamp(0.0, 1.0) } else { 0.0 };
    (along, (a[0] + along * d[0]).hypot(a[1] + along * d[1]))
}

/// Sides by the squares that they come near: of the size of a usual side, so that a side lies in a few of them.
struct Grid {
    size: [f64; 2],
    squares: HashMap<[i64; 2], Vec<u32>>,
}

impl Grid {
    fn of(nodes: &[[f64; 2]], sides: &[Side], reach_m: f64) -> Grid {
        let ends = |s: &Side| (nodes[s.from as usize], nodes[s.to as usize]);
        let places = sides.iter().flat_map(|s| [ends(s).0, ends(s).1]);
        let pole = places.fold(0.0f64, |m, p| m.max(p[1].abs()));
        // A hair wider, for the rounding of squares.
        let reach = [Local::at([0.0, pole]).window(reach_m).max_x * 1.001, reach_m / DEGREE_M];
        let mean = |k: usize| sides.iter().map(|s| (ends(s).0[k] - ends(s).1[k]).abs()).sum::<f64>();
        let size = [0, 1].map(|k| (mean(k) / sides.len().max(1) as f64).max(4.0 * reach[k]));
        let mut grid = Grid { size, squares: HashMap::new() };
        for (i, side) in sides.iter().enumerate() {
            grid.add(ends(side), reach, i as u32);
        }
        grid
    }

    fn add(&mut self, (a, b): ([f64; 2], [f64; 2]), reach: [f64; 2], side: u32) {
        let (a, b) = if a[0] <= b[0] { (a, b) } else { (b, a) };
        let slope = if b[0] > a[0] { (b[1] - a[1]) / (b[0] - a[0]) } else { 0.0 };
        let column = |x: f64| (x / self.size[0]).floor() as i64;
        let row = |y: f64| (y / self.size[1]).floor() as i64;
        for c in column(a[0] - reach[0])..=column(b[0] + reach[0]) {
            // The piece of the side over this column, and a bit.
            let west = (c as f64 * self.size[0] - reach[0]).clamp(a[0], b[0]);
            let east = ((c + 1) as f64 * self.size[0] + reach[0]).clamp(a[0], b[0]);
            let (from, to) = match b[0] > a[0] {
                true => (a[1] + (west - a[0]) * slope, a[1] + (east - a[0]) * slope),
                false => (a[1], b[1]),
            };
            for r in row(from.min(to) - reach[1])..=row(from.max(to) + reach[1]) {
                self.squares.entry([c, r]).or_default().push(side);
            }
        }
    }

    fn around(&self, p: [f64; 2]) -> &[u32] {
        let square = [0, 1].map(|k| (p[k] / self.size[k]).floor() as i64);
        self.squares.get(&square).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALWAYS: [i64; 2] = [i64::MIN, i64::MAX];
    /// Degrees of about a metre.
    const M: f64 = 1e-5;

    fn box_of(w: f64, s: f64, e: f64, n: f64) -> Vec<[f64; 2]> {
        [[w, s], [e, s], [e, n], [w, n], [w, s]].map(|[x, y]| [114.3 + x * M, 34.7 + y * M]).to_vec()
    }

    fn meetings(rings: &[(Vec<[f64; 2]>, [i64; 2])]) -> (usize, Vec<Meeting>) {
        let cells: Vec<_> = rings.iter().map(|(r, span)| Shape { rings: vec![r.as_slice()], span: *span }).collect();
        let (nodes, cells) = number(&cells);
        let loose = Loose::of(nodes.len(), &cells);
        (loose.sides.len(), loose.meetings(&nodes, &cells, 0.05))
    }

    #[test]
    fn shared_edges_are_matched_and_the_outer_border_is_loose() {
        let (a, b) = (box_of(0.0, 0.0, 50.0, 50.0), box_of(50.0, 0.0, 90.0, 50.0));
        let (loose, found) = meetings(&[(a.clone(), ALWAYS), (b.clone(), ALWAYS)]);
        assert_eq!((loose, found), (6, vec![]));
        let (loose, found) = meetings(&[(a, [0, 10]), (b, [10, 20])]);
        assert_eq!((loose, found), (8, vec![]), "they never hold together");
    }

    #[test]
    fn a_vertex_on_anothers_edge_meets_it() {
        let a = box_of(0.0, 0.0, 50.0, 50.0);
        let (low, high) = (box_of(50.0, 0.0, 90.0, 20.0), box_of(50.0, 20.0, 90.0, 50.0));
        let (_, found) = meetings(&[(a, ALWAYS), (low, ALWAYS), (high, ALWAYS)]);
        assert!(!found.is_empty() && found.iter().all(|m| m.distance_m < 1e-6), "{found:?}");
        assert!(found.iter().any(|m| (m.along - 0.4).abs() < 1e-6), "{found:?}");
    }

    #[test]
    fn reach_ends_where_it_is_said_to() {
        for (gap, met) in [(0.03, true), (0.049, true), (0.06, false)] {
            // Long and slanted beside short ones: squares of the grid are none of their sizes.
            let a = box_of(0.0, 0.0, 50.0, 4000.0);
            let wide = gap / 91_500.0 / M;
            let b: Vec<_> = (0..40)
                .map(|i| (box_of(50.0 + wide, f64::from(i) * 100.0 + 1.0, 60.0, f64::from(i) * 100.0 + 90.0), ALWAYS))
                .collect();
            let all: Vec<_> = std::iter::once((a, ALWAYS)).chain(b).collect();
            let (_, found) = meetings(&all);
            assert_eq!(found.len(), if met { 80 } else { 0 }, "{gap}");
        }
    }
}
