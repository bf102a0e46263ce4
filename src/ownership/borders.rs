//! The borders of polygons by place: which edges come into a window, and whose they are. Each cell of its raster has its
//! edges side by side; knows nothing of insides.

use super::raster::Raster;
use crate::feature::Geometry;
use crate::geo::BBox;
use crate::geo::side::Edge;

/// An edge and the polygon that it bounds.
#[derive(Debug, Clone, Copy)]
pub struct Border {
    pub edge: Edge,
    pub polygon: u32,
}

pub struct Borders {
    raster: Raster,
    /// First of each cell's, and one more.
    starts: Vec<u32>,
    borders: Vec<Border>,
}

impl Borders {
    pub fn build<'a>(polygons: impl Iterator<Item = &'a Geometry> + Clone) -> Borders {
        let bounds = polygons.clone().fold(BBox::EMPTY, |b, g| b.join(&g.bbox()));
        let vertices: usize = polygons.clone().map(|g| g.xy.len()).sum();
        let raster = Raster::over(bounds, vertices * 2);
        let mut found: Vec<(u32, Border)> = vec![];
        for (polygon, g) in polygons.enumerate() {
            for pair in g.runs().flat_map(|r| g.xy[r].windows(2)) {
                let edge = Edge::new(pair[0], pair[1]);
                for row in raster.rows_of(&edge) {
                    let cells = raster.touched(&edge, row).map(|column| (row * raster.columns + column) as u32);
                    found.extend(cells.map(|cell| (cell, Border { edge, polygon: polygon as u32 })));
                }
            }
        }
        found.sort_by_key(|(cell, b)| (*cell, b.polygon));
        let mut starts = vec![0u32; raster.len() + 1];
        for (cell, _) in &found {
            starts[*cell as usize + 1] += 1;
        }
        for i in 1..starts.len() {
            starts[i] += starts[i - 1];
        }
        Borders { raster, starts, borders: found.into_iter().map(|(_, b)| b).collect() }
    }

    /// Reads what `around` will read for each of these windows: see `bulk`.
    pub(super) fn warm(&self, windows: &[BBox]) -> u64 {
        let rows = windows.iter().filter(|w| w.intersects(&self.raster.bounds)).flat_map(|w| self.raster.cells_of(w));
        let runs: Vec<[u32; 2]> = rows.map(|c| [self.starts[*c.start()], self.starts[*c.end() + 1]]).collect();
        let lines = runs.iter().flat_map(|[from, to]| self.borders[*from as usize..*to as usize].iter());
        lines.map(|b| u64::from(b.polygon)).fold(0, u64::wrapping_add)
    }

    /// Calls `each` with every border whose box meets the window; one may come several times.
    #[inline]
    pub fn around(&self, window: &BBox, mut each: impl FnMut(&Border)) {
        if !window.intersects(&self.raster.bounds) {
            return;
        }
        for cells in self.raster.cells_of(window) {
            let (from, to) = (self.starts[*cells.start()], self.starts[*cells.end() + 1]);
            self.borders[from as usize..to as usize].iter().filter(|b| b.edge.meets(window)).for_each(&mut each);
        }
    }
}
