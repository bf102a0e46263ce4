//! The synthetic city that `chengtu sample` writes: raw deliveries as a survey company would hand them over, with
//! their manifests. A believable Kaifeng, deterministic for a seed; no part of serving, and no real survey.

mod admin;
mod basemap;
mod cim;
mod classes;
mod components;
mod counts;
mod delivery;
mod faults;
mod grids;
mod iot;
mod names;
mod network;
mod operations;
mod pack;
mod pipes;
mod plan;
mod relief;
mod rng;
mod write;

use crate::error::{Error, Result};
use crate::layer::Catalog;
use delivery::{Deliveries, Expected};
use plan::Plan;
use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

pub use counts::count;

#[derive(Debug, Clone)]
pub struct SampleOptions {
    /// The folder for deliveries and manifests; made where missing, existing deliveries in it are replaced.
    pub out: PathBuf,
    /// 1.0 is the full city of 3.6 million features; the core's area and all counts go with it.
    pub scale: f64,
    pub seed: u64,
}

/// What was written.
#[derive(Debug, Clone)]
pub struct Summary {
    /// Good features by layer: what an import stores.
    pub counts: BTreeMap<String, u64>,
    /// Per source, what its import has to report.
    pub expected: BTreeMap<String, Expected>,
    /// Fields the city would fill and the catalog does not have.
    pub unknown_fields: Vec<String>,
}

/// Writes the city's deliveries. `progress` hears a layer and how many of its features are written.
///
/// # Errors
/// `Config` for a scale outside 0.001 ..= 4 or a catalog without the city's layers, `Io` where files cannot be written.
pub fn write_city(
    options: &SampleOptions,
    catalog: &Catalog,
    progress: &mut dyn FnMut(&str, u64),
) -> Result<Summary> {
    if !(0.001..=4.0).contains(&options.scale) {
        return Err(Error::config("--scale", 0, format!("{} is not between 0.001 and 4", options.scale)));
    }
    std::fs::create_dir_all(&options.out).map_err(|e| Error::io(&options.out, e))?;
    for folder in FOLDERS {
        let folder = options.out.join(folder);
        if folder.exists() {
            std::fs::remove_dir_all(&folder).map_err(|e| Error::io(&folder, e))?;
        }
    }
    write::pin_the_clock()?;
    let plan = Plan::new(options.seed, options.scale)?;
    let mut all = Deliveries {
        plan: &plan,
        catalog,
        out: options.out.clone(),
        counts: BTreeMap::new(),
        expected: BTreeMap::new(),
        unknown: HashSet::new(),
        progress,
    };
    grids::write(&mut all)?;
    basemap::write(&mut all)?;
    let wells = pipes::write(&mut all)?;
    components::write(&mut all, &wells)?;
    drop(wells);
    cim::write(&mut all)?;
    iot::write(&mut all)?;
    operations::write(&mut all)?;
    let mut unknown_fields: Vec<String> = all.unknown.into_iter().collect();
    unknown_fields.sort();
    let summary = Summary { counts: all.counts, expected: all.expected, unknown_fields };
    write_expected(options, &summary)?;
    Ok(summary)
}

const FOLDERS: &[&str] =
    &["网格", "基础地形图", "管线", "部件", "城市信息模型", "物联感知", "运行管理", "便民服务", "faults"];

/// `faults.json`: the planted faults of each source, for whoever checks an import report.
fn write_expected(options: &SampleOptions, summary: &Summary) -> Result<()> {
    let path = options.out.join("faults.json");
    let json = serde_json::json!({
        "scale": options.scale,
        "seed": options.seed,
        "layers": summary.counts,
        "sources": summary.expected,
    });
    let text = serde_json::to_string_pretty(&json).map_err(|e| Error::Data(e.to_string()))?;
    std::fs::write(&path, text).map_err(|e| Error::io(&path, e))
}
