//! Reading real deliveries (CHENGTU_SHARED_DATA) and damaged ones made here. Counts are compared with `ogrinfo`,
//! positions with an independent PROJ run. Not about layers, manifests and stores.

use chengtu::import::child::{FrameReader, spawn_with};
use chengtu::import::read::read_source;
use chengtu::import::wire::*;
use std::path::{Path, PathBuf};
use std::process::Command;

#[allow(dead_code)]
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

#[test]
#[ignore]
fn show() {
    let path = PathBuf::from(std::env::var("SHOW").unwrap());
    let scratch = tempfile::tempdir().unwrap();
    let format: Format = serde_json::from_str(&format!("\"{}\"", std::env::var("FORMAT").unwrap())).unwrap();
    let mut j = job(path, format, scratch.path());
    j.crs.definition = std::env::var("CRS").ok();
    j.gdal_layer = std::env::var("LAYER").ok();
    j.member = std::env::var("MEMBER").ok();
    let at = std::time::Instant::now();
    let got = if std::env::var_os("CHILD").is_some() { child(&j) } else { read(&j) };
    println!("{:#?}\n{:?}\n{:?} in {:?}", got.opened, got.done, got.failed, at.elapsed());
    let mut codes = std::collections::BTreeMap::<String, u64>::new();
    for r in &got.records {
        if let Err(e) = &r.geometry {
            *codes.entry(format!("REJECT {} {}", e.code, e.detail)).or_default() += 1;
        }
        for c in &r.repairs {
            *codes.entry(c.clone()).or_default() += 1;
        }
    }
    println!("{codes:#?}");
    if let Some(r) = got.records.first() {
        println!("{:?}", r.values);
        if let Ok(g) = &r.geometry {
            println!("{:?} {:?} {:?}", g.kind, g.xy.first(), g.z.first());
        }
    }
    let _ = Command::new("true");
}
