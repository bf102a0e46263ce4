//! Sheets of heights → one pyramid: from the finest tiles up, each a decimation of its quarters. Memory is a few tiles a
//! level, whatever the city's size.

use crate::error::Result;
use crate::geo::lattice::{CELLS, NODES, Patch, TileAt};
use crate::scene::Frame;
use crate::scene::terrain::{Terrain, deviation_m};
use crate::store::{Ground, GroundWriter};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// A pyramid on its way into the store.
pub struct Composed {
    pub path: PathBuf,
    /// Of the tiles with a triangle: how many vertices, and their bounds in the tile's frame, without the skirt.
    pub measures: HashMap<TileAt, (usize, [[f64; 3]; 2])>,
}

/// `sheets` in the order in which they are asked. `None` when they hold nothing.
pub fn compose(staging: &Path, sheets: &[Ground]) -> Result<Option<Composed>> {
    let mut pyramid = Pyramid { sheets, writer: GroundWriter::new(staging)?, measures: HashMap::new() };
    for root in roots(sheets) {
        pyramid.build(root)?;
    }
    if pyramid.writer.is_empty() {
        return Ok(None);
    }
    Ok(Some(Composed { path: pyramid.writer.seal()?, measures: pyramid.measures }))
}

/// The tiles of the finest level at which all data lie in two by two.
fn roots(sheets: &[Ground]) -> Vec<TileAt> {
    let all = || sheets.iter().flat_map(Ground::tiles).map(|t| t.at);
    let Some(coarsest) = all().map(|t| t.level).min() else { return vec![] };
    let at_level = |level: u8| {
        let mut tiles: Vec<TileAt> = all().map(|t| t.above(level)).collect();
        tiles.sort_unstable();
        tiles.dedup();
        tiles
    };
    let few = |tiles: &[TileAt]| {
        let span = |of: fn(&TileAt) -> u32| {
            let (low, high) = (tiles.iter().map(of).min(), tiles.iter().map(of).max());
            high.unwrap_or(0) - low.unwrap_or(0)
        };
        span(|t| t.x) <= 1 && span(|t| t.y) <= 1
    };
    (0..=coarsest).rev().map(at_level).find(|tiles| few(tiles)).unwrap_or_default()
}

struct Pyramid<'a> {
    sheets: &'a [Ground],
    writer: GroundWriter,
    measures: HashMap<TileAt, (usize, [[f64; 3]; 2])>,
}

impl Pyramid<'_> {
    /// Writes a tile and all below it; its heights and how far they leave the finest.
    fn build(&mut self, at: TileAt) -> Result<Option<(Patch, f64)>> {
        let finer = |s: &&Ground| s.finest().is_some_and(|l| l > at.level && s.has_within(at, l));
        let (patch, error_m) = match self.sheets.iter().any(|s| finer(&s)) {
            true => {
                let (mut patch, mut quarters) = (Patch::default(), vec![]);
                for (q, child) in at.children().into_iter().enumerate() {
                    if let Some((fine, error_m)) = self.build(child)? {
                        decimate(&mut patch, q, &fine);
                        quarters.push((q, fine, error_m));
                    }
                }
                let errors = quarters.iter().map(|(q, fine, below_m)| deviation_m(&patch, *q, fine) + below_m);
                // What has something finer below it is never without an error.
                let error_m = errors.fold(0.001, f64::max);
                (patch, error_m)
            }
            false => (self.gathered(at)?, 0.0),
        };
        if patch.is_empty() {
            return Ok(None);
        }
        self.writer.push(at, &patch, error_m)?;
        let terrain = Terrain { at, heights: &patch, apart_m: 0.0 };
        if let Some(measure) = terrain.measure(&Frame::at(at.centre(), 0.0)) {
            self.measures.insert(at, measure);
        }
        Ok(Some((patch, error_m)))
    }

    /// Each node by the first sheet that knows it.
    fn gathered(&self, at: TileAt) -> Result<Patch> {
        let mut patch = Patch::default();
        let mut missing = NODES * NODES;
        for sheet in self.sheets {
            let Some(level) = sheet.finest().filter(|l| *l <= at.level) else { continue };
            let tile = at.above(level);
            let Some(heights) = sheet.patch(tile)? else { continue };
            for k in 0..NODES * NODES {
                let (i, j) = (k % NODES, k / NODES);
                if patch.at(i, j).is_none()
                    && let Some(height_m) = heights.height(tile, at.node(i, j))
                {
                    patch.set(i, j, Some(height_m));
                    missing -= 1;
                }
            }
            if missing == 0 {
                break;
            }
        }
        Ok(patch)
    }
}

/// Every other node of a quarter.
fn decimate(patch: &mut Patch, quarter: usize, fine: &Patch) {
    let half = CELLS / 2;
    for j in 0..=half {
        for i in 0..=half {
            if let Some(height_m) = fine.at(2 * i, 2 * j) {
                patch.set((quarter & 1) * half + i, (quarter >> 1) * half + j, Some(height_m));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Draft, Store};

    fn form([lon, lat]: [f64; 2]) -> f64 {
        70.0 + 8.0 * ((lon - 114.0) * 900.0).sin() + 5.0 * ((lat - 34.0) * 700.0).cos()
    }

    /// Heights of `form` + `more` over a box, on a level.
    fn sheet(draft: &Draft, level: u8, [west, south, east, north]: [f64; 4], more: f64) -> Ground {
        let mut writer = GroundWriter::new(draft.staging()).unwrap();
        let (a, b) = (TileAt::of(level, [west, south]), TileAt::of(level, [east, north]));
        for (x, y) in (a.y..=b.y).flat_map(|y| (a.x..=b.x).map(move |x| (x, y))) {
            let (at, mut patch) = (TileAt { level, x, y }, Patch::default());
            for (i, j) in (0..NODES).flat_map(|j| (0..NODES).map(move |i| (i, j))) {
                let p = at.node(i, j);
                let inside = (west..=east).contains(&p[0]) && (south..=north).contains(&p[1]);
                patch.set(i, j, inside.then(|| form(p) + more));
            }
            writer.push(at, &patch, 0.0).unwrap();
        }
        draft.ground_of(&draft.add_file(&writer.seal().unwrap()).unwrap()).unwrap()
    }

    #[test]
    fn the_finest_wins_coarse_fills_and_errors_are_never_too_small() {
        let dir = tempfile::tempdir().unwrap();
        let draft = Store::open(dir.path(), true).unwrap().draft().unwrap();
        let fine = sheet(&draft, 16, [114.300, 34.800, 114.312, 34.809], 0.0);
        let coarse = sheet(&draft, 13, [114.25, 34.75, 114.36, 34.86], 3.0);
        let composed = compose(draft.staging(), &[fine, coarse]).unwrap().unwrap();
        let ground = draft.ground_of(&draft.add_file(&composed.path).unwrap()).unwrap();
        // Within bilinear error of the form: the fine sheet inside, the coarse one around it.
        let height = |p| ground.height(p).unwrap();
        assert!((height([114.3061, 34.8042]).unwrap() - form([114.3061, 34.8042])).abs() < 0.01);
        assert!((height([114.27, 34.84]).unwrap() - form([114.27, 34.84]) - 3.0).abs() < 0.6);
        assert_eq!(height([114.20, 34.84]), None);
        assert_eq!((ground.coarsest().unwrap() <= 12, ground.finest()), (true, Some(16)));
        let mut worst = 0.0f64;
        for tile in ground.tiles() {
            let children = tile.at.children().map(|c| ground.tile(c));
            assert_eq!(tile.error_m == 0.0, children.iter().all(Option::is_none), "{:?}", tile.at);
            assert!(children.iter().flatten().all(|c| c.error_m <= tile.error_m));
            // The tile against the finest, at the nodes of both.
            let patch = ground.patch(tile.at).unwrap().unwrap();
            for k in (0..NODES * NODES).step_by(17) {
                let p = tile.at.node(k % NODES, k / NODES);
                if let (Some(own), Some(true_m)) = (patch.at(k % NODES, k / NODES), height(p)) {
                    // On an edge of the fine sheet the neighbour may be the coarse one.
                    worst = worst.max((own - true_m).abs() - tile.error_m);
                }
            }
        }
        assert!(worst <= 0.002, "{worst}");
    }

    #[test]
    fn neighbours_have_the_same_heights_on_their_edge() {
        let dir = tempfile::tempdir().unwrap();
        let draft = Store::open(dir.path(), true).unwrap().draft().unwrap();
        let one = sheet(&draft, 15, [114.300, 34.800, 114.330, 34.820], 0.0);
        let composed = compose(draft.staging(), &[one]).unwrap().unwrap();
        let ground = draft.ground_of(&draft.add_file(&composed.path).unwrap()).unwrap();
        let mut compared = 0;
        for tile in ground.tiles() {
            let east = TileAt { x: tile.at.x + 1, ..tile.at };
            let (own, Some(next)) = (ground.patch(tile.at).unwrap().unwrap(), ground.patch(east).unwrap()) else {
                continue;
            };
            for j in 0..NODES {
                assert_eq!(own.at(CELLS, j), next.at(0, j));
                compared += usize::from(own.at(CELLS, j).is_some());
            }
        }
        assert!(compared > 300, "{compared}");
        assert!(compose(draft.staging(), &[]).unwrap().is_none());
    }
}
