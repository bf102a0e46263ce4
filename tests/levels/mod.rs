//! Imports of layers that hold models of the same buildings at two levels: what is told of their codes, and the tree that is
//! kept as long as neither of them changes.

use crate::common::declared::{self, metres};
use crate::delivery::City;
use chengtu::derive::family::{FAMILY, FamilyTree, Kin, LEDGER, Ledger, made};
use chengtu::store::BlobRef;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn layer(id: &str, level: u8, replaces: &str) -> String {
    let scene = format!(
        r#"{{ kind = "extrude", level = {level}, geometric_error_m = 8, {replaces} fields = {{ height = "height_m" }} }}"#
    );
    let house = r#"{ name = "house", type = "text", zh = "建筑编码", key = true, role = "building_id" }"#;
    declared::scene(id, "polygon", &scene, &[house, &metres("height_m")])
}

fn city() -> City {
    let city = City::new();
    city.layer("cim", "blocks", &layer("blocks", 2, ""));
    city.layer("cim", "roofs", &layer("roofs", 3, r#"replaces = "house","#));
    city.layer("road", "lamps", super::LAMPS);
    city
}

/// Square buildings by their code, the i-th so many times 40 m east of the first.
fn squares(houses: &[(&str, f64, f64)]) -> String {
    let square = |(i, (house, steps, height)): (usize, &(&str, f64, f64))| {
        let (x, y) = (114.3 + steps * 4e-4, 34.8);
        let ring = [[x, y], [x + 1e-4, y], [x + 1e-4, y + 1e-4], [x, y + 1e-4], [x, y]];
        let house = if house.is_empty() { Value::Null } else { (*house).into() };
        json!({
            "type": "Feature",
            "geometry": { "type": "Polygon", "coordinates": [ring] },
            "properties": { "nr": i, "house": house, "height_m": height }
        })
    };
    let all: Vec<Value> = houses.iter().enumerate().map(square).collect();
    json!({ "type": "FeatureCollection", "features": all }).to_string()
}

fn source(layer: &str) -> String {
    format!("[[source]]\npath = \"{layer}.geojson\"\nkey = \"nr\"\nlayer = \"{layer}\"\n")
}

fn deliver(city: &City, layer: &str, houses: &[(&str, f64, f64)]) -> crate::delivery::Run {
    city.write(&format!("{layer}.geojson"), &squares(houses));
    city.write(&format!("{layer}.toml"), &source(layer));
    let run = city.import(&[&format!("{layer}.toml")]);
    assert_eq!(run.code, 0, "{run:?}");
    run
}

fn families(city: &City) -> BTreeMap<String, BlobRef> {
    city.manifest().extra.into_iter().filter(|(key, _)| key.starts_with(FAMILY)).collect()
}

/// Code and layer → how many.
fn notes(run: &crate::delivery::Run) -> BTreeMap<(String, String), u64> {
    let text = |n: &Value, key: &str| n[key].as_str().unwrap().to_string();
    let all = run.report["models"].as_array().cloned().unwrap_or_default();
    all.iter().map(|n| ((text(n, "code"), text(n, "of")), n["count"].as_u64().unwrap())).collect()
}

#[test]
fn a_tree_of_two_levels_is_made_once_and_told_of() {
    let city = city();
    let blocks = [("H1", 0.0, 9.0), ("H2", 1.0, 9.0), ("H1", 500.0, 9.0), ("", 2.0, 9.0), ("H5", 5.0, 9.0)];
    let run = deliver(&city, "blocks", &blocks);
    assert!(families(&city).is_empty() && run.report["models"].is_null(), "one level is no family");
    let run = deliver(&city, "roofs", &[("H1", 0.0, 11.0), ("H2", 1.0, 11.0), ("H9", 9.0, 11.0)]);
    let told = [
        (("building-code-far-apart", "blocks"), 1),
        (("building-code-repeated", "blocks"), 1),
        (("no-building-code", "blocks"), 1),
        (("no-coarser-model", "roofs"), 1),
    ];
    assert_eq!(notes(&run), told.map(|((a, b), n)| ((a.into(), b.into()), n)).into());
    assert!(run.stdout.contains("no-coarser-model in roofs: 1") && run.stdout.contains("record "), "{}", run.stdout);
    let first = families(&city);
    assert_eq!(first.len(), 1);

    // What is stored is what would be made.
    let snapshot = city.snapshot();
    let ledger = |layer: &str| Ledger::from_bytes(&snapshot.blob(&city.entry(layer).extra[LEDGER]).unwrap()).unwrap();
    let ledgers = [ledger("blocks"), ledger("roofs")];
    let kin = |(i, ledger)| Kin { ledger, tier: i as u8, error_m: 8.0 };
    let kin: Vec<_> = ledgers.iter().enumerate().map(kin).collect();
    let today = &city.manifest().created[..10];
    let stored = FamilyTree::from_bytes(&snapshot.blob(first.values().next().unwrap()).unwrap(), 2).unwrap();
    assert_eq!(made(&kin, today).0, stored);
    // Two buildings are replaced; what else there is stands beside them.
    let replaced: Vec<usize> = stored.stages.iter().filter(|s| s.replaces).map(|s| s.offsets[0].len()).collect();
    let beside: usize = stored.stages.iter().filter(|s| !s.replaces).map(|s| s.offsets[0].len()).sum();
    assert_eq!((replaced, beside), (vec![2], 3));

    // Another layer changes nothing of it; one of its own does.
    city.write("lamps.csv", &super::components(&[("1", "0101", "完好", "100")]));
    city.write("lamps.toml", &super::trees("l", "lamps.csv", "").replace("\"trees\"", "\"lamps\"").replace(HEIGHT, ""));
    let run = city.import(&["lamps.toml"]);
    assert_eq!((run.code, families(&city), run.report["models"].is_null()), (0, first.clone(), true), "{run:?}");
    deliver(&city, "roofs", &[("H1", 0.0, 12.0)]);
    let second = families(&city);
    assert!(second.len() == 1 && second != first, "{second:?}");
}

const HEIGHT: &str = r#"fields.height_m = { from = "高度cm", scale = 0.01 }"#;
