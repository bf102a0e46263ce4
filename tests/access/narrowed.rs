//! Rows: a role that sees some records of a layer sees no trace of the others: not where layers are thinned, not in counts, extents,
//! composites, 3D contents, search. Against a server that holds the seen records alone.

use super::common::web::{ask, get};
use super::common::{catalog, declared, feature, publish};
use axum::Router;
use axum::http::Method;
use chengtu::feature::{Feature, Geometry, Value};
use chengtu::layer::Catalog;
use chengtu::mvt::decode::decode;
use chengtu::serve::{App, Declared, Options, make_key};
use std::collections::BTreeSet;

const CORNER: [f64; 2] = [114.3, 34.8];

fn layers() -> Catalog {
    let fields = [
        declared::CODE,
        r#"{ name = "owner", type = "text", zh = "权属" }"#,
        r#"{ name = "name", type = "text", zh = "名称", search = "name" }"#,
        &declared::metres("height"),
    ];
    let lamps = declared::layer("lamp", "point", "serve = [\"mvt\"]\nthin = { count = true }", &fields);
    let lamps = lamps.replace("min = 13, full = 14", "min = 8, full = 15").replace("\"3D\"", "\"2D\"");
    let walls = declared::layer("wall", "line", "serve = [\"mvt\"]", &fields).replace("\"3D\"", "\"2D\"");
    let blocks = "serve = [\"mvt\", \"3dtiles\"]\nscene = { kind = \"extrude\", fields = { height = \"height\" } }";
    let blocks = declared::layer("block", "polygon", blocks, &fields);
    catalog(&[("lamp", &lamps), ("wall", &walls), ("block", &blocks)])
}

const SIDE: u64 = 40;

/// A field of 40 × 40, every third of which is ours.
fn is_ours(i: u64) -> bool {
    i % 3 == 1
}

fn made(layer: u64, geometry: fn(f64, f64) -> Geometry) -> Vec<Feature> {
    let one = |i: u64| {
        let (x, y) = (CORNER[0] + (i % SIDE) as f64 * 0.001, CORNER[1] + (i / SIDE) as f64 * 0.001);
        let owner = if is_ours(i) { "ours" } else { "theirs" };
        let name = if is_ours(i) { format!("ours street {}", i % 5) } else { format!("theirs lane {}", i % 5) };
        let text = |t: &str| Value::Text(t.into());
        // Theirs are the higher: they come first where layers are thinned.
        let height = if is_ours(i) { 5.0 } else { 50.0 };
        let values = vec![text(&format!("{layer}-{i}")), text(owner), text(&name), Value::Float(height)];
        feature(layer * 100_000 + i + 1, geometry(x, y), values)
    };
    (0..SIDE * SIDE).map(one).collect()
}

fn all() -> [(&'static str, Vec<Feature>); 3] {
    let square = |x: f64, y: f64| {
        let d = 0.0004;
        Geometry::polygon(&[vec![[x, y], [x + d, y], [x + d, y + d], [x, y + d], [x, y]]])
    };
    [
        ("lamp", made(1, Geometry::point)),
        ("wall", made(2, |x, y| Geometry::line(vec![[x, y], [x + 0.0005, y + 0.0003]]))),
        ("block", made(3, square)),
    ]
}

/// Both servers: all records for a role that sees ours, and ours alone for everybody.
struct Pair {
    _dir: tempfile::TempDir,
    narrowed: Router,
    key: String,
    alone: Router,
}

fn pair(rule: &str) -> Pair {
    let dir = tempfile::tempdir().unwrap();
    let (catalog, features) = (layers(), all());
    let ours = |f: &&Feature| is_ours(f.id.0 % 100_000 - 1);
    let few: Vec<_> = features.iter().map(|(l, f)| (*l, f.iter().filter(ours).cloned().collect::<Vec<_>>())).collect();
    let (whole, some) = (dir.path().join("whole"), dir.path().join("some"));
    publish(&whole, &catalog, &features.each_ref().map(|(l, f)| (*l, f.as_slice())));
    publish(&some, &catalog, &few.iter().map(|(l, f)| (*l, f.as_slice())).collect::<Vec<_>>());
    let (key, hash) = make_key().unwrap();
    let text =
        format!("[roles.ours]\n[[keys]]\nid = \"k\"\nrole = \"ours\"\nhash = {hash:?}\n[[roles.ours.rows]]\n{rule}\n");
    let access: Declared = toml::from_str(&text).unwrap();
    let options = |store| Options { workers: 2, ..Options::new(store) };
    let narrowed = App::open(&Options { access: Some(access), ..options(whole) }).unwrap().router();
    Pair { narrowed, key, alone: App::open(&options(some)).unwrap().router(), _dir: dir }
}

const BY_FIELD: &str = "layers = [\"lamp\", \"wall\", \"block\"]\nfield = \"owner\"\nvalues = [\"ours\"]";

impl Pair {
    async fn both(&self, path: &str) -> [super::common::web::Answer; 2] {
        [ask(&self.narrowed, Method::GET, path, &[("x-api-key", &self.key)]).await, get(&self.alone, path).await]
    }
}

fn tile(list: &str, z: u8, [lon, lat]: [f64; 2]) -> String {
    let (x, y) = super::city::tile_at([lon, lat], z);
    format!("/tiles/{list}/{z}/{x}/{y}.mvt")
}

#[tokio::test]
async fn tiles_hold_the_seen_records_alone_at_every_zoom() {
    let p = pair(BY_FIELD);
    let (mut seen, mut thinned) = (0, 0);
    for z in 8..=18 {
        for list in ["lamp", "wall", "block", "lamp,wall,block", "block,lamp"] {
            for at in [[CORNER[0] + 0.0105, CORNER[1] + 0.0105], [CORNER[0] + 0.03, CORNER[1] + 0.03]] {
                let [a, b] = p.both(&tile(list, z, at)).await;
                let of = |body: &[u8]| {
                    let tile = decode(body);
                    let features = tile.layers.iter().flat_map(|l| l.features.iter());
                    features.map(|f| (f.id.unwrap(), f.attributes.clone())).collect::<Vec<_>>()
                };
                let (own, alone) = (of(&a.body), of(&b.body));
                let text = String::from_utf8_lossy(&a.body);
                assert!(!text.contains("theirs") && !text.contains("_count"), "{list} {z}");
                for (id, _) in &own {
                    assert!(is_ours(id % 100_000 - 1), "{list} {z}: {id}");
                }
                // Thinning keeps the strongest of all: of ours it may keep fewer than of ours alone, never others.
                let ids = |all: &[(u64, _)]| all.iter().map(|(id, _)| *id).collect::<BTreeSet<u64>>();
                if z >= 15 {
                    assert_eq!((a.status, ids(&own)), (b.status, ids(&alone)), "{list} {z}");
                    assert!(own.iter().all(|f| alone.contains(f)), "{list} {z}");
                }
                seen += own.len();
                thinned += usize::from(ids(&own).len() < ids(&alone).len());
            }
        }
    }
    assert!(seen > 1000 && thinned > 0, "{seen} {thinned}");
}

#[tokio::test]
async fn numbers_and_boxes_are_those_of_the_seen_records() {
    let p = pair(BY_FIELD);
    let [a, b] = p.both("/catalog").await;
    for (a, b) in a.json()["layers"].as_array().unwrap().iter().zip(b.json()["layers"].as_array().unwrap()) {
        assert_eq!((&a["count"], &a["bounds"]), (&b["count"], &b["bounds"]), "{}", a["id"]);
    }
    for layer in ["lamp", "wall", "block"] {
        let [a, b] = p.both(&format!("/tiles/{layer}.json")).await;
        assert_eq!((&a.json()["bounds"], &a.json()["center"]), (&b.json()["bounds"], &b.json()["center"]));
        assert!(a.json()["vector_layers"][0]["fields"].get("_count").is_none());
        let [a, b] = p.both(&format!("/collections/{layer}")).await;
        assert_eq!(a.json()["extent"], b.json()["extent"]);
        for query in
            ["limit=50", "limit=7&bbox=114.3,34.8,114.312,34.807", "owner=theirs", "owner=ours&limit=3", "code=3-4"]
        {
            let [a, b] = p.both(&format!("/collections/{layer}/items?{query}")).await;
            let (a, b) = (a.json(), b.json());
            assert_eq!((&a["numberMatched"], &a["features"]), (&b["numberMatched"], &b["features"]), "{layer} {query}");
        }
        for i in 0..12u64 {
            let n = ["lamp", "wall", "block"].iter().position(|l| *l == layer).unwrap() as u64 + 1;
            let [a, b] = p.both(&format!("/collections/{layer}/items/{}", n * 100_000 + i + 1)).await;
            assert_eq!((a.status, a.status == 200), (b.status, is_ours(i)), "{layer} {i}");
        }
    }
    for place in ["lon=114.305&lat=34.805&radius_m=300", "lon=114.3101&lat=34.8101&radius_m=40&layers=block"] {
        let [a, b] = p.both(&format!("/identify?{place}&limit=1000")).await;
        assert_eq!(a.text(), b.text(), "{place}");
    }
}

#[tokio::test]
async fn search_finds_the_seen_records_alone() {
    let p = pair(BY_FIELD);
    for q in [
        "ours street 1",
        "ours",
        "street",
        "3-4",
        "theirs",
        "lane",
        "lane 2",
        "1-0",
        "e",
        "ours street 1&near=114.31,34.81",
        "street&bbox=114.3,34.8,114.31,34.81",
    ] {
        let [a, b] = p.both(&format!("/search?limit=50&q={}", q.replace(' ', "%20"))).await;
        let (mut a, mut b) = (a.json(), b.json());
        for v in [&mut a, &mut b] {
            let v = v.as_object_mut().unwrap();
            v.remove("snapshot");
            // Whether there may be more is of the whole index.
            v.remove("truncated");
            // The index has boxes to 1e-7.
            for hit in v["results"].as_array_mut().unwrap() {
                let Some(bbox) = hit["bbox"].as_array_mut() else { continue };
                bbox.iter_mut().for_each(|x| *x = format!("{:.5}", x.as_f64().unwrap()).into());
            }
        }
        if q == "e" {
            // Of very common texts not all are looked at.
            assert!(!a.to_string().contains("theirs"), "{a}");
        } else {
            assert_eq!(a, b, "{q}");
        }
    }
}

#[tokio::test]
async fn contents_in_3d_hold_the_seen_records_alone() {
    let p = pair(BY_FIELD);
    let [a, _] = p.both("/3dtiles/block/tileset.json?compress=none&properties=code,owner").await;
    let entrance = a.json();
    let (mut pages, mut contents) = (vec![(entrance.clone(), String::new())], BTreeSet::new());
    let mut seen = BTreeSet::new();
    for _ in 0..500 {
        let Some((page, _)) = pages.pop() else { break };
        let mut tiles = vec![page["root"].clone()];
        while let Some(tile) = tiles.pop() {
            tiles.extend(tile["children"].as_array().into_iter().flatten().cloned());
            let Some(uri) = tile["content"]["uri"].as_str() else { continue };
            let snapshot = entrance["asset"]["extras"]["snapshot"].as_str().unwrap();
            let path = format!("/3dtiles/{snapshot}/block/{}", uri.rsplit('/').next().unwrap());
            if !contents.insert(path.clone()) {
                continue;
            }
            let a = ask(&p.narrowed, Method::GET, &path, &[("x-api-key", &p.key)]).await;
            assert_eq!(a.status, 200, "{path}");
            assert_eq!(a.header("cache-control"), "private, max-age=31536000, immutable");
            if path.contains(".json") {
                pages.push((a.json(), path));
                continue;
            }
            let decoded = chengtu::scene::decode::decode(&a.body).unwrap();
            let text = String::from_utf8_lossy(&a.body);
            assert!(!text.contains("theirs"), "{path}");
            seen.extend(decoded.columns.get("code").into_iter().flatten().map(|c| format!("{c:?}")));
        }
    }
    assert_eq!(seen.len() as u64, (0..SIDE * SIDE).filter(|i| is_ours(*i)).count() as u64);
}

#[tokio::test]
async fn an_area_leaves_what_lies_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let area = dir.path().join("area.geojson");
    let ring = "[[[114.2999,34.7999],[114.3107,34.7999],[114.3107,34.8105],[114.2999,34.8105],[114.2999,34.7999]]]";
    std::fs::write(&area, format!("{{\"type\":\"Polygon\",\"coordinates\":{ring}}}")).unwrap();
    for (within, lamps, walls) in [("false", 121, 121), ("true", 121, 121)] {
        let p = pair(&format!("area = {area:?}\nwithin = {within}"));
        for (layer, want) in [("lamp", lamps), ("wall", walls)] {
            let [a, _] = p.both(&format!("/collections/{layer}/items?limit=1")).await;
            assert_eq!(a.json()["numberMatched"], want, "{layer} {within}");
        }
    }
    // Walls of 0.0005° that begin at 114.310: half of them reach over a border at 114.3102.
    std::fs::write(&area, format!("{{\"type\":\"Polygon\",\"coordinates\":{}}}", ring.replace("114.3107", "114.3102")))
        .unwrap();
    for (within, want) in [("false", 121), ("true", 110)] {
        let p = pair(&format!("area = {area:?}\nwithin = {within}"));
        let [a, _] = p.both("/collections/wall/items?limit=1").await;
        assert_eq!(a.json()["numberMatched"], want, "{within}");
    }
}

#[tokio::test]
async fn a_rule_about_what_is_not_there_hides() {
    let p = pair("layers = [\"lamp\"]\nfield = \"owner\"\nvalues = [\"nobody\"]");
    let [a, _] = p.both("/collections/lamp/items").await;
    assert_eq!((a.status, a.json()["numberMatched"].as_u64()), (200, Some(0)));
    let [a, _] = p.both("/collections/wall/items?limit=1").await;
    assert_eq!(a.json()["numberMatched"].as_u64(), Some(SIDE * SIDE));
    let [a, _] = p.both(&tile("lamp", 15, CORNER)).await;
    assert_eq!(a.status, 204);
    let [a, _] = p.both("/tiles/lamp.json").await;
    assert!(a.status == 200 && a.json().get("bounds").is_none());
}
