//! 3D Tiles as clients get them: the checker, what holds it to account, and what it says of this server's tilesets.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests say what they expect by panicking")]

mod checker;
mod city;
mod clients;
#[path = "../common/mod.rs"]
mod common;
mod corpus;
#[path = "../delivery/mod.rs"]
mod delivery;
mod drawn;
mod ends;
mod faults;
mod geoid;
mod hundred;
mod networks;
mod pipes;
mod quality;
mod real;
mod rules;
mod sources;
mod tubes;
