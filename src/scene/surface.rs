//! Polygons in space, with holes and with what each is → triangles. Reads borrowed slices: which format or type the
//! polygons come from is nobody's matter here.

use super::Undrawn;
use super::frame::{cross, dot, length, sub, unit};
use super::mesh::{Material, Mesh, packed_normal};
use super::triangulate::Triangulator;
use crate::feature::{LodSkin, Paint};
use crate::layer::{Colour, Part};

/// One thing's surfaces, flat: `rings[ring_ends[i-1]..ring_ends[i]]` are the vertex numbers of ring i,
/// `surface_ends[s]` is the ring index after surface s, whose first ring is its exterior, counter-clockwise seen
/// from outside. Rings closed or not.
#[derive(Debug, Clone, Copy)]
pub struct Surfaces<'a> {
    pub vertices: Vertices<'a>,
    pub rings: &'a [u32],
    pub ring_ends: &'a [u32],
    pub surface_ends: &'a [u32],
    /// What each surface is; where that is not known (or the slice ends) its slope tells.
    pub parts: &'a [Option<Part>],
}

#[derive(Debug, Clone, Copy)]
pub enum Vertices<'a> {
    /// `[longitude°, latitude°, height m]`, the height in the data's datum.
    Geographic(&'a [[f64; 3]]),
    /// Metres east, north, up of the tile's frame.
    Local(&'a [[f64; 3]]),
}

/// Surfaces that were not as they should be. They are counted in the report; none stops the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SurfaceFaults {
    /// Without area, or naming vertices that are not there: not drawn.
    pub degenerate: u64,
    /// A vertex more than `PLANAR_M` off the best plane: drawn as triangles on it.
    pub not_planar: u64,
    /// Rings that cross: drawn, with an area that is not the polygon's.
    pub crossed: u64,
}

impl std::ops::AddAssign for SurfaceFaults {
    fn add_assign(&mut self, other: SurfaceFaults) {
        self.degenerate += other.degenerate;
        self.not_planar += other.not_planar;
        self.crossed += other.crossed;
    }
}

/// CityGML's quality checks take 1 cm (val3dity, "planarity_d2p").
const PLANAR_M: f64 = 0.01;
/// Smaller areas are noise, m².
const LEAST_AREA_M2: f64 = 1e-4;

/// What surfaces wear.
#[derive(Debug, Clone, Copy)]
pub struct Dress<'a> {
    pub paints: &'a [Paint],
    /// In step with the surfaces and the rings.
    pub skin: &'a LodSkin,
}

impl Dress<'_> {
    fn paint(&self, surface: usize) -> Option<Paint> {
        let number = self.skin.worn.get(surface)?.checked_sub(1)?;
        self.paints.get(number as usize).copied()
    }
}

/// Makes faces of surfaces; keeps its buffers from one to the next.
#[derive(Default)]
pub struct Surfacer {
    triangulator: Triangulator,
    corners: Vec<[f64; 3]>,
    /// Of each corner, where the surfaces wear images.
    uv: Vec<[f32; 2]>,
    ends: Vec<u32>,
    plane: Vec<[f64; 2]>,
}

impl Surfacer {
    /// Adds every surface that has an area. `local` are the vertices in the frame's metres; `material` names each
    /// part's, `faults` counts on.
    ///
    /// # Errors
    /// `Undrawn::NoArea` when none has.
    pub fn surfaces(
        &mut self,
        mesh: &mut Mesh,
        (surfaces, dress): (&Surfaces<'_>, Option<Dress<'_>>),
        local: &[[f64; 3]],
        material: &mut dyn FnMut(&mut Mesh, Part) -> usize,
        row: u32,
        faults: &mut SurfaceFaults,
    ) -> Result<(), Undrawn> {
        let before = mesh.vertices.len();
        let mut ring = 0;
        for (s, &end) in surfaces.surface_ends.iter().enumerate() {
            let rings = ring..(end as usize);
            ring = rings.end;
            let paint = dress.and_then(|d| d.paint(s));
            let uv = dress.map_or(&[][..], |d| &d.skin.uv);
            if !self.take(surfaces, local, rings, if matches!(paint, Some(Paint::Image(_))) { uv } else { &[] }) {
                faults.degenerate += 1;
                continue;
            }
            let mut painted = |mesh: &mut Mesh, part| {
                let plain = material(mesh, part);
                match (paint, mesh.materials.get(plain).copied()) {
                    (Some(Paint::Image(image)), Some(m)) => mesh.wearing(m, image),
                    (Some(Paint::Colour(colour)), Some(m)) => mesh.material(Material { colour: Colour(colour), ..m }),
                    _ => plain,
                }
            };
            *faults += self.faces(mesh, surfaces.parts.get(s).copied().flatten(), &mut painted, row);
        }
        if mesh.vertices.len() == before { Err(Undrawn::NoArea) } else { Ok(()) }
    }

    /// Reads a surface's corners; false when it is none.
    fn take(
        &mut self,
        surfaces: &Surfaces<'_>,
        local: &[[f64; 3]],
        rings: std::ops::Range<usize>,
        uv: &[[f32; 2]],
    ) -> bool {
        self.corners.clear();
        self.uv.clear();
        self.ends.clear();
        for r in rings {
            let from = if r == 0 { 0 } else { surfaces.ring_ends[r - 1] as usize };
            let Some(numbers) = surfaces.ring_ends.get(r).and_then(|&to| surfaces.rings.get(from..to as usize)) else {
                return false;
            };
            let start = self.corners.len();
            for (i, &n) in numbers.iter().enumerate() {
                let Some(&p) = local.get(n as usize).filter(|p| p.iter().all(|x| x.is_finite())) else { return false };
                if self.corners.len() == start || self.corners.last() != Some(&p) {
                    self.corners.push(p);
                    self.uv.extend(uv.get(from + i));
                }
            }
            if self.corners.len() > start + 1 && self.corners.last() == self.corners.get(start) {
                self.corners.pop();
                self.uv.pop();
            }
            match self.corners.len() - start {
                3.. => self.ends.push(self.corners.len() as u32),
                // A hole of nothing is no hole.
                _ if start > 0 => {
                    self.corners.truncate(start);
                    self.uv.truncate(start);
                }
                _ => return false,
            }
        }
        !self.ends.is_empty()
    }

    fn faces(
        &mut self,
        mesh: &mut Mesh,
        part: Option<Part>,
        material: &mut dyn FnMut(&mut Mesh, Part) -> usize,
        row: u32,
    ) -> SurfaceFaults {
        let mut faults = SurfaceFaults::default();
        let exterior = &self.corners[..self.ends[0] as usize];
        let newell = newell(exterior);
        let (Some(normal), true) = (unit(newell), length(newell) / 2.0 >= LEAST_AREA_M2) else {
            faults.degenerate += 1;
            return faults;
        };
        let middle = exterior.iter().fold([0.0; 3], |m, p| [m[0] + p[0], m[1] + p[1], m[2] + p[2]]);
        let middle = middle.map(|x| x / exterior.len() as f64);
        let off = self.corners.iter().map(|p| dot(normal, sub(*p, middle)).abs()).fold(0.0, f64::max);
        faults.not_planar += u64::from(off > PLANAR_M);
        let material = material(mesh, part.unwrap_or_else(|| by_slope(normal)));
        let packed = packed_normal(normal);
        let base = mesh.vertices.len() as u32;
        for p in &self.corners {
            let at = mesh.snap(*p);
            mesh.vertex(at, packed, row);
        }
        let shift = whole_turns(&self.uv);
        for (i, uv) in (base..).zip(&self.uv) {
            mesh.place_in_image(i, [uv[0] - shift[0], uv[1] - shift[1]]);
        }
        if self.corners.len() == 3 {
            mesh.triangle(material, [base, base + 1, base + 2]);
            return faults;
        }
        // Axes of the plane: seen from outside, first × second = normal.
        let least = (0..3).min_by(|&i, &j| normal[i].abs().total_cmp(&normal[j].abs())).unwrap_or(0);
        let mut axis = [0.0; 3];
        axis[least] = 1.0;
        let first = unit(cross(axis, normal)).unwrap_or([1.0, 0.0, 0.0]);
        let second = cross(normal, first);
        self.plane.clear();
        self.plane.extend(self.corners.iter().map(|p| sub(*p, middle)).map(|p| [dot(first, p), dot(second, p)]));
        let triangles = self.triangulator.triangles(&self.plane, &self.ends);
        let covered: f64 = triangles.chunks_exact(3).map(|t| area(&self.plane, t)).sum();
        faults.crossed += u64::from((covered - ring_area(&self.plane, &self.ends)).abs() > 1e-3 + covered * 1e-3);
        for t in triangles.chunks_exact(3) {
            mesh.triangle(material, [base + t[0], base + t[1], base + t[2]]);
        }
        faults
    }
}

/// By how many whole images a surface may be moved, so that it lies in the first where one is enough. A thousandth of an
/// image over its border is on it.
fn whole_turns(uv: &[[f32; 2]]) -> [f32; 2] {
    [0, 1].map(|k| {
        let low = uv.iter().map(|p| p[k]).fold(f32::INFINITY, f32::min);
        if low.is_finite() { (low + 1e-3).floor() } else { 0.0 }
    })
}

/// A roof looks up, the ground down, within 60° of the vertical; the rest are walls.
fn by_slope(normal: [f64; 3]) -> Part {
    match normal[2] {
        up if up > 0.5 => Part::Roof,
        up if up < -0.5 => Part::Ground,
        _ => Part::Wall,
    }
}

/// Newell's normal: twice the area of the ring's projections, right for rings that are not convex or not plane.
fn newell(ring: &[[f64; 3]]) -> [f64; 3] {
    let o = ring[0];
    ring.windows(2).fold([0.0; 3], |n, s| {
        let c = cross(sub(s[0], o), sub(s[1], o));
        [n[0] + c[0], n[1] + c[1], n[2] + c[2]]
    })
}

fn area(xy: &[[f64; 2]], t: &[u32]) -> f64 {
    let [a, b, c] = [xy[t[0] as usize], xy[t[1] as usize], xy[t[2] as usize]];
    ((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])).abs() / 2.0
}

/// Area of the first ring less those of the others.
fn ring_area(xy: &[[f64; 2]], ends: &[u32]) -> f64 {
    let mut from = 0;
    let mut total = 0.0;
    for (i, &end) in ends.iter().enumerate() {
        let ring = &xy[from..end as usize];
        from = end as usize;
        let closing = (ring.len() > 1).then(|| [ring[ring.len() - 1], ring[0]]);
        let double: f64 =
            ring.windows(2).map(|s| [s[0], s[1]]).chain(closing).map(|[a, b]| a[0] * b[1] - b[0] * a[1]).sum();
        total += if i == 0 { double.abs() / 2.0 } else { -double.abs() / 2.0 };
    }
    total
}
