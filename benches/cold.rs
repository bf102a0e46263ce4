//! What a cold tile costs on one core, by its parts: `cargo bench --bench cold -- STORE` draws the largest layer of single points,
//! the largest of anything else and the three largest together around the city's middle and prints microseconds of planning,
//! weighing, drawing and packing by zoom; then what packing costs by coding and effort, of tiles of all layers that are packed
//! in haste by igzip. `… -- STORE symbols` prints a new `src/deflate/symbols.rs`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a bench stops where anything fails")]

use chengtu::audience::Audience;
use chengtu::city::City;
use chengtu::deflate::igzip::Symbols;
use chengtu::geo::{BBox, GeometryKind, TileKey, TileMatrixSet};
use chengtu::layer::{LayerIx, Serve};
use chengtu::serve::coding::{Coding, Effort, encode};
use chengtu::store::{BlockCache, Store};
use chengtu::tile;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Tiles of a layer, at most, and the bytes of one.
const TILES: usize = 24;
const TILE_BYTES: usize = 64 << 10;
const ZOOMS: std::ops::RangeInclusive<u8> = 14..=17;

fn main() {
    // cargo adds --bench.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let Some(store) = arguments.first() else {
        return println!("cold: no STORE given, nothing to draw");
    };
    let store = Store::open(Path::new(store), false).expect("a store");
    let id = store.current().expect("reads").expect("a snapshot");
    let city = City::new(store.snapshot(&id, &Arc::new(BlockCache::new(64 << 20))).expect("opens"));
    let tiles: Vec<Vec<u8>> = layers(&city).into_iter().flat_map(|ix| tiles(&city, ix)).collect();
    match arguments.get(1).is_some_and(|a| a == "symbols") {
        true => print_symbols(&Symbols::of(tiles.iter().map(Vec::as_slice))),
        false => {
            print_parts(&city);
            print_costs(&tiles);
        }
    }
}

fn layers(city: &City) -> Vec<LayerIx> {
    let catalog = &city.snapshot.catalog;
    catalog.iter().filter(|(_, l)| l.serves(Serve::Mvt)).map(|(ix, _)| ix).collect()
}

/// Tiles of a layer of a size that igzip packs in haste: around its middle, of several zooms.
fn tiles(city: &City, ix: LayerIx) -> Vec<Vec<u8>> {
    let grid = Arc::new(TileMatrixSet::web_mercator_quad());
    let layer = city.snapshot.catalog.layer(ix);
    let Some(bounds) = city.snapshot.manifest.layers.get(&layer.id).and_then(|l| l.bounds) else { return vec![] };
    let draw = |key: TileKey| {
        let plan = tile::plan(city, &Audience::OPEN, &grid, &[ix], key).expect("reads").ok()??;
        let tile = tile::render(city, &plan).expect("draws");
        (!tile.is_empty() && tile.len() <= TILE_BYTES).then_some(tile)
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

/// Passes over the same tiles; the quickest counts.
const PASSES: usize = 5;

fn print_parts(city: &City) {
    let catalog = &city.snapshot.catalog;
    let mut all = layers(city);
    let count = |ix: &LayerIx| city.snapshot.manifest.layers.get(&catalog.layer(*ix).id).map_or(0, |l| l.count);
    all.sort_by_key(|ix| std::cmp::Reverse(count(ix)));
    let is_points = |ix: &&LayerIx| catalog.layer(**ix).geometry == [GeometryKind::Point];
    let first = |points: bool| all.iter().find(|ix| is_points(ix) == points).map(|ix| vec![*ix]);
    println!(
        "{:>7} {:>6} {:>6} {:>6} {:>7} {:>7} {:>8}  layers",
        "zoom", "tiles", "plan", "weigh", "draw", "pack", "bytes"
    );
    for layers in [first(true), first(false), Some(all.iter().take(3).copied().collect())].into_iter().flatten() {
        let names: Vec<&str> = layers.iter().map(|ix| catalog.layer(*ix).id.as_str()).collect();
        for z in 13..=17 {
            if let Some((tiles, [plan, weigh, draw, pack], bytes)) = parts(city, &layers, z) {
                let names = names.join(",");
                println!("{z:>7} {tiles:>6} {plan:>6.1} {weigh:>6.1} {draw:>7.1} {pack:>7.1} {bytes:>8}  {names}");
            }
        }
    }
}

/// How many tiles, the microseconds a tile of its parts, its bytes when packed.
fn parts(city: &City, layers: &[LayerIx], z: u8) -> Option<(usize, [f64; 4], usize)> {
    let grid = Arc::new(TileMatrixSet::web_mercator_quad());
    let bounds = city.snapshot.manifest.layers.get(&city.snapshot.catalog.layer(layers[0]).id)?.bounds?;
    let (mut best, mut tiles, mut bytes) = ([f64::INFINITY; 4], 0, 0);
    for _ in 0..PASSES {
        let mut sum = [0.0; 4];
        (tiles, bytes) = (0, 0);
        for key in keys(&grid, z, &bounds) {
            let mut clock = Instant::now();
            let mut lap =
                |part: usize| sum[part] += std::mem::replace(&mut clock, Instant::now()).elapsed().as_secs_f64();
            let plan = tile::plan(city, &Audience::OPEN, &grid, layers, key).expect("reads").ok()??;
            lap(0);
            black_box(tile::is_light(city, &plan));
            lap(1);
            let tile = tile::render(city, &plan).expect("draws");
            lap(2);
            let packed = encode(&tile, Coding::Gzip, Effort::Quick).unwrap();
            lap(3);
            (tiles, bytes) = (tiles + 1, bytes + packed.len());
        }
        best.iter_mut().zip(sum).for_each(|(best, sum)| *best = best.min(sum));
    }
    Some((tiles, best.map(|s| s * 1e6 / tiles as f64), bytes / tiles.max(1)))
}

fn print_costs(tiles: &[Vec<u8>]) {
    let plain: usize = tiles.iter().map(Vec::len).sum();
    println!("{} tiles of {} bytes", tiles.len(), plain / tiles.len());
    for (coding, effort) in Coding::ALL.into_iter().flat_map(|c| [(c, Effort::Quick), (c, Effort::Full)]) {
        let mut best = (f64::INFINITY, 0);
        for _ in 0..PASSES {
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
        "//! How often deflate's symbols come in tiles of the sample city: `cargo bench --bench cold -- STORE symbols`."
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
