//! What is near a place: records of several layers by their distance from it, the nearest first, of equally near ones the
//! smaller. Distances in plan; 0 inside an area.

use super::geojson::Writer;
use super::lods;
use crate::audience::Audience;
use crate::city::City;
use crate::error::Result;
use crate::feature::Geometry;
use crate::geo::local::Local;
use crate::geo::{Crs, GeometryKind};
use crate::layer::LayerIx;

/// Where and how far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Around {
    /// `[longitude°, latitude°]`
    pub p: [f64; 2],
    pub radius_m: f64,
    /// Records at most.
    pub limit: usize,
}

/// A record near the place.
#[derive(Debug, Clone, PartialEq)]
pub struct Near {
    pub layer: LayerIx,
    pub id: u64,
    /// Metres.
    pub distance_m: f64,
    offset: u64,
    /// Of its box, in square degrees.
    size: f64,
}

/// The nearest records of these layers that `audience` sees.
pub fn identify(city: &City, audience: &Audience, layers: &[LayerIx], around: &Around) -> Result<Vec<Near>> {
    let here = Local::at(around.p);
    let window = here.window(around.radius_m);
    let mut all = vec![];
    for &layer in layers {
        let declared = city.snapshot.catalog.layer(layer);
        let Some(table) = city.snapshot.features(&declared.id)? else { continue };
        let found = table.find(&window, audience.rows(declared)?.as_deref())?;
        let mut g = Geometry::empty(GeometryKind::Point);
        for (offset, bbox) in found {
            table.pick(&[offset], &mut |row| {
                row.read_geometry(&mut g);
                let distance_m = g.distance_m(around.p, &here);
                if distance_m <= around.radius_m {
                    let size = bbox.width() * bbox.height();
                    all.push(Near { layer, id: row.id().0, distance_m, offset, size });
                }
                Ok(())
            })?;
        }
    }
    all.sort_by(|a, b| {
        let near = a.distance_m.total_cmp(&b.distance_m).then(a.size.total_cmp(&b.size));
        near.then((a.layer, a.id).cmp(&(b.layer, b.id)))
    });
    all.truncate(around.limit);
    Ok(all)
}

/// The records as GeoJSON Features, each with `distance_m` in front of its members, a comma between them.
pub fn features(city: &City, audience: &Audience, near: &[Near]) -> Result<Vec<u8>> {
    let snapshot = &city.snapshot;
    let mut out = vec![];
    for n in near {
        let layer = snapshot.catalog.layer(n.layer);
        let Some(table) = snapshot.features(&layer.id)? else { continue };
        let feature = table.get(n.offset)?;
        if !out.is_empty() {
            out.extend_from_slice(b",\n");
        }
        out.extend(format!("{{\"distance_m\":{:.2},", n.distance_m).bytes());
        let from = out.len();
        Writer { layer, audience, crs: Crs::Crs84 }.write(&feature, lods(snapshot, layer, &feature)?, &mut out);
        // One object of both.
        out.remove(from);
    }
    Ok(out)
}
