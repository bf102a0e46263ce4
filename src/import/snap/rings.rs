//! Plans carried out on rings, and taken back where a record's rings would be none any more. Pure.

use super::plan::{Partition, Plan, mapped, plan};
use super::sound::is_sound;
use crate::geo::border::{Cell, Side, unmatched};
use crate::geo::local::Local;
use crate::geo::ring::signed_area;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Vertex {
    /// Degrees.
    pub place: [f64; 2],
    pub origin: Origin,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Origin {
    /// The vertex of this number in the old ring.
    Own(usize),
    /// New, behind the vertex of this number, this far (0 to 1) to the next.
    Between(usize, f64),
}

/// A cell that is not as it was.
#[derive(Debug, Default)]
pub struct Changed {
    /// Not closed.
    pub rings: Vec<Vec<Vertex>>,
    pub moved: u64,
    pub inserted: u64,
    /// The longest way of a vertex in metres, and its end.
    pub largest: Option<(f64, [f64; 2])>,
    nodes: Vec<Vec<u32>>,
}

/// Edges of a cell that lie within its reach of another border, unmatched all the same.
#[derive(Debug, Default, PartialEq)]
pub struct Left {
    pub edges: u64,
    place: [f64; 2],
    distance_m: f64,
    /// Snapping would have made its rings collapse or cross.
    kept: bool,
}

impl Left {
    pub fn said(&self) -> String {
        let (Left { edges, place: [x, y], distance_m, .. }, why) =
            (self, if self.kept { "; snapped, its ring would collapse or cross itself" } else { "" });
        format!("{edges} unmatched edges, one {distance_m:.3} m from a neighbour's border at {x:.7} {y:.7}{why}")
    }
}

#[derive(Debug, Default)]
pub struct Snapped {
    /// By position of the cell.
    pub changed: BTreeMap<u32, Changed>,
    pub left: BTreeMap<u32, Left>,
}

pub fn snap(p: &Partition) -> Snapped {
    let mut kept = BTreeSet::new();
    let (plan, changed) = loop {
        let plan = plan(p, &kept);
        let changed = carry_out(p, &plan);
        let broken: Vec<u32> = changed.par_iter().filter(|(i, c)| !is_ring_still(p, **i, c)).map(|(i, _)| *i).collect();
        // Each round keeps more cells as they are; unchanged cells are not broken by it.
        if broken.is_empty() {
            break (plan, changed);
        }
        kept.extend(broken);
    };
    let left = left(p, &plan, &changed, &kept);
    Snapped { changed, left }
}

fn place(p: &Partition, plan: &Plan, node: u32) -> [f64; 2] {
    plan.onto.get(&node).copied().unwrap_or(p.nodes[node as usize])
}

fn carry_out(p: &Partition, plan: &Plan) -> BTreeMap<u32, Changed> {
    let cells = (0..).zip(&p.cells).zip(&p.reach).filter(|(_, reach)| reach.is_some());
    cells.filter_map(|((i, cell), _)| Some((i, carried_out(p, plan, i, cell)?))).collect()
}

fn carried_out(p: &Partition, plan: &Plan, i: u32, cell: &Cell) -> Option<Changed> {
    let mut out = Changed::default();
    for ring in &cell.rings {
        let (mut vertices, mut nodes) = (vec![], vec![]);
        for (at, &node) in ring.iter().enumerate() {
            let [from, to] = [node, ring[(at + 1) % ring.len()]].map(|n| plan.to[n as usize]);
            let (was, is) = (p.nodes[node as usize], place(p, plan, from));
            vertices.push(Vertex { place: is, origin: Origin::Own(at) });
            nodes.push(from);
            if was != is {
                let way = (Local::at(was).distance_m(is), is);
                out.moved += 1;
                out.largest = out.largest.filter(|most| most.0 >= way.0).or(Some(way));
            }
            for &(along, new) in plan.inserts.get(&Side { from, to, cell: i }).into_iter().flatten() {
                vertices.push(Vertex { place: place(p, plan, new), origin: Origin::Between(at, along) });
                nodes.push(new);
                out.inserted += 1;
            }
        }
        out.rings.push(vertices);
        out.nodes.push(nodes);
    }
    (out.moved + out.inserted > 0).then_some(out)
}

fn is_ring_still(p: &Partition, i: u32, changed: &Changed) -> bool {
    let old = &p.cells[i as usize].rings;
    let winds = |ring: &Vec<u32>| {
        let closed: Vec<[f64; 2]> = ring.iter().chain(ring.first()).map(|n| p.nodes[*n as usize]).collect();
        signed_area(&closed) > 0.0
    };
    let closed = |ring: &Vec<Vertex>| ring.iter().chain(ring.first()).map(|v| v.place).collect();
    let rings: Vec<Vec<[f64; 2]>> = changed.rings.iter().map(closed).collect();
    is_sound(&rings, &old.iter().map(winds).collect::<Vec<bool>>())
}

fn left(p: &Partition, plan: &Plan, changed: &BTreeMap<u32, Changed>, kept: &BTreeSet<u32>) -> BTreeMap<u32, Left> {
    let mut nodes = p.nodes.clone();
    plan.onto.iter().for_each(|(n, place)| nodes[*n as usize] = *place);
    let mut cells = mapped(&p.cells, &plan.to);
    for (i, c) in changed {
        cells[*i as usize].rings.clone_from(&c.nodes);
    }
    let longest = p.reach.iter().flatten().fold(0.0f64, |m, r| m.max(*r));
    let mut all: BTreeMap<u32, Left> = BTreeMap::new();
    for u in unmatched(&nodes, &cells, longest) {
        if p.reach[u.cell as usize].is_none_or(|r| u.distance_m > r) {
            continue;
        }
        let new = || Left { edges: 0, place: u.place, distance_m: u.distance_m, kept: kept.contains(&u.cell) };
        let of_cell = all.entry(u.cell).or_insert_with(new);
        of_cell.edges += 1;
        let order = |d: f64, place: [f64; 2]| (d.to_bits(), place.map(f64::to_bits));
        if order(u.distance_m, u.place) < order(of_cell.distance_m, of_cell.place) {
            (of_cell.place, of_cell.distance_m) = (u.place, u.distance_m);
        }
    }
    all
}
