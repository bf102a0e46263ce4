//! Files that are not what they are called, that lead elsewhere, or that ask for more than there is.

use super::seeds::{self, Seed};
use super::{Case, Expect};

const VRT: &str = "<OGRVRTDataSource><OGRVRTLayer name=\"x\"><SrcDataSource>/etc/passwd</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>";

fn contents() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("an OGR VRT", VRT.into()),
        ("a GDAL VRT", "<VRTDataset rasterXSize=\"1\" rasterYSize=\"1\"/>".into()),
        ("a WFS document", "<OGRWFSDataSource><URL>http://127.0.0.1:1/</URL></OGRWFSDataSource>".into()),
        ("a web page", "<!DOCTYPE html><html><body>login</body></html>".into()),
        ("a zip archive", b"PK\x03\x04rest".to_vec()),
        ("a database", [&b"SQLite format 3\0"[..], &[0; 200]].concat()),
        ("a PDF", "%PDF-1.7 rest".into()),
        ("a DWG", "AC1015 rest".into()),
        ("a program", [&b"\x7fELF\x02\x01\x01"[..], &[0; 300]].concat()),
        ("a script", "#!/bin/sh\necho hello\n".into()),
        ("zeros", vec![0; 5000]),
        ("0xff", vec![0xff; 5000]),
        ("nothing", vec![]),
    ]
}

/// Every content under every format's name; `canary`: an address that nobody may reach.
pub fn all(canary: &str) -> Vec<Case> {
    let mut all = vec![];
    for seed in seeds::all() {
        for (what, bytes) in contents() {
            if !(seed.main == "a.gpkg" && what == "a database") {
                let name = format!("{what} called {}", seed.main);
                let mut files = seed.files.clone();
                files[0].1 = bytes;
                let lines = format!("path = \"{}\"\n{}", seed.main, seed.lines);
                all.push(Case { name, files, lines, expect: Expect::Refuse(&[]), links: vec![] });
            }
        }
    }
    all.extend(elsewhere(canary));
    all.extend(greedy());
    all
}

/// Paths, links and sidecar files that lead out of the delivery.
fn elsewhere(canary: &str) -> Vec<Case> {
    let shp = seeds::shapefile();
    let with = |name: &str, extra: &str, bytes: &[u8], expect: Expect| {
        let mut files = shp.files.clone();
        files.push((extra.to_string(), bytes.to_vec()));
        Case { name: name.into(), files, lines: format!("path = \"a.shp\"\n{}", shp.lines), expect, links: vec![] }
    };
    let whole = || Expect::Whole(seeds::POINTS);
    let mut all = vec![
        with("a VRT beside a shapefile", "a.vrt", VRT.as_bytes(), Expect::Accept(seeds::POINTS)),
        with("a .prj that is none", "a.prj", &[0xff; 300], whole()),
        with(
            "a .prj that names a grid elsewhere",
            "a.prj",
            format!("+proj=longlat +nadgrids=http://{canary}/g.tif").as_bytes(),
            whole(),
        ),
        with("a .cpg that names a file", "a.cpg", b"/etc/passwd", whole()),
        with("a spatial index that is none", "a.sbn", &[7; 400], Expect::Accept(seeds::POINTS)),
        with("a quadtree that is none", "a.qix", &[7; 400], Expect::Accept(seeds::POINTS)),
    ];
    let paths = [
        format!("/vsicurl/http://{canary}/a.shp"),
        format!("http://{canary}/a.shp"),
        "/vsizip/a.zip/a.shp".into(),
        "/vsistdin/a.shp".into(),
        "/dev/zero".into(),
        "/proc/self/environ".into(),
        "../../../../../../etc/passwd".into(),
        "PG:dbname=x".into(),
    ];
    for path in paths {
        let lines = format!("path = \"{path}\"\nformat = \"csv\"\n{}", seeds::CSV_LINES);
        let name = format!("a path {}", path.replace(canary, "canary"));
        all.push(Case { name, files: vec![], lines, expect: Expect::Refuse(&[]), links: vec![] });
    }
    for (link, lines) in [
        ("a.csv", format!("path = \"a.csv\"\n{}", seeds::CSV_LINES)),
        ("a.dbf", format!("path = \"a.shp\"\n{}", shp.lines)),
    ] {
        let files = shp.files.iter().filter(|(n, _)| n != link).cloned().collect();
        let links = vec![(link.to_string(), "/etc/passwd".to_string())];
        all.push(Case {
            name: format!("{link} is a link to elsewhere"),
            files,
            lines,
            expect: Expect::Refuse(&[]),
            links,
        });
    }
    all
}

/// Numbers in headers that nobody can serve.
fn greedy() -> Vec<Case> {
    let put = |seed: &Seed, file: usize, at: usize, bytes: &[u8], what: &str| {
        let mut files = seed.files.clone();
        files[file].1[at..at + bytes.len()].copy_from_slice(bytes);
        let lines = format!("path = \"{}\"\n{}", seed.main, seed.lines);
        Case { name: format!("{}: {what}", seed.main), files, lines, expect: Expect::Refuse(&[]), links: vec![] }
    };
    let shp = seeds::shapefile();
    let find = |main: &str| seeds::all().into_iter().find(|s| s.main == main).unwrap();
    let (fgb, gpkg, tif) = (find("a.fgb"), find("a.gpkg"), find("a.tif"));
    // Width and height of a TIFF: tags 256 and 257, of whichever type, in the first directory.
    let tag = |number: u16| {
        let bytes = &tif.files[0].1;
        let start = u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]) as usize + 2;
        (0..20).map(|i| start + 12 * i).find(|at| bytes[*at..*at + 2] == number.to_le_bytes()).unwrap()
    };
    let huge = |number: u16| {
        let mut entry = number.to_le_bytes().to_vec();
        entry.extend(4u16.to_le_bytes());
        entry.extend(1u32.to_le_bytes());
        entry.extend(0x7fff_fff0u32.to_le_bytes());
        (tag(number), entry)
    };
    let mut all = vec![
        put(&shp, 0, 104, &0x7fff_fff0u32.to_be_bytes(), "a record of 4 GB"),
        put(&shp, 0, 24, &0x7fff_fff0u32.to_be_bytes(), "a file of 4 GB"),
        put(&shp, 1, 24, &0x7fff_fff0u32.to_be_bytes(), "an index of 4 GB"),
        put(&shp, 1, 100, &0x7fff_fff0u32.to_be_bytes(), "a record 4 GB away"),
        put(&shp, 2, 4, &u32::MAX.to_le_bytes(), "4 billion rows"),
        put(&shp, 2, 10, &u16::MAX.to_le_bytes(), "rows of 64 kB"),
        put(&fgb, 0, 8, &u32::MAX.to_le_bytes(), "a header of 4 GB"),
        put(&gpkg, 0, 28, &u32::MAX.to_be_bytes(), "4 billion pages"),
        put(&gpkg, 0, 16, &[0, 3], "pages of 3 bytes"),
    ];
    for number in [256, 257] {
        let (at, entry) = huge(number);
        all.push(put(&tif, 0, at, &entry, &format!("tag {number} of 2 billion pixels")));
    }
    all
}
