//! Shared-border simplification: the vertices of a coverage (grids, land cover, road surfaces) get one
//! importance each for all polygons that touch there, so that two neighbours keep the same vertices at every
//! zoom and no gap opens between them.
//!
//! Rings are cut into arcs at nodes (vertices where more than two edges meet, or where borders part), each arc
//! is ranked once in a direction of its own, whichever polygon it is met in. Arcs ranked one by one might cross when
//! they are simplified; `removal` makes their vertices wait for each other, so that they do not.

use super::removal;
use crate::geo::importance;
use std::collections::{HashMap, HashSet};

/// Vertices are the same when their coordinates are bit for bit the same.
type Place = (u64, u64);

/// Importances of every vertex of every ring, in the order the rings were added.
pub struct Topology {
    vertex_of: HashMap<Place, u32>,
    xy: Vec<[f64; 2]>,
    /// The two neighbours met first; `NODE` in the second place marks a node.
    neighbours: Vec<[u32; 2]>,
    /// Vertex numbers of all rings, closing vertex included.
    rings: Vec<u32>,
    ends: Vec<usize>,
}

const NONE: u32 = u32::MAX;
const NODE: u32 = u32::MAX - 1;

impl Topology {
    pub fn new() -> Topology {
        Topology { vertex_of: HashMap::new(), xy: vec![], neighbours: vec![], rings: vec![], ends: vec![] }
    }

    /// Adds a closed ring, coordinates on the Mercator plane.
    pub fn add_ring(&mut self, ring: &[[f64; 2]]) {
        let from = self.rings.len();
        for &p in ring {
            let v = self.vertex(p);
            self.rings.push(v);
        }
        self.ends.push(self.rings.len());
        for i in from..self.rings.len().saturating_sub(1) {
            let (a, b) = (self.rings[i], self.rings[i + 1]);
            self.meet(a, b);
            self.meet(b, a);
        }
    }

    fn vertex(&mut self, p: [f64; 2]) -> u32 {
        let next = self.xy.len() as u32;
        // + 0.0 makes −0 and 0 one place.
        let place = ((p[0] + 0.0).to_bits(), (p[1] + 0.0).to_bits());
        let v = *self.vertex_of.entry(place).or_insert(next);
        if v == next {
            self.xy.push(p);
            self.neighbours.push([NONE, NONE]);
        }
        v
    }

    fn meet(&mut self, at: u32, neighbour: u32) {
        let n = &mut self.neighbours[at as usize];
        if n[1] == NODE || n[0] == neighbour || n[1] == neighbour || at == neighbour {
            return;
        }
        match *n {
            [NONE, _] => n[0] = neighbour,
            [_, NONE] => n[1] = neighbour,
            _ => n[1] = NODE,
        }
    }

    fn is_node(&self, v: u32) -> bool {
        self.neighbours[v as usize][1] == NODE
    }

    /// The largest tolerance at which each ring vertex is still kept, ring after ring; infinite where always. `most`:
    /// the largest tolerance that will be asked for.
    pub fn importances(self, most: f32) -> Vec<f32> {
        let mut rank = vec![0.0f32; self.xy.len()];
        let mut line = Vec::new();
        let mut ranked = Vec::new();
        let mut arc = Vec::new();
        for ring in self.ring_ranges() {
            self.each_arc(ring, &mut arc, &mut |arc| {
                self.rank_arc(arc, &mut line, &mut ranked, &mut rank);
            });
        }
        let links: Vec<Option<removal::Links>> =
            (0..self.xy.len() as u32).map(|v| self.is_inner(v).then(|| self.neighbours[v as usize])).collect();
        removal::order(&self.xy, &links, self.joined(), &mut rank, most);
        self.rings.iter().map(|&v| rank[v as usize]).collect()
    }

    /// Neither a node nor a dead end.
    fn is_inner(&self, v: u32) -> bool {
        self.neighbours[v as usize][1] < NODE
    }

    /// Edges whose ends both stay.
    fn joined(&self) -> HashSet<(u32, u32)> {
        let edges = self.ring_ranges().flat_map(|r| self.rings[r].windows(2));
        let kept = edges.filter(|e| !self.is_inner(e[0]) && !self.is_inner(e[1]));
        kept.map(|e| (e[0].min(e[1]), e[0].max(e[1]))).collect()
    }

    fn ring_ranges(&self) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
        let mut from = 0;
        self.ends.iter().map(move |&end| {
            let range = from..end;
            from = end;
            range
        })
    }

    /// Calls `each` with the vertices of every arc of a ring, both end nodes included. A ring without a node is
    /// one closed arc from its lowest vertex.
    fn each_arc(&self, ring: std::ops::Range<usize>, arc: &mut Vec<u32>, each: &mut dyn FnMut(&mut Vec<u32>)) {
        let open = match self.rings[ring].split_last() {
            Some((_, open)) if open.len() >= 2 => open,
            _ => return,
        };
        let lowest = |v: &u32| self.xy[*v as usize];
        let start = open.iter().position(|&v| self.is_node(v)).or_else(|| {
            (0..open.len())
                .min_by(|&a, &b| lowest(&open[a]).partial_cmp(&lowest(&open[b])).unwrap_or(std::cmp::Ordering::Equal))
        });
        let start = start.unwrap_or(0);
        arc.clear();
        arc.push(open[start]);
        for i in 1..=open.len() {
            let v = open[(start + i) % open.len()];
            arc.push(v);
            if self.is_node(v) || i == open.len() {
                each(arc);
                arc.clear();
                arc.push(v);
            }
        }
    }

    fn rank_arc(&self, arc: &mut [u32], line: &mut Vec<[f64; 2]>, ranked: &mut Vec<f64>, rank: &mut [f32]) {
        self.direct(arc);
        line.clear();
        line.extend(arc.iter().map(|&v| self.xy[v as usize]));
        importance(line, ranked);
        for (&v, &r) in arc.iter().zip(ranked.iter()) {
            rank[v as usize] = rank[v as usize].max(r as f32);
        }
    }

    /// Turns an arc into its own direction: the end with the lower coordinates first; a closed arc by its
    /// second vertex.
    fn direct(&self, arc: &mut [u32]) {
        let n = arc.len();
        let at = |i: usize| self.xy[arc[i] as usize];
        let backwards = match at(0).partial_cmp(&at(n - 1)) {
            Some(std::cmp::Ordering::Greater) => true,
            Some(std::cmp::Ordering::Equal) if n > 2 => at(1) > at(n - 2),
            _ => false,
        };
        if backwards {
            arc.reverse();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Ring = Vec<[f64; 2]>;

    /// Two cells that share a wiggly border, the second drawn the other way round.
    fn neighbours() -> (Ring, Ring, Ring) {
        let border: Vec<[f64; 2]> =
            (0..=40).map(|i| [10.0 + ((i * 7919) % 13) as f64 * 0.01, i as f64 * 0.25]).collect();
        let mut left = vec![[0.0, 0.0]];
        left.extend(&border);
        left.extend([[0.0, 10.0], [0.0, 0.0]]);
        let mut right = vec![[20.0, 10.0]];
        right.extend(border.iter().rev());
        right.extend([[20.0, 0.0], [20.0, 10.0]]);
        (left, right, border)
    }

    fn kept(ring: &[[f64; 2]], rank: &[f32], tolerance: f32) -> Vec<[f64; 2]> {
        ring.iter().zip(rank).filter(|(_, r)| **r >= tolerance).map(|(p, _)| *p).collect()
    }

    #[test]
    fn both_neighbours_keep_the_same_border() {
        let (left, right, border) = neighbours();
        let mut t = Topology::new();
        t.add_ring(&left);
        t.add_ring(&right);
        let rank = t.importances(f32::MAX);
        let (a, b) = rank.split_at(left.len());
        for tolerance in [0.001, 0.02, 0.05, 0.08, 0.2, 5.0] {
            let on_border = |v: Vec<[f64; 2]>| {
                let mut v: Vec<_> = v.into_iter().filter(|p| border.contains(p)).collect();
                v.sort_by(|p, q| p.partial_cmp(q).unwrap());
                v.dedup();
                v
            };
            let (l, r) = (on_border(kept(&left, a, tolerance)), on_border(kept(&right, b, tolerance)));
            assert_eq!(l, r, "tolerance {tolerance}");
            assert!(l.len() >= 2);
        }
    }

    #[test]
    fn an_island_never_collapses() {
        let ring: Vec<[f64; 2]> =
            (0..=12).map(|i| f64::from(i % 12) * std::f64::consts::FRAC_PI_6).map(|a| [a.cos(), a.sin()]).collect();
        let mut t = Topology::new();
        t.add_ring(&ring);
        let rank = t.importances(f32::MAX);
        assert!(kept(&ring, &rank, 1e9).len() >= 4, "three places and the closing one");
    }

    /// Arcs that bend into each other: simplified one by one they would cross.
    #[test]
    fn borders_never_cross() {
        // A cell and a narrow one beside it, whose two long borders follow each other closely around wide bends.
        let (mut first, mut second) = (vec![], vec![]);
        for i in 0..=120 {
            let (y, bend) =
                (f64::from(i) * 0.1, 3.0 * (f64::from(i) * 0.35).sin() + 0.3 * f64::from(i * 37 % 11) / 11.0);
            first.push([10.0 + bend, y]);
            second.push([10.05 + bend + 0.1 * f64::from(i * 53 % 7) / 7.0, y]);
        }
        let left = [vec![[0.0, 0.0]], first.clone(), vec![[0.0, 12.0], [0.0, 0.0]]].concat();
        let between: Ring = first.iter().chain(second.iter().rev()).chain(&first[..1]).copied().collect();
        let mut t = Topology::new();
        t.add_ring(&left);
        t.add_ring(&between);
        let rank = t.importances(f32::MAX);
        let meet = |a: &[[f64; 2]], b: &[[f64; 2]]| {
            let side =
                |p: [f64; 2], q: [f64; 2], r: [f64; 2]| (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]);
            side(a[0], a[1], b[0]) * side(a[0], a[1], b[1]) < 0.0
                && side(b[0], b[1], a[0]) * side(b[0], b[1], a[1]) < 0.0
        };
        let mut dropped = 0;
        for tolerance in [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 100.0] {
            let ring = kept(&between, &rank[left.len()..], tolerance);
            for (i, a) in ring.windows(2).enumerate() {
                assert!(!ring.windows(2).skip(i + 1).any(|b| meet(a, b)), "tolerance {tolerance}");
            }
            assert!(ring.len() >= 4);
            dropped = between.len() - ring.len();
        }
        assert!(dropped > between.len() / 2, "{dropped} of {} dropped at last", between.len());
    }

    #[test]
    fn the_ring_s_start_does_not_matter() {
        let (left, right, _) = neighbours();
        let turned: Vec<[f64; 2]> = {
            let open = &left[..left.len() - 1];
            let mut v: Vec<_> = open[17..].iter().chain(&open[..17]).copied().collect();
            v.push(v[0]);
            v
        };
        let ranks = |ring: &[[f64; 2]]| {
            let mut t = Topology::new();
            t.add_ring(ring);
            t.add_ring(&right);
            let r = t.importances(f32::MAX);
            let mut m: Vec<_> =
                ring.iter().zip(r).map(|(p, r)| (p[0].to_bits(), p[1].to_bits(), r.to_bits())).collect();
            m.sort_unstable();
            m.dedup();
            m
        };
        assert_eq!(ranks(&left), ranks(&turned));
    }
}
