//! Several faces become one area by dropping the edges between them. The borders keep every vertex of the edges, so
//! that areas made of the same faces fit exactly. Not a general polygon union.

use super::Plan;
use super::mesh::{NONE, Pt, area, direction, inside};
use std::collections::{BTreeMap, HashSet};

/// Polygons, each a list of closed rings, exterior (counter-clockwise) first.
pub type Polygons = Vec<Vec<Vec<Pt>>>;

pub fn dissolve(plan: &Plan, faces: &[u32]) -> Polygons {
    let own: HashSet<u32> = faces.iter().copied().collect();
    // Border half-edges by the node they leave.
    let mut leaving: BTreeMap<u32, Vec<(u32, bool)>> = BTreeMap::new();
    for &f in faces {
        for &(e, forward) in &plan.face(f).ring {
            let edge = plan.edge(e);
            let other = if forward { edge.right } else { edge.left };
            if other == NONE || !own.contains(&other) {
                leaving.entry(if forward { edge.a } else { edge.b }).or_default().push((e, forward));
            }
        }
    }
    let mut rings = vec![];
    while let Some((&start, _)) = leaving.iter().next() {
        walk(plan, &mut leaving, start, &mut rings);
    }
    assemble(rings)
}

/// Follows the border from a node until it comes back, at touching corners along the same inside. A loop back to a
/// node on the way is a ring of its own, so that no ring touches itself.
fn walk(plan: &Plan, leaving: &mut BTreeMap<u32, Vec<(u32, bool)>>, start: u32, rings: &mut Vec<Vec<Pt>>) {
    let mut ring: Vec<Pt> = vec![];
    let mut passed: Vec<(u32, usize)> = vec![(start, 0)];
    let mut at = start;
    let mut heading: Option<Pt> = None;
    while let Some(choices) = leaving.get_mut(&at) {
        let turn = |&(e, forward): &(u32, bool)| {
            let to = leave(plan, e, forward);
            let from = heading.unwrap_or(to);
            // Angle from straight on, to the left positive.
            (from[0] * to[1] - from[1] * to[0]).atan2(from[0] * to[0] + from[1] * to[1])
        };
        let best = (0..choices.len()).max_by(|&i, &j| turn(&choices[i]).total_cmp(&turn(&choices[j])));
        let (e, forward) = choices.swap_remove(best.unwrap_or(0));
        if choices.is_empty() {
            leaving.remove(&at);
        }
        let edge = plan.edge(e);
        let line = &edge.points;
        let n = line.len();
        if forward {
            ring.extend_from_slice(&line[..n - 1]);
            heading = Some(direction(line[n - 2], line[n - 1]));
            at = edge.b;
        } else {
            ring.extend(line[1..].iter().rev());
            heading = Some(direction(line[1], line[0]));
            at = edge.a;
        }
        if let Some(k) = passed.iter().position(|&(node, _)| node == at) {
            let mut whole = ring.split_off(passed[k].1);
            passed.truncate(k + 1);
            whole.extend(whole.first().copied());
            rings.push(whole);
            if k == 0 {
                return;
            }
        } else {
            passed.push((at, ring.len()));
        }
    }
}

fn leave(plan: &Plan, e: u32, forward: bool) -> Pt {
    let line = &plan.edge(e).points;
    let n = line.len();
    if forward { direction(line[0], line[1]) } else { direction(line[n - 1], line[n - 2]) }
}

fn assemble(rings: Vec<Vec<Pt>>) -> Polygons {
    let (mut outer, holes): (Vec<_>, Vec<_>) = rings.into_iter().partition(|r| area(r) > 0.0);
    outer.sort_by(|a, b| area(b).total_cmp(&area(a)));
    let mut polygons: Polygons = outer.into_iter().map(|r| vec![r]).collect();
    for hole in holes {
        // A vertex may touch the shell: the middle of a side decides.
        let middle = [(hole[0][0] + hole[1][0]) / 2.0, (hole[0][1] + hole[1][1]) / 2.0];
        let home = polygons.iter_mut().rev().find(|p| inside(&p[0], middle));
        if let Some(p) = home {
            p.push(hole);
        }
    }
    polygons
}

pub fn area_m2(polygons: &Polygons) -> f64 {
    polygons.iter().flatten().map(|r| area(r)).sum()
}
