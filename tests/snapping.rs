//! `snap_m` by the command itself: what of a delivery's polygons moves, what never does, and what the report says.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests say what they expect by panicking")]

mod delivery;

use delivery::City;
use std::collections::BTreeMap;

const PLOTS: &str = r#"
id = "plots"
name = { zh = "地块", en = "Plots" }
geometry = ["polygon"]
dimension = "2D"
sensitivity = "public"
serve = ["mvt"]
zoom = { min = 10, full = 15, max = 18 }
fields = [
  { name = "code", type = "text", zh = "编码", key = true },
  { name = "since", type = "date", zh = "生效日期", role = "valid_from" },
  { name = "until", type = "date", zh = "失效日期", role = "valid_to" },
]
"#;

/// Metres from a corner, as degrees.
fn at(x: f64, y: f64) -> [f64; 2] {
    [114.3 + x / 91_620.0, 34.7 + y / 110_930.0]
}

/// Code, corners in metres, further properties.
type Plot<'a> = (&'a str, &'a [[f64; 2]], &'a str);

fn plots(list: &[Plot<'_>]) -> String {
    let feature = |(code, corners, more): &Plot<'_>| {
        let ring: Vec<[f64; 2]> = corners.iter().chain(corners.first()).map(|[x, y]| at(*x, *y)).collect();
        format!(
            r#"{{"type":"Feature","geometry":{{"type":"Polygon","coordinates":[{ring:?}]}},"properties":{{"code":"{code}"{more}}}}}"#
        )
    };
    let features: Vec<String> = list.iter().map(feature).collect();
    format!(r#"{{"type":"FeatureCollection","features":[{}]}}"#, features.join(","))
}

fn source(id: &str, more: &str) -> String {
    format!("[[source]]\nid = \"{id}\"\npath = \"{id}.geojson\"\nlayer = \"plots\"\nkey = \"code\"\n{more}\n")
}

fn city() -> City {
    let city = City::new();
    city.layer("land", "plots", PLOTS);
    city
}

/// Each plot's ring.
fn rings(city: &City) -> BTreeMap<String, Vec<[f64; 2]>> {
    city.features("plots").into_iter().map(|f| (city.text("plots", &f, "code"), f.geometry.xy)).collect()
}

fn edges(ring: &[[f64; 2]]) -> Vec<([u64; 2], [u64; 2])> {
    ring.windows(2).map(|w| (w[0].map(f64::to_bits), w[1].map(f64::to_bits))).collect()
}

fn shared(a: &[[f64; 2]], b: &[[f64; 2]]) -> usize {
    let b = edges(b);
    edges(a).into_iter().filter(|(from, to)| b.contains(&(*to, *from))).count()
}

const WEST: Plot<'_> = ("west", &[[0.0, 0.0], [50.0, 0.0], [50.0, 40.0], [0.0, 40.0]], "");
/// East of it, in two: a corner 3 cm off, one that the west lacks, one 4 cm off; and 6 cm from the far east.
const SOUTH: Plot<'_> = ("south", &[[50.03, 0.0], [90.0, 0.0], [90.0, 17.0], [50.0, 17.0]], "");
const NORTH: Plot<'_> = ("north", &[[50.0, 17.0], [90.0, 17.0], [90.0, 40.0], [50.0, 39.96]], "");
const FAR: Plot<'_> = ("far", &[[90.06, 0.0], [120.0, 0.0], [120.0, 40.0], [90.06, 40.0]], "");

#[test]
fn vertices_go_to_the_neighbours_border_and_the_report_says_so() {
    let city = city();
    city.write("a.geojson", &plots(&[WEST, SOUTH, NORTH, FAR]));
    city.write("plain.toml", &source("a", ""));
    city.write("snap.toml", &source("a", "snap_m = 0.05"));
    assert_eq!(city.import(&["plain.toml"]).code, 0);
    let plain = rings(&city);
    let plain_ids = city.ids("plots");
    assert_eq!(shared(&plain["west"], &plain["south"]) + shared(&plain["west"], &plain["north"]), 0);

    let run = city.import(&["snap.toml"]);
    assert_eq!(run.code, 0, "{run:?}");
    let snapped = rings(&city);
    assert_eq!(shared(&snapped["west"], &snapped["south"]), 1);
    assert_eq!(shared(&snapped["west"], &snapped["north"]), 1);
    assert_eq!(shared(&snapped["south"], &snapped["north"]), 1, "what matched goes on matching");
    assert_eq!(snapped["far"], plain["far"], "6 cm are out of reach");
    assert_eq!(snapped["west"].len(), 6, "the corner between south and north came in");
    assert_eq!(city.ids("plots"), plain_ids, "ids are those of the keys");
    let report = &run.report["sources"][0];
    assert_eq!(report["repaired"]["snapped-vertex"], 2, "{report:#}");
    assert_eq!(report["repaired"]["inserted-vertex"], 1, "{report:#}");
    assert_eq!(report["faulty"], serde_json::Value::Null, "{report:#}");
    let finding = report["findings"][0].as_str().unwrap();
    assert!(
        finding.starts_with("plots: snapping moved 2 vertices and inserted 1; the largest move is 0.04"),
        "{finding}"
    );
    assert!(run.stdout.contains(finding), "{}", run.stdout);
}

#[test]
fn the_order_of_records_and_sources_changes_nothing() {
    let features = |first: &[Plot<'_>], second: &[Plot<'_>], manifest: String| {
        let city = city();
        city.write("a.geojson", &plots(first));
        city.write("b.geojson", &plots(second));
        city.write("d.toml", &manifest);
        let run = city.import(&["d.toml"]);
        assert_eq!(run.code, 0, "{run:?}");
        rings(&city)
    };
    let both = |ids: [&str; 2]| ids.map(|id| source(id, "snap_m = 0.05")).concat();
    let there = features(&[WEST, SOUTH], &[NORTH, FAR], both(["a", "b"]));
    let back = features(&[FAR, NORTH], &[SOUTH, WEST], both(["b", "a"]));
    assert_eq!(there, back);
    assert_eq!(shared(&there["west"], &there["north"]), 1, "neighbours of another source count");
}

#[test]
fn records_of_other_sources_stay_as_they_are() {
    let city = city();
    city.write("old.geojson", &plots(&[WEST]));
    city.write("new.geojson", &plots(&[SOUTH, NORTH]));
    city.write("old.toml", &source("old", ""));
    city.write("new.toml", &source("new", "snap_m = 0.05"));
    assert_eq!(city.import(&["old.toml"]).code, 0);
    let west = rings(&city)["west"].clone();
    // Kept from an earlier import, then delivered in the same one.
    for manifests in [vec!["new.toml"], vec!["new.toml", "old.toml"]] {
        let run = city.import(&manifests);
        assert_eq!(run.code, 0, "{run:?}");
        let now = rings(&city);
        assert_eq!(now["west"], west);
        assert!(now["south"].contains(&at(50.0, 0.0)) && now["north"].contains(&at(50.0, 40.0)));
        let left = &run.report["sources"][0]["faulty"]["not-snapped"];
        assert_eq!(left["count"], 2, "the west has no vertex between them: {}", run.report);
        assert_eq!(left["samples"][0]["row"], 1);
        assert!(left["samples"][0]["detail"].as_str().unwrap().starts_with("1 unmatched edges"), "{left}");
    }
}

#[test]
fn plots_of_different_times_are_no_neighbours() {
    let city = city();
    let old = ("old", NORTH.1, r#","until":"2020-01-01""#);
    let new = ("new", &[[50.0, 17.02], [90.0, 17.02], [90.0, 40.0], [50.0, 40.0]][..], r#","since":"2020-01-01""#);
    city.write("a.geojson", &plots(&[old, new]));
    city.write("d.toml", &source("a", "snap_m = 0.05"));
    assert_eq!(city.import(&["d.toml"]).code, 0);
    let now = rings(&city);
    let degrees = |corners: &[[f64; 2]]| corners.iter().map(|[x, y]| at(*x, *y)).collect::<Vec<_>>();
    assert_eq!((now["old"][..4].to_vec(), now["new"][..4].to_vec()), (degrees(old.1), degrees(new.1)));
}

#[test]
fn snapping_is_for_polygons_and_short_ways() {
    let city = city();
    city.write("a.geojson", &plots(&[WEST]));
    for (line, said) in [
        ("snap_m = 0", "more than 0"),
        ("snap_m = 1.5", "at most 1"),
        ("snap_m = nan", "more than 0"),
        ("snap_m = \"0.05\"", "expected f64"),
        ("geometry = \"line\"\nsnap_m = 0.05", "for polygons"),
    ] {
        city.write("d.toml", &source("a", line));
        let run = city.import(&["d.toml"]);
        let at = format!("d.toml:{}", 5 + line.lines().count());
        assert!(run.code == 78 && run.stderr.contains(said) && run.stderr.contains(&at), "{line}: {run:?}");
    }
}
