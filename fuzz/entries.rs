//! What meets outside bytes, one function a fuzz target. Each takes any bytes and must neither panic nor answer what cannot
//! be; the targets in `fuzz_targets/` feed them what libFuzzer finds, `tests/fuzz` replays the corpus.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request};
use chengtu::derive::Tree;
use chengtu::feature::FeatureId;
use chengtu::geo::BBox;
use chengtu::import::read::read_source;
use chengtu::import::wire::{CrsSpec, Format, Frame, ReadJob, XyColumns};
use chengtu::import::{ImportOptions, check, import};
use chengtu::layer::Catalog;
use chengtu::ownership::register::Register;
use chengtu::serve::{App, Options};
use chengtu::store::{
    BlobRef, BlockCache, LayerEntry, MODELS, Manifest, SEARCH, SEEDS, Sought, Store, TILE_ROWS, tileset_key,
};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use tower::ServiceExt;

#[path = "../tests/http/city.rs"]
mod city;
#[path = "token.rs"]
mod token;

pub use token::{jwt, opens};

/// A target's name, which is its folder in `corpus/`, and its function.
pub type Target = (&'static str, fn(&[u8]));

pub const TARGETS: [Target; 9] = [
    ("store", store),
    ("request", request),
    ("owner", owner),
    ("jwt", jwt),
    ("cityjson", cityjson),
    ("citygml", citygml),
    ("csv", csv),
    ("manifest", manifest),
    ("tileset", tileset),
];

/// Longer inputs find nothing that shorter ones do not.
const MOST_BYTES: usize = 1 << 16;

/// A blob with these bytes as if they had been published: the digests fit, so that the parsers behind them are reached.
pub fn store(data: &[u8]) {
    if data.len() > MOST_BYTES {
        return;
    }
    let dir = tempfile::tempdir().expect("a folder");
    let store = Store::open(dir.path(), true).expect("a store");
    let mut draft = store.draft().expect("a draft");
    let blob = draft.add_bytes(data).expect("adds");
    let count = data.first_chunk().map_or(0, |n| u64::from_le_bytes(*n)) % 5000;
    draft.manifest.layers.insert("layer".into(), entry(&blob, count));
    draft.manifest.extra.insert(tileset_key("layer", "x"), blob.clone());
    draft.manifest.catalog = draft.add_bytes(&Catalog::new(vec![]).to_json()).expect("adds");
    let ground = draft.ground_of(&blob);
    if let Ok(ground) = ground {
        let tiles = ground.tiles().iter().take(8).map(|t| t.at);
        tiles.for_each(|at| drop(ground.patch(at)));
        let _ = ground.height([114.3, 34.8]);
    }
    let id = draft.publish().expect("publishes");
    let snapshot = store.snapshot(&id, &Arc::new(BlockCache::new(1 << 20))).expect("opens");
    let window = BBox::new(114.0, 34.0, 115.0, 35.0);
    if let Ok(Some(table)) = snapshot.features("layer") {
        let _ = table.query(&window, &mut |row| {
            drop(row.to_feature());
            Ok(())
        });
        let _ = table.scan(&mut |row| {
            drop(row.to_feature());
            Ok(())
        });
    }
    for id in [0, 1, 3, u64::MAX] {
        let offset = snapshot.offset_of("layer", FeatureId(id));
        if let (Ok(Some(offset)), Ok(Some(table))) = (offset, snapshot.features("layer")) {
            let _ = table.get(offset);
        }
    }
    if let Ok(Some(models)) = snapshot.models("layer") {
        let _ = models.get(FeatureId(1));
        let _ = models.scan(&mut |_, _| Ok(()));
    }
    for (_, files) in snapshot.tilesets("layer").unwrap_or_default() {
        let _ = files.about();
        if let Ok(Some(file)) = files.find("tileset.json") {
            let _ = files.read(&file, 0, file.size.min(4096) as usize);
        }
    }
    if let Ok(Some(rows)) = snapshot.tile_rows_at("layer", 14) {
        let mut reader = rows.reader();
        for ordinal in (0..rows.count().min(40)).chain([rows.count()]) {
            let _ = reader.row(ordinal, |row| {
                row.values(|_, value| {
                    let (bytes, len) = row.entry(value);
                    assert!(len <= bytes.len(), "an entry ends where its bytes do");
                })
            });
        }
    }
    if let Ok(Some(seeds)) = snapshot.seeds("layer") {
        let all = seeds.recipes().filter_map(|(z, recipe)| seeds.of(z, &recipe));
        all.take(4).for_each(|of| {
            let some: Vec<[u32; 2]> = of.tiles().take(8).collect();
            some.into_iter().for_each(|[x, y]| drop(of.read(x, y, |piece| drop(piece.blocks.to_vec()))));
        });
    }
    if let (Ok(Some(index)), Some(sought)) = (snapshot.search("layer"), Sought::new("l0003")) {
        let mut found = vec![];
        let _ = index.find(0, &sought, &mut |f| found.push(f.records));
        found.into_iter().take(4).for_each(|records| drop(index.records(0, records, 10)));
    }
    let _ = (Tree::from_bytes(data), Catalog::from_json(data), Register::from_json(data));
    assert_eq!(store.verify().expect("verifies"), vec![], "what was published is whole");
}

fn entry(blob: &BlobRef, count: u64) -> LayerEntry {
    LayerEntry {
        declaration: String::new(),
        count,
        bounds: None,
        features: blob.clone(),
        overviews: BTreeMap::from([(8, blob.clone())]),
        census: blob.clone(),
        ids: blob.clone(),
        sources: BTreeMap::new(),
        extra: [MODELS, SEARCH, TILE_ROWS, SEEDS].map(|part| (part.to_string(), blob.clone())).into(),
    }
}

struct Served {
    router: Router,
    runtime: tokio::runtime::Runtime,
    _store: tempfile::TempDir,
}

/// A small city behind its router.
fn served() -> &'static Served {
    static SERVED: OnceLock<Served> = OnceLock::new();
    SERVED.get_or_init(|| {
        let store = city::built();
        let options = Options { open: true, workers: 1, ..Options::new(store.path().to_path_buf()) };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let guard = runtime.enter();
        let router = App::open(&options).expect("opens").router();
        drop(guard);
        Served { router, runtime, _store: store }
    })
}

/// Answers that a server may give to whatever is asked; 500 is a panic.
fn answer(request: Request<Body>) {
    let served = served();
    let (status, body) = served.runtime.block_on(async {
        let response = served.router.clone().oneshot(request).await.expect("an answer");
        let status = response.status().as_u16();
        (status, to_bytes(response.into_body(), 1 << 27).await.expect("a body"))
    });
    assert!(status != 500, "500: {}", String::from_utf8_lossy(&body));
}

/// A path with its query, as `GET`: tiles, records, search, lookups, 3D tiles.
pub fn request(data: &[u8]) {
    let Ok(path) = std::str::from_utf8(data) else { return };
    if let Ok(request) = Request::builder().uri(path.trim_end()).body(Body::empty()) {
        answer(request);
    }
}

/// A batch of lookups; its first byte says in which form.
pub fn owner(data: &[u8]) {
    let Some((first, body)) = data.split_first().filter(|_| data.len() <= MOST_BYTES) else { return };
    let forms = ["application/json", "application/x-ndjson", "text/csv", "application/geo+json"];
    let form = forms[usize::from(*first) % forms.len()];
    let request = Request::builder().method(Method::POST).uri("/owner").header("content-type", form);
    answer(request.body(Body::from(body.to_vec())).expect("a request"));
}

/// Reads bytes as a file of the format, in this process; what is handed on must hold together.
fn read(data: &[u8], name: &str, format: Format, set: impl FnOnce(&mut ReadJob)) {
    if data.len() > MOST_BYTES {
        return;
    }
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join(name);
    std::fs::write(&path, data).expect("writes");
    let mut job = ReadJob::plain(path, format, dir.path().join("scratch"));
    set(&mut job);
    let (mut records, mut last) = (0, 0);
    let mut take = |frame: Frame| {
        match frame {
            Frame::Records(all) => {
                records += all.len() as u64;
                let models = all.iter().filter_map(|r| r.model.as_ref());
                models.for_each(|m| assert_eq!(m.flaw(), None));
            }
            Frame::Done(done) => {
                assert_eq!(done.read, records, "all that was read is handed on");
                last += 1;
            }
            Frame::Failed(failed) => {
                assert!(!failed.code.is_empty() && failed.code != "io", "{failed:?}");
                last += 1;
            }
            _ => {}
        }
        Ok(())
    };
    read_source(&job, &mut take).expect("nobody refuses frames");
    assert_eq!(last, 1, "one last word");
}

pub fn cityjson(data: &[u8]) {
    read(data, "a.city.json", Format::Cityjson, |_| {});
}

pub fn citygml(data: &[u8]) {
    read(data, "a.city.gml", Format::Citygml, |_| {});
}

pub fn csv(data: &[u8]) {
    let name = |s: &str| Some(s.to_string());
    read(data, "a.csv", Format::Csv, |job| {
        job.crs = CrsSpec { definition: name("EPSG:4490"), ..CrsSpec::default() };
        job.xy = Some(XyColumns { x: name("x"), y: name("y"), z: None, wkt: None });
    });
}

/// A delivery's manifest as `chengtu check` reads it, and a snapshot's.
pub fn manifest(data: &[u8]) {
    static CATALOG: OnceLock<Catalog> = OnceLock::new();
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("d.toml");
    std::fs::write(&path, data).expect("writes");
    let _ = check(CATALOG.get_or_init(city::catalog), &[path.as_path()]);
    let _ = serde_json::from_slice::<Manifest>(data);
}

/// A tileset made elsewhere whose entrance is this, through an import of it alone.
pub fn tileset(data: &[u8]) {
    if data.len() > MOST_BYTES {
        return;
    }
    let dir = tempfile::tempdir().expect("a folder");
    let put = |name: &str, bytes: &[u8]| std::fs::write(dir.path().join(name), bytes).expect("writes");
    std::fs::create_dir(dir.path().join("model")).expect("makes");
    put("model/tileset.json", data);
    put("model/a.glb", b"glTF\x02\0\0\0\x0c\0\0\0");
    put("d.toml", b"[[tileset]]\nlayer = \"mesh\"\npath = \"model\"\n");
    let options = ImportOptions {
        store: dir.path().join("store"),
        manifests: vec![dir.path().join("d.toml")],
        report: None,
        keep: 1,
    };
    static CATALOG: OnceLock<Catalog> = OnceLock::new();
    let published = import(CATALOG.get_or_init(mesh), &options).is_ok();
    assert_eq!(published, Path::new(&options.store).join("CURRENT").exists());
}

/// A layer for tilesets.
fn mesh() -> Catalog {
    let layer = serde_json::json!([{
        "id": "mesh", "name": {"zh": "实景", "en": "mesh"}, "theme": "test", "geometry": ["polygon"], "dimension": "3D",
        "sensitivity": "public", "serve": ["3dtiles"], "zoom": {"min": 12, "full": 14, "max": 16},
        "fields": [{"name": "code", "type": "text", "zh": "编码", "key": true}], "scene": {"kind": "mesh"}
    }]);
    Catalog::new(serde_json::from_value(layer).expect("a layer"))
}
