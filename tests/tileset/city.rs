//! 3D Tiles of a small sample city, walked as a client walks them: every page and every content that is named, over HTTP in
//! process. Every feature of every layer is shown once.

use super::checker::{Rules, Walked, over, walk};
use super::common::web::{get, served_as};
use super::ends;
use axum::Router;
use chengtu::audience::Audience;
use chengtu::layer::{Catalog, SceneKind, Serve};
use chengtu::sample::{SampleOptions, write_city};
use chengtu::serve::Options;
use chengtu::store::{BlockCache, Snapshot, Store};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Enough buildings, pipes and trees for pages that link further pages.
const SCALE: f64 = 0.02;
/// Where layers served in 3D come from.
const DELIVERIES: [&str; 3] = ["cim.toml", "components.toml", "pipes.toml"];

pub fn small_city(dir: &Path, scale: f64) -> PathBuf {
    let (out, store) = (dir.join("city"), dir.join("store"));
    let catalog = Catalog::shipped().expect("the shipped catalog");
    write_city(&SampleOptions { out: out.clone(), scale, seed: 5 }, &catalog, &mut |_, _| {}).expect("a city");
    let manifests: Vec<PathBuf> = DELIVERIES.iter().map(|d| out.join(d)).collect();
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_chengtu"))
        .args(["import", "--store"])
        .arg(&store)
        .args(&manifests)
        .output()
        .expect("the command runs");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    store
}

fn opened(store: &Path) -> Arc<Snapshot> {
    let store = Store::open(store, false).expect("a store");
    let id = store.current().expect("CURRENT").expect("a snapshot");
    store.snapshot(&id, &Arc::new(BlockCache::new(64 << 20))).expect("opens")
}

async fn walked(router: &Router, path: &str) -> Walked {
    walk(path, &over(router), Rules::House, |_| {}).await
}

fn drawn(walked: &Walked) -> BTreeSet<u64> {
    let number = |key: &String| key.rsplit('/').next()?.parse().ok();
    walked.ids().keys().map(|key| number(key).expect("a number")).collect()
}

/// Ids of all features of a layer in its vector tiles of a zoom.
async fn ids_in_2d(router: &Router, snapshot: &Snapshot, layer: &str, z: u8) -> BTreeSet<u64> {
    let grid = chengtu::geo::TileMatrixSet::web_mercator_quad();
    let bounds = snapshot.manifest.layers[layer].bounds.unwrap();
    let (xs, ys) = grid.tiles_over(&bounds, z).unwrap();
    let mut ids = BTreeSet::new();
    for (x, y) in ys.flat_map(|y| xs.clone().map(move |x| (x, y))) {
        let tile = get(router, &format!("/tiles/{layer}/{z}/{x}/{y}.mvt")).await;
        ids.extend(
            chengtu::mvt::decode::decode(&tile.body).layers.iter().flat_map(|l| l.features.iter().filter_map(|f| f.id)),
        );
    }
    ids
}

/// A layer of the city's catalog that is served in 3D.
struct Entry {
    id: String,
    path: String,
    kind: SceneKind,
    /// The first of its kind whose things have no other levels: it is looked at more closely.
    is_sample: bool,
}

fn entries(catalog: &Value, snapshot: &Snapshot) -> Vec<Entry> {
    let mut kinds = BTreeSet::new();
    let mut all = vec![];
    for entry in catalog["layers"].as_array().unwrap() {
        let Some(url) = entry["tileset"].as_str() else { continue };
        let id = entry["id"].as_str().unwrap().to_string();
        let layer = snapshot.catalog.layer(snapshot.catalog.find(&id).unwrap());
        let kind = layer.scene.as_ref().unwrap().kind;
        let plain = kind != SceneKind::Terrain && layer.model_code().is_none();
        let is_sample = plain && kinds.insert(format!("{kind:?}"));
        all.push(Entry { id, path: url[url.find("/3dtiles").unwrap()..].to_string(), kind, is_sample });
    }
    all
}

/// What a layer's tileset shows.
struct Shown {
    id: String,
    features: usize,
    deepest: usize,
}

/// Walks a layer's tileset: sound, and every feature of the store is in it.
async fn shown(router: &Router, snapshot: &Snapshot, entry: &Entry) -> Shown {
    let Entry { id, path, .. } = entry;
    if entry.kind == SceneKind::Terrain {
        let ground = walked(router, path).await;
        assert!(ground.sound().contents > 10, "{id}: {} contents", ground.contents);
        return Shown { id: id.clone(), features: 0, deepest: 0 };
    }
    let plain = walked(router, &format!("{path}?instancing=expand")).await;
    plain.sound();
    let mut stored = BTreeSet::new();
    let table = snapshot.features(id).unwrap().unwrap();
    table
        .scan(&mut |row| {
            stored.insert(row.id().0);
            Ok(())
        })
        .unwrap();
    let drawn = self::drawn(&plain);
    let lost: Vec<_> = stored.difference(&drawn).collect();
    assert!(lost.is_empty(), "{id}: {} of {} features are in no tile", lost.len(), stored.len());
    assert!(drawn.is_subset(&stored), "{id}: ids that the store has not");
    println!(
        "{id}: {} features, {} pages, {} tiles, {} contents, {} deep, largest {} B",
        stored.len(),
        plain.pages,
        plain.places.0.len(),
        plain.contents,
        plain.deepest,
        plain.largest
    );
    if entry.is_sample {
        // Shared models, as clients ask for them without a word: the same features.
        assert_eq!(walked(router, path).await.sound().ids(), plain.ids(), "{id}");
        let layer = snapshot.catalog.layer(snapshot.catalog.find(id).unwrap());
        if layer.serves(Serve::Mvt) && stored.len() < 3000 {
            assert_eq!(ids_in_2d(router, snapshot, id, layer.zoom.full).await, drawn, "{id}");
        }
    }
    Shown { id: id.clone(), features: drawn.len(), deepest: plain.deepest }
}

/// All layers, walked by two threads.
fn all_shown(router: &Router, snapshot: &Snapshot, entries: &[Entry]) -> Vec<Shown> {
    let next = AtomicUsize::new(0);
    let some = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut all = vec![];
        while let Some(entry) = entries.get(next.fetch_add(1, Ordering::Relaxed)) {
            all.push(runtime.block_on(shown(router, snapshot, entry)));
        }
        all
    };
    std::thread::scope(|scope| {
        let threads = [scope.spawn(some), scope.spawn(some)];
        threads.into_iter().flat_map(|t| t.join().unwrap_or_else(|e| std::panic::resume_unwind(e))).collect()
    })
}

#[tokio::test]
async fn every_feature_of_a_small_city_stands_once_inside_its_volumes() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = small_city(dir.path(), SCALE);
    let snapshot = opened(&store);
    let pipes = ends::check(&snapshot, &Audience::OPEN);
    println!("pipes: {} ends closed, {} joints without a gap", pipes.closed, pipes.joined);
    assert!(pipes.closed > 100 && pipes.joined > 100, "{} {}", pipes.closed, pipes.joined);
    println!("nodes: on {} ends of pipes, {} wells from ground to bottom", pipes.stood.ends, pipes.stood.wells);
    assert!(pipes.stood.ends > 1000 && pipes.stood.wells > 100, "{} {}", pipes.stood.ends, pipes.stood.wells);
    let router = served_as(Options { open: true, workers: 2, geoid_m: -12.5, ..Options::new(store) });
    let entries = entries(&get(&router, "/catalog").await.json(), &snapshot);
    let layers = all_shown(&router, &snapshot, &entries);
    let kinds: BTreeSet<String> = entries.iter().filter(|e| e.is_sample).map(|e| format!("{:?}", e.kind)).collect();
    let grounds = entries.iter().filter(|e| e.kind == SceneKind::Terrain).count();
    let deepest = layers.iter().map(|l| l.deepest).max();
    assert_eq!(kinds, ["Extrude", "Instance", "Node", "Surface", "Tube"].map(String::from).into());
    assert_eq!(grounds, 1, "the city's ground");
    let levels = "cim2_building,cim3_building,cim4_building,cim5_building_bim,cim6_building_bim";
    let mut buildings = BTreeSet::new();
    for id in levels.split(',') {
        let layer = snapshot.catalog.layer(snapshot.catalog.find(id).unwrap());
        let at = layer.field("building_id").unwrap();
        let table = snapshot.features(id).unwrap().unwrap();
        table
            .scan(&mut |row| {
                buildings.insert(format!("{:?}", row.to_feature().values[at]));
                Ok(())
            })
            .unwrap();
    }
    let family = walked(&router, &format!("/3dtiles/{levels}/tileset.json?properties=building_id")).await;
    assert_eq!(family.sound().ids().len(), buildings.len());
    let scene: Vec<&str> = entries.iter().filter(|e| e.is_sample).map(|e| e.id.as_str()).collect();
    let together = walked(&router, &format!("/3dtiles/{}/tileset.json", scene.join(","))).await;
    let expected: usize = layers.iter().filter(|l| scene.contains(&l.id.as_str())).map(|l| l.features).sum();
    assert!(deepest > Some(3), "{deepest:?}: no tree worth the name");
    assert_eq!(together.sound().ids().len(), expected);
}
