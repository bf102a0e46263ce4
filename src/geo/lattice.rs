//! The lattice that heights of the ground are kept on: nodes in degrees, in square tiles of 64 cells; each level is twice
//! as fine as the one above it and has its nodes among its own. Knows no file and no drawing.

/// Cells of a tile along each side.
pub const CELLS: usize = 64;
/// Nodes along each side: neighbours share those of their edge.
pub const NODES: usize = CELLS + 1;
/// Nodes 4 cm apart.
pub const DEEPEST: u8 = 24;

/// Metres of a degree of latitude, at most.
const DEGREE_M: f64 = 111_700.0;
/// Data are read at a level whose nodes lie no more than this much farther apart than theirs.
const COARSER: f64 = 1.05;

/// A tile: 360° / 2^level wide, counted from 180° west, 90° south.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct TileAt {
    pub level: u8,
    pub x: u32,
    pub y: u32,
}

impl TileAt {
    pub fn width_deg(level: u8) -> f64 {
        // Exact, as are all nodes: 360 is 45 · 2³.
        360.0 / f64::from(1u32 << level)
    }

    /// Degrees between nodes.
    pub fn spacing_deg(level: u8) -> f64 {
        TileAt::width_deg(level) / CELLS as f64
    }

    /// The tile of a place, `[longitude°, latitude°]`; of one on an edge the eastern or northern.
    pub fn of(level: u8, [lon, lat]: [f64; 2]) -> TileAt {
        let (width, last) = (TileAt::width_deg(level), (1u32 << level) - 1);
        let number = |v: f64| ((v / width).floor().max(0.0) as u32).min(last);
        TileAt { level, x: number(lon + 180.0), y: number(lat + 90.0) }
    }

    /// West and south edge, degrees.
    pub fn corner(&self) -> [f64; 2] {
        self.node(0, 0)
    }

    pub fn centre(&self) -> [f64; 2] {
        self.node(CELLS / 2, CELLS / 2)
    }

    /// The i-th node eastward, j-th northward, degrees. `CELLS` is the last of the tile and the first of the next.
    pub fn node(&self, i: usize, j: usize) -> [f64; 2] {
        let step = TileAt::spacing_deg(self.level);
        let at = |tile: u32, k: usize| (u64::from(tile) * CELLS as u64 + k as u64) as f64 * step;
        [at(self.x, i) - 180.0, at(self.y, j) - 90.0]
    }

    pub fn parent(&self) -> Option<TileAt> {
        Some(TileAt { level: self.level.checked_sub(1)?, x: self.x / 2, y: self.y / 2 })
    }

    /// South-west, south-east, north-west, north-east.
    pub fn children(&self) -> [TileAt; 4] {
        [0, 1, 2, 3].map(|q| TileAt { level: self.level + 1, x: self.x * 2 + (q & 1), y: self.y * 2 + (q >> 1) })
    }

    /// The tile of a coarser or the same level that it is in.
    pub fn above(&self, level: u8) -> TileAt {
        let down = self.level.saturating_sub(level);
        TileAt { level: level.min(self.level), x: self.x >> down, y: self.y >> down }
    }

    /// Orders tiles by level, then so that those of one coarser tile stand together.
    pub fn key(&self) -> u64 {
        u64::from(self.level) << 56 | spread(self.x) | spread(self.y) << 1
    }

    pub fn from_key(key: u64) -> TileAt {
        TileAt { level: (key >> 56) as u8, x: gathered(key), y: gathered(key >> 1) }
    }

    /// The keys of all tiles of a finer or the same level in it.
    pub fn keys_within(&self, level: u8) -> std::ops::Range<u64> {
        let down = 2 * u32::from(level.saturating_sub(self.level));
        let first = TileAt { level: 0, ..*self }.key() << down;
        let base = u64::from(level) << 56;
        base + first..base + first + (1 << down)
    }
}

/// The bits of a number at every other place, from the lowest.
fn spread(v: u32) -> u64 {
    let mut v = u64::from(v);
    v = (v | v << 16) & 0x0000_ffff_0000_ffff;
    v = (v | v << 8) & 0x00ff_00ff_00ff_00ff;
    v = (v | v << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    v = (v | v << 2) & 0x3333_3333_3333_3333;
    (v | v << 1) & 0x5555_5555_5555_5555
}

fn gathered(v: u64) -> u32 {
    let mut v = v & 0x0055_5555_5555_5555;
    v = (v | v >> 1) & 0x3333_3333_3333_3333;
    v = (v | v >> 2) & 0x0f0f_0f0f_0f0f_0f0f;
    v = (v | v >> 4) & 0x00ff_00ff_00ff_00ff;
    v = (v | v >> 8) & 0x0000_ffff_0000_ffff;
    (v | v >> 16) as u32
}

/// The coarsest level whose nodes are about as near to each other as data of this spacing, metres.
pub fn level_for(spacing_m: f64) -> u8 {
    let fits = |level: &u8| TileAt::spacing_deg(*level) * DEGREE_M <= spacing_m * COARSER;
    (0..=DEEPEST).find(fits).unwrap_or(DEEPEST)
}

/// Heights of a tile's nodes in millimetres, row by row from the south, each from the west.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Patch {
    mm: Vec<i32>,
}

/// A node without a height.
const NONE: i32 = i32::MIN;
/// Beyond this nothing on earth lies, metres.
const FARTHEST_M: f64 = 12_000.0;

impl Default for Patch {
    fn default() -> Patch {
        Patch { mm: vec![NONE; NODES * NODES] }
    }
}

impl Patch {
    /// `None` unless there is one number for each node.
    pub fn of_millimetres(mm: Vec<Option<i32>>) -> Option<Patch> {
        (mm.len() == NODES * NODES).then(|| Patch { mm: mm.into_iter().map(|h| h.unwrap_or(NONE)).collect() })
    }

    pub fn millimetres(&self) -> impl Iterator<Item = Option<i32>> + '_ {
        self.mm.iter().map(|h| (*h != NONE).then_some(*h))
    }

    /// Whether it can be one at all: it may come from elsewhere.
    pub fn is_whole(&self) -> bool {
        self.mm.len() == NODES * NODES
    }

    /// Metres at the i-th node eastward, j-th northward.
    pub fn at(&self, i: usize, j: usize) -> Option<f64> {
        let h = *self.mm.get(j * NODES + i)?;
        (h != NONE).then(|| f64::from(h) / 1000.0)
    }

    /// Rounds to a millimetre; what is no height of anything on earth is none.
    pub fn set(&mut self, i: usize, j: usize, height_m: Option<f64>) {
        let sane = height_m.filter(|h| h.is_finite() && h.abs() <= FARTHEST_M);
        self.mm[j * NODES + i] = sane.map_or(NONE, |h| (h * 1000.0).round() as i32);
    }

    pub fn is_empty(&self) -> bool {
        self.mm.iter().all(|h| *h == NONE)
    }

    /// Least and greatest height, metres.
    pub fn range_m(&self) -> Option<[f64; 2]> {
        let known = || self.mm.iter().copied().filter(|h| *h != NONE);
        Some([known().min()?, known().max()?].map(|h| f64::from(h) / 1000.0))
    }

    /// Bilinear between the four nodes around a place of this tile; none where one that counts is unknown.
    pub fn height(&self, tile: TileAt, [lon, lat]: [f64; 2]) -> Option<f64> {
        let ([west, south], step) = (tile.corner(), TileAt::spacing_deg(tile.level));
        let (u, v) = (((lon - west) / step).clamp(0.0, CELLS as f64), ((lat - south) / step).clamp(0.0, CELLS as f64));
        bilinear([u, v], [CELLS, CELLS], |i, j| self.at(i, j))
    }
}

/// Bilinear at `[u, v]`, in cells from the first node, of nodes 0 ..= `cells`. A node whose share is 0 may be unknown.
pub fn bilinear([u, v]: [f64; 2], cells: [usize; 2], node: impl Fn(usize, usize) -> Option<f64>) -> Option<f64> {
    let (i, j) = ((u.floor() as usize).min(cells[0]), (v.floor() as usize).min(cells[1]));
    let (fu, fv) = (u - i as f64, v - j as f64);
    let along = |j: usize| match (fu > 0.0, fu < 1.0) {
        (false, _) => node(i, j),
        (_, false) => node(i + 1, j),
        _ => Some(node(i, j)? * (1.0 - fu) + node(i + 1, j)? * fu),
    };
    match (fv > 0.0, fv < 1.0) {
        (false, _) => along(j),
        (_, false) => along(j + 1),
        _ => Some(along(j)? * (1.0 - fv) + along(j + 1)? * fv),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_has_the_nodes_of_the_one_above() {
        let tile = TileAt::of(14, [114.3, 34.8]);
        for (q, child) in tile.children().into_iter().enumerate() {
            assert_eq!(child.parent(), Some(tile));
            for (i, j) in [(0, 0), (32, 7), (64, 64)] {
                let (x, y) = ((q & 1) * 32 + i / 2, (q >> 1) * 32 + j / 2);
                if i % 2 == 0 && j % 2 == 0 {
                    assert_eq!(child.node(i, j), tile.node(x, y));
                }
            }
            assert!(tile.keys_within(15).contains(&child.key()));
            assert_eq!(TileAt::from_key(child.key()), child);
        }
        let next = TileAt { x: tile.x + 1, ..tile };
        assert_eq!(tile.node(CELLS, 5), next.node(0, 5));
        assert!(!tile.keys_within(15).contains(&next.children()[0].key()));
        assert_eq!(TileAt::of(20, [114.3, 34.8]).above(14), tile);
        assert_eq!(TileAt::of(3, [180.0, 90.0]), TileAt { level: 3, x: 7, y: 4 });
    }

    #[test]
    fn levels_are_as_fine_as_the_data() {
        for spacing_m in [0.5, 2.0, 5.0, 10.0, 30.0, 90.0, 1000.0] {
            let level = level_for(spacing_m);
            let own_m = TileAt::spacing_deg(level) * 111_000.0;
            assert!(own_m <= spacing_m * 1.05 && own_m * 2.0 > spacing_m, "{spacing_m}: {own_m}");
        }
        assert_eq!(level_for(1e-6), DEEPEST);
    }

    #[test]
    fn heights_between_nodes_are_bilinear() {
        let tile = TileAt::of(16, [114.3, 34.8]);
        let (corner, step) = (tile.corner(), TileAt::spacing_deg(16));
        let form = |u: f64, v: f64| 70.0 + u * 0.25 - v * 0.5 + u * v * 0.125;
        let mut patch = Patch::default();
        for j in 0..NODES {
            for i in 0..NODES {
                patch.set(i, j, Some(form((i % 2) as f64, (j % 2) as f64)));
            }
        }
        let at = |u: f64, v: f64| patch.height(tile, [corner[0] + u * step, corner[1] + v * step]);
        for (u, v) in [(0.0, 0.0), (0.3, 0.8), (1.0, 1.0), (0.5, 0.0)] {
            assert!((at(u, v).unwrap() - form(u, v)).abs() < 1e-6, "{u} {v}");
        }
        let mut holed = patch.clone();
        holed.set(1, 1, None);
        let at = |u: f64, v: f64| holed.height(tile, [corner[0] + u * step, corner[1] + v * step]);
        assert_eq!((at(0.5, 0.5), at(0.5, 0.0).is_some(), at(2.0, 1.0).is_some()), (None, true, true));
        assert!(holed.at(1, 1).is_none() && Patch::default().is_empty());
        holed.set(0, 0, Some(1e30));
        assert_eq!(holed.at(0, 0), None);
        let numbers: Vec<_> = holed.millimetres().collect();
        assert_eq!(Patch::of_millimetres(numbers), Some(holed));
    }
}
