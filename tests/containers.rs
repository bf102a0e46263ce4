//! Several layers of one database, which one process reads one after another: what becomes of each does not depend on the others.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests say what they expect by panicking")]

mod common;
mod delivery;

use delivery::{City, Run};
use gdal::DriverManager;
use gdal::spatial_ref::{AxisMappingStrategy, SpatialRef};
use gdal::vector::{Feature, Geometry, LayerAccess, LayerOptions, OGRFieldType, OGRwkbGeometryType};
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

#[test]
fn when_the_process_dies_another_reads_the_rest() {
    let city = city();
    let (once, marker) = (city.path("once.sh"), city.path("died"));
    let real = env!("CARGO_BIN_EXE_chengtu");
    let text = format!("#!/bin/sh\n[ -e '{0}' ] && exec '{real}' \"$@\"\ntouch '{0}'\nexit 3\n", marker.display());
    std::fs::write(&once, text).unwrap();
    std::fs::set_permissions(&once, std::fs::Permissions::from_mode(0o755)).unwrap();
    city.write("a.toml", &sources(&[("a", "code"), ("b", "code"), ("c", "code")]));
    let city = city.with_env("CHENGTU_BIN", &once);
    let run = city.import(&["a.toml"]);
    assert_eq!(outcomes(&run), [Err("reader-died".into()), Ok(5), Ok(1200)], "{run:?}");
}
