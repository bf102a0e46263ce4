//! The joint budget: several layers in one tile stay below 500 KB compressed too. Where a composite's heaviest
//! tiles of a zoom would not, all its layers are thinned to one level at that zoom: the same decision for every
//! tile, so nothing jumps at a tile's edge. Found once per composite and zoom by drawing those tiles for real. What a
//! zoom leaves out no coarser one shows.

use super::{Plan, draw_parts, plan};
use crate::city::City;
use crate::derive::{ALL, Cell, Census, heaviest, largest_fitting, within_budget};
use crate::error::Result;
use crate::geo::{TileKey, TileMatrixSet};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The thinning level that the plan's layers share at its zoom; none when they fit whole.
pub fn cut(city: &City, asked: &Plan) -> Result<Option<u8>> {
    let grid = Arc::new(TileMatrixSet::web_mercator_quad());
    let z = asked.grid.nominal_zoom(asked.key.z);
    match asked.sheet.layers.len() {
        0 | 1 => Ok(None),
        _ => Ok(Some(cut_at(city, asked, &grid, z)?).filter(|&cut| cut != ALL)),
    }
}

/// What `cut` gives, where nobody has to look for it any more.
pub fn known_cut(city: &City, asked: &Plan) -> Option<Option<u8>> {
    if asked.sheet.layers.len() < 2 {
        return Some(None);
    }
    let z = asked.grid.nominal_zoom(asked.key.z);
    let cut = city.joint_cuts.get(&(asked.sheet.composite.0, z))?;
    Some(Some(cut).filter(|&cut| cut != ALL))
}

/// The same at nominal zoom `z`, `ALL` for none: never above that of a finer zoom, so that what is shown at one is shown
/// at the next.
fn cut_at(city: &City, asked: &Plan, grid: &Arc<TileMatrixSet>, z: u8) -> Result<u8> {
    let deepest = asked.sheet.layers.iter().map(|&ix| city.snapshot.catalog.layer(ix).zoom.max).max().unwrap_or(0);
    if z > deepest {
        return Ok(ALL);
    }
    let memo = (asked.sheet.composite.0, z);
    if let Some(known) = city.joint_cuts.get(&memo) {
        return Ok(known);
    }
    let finer = cut_at(city, asked, grid, z + 1)?;
    let own = match plan(city, &asked.audience, grid, &asked.sheet.layers, TileKey { z, x: 0, y: 0 })? {
        Ok(Some(plan)) => find(city, &plan, z, finer)?,
        Ok(None) | Err(_) => finer,
    };
    city.joint_cuts.insert(memo, own);
    Ok(own)
}

/// The largest cut up to `most` with which the heaviest tiles fit.
fn find(city: &City, plan: &Plan, z: u8, most: u8) -> Result<u8> {
    if plan.sheet.parts.len() < 2 {
        // A layer alone fits by itself.
        return Ok(most);
    }
    let grid = TileMatrixSet::web_mercator_quad();
    let cells = heaviest(&together(city, plan, z)?);
    let fits = |cut: u8| -> Result<bool> {
        for c in &cells {
            let at = (TileKey { z, x: c.x, y: c.y }, &grid);
            let tile = draw_parts(city, &plan.sheet.parts, plan, at, (cut != ALL).then_some(cut))?;
            if !within_budget(&tile)? {
                return Ok(false);
            }
        }
        Ok(true)
    };
    largest_fitting(most, fits)
}

/// The layers' censuses of a zoom added up, tile by tile.
fn together(city: &City, plan: &Plan, z: u8) -> Result<Vec<Cell>> {
    let mut sum: BTreeMap<(u32, u32), Cell> = BTreeMap::new();
    for part in &plan.sheet.parts {
        let census = Census::from_bytes(&city.snapshot.blob(&part.census)?)?;
        for c in census.zooms.get(&z).into_iter().flatten() {
            let all = sum.entry((c.y, c.x)).or_insert(Cell { features: 0, vertices: 0, ..*c });
            all.features += c.features;
            all.vertices += c.vertices;
        }
    }
    Ok(sum.into_values().collect())
}
