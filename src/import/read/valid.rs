//! Polygons that GEOS calls invalid are made valid, in source units, before reprojection; valid ones are not touched.

use super::gdal_door as door;
use super::wkb;
use crate::feature::Geometry;
use crate::geo::GeometryKind;
use crate::import::repair::{self, Repairs, reject};
use crate::import::wire::Reject;

/// The polygon itself when valid; else what GEOS makes of it, polygon parts only.
pub fn made_valid(g: Geometry, repairs: &mut Repairs) -> Result<Geometry, Reject> {
    let Some(fixed) = door::make_valid_wkb(&wkb::encode(&g)).map_err(|e| reject("invalid-geometry", e))? else {
        return Ok(g);
    };
    let limits = wkb::Limits { sagitta: 1.0, vertices: u64::MAX };
    let mut own = Repairs::default();
    // GEOS leaves lines and points where a polygon folds onto itself: those have no area and go.
    let polygons = wkb::decode(&fixed, &limits, &mut own).map_err(|e| reject("invalid-geometry", e.detail))?;
    if polygons.kind != GeometryKind::Polygon || polygons.xy.is_empty() {
        return Err(reject("zero-area", "the polygon folds onto itself and encloses nothing"));
    }
    let lost_heights = polygons.z.is_empty() && !g.z.is_empty();
    if lost_heights {
        repairs.note(repair::HEIGHT_DROPPED);
    }
    repairs.note(repair::MADE_VALID);
    Ok(polygons)
}
