//! Figures of the store: writing a table, asking it for a tile's worth of records. `cargo bench --bench store`.
//! Measures one table; whole cities are measured from outside.

#![expect(clippy::expect_used, reason = "a bench that fails says so by panicking")]

use chengtu::feature::{Feature, FeatureId, Geometry, SourceTag, Value};
use chengtu::geo::BBox;
use chengtu::layer::Catalog;
use chengtu::store::*;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

const POINTS: u64 = 100_000;

fn schema() -> Schema {
    let columns = [("code", ColumnKind::Text), ("name", ColumnKind::Text), ("state", ColumnKind::Text)];
    let columns = columns.into_iter().chain([("n", ColumnKind::Int), ("height_m", ColumnKind::Float)]);
    Schema { columns: columns.map(|(n, kind)| Column { name: n.to_string(), kind }).collect() }
}

/// Points of a core of 0.12° × 0.12°, about 150 km².
fn points(count: u64) -> Vec<Feature> {
    let mut seed = 1u64;
    let mut part = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 11) as f64 / (1u64 << 53) as f64
    };
    let point = |i: u64| Feature {
        id: FeatureId(i),
        source: SourceTag(1),
        geometry: Geometry::point(114.3 + part() * 0.12, 34.75 + part() * 0.12),
        values: vec![
            Value::Text(format!("41020201{i:08}")),
            Value::Text("路灯照明".to_string()),
            Value::Text("完好".to_string()),
            Value::Int(i as i64),
            Value::Float(part() * 10.0),
        ],
    };
    (1..=count).map(point).collect()
}

fn write(dir: &Path, features: &[Feature]) -> SealedTable {
    let mut writer = TableWriter::new(dir, "bench", schema()).expect("a writer");
    features.iter().for_each(|f| writer.push(f).expect("takes a feature"));
    writer.seal().expect("seals")
}

fn publish(dir: &Path, features: &[Feature]) -> Arc<Snapshot> {
    let store = Store::open(dir, true).expect("a store");
    let mut draft = store.draft().expect("a draft");
    let sealed = write(draft.staging(), features);
    let entry = LayerEntry {
        declaration: String::new(),
        count: sealed.count,
        bounds: sealed.bounds,
        features: draft.add_file(&sealed.path).expect("adds features"),
        overviews: BTreeMap::new(),
        census: draft.add_bytes(&[]).expect("adds a census"),
        ids: draft.add_bytes(&sealed.ids_blob()).expect("adds ids"),
        sources: BTreeMap::new(),
        extra: BTreeMap::new(),
    };
    draft.manifest.catalog = draft.add_bytes(&Catalog::new(vec![]).to_json()).expect("adds a catalog");
    draft.manifest.layers.insert("bench".to_string(), entry);
    let id = draft.publish().expect("publishes");
    store.snapshot(&id, &Arc::new(BlockCache::new(256 << 20))).expect("opens")
}

/// Reads every record of the window as a tile would: geometry and all values.
fn read(table: &Table, window: &BBox) -> usize {
    let mut g = Geometry::point(0.0, 0.0);
    let mut hits = 0;
    let read = table.query(window, &mut |row| {
        hits += 1;
        row.read_geometry(&mut g);
        black_box(&g);
        row.values(|column, value| {
            black_box((column, value));
        });
        Ok(())
    });
    read.expect("reads");
    hits
}

fn store(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a folder");
    let features = points(POINTS);
    let mut group = c.benchmark_group("store");
    group.sample_size(10);
    group.bench_function("write 100 000 points", |b| {
        b.iter_batched(|| (), |()| std::fs::remove_file(write(dir.path(), &features).path), BatchSize::PerIteration);
    });
    let snapshot = publish(&dir.path().join("store"), &features);
    let table = snapshot.features("bench").expect("opens").expect("is there");
    // 300 of 100 000 points stand in a square of this side.
    let side = 0.12 * (300.0 / POINTS as f64).sqrt();
    let window = BBox::new(114.35, 34.8, 114.35 + side, 34.8 + side);
    println!("the window holds {} points", read(&table, &window));
    group.sample_size(100);
    group.bench_function("query 300 points, warm", |b| b.iter(|| read(&table, black_box(&window))));
    let ids: Vec<FeatureId> = features.iter().step_by(997).map(|f| f.id).collect();
    let mut next = ids.iter().cycle();
    group.bench_function("one record by id, warm", |b| {
        b.iter(|| {
            let id = next.next().copied().unwrap_or(FeatureId(1));
            let offset = snapshot.offset_of("bench", id).expect("reads").expect("is listed");
            table.get(offset).expect("reads")
        });
    });
    group.finish();
}

criterion_group!(benches, store);
criterion_main!(benches);
