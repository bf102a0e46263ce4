//! The store from outside: what goes in comes out, whatever happens to its files meanwhile. Faults between the
//! steps of a publish are tested beside the code (`src/store/publish_tests.rs`), where the steps can be stopped.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests say what they expect by panicking")]
#![expect(clippy::expect_used, reason = "tests say what they expect by panicking")]

#[path = "../common/mod.rs"]
mod common;
mod damage;
mod material;
mod models;
mod seeds;
mod snapshots;
mod tables;
mod tile_rows;
