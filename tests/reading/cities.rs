//! City models: real CityJSON, every conformance case, made ones with known places, and broken ones by their codes.

use super::*;
use chengtu::feature::{Model, Role, Tier};

fn city(path: PathBuf, scratch: &Path) -> Got {
    child(&job(path, Format::Cityjson, scratch))
}

fn models(got: &Got) -> Vec<&Model> {
    got.records.iter().filter_map(|r| r.model.as_ref()).collect()
}

/// Column → value of a record.
fn value<'a>(got: &'a Got, row: usize, column: &str) -> &'a Raw {
    let at = got.opened.columns.iter().position(|c| c == column).expect("the column");
    &got.records[row].values[at]
}

fn faults(got: &Got) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    for f in got.records.iter().flat_map(|r| &r.faults) {
        *found.entry(f.code.clone()).or_default() += 1;
    }
    found
}

/// Every model stands on its outline, to a centimetre.
fn stand(got: &Got) {
    for r in &got.records {
        let (Some(model), Ok(outline)) = (&r.model, &r.geometry) else { continue };
        let [low, high] = model.bounds();
        let b = outline.bbox();
        let slack = 1e-7;
        assert!(b.min_x > low[0] - slack && b.max_x < high[0] + slack, "row {}", r.row);
        assert!(b.min_y > low[1] - slack && b.max_y < high[1] + slack, "row {}", r.row);
        assert_eq!(outline.z.len(), outline.xy.len());
    }
}

#[test]
fn delft_is_read_whole() {
    let (Some(data), scratch) = (data(), tempfile::tempdir().unwrap()) else { return };
    let got = city(data.join("4-city3d/cityjson/delft.city.json.gz"), scratch.path());
    assert_eq!((got.opened.declared, got.records.len()), (Some(570), 570), "{:?}", got.failed);
    assert!(got.opened.crs.contains("28992") && got.opened.vertical.contains("5709"), "{:?}", got.opened);
    assert_eq!(codes(&got), BTreeMap::new());
    let kinds: Vec<&Raw> = (0..570).map(|i| value(&got, i, "type")).collect();
    assert_eq!(kinds.iter().filter(|k| ***k == Raw::Text("Building".into())).count(), 160);
    assert_eq!(models(&got).len(), 570);
    stand(&got);
    // The old church stands in Delft.
    let b = got.done.as_ref().unwrap().bounds.unwrap();
    assert!(b.min_x > 4.34 && b.max_x < 4.37 && b.min_y > 52.0 && b.max_y < 52.03, "{b:?}");
    let solid = models(&got).into_iter().find(|m| m.lods[0].shells[0].closed).unwrap();
    assert_eq!(solid.lods[0].tier, Tier { level: 1, refined: None });
}

#[test]
fn rotterdam_has_roofs_walls_and_grounds() {
    let (Some(data), scratch) = (data(), tempfile::tempdir().unwrap()) else { return };
    let path = data.join("4-city3d/cityjson/rotterdam_subset.city.json");
    // The file has no CRS: an error that says what to do; by its plain name too.
    let copy = scratch.path().join("plain.json");
    std::fs::copy(&path, &copy).unwrap();
    assert_eq!(failed(&city(path.clone(), scratch.path())), "unknown-crs");
    let mut j = job(copy, Format::Geojson, scratch.path());
    j.crs = epsg("EPSG:28992+5709");
    let got = child(&j);
    assert_eq!((got.records.len(), codes(&got)), (16, BTreeMap::new()), "{:?}", got.failed);
    stand(&got);
    let mut roles: BTreeMap<Role, u64> = BTreeMap::new();
    for m in models(&got) {
        m.lods.iter().flat_map(|l| l.walk()).for_each(|s| *roles.entry(s.role).or_default() += 1);
    }
    assert_eq!(roles.keys().copied().collect::<Vec<_>>(), [Role::Roof, Role::Wall, Role::Ground]);
    let findings = got.done.unwrap().findings;
    for told in ["16 geometries have textures", "74 images are not beside the file"] {
        assert!(findings.iter().any(|f| f.contains(told)), "{told}: {findings:?}");
    }
    j.lods = vec!["3".into()];
    assert_eq!(codes(&child(&j)), BTreeMap::from([("other-lod".into(), 16)]));
}

#[test]
fn a_feature_of_a_sequence_needs_its_first_line() {
    let (Some(data), scratch) = (data(), tempfile::tempdir().unwrap()) else { return };
    let path = data.join("4-city3d/cityjson/3dbag_feature_x71.city.jsonl");
    let got = city(path.clone(), scratch.path());
    assert_eq!(failed(&got), "incomplete");
    assert!(got.failed.unwrap().what.contains("transform"));
    let first = r#"{"type":"CityJSON","version":"1.1","transform":{"scale":[0.001,0.001,0.001],"translate":[171800.0,472700.0,0.0]},"metadata":{"referenceSystem":"https://www.opengis.net/def/crs/EPSG/0/7415"},"CityObjects":{},"vertices":[]}"#;
    let whole = scratch.path().join("whole.city.jsonl");
    std::fs::write(&whole, format!("{first}\n\n{}", std::fs::read_to_string(path).unwrap())).unwrap();
    let got = city(whole.clone(), scratch.path());
    assert_eq!((got.records.len(), codes(&got)), (1, BTreeMap::new()), "{:?}", got.failed);
    stand(&got);
    let tiers: Vec<String> = models(&got)[0].lods.iter().map(|l| l.tier.to_string()).collect();
    assert_eq!(tiers, ["1.2", "1.3", "2.2"]);
    assert_eq!((got.records[0].row, value(&got, 0, "lod")), (3, &Raw::Text("2.2".into())));
    let mut j = job(whole, Format::Cityjson, scratch.path());
    for (lod, left) in [("2", 1), ("1", 2), ("1.3", 1)] {
        j.lods = vec![lod.into()];
        assert_eq!(models(&child(&j))[0].lods.len(), left, "{lod}");
    }
}

#[test]
fn a_hundred_buildings_have_their_prisms_and_roofs() {
    let (Some(data), scratch) = (data(), tempfile::tempdir().unwrap()) else { return };
    let got = city(data.join("4-city3d/cityjson/lod2_buildings_v2.city.json"), scratch.path());
    assert_eq!((got.records.len(), codes(&got)), (100, BTreeMap::new()), "{:?}", got.failed);
    stand(&got);
    for m in models(&got) {
        let roles: Vec<Role> = m.lods[0].walk().map(|s| s.role).collect();
        assert_eq!((m.lods.len(), m.positions.len(), m.lods[0].shells.len()), (1, 10, 1));
        let count = |role| roles.iter().filter(|r| **r == role).count();
        assert_eq!((count(Role::Ground), count(Role::Roof), count(Role::Wall)), (1, 2, 4));
    }
}

/// Name, records, models, and the codes of what is refused.
type Case = (&'static str, usize, usize, Vec<(&'static str, u64)>);

/// What each of the 34 conformance cases comes to: records, models, and the codes of what is refused.
#[test]
fn every_conformance_case_has_its_outcome() {
    let (Some(data), scratch) = (data(), tempfile::tempdir().unwrap()) else { return };
    let null = |n: u64| vec![("null-geometry", n)];
    // Cases about semantics and textures whose vertices stand on one line enclose nothing.
    let line = || vec![("no-footprint", 1)];
    let expected: &[Case] = &[
        ("appearance_complete", 2, 2, vec![]),
        ("cityjson_extended", 0, 0, vec![]),
        ("cityjson_fake_complete", 3, 0, vec![("outside-crs", 3)]),
        ("cityjson_minimal", 0, 0, vec![]),
        ("cityobject_all_types", 16, 0, null(16)),
        ("cityobject_building_address", 1, 0, null(1)),
        ("cityobject_complete", 2, 0, null(2)),
        ("cityobject_extended", 1, 0, null(1)),
        ("coordinates_precision_ecef", 0, 0, vec![]),
        ("coordinates_precision_local", 0, 0, vec![]),
        ("coordinates_precision_stateplane", 0, 0, vec![]),
        ("coordinates_precision_utm", 0, 0, vec![]),
        ("coordinates_precision_wgs84", 0, 0, vec![]),
        ("coordinates_precision_worst", 0, 0, vec![]),
        ("extension", 0, 0, vec![]),
        ("geometry_instance", 1, 0, null(1)),
        ("geometry_material_multisolid", 1, 1, vec![]),
        ("geometry_material_multisurface", 1, 1, vec![]),
        ("geometry_material_solid", 1, 1, vec![]),
        ("geometry_semantics_multilinestring", 1, 0, null(1)),
        ("geometry_semantics_multipoint", 1, 0, null(1)),
        ("geometry_semantics_multisolid", 1, 1, vec![]),
        ("geometry_semantics_multisurface", 1, 0, line()),
        ("geometry_semantics_solid", 1, 1, vec![]),
        ("geometry_texture_multisolid", 1, 0, line()),
        ("geometry_texture_multisurface", 1, 0, line()),
        ("geometry_texture_solid", 1, 0, line()),
        ("metadata_complete", 0, 0, vec![]),
        ("metadata_extra_properties", 0, 0, vec![]),
        ("semantic_all_types", 1, 0, line()),
        ("semantic_complete", 1, 0, line()),
        ("semantic_extended", 1, 0, line()),
        ("vertices", 0, 0, vec![]),
    ];
    let folder = data.join("4-city3d/cityjson/conformance_v2");
    let mut wrong = vec![];
    for (name, records, with_model, refused) in expected {
        let mut j = job(folder.join(format!("{name}.city.json")), Format::Cityjson, scratch.path());
        // Degrees are what a few units about 0, 0 can be.
        j.crs.definition = Some("EPSG:4490".into());
        if ["metadata_complete", "cityjson_fake_complete"].contains(name) {
            // Their CRS is of Xian 1980, whose parameters are the operator's to give.
            j.crs.definition = Some("EPSG:2355".into());
            j.crs.helmert = Some([0.0; 7]);
        }
        let got = child(&j);
        let refused: BTreeMap<String, u64> = refused.iter().map(|(c, n)| (c.to_string(), *n)).collect();
        let found = (got.records.len(), models(&got).len(), codes(&got));
        if got.failed.is_some() || found != (*records, *with_model, refused) {
            wrong.push(format!(
                "{name}: {found:?} {:?} {:?}",
                got.failed,
                got.records.iter().map(|r| &r.geometry).collect::<Vec<_>>()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let line = child(&job(folder.join("cityjsonfeature_minimal.city.jsonl"), Format::Cityjson, scratch.path()));
    assert_eq!(failed(&line), "incomplete");
    let files = std::fs::read_dir(folder).unwrap().count();
    assert_eq!(files, expected.len() + 1);
}

/// A document with these objects; vertices are the corners of a cube of 10 m at Kaifeng, in centimetres.
fn document(objects: &str, more: &str) -> String {
    let corners: Vec<String> =
        (0..8).map(|i| format!("[{},{},{}]", i % 2 * 1000, i / 2 % 2 * 1000, i / 4 * 1000)).collect();
    format!(
        r#"{{"type":"CityJSON","version":"2.0","transform":{{"scale":[0.01,0.01,0.01],"translate":[527000.0,3852000.0,70.0]}},
        "metadata":{{"referenceSystem":"https://www.opengis.net/def/crs/EPSG/0/4547"}},{more}
        "CityObjects":{{{objects}}},"vertices":[{}]}}"#,
        corners.join(",")
    )
}

/// Seen from outside: bottom, top, south, north, west, east.
const CUBE: &str = "[[[0,2,3,1]],[[4,5,7,6]],[[0,1,5,4]],[[3,2,6,7]],[[2,0,4,6]],[[1,3,7,5]]]";

fn solid(lod: &str, boundaries: &str) -> String {
    format!(r#"{{"type":"Solid","lod":"{lod}","boundaries":[{boundaries}]}}"#)
}

fn written(text: &str, scratch: &Path) -> ReadJob {
    let path = scratch.join("made.city.json");
    std::fs::write(&path, text).unwrap();
    job(path, Format::Cityjson, scratch)
}

#[test]
fn parts_are_merged_and_rooms_left_out() {
    let scratch = tempfile::tempdir().unwrap();
    let half = solid("2", "[[[0,2,3,1]],[[4,5,7,6]]]");
    let objects = format!(
        r#""b":{{"type":"Building","attributes":{{"名称":"楼","deep":{{"a":[1]}},"n":3,"yes":true}},"children":["p","q","r","gone"]}},
        "p":{{"type":"BuildingPart","parents":["b"],"geometry":[{}]}},"q":{{"type":"BuildingInstallation","parents":["b"],"geometry":[{half}]}},
        "r":{{"type":"BuildingRoom","parents":["b"],"geometry":[{half}]}}"#,
        solid("2", CUBE)
    );
    let got = child(&written(&document(&objects, ""), scratch.path()));
    assert_eq!(
        (got.opened.declared, got.records.len(), codes(&got)),
        (Some(1), 1, BTreeMap::new()),
        "{:?}",
        got.failed
    );
    let m = models(&got)[0];
    assert_eq!((m.positions.len(), m.lods[0].surfaces.len(), m.lods[0].shells.len()), (8, 8, 2));
    assert_eq!(faults(&got), BTreeMap::from([("missing-part".into(), 1), ("not-closed".into(), 1)]));
    assert!(got.done.as_ref().unwrap().findings.iter().any(|f| f.starts_with("1 rooms")));
    for (column, expected) in [
        ("id", Raw::Text("b".into())),
        ("type", Raw::Text("Building".into())),
        ("height", Raw::Float(10.0)),
        ("名称", Raw::Text("楼".into())),
        ("deep", Raw::Text("{\"a\":[1]}".into())),
        ("n", Raw::Int(3)),
        ("yes", Raw::Bool(true)),
    ] {
        assert_eq!(value(&got, 0, column), &expected, "{column}");
    }
    // The cube's bottom, wherever the parts are.
    let outline = got.records[0].geometry.as_ref().unwrap();
    assert_eq!((outline.xy.len(), outline.z[0]), (5, 70.0));
    assert!((m.bounds()[1][2] - 80.0).abs() < 1e-9);
}

#[test]
fn broken_objects_are_refused_by_name() {
    let scratch = tempfile::tempdir().unwrap();
    let wall = r#"{"type":"MultiSurface","lod":"2","boundaries":[[[0,1,5,4]]]}"#;
    let objects = format!(
        r#""good":{{"type":"Building","geometry":[{}]}},"index":{{"type":"Building","geometry":[{}]}},
        "shape":{{"type":"Building","geometry":[{{"type":"Solid","lod":"2","boundaries":[[0]]}}]}},
        "empty":{{"type":"Building"}},"wall":{{"type":"Building","geometry":[{wall}]}},
        "json":{{"type":7}},"loop":{{"type":"Building","children":["turn"]}},
        "turn":{{"type":"BuildingPart","parents":["loop"],"children":["turn"]}},
        "deep":{{"type":"Building","attributes":{{"x":{}1{}}}}}"#,
        solid("1", CUBE),
        solid("1", "[[[0,2,99]]]"),
        "[".repeat(40),
        "]".repeat(40),
    );
    let got = child(&written(&document(&objects, ""), scratch.path()));
    assert_eq!(got.failed, None);
    let expected = ["vertex-index", "bad-boundaries", "null-geometry", "no-footprint", "broken-object", "bad-parts"];
    let mut expected: BTreeMap<String, u64> = expected.iter().map(|c| (c.to_string(), 1)).collect();
    expected.insert("null-geometry".into(), 2);
    assert_eq!(codes(&got), expected);
    assert_eq!(models(&got).len(), 1);
    let why = got.records[1].geometry.as_ref().unwrap_err();
    assert!(why.detail.contains("object index: vertex 99 of 8"), "{why:?}");
}

#[test]
fn whole_documents_that_cannot_be_right_are_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let good = document(&format!(r#""a":{{"type":"Building","geometry":[{}]}}"#, solid("2", CUBE)), "");
    let bomb = format!("{{\"type\":\"CityJSON\",\"CityObjects\":{{\"a\":{{\"geometry\":{}", "[".repeat(200_000));
    let other = |from: &str, to: &str| good.replace(from, to);
    for (text, code) in [
        (good.clone(), ""),
        (good[..good.len() - 9].to_string(), "incomplete"),
        (bomb, "malformed"),
        (other("\"2.0\"", "\"0.6\""), "unknown-version"),
        (other("\"CityJSON\"", "\"Topology\""), "not-this-format"),
        (other("[1000,0,0]", "[1000,0]"), "malformed"),
        (other("\"scale\":[0.01,0.01,0.01]", "\"scale\":[0,1,1]"), "malformed"),
        (other("EPSG/0/4547", "EPSG/0/99999"), "unknown-crs"),
        (other("https://www.opengis.net/def/crs/EPSG/0/4547", "开封独立坐标系"), "unknown-crs"),
        // Eastings with zone 38 written into them.
        (other("[527000.0", "[38527000.0"), "wrong-crs"),
        ("[]".to_string(), "not-this-format"),
        (String::new(), "not-this-format"),
    ] {
        let got = child(&written(&text, scratch.path()));
        assert_eq!(failed(&got), code, "{}: {:?}", &text[..text.len().min(60)], got.failed);
    }
    let mut j = written(&good, scratch.path());
    for (declared, code) in [("EPSG:4547", ""), ("EPSG:4547+5737", ""), ("EPSG:4546", "crs-disagrees")] {
        j.crs = epsg(declared);
        assert_eq!(failed(&child(&j)), code, "{declared}");
    }
    j.crs = epsg("EPSG:4547+5737");
    assert!(child(&j).opened.vertical.contains("5737"));
}

/// A sequence costs one line at a time; a broken line is told by its number, a broken feature costs itself.
#[test]
fn sequences_are_read_line_by_line() {
    let scratch = tempfile::tempdir().unwrap();
    let head = document("", "").replace('\n', " ");
    let cube = solid("2.2", CUBE);
    let feature = |id: usize, x: usize| {
        let corners: Vec<String> =
            (0..8).map(|i| format!("[{},{},{}]", x + i % 2 * 1000, i / 2 % 2 * 1000, i / 4 * 1000)).collect();
        format!(
            r#"{{"type":"CityJSONFeature","id":"f{id}","CityObjects":{{"f{id}":{{"type":"Building","geometry":[{cube}]}}}},"vertices":[{}]}}"#,
            corners.join(",")
        )
    };
    let lines: Vec<String> = (0..1200).map(|i| feature(i, i * 2000)).collect();
    let whole = format!("{head}\n{}\n", lines.join("\n"));
    let got = child(&written(&whole, scratch.path()));
    assert_eq!(
        (got.opened.declared, got.records.len(), codes(&got)),
        (Some(1200), 1200, BTreeMap::new()),
        "{:?}",
        got.failed
    );
    assert_eq!(value(&got, 700, "id"), &Raw::Text("f700".into()));
    assert_eq!(got.records[700].row, 702);
    let broken = whole.replacen("[3000,0,0]", "[3000,0]", 1);
    assert_eq!(codes(&child(&written(&broken, scratch.path()))), BTreeMap::from([("bad-vertices".into(), 1)]));
    let cut = &whole[..whole.len() - 50];
    let got = child(&written(cut, scratch.path()));
    assert!(
        failed(&got) == "incomplete" && got.failed.as_ref().unwrap().what.contains("line 1201"),
        "{:?}",
        got.failed
    );
}

fn gml(data: &Path, name: &str, scratch: &Path) -> ReadJob {
    job(data.join("4-city3d/citygml").join(name), Format::Gml, scratch)
}

fn tiers(got: &Got) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    for lod in models(got).iter().flat_map(|m| &m.lods) {
        *found.entry(lod.tier.to_string()).or_default() += 1;
    }
    found
}

/// Surfaces by role at a level of detail.
fn surfaces(got: &Got, lod: &str) -> BTreeMap<Role, u64> {
    let mut found = BTreeMap::new();
    for s in models(got).iter().flat_map(|m| &m.lods).filter(|l| l.tier.to_string() == lod).flat_map(|l| l.walk()) {
        *found.entry(s.role).or_default() += 1;
    }
    found
}

#[test]
fn plateau_buildings_are_read_northing_first() {
    let (Some(data), scratch) = (data(), tempfile::tempdir().unwrap()) else { return };
    let got = child(&gml(&data, "tamana_49303425_bldg_6697_op.gml.gz", scratch.path()));
    assert_eq!((got.records.len(), codes(&got)), (242, BTreeMap::new()), "{:?}", got.failed);
    stand(&got);
    let b = got.done.as_ref().unwrap().bounds.unwrap();
    assert!(b.min_x > 130.56 && b.max_x < 130.58 && b.min_y > 32.93 && b.max_y < 32.95, "{b:?}");
    assert!(got.opened.vertical.contains("JGD2011 (vertical)"), "{:?}", got.opened);
    assert_eq!(tiers(&got), BTreeMap::from([("0".into(), 242), ("1".into(), 242), ("2".into(), 10)]));
    let roofs = BTreeMap::from([(Role::Roof, 41), (Role::Wall, 127), (Role::Ground, 10)]);
    let faces: u64 = surfaces(&got, "2").values().sum();
    assert_eq!(surfaces(&got, "2").keys().collect::<Vec<_>>(), roofs.keys().collect::<Vec<_>>(), "{faces}");
    // Rule T03: a surface member that names the building itself.
    assert_eq!(faults(&got).get("dangling-reference"), Some(&1), "{:?}", faults(&got));
    assert_eq!(value(&got, 0, "height"), &Raw::Text("7.1".into()));
    assert_eq!(value(&got, 0, "対照番号"), &Raw::Text("32019".into()));
    assert_eq!(value(&got, 0, "type"), &Raw::Text("Building".into()));
}

#[test]
fn the_same_buildings_agree_in_both_formats() {
    let (Some(data), scratch) = (data(), tempfile::tempdir().unwrap()) else { return };
    let json = city(data.join("4-city3d/cityjson/lod2_buildings_v2.city.json"), scratch.path());
    let mut j = gml(&data, "lod2_buildings_v3.gml.gz", scratch.path());
    // The file's writer took x for east although its CRS has x for north.
    j.crs.axis = Some(Axis::En);
    let got = child(&j);
    assert_eq!(
        (got.records.len(), codes(&got), faults(&got)),
        (100, BTreeMap::new(), BTreeMap::new()),
        "{:?}",
        got.failed
    );
    let by_id = |got: &Got| -> BTreeMap<String, Record> {
        got.records.iter().enumerate().map(|(i, r)| (format!("{:?}", value(got, i, "id")), r.clone())).collect()
    };
    let (a, b) = (by_id(&json), by_id(&got));
    assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>());
    for (id, one) in &a {
        let (one, two) = (one.model.as_ref().unwrap(), b[id].model.as_ref().unwrap());
        let shape = |m: &Model| -> Vec<(Role, bool, Vec<[i64; 3]>)> {
            let grid =
                |p: [f64; 3]| [(p[0] * 1e8).round() as i64, (p[1] * 1e8).round() as i64, (p[2] * 1e3).round() as i64];
            let mut all: Vec<_> = m.lods[0]
                .walk()
                .map(|s| {
                    let mut places: Vec<_> = s.exterior().iter().map(|&c| grid(m.positions[c as usize])).collect();
                    places.sort_unstable();
                    (s.role, s.closed, places)
                })
                .collect();
            all.sort();
            all
        };
        assert_eq!(shape(one), shape(two), "{id}");
    }
}

#[test]
fn one_building_in_two_versions_agrees() {
    let (Some(data), scratch) = (data(), tempfile::tempdir().unwrap()) else { return };
    let two = child(&gml(&data, "shinjuku_53394517_bldg_6697_op.gml.gz", scratch.path()));
    let three = child(&gml(&data, "shinjuku_53394517_bldg_CityGML3.gml.gz", scratch.path()));
    for got in [&two, &three] {
        assert_eq!((got.records.len(), codes(got)), (1, BTreeMap::new()), "{:?}", got.failed);
        assert_eq!(tiers(got).keys().collect::<Vec<_>>(), ["0", "1", "2"]);
        stand(got);
    }
    let count = |got: &Got| surfaces(got, "2");
    assert_eq!(count(&two), count(&three));
    assert_eq!(count(&two), BTreeMap::from([(Role::Roof, 279), (Role::Wall, 370), (Role::Ground, 1)]));
    assert_eq!(models(&two)[0].lods[2].shells.len(), 1, "the surfaces are those of the solid");
}

#[test]
fn parts_openings_bridges_and_tunnels_are_read() {
    let (Some(data), scratch) = (data(), tempfile::tempdir().unwrap()) else { return };
    let read = |name| child(&gml(&data, name, scratch.path()));
    let parts = read("yokosuka_52397519_bldg_6697_op.gml.gz");
    assert_eq!((parts.records.len(), codes(&parts)), (13, BTreeMap::new()), "{:?}", parts.failed);
    assert_eq!(
        tiers(&parts),
        BTreeMap::from([("0".into(), 13), ("1".into(), 13), ("2".into(), 2)]),
        "two parts are one building"
    );
    let house = read("lod4_building_v2.gml.gz");
    assert_eq!(house.records.len(), 2, "{:?}", house.failed);
    assert_eq!(codes(&house), BTreeMap::from([("null-geometry".into(), 1)]), "the terrain has no surfaces of a level");
    let roles = surfaces(&house, "4");
    assert!(roles.contains_key(&Role::Roof) && roles.contains_key(&Role::Window) && roles.contains_key(&Role::Door));
    assert!(!roles.contains_key(&Role::Interior), "{roles:?}");
    assert!(house.done.as_ref().unwrap().findings.iter().any(|f| f.starts_with("1 rooms")));
    for (name, records) in [
        ("tamana_49303414_brid_6697_op.gml.gz", 3),
        ("takeshiba_53393690_tun_6697_40_op.gml", 1),
        ("tamana_493033_luse_6697_op.gml.gz", 363),
        ("tsukuba_54401008_tran_6697_op.gml.gz", 253),
        ("osaka_51357309_bldg_6697_op.gml.gz", 63),
    ] {
        let got = read(name);
        assert_eq!((got.records.len(), codes(&got)), (records, BTreeMap::new()), "{name}: {:?}", got.failed);
        assert_eq!(models(&got).len(), records, "{name}");
        stand(&got);
        // Bridges, tunnel and roads have materials; the bridges' one image is not there.
        let bridges = name.contains("brid");
        let dressed = ["brid", "_tun_", "_tran_"].iter().any(|kind| name.contains(kind));
        assert!(!dressed || models(&got).iter().any(|m| m.skin.is_some()), "{name}");
        let absent = |f: &String| f.starts_with("1 images are not beside");
        assert_eq!(got.done.as_ref().unwrap().findings.iter().any(absent), bridges, "{name}");
    }
}

#[test]
fn broken_citygml_is_told() {
    let (Some(data), scratch) = (data(), tempfile::tempdir().unwrap()) else { return };
    let path = data.join("6-conformance/plateau_qc/02-bldg/L07_LOD1/udx/bldg/l7_fail.gml");
    let whole = std::fs::read_to_string(path).unwrap();
    let written = |text: &str| {
        let path = scratch.path().join("made.city.gml");
        std::fs::write(&path, text).unwrap();
        child(&job(path, Format::Citygml, scratch.path()))
    };
    let number = whole.split("<gml:posList>").nth(1).unwrap().split_whitespace().next().unwrap().to_string();
    for (text, code) in [
        (whole[..whole.len() - 40].to_string(), "incomplete"),
        (whole.replacen("?>", "?><!DOCTYPE a [<!ENTITY b \"c\">]>", 1), "malformed"),
        (whole.replacen("</core:CityModel>", "&lol;</core:CityModel>", 1), "malformed"),
        (whole.replace("core:CityModel", "core:FeatureCollection"), "not-this-format"),
        (whole.replace("EPSG/0/6697", "EPSG/0/99999"), "unknown-crs"),
        (whole.clone(), ""),
    ] {
        assert_eq!(failed(&written(&text)), code);
    }
    // Declared in another encoding, and declared as what it is not.
    let named = whole.replacen("<bldg:usage", "<gml:name>龙亭区</gml:name><bldg:usage", 1);
    let (bytes, _, _) = encoding_rs::GB18030.encode(&named);
    let path = scratch.path().join("gbk.city.gml");
    for (declared, code) in [("GB2312", ""), ("UTF-8", "malformed")] {
        let label = format!("encoding=\"{declared}\"").into_bytes();
        let mut text = bytes.to_vec();
        let at = text.windows(16).position(|w| w.eq_ignore_ascii_case(b"encoding=\"UTF-8\"")).unwrap();
        text.splice(at..at + 16, label);
        std::fs::write(&path, &text).unwrap();
        let got = child(&job(path.clone(), Format::Citygml, scratch.path()));
        assert_eq!(failed(&got), code, "{declared}: {:?}", got.failed);
    }
    for (from, to, code) in [
        (number.as_str(), "NaN", "not-finite"),
        (number.as_str(), "north", "bad-coordinates"),
        ("</gml:posList>", " 1</gml:posList>", "bad-coordinates"),
    ] {
        let got = written(&whole.replacen(from, to, if from.starts_with('<') { 1 } else { 2 }));
        assert_eq!(codes(&got), BTreeMap::from([(code.to_string(), 1)]), "{from} {:?}", got.failed);
    }
}

/// Each of PLATEAU's quality cases is stored, with its fault told.
#[test]
fn quality_cases_are_reported_by_their_faults() {
    let (Some(data), scratch) = (data(), tempfile::tempdir().unwrap()) else { return };
    let mut wrong = vec![];
    for (case, fault) in [
        ("L07_LOD0_01/udx/bldg/L07.gml", "repeated-point"),
        ("L07_LOD0_02/udx/bldg/L07.gml", "degenerate-ring"),
        ("L07_LOD1/udx/bldg/l7_fail.gml", "repeated-point"),
        ("L07_LOD2-4/udx/bldg/l7_fail_lod2.gml", "repeated-point"),
        ("L09_LOD0/udx/bldg/L09.gml", "self-intersection"),
        ("L09_LOD1_01/udx/bldg/L09_01.gml", "self-intersection"),
        ("L09_LOD1_02/udx/bldg/L09_02.gml", "self-intersection"),
        ("L09_LOD1_03/udx/bldg/L09_03.gml", "repeated-point"),
        ("L11_LOD1/udx/bldg/l11.gml", "not-planar"),
        ("L13_LOD0_01/udx/bldg/L13_LOD0_01.gml", "hole-outside"),
        ("L13_LOD0_02/udx/bldg/L13_LOD0_02.gml", "hole-outside"),
        ("L13_LOD0_03/udx/bldg/L13_LOD0_03.gml", "holes-meet"),
        ("L13_LOD1_01/udx/bldg/l13_fail_interior_exterior_crossing.gml", "hole-outside"),
        ("L13_LOD1_02/udx/bldg/l13_fail_exterior_interior_touching.gml", "hole-outside"),
        ("L13_LOD1_03/udx/bldg/l13_fail_intersecting_interiors.gml", "holes-meet"),
    ] {
        let path = data.join("6-conformance/plateau_qc/02-bldg").join(case);
        let got = child(&job(path, Format::Gml, scratch.path()));
        assert_eq!((got.failed.as_ref(), codes(&got)), (None, BTreeMap::new()), "{case}");
        assert_eq!(models(&got).len(), got.records.len(), "{case}");
        if !faults(&got).contains_key(fault) {
            wrong.push(format!("{case}: {fault} in {:?}", faults(&got)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
