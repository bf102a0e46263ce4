//! Reading real deliveries (CHENGTU_SHARED_DATA) and damaged ones made here. Counts are compared with `ogrinfo`,
//! positions with an independent PROJ run. Not about layers, manifests and stores.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests say what they expect by panicking")]

use chengtu::import::child::{FrameReader, spawn_with};
use chengtu::import::read::read_source;
use chengtu::import::wire::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

fn data() -> Option<PathBuf> {
    let place = std::env::var_os("CHENGTU_SHARED_DATA").map(PathBuf::from);
    let place = place.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"));
    if !place.is_dir() {
        eprintln!("SKIPPED: no shared data at {} (set CHENGTU_SHARED_DATA)", place.display());
        return None;
    }
    Some(place)
}

fn job(path: PathBuf, format: Format, scratch: &Path) -> ReadJob {
    ReadJob {
        path,
        member: None,
        format,
        gdal_layer: None,
        encoding: None,
        crs: CrsSpec::default(),
        xy: None,
        stated_rows: None,
        end_marker: None,
        columns: None,
        scratch: scratch.to_path_buf(),
        limits: Limits::default(),
    }
}

fn epsg(code: &str) -> CrsSpec {
    CrsSpec { definition: Some(code.into()), ..CrsSpec::default() }
}

/// What came of a source.
#[derive(Debug, Default)]
struct Got {
    opened: Opened,
    records: Vec<Record>,
    done: Option<Done>,
    failed: Option<Failed>,
}

fn gather(frames: impl Iterator<Item = Frame>) -> Got {
    let mut got = Got::default();
    for f in frames {
        match f {
            Frame::Opened(o) => got.opened = o,
            Frame::Records(r) => got.records.extend(r),
            Frame::Done(d) => got.done = Some(d),
            Frame::Failed(f) => got.failed = Some(f),
        }
    }
    assert!(got.done.is_some() != got.failed.is_some(), "exactly one last word: {:?}", got.failed);
    got
}

fn read(job: &ReadJob) -> Got {
    let mut frames = vec![];
    read_source(job, &mut |f| {
        frames.push(f);
        Ok(())
    })
    .unwrap();
    gather(frames.into_iter())
}

fn child(job: &ReadJob) -> Got {
    let frames: FrameReader = spawn_with(Path::new(env!("CARGO_BIN_EXE_chengtu")), job).unwrap();
    gather(frames)
}

/// Features in a layer by `ogrinfo`, an independent count; none where the tool is missing.
fn ogrinfo_count(path: &str, layer: Option<&str>) -> Option<u64> {
    let mut command = Command::new("ogrinfo");
    command.args(["-ro", "-so", path]).args(layer.map_or(vec!["-al"], |l| vec![l]));
    let Ok(out) = command.output() else {
        eprintln!("SKIPPED: ogrinfo is not installed, counts are not compared");
        return None;
    };
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let line = text.lines().find_map(|l| l.strip_prefix("Feature Count: "));
    line.and_then(|n| n.trim().parse().ok())
}

fn ogrinfo_layers(path: &str) -> Vec<String> {
    let Ok(out) = Command::new("ogrinfo").args(["-ro", "-so", "-q", path]).output() else { return vec![] };
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let name = |l: &str| l.split_once(": ").map(|(_, n)| n.rsplit_once(" (").map_or(n, |(n, _)| n).to_string());
    text.lines().filter_map(name).collect()
}

fn codes(got: &Got) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    for e in got.records.iter().filter_map(|r| r.geometry.as_ref().err()) {
        *found.entry(e.code.clone()).or_default() += 1;
    }
    found
}

fn failed(got: &Got) -> &str {
    got.failed.as_ref().map_or("", |f| f.code.as_str())
}

fn column(got: &Got, name: &str) -> usize {
    got.opened.columns.iter().position(|c| c == name).unwrap_or_else(|| panic!("{name} in {:?}", got.opened.columns))
}

fn first_vertex(r: &Record) -> [f64; 2] {
    r.geometry.as_ref().map(|g| g.xy[0]).unwrap_or([f64::NAN; 2])
}

struct Case {
    file: &'static str,
    format: Format,
    crs: Option<&'static str>,
    layer: Option<&'static str>,
    /// Where `ogrinfo` finds the same.
    prefix: &'static str,
    /// Rejects by code.
    rejects: &'static [(&'static str, u64)],
}

const fn case(file: &'static str, format: Format, crs: Option<&'static str>) -> Case {
    Case { file, format, crs, layer: None, prefix: "", rejects: &[] }
}

const ZIP: &str = "/vsizip/";
const GZIP: &str = "/vsigzip/";

#[test]
fn real_deliveries_are_read_whole() {
    let Some(data) = data() else { return };
    use Format::*;
    let shp = |file, crs| Case { prefix: ZIP, ..case(file, Shapefile, crs) };
    let layer = |file, format, crs, layer| Case { layer: Some(layer), prefix: ZIP, ..case(file, format, crs) };
    let (wgs, nad) = (Some("EPSG:4326"), Some("EPSG:26910"));
    let cases = [
        shp("6-conformance/shapefile/SHP_Exclude.zip", wgs),
        shp("6-conformance/shapefile/T8Th4_6n.zip", None),
        shp("6-conformance/shapefile/codepage.zip", None),
        shp("6-conformance/shapefile/empty-shp.zip", None),
        shp("6-conformance/shapefile/qgis.zip", None),
        shp("6-conformance/shapefile/train_stations.zip", None),
        shp("6-conformance/shapefile/utf.zip", None),
        Case { rejects: &[("null-geometry", 1)], ..shp("6-conformance/shapefile/zero-len-line.zip", None) },
        shp("2-admin-cn/shenzhen4547.zip", None),
        shp("2-admin-cn/kaifeng_districts_4547_gbk.zip", None),
        case("2-admin-cn/chinese_encoding.shp", Shapefile, Some("EPSG:4490")),
        case("3-pipes/nanaimo/PIPES_AND_SERVICES_sm.shp", Shapefile, nad),
        case("3-pipes/nanaimo/PARCELS_sm.shp", Shapefile, None),
        case("6-conformance/flatgeobuf/countries.shp", Shapefile, None),
        case("6-conformance/flatgeobuf/alldatatypes.fgb", Flatgeobuf, wgs),
        Case { rejects: &[("null-geometry", 1)], ..case("6-conformance/flatgeobuf/binary_wkb.fgb", Flatgeobuf, None) },
        case("6-conformance/flatgeobuf/countries.fgb", Flatgeobuf, None),
        case("6-conformance/flatgeobuf/empty.fgb", Flatgeobuf, None),
        case("6-conformance/flatgeobuf/heterogeneous.fgb", Flatgeobuf, wgs),
        case("6-conformance/flatgeobuf/mp_overlapping.fgb", Flatgeobuf, None),
        case("6-conformance/flatgeobuf/no_properties.fgb", Flatgeobuf, wgs),
        // Named British grid, but 4 700 km too far north.
        Case { rejects: &[("outside-crs", 10)], ..case("6-conformance/flatgeobuf/poly00.fgb", Flatgeobuf, None) },
        Case { rejects: &[("outside-crs", 10)], ..case("6-conformance/flatgeobuf/poly01.fgb", Flatgeobuf, None) },
        case("6-conformance/flatgeobuf/unknown_feature_count.fgb", Flatgeobuf, None),
        case("1-basemap/osm-buildings-3857-ch-sample.fgb", Flatgeobuf, None),
        Case { rejects: &[("empty-geometry", 1)], ..case("6-conformance/gpkg/empty-geom.gpkg", Gpkg, None) },
        case("6-conformance/gpkg/geopackage-unindexed.gpkg", Gpkg, None),
        case("6-conformance/gpkg/geopackage.gpkg", Gpkg, None),
        case("6-conformance/gpkg/test_gpkg_nulls.gpkg", Gpkg, None),
        layer("1-basemap/helsinki.gpkg.zip", Gpkg, None, "points"),
        layer("1-basemap/helsinki.gpkg.zip", Gpkg, None, "lines"),
        Case {
            rejects: &[("too-few-points", 29)],
            ..layer("1-basemap/helsinki.gpkg.zip", Gpkg, None, "multipolygons")
        },
        layer("1-basemap/nanaimo_parcels_pipes.gdb.zip", Gdb, None, "parcels"),
        Case { rejects: &[("zero-length", 1)], ..layer("1-basemap/nanaimo_parcels_pipes.gdb.zip", Gdb, None, "pipes") },
        Case { prefix: ZIP, ..case("1-basemap/nanaimo_pipes.dxf.zip", Dxf, nad) },
        case("1-basemap/shanghai/boundaries.geojson", Geojson, None),
        case("1-basemap/shanghai/landuse.geojson", Geojson, None),
        Case { prefix: GZIP, ..case("1-basemap/shanghai/buildings.geojson.gz", Geojson, None) },
        Case { prefix: GZIP, ..case("1-basemap/shanghai/roads.geojson.gz", Geojson, None) },
        Case { prefix: GZIP, ..case("2-admin-cn/tw_villages_north.geojson.gz", Geojson, None) },
        case("2-admin-cn/tianditu_henan_districts_4490.geojson", Geojson, None),
    ];
    for c in &cases {
        let scratch = tempfile::tempdir().unwrap();
        let path = data.join(c.file);
        let mut j = job(path.clone(), c.format, scratch.path());
        j.crs.definition = c.crs.map(str::to_string);
        j.gdal_layer = c.layer.map(str::to_string);
        let got = read(&j);
        assert!(got.failed.is_none(), "{}: {:?}", c.file, got.failed);
        let counted = ogrinfo_count(&format!("{}{}", c.prefix, path.display()), c.layer);
        if let Some(counted) = counted {
            assert_eq!(got.records.len() as u64, counted, "{}", c.file);
        }
        let expected: BTreeMap<String, u64> = c.rejects.iter().map(|(k, n)| (k.to_string(), *n)).collect();
        assert_eq!(codes(&got), expected, "{}", c.file);
        let broken = got.records.iter().flat_map(|r| &r.values).filter(|v| matches!(v, Raw::Broken(_))).count();
        assert_eq!(broken, 0, "{}", c.file);
    }
}

#[test]
fn the_child_says_the_same_as_the_function() {
    let Some(data) = data() else { return };
    for (file, format) in [
        ("2-admin-cn/kaifeng_districts_4547_gbk.zip", Format::Shapefile),
        ("6-conformance/flatgeobuf/countries.fgb", Format::Flatgeobuf),
        ("6-conformance/gpkg/geopackage.gpkg", Format::Gpkg),
        ("6-conformance/shapefile/badzip.zip", Format::Shapefile),
    ] {
        let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (mine, its) =
            (read(&job(data.join(file), format, a.path())), child(&job(data.join(file), format, b.path())));
        assert_eq!(mine.records, its.records, "{file}");
        assert_eq!((mine.done, mine.failed), (its.done, its.failed), "{file}");
    }
}

#[test]
fn archives_without_their_file_fail_by_name() {
    let Some(data) = data() else { return };
    let scratch = tempfile::tempdir().unwrap();
    for (file, code) in [("badzip.zip", "broken-archive"), ("noshp.zip", "no-member")] {
        let path = data.join("6-conformance/shapefile").join(file);
        assert_eq!(failed(&read(&job(path, Format::Shapefile, scratch.path()))), code, "{file}");
    }
}

#[test]
fn every_layer_of_a_native_geodatabase() {
    let Some(data) = data() else { return };
    let path = data.join("1-basemap/testopenfilegdb.gdb.zip");
    let layers = ogrinfo_layers(&path.display().to_string());
    if layers.is_empty() {
        eprintln!("SKIPPED: ogrinfo is not installed");
        return;
    }
    assert_eq!(layers.len(), 37);
    let mut seen = BTreeMap::<String, u64>::new();
    for layer in layers {
        let scratch = tempfile::tempdir().unwrap();
        let mut j = job(path.clone(), Format::Gdb, scratch.path());
        j.crs = epsg("EPSG:3857");
        j.gdal_layer = Some(layer.clone());
        let got = read(&j);
        assert!(got.failed.is_none(), "{layer}: {:?}", got.failed);
        let counted = ogrinfo_count(&path.display().to_string(), Some(&layer));
        assert_eq!(Some(got.records.len() as u64), counted, "{layer}");
        for (code, n) in codes(&got) {
            *seen.entry(code).or_default() += n;
        }
        for repair in got.records.iter().flat_map(|r| &r.repairs) {
            *seen.entry(repair.clone()).or_default() += 1;
        }
    }
    eprintln!("testopenfilegdb: {seen:?}");
    for code in ["null-geometry", "measure-dropped", "surface-flattened", "made-valid"] {
        assert!(seen.contains_key(code), "{code} in {seen:?}");
    }
}

#[test]
fn chinese_is_right_whatever_says_it() {
    let Some(data) = data() else { return };
    let cases: &[(&str, &str, &str, &str)] = &[
        ("shenzhen4547.zip", "市", "深圳市", "gb18030 (language byte 0x4D)"),
        ("kaifeng_districts_4547_gbk.zip", "name", "兰考县", "gb18030 (.cpg GBK)"),
        ("chinese_encoding.shp", "NAME99", "天长市", "gb18030 (language byte 0x4D)"),
    ];
    for (file, name, value, encoding) in cases {
        let scratch = tempfile::tempdir().unwrap();
        let mut j = job(data.join("2-admin-cn").join(file), Format::Shapefile, scratch.path());
        j.crs = epsg(if file.starts_with("chinese") { "EPSG:4490" } else { "EPSG:4547" });
        let got = read(&j);
        let at = column(&got, name);
        assert_eq!(got.opened.encoding, *encoding, "{file}");
        assert_eq!(got.records[0].values[at], Raw::Text((*value).into()), "{file}");
        j.columns = Some(vec![name.to_string()]);
        assert_eq!(read(&j).opened.columns, [*name], "{file}: only what is wanted");
    }
}

/// PLATEAU writes northing first by a CRS that Debian's PROJ does not know.
#[test]
fn nagaoka_lies_where_cs2cs_says() {
    let Some(data) = data() else { return };
    let folder = data.join("3-pipes/plateau_nagaoka");
    let proj = "+proj=tmerc +lat_0=36 +lon_0=138.5 +k=0.9999 +x_0=0 +y_0=0 +ellps=GRS80 +towgs84=0,0,0 +units=m";
    for (file, layer) in [
        ("08EE751_unf_10169_gas_op.gml", "OilGasChemicalsPipe"),
        ("08EE751_unf_10169_snowmelt_op.gml", "Pipe"),
        ("08EE752_unf_10169_hv_op.gml", "Pipe"),
        ("08EE752_unf_10169_hv_op.gml", "Manhole"),
    ] {
        let scratch = tempfile::tempdir().unwrap();
        let mut j = job(folder.join(file), Format::Gml, scratch.path());
        j.gdal_layer = Some(layer.to_string());
        assert_eq!(failed(&read(&j)), "unknown-crs", "{file}");
        j.crs = epsg(proj);
        assert_eq!(failed(&read(&j)), "unknown-axis", "{file}");
        j.crs.axis = Some(Axis::Ne);
        let by_text = read(&j);
        assert!(by_text.failed.is_none(), "{file}: {:?}", by_text.failed);
        let copy = scratch.path().join("copy.gml");
        std::fs::copy(folder.join(file), &copy).unwrap();
        if let Some(counted) = ogrinfo_count(&copy.display().to_string(), Some(layer)) {
            assert_eq!(by_text.records.len() as u64, counted, "{file} {layer}");
        }
        // The layer's first position in the file itself, northing first, through cs2cs in EPSG's own axis order.
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        let own = text.split(&format!(":{layer} ")).nth(1).unwrap();
        let list = own.split("<gml:pos").nth(1).unwrap().split('>').nth(1).unwrap().split('<').next().unwrap();
        let at: Vec<&str> = list.split_whitespace().take(2).collect();
        let Some([lat, lon]) = cs2cs("EPSG:6676", at[0], at[1]) else { return };
        let nearest = by_text
            .records
            .iter()
            .flat_map(|r| r.geometry.iter())
            .flat_map(|g| &g.xy)
            .map(|p| (p[0] - lon).hypot(p[1] - lat))
            .fold(f64::INFINITY, f64::min);
        assert!(nearest < 1e-8, "{file}: {nearest} degrees from {lon} {lat}");
        j.crs.definition = Some("EPSG:6676".into());
        let by_code = read(&j);
        for (a, b) in by_text.records.iter().zip(&by_code.records) {
            let (a, b) = (first_vertex(a), first_vertex(b));
            assert!((a[0] - b[0]).abs() < 1e-9 && (a[1] - b[1]).abs() < 1e-9, "{file}");
        }
    }
}

fn cs2cs(crs: &str, first: &str, second: &str) -> Option<[f64; 2]> {
    use std::io::Write;
    let spawned = Command::new("cs2cs")
        .args(["-f", "%.12f", crs, "EPSG:4326"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn();
    let Ok(mut child) = spawned else {
        eprintln!("SKIPPED: cs2cs is not installed");
        return None;
    };
    writeln!(child.stdin.take()?, "{first} {second}").ok()?;
    let out = String::from_utf8(child.wait_with_output().ok()?.stdout).ok()?;
    let n: Vec<f64> = out.split_whitespace().take(2).filter_map(|v| v.parse().ok()).collect();
    Some([n[0], n[1]])
}

// ---- Coordinate systems: one CSV row each ----

fn csv(dir: &Path, text: impl AsRef<[u8]>) -> ReadJob {
    let path = dir.join("points.csv");
    std::fs::write(&path, text).unwrap();
    let mut j = job(path, Format::Csv, &dir.join("scratch"));
    let name = |s: &str| Some(s.to_string());
    j.xy = Some(XyColumns { x: name("x"), y: name("y"), z: None, wkt: None });
    j
}

fn one_point(crs: CrsSpec, x: f64, y: f64) -> Got {
    let dir = tempfile::tempdir().unwrap();
    let mut j = csv(dir.path(), format!("x,y\n{x},{y}\n"));
    j.crs = crs;
    read(&j)
}

/// crs.md §1.2, within 1 mm.
#[test]
fn test_vectors_of_the_city_crss() {
    let vectors: &[(f64, f64, u32, f64, f64)] = &[
        (114.3, 34.8, 4547, 527452.964, 3852446.171),
        (114.3, 34.8, 4526, 38527452.964, 3852446.171),
        (114.3, 34.8, 4509, 252891.583, 3855729.508),
        (114.3, 34.8, 3857, 12723817.798, 4136735.049),
        (113.9, 34.4, 4547, 490805.048, 3808036.378),
        (113.9, 34.4, 4508, 766695.068, 3811846.932),
        (113.9, 34.4, 4509, 214905.842, 3812391.710),
        (115.0, 34.85, 4547, 591456.071, 3858408.110),
        (120.3, 31.57, 4549, 528479.501, 3494211.755),
        (120.3, 31.57, 4528, 40528479.501, 3494211.755),
        (106.57, 29.6, 4545, 361467.231, 3276627.787),
        (106.57, 29.6, 4544, 652097.091, 3276803.233),
        (120.65, 27.78, 4549, 564065.375, 3074231.235),
    ];
    for (lon, lat, code, e, n) in vectors {
        let got = one_point(epsg(&format!("EPSG:{code}")), *e, *n);
        let [x, y] = first_vertex(&got.records[0]);
        let metres = ((x - lon) * lat.to_radians().cos()).hypot(y - lat) * 111_320.0;
        assert!(metres < 0.001, "EPSG:{code}: {metres} m, {:?}", got.records[0].geometry);
        // Northing first, as surveyors write, is the same place.
        let ne = one_point(CrsSpec { axis: Some(Axis::Ne), ..epsg(&format!("EPSG:{code}")) }, *n, *e);
        assert_eq!(first_vertex(&ne.records[0]), [x, y]);
    }
}

#[test]
fn datums_need_a_real_operation() {
    let local = "+proj=tmerc +lat_0=0 +lon_0=114.3333 +k=1 +x_0=500000 +y_0=0 +ellps=krass +units=m";
    for refused in ["EPSG:2384", "EPSG:2343", "EPSG:2436", "EPSG:4555", "EPSG:4610", "EPSG:4214", local] {
        let degrees = ["EPSG:4555", "EPSG:4610", "EPSG:4214"].contains(&refused);
        let (x, y) = if degrees { (114.3, 34.8) } else { (500000.0, 3850000.0) };
        let got = one_point(epsg(refused), x, y);
        assert_eq!(failed(&got), "ballpark-refused", "{refused}: {:?}", got.records);
        assert!(got.failed.unwrap().what.contains("helmert"), "says what to do");
    }
    for unknown in ["EPSG:10169", "EPSG:999999", "nonsense", "EPSG:4479", "EPSG:5737"] {
        assert_eq!(failed(&one_point(epsg(unknown), 1.0, 1.0)), "unknown-crs", "{unknown}");
    }
    assert_eq!(failed(&one_point(CrsSpec::default(), 1.0, 1.0)), "unknown-crs");
    // DHDN: PROJ straight to 4490 would be a ballpark 130 m off; by way of 4326 it is a real operation.
    let dhdn = one_point(epsg("EPSG:31467"), 3_420_000.0, 5_370_000.0);
    assert!(dhdn.opened.operation.contains("DHDN to"), "{}", dhdn.opened.operation);
    if let Some([lat, lon]) = cs2cs("EPSG:31467", "5370000", "3420000") {
        let [x, y] = first_vertex(&dhdn.records[0]);
        assert!((x - lon).abs() < 1e-4 && (y - lat).abs() < 1e-4, "{x} {y} against {lon} {lat}");
    }
}

#[test]
fn declared_parameters_are_used() {
    // All zero: the same ellipsoid and place, so only the ellipsoid's shape changes.
    let local = "+proj=tmerc +lat_0=0 +lon_0=114 +k=1 +x_0=500000 +y_0=0 +a=6378137 +rf=298.257222101 +units=m";
    let zero = CrsSpec { helmert: Some([0.0; 7]), ..epsg(local) };
    let got = one_point(zero, 527452.964, 3852446.171);
    let [x, y] = first_vertex(&got.records[0]);
    assert!((x - 114.3).abs() < 1e-8 && (y - 34.8).abs() < 1e-8, "{x} {y}");
    // Moving the origin by 100 m along the Earth's x axis moves this place by 100 m · sin(longitude) to the west.
    let shifted = CrsSpec { helmert: Some([100.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]), ..epsg(local) };
    let [x2, _] = first_vertex(&one_point(shifted, 527452.964, 3852446.171).records[0]);
    let east = (x2 - x) * 111_320.0 * 34.8f64.to_radians().cos();
    let expected = -100.0 * 114.3f64.to_radians().sin();
    assert!((east - expected).abs() < 0.5, "{east} against {expected}");
    let pipeline = "+proj=pipeline +step +inv +proj=tmerc +lon_0=114 +x_0=500000 +ellps=GRS80 \
                    +step +proj=unitconvert +xy_in=rad +xy_out=deg";
    let by_pipeline = CrsSpec { operation: Some(pipeline.into()), ..epsg(local) };
    let [x3, y3] = first_vertex(&one_point(by_pipeline, 527452.964, 3852446.171).records[0]);
    assert!((x3 - 114.3).abs() < 1e-8 && (y3 - 34.8).abs() < 1e-8, "{x3} {y3}");
    let nonsense = CrsSpec { operation: Some("+proj=nothing".into()), ..epsg(local) };
    assert_eq!(failed(&one_point(nonsense, 1.0, 1.0)), "bad-operation");
}

#[test]
fn a_wrong_zone_is_told_with_the_right_one() {
    let cases: &[(&str, f64, f64, &str)] = &[
        ("EPSG:4547", 38527452.964, 3852446.171, "EPSG:4526"),
        ("EPSG:4526", 527452.964, 3852446.171, "EPSG:4547"),
        ("EPSG:4526", 39527452.964, 3852446.171, "EPSG:4527"),
        ("EPSG:4547", 3852446.171, 527452.964, "northing first"),
        ("EPSG:4490", 38527452.964, 3852446.171, "EPSG:4526"),
        ("EPSG:4547", 114.3, 34.8, "EPSG:4490"),
    ];
    for (crs, x, y, hint) in cases {
        let got = one_point(epsg(crs), *x, *y);
        let what = got.failed.as_ref().map(|f| f.what.clone()).unwrap_or_default();
        assert!(failed(&got) == "wrong-crs" && what.contains(hint), "{crs} {x}: {what}");
    }
    // One zone beside: plausible numbers, so it is a finding.
    let beside = one_point(epsg("EPSG:4547"), 252891.583, 3855729.508);
    assert!(beside.done.unwrap().findings[0].contains("check the zone"));
}

// ---- Encodings ----

fn gb(s: &str) -> Vec<u8> {
    encoding_rs::GB18030.encode(s).0.into_owned()
}

#[test]
fn csv_in_gbk_utf16_and_with_its_troubles() {
    let dir = tempfile::tempdir().unwrap();
    let text = "编号,名称,x,y\n01,\"开封,龙亭\",114.3,34.8\n02,包公湖,114.34,34.79\n";
    for (bytes, encoding) in [
        (gb(text), "gb18030 (not UTF-8, all text is valid GB18030)"),
        ([b"\xef\xbb\xbf".to_vec(), text.as_bytes().to_vec()].concat(), "UTF-8 (byte order mark)"),
        (
            [vec![0xff, 0xfe], text.encode_utf16().flat_map(u16::to_le_bytes).collect()].concat(),
            "UTF-16LE (byte order mark)",
        ),
        (text.replace(',', ";").replace("封;", "封,").into_bytes(), "UTF-8 (all text is valid UTF-8)"),
    ] {
        let mut j = csv(dir.path(), bytes);
        j.crs = epsg("EPSG:4490");
        let got = read(&j);
        assert_eq!(got.opened.encoding, encoding);
        assert_eq!(got.opened.columns, ["编号", "名称", "x", "y"], "{encoding}");
        assert_eq!(got.records[0].values[..2], [Raw::Text("01".into()), Raw::Text("开封,龙亭".into())], "{encoding}");
        assert_eq!((got.records[1].row, first_vertex(&got.records[1])), (3, [114.34, 34.79]));
    }
    let mut bad = csv(dir.path(), "x,y\n114.3,34.8\n,34.8\nabc,34.8\nNaN,34.8\n114.3\n");
    bad.crs = epsg("EPSG:4490");
    let got = read(&bad);
    let expected = ["bad-coordinate", "not-finite", "null-geometry", "wrong-width"];
    assert_eq!(codes(&got).into_keys().collect::<Vec<_>>(), expected);
    let stated = ReadJob { stated_rows: Some(6), ..bad.clone() };
    assert_eq!(failed(&read(&stated)), "incomplete");
    let marked = ReadJob { end_marker: Some("END".into()), ..bad };
    assert_eq!(failed(&read(&marked)), "incomplete");
    let mut whole = csv(dir.path(), "x,y\n114.3,34.8\nEND\n");
    whole.crs = epsg("EPSG:4490");
    whole.end_marker = Some("END".into());
    assert_eq!(read(&whole).records.len(), 1);
    let mut quote = csv(dir.path(), "x,y,n\n114.3,34.8,\"cut he");
    quote.crs = epsg("EPSG:4490");
    assert_eq!(failed(&read(&quote)), "incomplete");
}

#[test]
fn csv_with_wkt_is_read_with_its_curves() {
    let dir = tempfile::tempdir().unwrap();
    let rows = "id,shape\n1,\"CIRCULARSTRING (500000 3850000,500010 3850010,500020 3850000)\"\n\
                2,\"POLYGON ((500000 3850000,500010 3850010,500010 3850000,500000 3850010,500000 3850000))\"\n\
                3,\"GEOMETRYCOLLECTION (POINT (500000 3850000),LINESTRING (500000 3850000,500001 3850000))\"\n\
                4,LINESTRING EMPTY\n5,garbage\n6,\"LINESTRING ZM (500000 3850000 5 1,500010 3850000 6 2)\"\n\
                7,\"TIN Z (((500000 3850000 0,500010 3850000 0,500000 3850010 0,500000 3850000 0)))\"\n";
    let mut j = csv(dir.path(), rows);
    j.xy = Some(XyColumns { x: None, y: None, z: None, wkt: Some("shape".into()) });
    j.crs = epsg("EPSG:4547");
    let got = read(&j);
    assert!(got.failed.is_none(), "{:?}", got.failed);
    let repairs: Vec<String> = got.records.iter().map(|r| r.repairs.join(" ")).collect();
    assert_eq!(repairs, ["linearised", "made-valid", "", "", "", "measure-dropped", "surface-flattened"]);
    let code = |i: usize| got.records[i].geometry.as_ref().map_err(|e| e.code.clone()).err().unwrap_or_default();
    assert_eq!([code(2), code(3), code(4)], ["mixed-collection", "empty-geometry", "broken-geometry"]);
    let bowtie = got.records[1].geometry.as_ref().unwrap();
    assert_eq!(bowtie.parts.len(), 2, "two triangles");
    assert_eq!(got.records[5].geometry.as_ref().unwrap().z, [5.0, 6.0]);
}

#[test]
fn gml_and_geojson_in_gbk_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let geojson = r#"{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"名称":"开封市"},
        "geometry":{"type":"Point","coordinates":[114.3,34.8]}}]}"#;
    let path = dir.path().join("a.geojson");
    std::fs::write(&path, gb(geojson)).unwrap();
    let got = read(&job(path, Format::Geojson, &dir.path().join("s1")));
    assert_eq!((got.opened.columns, &got.records[0].values[0]), (vec!["名称".into()], &Raw::Text("开封市".into())));
    let path = dir.path().join("a.gml");
    std::fs::write(&path, gb(&gml("GB2312", "urn:ogc:def:crs:EPSG::4547"))).unwrap();
    let got = read(&job(path, Format::Gml, &dir.path().join("s2")));
    assert!(got.failed.is_none(), "{:?}", got.failed);
    assert_eq!(got.opened.encoding, "gb18030 (XML declaration GB2312)");
    let at = column(&got, "name");
    assert_eq!(got.records[0].values[at], Raw::Text("龙亭区".into()));
    let [x, y] = first_vertex(&got.records[0]);
    assert!((x - 114.3).abs() < 1e-8 && (y - 34.8).abs() < 1e-8, "northing first by the URN: {x} {y}");
}

fn gml(encoding: &str, srs: &str) -> String {
    let member = |i: u32| {
        format!(
            "<gml:featureMember><p:Place gml:id=\"p{i}\"><p:name>龙亭区</p:name><p:shape><gml:Point srsName=\"{srs}\">\
             <gml:pos>3852446.171 527452.964</gml:pos></gml:Point></p:shape></p:Place></gml:featureMember>\n"
        )
    };
    let members: String = (0..50).map(member).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"{encoding}\"?>\n<gml:FeatureCollection xmlns:gml=\"http://www.opengis.net/gml\" \
         xmlns:p=\"urn:p\">\n{members}</gml:FeatureCollection>\n"
    )
}

// ---- Damage ----

/// A shapefile of `n` points in EPSG:4547 with one text column, all its bytes written here.
fn shapefile(dir: &Path, stem: &str, points: &[[f64; 2]]) -> PathBuf {
    let n = points.len() as u32;
    let header = |bytes: u32| {
        let mut h = vec![0u8; 100];
        h[..4].copy_from_slice(&9994u32.to_be_bytes());
        h[24..28].copy_from_slice(&(bytes / 2).to_be_bytes());
        h[28..32].copy_from_slice(&1000u32.to_le_bytes());
        h[32..36].copy_from_slice(&1u32.to_le_bytes());
        h
    };
    let (mut shp, mut shx) = (header(100 + n * 28), header(100 + n * 8));
    for (i, p) in points.iter().enumerate() {
        shx.extend((shp.len() as u32 / 2).to_be_bytes());
        shx.extend(10u32.to_be_bytes());
        shp.extend((i as u32 + 1).to_be_bytes());
        shp.extend(10u32.to_be_bytes());
        shp.extend(1u32.to_le_bytes());
        p.iter().for_each(|v| shp.extend(v.to_le_bytes()));
    }
    let mut dbf = vec![0u8; 32];
    dbf[0] = 3;
    dbf[4..8].copy_from_slice(&n.to_le_bytes());
    dbf[8..10].copy_from_slice(&65u16.to_le_bytes());
    dbf[10..12].copy_from_slice(&11u16.to_le_bytes());
    let mut field = [0u8; 32];
    field[..4].copy_from_slice(&gb("名称"));
    field[11] = b'C';
    field[16] = 10;
    dbf.extend(field);
    dbf.push(0x0d);
    for i in 0..n {
        dbf.push(b' ');
        let mut value = gb(&format!("路{i}"));
        value.resize(10, b' ');
        dbf.extend(value);
    }
    for (ext, bytes) in [("shp", shp), ("shx", shx), ("dbf", dbf)] {
        std::fs::write(dir.join(format!("{stem}.{ext}")), bytes).unwrap();
    }
    dir.join(format!("{stem}.shp"))
}

fn row_of_points(n: u32) -> Vec<[f64; 2]> {
    (0..n).map(|i| [527000.0 + f64::from(i), 3852000.0]).collect()
}

fn cut(path: &Path, keep: f64) {
    let bytes = std::fs::read(path).unwrap();
    std::fs::write(path, &bytes[..(bytes.len() as f64 * keep) as usize]).unwrap();
}

fn read_shp(path: &Path) -> Got {
    let scratch = tempfile::tempdir().unwrap();
    let mut j = job(path.to_path_buf(), Format::Shapefile, scratch.path());
    j.crs = epsg("EPSG:4547");
    read(&j)
}

#[test]
fn a_shapefile_is_whole_or_refused() {
    let dir = tempfile::tempdir().unwrap();
    let fresh = || shapefile(dir.path(), "a", &row_of_points(1000));
    let got = read_shp(&fresh());
    assert_eq!((got.records.len(), got.opened.declared), (1000, Some(1000)), "{:?}", got.failed);
    assert_eq!(got.records[7].values, [Raw::Text("路7".into())]);
    for (ext, keep) in [("shp", 0.5), ("shp", 0.001), ("dbf", 0.5), ("shx", 0.5), ("dbf", 0.0), ("shx", 0.0)] {
        let path = fresh();
        cut(&path.with_extension(ext), keep);
        let got = read_shp(&path);
        assert!(["incomplete", "not-this-format"].contains(&failed(&got)), ".{ext} at {keep}: {:?}", got.failed);
    }
    let path = fresh();
    cut(&path, 0.5);
    let what = read_shp(&path).failed.unwrap().what;
    assert!(what.contains("1000 records") && what.contains("498 are there"), "{what}");
    for ext in ["dbf", "shx"] {
        let path = fresh();
        std::fs::remove_file(path.with_extension(ext)).unwrap();
        assert_eq!(failed(&read_shp(&path)), "incomplete");
    }
    let path = fresh();
    let mut dbf = std::fs::read(path.with_extension("dbf")).unwrap();
    dbf[65 + 11 * 3] = b'*';
    std::fs::write(path.with_extension("dbf"), dbf).unwrap();
    let got = read_shp(&path);
    assert_eq!((got.opened.deleted, got.opened.declared, got.records.len()), (1, Some(999), 999));
    assert_eq!(got.records[3].values, [Raw::Text("路4".into())], "rows stay with their shapes");
}

#[test]
fn shapes_that_are_no_numbers_are_rejects() {
    let dir = tempfile::tempdir().unwrap();
    let points = [[527000.0, 3852000.0], [f64::NAN, 3852000.0], [527000.0, f64::INFINITY], [527000.0, 3852000.0]];
    let got = read_shp(&shapefile(dir.path(), "nan", &points));
    assert_eq!(codes(&got), BTreeMap::from([("not-finite".to_string(), 2)]), "{:?}", got.failed);
}

#[test]
fn upper_case_parts_and_links_are_followed() {
    let dir = tempfile::tempdir().unwrap();
    let path = shapefile(dir.path(), "a", &row_of_points(3));
    for (from, to) in [("shp", "A.SHP"), ("shx", "A.SHX"), ("dbf", "a.DBF")] {
        std::fs::rename(path.with_extension(from), dir.path().join(to)).unwrap();
    }
    assert_eq!(read_shp(&dir.path().join("A.SHP")).records.len(), 3);
}

#[test]
fn disguises_are_seen_through() {
    let dir = tempfile::tempdir().unwrap();
    let files: &[(&str, &[u8], Format)] = &[
        ("a.shp", b"<OGRVRTDataSource><OGRVRTLayer name=\"x\"/></OGRVRTDataSource>", Format::Shapefile),
        ("b.shp", b"PK\x03\x04rest", Format::Shapefile),
        ("c.gpkg", b"<html><body>login</body></html>", Format::Gpkg),
        ("d.fgb", b"SQLite format 3\0", Format::Flatgeobuf),
        ("e.geojson", b"<OGRVRTDataSource/>", Format::Geojson),
        ("f.gml", b"{\"type\":\"FeatureCollection\"}", Format::Gml),
        ("g.gml", b"<OGRVRTDataSource/>", Format::Gml),
        ("h.dxf", b"AC1015 binary", Format::Dxf),
        ("i.csv", b"PK\x03\x04xlsx", Format::Csv),
        ("j.geojsonl", b"SQLite format 3\0", Format::Geojsonseq),
        ("k.fgb", b"", Format::Flatgeobuf),
    ];
    for (name, bytes, format) in files {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let mut j = job(path, *format, &dir.path().join("scratch"));
        j.crs = epsg("EPSG:4490");
        assert_eq!(failed(&read(&j)), "not-this-format", "{name}");
    }
    for path in ["/vsicurl/http://localhost/a.shp", "/vsizip/a.zip/a.shp"] {
        assert_eq!(failed(&read(&job(path.into(), Format::Shapefile, dir.path()))), "bad-path");
    }
    assert_eq!(failed(&read(&job(dir.path().join("none.shp"), Format::Shapefile, dir.path()))), "not-found");
}

#[test]
fn cut_text_files_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let feature = r#"{"type":"Feature","properties":{"n":1},"geometry":{"type":"Point","coordinates":[114.3,34.8]}}"#;
    let geojson = format!(r#"{{"type":"FeatureCollection","features":[{}]}}"#, vec![feature; 50].join(","));
    let lines = format!("{}\n", vec![feature; 50].join("\n"));
    let nan = geojson.replacen("114.3", "NaN", 1);
    let bomb = format!("{{\"a\":{}1{}}}", "[".repeat(20_000), "]".repeat(20_000));
    let doctype = gml("UTF-8", "EPSG:4547").replacen("?>", "?><!DOCTYPE a [<!ENTITY b \"c\">]>", 1);
    let points = "0\nPOINT\n8\n0\n10\n527000.0\n20\n3852000.0\n".repeat(50);
    let dxf = format!("0\nSECTION\n2\nENTITIES\n{points}0\nENDSEC\n0\nEOF\n");
    let whole: &[(&str, Format, &str)] = &[
        ("a.geojson", Format::Geojson, &geojson),
        ("a.geojsonl", Format::Geojsonseq, &lines),
        ("a.gml", Format::Gml, &gml("UTF-8", "urn:ogc:def:crs:EPSG::4547")),
        ("a.dxf", Format::Dxf, &dxf),
    ];
    let read_text = |name: &str, format, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        let mut j = job(path, format, &dir.path().join("scratch"));
        j.crs = epsg(if format == Format::Dxf || format == Format::Gml { "EPSG:4547" } else { "EPSG:4490" });
        read(&j)
    };
    for (name, format, text) in whole {
        let got = read_text(name, *format, text);
        assert!(got.failed.is_none() && !got.records.is_empty(), "{name}: {:?}", got.failed);
        for keep in [0.51, 0.89, 0.99] {
            let mut end = (text.len() as f64 * keep) as usize;
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            let got = read_text(name, *format, &text[..end]);
            assert_eq!(failed(&got), "incomplete", "{name} at {keep}: {:?}", got.failed);
        }
    }
    for (name, format, text) in
        [("n.geojson", Format::Geojson, &nan), ("b.geojson", Format::Geojson, &bomb), ("d.gml", Format::Gml, &doctype)]
    {
        let got = read_text(name, format, text);
        assert_eq!(failed(&got), "malformed", "{name}: {:?}", got.failed);
    }
}

#[test]
fn cut_containers_are_refused() {
    let Some(data) = data() else { return };
    let dir = tempfile::tempdir().unwrap();
    for (file, format) in [
        ("6-conformance/gpkg/geopackage.gpkg", Format::Gpkg),
        ("6-conformance/flatgeobuf/countries.fgb", Format::Flatgeobuf),
        ("1-basemap/helsinki.gpkg.zip", Format::Gpkg),
        ("1-basemap/shanghai/roads.geojson.gz", Format::Geojson),
    ] {
        let path = dir.path().join(Path::new(file).file_name().unwrap());
        for keep in [0.3, 0.9, 0.99] {
            std::fs::copy(data.join(file), &path).unwrap();
            cut(&path, keep);
            let got = read(&job(path.clone(), format, &dir.path().join("scratch")));
            assert!(["incomplete", "broken-archive"].contains(&failed(&got)), "{file} at {keep}: {:?}", got.failed);
        }
    }
}

#[test]
fn bombs_escapes_and_links_in_archives_are_refused() {
    use std::io::Write;
    let dir = tempfile::tempdir().unwrap();
    let options = zip::write::SimpleFileOptions::default();
    let archive = |name: &str, fill: &dyn Fn(&mut zip::ZipWriter<std::fs::File>)| {
        let path = dir.path().join(name);
        let mut w = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
        fill(&mut w);
        w.finish().unwrap();
        path
    };
    let bomb = archive("bomb.zip", &|w| {
        w.start_file("a.geojson", options).unwrap();
        (0..100).for_each(|_| w.write_all(&vec![b' '; 1 << 20]).unwrap());
    });
    let escape = archive("escape.zip", &|w| {
        w.start_file("../a.geojson", options).unwrap();
    });
    let link = archive("link.zip", &|w| {
        w.add_symlink("a.geojson", "/etc/passwd", options).unwrap();
    });
    for (path, code) in [(bomb, "too-large"), (escape, "broken-archive"), (link, "broken-archive")] {
        let got = read(&job(path.clone(), Format::Geojson, &dir.path().join("scratch")));
        assert_eq!(failed(&got), code, "{}: {:?}", path.display(), got.failed);
    }
    let gz = dir.path().join("bomb.geojson.gz");
    let mut w = flate2::write::GzEncoder::new(std::fs::File::create(&gz).unwrap(), flate2::Compression::best());
    (0..100).for_each(|_| w.write_all(&vec![b' '; 1 << 20]).unwrap());
    w.finish().unwrap();
    assert_eq!(failed(&read(&job(gz, Format::Geojson, &dir.path().join("scratch")))), "too-large");
}

#[test]
fn names_in_zips_are_gbk_where_they_are_not_utf8() {
    use std::io::Write;
    let dir = tempfile::tempdir().unwrap();
    let inside = shapefile(dir.path(), "a", &row_of_points(3));
    // The zip crate writes UTF-8 names with bit 11; ASCII names of the same length are then overwritten with GBK.
    let (plain, path) = (dir.path().join("plain.zip"), dir.path().join("gbk.zip"));
    let mut w = zip::ZipWriter::new(std::fs::File::create(&plain).unwrap());
    for ext in ["shp", "shx", "dbf"] {
        for stem in ["QQQQ", "ZZZZ"] {
            w.start_file(format!("{stem}.{ext}"), zip::write::SimpleFileOptions::default()).unwrap();
            w.write_all(&std::fs::read(inside.with_extension(ext)).unwrap()).unwrap();
        }
    }
    w.finish().unwrap();
    let mut bytes = std::fs::read(&plain).unwrap();
    for (ascii, chinese) in [(b"QQQQ", gb("道路")), (b"ZZZZ", gb("井盖"))] {
        for at in 0..bytes.len() - 4 {
            if &bytes[at..at + 4] == ascii {
                bytes[at..at + 4].copy_from_slice(&chinese);
            }
        }
    }
    std::fs::write(&path, bytes).unwrap();
    let mut j = job(path, Format::Shapefile, &dir.path().join("scratch"));
    j.crs = epsg("EPSG:4547");
    let got = read(&j);
    assert!(failed(&got) == "no-member" && got.failed.as_ref().unwrap().what.contains("道路.shp"), "{:?}", got.failed);
    j.member = Some("井盖.shp".into());
    let got = read(&j);
    assert_eq!(got.records.len(), 3, "{:?}", got.failed);
}

/// Seeded single-bit flips: the child always has a last word, and what it hands over always holds.
#[test]
fn bit_flips_end_in_words() {
    let Some(data) = data() else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut seed = 7u64;
    let mut random = |n: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % n
    };
    let folder = data.join("6-conformance/flatgeobuf");
    let mut words = BTreeMap::<String, u64>::new();
    for (file, format) in [
        ("countries.shp", Format::Shapefile),
        ("countries.dbf", Format::Shapefile),
        ("countries.fgb", Format::Flatgeobuf),
    ] {
        for _ in 0..12 {
            for ext in ["shp", "shx", "dbf", "prj", "fgb"] {
                let name = format!("countries.{ext}");
                std::fs::copy(folder.join(&name), dir.path().join(&name)).unwrap();
            }
            let path = dir.path().join(file);
            let mut bytes = std::fs::read(&path).unwrap();
            let at = random(bytes.len());
            bytes[at] ^= 1 << random(8);
            std::fs::write(&path, bytes).unwrap();
            let main = if format == Format::Shapefile { path.with_extension("shp") } else { path };
            let got = child(&job(main, format, &dir.path().join("scratch")));
            *words.entry(if got.done.is_some() { "done".into() } else { failed(&got).to_string() }).or_default() += 1;
        }
    }
    eprintln!("bit flips: {words:?}");
    assert_eq!(words.get("reader-died"), None);
}

// ---- The child ----

#[test]
fn a_child_that_dies_or_babbles_is_a_named_failure() {
    let dir = tempfile::tempdir().unwrap();
    let path = shapefile(dir.path(), "a", &row_of_points(3));
    let j = job(path, Format::Shapefile, dir.path());
    for exe in ["/bin/false", "/bin/true", "/bin/echo"] {
        let got = gather(spawn_with(Path::new(exe), &j).unwrap());
        assert_eq!(failed(&got), "reader-died", "{exe}");
    }
    assert!(spawn_with(Path::new("/no/such/program"), &j).is_err());
    let mut starved = j;
    starved.crs = epsg("EPSG:4547");
    starved.limits.memory_bytes = 64 << 20;
    let got = gather(spawn_with(Path::new(env!("CARGO_BIN_EXE_chengtu")), &starved).unwrap());
    assert_eq!(failed(&got), "reader-died", "{:?}", got.failed);
}
