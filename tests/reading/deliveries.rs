//! Real deliveries: counts by `ogrinfo`, places by `cs2cs`, Chinese right whatever says it.

use super::*;

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

pub fn cs2cs(crs: &str, first: &str, second: &str) -> Option<[f64; 2]> {
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
