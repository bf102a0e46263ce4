//! Every content of a city's blocks and pipes, as a server makes them: `cargo bench --bench city3d -- STORE [LAYER…]`.
//! Without layers: all blocks of buildings, all pipes and the ground. Prints features a second on all cores, bytes a feature
//! on the wire (meshopt, then brotli 5, default columns), cold tiles on one core (of 500 features and more; of the ground
//! all), and first pages. A tile of the ground counts as one feature. Breaches of what a tile may weigh end with exit code
//! 1; no other timing counts.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a bench stops where anything fails")]

use chengtu::audience::Audience;
use chengtu::city::City;
use chengtu::layer::{LayerIx, Role, SceneKind};
use chengtu::scene::Form;
use chengtu::store::{BlockCache, Store};
use chengtu::tile::three::{Links, Plan, Shown, content, page, plan};
use rayon::prelude::*;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bytes of blocks kept in memory, as the server keeps them.
const CACHE: u64 = 256 << 20;
const MOST_BYTES: usize = 1 << 20;
const MOST_PAGE: usize = 20_000;

fn main() -> ExitCode {
    // cargo adds --bench.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let Some(store) = arguments.first() else {
        println!("city3d: no STORE given, nothing to draw");
        return ExitCode::SUCCESS;
    };
    let store = Store::open(Path::new(store), false).expect("a store");
    let (city, chosen) = (opened(&store), &arguments[1..]);
    let is_asked = |ix: &LayerIx| {
        let layer = city.snapshot.catalog.layer(*ix);
        let kind = layer.scene.as_ref().map(|s| s.kind);
        let usual = (kind == Some(SceneKind::Tube) && layer.has_role(Role::PipeSegment))
            || (kind == Some(SceneKind::Extrude) && layer.has_role(Role::BuildingModel))
            || kind == Some(SceneKind::Terrain);
        if chosen.is_empty() { usual } else { chosen.contains(&layer.id) }
    };
    let layers: Vec<LayerIx> = city.snapshot.catalog.iter().map(|(ix, _)| ix).filter(is_asked).collect();
    let mut fits = true;
    let mut sums: Vec<(SceneKind, Sum)> = vec![];
    for ix in layers {
        let layer = city.snapshot.catalog.layer(ix).clone();
        let (page_bytes, page_time) = first_page(&store, ix);
        let Some(plan) = planned(&city, ix) else { continue };
        let kind = layer.scene.as_ref().unwrap().kind;
        let sum = all(&plan, if kind == SceneKind::Terrain { 0 } else { 500 });
        println!("{:18} {sum}   first page {page_bytes} B in {:.1} ms", layer.id, ms(page_time));
        fits &= page_bytes <= MOST_PAGE && sum.largest <= MOST_BYTES;
        match sums.iter_mut().find(|(k, _)| *k == kind) {
            Some((_, total)) => total.add(&sum),
            None => sums.push((kind, sum)),
        }
    }
    for (kind, sum) in &sums {
        println!("{:18} {sum}", format!("all of {kind:?}"));
    }
    let mut together = Sum::default();
    sums.iter().filter(|(kind, _)| *kind != SceneKind::Terrain).for_each(|(_, s)| together.add(s));
    println!("{:18} {together}", "together");
    if fits { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn opened(store: &Store) -> City {
    let id = store.current().expect("CURRENT").expect("a snapshot");
    City::new(store.snapshot(&id, &Arc::new(BlockCache::new(CACHE))).expect("opens"))
}

fn planned(city: &City, ix: LayerIx) -> Option<Plan> {
    let shown = Shown {
        form: Form::default(),
        columns: None,
        geoid: std::sync::Arc::new(chengtu::geo::geoid::Geoid::constant(-12.5)),
    };
    plan(city, &Audience::OPEN, ix, &shown).unwrap().ok().flatten()
}

/// The first page from a city that nobody has asked anything yet.
fn first_page(store: &Store, ix: LayerIx) -> (usize, Duration) {
    let city = opened(store);
    let links = Links { folder: String::new(), query: String::new(), snapshot: city.snapshot.id.clone() };
    let start = Instant::now();
    let Some(plan) = planned(&city, ix) else { return (0, start.elapsed()) };
    let bytes = serde_json::to_vec(&page(&plan, 0, &links).expect("a root")).unwrap().len();
    (bytes, start.elapsed())
}

#[derive(Default)]
struct Sum {
    features: u64,
    tiles: u64,
    wall: Duration,
    glb_bytes: u64,
    wire_bytes: u64,
    largest: usize,
    /// One core.
    cold: Vec<Duration>,
}

/// Draws every content: once on one core for those of `least` features and more, then all on all cores.
fn all(plan: &Plan, least: u32) -> Sum {
    let nodes: Vec<usize> = (0..plan.tree.nodes.len()).filter(|&n| plan.has_content(n)).collect();
    let full = nodes.iter().filter(|&&n| plan.tree.nodes[n].drawn >= least);
    let timed = |&n: &usize| {
        let start = Instant::now();
        content(plan, n).unwrap();
        start.elapsed()
    };
    let cold = full.map(timed).collect();
    let start = Instant::now();
    let contents: Vec<Vec<u8>> = nodes.par_iter().map(|&n| content(plan, n).unwrap()).collect();
    let wall = start.elapsed();
    let wire: u64 = contents.par_iter().map(|c| brotli_len(c) as u64).sum();
    Sum {
        features: nodes.iter().map(|&n| u64::from(plan.tree.nodes[n].drawn)).sum(),
        tiles: nodes.len() as u64,
        wall,
        glb_bytes: contents.iter().map(|c| c.len() as u64).sum(),
        wire_bytes: wire,
        largest: contents.iter().map(Vec::len).max().unwrap_or(0),
        cold,
    }
}

/// As `serve` codes it.
fn brotli_len(bytes: &[u8]) -> usize {
    let mut out = vec![];
    let params = brotli::enc::BrotliEncoderParams { quality: 5, lgwin: 20, ..Default::default() };
    brotli::BrotliCompress(&mut &bytes[..], &mut out, &params).unwrap();
    out.len()
}

fn ms(d: Duration) -> f64 {
    d.as_secs_f64() * 1e3
}

impl Sum {
    fn add(&mut self, other: &Sum) {
        self.features += other.features;
        self.tiles += other.tiles;
        self.wall += other.wall;
        self.glb_bytes += other.glb_bytes;
        self.wire_bytes += other.wire_bytes;
        self.largest = self.largest.max(other.largest);
        self.cold.extend(&other.cold);
    }
}

impl std::fmt::Display for Sum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let per = |bytes: u64| bytes as f64 / self.features.max(1) as f64;
        let mut cold = self.cold.clone();
        cold.sort_unstable();
        let at = |share: f64| cold.get((cold.len() as f64 * share) as usize).copied().map_or(0.0, ms);
        write!(
            f,
            "{:7} features, {:5} tiles, {:7.0}/s, {:4.0} B each, {:4.0} on the wire, largest {:7} B, cold p50 {:4.1} p99 {:4.1} ms of {}",
            self.features,
            self.tiles,
            self.features as f64 / self.wall.as_secs_f64(),
            per(self.glb_bytes),
            per(self.wire_bytes),
            self.largest,
            at(0.5),
            at(0.99),
            cold.len()
        )
    }
}
