//! CityGML in, tiles out: `cargo bench --bench citygml -- FILE.gml.gz [COPIES]`. Repeats a file's members with shifts (a
//! square of 100 copies without a number) into a temporary folder, imports that as a supplier's delivery with the
//! command, and draws every content of its 3D tiles on all cores. Prints seconds and bytes.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a bench stops where anything fails")]

use chengtu::audience::Audience;
use chengtu::city::City;
use chengtu::scene::Form;
use chengtu::store::{BlockCache, Store};
use chengtu::tile::three::{Shown, content, plan};
use rayon::prelude::*;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::Instant;

/// A layer of the shipped catalog that takes buildings with roofs.
const LAYER: &str = "cim3_building";

fn main() -> ExitCode {
    // cargo adds --bench.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let Some(file) = arguments.first() else {
        println!("citygml: no FILE.gml.gz given, nothing to repeat");
        return ExitCode::SUCCESS;
    };
    let copies = arguments.get(1).map_or(100, |n| n.parse().expect("a number of copies"));
    let dir = tempfile::tempdir().unwrap();
    let bytes = repeated(Path::new(file), &dir.path().join("repeated.gml"), copies);
    let manifest = dir.path().join("delivery.toml");
    let source = format!(
        "[[source]]\npath = \"repeated.gml\"\nformat = \"citygml\"\nlayer = \"{LAYER}\"\nkey = \"id\"\n\
         fields = {{ building_id = \"id\", height_m = \"measuredHeight\", floors_above = \"storeysAboveGround\" }}\n"
    );
    std::fs::write(&manifest, source).unwrap();
    let store = dir.path().join("store");
    let start = Instant::now();
    let mut import = Command::new(env!("CARGO_BIN_EXE_chengtu"));
    let run = import.arg("import").arg("--store").arg(&store).arg(&manifest).output().expect("the command runs");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let imported = start.elapsed();
    let (tiles, features, tile_bytes) = drawn(&store);
    let all = start.elapsed();
    println!(
        "{:.0} MB, {features} features: imported in {:.2} s, {tiles} contents of {:.1} MB ({:.2} % of the file) in {:.2} s, \
         together {:.2} s",
        bytes as f64 / 1e6,
        imported.as_secs_f64(),
        tile_bytes as f64 / 1e6,
        100.0 * tile_bytes as f64 / bytes as f64,
        (all - imported).as_secs_f64(),
        all.as_secs_f64()
    );
    ExitCode::SUCCESS
}

/// Writes the file so many times over, each copy beside the others and with ids of its own; the bytes written.
fn repeated(from: &Path, to: &Path, copies: usize) -> u64 {
    let mut text = String::new();
    flate2::read::GzDecoder::new(File::open(from).expect("the file")).read_to_string(&mut text).unwrap();
    let first = text.find("<core:cityObjectMember>").expect("a member");
    let end = text.rfind("</core:CityModel>").expect("an end");
    let mut out = BufWriter::new(File::create(to).unwrap());
    out.write_all(&text.as_bytes()[..first]).unwrap();
    let side = (copies as f64).sqrt().ceil() as usize;
    for copy in 0..copies {
        let shift = [(copy / side) as f64 * 0.0085, (copy % side) as f64 * 0.013];
        out.write_all(moved(&text[first..end], copy, shift).as_bytes()).unwrap();
    }
    out.write_all(&text.as_bytes()[end..]).unwrap();
    out.flush().unwrap();
    to.metadata().unwrap().len()
}

/// Members with their coordinates (northing, easting, height) shifted and their ids marked.
fn moved(members: &str, copy: usize, shift: [f64; 2]) -> String {
    let mut out = String::with_capacity(members.len() + (1 << 16));
    let mut rest = members;
    while let Some(at) = rest.find("<gml:posList>") {
        let (before, list) = rest.split_at(at + "<gml:posList>".len());
        out += before;
        let (list, after) = list.split_at(list.find('<').expect("an end of the list"));
        for (i, number) in list.split_ascii_whitespace().enumerate() {
            let space = if i == 0 { "" } else { " " };
            match shift.get(i % 3) {
                // As many digits as the file has.
                Some(by) => {
                    let there = number.parse::<f64>().expect("a number") + by;
                    write!(out, "{space}{}", (there * 1e13).round() / 1e13).unwrap();
                }
                None => write!(out, "{space}{number}").unwrap(),
            }
        }
        rest = after;
    }
    out += rest;
    out.replace("gml:id=\"", &format!("gml:id=\"c{copy}-"))
        .replace("xlink:href=\"#", &format!("xlink:href=\"#c{copy}-"))
}

fn drawn(store: &Path) -> (usize, u64, u64) {
    let store = Store::open(store, false).unwrap();
    let id = store.current().unwrap().expect("a snapshot");
    let city = City::new(store.snapshot(&id, &Arc::new(BlockCache::new(256 << 20))).unwrap());
    let ix = city.snapshot.catalog.find(LAYER).expect("the layer");
    let shown = Shown {
        form: Form::default(),
        columns: None,
        geoid: std::sync::Arc::new(chengtu::geo::geoid::Geoid::constant(0.0)),
    };
    let plan = plan(&city, &Audience::OPEN, ix, &shown).unwrap().ok().unwrap().expect("a tree");
    let nodes: Vec<usize> = (0..plan.tree.nodes.len()).filter(|&n| plan.has_content(n)).collect();
    let bytes = nodes.par_iter().map(|&n| content(&plan, n).unwrap().len() as u64).sum();
    (nodes.len(), nodes.iter().map(|&n| u64::from(plan.tree.nodes[n].drawn)).sum(), bytes)
}
