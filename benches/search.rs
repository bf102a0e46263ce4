//! Searches of a stored city as a server makes them, on one core: `cargo bench --bench search -- STORE`. What is asked is
//! taken from the city itself. Prints the indexes' share of the store and, for each kind of question, the middle and the
//! worst times. Exits with 1 where an index takes too much room; no timing counts.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a bench stops where anything fails")]

use chengtu::audience::Audience;
use chengtu::city::City;
use chengtu::layer::{LayerIx, Search as Kind};
use chengtu::records::{Search, search};
use chengtu::store::{BlobRef, BlockCache, SEARCH, Snapshot, Sought, Store};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bytes of blocks kept in memory, as the server keeps them.
const CACHE: u64 = 256 << 20;
/// Texts taken of a field.
const SAMPLES: u64 = 12;
/// Share of the store.
const MOST_SHARE: f64 = 0.15;

fn main() -> ExitCode {
    // cargo adds --bench.
    let Some(store) = std::env::args().skip(1).find(|a| a != "--bench") else {
        println!("search: no STORE given, nothing to look for");
        return ExitCode::SUCCESS;
    };
    let store = Store::open(Path::new(&store), false).expect("a store");
    let id = store.current().expect("reads").expect("a snapshot");
    let snapshot = store.snapshot(&id, &Arc::new(BlockCache::new(CACHE))).expect("opens");
    let share = share(&snapshot);
    let texts = texts(&snapshot);
    let city = City::new(snapshot);
    let [codes, names] = [Kind::Code, Kind::Name].map(|kind| {
        let of = texts.iter().filter(|(k, _)| *k == kind).map(|(_, t)| t.clone());
        of.collect::<Vec<String>>()
    });
    let part = |all: &[String], from: usize, len: usize| -> Vec<String> {
        let all = all.iter().filter(|t| t.chars().count() >= from + len);
        let parts: BTreeSet<String> = all.map(|t| t.chars().skip(from).take(len).collect()).collect();
        parts.into_iter().collect()
    };
    let last = |all: &[String], len: usize| -> Vec<String> {
        let all = all.iter().filter(|t| t.chars().count() >= len);
        all.map(|t| t.chars().skip(t.chars().count() - len).collect()).collect()
    };
    let near = city.snapshot.manifest.layers.values().filter_map(|l| l.bounds).map(|b| b.center()).next();
    let questions = [
        ("whole codes", codes.clone()),
        ("last six of a code", last(&codes, 6)),
        ("first eight of a code", part(&codes, 0, 8)),
        ("whole names", names.clone()),
        ("two characters of a name", part(&names, 1, 2)),
        ("first two of a name", part(&names, 0, 2)),
        ("one character", part(&names, 0, 1).into_iter().chain(part(&codes, 0, 1)).collect()),
        ("nothing that is there", codes.iter().map(|c| format!("{c}没有")).collect()),
    ];
    println!(
        "{:26} {:>6} {:>9} {:>9} {:>9} {:>9} {:>8}",
        "", "asked", "p50 ms", "p99 ms", "max ms", "first ms", "results"
    );
    for (name, asked) in questions {
        let asked: Vec<String> = asked.iter().map(|t| t.chars().take(64).collect()).collect();
        let first = timed(&city, &asked[..1], near);
        timed(&city, &asked, near);
        let (times, results) = timed(&city, &asked, near);
        let at = |share: f64| ms(times[((times.len() - 1) as f64 * share) as usize]);
        let (n, mean) = (asked.len(), results as f64 / asked.len() as f64);
        println!(
            "{name:26} {n:>6} {:>9.2} {:>9.2} {:>9.2} {:>9.2} {mean:>8.1}",
            at(0.5),
            at(0.99),
            at(1.0),
            ms(first.0[0])
        );
    }
    if share > MOST_SHARE { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn ms(t: Duration) -> f64 {
    t.as_secs_f64() * 1000.0
}

/// Sorted times, and all results together.
fn timed(city: &City, asked: &[String], near: Option<[f64; 2]>) -> (Vec<Duration>, usize) {
    let layers: Vec<LayerIx> = city.snapshot.catalog.iter().map(|(ix, _)| ix).collect();
    let (mut times, mut results) = (vec![], 0);
    for text in asked {
        let started = Instant::now();
        let sought = Sought::new(text).expect("a text");
        let question = Search { sought, layers: layers.clone(), bbox: None, near, limit: 10 };
        let findings = search(city, &Audience::OPEN, &question).expect("searches");
        times.push(started.elapsed());
        assert!(findings.unsearched.is_empty(), "{:?}", findings.unsearched);
        results += findings.hits.len();
    }
    times.sort();
    (times, results)
}

/// Prints what the indexes take and the largest of them; their share of the snapshot's blobs.
fn share(snapshot: &Snapshot) -> f64 {
    let all: u64 = snapshot.manifest.blobs().map(|(b, _)| b.size).sum();
    let of = |(id, l): (&String, &chengtu::store::LayerEntry)| {
        l.extra.get(SEARCH).map(|b: &BlobRef| (b.size, id.clone(), l.count))
    };
    let mut indexes: Vec<(u64, String, u64)> = snapshot.manifest.layers.iter().filter_map(of).collect();
    indexes.sort();
    let sum: u64 = indexes.iter().map(|(size, ..)| size).sum();
    let records: u64 = indexes.iter().map(|(.., n)| n).sum();
    let share = sum as f64 / all as f64;
    println!(
        "{} indexes of {records} records: {:.1} MB, {:.1} bytes a record, {:.1} % of {:.0} MB",
        indexes.len(),
        sum as f64 / 1e6,
        sum as f64 / records.max(1) as f64,
        share * 100.0,
        all as f64 / 1e6
    );
    for (size, id, n) in indexes.iter().rev().take(5) {
        println!("  {id}: {:.1} MB, {:.1} bytes a record", *size as f64 / 1e6, *size as f64 / (*n).max(1) as f64);
    }
    share
}

/// Texts of every searched field, evenly from its layer.
fn texts(snapshot: &Snapshot) -> Vec<(Kind, String)> {
    let mut out = vec![];
    for (_, layer) in snapshot.catalog.iter() {
        let Some(table) = snapshot.features(&layer.id).expect("opens") else { continue };
        let step = table.count().div_ceil(SAMPLES).max(1);
        for ordinal in (0..table.count()).step_by(step as usize) {
            let feature = table.get(table.leaf(ordinal).expect("is there").0).expect("reads");
            for (field, kind) in layer.searchable() {
                if let chengtu::feature::Value::Text(t) = &feature.values[field] {
                    out.push((kind, t.clone()));
                }
            }
        }
    }
    out
}
