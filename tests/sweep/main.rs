//! A small sample city, delivered, imported and drawn: every tile of it held to what is promised of the full one.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests say what they expect by panicking")]

mod checker;

use checker::Options;
use checker::polygons::{Ring, in_common, wider_than};
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
    let options = Options { zooms: (0, 16), whole_to: 10, sample: 3, layers, composites: true };
    let report = checker::sweep(&city, &options, &|_| {});
    assert!(report.tiles() > 300, "{report}");
    assert!(report.is_clean(), "{report}");
}

/// The checker's own measure.
#[test]
fn widths_of_slivers() {
    let frame = |w: f64| {
        vec![
            vec![[0.0, 0.0], [100.0, 0.0], [100.0, 50.0], [0.0, 50.0]],
            vec![[w, w], [w, 50.0 - w], [100.0 - w, 50.0 - w], [100.0 - w, w]],
        ]
    };
    assert_eq!(wider_than(&frame(0.7), 1.0), None, "a frame is as wide as its bars, not as its hole");
    let (wide, _) = wider_than(&frame(1.5), 1.0).expect("wider than a unit");
    assert!((wide - 1.5).abs() < 0.02, "{wide}");
    let slope: Vec<Ring> = vec![vec![[0.0, 0.0], [100.0, 100.0], [100.0, 101.2], [0.0, 1.2]]];
    assert_eq!(wider_than(&slope, 1.0), None, "a band that is 1.2 high and slopes has no room for a unit square");
    let both = in_common(
        &[vec![[0.0, 0.0], [9.0, 0.0], [9.0, 9.0], [0.0, 9.0]]],
        &[vec![[6.0, -1.0], [12.0, -1.0], [12.0, 12.0], [6.0, 12.0]]],
    );
    assert!((wider_than(&both[0], 1.0).expect("3 units").0 - 3.0).abs() < 0.05);
}
