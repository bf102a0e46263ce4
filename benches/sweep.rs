//! Every tile of a city, held to what is promised of it: `cargo bench --bench sweep -- STORE [ZOOM..ZOOM] [LAYER…]`.
//! Prints a table of what was drawn; ends with exit code 1 and the places where anything is breached. No timing but
//! its own.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a bench stops where anything fails")]

#[path = "../tests/sweep/checker/mod.rs"]
mod checker;

use checker::Options;
use chengtu::city::City;
use chengtu::store::{BlockCache, Store};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

/// Bytes of blocks kept in memory, as the server keeps them.
const CACHE: u64 = 256 << 20;

fn main() -> ExitCode {
    // cargo adds --bench.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let Some(store) = arguments.first() else {
        println!("sweep: no STORE given, nothing to look at");
        return ExitCode::SUCCESS;
    };
    let zooms = arguments.iter().find_map(|a| a.split_once(".."));
    let zooms = zooms.map_or((0, 24), |(a, b)| (a.parse().expect("a zoom"), b.parse().expect("a zoom")));
    let layers: Vec<String> = arguments[1..].iter().filter(|a| !a.contains("..")).cloned().collect();
    let composites = layers.is_empty() || layers.iter().any(|l| l == "all");
    let options = Options { zooms, whole_to: 14, sample: 64, layers, composites };
    let store = Store::open(Path::new(store), false).expect("a store");
    let id = store.current().expect("CURRENT").expect("a snapshot");
    let city = City::new(store.snapshot(&id, &Arc::new(BlockCache::new(CACHE))).expect("opens"));
    let start = Instant::now();
    let report = checker::sweep(&city, &options, &|what| eprintln!("{:>7.1} s  {what}", start.elapsed().as_secs_f64()));
    println!("{report}\n{} tiles in {:.0} s", report.tiles(), start.elapsed().as_secs_f64());
    if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
