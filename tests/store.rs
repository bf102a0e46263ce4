//! The store from outside: what goes in comes out, whatever happens to its files meanwhile. Faults between the
//! steps of a publish are tested beside the code (`src/store/publish_tests.rs`), where the steps can be stopped.

use chengtu::city::Follower;
use chengtu::error::Error;
use chengtu::feature::{Feature, FeatureId, Geometry, SourceTag, Value};
use chengtu::geo::BBox;
use chengtu::layer::Catalog;
use chengtu::store::*;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

// ---- material ----

/// splitmix64: a seeded stream of numbers.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// In [0, 1).
    fn part(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}

fn schema() -> Schema {
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

fn features(count: u64, seed: u64) -> Vec<Feature> {
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

fn write(dir: &Path, features: &[Feature], run_bytes: usize) -> SealedTable {
    let mut writer = TableWriter::with_run_bytes(dir, "layer", schema(), run_bytes).expect("a writer");
    features.iter().for_each(|f| writer.push(f).expect("takes a feature"));
    writer.seal().expect("seals")
}

/// Publishes one layer; the other layers of the snapshot stay.
fn publish(store: &Store, layer: &str, features: &[Feature]) -> String {
    let mut draft = store.draft().expect("a draft");
    put_layer(&mut draft, layer, features);
    draft.publish().expect("publishes")
}

fn put_layer(draft: &mut Draft, layer: &str, features: &[Feature]) {
    let sealed = write(draft.staging(), features, 1 << 20);
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
        extra: BTreeMap::new(),
    };
    draft.manifest.catalog = draft.add_bytes(&Catalog::new(vec![]).to_json()).expect("adds a catalog");
    draft.manifest.layers.insert(layer.to_string(), entry);
}

fn cache() -> Arc<BlockCache> {
    Arc::new(BlockCache::new(8 << 20))
}

fn open(store: &Store) -> Arc<Snapshot> {
    let id = store.current().expect("reads CURRENT").expect("has a snapshot");
    store.snapshot(&id, &cache()).expect("opens")
}

fn store_in(dir: &Path) -> Store {
    Store::open(&dir.join("store"), true).expect("a store")
}

fn found(table: &Table, window: &BBox) -> Result<Vec<Feature>, Error> {
    let mut found = vec![];
    table.query(window, &mut |row| {
        found.push(row.to_feature());
        Ok(())
    })?;
    found.sort_by_key(|f| f.id);
    Ok(found)
}

fn expected(features: &[Feature], window: &BBox) -> Vec<Feature> {
    let mut all: Vec<Feature> = features.iter().filter(|f| f.geometry.bbox().intersects(window)).cloned().collect();
    all.sort_by_key(|f| f.id);
    all
}

const WORLD: BBox = BBox { min_x: -180.0, min_y: -90.0, max_x: 180.0, max_y: 90.0 };

// ---- tables ----

#[test]
fn every_window_finds_what_brute_force_finds() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = store_in(dir.path());
    for count in [0u64, 1, 16, 17, 300, 3000] {
        let all = features(count, count);
        publish(&store, "layer", &all);
        let snapshot = open(&store);
        let table = snapshot.features("layer").expect("opens").expect("is there");
        assert_eq!((table.count(), table.schema()), (count, &schema()));
        assert_eq!(table.bounds(), snapshot.manifest.layers["layer"].bounds);
        assert_eq!(found(&table, &WORLD).expect("reads"), expected(&all, &WORLD));
        let mut r = Random(1);
        for _ in 0..60 {
            let (x, y, side) = (114.0 + r.part(), 34.0 + r.part(), r.part() * 0.2);
            let window = BBox::new(x, y, x + side, y + side);
            assert_eq!(found(&table, &window).expect("reads"), expected(&all, &window), "{count}, {window:?}");
        }
        for f in all.iter().step_by(29) {
            let offset = snapshot.offset_of("layer", f.id).expect("reads").expect("is listed");
            assert_eq!(table.get(offset).expect("reads"), *f);
        }
        assert_eq!(snapshot.offset_of("layer", FeatureId(3)).expect("reads"), None);
    }
}

#[test]
fn a_scan_and_a_query_come_in_file_order() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = store_in(dir.path());
    publish(&store, "layer", &features(2000, 5));
    let table = open(&store).features("layer").expect("opens").expect("is there");
    let (mut scanned, mut queried) = (vec![], vec![]);
    table.scan(&mut |row| Ok(scanned.push(row.id()))).expect("scans");
    table.query(&WORLD, &mut |row| Ok(queried.push(row.id()))).expect("queries");
    assert_eq!(scanned.len(), 2000);
    assert_eq!(scanned, queried);
}

#[test]
fn the_file_depends_on_the_set_alone() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut all = features(2000, 9);
    let bytes = |t: &SealedTable| fs::read(&t.path).expect("reads");
    let first = write(dir.path(), &all, 16 << 20);
    let mut r = Random(2);
    for run_bytes in [20_000, 200_000, 16 << 20] {
        (1..all.len()).rev().for_each(|i| all.swap(i, r.below(i + 1)));
        let again = write(dir.path(), &all, run_bytes);
        assert!(bytes(&first) == bytes(&again), "runs of {run_bytes} bytes");
        assert_eq!(first.ids, again.ids);
    }
}

#[test]
fn rows_are_copied_as_they_are() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = store_in(dir.path());
    let all = features(1000, 3);
    publish(&store, "layer", &all);
    let table = open(&store).features("layer").expect("opens").expect("is there");
    let mut copy = TableWriter::new(dir.path(), "layer", schema()).expect("a writer");
    let mut other = TableWriter::new(dir.path(), "other", Schema::default()).expect("a writer");
    table.scan(&mut |row| copy.push_row(row)).expect("copies");
    assert!(matches!(table.scan(&mut |row| other.push_row(row)), Err(Error::Data(_))));
    let (copy, straight) = (copy.seal().expect("seals"), write(dir.path(), &all, 16 << 20));
    assert!(fs::read(copy.path).expect("reads") == fs::read(straight.path).expect("reads"));
}

#[test]
fn a_repeated_id_is_refused_by_name() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut all = features(100, 4);
    all[7].id = all[3].id;
    let mut writer = TableWriter::new(dir.path(), "lamps", schema()).expect("a writer");
    all.iter().for_each(|f| writer.push(f).expect("takes a feature"));
    let error = writer.seal().err().expect("is refused").to_string();
    assert!(error.contains("lamps: 1 features") && error.contains(&all[3].id.0.to_string()), "{error}");
}

/// Every reader of FlatGeobuf reads our files: GDAL stands for them.
#[test]
fn gdal_reads_the_file() {
    if Command::new("ogrinfo").arg("--version").output().is_err() {
        eprintln!("SKIPPED gdal_reads_the_file: ogrinfo is not installed");
        return;
    }
    let dir = tempfile::tempdir().expect("a folder");
    let flat = |f: &Feature| f.geometry.z.is_empty();
    for (count, heights) in [(0u64, false), (1, false), (500, false), (500, true)] {
        let all: Vec<Feature> = features(count * 4, 8).into_iter().filter(|f| flat(f) != heights).collect();
        let table = write(dir.path(), &all, 1 << 20);
        let info = |more: &[&str]| {
            let out = Command::new("ogrinfo").args(["-al", "-q"]).args(more).arg(&table.path).output().expect("runs");
            let text = String::from_utf8_lossy(&out.stdout).into_owned();
            assert!(out.status.success() && out.stderr.is_empty(), "{}", String::from_utf8_lossy(&out.stderr));
            text
        };
        let summary = Command::new("ogrinfo").args(["-al", "-so"]).arg(&table.path).output().expect("runs");
        let summary = String::from_utf8_lossy(&summary.stdout).into_owned();
        assert!(summary.contains(&format!("Feature Count: {}", all.len())), "{summary}");
        assert!(summary.contains("ID[\"EPSG\",4490]") && summary.contains("名称: String"), "{summary}");
        let text = info(&[]);
        assert_eq!(text.matches("OGRFeature(").count(), all.len());
        assert_eq!(text.matches("POLYGON Z").count() > 0, heights);
        for f in all.iter().step_by(17) {
            assert!(text.contains(&format!("_id (Real) = {}\n", f.id.0)), "{}", f.id.0);
            let Value::Text(name) = &f.values[0] else { continue };
            assert!(text.contains(&format!("名称 (String) = {name}\n")));
        }
        let Some(b) = table.bounds else { continue };
        let c = [b.min_x + b.width() / 4.0, b.min_y + b.height() / 4.0, b.max_x, b.max_y];
        let window = BBox::new(c[0], c[1], c[2], c[3]);
        let corners = c.map(|v| format!("{v:.15}"));
        let spat = [&["-spat"][..], &corners.each_ref().map(|s| s.as_str())[..]].concat();
        // GDAL drops what only the box touches, so that it finds no more than we do and no less than what lies inside.
        let (hits, inside) =
            (info(&spat).matches("OGRFeature(").count(), |f: &&Feature| window.contains(&f.geometry.bbox()));
        assert!(hits <= expected(&all, &window).len() && hits >= all.iter().filter(inside).count(), "{hits}");
    }
}

// ---- snapshots ----

fn count_of(snapshot: &Snapshot, layer: &str) -> u64 {
    snapshot.features(layer).expect("opens").expect("is there").count()
}

#[test]
fn one_layer_is_published_and_the_others_stay() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = store_in(dir.path());
    assert_eq!(store.current().expect("reads"), None);
    publish(&store, "a", &features(10, 1));
    let first = open(&store);
    publish(&store, "b", &features(20, 2));
    let second = open(&store);
    assert_eq!((first.manifest.sequence, second.manifest.sequence), (1, 2));
    assert_eq!(first.manifest.layers["a"], second.manifest.layers["a"]);
    assert_eq!((count_of(&second, "a"), count_of(&second, "b")), (10, 20));
    assert!(first.features("b").expect("reads").is_none());
    assert_eq!(store.snapshots().expect("lists"), [first.id.clone(), second.id.clone()]);
    assert_eq!(store.verify().expect("verifies"), vec![]);
}

#[test]
fn an_overview_is_drawn_at_its_zoom_alone() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = store_in(dir.path());
    let mut draft = store.draft().expect("a draft");
    put_layer(&mut draft, "a", &features(50, 1));
    let overview = write(draft.staging(), &features(5, 1), 1 << 20);
    let overview = draft.add_file(&overview.path).expect("adds");
    draft.manifest.layers.get_mut("a").expect("is there").overviews.insert(11, overview);
    draft.publish().expect("publishes");
    let snapshot = open(&store);
    let drawn = |z| snapshot.drawn_at("a", z).expect("opens").expect("is there").count();
    assert_eq!([10, 11, 12].map(drawn), [50, 5, 50]);
    assert!(snapshot.drawn_at("b", 11).expect("reads").is_none());
}

#[test]
fn the_second_of_two_imports_is_told_to_wait() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = store_in(dir.path());
    let first = publish(&store, "a", &features(10, 1));
    let draft = store.draft().expect("a draft");
    let other = store_in(dir.path());
    assert!(matches!(other.draft(), Err(Error::Busy(_))));
    assert!(matches!(other.gc(1), Err(Error::Busy(_))));
    assert!(matches!(other.rollback(&first), Err(Error::Busy(_))));
    let staging = draft.staging().to_path_buf();
    drop(draft);
    assert!(!staging.exists());
    other.draft().expect("the lock is free");
}

#[test]
fn a_new_import_sweeps_what_a_killed_one_left() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = store_in(dir.path());
    let left = store.dir().join("staging/draft-killed");
    fs::create_dir(&left).expect("makes");
    fs::write(left.join("half.fgb"), b"half").expect("writes");
    let _draft = store.draft().expect("a draft");
    assert!(!left.exists());
}

#[test]
fn rollback_and_gc_keep_what_is_needed() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = store_in(dir.path());
    let ids: Vec<String> = (1..=4).map(|n| publish(&store, "a", &features(n * 10, n))).collect();
    publish(&store, "b", &features(7, 7));
    store.rollback(&ids[1]).expect("goes back");
    assert_eq!(count_of(&open(&store), "a"), 20);
    for id in ["00000009-0123456789ab", "../../etc/passwd", ""] {
        assert!(matches!(store.rollback(id), Err(Error::Missing(_))), "{id}");
    }

    // The next snapshot comes after all there are, not after the one it was drafted from.
    publish(&store, "a", &features(60, 6));
    assert_eq!(open(&store).manifest.sequence, 6);
    store.rollback(&ids[1]).expect("goes back");

    let removed = store.gc(2).expect("clears");
    assert_eq!(removed, [ids[0].clone(), ids[2].clone(), ids[3].clone()]);
    assert_eq!(store.snapshots().expect("lists").len(), 3);
    assert_eq!(store.verify().expect("verifies"), vec![]);
    assert_eq!(store.orphans().expect("looks"), Vec::<PathBuf>::new());
    assert_eq!(count_of(&open(&store), "a"), 20);
}

/// A lost `CURRENT` must not begin a city anew; an import killed before its first `CURRENT` must not block the next.
#[test]
fn a_store_without_current_is_new_or_damaged() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = store_in(dir.path());
    let current = store.dir().join("CURRENT");
    for n in 1..3 {
        publish(&store, "a", &features(n, n));
        assert_eq!(open(&store).manifest.sequence, 1);
        assert_eq!(store.verify().expect("verifies"), vec![]);
        fs::remove_file(&current).expect("removes");
        assert_eq!(store.verify().expect("verifies").len(), 1);
    }
    publish(&store, "a", &features(3, 3));
    let last = publish(&store, "b", &features(4, 4));
    fs::remove_file(&current).expect("removes");
    assert!(matches!(store.draft(), Err(Error::Damaged { .. })));
    store.rollback(&last).expect("goes back");
    assert_eq!(count_of(&open(&store), "b"), 4);
}

#[test]
fn a_newer_format_is_refused_by_name() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = store_in(dir.path());
    let id = publish(&store, "a", &features(10, 1));
    let json = fs::read_to_string(store.dir().join(format!("snapshots/{id}.json"))).expect("reads");
    // A newer program's manifest may have fields that this one does not know.
    let newer = json.replace("\"format\": 1", "\"format\": 2, \"shards\": 4");
    let digest = blake3::hash(newer.as_bytes()).to_hex();
    let newer_id = format!("00000001-{}", &digest[..12]);
    fs::write(store.dir().join(format!("snapshots/{newer_id}.json")), newer).expect("writes");
    let error = store.snapshot(&newer_id, &cache()).err().expect("is refused");
    assert!(matches!(error, Error::Config(_)) && error.to_string().contains("newer"), "{error}");
}

#[test]
fn a_snapshot_is_read_to_the_end_while_others_are_published_and_cleared() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = store_in(dir.path());
    let all = features(800, 1);
    publish(&store, "a", &all);
    let old = open(&store);
    let small = Arc::new(BlockCache::new(1 << 16));
    let follower = Follower::open(store_in(dir.path()), small).expect("follows");
    let first_id = follower.city().snapshot.id.clone();
    assert!(!follower.refresh().expect("looks"));
    old.features("a").expect("opens");

    let done = AtomicBool::new(false);
    std::thread::scope(|threads| {
        let reader = threads.spawn(|| {
            let (table, mut rounds) = (old.features("a").expect("opens").expect("is there"), 0);
            while !done.load(Ordering::Relaxed) || rounds < 3 {
                assert_eq!(found(&table, &WORLD).expect("reads"), expected(&all, &WORLD));
                rounds += 1;
            }
        });
        for n in 2..6 {
            publish(&store, "a", &features(n * 10, n));
            store.gc(1).expect("clears");
            assert!(follower.refresh().expect("follows"));
            assert_eq!(count_of(&follower.city().snapshot, "a"), n * 10);
        }
        done.store(true, Ordering::Relaxed);
        reader.join().expect("the reader saw one world");
    });
    assert_ne!(follower.city().snapshot.id, first_id);
}

#[test]
fn a_bad_new_snapshot_leaves_the_old_city() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = store_in(dir.path());
    let first = publish(&store, "a", &features(10, 1));
    let follower = Follower::open(store_in(dir.path()), cache()).expect("follows");
    let second = publish(&store, "a", &features(20, 1));
    let manifest = store.dir().join(format!("snapshots/{second}.json"));
    let whole = fs::read(&manifest).expect("reads");
    fs::write(&manifest, &whole[..100]).expect("cuts");
    assert!(matches!(follower.refresh(), Err(Error::Damaged { .. })));
    assert_eq!(follower.city().snapshot.id, first);
    fs::write(&manifest, whole).expect("restores");
    assert!(follower.refresh().expect("follows"));
    assert_eq!(follower.city().snapshot.id, second);
}

// ---- damage ----

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
    let mut r = Random(3);
    for (i, file) in files.iter().enumerate() {
        let whole = fs::read(file).expect("reads");
        for _ in 0..12 {
            let (at, bit) = (r.below(whole.len()), r.below(8));
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << bit;
            fs::write(file, flipped).expect("writes");
            prove(&store, &layers, file, &format!("bit {bit} of byte {at}"));
        }
        for len in [0, 1, whole.len() / 2, whole.len() - 1].into_iter().filter(|&len| len < whole.len()) {
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
    }
    assert_eq!(ask(&store, &layers), ["a", "b"]);
    assert_eq!(store.verify().expect("verifies"), vec![]);
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
