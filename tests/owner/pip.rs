//! Real village and county borders, imported as territories, against answers computed by GEOS: points inside, beside and
//! exactly on vertices.

use super::common::shared_data;
use super::delivery::City;
use chengtu::ownership::{Asked, Instant, Level, Ownership, Spellings};
use std::collections::BTreeSet;
use std::io::Read;

const COMMUNITY: &str = r#"
id = "villages"
name = { zh = "村界", en = "Villages" }
geometry = ["polygon"]
dimension = "2D"
sensitivity = "public"
roles = ["community"]
serve = ["mvt"]
zoom = { min = 8, full = 8, max = 12 }
generalise = { coverage = true }
fields = [{ name = "code", type = "text", zh = "代码", key = true }]
"#;

struct Case {
    p: [f64; 2],
    line: usize,
    inside: BTreeSet<String>,
    border: BTreeSet<String>,
}

fn cases(text: &str) -> Vec<Case> {
    let list = |cell: &str| cell.split('|').filter(|c| !c.is_empty()).map(str::to_string).collect();
    let case = |(i, line): (usize, &str)| {
        let cells: Vec<&str> = line.split(',').collect();
        let p = [cells[0].parse().unwrap(), cells[1].parse().unwrap()];
        Case { p, line: i + 2, inside: list(cells[3]), border: list(cells[4]) }
    };
    text.lines().skip(1).enumerate().map(case).collect()
}

/// Imports borders as communities and asks for every point. `broken` codes are polygons that import had to repair.
fn judge(data: &str, key: &str, text: &str, broken: &[&str]) {
    let Some(shared) = shared_data() else { return };
    let city = City::new().with_env("SHARED", &shared);
    city.layer("grids", "villages", COMMUNITY);
    city.write(
        "villages.toml",
        &format!("id = \"v\"\n[[source]]\npath = \"${{SHARED}}/{data}\"\ncrs = \"EPSG:4490\"\nlayer = \"villages\"\nkey = \"{key}\"\nfields = {{ code = \"{key}\" }}\nmax_rejects = 0\n"),
    );
    let run = city.import(&["villages.toml"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let own = Ownership::open(&city.snapshot()).unwrap();
    let (mut inside, mut on_border) = (0, 0);
    for case in cases(text) {
        let asked = Asked { lon: Some(case.p[0]), lat: Some(case.p[1]), ..Asked::default() };
        let q = own.parse(&asked, &Spellings::default(), Instant::now(), false).unwrap();
        let answer = own.resolve(&q);
        let code = own.territory().of(&answer.place, Level::Community).map(|c| c.code.clone());
        if case.inside.iter().chain(&case.border).any(|c| broken.contains(&c.as_str())) {
            continue;
        }
        match (&code, case.inside.is_empty(), case.border.is_empty()) {
            // One of those that GEOS names, where it names any inside.
            (Some(code), false, _) => {
                assert!(case.inside.contains(code), "line {}: {code} is not of {:?}", case.line, case.inside);
                inside += 1;
            }
            // On a border: one of its neighbours, or nobody where the other side is nobody's.
            (Some(code), true, false) => {
                assert!(case.border.contains(code), "line {}: {code} is not of {:?}", case.line, case.border);
                on_border += 1;
            }
            (None, true, _) => {}
            (found, ..) => panic!("line {}: found {found:?}, GEOS says {:?}", case.line, case.inside),
        }
    }
    assert!(inside > 1000 && on_border > 100, "{inside} inside, {on_border} on borders");
}

#[test]
fn counties_of_henan() {
    let Some(shared) = shared_data() else { return };
    let text = std::fs::read_to_string(shared.join("6-conformance/pip/pip_truth_tianditu_henan.csv")).unwrap();
    judge("2-admin-cn/tianditu_henan_districts_4490.geojson", "gb", &text, &[]);
}

#[test]
fn villages_of_northern_taiwan() {
    let Some(shared) = shared_data() else { return };
    let file = std::fs::File::open(shared.join("6-conformance/pip/pip_truth_tw_villages_north.csv.gz")).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
    // Two rings of the data cross themselves; import repairs them, GEOS was asked about them as they are.
    judge("2-admin-cn/tw_villages_north.geojson.gz", "VILLCODE", &text, &["68000130008", "63000080037"]);
}
