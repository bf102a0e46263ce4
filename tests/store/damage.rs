//! Damage: bits flipped, files cut, swapped and removed. Named by `verify`, never answered wrong, never a panic.

use super::material::*;
use chengtu::error::Error;
use chengtu::feature::{Feature, FeatureId, Model};
use chengtu::geo::BBox;
use chengtu::store::*;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

type Layers = Vec<(&'static str, Vec<Feature>)>;

/// Two layers; the features of the first take several blocks.
fn damageable(dir: &Path) -> (Store, Layers) {
    let store = store_in(dir);
    let layers = vec![("a", features(600, 1)), ("b", features(40, 2))];
    layers.iter().for_each(|(layer, all)| {
        publish(&store, layer, all);
    });
    store.gc(1).expect("clears");
    (store, layers)
}

fn files_of(store: &Store) -> Vec<PathBuf> {
    let list = |folder: &str| fs::read_dir(store.dir().join(folder)).expect("lists").map(|e| e.expect("lists").path());
    let mut files: Vec<PathBuf> = list("blobs").chain(list("snapshots")).collect();
    files.sort();
    files.push(store.dir().join("CURRENT"));
    files
}

/// All questions to the store are answered right or by `Damaged`; the layers that were answered right in every way.
fn ask(store: &Store, layers: &Layers) -> Vec<&'static str> {
    let damaged = |e: &Error| assert!(matches!(e, Error::Damaged { .. }), "{e}");
    let id = match store.current() {
        Ok(id) => id.expect("has a snapshot"),
        Err(e) => return (damaged(&e), vec![]).1,
    };
    let snapshot = match store.snapshot(&id, &cache()) {
        Ok(snapshot) => snapshot,
        Err(e) => return (damaged(&e), vec![]).1,
    };
    let narrow = BBox::new(114.3, 34.3, 114.4, 34.4);
    let mut right = vec![];
    for (layer, all) in layers {
        let mut failed = vec![];
        match snapshot.features(layer) {
            Err(e) => failed.push(e),
            Ok(table) => {
                let table = table.expect("is there");
                for window in [WORLD, narrow] {
                    match found(&table, &window) {
                        Ok(found) => assert_eq!(found, expected(all, &window)),
                        Err(e) => failed.push(e),
                    }
                }
                let f = &all[all.len() / 2];
                match snapshot.offset_of(layer, f.id).and_then(|o| table.get(o.expect("is listed"))) {
                    Ok(found) => assert_eq!(found, *f),
                    Err(e) => failed.push(e),
                }
            }
        }
        match all_models(&snapshot, layer) {
            Ok(found) => assert_eq!(found, models(all)),
            Err(e) => failed.push(e),
        }
        match snapshot.blob(&snapshot.manifest.layers[*layer].census) {
            Ok(bytes) => assert_eq!(&bytes[..], layer.as_bytes()),
            Err(e) => failed.push(e),
        }
        failed.iter().for_each(damaged);
        if failed.is_empty() {
            right.push(*layer);
        }
    }
    right
}

/// By scan and, every seventh, by id.
fn all_models(snapshot: &Snapshot, layer: &str) -> Result<BTreeMap<FeatureId, Model>, Error> {
    let mut found = BTreeMap::new();
    let models = snapshot.models(layer)?.expect("has models");
    models.scan(&mut |id, model| {
        found.insert(id, model);
        Ok(())
    })?;
    for (id, model) in found.iter().step_by(7) {
        assert_eq!(models.get(*id)?.as_ref(), Some(model));
    }
    Ok(found)
}

fn models(features: &[Feature]) -> BTreeMap<FeatureId, Model> {
    features.iter().filter_map(|f| Some((f.id, model(f)?))).collect()
}

/// The damage is named, costs what it must and no more, and ends when the file is restored.
fn prove(store: &Store, layers: &Layers, file: &Path, what: &str) {
    let findings = store.verify().expect("verifies");
    assert!(findings.iter().any(|f| f.file == file), "{what} of {}: {findings:?}", file.display());
    let said: String = findings.iter().map(|f| f.what.as_str()).collect();
    let right = ask(store, layers);
    for (layer, _) in layers {
        let free = !right.contains(layer);
        assert!(
            !free
                || said.contains("everything")
                || said.contains(&format!("costs: {layer}"))
                || said.contains("it names"),
            "{what} of {}: {said}",
            file.display()
        );
    }
    if file.parent().is_some_and(|p| p.ends_with("blobs")) && !said.contains("everything") {
        assert!(!right.is_empty(), "{what} of {} costs both layers", file.display());
    }
}

#[test]
fn every_damage_is_named_and_never_answered_wrong() {
    let dir = tempfile::tempdir().expect("a folder");
    let (store, layers) = damageable(dir.path());
    assert_eq!(ask(&store, &layers), ["a", "b"]);
    assert_eq!(store.verify().expect("verifies"), vec![]);
    let files = files_of(&store);
    assert!(files.len() > 12, "{files:?}");
    // All of them with `CHENGTU_TORTURE=full`.
    let full = std::env::var("CHENGTU_TORTURE").is_ok_and(|v| v == "full");
    let (mut r, mut flips, mut others) = (Random(3), 0, 0);
    for (i, file) in files.iter().enumerate() {
        let whole = fs::read(file).expect("reads");
        for _ in 0..if full { 10_000 / files.len() + 1 } else { 12 } {
            flips += 1;
            let (at, bit) = (r.below(whole.len()), r.below(8));
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << bit;
            fs::write(file, flipped).expect("writes");
            prove(&store, &layers, file, &format!("bit {bit} of byte {at}"));
        }
        for len in [0, 1, whole.len() / 2, whole.len() - 1].into_iter().filter(|&len| len < whole.len()) {
            others += 1;
            fs::write(file, &whole[..len]).expect("writes");
            prove(&store, &layers, file, &format!("cut at {len}"));
        }
        fs::write(file, [&whole[..], b"x"].concat()).expect("writes");
        prove(&store, &layers, file, "a byte more");
        let other = &files[(i + 1) % files.len()];
        fs::write(file, fs::read(other).expect("reads")).expect("writes");
        prove(&store, &layers, file, "a swap");
        if !file.ends_with("CURRENT") && file.extension().is_none() {
            fs::remove_file(file).expect("removes");
            prove(&store, &layers, file, "a removal");
        }
        fs::write(file, &whole).expect("restores");
        others += 3;
    }
    assert_eq!(ask(&store, &layers), ["a", "b"]);
    assert_eq!(store.verify().expect("verifies"), vec![]);
    let of = files.len();
    eprintln!(
        "torture: damaged store files: {flips} bit flips, {others} cuts, swaps and removals in {of} files, all named"
    );
}

#[test]
fn what_is_no_file_is_damage_and_nobody_waits_for_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let (store, layers) = damageable(dir.path());
    let aside = dir.path().join("aside");
    for file in files_of(&store) {
        fs::rename(&file, &aside).expect("moves");
        let pipe = std::process::Command::new("mkfifo").arg(&file).status();
        assert!(pipe.is_ok_and(|s| s.success()), "mkfifo is there");
        prove(&store, &layers, &file, "a pipe");
        for target in [Path::new("/dev/zero"), &file, dir.path()] {
            fs::remove_file(&file).expect("removes");
            std::os::unix::fs::symlink(target, &file).expect("links");
            prove(&store, &layers, &file, "a link to what is no file");
        }
        fs::rename(&aside, &file).expect("moves back");
    }
    assert_eq!(ask(&store, &layers), ["a", "b"]);
}

/// Under a table that is open and has been read: the file is cut, then restored.
#[test]
fn a_file_that_is_cut_under_the_reader_is_an_error_and_heals() {
    let dir = tempfile::tempdir().expect("a folder");
    let (store, layers) = damageable(dir.path());
    let id = store.current().expect("reads").expect("is there");
    // No room for a block: every read goes to the file.
    let snapshot = store.snapshot(&id, &Arc::new(BlockCache::new(0))).expect("opens");
    let table = snapshot.features("a").expect("opens").expect("is there");
    let all = &layers[0].1;
    assert_eq!(found(&table, &WORLD).expect("reads"), expected(all, &WORLD));
    let file = store.dir().join("blobs").join(&snapshot.manifest.layers["a"].features.digest);
    let whole = fs::read(&file).expect("reads");
    fs::write(&file, &whole[..whole.len() / 2]).expect("cuts");
    assert!(matches!(found(&table, &WORLD), Err(Error::Damaged { .. })));
    fs::write(&file, whole).expect("restores");
    assert_eq!(found(&table, &WORLD).expect("reads"), expected(all, &WORLD));
}

/// Importing a damaged layer's data again makes the store whole.
#[test]
fn publishing_the_same_data_repairs_a_damaged_blob() {
    let dir = tempfile::tempdir().expect("a folder");
    let (store, layers) = damageable(dir.path());
    let file = store.dir().join("blobs").join(&open(&store).manifest.layers["a"].features.digest);
    let mut bytes = fs::read(&file).expect("reads");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, bytes).expect("damages");
    assert_eq!(store.verify().expect("verifies").len(), 1);
    publish(&store, "a", &layers[0].1);
    assert_eq!(store.verify().expect("verifies"), vec![]);
}

#[test]
fn the_cache_keeps_to_its_bound() {
    let dir = tempfile::tempdir().expect("a folder");
    let (store, layers) = damageable(dir.path());
    let id = store.current().expect("reads").expect("is there");
    let bound = 2 * BLOCK as u64;
    let small = Arc::new(BlockCache::new(bound));
    let snapshot = store.snapshot(&id, &small).expect("opens");
    let table = snapshot.features("a").expect("opens").expect("is there");
    assert!(snapshot.manifest.layers["a"].features.size > bound);
    for _ in 0..3 {
        assert_eq!(found(&table, &WORLD).expect("reads").len(), layers[0].1.len());
        assert!(small.bytes() <= bound, "{}", small.bytes());
    }
}
