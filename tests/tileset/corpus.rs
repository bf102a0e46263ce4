//! The CityJSON conformance cases through the whole way: each is drawn, with the box, the areas and the volumes of its file,
//! or refused by name. Cases without objects are empty tilesets.

use super::checker::volume::{cross, dot, geocentric, length, minus};
use super::checker::{Rules, over, walk};
use super::common::declared::{self, CODE};
use super::common::shared_data;
use super::common::web::served;
use super::delivery::City;
use super::drawn::{Drawn, drawn};
use super::real::SURFACE;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

type Place = [f64; 3];

/// Metres east and north of a place: what a case's units are taken for.
const HERE: &str =
    "+proj=tmerc +lat_0=34.8 +lon_0=114.3 +k=1 +x_0=0 +y_0=0 +ellps=GRS80 +towgs84=0,0,0 +units=m +no_defs";
const ORIGIN: [f64; 2] = [114.3, 34.8];
/// Their own CRS, of Xian 1980, whose parameters are the operator's to give.
const XIAN: &str = r#"{ definition = "EPSG:2355", helmert = [0, 0, 0, 0, 0, 0, 0] }"#;

/// What a case comes to.
#[derive(Debug, PartialEq)]
enum Outcome {
    Drawn(usize),
    Refused(&'static str, u64),
    /// It has no objects.
    Empty,
}

/// Every case by what its file is named for and holds.
fn expected() -> BTreeMap<&'static str, Outcome> {
    use Outcome::{Drawn, Empty, Refused};
    // Cases about semantics and textures whose vertices stand on one line enclose nothing.
    let line = || Refused("no-footprint", 1);
    [
        ("appearance_complete", Drawn(2)),
        ("cityjson_extended", Empty),
        ("cityjson_fake_complete", Refused("outside-crs", 3)),
        ("cityjson_minimal", Empty),
        ("cityobject_all_types", Refused("null-geometry", 16)),
        ("cityobject_building_address", Refused("null-geometry", 1)),
        ("cityobject_complete", Refused("null-geometry", 2)),
        ("cityobject_extended", Refused("null-geometry", 1)),
        ("coordinates_precision_ecef", Empty),
        ("coordinates_precision_local", Empty),
        ("coordinates_precision_stateplane", Empty),
        ("coordinates_precision_utm", Empty),
        ("coordinates_precision_wgs84", Empty),
        ("coordinates_precision_worst", Empty),
        ("extension", Empty),
        ("geometry_instance", Refused("null-geometry", 1)),
        ("geometry_material_multisolid", Drawn(1)),
        ("geometry_material_multisurface", Drawn(1)),
        ("geometry_material_solid", Drawn(1)),
        ("geometry_semantics_multilinestring", Refused("null-geometry", 1)),
        ("geometry_semantics_multipoint", Refused("null-geometry", 1)),
        ("geometry_semantics_multisolid", Drawn(1)),
        ("geometry_semantics_multisurface", line()),
        ("geometry_semantics_solid", Drawn(1)),
        ("geometry_texture_multisolid", line()),
        ("geometry_texture_multisurface", line()),
        ("geometry_texture_solid", line()),
        ("metadata_complete", Empty),
        ("metadata_extra_properties", Empty),
        ("semantic_all_types", line()),
        ("semantic_complete", line()),
        ("semantic_extended", line()),
        ("vertices", Empty),
    ]
    .into()
}

/// An object of a file: least and greatest corner, area of its surfaces, volume within them.
#[derive(Debug, Default, Clone, Copy)]
struct Figures {
    low: Place,
    high: Place,
    area: f64,
    volume: f64,
}

fn measured(triangles: &[[Place; 3]]) -> Figures {
    let mut f = Figures { low: [f64::INFINITY; 3], high: [f64::NEG_INFINITY; 3], ..Figures::default() };
    for [a, b, c] in triangles {
        for p in [a, b, c] {
            f.low = [0, 1, 2].map(|i| f.low[i].min(p[i]));
            f.high = [0, 1, 2].map(|i| f.high[i].max(p[i]));
        }
        let n = cross(minus(*b, *a), minus(*c, *a));
        f.area += length(n) / 2.0;
        f.volume += dot(*a, n) / 6.0;
    }
    f
}

/// Objects of a case; its surfaces have three or four corners and no holes.
fn of_file(path: &Path) -> BTreeMap<String, Figures> {
    let doc: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let place = |i: u64| {
        let number = |v: &Value| v.as_f64().unwrap();
        let part = |key: &str, k: usize| number(&doc["transform"][key][k]);
        [0, 1, 2].map(|k| number(&doc["vertices"][i as usize][k]) * part("scale", k) + part("translate", k))
    };
    fn rings(boundaries: &Value, found: &mut Vec<Vec<u64>>) {
        let items = boundaries.as_array().unwrap();
        match items[0].is_u64() {
            true => found.push(items.iter().map(|i| i.as_u64().unwrap()).collect()),
            false => items.iter().for_each(|b| rings(b, found)),
        }
    }
    let object = |(id, object): (&String, &Value)| {
        let mut found = vec![];
        object["geometry"].as_array().unwrap().iter().for_each(|g| rings(&g["boundaries"], &mut found));
        let fan = |ring: &Vec<u64>| -> Vec<[Place; 3]> {
            ring[1..].windows(2).map(|w| [ring[0], w[0], w[1]].map(place)).collect()
        };
        (id.clone(), measured(&found.iter().flat_map(fan).collect::<Vec<_>>()))
    };
    doc["CityObjects"].as_object().unwrap().iter().map(object).collect()
}

/// Some cases are about what stands beside objects and have none; a delivery says so.
fn has_objects(path: &Path) -> bool {
    let bytes = std::fs::read(path).unwrap();
    let doc: Value = serde_json::from_str(&String::from_utf8_lossy(&bytes)).unwrap();
    doc["CityObjects"].as_object().is_none_or(|objects| !objects.is_empty())
}

/// As it is drawn, in metres east, north and up of the place.
fn of_tiles(drawn: &Drawn) -> Figures {
    let [lon, lat] = ORIGIN.map(f64::to_radians);
    let ((a, b), (c, d)) = (lon.sin_cos(), lat.sin_cos());
    let axes = [[-a, b, 0.0], [-c * b, -c * a, d], [d * b, d * a, c]];
    let from = geocentric([lon, lat, 0.0]);
    let local = |p: Place| axes.map(|axis| dot(axis, minus(p, from)));
    let faces: Vec<[Place; 3]> = drawn.faces.iter().map(|f| f.corners.map(local)).collect();
    measured(&faces)
}

#[tokio::test]
async fn every_conformance_case_is_drawn_or_refused_by_name() {
    let Some(data) = shared_data() else { return };
    let folder = data.join("4-city3d/cityjson/conformance_v2");
    let (expected, city) = (expected(), City::new());
    let source = |name: &str, file: &str, crs: &str| {
        let path = folder.join(file);
        let rows = if has_objects(&path) { "" } else { "rows = 0\n" };
        let path = path.display();
        format!(
            "[[source]]\nid = \"{name}\"\npath = \"{path}\"\nlayer = \"{name}\"\nkey = \"id\"\n\
             fields = {{ code = \"id\" }}\ncrs = {crs}\nmax_rejects = 1.0\n{rows}"
        )
    };
    let mut manifest = String::new();
    for name in expected.keys() {
        city.layer("t", name, &declared::scene(name, "polygon", SURFACE, &[CODE]));
        let own = ["metadata_complete", "cityjson_fake_complete"].contains(name);
        let crs = if own { XIAN.to_string() } else { format!("\"{HERE}\"") };
        manifest += &source(name, &format!("{name}.city.json"), &crs);
    }
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), expected.len() + 1);
    city.write("cases.toml", &manifest);
    let run = city.import(&["cases.toml"]);
    assert_eq!(run.code, 0, "{run:?}");
    let router = served(&city.store());
    let mut wrong = vec![];
    for (i, (name, outcome)) in expected.iter().enumerate() {
        let count = run.report["sources"][i]["stored"].as_u64().unwrap() as usize;
        let rejects = run.rejects(i);
        let came = match (count, rejects.first_key_value()) {
            (0, None) => Outcome::Empty,
            (0, Some((code, n))) if rejects.len() == 1 => match outcome {
                Outcome::Refused(named, _) if named == code => Outcome::Refused(named, *n),
                _ => Outcome::Refused("by another name", *n),
            },
            (n, None) => Outcome::Drawn(n),
            _ => Outcome::Refused("in part", 0),
        };
        if came != *outcome {
            wrong.push(format!("{name}: {came:?}, {rejects:?}"));
            continue;
        }
        if count == 0 {
            let path = format!("/3dtiles/{name}/tileset.json");
            let walked = walk(&path, &over(&router), Rules::House, |_| {}).await;
            assert_eq!((walked.sound().pages, walked.contents), (1, 0), "{name}");
            continue;
        }
        let (said, shown) = (of_file(&folder.join(format!("{name}.city.json"))), drawn(&router, name).await);
        assert!(said.keys().eq(shown.keys()), "{name}: {:?}", shown.keys());
        for (id, said) in &said {
            let found = of_tiles(&shown[id]);
            let near = |a: f64, b: f64| (a - b).abs() < 5e-3;
            let same = (0..3).all(|k| near(found.low[k], said.low[k]) && near(found.high[k], said.high[k]));
            // Sides of a metre: what 5 mm at each corner make of an area and a volume.
            let sizes = (found.area - said.area).abs() < 0.02 && (found.volume - said.volume).abs() < 0.01;
            if !same || !sizes {
                wrong.push(format!("{name} {id}: {found:?}, not {said:?}"));
            }
        }
    }
    // A feature of a sequence without its first line.
    city.layer("t", "alone", &declared::scene("alone", "polygon", SURFACE, &[CODE]));
    city.write("alone.toml", &source("alone", "cityjsonfeature_minimal.city.jsonl", &format!("\"{HERE}\"")));
    let run = city.import(&["alone.toml"]);
    assert_eq!((run.code, &run.report["sources"][0]["failed"]["code"]), (65, &"incomplete".into()), "{run:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
