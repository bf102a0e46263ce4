//! Pipes of a real gas network as their tiles show them: each vertex of a straight pipe stands its radius off the centre
//! line that the file and the depth's reference say. Centre lines are worked out here, by PROJ's `cct`.

use super::checker::volume::{geocentric, length};
use super::common::declared::{self, CODE, metres};
use super::common::shared_data;
use super::common::web::served;
use super::delivery::City;
use super::real::{Drawn, drawn};
use super::sources::{Places, text, through_proj};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// A straight pipe: where it lies in plan, the heights of its ends' centres, its outer radius.
struct Straight {
    plan: [[f64; 2]; 2],
    /// Heights of its ends' reference.
    levels_m: [f64; 2],
    centres_m: [f64; 2],
    radius_m: f64,
}

const SIZE: &str = r#"{ name = "size", type = "text", zh = "管径" }"#;
const TUBE: &str = r#"{ kind = "tube", below_ground = true, default_mm = 200, default_cover_m = 1.0, fields = { size = "size", start = "start", end = "end" }, default_reference = "REFERENCE" }"#;

const GAUSS_KRUGER_3: &str = "+proj=pipeline +step +inv +proj=tmerc +lat_0=0 +lon_0=9 +k=1 +x_0=3500000 +y_0=0 \
    +ellps=bessel +step +proj=hgridshift +grids=BETA2007.gsb +step +proj=unitconvert +xy_in=rad +xy_out=deg";

/// A data frame of pandapipes.
fn frame(net: &Value, name: &str) -> (Vec<i64>, Vec<Vec<Value>>) {
    let inner: Value = serde_json::from_str(net["_object"][name]["_object"].as_str().unwrap()).unwrap();
    let rows = inner["data"].as_array().unwrap().iter().map(|r| r.as_array().unwrap().clone()).collect();
    (inner["index"].as_array().unwrap().iter().map(|i| i.as_i64().unwrap()).collect(), rows)
}

/// The gas network as rows of a table, elevations 1.2 m under its junctions; and as it has to be drawn.
fn schutterwald(data: &Path, lift: impl Fn(f64) -> f64) -> (String, BTreeMap<String, Straight>) {
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
        straight.insert(format!("p{id}"), Straight { plan, levels_m: levels, centres_m, radius_m: diameter_m / 2.0 });
    }
    (table, straight)
}

/// Every straight pipe that the tiles show, measured; how many there were.
fn measured(layer: &str, drawn: &BTreeMap<String, Drawn>, straight: &BTreeMap<String, Straight>, by: &str) -> usize {
    let ends = |s: &Straight| [0, 1].map(|k| ([s.plan[k][0], s.plan[k][1], 0.0], true)).to_vec();
    let plan: Places = straight.iter().map(|(code, s)| (code.clone(), ends(s))).collect();
    let Some(plan) = through_proj(by, &plan) else { return usize::MAX };
    let (mut wrong, mut count, mut covered) = (vec![], 0, 0);
    // Widths that meet, by places to the centimetre.
    let place =
        |s: &Straight, k: usize| [s.plan[k][0], s.plan[k][1], s.levels_m[k]].map(|x| (x * 100.0).round() as i64);
    let mut widths: BTreeMap<[i64; 3], Vec<u64>> = BTreeMap::new();
    for s in straight.values() {
        (0..2).for_each(|k| widths.entry(place(s, k)).or_default().push(s.radius_m.to_bits()));
    }
    // The one widest of several that meet narrows to the next.
    let steady = |s: &Straight| {
        [0, 1].iter().all(|k| {
            let met = &widths[&place(s, *k)];
            let as_wide = met.iter().filter(|w| f64::from_bits(**w) >= s.radius_m).count();
            met.len() == 1 || as_wide > 1
        })
    };
    for (code, s) in straight {
        let at = |k: usize| {
            let p = plan[code][k].0;
            geocentric([p[0].to_radians(), p[1].to_radians(), s.centres_m[k]])
        };
        let (a, b) = (at(0), at(1));
        let along = [0, 1, 2].map(|k| b[k] - a[k]);
        let long_m = length(along);
        // Shorter ones are all end; at a change of size the end is the reducer's.
        if long_m < 0.5 || !steady(s) {
            continue;
        }
        let Some(pipe) = drawn.get(code) else {
            wrong.push(format!("{code}: not drawn"));
            continue;
        };
        count += 1;
        let (mut sum, mut corners, mut off, mut beyond, mut balls) = (0.0, 0.0f64, 0.0f64, 0.0f64, false);
        for p in &pipe.places {
            let to = [0, 1, 2].map(|k| p[k] - a[k]);
            let t = (0..3).map(|k| to[k] * along[k]).sum::<f64>() / long_m;
            let far = length([0, 1, 2].map(|k| to[k] - along[k] / long_m * t));
            // A mitre reaches beyond the end, by the width at most.
            beyond = beyond.max(-t).max(t - long_m);
            // The ball over a joint that turns too sharply for a mitre.
            let end_m = length(to).min(length([0, 1, 2].map(|k| p[k] - b[k])));
            if far < s.radius_m - 5e-3 && end_m < 1.06 * s.radius_m + 5e-3 {
                balls = true;
                continue;
            }
            off = off.max((far - s.radius_m).abs());
            sum += far;
            corners += 1.0;
        }
        covered += usize::from(balls);
        let mean = sum / corners;
        // Corners are on a grid of 4 mm; over all of them the radius is true to 1 %, of thin pipes to 1 mm.
        let reach_m = 2.0 * s.radius_m + 5e-3;
        if off > 5e-3 || beyond > reach_m || (!balls && (mean - s.radius_m).abs() > (0.01 * s.radius_m).max(1e-3)) {
            wrong.push(format!(
                "{code}: {long_m:.2} m, radius {mean:.4} for {:.4}, {off:.4} m off, {beyond:.4} m beyond",
                s.radius_m
            ));
        }
    }
    println!("{layer}: {count} straight pipes of {} measured, {covered} with a ball over a joint", drawn.len());
    assert!(covered * 100 <= count.max(100), "{layer}: {covered} of {count} have something narrower at an end");
    assert!(wrong.is_empty(), "{layer}, {}:\n{}", wrong.len(), wrong[..wrong.len().min(9)].join("\n"));
    count
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
        let count = measured(id, &drawn(&router, id).await, straight, GAUSS_KRUGER_3);
        assert!(count > 2000, "{id}: {count}");
    }
}
