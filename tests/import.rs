//! Imports by the command itself, on deliveries that the tests write: what is stored, what is refused, what stays.
//! The reading of formats has its own tests; here the formats are CSV and GeoJSON.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests say what they expect by panicking")]

mod common;
mod delivery;
mod heights;
mod levels;
mod searching;

use delivery::City;
use std::collections::BTreeMap;

const TREES: &str = r#"
id = "trees"
name = { zh = "行道树", en = "Trees" }
geometry = ["point"]
dimension = "2D"
sensitivity = "public"
serve = ["mvt"]
zoom = { min = 10, full = 15, max = 18 }
fields = [
  { name = "code", type = "text", zh = "部件标识码", key = true },
  { name = "state", type = "enum", zh = "状态", values = ["完好", "破损"] },
  { name = "height_m", type = "float", zh = "高度", unit = "m" },
  { name = "planted", type = "date", zh = "种植日期" },
  { name = "keeper_phone", type = "int", zh = "责任人电话", sensitivity = "personal" },
]
"#;

const LAMPS: &str = r#"
id = "lamps"
name = { zh = "路灯", en = "Lamps" }
geometry = ["point"]
dimension = "2D"
sensitivity = "public"
serve = ["mvt"]
zoom = { min = 10, full = 15, max = 18 }
fields = [
  { name = "code", type = "text", zh = "部件标识码", key = true },
  { name = "state", type = "enum", zh = "状态", values = ["完好", "破损"] },
]
"#;

/// CSV of components: code, class, state, height in cm; each a few metres east of the one before it.
fn components(rows: &[(&str, &str, &str, &str)]) -> String {
    let mut csv = "部件标识码,小类代码,状态,高度cm,经度,纬度\n".to_string();
    for (i, (code, class, state, height)) in rows.iter().enumerate() {
        csv += &format!("{code},{class},{state},{height},{:.6},34.8\n", 114.3 + i as f64 * 1e-4);
    }
    csv
}

/// One source of `components` into `trees`.
fn trees(id: &str, csv: &str, more: &str) -> String {
    format!(
        r#"
[[source]]
id = "{id}"
path = "{csv}"
crs = "EPSG:4490"
xy = {{ x = "经度", y = "纬度" }}
layer = "trees"
key = "部件标识码"
fields.state = {{ from = "状态", map = {{ "1" = "完好", "2" = "破损" }} }}
fields.height_m = {{ from = "高度cm", scale = 0.01 }}
{more}
"#
    )
}

fn city() -> City {
    let city = City::new();
    city.layer("green", "trees", TREES);
    city.layer("road", "lamps", LAMPS);
    city
}

fn codes(city: &City, layer: &str) -> Vec<String> {
    let mut codes: Vec<String> = city.features(layer).iter().map(|f| city.text(layer, f, "code")).collect();
    codes.sort();
    codes
}

#[test]
fn a_gbk_table_becomes_a_layer() {
    let city = city();
    let (text, _, _) =
        encoding_rs::GB18030.encode("编码,状态,高,种植,电话,Y,X\n０１,完好 ,3.5,2021.5.1,138,114.3,34.8\n");
    city.write_bytes("树.csv", &text);
    city.write(
        "d.toml",
        r#"
[[source]]
path = "树.csv"
crs = "EPSG:4490"
xy = { x = "Y", y = "X" }
encoding = "GB18030"
layer = "trees"
key = "编码"
fields = { code = "编码", height_m = "高", planted = "种植", keeper_phone = "电话" }
"#,
    );
    let run = city.import(&["d.toml"]);
    assert_eq!(run.code, 0, "{run:?}");
    let all = city.features("trees");
    assert_eq!(all.len(), 1);
    let f = &all[0];
    assert_eq!(f.geometry.xy, vec![[114.3, 34.8]]);
    let expected = serde_json::json!(["01", "完好", 3.5, "2021-05-01", 138]);
    assert_eq!(serde_json::to_value(&f.values).unwrap(), expected);
    let report = &run.report["sources"][0];
    assert_eq!(report["id"], "d/树");
    assert_eq!(report["columns"]["state"], "状态", "found by its Chinese name");
    assert_eq!(report["layers"]["trees"], 1);
    assert!(report["encoding"].as_str().unwrap().to_uppercase().contains("GB18030"), "{report}");
}

#[test]
fn every_record_is_stored_filtered_or_rejected() {
    let city = city();
    let rows = [
        ("1", "0101", "1", "100"),
        ("2", "0101", "9", "100"),
        ("3", "0101", "2", "1,5"),
        ("", "0101", "2", "100"),
        ("1", "0101", "2", "100"),
        ("6", "0900", "2", "100"),
        ("7", "0101", "2", ""),
        ("8", "0101", "移除", "100"),
    ];
    let quoted = components(&rows).replace("1,5", "\"1,5\"");
    city.write("a.csv", &quoted);
    city.write("bad.geojson", &delivery::points(&[(114.3, 34.8, "{}"), (114.4, 34.8, "{}"), (114.4, 34.8, "{}")]));
    let more = "max_rejects = 10\nfilter = [{ field = \"小类代码\", not_in = [\"0900\"] }, { field = \"状态\", not_in = [\"移除\"] }]";
    let lines = "[[source]]\npath = \"bad.geojson\"\nlayer = \"lamps\"\ngeometry = \"line\"\n";
    city.write("d.toml", &(trees("t", "a.csv", more) + lines));
    let run = city.import(&["d.toml"]);
    assert_eq!(run.code, 0, "{run:?}");
    let t = &run.report["sources"][0];
    assert_eq!(
        run.rejects(0),
        BTreeMap::from([("bad-value".into(), 2), ("missing-key".into(), 1), ("repeated-key".into(), 1)])
    );
    assert_eq!(t["filtered"], serde_json::json!({ "filter": 2 }));
    assert_eq!((t["read"].as_u64(), t["stored"].as_u64()), (Some(8), Some(2)));
    assert_eq!(run.report["sources"][1]["filtered"], serde_json::json!({ "geometry": 3 }));
    assert_eq!(codes(&city, "trees"), ["1", "7"]);
    assert_eq!(city.values("trees", "1")[2], serde_json::json!(1.0));
    assert_eq!(city.values("trees", "7")[2], serde_json::Value::Null);
    let sample = t["rejected"]["bad-value"]["samples"].to_string();
    assert!(sample.contains("`9` is none of 完好, 破损") && sample.contains("`1,5` has a comma"), "{sample}");
    let table = &run.stdout;
    assert!(table.contains("rejected repeated-key: 1") && table.contains("layers written: trees (2)"), "{table}");
}

#[test]
fn replace_takes_the_whole_source_and_upsert_its_keys() {
    let city = city();
    city.write("a.csv", &components(&[("1", "", "1", ""), ("2", "", "1", ""), ("3", "", "1", "")]));
    city.write("replace.toml", &trees("t", "a.csv", ""));
    city.write("b.csv", &components(&[("2", "", "2", ""), ("4", "", "2", "")]));
    city.write("upsert.toml", &trees("t", "b.csv", "mode = \"upsert\""));
    assert_eq!(city.import(&["replace.toml"]).code, 0);
    let before = city.ids("trees");

    let run = city.import(&["upsert.toml"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(codes(&city, "trees"), ["1", "2", "3", "4"]);
    assert_eq!(city.values("trees", "2")[1], "破损");
    assert_eq!(city.values("trees", "1")[1], "完好");
    assert_eq!(run.report["layers"][0]["kept"], 2);
    assert_eq!(city.entry("trees").sources["t"], 4);
    let after = city.ids("trees");
    assert!(before.iter().all(|(code, id)| after[code] == *id), "ids stay: {before:?} {after:?}");

    city.write("replace.toml", &trees("t", "b.csv", ""));
    assert_eq!(city.import(&["replace.toml"]).code, 0);
    assert_eq!(codes(&city, "trees"), ["2", "4"]);
}

#[test]
fn two_sources_feed_one_layer_and_keep_out_of_each_others_way() {
    let city = city();
    city.write("a.csv", &components(&[("1", "", "1", ""), ("2", "", "1", "")]));
    city.write("b.csv", &components(&[("2", "", "2", ""), ("3", "", "2", "")]));
    city.write("a.toml", &trees("a", "a.csv", ""));
    city.write("b.toml", &trees("b", "b.csv", "max_rejects = 1"));
    for together in [true, false] {
        if together {
            assert_eq!(city.import(&["a.toml", "b.toml"]).code, 0);
        } else {
            let run = city.import(&["b.toml"]);
            assert_eq!(run.code, 0, "{run:?}");
            assert_eq!(run.rejects(0), BTreeMap::from([("key-of-another-source".into(), 1)]));
            let sample = run.report["sources"][0]["rejected"].to_string();
            assert!(sample.contains("held by source a"), "{sample}");
        }
        assert_eq!(codes(&city, "trees"), ["1", "2", "3"]);
        assert_eq!(city.values("trees", "2")[1], "完好");
        assert_eq!(city.entry("trees").sources, BTreeMap::from([("a".into(), 2), ("b".into(), 1)]));
    }
    // A serial number of each source is another matter.
    city.write("b.toml", &trees("b", "b.csv", "key_scope = \"source\""));
    assert_eq!(city.import(&["b.toml"]).code, 0);
    assert_eq!(codes(&city, "trees"), ["1", "2", "2", "3"]);
    // Once the first source gives the key up, the second may have it.
    city.write("a.csv", &components(&[("1", "", "1", "")]));
    city.write("b.toml", &trees("b", "b.csv", ""));
    assert_eq!(city.import(&["a.toml", "b.toml"]).code, 0);
    assert_eq!(city.entry("trees").sources, BTreeMap::from([("a".into(), 1), ("b".into(), 2)]));
}

#[test]
fn the_same_delivery_makes_the_same_bytes() {
    let city = city();
    let twin = (114.3, 34.8, r#"{"state":"完好"}"#);
    city.write("l.geojson", &delivery::points(&[twin, twin, (114.5, 34.8, r#"{"code":"x"}"#), twin]));
    city.write("a.csv", &components(&[("1", "", "1", "7"), ("2", "", "1", "")]));
    let lamps = "[[source]]\npath = \"l.geojson\"\nlayer = \"lamps\"\n";
    city.write("d.toml", &(trees("t", "a.csv", "") + lamps));
    let first = city.import(&["d.toml"]);
    assert_eq!(first.code, 0, "{first:?}");
    let (trees, lamps, manifest) = (city.entry("trees"), city.entry("lamps"), city.manifest());
    let ids: std::collections::BTreeSet<u64> = city.features("lamps").iter().map(|f| f.id.0).collect();
    assert_eq!(ids.len(), 4, "twins have ids of their own");

    let second = city.import(&["d.toml"]);
    assert_eq!(second.code, 0);
    assert_ne!(first.report["published"], second.report["published"]);
    assert_eq!(second.report["base"], first.report["published"]);
    assert_eq!((city.entry("trees"), city.entry("lamps")), (trees, lamps));
    assert_eq!(city.manifest().extra, manifest.extra, "the report that the snapshot holds knows no time");
    assert_eq!(city.manifest().catalog, manifest.catalog);
}

#[test]
fn an_import_writes_the_layers_it_feeds_alone() {
    let city = city();
    city.write("a.csv", &components(&[("1", "", "1", "")]));
    city.write("l.geojson", &delivery::points(&[(114.3, 34.8, r#"{"code":"l1"}"#)]));
    city.write("trees.toml", &trees("t", "a.csv", ""));
    city.write("lamps.toml", "[[source]]\nid = \"l\"\npath = \"l.geojson\"\nlayer = \"lamps\"\nkey = \"code\"\n");
    assert_eq!(city.import(&["trees.toml", "lamps.toml"]).code, 0);
    let (trees_before, lamps_before) = (city.entry("trees"), city.entry("lamps"));
    city.write("l.geojson", &delivery::points(&[(114.3, 34.8, r#"{"code":"l1"}"#), (114.4, 34.8, r#"{"code":"l2"}"#)]));
    let run = city.import(&["lamps.toml"]);
    assert_eq!(run.code, 0, "{run:?}");
    let written: Vec<&str> =
        run.report["layers"].as_array().unwrap().iter().map(|l| l["id"].as_str().unwrap()).collect();
    assert_eq!(written, ["lamps"]);
    assert_eq!(city.entry("trees"), trees_before);
    assert_ne!(city.entry("lamps").features, lamps_before.features);
    // What the store remembers of sources covers those of earlier imports.
    let sources: serde_json::Value = serde_json::from_slice(&city.extra("sources")).unwrap();
    assert_eq!(sources.as_object().unwrap().keys().collect::<Vec<_>>(), ["l", "t"]);
    assert_eq!(sources["l"]["stored"], 2);

    city.write("l.geojson", &delivery::points(&[]));
    let run = city.import(&["lamps.toml"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(!city.manifest().layers.contains_key("lamps"), "nothing is left of it");
}

#[test]
fn a_layer_declared_anew_is_rebuilt_without_its_deliveries() {
    let city = city();
    city.write("a.csv", &components(&[("1", "", "1", "150"), ("2", "", "2", "250")]));
    city.write("trees.toml", &trees("t", "a.csv", ""));
    city.write("l.geojson", &delivery::points(&[(114.3, 34.8, r#"{"code":"l1"}"#)]));
    city.write("lamps.toml", "[[source]]\npath = \"l.geojson\"\nlayer = \"lamps\"\nkey = \"code\"\n");
    assert_eq!(city.import(&["trees.toml"]).code, 0);
    let before = city.ids("trees");

    let species = "fields = [\n  { name = \"species\", type = \"text\", zh = \"树种\" },";
    city.layer("green", "trees", &TREES.replace("fields = [", species));
    let run = city.import(&["lamps.toml"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(city.ids("trees"), before);
    let values = city.values("trees", "1");
    assert_eq!(values, serde_json::json!([null, "1", "完好", 1.5, null, null]));
    assert_eq!(city.entry("trees").sources["t"], 2);
    let why = run.report["layers"].to_string();
    assert!(why.contains("declared anew"), "{why}");

    // What does not fit the new declaration is not thrown away: the operator is told.
    let current = city.current();
    for (change, to) in [("[\"完好\", \"破损\"]", "[\"完好\"]"), ("[\"point\"]", "[\"line\"]")] {
        city.layer("green", "trees", &TREES.replace(change, to));
        let run = city.import(&["lamps.toml"]);
        assert!(run.code == 78 && run.stderr.contains("trees.toml"), "{change}: {run:?}");
        assert_eq!(city.current(), current);
    }
}

#[test]
fn a_class_column_routes_records_and_a_changed_class_moves_them() {
    let city = city();
    city.write("classes.csv", "component_code,name,layer_id\n0101,树,trees\n0201,灯,lamps\n");
    let manifest = |csv: &str, mode: &str| {
        format!(
            r#"
[[source]]
id = "components"
path = "{csv}"
crs = "EPSG:4490"
xy = {{ x = "经度", y = "纬度" }}
key = "部件标识码"
route = {{ field = "小类代码", map = "classes.csv", pad = 4 }}
fields.state = {{ map = {{ "1" = "完好", "2" = "破损" }} }}
mode = "{mode}"
max_rejects = 1
"#
        )
    };
    city.write(
        "a.csv",
        &components(&[
            ("1", "101", "1", ""),
            ("2", "0201", "1", ""),
            ("3", "０２０１", "1", ""),
            ("4", "0999", "1", ""),
        ]),
    );
    city.write("d.toml", &manifest("a.csv", "replace"));
    let run = city.import(&["d.toml"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(run.rejects(0), BTreeMap::from([("unrouted".into(), 1)]));
    assert_eq!((codes(&city, "trees"), codes(&city, "lamps")), (vec!["1".into()], vec!["2".into(), "3".into()]));

    city.write("b.csv", &components(&[("2", "0101", "2", "")]));
    city.write("d.toml", &manifest("b.csv", "upsert"));
    assert_eq!(city.import(&["d.toml"]).code, 0);
    assert_eq!((codes(&city, "trees"), codes(&city, "lamps")), (vec!["1".into(), "2".into()], vec!["3".into()]));

    // The same key twice is a repetition, whatever its classes are.
    city.write("c.csv", &components(&[("2", "0101", "1", ""), ("2", "0201", "1", "")]));
    city.write("d.toml", &manifest("c.csv", "replace"));
    let run = city.import(&["d.toml"]);
    assert_eq!(run.rejects(0), BTreeMap::from([("repeated-key".into(), 1)]));
    assert_eq!((codes(&city, "trees"), city.manifest().layers.contains_key("lamps")), (vec!["2".into()], false));
}

#[test]
fn what_is_refused_leaves_the_store_as_it_was() {
    let city = city();
    city.write("good.csv", &components(&[("1", "", "1", "")]));
    city.write("good.toml", &trees("t", "good.csv", ""));
    assert_eq!(city.import(&["good.toml"]).code, 0);
    let current = city.current();
    let files = city.store_files();

    city.write("bad.csv", &components(&[("1", "", "1", ""), ("2", "", "坏", "")]));
    city.write("lamps.geojson", &delivery::points(&[(114.3, 34.8, "{}")]).replace("]}", ""));
    let cases = [
        (trees("t", "bad.csv", ""), 65, "1 of 2 records were refused"),
        (trees("t", "good.csv", "rows = 2"), 65, "2 rows are stated"),
        ("[[source]]\npath = \"lamps.geojson\"\nlayer = \"lamps\"\n".into(), 65, "lamps.geojson"),
        (trees("t", "good.csv", "fields.planted = \"栽\""), 78, "no column `栽`"),
        (trees("t", "good.csv", "fields.leaves = \"叶\""), 78, "no field `leaves`"),
        (trees("t", "gone.csv", ""), 66, "gone.csv: not found"),
        (trees("t", "good.csv", "").replace("EPSG:4490", "EPSG:31467999"), 78, "31467999"),
    ];
    for (manifest, code, said) in cases {
        city.write("d.toml", &manifest);
        let run = city.import(&["d.toml"]);
        assert!(run.code == code && (run.stderr.contains(said) || run.stdout.contains(said)), "{said}: {run:?}");
        assert_eq!((city.current(), city.store_files()), (current.clone(), files.clone()), "{said}");
    }
    assert_eq!(city.import(&["nothing.toml"]).code, 66);
    assert_eq!(codes(&city, "trees"), ["1"]);
}

#[test]
fn every_source_is_read_though_one_fails() {
    let city = city();
    city.write("a.csv", &components(&[("1", "", "坏", "")]));
    city.write("b.csv", &components(&[("2", "", "1", "很高")]));
    city.write("c.csv", &components(&[("3", "", "1", "")]));
    let manifest = [("a", "a.csv"), ("b", "b.csv"), ("c", "c.csv")].map(|(id, csv)| trees(id, csv, "")).concat();
    city.write("d.toml", &manifest);
    let run = city.import(&["d.toml"]);
    assert_eq!(run.code, 65);
    for said in ["a: too-many-rejects", "b: too-many-rejects"] {
        assert!(run.stderr.contains(said), "{}", run.stderr);
    }
    assert_eq!(run.report["sources"][2]["stored"], 1);
    assert!(run.stdout.contains("nothing was published"), "{}", run.stdout);
    assert_eq!(run.report["published"], serde_json::Value::Null);
}

#[test]
fn a_missing_input_is_seen_before_the_store_is_made() {
    let city = city();
    city.write("d.toml", &trees("t", "gone.csv", ""));
    assert_eq!(city.import(&["d.toml"]).code, 66);
    assert!(!city.store().exists());
}

#[test]
fn two_imports_do_not_meet() {
    let city = city();
    city.write("a.csv", &components(&[("1", "", "1", "")]));
    city.write("d.toml", &trees("t", "a.csv", ""));
    let store = chengtu::store::Store::open(&city.store(), true).unwrap();
    let other = store.draft().unwrap();
    assert_eq!(city.import(&["d.toml"]).code, 75);
    drop(other);
    assert_eq!(city.import(&["d.toml"]).code, 0);
}

#[test]
fn reports_do_not_tell_what_is_personal() {
    let city = city();
    city.write("a.geojson", &delivery::points(&[(114.3, 34.8, r#"{"code":"1","keeper_phone":"13800138000转8"}"#)]));
    city.write("d.toml", "[[source]]\npath = \"a.geojson\"\nlayer = \"trees\"\nkey = \"code\"\n");
    let run = city.import(&["d.toml"]);
    assert_eq!(run.code, 65);
    let said = run.report.to_string() + &run.stdout + &run.stderr;
    assert!(said.contains("keeper_phone: (personal)") && !said.contains("13800138000"), "{said}");
}

/// A pipe shorter than its own wall is stored, counted and told; it is not drawn, and nothing says it was.
#[test]
fn what_has_no_shape_in_3d_is_counted() {
    let city = City::new();
    city.layer(
        "pipes",
        "mains",
        r#"
id = "mains"
name = { zh = "给水管线", en = "Mains" }
geometry = ["line"]
dimension = "3D"
sensitivity = "public"
serve = ["3dtiles"]
zoom = { min = 14, full = 14, max = 18 }
scene = { kind = "tube", default_mm = 300 }
fields = [{ name = "code", type = "text", zh = "编码", key = true }]
"#,
    );
    let line = |code: &str, degrees: f64| {
        serde_json::json!({
            "type": "Feature",
            "geometry": { "type": "LineString", "coordinates": [[114.3, 34.8, 60.0], [114.3 + degrees, 34.8, 60.0]] },
            "properties": { "code": code }
        })
    };
    let deliver = |second: f64| {
        let all = serde_json::json!({ "type": "FeatureCollection", "features": [line("a", 1e-3), line("b", second)] });
        city.write("mains.geojson", &all.to_string());
        city.write(
            "mains.toml",
            "vertical = \"1985\"\n[[source]]\npath = \"mains.geojson\"\nlayer = \"mains\"\nkey = \"code\"\n",
        );
        let run = city.import(&["mains.toml"]);
        assert_eq!(run.code, 0, "{run:?}");
        let layer = &run.report["layers"][0];
        (layer["count"].as_u64().unwrap(), layer["undrawn"].as_u64().unwrap(), run.stdout)
    };
    let (count, undrawn, said) = deliver(2e-9);
    assert_eq!((count, undrawn), (2, 1), "{said}");
    assert!(said.contains("mains: 1 records have no shape in 3D"), "{said}");
    let (count, undrawn, said) = deliver(1e-4);
    assert_eq!((count, undrawn), (2, 0));
    assert!(!said.contains("no shape in 3D"), "{said}");
}
