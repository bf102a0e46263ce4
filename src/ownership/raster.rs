//! A raster over a box: which column and row a coordinate is in, which columns an edge comes into in a row. What indexes
//! over polygons are laid out on; holds nothing itself.
//!
//! Columns and rows are monotone in their coordinates, so a filter by them cannot err.

use crate::geo::BBox;
use crate::geo::side::Edge;
use std::ops::RangeInclusive;

/// 4096 × 4096 cells of four bytes at most.
const MOST_CELLS: usize = 1 << 24;
const FEWEST_CELLS: usize = 1 << 10;
/// An edge this share of a cell beside it counts as touching: far above what rounding does, far below a cell.
const SLACK: f64 = 1e-6;

#[derive(Debug, Clone, Copy)]
pub struct Raster {
    pub bounds: BBox,
    pub columns: usize,
    pub rows: usize,
    /// Columns and rows per unit of x and y.
    scale: [f64; 2],
}

impl Raster {
    /// With about so many cells, square in the box's units.
    pub fn over(bounds: BBox, cells: usize) -> Raster {
        let bounds = if bounds.is_empty() { BBox::new(0.0, 0.0, 0.0, 0.0) } else { bounds };
        let size = [bounds.max_x - bounds.min_x, bounds.max_y - bounds.min_y].map(|s| s.max(f64::MIN_POSITIVE));
        let wanted = cells.clamp(FEWEST_CELLS, MOST_CELLS) as f64;
        let columns = ((wanted * size[0] / size[1]).sqrt().round()).clamp(1.0, wanted) as usize;
        let rows = ((wanted / columns as f64).round() as usize).max(1);
        let scale = [columns as f64 / size[0], rows as f64 / size[1]].map(|s| if s.is_finite() { s } else { 0.0 });
        Raster { bounds, columns, rows, scale }
    }

    pub fn len(&self) -> usize {
        self.columns * self.rows
    }

    #[inline]
    pub fn column(&self, x: f64) -> usize {
        (((x - self.bounds.min_x) * self.scale[0]) as usize).min(self.columns - 1)
    }

    #[inline]
    pub fn row(&self, y: f64) -> usize {
        (((y - self.bounds.min_y) * self.scale[1]) as usize).min(self.rows - 1)
    }

    #[inline]
    pub fn cell(&self, [x, y]: [f64; 2]) -> usize {
        self.row(y) * self.columns + self.column(x)
    }

    #[inline]
    pub fn covers(&self, [x, y]: [f64; 2]) -> bool {
        let b = &self.bounds;
        b.min_x <= x && x <= b.max_x && b.min_y <= y && y <= b.max_y
    }

    /// The cells of a window that meets the box, row by row.
    #[inline]
    pub fn cells_of(&self, window: &BBox) -> impl Iterator<Item = RangeInclusive<usize>> + use<> {
        let (columns, from, to) = (self.columns, self.column(window.min_x), self.column(window.max_x));
        (self.row(window.min_y)..=self.row(window.max_y)).map(move |r| r * columns + from..=r * columns + to)
    }

    pub fn middle(&self, column: usize, row: usize) -> [f64; 2] {
        let [sx, sy] = self.scale;
        [self.bounds.min_x + (column as f64 + 0.5) / sx, self.bounds.min_y + (row as f64 + 0.5) / sy]
    }

    pub fn rows_of(&self, edge: &Edge) -> RangeInclusive<usize> {
        self.row(edge.low[1])..=self.row(edge.high[1])
    }

    /// The columns that an edge comes into in a row, with slack.
    pub fn touched(&self, edge: &Edge, row: usize) -> RangeInclusive<usize> {
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
        self.column(min - slack)..=self.column(max + slack)
    }
}
