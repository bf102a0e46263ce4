//! The sample city as files: every layer there, counts in proportion, the same bytes for the same seed.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests say what they expect by panicking")]

use chengtu::layer::Catalog;
use chengtu::sample::{SampleOptions, Summary, count, write_city};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn write(out: &Path, scale: f64, seed: u64) -> Summary {
    let catalog = Catalog::shipped().expect("the shipped catalog");
    let options = SampleOptions { out: out.to_path_buf(), scale, seed };
    write_city(&options, &catalog, &mut |_, _| {}).expect("a city")
}

fn files(dir: &Path, out: &mut BTreeMap<PathBuf, blake3::Hash>, root: &Path) {
    for e in std::fs::read_dir(dir).expect("a folder").flatten() {
        let path = e.path();
        if path.is_dir() {
            // A file geodatabase holds random identifiers and the time.
            if path.extension().is_none_or(|x| x != "gdb") {
                files(&path, out, root);
            }
        } else {
            let bytes = std::fs::read(&path).expect("a file");
            out.insert(path.strip_prefix(root).expect("below").to_path_buf(), blake3::hash(&bytes));
        }
    }
}

#[test]
fn every_layer_in_its_proportion_and_the_same_for_a_seed() {
    let dir = tempfile::tempdir().expect("a folder");
    let (a, b) = (dir.path().join("a"), dir.path().join("b"));
    let summary = write(&a, 0.003, 5);
    assert_eq!(summary.unknown_fields, Vec::<String>::new());
    let catalog = Catalog::shipped().expect("the shipped catalog");
    for (_, layer) in catalog.iter() {
        let wanted = count(&layer.id, 0.003) as u64;
        assert!(wanted > 0, "{} is no layer of the city", layer.id);
        assert_eq!(summary.counts.get(&layer.id).copied(), Some(wanted), "{}", layer.id);
    }
    assert_eq!(write(&b, 0.003, 5).counts, summary.counts);
    let (mut first, mut second) = (BTreeMap::new(), BTreeMap::new());
    files(&a, &mut first, &a);
    files(&b, &mut second, &b);
    let names = |m: &BTreeMap<PathBuf, blake3::Hash>| m.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&first), names(&second));
    let differing: Vec<_> = first.iter().filter(|(k, v)| second.get(*k) != Some(v)).map(|(k, _)| k).collect();
    assert!(differing.is_empty(), "{differing:?}");
    assert!(!a.join("基础地形图/房屋面.cpg").exists(), "survey companies deliver no .cpg");
}

/// Runs `chengtu import` with a report; the exit code and the report.
fn import(store: &Path, manifests: &[PathBuf], report: &Path) -> (i32, serde_json::Value) {
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_chengtu"))
        .arg("import")
        .arg("--store")
        .arg(store)
        .arg("--report")
        .arg(report)
        .args(manifests)
        .output()
        .expect("the command runs");
    let text = std::fs::read_to_string(report).expect("a report is written");
    (run.status.code().unwrap_or(-1), serde_json::from_str(&text).expect("JSON"))
}

/// `{ code: { count, … } }` or `{ code: count }` as counts.
fn by_code(v: &serde_json::Value) -> BTreeMap<String, u64> {
    let count = |v: &serde_json::Value| v.as_u64().or_else(|| v["count"].as_u64()).expect("a count");
    v.as_object().map(|m| m.iter().map(|(k, v)| (k.clone(), count(v))).collect()).unwrap_or_default()
}

#[test]
fn the_import_reports_exactly_the_planted_faults() {
    let dir = tempfile::tempdir().expect("a folder");
    let city = dir.path().join("city");
    let summary = write(&city, 0.004, 3);
    let mut manifests: Vec<PathBuf> = std::fs::read_dir(&city)
        .expect("the city")
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.extension().is_some_and(|x| x == "toml"))
        .collect();
    manifests.sort();
    assert_eq!(manifests.len(), 8);
    let (exit, report) = import(&dir.path().join("store"), &manifests, &dir.path().join("report.json"));
    assert_eq!(exit, 0, "{report:#}");
    let sources = report["sources"].as_array().expect("sources");
    assert_eq!(sources.len(), summary.expected.len());
    let mut stored: BTreeMap<String, u64> = BTreeMap::new();
    for source in sources {
        let id = source["id"].as_str().expect("an id");
        let expected = &summary.expected[id];
        assert_eq!(source["read"].as_u64(), Some(expected.rows), "{id}");
        assert_eq!(by_code(&source["rejected"]), expected.rejects, "{id}");
        assert_eq!(by_code(&source["repaired"]), expected.repairs, "{id}");
        for (layer, n) in by_code(&source["layers"]) {
            *stored.entry(layer).or_default() += n;
        }
    }
    assert_eq!(stored, summary.counts);
}

#[test]
fn whole_faulty_files_are_refused_by_name() {
    let dir = tempfile::tempdir().expect("a folder");
    let city = dir.path().join("city");
    let summary = write(&city, 0.002, 4);
    assert!(summary.refused.len() >= 8);
    for refused in &summary.refused {
        let store = dir.path().join("store");
        let (exit, report) = import(&store, &[city.join(&refused.manifest)], &dir.path().join("report.json"));
        assert_eq!(exit, i32::from(refused.exit), "{}: {report:#}", refused.manifest);
        assert_eq!(report["sources"][0]["failed"]["code"].as_str(), Some(refused.code), "{}", refused.manifest);
        assert!(!store.join("CURRENT").exists(), "{} was published", refused.manifest);
    }
}
