//! A pipe network grown along streets: trees from their sources (or outfalls), loops, leads to kerbs and houses; exactly
//! as many segments and nodes as asked. Gravity networks fall towards their root. Knows no attributes.

use super::plan::Plan;
use super::plan::corridor::half_corridor_m;
use super::plan::mesh::{Pt, add, distance, lerp};
use super::plan::streets::Class;
use super::rng::Rng;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};

#[derive(Debug, Clone, Copy)]
pub struct Spec {
    pub name: &'static str,
    pub segments: usize,
    pub trees: usize,
    pub loops: usize,
    /// Segments that lead from the mains to kerbs or houses.
    pub leads: usize,
    /// Where it lies: share of the half corridor from the middle, left of an eastward street positive.
    pub lane: f64,
    /// Where its node stands at a crossing.
    pub at_crossing: Pt,
    /// Depth of its top (pressure) or least depth of its invert (gravity), metres.
    pub depth_m: f64,
    pub gravity: bool,
    /// How far leads reach beyond the carriageway's middle, share of the half corridor.
    pub lead_to: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Where the network begins (source) or ends (outfall, plant).
    Root,
    Crossing,
    Main,
    /// The end of a lead.
    Lead,
    /// Gravity: water is lifted here.
    Pump,
}

#[derive(Debug, Clone, Copy)]
pub struct Node {
    pub at: Pt,
    pub ground_m: f64,
    /// Lowest pipe end at the node.
    pub pipe_m: f64,
    pub edge: u32,
    pub role: Role,
    pub degree: u8,
}

#[derive(Debug, Clone, Copy)]
pub struct Segment {
    /// Upstream in gravity networks.
    pub start: u32,
    pub end: u32,
    pub start_m: f64,
    pub end_m: f64,
    pub edge: u32,
    /// How much of the network hangs on it: its rank for the size.
    pub carries: u32,
    pub lead: bool,
    /// Where it follows its street: distances from the edge's first node at its start and end, and metres to the left.
    pub follows: Option<(f64, f64, f64)>,
    /// A second pipe between the same wells: the way back of a heating network, another duct.
    pub twin: bool,
}

pub struct Network {
    pub nodes: Vec<Node>,
    pub segments: Vec<Segment>,
}

const DEEPEST_M: f64 = 6.5;

struct Tree {
    /// Street nodes in the order they were reached.
    order: Vec<u32>,
    /// (edge, parent) of each street node, by street node; none for roots and what was not reached.
    up: Vec<Option<(u32, u32)>>,
    reached: Vec<bool>,
}

pub fn grow(plan: &Plan, spec: &Spec) -> Network {
    let mains = spec.segments.saturating_sub(spec.leads).max(1);
    let wanted = ((mains as f64 / 1.5) as usize).max(1);
    let tree = reach(plan, spec, wanted);
    Builder::new(plan, spec, tree).build(mains)
}

/// Dijkstra from evenly spread roots over the streets, wide streets first, until `wanted` edges are in.
fn reach(plan: &Plan, spec: &Spec, wanted: usize) -> Tree {
    let mut rng = Rng::of(plan.seed, spec.name, 1);
    let mut on_roads: Vec<u32> = vec![];
    let mut seen = vec![false; plan.node_count];
    for &e in &plan.roads {
        for n in [plan.edge(e).a, plan.edge(e).b] {
            if !std::mem::replace(&mut seen[n as usize], true) {
                on_roads.push(n);
            }
        }
    }
    let trees = spec.trees.clamp(1, on_roads.len());
    let mut heap = BinaryHeap::new();
    for k in 0..trees {
        let (low, high) = (k * on_roads.len() / trees, (k + 1) * on_roads.len() / trees);
        let root = on_roads[low + rng.below(high - low)];
        heap.push((Reverse(0_u64), root, None));
    }
    let mut tree = Tree { order: vec![], up: vec![None; plan.node_count], reached: vec![false; plan.node_count] };
    let mut edges = 0;
    while let Some((Reverse(cost), node, up)) = heap.pop() {
        if tree.reached[node as usize] || (edges >= wanted && up.is_some()) {
            continue;
        }
        tree.reached[node as usize] = true;
        tree.order.push(node);
        tree.up[node as usize] = up;
        edges += usize::from(up.is_some());
        for &e in &plan.star[node as usize] {
            let edge = plan.edge(e);
            if !edge.class.is_public() || !edge.core {
                continue;
            }
            let other = if edge.a == node { edge.b } else { edge.a };
            let factor = match edge.class {
                Class::Ring | Class::Arterial => 0.5,
                Class::Secondary => 0.7,
                Class::Branch => 1.0,
                _ => 1.6,
            };
            let jitter = Rng::of(plan.seed, spec.name, u64::from(e) + 7).between(0.85, 1.15);
            let more = (edge.length_m * factor * jitter * 1000.0) as u64;
            heap.push((Reverse(cost + more), other, Some((e, node))));
        }
    }
    tree
}

struct Builder<'a> {
    plan: &'a Plan,
    spec: &'a Spec,
    tree: Tree,
    rng: Rng,
    nodes: Vec<Node>,
    segments: Vec<Segment>,
    /// Network node of each street node.
    at: Vec<u32>,
    /// Heights of the pipes that come into each street node and of the one that leaves it: they differ at a pump.
    in_m: Vec<f64>,
    out_m: Vec<f64>,
    carries: Vec<u32>,
}

impl<'a> Builder<'a> {
    fn new(plan: &'a Plan, spec: &'a Spec, tree: Tree) -> Builder<'a> {
        let n = plan.node_count;
        let rng = Rng::of(plan.seed, spec.name, 2);
        Builder {
            plan,
            spec,
            tree,
            rng,
            nodes: vec![],
            segments: vec![],
            at: vec![u32::MAX; n],
            in_m: vec![0.0; n],
            out_m: vec![0.0; n],
            carries: vec![1; n],
        }
    }

    fn build(mut self, mains: usize) -> Network {
        self.street_nodes();
        self.heights();
        let order = std::mem::take(&mut self.tree.order);
        let tree_edges: Vec<(u32, u32, u32)> =
            order.iter().filter_map(|&v| self.tree.up[v as usize].map(|(e, p)| (v, e, p))).collect();
        let room = mains.saturating_sub(tree_edges.len());
        let loops = self.loop_edges(&order, self.spec.loops.min(room / 2));
        let parallel = self.spec.loops.min(room) - loops.len();
        let lines = tree_edges.len() + loops.len();
        let spare = mains.saturating_sub(lines + parallel);
        self.lay(&tree_edges, &loops, spare);
        for k in 0..parallel {
            // A second pipe between the same wells.
            let mut twin = self.segments[k * self.segments.len() / parallel.max(1)];
            twin.twin = true;
            self.join(twin);
        }
        let leads = self.spec.segments - self.segments.len().min(self.spec.segments);
        self.leads(leads);
        Network { nodes: self.nodes, segments: self.segments }
    }

    fn node(&mut self, at: Pt, pipe_m: f64, edge: u32, role: Role) -> u32 {
        let at = at.map(|v| (v * 1000.0).round() / 1000.0);
        let ground_m = self.plan.ground.height(at);
        self.nodes.push(Node { at, ground_m, pipe_m, edge, role, degree: 0 });
        self.nodes.len() as u32 - 1
    }

    fn join(&mut self, mut s: Segment) {
        let mm = |v: f64| (v * 1000.0).round() / 1000.0;
        (s.start_m, s.end_m) = (mm(s.start_m), mm(s.end_m));
        for (n, m) in [(s.start, s.start_m), (s.end, s.end_m)] {
            let node = &mut self.nodes[n as usize];
            node.degree = node.degree.saturating_add(1);
            node.pipe_m = node.pipe_m.min(m);
        }
        self.segments.push(s);
    }

    fn street_nodes(&mut self) {
        for v in self.tree.order.clone() {
            let (edge, role) = match self.tree.up[v as usize] {
                Some((e, _)) => (e, Role::Crossing),
                None => (self.plan.star[v as usize][0], Role::Root),
            };
            let at = add(self.plan.node(v), self.spec.at_crossing, 1.0);
            self.at[v as usize] = self.node(at, f64::INFINITY, edge, role);
        }
    }

    /// Heights from the far ends to the root, and how much hangs on each node.
    fn heights(&mut self) {
        for &v in &self.tree.order {
            let ground = self.nodes[self.at[v as usize] as usize].ground_m;
            self.in_m[v as usize] = ground - self.spec.depth_m;
        }
        for i in (0..self.tree.order.len()).rev() {
            let v = self.tree.order[i];
            self.out_m[v as usize] = self.in_m[v as usize];
            let Some((e, parent)) = self.tree.up[v as usize] else { continue };
            self.carries[parent as usize] += self.carries[v as usize];
            if !self.spec.gravity {
                continue;
            }
            let node = &mut self.nodes[self.at[v as usize] as usize];
            if self.in_m[v as usize] < node.ground_m - DEEPEST_M {
                node.role = Role::Pump;
                self.out_m[v as usize] = node.ground_m - self.spec.depth_m;
            }
            let slope = if self.carries[v as usize] > 60 { 0.0008 } else { 0.0018 };
            let arrives = self.out_m[v as usize] - slope * self.plan.edge(e).length_m - 0.004;
            let at = &mut self.in_m[parent as usize];
            *at = at.min(arrives);
        }
    }

    fn loop_edges(&self, order: &[u32], n: usize) -> Vec<(u32, u32, u32)> {
        let used: HashSet<u32> = order.iter().filter_map(|&v| self.tree.up[v as usize].map(|(e, _)| e)).collect();
        let mut found = vec![];
        for &e in &self.plan.roads {
            let edge = self.plan.edge(e);
            let both = self.tree.reached[edge.a as usize] && self.tree.reached[edge.b as usize];
            if both && !used.contains(&e) && edge.a != edge.b {
                found.push((edge.a, e, edge.b));
            }
        }
        let step = (found.len() / n.max(1)).max(1);
        found.into_iter().step_by(step).take(n).collect()
    }

    /// Cuts each line into pieces at wells, `spare` of them beyond one a line.
    fn lay(&mut self, tree: &[(u32, u32, u32)], loops: &[(u32, u32, u32)], spare: usize) {
        let total: f64 = tree.iter().chain(loops).map(|(_, e, _)| self.plan.edge(*e).length_m).sum();
        let (mut sum, mut given) = (0.0, 0);
        let last = tree.len() + loops.len();
        for (k, &(v, e, parent)) in tree.iter().chain(loops).enumerate() {
            sum += self.plan.edge(e).length_m;
            let upto = if k + 1 == last { spare } else { ((sum / total * spare as f64) as usize).min(spare) };
            let pieces = 1 + upto - given;
            given = upto;
            self.line(v, e, parent, pieces, k < tree.len());
        }
    }

    fn line(&mut self, v: u32, e: u32, parent: u32, pieces: usize, in_tree: bool) {
        let edge = self.plan.edge(e);
        let forward = edge.a == v;
        let (from_m, to_m) = (self.out_m[v as usize], self.in_m[parent as usize]);
        let carries = if in_tree { self.carries[v as usize] } else { 1 };
        let mut before = (self.at[v as usize], from_m);
        let mut along_before = if forward { 0.0 } else { edge.length_m };
        let lane_m = self.off_m(e, self.spec.lane);
        for k in 1..=pieces {
            let t = k as f64 / pieces as f64;
            let next = if k == pieces {
                (self.at[parent as usize], to_m)
            } else {
                let along = edge.length_m * if forward { t } else { 1.0 - t };
                let (at, _) = edge.at(along, lane_m);
                let n = self.node(at, f64::INFINITY, e, Role::Main);
                let height = if self.spec.gravity {
                    from_m + (to_m - from_m) * t
                } else {
                    self.nodes[n as usize].ground_m - self.spec.depth_m
                };
                (n, height)
            };
            let (start, end) = (before, next);
            let along_next = edge.length_m * if forward { t } else { 1.0 - t };
            self.join(Segment {
                start: start.0,
                end: end.0,
                start_m: start.1,
                end_m: end.1,
                edge: e,
                carries,
                lead: false,
                follows: Some((along_before, along_next, lane_m)),
                twin: false,
            });
            before = next;
            along_before = along_next;
        }
    }

    /// Metres left of a → b for a share of the corridor, on the same side of every street of one heading.
    fn off_m(&self, e: u32, share: f64) -> f64 {
        let edge = self.plan.edge(e);
        let (a, b) = (edge.points[0], edge.points[edge.points.len() - 1]);
        let eastward = (b[0] - a[0]) + 0.3 * (b[1] - a[1]) >= 0.0;
        share * half_corridor_m(self.plan, e) * if eastward { 1.0 } else { -1.0 }
    }

    fn leads(&mut self, n: usize) {
        let mains = self.nodes.len();
        for k in 0..n {
            let from = k * mains / n;
            let node = self.nodes[from];
            let edge = self.plan.edge(node.edge);
            let along = nearest_along(edge, node.at);
            let along = (along + self.rng.between(-4.0, 4.0)).clamp(edge.length_m * 0.1, edge.length_m * 0.9);
            let side = if k % 2 == 0 { 1.0 } else { -1.0 };
            let half = half_corridor_m(self.plan, node.edge);
            let (at, _) = edge.at(along, side * half * self.spec.lead_to + self.rng.between(-0.3, 0.3));
            let end = self.node(at, f64::INFINITY, node.edge, Role::Lead);
            let length = distance(at, node.at);
            let ground = self.nodes[end as usize].ground_m;
            // A root without mains yet: its lead is all it has.
            let main_m = if node.pipe_m.is_finite() { node.pipe_m } else { node.ground_m - self.spec.depth_m };
            let lead_m = if self.spec.gravity {
                (ground - 0.9).max(main_m + 0.01 * length + 0.02)
            } else {
                ground - self.spec.depth_m + 0.1
            };
            let enters_m = if self.spec.gravity { (lead_m - 0.01 * length).max(main_m) } else { main_m };
            self.join(Segment {
                start: end,
                end: from as u32,
                start_m: lead_m,
                end_m: enters_m,
                edge: node.edge,
                carries: 0,
                lead: true,
                follows: None,
                twin: false,
            });
        }
    }
}

impl Network {
    /// The way of a segment and its height at each vertex: along its street between the wells, straight for leads.
    pub fn way(&self, plan: &Plan, s: &Segment) -> (Vec<Pt>, Vec<f64>) {
        let (a, b) = (&self.nodes[s.start as usize], &self.nodes[s.end as usize]);
        let mut line = vec![a.at];
        if let Some((from, to, left_m)) = s.follows {
            let edge = plan.edge(s.edge);
            let margin = ((to - from).abs() * 0.25).min(8.0);
            let crossing = |n: &Node| n.role != Role::Main;
            let low = from.min(to) + if crossing(if from < to { a } else { b }) { margin } else { 0.0 };
            let high = from.max(to) - if crossing(if from < to { b } else { a }) { margin } else { 0.0 };
            let mut lane = edge.part(low, high, left_m);
            if from > to {
                lane.reverse();
            }
            // A well in the lane is the lane's own end.
            let first = usize::from(!crossing(a));
            let last = lane.len() - usize::from(!crossing(b));
            line.extend(lane[first..last.max(first)].iter().map(|p| p.map(|v| (v * 1000.0).round() / 1000.0)));
        }
        line.push(b.at);
        line.dedup();
        let total: f64 = line.windows(2).map(|w| distance(w[0], w[1])).sum();
        let mut passed = 0.0;
        let mut heights = vec![s.start_m];
        for w in line.windows(2) {
            passed += distance(w[0], w[1]);
            let m = s.start_m + (s.end_m - s.start_m) * passed / total.max(1e-9);
            heights.push((m * 1000.0).round() / 1000.0);
        }
        (line, heights)
    }
}

/// Distance from an edge's start to the place on it nearest to a point.
fn nearest_along(edge: &super::plan::streets::Edge, p: Pt) -> f64 {
    let (mut best, mut passed) = ((f64::INFINITY, 0.0), 0.0);
    for w in edge.points.windows(2) {
        let length = distance(w[0], w[1]);
        let t = ((p[0] - w[0][0]) * (w[1][0] - w[0][0]) + (p[1] - w[0][1]) * (w[1][1] - w[0][1])) / (length * length);
        let t = t.clamp(0.0, 1.0);
        let d = distance(p, lerp(w[0], w[1], t));
        if d < best.0 {
            best = (d, passed + t * length);
        }
        passed += length;
    }
    best.1
}
