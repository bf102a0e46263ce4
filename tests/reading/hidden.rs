//! Rows that a container hides from its reader: what would be missing, or be read twice, is refused or told.

use super::*;

fn written(dir: &Path, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    std::fs::write(dir.join(name), bytes).unwrap();
    dir.join(name)
}

#[test]
fn index_entries_that_share_a_record_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = shapefile(dir.path(), "a", &row_of_points(5));
    let mut index = std::fs::read(path.with_extension("shx")).unwrap();
    let first = index[100..108].to_vec();
    index[116..124].copy_from_slice(&first);
    written(dir.path(), "a.shx", index);
    let mut j = job(path, Format::Shapefile, &dir.path().join("scratch"));
    j.crs = epsg("EPSG:4547");
    assert_eq!(failed(&read(&j)), "incomplete");
}

#[test]
fn files_of_one_name_in_an_archive_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut w = zip::ZipWriter::new(std::io::Cursor::new(vec![]));
    let options = zip::write::SimpleFileOptions::default();
    for (name, text) in [("b.csv", "x,y\n1,2\n3,4\n"), ("c.csv", "x,y\n1,2\n")] {
        w.start_file(name, options).unwrap();
        std::io::Write::write_all(&mut w, text.as_bytes()).unwrap();
    }
    let bytes = w.finish().unwrap().into_inner();
    // A name of the same length, so that nothing else changes.
    let mut renamed = bytes.clone();
    let places: Vec<usize> = (0..bytes.len() - 5).filter(|i| &bytes[*i..i + 5] == b"c.csv").collect();
    places.into_iter().for_each(|i| renamed[i] = b'b');
    for (bytes, member, code) in [(bytes, "c.csv", ""), (renamed, "b.csv", "broken-archive")] {
        let mut j = csv(dir.path(), "");
        j.path = written(dir.path(), "a.zip", bytes);
        (j.member, j.crs) = (Some(member.into()), epsg("EPSG:4490"));
        assert_eq!(failed(&read(&j)), code);
    }
}

#[test]
fn a_drawing_has_one_section_of_entities() {
    let dir = tempfile::tempdir().unwrap();
    let section = |x: u32| format!("0\nSECTION\n2\nENTITIES\n0\nPOINT\n8\na\n10\n52700{x}\n20\n3852000\n0\nENDSEC\n");
    for (text, code) in [(section(1), ""), (section(1) + &section(2), "malformed")] {
        let path = written(dir.path(), "a.dxf", format!("{text}0\nEOF\n"));
        let mut j = job(path, Format::Dxf, &dir.path().join("scratch"));
        j.crs = epsg("EPSG:4547");
        assert_eq!(failed(&read(&j)), code);
    }
}

/// GDAL makes WGS 84 of what it does not know.
#[test]
fn a_crs_that_nobody_knows_is_not_taken_for_another() {
    let dir = tempfile::tempdir().unwrap();
    let text = |name: &str| {
        format!(
            "{{\"type\":\"FeatureCollection\",\"crs\":{{\"type\":\"name\",\"properties\":{{\"name\":\"{name}\"}}}},\"features\":[{{\
             \"type\":\"Feature\",\"properties\":{{}},\"geometry\":{{\"type\":\"Point\",\"coordinates\":[114.3,34.8]}}}}]}}"
        )
    };
    for (name, declared, code) in [
        ("urn:ogc:def:crs:OGC:1.3:CRS84", None, ""),
        ("urn:ogc:def:crs:EPSG::4490", None, ""),
        ("EPSG:4326", None, ""),
        ("urn:ogc:def:crs:EPSG::99999999", None, "unknown-crs"),
        ("GCJ-02", None, "unknown-crs"),
        ("GCJ-02", Some("EPSG:4490"), ""),
    ] {
        let path = written(dir.path(), "a.geojson", text(name));
        let mut j = job(path, Format::Geojson, &dir.path().join("scratch"));
        j.crs = declared.map(epsg).unwrap_or_default();
        assert_eq!(failed(&read(&j)), code, "{name}");
    }
}

#[test]
fn members_inside_members_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let member = |id: u32, more: &str| {
        format!(
            "<gml:featureMember><p:P gml:id=\"p{id}\">{more}<p:name>{id}</p:name><p:at><gml:Point srsName=\"EPSG:4490\">\
             <gml:coordinates>114.3,34.8</gml:coordinates></gml:Point></p:at></p:P></gml:featureMember>"
        )
    };
    let text = format!(
        "<gml:FeatureCollection xmlns:gml=\"http://www.opengis.net/gml\" xmlns:p=\"urn:p\">{}</gml:FeatureCollection>",
        member(1, &format!("<p:sub>{}</p:sub>", member(2, "")))
    );
    let path = written(dir.path(), "a.gml", text);
    let got = read(&job(path, Format::Gml, &dir.path().join("scratch")));
    assert_eq!(codes(&got), BTreeMap::from([("unknown-element".to_string(), 1)]), "{:?}", got.failed);
    assert_eq!(got.records.len(), 2);
}
