//! The city's components (部件) in memory: found by code or by distance, with what rule R1 needs to know of each. Packed
//! in the order of a grid, some 60 bytes a component; reads no store.

use super::instant::Instant;
use super::register::{ClassIx, Holder, OrgIx};
use crate::feature::{FeatureId, Geometry};
use crate::geo::local::Local;
use crate::geo::{BBox, GeometryKind};
use crate::layer::LayerIx;
use hashbrown::HashTable;
use std::hash::{BuildHasher, RandomState};

/// Side of a cell of the grid in degrees: about 50 m.
const CELL_DEG: f64 = 0.000_5;
const MOST_CELLS: f64 = (1 << 22) as f64;
const NO_CLASS: u16 = u16::MAX;
const NO_SHAPE: u32 = u32::MAX;

/// What is recorded of one component.
#[derive(Debug, Clone)]
pub struct Record<'a> {
    pub layer: LayerIx,
    pub id: FeatureId,
    pub code: &'a str,
    pub class: Option<ClassIx>,
    /// Maintainer, owner, supervisor.
    pub holders: [Holding; 3],
    /// 废弃 or 移除
    pub retired: bool,
    /// Seconds; `i64::MIN` when not recorded.
    pub since: i64,
    pub shared: Option<bool>,
    pub ownerless: bool,
    /// Bound of the positional accuracy class, metres.
    pub accuracy_m: f32,
    pub level: i8,
    /// The unit grid recorded is not the one it stands in.
    pub grid_differs: bool,
}

/// What a component says of one of its holders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holding {
    Nobody,
    Known(OrgIx),
    /// Somebody whom the register does not know.
    Unknown,
}

/// Position of a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ComponentIx(pub u32);

#[derive(Debug, Clone, Copy)]
pub struct Component {
    /// A point of it; its place when it is a point.
    pub at: [f64; 2],
    pub id: FeatureId,
    since: i64,
    holders: [u32; 3],
    code: u32,
    shape: u32,
    class: u16,
    pub layer: LayerIx,
    pub accuracy_m: f32,
    code_len: u8,
    pub level: i8,
    pub retired: bool,
    pub ownerless: bool,
    pub grid_differs: bool,
    shared: u8,
}

/// How holders are packed: 0 nobody, 1 unknown, else organisation + 2.
const UNKNOWN: u32 = 1;

impl Component {
    pub fn class(&self) -> Option<ClassIx> {
        (self.class != NO_CLASS).then_some(ClassIx(self.class))
    }

    pub fn holder(&self, holder: Holder) -> Holding {
        match self.holders[holder as usize] {
            0 => Holding::Nobody,
            UNKNOWN => Holding::Unknown,
            n => Holding::Known(OrgIx(n - 2)),
        }
    }

    pub fn shared(&self) -> Option<bool> {
        [None, Some(false), Some(true)][self.shared as usize]
    }

    /// Recorded at that moment or before.
    pub fn exists_at(&self, seconds: i64) -> bool {
        self.since <= seconds
    }

    pub fn is_point(&self) -> bool {
        self.shape == NO_SHAPE
    }
}

/// A shape that is not one point.
struct Shape {
    component: u32,
    geometry: Geometry,
}

/// What a search looks at: the rest of a component is read when it is near.
#[derive(Debug, Clone, Copy)]
struct Spot {
    at: [f64; 2],
    class: u16,
    is_point: bool,
    retired: bool,
    /// The day before which it does not exist, counted from 1970; rounded down.
    since_day: i32,
}

const DAY_SECONDS: i64 = 86_400;

impl Spot {
    fn of(c: &Component) -> Spot {
        let day = c.since.div_euclid(DAY_SECONDS).clamp(i64::from(i32::MIN), i64::from(i32::MAX));
        Spot { at: c.at, class: c.class, is_point: c.is_point(), retired: c.retired, since_day: day as i32 }
    }
}

/// A shape that comes into a cell of the grid.
#[derive(Debug, Clone, Copy)]
struct Listed {
    shape: u32,
    class: u16,
}

#[derive(Default)]
pub struct Components {
    all: Vec<Component>,
    /// In the order of `all`.
    spots: Vec<Spot>,
    codes: String,
    shapes: Vec<Shape>,
    by_code: HashTable<u32>,
    hasher: RandomState,
    grid: Grid,
    /// First component and first entry of `shape_list` of each cell of the grid, and one cell more.
    starts: Vec<[u32; 2]>,
    shape_list: Vec<Listed>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Grid {
    min: [f64; 2],
    scale: f64,
    columns: usize,
    rows: usize,
}

impl Grid {
    fn over(b: BBox) -> Grid {
        if b.is_empty() {
            return Grid { columns: 1, rows: 1, ..Grid::default() };
        }
        let size = [b.max_x - b.min_x, b.max_y - b.min_y];
        let side = CELL_DEG.max((size[0].max(CELL_DEG) * size[1].max(CELL_DEG) / MOST_CELLS).sqrt());
        let count = size.map(|s| (s / side) as usize + 1);
        Grid { min: [b.min_x, b.min_y], scale: 1.0 / side, columns: count[0], rows: count[1] }
    }

    fn column(&self, x: f64) -> usize {
        (((x - self.min[0]) * self.scale) as usize).min(self.columns - 1)
    }

    fn row(&self, y: f64) -> usize {
        (((y - self.min[1]) * self.scale) as usize).min(self.rows - 1)
    }

    fn cell(&self, [x, y]: [f64; 2]) -> usize {
        self.row(y) * self.columns + self.column(x)
    }

    /// The cells of a box, row by row: ranges.
    fn rows_of(self, b: &BBox) -> impl Iterator<Item = std::ops::RangeInclusive<usize>> {
        let (west, east) = (self.column(b.min_x), self.column(b.max_x));
        (self.row(b.min_y)..=self.row(b.max_y)).map(move |r| r * self.columns + west..=r * self.columns + east)
    }
}

/// Takes records one by one.
#[derive(Default)]
pub struct Builder {
    all: Vec<Component>,
    codes: String,
    shapes: Vec<Shape>,
    bounds: Option<BBox>,
}

impl Builder {
    pub fn push(&mut self, r: &Record<'_>, geometry: &Geometry) {
        let Some(&first) = geometry.xy.first() else { return };
        self.bounds = Some(self.bounds.unwrap_or(BBox::EMPTY).join(&geometry.bbox()));
        let point = geometry.kind == GeometryKind::Point && geometry.xy.len() == 1;
        let pack = |h: &Holding| match h {
            Holding::Nobody => 0,
            Holding::Unknown => UNKNOWN,
            Holding::Known(org) => org.0 + 2,
        };
        let most = r.code.len().min(usize::from(u8::MAX));
        let code = &r.code[..(0..=most).rev().find(|&i| r.code.is_char_boundary(i)).unwrap_or(0)];
        self.all.push(Component {
            at: if point { first } else { representative(geometry) },
            id: r.id,
            since: r.since,
            holders: [pack(&r.holders[0]), pack(&r.holders[1]), pack(&r.holders[2])],
            code: self.codes.len() as u32,
            shape: if point { NO_SHAPE } else { self.shapes.len() as u32 },
            class: r.class.map_or(NO_CLASS, |c| c.0),
            layer: r.layer,
            accuracy_m: r.accuracy_m,
            code_len: code.len() as u8,
            level: r.level,
            retired: r.retired,
            ownerless: r.ownerless,
            grid_differs: r.grid_differs,
            shared: r.shared.map_or(0, |s| 1 + u8::from(s)),
        });
        self.codes.push_str(code);
        if !point {
            self.shapes.push(Shape { component: 0, geometry: geometry.clone() });
        }
    }

    /// More records, after these.
    pub fn append(&mut self, other: Builder) {
        let (codes, shapes) = (self.codes.len() as u32, self.shapes.len() as u32);
        self.all.extend(other.all.into_iter().map(|c| Component {
            code: c.code + codes,
            shape: if c.shape == NO_SHAPE { NO_SHAPE } else { c.shape + shapes },
            ..c
        }));
        self.codes.push_str(&other.codes);
        self.shapes.extend(other.shapes);
        if let Some(b) = other.bounds {
            self.bounds = Some(self.bounds.unwrap_or(BBox::EMPTY).join(&b));
        }
    }

    /// The order of the records does not matter: they are sorted by place, then layer and id.
    pub fn build(mut self) -> Components {
        let grid = Grid::over(self.bounds.unwrap_or(BBox::EMPTY));
        self.all.sort_unstable_by_key(|c| (grid.cell(c.at), c.layer, c.id));
        let mut starts = vec![[0u32; 2]; grid.columns * grid.rows + 1];
        for (i, c) in self.all.iter().enumerate() {
            starts[grid.cell(c.at) + 1][0] += 1;
            if c.shape != NO_SHAPE {
                self.shapes[c.shape as usize].component = i as u32;
            }
        }
        let shape_list = by_cell(&grid, &self.shapes, &self.all, &mut starts);
        for i in 1..starts.len() {
            let before = starts[i - 1];
            starts[i] = [0, 1].map(|k| starts[i][k] + before[k]);
        }
        let mut built = Components {
            spots: self.all.iter().map(Spot::of).collect(),
            all: self.all,
            codes: self.codes,
            shapes: self.shapes,
            grid,
            starts,
            shape_list,
            ..Components::default()
        };
        built.index_codes();
        built
    }
}

/// The shapes of each cell in the cells' order; counts them in `starts`.
fn by_cell(grid: &Grid, shapes: &[Shape], all: &[Component], starts: &mut [[u32; 2]]) -> Vec<Listed> {
    let mut pairs: Vec<(u32, u32)> = vec![];
    for (i, s) in shapes.iter().enumerate() {
        pairs.extend(grid.rows_of(&s.geometry.bbox()).flatten().map(|cell| (cell as u32, i as u32)));
    }
    pairs.sort_unstable();
    for (cell, _) in &pairs {
        starts[*cell as usize + 1][1] += 1;
    }
    let listed = |shape: u32| Listed { shape, class: all[shapes[shape as usize].component as usize].class };
    pairs.into_iter().map(|(_, shape)| listed(shape)).collect()
}

/// A vertex of a line's middle, a point inside a polygon.
fn representative(g: &Geometry) -> [f64; 2] {
    match g.kind {
        GeometryKind::Polygon => inner_point(g),
        _ => g.xy[g.xy.len() / 2],
    }
}

/// The middle of the widest stretch inside along the level line through the box's middle.
pub(super) fn inner_point(g: &Geometry) -> [f64; 2] {
    let y = g.bbox().center()[1];
    let mut cuts: Vec<f64> = g
        .edges()
        .filter(|e| (e.low[1] > y) != (e.high[1] > y))
        .map(|e| e.low[0] + (y - e.low[1]) / (e.high[1] - e.low[1]) * (e.high[0] - e.low[0]))
        .collect();
    cuts.sort_by(f64::total_cmp);
    let widest = cuts.chunks_exact(2).max_by(|a, b| (a[1] - a[0]).total_cmp(&(b[1] - b[0])));
    widest.map_or(g.xy.first().copied().unwrap_or_default(), |w| [(w[0] + w[1]) / 2.0, y])
}

impl Components {
    fn index_codes(&mut self) {
        let mut table = HashTable::with_capacity(self.all.len());
        for i in 0..self.all.len() as u32 {
            let hash = self.hasher.hash_one(self.code(ComponentIx(i)));
            table.insert_unique(hash, i, |i| self.hasher.hash_one(self.code(ComponentIx(*i))));
        }
        self.by_code = table;
    }

    #[inline]
    pub fn get(&self, ix: ComponentIx) -> &Component {
        &self.all[ix.0 as usize]
    }

    pub fn code(&self, ix: ComponentIx) -> &str {
        let c = self.get(ix);
        &self.codes[c.code as usize..c.code as usize + usize::from(c.code_len)]
    }

    /// All components with a code; ideally one.
    pub fn by_code(&self, code: &str) -> impl Iterator<Item = ComponentIx> {
        let hash = self.hasher.hash_one(code);
        self.by_code.iter_hash(hash).map(|i| ComponentIx(*i)).filter(move |i| self.code(*i) == code)
    }

    /// Metres from a place to the nearest part of a component; 0 inside an area.
    pub fn distance_m(&self, ix: ComponentIx, p: [f64; 2], here: &Local) -> f64 {
        let c = self.get(ix);
        if c.is_point() {
            return here.distance_m(c.at);
        }
        self.shapes[c.shape as usize].geometry.distance_m(p, here)
    }

    /// Reads what `near` will read in each of these windows: see `bulk`.
    pub(super) fn warm(&self, windows: &[BBox]) -> u64 {
        if self.all.is_empty() {
            return 0;
        }
        let rows = windows.iter().flat_map(|w| self.grid.rows_of(w));
        let runs: Vec<[u32; 2]> = rows.map(|c| [self.starts[*c.start()][0], self.starts[*c.end() + 1][0]]).collect();
        let spots = runs.iter().flat_map(|[from, to]| self.spots[*from as usize..*to as usize].iter().step_by(2));
        spots.map(|s| u64::from(s.class)).fold(0, u64::wrapping_add)
    }

    /// Whether it is in use: neither retired nor recorded later.
    fn in_use(&self, i: usize, spot: &Spot, at: Instant) -> bool {
        if spot.retired {
            return false;
        }
        let day = at.0.div_euclid(DAY_SECONDS);
        i64::from(spot.since_day) < day || self.all[i].exists_at(at.0)
    }

    /// Calls `each` with every component of these classes in use within `radius_m` and its distance.
    pub fn near(
        &self,
        p: [f64; 2],
        radius_m: f64,
        classes: &[ClassIx],
        at: Instant,
        mut each: impl FnMut(ComponentIx, f64),
    ) {
        if self.all.is_empty() || classes.is_empty() {
            return;
        }
        let here = Local::at(p);
        let window = here.window(radius_m);
        let wanted = |class: u16| classes.iter().any(|c| c.0 == class);
        let mut shapes = vec![];
        for cells in self.grid.rows_of(&window) {
            let (first, end) = (self.starts[*cells.start()], self.starts[*cells.end() + 1]);
            for i in first[0] as usize..end[0] as usize {
                let spot = &self.spots[i];
                if wanted(spot.class) && spot.is_point {
                    let [east, north] = here.offset_m(spot.at);
                    let square = east * east + north * north;
                    if square <= radius_m * radius_m && self.in_use(i, spot, at) {
                        each(ComponentIx(i as u32), square.sqrt());
                    }
                }
            }
            let listed = &self.shape_list[first[1] as usize..end[1] as usize];
            shapes.extend(listed.iter().filter(|l| wanted(l.class)).map(|l| l.shape));
        }
        shapes.sort_unstable();
        shapes.dedup();
        for shape in shapes {
            let i = self.shapes[shape as usize].component;
            let distance = self.distance_m(ComponentIx(i), p, &here);
            if distance <= radius_m && self.in_use(i as usize, &self.spots[i as usize], at) {
                each(ComponentIx(i), distance);
            }
        }
    }
}
