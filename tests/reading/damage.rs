//! Damaged, disguised and hostile files made here: refused by name, or counted.

use super::*;

/// A shapefile of `n` points in EPSG:4547 with one text column.
pub fn shapefile(dir: &Path, stem: &str, points: &[[f64; 2]]) -> PathBuf {
    let name: [u8; 4] = gb("名称").try_into().unwrap();
    for (ext, bytes) in common::shapefile::shapefile(points, &name, |i| gb(&format!("路{i}"))) {
        std::fs::write(dir.join(format!("{stem}.{ext}")), bytes).unwrap();
    }
    dir.join(format!("{stem}.shp"))
}

pub fn row_of_points(n: u32) -> Vec<[f64; 2]> {
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
