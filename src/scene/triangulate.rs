//! Polygons with holes → triangles: the one door to the `earcut` crate. Plane coordinates only; which plane is
//! the caller's matter.

use earcut::Earcut;

/// Keeps its buffers from polygon to polygon.
pub struct Triangulator {
    earcut: Earcut<f64>,
    holes: Vec<u32>,
    triangles: Vec<u32>,
}

impl Default for Triangulator {
    fn default() -> Triangulator {
        Triangulator { earcut: Earcut::new(), holes: vec![], triangles: vec![] }
    }
}

impl Triangulator {
    /// Three vertex numbers a triangle, wound as the exterior ring is when it is counter-clockwise. `ends[i]` is
    /// the vertex index after ring i; rings open (first vertex not repeated), exterior first.
    pub fn triangles(&mut self, xy: &[[f64; 2]], ends: &[u32]) -> &[u32] {
        self.holes.clear();
        self.holes.extend(ends.iter().take(ends.len().saturating_sub(1)));
        self.earcut.earcut_slice(xy, &self.holes, &mut self.triangles);
        // earcut winds all its triangles alike, clockwise in some releases: one look at the sum tells.
        let double: f64 = self
            .triangles
            .chunks_exact(3)
            .map(|t| {
                let [a, b, c] = [xy[t[0] as usize], xy[t[1] as usize], xy[t[2] as usize]];
                (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
            })
            .sum();
        if double < 0.0 {
            self.triangles.chunks_exact_mut(3).for_each(|t| t.swap(1, 2));
        }
        &self.triangles
    }
}
