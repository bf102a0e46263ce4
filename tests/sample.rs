//! The sample city as files: every layer there, counts in proportion, the same bytes for the same seed.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests say what they expect by panicking")]

mod registered;

use chengtu::feature::{Feature, Role};
use chengtu::geo::gauss_kruger::GaussKruger;
use chengtu::layer::Catalog;
use chengtu::sample::{SampleOptions, Summary, count, write_city};
use chengtu::store::{BlockCache, Row, Store, Table};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
fn import(store: &Path, manifests: &[PathBuf], report: &Path) -> (i32, Value) {
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
fn by_code(v: &Value) -> BTreeMap<String, u64> {
    let count = |v: &Value| v.as_u64().or_else(|| v["count"].as_u64()).expect("a count");
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
    assert_eq!(manifests.len(), 9);
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
        let undated = source["empty"]["embed_date"].as_u64().unwrap_or(0);
        assert_eq!(undated, expected.notes.get("no-date").copied().unwrap_or(0), "{id}");
        assert_eq!(by_code(&source["faulty"]), expected.faulty, "{id}");
        for (layer, n) in by_code(&source["layers"]) {
            *stored.entry(layer).or_default() += n;
        }
    }
    assert_eq!(stored, summary.counts);
    let tables = report["register"]["tables"].as_array().expect("tables of the register");
    let rows =
        tables.iter().map(|t| (t["table"].as_str().expect("a name").to_string(), t["rows"].as_u64().expect("rows")));
    assert_eq!(rows.collect::<BTreeMap<_, _>>(), summary.register);
    let dangling = |n: &Value| (n["code"] == "dangling-end").then(|| n["count"].as_u64()).flatten();
    let dangling: u64 = report["network"].as_array().expect("notes").iter().filter_map(dangling).sum();
    let planted = summary.expected.values().filter_map(|e| e.notes.get("dangling-end")).sum::<u64>();
    assert!(planted > 0 && dangling == planted, "{dangling} of {planted}: {:#}", report["network"]);
    // Grids tile exactly and every reference leads somewhere; some components stand beside the grid they record, as
    // in practice.
    let notes = report["ownership"].as_array().expect("notes");
    assert!(notes.iter().all(|n| n["code"] == "stored-grid-mismatch"), "{notes:#?}");
    registered::check(&dir.path().join("store"));
    for (layer, file) in [("cim3_building", "CIM3建筑.city.jsonl"), ("cim4_building", "CIM4建筑.city.json")] {
        let delivered = std::fs::read_to_string(city.join("城市信息模型").join(file)).expect("the delivery");
        same_models(&dir.path().join("store"), layer, &delivered, summary.counts[layer]);
    }
}

/// Every model of the store is the delivered one: the same faces, roles and, to a millimetre, places.
fn same_models(store: &Path, layer: &str, delivered: &str, count: u64) {
    let store = Store::open(store, false).expect("a store");
    let id = store.current().expect("reads").expect("is published");
    let snapshot = store.snapshot(&id, &Arc::new(BlockCache::new(16 << 20))).expect("opens");
    let (models, table) = (snapshot.models(layer).expect("opens"), snapshot.features(layer).expect("opens"));
    let (models, table) = (models.expect("has models"), table.expect("has features"));
    assert_eq!(models.count(), count);
    let plane = GaussKruger::cgcs2000(114.0, 500_000.0);
    let head: Value = delivered.lines().next().map(serde_json::from_str).and_then(Result::ok).unwrap_or_default();
    let whole: Value = serde_json::from_str(delivered).unwrap_or_default();
    let translate =
        |k: usize| head["transform"]["translate"][k].as_f64().or(whole["transform"]["translate"][k].as_f64());
    let mut compared = 0;
    for text in if whole.is_null() { delivered.lines().skip(1).collect() } else { vec![delivered] } {
        let part: Value = serde_json::from_str(text).expect("JSON");
        for (id, object) in part["CityObjects"].as_object().expect("objects") {
            let solid = &object["geometry"][0];
            let Some(faces) = solid["boundaries"][0].as_array() else { continue };
            let feature = find(&table, id);
            let model = models.get(feature.id).expect("reads").expect("has a model");
            let walked: Vec<_> = model.lods[0].walk().collect();
            assert_eq!(walked.len(), faces.len(), "{id}");
            let vertex = |i: &Value| -> Option<[f64; 3]> {
                let v = part["vertices"].get(i.as_u64()? as usize)?;
                Some([0, 1, 2].map(|k| v[k].as_f64().unwrap_or(f64::NAN) / 1000.0 + translate(k).unwrap_or(f64::NAN)))
            };
            // A planted object that was refused has the id of a good one.
            if faces
                .iter()
                .flat_map(|f| f.as_array())
                .flatten()
                .flat_map(|r| r.as_array())
                .flatten()
                .any(|i| vertex(i).is_none())
            {
                continue;
            }
            for ((face, role), seen) in
                faces.iter().zip(solid["semantics"]["values"][0].as_array().expect("values")).zip(&walked)
            {
                let roles = [Role::Ground, Role::Roof, Role::Wall, Role::Window, Role::Door];
                assert_eq!(seen.role, roles[role.as_u64().expect("a role") as usize]);
                let rings: Vec<&[u32]> = seen.rings().collect();
                assert_eq!(rings.len(), face.as_array().expect("rings").len());
                for (ring, seen) in face.as_array().expect("rings").iter().zip(rings) {
                    for (i, &corner) in ring.as_array().expect("corners").iter().zip(seen) {
                        let (a, p) = (vertex(i).expect("a vertex"), model.positions[corner as usize]);
                        let b = plane.forward([p[0], p[1]]);
                        let off = [b[0] - a[0], b[1] - a[1], p[2] - a[2]].iter().map(|d| d * d).sum::<f64>().sqrt();
                        assert!(off < 0.001, "{id}: {off} m");
                    }
                }
            }
            compared += 1;
        }
    }
    assert_eq!(compared, count);
}

fn find(table: &Table, building: &str) -> Feature {
    let mut found = None;
    let mut each = |row: &Row<'_>| {
        let feature = row.to_feature();
        found =
            found.take().or((feature.values[0] == chengtu::feature::Value::Text(building.into())).then_some(feature));
        Ok(())
    };
    table.scan(&mut each).expect("reads");
    found.expect("the building")
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
        let failed = [&report["sources"][0]["failed"], &report["register"]["failed"]];
        let codes: Vec<&str> = failed.iter().filter_map(|f| f["code"].as_str()).collect();
        assert_eq!(codes, [refused.code], "{}", refused.manifest);
        assert!(!store.join("CURRENT").exists(), "{} was published", refused.manifest);
        if refused.code == "flawed-register" {
            let flaws = report["register"]["flaws"].as_array().expect("flaws");
            let said: Vec<String> =
                flaws.iter().map(|f| format!("{}:{} {}", f["file"], f["line"], f["what"])).collect();
            for (place, word) in [
                ("登记单位.csv\":3", "in a circle"),
                ("登记单位.csv\":4", "in a circle"),
                ("登记职责.csv\":3", "D9"),
                ("登记裁定.csv\":3", "0999"),
            ] {
                assert!(said.iter().any(|s| s.contains(place) && s.contains(word)), "{place}: {said:#?}");
            }
            assert_eq!(said.len(), 4, "{said:#?}");
        }
    }
}
