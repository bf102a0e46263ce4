//! Which vertices of a partition go where, so that neighbours share their border exactly: one attempt, without the cells
//! that a former attempt would have broken. Pure; looks at no record, judges no ring.
//!
//! Places that several cells use move together, so what matches goes on matching. A place with a matched edge never
//! moves. Nothing depends on the order of cells: ties fall by distance, then by coordinates.

use crate::geo::border::{Cell, Loose, Meeting, Side};
use crate::geo::local::Local;
use std::collections::{BTreeMap, BTreeSet};

/// Nearer than this to an edge is on it: what coordinates in degrees can tell apart at all.
const ON_IT_M: f64 = 1e-6;

/// The partition as delivered.
pub struct Partition {
    /// Distinct places in degrees, in order of coordinates.
    pub nodes: Vec<[f64; 2]>,
    pub cells: Vec<Cell>,
    /// Metres that a cell's vertices may move; none where the cell has to stay as it is.
    pub reach: Vec<Option<f64>>,
}

/// What is to be done.
#[derive(Debug, Default, PartialEq)]
pub struct Plan {
    /// Node → the node that it becomes.
    pub to: Vec<u32>,
    /// Places of nodes that move onto an edge.
    pub onto: BTreeMap<u32, [f64; 2]>,
    /// Edge of a cell (between nodes as they have become) → where along it (0 to 1) which node comes in, in order.
    pub inserts: BTreeMap<Side, Vec<(f64, u32)>>,
}

/// Users of each node: (node, cell), sorted, each once.
struct Users(Vec<(u32, u32)>);

impl Users {
    fn of(cells: &[Cell]) -> Users {
        let each = |(i, cell): (u32, &Cell)| cell.rings.iter().flatten().map(move |n| (*n, i)).collect::<Vec<_>>();
        let mut all: Vec<(u32, u32)> = (0..).zip(cells).flat_map(each).collect();
        all.sort_unstable();
        all.dedup();
        Users(all)
    }

    fn at(&self, node: u32) -> impl Iterator<Item = u32> + '_ {
        let from = self.0.partition_point(|(n, _)| *n < node);
        self.0[from..].iter().take_while(move |(n, _)| *n == node).map(|(_, cell)| *cell)
    }
}

struct Planner<'a> {
    p: &'a Partition,
    users: Users,
    /// How far each node may move; none for those that stay.
    free: Vec<Option<f64>>,
    hosts: Vec<Option<f64>>,
    longest: f64,
}

/// Plans for all cells but those `kept` as they are.
pub fn plan(p: &Partition, kept: &BTreeSet<u32>) -> Plan {
    let hosts: Vec<Option<f64>> = (0..).zip(&p.reach).map(|(i, r)| r.filter(|_| !kept.contains(&i))).collect();
    let users = Users::of(&p.cells);
    let loose = Loose::of(p.nodes.len(), &p.cells);
    let least = |node| users.at(node).map(|c| hosts[c as usize]).reduce(|a, b| Some(a?.min(b?))).flatten();
    let free = (0..).zip(&loose.matched).map(|(n, matched)| least(n).filter(|_| !matched)).collect();
    let longest = p.reach.iter().flatten().fold(0.0f64, |m, r| m.max(*r));
    let planner = Planner { p, users, free, hosts, longest };
    let mut plan = Plan { to: planner.unite(&loose), ..Plan::default() };
    planner.edges(&mut plan);
    plan
}

impl Planner<'_> {
    fn distance_m(&self, a: u32, b: u32) -> f64 {
        // From the same end whoever asks.
        Local::at(self.p.nodes[a.min(b) as usize]).distance_m(self.p.nodes[a.max(b) as usize])
    }

    /// Vertices with vertices: nearest pairs first, never two of one cell, all within reach of the one that stays.
    fn unite(&self, loose: &Loose) -> Vec<u32> {
        let mut pairs = vec![];
        for m in loose.meetings(&self.p.nodes, &self.p.cells, self.longest) {
            let host = loose.sides[m.host as usize];
            for other in [host.from, host.to] {
                let distance = self.distance_m(m.node, other);
                if distance <= self.longest {
                    pairs.push((distance.to_bits(), m.node.min(other), m.node.max(other)));
                }
            }
        }
        // Bits of distances that are not negative sort as they do.
        pairs.sort_unstable();
        pairs.dedup();
        let mut groups: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        let mut group_of: BTreeMap<u32, u32> = BTreeMap::new();
        for (_, a, b) in pairs {
            let [ga, gb] = [a, b].map(|n| group_of.get(&n).copied().unwrap_or(n));
            if ga == gb {
                continue;
            }
            let members = |g: u32| groups.get(&g).cloned().unwrap_or_else(|| vec![g]);
            let both = [members(ga), members(gb)].concat();
            if self.target(&both).is_some() {
                groups.remove(&gb);
                group_of.extend(both.iter().map(|n| (*n, ga)));
                groups.insert(ga, both);
            }
        }
        let mut to: Vec<u32> = (0..).take(self.p.nodes.len()).collect();
        for members in groups.values() {
            if let Some(target) = self.target(members) {
                members.iter().for_each(|n| to[*n as usize] = target);
            }
        }
        to
    }

    /// The place where all these can meet, if they can: the one that may not move, else the one most used, then the
    /// most central.
    fn target(&self, members: &[u32]) -> Option<u32> {
        let mut used = BTreeSet::new();
        if !members.iter().flat_map(|n| self.users.at(*n)).all(|cell| used.insert(cell)) {
            return None;
        }
        let fixed = |n: u32| self.free[n as usize].is_none();
        if members.iter().filter(|n| fixed(**n)).count() > 1 {
            return None;
        }
        let within = |target: u32| {
            members
                .iter()
                .all(|&n| n == target || self.free[n as usize].is_some_and(|r| self.distance_m(n, target) <= r))
        };
        let rank = |n: u32| {
            let way: f64 = members.iter().map(|m| self.distance_m(n, *m)).sum();
            (!fixed(n), usize::MAX - self.users.at(n).count(), way.to_bits(), n)
        };
        members.iter().copied().filter(|n| within(*n)).min_by_key(|n| rank(*n))
    }

    /// Vertices with edges: the edge's cells get the vertex, and a vertex that may move goes onto the edge.
    fn edges(&self, plan: &mut Plan) {
        let cells = mapped(&self.p.cells, &plan.to);
        let users = Users::of(&cells);
        let loose = Loose::of(self.p.nodes.len(), &cells);
        let mut met = loose.meetings(&self.p.nodes, &cells, self.longest);
        // Inside the edge, and of a cell that does not have the vertex already.
        met.retain(|m| {
            let host = loose.sides[m.host as usize].cell;
            m.along > 0.0 && m.along < 1.0 && users.at(m.node).all(|c| c != host)
        });
        let edge = |m: &Meeting| (loose.sides[m.host as usize].from, loose.sides[m.host as usize].to);
        met.sort_unstable_by_key(|m| (m.node, m.distance_m.to_bits(), edge(m), loose.sides[m.host as usize].cell));
        met.dedup_by_key(|m| (m.node, m.host));
        let mut nearest: Vec<Vec<Meeting>> = met
            .chunk_by(|a, b| a.node == b.node)
            .map(|of_node| of_node.iter().take_while(|m| edge(m) == edge(&of_node[0])).copied().collect())
            .collect();
        nearest.sort_by_key(|hosts| (hosts[0].distance_m.to_bits(), hosts[0].node));
        let mut groups: BTreeSet<u32> = BTreeSet::new();
        plan.to.iter().zip(0..).filter(|(to, n)| *to != n).for_each(|(to, n)| groups.extend([*to, n]));
        let mut pinned = BTreeSet::new();
        for hosts in nearest {
            let (m, (from, to)) = (hosts[0], edge(&hosts[0]));
            let least = hosts.iter().map(|h| self.hosts[loose.sides[h.host as usize].cell as usize]);
            let Some(bend) = least.reduce(|a, b| Some(a?.min(b?))).flatten() else { continue };
            let apart = m.distance_m > ON_IT_M;
            let still = !plan.onto.contains_key(&from) && !plan.onto.contains_key(&to);
            let may = self.free[m.node as usize].is_some_and(|r| m.distance_m <= r);
            if apart && may && still && !groups.contains(&m.node) && !pinned.contains(&m.node) {
                let (a, b) = (self.p.nodes[from as usize], self.p.nodes[to as usize]);
                plan.onto.insert(m.node, [0, 1].map(|k| a[k] + (b[k] - a[k]) * m.along));
                pinned.extend([from, to]);
            } else if m.distance_m > bend {
                continue;
            }
            for host in hosts {
                let side = loose.sides[host.host as usize];
                plan.inserts.entry(side).or_default().push((m.along, m.node));
            }
        }
        for list in plan.inserts.values_mut() {
            list.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        }
    }
}

/// The cells with their nodes as they become.
pub fn mapped(cells: &[Cell], to: &[u32]) -> Vec<Cell> {
    let ring = |r: &Vec<u32>| r.iter().map(|n| to[*n as usize]).collect();
    cells.iter().map(|c| Cell { rings: c.rings.iter().map(ring).collect(), span: c.span }).collect()
}
