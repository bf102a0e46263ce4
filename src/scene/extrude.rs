//! Footprints → closed blocks: roof, walls, ground. Flat roofs; the shape of a roof is in models, not here.

use super::Undrawn;
use super::frame::Frame;
use super::mesh::{Mesh, packed_normal};
use super::triangulate::Triangulator;
use crate::feature::Geometry;

/// Materials of a block's faces.
#[derive(Debug, Clone, Copy)]
pub struct BlockPaint {
    pub roof: usize,
    pub wall: usize,
    pub ground: usize,
}

/// Makes blocks; keeps its buffers from one to the next.
#[derive(Default)]
pub struct Extruder {
    triangulator: Triangulator,
    /// Ring by ring, open, in steps: foot and head of each upright edge.
    foot: Vec<[i32; 3]>,
    head: Vec<[i32; 3]>,
    ends: Vec<u32>,
    plan: Vec<[f64; 2]>,
}

impl Extruder {
    /// Adds the block over each polygon of `footprint`, from height `base_m` to `top_m`, each with what `undulation_m` says
    /// of its corner's place. Every wall stands on its own ellipsoid normal. A footprint of several polygons makes several closed blocks of one row.
    ///
    /// # Errors
    /// `Undrawn::NoArea` when no polygon has an area on the grid, `NoHeight` when top is not above base.
    pub fn block(
        &mut self,
        mesh: &mut Mesh,
        frame: &Frame,
        footprint: &Geometry,
        ([base_m, top_m], undulation_m): ([f64; 2], &dyn Fn([f64; 2]) -> f64),
        paint: BlockPaint,
        row: u32,
    ) -> Result<(), Undrawn> {
        if (top_m - base_m).is_nan() || top_m - base_m < mesh.step_m() {
            return Err(Undrawn::NoHeight);
        }
        let before = mesh.vertices.len();
        let (mut ring, mut vertex) = (0, 0);
        for &rings_end in &footprint.parts {
            self.clear();
            while ring < rings_end as usize {
                let end = footprint.ends[ring] as usize;
                self.take_ring(mesh, frame, &footprint.xy[vertex..end], ([base_m, top_m], undulation_m));
                (ring, vertex) = (ring + 1, end);
                if self.ends.is_empty() {
                    // Without an exterior its holes mean nothing.
                    (ring, vertex) = (rings_end as usize, footprint.ends[rings_end as usize - 1] as usize);
                }
            }
            if !self.ends.is_empty() {
                self.faces(mesh, paint, row);
            }
        }
        if mesh.vertices.len() == before { Err(Undrawn::NoArea) } else { Ok(()) }
    }

    fn clear(&mut self) {
        self.foot.clear();
        self.head.clear();
        self.ends.clear();
    }

    /// Snaps a ring, takes out vertices that say nothing, and turns it the right way: exteriors counter-clockwise,
    /// holes clockwise. A ring without area is left out.
    fn take_ring(
        &mut self,
        mesh: &Mesh,
        frame: &Frame,
        ring: &[[f64; 2]],
        ([base_m, top_m], undulation_m): ([f64; 2], &dyn Fn([f64; 2]) -> f64),
    ) {
        let open = match ring {
            [first, rest @ .., last] if first == last && !rest.is_empty() => &ring[..ring.len() - 1],
            _ => ring,
        };
        let from = self.foot.len();
        for &lonlat in open {
            let pillar = frame.pillar(lonlat);
            let n_m = undulation_m(lonlat);
            self.foot.push(mesh.snap(pillar.at(base_m + n_m)));
            self.head.push(mesh.snap(pillar.at(top_m + n_m)));
        }
        drop_straight(&mut self.foot, &mut self.head, from);
        let area = double_area(&self.foot[from..]);
        if self.foot.len() - from < 3 || area == 0 {
            self.foot.truncate(from);
            self.head.truncate(from);
            return;
        }
        if (area > 0) != self.ends.is_empty() {
            self.foot[from..].reverse();
            self.head[from..].reverse();
        }
        self.ends.push(self.foot.len() as u32);
    }

    fn faces(&mut self, mesh: &mut Mesh, paint: BlockPaint, row: u32) {
        let mut from = 0;
        for &end in &self.ends {
            let ring = from..end as usize;
            from = ring.end;
            // Backwards, and each wall from its right lower corner up and around: a vertex then differs from the
            // one before in height or in plan, never in both, and the first of a wall repeats the last.
            for j in ring.clone().rev() {
                let i = if j == ring.start { ring.end - 1 } else { j - 1 };
                let (a, b) = (self.foot[i], self.foot[j]);
                let normal = packed_normal([f64::from(b[1] - a[1]), f64::from(a[0] - b[0]), 0.0]);
                let [right_low, right_high, left_high, left_low] =
                    [b, self.head[j], self.head[i], a].map(|at| mesh.vertex(at, normal, row));
                mesh.triangle(paint.wall, [right_low, right_high, left_high]);
                mesh.triangle(paint.wall, [right_low, left_high, left_low]);
            }
        }
        self.plan.clear();
        self.plan.extend(self.foot.iter().map(|p| [f64::from(p[0]), f64::from(p[1])]));
        let triangles = self.triangulator.triangles(&self.plan, &self.ends);
        let roof = mesh.vertices.len() as u32;
        self.head.iter().for_each(|&at| _ = mesh.vertex(at, [0, 0, 127], row));
        let ground = mesh.vertices.len() as u32;
        self.foot.iter().for_each(|&at| _ = mesh.vertex(at, [0, 0, -127], row));
        for t in triangles.chunks_exact(3) {
            mesh.triangle(paint.roof, [roof + t[0], roof + t[1], roof + t[2]]);
            mesh.triangle(paint.ground, [ground + t[0], ground + t[2], ground + t[1]]);
        }
    }
}

/// Twice the area in plan, counter-clockwise positive.
fn double_area(ring: &[[i32; 3]]) -> i128 {
    let Some(o) = ring.last() else { return 0 };
    ring.windows(2).map(|s| turn(*o, s[0], s[1])).sum()
}

/// Twice the area in plan of a triangle.
fn turn(a: [i32; 3], b: [i32; 3], c: [i32; 3]) -> i128 {
    let [abx, aby] = [0, 1].map(|k| i128::from(b[k]) - i128::from(a[k]));
    let [acx, acy] = [0, 1].map(|k| i128::from(c[k]) - i128::from(a[k]));
    abx * acy - aby * acx
}

/// Takes out vertices of the ring `from..` that repeat another, lie on the straight between their neighbours or are
/// the tip of a spike. Triangulation would leave them out of roof and ground, and the walls would no longer meet them.
fn drop_straight(foot: &mut Vec<[i32; 3]>, head: &mut Vec<[i32; 3]>, from: usize) {
    let mut quiet = 0;
    let mut at = from;
    while foot.len() - from >= 3 && quiet < foot.len() - from {
        let n = foot.len() - from;
        let here = from + (at - from) % n;
        let before = from + (here - from + n - 1) % n;
        let after = from + (here - from + 1) % n;
        if turn(foot[before], foot[here], foot[after]) == 0 {
            foot.remove(here);
            head.remove(here);
            quiet = 0;
            at = if here == from { foot.len().max(from + 1) - 1 } else { here - 1 };
        } else {
            quiet += 1;
            at = here + 1;
        }
    }
}
