//! Real models and pipes under a geoid that is not flat: every vertex stands at its source's height and N of its own place, as
//! PROJ's `cct` says it; the tileset names datum, model and bias, and its boxes still hold everything.

use super::checker::volume::geocentric;
use super::common::declared::{self, CODE, metres};
use super::common::shared_data;
use super::common::web::{get, served_as};
use super::delivery::City;
use super::drawn::{drawn, strays};
use super::pipes::{GAUSS_KRUGER_3, SIZE, TUBE, placed, schutterwald};
use super::real::{RD, SURFACE};
use super::sources::{Places, Vertex, cityjson, lifted, plateau, through_proj};
use super::tubes::measured;
use chengtu::serve::Options;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const BIAS_M: f64 = 0.25;

/// A geoid far steeper than the earth's over 4° × 4°: metres of it per degree.
fn steep(folder: &Path, [lon, lat]: [f64; 2]) -> PathBuf {
    let (first, step, count) = ([lon - 2.0, lat - 2.0], 0.05, 81);
    let mut bytes = vec![];
    [first[1], first[0], step, step].iter().for_each(|v: &f64| bytes.extend(v.to_be_bytes()));
    [count, count].iter().for_each(|v: &i32| bytes.extend(v.to_be_bytes()));
    for (i, j) in (0..count).flat_map(|j| (0..count).map(move |i| (i, j))) {
        let (x, y) = (f64::from(i) * step, f64::from(j) * step);
        let n = 40.0 + 30.0 * (x * 7.0).sin() + 20.0 * (y * 11.0).cos();
        bytes.extend((n as f32).to_be_bytes());
    }
    let path = folder.join(format!("steep_{lon:.0}.gtx"));
    std::fs::write(&path, bytes).unwrap();
    path
}

/// Layer, file, what else the source says; places in degrees.
fn models(data: &Path) -> Option<BTreeMap<&'static str, (String, Places)>> {
    let rotterdam = data.join("4-city3d/cityjson/rotterdam_subset.city.json");
    let bridges = data.join("4-city3d/citygml/tamana_49303414_brid_6697_op.gml.gz");
    let swapped = |all: Vec<Vertex>| all.into_iter().map(|([a, b, h], sure)| ([b, a, h], sure)).collect();
    let of_bridges = plateau(&bridges, "3").into_iter().map(|(code, all)| (code, swapped(all))).collect();
    let source = |id: &str, path: &Path, more: &str| {
        format!(
            "[[source]]\nid = \"{id}\"\npath = \"{}\"\nlayer = \"{id}\"\nkey = \"id\"\nfields = {{ code = \"id\" }}\n\
             vertical = {{ offset_m = 0 }}\n{more}\n",
            path.display()
        )
    };
    Some(BTreeMap::from([
        (
            "rotterdam",
            (source("rotterdam", &rotterdam, "crs = \"EPSG:28992+5709\""), through_proj(RD, &cityjson(&rotterdam))?),
        ),
        ("bridges", (source("bridges", &bridges, "lod = \"3\""), of_bridges)),
    ]))
}

#[tokio::test]
async fn heights_are_those_of_the_source_and_the_geoids_at_each_vertex() {
    let Some(data) = shared_data() else { return };
    let Some(models) = models(&data) else { return };
    let city = City::new();
    for id in models.keys() {
        city.layer("t", id, &declared::scene(id, "polygon", SURFACE, &[CODE]));
    }
    let tube = TUBE.replace("REFERENCE", "inner_bottom");
    city.layer("t", "gas", &declared::scene("gas", "line", &tube, &[CODE, SIZE, &metres("start"), &metres("end")]));
    let (table, straight) = schutterwald(&data, |radius_m| radius_m);
    city.write("gas.csv", &table);
    let gas = "[[source]]\nid = \"gas\"\npath = \"gas.csv\"\nlayer = \"gas\"\nkey = \"code\"\ncrs = \"EPSG:31467\"\n\
               xy = { wkt = \"wkt\" }\n";
    city.write("d.toml", &models.values().map(|(source, _)| source.as_str()).chain([gas]).collect::<String>());
    let run = city.import(&["d.toml"]);
    assert_eq!(run.code, 0, "{run:?}");

    let options = |geoid: &str| Options {
        open: true,
        workers: 2,
        geoid: Some(geoid.to_string()),
        geoid_bias_m: BIAS_M,
        ..Options::new(city.store())
    };
    let around = |places: &Places| places.values().flatten().next().map(|(p, _)| [p[0], p[1]]).unwrap();
    // EGM96 where PROJ's data are at hand; and a made one.
    let installed = chengtu::import::geoid::egm96();
    if installed.is_none() {
        eprintln!("SKIPPED: egm96_15.gtx is not installed (Debian: proj-data)");
    }
    for (id, (_, places)) in &models {
        let made = steep(&city.path(""), around(places));
        let files =
            [installed.clone().map(|path| ("egm96".to_string(), path)), Some((made.display().to_string(), made))];
        for (name, file) in files.into_iter().flatten() {
            let router = served_as(options(&name));
            let Some(lifted) = lifted(&file, BIAS_M, places) else { return };
            let n_m = |(a, b): (&Vec<Vertex>, &Vec<Vertex>)| a[0].0[2] - b[0].0[2];
            let n_m: Vec<f64> = lifted.values().zip(places.values()).map(n_m).collect();
            let found = drawn(&router, id).await;
            assert_eq!(found.len(), lifted.len(), "{id}");
            for (code, shown) in &found {
                let on_earth = |p: [f64; 3]| geocentric([p[0].to_radians(), p[1].to_radians(), p[2]]);
                let any: Vec<_> = lifted[code].iter().map(|v| on_earth(v.0)).collect();
                let sure: Vec<_> = lifted[code].iter().filter(|v| v.1).map(|v| on_earth(v.0)).collect();
                let wrong = (strays(&shown.places, &any), strays(&sure, &shown.places));
                assert_eq!(wrong, (0, 0), "{id} {code} under {name}: of {} places", shown.places.len());
            }
            // What the tileset says of it.
            let page = get(&router, &format!("/3dtiles/{id}/tileset.json")).await.json();
            let told = &page["asset"]["extras"]["heights"];
            let called = if name == "egm96" { "EGM96" } else { file.file_name().unwrap().to_str().unwrap() };
            assert_eq!((&told["geoid"], &told["bias_m"]), (&called.into(), &BIAS_M.into()), "{told}");
            assert_eq!(told["datum"], "ellipsoidal (CGCS2000)");
            let data = told["data"].as_array().unwrap();
            assert!(data.len() == 1 && data[0].as_str().unwrap().starts_with("EPSG:"), "{told}");
            let middle = told["geoid_m"].as_f64().unwrap();
            println!("{id} under {called}: N {middle:.3} m in the middle, {:?}", &n_m[..n_m.len().min(3)]);
            assert!(n_m.iter().all(|n| n.abs() > 1.0 && (n - middle).abs() < 30.0), "{middle} {n_m:?}");
        }
    }
    let Some(mut pipes) = placed(&straight, GAUSS_KRUGER_3) else { return };
    let made = steep(&city.path(""), [8.0, 48.0]);
    let lines: Places =
        pipes.iter().map(|(code, p)| (code.clone(), p.parts[0].iter().map(|p| (*p, true)).collect())).collect();
    for (code, places) in lifted(&made, BIAS_M, &lines).unwrap() {
        pipes.get_mut(&code).unwrap().parts = vec![places.into_iter().map(|(p, _)| p).collect()];
    }
    let router = served_as(options(made.to_str().unwrap()));
    let figures = measured("gas", &pipes, &drawn(&router, "gas").await);
    assert!(figures.pipes > 2500, "{figures:?}");
}
