//! Centre lines → tubes: faces between the rings of `ring`, arcs at sharp bends, caps on free ends, balls over joints
//! that cannot be mitred, boxes for ducts, lines where a tube would be finer than the tolerance. No junction is cut out of
//! another: what meets is what `joint` says.

use super::Undrawn;
use super::bend::rounded;
use super::frame::{cross, dot, length, sub};
use super::joint::End;
use super::mesh::{Mesh, packed_normal};
use super::ring::{Ring, rings};

/// Outer measures of a section.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Section {
    /// 圆形
    Round { outer_m: f64 },
    /// 方沟, 管块: sides upright.
    Box { width_m: f64, height_m: f64 },
}

impl Section {
    /// Half the smaller measure.
    pub fn radius_m(&self) -> f64 {
        match *self {
            Section::Round { outer_m } => outer_m / 2.0,
            Section::Box { width_m, height_m } => width_m.min(height_m) / 2.0,
        }
    }

    /// Width and height.
    pub fn measures_m(&self) -> [f64; 2] {
        match *self {
            Section::Round { outer_m } => [outer_m; 2],
            Section::Box { width_m, height_m } => [width_m, height_m],
        }
    }
}

/// A tube to be drawn.
#[derive(Debug, Clone, Copy)]
pub struct Tube<'a> {
    /// East, north, up in metres, along the middle of the section.
    pub centre: &'a [[f64; 3]],
    pub section: Section,
    pub ends: [End; 2],
}

/// Materials of a tube: its surface, and the line that stands for it far away.
#[derive(Debug, Clone, Copy)]
pub struct TubePaint {
    pub body: usize,
    pub line: usize,
}

/// Grid of a ring's corners over its radius; not a power of two over usual radii, so that noise does not decide.
const GRID: f64 = 0.0099;
const WIDEST_GRID_M: f64 = 0.004;
/// How far a ball may leave the true one: it covers a joint, of pipes narrower by a twentieth.
const BALL_OFF: f64 = 0.02;
/// Vertices nearer to each other are one.
pub const LEAST_M: f64 = 0.001;
/// Turns above this are no bend but a way back: the tube ends and another begins.
const FOLD: f64 = 170.0 * std::f64::consts::PI / 180.0;

/// Adds a tube. Its surface leaves the true one by at most `tolerance_m`; a centre line is first simplified by a
/// quarter of that. Where the tolerance reaches the radius, lines are drawn instead.
///
/// # Errors
/// `Undrawn::NoLength` when the centre line has no two places.
pub fn tube(mesh: &mut Mesh, tube: &Tube<'_>, tolerance_m: f64, paint: TubePaint, row: u32) -> Result<(), Undrawn> {
    let centre = path(tube.centre, mesh.step_m().max(LEAST_M), tolerance_m);
    if centre.len() < 2 {
        return Err(Undrawn::NoLength);
    }
    if tolerance_m >= tube.section.radius_m() {
        line(mesh, &centre, paint.line, row);
        return Ok(());
    }
    let mut rest = centre.as_slice();
    while rest.len() >= 2 {
        let stop = (1..rest.len() - 1).find(|&i| turn(rest, i) > FOLD).unwrap_or(rest.len() - 1);
        let start_end = if rest.len() == centre.len() { tube.ends[0] } else { End::Free };
        let last_end = if stop + 1 == rest.len() { tube.ends[1] } else { End::Free };
        run(mesh, &rest[..=stop], tube.section, [start_end, last_end], tolerance_m, paint.body, row);
        rest = &rest[stop..];
    }
    Ok(())
}

/// Sides of a ring by the sagitta rule: so many that no chord leaves the circle by more than the tolerance; even,
/// so that a diameter lies between two corners; 4 to 32.
pub fn ring_sides(radius_m: f64, tolerance_m: f64) -> usize {
    let half_angle = (1.0 - (tolerance_m / radius_m).min(1.0)).acos();
    let least = (std::f64::consts::PI / half_angle).ceil().clamp(4.0, 32.0) as usize;
    least.next_multiple_of(2)
}

/// Angle in radians by which the line turns at vertex i.
fn turn(line: &[[f64; 3]], i: usize) -> f64 {
    let (a, b) = (sub(line[i], line[i - 1]), sub(line[i + 1], line[i]));
    length(cross(a, b)).atan2(dot(a, b))
}

fn line(mesh: &mut Mesh, centre: &[[f64; 3]], material: usize, row: u32) {
    let mut before = None;
    for &p in centre {
        let at = mesh.snap(p);
        let v = mesh.vertex(at, [0, 0, 127], row);
        if let Some(u) = before.replace(v) {
            mesh.line(material, [u, v]);
        }
    }
}

/// A stretch without a way back.
fn run(
    mesh: &mut Mesh,
    centre: &[[f64; 3]],
    section: Section,
    ends: [End; 2],
    tolerance_m: f64,
    material: usize,
    row: u32,
) {
    let (path, profile) = match section {
        Section::Round { outer_m } => {
            let sides = ring_sides(outer_m / 2.0, tolerance_m);
            let corner = |k: usize| {
                let (s, c) = (k as f64 / sides as f64 * std::f64::consts::TAU).sin_cos();
                [c * outer_m / 2.0, s * outer_m / 2.0]
            };
            (rounded(centre, outer_m, tolerance_m), (0..sides).map(corner).collect::<Vec<_>>())
        }
        Section::Box { width_m, height_m } => {
            let (w, h) = (width_m / 2.0, height_m / 2.0);
            (centre.to_vec(), vec![[w, -h], [w, h], [-w, h], [-w, -h]])
        }
    };
    let rings = rings(&path, section, &profile, ends);
    match section {
        Section::Round { .. } => smooth_sides(mesh, &rings, material, row),
        Section::Box { .. } => flat_sides(mesh, &rings, material, row),
    }
    if let (Some(first), Some(last)) = (rings.first(), rings.last()) {
        if ends[0] == End::Free {
            cap(mesh, first, first.direction.map(|x| -x), material, row, CapSide::Start);
        }
        if ends[1] == End::Free {
            cap(mesh, last, last.direction, material, row, CapSide::End);
        }
        for (end, ring) in [(ends[0], first), (ends[1], last)] {
            if let End::Covered { radius_m } = end {
                ball(mesh, ring.centre, f64::from(radius_m), tolerance_m, material, row);
            }
        }
    }
}

/// Where a ring's corners are, in steps.
struct Corners<'r> {
    ring: &'r Ring,
    grid: i32,
    centre: [i32; 3],
}

/// Centre and offset are snapped apart: rings of one pipe that are alike stay alike in steps, which packs well and
/// keeps the diameter. So does a coarser grid for wide rings.
impl<'r> Corners<'r> {
    fn of(mesh: &Mesh, ring: &'r Ring) -> Corners<'r> {
        Corners { ring, grid: grid(mesh, ring), centre: mesh.snap(ring.centre) }
    }

    fn at(&self, mesh: &Mesh, k: usize) -> [i32; 3] {
        let offset = mesh.snap(self.ring.offsets[k].map(|x| x / f64::from(self.grid)));
        [0, 1, 2].map(|i| self.centre[i] + offset[i] * self.grid)
    }
}

/// Steps between places of a ring's corners: a hundredth of its radius, so that its diameter stays within 1 %, and under
/// 4 mm; a power of two.
fn grid(mesh: &Mesh, ring: &Ring) -> i32 {
    let radius_m = ring.offsets.iter().map(|o| length(*o)).fold(f64::INFINITY, f64::min);
    let most_m = (radius_m * GRID).min(WIDEST_GRID_M);
    1 << ((most_m / mesh.step_m()).log2().floor().clamp(0.0, 3.0) as i32)
}

fn smooth_sides(mesh: &mut Mesh, rings: &[Ring], material: usize, row: u32) {
    let base = mesh.vertices.len() as u32;
    for ring in rings {
        let corners = Corners::of(mesh, ring);
        for k in 0..ring.offsets.len() {
            let at = corners.at(mesh, k);
            mesh.vertex(at, packed_normal(ring.normals[k]), row);
        }
    }
    let n = rings.first().map_or(0, |r| r.offsets.len()) as u32;
    for j in 0..(rings.len() as u32).saturating_sub(1) {
        let (a, b) = (base + j * n, base + (j + 1) * n);
        for k in 0..n {
            let next = (k + 1) % n;
            mesh.triangle(material, [a + k, b + k, b + next]);
            mesh.triangle(material, [a + k, b + next, a + next]);
        }
    }
}

fn flat_sides(mesh: &mut Mesh, rings: &[Ring], material: usize, row: u32) {
    for pair in rings.windows(2) {
        let n = pair[0].offsets.len();
        let corners = [0, 1].map(|i| Corners::of(mesh, &pair[i]));
        for k in 0..n {
            let next = (k + 1) % n;
            let side = sub(pair[0].offsets[next], pair[0].offsets[k]);
            let normal = packed_normal(cross(pair[0].direction, side));
            let [a, b, c, d] = [(0, k), (1, k), (1, next), (0, next)].map(|(ring, k): (usize, usize)| {
                let at = corners[ring].at(mesh, k);
                mesh.vertex(at, normal, row)
            });
            mesh.triangle(material, [a, b, c]);
            mesh.triangle(material, [a, c, d]);
        }
    }
}

#[derive(Clone, Copy)]
enum CapSide {
    Start,
    End,
}

fn cap(mesh: &mut Mesh, ring: &Ring, outward: [f64; 3], material: usize, row: u32, side: CapSide) {
    let base = mesh.vertices.len() as u32;
    let normal = packed_normal(outward);
    let corners = Corners::of(mesh, ring);
    for k in 0..ring.offsets.len() {
        let at = corners.at(mesh, k);
        mesh.vertex(at, normal, row);
    }
    for k in 1..ring.offsets.len() as u32 - 1 {
        mesh.triangle(
            material,
            match side {
                CapSide::Start => [base, base + k, base + k + 1],
                CapSide::End => [base, base + k + 1, base + k],
            },
        );
    }
}

/// A closed ball over a joint: rings of latitude between two poles, as many as the tolerance asks for.
fn ball(mesh: &mut Mesh, centre: [f64; 3], radius_m: f64, tolerance_m: f64, material: usize, row: u32) {
    let sides = ring_sides(radius_m, tolerance_m.max(radius_m * BALL_OFF)) as u32;
    let belts = sides / 2;
    let base = mesh.vertices.len() as u32;
    let mut vertex = |latitude: f64, longitude: f64| {
        let ((sin, cos), (s, c)) = (latitude.sin_cos(), longitude.sin_cos());
        let outward = [cos * c, cos * s, sin];
        let (centre, offset) = (mesh.snap(centre), mesh.snap(outward.map(|x| x * radius_m)));
        mesh.vertex([0, 1, 2].map(|i| centre[i] + offset[i]), packed_normal(outward), row)
    };
    for i in 1..belts {
        let latitude = (f64::from(i) / f64::from(belts) - 0.5) * std::f64::consts::PI;
        for k in 0..sides {
            vertex(latitude, f64::from(k) / f64::from(sides) * std::f64::consts::TAU);
        }
    }
    let south = vertex(-std::f64::consts::FRAC_PI_2, 0.0);
    let north = vertex(std::f64::consts::FRAC_PI_2, 0.0);
    let top = base + (belts - 2) * sides;
    for k in 0..sides {
        let next = (k + 1) % sides;
        mesh.triangle(material, [south, base + next, base + k]);
        for low in (base..top).step_by(sides as usize) {
            let high = low + sides;
            mesh.triangle(material, [low + k, low + next, high + next]);
            mesh.triangle(material, [low + k, high + next, high + k]);
        }
        mesh.triangle(material, [north, top + k, top + next]);
    }
}

/// The middle line as it is drawn: without vertices that repeat the one before and without those that a quarter of the
/// tolerance makes superfluous.
pub fn path(centre: &[[f64; 3]], least_m: f64, tolerance_m: f64) -> Vec<[f64; 3]> {
    simplified(&distinct(centre, least_m), tolerance_m / 4.0)
}

/// Farther is nowhere on earth.
const FARTHEST_M: f64 = 1e8;

/// Without vertices that repeat the one before, within `least_m`, and without those that are nowhere.
fn distinct(line: &[[f64; 3]], least_m: f64) -> Vec<[f64; 3]> {
    let mut out: Vec<[f64; 3]> = vec![];
    for &p in line.iter().filter(|p| p.iter().all(|x| x.abs() < FARTHEST_M)) {
        if out.last().is_none_or(|q| length(sub(p, *q)) >= least_m) {
            out.push(p);
        }
    }
    out
}

/// Douglas and Peucker (1973) in space: vertices farther than the tolerance from the simplified line stay.
fn simplified(line: &[[f64; 3]], tolerance_m: f64) -> Vec<[f64; 3]> {
    if line.len() < 3 {
        return line.to_vec();
    }
    let mut keep = vec![false; line.len()];
    let mut spans = vec![(0, line.len() - 1)];
    (keep[0], keep[line.len() - 1]) = (true, true);
    while let Some((a, b)) = spans.pop() {
        let far = (a + 1..b).map(|i| (from_segment(line[i], line[a], line[b]), i)).max_by(|x, y| x.0.total_cmp(&y.0));
        if let Some((_, i)) = far.filter(|(d, _)| *d > tolerance_m) {
            keep[i] = true;
            spans.extend([(a, i), (i, b)]);
        }
    }
    line.iter().zip(keep).filter_map(|(p, keep)| keep.then_some(*p)).collect()
}

fn from_segment(p: [f64; 3], a: [f64; 3], b: [f64; 3]) -> f64 {
    let (ab, ap) = (sub(b, a), sub(p, a));
    let t = (dot(ap, ab) / dot(ab, ab).max(1e-18)).clamp(0.0, 1.0);
    length(sub(ap, ab.map(|x| x * t)))
}
