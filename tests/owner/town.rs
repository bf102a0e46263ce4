//! A small town through `chengtu import`: district, street, two communities, four unit grids, covers, an area, a register.

use super::delivery::City;
use std::path::Path;

/// Corner of the town; cells of 0.001°.
pub fn at(x: f64, y: f64) -> [f64; 2] {
    [114.3 + x * 0.001, 34.7 + y * 0.001]
}

fn square(x: f64, y: f64, width: f64, height: f64, properties: &str) -> String {
    let corners = [[x, y], [x + width, y], [x + width, y + height], [x, y + height], [x, y]];
    let ring: Vec<String> = corners.iter().map(|c| format!("{:?}", at(c[0], c[1]))).collect();
    feature("Polygon", &format!("[[{}]]", ring.join(",")), properties)
}

/// A cell with a hole in it, outside of all communities.
fn ring_around_a_court() -> String {
    let ring = |x: f64, y: f64, s: f64| {
        let corners = [[x, y], [x + s, y], [x + s, y + s], [x, y + s], [x, y]];
        let text: Vec<String> = corners.iter().map(|c| format!("{:?}", at(c[0], c[1]))).collect();
        format!("[{}]", text.join(","))
    };
    let properties = r#""unit_grid_code":"410202001002012","community_code":"410202001002""#;
    feature("Polygon", &format!("[{},{}]", ring(4.3, 0.0, 1.0), ring(4.5, 0.5, 0.2)), properties)
}

fn feature(kind: &str, coordinates: &str, properties: &str) -> String {
    format!(
        r#"{{"type":"Feature","geometry":{{"type":"{kind}","coordinates":{coordinates}}},"properties":{{{properties}}}}}"#
    )
}

fn collection(features: &[String]) -> String {
    format!(r#"{{"type":"FeatureCollection","features":[{}]}}"#, features.join(","))
}

/// Imported; what is wrong in the data is wrong on purpose.
pub fn town() -> City {
    let city = City::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    city.copy_layers(&root.join("layers"));
    city.write(
        "district.geojson",
        &collection(&[square(0.0, 0.0, 4.0, 2.0, r#""code":"410202","name_zh":"龙亭区","org_code":"D1""#)]),
    );
    city.write(
        "street.geojson",
        &collection(&[square(
            0.0,
            0.0,
            4.0,
            2.0,
            r#""code":"410202001","name_zh":"北书店街道","parent_code":"410202","org_code":"S1""#,
        )]),
    );
    let community = |x, code, name| {
        square(x, 0.0, 2.0, 2.0, &format!(r#""code":"{code}","name_zh":"{name}","parent_code":"410202001""#))
    };
    city.write(
        "community.geojson",
        &collection(&[community(0.0, "410202001001", "西社区"), community(2.0, "410202001002", "东社区")]),
    );
    let grid = |x: f64, n: u32, community: &str, org: &str| {
        square(
            x,
            0.0,
            1.0,
            2.0,
            &format!(r#""unit_grid_code":"{community}{n:03}","community_code":"{community}"{org}"#),
        )
    };
    city.write(
        "grid.geojson",
        &collection(&[
            grid(0.0, 1, "410202001001", ""),
            grid(1.0, 2, "410202001001", r#","responsible_org_code":"P1""#),
            grid(2.0, 1, "410202001002", ""),
            grid(3.0, 2, "410202001002", ""),
            // A yard that was drawn twice, two metres square, and says it is in the other community.
            square(3.5, 1.5, 0.02, 0.02, r#""unit_grid_code":"410202001001009","community_code":"410202001001""#),
            // Two flats east of the town, around a court that nobody drew.
            square(4.0, 0.0, 0.3, 1.0, r#""unit_grid_code":"410202001002011","community_code":"410202001002""#),
            ring_around_a_court(),
        ]),
    );
    let cover = |p: [f64; 2], code: &str, more: &str| {
        feature(
            "Point",
            &format!("{p:?}"),
            &format!(r#""component_id":"{code}","class_code":"0101","state":"完好"{more}"#),
        )
    };
    city.write(
        "covers.geojson",
        &collection(&[
            cover(
                at(0.5, 0.5),
                "4102020101000001",
                r#","owner_org_code":"W1","unit_grid_code":"410202001001001","init_date":"2021-01-01""#,
            ),
            cover(at(2.5, 0.5), "4102020101000002", r#","owner_org_code":"X9","unit_grid_code":"410202001001001""#),
        ]),
    );
    city.write("organisations.csv", "code,name,kind,contact,phone\nD1,龙亭区政府,政府,,\nS1,北书店街道办事处,街道,王小明,0371-22223333\nP1,园林处,事业单位,,\nW1,供水公司,企业,李四,0371-55556666\n");
    std::fs::copy(root.join("data/case-classes-gbt47678-5.csv"), city.path("new.csv")).unwrap();
    std::fs::copy(root.join("data/component-classes.csv"), city.path("old.csv")).unwrap();
    std::fs::copy(root.join("data/crosswalk-cjt214-to-gbt47678-5.csv"), city.path("walk.csv")).unwrap();
    city.write("roles.csv", &roles(&root.join("data/case-classes-gbt47678-5.csv")));
    city.write("town.toml", MANIFEST);
    let run = city.import(&["town.toml"]);
    assert_eq!(run.code, 0, "{}\n{}", run.stderr, run.stdout);
    judged(&run.report["ownership"]);
    city
}

/// The import says what is wrong with the data, and refuses nothing for it.
fn judged(notes: &serde_json::Value) {
    let found: Vec<(&str, &str, u64)> = notes
        .as_array()
        .unwrap()
        .iter()
        .map(|n| (n["code"].as_str().unwrap(), n["of"].as_str().unwrap(), n["count"].as_u64().unwrap()))
        .collect();
    let expected = [
        ("gap", "unit_grid", 1),
        ("hierarchy-mismatch", "unit_grid", 1),
        ("overlap", "unit_grid", 1),
        ("stored-grid-mismatch", "cp_manhole_water_drain", 1),
        ("unknown-organisation", "cp_manhole_water_drain", 1),
        // The flat is lower than the cell beside it: its corner is not in that cell's side.
        ("unmatched-edge", "unit_grid", 2),
    ];
    assert_eq!(found, expected, "{notes:#}");
}

/// Every role that a class names, held by the district.
fn roles(classes: &Path) -> String {
    let mut reader = csv::Reader::from_path(classes).unwrap();
    let column = reader.headers().unwrap().iter().position(|c| c == "role").unwrap();
    let roles: std::collections::BTreeSet<String> =
        reader.records().map(|r| r.unwrap()[column].to_string()).filter(|r| !r.is_empty()).collect();
    let rows: Vec<String> = roles.iter().map(|r| format!("{r},410202,D1\n")).collect();
    format!("role,territory,organisation\n{}", rows.concat())
}

const MANIFEST: &str = r#"
id = "town"
[register]
city = "410200"
component_scheme = "cjt214-2007"
organisations = { path = "organisations.csv" }
roles = { path = "roles.csv" }
[[register.scheme]]
id = "cjt214-2007"
default_policy = "OWNER_THEN_TERRITORY"
classes = { path = "old.csv", columns = { name = "name_zh" }, values = { kind = "component" } }
[[register.scheme]]
id = "gbt47678.5-2026"
default_policy = "OWNER_THEN_TERRITORY"
classes = { path = "new.csv", columns = { name = "name_zh", component = "linked_component_code" } }
[[register.crosswalk]]
from = "cjt214-2007"
to = "gbt47678.5-2026"
rows = { path = "walk.csv", columns = { code = "code_cjt214", to = "codes_gbt47678_5" }, values = { kind = "component" } }
[[source]]
path = "district.geojson"
layer = "gr_district"
key = "code"
[[source]]
path = "street.geojson"
layer = "gr_street"
key = "code"
[[source]]
path = "community.geojson"
layer = "gr_community"
key = "code"
[[source]]
path = "grid.geojson"
layer = "gr_unit_grid"
key = "unit_grid_code"
[[source]]
path = "covers.geojson"
layer = "cp_manhole_water_drain"
key = "component_id"
"#;
