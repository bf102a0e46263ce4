//! Encodings of CSV, GML and GeoJSON.

use super::*;

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

/// Nobody else would say that rows are missing.
#[test]
fn csv_whose_quotes_take_rows_in_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let rows = |names: &[&str]| names.iter().map(|n| format!("114.3,34.8,{n}\n")).collect::<String>();
    let wkt = |names: &[&str]| names.iter().map(|n| format!("\"LINESTRING (1 2,3 4)\",7,{n}\n")).collect::<String>();
    for (names, sound) in [
        (["a", "b", "c"], true),
        (["\"two\nlines, with, commas\"", "12\" pipe of 3\"", "c"], true),
        (["\"a", "b\"", "c"], false),
        (["\"a", "\"b", "c"], false),
        (["12\" pipe", "\"b", "c"], false),
    ] {
        let xy = ReadJob { crs: epsg("EPSG:4490"), ..csv(dir.path(), format!("x,y,n\n{}", rows(&names))) };
        let mut line = ReadJob { crs: epsg("EPSG:4490"), ..csv(dir.path(), format!("shape,x,n\n{}", wkt(&names))) };
        line.xy = Some(XyColumns { x: None, y: None, z: None, wkt: Some("shape".into()) });
        std::fs::write(dir.path().join("wkt.csv"), std::fs::read(&line.path).unwrap()).unwrap();
        line.path = dir.path().join("wkt.csv");
        std::fs::write(&xy.path, format!("x,y,n\n{}", rows(&names))).unwrap();
        for job in [xy, line] {
            let got = read(&job);
            match sound {
                true => assert_eq!((got.records.len(), got.failed.is_none()), (3, true), "{names:?} {:?}", got.failed),
                false => assert_eq!(failed(&got), "malformed", "{names:?}"),
            }
        }
    }
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
