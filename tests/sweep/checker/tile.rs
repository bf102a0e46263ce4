//! One tile: drawn, weighed, read strictly, its values held against the store's.

use super::coverage;
use super::seams::Edges;
use super::truth::Truth;
use super::{BUDGET, render};
use chengtu::city::City;
use chengtu::derive::gzipped;
use chengtu::draw::COUNT;
use chengtu::feature::Value;
use chengtu::geo::{BBox, TileKey, TileMatrixSet};
use chengtu::mvt::decode::{self, Geometry, decode, faults};
use std::sync::Arc;

/// What a tile showed.
#[derive(Default)]
pub struct Seen {
    /// Row of the truth and the features it stands for.
    pub features: Vec<(u32, u64)>,
    /// Ids of the areas whose names stand in the tile.
    pub names: Vec<u64>,
    /// gzip.
    pub bytes: usize,
    pub edges: Edges,
    /// (what is breached, where and how).
    pub breaches: Vec<(&'static str, String)>,
}

/// Looks at one tile of one layer; of a coverage, for holes and overlaps too.
pub fn look(city: &City, grid: &Arc<TileMatrixSet>, truth: &Truth, key: TileKey, carried: &[usize]) -> Seen {
    let mut seen = Seen::default();
    let place = format!("{} {} {}/{}/{}", truth.layer.id, grid.id, key.z, key.x, key.y);
    let bytes = match render(city, grid, &[truth.ix], key) {
        Ok(bytes) => bytes,
        Err(e) => {
            seen.breaches.push(("drawn", format!("{place}: {e}")));
            return seen;
        }
    };
    if bytes.is_empty() {
        return seen;
    }
    weigh(&bytes, &place, &mut seen);
    let tile = decode(&bytes);
    let wrong = tile.violations.iter().map(|v| ("specification", format!("{place}: {v}")));
    seen.breaches.extend(wrong);
    let names = truth.layer.label_layer().and_then(|name| tile.layer(&name));
    seen.names.extend(names.into_iter().flat_map(|l| &l.features).filter_map(|f| f.id));
    let Some(layer) = tile.layer(&truth.layer.id) else { return seen };
    for f in &layer.features {
        let id = f.id.unwrap_or(0);
        let Some(row) = truth.row(id) else {
            seen.breaches.push(("values", format!("{place}: feature {id} is not in the store, or not valid")));
            continue;
        };
        let wrong = truth.wrong_values(row, &f.attributes, carried);
        seen.breaches.extend(wrong.map(|w| ("values", format!("{place}: feature {id}: {w}"))));
        for fault in faults(&f.geometry) {
            seen.breaches.push(("sound polygons", format!("{place}: feature {id}: {fault}")));
        }
        let stands_for = match f.attribute(COUNT) {
            Some(Value::Int(n)) => u64::try_from(*n).unwrap_or(0),
            _ => 1,
        };
        seen.features.push((row, stands_for));
        points(&f.geometry, &mut |p| seen.edges.add(id, p));
    }
    if truth.layer.generalise.coverage {
        let found = coverage::look(city, grid, truth, key, layer);
        seen.breaches.extend(found.into_iter().map(|(what, how)| (what, format!("{place}: {how}"))));
    }
    seen
}

/// Adds the tile's compressed size.
pub fn weigh(bytes: &[u8], place: &str, seen: &mut Seen) {
    seen.bytes = gzipped(bytes).unwrap_or(usize::MAX);
    if seen.bytes > BUDGET {
        seen.breaches.push(("size", format!("{place}: {} bytes compressed", seen.bytes)));
    }
}

/// Rows whose box lies in the tile's own square, buffer not counted: at a zoom where all is shown they must be there.
pub fn inside<'t>(grid: &TileMatrixSet, truth: &'t Truth, key: TileKey) -> impl Iterator<Item = u32> + 't {
    let window: BBox = grid.window(key, 0.0);
    (0u32..).zip(&truth.rows).filter(move |(_, (_, bbox))| window.contains(bbox)).map(|(row, _)| row)
}

/// Calls `each` with every vertex.
pub fn points(g: &Geometry, each: &mut dyn FnMut(decode::Point)) {
    match g {
        Geometry::Unknown => {}
        Geometry::Points(p) => p.iter().for_each(|&p| each(p)),
        Geometry::Lines(lines) => lines.iter().flatten().for_each(|&p| each(p)),
        Geometry::Polygons(polygons) => polygons.iter().flatten().flatten().for_each(|&p| each(p)),
    }
}
