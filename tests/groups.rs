//! Sources that one process reads one after another, the layers of one database and small files of one folder: what becomes of
//! each does not depend on the others.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests say what they expect by panicking")]

mod common;
mod delivery;

use delivery::{City, Run};
use gdal::DriverManager;
use gdal::spatial_ref::{AxisMappingStrategy, SpatialRef};
use gdal::vector::{Feature, Geometry, LayerAccess, LayerOptions, OGRFieldType, OGRwkbGeometryType};
use serde_json::json;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const PLACES: &str = r#"
id = "places"
name = { zh = "地名", en = "Places" }
geometry = ["point"]
dimension = "2D"
sensitivity = "public"
serve = ["mvt"]
zoom = { min = 10, full = 15, max = 18 }
fields = [{ name = "code", type = "text", zh = "编码", key = true }]
"#;

/// A GeoPackage of layers with so many points each, whose `code` is the layer's name and their number.
fn geopackage(path: &Path, layers: &[(&str, u32)]) {
    let mut srs = SpatialRef::from_epsg(4490).unwrap();
    srs.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
    let mut dataset = DriverManager::get_driver_by_name("GPKG").unwrap().create_vector_only(path).unwrap();
    for (name, points) in layers {
        let ty = OGRwkbGeometryType::wkbPoint;
        let layer = dataset.create_layer(LayerOptions { name, srs: Some(&srs), ty, ..Default::default() }).unwrap();
        layer.create_defn_fields(&[("code", OGRFieldType::OFTString)]).unwrap();
        for i in 0..*points {
            let mut feature = Feature::new(layer.defn()).unwrap();
            let place = format!("POINT({} 34.8)", 114.3 + f64::from(i) * 1e-4);
            feature.set_geometry(Geometry::from_wkt(&place).unwrap()).unwrap();
            feature.set_field_string(0, &format!("{name}{i}")).unwrap();
            feature.create(&layer).unwrap();
        }
    }
}

/// One source a layer: the layer that is read, the column that is taken.
fn sources(all: &[(&str, &str)]) -> String {
    let source = |(i, (layer, column)): (usize, &(&str, &str))| {
        format!(
            "[[source]]\nid = \"s{i}\"\npath = \"all.gpkg\"\nlayer = \"places\"\ngdal_layer = \"{layer}\"\n\
             key = \"{column}\"\nfields.code = \"{column}\"\n"
        )
    };
    all.iter().enumerate().map(source).collect()
}

fn city() -> City {
    let city = City::new();
    city.layer("places", "places", PLACES);
    geopackage(&city.path("all.gpkg"), &[("a", 700), ("b", 5), ("c", 1200), ("d", 9)]);
    city
}

/// Per source what was stored, or why nothing.
fn outcomes(run: &Run) -> Vec<Result<u64, String>> {
    let sources = run.report["sources"].as_array().unwrap();
    let outcome = |s: &serde_json::Value| match s["failed"]["code"].as_str() {
        Some(code) => Err(code.to_string()),
        None => Ok(s["stored"].as_u64().unwrap()),
    };
    sources.iter().map(outcome).collect()
}

#[test]
fn all_layers_of_a_container_come_in_their_order() {
    let city = city();
    city.write("a.toml", &sources(&[("c", "code"), ("a", "code"), ("d", "code"), ("b", "code")]));
    let run = city.import(&["a.toml"]);
    assert_eq!((run.code, outcomes(&run)), (0, vec![Ok(1200), Ok(700), Ok(9), Ok(5)]), "{run:?}");
    assert_eq!(city.entry("places").count, 1914);
}

#[test]
fn a_layer_that_cannot_be_read_is_no_other_ones_fault() {
    let city = city();
    // One that is not there, which the process says; one without its column, of which nobody wants to know more.
    city.write("a.toml", &sources(&[("a", "code"), ("x", "code"), ("c", "other"), ("b", "code"), ("d", "code")]));
    let run = city.import(&["a.toml"]);
    let [a, x, c, b, d] = outcomes(&run).try_into().unwrap();
    assert_eq!((a, b, d), (Ok(700), Ok(5), Ok(9)), "{run:?}");
    assert!(x.is_err() && c == Err("missing-column".into()), "{run:?}");
    assert_ne!(run.code, 0);
}

/// A program of the readers' that runs `lines` first; `$real` stands for the program itself.
fn instead_of_readers(city: &City, lines: &str) -> std::path::PathBuf {
    let program = city.path("reader.sh");
    let text = format!("#!/bin/sh\n{lines}\nexec '$real' \"$@\"\n").replace("$real", env!("CARGO_BIN_EXE_chengtu"));
    std::fs::write(&program, text).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    program
}

/// Has the first reader die.
fn dies_once(city: &City) -> std::path::PathBuf {
    let died = city.path("died");
    instead_of_readers(city, &format!("[ -e '{0}' ] || {{ touch '{0}'; exit 3; }}", died.display()))
}

#[test]
fn when_the_process_dies_another_reads_the_rest() {
    let city = city();
    let once = dies_once(&city);
    city.write("a.toml", &sources(&[("a", "code"), ("b", "code"), ("c", "code")]));
    let city = city.with_env("CHENGTU_BIN", &once);
    let run = city.import(&["a.toml"]);
    assert_eq!(outcomes(&run), [Err("reader-died".into()), Ok(5), Ok(1200)], "{run:?}");
}

/// Small files of four formats in one folder, of so many points each, and what a manifest says of them. GDAL by itself takes the
/// last one, a sequence of one feature, for a whole GeoJSON.
fn small_files(city: &City, folder: &str) -> String {
    std::fs::create_dir_all(city.path(folder)).unwrap();
    let point = |code: &str| {
        let geometry = json!({ "type": "Point", "coordinates": [114.3, 34.8] });
        json!({ "type": "Feature", "properties": { "code": format!("{folder} {code}") }, "geometry": geometry })
    };
    let collection = json!({ "type": "FeatureCollection", "features": [point("a1"), point("a2")] });
    city.write(&format!("{folder}/a.geojson"), &collection.to_string());
    let rows = ["b1", "b2", "b3"].map(|code| format!("{folder} {code},114.31,34.8\n"));
    city.write(&format!("{folder}/b.csv"), &("code,x,y\n".to_string() + &rows.concat()));
    geopackage(&city.path(&format!("{folder}/c.gpkg")), &[(&format!("{folder} c"), 4)]);
    city.write(&format!("{folder}/d.geojsonl"), &format!("{}\n", point("d1")));
    let source = |file: &str| {
        let xy = if file == "b.csv" { "xy = { x = \"x\", y = \"y\" }\n" } else { "" };
        let path = format!("{folder}/{file}");
        format!(
            "[[source]]\npath = \"{path}\"\nid = \"{path}\"\nlayer = \"places\"\nkey = \"code\"\ncrs = \"EPSG:4490\"\n{xy}"
        )
    };
    ["a.geojson", "b.csv", "c.gpkg", "d.geojsonl"].map(source).concat()
}

#[test]
fn small_files_of_a_folder_are_read_by_one_process() {
    let city = City::new();
    city.layer("places", "places", PLACES);
    city.write("a.toml", &(small_files(&city, "one") + &small_files(&city, "two")));
    let started = city.path("started");
    let reader = instead_of_readers(&city, &format!("echo 1 >> '{}'", started.display()));
    let city = city.with_env("CHENGTU_BIN", &reader);
    let run = city.import(&["a.toml"]);
    let each = [Ok(2), Ok(3), Ok(4), Ok(1)];
    assert_eq!((run.code, outcomes(&run)), (0, [each.clone(), each].concat()), "{run:?}");
    // Nobody who reads one folder may read the other.
    assert_eq!(std::fs::read_to_string(started).unwrap().lines().count(), 2);
}

#[test]
fn the_file_at_which_a_process_died_is_named_and_no_other() {
    let city = City::new();
    city.layer("places", "places", PLACES);
    city.write("a.toml", &small_files(&city, "one"));
    // All that it has to say but the end of the last word.
    let said = city.path("said");
    let cut = format!("'$real' \"$@\" > '{0}'; head -c -10 '{0}'; exit 0", said.display());
    let reader = instead_of_readers(&city, &cut);
    let city = city.with_env("CHENGTU_BIN", &reader);
    let run = city.import(&["a.toml"]);
    assert_eq!(outcomes(&run), [Ok(2), Ok(3), Ok(4), Err("reader-died".into())], "{run:?}");
    let told = run.report["sources"][3]["failed"]["what"].as_str().unwrap();
    assert!(told.contains("one/d.geojsonl: the reading process ended inside a frame"), "{told}");
}

#[test]
fn a_later_file_that_is_damaged_is_named() {
    let city = City::new();
    city.layer("places", "places", PLACES);
    city.write("a.toml", &small_files(&city, "one"));
    std::fs::write(city.path("one/c.gpkg"), b"no database at all").unwrap();
    let run = city.import(&["a.toml"]);
    let [a, b, c, d] = outcomes(&run).try_into().unwrap();
    assert_eq!((a, b, d), (Ok(2), Ok(3), Ok(1)), "{run:?}");
    assert!(c.is_err_and(|code| code != "reader-died"), "{run:?}");
    let told = run.report["sources"][2]["failed"]["what"].as_str().unwrap();
    assert!(told.contains("c.gpkg") && !told.contains("a.geojson"), "{told}");
}

#[test]
fn a_file_that_lies_elsewhere_is_read_by_a_process_of_its_own() {
    let city = City::new();
    city.layer("places", "places", PLACES);
    city.write("a.toml", &small_files(&city, "one"));
    std::fs::create_dir(city.path("two")).unwrap();
    std::fs::rename(city.path("one/b.csv"), city.path("two/b.csv")).unwrap();
    std::os::unix::fs::symlink(city.path("two/b.csv"), city.path("one/b.csv")).unwrap();
    let started = city.path("started");
    let reader = instead_of_readers(&city, &format!("echo 1 >> '{}'", started.display()));
    let city = city.with_env("CHENGTU_BIN", &reader);
    let run = city.import(&["a.toml"]);
    assert_eq!((run.code, outcomes(&run)), (0, vec![Ok(2), Ok(3), Ok(4), Ok(1)]), "{run:?}");
    assert_eq!(std::fs::read_to_string(started).unwrap().lines().count(), 3, "before it, itself, after it");
}
