//! Seeds in archives, archives that are cut and flipped, and archives that are traps.

use super::seeds;
use super::{Case, Expect};
use crate::common::Random;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;

type Zip = zip::ZipWriter<Cursor<Vec<u8>>>;

fn zip(fill: impl FnOnce(&mut Zip)) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(vec![]));
    fill(&mut writer);
    writer.finish().unwrap().into_inner()
}

fn add(w: &mut Zip, name: &str, bytes: &[u8]) {
    w.start_file(name, SimpleFileOptions::default()).unwrap();
    w.write_all(bytes).unwrap();
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(vec![], Compression::best());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

/// Every seed in a zip archive, a text in gzip; that of the shapefile and the gzip file cut and flipped.
pub fn packed(r: &mut Random) -> Vec<Case> {
    let mut all = vec![];
    for seed in seeds::all() {
        let bytes = zip(|w| seed.files.iter().for_each(|(name, bytes)| add(w, &format!("市政/{name}"), bytes)));
        let name = format!("{}.zip", seed.main);
        all.push(Case::new(&name, &name, bytes.clone(), seed.lines, Expect::Accept(seed.records)));
        let gz = (seed.main == "a.geojson").then(|| ("a.geojson.gz".to_string(), gzip(&seed.files[0].1)));
        let shp = (seed.main == "a.shp").then_some((name, bytes));
        for (name, bytes) in gz.into_iter().chain(shp) {
            for part in 0..14 {
                let cut = bytes[..bytes.len() * part / 14].to_vec();
                all.push(Case::new(format!("{name} cut, {part}/14"), &name, cut, seed.lines, Expect::Refuse(&[])));
            }
            for _ in 0..20 {
                let (at, bit) = (r.below(bytes.len()), r.below(8));
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                let what = format!("{name} with bit {bit} of byte {at} flipped");
                all.push(Case::new(what, &name, flipped, seed.lines, Expect::Whole(seed.records)));
            }
        }
    }
    let gz = gzip(seeds::geojson().as_bytes());
    all.push(Case::new("a gzip file", "a.geojson.gz", gz, "layer = \"places\"", Expect::Accept(seeds::POINTS)));
    all
}

pub fn hostile() -> Vec<Case> {
    let geojson = seeds::geojson();
    let named = |name: &str| zip(|w| add(w, name, geojson.as_bytes()));
    let lines = "format = \"geojson\"\nlayer = \"places\"";
    let case = |name: &str, bytes: Vec<u8>, codes: &'static [&'static str]| {
        Case::new(format!("archive: {name}"), "a.geojson.zip", bytes, lines, Expect::Refuse(codes))
    };
    let way_out: &[&str] = &["broken-archive"];
    let mut all: Vec<Case> =
        ["../a.geojson", "/a.geojson", "x/../../a.geojson", "..\\a.geojson", "C:\\a.geojson", "a\0.geojson"]
            .into_iter()
            .map(|name| case(&format!("a member called {}", name.escape_debug()), named(name), way_out))
            .collect();
    let blank = vec![b' '; 1 << 20];
    all.push(case(
        "a bomb of 100 MB",
        zip(|w| {
            w.start_file("a.geojson", SimpleFileOptions::default()).unwrap();
            (0..100).for_each(|_| w.write_all(&blank).unwrap());
        }),
        &["too-large"],
    ));
    all.push(case(
        "20 001 members",
        zip(|w| (0..20_001).for_each(|i| add(w, &format!("{i}.geojson"), b"{}"))),
        &["too-large"],
    ));
    all.push(case(
        "a link",
        zip(|w| w.add_symlink("a.geojson", "/etc/passwd", SimpleFileOptions::default()).unwrap()),
        way_out,
    ));
    all.push(case(
        "a link to a folder",
        zip(|w| {
            w.add_symlink("x", "/etc", SimpleFileOptions::default()).unwrap();
            add(w, "a.geojson", geojson.as_bytes());
        }),
        way_out,
    ));
    all.push(case("an archive in an archive", zip(|w| add(w, "b.zip", &named("a.geojson"))), &["no-member"]));
    all.push(case("nothing", zip(|_| {}), &["no-member"]));
    all.push(case("a folder", zip(|w| w.add_directory("a.geojson", SimpleFileOptions::default()).unwrap()), &[]));
    all.push(case(
        "two members, none named",
        zip(|w| ["a.geojson", "b.geojson"].iter().for_each(|n| add(w, n, geojson.as_bytes()))),
        &["no-member"],
    ));
    all.push(case("a member that lies about its size", lying(&named("a.geojson")), &[]));
    all.push(case("an encrypted member", encrypted(named("a.geojson")), way_out));
    all.push(case("text before the end of the archive", [named("a.geojson"), vec![b'x'; 70_000]].concat(), way_out));
    all.push(case("no archive", b"PK\x03\x04 and nothing more".to_vec(), way_out));
    for (name, bytes, codes) in [
        ("a gzip bomb", gzip(&blank.repeat(100)), &["too-large"][..]),
        ("gzip in gzip", gzip(&gzip(geojson.as_bytes())), &["not-this-format"][..]),
        ("no gzip", geojson.clone().into_bytes(), &["broken-archive"][..]),
        ("a tail that is no gzip", [gzip(geojson.as_bytes()), b"tail".to_vec()].concat(), &[][..]),
    ] {
        all.push(Case::new(format!("archive: {name}"), "a.geojson.gz", bytes, lines, Expect::Refuse(codes)));
    }
    let long = named(&format!("{}/a.geojson", "长".repeat(80)));
    all.push(Case::new("archive: a long name", "a.geojson.zip", long, lines, Expect::Accept(seeds::POINTS)));
    all
}

/// The member's uncompressed size in both headers is 1.
fn lying(zip: &[u8]) -> Vec<u8> {
    let mut bytes = zip.to_vec();
    for (magic, at) in [(&b"PK\x03\x04"[..], 22), (b"PK\x01\x02", 24)] {
        let found = bytes.windows(4).position(|w| w == magic).unwrap();
        bytes[found + at..found + at + 4].copy_from_slice(&1u32.to_le_bytes());
    }
    bytes
}

/// The flag of encryption in both headers.
fn encrypted(mut bytes: Vec<u8>) -> Vec<u8> {
    for (magic, at) in [(&b"PK\x03\x04"[..], 6), (b"PK\x01\x02", 8)] {
        let found = bytes.windows(4).position(|w| w == magic).unwrap();
        bytes[found + at] |= 1;
    }
    bytes
}
