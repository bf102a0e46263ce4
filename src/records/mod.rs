//! Records, whole: as GeoJSON features with their source geometry and heights; one by its id, page by page, or what is near
//! a place. And which records are called so.

mod geojson;
mod identify;
mod page;
mod search;

pub use identify::{Around, Near, features, identify};
pub use page::{Filter, Page, Wanted, page};
pub use search::{Findings, Hit, Search, search};

use crate::audience::Audience;
use crate::city::City;
use crate::error::Result;
use crate::feature::{Feature, FeatureId};
use crate::geo::Crs;
use crate::layer::{Layer, LayerIx};
use crate::store::Snapshot;
use geojson::Writer;

/// The record as the bytes of a GeoJSON Feature; `None` when the layer has no such id that `audience` sees. Fields that do not exist for
/// `audience` are absent; empty ones are null. With it the middle of its box, degrees. `model.lods` names the levels of detail of its 3D model, if any.
/// Coordinates: in the axis order of `crs` (longitude, latitude in degrees for CRS84), and the height in metres where the
/// source has one (its datum is the layer's declaration).
pub fn item(
    city: &City,
    audience: &Audience,
    layer: LayerIx,
    id: FeatureId,
    crs: Crs,
) -> Result<Option<(Vec<u8>, [f64; 2])>> {
    let snapshot = &city.snapshot;
    let layer = snapshot.catalog.layer(layer);
    if audience.rows(layer)?.is_some_and(|seen| !seen.has(id)) {
        return Ok(None);
    }
    let Some(offset) = snapshot.offset_of(&layer.id, id)? else { return Ok(None) };
    let Some(table) = snapshot.features(&layer.id)? else { return Ok(None) };
    let feature = table.get(offset)?;
    if feature.id != id {
        let what = format!("the id index of {} leads to another record", layer.id);
        return Err(crate::error::Error::damaged(&layer.id, what));
    }
    let mut out = vec![];
    Writer { layer, audience, crs }.write(&feature, lods(snapshot, layer, &feature)?, &mut out);
    Ok(Some((out, feature.geometry.bbox().center())))
}

/// The levels of detail of the feature's 3D model, where it has one.
fn lods(snapshot: &Snapshot, layer: &Layer, feature: &Feature) -> Result<Option<Vec<String>>> {
    let Some(models) = snapshot.models(&layer.id)? else { return Ok(None) };
    Ok(models.get(feature.id)?.map(|m| m.lods.iter().map(|l| l.tier.to_string()).collect()))
}
