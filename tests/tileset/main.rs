//! 3D Tiles as clients get them: the checker, what holds it to account, and what it says of this server's tilesets.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests say what they expect by panicking")]

mod checker;
mod city;
mod clients;
#[path = "../delivery/mod.rs"]
mod delivery;
mod ends;
mod faults;
mod pipes;
mod real;
mod rules;
mod sources;

use checker::Fetched;
use std::path::{Path, PathBuf};

/// The folder of shared deliveries, if it is there.
fn data() -> Option<PathBuf> {
    let place = std::env::var_os("CHENGTU_SHARED_DATA").map(PathBuf::from);
    let place = place.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"));
    if !place.is_dir() {
        eprintln!("SKIPPED: no shared data at {} (set CHENGTU_SHARED_DATA)", place.display());
        return None;
    }
    Some(place)
}

/// Files of a folder, as a server would give them.
fn from_folder(folder: &Path) -> impl AsyncFn(&str) -> Fetched {
    let folder = folder.to_path_buf();
    async move |path: &str| std::fs::read(folder.join(path)).map_or(Fetched::Missing, Fetched::Bytes)
}
