//! In which order the vertices of a coverage may go, so that no border ever crosses another and no polygon collapses,
//! at whatever tolerance one stops. Knows no tolerance and no polygons, only places and who is next to whom.
//!
//! Weaker vertices go first, one by one. Between its neighbours a and b a vertex v sweeps the triangle a v b when it
//! goes; where another vertex stands in it, or a and b are joined already, v has to wait until that vertex, or a or b,
//! is gone. The borders do not cross at the beginning, no step makes them cross, so they never do (the condition of de
//! Berg, van Kreveld and Schirra 1998). A vertex that had to wait takes the importance of the one that let it go: the
//! importances stay in the order of removal, and any tolerance is one moment of it.

use super::present::Present;
use std::collections::{HashMap, HashSet};

/// Links of a vertex to its two neighbours on its arc.
pub type Links = [u32; 2];

/// Raises the importances in `rank` where a vertex has to stay longer; infinite for those that never go. A vertex with
/// no `links` is a node: it stays. Vertices above `most` are not looked at: nobody asks for a tolerance beyond it.
pub fn order(xy: &[[f64; 2]], links: &[Option<Links>], joined: HashSet<(u32, u32)>, rank: &mut [f32], most: f32) {
    let may_go = |v: usize| links[v].is_some() && rank[v].is_finite() && rank[v] <= most;
    let mut queue: Vec<u32> = (0..xy.len()).filter(|&v| may_go(v)).map(|v| v as u32).collect();
    let at = |v: &u32| xy[*v as usize];
    queue.sort_by(|a, b| {
        rank[*a as usize]
            .total_cmp(&rank[*b as usize])
            .then_with(|| at(a).partial_cmp(&at(b)).unwrap_or(std::cmp::Ordering::Equal))
    });
    let mut borders = Borders { xy, links: links.to_vec(), joined, present: Present::new(xy), waiting: HashMap::new() };
    let mut level = 0.0f32;
    for v in queue.iter().copied() {
        level = level.max(rank[v as usize]);
        // v, then those that v's going lets go, then those that theirs does.
        let mut going = vec![v];
        while let Some(v) = going.pop() {
            if borders.remove(v) {
                rank[v as usize] = level;
                going.extend(borders.waiting.remove(&v).unwrap_or_default());
            }
        }
    }
    for v in queue {
        if borders.links[v as usize].is_some() {
            rank[v as usize] = f32::INFINITY;
        }
    }
}

/// The borders as they are between two removals.
struct Borders<'a> {
    xy: &'a [[f64; 2]],
    /// None for nodes, and for what is gone.
    links: Vec<Option<Links>>,
    /// Nodes with an edge from one to the other, the lower number first.
    joined: HashSet<(u32, u32)>,
    present: Present,
    /// Vertex → those that wait for it to go.
    waiting: HashMap<u32, Vec<u32>>,
}

impl Borders<'_> {
    /// Takes v out if nothing is in its way; else v waits for what is.
    fn remove(&mut self, v: u32) -> bool {
        let Some([a, b]) = self.links[v as usize] else { return false };
        let in_the_way = if self.are_joined(a, b) { Some(a) } else { self.present.within([a, v, b], self.xy) };
        if let Some(w) = in_the_way {
            for other in [a, b, w] {
                if self.links[other as usize].is_some() {
                    let waiting = self.waiting.entry(other).or_default();
                    if waiting.last() != Some(&v) {
                        waiting.push(v);
                    }
                }
            }
            return false;
        }
        self.links[v as usize] = None;
        self.present.remove(v);
        self.relink(a, v, b);
        self.relink(b, v, a);
        if self.links[a as usize].is_none() && self.links[b as usize].is_none() {
            self.joined.insert((a.min(b), a.max(b)));
        }
        true
    }

    fn are_joined(&self, a: u32, b: u32) -> bool {
        match (self.links[a as usize], self.links[b as usize]) {
            (Some(links), _) => links.contains(&b),
            (_, Some(links)) => links.contains(&a),
            (None, None) => a == b || self.joined.contains(&(a.min(b), a.max(b))),
        }
    }

    fn relink(&mut self, at: u32, from: u32, to: u32) {
        if let Some(links) = &mut self.links[at as usize] {
            links.iter_mut().filter(|l| **l == from).for_each(|l| *l = to);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A spur of one border reaches through the bend of another: the bend must not be cut off before the spur.
    #[test]
    fn a_bend_waits_for_what_stands_in_it() {
        // Arc 0 – 1 – 2 with a deep bend at 1; arc 3 – 4 – 5 whose 4 reaches into it.
        let xy = [[0.0, 0.0], [5.0, 3.0], [10.0, 0.0], [4.0, -9.0], [5.0, 1.0], [6.0, -9.0]];
        let links = [None, Some([0, 2]), None, None, Some([3, 5]), None];
        let mut rank = [f32::INFINITY, 3.0, f32::INFINITY, f32::INFINITY, 10.0, f32::INFINITY];
        order(&xy, &links, HashSet::new(), &mut rank, 100.0);
        assert_eq!((rank[1], rank[4]), (10.0, 10.0));
        let mut alone = [f32::INFINITY, 3.0, f32::INFINITY, f32::INFINITY, 10.0, f32::INFINITY];
        order(&xy, &links, HashSet::new(), &mut alone, 5.0);
        assert_eq!((alone[1], alone[4]), (f32::INFINITY, 10.0), "what stands in it is not asked to go");
    }

    #[test]
    fn two_arcs_between_the_same_nodes_keep_apart() {
        let xy = [[0.0, 0.0], [5.0, 1.0], [10.0, 0.0], [5.0, -2.0]];
        let links = [None, Some([0, 2]), None, Some([0, 2])];
        let mut rank = [f32::INFINITY, 1.0, f32::INFINITY, 2.0];
        order(&xy, &links, HashSet::new(), &mut rank, 100.0);
        assert_eq!((rank[1], rank[3]), (1.0, f32::INFINITY));
    }
}
