//! Reading real deliveries (CHENGTU_SHARED_DATA) and damaged ones made here. Counts are compared with `ogrinfo`,
//! positions with an independent PROJ run. Not about layers, manifests and stores.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests say what they expect by panicking")]

mod cities;
#[path = "../common/mod.rs"]
mod common;
mod damage;
mod deliveries;
mod encodings;
mod hidden;
mod systems;

use chengtu::import::child::{FrameReader, spawn_with};
use chengtu::import::read::read_source;
use chengtu::import::wire::*;
use common::shared_data as data;
use damage::{row_of_points, shapefile};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

fn job(path: PathBuf, format: Format, scratch: &Path) -> ReadJob {
    ReadJob::plain(path, format, scratch.to_path_buf())
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
            Frame::Image(_) => {}
            Frame::Done(d) => got.done = Some(d),
            Frame::Failed(f) => got.failed = Some(f),
            Frame::Heights(_) => panic!("heights from a source of records"),
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
    let frames: FrameReader = spawn_with(Path::new(env!("CARGO_BIN_EXE_chengtu")), std::slice::from_ref(job)).unwrap();
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

fn gb(s: &str) -> Vec<u8> {
    encoding_rs::GB18030.encode(s).0.into_owned()
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

#[test]
fn a_child_that_dies_or_babbles_is_a_named_failure() {
    let dir = tempfile::tempdir().unwrap();
    let path = shapefile(dir.path(), "a", &row_of_points(3));
    let j = job(path, Format::Shapefile, dir.path());
    for exe in ["/bin/false", "/bin/true", "/bin/echo"] {
        let got = gather(spawn_with(Path::new(exe), std::slice::from_ref(&j)).unwrap());
        assert_eq!(failed(&got), "reader-died", "{exe}");
    }
    assert!(spawn_with(Path::new("/no/such/program"), std::slice::from_ref(&j)).is_err());
    let mut starved = j;
    starved.crs = epsg("EPSG:4547");
    starved.limits.memory_bytes = 64 << 20;
    let got = gather(spawn_with(Path::new(env!("CARGO_BIN_EXE_chengtu")), &[starved]).unwrap());
    // Which allocation fails first is the system's business; none of them is the declaration's fault.
    assert!(["reader-died", "no-proj-database"].contains(&failed(&got)), "{:?}", got.failed);
}
