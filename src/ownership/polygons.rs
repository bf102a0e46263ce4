//! Which polygons hold a point: a grid over a fixed set of polygons, exact by the half-open edge rule of `geo::side`.
//! Knows neither what the polygons are nor what to do when there are several.
//!
//! The grid is a filter that cannot err: a coordinate's column and row are monotone in it, so an edge that is not in a
//! row's list does not cross the ray from any point of the row. Cells that no edge comes near hold their answer;
//! in the others the edges of the cell's row decide, those from the cell on to the east.

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

/// 4096 × 4096 cells of four bytes at most.
const MOST_CELLS: usize = 1 << 24;
const FEWEST_CELLS: usize = 1 << 10;
/// An edge this share of a cell beside it counts as touching: far above what rounding does, far below a cell.
const SLACK: f64 = 1e-6;

/// In `cells`: 0 nobody; `polygon + 1`; or this bit and the place of a list in `candidates`.
const LIST: u32 = 1 << 31;
/// In a candidate's polygon: others of the cell follow.
const MORE: u32 = 1 << 31;

pub struct PolygonIndex {
    bounds: BBox,
    columns: usize,
    rows: usize,
    /// Columns and rows per unit of x and y.
    scale: [f64; 2],
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
        let bounds = if bounds.is_empty() { BBox::new(0.0, 0.0, 0.0, 0.0) } else { bounds };
        let size = [bounds.max_x - bounds.min_x, bounds.max_y - bounds.min_y].map(|s| s.max(f64::MIN_POSITIVE));
        let wanted = cells.clamp(FEWEST_CELLS, MOST_CELLS) as f64;
        let columns = ((wanted * size[0] / size[1]).sqrt().round()).clamp(1.0, wanted) as usize;
        let rows = ((wanted / columns as f64).round() as usize).max(1);
        let scale = [columns as f64 / size[0], rows as f64 / size[1]].map(|s| if s.is_finite() { s } else { 0.0 });
        let cells = vec![0; columns * rows];
        PolygonIndex { bounds, columns, rows, scale, cells, candidates: vec![], edges: vec![] }
    }

    /// Monotone in x.
    #[inline]
    fn column(&self, x: f64) -> usize {
        (((x - self.bounds.min_x) * self.scale[0]) as usize).min(self.columns - 1)
    }

    /// Monotone in y.
    #[inline]
    fn row_of(&self, y: f64) -> usize {
        (((y - self.bounds.min_y) * self.scale[1]) as usize).min(self.rows - 1)
    }

    /// One polygon in one row: which cells its border may touch, which it holds whole.
    fn row(&mut self, polygon: u32, row: usize, edges: &mut [Edge], found: &mut Vec<(u32, Candidate)>) {
        if edges.is_empty() {
            return;
        }
        let first = self.edges.len() as u32;
        edges.sort_by(|a, b| b.max_x().total_cmp(&a.max_x()));
        self.edges.extend_from_slice(edges);
        let (west, east) = edges
            .iter()
            .fold((usize::MAX, 0), |(w, e), edge| (w.min(self.column(edge.min_x())), e.max(self.column(edge.max_x()))));
        let mut touched = vec![false; east + 1 - west];
        for edge in edges.iter() {
            let (from, to) = self.touched(edge, row);
            touched[from.max(west) - west..=to.min(east) - west].fill(true);
        }
        let mut count = edges.len();
        let mut held = None;
        for column in west..=east {
            while count > 0 && self.column(edges[count - 1].max_x()) < column {
                count -= 1;
            }
            let cell = (row * self.columns + column) as u32;
            if touched[column - west] {
                held = None;
                found.push((cell, Candidate { polygon, first, count: count as u32 }));
                continue;
            }
            // Neighbouring cells without a border are all in or all out.
            let middle = self.middle(column, row);
            let inside = *held.get_or_insert_with(|| is_inside(&edges[..count], middle));
            match (inside, &mut self.cells[cell as usize]) {
                (true, free @ 0) => *free = polygon + 1,
                (true, _) => found.push((cell, Candidate { polygon, first, count: 0 })),
                (false, _) => {}
            }
        }
    }

    fn middle(&self, column: usize, row: usize) -> [f64; 2] {
        let [sx, sy] = self.scale;
        [self.bounds.min_x + (column as f64 + 0.5) / sx, self.bounds.min_y + (row as f64 + 0.5) / sy]
    }

    /// The columns that an edge comes into in a row, with slack.
    fn touched(&self, edge: &Edge, row: usize) -> (usize, usize) {
        let [sx, sy] = self.scale;
        let (mut min, mut max) = (edge.min_x(), edge.max_x());
        let rise = edge.high[1] - edge.low[1];
        if rise > 0.0 && sy > 0.0 {
            let south = self.bounds.min_y + (row as f64 - SLACK) / sy;
            let north = self.bounds.min_y + (row as f64 + 1.0 + SLACK) / sy;
            let at = |y: f64| {
                let t = ((y - edge.low[1]) / rise).clamp(0.0, 1.0);
                edge.low[0] + t * (edge.high[0] - edge.low[0])
            };
            let (a, b) = (at(south), at(north));
            (min, max) = (a.min(b).max(min), a.max(b).min(max));
        }
        let slack = if sx > 0.0 { SLACK / sx } else { 0.0 };
        (self.column(min - slack), self.column(max + slack))
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

    /// Calls `each` for every polygon that holds `p`, in the order of the polygons.
    #[inline]
    pub fn containing(&self, p: [f64; 2], mut each: impl FnMut(u32)) {
        if !self.covers(p) {
            return;
        }
        match self.cells[self.row_of(p[1]) * self.columns + self.column(p[0])] {
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

    #[inline]
    fn covers(&self, [x, y]: [f64; 2]) -> bool {
        let b = &self.bounds;
        b.min_x <= x && x <= b.max_x && b.min_y <= y && y <= b.max_y
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

    /// Calls `each` with a polygon and edges of it, among them all edges that come into the window; a polygon may come
    /// several times, and without edges where it holds a whole cell.
    #[inline]
    pub fn around(&self, window: &BBox, mut each: impl FnMut(u32, &[Edge])) {
        if !window.intersects(&self.bounds) {
            return;
        }
        let columns = self.column(window.min_x)..=self.column(window.max_x);
        for row in self.row_of(window.min_y)..=self.row_of(window.max_y) {
            for cell in &self.cells[row * self.columns..][columns.clone()] {
                match *cell {
                    0 => {}
                    whole if whole & LIST == 0 => each(whole - 1, &[]),
                    list => self.list(list).for_each(|c| each(c.polygon & !MORE, self.edges_of(c))),
                }
            }
        }
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
        self.from = index.row_of(b.min_y);
        self.lists.resize_with(index.row_of(b.max_y) - self.from + 1, Vec::new);
        for ring in polygon.runs() {
            for pair in polygon.xy[ring].windows(2) {
                let edge = Edge::new(pair[0], pair[1]);
                for row in index.row_of(edge.low[1])..=index.row_of(edge.high[1]) {
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
