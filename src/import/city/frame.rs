//! A model's places in metres around it, for measuring its shape. On the mean sphere: good for angles and areas of a
//! building, not for positions.

use crate::feature::Model;

/// Metres per degree of latitude on the mean sphere.
pub const METRES_PER_DEGREE: f64 = 111_195.0;

/// Twice the area in m² of a ring that encloses nothing: 1 cm², what is not drawn either.
const NOTHING_M2: f64 = 2e-4;

/// Metres around the model's first position, x = east.
pub struct Frame<'a> {
    pub model: &'a Model,
    pub origin: [f64; 3],
    pub scale: [f64; 2],
}

impl<'a> Frame<'a> {
    pub fn of(model: &'a Model) -> Frame<'a> {
        let origin = model.positions.first().copied().unwrap_or_default();
        let scale = [METRES_PER_DEGREE * origin[1].to_radians().cos().max(1e-6), METRES_PER_DEGREE];
        Frame { model, origin, scale }
    }

    pub fn place(&self, corner: u32) -> [f64; 3] {
        let p = self.model.positions[corner as usize];
        [(p[0] - self.origin[0]) * self.scale[0], (p[1] - self.origin[1]) * self.scale[1], p[2] - self.origin[2]]
    }

    /// The vertical part of the ring's unit normal: 1 looks up, -1 down, 0 is a wall or encloses nothing.
    pub fn slope(&self, ring: &[u32]) -> f64 {
        let n = self.normal(ring);
        let length = n.iter().map(|v| v * v).sum::<f64>().sqrt();
        if length > NOTHING_M2 { n[2] / length } else { 0.0 }
    }

    /// Twice the ring's area, along its normal (Newell's method).
    pub fn normal(&self, ring: &[u32]) -> [f64; 3] {
        let mut n = [0.0; 3];
        for i in 0..ring.len() {
            let (a, b) = (self.place(ring[i]), self.place(ring[(i + 1) % ring.len()]));
            for (k, sum) in n.iter_mut().enumerate() {
                let (u, v) = ((k + 1) % 3, (k + 2) % 3);
                *sum += (a[u] - b[u]) * (a[v] + b[v]);
            }
        }
        n
    }
}
