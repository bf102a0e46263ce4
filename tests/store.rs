//! The store from outside: what goes in comes out, whatever happens to its files meanwhile. Faults between the
//! steps of a publish are tested beside the code (`src/store/faults.rs`), where the steps can be stopped.

use chengtu::error::Error;
use chengtu::feature::{Feature, FeatureId, Geometry, SourceTag, Value};
use chengtu::geo::BBox;
use chengtu::layer::Catalog;
use chengtu::store::*;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

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
