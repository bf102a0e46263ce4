//! Things → a tree of tiles: cells of a quadtree over the whole world by anchor, refined by addition. A tile holds what is
//! to be seen from at least twice as far as what is below it; what is wanted from equally far is divided by place
//! alone. So a tile's error is the reach of what is below it, and falls from the root to the leaves.

use super::reach::{DISTANCE_PER_ERROR, Thing};
use super::tree::{Node, Tree};
use crate::geo::BBox;

/// Features of a tile, at most.
pub const MOST: usize = 600;
/// Vertices of a tile, about, unless one feature has more: 1 MiB compressed.
pub const HEAVIEST: u64 = 60_000;
/// Things farther apart than this many degrees are in tiles of their own: floats hold steps of 4 mm over 130 km.
const WIDEST_DEG: f64 = 1.0;
/// A cell of this depth is half a metre wide: what is in one is divided by order.
const DEEPEST: u8 = 26;

/// A tile being grown.
#[derive(Debug, Clone, Default)]
pub struct Sprout {
    pub parent: Option<usize>,
    pub children: Vec<usize>,
    /// Ordinals of its features in the table, ascending.
    pub members: Vec<u32>,
    /// Reach of all that is below it, metres; 0 of a leaf.
    pub below_m: f64,
    /// The middle of what it and those below it hold, `[longitude°, latitude°]`.
    pub centre: [f64; 2],
    pub drawn: u32,
    pub vertices: u64,
    pub offsets: Vec<u64>,
}

/// All tiles; the first is the root, every other stands after its parent.
#[derive(Debug, Default)]
pub struct Grown {
    pub nodes: Vec<Sprout>,
    /// Reach of the whole layer, metres.
    pub reach_m: f64,
    count: usize,
}

/// What is still to be divided: a cell with its things, below a tile.
struct Bed {
    parent: Option<usize>,
    depth: u8,
    things: Vec<u32>,
}

pub fn grow(things: &[Thing]) -> Grown {
    let mut grown = Grown { count: things.len(), ..Grown::default() };
    grown.reach_m = things.iter().map(|t| t.reach_m).fold(0.0, f64::max);
    if things.is_empty() {
        return grown;
    }
    // Breadth first: children of one tile stand together, and a page reads one stretch.
    let mut beds = std::collections::VecDeque::from([Bed { parent: None, depth: 0, things: all(things) }]);
    while let Some(bed) = beds.pop_front() {
        let at = grown.nodes.len();
        let (members, rest) = keep(things, &bed);
        let below_m = rest.iter().map(|&i| things[i as usize].reach_m).fold(0.0, f64::max);
        let centre = centre(things, &bed.things);
        grown.nodes.push(Sprout { parent: bed.parent, members, below_m, centre, ..Sprout::default() });
        if let Some(parent) = bed.parent {
            grown.nodes[parent].children.push(at);
        }
        beds.extend(divided(things, rest, bed.depth, at));
    }
    grown
}

fn all(things: &[Thing]) -> Vec<u32> {
    (0..things.len() as u32).collect()
}

/// What stays in the tile, ascending, and what goes below it.
fn keep(things: &[Thing], bed: &Bed) -> (Vec<u32>, Vec<u32>) {
    let thing = |i: &u32| &things[*i as usize];
    let fits = |of: &[u32]| {
        of.len() <= MOST && (of.len() <= 1 || of.iter().map(|i| u64::from(thing(i).weight)).sum::<u64>() <= HEAVIEST)
    };
    if !is_near(things, &bed.things) {
        // The tile's frame is in their middle, where none of them may be.
        return (vec![], bed.things.clone());
    }
    if fits(&bed.things) {
        return (bed.things.clone(), vec![]);
    }
    if bed.depth >= DEEPEST {
        // All in one place: as many as fit, by id.
        let mut order = bed.things.clone();
        order.sort_by_key(|i| thing(i).id);
        let mut weight = 0;
        let fitting = order.iter().take(MOST).take_while(|i| {
            weight += u64::from(thing(i).weight);
            weight <= HEAVIEST
        });
        let (mut own, mut rest) = (fitting.count().max(1), order);
        own = own.min(rest.len());
        let below = rest.split_off(own);
        rest.sort_unstable();
        return (rest, below);
    }
    let farthest = bed.things.iter().map(|i| thing(i).reach_m).fold(0.0, f64::max);
    let nearer = |i: &u32| thing(i).reach_m * 2.0 <= farthest;
    let (below, own): (Vec<u32>, Vec<u32>) = bed.things.iter().copied().partition(nearer);
    match !below.is_empty() && fits(&own) {
        true => (own, below),
        false => (vec![], bed.things.clone()),
    }
}

/// The things of the cells below, cells that divide nothing passed by.
fn divided(things: &[Thing], rest: Vec<u32>, depth: u8, parent: usize) -> Vec<Bed> {
    let mut depth = depth;
    let mut rest = rest;
    while depth < DEEPEST && !rest.is_empty() {
        depth += 1;
        let mut quarters: [Vec<u32>; 4] = Default::default();
        rest.iter().for_each(|&i| quarters[quarter(things[i as usize].at, depth)].push(i));
        if quarters.iter().filter(|q| !q.is_empty()).count() > 1 {
            let beds = quarters.into_iter().filter(|q| !q.is_empty());
            return beds.map(|things| Bed { parent: Some(parent), depth, things }).collect();
        }
        rest = quarters.into_iter().find(|q| !q.is_empty()).unwrap_or_default();
    }
    let bed = Bed { parent: Some(parent), depth, things: rest };
    if bed.things.is_empty() { vec![] } else { vec![bed] }
}

/// Which quarter of its parent the cell is that holds a place at a depth: the world's square is 360° wide.
fn quarter([x, y]: [f64; 2], depth: u8) -> usize {
    let cells = f64::from(1u32 << depth);
    let cell = |v: f64| (((v + 180.0) / 360.0).clamp(0.0, 1.0 - 1e-12) * cells) as u32 & 1;
    (cell(y) << 1 | cell(x)) as usize
}

fn centre(things: &[Thing], of: &[u32]) -> [f64; 2] {
    around(things, of).center()
}

fn around(things: &[Thing], of: &[u32]) -> BBox {
    let places: Vec<[f64; 2]> = of.iter().map(|&i| things[i as usize].lonlat).collect();
    BBox::of(&places)
}

/// Whether things lie near enough to each other for one tile: one astray at 0, 0 must not move a city's.
fn is_near(things: &[Thing], of: &[u32]) -> bool {
    let b = around(things, of);
    of.len() < 2 || b.width().max(b.height()) <= WIDEST_DEG
}

impl Grown {
    /// The tile of each feature.
    pub fn tile_of(&self) -> Vec<u32> {
        let mut tile_of = vec![0; self.count];
        for (n, node) in self.nodes.iter().enumerate() {
            node.members.iter().for_each(|&i| tile_of[i as usize] = n as u32);
        }
        tile_of
    }

    pub fn to_tree(&self, volumes: &[[[f64; 3]; 2]]) -> Tree {
        let node = |(n, volume_m): (&Sprout, &[[f64; 3]; 2])| Node {
            first_child: n.children.first().map_or(0, |c| *c as u32),
            children: n.children.len() as u32,
            centre: n.centre,
            error_m: n.below_m / DISTANCE_PER_ERROR,
            volume_m: *volume_m,
            drawn: n.drawn,
            vertices: n.vertices,
            offsets: n.offsets.clone(),
        };
        Tree { error_m: self.reach_m / DISTANCE_PER_ERROR, nodes: self.nodes.iter().zip(volumes).map(node).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reproducible scatter over 20 km.
    fn scattered(count: u64, reach_m: impl Fn(u64) -> f64) -> Vec<Thing> {
        let at = |i: u64, k: u64| ((i * k * 2_654_435_761) % 1_000_003) as f64 / 1_000_003.0 * 0.2;
        let thing = |i: u64| {
            let lonlat = [114.2 + at(i, 7), 34.7 + at(i, 13)];
            Thing { id: i + 1, at: lonlat, lonlat, reach_m: reach_m(i), weight: 40 }
        };
        (0..count).map(thing).collect()
    }

    fn checked(things: &[Thing]) -> Grown {
        let grown = grow(things);
        let mut seen = vec![0; things.len()];
        for (n, node) in grown.nodes.iter().enumerate() {
            assert!(node.members.len() <= MOST, "tile {n} has {}", node.members.len());
            node.members.iter().for_each(|&i| seen[i as usize] += 1);
            assert!(node.members.is_sorted());
            assert_eq!(node.below_m == 0.0, node.children.is_empty());
            assert!(node.children.windows(2).all(|w| w[1] == w[0] + 1), "children stand together");
            for &c in &node.children {
                assert!(c > n && grown.nodes[c].parent == Some(n));
                assert!(grown.nodes[c].below_m <= node.below_m);
                assert!(grown.nodes[c].members.iter().all(|&i| things[i as usize].reach_m <= node.below_m));
            }
        }
        assert!(seen.iter().all(|n| *n == 1), "each in exactly one tile");
        grown
    }

    #[test]
    fn every_thing_is_in_one_tile_of_bounded_size() {
        assert!(checked(&[]).nodes.is_empty());
        assert_eq!(checked(&scattered(1, |_| 300.0)).nodes.len(), 1);
        assert_eq!(checked(&scattered(600, |_| 300.0)).nodes.len(), 1);
        let even = checked(&scattered(20_000, |_| 300.0));
        assert!(even.nodes.iter().all(|n| n.members.is_empty() || n.children.is_empty()));
    }

    #[test]
    fn what_is_seen_from_afar_stands_higher() {
        let things = scattered(20_000, |i| if i % 100 == 0 { 5000.0 } else { 400.0 });
        let grown = checked(&things);
        assert_eq!(grown.nodes[0].members.len(), 200);
        assert_eq!((grown.reach_m, grown.nodes[0].below_m), (5000.0, 400.0));
    }

    #[test]
    fn one_place_with_thousands_of_things_still_ends() {
        let mut things = scattered(1, |_| 300.0);
        let one = things[0];
        things.extend((1..2000).map(|i| Thing { id: i + 1, ..one }));
        assert_eq!(checked(&things).nodes.iter().filter(|n| !n.members.is_empty()).count(), 4);
    }

    #[test]
    fn one_astray_does_not_move_the_others() {
        let mut things = scattered(50, |i| if i % 2 == 0 { 300.0 } else { 900.0 });
        things.push(Thing { id: 51, lonlat: [0.0, 0.0], at: [0.0, 0.0], ..things[0] });
        let grown = checked(&things);
        let holds = |n: &&Sprout| !n.members.is_empty();
        assert_eq!(grown.nodes.iter().filter(holds).count(), 2);
        for node in grown.nodes.iter().filter(holds) {
            let far = |i: &u32| (things[*i as usize].lonlat[0] - node.centre[0]).abs();
            assert!(node.members.iter().all(|i| far(i) < 0.2), "{:?}", node.centre);
        }
    }

    #[test]
    fn a_thing_heavier_than_a_tile_stands_alone() {
        let mut things = scattered(50, |_| 300.0);
        things[7].weight = 900_000;
        let grown = checked(&things);
        assert!(grown.nodes.iter().any(|n| n.members == [7]));
    }
}
