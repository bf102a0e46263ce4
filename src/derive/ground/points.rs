//! Spot heights → heights of the lattice: the one door to `spade`. Between three points that are neighbours (Delaunay) the
//! ground is flat; where neighbours are far apart nothing is known.

use crate::error::Result;
use crate::feature::{Geometry, ValueRef};
use crate::geo::GeometryKind;
use crate::geo::ellipsoid::Ellipsoid;
use crate::geo::lattice::{NODES, Patch, TileAt, level_for};
use crate::layer::{FieldRole, Layer};
use crate::store::{GroundWriter, Table, Wanted};
use spade::{DelaunayTriangulation, FloatTriangulation, HasPosition, Point2, Triangulation};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A triangle with a side of more than so many mean distances spans what was not surveyed: water, or outside.
const LONGEST: f64 = 12.0;
/// Nor is anything finer known than this, metres.
const FINEST_M: f64 = 5.0;

/// A spot height on a plane of metres around the layer's middle.
struct Spot {
    at: Point2<f64>,
    height_m: f64,
}

impl HasPosition for Spot {
    type Scalar = f64;

    fn position(&self) -> Point2<f64> {
        self.at
    }
}

/// Degrees ↔ metres around a middle: true to scale there, which is enough to say what is next to what.
struct Plane {
    middle: [f64; 2],
    per_degree: [f64; 2],
}

impl Plane {
    fn around(middle: [f64; 2]) -> Plane {
        let e = Ellipsoid::CGCS2000;
        let lat = middle[1].to_radians();
        let north_m = e.prime_vertical_m(lat).to_radians();
        Plane { middle, per_degree: [north_m * lat.cos(), north_m] }
    }

    fn metres(&self, p: [f64; 2]) -> Point2<f64> {
        let [x, y] = [0, 1].map(|k| (p[k] - self.middle[k]) * self.per_degree[k]);
        Point2::new(x, y)
    }

    fn degrees(&self, p: Point2<f64>) -> [f64; 2] {
        let p = [p.x, p.y];
        [0, 1].map(|k| p[k] / self.per_degree[k] + self.middle[k])
    }
}

/// Heights between the points of a layer, as a file for `Draft::add_file`; `None` of fewer than three. The height is that
/// of the field whose role it is, else the point's own.
pub fn between_points(staging: &Path, layer: &Layer, table: &Table) -> Result<Option<PathBuf>> {
    let Some((plane, net)) = triangulated(layer, table)? else { return Ok(None) };
    let spacing_m = mean_spacing_m(&net).max(FINEST_M);
    let level = level_for(spacing_m);
    let longest2 = (spacing_m * LONGEST).powi(2);
    let mut tiles: BTreeSet<TileAt> = BTreeSet::new();
    for face in net.inner_faces().filter(|f| f.adjacent_edges().iter().all(|e| e.length_2() <= longest2)) {
        let corners = face.positions().map(|p| plane.degrees(p));
        let b = crate::geo::BBox::of(&corners);
        let (low, high) = (TileAt::of(level, [b.min_x, b.min_y]), TileAt::of(level, [b.max_x, b.max_y]));
        let at = |(x, y)| TileAt { level, x, y };
        tiles.extend((low.y..=high.y).flat_map(|y| (low.x..=high.x).map(move |x| (x, y))).map(at));
    }
    let mut writer = GroundWriter::new(staging)?;
    for at in tiles {
        writer.push(at, &patch(&net, &plane, at, longest2), 0.0)?;
    }
    if writer.is_empty() {
        return Ok(None);
    }
    writer.seal().map(Some)
}

fn triangulated(layer: &Layer, table: &Table) -> Result<Option<(Plane, DelaunayTriangulation<Spot>)>> {
    let role = layer.field_by_role(FieldRole::GroundHeight).map(|i| layer.fields[i].name.as_str());
    let column = role.and_then(|name| table.schema().columns.iter().position(|c| c.name == name));
    let mut spots: Vec<([f64; 2], f64)> = vec![];
    let mut g = Geometry::empty(GeometryKind::Point);
    let wanted: Vec<bool> = (0..table.schema().columns.len()).map(|c| Some(c) == column).collect();
    table.scan_of(Wanted::These(&wanted), &mut |row| {
        row.read_geometry(&mut g);
        let mut height_m = None;
        row.values(|_, value| {
            height_m = match value {
                ValueRef::Float(v) => Some(v),
                ValueRef::Int(v) => Some(v as f64),
                _ => None,
            };
        });
        // Deliveries write 0 and −9999 where they know nothing.
        let known = |h: &f64| h.is_finite() && *h != 0.0 && *h > -1000.0;
        let height_m = height_m.filter(known).or_else(|| g.z.first().copied().filter(known));
        if let (GeometryKind::Point, Some(&at), Some(height_m)) = (g.kind, g.xy.first(), height_m) {
            spots.push((at, height_m));
        }
        Ok(())
    })?;
    if spots.len() < 3 {
        return Ok(None);
    }
    let places: Vec<[f64; 2]> = spots.iter().map(|(p, _)| *p).collect();
    let plane = Plane::around(crate::geo::BBox::of(&places).center());
    let spots = spots.into_iter().map(|(p, height_m)| Spot { at: plane.metres(p), height_m });
    // Of two points in one place the later stands.
    let net = DelaunayTriangulation::bulk_load(spots.collect());
    Ok(net.ok().filter(|net| net.num_inner_faces() > 0).map(|net| (plane, net)))
}

/// The length of a side, as a rule: the median, so that the hull's long ones do not count.
fn mean_spacing_m(net: &DelaunayTriangulation<Spot>) -> f64 {
    let mut lengths: Vec<f64> = net.undirected_edges().map(|e| e.length_2().sqrt()).collect();
    let middle = lengths.len() / 2;
    lengths.select_nth_unstable_by(middle, f64::total_cmp);
    lengths[middle]
}

fn patch(net: &DelaunayTriangulation<Spot>, plane: &Plane, at: TileAt, longest2: f64) -> Patch {
    let mut patch = Patch::default();
    let barycentric = net.barycentric();
    let mut weights = vec![];
    for k in 0..NODES * NODES {
        let (i, j) = (k % NODES, k / NODES);
        let place = plane.metres(at.node(i, j));
        barycentric.get_weights(place, &mut weights);
        let near = |(a, _): &(spade::handles::FixedVertexHandle, f64)| net.vertex(*a).position();
        let far = weights.iter().any(|a| weights.iter().any(|b| near(a).distance_2(near(b)) > longest2));
        if !weights.is_empty() && !far {
            patch.set(i, j, Some(weights.iter().map(|(v, w)| net.vertex(*v).data().height_m * w).sum()));
        }
    }
    patch
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feature::{Feature, FeatureId, SourceTag, Value};
    use crate::store::{Schema, Store, TableWriter};

    const LAYER: &str = r#"
        id = "spots"
        name = { zh = "高程点", en = "Spots" }
        geometry = ["point"]
        dimension = "2.5D"
        sensitivity = "public"
        roles = ["elevation_point"]
        serve = ["mvt"]
        zoom = { min = 12, full = 16, max = 18 }
        fields = [{ name = "h", type = "float", zh = "高程", datum = "1985", role = "ground_height" }]
    "#;

    fn form([lon, lat]: [f64; 2]) -> f64 {
        80.0 + (lon - 114.3) * 900.0 - (lat - 34.8) * 400.0
    }

    #[test]
    fn between_points_the_ground_is_flat_and_beyond_them_unknown() {
        let layer: Layer = toml::from_str(LAYER).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let draft = Store::open(dir.path(), true).unwrap().draft().unwrap();
        let mut writer = TableWriter::new(draft.staging(), "spots", Schema::of(&layer)).unwrap();
        // A field of points 20 m apart, two heights by the vertex alone, one unknown, and one far away.
        for k in 0..400u32 {
            let (i, j) = (f64::from(k % 20), f64::from(k / 20));
            let at = [114.3 + i * 2.2e-4 + j * 1e-5, 34.8 + j * 1.8e-4];
            let (value, z) = match k {
                77 | 78 => (Value::Null, vec![form(at)]),
                200 => (Value::Float(-9999.0), vec![]),
                _ => (Value::Float(form(at)), vec![]),
            };
            let geometry = Geometry { z, ..Geometry::point(at[0], at[1]) };
            let feature =
                Feature { id: FeatureId(u64::from(k) + 1), source: SourceTag(1), geometry, values: vec![value] };
            writer.push(&feature).unwrap();
        }
        let far = Geometry::point(114.5, 34.8);
        let lone = Feature { id: FeatureId(999), source: SourceTag(1), geometry: far, values: vec![Value::Float(9.0)] };
        writer.push(&lone).unwrap();
        let table = draft.table(&draft.add_file(&writer.seal().unwrap().path).unwrap()).unwrap();
        let path = between_points(draft.staging(), &layer, &table).unwrap().unwrap();
        let ground = draft.ground_of(&draft.add_file(&path).unwrap()).unwrap();
        for p in [[114.3010, 34.8010], [114.3035, 34.8030], [114.30222, 34.80181]] {
            let height_m = ground.height(p).unwrap().unwrap();
            assert!((height_m - form(p)).abs() < 0.002, "{p:?}: {height_m} {}", form(p));
        }
        assert_eq!(ground.height([114.4, 34.801]).unwrap(), None);
        assert_eq!(ground.height([114.29, 34.801]).unwrap(), None);
    }
}
