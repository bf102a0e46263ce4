//! A folder with layers, deliveries and a store, and the command run on it; shared by the tests of imports.
#![allow(dead_code, reason = "each test binary uses its part of it")]

use chengtu::feature::Feature;
use chengtu::store::{BlockCache, LayerEntry, Manifest, Snapshot, Store};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

pub struct City {
    dir: tempfile::TempDir,
    layers: PathBuf,
    env: Vec<(&'static str, PathBuf)>,
    /// The newest snapshot that was asked for: opening one reads its whole catalog.
    opened: Mutex<Option<Arc<Snapshot>>>,
}

/// What a run of `chengtu import` left behind.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    pub report: serde_json::Value,
}

impl Run {
    /// Reject code → count of a source.
    pub fn rejects(&self, source: usize) -> BTreeMap<String, u64> {
        let rejected = self.report["sources"][source]["rejected"].as_object();
        let count = |v: &serde_json::Value| v["count"].as_u64().unwrap_or_default();
        rejected.into_iter().flatten().map(|(code, v)| (code.clone(), count(v))).collect()
    }

    /// Panics where a record is not accounted for, or the totals are not the sums.
    fn balance(&self) {
        let sum =
            |v: &serde_json::Value| v.as_object().into_iter().flatten().filter_map(|(_, n)| n.as_u64()).sum::<u64>();
        let mut totals = [0u64; 4];
        for (i, s) in self.report["sources"].as_array().into_iter().flatten().enumerate() {
            let n = |key: &str| s[key].as_u64().unwrap_or_default();
            let rejected = self.rejects(i).values().sum::<u64>();
            let filtered = sum(&s["filtered"]);
            assert_eq!(n("read"), n("stored") + filtered + rejected, "{s:#}");
            assert_eq!(n("stored"), sum(&s["layers"]), "{s:#}");
            for (total, n) in totals.iter_mut().zip([n("read"), n("stored"), filtered, rejected]) {
                *total += n;
            }
        }
        let said =
            ["read", "stored", "filtered", "rejected"].map(|k| self.report["totals"][k].as_u64().unwrap_or_default());
        assert_eq!(said, totals);
    }
}

impl City {
    /// With layers of its own.
    pub fn new() -> City {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let layers = dir.path().join("layers");
        City { dir, layers, env: vec![], opened: Mutex::new(None) }
    }

    /// The command will see this environment variable.
    pub fn with_env(mut self, name: &'static str, value: &Path) -> City {
        self.env.push((name, value.to_path_buf()));
        self
    }

    /// Adds the layers of a folder (`<theme>/<id>.toml`).
    pub fn copy_layers(&self, from: &Path) {
        for theme in std::fs::read_dir(from).expect("layers/").flatten().filter(|e| e.path().is_dir()) {
            for layer in std::fs::read_dir(theme.path()).expect("a theme").flatten() {
                let text = std::fs::read_to_string(layer.path()).expect("a layer");
                let id = layer.path().file_stem().expect("an id").to_string_lossy().into_owned();
                self.layer(&theme.file_name().to_string_lossy(), &id, &text);
            }
        }
    }

    pub fn layer(&self, theme: &str, id: &str, toml: &str) {
        std::fs::create_dir_all(self.layers.join(theme)).expect("layers/");
        std::fs::write(self.layers.join(theme).join(format!("{id}.toml")), toml).expect("a layer");
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        self.write_bytes(name, text.as_bytes());
    }

    pub fn write_bytes(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).expect("a fixture");
    }

    pub fn store(&self) -> PathBuf {
        self.path("store")
    }

    /// Runs `chengtu import` on manifests of this folder (or absolute paths).
    pub fn import(&self, manifests: &[&str]) -> Run {
        let report = self.path("report.json");
        let _ = std::fs::remove_file(&report);
        let out = Command::new(env!("CARGO_BIN_EXE_chengtu"))
            .arg("import")
            .args([Path::new("--store"), &self.store(), Path::new("--layers"), &self.layers])
            .args([Path::new("--report"), &report])
            .args(manifests.iter().map(|m| self.path(m)))
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .output()
            .expect("the command runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let report = std::fs::read(&report).map(|b| serde_json::from_slice(&b).expect("JSON")).unwrap_or_default();
        let (stdout, stderr) = (text(&out.stdout), text(&out.stderr));
        let run = Run { code: out.status.code().unwrap_or(-1), stdout, stderr, report };
        run.balance();
        run
    }

    pub fn current(&self) -> Option<String> {
        std::fs::read_to_string(self.store().join("CURRENT")).ok()
    }

    pub fn snapshot(&self) -> Arc<Snapshot> {
        let store = Store::open(&self.store(), false).expect("a store");
        let id = store.current().expect("CURRENT is read").expect("something is published");
        let mut opened = self.opened.lock().expect("no test panicked over it");
        match opened.as_ref().filter(|s| s.id == id) {
            Some(snapshot) => snapshot.clone(),
            None => {
                let snapshot = store.snapshot(&id, &Arc::new(BlockCache::new(64 << 20))).expect("the snapshot opens");
                opened.insert(snapshot).clone()
            }
        }
    }

    pub fn manifest(&self) -> Manifest {
        self.snapshot().manifest.clone()
    }

    pub fn entry(&self, layer: &str) -> LayerEntry {
        self.manifest().layers[layer].clone()
    }

    pub fn extra(&self, name: &str) -> Vec<u8> {
        let snapshot = self.snapshot();
        snapshot.blob(&snapshot.manifest.extra[name]).expect("a blob").to_vec()
    }

    pub fn features(&self, layer: &str) -> Vec<Feature> {
        let mut all = vec![];
        if let Some(table) = self.snapshot().features(layer).expect("a table") {
            table
                .scan(&mut |row| {
                    all.push(row.to_feature());
                    Ok(())
                })
                .expect("rows");
        }
        all
    }

    fn field(&self, layer: &str, field: &str) -> usize {
        let snapshot = self.snapshot();
        let catalog = &snapshot.catalog;
        let ix = catalog.find(layer).expect("the layer");
        catalog.layer(ix).field(field).expect("the field")
    }

    /// A text value; empty when null.
    pub fn text(&self, layer: &str, f: &Feature, field: &str) -> String {
        match &f.values[self.field(layer, field)] {
            chengtu::feature::Value::Text(t) => t.clone(),
            chengtu::feature::Value::Null => String::new(),
            other => panic!("{layer}.{field} is {other:?}"),
        }
    }

    /// The values of the record with this `code`.
    pub fn values(&self, layer: &str, code: &str) -> serde_json::Value {
        let all = self.features(layer);
        let f = all.iter().find(|f| self.text(layer, f, "code") == code).expect("the record");
        serde_json::to_value(&f.values).expect("JSON")
    }

    /// `code` → id.
    pub fn ids(&self, layer: &str) -> BTreeMap<String, u64> {
        self.features(layer).iter().map(|f| (self.text(layer, f, "code"), f.id.0)).collect()
    }

    /// Every file of the store but its lock.
    pub fn store_files(&self) -> Vec<PathBuf> {
        fn walk(dir: &Path, out: &mut Vec<PathBuf>) {
            for e in std::fs::read_dir(dir).expect("a folder").flatten() {
                match e.path().is_dir() {
                    true => walk(&e.path(), out),
                    false => out.push(e.path()),
                }
            }
        }
        let mut files = vec![];
        walk(&self.store(), &mut files);
        files.retain(|f| f.file_name().is_some_and(|n| n != "LOCK"));
        files.sort();
        files
    }
}

/// GeoJSON of points: longitude, latitude, properties.
pub fn points(points: &[(f64, f64, &str)]) -> String {
    let features: Vec<String> = points
        .iter()
        .map(|(x, y, properties)| {
            format!(
                r#"{{"type":"Feature","geometry":{{"type":"Point","coordinates":[{x},{y}]}},"properties":{properties}}}"#
            )
        })
        .collect();
    format!(r#"{{"type":"FeatureCollection","features":[{}]}}"#, features.join(","))
}
