//! PLATEAU's quality cases, each with one fault that its own report names: import tells it with the building and the level,
//! and what has a shape is in the tiles, at the file's corners.

use super::common::declared::{self, CODE};
use super::common::shared_data;
use super::common::web::served;
use super::delivery::City;
use super::drawn::{drawn, farther};
use super::real::{SURFACE, on_earth};
use super::sources::{Vertex, plateau};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A line of a case's own report.
#[derive(Debug, Default)]
struct Label {
    file: String,
    issue: String,
    /// Where it is told.
    building: Option<String>,
    lod: String,
}

/// What the checks of PLATEAU call the house's faults.
fn code(issue: &str) -> &'static str {
    match issue {
        "DuplicateConsecutivePoints" => "repeated-point",
        "TooFewPoints" => "degenerate-ring",
        "SelfIntersection" => "self-intersection",
        "NonPlanarSurface" => "not-planar",
        "InteriorRingNotContainedInExteriorRing" => "hole-outside",
        "IntersectionBetweenInteriorAndInterior" => "holes-meet",
        other => panic!("an issue called {other}"),
    }
}

/// Every case's folder with its label.
fn cases(data: &Path) -> BTreeMap<String, (PathBuf, Label)> {
    let mut all = BTreeMap::new();
    for folder in std::fs::read_dir(data.join("6-conformance/plateau_qc/02-bldg")).unwrap() {
        let folder = folder.unwrap().path();
        let tables = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path());
        let table = tables.into_iter().find(|p| p.to_string_lossy().ends_with("エラー.csv")).unwrap();
        let mut reader = csv::Reader::from_path(table).unwrap();
        let heads = reader.headers().unwrap().clone();
        let row = reader.records().next().unwrap().unwrap();
        let cell = |name: &str| {
            heads.iter().position(|h| h.trim_start_matches('\u{feff}') == name).map(|i| row[i].to_string())
        };
        let [file, issue, lod] = ["filename", "issue", "lod"].map(|name| cell(name).unwrap());
        let name = folder.file_name().unwrap().to_string_lossy().replace('-', "_").to_lowercase();
        let path = folder.join("udx/bldg").join(&file);
        all.insert(name, (path, Label { file, issue, building: cell("gml_id"), lod }));
    }
    all
}

/// Without the surfaces that were made up for the case, of degrees about 0, 0: of those that cross no one knows what is
/// inside.
fn real(corners: &[Vertex]) -> Vec<Vertex> {
    corners.iter().copied().filter(|(p, _)| p[1] > 10.0).collect()
}

#[tokio::test]
async fn every_quality_case_is_told_by_name_and_place_and_drawn() {
    let Some(data) = shared_data() else { return };
    let cases = cases(&data);
    assert_eq!(cases.len(), 15);
    // Each at the level that its fault is in.
    let city = City::new();
    let mut manifest = String::new();
    for (name, (path, label)) in &cases {
        city.layer("t", name, &declared::scene(name, "polygon", SURFACE, &[CODE]));
        manifest += &format!(
            "[[source]]\nid = \"{name}\"\npath = \"{}\"\nlayer = \"{name}\"\nkey = \"id\"\nlod = \"{}\"\n\
             fields = {{ code = \"id\" }}\nmax_rejects = 1.0\n",
            path.display(),
            label.lod
        );
    }
    city.write("cases.toml", &manifest);
    let run = city.import(&["cases.toml"]);
    assert_eq!(run.code, 0, "{run:?}");
    let router = served(&city.store());
    let mut wrong = vec![];
    for (i, (name, (path, label))) in cases.iter().enumerate() {
        let source = &run.report["sources"][i];
        let faulty = match label.issue.as_str() {
            // Nothing is left of its level, and the reason says why.
            "TooFewPoints" => &source["rejected"]["null-geometry"],
            issue => &source["faulty"][code(issue)],
        };
        let samples = faulty["samples"].as_array().cloned().unwrap_or_default();
        let place = |s: &serde_json::Value| {
            let detail = s["detail"].as_str().unwrap_or_default();
            let here = label.building.as_ref().is_none_or(|id| detail.contains(id.as_str()));
            here && detail.contains(&format!("LOD {}", label.lod)) && detail.contains("surface ")
        };
        if faulty["count"].as_u64() < Some(1) || !samples.iter().any(place) {
            wrong.push(format!("{name} ({}): {} at LOD {} is not told: {source}", label.file, label.issue, label.lod));
            continue;
        }
        let places = plateau(path, &label.lod);
        let found = drawn(&router, name).await;
        for (id, corners) in &places {
            let corners: Vec<_> = corners.iter().map(|([a, b, h], sure)| ([*b, *a, *h], *sure)).collect();
            let (sure, corners) = (on_earth(&real(&corners)), on_earth(&corners));
            let sure: Vec<_> = sure.iter().filter(|v| v.1).map(|v| v.0).collect();
            let any: Vec<_> = corners.iter().map(|v| v.0).collect();
            match found.get(id) {
                Some(shown) => {
                    // Floats have 8 mm at 200 km.
                    let near_m = if sure.len() < any.len() { 0.02 } else { 5e-3 };
                    let (more, less) = (farther(&shown.places, &any, near_m), farther(&sure, &shown.places, 5e-3));
                    if more + less > 0 {
                        wrong.push(format!("{name} {id}: {more} corners more, {less} less"));
                    }
                }
                None if label.issue == "TooFewPoints" => {}
                None => wrong.push(format!("{name} {id}: not drawn")),
            }
        }
        if found.len() > places.len() {
            wrong.push(format!("{name}: {} drawn of {}", found.len(), places.len()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    // As they are, without a level: every building is stored, and told.
    let whole = City::new();
    whole.layer("t", "all", &declared::scene("all", "polygon", SURFACE, &[CODE]));
    let source = |(name, (path, _)): (&String, &(PathBuf, Label))| {
        format!(
            "[[source]]\nid = \"{name}\"\npath = \"{}\"\nlayer = \"all\"\nkey = \"id\"\nkey_scope = \"source\"\n\
             fields = {{ code = \"id\" }}\n",
            path.display()
        )
    };
    whole.write("all.toml", &cases.iter().map(source).collect::<String>());
    let run = whole.import(&["all.toml"]);
    assert_eq!((run.code, &run.report["totals"]["rejected"]), (0, &0.into()), "{run:?}");
    for (i, (name, (_, label))) in cases.iter().enumerate() {
        let told = &run.report["sources"][i]["faulty"][code(&label.issue)]["samples"][0]["detail"];
        let told = told.as_str().unwrap_or_default();
        let here = label.building.as_ref().is_none_or(|id| told.contains(id.as_str()));
        assert!(here && told.contains(&format!("LOD {}, surface ", label.lod)), "{name}: {told}");
    }
}
