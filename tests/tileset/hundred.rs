//! A hundred houses, as CityJSON and as CityGML, each read by a parser of its own here: the tiles show each house with the
//! file's corners, volume, and surfaces of ground, walls and roof, one by one and by their areas.

use super::checker::volume::{cross, dot, length, minus};
use super::common::declared::{self, CODE};
use super::common::shared_data;
use super::common::web::served;
use super::delivery::City;
use super::drawn::{Drawn, drawn, strays};
use super::sources::{Places, between, text, through_proj};
use super::tubes::on_earth;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

type Place = [f64; 3];

/// Surfaces of a house by what they are: rings without their last corner, in the file's coordinates.
type House = Vec<(String, Vec<Place>)>;

/// Soldner Berlin to WGS84 by the operation that import names.
const SOLDNER: &str = "+proj=pipeline +step +inv +proj=cass +lat_0=52.4186482777778 +lon_0=13.6272036666667 +x_0=40000 \
    +y_0=10000 +ellps=bessel +step +proj=hgridshift +grids=BETA2007.gsb +step +proj=unitconvert +xy_in=rad +xy_out=deg";

/// Pure colours stay what they are in linear light.
const SCENE: &str = r##"{ kind = "surface", level = 3, geometric_error_m = 8, colours = { ground = "#ff0000", wall = "#00ff00", roof = "#0000ff" } }"##;
const COLOURS: [(&str, [u16; 4]); 3] =
    [("GroundSurface", [1000, 0, 0, 1000]), ("WallSurface", [0, 1000, 0, 1000]), ("RoofSurface", [0, 0, 1000, 1000])];

fn of_json(path: &Path) -> BTreeMap<String, House> {
    let doc: Value = serde_json::from_str(&text(path)).unwrap();
    let number = |v: &Value| v.as_f64().unwrap();
    let (scale, from) = (&doc["transform"]["scale"], &doc["transform"]["translate"]);
    let place = |i: &Value| {
        let v = &doc["vertices"][i.as_u64().unwrap() as usize];
        [0, 1, 2].map(|k| number(&v[k]) * number(&scale[k]) + number(&from[k]))
    };
    let house = |object: &Value| -> House {
        let solid = &object["geometry"][0];
        let semantics = &solid["semantics"];
        let shell = solid["boundaries"][0].as_array().unwrap().iter();
        let kinds = semantics["values"][0].as_array().unwrap().iter();
        let kind =
            |i: &Value| semantics["surfaces"][i.as_u64().unwrap() as usize]["type"].as_str().unwrap().to_string();
        shell.zip(kinds).map(|(s, k)| (kind(k), s[0].as_array().unwrap().iter().map(place).collect())).collect()
    };
    doc["CityObjects"].as_object().unwrap().iter().map(|(id, object)| (id.clone(), house(object))).collect()
}

fn of_gml(path: &Path) -> BTreeMap<String, House> {
    let text = text(path);
    let mut all = BTreeMap::new();
    for building in between(&text, "<bldg:Building gml:id=\"", "</bldg:Building>") {
        let mut house = vec![];
        for (kind, _) in COLOURS {
            for surface in between(building, &format!("<con:{kind} "), &format!("</con:{kind}>")) {
                for list in between(surface, "<gml:posList srsDimension=\"3\">", "</gml:posList>") {
                    let numbers: Vec<f64> = list.split_whitespace().map(|n| n.parse().unwrap()).collect();
                    let mut ring = numbers.as_chunks::<3>().0.to_vec();
                    assert_eq!(ring.pop().as_ref(), ring.first());
                    house.push((kind.to_string(), ring));
                }
            }
        }
        all.insert(building.split('"').next().unwrap().to_string(), house);
    }
    all
}

/// The same on the earth, through `cct`.
fn placed(houses: BTreeMap<String, House>) -> Option<BTreeMap<String, House>> {
    let flat = |(id, house): (&String, &House)| {
        (id.clone(), house.iter().flat_map(|(_, ring)| ring.iter().map(|p| (*p, true))).collect())
    };
    let moved: Places = through_proj(SOLDNER, &houses.iter().map(flat).collect())?;
    let whole = |(id, house): (String, House)| {
        let mut places = moved[&id].iter().map(|(p, _)| on_earth(*p));
        let surface = |(kind, ring): (String, Vec<Place>)| (kind, places.by_ref().take(ring.len()).collect());
        (id.clone(), house.into_iter().map(surface).collect())
    };
    Some(houses.into_iter().map(whole).collect())
}

/// Square to a ring, as long as its area (Newell).
fn normal(ring: &[Place]) -> Place {
    let next = ring.iter().cycle().skip(1);
    let parts = ring.iter().zip(next).map(|(a, b)| cross(minus(*a, ring[0]), minus(*b, ring[0])));
    parts.fold([0.0; 3], |sum, part| [0, 1, 2].map(|i| sum[i] + part[i] / 2.0))
}

fn volume_m3(house: &House) -> f64 {
    let from = house[0].1[0];
    house.iter().map(|(_, ring)| dot(minus(ring[0], from), normal(ring)) / 3.0).sum()
}

/// Of one colour: planes that its faces lie in, with the areas in each, ascending.
fn surfaces(house: &Drawn, colour: [u16; 4]) -> Vec<f64> {
    let mut planes: Vec<(Place, f64, f64)> = vec![];
    let from = house.places[0];
    for face in house.faces.iter().filter(|f| f.colour == colour) {
        let (square, area) = (face.normal(), length(face.normal()));
        let unit = square.map(|x| x / area);
        let along = dot(minus(face.corners[0], from), unit);
        match planes.iter_mut().find(|(n, d, _)| dot(*n, unit) > 0.9999 && (along - d).abs() < 0.02) {
            Some(plane) => plane.2 += area,
            None => planes.push((unit, along, area)),
        }
    }
    let mut areas: Vec<f64> = planes.into_iter().map(|p| p.2).collect();
    areas.sort_by(f64::total_cmp);
    areas
}

fn held(layer: &str, drawn: &BTreeMap<String, Drawn>, houses: &BTreeMap<String, House>) {
    assert!(houses.len() == 100 && drawn.keys().eq(houses.keys()), "{layer}: {:?}", drawn.keys());
    for (id, house) in houses {
        let shown = &drawn[id];
        let corners: Vec<Place> = house.iter().flat_map(|(_, ring)| ring.iter().copied()).collect();
        assert_eq!((strays(&shown.places, &corners), strays(&corners, &shown.places)), (0, 0), "{layer} {id}");
        let volumes = (shown.volume_m3(), volume_m3(house));
        assert!(volumes.1 > 1.0 && (volumes.0 / volumes.1 - 1.0).abs() < 2e-3, "{layer} {id}: {volumes:?}");
        for (kind, colour) in COLOURS {
            let of_kind = house.iter().filter(|(k, _)| k == kind);
            let mut said: Vec<f64> = of_kind.map(|(_, ring)| length(normal(ring))).collect();
            said.sort_by(f64::total_cmp);
            let found = surfaces(shown, colour);
            let near = |(a, b): (&f64, &f64)| (a - b).abs() < 0.01 + 2e-3 * b;
            assert!(
                found.len() == said.len() && found.iter().zip(&said).all(near),
                "{layer} {id} {kind}: {found:?} {said:?}"
            );
        }
        assert_eq!(shown.areas().len(), COLOURS.len(), "{layer} {id}");
    }
}

#[tokio::test]
async fn a_hundred_houses_are_those_of_their_files() {
    let Some(data) = shared_data() else { return };
    let city = City::new();
    let files = [
        ("json", "4-city3d/cityjson/lod2_buildings_v2.city.json", ""),
        // The file's writer took x for east although its CRS has x for north.
        ("gml", "4-city3d/citygml/lod2_buildings_v3.gml.gz", "crs = { axis = \"en\" }"),
    ];
    let mut manifest = String::new();
    for (id, path, more) in files {
        city.layer("t", id, &declared::scene(id, "polygon", SCENE, &[CODE]));
        let path = data.join(path).display().to_string();
        manifest += &format!(
            "[[source]]\nid = \"{id}\"\npath = \"{path}\"\nlayer = \"{id}\"\nkey = \"id\"\nfields = {{ code = \"id\" }}\n{more}\n"
        );
    }
    city.write("houses.toml", &manifest);
    let run = city.import(&["houses.toml"]);
    assert_eq!(run.code, 0, "{run:?}");
    let router = served(&city.store());
    for (id, path, _) in files {
        let read = if id == "json" { of_json(&data.join(path)) } else { of_gml(&data.join(path)) };
        let Some(houses) = placed(read) else { return };
        held(id, &drawn(&router, id).await, &houses);
    }
}
