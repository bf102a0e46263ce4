//! The joint budget: several layers in one tile stay below 500 KB compressed too. Where a composite's heaviest
//! tiles of a zoom would not, all its layers are thinned to one level at that zoom: the same decision for every
//! tile, so nothing jumps at a tile's edge. Found once per composite and zoom by drawing those tiles for real.

use super::{Plan, draw_parts};
use crate::city::City;
use crate::derive::{ALL, Cell, Census, heaviest, largest_fitting, within_budget};
use crate::error::Result;
use crate::geo::{TileKey, TileMatrixSet};
use std::collections::BTreeMap;

/// The thinning level that the plan's layers share at its zoom; none when they fit whole.
pub fn cut(city: &City, plan: &Plan) -> Result<Option<u8>> {
    if plan.parts.len() < 2 {
        return Ok(None);
    }
    let z = plan.grid.nominal_zoom(plan.key.z);
    let memo = (plan.revision.0, z);
    if let Some(known) = city.joint_cuts.get(&memo) {
        return Ok(known);
    }
    let found = find(city, plan, z)?;
    city.joint_cuts.insert(memo, found);
    Ok(found)
}

fn find(city: &City, plan: &Plan, z: u8) -> Result<Option<u8>> {
    let grid = TileMatrixSet::web_mercator_quad();
    let cells = heaviest(&together(city, plan, z)?);
    let fits = |cut: u8| -> Result<bool> {
        for c in &cells {
            let tile = draw_parts(city, plan, TileKey { z, x: c.x, y: c.y }, &grid, (cut != ALL).then_some(cut))?;
            if !within_budget(&tile)? {
                return Ok(false);
            }
        }
        Ok(true)
    };
    let cut = largest_fitting(ALL, fits)?;
    Ok((cut != ALL).then_some(cut))
}

/// The layers' censuses of a zoom added up, tile by tile.
fn together(city: &City, plan: &Plan, z: u8) -> Result<Vec<Cell>> {
    let mut sum: BTreeMap<(u32, u32), Cell> = BTreeMap::new();
    for part in &plan.parts {
        let census = Census::from_bytes(&city.snapshot.blob(&part.census)?)?;
        for c in census.zooms.get(&z).into_iter().flatten() {
            let all = sum.entry((c.y, c.x)).or_insert(Cell { features: 0, vertices: 0, ..*c });
            all.features += c.features;
            all.vertices += c.vertices;
        }
    }
    Ok(sum.into_values().collect())
}
