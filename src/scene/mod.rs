//! Features → glTF 2.0 binaries for 3D Tiles 1.1. Pure: no I/O, no store, no tileset.
//!
//! `rule` reads what a layer's declaration and a record's values say; `extrude`, `tube` (with `centre`, `bend`,
//! `ring` and `joint`), `node`,
//! `surface`, `terrain` and `instance` make faces on the grid of `mesh`, in the tile's `frame`; `atlas` makes textures of the images
//! that they wear; `table` holds attributes;
//! `glb` (with `buffers` and `compress`) writes; `drawing` ties them together for one layer of one tile. `decode` is
//! the strict reader that the tests and the checks use.
//!
//! Inside, places are east, north, up in metres of the frame (z up, as a tile's `transform` and `box` are); the
//! writer turns them to glTF's y-up.

pub mod atlas;
mod bend;
mod buffers;
mod centre;
mod compress;
pub mod decode;
mod drawing;
mod extrude;
pub mod frame;
pub mod glb;
mod instance;
mod joint;
mod lod;
mod mesh;
pub mod models;
mod node;
mod ring;
mod rule;
mod surface;
mod table;
pub mod terrain;
#[cfg(test)]
mod tests;
mod triangulate;
mod tube;

pub use buffers::Compression;
pub use centre::mouths;
pub use drawing::{Counts, Detail, Drawing, Drawn, Form, Heights, Instancing, Item, Measure, default_columns};
pub use frame::{Frame, moved};
pub use joint::{End, MEET_M, Mouth, meet};
pub use mesh::Sides;
pub use node::{FITTING_OVER_PIPE, OnPipe, VALVE_OVER_PIPE};
pub use rule::Rule;
pub use surface::{SurfaceFaults, Surfaces, Vertices};
pub use table::{NULL_NAME, NULL_TEXT};
pub use tube::{Section, ring_sides};

/// Changes whenever the same features would give other bytes: part of every content's revision.
pub const VERSION: u32 = 5;

/// A valid content with nothing in it.
pub fn nothing() -> Vec<u8> {
    let content = glb::Content { mesh: mesh::Mesh::new(1.0), instances: None, table: None };
    glb::write(&content, Compression::None)
}

/// Why a feature is not in its content. Counted, never dropped silently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Undrawn {
    /// No polygon with an area, at the content's precision.
    NoArea,
    /// Its upper side is not above its lower one.
    NoHeight,
    /// A line in one place.
    NoLength,
    /// A geometry the layer's kind of scene cannot draw.
    WrongGeometry,
    /// It reaches over more of the earth than a content's grid does: a vertex at 0, 0 among those of a city.
    TooWide,
}
