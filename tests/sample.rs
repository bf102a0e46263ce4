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
