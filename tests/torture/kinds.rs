//! Damage under a server of what is more than a layer's features: the ground, models, what they wear, the register and the trees
//! of 3D tiles, in a town that came through `chengtu import`.

use crate::common::Random;
use crate::common::declared::{self, CODE};
use crate::common::web::get;
use crate::hostile::seeds;
use crate::town::{at, town};
use crate::{cases, figure};
use axum::Router;
use chengtu::error::Error;
use chengtu::serve::{App, Options};
use chengtu::store::Store;
use image::{ImageFormat, Rgb, RgbImage};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;
use std::path::{Path, PathBuf};

/// A wall that wears a picture, with a floor, so that there is an outline.
const WALL: &str = r#"{"type":"CityJSON","version":"2.0","transform":{"scale":[0.001,0.001,0.001],"translate":[527000.0,3852000.0,70.0]},
"metadata":{"referenceSystem":"urn:ogc:def:crs,crs:EPSG::4547,crs:EPSG::5737"},
"appearance":{"textures":[{"type":"PNG","image":"q.png"}],"vertices-texture":[[0,0],[1,0],[1,1],[0,1]]},
"CityObjects":{"W0":{"type":"Building","geometry":[{"type":"MultiSurface","lod":"2","boundaries":[[[0,1,2,3]],[[4,5,6,7]]],
"semantics":{"surfaces":[{"type":"WallSurface"},{"type":"GroundSurface"}],"values":[0,1]},
"texture":{"t":{"values":[[[0,0,1,2,3]],[[null]]]}}}]}},
"vertices":[[0,0,0],[10000,0,0],[10000,0,8000],[0,0,8000],[0,0,0],[0,8000,0],[10000,8000,0],[10000,0,0]]}"#;

/// The town with a wall and heights of its ground.
fn furnished() -> crate::delivery::City {
    let city = town();
    city.layer("cim", "walls", &declared::scene("walls", "polygon", r#"{ kind = "surface" }"#, &[CODE]));
    let mut png = Cursor::new(vec![]);
    RgbImage::from_fn(64, 64, |x, y| Rgb([x as u8 * 4, y as u8 * 4, 90])).write_to(&mut png, ImageFormat::Png).unwrap();
    city.write_bytes("q.png", &png.into_inner());
    city.write("a.city.json", WALL);
    city.write_bytes("a.tif", &seeds::geotiff());
    city.write(
        "more.toml",
        "id = \"more\"\n[[source]]\nid = \"walls\"\npath = \"a.city.json\"\nlayer = \"walls\"\nkey = \"id\"\nfields = { code = \"id\" }\n\
         [[source]]\nid = \"heights\"\npath = \"a.tif\"\nlayer = \"cim1_terrain\"\nvertical = \"1985\"\n",
    );
    let run = city.import(&["more.toml"]);
    assert_eq!(run.code, 0, "{}\n{}", run.stderr, run.stdout);
    city
}

fn open(store: &Path) -> Result<Router, Error> {
    App::open(&Options { open: true, workers: 2, ..Options::new(store.to_path_buf()) }).map(|app| app.router())
}

/// The first content that a tileset names.
async fn content(router: &Router, layer: &str) -> String {
    let tileset = get(router, &format!("/3dtiles/{layer}/tileset.json")).await;
    assert_eq!(tileset.status, 200, "{layer}: {}", tileset.text());
    let uri = tileset.text().split("\"uri\":\"").nth(1).and_then(|t| t.split('"').next()).expect("a content");
    format!("/3dtiles/{}", uri.strip_prefix("../").expect("relative to the layer"))
}

type Answers = BTreeMap<String, (u16, Vec<u8>)>;

async fn ask(router: &Router, questions: &[String]) -> Answers {
    let mut answers = Answers::new();
    for path in questions {
        let answer = get(router, path).await;
        answers.insert(path.clone(), (answer.status, answer.body));
    }
    answers
}

/// The files of each kind of blob: what is kept of the whole town, and beside the layers' features.
fn files(store: &Path) -> Vec<(String, PathBuf)> {
    let opened = Store::open(store, false).unwrap();
    let id = opened.current().unwrap().unwrap();
    let cache = std::sync::Arc::new(chengtu::store::BlockCache::new(1 << 20));
    let manifest = opened.snapshot(&id, &cache).unwrap().manifest.clone();
    let of_layers = manifest.layers.values().flat_map(|l| &l.extra);
    let mut all = BTreeSet::new();
    for (kind, blob) in manifest.extra.iter().chain(of_layers) {
        for name in [&blob.digest, &blob.blocks] {
            let file = store.join("blobs").join(name);
            all.extend(file.is_file().then(|| (kind.clone(), file)));
        }
    }
    all.into_iter().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_of_blob_is_answered_right_or_not_at_all() {
    let city = furnished();
    let store = city.store();
    let router = open(&store).unwrap();
    let place = |x: f64, y: f64| format!("lon={}&lat={}", at(x, y)[0], at(x, y)[1]);
    let owner = |x, y, more: &str| format!("/owner?{}&at=2026-11-21T08:30:00%2B08:00{more}", place(x, y));
    let wall = city.features("walls")[0].id.0;
    let questions = vec![
        "/3dtiles/cim1_terrain/tileset.json".to_string(),
        content(&router, "cim1_terrain").await,
        "/3dtiles/walls/tileset.json".into(),
        content(&router, "walls").await,
        format!("/collections/walls/items/{wall}"),
        owner(0.5, 0.5, "&class=cjt214-2007:component:0101&component=4102020101000001"),
        owner(1.5, 0.5, ""),
        owner(3.5, 0.5, "&trail=false"),
        "/owner/bodies".into(),
        "/owner/classes".into(),
        format!("/identify?{}&radius_m=30", place(0.5, 0.5)),
        "/search?q=4102020101000001".into(),
    ];
    let right = ask(&router, &questions).await;
    let silent = right.iter().find(|(_, (status, _))| *status != 200);
    assert!(silent.is_none(), "{silent:?}");
    drop(router);
    let (files, mut r) = (files(&store), Random(21));
    let opened = Store::open(&store, false).unwrap();
    let (mut told, mut refused, mut count) = (BTreeMap::<String, usize>::new(), 0, 0);
    for i in 0..cases(1500, files.len()) {
        let (kind, file) = &files[i % files.len()];
        let whole = std::fs::read(file).unwrap();
        let mut bytes = whole.clone();
        let at = r.below(bytes.len());
        match r.below(4) {
            0 => bytes.truncate(at),
            1 => bytes[at..].fill(0),
            _ => bytes[at] ^= 1 << r.below(8),
        }
        if bytes == whole {
            continue;
        }
        std::fs::write(file, &bytes).unwrap();
        count += 1;
        let case = format!("{kind}, {}", file.display());
        assert!(opened.verify().unwrap().iter().any(|f| f.file == *file), "{case}");
        match open(&store) {
            Err(e) => {
                assert!(matches!(e, Error::Damaged { .. }), "{case}: {e}");
                *told.entry(kind.clone()).or_default() += 1;
                refused += 1;
            }
            Ok(router) => {
                for (path, (status, body)) in ask(&router, &questions).await {
                    let text = String::from_utf8_lossy(&body);
                    let damaged =
                        status == 503 && text.contains("layer-data-damaged") || text.contains("\"unsearched\":[\"");
                    *told.entry(kind.clone()).or_default() += usize::from(damaged);
                    assert!(
                        damaged || (status, &body) == (right[&path].0, &right[&path].1),
                        "{case}: {path}: {status} {text}"
                    );
                }
            }
        }
        std::fs::write(file, &whole).unwrap();
    }
    for kind in ["ground", "ground-scene", "images", "models", "register", "scene"] {
        assert!(told.get(kind).is_some_and(|n| *n > 0), "nothing of {kind} was told: {told:?}");
    }
    assert_eq!(ask(&open(&store).unwrap(), &questions).await, right, "healed");
    told.retain(|_, n| *n > 0);
    figure(
        "ground, models, images, register, trees damaged under a server",
        &format!(
            "{count} damages × {} questions: all found by verify, 0 answers wrong, {refused} stores refused, told {told:?}",
            questions.len()
        ),
    );
}
