//! Polygons that GEOS calls invalid are made valid, in source units, before reprojection; valid ones are not touched.

use super::gdal_door as door;
use super::wkb;
use crate::feature::Geometry;
use crate::geo::GeometryKind;
use crate::import::repair::{self, Repairs, reject};
use crate::import::wire::Reject;

/// The polygon itself when valid; else what GEOS makes of it, polygon parts only.
pub fn made_valid(g: Geometry, repairs: &mut Repairs) -> Result<Geometry, Reject> {
    if repair::surely_simple(&g) {
        return Ok(g);
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Random rings on a coarse grid (touching, crossing, folding) and off it: sure means valid by GEOS.
    #[test]
    fn what_is_surely_simple_is_valid_by_geos() {
        let mut seed = 1u64;
        let mut random = |n: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % n
        };
        let (mut sure, mut valid) = (0, 0);
        for round in 0..4000 {
            let n = 3 + random(5);
            let step = if round % 2 == 0 { 1.0 } else { 0.1 };
            let mut ring: Vec<[f64; 2]> =
                (0..n).map(|_| [527_000.0 + random(6) as f64 * step, 3_852_000.0 + random(6) as f64 * step]).collect();
            ring.dedup();
            ring.push(ring[0]);
            ring.dedup();
            if ring.len() < 4 {
                continue;
            }
            let g = Geometry::polygon(&[ring]);
            let by_geos = door::make_valid_wkb(&wkb::encode(&g)).is_ok_and(|fixed| fixed.is_none());
            valid += u32::from(by_geos);
            if repair::surely_simple(&g) {
                sure += 1;
                assert!(by_geos, "{g:?}");
            }
        }
        assert!(sure > 500 && sure * 10 > valid * 7, "{sure} sure of {valid} valid");
    }
}
