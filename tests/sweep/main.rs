//! A small sample city, delivered, imported and drawn: every tile of it held to what is promised of the full one.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests say what they expect by panicking")]

mod checker;

use checker::Options;
use chengtu::city::City;
use chengtu::layer::Catalog;
use chengtu::sample::{SampleOptions, write_city};
use chengtu::store::{BlockCache, Store};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const SCALE: f64 = 0.002;
/// One of each kind: coverages, lines, areas, points with and without counts.
const LAYERS: [&str; 10] = [
    "gr_street",
    "gr_unit_grid",
    "bm_road_",
    "bm_vegetation_area",
    "bm_building_footprint",
    "cp_street_light",
    "cp_tree",
    "op_case_point",
    "pl_water",
    "pn_drain",
];

fn small_city(dir: &Path) -> City {
    let (out, store) = (dir.join("city"), dir.join("store"));
    let catalog = Catalog::shipped().expect("the shipped catalog");
    write_city(&SampleOptions { out: out.clone(), scale: SCALE, seed: 11 }, &catalog, &mut |_, _| {}).expect("a city");
    let entries = std::fs::read_dir(&out).expect("the city").flatten().map(|e| e.path());
    let manifests: Vec<PathBuf> = entries.filter(|p| p.extension().is_some_and(|x| x == "toml")).collect();
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_chengtu"))
        .args(["import", "--store"])
        .arg(&store)
        .args(&manifests)
        .output()
        .expect("the command runs");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let store = Store::open(&store, false).expect("a store");
    let id = store.current().expect("CURRENT").expect("a snapshot");
    City::new(store.snapshot(&id, &Arc::new(BlockCache::new(64 << 20))).expect("opens"))
}

#[test]
fn every_tile_of_a_small_city_keeps_what_is_promised() {
    let dir = tempfile::tempdir().expect("a folder");
    let city = small_city(dir.path());
    let layers = LAYERS.map(String::from).to_vec();
    let options = Options { zooms: (0, 17), whole_to: 11, sample: 4, layers, composites: true };
    let report = checker::sweep(&city, &options, &|_| {});
    assert!(report.tiles() > 300, "{report}");
    assert!(report.is_clean(), "{report}");
}
