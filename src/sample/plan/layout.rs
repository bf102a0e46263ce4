//! Where the lines of the city run: the prefecture is cut into communities, the core further into blocks of about a
//! hectare, larger cuts first, so that every line has a rank. Straight lines only; `ground` bends them.

use super::mesh::{Mesh, Pt, add, area, centroid, cross, direction, distance, dot, inside, sub};
use crate::sample::rng::Rng;
use std::collections::BinaryHeap;

/// The prefecture's outline, kilometres from the centre (about 6,300 km²).
const REGION_KM: &[Pt] = &[
    [-32.0, -19.0],
    [-28.0, -48.0],
    [-9.0, -56.0],
    [19.0, -59.0],
    [49.0, -46.0],
    [71.0, -9.0],
    [68.0, 12.0],
    [45.0, 21.0],
    [7.0, 18.5],
    [-22.0, 12.0],
];

/// The core's outline as (degrees, radius in units of the mean radius).
const CORE: &[(f64, f64)] = &[
    (12.0, 1.05),
    (58.0, 0.93),
    (101.0, 0.96),
    (148.0, 1.08),
    (188.0, 1.12),
    (231.0, 0.98),
    (279.0, 0.94),
    (326.0, 1.04),
];

/// What a line of the plan became.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    Border,
    Street,
    /// Along the inside of the city wall.
    Wall,
    /// A canal between two embankment roads.
    Canal,
    Railway,
}

#[derive(Debug, Clone, Copy)]
pub struct Line {
    pub kind: LineKind,
    /// Area of the face it cut, weighted by how dense its quarter's streets are: its rank.
    pub weight_m2: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Zone {
    OldTown,
    Residential,
    NewTown,
    Industry,
    Country,
}

/// What a block is used for as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    Built,
    Lake,
    Park,
    Campus,
    Plant,
}

/// A block that is not cut further: name, place in units of the core's radius, area in km² at full size.
struct Special {
    name: &'static str,
    at: Pt,
    km2: f64,
    kind: Use,
}

const fn special(name: &'static str, x: f64, y: f64, km2: f64, kind: Use) -> Special {
    Special { name, at: [x, y], km2, kind }
}

const SPECIALS: &[Special] = &[
    special("潘家湖", -0.10, 0.13, 0.32, Use::Lake),
    special("杨家湖", -0.02, 0.15, 0.26, Use::Lake),
    special("龙亭公园", -0.06, 0.20, 0.12, Use::Park),
    special("包公湖", -0.09, -0.13, 0.30, Use::Lake),
    special("铁塔湖", 0.19, 0.17, 0.10, Use::Lake),
    special("铁塔公园", 0.21, 0.20, 0.20, Use::Park),
    special("阳光湖", -0.22, -0.08, 0.08, Use::Lake),
    special("禹王台公园", 0.18, -0.38, 0.30, Use::Park),
    special("汴京公园", 0.33, 0.03, 0.18, Use::Park),
    special("金明池", -0.42, 0.06, 0.22, Use::Lake),
    special("西湖", -0.52, 0.20, 0.60, Use::Lake),
    special("汴西湖", -0.62, -0.20, 0.90, Use::Lake),
    special("西湖公园", -0.50, 0.29, 0.25, Use::Park),
    special("河南大学明伦校区", 0.15, 0.20, 0.35, Use::Campus),
    special("河南大学金明校区", -0.48, 0.45, 0.75, Use::Campus),
    special("开封大学", -0.75, 0.10, 0.55, Use::Campus),
    special("黄河水利职业技术学院", -0.35, 0.62, 0.50, Use::Campus),
    special("第一污水处理厂", 0.70, -0.45, 0.14, Use::Plant),
    special("第二水厂", -0.30, 0.72, 0.10, Use::Plant),
    special("热电厂", 0.62, -0.25, 0.30, Use::Plant),
    special("植物园", -0.88, 0.35, 0.60, Use::Park),
    special("东湖", 0.72, 0.35, 0.40, Use::Lake),
];

/// Half width and half height of the walled town in units of the core's radius.
pub const WALL: Pt = [0.275, 0.235];

pub struct Layout {
    pub mesh: Mesh,
    pub lines: Vec<Line>,
    /// Per face: its community cell. Cells of the core come first.
    pub cell: Vec<u32>,
    pub core: Vec<bool>,
    pub zone: Vec<Zone>,
    pub kind: Vec<Use>,
    /// Index into `special_name`.
    pub special: Vec<Option<u16>>,
    pub core_cells: u32,
    pub cells: u32,
}

pub fn special_name(index: u16) -> &'static str {
    SPECIALS.get(usize::from(index)).map_or("", |s| s.name)
}

/// A face waiting to be cut: larger relative to what is wanted there first.
#[derive(PartialEq)]
struct Waiting(f64, u32);

impl Eq for Waiting {}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Waiting) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Waiting) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0).then(other.1.cmp(&self.1))
    }
}

struct Builder {
    mesh: Mesh,
    lines: Vec<Line>,
    core: Vec<bool>,
    cell: Vec<u32>,
    rng: Rng,
    radius_m: f64,
    scale: f64,
}

/// `grids` unit grids in the core, `communities` cells in all (core and country).
pub fn layout(seed: u64, scale: f64, radius_m: f64, grids: usize, communities: usize) -> Layout {
    let region: Vec<Pt> = REGION_KM.iter().map(|p| [p[0] * 1000.0, p[1] * 1000.0]).collect();
    let border = Line { kind: LineKind::Border, weight_m2: 1e10 };
    let mut b = Builder {
        mesh: Mesh::new(&region, 0),
        lines: vec![border],
        core: vec![false],
        cell: vec![0],
        rng: Rng::of(seed, "layout", 0),
        radius_m,
        scale,
    };
    b.carve_core(grids as f64 * 10_000.0);
    b.great_lines(grids);
    let core_cells = b.core_communities(grids);
    b.country(communities - core_cells);
    for (f, cell) in b.cell.iter_mut().enumerate() {
        debug_assert!(b.core[f] || *cell == 0);
        if b.core[f] {
            continue;
        }
        *cell = u32::MAX;
    }
    let special = b.blocks(grids);
    b.finish(core_cells as u32, special)
}

impl Builder {
    fn line(&mut self, kind: LineKind, weight_m2: f64) -> u32 {
        self.lines.push(Line { kind, weight_m2 });
        self.lines.len() as u32 - 1
    }

    fn cut(&mut self, face: u32, p: Pt, d: Pt, snap_m: f64, min_share: f64, line: u32) -> Option<u32> {
        let new = self.mesh.cut(face, p, d, snap_m, min_share, line)?;
        self.core.push(self.core[face as usize]);
        self.cell.push(self.cell[face as usize]);
        Some(new)
    }

    fn carve_core(&mut self, area_m2: f64) {
        let mut outline: Vec<Pt> =
            CORE.iter().map(|(deg, r)| [r * deg.to_radians().cos(), r * deg.to_radians().sin()]).collect();
        outline.push(outline[0]);
        let unit = (area_m2 / area(&outline)).sqrt();
        for w in outline.windows(2) {
            let (a, b) = (add([0.0, 0.0], w[0], unit), add([0.0, 0.0], w[1], unit));
            let line = self.line(LineKind::Street, 5e9);
            self.cut(0, a, direction(a, b), 0.0, 0.0, line);
        }
        self.core[0] = true;
    }

    /// Lines that were there before the streets: the railway, canals, the wall and the two axes of the old town.
    fn great_lines(&mut self, grids: usize) {
        let r = self.radius_m;
        let small = grids < 60;
        let all = |_: Pt| true;
        let rail_y = -0.40 * r;
        self.cut_all(LineKind::Railway, 4e9, [0.0, rail_y], [1.0, 0.012], all);
        if small {
            return;
        }
        let core = |c: Pt| c[0].hypot(c[1]) < 1.2 * r;
        self.cut_all(LineKind::Wall, 3e9, [-WALL[0] * r, 0.0], [0.0, 1.0], core);
        self.cut_all(LineKind::Wall, 3e9, [WALL[0] * r, 0.0], [0.0, 1.0], core);
        let middle = |c: Pt| c[0].abs() < WALL[0] * r && c[1].abs() < 1.2 * r;
        self.cut_all(LineKind::Wall, 3e9, [0.0, WALL[1] * r], [1.0, 0.0], middle);
        let north = |c: Pt| middle(c) && c[1] > rail_y;
        self.cut_all(LineKind::Wall, 3e9, [0.0, -WALL[1] * r], [1.0, 0.0], north);
        if grids < 400 {
            return;
        }
        self.cut_all(LineKind::Canal, 2e9, [0.52 * r, 0.0], [0.30, -1.0], |c| core(c) && c[0] > WALL[0] * r);
        self.cut_all(LineKind::Canal, 2e9, [-0.36 * r, 0.0], [-0.06, -1.0], |c| core(c) && c[0] < -WALL[0] * r);
        self.cut_all(LineKind::Street, 2e9, [-0.015 * r, 0.0], [0.0, 1.0], middle);
        self.cut_all(LineKind::Street, 2e9, [0.0, 0.012 * r], [1.0, 0.0], core);
    }

    fn cut_all(&mut self, kind: LineKind, weight_m2: f64, p: Pt, d: Pt, wanted: impl Fn(Pt) -> bool) {
        let line = self.line(kind, weight_m2);
        let d = direction([0.0, 0.0], d);
        for face in 0..self.mesh.rings.len() as u32 {
            let c = centroid(&self.mesh.closed(face));
            // The core alone for what is not the railway: its lines end at the ring road.
            let fits = kind == LineKind::Railway || self.core[face as usize];
            if fits && wanted(c) {
                self.cut(face, p, d, 1e-3, 0.0, line);
            }
        }
    }

    /// Cuts the core into community cells of even size; how many.
    fn core_communities(&mut self, grids: usize) -> usize {
        let faces: Vec<u32> = (0..self.core.len() as u32).filter(|&f| self.core[f as usize]).collect();
        let wanted = (grids / 60).clamp(4, 250).max(faces.len());
        let faces = self.divide(faces, wanted, |_, a| (a, 1.0), |_, _| false);
        for (cell, &f) in faces.iter().enumerate() {
            self.cell[f as usize] = cell as u32;
        }
        faces.len()
    }

    /// Cuts the country into village cells, smaller near the city.
    fn country(&mut self, wanted: usize) {
        let faces: Vec<u32> = (0..self.core.len() as u32).filter(|&f| !self.core[f as usize]).collect();
        let r = self.radius_m;
        self.divide(
            faces,
            wanted,
            move |c, a| {
                let away_km = ((c[0].hypot(c[1]) - r).max(0.0)) / 1000.0;
                (a / (0.30 + (away_km / 14.0).min(1.0)), 1.0)
            },
            |_, _| false,
        );
    }

    /// Cuts the core's cells into blocks; which faces are special.
    fn blocks(&mut self, wanted: usize) -> Vec<(u32, u16)> {
        let faces: Vec<u32> = (0..self.core.len() as u32).filter(|&f| self.core[f as usize]).collect();
        let (r, scale) = (self.radius_m, self.scale);
        let mut special: Vec<(u32, u16)> = vec![];
        let mut taken = [false; SPECIALS.len()];
        let stop = |builder: &Builder, f: u32| {
            let ring = builder.mesh.closed(f);
            let a = area(&ring);
            for (i, s) in SPECIALS.iter().enumerate() {
                let most = (s.km2 * 1e6 * scale * 1.35).max(14_000.0);
                if !taken[i] && a <= most && inside(&ring, [s.at[0] * r, s.at[1] * r]) {
                    taken[i] = true;
                    special.push((f, i as u16));
                    return true;
                }
            }
            false
        };
        let rank = move |c: Pt, a: f64| {
            let zone = zone_at(c, r);
            let (size, dense) = match zone {
                Zone::OldTown => (0.62, 3.0),
                Zone::Residential => (1.0, 1.0),
                Zone::NewTown => (1.25, 0.9),
                Zone::Industry | Zone::Country => (1.7, 0.6),
            };
            (a / size, dense)
        };
        self.divide(faces, wanted, rank, stop);
        special
    }

    /// Cuts the largest face again and again until there are `wanted`; all of them, in order of birth. `rank` says how
    /// large a face of this centre and area counts, and how dense its streets are.
    fn divide(
        &mut self,
        faces: Vec<u32>,
        wanted: usize,
        rank: impl Fn(Pt, f64) -> (f64, f64),
        mut stop: impl FnMut(&Builder, u32) -> bool,
    ) -> Vec<u32> {
        let mut all = faces.clone();
        let mut heap = BinaryHeap::new();
        let push = |b: &Builder, heap: &mut BinaryHeap<Waiting>, f: u32| {
            let ring = b.mesh.closed(f);
            heap.push(Waiting(rank(centroid(&ring), area(&ring)).0, f));
        };
        for f in faces {
            push(self, &mut heap, f);
        }
        while all.len() < wanted {
            let Some(Waiting(_, face)) = heap.pop() else { break };
            if stop(self, face) {
                continue;
            }
            let ring = self.mesh.closed(face);
            let (c, a) = (centroid(&ring), area(&ring));
            let dense = rank(c, a).1;
            let Some(new) = self.split(face, a * dense) else { continue };
            all.push(new);
            push(self, &mut heap, face);
            push(self, &mut heap, new);
        }
        all
    }

    /// One cut across the longer side, at an uneven place, slightly turned, meeting near nodes.
    fn split(&mut self, face: u32, weight_m2: f64) -> Option<u32> {
        let ring = self.mesh.closed(face);
        let a = area(&ring);
        let zone = zone_at(centroid(&ring), self.radius_m);
        let (turn, snap) = match zone {
            Zone::OldTown => (9.0_f64, 0.08),
            Zone::Residential => (6.0, 0.13),
            Zone::NewTown => (2.5, 0.17),
            Zone::Industry => (4.0, 0.12),
            Zone::Country => (12.0, 0.10),
        };
        let kind = if self.core[face as usize] { LineKind::Street } else { LineKind::Border };
        let line = self.line(kind, weight_m2);
        for attempt in 0..8 {
            let u = longest_side(&ring);
            let v = [-u[1], u[0]];
            let span = |axis: Pt| {
                let at: Vec<f64> = ring.iter().map(|&p| dot(p, axis)).collect();
                let low = at.iter().copied().fold(f64::INFINITY, f64::min);
                let high = at.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                (low, high - low)
            };
            let ((u0, ul), (v0, vl)) = (span(u), span(v));
            let (axis, low, long) = if ul >= vl { (u, u0, ul) } else { (v, v0, vl) };
            let at = low + long * self.rng.between(0.37, 0.63);
            let c = centroid(&ring);
            let p = add(c, axis, at - dot(c, axis));
            let angle = self.rng.between(-turn, turn).to_radians();
            let d = [-axis[1] * angle.cos() - axis[0] * angle.sin(), axis[0] * angle.cos() - axis[1] * angle.sin()];
            let snap_m = if attempt < 5 { snap * a.sqrt().min(400.0) } else { 1e-3 };
            if let Some(new) = self.cut(face, p, d, snap_m, 0.25, line) {
                return Some(new);
            }
        }
        None
    }

    fn finish(self, core_cells: u32, special: Vec<(u32, u16)>) -> Layout {
        let n = self.core.len();
        let mut named = vec![None; n];
        let mut kind = vec![Use::Built; n];
        for (f, s) in special {
            named[f as usize] = Some(s);
            kind[f as usize] = SPECIALS[usize::from(s)].kind;
        }
        let mut zone = Vec::with_capacity(n);
        let mut cell = self.cell;
        let mut next = core_cells;
        for f in 0..n {
            let c = centroid(&self.mesh.closed(f as u32));
            let z = if self.core[f] { zone_at(c, self.radius_m) } else { Zone::Country };
            zone.push(z);
            if !self.core[f] {
                cell[f] = next;
                next += 1;
            } else if kind[f] == Use::Built {
                let share = if z == Zone::NewTown { 0.035 } else { 0.02 };
                if Rng::of(9, "park", f as u64).chance(share) {
                    kind[f] = Use::Park;
                }
            }
        }
        Layout {
            mesh: self.mesh,
            lines: self.lines,
            cell,
            core: self.core,
            zone,
            kind,
            special: named,
            core_cells,
            cells: next,
        }
    }
}

/// Whether a point (metres from the centre) lies in the walled town or on its wall.
pub fn beside_old_town(p: Pt, radius_m: f64) -> bool {
    p[0].abs() < (WALL[0] + 0.005) * radius_m && p[1].abs() < (WALL[1] + 0.005) * radius_m
}

/// The quarter a point of the plan (metres from the centre) lies in.
pub fn zone_at(p: Pt, radius_m: f64) -> Zone {
    let (x, y) = (p[0] / radius_m, p[1] / radius_m);
    if x.abs() < WALL[0] && y.abs() < WALL[1] {
        Zone::OldTown
    } else if x.hypot(y) > 1.3 {
        Zone::Country
    } else if x > 0.30 && y < -0.12 || (x > 0.62 && y < 0.2) {
        Zone::Industry
    } else if x < -0.33 || y > 0.45 {
        Zone::NewTown
    } else {
        Zone::Residential
    }
}

/// Direction of the longest straight run of a closed ring.
fn longest_side(ring: &[Pt]) -> Pt {
    let n = ring.len() - 1;
    let mut best = (0.0, [1.0, 0.0]);
    for i in 0..n {
        let d = direction(ring[i], ring[i + 1]);
        let mut length = 0.0;
        for k in 0..n {
            let (a, b) = (ring[(i + k) % n], ring[(i + k + 1) % n]);
            if cross(d, direction(a, b)).abs() > 0.02 || dot(d, sub(b, a)) < 0.0 {
                break;
            }
            length += distance(a, b);
        }
        if length > best.0 {
            best = (length, d);
        }
    }
    best.1
}
