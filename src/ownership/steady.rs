//! What is the same everywhere inside a unit grid, a rim of `RIM_M` left out, worked out once: the cells of the other
//! levels, where no border of theirs comes inside. A lookup there need not ask the other levels, and says the same. The
//! rim is for borders that were delivered apart and differ by their rounding. In doubt a grid is not steady.

use super::borders::Borders;
use super::territory::{Level, Partition, Territory};
use crate::feature::Geometry;
use crate::geo::local::Local;
use crate::geo::meeting::touches;
use crate::geo::side::Edge;
use std::collections::HashSet;

/// Points nearer to their grid's border than this ask every level.
pub const RIM_M: f64 = 0.15;
/// What two deliveries make of one vertex. Within the rim, with the ends that are cut off.
const SAME_M: f64 = 0.05;

/// The levels that follow from a unit grid.
pub const OTHERS: [Level; 4] = [Level::Community, Level::Street, Level::District, Level::DutyGrid];

/// One unit grid.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Steady {
    /// No border of another level inside of the rim, and what is drawn around it is what it says it is part of.
    pub whole: bool,
    /// Each of its edges is also another grid's that is valid whenever it is: never a gap or an outer border at it.
    pub inner: bool,
    /// The cells of `OTHERS` that it lies in.
    pub cells: [Option<u32>; 4],
}

/// For each unit grid, by position. `exposed` as `seams` has it.
pub fn work_out(territory: &Territory, grids: &[Geometry], points: &[[f64; 2]], exposed: &[usize]) -> Vec<Steady> {
    let exposed: HashSet<usize> = exposed.iter().copied().collect();
    let one = |(i, (g, p)): (usize, (&Geometry, &[f64; 2]))| {
        let mut steady = Steady { whole: true, inner: !exposed.contains(&i), cells: [None; 4] };
        let edges: Vec<Edge> = g.runs().flat_map(|r| g.xy[r].windows(2)).map(|w| Edge::new(w[0], w[1])).collect();
        // The point that stands for the grid must be inside of the rim itself.
        let here = Local::at(*p);
        steady.whole &= edges.iter().all(|e| here.square_to_edge_m2(e) > RIM_M * RIM_M);
        for (k, level) in OTHERS.into_iter().enumerate() {
            match around(territory.partition(level), &edges, g, *p) {
                Around::One(cell) => steady.cells[k] = cell,
                Around::Several => steady.whole = false,
            }
        }
        steady.whole &= territory.recorded(i as u32) == Some([steady.cells[0], steady.cells[1], steady.cells[2]]);
        steady
    };
    grids.iter().zip(points).enumerate().map(one).collect()
}

enum Around {
    /// The whole grid lies in this cell, or in none.
    One(Option<u32>),
    Several,
}

fn around(partition: &Partition, edges: &[Edge], grid: &Geometry, p: [f64; 2]) -> Around {
    if comes_inside(partition.borders(), edges, grid) {
        return Around::Several;
    }
    let mut holding = vec![];
    partition.index().containing(p, |cell| holding.push(cell));
    match holding[..] {
        [] => Around::One(None),
        [one] => Around::One(Some(one)),
        _ => Around::Several,
    }
}

/// Whether any border of the index may come into the grid's inside.
fn comes_inside(borders: &Borders, edges: &[Edge], grid: &Geometry) -> bool {
    let window = grid.bbox();
    let mut seen: Vec<Edge> = vec![];
    borders.around(&window, |b| seen.push(b.edge));
    let here = Local::at(window.center());
    seen.iter().any(|border| {
        let Some(border) = outside_of_the_rim(border, edges, &here) else { return false };
        let middle = [(border.low[0] + border.high[0]) / 2.0, (border.low[1] + border.high[1]) / 2.0];
        let inside = || edges.iter().filter(|e| e.is_crossed_from(middle)).count() % 2 == 1;
        edges.iter().any(|e| touches(&border, e)) || inside()
    })
}

/// What of a border may come inside: nothing where it is one of the grid's edges, else without an end that is one of
/// its vertices.
fn outside_of_the_rim(border: &Edge, edges: &[Edge], here: &Local) -> Option<Edge> {
    let apart_m = |a: [f64; 2], b: [f64; 2]| {
        let (a, b) = (here.offset_m(a), here.offset_m(b));
        (a[0] - b[0]).hypot(a[1] - b[1])
    };
    let same = |a, b| apart_m(a, b) < SAME_M;
    let twin = |e: &&Edge| {
        (same(e.low, border.low) && same(e.high, border.high)) || (same(e.low, border.high) && same(e.high, border.low))
    };
    if edges.iter().any(|e| twin(&e)) {
        return None;
    }
    let at_vertex = |p| edges.iter().any(|e| same(e.low, p) || same(e.high, p));
    let long_m = apart_m(border.low, border.high);
    let cut = 2.0 * SAME_M / long_m;
    let (from, to) =
        (if at_vertex(border.low) { cut } else { 0.0 }, if at_vertex(border.high) { 1.0 - cut } else { 1.0 });
    let along = |t: f64| [0, 1].map(|k| border.low[k] + t * (border.high[k] - border.low[k]));
    (from < to).then(|| Edge::new(along(from), along(to)))
}
