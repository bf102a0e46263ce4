//! All tiled layers in one tile: small enough, read strictly, nested, the same along seams.

use super::Options;
use super::report::Report;
use super::seams::{self, Edges};
use super::tile::{Seen, points, weigh};
use super::{mix, render};
use chengtu::city::City;
use chengtu::geo::{BBox, TileKey, TileMatrixSet};
use chengtu::layer::{LayerIx, shown_by};
use chengtu::mvt::decode::decode;
use rayon::prelude::*;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

const ALL: &str = "together";
const PORTION: usize = 32;

pub fn sweep(city: &City, layers: &[LayerIx], options: &Options, report: &mut Report) {
    let mercator = Arc::new(TileMatrixSet::web_mercator_quad());
    let geographic = Arc::new(TileMatrixSet::cgcs2000_quad());
    let zooms = layers.iter().map(|&ix| city.snapshot.catalog.layer(ix).zoom);
    let first = zooms.clone().map(|z| z.min).min().unwrap_or(0).max(options.zooms.0);
    let last = zooms.map(|z| z.max).max().unwrap_or(0).min(options.zooms.1);
    let mut coarser: HashSet<u64> = HashSet::new();
    for z in first..=last {
        let keys = tiles(city, layers, &mercator, z);
        if z <= options.whole_to {
            let kept = every_tile(city, layers, &mercator, z, &keys, report);
            let lost = coarser.difference(&kept).count();
            if lost > 0 {
                let how = format!("all z{z}: {lost} features of z{} are not there, of {}", z - 1, coarser.len());
                report.breach(&mercator.id, ALL, z, "nesting", how);
            }
            coarser = kept;
        } else {
            draw(city, layers, &mercator, &sampled(keys, options.sample), report);
        }
        let keys = tiles(city, layers, &geographic, z);
        draw(city, layers, &geographic, &sampled(keys, options.sample), report);
    }
}

/// Tiles that the census of any layer counts something in, heaviest first; beyond its zooms, the middles of those of
/// its finest.
fn tiles(city: &City, layers: &[LayerIx], grid: &TileMatrixSet, z: u8) -> Vec<TileKey> {
    let mercator = TileMatrixSet::web_mercator_quad();
    let mut keys: HashMap<(u32, u32), u64> = HashMap::new();
    for &ix in layers {
        let layer = city.snapshot.catalog.layer(ix);
        let Some(entry) = city.snapshot.manifest.layers.get(&layer.id) else { continue };
        let census = city.snapshot.blob(&entry.census).ok().and_then(|b| chengtu::derive::Census::from_bytes(&b).ok());
        let Some(census) = census else { continue };
        // The deepest zooms are not counted; the finest that is tells where to look.
        let Some((&counted, cells)) = census.zooms.range(..=z).rfind(|(_, cells)| !cells.is_empty()) else { continue };
        if !layer.in_range(z) {
            continue;
        }
        for c in cells {
            let whole = mercator.window(TileKey { z: counted, x: c.x, y: c.y }, 0.0);
            let [x, y] = whole.center();
            // The edges of a tile touch its neighbours; a box a little smaller does not.
            let (w, h) = (whole.width() * 0.49, whole.height() * 0.49);
            let b = if counted == z { BBox::new(x - w, y - h, x + w, y + h) } else { BBox::new(x, y, x, y) };
            let Some((xs, ys)) = grid.tiles_over(&b, z) else { continue };
            for y in ys {
                for x in xs.clone() {
                    *keys.entry((y, x)).or_default() += c.weight();
                }
            }
        }
    }
    let mut keys: Vec<_> = keys.into_iter().collect();
    keys.sort_by_key(|&(at, weight)| (std::cmp::Reverse(weight), at));
    keys.into_iter().map(|((y, x), _)| TileKey { z, x, y }).collect()
}

/// Of keys, heaviest first: half of the sample from the front, half from all over.
fn sampled(mut keys: Vec<TileKey>, most: usize) -> Vec<TileKey> {
    let mut rest = keys.split_off(keys.len().min(most / 2));
    rest.sort_by_key(|k| mix(u64::from(k.x) << 32 | u64::from(k.y)));
    keys.extend(rest.into_iter().take(most - most / 2));
    keys
}

fn every_tile(
    city: &City,
    layers: &[LayerIx],
    grid: &Arc<TileMatrixSet>,
    z: u8,
    keys: &[TileKey],
    report: &mut Report,
) -> HashSet<u64> {
    let (mut kept, mut edges) = (HashSet::new(), HashMap::new());
    for (key, seen, ids) in draw(city, layers, grid, keys, report) {
        kept.extend(ids);
        edges.insert(key, seen);
    }
    // What stands next to an edge may be all that the tile behind it shows, in its buffer.
    let behind: HashSet<TileKey> = seams::differing(&edges).into_iter().flat_map(|(a, b)| [a, b]).collect();
    let behind: Vec<TileKey> = behind.into_iter().filter(|k| !edges.contains_key(k)).collect();
    edges.extend(draw(city, layers, grid, &behind, report).into_iter().map(|(key, seen, _)| (key, seen)));
    report.seams(&grid.id, ALL, z, 2 * edges.len());
    for (a, b) in seams::differing(&edges) {
        let how = format!("all {}/{}/{} and {}/{} differ along their edge", a.z, a.x, a.y, b.x, b.y);
        report.breach(&grid.id, ALL, z, "seams", how);
    }
    kept
}

fn draw(
    city: &City,
    layers: &[LayerIx],
    grid: &Arc<TileMatrixSet>,
    keys: &[TileKey],
    report: &mut Report,
) -> Vec<(TileKey, Edges, Vec<u64>)> {
    let mut all = vec![];
    for portion in keys.chunks(PORTION) {
        let seen: Vec<_> = portion.par_iter().map(|&key| (key, look(city, layers, grid, key))).collect();
        for (key, (seen, ids)) in seen {
            let place = format!("all {}/{}", key.x, key.y);
            report.tile(&grid.id, ALL, key.z, seen.bytes, ids.len(), &place);
            for (what, place) in seen.breaches {
                report.breach(&grid.id, ALL, key.z, what, place);
            }
            all.push((key, seen.edges, ids));
        }
    }
    all
}

/// One composite tile, and its features as numbers that are one for each layer and id.
fn look(city: &City, layers: &[LayerIx], grid: &Arc<TileMatrixSet>, key: TileKey) -> (Seen, Vec<u64>) {
    let mut seen = Seen::default();
    let mut ids = vec![];
    let place = format!("all {} {}/{}/{}", grid.id, key.z, key.x, key.y);
    match render(city, grid, layers, key) {
        Err(e) => seen.breaches.push(("drawn", format!("{place}: {e}"))),
        Ok(bytes) if bytes.is_empty() => {}
        Ok(bytes) => {
            weigh(&bytes, &place, &mut seen);
            let tile = decode(&bytes);
            seen.breaches.extend(tile.violations.iter().map(|v| ("specification", format!("{place}: {v}"))));
            for layer in &tile.layers {
                // A name stands in one tile alone, whatever its neighbours have in their buffers (`layer.rs`).
                let names = shown_by(&layer.name).1;
                let name = layer.name.bytes().fold(0u64, |h, b| mix(h ^ u64::from(b)));
                for f in &layer.features {
                    let number = mix(name ^ f.id.unwrap_or(0));
                    ids.push(number);
                    if !names {
                        points(&f.geometry, &mut |p| seen.edges.add(number, p));
                    }
                }
            }
        }
    }
    (seen, ids)
}
