//! What several test files need: where real data lie, a seeded stream of numbers, declarations of layers, a store made of
//! given features, the server in process. Deliveries that go through the import command are `delivery`'s.

#![allow(dead_code, unused_imports, reason = "each test binary uses its own part")]

pub mod declared;
mod made;
mod random;
pub mod shapefile;
mod shared;
pub mod web;

pub use made::{catalog, city, feature, publish};
pub use random::Random;
pub use shared::shared_data;
