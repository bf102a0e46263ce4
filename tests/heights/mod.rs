//! Deliveries whose heights are over different datums: converted by their own declaration where there is one, refused by name
//! where there is none.

use crate::common::declared::{self, CODE};
use crate::delivery::{City, Run, points};

const ELEVATION: &str = r#"{ name = "top_m", type = "float", zh = "高程", unit = "m", datum = "1985" }"#;

fn city() -> City {
    let city = City::new();
    for id in ["posts", "masts"] {
        let scene = r#"{ kind = "instance", model = "pole" }"#;
        city.layer("t", id, &declared::scene(id, "point", scene, &[CODE, ELEVATION]));
    }
    city.write("a.geojson", &points(&[(114.3, 34.8, r#"{"code":"1","top_m":70.0}"#)]));
    city.write("b.geojson", &points(&[(114.301, 34.8, r#"{"code":"2","top_m":70.0}"#)]));
    city.write("none.geojson", &points(&[(114.302, 34.8, r#"{"code":"3"}"#)]));
    city
}

/// A source of a file for a layer; `more`: its `vertical` and `mode`.
fn source(file: &str, layer: &str, more: &str) -> String {
    format!("[[source]]\nid = \"{file}\"\npath = \"{file}.geojson\"\nlayer = \"{layer}\"\nkey = \"code\"\n{more}\n")
}

fn import(city: &City, sources: &[String]) -> Run {
    city.write("d.toml", &sources.concat());
    city.import(&["d.toml"])
}

/// Of a refused import, the sources that are to blame.
fn refused(run: &Run) -> Vec<&str> {
    assert_eq!(run.code, 78, "{run:?}");
    assert!(run.stderr.contains("mixed-height-datums") && run.stderr.contains("offset_m"), "{}", run.stderr);
    let sources = run.report["sources"].as_array().unwrap().iter();
    sources.filter(|s| s["failed"]["code"] == "mixed-height-datums").map(|s| s["id"].as_str().unwrap()).collect()
}

fn top_m(city: &City, layer: &str, code: &str) -> f64 {
    city.values(layer, code)[1].as_f64().unwrap()
}

const NATIONAL: &str = "vertical = \"1985\"";
const JAPAN: &str = "vertical = \"EPSG:6695\"";

#[test]
fn datums_that_nobody_converts_are_not_mixed_in_one_import() {
    let city = city();
    let (a, b) = (source("a", "posts", NATIONAL), |vertical| source("b", "masts", vertical));
    for other in [JAPAN, "vertical = \"local:吴淞\"", "crs = { vertical = \"EPSG:5705\" }"] {
        // Whichever comes first, that over another than the national datum is to blame.
        assert_eq!(refused(&import(&city, &[a.clone(), b(other)])), ["b"], "{other}");
        assert_eq!(refused(&import(&city, &[b(other), a.clone()])), ["b"], "{other}");
        assert_eq!(city.current(), None);
    }
    let run = import(&city, &[source("a", "posts", "vertical = \"local:甲\""), b("vertical = \"local:乙\"")]);
    assert_eq!(refused(&run), ["b"]);
    assert!(run.stderr.contains("`local:乙`") && run.stderr.contains("a over `local:甲`"), "{}", run.stderr);
}

#[test]
fn declared_conversions_bring_them_together() {
    let city = city();
    for (vertical, top) in [
        ("vertical = \"1956\"", 70.0 - 0.029),
        ("vertical = { datum = \"local:吴淞\", offset_m = -1.63 }", 70.0 - 1.63),
        ("vertical = { datum = \"EPSG:6695\", offset_m = 0 }", 70.0),
        ("vertical = { datum = \"ellipsoidal\", geoid = -12.5 }", 70.0 + 12.5),
        ("", 70.0),
    ] {
        let run = import(&city, &[source("a", "posts", NATIONAL), source("b", "masts", vertical)]);
        assert_eq!(run.code, 0, "{vertical}: {run:?}");
        assert_eq!(top_m(&city, "posts", "1"), 70.0);
        assert!((top_m(&city, "masts", "2") - top).abs() < 1e-9, "{vertical}: {}", top_m(&city, "masts", "2"));
    }
    // A city's own datum, by whichever of its names; and what has no heights mixes with anything.
    let own = import(
        &self::city(),
        &[source("a", "posts", JAPAN), source("b", "masts", JAPAN), source("none", "posts", NATIONAL)],
    );
    assert_eq!(own.code, 0, "{own:?}");
    assert_eq!(own.report["sources"][0]["height_datum"], "EPSG:6695");
    assert_eq!(own.report["sources"][2]["height_datum"], "");
}

#[test]
fn what_stays_in_the_store_counts() {
    let city = city();
    assert_eq!(import(&city, &[source("a", "posts", NATIONAL)]).code, 0);
    let first = city.current();
    assert_eq!(refused(&import(&city, &[source("b", "masts", JAPAN)])), ["b"]);
    assert_eq!(city.current(), first, "the store stays as it was");
    assert_eq!(import(&city, &[source("none", "masts", JAPAN)]).code, 0);
    // Records that stay beside those that are replaced by key.
    assert_eq!(refused(&import(&city, &[source("a", "posts", &format!("{JAPAN}\nmode = \"upsert\""))])), ["a"]);
    // Delivered anew as a whole, the city's heights are over another datum; then the old one is the stranger.
    assert_eq!(import(&city, &[source("a", "posts", JAPAN)]).code, 0);
    assert_eq!(import(&city, &[source("b", "masts", JAPAN)]).code, 0);
    assert_eq!(refused(&import(&city, &[source("a", "posts", NATIONAL)])), ["a"]);
}
