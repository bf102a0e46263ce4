//! 3D Tiles of a small sample city, walked as a client walks them: every page and every content that is named, over HTTP in
//! process. Volumes hold what is in them, errors fall, every feature stands in exactly one tile.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests say what they expect by panicking")]

mod three_pipes;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use chengtu::audience::Audience;
use chengtu::layer::{Catalog, SceneKind, Serve};
use chengtu::sample::{SampleOptions, write_city};
use chengtu::scene::decode::{Cell, decode};
use chengtu::scene::moved;
use chengtu::serve::{App, Options};
use chengtu::store::{BlockCache, Snapshot, Store};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tower::ServiceExt;

/// Enough buildings, pipes and trees for pages that link further pages.
const SCALE: f64 = 0.02;
/// Where layers served in 3D come from.
const DELIVERIES: [&str; 3] = ["cim.toml", "components.toml", "pipes.toml"];

const IDENTITY: [f64; 16] = [1., 0., 0., 0., 0., 1., 0., 0., 0., 0., 1., 0., 0., 0., 0., 1.];

fn small_city(dir: &Path) -> PathBuf {
    let (out, store) = (dir.join("city"), dir.join("store"));
    let catalog = Catalog::shipped().expect("the shipped catalog");
    write_city(&SampleOptions { out: out.clone(), scale: SCALE, seed: 5 }, &catalog, &mut |_, _| {}).expect("a city");
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

async fn get(router: &Router, path: &str) -> Vec<u8> {
    let request = Request::builder().uri(path).body(Body::empty()).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200, "{path}");
    to_bytes(response.into_body(), 1 << 27).await.unwrap().to_vec()
}

/// An address relative to another, as a client takes it.
fn joined(base: &str, uri: &str) -> String {
    let mut parts: Vec<&str> = base.split('?').next().unwrap().split('/').collect();
    parts.pop();
    for part in uri.split('/') {
        match part {
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn product(a: &[f64; 16], b: &[f64; 16]) -> [f64; 16] {
    std::array::from_fn(|i| (0..4).map(|k| a[k * 4 + i % 4] * b[i / 4 * 4 + k]).sum())
}

/// A box on the earth.
#[derive(Clone)]
struct Volume {
    middle: [f64; 3],
    axes: [[f64; 3]; 3],
}

impl Volume {
    fn of(tile: &Value, matrix: &[f64; 16]) -> Volume {
        let numbers: Vec<f64> =
            tile["boundingVolume"]["box"].as_array().expect("a box").iter().map(|n| n.as_f64().unwrap()).collect();
        let at = |k: usize| [numbers[k], numbers[k + 1], numbers[k + 2]];
        let middle = moved(matrix, at(0));
        let axis = |k: usize| {
            let end = moved(matrix, [0, 1, 2].map(|i| at(0)[i] + at(k)[i]));
            [0, 1, 2].map(|i| end[i] - middle[i])
        };
        Volume { middle, axes: [axis(3), axis(6), axis(9)] }
    }

    fn corners(&self) -> impl Iterator<Item = [f64; 3]> + '_ {
        (0..8).map(|c| {
            let sign = |k: usize| if c >> k & 1 == 0 { -1.0 } else { 1.0 };
            [0, 1, 2].map(|i| self.middle[i] + (0..3).map(|k| sign(k) * self.axes[k][i]).sum::<f64>())
        })
    }

    fn holds(&self, p: [f64; 3]) -> bool {
        self.axes.iter().all(|a| {
            let along: f64 = (0..3).map(|i| (p[i] - self.middle[i]) * a[i]).sum();
            let length: f64 = a.iter().map(|x| x * x).sum::<f64>().sqrt();
            along.abs() / length <= length + 2e-3
        })
    }
}

#[derive(Default)]
struct Walk {
    /// Tiles of the ground replace each other and hold no features.
    ground: bool,
    ids: BTreeMap<u64, u32>,
    tiles: u32,
    pages: u32,
    contents: u32,
    largest: usize,
    deepest: usize,
}

impl Walk {
    /// Everything below an address; `over` are the volumes that it has to lie in, `error_m` what is above.
    async fn page(&mut self, router: &Router, path: String, matrix: [f64; 16], over: &[Volume], error_m: f64) {
        let bytes = get(router, &path).await;
        assert!(bytes.len() <= 20_000, "{path}: {} bytes", bytes.len());
        self.pages += 1;
        let tileset: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(tileset["asset"]["version"], "1.1");
        assert_eq!(tileset["root"]["refine"], if self.ground { "REPLACE" } else { "ADD" }, "{path}");
        let whole_m = tileset["geometricError"].as_f64().unwrap();
        assert!(whole_m <= error_m, "{path}: {whole_m} above {error_m}");
        let mut open = vec![(tileset["root"].clone(), matrix, over.to_vec(), whole_m)];
        while let Some((tile, matrix, over, above_m)) = open.pop() {
            self.tiles += 1;
            let own: [f64; 16] = match tile["transform"].as_array() {
                Some(m) => std::array::from_fn(|i| m[i].as_f64().unwrap()),
                None => IDENTITY,
            };
            let matrix = product(&matrix, &own);
            let volume = Volume::of(&tile, &matrix);
            for v in &over {
                assert!(volume.corners().all(|c| v.holds(c)), "{path}: a tile leaves a tile above it");
            }
            let error_m = tile["geometricError"].as_f64().unwrap();
            assert!(error_m <= above_m, "{path}: error {error_m} below {above_m}");
            let children = tile["children"].as_array().cloned().unwrap_or_default();
            let mut over = over;
            over.push(volume);
            self.deepest = self.deepest.max(over.len());
            if let Some(uri) = tile["content"]["uri"].as_str() {
                let path = joined(&path, uri);
                if uri.split('?').next().unwrap().ends_with(".json") {
                    Box::pin(self.page(router, path, matrix, &over, error_m)).await;
                } else {
                    self.content(router, &path, &matrix, &over).await;
                }
            } else {
                assert!(!children.is_empty() || self.tiles == 1, "{path}: a tile of nothing");
            }
            let leaf = children.is_empty() && !tile["content"]["uri"].as_str().is_some_and(|u| u.contains(".json"));
            assert_eq!(leaf, error_m == 0.0, "{path}: only leaves have no error");
            open.extend(children.into_iter().map(|c| (c, matrix, over.clone(), error_m)));
        }
    }

    async fn content(&mut self, router: &Router, path: &str, matrix: &[f64; 16], over: &[Volume]) {
        let glb = get(router, path).await;
        self.contents += 1;
        self.largest = self.largest.max(glb.len());
        let d = decode(&glb).unwrap_or_else(|e| panic!("{path}: {e}"));
        assert!(d.rows <= 600, "{path}: {} features", d.rows);
        assert_eq!(d.columns.is_empty(), self.ground, "{path}");
        for id in d.columns.get("id").into_iter().flatten() {
            let Cell::Text(id) = id else { panic!("{path}: an id that is no text") };
            *self.ids.entry(id.parse().unwrap()).or_default() += 1;
        }
        assert!(!d.vertices.is_empty() || !d.instances.is_empty());
        // Of a shared model the vertices are about its own origin.
        let vertices = d.vertices.iter().filter(|_| d.instances.is_empty()).map(|v| v.at);
        for at in vertices.chain(d.instances.iter().map(|i| i.at)) {
            let p = moved(matrix, at);
            assert!(over.iter().all(|v| v.holds(p)), "{path}: {at:?} lies outside a volume");
        }
    }
}

async fn walk(router: &Router, path: &str) -> Walk {
    walk_of(router, path, false).await
}

async fn walk_of(router: &Router, path: &str, ground: bool) -> Walk {
    let mut walk = Walk { ground, ..Walk::default() };
    walk.page(router, path.to_string(), IDENTITY, &[], f64::INFINITY).await;
    walk
}

/// Ids of all features of a layer in its vector tiles of a zoom.
async fn ids_in_2d(router: &Router, snapshot: &Snapshot, layer: &str, z: u8) -> BTreeSet<u64> {
    let grid = chengtu::geo::TileMatrixSet::web_mercator_quad();
    let bounds = snapshot.manifest.layers[layer].bounds.unwrap();
    let (xs, ys) = grid.tiles_over(&bounds, z).unwrap();
    let mut ids = BTreeSet::new();
    for (x, y) in ys.flat_map(|y| xs.clone().map(move |x| (x, y))) {
        let request = Request::builder().uri(format!("/tiles/{layer}/{z}/{x}/{y}.mvt")).body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        let bytes = to_bytes(response.into_body(), 1 << 26).await.unwrap();
        ids.extend(
            chengtu::mvt::decode::decode(&bytes).layers.iter().flat_map(|l| l.features.iter().filter_map(|f| f.id)),
        );
    }
    ids
}

#[tokio::test]
async fn every_feature_of_a_small_city_stands_once_inside_its_volumes() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = small_city(dir.path());
    let snapshot = opened(&store);
    let pipes = three_pipes::check(&snapshot, &Audience::OPEN);
    println!("pipes: {} ends closed, {} joints without a gap", pipes.closed, pipes.joined);
    assert!(pipes.closed > 100 && pipes.joined > 100, "{} {}", pipes.closed, pipes.joined);
    println!("nodes: on {} ends of pipes, {} wells from ground to bottom", pipes.stood.ends, pipes.stood.wells);
    assert!(pipes.stood.ends > 1000 && pipes.stood.wells > 100, "{} {}", pipes.stood.ends, pipes.stood.wells);
    let app = App::open(&Options { open: true, workers: 2, geoid_m: -12.5, ..Options::new(store) }).unwrap();
    let router = app.router();
    let catalog: Value = serde_json::from_slice(&get(&router, "/catalog").await).unwrap();
    let (mut layers, mut scene, mut kinds, mut deepest, mut grounds) = (vec![], vec![], BTreeSet::new(), 0, 0);
    for entry in catalog["layers"].as_array().unwrap() {
        let Some(url) = entry["tileset"].as_str() else { continue };
        let id = entry["id"].as_str().unwrap();
        let path = &url[url.find("/3dtiles").unwrap()..];
        let layer = snapshot.catalog.layer(snapshot.catalog.find(id).unwrap());
        let kind = layer.scene.as_ref().unwrap().kind;
        if kind == SceneKind::Terrain {
            let walked = walk_of(&router, path, true).await;
            assert!(walked.contents > 10 && walked.largest <= 1 << 20, "{id}: {} contents", walked.contents);
            grounds += 1;
            continue;
        }
        let walked = walk(&router, &format!("{path}?instancing=expand")).await;
        let mut stored = BTreeSet::new();
        let table = snapshot.features(id).unwrap().unwrap();
        table
            .scan(&mut |row| {
                stored.insert(row.id().0);
                Ok(())
            })
            .unwrap();
        let twice: Vec<_> = walked.ids.iter().filter(|(_, n)| **n != 1).collect();
        assert!(twice.is_empty(), "{id}: {twice:?}");
        let drawn: BTreeSet<u64> = walked.ids.keys().copied().collect();
        let lost: Vec<_> = stored.difference(&drawn).collect();
        assert!(lost.is_empty(), "{id}: {} of {} features are in no tile", lost.len(), stored.len());
        assert!(drawn.is_subset(&stored), "{id}: ids that the store has not");
        assert!(walked.largest <= 1 << 20, "{id}: {} bytes", walked.largest);
        println!(
            "{id}: {} features, {} pages, {} tiles, {} contents, {} deep, largest {} B",
            stored.len(),
            walked.pages,
            walked.tiles,
            walked.contents,
            walked.deepest,
            walked.largest
        );
        // Levels of one building are asked for together elsewhere.
        if layer.model_code().is_none() && kinds.insert(format!("{kind:?}")) {
            scene.push(id.to_string());
            // Shared models, as clients ask for them without a word: the same features.
            assert_eq!(walk(&router, path).await.ids, walked.ids, "{id}");
            if layer.serves(Serve::Mvt) && stored.len() < 3000 {
                assert_eq!(ids_in_2d(&router, &snapshot, id, layer.zoom.full).await, drawn, "{id}");
            }
        }
        deepest = deepest.max(walked.deepest);
        layers.push((id.to_string(), drawn.len()));
    }
    assert_eq!(kinds, ["Extrude", "Instance", "Node", "Surface", "Tube"].map(String::from).into());
    assert_eq!(grounds, 1, "the city's ground");
    let together = walk(&router, &format!("/3dtiles/{}/tileset.json", scene.join(","))).await;
    let expected: usize = layers.iter().filter(|(id, _)| scene.contains(id)).map(|(_, n)| n).sum();
    assert!(deepest > 3, "{deepest}: no tree worth the name");
    assert_eq!(together.ids.values().sum::<u32>() as usize, expected);
}
