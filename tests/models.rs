//! City models through the whole import: records with their models in the store, sources that keep out of each
//! other's way, levels of detail to layers, and what is left out or refused.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests say what they expect by panicking")]

mod common;
mod delivery;
#[path = "models/textures.rs"]
mod textures;

use chengtu::feature::{Model, Role};
use common::declared::{self, CODE, metres};
use delivery::City;
use std::collections::BTreeMap;

fn layer(id: &str) -> String {
    let text = |name: &str, zh: &str| format!(r#"{{ name = "{name}", type = "text", zh = "{zh}" }}"#);
    let fields = [CODE, &text("use", "用途"), &metres("height_m"), &text("lod", "细节层次")];
    declared::layer(id, "polygon", r#"serve = ["mvt"]"#, &fields)
}

/// Buildings of 10 × 8 m and the given heights, one every 20 m, as block (LOD 1) and with a gabled roof (LOD 2.2).
fn document(buildings: &[(&str, f64)]) -> String {
    let (mut objects, mut vertices) = (vec![], vec![]);
    for (i, (code, height)) in buildings.iter().enumerate() {
        let x = i as f64 * 20.0;
        let corners = [[0., 0.], [10., 0.], [10., 8.], [0., 8.]];
        let at = vertices.len();
        for z in [0.0, *height] {
            vertices.extend(corners.iter().map(|[dx, dy]| [x + dx, *dy, z]));
        }
        vertices.extend([[x, 4.0, height + 3.0], [x + 10.0, 4.0, height + 3.0]]);
        let ring =
            |list: &[usize]| format!("[[{}]]", list.iter().map(|k| (at + k).to_string()).collect::<Vec<_>>().join(","));
        let faces = |lists: &[&[usize]]| lists.iter().map(|l| ring(l)).collect::<Vec<_>>().join(",");
        let block = faces(&[&[3, 2, 1, 0], &[4, 5, 6, 7], &[0, 1, 5, 4], &[1, 2, 6, 5], &[2, 3, 7, 6], &[3, 0, 4, 7]]);
        let house = faces(&[
            &[3, 2, 1, 0],
            &[4, 5, 9, 8],
            &[6, 7, 8, 9],
            &[0, 1, 5, 4],
            &[1, 2, 6, 9, 5],
            &[2, 3, 7, 6],
            &[3, 0, 4, 8, 7],
        ]);
        objects.push(format!(
            r#""{code}":{{"type":"Building","attributes":{{"用途":"住宅"}},"geometry":[
            {{"type":"Solid","lod":"1","boundaries":[[{block}]]}},
            {{"type":"Solid","lod":"2.2","boundaries":[[{house}]],"semantics":{{"surfaces":[{{"type":"GroundSurface"}},{{"type":"RoofSurface"}},{{"type":"WallSurface"}}],"values":[[0,1,1,2,2,2,2]]}}}}]}}"#
        ));
    }
    let vertices: Vec<String> =
        vertices.iter().map(|v| format!("{:?}", v.map(|c| (c * 1000.0).round() as i64))).collect();
    format!(
        r#"{{"type":"CityJSON","version":"2.0","transform":{{"scale":[0.001,0.001,0.001],"translate":[527000.0,3852000.0,70.0]}},
        "metadata":{{"referenceSystem":"urn:ogc:def:crs,crs:EPSG::4547,crs:EPSG::5737"}},
        "CityObjects":{{{}}},"vertices":[{}]}}"#,
        objects.join(","),
        vertices.join(",")
    )
}

fn source(id: &str, file: &str, layer: &str, more: &str) -> String {
    format!(
        "[[source]]\nid = \"{id}\"\npath = \"{file}\"\nlayer = \"{layer}\"\nkey = \"id\"\nfields = {{ code = \"id\", height_m = \"height\" }}\n{more}\n"
    )
}

fn city() -> City {
    let city = City::new();
    city.layer("cim", "blocks", &layer("blocks"));
    city.layer("cim", "houses", &layer("houses"));
    city
}

fn models(city: &City, layer: &str) -> BTreeMap<String, Model> {
    let codes: BTreeMap<u64, String> = city.ids(layer).into_iter().map(|(code, id)| (id, code)).collect();
    let mut all = BTreeMap::new();
    if let Some(models) = city.snapshot().models(layer).expect("opens") {
        models
            .scan(&mut |id, model| {
                all.insert(codes[&id.0].clone(), model);
                Ok(())
            })
            .expect("reads");
    }
    all
}

fn names(all: &BTreeMap<String, Model>) -> Vec<&str> {
    all.keys().map(String::as_str).collect()
}

#[test]
fn one_file_feeds_a_layer_by_level_of_detail() {
    let city = city();
    city.write("a.json", &document(&[("b1", 6.0), ("b2", 9.0)]));
    let both =
        source("one", "a.json", "blocks", "lod = \"1\"") + &source("two", "a.json", "houses", "lod = [\"2\", \"3\"]");
    city.write("d.toml", &(both + &source("three", "a.json", "houses", "lod = \"3\"\nkey_scope = \"source\"")));
    let run = city.import(&["d.toml"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(run.report["sources"][2]["filtered"], serde_json::json!({ "lod": 2 }));
    assert!(run.report["sources"][0]["vertical"].as_str().unwrap().contains("5737"), "{}", run.report);
    let (blocks, houses) = (models(&city, "blocks"), models(&city, "houses"));
    assert_eq!((names(&blocks), names(&houses)), (vec!["b1", "b2"], vec!["b1", "b2"]));
    assert_eq!(city.values("blocks", "b1"), serde_json::json!(["b1", "住宅", 6.0, "1"]));
    assert_eq!(city.values("houses", "b2"), serde_json::json!(["b2", "住宅", 12.0, "2.2"]));
    assert_eq!((blocks["b1"].positions.len(), houses["b1"].positions.len()), (8, 10));
    let roofs = houses["b2"].lods[0].walk().filter(|s| s.role == Role::Roof && s.closed).count();
    assert_eq!(roofs, 2);
    // The footprint is the ground of the model, vertex for vertex.
    let ground = houses["b1"].lods[0].walk().find(|s| s.role == Role::Ground).unwrap();
    let feature = city.features("houses").into_iter().find(|f| city.text("houses", f, "code") == "b1").unwrap();
    for &corner in ground.exterior() {
        let p = houses["b1"].positions[corner as usize];
        let near = |q: &[f64; 2]| (q[0] - p[0]).abs() < 1e-9 && (q[1] - p[1]).abs() < 1e-9;
        assert!(feature.geometry.xy.iter().any(near), "{p:?} {:?}", feature.geometry.xy);
    }
    assert_eq!(feature.geometry.z, vec![70.0; 5]);
}

#[test]
fn the_models_of_other_sources_stay() {
    let city = city();
    city.write("a.city.json", &document(&[("a1", 6.0), ("a2", 7.0), ("a3", 8.0)]));
    city.write("b.city.json", &document(&[("b1", 6.0), ("b2", 7.0)]).replace("527000.0", "527500.0"));
    city.write("a.toml", &source("a", "a.city.json", "houses", ""));
    city.write("b.toml", &source("b", "b.city.json", "houses", ""));
    assert_eq!(city.import(&["a.toml", "b.toml"]).code, 0);
    let before = models(&city, "houses");
    assert_eq!(names(&before), ["a1", "a2", "a3", "b1", "b2"]);
    let whole = city.entry("houses");

    // Delivered again: the same bytes.
    assert_eq!(city.import(&["b.toml"]).code, 0);
    assert_eq!(city.entry("houses"), whole);

    // Replaced: b's alone are new.
    city.write("b.city.json", &document(&[("b2", 17.0), ("b9", 4.0)]).replace("527000.0", "527500.0"));
    assert_eq!(city.import(&["b.toml"]).code, 0);
    let after = models(&city, "houses");
    assert_eq!(names(&after), ["a1", "a2", "a3", "b2", "b9"]);
    assert!(["a1", "a2", "a3"].iter().all(|a| after[*a] == before[*a]));
    assert!((after["b2"].bounds()[1][2] - 90.0).abs() < 1e-6);

    // Upserted: one model replaced, the others of its source stay.
    city.write("a.city.json", &document(&[("a2", 30.0)]));
    city.write("a.toml", &source("a", "a.city.json", "houses", "mode = \"upsert\""));
    assert_eq!(city.import(&["a.toml"]).code, 0);
    let last = models(&city, "houses");
    assert_eq!(names(&last), ["a1", "a2", "a3", "b2", "b9"]);
    assert!(last["a1"] == before["a1"] && last["a3"] == before["a3"] && last["b9"] == after["b9"]);
    assert!((last["a2"].bounds()[1][2] - 103.0).abs() < 1e-6);

    // A layer declared anew keeps its models, and a source without models takes its own away.
    city.layer(
        "cim",
        "houses",
        &layer("houses")
            .replace("{ name = \"use\"", "{ name = \"owner\", type = \"text\", zh = \"权属\" },\n  { name = \"use\""),
    );
    city.write(
        "b.geojson",
        r#"{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"code":"flat"},
        "geometry":{"type":"Polygon","coordinates":[[[114.3,34.8],[114.301,34.8],[114.301,34.801],[114.3,34.8]]]}}]}"#,
    );
    city.write("b.toml", "[[source]]\nid = \"b\"\npath = \"b.geojson\"\nlayer = \"houses\"\nkey = \"code\"\n");
    assert_eq!(city.import(&["b.toml"]).code, 0);
    let left = models(&city, "houses");
    assert_eq!(names(&left), ["a1", "a2", "a3"]);
    assert!(left["a1"] == before["a1"]);
    assert_eq!(city.features("houses").len(), 4);
    let store = chengtu::store::Store::open(&city.store(), false).unwrap();
    assert_eq!(store.verify().unwrap(), vec![]);
}

#[test]
fn lods_of_files_that_have_none_and_lods_that_are_none_are_findings() {
    let city = city();
    city.write("a.csv", "code,x,y\n1,114.3,34.8\n");
    city.write("a.city.json", &document(&[("b", 6.0)]));
    let table = "[[source]]\npath = \"a.csv\"\ncrs = \"EPSG:4490\"\nxy = { x = \"x\", y = \"y\" }\nlayer = \"houses\"\nlod = \"2\"\n";
    city.write("d.toml", &(table.to_string() + &source("b", "a.city.json", "houses", "lod = \"two\"")));
    let run = city.import(&["d.toml"]);
    assert_eq!(run.code, 78, "{run:?}");
    assert!(
        run.stderr.contains("has no levels of detail") && run.stderr.contains("lod `two` is none"),
        "{}",
        run.stderr
    );
}
