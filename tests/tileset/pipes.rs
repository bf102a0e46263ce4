//! Pipes of a real gas network as their tiles show them, against the centre lines that the file and the reference of its
//! elevations say: these are worked out here, by PROJ's `cct`.

use super::common::declared::{self, CODE, metres};
use super::common::shared_data;
use super::common::web::served;
use super::delivery::City;
use super::drawn::drawn;
use super::sources::{Places, Vertex, text, through_proj};
use super::tubes::{Pipe, measured};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// A straight pipe: where it lies in plan, the heights of its ends' centres, its outer radius.
pub struct Straight {
    plan: [[f64; 2]; 2],
    centres_m: [f64; 2],
    radius_m: f64,
}

pub const SIZE: &str = r#"{ name = "size", type = "text", zh = "管径" }"#;
pub const TUBE: &str = r#"{ kind = "tube", below_ground = true, default_mm = 200, default_cover_m = 1.0, fields = { size = "size", start = "start", end = "end" }, default_reference = "REFERENCE" }"#;

pub const GAUSS_KRUGER_3: &str = "+proj=pipeline +step +inv +proj=tmerc +lat_0=0 +lon_0=9 +k=1 +x_0=3500000 +y_0=0 \
    +ellps=bessel +step +proj=hgridshift +grids=BETA2007.gsb +step +proj=unitconvert +xy_in=rad +xy_out=deg";

/// A data frame of pandapipes.
fn frame(net: &Value, name: &str) -> (Vec<i64>, Vec<Vec<Value>>) {
    let inner: Value = serde_json::from_str(net["_object"][name]["_object"].as_str().unwrap()).unwrap();
    let rows = inner["data"].as_array().unwrap().iter().map(|r| r.as_array().unwrap().clone()).collect();
    (inner["index"].as_array().unwrap().iter().map(|i| i.as_i64().unwrap()).collect(), rows)
}

/// The gas network as rows of a table, elevations 1.2 m under its junctions; and as it has to be drawn.
pub fn schutterwald(data: &Path, lift: impl Fn(f64) -> f64) -> (String, BTreeMap<String, Straight>) {
    let net: Value = serde_json::from_str(&text(&data.join("3-pipes/gas/gas_net_schutterwald_1bar.json.gz"))).unwrap();
    let (index, junctions) = frame(&net, "junction");
    let (geo_index, places) = frame(&net, "junction_geodata");
    let number = |v: &Value| v.as_f64().unwrap();
    let heights: BTreeMap<i64, f64> = index.into_iter().zip(junctions.iter().map(|r| number(&r[3]))).collect();
    let at: BTreeMap<i64, [f64; 2]> =
        geo_index.into_iter().zip(places.iter().map(|r| [number(&r[0]), number(&r[1])])).collect();
    let (pipes, rows) = frame(&net, "pipe");
    let mut table = String::from("code,size,start,end,wkt\n");
    let mut straight = BTreeMap::new();
    for (id, row) in pipes.iter().zip(&rows) {
        let ends = [row[1].as_i64().unwrap(), row[2].as_i64().unwrap()];
        let (plan, diameter_m) = (ends.map(|j| at[&j]), number(&row[5]));
        let levels = ends.map(|j| heights[&j] - 1.2);
        let [a, b] = plan;
        table += &format!(
            "p{id},{},{},{},\"LINESTRING ({} {}, {} {})\"\n",
            diameter_m * 1000.0,
            levels[0],
            levels[1],
            a[0],
            a[1],
            b[0],
            b[1]
        );
        let centres_m = levels.map(|h| h + lift(diameter_m / 2.0));
        straight.insert(format!("p{id}"), Straight { plan, centres_m, radius_m: diameter_m / 2.0 });
    }
    (table, straight)
}

/// On the earth: plan by `cct`, heights of the centres.
pub fn placed(straight: &BTreeMap<String, Straight>, by: &str) -> Option<BTreeMap<String, Pipe>> {
    let ends = |s: &Straight| [0, 1].map(|k| ([s.plan[k][0], s.plan[k][1], s.centres_m[k]], true)).to_vec();
    let plan: Places = straight.iter().map(|(code, s)| (code.clone(), ends(s))).collect();
    let pipe = |(code, places): (String, Vec<Vertex>)| {
        let parts = vec![places.into_iter().map(|(p, _)| p).collect()];
        let radius_m = straight[&code].radius_m;
        (code, Pipe { parts, radius_m })
    };
    Some(through_proj(by, &plan)?.into_iter().map(pipe).collect())
}

#[tokio::test]
async fn pipes_have_their_width_about_the_line_of_their_reference() {
    let Some(data) = shared_data() else { return };
    let city = City::new();
    let tube = |reference: &str| TUBE.replace("REFERENCE", reference);
    for (id, reference) in [("tops", "outer_top"), ("inverts", "inner_bottom")] {
        let fields = [CODE, SIZE, &metres("start"), &metres("end")];
        city.layer("t", id, &declared::scene(id, "line", &tube(reference), &fields));
    }
    let (table, tops) = schutterwald(&data, |radius_m| -radius_m);
    let (_, inverts) = schutterwald(&data, |radius_m| radius_m);
    city.write("gas.csv", &table);
    let own = "crs = \"EPSG:31467\"\nxy = { wkt = \"wkt\" }\nkey = \"code\"\n";
    city.write(
        "pipes.toml",
        &format!(
            "id = \"pipes\"\n\
             [[source]]\nid = \"tops\"\npath = \"gas.csv\"\nlayer = \"tops\"\n{own}\n\
             [[source]]\nid = \"inverts\"\npath = \"gas.csv\"\nlayer = \"inverts\"\n{own}\n"
        ),
    );
    let run = city.import(&["pipes.toml"]);
    assert_eq!(run.code, 0, "{run:?}");
    let router = served(&city.store());
    for (id, straight) in [("tops", &tops), ("inverts", &inverts)] {
        let Some(pipes) = placed(straight, GAUSS_KRUGER_3) else { return };
        let figures = measured(id, &pipes, &drawn(&router, id).await);
        assert!(figures.pipes > 2500 && figures.joints * 20 < figures.vertices, "{id}: {figures:?}");
    }
}
