//! `/search` from outside: codes, names and coordinates, who may find what, groups, order, limits, damage.

use super::city::publish_of;
use super::*;
use chengtu::feature::{Feature, FeatureId, Geometry, SourceTag, Value};
use chengtu::layer::{Catalog, Layer};
use chengtu::store::{BlockCache, SEARCH, Store};
use serde_json::{Value as Json, json};

const X: f64 = 114.3;
const Y: f64 = 34.8;

fn catalog() -> Catalog {
    let layer = |id: &str, geometry: &str, sensitivity: &str, roles: &[&str]| {
        json!({
            "id": id, "name": {"zh": format!("{id}图层"), "en": id}, "theme": "test", "geometry": [geometry],
            "dimension": "2D", "sensitivity": sensitivity, "serve": ["mvt"], "roles": roles,
            "zoom": {"min": 12, "full": 14, "max": 16},
            "fields": [
                {"name": "code", "type": "text", "zh": "编码", "key": true},
                {"name": "name", "type": "text", "zh": "名称", "en": "Name", "search": "name"},
                {"name": "circuit", "type": "text", "zh": "回路号", "sensitivity": "government", "search": "code"},
                {"name": "keeper", "type": "text", "zh": "责任人", "sensitivity": "personal"}
            ]
        })
    };
    let all = json!([
        layer("lamp", "point", "public", &["component"]),
        layer("road", "line", "public", &["road_centerline"]),
        layer("place", "point", "public", &["place_name"]),
        layer("camera", "point", "restricted", &[]),
    ]);
    let layers: Vec<Layer> = serde_json::from_value(all).unwrap();
    Catalog::new(layers)
}

/// A record at so many steps of 0.001° east of the corner.
fn record(id: u64, step: f64, name: &str) -> Feature {
    let text = |t: &str| if t.is_empty() { Value::Null } else { Value::Text(t.into()) };
    let values = vec![text(&format!("4102040118{id:06}")), text(name), text(&format!("H-{id}")), text("张三")];
    let geometry = Geometry::point(X + step * 1e-3, Y);
    Feature { id: FeatureId(id), source: SourceTag(1), geometry, values }
}

fn segment(id: u64, step: f64, name: &str) -> Feature {
    let xy = [0.0, 0.4, 0.9].map(|d| [X + (step + d) * 1e-3, Y + 1e-3]).to_vec();
    Feature { geometry: Geometry::line(xy), ..record(id, step, name) }
}

fn built() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let lamps = (1..=40).map(|i| record(i, i as f64, "路灯")).collect();
    let roads =
        (0..9).map(|i| segment(100 + i, i as f64, if i < 8 { "中山路" } else { "Ｋａｉｆｅｎｇ大道" })).collect();
    let names = ["中山路小学", "中山路12号", "北中山", "开封府", "中山路"];
    let places = names.iter().zip(0u64..).map(|(name, i)| record(200 + i, i as f64 * 5.0, name)).collect();
    let cameras = vec![record(7001, 3.0, "中山路口摄像机")];
    publish_of(&catalog(), dir.path(), &[("lamp", lamps), ("road", roads), ("place", places), ("camera", cameras)]);
    dir
}

async fn found(r: &Router, query: &str) -> Json {
    let encoded: String = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(query.split('&').map(|p| p.split_once('=').unwrap()))
        .finish();
    let answer = get(r, &format!("/search?{encoded}")).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let v = answer.json();
    assert_eq!(v["numberReturned"], v["results"].as_array().unwrap().len());
    v
}

/// Layer, title, how, count.
fn told(v: &Json) -> Vec<(String, String, String, u64)> {
    let text = |r: &Json, key: &str| r[key].as_str().unwrap().to_string();
    let one = |r: &Json| (text(r, "layer"), text(r, "title"), text(r, "match"), r["count"].as_u64().unwrap());
    v["results"].as_array().unwrap().iter().map(one).collect()
}

fn row(layer: &str, title: &str, how: &str, count: u64) -> (String, String, String, u64) {
    (layer.into(), title.into(), how.into(), count)
}

#[tokio::test]
async fn names_come_by_how_well_they_are_met_and_roads_once() {
    let dir = built();
    let r = open(dir.path()).router();
    let v = found(&r, "q=中山路").await;
    assert_eq!(
        told(&v),
        [
            row("road", "中山路", "exact", 8),
            row("place", "中山路", "exact", 1),
            row("place", "中山路小学", "prefix", 1),
            row("place", "中山路12号", "prefix", 1),
        ]
    );
    assert_eq!((&v["query"], &v["truncated"], &v["unsearched"]), (&json!("中山路"), &Json::Null, &Json::Null));
    let road = &v["results"][0];
    assert_eq!(road["layer_title"], json!({"zh": "road图层", "en": "road"}));
    assert_eq!((&road["field"], &road["field_title"]), (&json!("name"), &json!({"zh": "名称", "en": "Name"})));
    let around: Vec<f64> = road["bbox"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
    for (got, want) in around.iter().zip([X, Y + 1e-3, X + 7.9e-3, Y + 1e-3]) {
        assert!((got - want).abs() < 1e-7, "{around:?}");
    }
    // The segment in the middle stands for the road, by a vertex of its own.
    assert!((road["lon"].as_f64().unwrap() - (X + 3.4e-3)).abs() < 1e-9 && road["id"] == 103, "{road}");
    let items = get(&r, road["items"].as_str().unwrap()).await.json();
    assert_eq!(items["numberMatched"], 8);
    let item = get(&r, road["href"].as_str().unwrap()).await.json();
    assert_eq!(item["properties"]["name"], "中山路");
    // Anywhere, in any width and case.
    assert_eq!(told(&found(&r, "q=山路小").await), [row("place", "中山路小学", "substring", 1)]);
    assert_eq!(told(&found(&r, "q=kＡＩfeng").await), [row("road", "Ｋａｉｆｅｎｇ大道", "prefix", 1)]);
    assert_eq!(told(&found(&r, "q=小学 中山").await), [row("place", "中山路小学", "substring", 1)]);
    assert_eq!(told(&found(&r, "q=府").await), [row("place", "开封府", "substring", 1)]);
    assert_eq!(told(&found(&r, "q=不存在").await), []);
    // Which is nearest is first among equals, and stands for a group.
    let near = found(&r, &format!("q=中山路&near={},{}", X + 7e-3, Y)).await;
    let titles: Vec<_> = told(&near).into_iter().map(|t| t.1).collect();
    assert_eq!(titles, ["中山路", "中山路", "中山路12号", "中山路小学"]);
    assert_eq!(near["results"][0]["id"], 107);
    let boxed = found(&r, &format!("q=中山路&bbox={},{},{},{}", X + 4e-3, Y - 1e-3, X + 6e-3, Y + 2e-3)).await;
    assert_eq!(told(&boxed), [row("road", "中山路", "exact", 8), row("place", "中山路12号", "prefix", 1)]);
    assert!([104, 105].contains(&boxed["results"][0]["id"].as_u64().unwrap()));
    assert_eq!(told(&found(&r, "q=中山路&layers=road").await), [row("road", "中山路", "exact", 8)]);
}

#[tokio::test]
async fn codes_are_found_whole_and_by_their_ends() {
    let dir = built();
    let r = open(dir.path()).router();
    let v = found(&r, "q=4102040118000007").await;
    assert_eq!(told(&v), [row("lamp", "路灯", "exact", 1)]);
    let one = &v["results"][0];
    assert_eq!((&one["id"], &one["value"], &one["field"]), (&json!(7), &json!("4102040118000007"), &json!("code")));
    assert_eq!(one["items"], Json::Null);
    assert_eq!(one["field_title"], json!({"zh": "编码", "en": "code"}));
    let last = found(&r, "q=000104").await;
    assert_eq!(last["results"][0]["id"], 104);
    assert_eq!(told(&last), [row("road", "中山路", "substring", 1)]);
    // A code that begins so, from every layer some.
    let many = found(&r, "q=41020401&limit=6").await;
    let layers: Vec<_> = told(&many).into_iter().map(|t| t.0).collect();
    assert_eq!(layers, ["road", "road", "place", "place", "lamp", "lamp"]);
    assert_eq!(many["truncated"], true);
    assert_eq!(found(&r, "q=41020401&limit=6000").await["numberReturned"], 50);
}

#[tokio::test]
async fn what_an_asker_may_not_see_is_neither_found_nor_counted() {
    let dir = built();
    let (public, open) = (open(dir.path()).router(), open_to_all(dir.path()).router());
    for (query, layer) in [("q=摄像", "camera"), ("q=H-7", "lamp"), ("q=4102040118007001", "camera")] {
        assert_eq!(told(&found(&public, query).await), [], "{query}");
        assert_eq!(told(&found(&open, query).await)[0].0, layer, "{query}");
    }
    for r in [&public, &open] {
        assert_eq!(told(&found(r, "q=张三").await), [], "persons are not searched for");
    }
    let hidden = get(&public, "/search?q=a&layers=camera").await;
    assert_eq!(hidden.problem(), (404, "layer-not-found".to_string()));
    assert_eq!(
        get(&public, "/search?q=a&layers=lamp").await.header("cache-control"),
        "public, max-age=0, must-revalidate"
    );
}

#[tokio::test]
async fn a_place_written_as_numbers_comes_first() {
    let dir = built();
    let r = open(dir.path()).router();
    for q in [
        "114.35,34.79",
        "114.35 34.79",
        "114.35，34.79",
        "34.79N 114.35E",
        "东经114.35° 北纬34.79°",
        "EPSG:4490 114.35 34.79",
    ] {
        let v = found(&r, &format!("q={q}")).await;
        assert_eq!(v["results"], json!([{"kind": "coordinate", "lon": 114.35, "lat": 34.79}]), "{q}");
    }
    let [x, y] = chengtu::geo::Crs::from_epsg(4547).unwrap().forward([114.35, 34.79]);
    let v = found(&r, &format!("q={x:.3} {y:.3} EPSG:4547")).await;
    let first = &v["results"][0];
    let near = |key: &str, want: f64| (first[key].as_f64().unwrap() - want).abs() < 1e-7;
    assert!(first["kind"] == "coordinate" && near("lon", 114.35) && near("lat", 34.79), "{v}");
    let refused = found(&r, "q=34.79 114.35").await;
    assert_eq!((&refused["results"], refused["hint"].is_string()), (&json!([]), true));
    for q in ["中山路 12 34", "114.35", "1,2,3"] {
        let v = found(&r, &format!("q={q}")).await;
        assert!(v["hint"].is_null() && v["results"].as_array().unwrap().iter().all(|r| r["kind"].is_null()), "{q}");
    }
}

#[tokio::test]
async fn wrong_searches_are_refused_by_name() {
    let dir = built();
    let r = open(dir.path()).router();
    let long = "a".repeat(65);
    for (query, code) in [
        ("", "invalid-parameter"),
        ("q=", "invalid-parameter"),
        ("q=%20%E3%80%80", "invalid-parameter"),
        (&format!("q={long}"), "invalid-parameter"),
        ("q=a&limit=0", "invalid-parameter"),
        ("q=a&limit=x", "invalid-parameter"),
        ("q=a&q=b", "repeated-parameter"),
        ("q=a&near=114", "invalid-parameter"),
        ("q=a&near=34.8,114.3", "invalid-parameter"),
        ("q=a&near=NaN,3", "invalid-parameter"),
        ("q=a&bbox=1,2,3", "invalid-bbox"),
        ("q=a&bbox=115,34,114,35", "invalid-bbox"),
        ("q=a&color=red", "unknown-parameter"),
    ] {
        assert_eq!(get(&r, &format!("/search?{query}")).await.problem(), (400, code.to_string()), "{query}");
    }
    assert_eq!(get(&r, &format!("/search?q={}", "中".repeat(21))).await.status, 200);
}

/// A layer's damaged index costs that layer; one that has none, too; both are named.
#[tokio::test]
async fn layers_that_cannot_be_searched_are_named() {
    let dir = built();
    let store = Store::open(dir.path(), false).unwrap();
    let id = store.current().unwrap().unwrap();
    let snapshot = store.snapshot(&id, &Arc::new(BlockCache::new(1 << 20))).unwrap();
    let blob = dir.path().join("blobs").join(&snapshot.manifest.layers["road"].extra[SEARCH].digest);
    let mut bytes = std::fs::read(&blob).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&blob, bytes).unwrap();
    let r = open(dir.path()).router();
    let v = found(&r, "q=中山路").await;
    assert_eq!((&v["unsearched"], told(&v).len()), (&json!(["road"]), 3));
    // The same answer has the same validator.
    let path = "/search?q=%E4%B8%AD%E5%B1%B1%E8%B7%AF";
    let first = get(&r, path).await;
    let again = ask(&r, Method::GET, path, &[("if-none-match", first.header("etag"))]).await;
    assert_eq!(again.status, 304);
    let mut draft = store.draft().unwrap();
    draft.manifest.layers.get_mut("place").unwrap().extra.remove(SEARCH);
    draft.publish().unwrap();
    let v = found(&open(dir.path()).router(), "q=中山路").await;
    assert_eq!((&v["unsearched"], told(&v)), (&json!(["place", "road"]), vec![]));
}
