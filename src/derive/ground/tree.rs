//! The tree of the ground's 3D tiles: a tile of the pyramid each, its quarters below it. Those replace it.

use super::super::scene::nested;
use super::super::{DISTANCE_PER_ERROR, Node, Tree};
use crate::geo::lattice::TileAt;
use crate::scene::terrain::skirt_m;
use crate::store::Ground;
use std::collections::{HashMap, VecDeque};

/// Ground is wanted from this many times its width away.
const WANTED_FROM: f64 = 20.0;

/// A tile of the tree; a root over several has no tile of the pyramid.
struct Stem {
    at: Option<TileAt>,
    parent: Option<usize>,
    children: Vec<usize>,
}

pub fn tree(ground: &Ground, measures: &HashMap<TileAt, (usize, [[f64; 3]; 2])>) -> Tree {
    let stems = stems(ground, measures);
    let centre = |stem: &Stem| stem.at.map_or_else(|| middle(ground), |at| at.centre());
    let centres: Vec<[f64; 2]> = stems.iter().map(&centre).collect();
    let parents: Vec<Option<usize>> = stems.iter().map(|s| s.parent).collect();
    let measure = |s: &Stem| s.at.and_then(|at| Some((at, measures.get(&at)?)));
    let bounds = stems.iter().map(|s| {
        let (at, (_, [low, high])) = measure(s)?;
        let down_m = skirt_m(at, apart_m(ground, at));
        Some([[low[0], low[1], low[2] - down_m], *high])
    });
    let volumes = nested(&centres, &parents, &bounds.collect::<Vec<_>>());
    let across_m = volumes.first().map_or(0.0, |[low, high]| (high[0] - low[0]).hypot(high[1] - low[1]));
    let error_m = across_m * WANTED_FROM / DISTANCE_PER_ERROR;
    let nodes = stems.iter().zip(volumes).map(|(s, volume_m)| {
        let own_m = s.at.and_then(|at| ground.tile(at)).map_or(error_m, |t| t.error_m);
        Node {
            first_child: s.children.first().map_or(0, |c| *c as u32),
            children: s.children.len() as u32,
            centre: centre(s),
            error_m: if s.children.is_empty() { 0.0 } else { own_m.max(0.001).min(error_m) },
            volume_m,
            drawn: u32::from(measure(s).is_some()),
            vertices: measure(s).map_or(0, |(_, (vertices, _))| *vertices as u64),
            offsets: s.at.map(|at| at.key()).into_iter().collect(),
        }
    });
    Tree { error_m, nodes: nodes.collect() }
}

/// How far the surfaces of a tile's neighbours may lie below its edge: they are at most as coarse as what is above it.
pub fn apart_m(ground: &Ground, at: TileAt) -> f64 {
    let over = at.parent().and_then(|p| ground.tile(p)).or_else(|| ground.tile(at));
    over.map_or(0.0, |t| t.error_m)
}

/// Breadth first; tiles without a triangle in or below them are left out.
fn stems(ground: &Ground, measures: &HashMap<TileAt, (usize, [[f64; 3]; 2])>) -> Vec<Stem> {
    let mut seen: HashMap<TileAt, bool> = HashMap::new();
    for tile in ground.tiles().iter().rev() {
        let below = tile.at.children().iter().any(|c| seen.get(c).copied().unwrap_or(false));
        seen.insert(tile.at, below || measures.contains_key(&tile.at));
    }
    let kept = |at: &TileAt| seen.get(at).copied().unwrap_or(false);
    let coarsest = ground.coarsest();
    let tops = ground.tiles().iter().map(|t| t.at).filter(|at| Some(at.level) == coarsest && kept(at));
    let tops: Vec<TileAt> = tops.collect();
    let mut stems = vec![];
    let mut next: VecDeque<(Option<TileAt>, Option<usize>)> = VecDeque::new();
    match tops.as_slice() {
        [] => {}
        [one] => next.push_back((Some(*one), None)),
        _ => next.push_back((None, None)),
    }
    while let Some((at, parent)) = next.pop_front() {
        let here = stems.len();
        stems.push(Stem { at, parent, children: vec![] });
        if let Some(parent) = parent {
            let over: &mut Stem = &mut stems[parent];
            over.children.push(here);
        }
        match at {
            Some(at) => next.extend(at.children().into_iter().filter(&kept).map(|c| (Some(c), Some(here)))),
            None => next.extend(tops.iter().map(|at| (Some(*at), Some(here)))),
        }
    }
    stems
}

fn middle(ground: &Ground) -> [f64; 2] {
    let coarsest = ground.coarsest();
    let tops = ground.tiles().iter().filter(|t| Some(t.at.level) == coarsest);
    let corners: Vec<[f64; 2]> =
        tops.flat_map(|t| [t.at.corner(), t.at.node(crate::geo::lattice::CELLS, crate::geo::lattice::CELLS)]).collect();
    crate::geo::BBox::of(&corners).center()
}
