//! Features of every shape, stores of them, and the brute-force answer. No tests.

pub use crate::common::Random;
use chengtu::error::Error;
use chengtu::feature::{Feature, FeatureId, Geometry, Lod, Model, Role, Shell, SourceTag, Surface, Tier, Value};
use chengtu::geo::BBox;
use chengtu::layer::Catalog;
use chengtu::store::*;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

pub fn schema() -> Schema {
    let columns =
        [("名称", ColumnKind::Text), ("n", ColumnKind::Int), ("x", ColumnKind::Float), ("ok", ColumnKind::Bool)];
    Schema { columns: columns.iter().map(|&(n, kind)| Column { name: n.to_string(), kind }).collect() }
}

fn geometry(r: &mut Random) -> Geometry {
    let at = [114.0 + r.part(), 34.0 + r.part()];
    let near = |r: &mut Random| [at[0] + r.part() * 0.01, at[1] + r.part() * 0.01];
    let square = |x: f64, y: f64, s: f64| vec![[x, y], [x + s, y], [x + s, y + s], [x, y + s], [x, y]];
    let mut g = match r.below(6) {
        0 | 1 => Geometry::point(at[0], at[1]),
        2 => Geometry { xy: (0..3).map(|_| near(r)).collect(), ..Geometry::point(0.0, 0.0) },
        3 => Geometry::line((0..2 + r.below(20)).map(|_| near(r)).collect()),
        4 => Geometry { ends: vec![2, 5], ..Geometry::line((0..5).map(|_| near(r)).collect()) },
        _ => {
            let hole = square(at[0] + 0.001, at[1] + 0.001, 0.001).into_iter().rev().collect();
            let mut g = Geometry::polygon(&[square(at[0], at[1], 0.004), hole, square(at[0] + 0.01, at[1], 0.002)]);
            g.parts = vec![2, 3];
            g
        }
    };
    if r.below(3) == 0 {
        g.z = g.xy.iter().map(|p| p[0] + p[1]).collect();
    }
    g
}

pub fn features(count: u64, seed: u64) -> Vec<Feature> {
    let mut r = Random(seed);
    let value = |r: &mut Random, v: Value| if r.below(4) == 0 { Value::Null } else { v };
    let make = |i| {
        let text = "开封市路灯".chars().cycle().take(r.below(40)).collect();
        let (int, float, bool) = (r.next() as i64, r.part(), r.below(2) == 0);
        let values = [Value::Text(text), Value::Int(int), Value::Float(float), Value::Bool(bool)];
        Feature {
            id: FeatureId(i * 7919),
            source: SourceTag((i % 3) as u32),
            geometry: geometry(&mut r),
            values: values.into_iter().map(|v| value(&mut r, v)).collect(),
        }
    };
    (1..=count).map(make).collect()
}

pub fn write(dir: &Path, features: &[Feature], run_bytes: usize) -> SealedTable {
    let mut writer = TableWriter::with_run_bytes(dir, "layer", schema(), run_bytes).expect("a writer");
    features.iter().for_each(|f| writer.push(f).expect("takes a feature"));
    writer.seal().expect("seals")
}

/// A box on each polygon, to the store's precision; other features have no model.
pub fn model(f: &Feature) -> Option<Model> {
    (f.geometry.parts.len() > 1).then_some(())?;
    let round = |v: f64, steps: f64| (v * steps).round() / steps;
    let base: Vec<[f64; 2]> = f.geometry.xy[..4].iter().map(|p| p.map(|v| round(v, 1e9))).collect();
    let height = round(3.0 + (f.id.0 % 50) as f64 * 0.37, 1e4);
    let positions = [0.0, height].iter().flat_map(|&z| base.iter().map(move |&[x, y]| [x, y, z])).collect();
    let walls = (0..4u32).flat_map(|i| [i, (i + 1) % 4, 4 + (i + 1) % 4, 4 + i]);
    let corners: Vec<u32> = [3, 2, 1, 0, 4, 5, 6, 7].into_iter().chain(walls).collect();
    let role = |i| [Role::Ground, Role::Roof, Role::Wall][usize::min(i, 2)];
    let lod = Lod {
        tier: Tier { level: 1, refined: None },
        ring_ends: (1..=6).map(|i| i * 4).collect(),
        surfaces: (0..6).map(|i| Surface { ring_end: i as u32 + 1, role: role(i) }).collect(),
        shells: vec![Shell { surface_end: 6, closed: true }],
        corners,
    };
    Some(Model { positions, lods: vec![lod], skin: None })
}

pub fn write_models(dir: &Path, features: &[Feature], run_bytes: usize) -> SealedModels {
    let mut writer = ModelWriter::with_run_bytes(dir, "layer", run_bytes);
    for (f, model) in features.iter().filter_map(|f| Some((f, model(f)?))) {
        writer.push(f.id, f.geometry.bbox(), &model).expect("takes a model");
    }
    writer.seal().expect("seals")
}

/// Publishes one layer; the other layers of the snapshot stay.
pub fn publish(store: &Store, layer: &str, features: &[Feature]) -> String {
    let mut draft = store.draft().expect("a draft");
    put_layer(&mut draft, layer, features);
    draft.publish().expect("publishes")
}

pub fn put_layer(draft: &mut Draft, layer: &str, features: &[Feature]) {
    let sealed = write(draft.staging(), features, 1 << 20);
    let models = write_models(draft.staging(), features, 1 << 16);
    let ids = draft.add_bytes(&sealed.ids_blob()).expect("adds ids");
    let entry = LayerEntry {
        declaration: String::new(),
        count: sealed.count,
        bounds: sealed.bounds,
        features: draft.add_file(&sealed.path).expect("adds features"),
        overviews: BTreeMap::new(),
        census: draft.add_bytes(layer.as_bytes()).expect("adds a census"),
        ids,
        sources: BTreeMap::new(),
        extra: BTreeMap::from([(MODELS.to_string(), draft.add_file(&models.path).expect("adds models"))]),
    };
    draft.manifest.catalog = draft.add_bytes(&Catalog::new(vec![]).to_json()).expect("adds a catalog");
    draft.manifest.layers.insert(layer.to_string(), entry);
}

pub fn cache() -> Arc<BlockCache> {
    Arc::new(BlockCache::new(8 << 20))
}

pub fn open(store: &Store) -> Arc<Snapshot> {
    let id = store.current().expect("reads CURRENT").expect("has a snapshot");
    store.snapshot(&id, &cache()).expect("opens")
}

pub fn store_in(dir: &Path) -> Store {
    Store::open(&dir.join("store"), true).expect("a store")
}

pub fn found(table: &Table, window: &BBox) -> Result<Vec<Feature>, Error> {
    let mut found = vec![];
    table.query(window, &mut |row| {
        found.push(row.to_feature());
        Ok(())
    })?;
    found.sort_by_key(|f| f.id);
    Ok(found)
}

pub fn expected(features: &[Feature], window: &BBox) -> Vec<Feature> {
    let mut all: Vec<Feature> = features.iter().filter(|f| f.geometry.bbox().intersects(window)).cloned().collect();
    all.sort_by_key(|f| f.id);
    all
}

pub const WORLD: BBox = BBox { min_x: -180.0, min_y: -90.0, max_x: 180.0, max_y: 90.0 };

/// Publishes each of these bytes as an extra blob, so called, of a layer that is called by its number.
pub fn published_extra(dir: &Path, key: &str, all: &[Vec<u8>]) -> Arc<Snapshot> {
    let store = store_in(dir);
    let mut draft = store.draft().expect("a draft");
    put_layer(&mut draft, "0", &features(3, 1));
    let entry = draft.manifest.layers["0"].clone();
    for (number, bytes) in all.iter().enumerate() {
        let mut entry = entry.clone();
        entry.extra.insert(key.to_string(), draft.add_bytes(bytes).expect("adds them"));
        draft.manifest.layers.insert(number.to_string(), entry);
    }
    draft.publish().expect("publishes");
    open(&store)
}
