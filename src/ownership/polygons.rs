//! Which polygons hold a point: a grid over a fixed set of polygons, exact by the half-open edge rule of `geo::side`.
//! Knows neither what the polygons are nor what to do when there are several.
//!
//! The grid is a filter that cannot err (`raster`): an edge that is not in a row's list does not cross the ray from any
//! point of the row. Cells that no edge comes near hold their answer;
//! in the others the edges of the cell's row decide, those from the cell on to the east.

use super::raster::Raster;
use crate::feature::Geometry;
use crate::geo::BBox;
use crate::geo::side::Edge;

/// How fine the grid is. Finer: fewer cells have a border inside, more memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fineness {
    /// For what every lookup asks: about a hundred bytes a vertex.
    Fine,
    /// For what few lookups ask.
    Coarse,
}

impl Fineness {
    fn cells_per_vertex(self) -> usize {
        match self {
            Fineness::Fine => 32,
            Fineness::Coarse => 4,
        }
    }
}

/// In `cells`: 0 nobody; `polygon + 1`; or this bit and the place of a list in `candidates`.
const LIST: u32 = 1 << 31;
/// In a candidate's polygon: others of the cell follow.
const MORE: u32 = 1 << 31;

pub struct PolygonIndex {
    raster: Raster,
    cells: Vec<u32>,
    candidates: Vec<Candidate>,
    edges: Vec<Edge>,
}

/// A polygon that a cell has something of.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    /// With `MORE` where it is not the cell's last.
    polygon: u32,
    first: u32,
    /// No edges: the polygon holds the whole cell.
    count: u32,
}

impl PolygonIndex {
    /// Over `polygons` by position; other kinds of geometry hold nothing.
    pub fn build<'a>(polygons: impl Iterator<Item = &'a Geometry> + Clone, fineness: Fineness) -> PolygonIndex {
        let bounds = polygons.clone().fold(BBox::EMPTY, |b, g| b.join(&g.bbox()));
        let vertices: usize = polygons.clone().map(|g| g.xy.len()).sum();
        let mut index = PolygonIndex::empty(bounds, vertices * fineness.cells_per_vertex());
        let mut found = vec![];
        let mut rows = Rows::default();
        for (i, polygon) in polygons.enumerate() {
            rows.fill(&index, polygon);
            for row in rows.used() {
                index.row(i as u32, row, rows.edges(row), &mut found);
            }
        }
        index.seal(found);
        index
    }

    fn empty(bounds: BBox, cells: usize) -> PolygonIndex {
        let raster = Raster::over(bounds, cells);
        PolygonIndex { cells: vec![0; raster.len()], raster, candidates: vec![], edges: vec![] }
    }

    /// One polygon in one row: which cells its border may touch, which it holds whole.
    fn row(&mut self, polygon: u32, row: usize, edges: &mut [Edge], found: &mut Vec<(u32, Candidate)>) {
        if edges.is_empty() {
            return;
        }
        let first = self.edges.len() as u32;
        edges.sort_by(|a, b| b.max_x().total_cmp(&a.max_x()));
        self.edges.extend_from_slice(edges);
        let (west, east) = edges.iter().fold((usize::MAX, 0), |(w, e), edge| {
            (w.min(self.raster.column(edge.min_x())), e.max(self.raster.column(edge.max_x())))
        });
        let mut touched = vec![false; east + 1 - west];
        for edge in edges.iter() {
            let columns = self.raster.touched(edge, row);
            touched[(*columns.start()).max(west) - west..=(*columns.end()).min(east) - west].fill(true);
        }
        let mut count = edges.len();
        let mut held = None;
        for column in west..=east {
            while count > 0 && self.raster.column(edges[count - 1].max_x()) < column {
                count -= 1;
            }
            let cell = (row * self.raster.columns + column) as u32;
            if touched[column - west] {
                held = None;
                found.push((cell, Candidate { polygon, first, count: count as u32 }));
                continue;
            }
            // Neighbouring cells without a border are all in or all out.
            let middle = self.raster.middle(column, row);
            let inside = *held.get_or_insert_with(|| is_inside(&edges[..count], middle));
            match (inside, &mut self.cells[cell as usize]) {
                (true, free @ 0) => *free = polygon + 1,
                (true, _) => found.push((cell, Candidate { polygon, first, count: 0 })),
                (false, _) => {}
            }
        }
    }

    fn seal(&mut self, mut found: Vec<(u32, Candidate)>) {
        // Who holds a cell whole and alone stands in it already; lists are for the others.
        found.sort_unstable_by_key(|(cell, c)| (*cell, c.polygon));
        let mut list: Vec<Candidate> = vec![];
        for same in found.chunk_by(|a, b| a.0 == b.0) {
            let cell = &mut self.cells[same[0].0 as usize];
            list.clear();
            list.extend(same.iter().map(|(_, c)| *c));
            if *cell != 0 {
                list.push(Candidate { polygon: *cell - 1, first: 0, count: 0 });
                list.sort_unstable_by_key(|c| c.polygon);
            }
            *cell = LIST | self.candidates.len() as u32;
            let last = list.len() - 1;
            let more =
                |(i, c): (usize, &Candidate)| Candidate { polygon: c.polygon | if i < last { MORE } else { 0 }, ..*c };
            self.candidates.extend(list.iter().enumerate().map(more));
        }
        self.candidates.shrink_to_fit();
        self.edges.shrink_to_fit();
    }

    /// Around all polygons; empty when there are none.
    pub fn bounds(&self) -> BBox {
        if self.cells.iter().all(|c| *c == 0) { BBox::EMPTY } else { self.raster.bounds }
    }

    /// Calls `each` for every polygon that holds `p`, in the order of the polygons.
    #[inline]
    pub fn containing(&self, p: [f64; 2], mut each: impl FnMut(u32)) {
        if !self.raster.covers(p) {
            return;
        }
        match self.cells[self.raster.cell(p)] {
            0 => {}
            cell if cell & LIST == 0 => each(cell - 1),
            cell => {
                for candidate in self.list(cell) {
                    if candidate.count == 0 || is_inside(self.edges_of(candidate), p) {
                        each(candidate.polygon & !MORE);
                    }
                }
            }
        }
    }

    /// Reads what `containing` will read for each of these points: see `bulk`.
    pub(super) fn warm(&self, points: impl Iterator<Item = [f64; 2]>) -> u64 {
        let inside = points.filter(|p| self.raster.covers(*p));
        let mut lists = Vec::with_capacity(super::bulk::TOGETHER);
        lists.extend(inside.map(|p| self.cells[self.raster.cell(p)]).filter(|cell| cell & LIST != 0));
        let first = |cell: &u32| self.candidates[(cell & !LIST) as usize];
        let edges = |c: Candidate| self.edges_of(&c).iter().step_by(2).map(|e| e.low[0].to_bits()).sum::<u64>();
        let read: Vec<Candidate> = lists.iter().map(first).collect();
        read.into_iter().map(edges).fold(0, u64::wrapping_add)
    }

    /// The candidates of a cell that has a list.
    #[inline]
    fn list(&self, cell: u32) -> impl Iterator<Item = &Candidate> {
        let mut next = Some((cell & !LIST) as usize);
        std::iter::from_fn(move || {
            let candidate = self.candidates.get(next?)?;
            next = next.filter(|_| candidate.polygon & MORE != 0).map(|n| n + 1);
            Some(candidate)
        })
    }

    #[inline]
    fn edges_of(&self, c: &Candidate) -> &[Edge] {
        &self.edges[c.first as usize..(c.first + c.count) as usize]
    }
}

#[inline]
fn is_inside(edges: &[Edge], p: [f64; 2]) -> bool {
    edges.iter().filter(|e| e.is_crossed_from(p)).count() % 2 == 1
}

/// The edges of one polygon by row of the grid; filled again and again.
#[derive(Default)]
struct Rows {
    from: usize,
    lists: Vec<Vec<Edge>>,
}

impl Rows {
    fn fill(&mut self, index: &PolygonIndex, polygon: &Geometry) {
        self.lists.iter_mut().for_each(Vec::clear);
        let b = polygon.bbox();
        if b.is_empty() {
            self.lists.clear();
            return;
        }
        self.from = index.raster.row(b.min_y);
        self.lists.resize_with(index.raster.row(b.max_y) - self.from + 1, Vec::new);
        for ring in polygon.runs() {
            for pair in polygon.xy[ring].windows(2) {
                let edge = Edge::new(pair[0], pair[1]);
                for row in index.raster.row(edge.low[1])..=index.raster.row(edge.high[1]) {
                    self.lists[row - self.from].push(edge);
                }
            }
        }
    }

    fn used(&self) -> std::ops::Range<usize> {
        self.from..self.from + self.lists.len()
    }

    fn edges(&mut self, row: usize) -> &mut [Edge] {
        &mut self.lists[row - self.from]
    }
}

#[cfg(test)]
#[path = "polygons_tests.rs"]
mod tests;
