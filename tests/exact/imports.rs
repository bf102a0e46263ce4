//! Row 25: what an import is refused with. A full disk and killed imports are `tests/torture`, a reader that dies or is late
//! `tests/reading`.

use super::common::declared;
use super::common::shapefile::shapefile;
use super::delivery::{City, Run, points};
use chengtu::store::Store;
use std::io::Write;

const SOURCE: &str = "layer = \"places\"\n";

/// A city that has a snapshot already: nothing below may change it.
fn published() -> (City, String) {
    let city = City::new();
    let text = r#"{ name = "name", type = "text", zh = "名称" }"#;
    city.layer("t", "places", &declared::layer("places", "point", r#"serve = ["mvt"]"#, &[text]));
    city.write("a.geojson", &points(&[(114.3, 34.8, r#"{"name":"一"}"#)]));
    let run = deliver(&city, "a.geojson", "");
    assert_eq!(run.code, 0, "{}", run.stderr);
    let now = city.current().unwrap();
    (city, now)
}

fn deliver(city: &City, file: &str, lines: &str) -> Run {
    city.write("d.toml", &format!("[[source]]\nid = \"s\"\npath = \"{file}\"\n{SOURCE}{lines}"));
    city.import(&["d.toml"])
}

fn zip(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut w = zip::ZipWriter::new(std::io::Cursor::new(vec![]));
    w.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
    w.write_all(bytes).unwrap();
    w.finish().unwrap().into_inner()
}

#[test]
fn an_import_is_refused_by_name_and_nothing_changes() {
    let (city, before) = published();
    let places: Vec<[f64; 2]> = (0..1000).map(|i| [114.3 + f64::from(i) * 1e-4, 34.8]).collect();
    for (ending, bytes) in shapefile(&places, b"name", |_| b"x".to_vec()) {
        let half = if ending == "shp" { bytes.len() / 2 } else { bytes.len() };
        city.write_bytes(&format!("cut.{ending}"), &bytes[..half]);
    }
    let vrt = r#"<OGRVRTDataSource><OGRVRTLayer name="a"><SrcDataSource>a.geojson</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>"#;
    city.write("vrt.shp", vrt);
    city.write_bytes("bomb.zip", &zip("a.geojson", &vec![b' '; 600 << 20]));
    let crossed: Vec<(f64, f64, &str)> =
        (0..100).map(|i| if i < 60 { (f64::from(i) + 500.0, 34.8, "{}") } else { (114.3, 34.8, "{}") }).collect();
    city.write("astray.geojson", &points(&crossed));
    let map = "fields = { name = \"name\" }\n";
    for (file, lines, code) in [
        ("cut.shp", format!("crs = \"EPSG:4490\"\n{map}"), "incomplete"),
        ("vrt.shp", format!("crs = \"EPSG:4490\"\n{map}"), "not-this-format"),
        ("bomb.zip", "format = \"geojson\"\n".to_string(), "too-large"),
        ("astray.geojson", String::new(), "too-many-rejects"),
        ("nothing.geojson", String::new(), ""),
    ] {
        let run = deliver(&city, file, &lines);
        let want = if file == "nothing.geojson" { 66 } else { 65 };
        let said = run.report["sources"][0]["failed"]["code"].as_str().unwrap_or("");
        assert_eq!((run.code, said), (want, code), "{file}: {} {:#}", run.stderr, run.report);
        assert_eq!(city.current().unwrap(), before, "{file}");
    }
    // Held by another import.
    city.write("a.geojson", &points(&[(114.3, 34.8, r#"{"name":"二"}"#)]));
    let store = Store::open(&city.store(), false).unwrap();
    let draft = store.draft().unwrap();
    let run = deliver(&city, "a.geojson", "");
    assert_eq!(run.code, 75, "{}", run.stderr);
    assert_eq!(city.current().unwrap(), before);
    drop(draft);
    assert_eq!(deliver(&city, "a.geojson", "").code, 0);
    assert_ne!(city.current().unwrap(), before);
}
