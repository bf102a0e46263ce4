//! What packing a tile costs, by coding and effort: tiles of all layers of a stored city, those that a server packs in haste by
//! igzip. `cargo bench --bench packing -- STORE` prints microseconds and bytes of each; with `symbols` after it, a new `src/serve/coding/symbols.rs`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a bench stops where anything fails")]

use chengtu::audience::Audience;
use chengtu::city::City;
use chengtu::geo::{BBox, TileKey, TileMatrixSet};
use chengtu::layer::{LayerIx, Serve};
use chengtu::serve::coding::igzip::{MOST_BYTES, Symbols};
use chengtu::serve::coding::{Coding, Effort, encode};
use chengtu::store::{BlockCache, Store};
use chengtu::tile;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Tiles of a layer, at most.
const TILES: usize = 24;
const ZOOMS: std::ops::RangeInclusive<u8> = 14..=17;

fn main() {
    // cargo adds --bench.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let Some(store) = arguments.first() else {
        return println!("packing: no STORE given, nothing to pack");
    };
    let store = Store::open(Path::new(store), false).expect("a store");
    let id = store.current().expect("reads").expect("a snapshot");
    let city = City::new(store.snapshot(&id, &Arc::new(BlockCache::new(64 << 20))).expect("opens"));
    let tiles: Vec<Vec<u8>> = layers(&city).into_iter().flat_map(|ix| tiles(&city, ix)).collect();
    match arguments.get(1).is_some_and(|a| a == "symbols") {
        true => print_symbols(&Symbols::of(tiles.iter().map(Vec::as_slice))),
        false => print_costs(&tiles),
    }
}

fn layers(city: &City) -> Vec<LayerIx> {
    let catalog = &city.snapshot.catalog;
    catalog.iter().filter(|(_, l)| l.serves(Serve::Mvt)).map(|(ix, _)| ix).collect()
}

/// Tiles of a layer that are packed in haste by igzip: around its middle, of several zooms.
fn tiles(city: &City, ix: LayerIx) -> Vec<Vec<u8>> {
    let grid = Arc::new(TileMatrixSet::web_mercator_quad());
    let layer = city.snapshot.catalog.layer(ix);
    let Some(bounds) = city.snapshot.manifest.layers.get(&layer.id).and_then(|l| l.bounds) else { return vec![] };
    let draw = |key: TileKey| {
        let plan = tile::plan(city, &Audience::OPEN, &grid, &[ix], key).expect("reads").ok()??;
        let tile = tile::render(city, &plan).expect("draws");
        (!tile.is_empty() && tile.len() <= MOST_BYTES).then_some(tile)
    };
    ZOOMS
        .flat_map(|z| keys(&grid, z, &bounds).filter_map(draw).take(TILES / ZOOMS.count()).collect::<Vec<_>>())
        .collect()
}

/// Twelve by twelve around the middle.
fn keys(grid: &TileMatrixSet, z: u8, bounds: &BBox) -> impl Iterator<Item = TileKey> {
    let [x, y] = bounds.center();
    let here = BBox { min_x: x, min_y: y, max_x: x, max_y: y };
    let middle = grid.tiles_over(&here, z).map(|(xs, ys)| (*xs.start(), *ys.start()));
    let near = |n: u32| n.saturating_sub(6)..n + 6;
    middle.into_iter().flat_map(move |(x, y)| near(x).flat_map(move |x| near(y).map(move |y| TileKey { z, x, y })))
}

fn print_costs(tiles: &[Vec<u8>]) {
    let plain: usize = tiles.iter().map(Vec::len).sum();
    println!("{} tiles of {} bytes", tiles.len(), plain / tiles.len());
    for (coding, effort) in Coding::ALL.into_iter().flat_map(|c| [(c, Effort::Quick), (c, Effort::Full)]) {
        let mut best = (f64::INFINITY, 0);
        for _ in 0..5 {
            let start = Instant::now();
            let bytes: usize = tiles.iter().map(|t| encode(t, coding, effort).unwrap().len()).sum();
            best = (best.0.min(start.elapsed().as_secs_f64()), bytes);
        }
        let (us, bytes) = (best.0 * 1e6 / tiles.len() as f64, best.1 / tiles.len());
        println!("{:10} {effort:?}  {us:>7.1} µs  {bytes:>7} bytes", coding.token().unwrap_or("identity"));
    }
}

fn print_symbols(symbols: &Symbols) {
    println!(
        "//! How often deflate's symbols come in tiles of the sample city: `cargo bench --bench packing -- STORE symbols`."
    );
    println!("\nuse super::igzip::Symbols;\n");
    println!("#[rustfmt::skip]\npub const OF_TILES: Symbols = Symbols {{");
    for (name, counts) in [("literals", &symbols.literals[..]), ("distances", &symbols.distances[..])] {
        println!("    {name}: [");
        for line in counts.chunks(16) {
            let line: Vec<String> = line.iter().map(u64::to_string).collect();
            println!("        {},", line.join(", "));
        }
        println!("    ],");
    }
    println!("}};");
}
