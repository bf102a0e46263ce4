//! The models blob: order, lookup, independence of memory and order of arrival, the life of a snapshot.

use super::material::*;
use chengtu::error::Error;
use chengtu::feature::{Feature, FeatureId};
use chengtu::store::*;
use std::fs;

#[test]
fn the_file_depends_on_the_models_alone() {
    let dir = tempfile::tempdir().expect("a folder");
    let all = features(900, 5);
    let first = fs::read(write_models(dir.path(), &all, usize::MAX).path).expect("reads");
    let mut turned = all.clone();
    turned.reverse();
    for run_bytes in [1, 3000, 1 << 16] {
        let again = write_models(dir.path(), &turned, run_bytes);
        assert_eq!(again.count, all.iter().filter(|f| model(f).is_some()).count() as u64);
        assert!(fs::read(again.path).expect("reads") == first, "runs of {run_bytes} bytes");
    }
}

#[test]
fn models_are_found_by_id_and_stand_in_the_tables_order() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = store_in(dir.path());
    let all = features(700, 9);
    publish(&store, "a", &all);
    let snapshot = open(&store);
    let models = snapshot.models("a").expect("opens").expect("is there");
    for f in &all {
        assert_eq!(models.get(f.id).expect("reads"), model(f), "{:?}", f.id);
    }
    assert_eq!(models.get(FeatureId(5)).expect("reads"), None);
    let (mut in_table, mut in_models) = (vec![], vec![]);
    let table = snapshot.features("a").expect("opens").expect("is there");
    let mut each = |row: &Row<'_>| {
        in_table.extend(model(&row.to_feature()).map(|_| row.id()));
        Ok(())
    };
    table.scan(&mut each).expect("reads");
    let mut each = |id, _| {
        in_models.push(id);
        Ok(())
    };
    models.scan(&mut each).expect("reads");
    assert_eq!(in_table, in_models);
    assert_eq!(models.count(), in_models.len() as u64);
    assert!(snapshot.models("b").expect("reads").is_none());
}

#[test]
fn no_model_and_two_models_of_a_feature() {
    let dir = tempfile::tempdir().expect("a folder");
    let empty = write_models(dir.path(), &[], 1000);
    assert_eq!((empty.count, fs::read(empty.path).expect("reads").len()), (0, 24));
    let one: Vec<Feature> = features(100, 3).into_iter().filter(|f| model(f).is_some()).take(1).collect();
    let mut writer = ModelWriter::new(dir.path(), "twice");
    for _ in 0..2 {
        writer.push(one[0].id, one[0].geometry.bbox(), &model(&one[0]).expect("has one")).expect("takes");
    }
    assert!(matches!(writer.seal(), Err(Error::Data(what)) if what.contains("two models")));
    let hollow = chengtu::feature::Model::default();
    let refused = ModelWriter::new(dir.path(), "hollow").push(one[0].id, one[0].geometry.bbox(), &hollow);
    assert!(matches!(refused, Err(Error::Data(what)) if what.contains("no level of detail")));
}

/// A snapshot that is still read keeps its models through publishing, going back and clearing.
#[test]
fn models_live_and_go_with_their_snapshots() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = store_in(dir.path());
    let old = features(300, 1);
    let first = publish(&store, "a", &old);
    let snapshot = open(&store);
    let models = snapshot.models("a").expect("opens").expect("is there");
    let file = store.dir().join("blobs").join(&snapshot.manifest.layers["a"].extra[MODELS].digest);
    publish(&store, "a", &features(50, 2));
    assert_ne!(open(&store).manifest.layers["a"].extra[MODELS], snapshot.manifest.layers["a"].extra[MODELS]);
    store.rollback(&first).expect("goes back");
    assert_eq!(open(&store).models("a").expect("opens").expect("is there").count(), models.count());
    publish(&store, "a", &features(50, 2));
    store.gc(1).expect("clears");
    assert!(!file.exists());
    assert_eq!(store.verify().expect("verifies"), vec![]);
    for f in &old {
        assert_eq!(models.get(f.id).expect("reads"), model(f));
    }
    assert!(matches!(store.rollback(&first), Err(Error::Missing(_))));
}
