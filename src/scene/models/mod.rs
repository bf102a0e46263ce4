//! The library's own models (部件模型): few polygons each, made of boxes, frusta and rods. Metres, origin on the
//! ground, front to the north. No files: `glb` writes one out.

mod shapes;
mod solid;

use super::buffers::Compression;
use super::glb::{self, Content};
use super::mesh::{Light, Material, Mesh, Sides};
use crate::layer::{Colour, ModelName};
use shapes::solids;

/// Steps of a model's mesh: 1 mm, so that thin parts keep their shape.
const PRECISION_M: f64 = 0.001;

/// Height in metres at which the model was made: what a declared height is divided by.
pub fn height_m(model: ModelName) -> f64 {
    shapes::height_m(model)
}

/// The model's mesh at `size` times its own size. `colour` replaces its main colour. Every vertex is of row 0.
pub fn build(model: ModelName, colour: Option<Colour>, size: f64) -> Mesh {
    let mut mesh = Mesh::new(PRECISION_M);
    for solid in solids(model) {
        let colour = if solid.main { colour.unwrap_or(solid.colour) } else { solid.colour };
        let material = mesh.material(Material { colour, sides: Sides::Front, light: Light::Lit });
        solid.shape.add(&mut mesh, size, material);
    }
    mesh
}

/// The model as a file of its own, uncompressed: for editors, and to look at.
pub fn file(model: ModelName) -> Vec<u8> {
    glb::write(&Content { mesh: build(model, None, 1.0), instances: None, table: None }, Compression::None)
}

#[cfg(test)]
mod tests {
    use super::super::mesh::topology;
    use super::*;

    #[test]
    fn every_model_is_closed_small_and_as_high_as_it_says() {
        for model in ModelName::ALL {
            let mesh = build(model, None, 1.0);
            assert_eq!(topology::open_edges(&mesh), 0, "{model:?}");
            assert!(topology::volume6(&mesh) > 0, "{model:?} faces outward");
            let faces: usize = mesh.triangles.iter().map(|t| t.len() / 3).sum();
            assert!((12..=140).contains(&faces), "{model:?}: {faces}");
            let [low, high] = mesh.bounds_m().unwrap();
            assert!((high[2] - low[2] - height_m(model)).abs() < 0.005, "{model:?} {low:?} {high:?}");
            assert!(high[2] >= -0.001 && low[2] < 0.005, "{model:?} stands on or in the ground");
        }
    }

    #[test]
    fn size_and_colour_are_the_callers() {
        let colour = Colour([1, 2, 3]);
        let mesh = build(ModelName::Cabinet, Some(colour), 0.5);
        let [low, high] = mesh.bounds_m().unwrap();
        assert!((high[2] - low[2] - height_m(ModelName::Cabinet) / 2.0).abs() < 0.005);
        assert!(mesh.materials.iter().any(|m| m.colour == colour));
    }
}
