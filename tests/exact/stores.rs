//! Row 24: a store that is damaged, gone, or empty.

use super::table::is_problem;
use super::{city, get};
use chengtu::serve::{App, Options};
use chengtu::store::{BlockCache, Store};
use std::sync::Arc;

fn options(dir: &std::path::Path) -> Options {
    Options { workers: 1, ..Options::new(dir.to_path_buf()) }
}

#[tokio::test]
async fn a_damaged_layer_is_one_refusal_and_the_others_are_served() {
    let dir = city::built();
    let store = Store::open(dir.path(), false).unwrap();
    let id = store.current().unwrap().unwrap();
    let snapshot = store.snapshot(&id, &Arc::new(BlockCache::new(1 << 20))).unwrap();
    let file = dir.path().join("blobs").join(&snapshot.manifest.layers["lamp"].features.digest);
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let router = App::open(&options(dir.path())).unwrap().router();
    for path in [city::path("lamp", 14), city::path("lamp,river", 13), "/collections/lamp/items/1".into()] {
        let a = get(&router, &path).await;
        is_problem(&a, &path, 503, "layer-data-damaged");
        assert_eq!(a.header("retry-after"), "1");
    }
    assert_eq!(get(&router, &city::path("river", 12)).await.status, 200);
    // A city is served, if not all of it: `/ready` stays, the log and `verify` name the layer.
    assert_eq!(get(&router, "/ready").await.status, 200);
}

#[tokio::test]
async fn a_snapshot_that_is_held_is_served_when_its_store_has_gone() {
    let dir = city::built();
    let app = App::open(&options(dir.path())).unwrap();
    let router = app.router();
    let path = city::path("lamp", 14);
    let before = get(&router, &path).await;
    assert_eq!(before.status, 200);
    let away = dir.path().with_extension("away");
    std::fs::rename(dir.path(), &away).unwrap();
    assert!(app.follow().is_err());
    let after = get(&router, &path).await;
    assert_eq!((after.status, after.body), (200, before.body));
    // What was opened is read on; there is no Snapshot-Age: /ready names the snapshot.
    assert_eq!(get(&router, &city::path("lamp", 15)).await.status, 200);
    std::fs::rename(&away, dir.path()).unwrap();
    assert!(!app.follow().unwrap());
}

#[tokio::test]
async fn without_a_snapshot_all_of_the_city_is_503() {
    let dir = tempfile::tempdir().unwrap();
    Store::open(dir.path(), true).unwrap();
    let router = App::open(&options(dir.path())).unwrap().router();
    for path in ["/ready", "/catalog", "/tiles/lamp/14/0/0.mvt", "/owner?lon=1&lat=2"] {
        let a = get(&router, path).await;
        is_problem(&a, path, 503, "no-snapshot");
        assert_eq!(a.header("retry-after"), "1");
    }
    assert_eq!(get(&router, "/health").await.status, 200);
}
