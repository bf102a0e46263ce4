//! chengtu (城图): one store and one server for a city's maps.
//!
//! The modules are floors: a module uses only modules on lower floors, siblings do not know
//! each other (`tests/architecture.rs` enforces it). The README draws the picture.

// F0: mathematics of place, and what can go wrong
pub mod error;
pub mod geo;
// F1: what a layer is, what a thing on the map is; how bytes are packed
pub mod deflate;
pub mod feature;
pub mod layer;
// F2: who asks for it, and what is written down of that
pub mod audience;
pub mod audit;
// F3: bytes at rest, bytes on the wire
pub mod mvt;
pub mod scene;
pub mod store;
// F4: rows of a table as a layer of a tile
pub mod draw;
// F5: what is computed from layers
pub mod derive;
pub mod ownership;
// F6: deliveries in; the city one request sees
pub mod city;
pub mod import;
// F7: answers
pub mod lookup;
pub mod records;
pub mod style;
pub mod tile;
// F8: the world outside
pub mod sample;
pub mod serve;
