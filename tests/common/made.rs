//! A small catalog, and a store made of given features.

use chengtu::city::City;
use chengtu::derive::derive_layer;
use chengtu::feature::{Feature, FeatureId, Geometry, SourceTag, Value};
use chengtu::layer::Catalog;
use chengtu::store::{BlockCache, Schema, Store, TableWriter};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// A catalog from TOML texts: (file name without ending, text).
pub fn catalog(layers: &[(&str, &str)]) -> Catalog {
    let dir = tempfile::tempdir().unwrap();
    let theme = dir.path().join("test");
    std::fs::create_dir(&theme).unwrap();
    for (id, text) in layers {
        std::fs::write(theme.join(format!("{id}.toml")), text).unwrap();
    }
    Catalog::load(dir.path()).unwrap_or_else(|e| panic!("{e}"))
}

/// Publishes a snapshot in which the given layers hold exactly these features; the others stay.
pub fn publish(store: &Path, catalog: &Catalog, layers: &[(&str, &[Feature])]) -> String {
    let mut draft = Store::open(store, true).unwrap().draft().unwrap();
    for (id, features) in layers {
        let layer = catalog.layer(catalog.find(id).unwrap());
        let mut writer = TableWriter::new(draft.staging(), id, Schema::of(layer)).unwrap();
        features.iter().for_each(|f| writer.push(f).unwrap());
        let sources = BTreeMap::from([("test".to_string(), features.len() as u64)]);
        let entry = derive_layer(&draft, layer, writer.seal().unwrap(), sources).unwrap();
        draft.manifest.layers.insert(id.to_string(), entry);
    }
    draft.manifest.catalog = draft.add_bytes(&catalog.to_json()).unwrap();
    draft.publish().unwrap()
}

/// The current city of a store.
pub fn city(store: &Path) -> City {
    let store = Store::open(store, false).unwrap();
    let id = store.current().unwrap().unwrap();
    City::new(store.snapshot(&id, &Arc::new(BlockCache::new(64 << 20))).unwrap())
}

pub fn feature(id: u64, geometry: Geometry, values: Vec<Value>) -> Feature {
    Feature { id: FeatureId(id), source: SourceTag::of("test"), geometry, values }
}
