//! A city of three filled layers and three that answer in their own way: empty, hidden, not tiled.

use chengtu::derive::derive_layer;
use chengtu::feature::{Feature, FeatureId, Geometry, SourceTag, Value};
use chengtu::layer::{Catalog, Layer};
use chengtu::store::{Schema, Store, TableWriter};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;

/// Where lamp 1 stands: a street corner in Kaifeng.
pub const CORNER: [f64; 2] = [114.3, 34.8];

pub fn catalog() -> Catalog {
    let layer = |id: &str, geometry: &str, sensitivity: &str, serve: &str, zoom: [u8; 3]| {
        json!({
            "id": id, "name": {"zh": format!("{id}图层"), "en": id}, "theme": "test", "geometry": [geometry],
            "dimension": "2D", "sensitivity": sensitivity, "serve": [serve],
            "zoom": {"min": zoom[0], "full": zoom[1], "max": zoom[2]},
            "fields": [
                {"name": "code", "type": "text", "zh": "编码", "key": true},
                {"name": "height", "type": "float", "zh": "高度", "unit": "m"},
                {"name": "keeper", "type": "text", "zh": "管理单位", "sensitivity": "government"},
                {"name": "phone", "type": "text", "zh": "电话", "sensitivity": "personal"}
            ]
        })
    };
    let mut all = json!([
        layer("lamp", "point", "public", "mvt", [12, 14, 16]),
        layer("river", "line", "public", "mvt", [8, 8, 13]),
        layer("bench", "point", "public", "mvt", [12, 14, 16]),
        layer("camera", "point", "restricted", "mvt", [12, 14, 16]),
        layer("tower", "polygon", "public", "3dtiles", [12, 14, 16]),
    ]);
    all[4]["scene"] = json!({"kind": "extrude", "fields": {"height": "height"}});
    let layers: Vec<Layer> = serde_json::from_value(all).unwrap();
    Catalog::new(layers)
}

fn feature(id: u64, geometry: Geometry) -> Feature {
    let text = |t: String| Value::Text(t);
    let values =
        vec![text(format!("{id:016}")), Value::Float(id as f64 / 2.0), text("市政".into()), text("138".into())];
    Feature { id: FeatureId(id), source: SourceTag(1), geometry, values }
}

/// `count` lamps eastwards from the corner, 3 mm of a degree apart.
pub fn lamps(count: u64) -> Vec<Feature> {
    let at = |i: u64| Geometry::point(CORNER[0] + i as f64 * 0.003, CORNER[1]);
    (0..count).map(|i| feature(i + 1, Geometry { z: vec![70.5], ..at(i) })).collect()
}

pub fn river() -> Vec<Feature> {
    vec![feature(9001, Geometry::line(vec![[114.2, 34.7], [114.31, 34.79], [114.5, 34.9]]))]
}

/// Square towers of 10 m northwards from the corner, each twice as far from it as the one before.
pub fn towers(count: u64) -> Vec<Feature> {
    let square = |i: u64| {
        let [x, y] = [CORNER[0], CORNER[1] + 0.0005 * (1u64 << i) as f64];
        let (w, h) = (0.00011, 0.00009);
        Geometry::polygon(&[vec![[x, y], [x + w, y], [x + w, y + h], [x, y + h], [x, y]]])
    };
    (0..count).map(|i| feature(i + 20, square(i))).collect()
}

pub fn cameras() -> Vec<Feature> {
    vec![feature(7001, Geometry::point(CORNER[0] + 0.0001, CORNER[1]))]
}

/// Publishes these layers over what is there; the snapshot's id.
pub fn publish(dir: &Path, layers: &[(&str, Vec<Feature>)]) -> String {
    publish_of(&catalog(), dir, layers)
}

/// As `publish`, with another catalog.
pub fn publish_of(catalog: &Catalog, dir: &Path, layers: &[(&str, Vec<Feature>)]) -> String {
    let store = Store::open(dir, true).unwrap();
    let mut draft = store.draft().unwrap();
    draft.manifest.catalog = draft.add_bytes(&catalog.to_json()).unwrap();
    for (id, features) in layers {
        let layer = catalog.layer(catalog.find(id).unwrap());
        let mut writer = TableWriter::new(draft.staging(), id, Schema::of(layer)).unwrap();
        features.iter().for_each(|f| writer.push(f).unwrap());
        let sealed = writer.seal().unwrap();
        let sources = BTreeMap::from([("made".to_string(), features.len() as u64)]);
        let entry = derive_layer(&draft, layer, sealed, sources).unwrap();
        draft.manifest.layers.insert(id.to_string(), entry);
    }
    draft.publish().unwrap()
}

/// The whole city in a new folder.
pub fn built() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    publish(dir.path(), &[("lamp", lamps(5)), ("river", river()), ("camera", cameras())]);
    dir
}

/// The web-Mercator tile at a zoom that holds a position.
pub fn tile_at([lon, lat]: [f64; 2], z: u32) -> (u32, u32) {
    let n = f64::from(1u32 << z);
    let y = (1.0 - lat.to_radians().tan().asinh() / std::f64::consts::PI) / 2.0;
    (((lon + 180.0) / 360.0 * n) as u32, (y * n) as u32)
}

/// `/tiles/{layers}/…` of the tile that holds the corner.
pub fn path(layers: &str, z: u32) -> String {
    let (x, y) = tile_at(CORNER, z);
    format!("/tiles/{layers}/{z}/{x}/{y}.mvt")
}
