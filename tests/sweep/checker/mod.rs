//! The sweep: draws the tiles of a whole city in process, as the server would, and holds each to what is promised of
//! it. Shared by the test on a small city and the bench on the full one; draws nothing of its own and mends nothing.
//!
//! Layer after layer, zoom after zoom; what is kept in memory is one layer's values and the ids seen at two zooms.

mod composite;
mod coverage;
mod layer;
pub mod polygons;
mod report;
mod seams;
mod tile;
mod truth;

pub use report::Report;

use chengtu::audience::Audience;
use chengtu::city::City;
use chengtu::geo::{TileKey, TileMatrixSet};
use chengtu::layer::{LayerIx, Serve};
use chengtu::tile::{self as tiles, Made};
use flate2::read::GzDecoder;
use std::io::Read;
use std::sync::Arc;

/// Compressed bytes that no tile exceeds.
pub const BUDGET: usize = 500_000;

/// What is drawn.
#[derive(Debug, Clone)]
pub struct Options {
    /// Zooms looked at, both inclusive.
    pub zooms: (u8, u8),
    /// Every tile is drawn up to this zoom, and up to the zoom from which a layer is whole.
    pub whole_to: u8,
    /// Tiles of a layer that are drawn of each finer zoom, and of each zoom of the other grid.
    pub sample: usize,
    /// Only layers whose id begins with one of these; all where it is empty. Composites are of all layers.
    pub layers: Vec<String>,
    pub composites: bool,
}

/// Looks at a whole city. `progress` hears what is looked at.
pub fn sweep(city: &City, options: &Options, progress: &dyn Fn(&str)) -> Report {
    let mut report = Report::default();
    let tiled: Vec<LayerIx> =
        city.snapshot.catalog.iter().filter(|(_, l)| l.serves(Serve::Mvt)).map(|(ix, _)| ix).collect();
    for &ix in &tiled {
        let id = &city.snapshot.catalog.layer(ix).id;
        if options.layers.is_empty() || options.layers.iter().any(|l| id.starts_with(l.as_str())) {
            progress(id);
            layer::sweep(city, ix, options, &mut report);
        }
    }
    if options.composites {
        progress("all layers together");
        composite::sweep(city, &tiled, options, &mut report);
    }
    report
}

/// A tile as the server would answer it; empty where nothing is.
fn render(city: &City, grid: &Arc<TileMatrixSet>, layers: &[LayerIx], key: TileKey) -> Result<Vec<u8>, String> {
    match tiles::plan(city, &Audience::OPEN, grid, layers, key).map_err(|e| e.to_string())? {
        Ok(Some(plan)) => made(city, &plan),
        Ok(None) => Ok(vec![]),
        Err(refusal) => Err(format!("{refusal:?}")),
    }
}

/// What is drawn; where the store has seeds of it, these are held to it.
fn made(city: &City, plan: &tiles::Plan) -> Result<Vec<u8>, String> {
    let drawn = tiles::render(city, plan).map_err(|e| e.to_string())?;
    let sent = match tiles::make(city, plan).map_err(|e| e.to_string())? {
        Made::Plain(bytes) => bytes,
        Made::Gzip(member) => {
            let mut bytes = vec![];
            GzDecoder::new(&member[..]).read_to_end(&mut bytes).map_err(|e| format!("its gzip: {e}"))?;
            bytes
        }
    };
    if sent == drawn { Ok(drawn) } else { Err("its seeds are not what is drawn".into()) }
}

/// Mixes numbers well (splitmix64's finaliser): for samples and digests that are the same on every run.
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
