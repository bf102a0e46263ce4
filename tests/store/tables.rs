//! Tables: what a window finds, in which order, and who else can read the file.

use super::material::*;
use chengtu::error::Error;
use chengtu::feature::{Feature, FeatureId, Value};
use chengtu::geo::BBox;
use chengtu::store::*;
use std::fs;
use std::process::Command;

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

/// A row reaches to where the next one begins.
#[test]
fn a_window_weighs_what_its_rows_take() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = store_in(dir.path());
    for count in [0u64, 1, 16, 17, 3000] {
        let all = features(count, count);
        publish(&store, "layer", &all);
        let snapshot = open(&store);
        let table = snapshot.features("layer").expect("opens").expect("is there");
        let at = |f: &Feature| snapshot.offset_of("layer", f.id).expect("reads").expect("is listed");
        let mut ends: Vec<u64> = all.iter().map(at).collect();
        ends.push(snapshot.manifest.layers["layer"].features.size);
        ends.sort();
        let bytes = |f: &Feature| ends[ends.partition_point(|e| *e <= at(f))] - at(f);
        let mut r = Random(3);
        let windows = (0..40).map(|_| {
            let (x, y, side) = (114.0 + r.part(), 34.0 + r.part(), r.part() * 0.3);
            BBox::new(x, y, x + side, y + side)
        });
        for window in windows.chain([WORLD]) {
            let sum: u64 = expected(&all, &window).iter().map(bytes).sum();
            assert_eq!(table.weight(&window, sum).expect("reads"), Some(sum), "{count}, {window:?}");
            if sum > 0 {
                assert_eq!(table.weight(&window, sum - 1).expect("reads"), None, "{count}, {window:?}");
            }
        }
    }
}

#[test]
fn a_scan_and_a_query_come_in_file_order() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = store_in(dir.path());
    publish(&store, "layer", &features(2000, 5));
    let table = open(&store).features("layer").expect("opens").expect("is there");
    let (mut scanned, mut queried) = (vec![], vec![]);
    let put = |ids: &mut Vec<FeatureId>, row: &Row<'_>| {
        ids.push(row.id());
        Ok(())
    };
    table.scan(&mut |row| put(&mut scanned, row)).expect("scans");
    table.query(&WORLD, &mut |row| put(&mut queried, row)).expect("queries");
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
