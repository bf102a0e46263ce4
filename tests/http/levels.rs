//! Levels of one building from outside: a list of layers that stand for one another is one tileset, in which each building
//! stands once; what is not listed, or hidden, leaves no trace.

use super::city::publish_of;
use super::{ask, get, open, open_to_all, options};
use axum::Router;
use axum::http::Method;
use chengtu::feature::{Feature, FeatureId, Geometry, SourceTag, Value};
use chengtu::layer::{Catalog, Layer};
use chengtu::scene::decode::{Cell, decode};
use chengtu::scene::moved;
use chengtu::serve::{App, Options};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::path::Path;

const CORNER: [f64; 2] = [114.3, 34.8];

/// Blocks, roofs, façades that not everybody may see, and towers that have nothing to do with them.
fn catalog() -> Catalog {
    let layer = |id: &str, level: Option<u8>, sensitivity: &str, more: &[Json]| {
        let mut fields = vec![
            json!({"name": "house", "type": "text", "zh": "建筑编码", "key": true, "role": "building_id"}),
            json!({"name": "height", "type": "float", "zh": "高度", "unit": "m"}),
        ];
        fields.extend(more.iter().cloned());
        let mut scene = json!({"kind": "extrude", "fields": {"height": "height"}});
        if let Some(level) = level {
            scene["level"] = level.into();
            scene["geometric_error_m"] = (32 / level).into();
        }
        if level.is_some_and(|l| l > 2) {
            scene["replaces"] = "house".into();
        }
        json!({
            "id": id, "name": {"zh": id, "en": id}, "theme": "test", "geometry": ["polygon"], "dimension": "3D",
            "sensitivity": sensitivity, "serve": ["3dtiles"], "zoom": {"min": 12, "full": 14, "max": 16},
            "fields": fields, "scene": scene
        })
    };
    let pitch = json!({"name": "pitch", "type": "text", "zh": "屋顶形式"});
    let storeys = json!({"name": "pitch", "type": "int", "zh": "层数"});
    let all = json!([
        layer("block", Some(2), "public", &[]),
        layer("roof", Some(3), "public", &[pitch]),
        layer("facade", Some(4), "restricted", &[storeys]),
        layer("tower", None, "public", &[]),
    ]);
    Catalog::new(serde_json::from_value::<Vec<Layer>>(all).unwrap())
}

/// Buildings by number, 30 m apart; a feature's id is the number and 1 000 a level.
fn houses(level: u64, numbers: &[u64]) -> Vec<Feature> {
    let house = |n: &u64| {
        let [x, y] = [CORNER[0] + (n % 100) as f64 * 0.0003, CORNER[1] + (n / 100) as f64 * 0.0003];
        let ring = vec![[x, y], [x + 1e-4, y], [x + 1e-4, y + 1e-4], [x, y + 1e-4], [x, y]];
        let mut values = vec![Value::Text(format!("H{n:04}")), Value::Float(6.0 + level as f64)];
        match level {
            3 => values.push(Value::Text("坡屋顶".into())),
            4 => values.push(Value::Int(6)),
            _ => {}
        }
        let id = FeatureId(level * 1000 + n + 1);
        Feature { id, source: SourceTag(1), geometry: Geometry::polygon(&[ring]), values }
    };
    numbers.iter().map(house).collect()
}

fn publish(dir: &Path, layers: &[(&str, Vec<Feature>)]) -> String {
    publish_of(&catalog(), dir, layers)
}

/// Five buildings: 0 has all levels, 1 a roof, 2 no block, 3 a façade and no roof, 4 a block alone.
fn city() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let (block, roof, facade) = (houses(2, &[0, 1, 3, 4]), houses(3, &[0, 1, 2]), houses(4, &[0, 3]));
    publish(dir.path(), &[("block", block), ("roof", roof), ("facade", facade), ("tower", houses(9, &[50, 51]))]);
    dir
}

/// What a content shows: (layer, building) of each row.
type Rows = BTreeSet<(String, String)>;

fn texts(cells: &[Cell]) -> Vec<String> {
    let text = |c: &Cell| match c {
        Cell::Text(t) => t.clone(),
        other => panic!("{other:?}"),
    };
    cells.iter().map(text).collect()
}

async fn rows(router: &Router, path: &str) -> Rows {
    let d = decode(&get(router, path).await.body).unwrap_or_else(|e| panic!("{path}: {e}"));
    texts(&d.columns["_layer"]).into_iter().zip(texts(&d.columns["house"])).collect()
}

fn joined(base: &str, uri: &str) -> String {
    let folder = base.rsplit_once('/').unwrap().0;
    match uri.strip_prefix("../") {
        Some(rest) => format!("{}/{rest}", folder.rsplit_once('/').unwrap().0),
        None => format!("{folder}/{uri}"),
    }
}

/// Rows of every cut on which `depth` replacements have been made: of what is shown there.
async fn shown(router: &Router, base: &str, depth: usize) -> Vec<(String, String)> {
    let tileset = get(router, base).await;
    assert_eq!(tileset.status, 200, "{base}");
    let (mut all, mut open) = (vec![], vec![(tileset.json()["root"].clone(), depth)]);
    while let Some((tile, left)) = open.pop() {
        let replaces = tile["refine"] == "REPLACE";
        let children = tile["children"].as_array().cloned().unwrap_or_default();
        let finer = replaces && left > 0 && !children.is_empty();
        if let Some(uri) = tile["content"]["uri"].as_str().filter(|_| !finer) {
            all.extend(rows(router, &joined(base, uri)).await);
        }
        if finer || !replaces {
            open.extend(children.into_iter().map(|c| (c, left - usize::from(finer))));
        }
    }
    all.sort();
    all
}

fn expected(all: &[(&str, u64)]) -> Vec<(String, String)> {
    let mut all: Vec<_> = all.iter().map(|(layer, n)| (layer.to_string(), format!("H{n:04}"))).collect();
    all.sort();
    all
}

/// The catalog names the levels of one thing that the asker may see, coarsest first.
#[tokio::test]
async fn the_catalog_tells_which_layers_stand_for_one_another() {
    let dir = city();
    let told = |v: Json| -> Vec<(String, Json, Json)> {
        let layers = v["layers"].as_array().unwrap().iter();
        layers
            .map(|l| (l["id"].as_str().unwrap().into(), l["scene"]["level"].clone(), l["scene"]["family"].clone()))
            .collect()
    };
    let public = told(get(&open(dir.path()).router(), "/catalog").await.json());
    let two = json!(["block", "roof"]);
    assert_eq!(
        public,
        [
            ("block".to_string(), json!(2), two.clone()),
            ("roof".into(), json!(3), two),
            ("tower".into(), json!(null), json!([]))
        ]
    );
    let all = told(get(&open_to_all(dir.path()).router(), "/catalog").await.json());
    assert_eq!(all[1], ("facade".to_string(), json!(4), json!(["block", "roof", "facade"])));
}

#[tokio::test]
async fn each_building_stands_once_at_the_best_level_of_those_asked_for() {
    let dir = city();
    let router = open_to_all(dir.path()).router();
    let at = |list: &str| format!("/3dtiles/{list}/tileset.json?compress=none");
    let all = at("block,roof,facade");
    let coarse = [("block", 0), ("block", 1), ("roof", 2), ("block", 3), ("block", 4)];
    assert_eq!(shown(&router, &all, 0).await, expected(&coarse));
    let middle = [("roof", 0), ("roof", 1), ("roof", 2), ("block", 3), ("block", 4)];
    assert_eq!(shown(&router, &all, 1).await, expected(&middle));
    let best = [("facade", 0), ("roof", 1), ("roof", 2), ("facade", 3), ("block", 4)];
    assert_eq!(shown(&router, &all, 2).await, expected(&best));
    assert_eq!(shown(&router, &all, 9).await, expected(&best));
    // Two of them: as if the third were not.
    let best = [("facade", 0), ("block", 1), ("facade", 3), ("block", 4)];
    assert_eq!(shown(&router, &at("block,facade"), 9).await, expected(&best));
    let best = [("facade", 0), ("roof", 1), ("roof", 2), ("facade", 3)];
    assert_eq!(shown(&router, &at("roof,facade"), 9).await, expected(&best));
    for (list, buildings) in [("block,roof,facade", 5), ("block,facade", 4), ("roof,facade", 4)] {
        let walked = super::three::walked(&router, &at(list)).await;
        assert_eq!(walked.sound().ids().len(), buildings, "{list}");
    }
}

#[tokio::test]
async fn a_content_names_layer_and_level_of_each_row() {
    let dir = city();
    let router = open_to_all(dir.path()).router();
    let base = "/3dtiles/block,roof,facade/tileset.json";
    let mut open = vec![get(&router, base).await.json()["root"].clone()];
    let mut seen = BTreeSet::new();
    while let Some(tile) = open.pop() {
        if let Some(uri) = tile["content"]["uri"].as_str() {
            let d = decode(&get(&router, &joined(base, uri)).await.body).unwrap();
            let (layers, ids) = (texts(&d.columns["_layer"]), texts(&d.columns["id"]));
            for (i, layer) in layers.iter().enumerate() {
                let record = get(&router, &format!("/collections/{layer}/items/{}", ids[i])).await.json();
                let [level, height] = ["_cim_level", "height"].map(|c| d.columns.get(c).map(|v| v[i].clone()));
                let level = level.unwrap();
                assert_eq!(record["properties"]["house"].as_str().unwrap(), texts(&d.columns["house"])[i]);
                assert_eq!(height, Some(Cell::Number(record["properties"]["height"].as_f64().unwrap())));
                // A field of the same name and another type has a column of its own.
                let own = |c: &str| d.columns.get(c).map(|v| v[i].clone());
                let (pitch, storeys) = (own("pitch").unwrap_or(Cell::Null), own("facade_pitch").unwrap_or(Cell::Null));
                match layer.as_str() {
                    "block" => assert_eq!((level, pitch, storeys), (Cell::Number(2.0), Cell::Null, Cell::Null)),
                    "roof" => {
                        assert_eq!((level, pitch), (Cell::Number(3.0), Cell::Text("坡屋顶".into())));
                        assert_eq!(storeys, Cell::Null);
                    }
                    _ => assert_eq!((level, pitch, storeys), (Cell::Number(4.0), Cell::Null, Cell::Number(6.0))),
                }
                seen.insert(layer.clone());
            }
        }
        open.extend(tile["children"].as_array().cloned().unwrap_or_default());
    }
    assert_eq!(seen.len(), 3);
}

#[tokio::test]
async fn a_family_has_one_address_and_is_cached_like_everything() {
    let dir = city();
    let app = open_to_all(dir.path());
    let router = app.router();
    let one = get(&router, "/3dtiles/block,roof,facade/tileset.json").await;
    let other = get(&router, "/3dtiles/facade,block,roof/tileset.json").await;
    assert_eq!((one.body.as_slice(), one.header("etag")), (other.body.as_slice(), other.header("etag")));
    let snapshot = get(&router, "/ready").await.json()["snapshot"].as_str().unwrap().to_string();
    let at = |list: &str, file: &str| format!("/3dtiles/{snapshot}/{list}/{file}");
    for (path, status, code) in [
        (at("roof,block,facade", "0.json"), 404, "not-found"),
        (at("block,tower", "0.json"), 404, "not-found"),
        (at("block,roof,tower", "0.json"), 404, "not-found"),
        (at("block,roof,facade", "99.glb"), 404, "not-found"),
        (at("block,roof,nothing", "0.json"), 404, "layer-not-found"),
        (at("block,block", "0.json"), 400, "duplicate-layer"),
        ("/3dtiles/block,roof/tileset.json?properties=house,colour".into(), 400, "unknown-property"),
    ] {
        assert_eq!(get(&router, &path).await.problem(), (status, code.into()), "{path}");
    }
    let page = get(&router, &at("block,roof,facade", "0.json")).await;
    assert_eq!((page.status, page.json()["asset"]["version"].as_str()), (200, Some("1.1")));
    // The list of properties holds for whichever member has them.
    let tileset = get(&router, "/3dtiles/block,roof/tileset.json?properties=pitch,house").await;
    let (mut open, mut uris) = (vec![tileset.json()["root"].clone()], vec![]);
    while let Some(tile) = open.pop() {
        uris.extend(tile["content"]["uri"].as_str().map(|u| joined("/3dtiles/x/tileset.json", u)));
        open.extend(tile["children"].as_array().cloned().unwrap_or_default());
    }
    assert!(uris.iter().all(|u| u.contains("properties=pitch") && u.contains("/block,roof/")));
    let mut columns = BTreeSet::new();
    for uri in &uris {
        let glb = get(&router, uri).await;
        assert_eq!((glb.status, glb.header("cache-control")), (200, "private, max-age=31536000, immutable"));
        let again = ask(&router, Method::GET, uri, &[("if-none-match", glb.header("etag"))]).await;
        assert_eq!((again.status, again.body.len()), (304, 0));
        columns.extend(decode(&glb.body).unwrap().columns.into_keys());
    }
    let named = ["_cim_level", "_height_assumed", "_layer", "house", "id", "pitch"].map(String::from);
    assert_eq!(columns, named.into());
    // Another roof: another snapshot, and the old address keeps its bytes.
    let (before, first) = (get(&router, &uris[0]).await.body, uris[0].clone());
    publish(dir.path(), &[("roof", houses(3, &[0, 1, 2, 4]))]);
    assert!(app.follow().unwrap());
    assert_eq!(get(&router, &first).await.body, before);
    let best = [("roof", 0), ("roof", 1), ("roof", 2), ("block", 3), ("roof", 4)];
    assert_eq!(shown(&router, "/3dtiles/block,roof/tileset.json", 9).await, expected(&best));
}

#[tokio::test]
async fn what_is_hidden_or_empty_leaves_no_trace() {
    let (with, without) = (city(), tempfile::tempdir().unwrap());
    let (block, roof) = (houses(2, &[0, 1, 3, 4]), houses(3, &[0, 1, 2]));
    publish(without.path(), &[("block", block), ("roof", roof)]);
    let bare = async |dir: &Path| {
        let app = open(dir);
        let answer = get(&app.router(), "/3dtiles/block,roof/tileset.json").await;
        let snapshot = answer.json()["asset"]["extras"]["snapshot"].as_str().unwrap().to_string();
        String::from_utf8(answer.body).unwrap().replace(&snapshot, "S")
    };
    assert_eq!(bare(with.path()).await, bare(without.path()).await);
    let public = open(with.path()).router();
    let refused = get(&public, "/3dtiles/block,facade/tileset.json").await;
    assert_eq!(refused.problem(), (404, "layer-not-found".into()));
    // Of the façades the other city holds nothing: its blocks and roofs are the family.
    let router = open_to_all(without.path()).router();
    let three = get(&router, "/3dtiles/block,roof,facade/tileset.json").await.json();
    assert!(three.to_string().contains("/block,roof/") && !three.to_string().contains("facade"));
    let one = get(&router, "/3dtiles/block,facade/tileset.json").await.json();
    assert!(one.to_string().contains("/block/0."), "{one}");
}

#[tokio::test]
async fn a_family_stands_beside_other_layers_in_a_scene() {
    let dir = city();
    let router = App::open(&Options { open: true, ..options(dir.path()) }).unwrap().router();
    let scene = get(&router, "/3dtiles/tower,roof,block/tileset.json").await.json();
    assert_eq!(scene["root"]["refine"], "ADD");
    let children = scene["root"]["children"].as_array().unwrap();
    let uris: Vec<&str> = children.iter().map(|c| c["content"]["uri"].as_str().unwrap()).collect();
    assert!(uris.len() == 2 && uris[0].contains("/tower/0.json") && uris[1].contains("/block,roof/0.json"), "{uris:?}");
    for uri in uris {
        let page = get(&router, &joined("/3dtiles/x/tileset.json", uri)).await;
        assert_eq!((page.status, page.header("cache-control")), (200, "private, max-age=31536000, immutable"));
    }
}

type Matrix = [f64; 16];

const IDENTITY: Matrix = [1., 0., 0., 0., 0., 1., 0., 0., 0., 0., 1., 0., 0., 0., 0., 1.];

fn product(a: &Matrix, b: &Matrix) -> Matrix {
    std::array::from_fn(|i| (0..4).map(|k| a[k * 4 + i % 4] * b[i / 4 * 4 + k]).sum())
}

/// A tile's box on the earth: its middle, and half of each side.
#[derive(Clone)]
struct Volume([[f64; 3]; 4]);

impl Volume {
    fn of(tile: &Json, matrix: &Matrix) -> Volume {
        let n: Vec<f64> =
            tile["boundingVolume"]["box"].as_array().unwrap().iter().map(|n| n.as_f64().unwrap()).collect();
        let middle = moved(matrix, [n[0], n[1], n[2]]);
        let side = |k: usize| {
            let end = moved(matrix, [0, 1, 2].map(|i| n[i] + n[k + i]));
            [0, 1, 2].map(|i| end[i] - middle[i])
        };
        Volume([middle, side(3), side(6), side(9)])
    }

    fn holds(&self, p: [f64; 3]) -> bool {
        self.0[1..].iter().all(|side| {
            let square: f64 = side.iter().map(|x| x * x).sum();
            let along: f64 = (0..3).map(|i| (p[i] - self.0[0][i]) * side[i]).sum();
            along.abs() <= square + 2e-3 * square.sqrt()
        })
    }
}

/// A tile as far as cuts go.
struct Seen {
    parent: Option<usize>,
    replaces: bool,
    rows: Rows,
}

/// All tiles of a tileset, every page and content read: volumes hold what is in them, errors fall.
async fn walked(router: &Router, base: &str) -> Vec<Seen> {
    let mut seen: Vec<Seen> = vec![];
    let mut pages = vec![(base.to_string(), IDENTITY, vec![], f64::INFINITY, None)];
    while let Some((path, matrix, over, error_m, parent)) = pages.pop() {
        let page = get(router, &path).await;
        assert!(page.status == 200 && page.body.len() <= 20_000, "{path}: {}, {} B", page.status, page.body.len());
        let mut open = vec![(page.json()["root"].clone(), matrix, over, error_m, parent)];
        while let Some((tile, matrix, mut over, above_m, parent)) = open.pop() {
            let own = tile["transform"].as_array().map(|m| std::array::from_fn(|i| m[i].as_f64().unwrap()));
            let matrix = own.map_or(matrix, |own| product(&matrix, &own));
            over.push(Volume::of(&tile, &matrix));
            let error_m = tile["geometricError"].as_f64().unwrap();
            assert!(error_m <= above_m, "{path}: {error_m} below {above_m}");
            let replaces = tile["refine"] == "REPLACE";
            let at = seen.len();
            let mut rows = Rows::new();
            match tile["content"]["uri"].as_str().map(|uri| joined(&path, uri)) {
                Some(uri) if uri.contains(".json") => {
                    pages.push((uri, matrix, over.clone(), error_m, parent));
                    continue;
                }
                Some(uri) => {
                    let d = decode(&get(router, &uri).await.body).unwrap();
                    assert!(d.rows <= 600);
                    for v in &d.vertices {
                        let p = moved(&matrix, v.at);
                        assert!(over.iter().all(|o| o.holds(p)), "{uri}: {:?} lies outside", v.at);
                    }
                    rows = texts(&d.columns["_layer"]).into_iter().zip(texts(&d.columns["house"])).collect();
                }
                None => assert!(!replaces, "{path}: a stand-in without a content"),
            }
            let children = tile["children"].as_array().cloned().unwrap_or_default();
            assert_eq!(children.is_empty(), error_m == 0.0, "{path}");
            seen.push(Seen { parent, replaces, rows });
            open.extend(children.into_iter().map(|c| (c, matrix, over.clone(), error_m, Some(at))));
        }
    }
    seen
}

#[tokio::test]
async fn a_town_of_three_levels_is_one_tree_of_many_tiles() {
    let dir = tempfile::tempdir().unwrap();
    let some = |keep: fn(&u64) -> bool| (0..2500).filter(keep).collect::<Vec<u64>>();
    let (blocks, roofs, facades) = (some(|n| n % 11 != 0), some(|n| n % 3 == 0 || *n < 400), some(|n| n % 40 < 2));
    let levels = [("block", houses(2, &blocks)), ("roof", houses(3, &roofs)), ("facade", houses(4, &facades))];
    publish(dir.path(), &levels);
    let router = open_to_all(dir.path()).router();
    let seen = walked(&router, "/3dtiles/block,roof,facade/tileset.json").await;
    assert!(seen.len() > 20 && seen.iter().any(|s| s.replaces && s.rows.len() > 100), "{}", seen.len());
    let things = |rows: &Rows| rows.iter().map(|(_, house)| house.clone()).collect::<BTreeSet<_>>();
    let has_children: BTreeSet<usize> = seen.iter().filter_map(|s| s.parent).collect();
    for (at, s) in seen.iter().enumerate() {
        assert_eq!(things(&s.rows).len(), s.rows.len(), "one level of each building in a tile");
        if s.replaces {
            let below = seen.iter().filter(|c| c.parent == Some(at)).map(|c| &c.rows);
            let all: Vec<_> = below.clone().flatten().map(|(_, house)| house.clone()).collect();
            assert_eq!(all.iter().cloned().collect::<BTreeSet<_>>(), things(&s.rows), "nothing is lost or added");
            assert_eq!(all.len(), s.rows.len(), "each stands once below");
        }
    }
    // Near: the best of each; far: the coarsest of each.
    let near = seen.iter().enumerate().filter(|(i, s)| !(s.replaces && has_children.contains(i)));
    let near: Vec<_> = near.flat_map(|(_, s)| s.rows.iter().cloned()).collect();
    let in_chain = |s: &Seen| s.parent.is_some_and(|p| seen[p].replaces);
    let far: Vec<_> = seen.iter().filter(|s| !in_chain(s)).flat_map(|s| s.rows.iter().cloned()).collect();
    let of = |n: u64, order: [(&str, &[u64]); 3]| {
        let found = order.iter().find(|(_, all)| all.binary_search(&n).is_ok());
        found.map(|(layer, _)| (layer.to_string(), format!("H{n:04}")))
    };
    let [b, r, f] = [("block", blocks.as_slice()), ("roof", roofs.as_slice()), ("facade", facades.as_slice())];
    let all = |order: [(&str, &[u64]); 3]| (0..2500).filter_map(|n| of(n, order)).collect::<BTreeSet<_>>();
    for (shown, wanted) in [(near, all([f, r, b])), (far, all([b, r, f]))] {
        assert_eq!(shown.len(), wanted.len());
        assert_eq!(shown.into_iter().collect::<BTreeSet<_>>(), wanted);
    }
}
