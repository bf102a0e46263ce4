//! The shipped catalog is whole and is exactly what the project promises; a broken catalog says everything that
//! is wrong with it at once.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests say what they expect by panicking")]

use chengtu::error::{Error, Finding};
use chengtu::layer::{Catalog, FieldRole, Layer, Role, Search, Sensitivity, Serve};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// theme → the layers a city-management centre is promised.
const PROMISED: &[(&str, &[&str])] = &[
    (
        "basemap",
        &[
            "bm_control_point",
            "bm_water_line",
            "bm_water_area",
            "bm_building_footprint",
            "bm_structure_line",
            "bm_road_centerline",
            "bm_road_surface",
            "bm_road_facility",
            "bm_railway",
            "bm_surface_pipeline",
            "bm_admin_boundary",
            "bm_elevation_point",
            "bm_landform_line",
            "bm_vegetation_area",
            "bm_place_name",
        ],
    ),
    (
        "components",
        &[
            "cp_manhole_water_drain",
            "cp_rain_grate",
            "cp_manhole_power_light",
            "cp_manhole_telecom",
            "cp_manhole_heat_gas",
            "cp_manhole_other",
            "cp_utility_device",
            "cp_pole_tower",
            "cp_street_light",
            "cp_power_telecom_box",
            "cp_camera",
            "cp_street_kiosk",
            "cp_traffic_sign_signal",
            "cp_traffic_barrier",
            "cp_transit_parking",
            "cp_bridge_passage_parking",
            "cp_sanitation",
            "cp_advertising",
            "cp_tree",
            "cp_green_area",
            "cp_garden_facility",
            "cp_house_land",
            "cp_other_facility",
            "cp_extension",
        ],
    ),
    (
        "pipes",
        &[
            "pl_water",
            "pl_reclaimed",
            "pl_storm",
            "pl_sewage",
            "pl_combined",
            "pl_gas",
            "pl_heat",
            "pl_power",
            "pl_light_signal",
            "pl_telecom",
            "pl_industry",
            "pl_unknown",
            "pl_utility_tunnel",
            "pn_water",
            "pn_drain",
            "pn_gas",
            "pn_heat",
            "pn_power_telecom",
            "pf_plant_station",
            "pf_septic_outfall",
        ],
    ),
    (
        "grids",
        &[
            "gr_district",
            "gr_street",
            "gr_community",
            "gr_base_grid",
            "gr_unit_grid",
            "gr_duty_grid",
            "gr_special_duty",
            "gr_evaluation_grid",
        ],
    ),
    (
        "cim",
        &[
            "cim1_terrain",
            "cim2_building",
            "cim3_building",
            "cim4_building",
            "cim5_building_bim",
            "cim6_building_bim",
            "cim_photogrammetry",
            "cim_bridge",
            "cim_tunnel",
            "cim_underground_space",
        ],
    ),
    (
        "iot",
        &[
            "iot_heat_station",
            "iot_temp_pressure",
            "iot_water_outlet",
            "iot_water_quality_flow",
            "iot_restaurant_fume",
            "iot_site_dust",
            "iot_pump_level",
            "iot_light_transformer",
            "iot_septic_gas",
            "iot_structure_health",
            "iot_other_sensor",
        ],
    ),
    (
        "operations",
        &[
            "op_sanitation_route",
            "op_muck_truck_route",
            "op_camera_video",
            "op_patrol_area",
            "op_construction_site",
            "op_outdoor_ad",
            "op_case_point",
        ],
    ),
    ("convenience", &["cv_service_point", "cv_qr_sign"]),
];

fn shipped() -> Catalog {
    Catalog::shipped().unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn the_shipped_catalog_is_the_promised_97_layers() {
    let catalog = shipped();
    let mut promised: Vec<_> = PROMISED.iter().flat_map(|(t, ids)| ids.iter().map(move |id| (*id, *t))).collect();
    promised.sort_unstable();
    let there: Vec<_> = catalog.iter().map(|(_, l)| (l.id.as_str(), l.theme.as_str())).collect();
    assert_eq!(there, promised);
    assert_eq!(catalog.len(), 97);
}

#[test]
fn the_folder_and_the_binary_hold_the_same_catalog() {
    let folder = Catalog::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("layers")).unwrap();
    assert_eq!(folder.digest(), shipped().digest());
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The rows of a table of `data/`, as columns by name.
fn table(name: &str) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(root().join("data").join(name)).unwrap();
    let head = reader.headers().unwrap().clone();
    let row = |r: csv::StringRecord| head.iter().zip(r.iter()).map(|(h, v)| (h.into(), v.into())).collect();
    reader.records().map(|r| row(r.unwrap())).collect()
}

#[test]
fn every_layer_shows_by_example_what_its_tiles_hold() {
    // Loading runs the examples; here: there are some, they expect something, and they speak of low zooms too.
    let catalog = shipped();
    let mut below_full = 0;
    for (_, layer) in catalog.iter() {
        assert!(!layer.examples.is_empty(), "{} has no example", layer.id);
        for example in &layer.examples {
            example.run(layer).unwrap_or_else(|e| panic!("{}: {e}", layer.id));
            let bare = example.out.is_empty() && example.at >= layer.zoom.full;
            assert!(!bare, "{}: an example without attributes says nothing", layer.id);
        }
        below_full += layer.examples.iter().filter(|e| e.at < layer.zoom.full).count();
    }
    assert!(below_full >= 20, "{below_full} examples below full zoom");
}

#[test]
fn every_component_class_has_its_layer() {
    let catalog = shipped();
    let classes = table("component-classes.csv");
    assert_eq!(classes.len(), 96);
    let total: u64 = classes.iter().map(|c| c["weight"].parse::<u64>().unwrap()).sum();
    assert_eq!(total, 780_000);
    let mut fed = BTreeSet::new();
    for class in &classes {
        let ix = catalog.find(&class["layer_id"]).unwrap_or_else(|| panic!("{class:?}"));
        let layer = catalog.layer(ix);
        assert!(layer.has_role(Role::Component), "{} takes class {}", layer.id, class["code"]);
        let kinds: Vec<_> = layer.geometry.iter().map(|g| format!("{g:?}").to_lowercase()).collect();
        assert!(kinds.contains(&class["geometry"]), "{} is {} in {}", class["code"], class["geometry"], layer.id);
        fed.insert(layer.id.clone());
    }
    let components: BTreeSet<_> = catalog.with_role(Role::Component).map(|(_, l)| l.id.clone()).collect();
    assert_eq!(fed, components);
    let map: Vec<_> = table("component-layer-map.csv");
    let routed: Vec<_> = map.iter().map(|r| (&r["component_code"], &r["layer_id"])).collect();
    assert_eq!(routed, classes.iter().map(|c| (&c["code"], &c["layer_id"])).collect::<Vec<_>>());
}

#[test]
fn every_pipe_class_has_its_layer() {
    let catalog = shipped();
    for class in table("pipe-classes.csv") {
        let layer = catalog.layer(catalog.find(&class["layer_id"]).unwrap_or_else(|| panic!("{class:?}")));
        assert!(layer.has_role(Role::PipeSegment), "{} takes class {}", layer.id, class["code"]);
    }
}

/// The policies that ask the industry's body name a role, at the level they say; nobody else does.
#[test]
fn roles_stand_where_a_policy_asks_the_industry() {
    let mut ownerless = vec![];
    for class in table("case-classes-gbt47678-5.csv") {
        let (policy, role, level) = (class["policy"].as_str(), &class["role"], class["role_level"].as_str());
        let wanted = match policy {
            "INDUSTRY_AT_CITY" => "city",
            _ if policy.contains("INDUSTRY") => "district",
            _ => "",
        };
        assert_eq!((level, role.is_empty()), (wanted, wanted.is_empty()), "{class:?}");
        if !class["ownerless"].is_empty() {
            ownerless.push(format!("{} {} {}", class["kind"], class["code"], class["ownerless"]));
        }
    }
    let both = |kind: &str| ["01023", "01034"].map(|code| format!("{kind} {code} true"));
    assert_eq!(ownerless, [both("component"), both("matter")].concat());
    let old = table("component-classes.csv");
    let old: Vec<_> = old.iter().filter(|c| !c["ownerless"].is_empty()).map(|c| c["code"].as_str()).collect();
    assert_eq!(old, ["0114"]);
}

#[test]
fn divisions_form_a_tree() {
    let mut known = BTreeSet::from(["410000".to_string()]);
    for row in table("kaifeng-admin.csv") {
        assert!(known.contains(&row["parent_code"]), "{row:?}");
        assert!(known.insert(row["code"].clone()), "twice: {row:?}");
    }
}

/// The names of the fields from the first to the last that all layers of a kind begin with.
fn shared_head(layers: &[&Layer]) -> usize {
    let same = |i: usize| {
        let name = layers[0].fields.get(i).map(|f| &f.name);
        name.is_some() && layers.iter().all(|l| l.fields.get(i).map(|f| &f.name) == name)
    };
    (0..).take_while(|i| same(*i)).count()
}

#[test]
fn layers_of_a_kind_share_their_fields_in_order() {
    let catalog = shipped();
    for (role, shared) in [(Role::Component, 17), (Role::PipeSegment, 23), (Role::PipeNode, 20), (Role::Sensor, 13)] {
        let layers: Vec<&Layer> = catalog.with_role(role).map(|(_, l)| l.as_ref()).collect();
        assert!(layers.len() > 1 && shared_head(&layers) >= shared, "{role:?} share {}", shared_head(&layers));
        for layer in layers {
            assert_eq!(layer.key_field(), Some(0), "{}: the key comes first", layer.id);
        }
    }
}

#[test]
fn heights_say_from_where_and_persons_are_nowhere_in_tiles() {
    use FieldRole::{BottomHeight, EndDepth, EndElevation, GroundHeight, StartDepth, StartElevation, TopHeight};
    let catalog = shipped();
    for (_, layer) in catalog.iter() {
        for field in &layer.fields {
            let place = format!("{}.{}", layer.id, field.name);
            let vertical = [BottomHeight, EndDepth, EndElevation, GroundHeight, StartDepth, StartElevation, TopHeight];
            if field.role.is_some_and(|r| vertical.contains(&r))
                || field.name.contains("elevation_") && field.kind.is_number()
            {
                assert!(field.datum.is_some(), "{place} has no datum");
                assert_eq!(field.unit.as_deref(), Some("m"), "{place}");
            }
            assert!(field.en.as_deref().is_some_and(|en| !en.is_empty()), "{place} has no English name");
            let of_persons = ["person", "secretary", "leader", "inspector", "phone_masked"];
            if of_persons.iter().any(|p| field.name.contains(p)) {
                assert_eq!(field.sensitivity_in(layer), Sensitivity::Personal, "{place}");
                assert!(!layer.in_any_tile(field), "{place} is in tiles");
            }
        }
    }
}

#[test]
fn roles_the_product_looks_for_are_there() {
    let catalog = shipped();
    let once = [
        Role::UnitGrid,
        Role::BaseGrid,
        Role::DutyGrid,
        Role::EvaluationGrid,
        Role::SpecialDuty,
        Role::Community,
        Role::Street,
        Role::District,
        Role::RoadSurface,
        Role::RoadCenterline,
        Role::WaterArea,
        Role::GreenArea,
        Role::ConstructionSite,
        Role::PlaceName,
        Role::Building,
        Role::Terrain,
        Role::Case,
    ];
    for role in once {
        assert_eq!(catalog.with_role(role).count(), 1, "{role:?}");
    }
    assert!(catalog.iter().all(|(_, l)| l.scene.is_some() == l.serves(Serve::Tiles3d)));
}

const WHOLE: &str = r#"id = "NAME"
name = { zh = "甲", en = "A" }
geometry = ["point"]
dimension = "2D"
sensitivity = "public"
serve = ["mvt"]
zoom = { min = 10, full = 12, max = 16 }
fields = [
  { name = "code", type = "text", zh = "码", key = true },
  { name = "depth", type = "float", zh = "深", unit = "m", datum = "ground", from_zoom = 14 },
]
[[example]]
at = 12
in = { code = "1", depth = 2 }
out = { code = "1" }
"#;

/// A catalog folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

fn findings(dir: &Path) -> Vec<Finding> {
    match Catalog::load(dir) {
        Err(Error::Config(findings)) => findings,
        Err(other) => panic!("{other}"),
        Ok(_) => vec![],
    }
}

#[test]
fn one_more_file_is_one_more_layer() {
    let dir = tempfile::tempdir().unwrap();
    for (_, layer) in shipped().iter() {
        let to = dir.path().join(&layer.theme).join(format!("{}.toml", layer.id));
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(root().join("layers").join(&layer.theme).join(format!("{}.toml", layer.id)), to).unwrap();
    }
    fs::create_dir(dir.path().join("a_theme_of_its_own")).unwrap();
    fs::write(dir.path().join("a_theme_of_its_own/extra_98.toml"), WHOLE.replace("NAME", "extra_98")).unwrap();
    fs::write(dir.path().join("README.md"), "not a layer").unwrap();
    let catalog = Catalog::load(dir.path()).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(catalog.len(), 98);
    let extra = catalog.layer(catalog.find("extra_98").unwrap());
    assert_eq!(extra.theme, "a_theme_of_its_own");
    let again = Catalog::from_json(&catalog.to_json()).unwrap();
    assert_eq!(again.digest(), catalog.digest());
}

#[test]
fn an_example_leaves_what_is_stored_as_it_is() {
    let digest = |text: &str| Catalog::load(folder(&[("t/a.toml", text)]).path()).unwrap().digest();
    let whole = WHOLE.replace("NAME", "a");
    let (without, _) = whole.split_once("[[example]]").unwrap();
    assert_eq!(digest(&whole), digest(without));
    assert_ne!(digest(&whole), digest(&whole.replace("max = 16", "max = 17")));
}

#[test]
fn each_mistake_is_found_on_its_line() {
    // (what is replaced in a whole declaration, by what, the line it is reported on, words of the finding)
    let table: &[(&str, &str, usize, &str)] = &[
        (r#"id = "a""#, r#"id = "b""#, 1, "not the file's name"),
        (r#"id = "a""#, r#"id = "A-1""#, 1, "not spelled"),
        (
            r#"id = "a""#,
            r#"id = "a"
theme = "other""#,
            2,
            "not the folder's name",
        ),
        (r#"zh = "甲""#, r#"zh = "  ""#, 2, "the name is empty"),
        (r#"["point"]"#, "[]", 3, "name at least one"),
        (r#"["point"]"#, r#"["point", "point"]"#, 3, "twice"),
        (r#"["point"]"#, r#"["dot"]"#, 3, "unknown variant"),
        (r#"sensitivity = "public""#, r#"sensitivity = "personal""#, 5, "personal is for fields"),
        (r#"sensitivity = "public""#, r#"sensitivity = "secret""#, 5, "in `sensitivity`"),
        (r#"["mvt"]"#, r#"["mvt", "3dtiles"]"#, 6, "in `scene`"),
        (r#"["mvt"]"#, "[\"mvt\"]\nscene = { kind = \"instance\", model = \"tree\" }", 7, "not served as 3dtiles"),
        (r#"["mvt"]"#, "[\"3dtiles\"]\nscene = { kind = \"x\" }", 7, "unknown variant `x`"),
        (
            r#"["mvt"]"#,
            "[\"3dtiles\"]\nscene = { kind = \"instance\", model = \"castle\" }",
            7,
            "unknown variant `castle`",
        ),
        (r#"["mvt"]"#, "[\"3dtiles\"]\nscene = { kind = \"instance\" }", 7, "names its `model`"),
        (r#"["mvt"]"#, "[\"3dtiles\"]\nscene = { kind = \"tube\" }", 7, "needs \"line\""),
        (r#"["mvt"]"#, "[\"3dtiles\"]\nscene = { kind = \"node\", tilt = 3 }", 7, "unknown field `tilt`"),
        (r#"["mvt"]"#, "[\"3dtiles\"]\nscene = { kind = \"node\", model = \"tree\" }", 7, "belongs to instance"),
        (r#"["mvt"]"#, "[\"3dtiles\"]\nscene = { kind = \"node\", level = 8 }", 7, "1 to 7"),
        (r#"["mvt"]"#, "[\"3dtiles\"]\nscene = { kind = \"node\", default_mm = 0 }", 7, "a length above 0"),
        (r#"["mvt"]"#, "[\"3dtiles\"]\nscene = { kind = \"node\", colour = \"blue\" }", 7, "#rrggbb"),
        (r#"["mvt"]"#, "[\"3dtiles\"]\nscene = { kind = \"node\", replaces = \"top\" }", 7, "scene names no field"),
        (
            r#"["mvt"]"#,
            "[\"3dtiles\"]\nscene = { kind = \"node\", fields = { ground = \"top\" } }",
            7,
            "scene names no field",
        ),
        (
            r#"["mvt"]"#,
            "[\"3dtiles\"]\nscene = { kind = \"node\", fields = { ground = \"code\" } }",
            7,
            "scene reads a number from \"code\"",
        ),
        ("full = 12", "full = 9", 7, "min ≤ full ≤ max"),
        ("full = 12", "full = 17", 7, "min ≤ full ≤ max"),
        ("max = 16", "max = 25", 7, "min ≤ full ≤ max"),
        ("max = 16", "max = 16, tilt = 3", 7, "unknown field `tilt`"),
        ("fields = [", "thin = { cell_px = 12 }\nfields = [", 8, "power of two"),
        ("fields = [", "thin = { cell_px = 512 }\nfields = [", 8, "power of two"),
        ("fields = [", "thin = { cell_px = 0 }\nfields = [", 8, "power of two"),
        ("fields = [", "thin = { rank = \"size\" }\nfields = [", 8, "rank names no field"),
        ("fields = [", "thin = { rank = \"code\" }\nfields = [", 8, "not a number"),
        ("fields = [", "buffer_px = -1\nfields = [", 8, "buffer_px"),
        ("fields = [", "buffer_px = nan\nfields = [", 8, "buffer_px"),
        ("fields = [", "generalise = { tolerance_px = inf }\nfields = [", 8, "tolerance_px"),
        ("fields = [", "colour = 3\nfields = [", 8, "unknown key `colour`"),
        ("fields = [", "roles = [\"case\", \"case\"]\nfields = [", 8, "twice"),
        (r#"name = "depth""#, r#"name = "_id""#, 10, "reserved"),
        (r#"name = "depth""#, r#"name = "_src""#, 10, "reserved"),
        (r#"name = "depth""#, r#"name = "_count""#, 10, "reserved"),
        (r#"name = "depth""#, r#"name = "埋深""#, 10, "not spelled"),
        (r#"name = "depth""#, r#"name = "code""#, 10, "declared twice"),
        (r#"type = "float""#, r#"type = "decimal""#, 10, "unknown variant"),
        (r#"zh = "深""#, r#"zh = "深", key = true"#, 10, "second key"),
        (r#"zh = "深""#, r#"zh = "深", values = ["浅"]"#, 10, "has values but is no enum"),
        (r#"type = "text""#, r#"type = "enum""#, 9, "enum without values"),
        (r#"type = "text""#, r#"type = "enum", values = ["1", "1"]"#, 9, "twice"),
        (r#"type = "text""#, r#"type = "text", datum = "1985""#, 9, "datum but is no number"),
        (r#"zh = "深""#, r#"zh = "深", search = "code""#, 10, "searched but is no text"),
        (r#"type = "text""#, r#"type = "text", search = "places""#, 9, "unknown variant"),
        (r#"type = "text""#, r#"type = "text", search = "name", sensitivity = "personal""#, 9, "no search may find it"),
        ("from_zoom = 14", "from_zoom = 17", 10, "beyond the layer's last zoom"),
        (r#""public""#, r#""government""#, 0, ""),
        ("at = 12", "at = 17", 13, "served from 10 to 16"),
        ("depth = 2 }", "depth = 2, width = 3 }", 14, "names no field: \"width\""),
        ("depth = 2 }", "depth = \"deep\" }", 14, "\"depth\" is a text"),
        (r#"out = { code = "1" }"#, "out = { code = 1 }", 15, "\"code\" is a number"),
        (r#"out = { code = "1" }"#, "out = { code = \"1\", depth = 2 }", 15, "lacks depth"),
        (r#"out = { code = "1" }"#, "out = {}", 15, "also has code"),
        (r#"dimension = "2D""#, "dimension = 2D", 4, ""),
        (r#"dimension = "2D""#, "", 0, "`dimension` is missing"),
        ("at = 12", "at = 12\nwhy = 1", 14, "unknown field `why`"),
    ];
    for (what, with, line, words) in table {
        let text = WHOLE.replace("NAME", "a");
        assert!(text.contains(what), "{what}");
        let dir = folder(&[("theme/a.toml", &text.replacen(what, with, 1))]);
        let found = findings(dir.path());
        match words.is_empty() && *line == 0 {
            true => assert!(found.is_empty(), "{with}: {found:?}"),
            false => {
                assert!(found.iter().any(|f| f.line == *line && f.what.contains(words)), "{with}: {found:?}");
                assert!(found.iter().all(|f| f.file.ends_with("theme/a.toml")), "{with}: {found:?}");
            }
        }
    }
}

#[test]
fn all_mistakes_of_all_files_come_at_once() {
    let a = WHOLE
        .replace("NAME", "a")
        .replace("full = 12", "full = 30")
        .replace("fields = [", "hue = 1\nthin = { rank = \"gone\", cel_px = 4, cells = 2 }\nfields = [")
        .replace("[[example]]", "[[example]]\nnote = \"x\"")
        .replace(r#"name = "code", type = "text""#, r#"name = "code", type = "txt""#);
    let files = [
        ("one/a.toml", a.as_str()),
        ("one/b.toml", "id = \"b\"\nname = \n"),
        ("two/c.toml", &WHOLE.replace("NAME", "c")),
        ("three/c.toml", &WHOLE.replace("NAME", "c")),
        ("stray.toml", ""),
        ("two/deep/d.toml", ""),
        ("two/notes.txt", "not a declaration"),
        ("two/.hidden.toml", "nor this"),
    ];
    let dir = folder(&files);
    let found = findings(dir.path());
    let got: Vec<_> = found
        .iter()
        .map(|f| (f.file.strip_prefix(dir.path()).unwrap().to_str().unwrap().to_string(), f.line))
        .collect();
    let expected = [
        ("one/a.toml", 7),
        ("one/a.toml", 8),
        ("one/a.toml", 9),
        ("one/a.toml", 9),
        ("one/a.toml", 11),
        ("one/a.toml", 15),
        ("one/b.toml", 2),
        ("stray.toml", 0),
        ("two/c.toml", 1),
        ("two/deep/d.toml", 0),
    ];
    let expected: Vec<_> = expected.iter().map(|(f, l)| (f.to_string(), *l)).collect();
    assert_eq!(got, expected, "{}", Error::Config(found.clone()));
    let said = Error::Config(found).to_string();
    assert!(said.contains("a.toml:8: unknown key `hue`") && said.contains("already declared in"), "{said}");
}

#[test]
fn text_that_is_not_utf8_is_named_with_its_line() {
    let dir = folder(&[]);
    fs::create_dir(dir.path().join("t")).unwrap();
    fs::write(dir.path().join("t/a.toml"), b"id = \"a\"\n# \xb3\xc7\xcd\xbc\n").unwrap();
    let found = findings(dir.path());
    assert_eq!((found.len(), found[0].line), (1, 2), "{found:?}");
}

#[test]
fn an_empty_or_missing_folder_is_an_error() {
    let dir = folder(&[]);
    assert!(matches!(Catalog::load(dir.path()), Err(Error::Config(_))));
    assert!(matches!(Catalog::load(&dir.path().join("gone")), Err(Error::Missing(_))));
}

/// What people look for is found: every layer with a key or a name of its own, and never by a person.
#[test]
fn what_has_a_code_or_a_name_is_searched() {
    let catalog = shipped();
    for (_, layer) in catalog.iter() {
        let searched: BTreeMap<&str, Search> =
            layer.searchable().map(|(i, kind)| (layer.fields[i].name.as_str(), kind)).collect();
        for field in &layer.fields {
            let personal = field.sensitivity_in(layer) == Sensitivity::Personal;
            let found = searched.get(field.name.as_str());
            let named =
                matches!(field.name.as_str(), "name_zh" | "address" | "station_name" | "project_name" | "water_name");
            let want = match (field.key, named || field.role == Some(FieldRole::Name)) {
                _ if personal => None,
                (true, _) => Some(Search::Code),
                (_, true) => Some(Search::Name),
                _ => found.copied(),
            };
            assert_eq!(found, want.as_ref(), "{} {}", layer.id, field.name);
        }
    }
    let silent = catalog.iter().filter(|(_, l)| l.searchable().next().is_none());
    let silent: Vec<&str> = silent.map(|(_, l)| l.id.as_str()).collect();
    let nameless = [
        "bm_admin_boundary",
        "bm_elevation_point",
        "bm_landform_line",
        "bm_road_facility",
        "bm_structure_line",
        "bm_surface_pipeline",
        "bm_vegetation_area",
    ];
    assert_eq!(silent, nameless);
}
