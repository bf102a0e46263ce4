//! A publish stopped before each of its steps: by a failing disk, by a killed process, by a power cut that tears
//! whatever was not synced. Here and not in `tests/`, because only here the steps can be stopped.

use super::durable::faults::{self, Stop};
use super::*;
use crate::feature::{Feature, FeatureId, Geometry, SourceTag};
use crate::geo::BBox;
use crate::layer::Catalog;
use std::collections::{BTreeMap, BTreeSet};

const WORLD: BBox = BBox { min_x: -180.0, min_y: -90.0, max_x: 180.0, max_y: 90.0 };

fn features(count: u64) -> Vec<Feature> {
    let point = |id| Feature {
        id: FeatureId(id),
        source: SourceTag(1),
        geometry: Geometry::point(114.0 + id as f64 / 1e4, 34.0),
        values: vec![],
    };
    (1..=count).map(point).collect()
}

/// One layer with this many points, in a snapshot of its own.
fn publish(store: &Store, count: u64) -> Result<String> {
    let mut draft = store.draft()?;
    let mut writer = TableWriter::new(draft.staging(), "layer", Schema::default())?;
    features(count).iter().try_for_each(|f| writer.push(f))?;
    let sealed = writer.seal()?;
    let entry = LayerEntry {
        declaration: String::new(),
        count,
        bounds: sealed.bounds,
        features: draft.add_file(&sealed.path)?,
        overviews: BTreeMap::new(),
        census: draft.add_bytes(b"the same in all")?,
        ids: draft.add_bytes(&sealed.ids_blob())?,
        sources: BTreeMap::new(),
        extra: BTreeMap::new(),
    };
    draft.manifest.catalog = draft.add_bytes(&Catalog::new(vec![]).to_json())?;
    draft.manifest.layers.insert("layer".to_string(), entry);
    draft.publish()
}

/// How many points the current snapshot has; everything about it must be whole.
fn count_in(store: &Store) -> u64 {
    let id = store.current().expect("CURRENT is whole").expect("there is a snapshot");
    let snapshot = store.snapshot(&id, &Arc::new(BlockCache::new(1 << 20))).expect("opens");
    let table = snapshot.features("layer").expect("opens").expect("is there");
    let mut ids = BTreeSet::new();
    table
        .query(&WORLD, &mut |row| {
            ids.insert(row.id());
            Ok(())
        })
        .expect("reads");
    assert_eq!(ids, features(table.count()).iter().map(|f| f.id).collect());
    table.count()
}

/// After a stop: the old snapshot or the new one, whole; nothing damaged; the next publish works and nothing is left.
fn prove_whole(store: &Store, step: u32) {
    let count = count_in(store);
    assert!(count == 10 || count == 2000, "step {step}: {count}");
    assert_eq!(store.verify().expect("verifies"), vec![], "step {step}");
    publish(store, 2000).expect("the next import works");
    assert_eq!(count_in(store), 2000, "step {step}");
    assert_eq!(store.verify().expect("verifies"), vec![], "step {step}, after the next import");
    store.gc(1).expect("clears");
    assert_eq!(store.orphans().expect("looks"), Vec::<PathBuf>::new(), "step {step}");
    assert_eq!(store.names_in("staging").expect("looks"), BTreeSet::new(), "step {step}");
}

/// A store with 10 points in it, and the names of its blobs.
fn begin() -> (tempfile::TempDir, Store, BTreeSet<String>) {
    let dir = tempfile::tempdir().expect("a folder");
    let store = Store::open(dir.path(), true).expect("a store");
    publish(&store, 10).expect("publishes");
    let blobs = store.names_in("blobs").expect("looks");
    (dir, store, blobs)
}

/// Steps of the second publish.
fn steps() -> u32 {
    let (_dir, store, _) = begin();
    let before = faults::taken().len();
    publish(&store, 2000).expect("publishes");
    (faults::taken().len() - before) as u32
}

#[test]
fn a_disk_that_fails_at_any_step_leaves_a_whole_store() {
    for step in 0..steps() {
        let (_dir, store, _) = begin();
        faults::stop_after(step, Stop::Fail);
        let failed = publish(&store, 2000);
        faults::never_stop();
        assert!(failed.is_err(), "step {step}");
        prove_whole(&store, step);
    }
}

/// What was not synced before the cut has lost its second half. Names may have come before bytes.
#[test]
fn a_power_cut_at_any_step_leaves_a_whole_store() {
    let mut torn_at_all = 0;
    for step in 0..steps() {
        let (_dir, store, durable) = begin();
        let before = faults::taken().len();
        faults::stop_after(step, Stop::Fail);
        publish(&store, 2000).expect_err("is stopped");
        faults::never_stop();
        let taken = faults::taken();
        let synced: BTreeSet<_> = taken[before..].iter().filter(|(what, _)| *what == "sync file").collect();
        for name in store.names_in("blobs").expect("looks").difference(&durable) {
            let path = store.dir().join("blobs").join(name);
            if !synced.iter().any(|(_, synced)| *synced == path) {
                let file = File::options().write(true).open(&path).expect("opens");
                file.set_len(file.metadata().expect("has").len() / 2).expect("tears");
                torn_at_all += 1;
            }
        }
        prove_whole(&store, step);
    }
    assert!(torn_at_all > 10, "the test tears nothing");
}

/// Nothing is named before it is durable: all bytes, then their names, then the manifest, then `CURRENT`.
#[test]
fn the_steps_of_a_publish_are_in_order() {
    let (_dir, store, durable) = begin();
    let before = faults::taken().len();
    let id = publish(&store, 2000).expect("publishes");
    let taken = faults::taken().split_off(before);
    let at = |what: &str, name: &str| {
        let path = store.dir().join(name);
        taken.iter().position(|(w, p)| *w == what && *p == path).unwrap_or_else(|| panic!("no {what} of {name}"))
    };
    let manifest = format!("snapshots/{id}.json");
    let order = [
        at("sync folder", "blobs"),
        at("sync file", &format!("snapshots/.{id}.json.new")),
        at("rename", &manifest),
        at("sync folder", "snapshots"),
        at("sync file", ".CURRENT.new"),
        at("rename", "CURRENT"),
        at("sync folder", ""),
    ];
    assert!(order.is_sorted(), "{taken:?}");
    for name in store.names_in("blobs").expect("looks").difference(&durable) {
        assert!(at("sync file", &format!("blobs/{name}")) < order[0], "{name}");
    }
}

/// Not a test of its own: the process that the next one kills.
#[test]
fn publishes_until_it_is_killed() {
    let Some(dir) = std::env::var_os("CHENGTU_TEST_STORE") else { return };
    let step = std::env::var("CHENGTU_TEST_STEP").ok().and_then(|s| s.parse().ok()).expect("a step");
    let store = Store::open(Path::new(&dir), false).expect("a store");
    faults::stop_after(step, Stop::Abort);
    publish(&store, 2000).expect("publishes");
}

#[test]
fn an_import_killed_at_any_step_leaves_a_whole_store() {
    let this = std::env::current_exe().expect("a path");
    for step in 0..steps() {
        let (dir, store, _) = begin();
        let killed = std::process::Command::new(&this)
            .args(["--exact", "store::publish_tests::publishes_until_it_is_killed"])
            .env("CHENGTU_TEST_STORE", dir.path())
            .env("CHENGTU_TEST_STEP", step.to_string())
            .output()
            .expect("runs");
        assert!(!killed.status.success(), "step {step}");
        prove_whole(&store, step);
    }
}
