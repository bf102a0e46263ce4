//! A feature's 3D model at one level of detail → the surfaces that are drawn. Which level is the caller's choice.

use super::mesh::Sides;
use super::surface::{Surfaces, Vertices};
use crate::feature::{Lod, Model, Role};
use crate::layer::Part;

/// A level of detail as flat lists; keeps its room from one model to the next.
#[derive(Default)]
pub(super) struct LodSurfaces {
    surface_ends: Vec<u32>,
    parts: Vec<Option<Part>>,
}

impl LodSurfaces {
    /// The surfaces, and whether they close volumes only.
    pub fn of<'a>(&'a mut self, model: &'a Model, lod: &'a Lod) -> (Surfaces<'a>, Sides) {
        self.surface_ends.clear();
        self.surface_ends.extend(lod.surfaces.iter().map(|s| s.ring_end));
        self.parts.clear();
        self.parts.extend(lod.surfaces.iter().map(|s| part(s.role)));
        let closed = !lod.shells.is_empty() && lod.shells.iter().all(|s| s.closed);
        let surfaces = Surfaces {
            vertices: Vertices::Geographic(&model.positions),
            rings: &lod.corners,
            ring_ends: &lod.ring_ends,
            surface_ends: &self.surface_ends,
            parts: &self.parts,
        };
        (surfaces, if closed { Sides::Front } else { Sides::Both })
    }
}

fn part(role: Role) -> Option<Part> {
    match role {
        Role::Unknown => None,
        Role::Roof => Some(Part::Roof),
        Role::Wall => Some(Part::Wall),
        Role::Ground => Some(Part::Ground),
        Role::Closure => Some(Part::Closure),
        Role::OuterCeiling => Some(Part::Ceiling),
        Role::OuterFloor => Some(Part::Floor),
        Role::Window => Some(Part::Window),
        Role::Door => Some(Part::Door),
        Role::Interior | Role::Other => Some(Part::Body),
    }
}
