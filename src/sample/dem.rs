//! Elevation models as a surveyor delivers them: the core every 10 m, the prefecture around it every 250 m. The heights are
//! those that everything else in the city is built and buried by.

use super::delivery::{Deliveries, Delivery};
use super::plan::ground::CENTRE;
use super::plan::mesh::Pt;
use super::write_raster::Raster;
use crate::error::Result;

/// Rasters that are written: each is a record of its layer.
pub const FILES: usize = 2;

const CORE_PIXEL_M: f64 = 10.0;
const AROUND_PIXEL_M: f64 = 250.0;

pub fn write(all: &mut Deliveries, delivery: &mut Delivery, layer: &str) -> Result<()> {
    let plan = all.plan;
    let reach_m = plan.ground.core_radius_m * 1.35 + 100.0;
    let core = [CENTRE.map(|v| v - reach_m), CENTRE.map(|v| v + reach_m)];
    let points = || plan.edges.iter().flat_map(|e| e.points.iter().copied());
    let low = points().fold(core[0], |a, p| [a[0].min(p[0]), a[1].min(p[1])]);
    let high = points().fold(core[1], |a, p| [a[0].max(p[0]), a[1].max(p[1])]);
    let around = [low.map(|v| v - 1000.0), high.map(|v| v + 1000.0)];
    let ground = &plan.ground;
    let surveyed = |at: Pt| Some(ground.height(at));
    all.dem(delivery, layer, "DEM核心区10米.tif", raster(core, CORE_PIXEL_M), &surveyed)?;
    // Beyond the outline of the square nothing is cut out, but its north-western corner lies in the next province.
    let cut = around[0][0] + (around[1][0] - around[0][0]) * 0.05;
    let known = |at: Pt| (at[0] > cut || at[1] < around[1][1] - (cut - around[0][0])).then(|| ground.height(at));
    all.dem(delivery, layer, "DEM市域250米.tif", raster(around, AROUND_PIXEL_M), &known)
}

/// Whole pixels over a box.
fn raster([low, high]: [Pt; 2], pixel_m: f64) -> Raster {
    let from = low.map(|v| (v / pixel_m).floor() * pixel_m);
    let size = [0, 1].map(|k| ((high[k] - from[k]) / pixel_m).ceil() as usize);
    Raster { north_west: [from[0], from[1] + size[1] as f64 * pixel_m], size, pixel_m }
}
