//! Real deliveries, imported by the command: every record that an independent reader counts is read and accounted
//! for, Chinese text is right, positions agree with an independent reprojection, damaged inputs change nothing.
//! The data lie outside the repository (`CHENGTU_SHARED_DATA`, default `../shared/data`); without them, and without
//! `ogrinfo`, these tests say so and pass.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests say what they expect by panicking")]

mod common;
mod delivery;

use delivery::{City, Run};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of real data where `ogrinfo` is at hand too; or none and a word about it.
fn data() -> Option<PathBuf> {
    let data = common::shared_data()?;
    if Command::new("ogrinfo").arg("--version").output().is_err() {
        eprintln!("SKIPPED: no ogrinfo (Debian: gdal-bin)");
        return None;
    }
    Some(data)
}

fn city(data: &Path) -> City {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let city = City::new().with_env("CHENGTU_SHARED_DATA", data);
    city.copy_layers(&root.join("layers"));
    city.copy_layers(&root.join("tests/layers"));
    city
}

/// Imports one of `tests/deliveries/`, and compares what was read with what `ogrinfo` counts.
fn import(city: &City, data: &Path, name: &str) -> Run {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/deliveries").join(name);
    let run = city.import(&[manifest.to_str().expect("UTF-8")]);
    let declared: toml::Table = toml::from_str(&std::fs::read_to_string(&manifest).expect("a manifest")).expect("TOML");
    let reports = run.report["sources"].as_array().expect("a report");
    let sources = declared["source"].as_array().expect("sources");
    assert_eq!(reports.len(), sources.len(), "{run:?}");
    for (source, report) in sources.iter().zip(reports) {
        let path = source["path"].as_str().expect("path").replace("${CHENGTU_SHARED_DATA}", &data.to_string_lossy());
        let layer = source.get("gdal_layer").and_then(|l| l.as_str());
        let counted = counted(Path::new(&path), layer);
        assert_eq!(report["read"].as_u64(), Some(counted), "{path} {layer:?}: {report:#}");
    }
    assert_eq!(run.code, 0, "{run:?}");
    for (i, source) in reports.iter().enumerate() {
        let line = [&source["id"], &source["read"], &source["stored"], &source["filtered"], &source["repaired"]];
        eprintln!("{} {:?}", line.map(|v| v.to_string()).join(" "), run.rejects(i));
    }
    run
}

/// What `ogrinfo` counts, on a copy: it writes files of its own beside what it reads.
fn counted(path: &Path, layer: Option<&str>) -> u64 {
    let dir = tempfile::tempdir().expect("a folder");
    let file = laid_open(path, dir.path());
    let mut command = Command::new("ogrinfo");
    command.args(["-so", "-ro"]).arg(&file);
    match layer {
        Some(layer) => command.arg(layer),
        None => command.arg("-al"),
    };
    let out = command.output().expect("ogrinfo runs");
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let counts: Vec<u64> = text
        .lines()
        .filter_map(|l| l.strip_prefix("Feature Count: "))
        .map(|n| n.trim().parse().expect("a count"))
        .collect();
    assert_eq!(counts.len(), 1, "{}: {text}", file.display());
    counts[0]
}

/// A copy without its archive: the file (or `.gdb` folder) itself.
fn laid_open(path: &Path, dir: &Path) -> PathBuf {
    let name = path.file_name().expect("a name").to_string_lossy().into_owned();
    if name.ends_with(".zip") {
        let file = std::fs::File::open(path).expect("the archive");
        zip::ZipArchive::new(file).expect("a zip").extract(dir).expect("unpacked");
        return found(dir, &["shp", "gdb", "gpkg", "dxf"]).expect("something to read");
    }
    if let Some(plain) = name.strip_suffix(".gz") {
        let mut from = flate2::read::GzDecoder::new(std::fs::File::open(path).expect("the file"));
        let to = dir.join(plain);
        std::io::copy(&mut from, &mut std::fs::File::create(&to).expect("a copy")).expect("unpacked");
        return to;
    }
    for extension in ["", "shx", "dbf", "prj", "cpg"] {
        let sibling = if extension.is_empty() { path.to_path_buf() } else { path.with_extension(extension) };
        if sibling.is_file() {
            std::fs::copy(&sibling, dir.join(sibling.file_name().expect("a name"))).expect("a copy");
        }
    }
    dir.join(name)
}

fn found(dir: &Path, extensions: &[&str]) -> Option<PathBuf> {
    let entries: Vec<PathBuf> = std::fs::read_dir(dir).ok()?.flatten().map(|e| e.path()).collect();
    let is = |p: &&PathBuf| p.extension().is_some_and(|x| extensions.contains(&x.to_string_lossy().as_ref()));
    let here = entries.iter().find(is).cloned();
    here.or_else(|| entries.iter().filter(|p| p.is_dir()).find_map(|p| found(p, extensions)))
}

fn rejects(run: &Run) -> BTreeMap<String, u64> {
    let mut all = BTreeMap::new();
    for i in 0..run.report["sources"].as_array().map_or(0, Vec::len) {
        for (code, n) in run.rejects(i) {
            *all.entry(code).or_default() += n;
        }
    }
    all
}

fn texts(city: &City, layer: &str, field: &str) -> Vec<String> {
    city.features(layer).iter().map(|f| city.text(layer, f, field)).collect()
}

#[test]
fn chinese_shapefiles() {
    let Some(data) = data() else { return };
    let city = city(&data);
    let run = import(&city, &data, "china.toml");
    assert_eq!(rejects(&run), BTreeMap::new());
    let districts = texts(&city, "gr_district", "name_zh");
    for name in ["深圳市", "龙亭区", "顺河回族区", "鼓楼区", "禹王台区", "祥符区", "杞县", "通许县", "尉氏县", "兰考县"]
    {
        assert!(districts.iter().any(|d| d == name), "{name}: {districts:?}");
    }
    let counties = texts(&city, "t_county", "name_zh");
    assert!(counties.iter().any(|c| c == "天长市") && counties.iter().any(|c| c == "兰考县"), "{counties:?}");
    assert_eq!(texts(&city, "t_county", "province").iter().filter(|p| *p == "安徽").count(), 78);
}

#[test]
fn positions_agree_with_another_reprojection() {
    let Some(data) = data() else { return };
    let city = city(&data);
    import(&city, &data, "china.toml");
    let dir = tempfile::tempdir().unwrap();
    let shp = laid_open(&data.join("2-admin-cn/kaifeng_districts_4547_gbk.zip"), dir.path());
    let json = dir.path().join("out.geojson");
    let transformed = Command::new("ogr2ogr")
        .args(["-f", "GeoJSON", "-s_srs", "EPSG:4547", "-t_srs", "EPSG:4490", "-lco", "COORDINATE_PRECISION=11"])
        .args([&json, &shp])
        .status()
        .unwrap();
    assert!(transformed.success());
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    let stored = city.features("gr_district");
    for f in json["features"].as_array().unwrap() {
        let code = f["properties"]["gb"].as_str().unwrap();
        let record = stored.iter().find(|s| city.text("gr_district", s, "code") == code).unwrap();
        let mut expected = vec![];
        numbers(&f["geometry"]["coordinates"], &mut expected);
        let expected: Vec<[f64; 2]> = expected.chunks(2).map(|c| [c[0], c[1]]).collect();
        // 1 mm is 9e-9 degrees.
        let near = |a: &[f64; 2], b: &[f64; 2]| (a[0] - b[0]).abs() < 9e-9 && (a[1] - b[1]).abs() < 9e-9;
        for e in &expected {
            assert!(record.geometry.xy.iter().any(|s| near(s, e)), "{code}: {e:?} is not stored");
        }
        for s in &record.geometry.xy {
            assert!(expected.iter().any(|e| near(s, e)), "{code}: {s:?} is not in the delivery");
        }
    }
}

fn numbers(json: &serde_json::Value, out: &mut Vec<f64>) {
    match json {
        serde_json::Value::Array(list) => list.iter().for_each(|v| numbers(v, out)),
        other => out.extend(other.as_f64()),
    }
}

#[test]
fn shanghai() {
    let Some(data) = data() else { return };
    let city = city(&data);
    let run = import(&city, &data, "shanghai.toml");
    assert_eq!(rejects(&run), BTreeMap::new());
    assert_eq!(city.entry("bm_road_centerline").count, 1778);
    assert_eq!(city.entry("bm_building_footprint").count, 1572);
    assert_eq!(city.entry("bm_water_area").count, 39);
    assert_eq!(city.entry("bm_water_line").count, 64);
    assert_eq!(city.entry("bm_place_name").count, 500);
    let roads = texts(&city, "bm_road_centerline", "road_name");
    assert!(roads.iter().any(|r| r == "中山东一路") || roads.iter().any(|r| r.ends_with('路')), "{roads:?}");
    assert!(texts(&city, "bm_water_area", "water_name").iter().any(|w| w == "黄浦江"));
}

#[test]
fn helsinki() {
    let Some(data) = data() else { return };
    let city = city(&data);
    let run = import(&city, &data, "helsinki.toml");
    assert_eq!(run.report["totals"]["read"], 17181 + 8520 + 2662);
    // Rings of two points, as the maker of the file left them.
    assert_eq!(rejects(&run), BTreeMap::from([("too-few-points".to_string(), 29)]));
    assert!(texts(&city, "t_line", "name").iter().any(|n| n == "Mannerheimintie"));
}

#[test]
fn nanaimo_in_three_formats() {
    let Some(data) = data() else { return };
    let city = city(&data);
    let run = import(&city, &data, "nanaimo.toml");
    let pipes = city.features("pl_water");
    assert_eq!(pipes.len(), 3331);
    // One pipe is shorter than the geodatabase's grid: its two ends fell together there.
    let lines = BTreeMap::from([("nanaimo/nanaimo_pipes".to_string(), 3331), ("nanaimo/pipes gdb".to_string(), 3330)]);
    assert_eq!(city.entry("t_line").sources, lines);
    assert_eq!(rejects(&run), BTreeMap::from([("zero-length".to_string(), 1)]));
    // One network, three containers: the same places.
    let bounds = [city.entry("pl_water").bounds, city.entry("t_line").bounds].map(|b| b.expect("bounds").to_array());
    assert!(bounds[0].iter().zip(bounds[1]).all(|(a, b)| (a - b).abs() < 1e-7), "{bounds:?}");
    let materials = texts(&city, "pl_water", "material");
    assert_eq!(materials.iter().filter(|m| *m == "PVC").count(), 1304);
    let dates = texts(&city, "pl_water", "embed_date");
    assert!(dates.iter().any(|d| d == "1954-01-01"), "{dates:?}");
}

#[test]
fn nagaoka_northing_first() {
    let Some(data) = data() else { return };
    let city = city(&data);
    let run = import(&city, &data, "nagaoka.toml");
    assert_eq!(rejects(&run), BTreeMap::new());
    assert_eq!(run.report["sources"][0]["vertical"], "local:JGD2011");
    // Nagaoka lies at 138.85 E, 37.45 N; swapped axes would put it far away.
    for layer in ["t_line", "t_any"] {
        let [w, s, e, n] = city.entry(layer).bounds.expect("bounds").to_array();
        assert!(w > 138.7 && e < 138.9 && s > 37.4 && n < 37.5, "{layer}: {w} {s} {e} {n}");
    }
}

#[test]
fn a_geodatabase_of_every_geometry() {
    let Some(data) = data() else { return };
    let city = city(&data);
    let run = import(&city, &data, "filegdb.toml");
    // Layers of null and empty shapes are part of it; all else is stored.
    assert_eq!(rejects(&run), BTreeMap::from([("null-geometry".to_string(), 28)]));
    assert_eq!(run.report["totals"]["stored"], 96);
}

#[test]
fn corner_cases_of_formats() {
    let Some(data) = data() else { return };
    let city = city(&data);
    let run = import(&city, &data, "conformance.toml");
    let stored = |id: &str| {
        let all = run.report["sources"].as_array().unwrap();
        all.iter().find(|s| s["id"].as_str().unwrap().ends_with(id)).unwrap()["stored"].as_u64().unwrap()
    };
    for (id, n) in
        [("osm-buildings-3857-ch-sample", 204), ("/countries", 179), ("countries shp", 179), ("/geopackage", 86)]
    {
        assert_eq!(stored(id), n, "{id}");
    }
    let names = texts(&city, "t_any", "name");
    assert!(names.iter().any(|n| !n.is_ascii()), "names of other alphabets: {names:?}");
}

#[test]
fn what_cannot_be_read_is_refused_by_name() {
    let Some(data) = data() else { return };
    for (file, crs, code, name) in [
        // It says that it lies in Britain, its coordinates say that it does not.
        ("flatgeobuf/poly00.fgb", "", 65, "too-many-rejects"),
        ("shapefile/noshp.zip", "crs = \"EPSG:4326\"", 65, "no-member"),
        ("shapefile/badzip.zip", "crs = \"EPSG:4326\"", 65, "broken-archive"),
        ("shapefile/utf.zip", "crs = \"EPSG:999999\"", 78, "unknown-crs"),
        ("shapefile/train_stations.zip", "crs = \"EPSG:4326\"", 78, "wrong-crs"),
    ] {
        let path = data.join("6-conformance").join(file);
        let run = damaged(&data, &format!("path = \"{}\"\n{crs}\nlayer = \"t_any\"", path.display()), |_| {});
        assert_eq!((run.code, failure(&run).as_str()), (code, name), "{file}: {run:?}");
    }
}

/// A store with something in it, and a manifest of one source beside it.
fn damaged(data: &Path, source: &str, prepare: impl FnOnce(&City)) -> Run {
    let city = city(data);
    city.write("a.geojson", &delivery::points(&[(114.3, 34.8, r#"{"name":"a"}"#)]));
    city.write("a.toml", "[[source]]\npath = \"a.geojson\"\nlayer = \"t_point\"\n");
    assert_eq!(city.import(&["a.toml"]).code, 0);
    let before = (city.current(), city.store_files());
    prepare(&city);
    city.write("d.toml", &format!("[[source]]\n{source}\n"));
    let run = city.import(&["d.toml"]);
    assert_eq!((city.current(), city.store_files()), before, "{run:?}");
    run
}

/// The code of the only source's failure.
fn failure(run: &Run) -> String {
    run.report["sources"][0]["failed"]["code"].as_str().unwrap_or_default().to_string()
}

#[test]
fn a_shapefile_cut_in_half() {
    let Some(data) = data() else { return };
    let source = "path = \"pipes.shp\"\ncrs = \"EPSG:26910\"\nlayer = \"t_line\"";
    let run = damaged(&data, source, |city| {
        for extension in ["shp", "shx", "dbf"] {
            let bytes =
                std::fs::read(data.join("3-pipes/nanaimo/PIPES_AND_SERVICES_sm").with_extension(extension)).unwrap();
            let keep = if extension == "shp" { bytes.len() / 2 } else { bytes.len() };
            city.write_bytes(&format!("pipes.{extension}"), &bytes[..keep]);
        }
    });
    assert_eq!((run.code, failure(&run).as_str()), (65, "incomplete"), "{run:?}");
}

#[test]
fn a_gml_cut_near_its_end() {
    let Some(data) = data() else { return };
    let source = "path = \"gas.gml\"\ngdal_layer = \"Pipe\"\ncrs = \"EPSG:4326\"\nlayer = \"t_line\"";
    let run = damaged(&data, source, |city| {
        let bytes = std::fs::read(data.join("3-pipes/plateau_nagaoka/08EE751_unf_10169_snowmelt_op.gml")).unwrap();
        city.write_bytes("gas.gml", &bytes[..bytes.len() * 99 / 100]);
    });
    assert_eq!(run.code, 65, "{run:?}");
    assert_ne!(failure(&run), "", "{run:?}");
}

#[test]
fn a_disguised_file() {
    let Some(data) = data() else { return };
    let source = "path = \"x.shp\"\ncrs = \"EPSG:4326\"\nlayer = \"t_line\"";
    let run = damaged(&data, source, |city| {
        let vrt = "<OGRVRTDataSource><OGRVRTLayer name=\"x\"><SrcDataSource>/etc/hostname</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>";
        city.write("x.shp", vrt);
    });
    assert_eq!(run.code, 65, "{run:?}");
    assert_ne!(failure(&run), "", "{run:?}");
}

#[test]
fn coordinates_that_are_no_numbers() {
    let Some(data) = data() else { return };
    let source = "path = \"x.csv\"\ncrs = \"EPSG:4326\"\nxy = { x = \"x\", y = \"y\" }\nlayer = \"t_point\"";
    let run = damaged(&data, source, |city| {
        city.write("x.csv", "name,x,y\na,NaN,34.8\nb,114.3,inf\nc,114.3,34.8\nd,abc,34.8\n")
    });
    assert_eq!((run.code, failure(&run).as_str()), (65, "too-many-rejects"), "{run:?}");
    assert_eq!(run.report["sources"][0]["stored"], 1);
    assert_eq!(run.rejects(0).values().sum::<u64>(), 3, "{run:?}");
}

#[test]
fn an_archive_that_explodes() {
    let Some(data) = data() else { return };
    let source = "path = \"bomb.zip\"\ncrs = \"EPSG:4326\"\nlayer = \"t_point\"\nmax_unpacked_mib = 16";
    let run = damaged(&data, source, |city| {
        let mut zip = zip::ZipWriter::new(std::fs::File::create(city.path("bomb.zip")).unwrap());
        for name in ["bomb.shp", "bomb.shx", "bomb.dbf"] {
            zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            for _ in 0..64 {
                std::io::Write::write_all(&mut zip, &vec![0; 1 << 20]).unwrap();
            }
        }
        zip.finish().unwrap();
    });
    assert_eq!((run.code, failure(&run).as_str()), (65, "too-large"), "{run:?}");
}

#[test]
fn a_flipped_bit_is_never_published_as_more_than_was_delivered() {
    let Some(data) = data() else { return };
    let original = std::fs::read(data.join("6-conformance/flatgeobuf/poly00.fgb")).unwrap();
    for at in [40usize, original.len() / 3, original.len() / 2, original.len() - 40] {
        let city = city(&data);
        let mut bytes = original.clone();
        bytes[at] ^= 0x40;
        city.write_bytes("x.fgb", &bytes);
        city.write("d.toml", "[[source]]\npath = \"x.fgb\"\nlayer = \"t_any\"\n");
        let run = city.import(&["d.toml"]);
        // The format carries no checksum: a flipped coordinate can be read. It ends in 0 with all ten, or in a named
        // error; a crash of the reader is the reader's, not the import's.
        match run.code {
            0 => assert_eq!(run.report["totals"]["stored"], 10, "byte {at}: {run:?}"),
            code => assert!([65, 74, 78].contains(&code) && city.current().is_none(), "byte {at}: {run:?}"),
        }
    }
}
