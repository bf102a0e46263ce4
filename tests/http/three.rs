//! 3D Tiles from outside: addresses, validators, caching, what is refused and how.

use super::checker::{Rules, Walked, over, walk};
use super::city::{lamps, publish, towers};
use super::{ask, get, metric, open, open_to_all, options};
use axum::http::Method;
use chengtu::scene::decode::decode;
use chengtu::serve::{App, Options};
use std::path::Path;

fn built(count: u64) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    publish(dir.path(), &[("tower", towers(count)), ("lamp", lamps(2))]);
    dir
}

/// What the checker of tilesets says, asked over HTTP.
pub async fn walked(router: &axum::Router, path: &str) -> Walked {
    walk(path, &over(router), Rules::House, |_| {}).await
}

/// The root of a tileset and the address of its content.
async fn content(router: &axum::Router, query: &str) -> String {
    let tileset = get(router, &format!("/3dtiles/tower/tileset.json{query}")).await;
    assert_eq!(tileset.status, 200);
    let uri = tileset.json()["root"]["content"]["uri"].as_str().unwrap().to_string();
    format!("/3dtiles/{}", uri.strip_prefix("../").unwrap())
}

#[tokio::test]
async fn a_content_never_changes_and_a_tileset_is_asked_for_again() {
    let dir = built(3);
    let app = open(dir.path());
    let router = app.router();
    let tileset = get(&router, "/3dtiles/tower/tileset.json").await;
    assert_eq!(tileset.header("content-type"), "application/json");
    assert_eq!(tileset.header("cache-control"), "public, max-age=0, must-revalidate");
    let path = content(&router, "").await;
    let glb = get(&router, &path).await;
    assert_eq!((glb.status, glb.header("content-type")), (200, "model/gltf-binary"));
    assert_eq!(glb.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!((glb.header("vary"), decode(&glb.body).unwrap().rows), ("accept-encoding", 3));
    let small = ask(&router, Method::GET, &path, &[("accept-encoding", "br")]).await;
    assert_eq!(small.header("content-encoding"), "br");
    let again = ask(&router, Method::GET, &path, &[("if-none-match", glb.header("etag"))]).await;
    assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, glb.header("etag")));
    assert_ne!(small.header("etag"), glb.header("etag"));
    assert!(metric(&router, "chengtu_content_seconds_count{outcome=\"cold\"}").await >= 1.0);
    // Without the version an upgrade could change it.
    let bare = path.split('?').next().unwrap();
    assert!(get(&router, bare).await.header("cache-control").contains("must-revalidate"));
}

#[tokio::test]
async fn an_old_snapshot_answers_for_a_while_and_is_then_gone() {
    let dir = built(3);
    let app = open(dir.path());
    let router = app.router();
    let first = content(&router, "").await;
    let bytes = get(&router, &first).await.body;
    for n in 4..6 {
        publish(dir.path(), &[("tower", towers(n))]);
        assert!(app.follow().unwrap());
        assert_eq!(get(&router, &first).await.body, bytes, "an address never gives other bytes");
        assert_ne!(content(&router, "").await, first);
    }
    // A server that starts now has the same ones.
    assert_eq!(get(&open(dir.path()).router(), &first).await.body, bytes);
    publish(dir.path(), &[("tower", towers(6))]);
    assert!(app.follow().unwrap());
    assert_eq!(get(&router, &first).await.problem(), (410, "snapshot-gone".into()));
    let newest = content(&router, "").await;
    let other = newest.rsplit_once("v=").unwrap().0.to_string() + "v=00000000";
    assert_eq!(get(&router, &other).await.problem(), (410, "version-gone".into()));
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_refused_by_name() {
    let dir = built(3);
    let router = open(dir.path()).router();
    let snapshot = get(&router, "/ready").await.json()["snapshot"].as_str().unwrap().to_string();
    for (path, status, code) in [
        ("/3dtiles/nothing/tileset.json".to_string(), 404, "layer-not-found"),
        ("/3dtiles/camera/tileset.json".into(), 404, "layer-not-found"),
        ("/3dtiles/lamp/tileset.json".into(), 404, "layer-not-in-3d"),
        ("/3dtiles/tower,tower/tileset.json".into(), 400, "duplicate-layer"),
        ("/3dtiles/tower/tileset.json?compress=zip".into(), 400, "invalid-query"),
        ("/3dtiles/tower/tileset.json?instancing=no".into(), 400, "invalid-query"),
        ("/3dtiles/tower/tileset.json?properties=code,colour".into(), 400, "unknown-property"),
        ("/3dtiles/tower/tileset.json?properties=keeper".into(), 400, "unknown-property"),
        (format!("/3dtiles/{snapshot}/tower/9.json"), 404, "not-found"),
        (format!("/3dtiles/{snapshot}/tower/9.glb"), 404, "not-found"),
        (format!("/3dtiles/{snapshot}/tower/0.b3dm"), 404, "not-found"),
        (format!("/3dtiles/{snapshot}/camera/0.glb"), 404, "layer-not-found"),
        ("/3dtiles/00000001-0123456789ab/tower/0.glb".into(), 410, "snapshot-gone"),
        ("/3dtiles/current/tower/0.glb".into(), 404, "not-found"),
    ] {
        assert_eq!(get(&router, &path).await.problem(), (status, code.into()), "{path}");
    }
}

#[tokio::test]
async fn forms_and_properties_are_carried_to_the_contents() {
    let dir = built(3);
    let router = open(dir.path()).router();
    let twice = content(&router, "?compress=none&properties=height,height").await;
    assert_eq!(twice, content(&router, "?compress=none&properties=height").await, "a column is there once");
    let path = content(&router, "?compress=none&properties=height").await;
    assert!(path.contains("compress=none") && path.contains("properties=height"), "{path}");
    let d = decode(&get(&router, &path).await.body).unwrap();
    assert!(d.json["extensionsRequired"].as_array().is_none_or(|e| e.iter().all(|x| x != "EXT_meshopt_compression")));
    assert!(d.columns.contains_key("height") && !d.columns.contains_key("code"));
    // By default: what the layer's tiles show, for this asker.
    let columns = |d: chengtu::scene::decode::Decoded| d.columns.into_keys().collect::<Vec<_>>();
    let public = decode(&get(&router, &content(&router, "").await).await.body).unwrap();
    assert_eq!(columns(public), ["_height_assumed", "code", "height", "id"]);
    let all = open_to_all(dir.path()).router();
    let open = get(&all, &content(&all, "").await).await;
    assert!(open.header("cache-control").starts_with("private"));
    assert_eq!(columns(decode(&open.body).unwrap()), ["_height_assumed", "code", "height", "id", "keeper"]);
}

#[tokio::test]
async fn the_geoid_lifts_the_tile_and_is_named() {
    let dir = built(1);
    let at = |geoid_m| -> (tempfile::TempDir, _) {
        let app = App::open(&Options { geoid_m, ..options(dir.path()) }).unwrap();
        (tempfile::tempdir().unwrap(), app.router())
    };
    let (_a, low) = at(0.0);
    let (_b, high) = at(40.0);
    let origin = |v: &serde_json::Value| -> Vec<f64> {
        v["root"]["transform"].as_array().unwrap()[12..15].iter().map(|n| n.as_f64().unwrap()).collect()
    };
    let (a, b) =
        (get(&low, "/3dtiles/tower/tileset.json").await.json(), get(&high, "/3dtiles/tower/tileset.json").await.json());
    let lifted: f64 = origin(&a).iter().zip(origin(&b)).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
    assert!((lifted - 40.0).abs() < 1e-4, "{lifted}");
    assert_eq!(b["asset"]["extras"]["heights"]["geoid_m"], 40.0);
    assert_ne!(content(&low, "").await, content(&high, "").await, "another geoid, another address");
}

#[tokio::test]
async fn nothing_and_several_are_tilesets_too() {
    let empty = tempfile::tempdir().unwrap();
    publish(empty.path(), &[("lamp", lamps(1))]);
    let v = get(&open(empty.path()).router(), "/3dtiles/tower/tileset.json").await.json();
    assert!(
        v["root"]["boundingVolume"].is_object() && v["root"]["content"].is_null() && v["root"]["children"].is_null()
    );
    let none: &Path = empty.path();
    publish(none, &[("tower", vec![])]);
    let v = get(&open(none).router(), "/3dtiles/tower/tileset.json").await;
    assert_eq!((v.status, v.json()["root"]["content"].is_null()), (200, true));
    let router = open(none).router();
    assert!(walked(&router, "/3dtiles/tower/tileset.json").await.sound().ids().is_empty());
    publish(none, &[("tower", towers(9))]);
    for query in ["", "?compress=none", "?properties=height"] {
        let walked = walked(&open(none).router(), &format!("/3dtiles/tower/tileset.json{query}")).await;
        assert_eq!((walked.sound().ids().len(), walked.contents > 0), (9, true), "{query}");
    }
}
