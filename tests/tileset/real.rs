//! City models of real deliveries through the whole way: file → import → tileset → glb → faces, against the file's own
//! coordinates, which are read and brought to geocentric metres here, by PROJ's `cct` where the CRS is projected.

use super::checker::volume::geocentric;
use super::common::declared::{self, CODE};
use super::common::shared_data;
use super::common::web::served;
use super::delivery::City;
use super::drawn::{Drawn, drawn, strays};
use super::sources::{Places, Vertex, cityjson, plateau, through_proj};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// RD New to WGS84 by EPSG operation 4833, which is what an import without the Dutch grid names.
pub const RD: &str = "+proj=pipeline +step +inv +proj=sterea +lat_0=52.1561605555556 +lon_0=5.38763888888889 +k=0.9999079 \
    +x_0=155000 +y_0=463000 +ellps=bessel +step +proj=push +v_3 +step +proj=cart +ellps=bessel +step +proj=helmert \
    +x=565.4171 +y=50.3319 +z=465.5524 +rx=0.398957388243134 +ry=-0.343987817378283 +rz=1.87740163998045 +s=4.0725 \
    +convention=coordinate_frame +step +inv +proj=cart +ellps=WGS84 +step +proj=pop +v_3 +step +proj=unitconvert \
    +xy_in=rad +xy_out=deg";

/// Models as they are.
pub const SURFACE: &str = r#"{ kind = "surface", level = 3, geometric_error_m = 8 }"#;

/// Longitude, latitude, height in degrees and metres → geocentric metres.
pub fn on_earth(places: &[Vertex]) -> Vec<Vertex> {
    places.iter().map(|(p, sure)| (geocentric([p[0].to_radians(), p[1].to_radians(), p[2]]), *sure)).collect()
}

/// Both ways: every place drawn is one of the source, every place of the source is drawn.
fn agree(layer: &str, drawn: &BTreeMap<String, Drawn>, source: &Places) {
    let names = |m: BTreeSet<&String>| m.into_iter().cloned().collect::<Vec<_>>();
    assert_eq!(names(drawn.keys().collect()), names(source.keys().collect()), "{layer}: the same objects");
    let (mut wrong, mut places) = (vec![], 0);
    for (code, of) in drawn {
        let any: Vec<[f64; 3]> = source[code].iter().map(|v| v.0).collect();
        let sure: Vec<[f64; 3]> = source[code].iter().filter(|v| v.1).map(|v| v.0).collect();
        let (more, less) = (strays(&of.places, &any), strays(&sure, &of.places));
        places += source[code].len();
        if more + less > 0 {
            wrong.push(format!("{code}: {more} of {} are not in the source, {less} are lost", of.places.len()));
        }
    }
    println!("{layer}: {} objects, {places} places within 5 mm", drawn.len());
    assert!(wrong.is_empty(), "{layer}, {} objects:\n{}", wrong.len(), wrong[..wrong.len().min(9)].join("\n"));
}

/// Layer, file, what else the source says.
const SOURCES: [(&str, &str, &str); 12] = [
    ("delft", "4-city3d/cityjson/delft.city.json.gz", ""),
    ("rotterdam", "4-city3d/cityjson/rotterdam_subset.city.json", "crs = \"EPSG:28992+5709\""),
    ("hundred_json", "4-city3d/cityjson/lod2_buildings_v2.city.json", ""),
    // The file's writer took x for east although its CRS has x for north.
    ("hundred_gml", "4-city3d/citygml/lod2_buildings_v3.gml.gz", "crs = { axis = \"en\" }"),
    ("shinjuku_2", "4-city3d/citygml/shinjuku_53394517_bldg_6697_op.gml.gz", "lod = \"2\""),
    ("shinjuku_3", "4-city3d/citygml/shinjuku_53394517_bldg_CityGML3.gml.gz", "lod = \"2\""),
    ("tamana", "4-city3d/citygml/tamana_49303425_bldg_6697_op.gml.gz", "lod = \"1\""),
    ("tamana_roofs", "4-city3d/citygml/tamana_49303425_bldg_6697_op.gml.gz", "lod = \"2\""),
    ("yokosuka", "4-city3d/citygml/yokosuka_52397519_bldg_6697_op.gml.gz", "lod = \"1\""),
    ("osaka", "4-city3d/citygml/osaka_51357309_bldg_6697_op.gml.gz", "lod = \"1\""),
    ("takeshiba", "4-city3d/citygml/takeshiba_53393690_tun_6697_40_op.gml", "lod = \"1\""),
    ("bridges", "4-city3d/citygml/tamana_49303414_brid_6697_op.gml.gz", "lod = \"3\""),
];

fn imported(data: &Path, sources: &[(&str, &str, &str)]) -> City {
    let city = City::new();
    let mut manifest = String::from("id = \"real\"\n");
    for (id, path, more) in sources {
        city.layer("t", id, &declared::scene(id, "polygon", SURFACE, &[CODE]));
        let path = data.join(path);
        manifest += &format!(
            "[[source]]\nid = \"{id}\"\npath = \"{}\"\nlayer = \"{id}\"\nkey = \"id\"\nfields = {{ code = \"id\" }}\n\
             vertical = {{ offset_m = 0 }}\n{more}\n",
            path.display()
        );
    }
    city.write("real.toml", &manifest);
    let run = city.import(&["real.toml"]);
    assert_eq!(run.code, 0, "{run:?}");
    city
}

#[tokio::test]
async fn city_models_stand_where_their_files_say() {
    let Some(data) = shared_data() else { return };
    let city = imported(&data, &SOURCES);
    let router = served(&city.store());
    let mut all: BTreeMap<&str, BTreeMap<String, Drawn>> = BTreeMap::new();
    for (id, path, more) in SOURCES {
        let drawn = drawn(&router, id).await;
        let file = data.join(path);
        let places = match id {
            "delft" | "rotterdam" => through_proj(RD, &cityjson(&file)),
            _ if path.contains("_6697_") => {
                let lod = more.split('"').nth(1).unwrap();
                // Latitude first.
                let swapped = |all: Vec<Vertex>| all.into_iter().map(|([a, b, h], sure)| ([b, a, h], sure)).collect();
                Some(plateau(&file, lod).into_iter().map(|(code, all)| (code, swapped(all))).collect())
            }
            _ => None,
        };
        if let Some(places) = places {
            let source = places.iter().map(|(code, all)| (code.clone(), on_earth(all))).collect();
            agree(id, &drawn, &source);
        }
        all.insert(id, drawn);
    }
    // The same things in two formats or versions: the same places, the same faces, the same colours.
    for (a, b, least, colours) in [("hundred_json", "hundred_gml", 100, 3), ("shinjuku_2", "shinjuku_3", 1, 3)] {
        let (one, two) = (&all[a], &all[b]);
        assert_eq!((one.len(), two.len()), (least, least), "{a}");
        for ((code, x), y) in one.iter().zip(two.values()) {
            assert_eq!((strays(&x.places, &y.places), strays(&y.places, &x.places)), (0, 0), "{a} {code}");
            assert_eq!(x.triangles(), y.triangles(), "{a} {code}");
            assert_eq!(x.triangles().len(), colours, "{a} {code}: roof, wall and ground");
        }
    }
    // Six-sided prisms with a gable: 2 triangles of ground, 4 of roof, 2 × 2 and 2 × 3 of walls.
    for of in all["hundred_json"].values() {
        let mut counts: Vec<u64> = of.triangles().values().copied().collect();
        counts.sort_unstable();
        assert_eq!(counts, [2, 4, 10]);
    }
}
