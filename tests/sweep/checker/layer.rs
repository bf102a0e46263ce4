//! One layer over all zooms and both grids: what was kept before is kept still, all is there from the full zoom,
//! counts add up, neighbouring tiles agree.

use super::Options;
use super::coverage::Borders;
use super::report::Report;
use super::seams::{self, Edges};
use super::tile::{self, Seen};
use super::truth::Truth;
use chengtu::city::City;
use chengtu::geo::{TileKey, TileMatrixSet};
use chengtu::layer::LayerIx;
use rayon::prelude::*;
use std::collections::HashMap;
use std::sync::Arc;

/// Tiles drawn before their findings are gathered.
const PORTION: usize = 256;
const EACH: &str = "each";

/// Of every row of the truth, how many features it stands for at a zoom; 0 where it was in no tile.
type Kept = Vec<u64>;

pub fn sweep(city: &City, ix: LayerIx, options: &Options, report: &mut Report) {
    let truth = match Truth::read(city, ix) {
        Ok(Some(truth)) => truth,
        Ok(None) => return,
        Err(e) => return report.breach("", EACH, 0, "drawn", e),
    };
    let mercator = Arc::new(TileMatrixSet::web_mercator_quad());
    let geographic = Arc::new(TileMatrixSet::cgcs2000_quad());
    let borders = truth.layer.generalise.coverage.then(|| Borders::read(city, &truth));
    let zoom = truth.layer.zoom;
    let mut coarser: Option<Kept> = None;
    for z in zoom.min.max(options.zooms.0)..=zoom.max.min(options.zooms.1) {
        let all = vec![1; truth.rows.len()];
        let mut look = Look { city, truth: &truth, grid: &mercator, carried: truth.carried(z), z, report };
        let kept = match z <= options.whole_to.max(zoom.full) {
            true => look.every_tile(coarser.as_deref()),
            false => {
                look.some_tiles(&all, options.sample);
                all
            }
        };
        look.grid = &geographic;
        look.some_tiles(&kept, options.sample);
        if let Some(borders) = &borders {
            for how in borders.broken(city, &truth, z) {
                report.breach(&mercator.id, EACH, z, "shared borders", format!("{} z{z}: {how}", truth.layer.id));
            }
        }
        coarser = Some(kept);
    }
}

/// A layer at one zoom of one grid.
struct Look<'a> {
    city: &'a City,
    truth: &'a Truth,
    grid: &'a Arc<TileMatrixSet>,
    carried: Vec<usize>,
    z: u8,
    report: &'a mut Report,
}

impl Look<'_> {
    fn breach(&mut self, what: &'static str, how: String) {
        let place = format!("{} {}", self.truth.layer.id, how);
        self.report.breach(&self.grid.id, EACH, self.z, what, place);
    }

    /// Draws every tile; what they kept. Neighbours, counts, nesting in `coarser` and presence are checked.
    fn every_tile(&mut self, coarser: Option<&[u64]>) -> Kept {
        let keys: Vec<TileKey> = self.truth.tiles(self.grid, self.z);
        let mut kept: Kept = vec![0; self.truth.rows.len()];
        let mut edges: HashMap<TileKey, Edges> = HashMap::new();
        let mut names: HashMap<u64, usize> = HashMap::new();
        for portion in keys.chunks(PORTION) {
            for (key, seen) in self.draw(portion) {
                edges.insert(key, seen.edges);
                seen.names.iter().for_each(|id| *names.entry(*id).or_default() += 1);
                for (row, n) in seen.features {
                    let before = std::mem::replace(&mut kept[row as usize], n);
                    if before != 0 && before != n {
                        let id = self.truth.rows[row as usize].0;
                        self.breach("counts", format!("z{}: feature {id} stands for {before} and for {n}", self.z));
                    }
                }
            }
        }
        let differing = seams::differing(&edges);
        self.report.seams(&self.grid.id, EACH, self.z, 2 * edges.len());
        for (a, b) in differing {
            self.breach("seams", format!("{}/{}/{} and {}/{} differ along their edge", a.z, a.x, a.y, b.x, b.y));
        }
        for (id, tiles) in names.into_iter().filter(|(_, tiles)| *tiles != 1) {
            self.breach("names", format!("z{}: the name of {id} stands in {tiles} tiles", self.z));
        }
        self.check_kept(&kept, coarser);
        kept
    }

    fn check_kept(&mut self, kept: &[u64], coarser: Option<&[u64]>) {
        let (z, zoom) = (self.z, self.truth.layer.zoom);
        let id = |row: usize| self.truth.rows[row].0;
        let lost: Vec<usize> =
            coarser.map_or(vec![], |c| (0..kept.len()).filter(|&r| c[r] > 0 && kept[r] == 0).collect());
        let absent: Vec<usize> =
            if z >= zoom.full { (0..kept.len()).filter(|&r| kept[r] == 0).collect() } else { vec![] };
        let (lost, absent): (Vec<u64>, Vec<u64>) =
            (lost.into_iter().map(id).collect(), absent.into_iter().map(id).collect());
        for id in lost {
            self.breach("nesting", format!("feature {id} is at z{} but not at z{z}", z - 1));
        }
        for id in absent {
            self.breach("presence", format!("feature {id} is in no tile of z{z}"));
        }
        let counted: u64 = kept.iter().sum();
        if self.truth.layer.thin.count && z < zoom.full && counted != kept.len() as u64 {
            self.breach("counts", format!("z{z}: the counts add up to {counted}, there are {}", kept.len()));
        }
    }

    /// Draws a sample of tiles and holds them to what is kept at this zoom.
    fn some_tiles(&mut self, kept: &[u64], most: usize) {
        let keys = self.truth.some_tiles(self.grid, self.z, most);
        for (key, seen) in self.draw(&keys) {
            let place = format!("{} {}/{}/{}", self.grid.id, key.z, key.x, key.y);
            let shown: std::collections::HashSet<u32> = seen.features.iter().map(|(row, _)| *row).collect();
            for &(row, n) in &seen.features {
                if kept[row as usize] != n {
                    let id = self.truth.rows[row as usize].0;
                    self.breach("grids", format!("{place}: feature {id} stands for {n}, not {}", kept[row as usize]));
                }
            }
            let expected = tile::inside(self.grid, self.truth, key).filter(|&row| kept[row as usize] > 0);
            let absent: Vec<u64> =
                expected.filter(|row| !shown.contains(row)).map(|r| self.truth.rows[r as usize].0).collect();
            for id in absent {
                self.breach("presence", format!("{place}: feature {id} is not there"));
            }
        }
    }

    /// Draws tiles and notes what is wrong with each.
    fn draw(&mut self, keys: &[TileKey]) -> Vec<(TileKey, Seen)> {
        let (city, truth, grid, carried) = (self.city, self.truth, self.grid, &self.carried);
        let seen: Vec<(TileKey, Seen)> =
            keys.par_iter().map(|&key| (key, tile::look(city, grid, truth, key, carried))).collect();
        for (key, s) in &seen {
            let place = format!("{} {}/{}", truth.layer.id, key.x, key.y);
            self.report.tile(&grid.id, EACH, key.z, s.bytes, s.features.len(), &place);
            for (what, place) in &s.breaches {
                self.report.breach(&grid.id, EACH, key.z, what, place.clone());
            }
        }
        seen
    }
}
