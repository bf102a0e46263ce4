//! One model at many places: shared by all (EXT_mesh_gpu_instancing), or drawn out as plain faces for clients without
//! instancing. What the model looks like is `models`'.

use super::mesh::{Mesh, packed_normal};
use super::models;
use crate::layer::{Colour, ModelName};

/// A model's places.
#[derive(Debug, Clone)]
pub struct Instances {
    pub model: ModelName,
    /// Replaces the model's main colour.
    pub colour: Option<Colour>,
    /// Places are in steps of 2^`exponent` metres.
    pub exponent: i32,
    pub places: Vec<Place>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// East, north, up, in steps.
    pub at: [i32; 3],
    /// Where the model's front looks: clockwise from north. Kept whatever the turn.
    pub yaw_deg: f64,
    /// Over the model's own size.
    pub size: f64,
    pub row: u32,
}

/// Scales are told apart by this: 1 cm of a pole of 10 m.
const SCALES: f64 = 1024.0;

impl Instances {
    fn largest(&self) -> f64 {
        self.places.iter().map(|p| p.size).fold(0.0, f64::max)
    }

    /// Factors on `model_mesh`, each in 0 … 1: clients bound an instanced mesh by its unscaled corners, and one that
    /// were enlarged would vanish at the window's edge.
    pub fn scales(&self) -> Vec<f32> {
        let largest = self.largest();
        self.places.iter().map(|p| ((p.size / largest * SCALES).round().max(1.0) / SCALES) as f32).collect()
    }

    /// The model at its largest size. Clients do not turn its bounds with an instance's yaw either: two corners that
    /// no face uses widen them to what any turn needs.
    pub fn model_mesh(&self) -> Mesh {
        let mut mesh = models::build(self.model, self.colour, self.largest());
        if self.places.iter().all(|p| p.yaw_deg == 0.0) {
            return mesh;
        }
        let reach = mesh.vertices.iter().map(|v| f64::from(v.at[0]).hypot(f64::from(v.at[1]))).fold(0.0, f64::max);
        let reach = reach.ceil() as i32;
        let ups = || mesh.vertices.iter().map(|v| v.at[2]);
        let (low, high) = (ups().min().unwrap_or(0), ups().max().unwrap_or(0));
        mesh.vertex([-reach, -reach, low], [0, 0, 127], 0);
        mesh.vertex([reach, reach, high], [0, 0, 127], 0);
        mesh
    }

    /// Adds every instance's faces to a mesh of the same steps.
    pub fn expand_into(&self, mesh: &mut Mesh) {
        let model = models::build(self.model, self.colour, 1.0);
        let materials: Vec<usize> = model.materials.iter().map(|m| mesh.material(*m)).collect();
        for place in &self.places {
            let (s, c) = place.yaw_deg.to_radians().sin_cos();
            let turned = |[e, n, u]: [f64; 3]| [e * c + n * s, n * c - e * s, u];
            let base = mesh.vertices.len() as u32;
            for v in &model.vertices {
                let offset = mesh.snap(turned(model.metres(v.at)).map(|x| x * place.size));
                let at = [0, 1, 2].map(|i| place.at[i] + offset[i]);
                mesh.vertex(at, packed_normal(turned(v.normal.map(f64::from))), place.row);
            }
            for (faces, &material) in model.triangles.iter().zip(&materials) {
                for t in faces.chunks_exact(3) {
                    mesh.triangle(material, [base + t[0], base + t[1], base + t[2]]);
                }
            }
        }
    }

    /// Least and greatest place of any part of any instance, metres, as clients bound it.
    pub fn bounds_m(&self) -> Option<[[f64; 3]; 2]> {
        let [low, high] = self.model_mesh().bounds_m()?;
        let step_m = f64::from(self.exponent).exp2();
        let places = self.places.iter().map(|p| p.at.map(|v| f64::from(v) * step_m));
        let each = |f: fn(f64, f64) -> f64, a: [f64; 3], b: [f64; 3]| [f(a[0], b[0]), f(a[1], b[1]), f(a[2], b[2])];
        let ends = places.fold(None, |ends: Option<[[f64; 3]; 2]>, p| {
            let [a, b] = ends.unwrap_or([p, p]);
            Some([each(f64::min, a, p), each(f64::max, b, p)])
        });
        ends.map(|[a, b]| [[0, 1, 2].map(|i| a[i] + low[i]), [0, 1, 2].map(|i| b[i] + high[i])])
    }
}
