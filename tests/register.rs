//! The register of responsible bodies by the command itself: delivered beside layers, judged row by row, replaced whole
//! or refused whole.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests say what they expect by panicking")]

mod delivery;

use chengtu::ownership::register::{Book, ClassKind, Holder, Register, RoleLevel, Rule};
use delivery::{City, points};

const LAMPS: &str = r#"
id = "lamps"
name = { zh = "路灯", en = "Lamps" }
geometry = ["point"]
dimension = "2D"
sensitivity = "public"
serve = ["mvt"]
zoom = { min = 10, full = 15, max = 18 }
fields = [{ name = "code", type = "text", zh = "部件标识码", key = true }]
"#;

const MANIFEST: &str = r#"id = "town"
[register]
city = "410200"
component_scheme = "old"
component_schemes = { "town/lamps" = "new" }
emergency = "A1"
organisations = { path = "单位.csv", encoding = "GB18030", rows = 4, columns = { code = "单位代码", name = "单位名称", aliases = "曾用名", successor = "承接单位", valid_to = "撤销日期" } }
roles = { path = "roles.csv" }
rulings = { path = "rulings.csv" }
policies = { path = "policies.csv" }
[[register.scheme]]
id = "old"
default_policy = "OWNER_THEN_TERRITORY"
classes = { path = "old.csv", columns = { name = "name_zh" }, values = { kind = "component" } }
[[register.scheme]]
id = "new"
default_policy = "OURS"
classes = { path = "new.csv" }
[[register.crosswalk]]
from = "old"
to = "new"
rows = { path = "walk.csv", values = { kind = "component" } }
"#;

const ORGANISATIONS: &str = "单位代码,单位名称,kind,承接单位,曾用名,撤销日期,联系人\n\
     ０A1,市政中心,事业单位,,市政处|市政所（南）,,张*\nA1,路灯处,事业单位,,,,李*\n\n\
     \"A2\",\"旧路灯所, 撤销\",事业单位,A1,,2020.5.1,\nA3,街道办,街道,,,,\n";

/// The whole of a small, sound register.
fn town() -> City {
    let city = City::new();
    city.layer("green", "lamps", LAMPS);
    city.write_bytes("单位.csv", &encoding_rs::GB18030.encode(ORGANISATIONS).0);
    city.write(
        "roles.csv",
        "role,territory,organisation,schedule\n环卫,410200,A1,Mo-Fr 08:00-18:00\n环卫,410202,市政所（南）,\n",
    );
    city.write(
        "rulings.csv",
        "id,organisation,rank,decided,component,areas,polygon,classes,valid_from\n\
         R-1,A1,2,20240501,4102020101000001,,,,2024/5/2\nR-2,A3,1,2024-05-01,,410202001|410202002,,0101;new:matter:01,\n\
         R-3,A1,1,2024-05-01,,,\"POLYGON ((114 34, 114.1 34, 114 34.1, 114 34))\",*,\n",
    );
    city.write("policies.csv", "id,rules,duty\nOURS,R0 R3 R6,green_area\n");
    city.write("old.csv", "code,name_zh,ownerless\n0101,井盖,\n0114,无主井盖,1\n");
    city.write(
        "new.csv",
        "kind,code,name,policy,component,role,role_level,holders,ownerless,no_fallback\n\
         component,01001,井盖,,01001,,,owner maintainer,否,\n事件,01001,井盖异常,OWNER_THEN_TERRITORY,01001,,,,,\n\
         matter,06010,暴露垃圾,INDUSTRY_AT_DISTRICT,,环卫,区级,,,是\n",
    );
    city.write("walk.csv", "code,to,relation\n0101,01001,exact\n0114,,none\n");
    city.write("town.toml", MANIFEST);
    city
}

fn register(city: &City) -> Register {
    Register::from_json(&city.extra("register")).expect("a register")
}

#[test]
fn a_register_is_stored_as_delivered() {
    let city = town();
    let run = city.import(&["town.toml"]);
    assert_eq!(run.code, 0, "{run:?}");
    let r = register(&city);
    assert_eq!((r.city.as_str(), r.component_scheme.as_str(), r.emergency.as_deref()), ("410200", "old", Some("A1")));
    assert_eq!(r.component_schemes["town/lamps"], "new");
    let codes: Vec<&str> = r.organisations.iter().map(|o| o.code.as_str()).collect();
    assert_eq!(codes, ["0A1", "A1", "A2", "A3"], "full-width forms are plain, rows in the order of their codes");
    let gone = &r.organisations[2];
    assert_eq!((gone.name.as_str(), gone.valid_to.as_deref()), ("旧路灯所, 撤销", Some("2020-05-01")));
    assert_eq!(gone.successor.as_deref(), Some("A1"));
    assert_eq!(r.organisations[0].aliases, ["市政处", "市政所（南）"]);
    assert_eq!(r.organisations[0].contact, None, "a column that the manifest does not map is not read");
    assert_eq!(r.roles[0].schedule.as_deref(), Some("Mo-Fr 08:00-18:00"));
    assert_eq!((r.rulings[0].decided.as_str(), r.rulings[0].valid_from.as_deref()), ("2024-05-01", Some("2024-05-02")));
    assert_eq!(r.rulings[1].areas, ["410202001", "410202002"]);
    assert_eq!(r.rulings[2].polygon, [[[114.0, 34.0], [114.1, 34.0], [114.0, 34.1], [114.0, 34.0]]]);
    assert_eq!(r.policies[0].rules, [Rule::R0, Rule::R3, Rule::R6]);
    let new = r.schemes.iter().find(|s| s.id == "new").unwrap();
    assert_eq!(new.classes[0].holders.as_deref(), Some(&[Holder::Owner, Holder::Maintainer][..]));
    assert_eq!((new.classes[0].component.as_deref(), new.classes[0].ownerless), (None, Some(false)));
    assert_eq!((new.classes[1].kind, new.classes[1].component.as_deref()), (ClassKind::Matter, Some("01001")));
    assert_eq!((new.classes[2].role_level, new.classes[2].no_fallback), (Some(RoleLevel::District), Some(true)));
    let old = r.schemes.iter().find(|s| s.id == "old").unwrap();
    assert_eq!((old.classes[1].name.as_str(), old.classes[1].ownerless), ("无主井盖", Some(true)));
    assert!(r.crosswalks[0].rows[0].exact && r.crosswalks[0].rows[1].to.is_empty());
    assert_eq!(Book::new(&r).organisation("市政所（南）"), Book::new(&r).organisation("0A1"));

    let tables = run.report["register"]["tables"].as_array().unwrap();
    let rows: Vec<u64> = tables.iter().map(|t| t["rows"].as_u64().unwrap()).collect();
    assert_eq!(rows, [4, 2, 3, 2, 1, 2, 3]);
    assert_eq!(tables[0]["unused_columns"], serde_json::json!(["联系人"]));
    assert!(run.stdout.contains("classes of new: 3 rows; new.csv"), "{}", run.stdout);
    let sources: serde_json::Value = serde_json::from_slice(&city.extra("sources")).unwrap();
    assert_eq!(sources["town#register"]["tables"][0]["file"], "单位.csv");
    assert_eq!(sources["town#register"]["stored"], 17);
}

#[test]
fn the_same_register_in_another_order_is_the_same_blob() {
    let city = town();
    assert_eq!(city.import(&["town.toml"]).code, 0);
    let first = city.manifest().extra["register"].clone();
    city.write("walk.csv", "relation,to,code\nnone,,0114\nexact,01001,0101\n");
    city.write("old.csv", "code,name_zh,ownerless\n0114,无主井盖,是\n0101,井盖,\n");
    assert_eq!(city.import(&["town.toml"]).code, 0);
    assert_eq!(city.manifest().extra["register"], first);
}

#[test]
fn register_and_layers_are_replaced_apart() {
    let city = town();
    let lamps = "id = \"town\"\n[[source]]\npath = \"lamps.geojson\"\nlayer = \"lamps\"\nkey = \"code\"\n";
    let beside = MANIFEST.replacen("id = \"town\"\n", lamps, 1);
    city.write("lamps.geojson", &points(&[(114.3, 34.8, r#"{"code":"1"}"#)]));
    city.write("both.toml", &beside);
    let run = city.import(&["both.toml"]);
    assert_eq!(run.code, 0, "{run:?}");
    let (layer, first) = (city.entry("lamps"), city.manifest().extra["register"].clone());

    // Layers alone: the register stays.
    city.write("lamps.toml", lamps);
    city.write("lamps.geojson", &points(&[(114.4, 34.8, r#"{"code":"2"}"#)]));
    let run = city.import(&["lamps.toml"]);
    assert_eq!((run.code, run.report.get("register")), (0, None), "{run:?}");
    assert_ne!(city.entry("lamps"), layer);
    assert_eq!(city.manifest().extra["register"], first);
    let sources: serde_json::Value = serde_json::from_slice(&city.extra("sources")).unwrap();
    assert!(sources["town#register"].is_object() && sources["town/lamps"].is_object(), "{sources:#}");

    // The register alone: the layers stay.
    let layer = city.entry("lamps");
    city.write("policies.csv", "id,rules,duty\nOURS,R0 R6,\n");
    city.write("other.toml", &MANIFEST.replacen("town", "other", 1));
    let run = city.import(&["other.toml"]);
    assert_eq!((run.code, run.report["layers"].as_array().map(Vec::len)), (0, Some(0)), "{run:?}");
    assert_eq!(city.entry("lamps"), layer);
    assert_eq!(register(&city).policies[0].rules, [Rule::R0, Rule::R6]);
    let sources: serde_json::Value = serde_json::from_slice(&city.extra("sources")).unwrap();
    assert!(sources["other#register"].is_object() && sources["town#register"].is_null(), "{sources:#}");
}

/// Changes to files of a sound register (file, what, by what), and where and how that is said.
type Fault = (&'static str, &'static str, &'static str, &'static [(&'static str, usize, &'static str)]);

const FAULTS: &[Fault] = &[
    ("单位.csv", "A3,街道办", "A1,街道办", &[("单位.csv", 6, "\"A1\" is taken")]),
    ("单位.csv", "\"A2\"", "3.2E15", &[("单位.csv", 5, "code (单位代码): `3.2E15` was shortened by a spreadsheet")]),
    ("单位.csv", "撤销\",事业单位,A1", "撤销\",事业单位,A2", &[("单位.csv", 5, "in a circle")]),
    ("单位.csv", "撤销\",事业单位,A1", "撤销\",事业单位,A9", &[("单位.csv", 5, "\"A9\" is not in the register")]),
    ("单位.csv", "2020.5.1", "", &[("单位.csv", 5, "does not say since when")]),
    ("单位.csv", "2020.5.1", "1.5.20", &[("单位.csv", 5, "neither a day")]),
    ("单位.csv", "A3,街道办", "A3,", &[("单位.csv", 6, "needs a code and a name")]),
    ("单位.csv", "A3,街道办,街道", "A3,街道办", &[("单位.csv", 6, "6 fields instead of 7")]),
    ("roles.csv", "410202,市政所（南）", "410202,无此单位", &[("roles.csv", 3, "\"无此单位\" is not in the register")]),
    ("roles.csv", "Mo-Fr", "Xx", &[("roles.csv", 2, "\"Xx\" is no day")]),
    ("rulings.csv", "R-2,A3,1", "R-1,A3,1", &[("rulings.csv", 3, "an id of its own")]),
    ("rulings.csv", "R-2,A3,1", "R-2,A3,high", &[("rulings.csv", 3, "rank: `high` is not an integer")]),
    ("rulings.csv", "20240501", "soon", &[("rulings.csv", 2, "decided \"soon\" is no day")]),
    ("rulings.csv", "0101;new", "0199;new", &[("rulings.csv", 3, "no class of old is or begins with \"0199\"")]),
    ("rulings.csv", "POLYGON ((114 34,", "POLYGON ((34 114,", &[("rulings.csv", 4, "in this order")]),
    ("rulings.csv", "114 34))", "114 35))", &[("rulings.csv", 4, "closed rings")]),
    ("rulings.csv", "114.1 34, 114 34.1,", "114.1 34.1, 114.1 34, 114 34.1,", &[("rulings.csv", 4, "crosses itself")]),
    ("policies.csv", "R0 R3 R6", "R0 R9 R3", &[("policies.csv", 2, "`R9` is none of R0")]),
    ("policies.csv", "green_area", "lawn", &[("policies.csv", 2, "unknown variant `lawn`")]),
    ("policies.csv", ",green_area", ",", &[("policies.csv", 2, "R3 needs a duty")]),
    ("new.csv", "matter,06010", "thing,06010", &[("new.csv", 4, "kind: `thing` is none of component")]),
    ("new.csv", "INDUSTRY_AT_DISTRICT", "NONE", &[("new.csv", 4, "policy \"NONE\" does not exist")]),
    ("new.csv", ",环卫,", ",园林,", &[("new.csv", 4, "nobody holds the role \"园林\"")]),
    ("new.csv", "区级", "村级", &[("new.csv", 4, "`村级` is none of city")]),
    ("new.csv", "owner maintainer", "owner neighbour", &[("new.csv", 2, "`neighbour` is none of maintainer")]),
    ("new.csv", "否", "maybe", &[("new.csv", 2, "ownerless: `maybe` is not yes or no")]),
    ("new.csv", "TERRITORY,01001", "TERRITORY,01009", &[("new.csv", 3, "\"01009\" is not in this scheme")]),
    ("walk.csv", "0101,01001", "0102,01001", &[("walk.csv", 2, "the class \"0102\" is not in old")]),
    ("walk.csv", "01001,exact", "01001|01001,exact", &[("walk.csv", 2, "`exact` does not fit 2 codes")]),
    ("walk.csv", "0114,,none", "0101,,none", &[("walk.csv", 3, "0101 is taken by an earlier row")]),
    ("walk.csv", "0114,,none", "0114,,same", &[("walk.csv", 3, "`same` is none of exact")]),
    (
        "walk.csv",
        "0114,,none",
        "0114,01009|01008,one_to_many",
        &[("walk.csv", 3, "\"01009\" is not in new"), ("walk.csv", 3, "\"01008\" is not in new")],
    ),
];

#[test]
fn each_flaw_is_named_with_file_and_row_and_nothing_is_stored() {
    let city = town();
    assert_eq!(city.import(&["town.toml"]).code, 0);
    let before = (city.current(), city.store_files());
    for (file, what, with, said) in FAULTS {
        let bytes = std::fs::read(city.path(file)).unwrap();
        let gb = file.starts_with('单');
        let text = if gb {
            encoding_rs::GB18030.decode(&bytes).0.into_owned()
        } else {
            String::from_utf8(bytes.clone()).unwrap()
        };
        assert!(text.contains(what), "{what}");
        let text = text.replacen(what, with, 1);
        city.write_bytes(file, &if gb { encoding_rs::GB18030.encode(&text).0.into_owned() } else { text.into_bytes() });
        let run = city.import(&["town.toml"]);
        assert_eq!(run.code, 65, "{with}: {run:?}");
        assert_eq!(run.report["register"]["failed"]["code"], "flawed-register");
        let flaws: Vec<(String, u64, String)> = run.report["register"]["flaws"]
            .as_array()
            .unwrap()
            .iter()
            .map(|f| {
                let name = std::path::Path::new(f["file"].as_str().unwrap()).file_name().unwrap();
                (name.to_string_lossy().into(), f["line"].as_u64().unwrap(), f["what"].as_str().unwrap().into())
            })
            .collect();
        for (file, line, word) in *said {
            let found = flaws.iter().any(|(f, l, w)| f == file && *l == *line as u64 && w.contains(word));
            assert!(found, "{with}: {flaws:#?}");
            assert!(run.stderr.contains(&format!("{file}:{line}: ")) && run.stderr.contains(word), "{}", run.stderr);
        }
        assert_eq!((city.current(), city.store_files()), before, "{with}");
        city.write_bytes(file, &bytes);
    }
}

#[test]
fn all_flaws_come_at_once_and_check_names_them_too() {
    let city = town();
    city.write("roles.csv", "role,territory,organisation\n环卫,410202,A7\n环卫,410203,A8\n");
    city.write("walk.csv", "code,to,relation\n0101,01009,exact\n");
    let run = city.import(&["town.toml"]);
    assert_eq!((run.code, run.report["register"]["flaws"].as_array().map(Vec::len)), (65, Some(3)), "{run:?}");
    assert!(!city.store().join("CURRENT").exists());
    let out = std::process::Command::new(env!("CARGO_BIN_EXE_chengtu"))
        .args(["check".as_ref(), city.path("town.toml").as_os_str()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(78), "{said}");
    for place in ["roles.csv:2: ", "roles.csv:3: ", "walk.csv:2: "] {
        assert!(said.contains(place), "{said}");
    }
}

#[test]
fn who_must_act_is_the_exit_code() {
    // (what of the manifest, by what, exit code, words)
    let cases = [
        ("roles.csv", "gone.csv", 66, "gone.csv: not found"),
        ("rows = 4", "rows = 5", 65, "the manifest states 5 rows and the file holds 4"),
        ("GB18030", "klingon", 78, "town.toml:7: encoding `klingon`"),
        ("encoding = \"GB18030\"", "encoding = \"UTF-8\"", 78, "its first line is not UTF-8; declare `encoding`"),
        ("successor = ", "succesor = ", 78, "no field `succesor`; did you mean `successor`"),
        ("valid_to = \"撤销日期\"", "valid_to = \"终止\"", 78, "town.toml:7: organisations: no column `终止`"),
        ("city = \"410200\"\n", "", 78, "missing field `city`"),
        ("colour", "colour", 0, ""),
        ("component_scheme = \"old\"", "component_scheme = \"older\"", 78, "\"older\" has no class table"),
        ("emergency = \"A1\"", "emergency = \"A8\"", 78, "town.toml:2: the organisation \"A8\""),
        ("\"OURS\"", "\"THEIRS\"", 78, "town.toml:16: the default policy \"THEIRS\" does not exist"),
        ("to = \"new\"", "to = \"newer\"", 78, "\"newer\" has no class table"),
        ("[register]\n", "[register]\ncolour = 1\n", 78, "unknown field `colour`"),
        ("values = { kind = \"component\" } }\n[[register.scheme]]", "}\n[[register.scheme]]", 78, "no column `kind`"),
        ("path = \"new.csv\"", "path = \"town.png\"", 65, "is not CSV"),
    ];
    for (what, with, code, words) in cases {
        let city = town();
        city.write_bytes("town.png", b"\x89PNG\r\n\x1a\n\0\0\0");
        let text = MANIFEST.replacen(what, with, 1);
        city.write("town.toml", &text);
        let run = city.import(&["town.toml"]);
        assert_eq!(run.code, code, "{with}: {run:?}");
        assert!(run.stderr.contains(words), "{with}: {}", run.stderr);
        assert_eq!(city.store().join("CURRENT").exists(), code == 0, "{with}");
    }
}

#[test]
fn an_import_takes_one_register() {
    let city = town();
    city.write("twin.toml", MANIFEST);
    let run = city.import(&["town.toml", "twin.toml"]);
    assert_eq!(run.code, 78);
    assert!(run.stderr.contains("twin.toml:2: a second register") && run.stderr.contains("town.toml:2"), "{run:?}");
    city.write("none.toml", "id = \"none\"\n");
    let run = city.import(&["none.toml"]);
    assert!(run.code == 78 && run.stderr.contains("no [[source]], no [[tileset]] and no [register]"), "{run:?}");
}

#[test]
fn inspect_shows_the_register() {
    let city = town();
    assert_eq!(city.import(&["town.toml"]).code, 0);
    let inspect = |more: &[&str]| {
        let out = std::process::Command::new(env!("CARGO_BIN_EXE_chengtu"))
            .args(["inspect".as_ref(), "--store".as_ref(), city.store().as_os_str()])
            .args(more)
            .output()
            .unwrap();
        String::from_utf8(out.stdout).unwrap()
    };
    let table = inspect(&[]);
    assert!(table.contains("register of 410200\n  organisations: 4\n  classes of new: 3\n"), "{table}");
    let json: serde_json::Value = serde_json::from_str(&inspect(&["--json"])).unwrap();
    assert_eq!(json["snapshot"]["register"]["rows"]["crosswalk of old to new"], 2);
}
