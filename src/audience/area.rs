//! An area that rows are seen in: polygons in degrees, and whether a shape lies in them, wholly or in part. A point on a
//! border that two areas share lies in one of them (`geo::side`); shapes that only touch the border do not lie in it.

use crate::feature::Geometry;
use crate::geo::ring::contains_flat;
use crate::geo::side::{Edge, orientation};
use crate::geo::{BBox, GeometryKind};
use serde_json::Value;
use std::collections::HashMap;

/// Bands of latitude that edges are sorted into.
const BANDS: usize = 256;

/// Polygons, with what finds their edges.
#[derive(Clone)]
pub struct Area {
    bounds: BBox,
    patches: Vec<Bands>,
    /// Edges that no two polygons share.
    border: Bands,
}

impl std::fmt::Debug for Area {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.patches.iter().map(|p| &p.edges)).finish()
    }
}

/// Edges by the bands of latitude they come into.
#[derive(Clone)]
struct Bands {
    bounds: BBox,
    edges: Vec<Edge>,
    bands: Vec<Vec<u32>>,
}

impl Bands {
    fn of(edges: Vec<Edge>) -> Bands {
        let bounds = edges.iter().fold(BBox::EMPTY, |b, e| b.add(e.low).add(e.high));
        let mut all = Bands { bounds, edges, bands: vec![vec![]; BANDS] };
        for i in 0..all.edges.len() {
            for band in all.range(all.edges[i].low[1], all.edges[i].high[1]) {
                all.bands[band].push(i as u32);
            }
        }
        all
    }

    fn range(&self, south: f64, north: f64) -> std::ops::RangeInclusive<usize> {
        let height = self.bounds.height().max(f64::MIN_POSITIVE);
        let band = |y: f64| ((y - self.bounds.min_y) / height * BANDS as f64).clamp(0.0, (BANDS - 1) as f64) as usize;
        band(south)..=band(north)
    }

    fn near(&self, south: f64, north: f64) -> impl Iterator<Item = &Edge> {
        let out = south > self.bounds.max_y || north < self.bounds.min_y;
        let bands = (!out).then(|| self.range(south, north)).into_iter().flatten();
        bands.flat_map(|b| &self.bands[b]).map(|&i| &self.edges[i as usize])
    }

    fn contains(&self, p: [f64; 2]) -> bool {
        let inside = self.bounds.intersects(&BBox::of(&[p]));
        inside && self.near(p[1], p[1]).filter(|e| e.is_crossed_from(p)).count() % 2 == 1
    }
}

impl Area {
    /// From polygons, each a list of rings, closed or not, the exterior first. `None` of nothing.
    pub fn of(polygons: &[Vec<Vec<[f64; 2]>>]) -> Option<Area> {
        let patches: Vec<Bands> = polygons.iter().map(|rings| Bands::of(edges(rings))).collect();
        let mut times: HashMap<[[u64; 2]; 2], (Edge, u32)> = HashMap::new();
        for edge in patches.iter().flat_map(|p| &p.edges) {
            let key = [edge.low, edge.high].map(|p| p.map(f64::to_bits));
            times.entry(key).or_insert((*edge, 0)).1 += 1;
        }
        let border = Bands::of(times.into_values().filter(|(_, n)| n % 2 == 1).map(|(e, _)| e).collect());
        let bounds = patches.iter().fold(BBox::EMPTY, |all, p| all.join(&p.bounds));
        (!bounds.is_empty()).then_some(Area { bounds, patches, border })
    }

    /// The polygons of a GeoJSON geometry, feature or collection of features; what is wrong with it, for people.
    pub fn from_geojson(document: &Value) -> Result<Area, String> {
        let mut polygons = vec![];
        collect(document, &mut polygons)?;
        Area::of(&polygons).ok_or_else(|| "it has no polygon".into())
    }

    /// The polygons of a stored shape.
    pub fn polygons(g: &Geometry) -> Vec<Vec<Vec<[f64; 2]>>> {
        let rings: Vec<Vec<[f64; 2]>> = g.runs().map(|run| g.xy[run].to_vec()).collect();
        let mut from = 0;
        let of = |&end: &u32| {
            let polygon = rings[from..end as usize].to_vec();
            from = end as usize;
            polygon
        };
        g.parts.iter().map(of).collect()
    }

    pub fn bounds(&self) -> BBox {
        self.bounds
    }

    pub fn contains(&self, p: [f64; 2]) -> bool {
        self.patches.iter().any(|patch| patch.contains(p))
    }

    /// Whether a part of the shape lies inside.
    pub fn meets(&self, g: &Geometry) -> bool {
        self.bounds.intersects(&g.bbox())
            && (inner_points(g).any(|p| self.contains(p)) || self.is_crossed_by(g) || self.has_border_in(g))
    }

    /// Whether the whole shape lies inside.
    pub fn holds(&self, g: &Geometry) -> bool {
        !g.xy.is_empty()
            && self.bounds.contains(&g.bbox())
            && inner_points(g).all(|p| self.contains(p))
            && !self.is_crossed_by(g)
            && !self.has_border_in(g)
    }

    /// Whether a line or border of the shape goes through the border.
    fn is_crossed_by(&self, g: &Geometry) -> bool {
        let crosses = |own: Edge| self.border.near(own.low[1], own.high[1]).any(|e| cross(&own, e));
        g.kind != GeometryKind::Point && segments(g).any(crosses)
    }

    /// Whether a piece of the border lies within the shape, not along its own border.
    fn has_border_in(&self, g: &Geometry) -> bool {
        let bbox = g.bbox();
        let within = |e: &Edge| {
            let p = [0, 1].map(|k| (e.low[k] + e.high[k]) / 2.0);
            let on = |own: Edge| own.meets(&BBox::of(&[p])) && orientation(own.low, own.high, p) == 0.0;
            bbox.intersects(&BBox::of(&[p])) && contains_flat(&g.xy, &g.ends, p) && !segments(g).any(on)
        };
        g.kind == GeometryKind::Polygon && self.border.near(bbox.min_y, bbox.max_y).any(within)
    }
}

fn segments(g: &Geometry) -> impl Iterator<Item = Edge> + '_ {
    g.runs().flat_map(|run| g.xy[run].windows(2).map(|s| Edge::new(s[0], s[1])))
}

fn edges(rings: &[Vec<[f64; 2]>]) -> Vec<Edge> {
    let closed = |ring: &Vec<[f64; 2]>| {
        let mut ring = ring.clone();
        if ring.first() != ring.last() {
            ring.extend(ring.first().copied());
        }
        ring
    };
    let all = rings.iter().map(closed);
    all.flat_map(|r| r.windows(2).filter(|s| s[0] != s[1]).map(|s| Edge::new(s[0], s[1])).collect::<Vec<_>>()).collect()
}

/// Each has points strictly on both sides of the other.
fn cross(a: &Edge, b: &Edge) -> bool {
    let apart =
        |e: &Edge, p: [f64; 2], q: [f64; 2]| orientation(e.low, e.high, p) * orientation(e.low, e.high, q) < 0.0;
    let boxes = a.min_x() <= b.max_x() && b.min_x() <= a.max_x();
    boxes && apart(a, b.low, b.high) && apart(b, a.low, a.high)
}

/// Points that tell on which side a shape lies that does not cross the border: points themselves, the middles of a line's
/// segments, a point in each polygon.
fn inner_points(g: &Geometry) -> Box<dyn Iterator<Item = [f64; 2]> + '_> {
    match g.kind {
        GeometryKind::Point => Box::new(g.xy.iter().copied()),
        GeometryKind::Line => Box::new(g.runs().flat_map(|run| {
            let middle = |s: &[[f64; 2]]| [0, 1].map(|k| (s[0][k] + s[1][k]) / 2.0);
            g.xy[run].windows(2).map(middle).collect::<Vec<_>>()
        })),
        GeometryKind::Polygon => Box::new(Area::polygons(g).into_iter().filter_map(|rings| inner_point(&rings))),
    }
}

/// The middle of the widest part of a polygon on the parallel through the middle of its box.
fn inner_point(rings: &[Vec<[f64; 2]>]) -> Option<[f64; 2]> {
    let y = BBox::of(rings.first()?).center()[1];
    let crossing = |e: &Edge| {
        let through = (e.low[1] > y) != (e.high[1] > y);
        through.then(|| e.low[0] + (y - e.low[1]) / (e.high[1] - e.low[1]) * (e.high[0] - e.low[0]))
    };
    let mut xs: Vec<f64> = edges(rings).iter().filter_map(crossing).collect();
    xs.sort_by(f64::total_cmp);
    let widest = xs.chunks_exact(2).max_by(|a, b| (a[1] - a[0]).total_cmp(&(b[1] - b[0])))?;
    Some([(widest[0] + widest[1]) / 2.0, y])
}

fn collect(document: &Value, out: &mut Vec<Vec<Vec<[f64; 2]>>>) -> Result<(), String> {
    let list = |key: &str| document[key].as_array().ok_or_else(|| format!("its {key} are no list"));
    match document["type"].as_str() {
        Some("FeatureCollection") => list("features")?.iter().try_for_each(|f| collect(f, out)),
        Some("GeometryCollection") => list("geometries")?.iter().try_for_each(|g| collect(g, out)),
        Some("Feature") => collect(&document["geometry"], out),
        Some("Polygon") => {
            out.push(polygon(&document["coordinates"])?);
            Ok(())
        }
        Some("MultiPolygon") => {
            for p in list("coordinates")? {
                out.push(polygon(p)?);
            }
            Ok(())
        }
        Some(_) => Err("an area is made of Polygon and MultiPolygon alone".into()),
        None => Err("it is no GeoJSON: a member `type` is missing".into()),
    }
}

fn polygon(rings: &Value) -> Result<Vec<Vec<[f64; 2]>>, String> {
    let position = |p: &Value| {
        let [x, y] = [p[0].as_f64()?, p[1].as_f64()?];
        (x.abs() <= 180.0 && y.abs() <= 90.0).then_some([x, y])
    };
    let ring = |r: &Value| r.as_array()?.iter().map(position).collect::<Option<Vec<_>>>().filter(|r| r.len() >= 4);
    let rings = rings.as_array().and_then(|all| all.iter().map(ring).collect::<Option<Vec<_>>>());
    let rings = rings.filter(|r| !r.is_empty());
    rings.ok_or_else(|| "a polygon is rings of four positions or more, longitude and latitude in degrees".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn square(x: f64, y: f64, side: f64) -> Vec<[f64; 2]> {
        vec![[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]
    }

    fn area() -> Area {
        // Two units side by side, the first with a hole.
        Area::of(&[vec![square(0.0, 0.0, 4.0), square(1.0, 1.0, 1.0)], vec![square(4.0, 0.0, 4.0)]]).unwrap()
    }

    #[test]
    fn shapes_lie_inside_in_part_or_not() {
        let polygon = |rings: &[Vec<[f64; 2]>]| Geometry::polygon(rings);
        let cases = [
            ("a point inside", Geometry::point(0.5, 0.5), true, true),
            ("a point in the hole", Geometry::point(1.5, 1.5), false, false),
            ("a point outside", Geometry::point(9.0, 1.0), false, false),
            (
                "two points, one inside",
                Geometry { xy: vec![[0.5, 0.5], [9.0, 9.0]], ..Geometry::point(0.0, 0.0) },
                true,
                false,
            ),
            ("a line inside", Geometry::line(vec![[0.2, 0.2], [0.8, 0.2]]), true, true),
            ("a line over the units' own border", Geometry::line(vec![[3.0, 3.0], [5.0, 3.0]]), true, true),
            ("a line through everything", Geometry::line(vec![[-5.0, 3.0], [20.0, 3.0]]), true, false),
            ("a line over the hole", Geometry::line(vec![[0.5, 1.5], [3.0, 1.5]]), true, false),
            ("a line along the border, outside", Geometry::line(vec![[-1.0, -1.0], [-1.0, 5.0]]), false, false),
            ("a line that ends at the border", Geometry::line(vec![[-1.0, 2.0], [0.0, 2.0]]), false, false),
            ("a square inside", polygon(&[square(2.5, 2.5, 0.5)]), true, true),
            ("a unit itself", polygon(&[square(4.0, 0.0, 4.0)]), true, true),
            ("a neighbour", polygon(&[square(8.0, 0.0, 4.0)]), false, false),
            ("a neighbour to the west", polygon(&[square(-4.0, 0.0, 4.0)]), false, false),
            ("a neighbour to the north", polygon(&[square(0.0, 4.0, 4.0)]), false, false),
            ("across the border", polygon(&[square(7.0, 3.0, 4.0)]), true, false),
            ("around the hole", polygon(&[square(0.5, 0.5, 2.0)]), true, false),
            ("around the hole, with it", polygon(&[square(0.5, 0.5, 2.0), square(1.0, 1.0, 1.0)]), true, true),
            ("around everything", polygon(&[square(-9.0, -9.0, 30.0)]), true, false),
            ("in the hole", polygon(&[square(1.2, 1.2, 0.5)]), false, false),
        ];
        for (what, g, meets, holds) in cases {
            assert_eq!((area().meets(&g), area().holds(&g)), (meets, holds), "{what}");
        }
    }

    /// Against the plain definition: points on a fine lattice.
    #[test]
    fn a_point_of_shared_borders_is_in_one_area() {
        let (a, b) =
            (Area::of(&[vec![square(0.0, 0.0, 1.0)]]).unwrap(), Area::of(&[vec![square(1.0, 0.0, 1.0)]]).unwrap());
        for i in 0..=100 {
            let p = [1.0, f64::from(i) / 100.0];
            let both = usize::from(a.contains(p)) + usize::from(b.contains(p));
            assert_eq!(both, usize::from(i < 100), "{p:?}");
        }
    }

    #[test]
    fn geojson_of_any_wrapping_is_an_area() {
        let polygon = json!({"type": "Polygon", "coordinates": [[[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]]]});
        let feature = json!({"type": "Feature", "properties": {}, "geometry": polygon});
        let multi = json!({"type": "MultiPolygon", "coordinates": [polygon["coordinates"]]});
        for g in [&polygon, &feature, &multi, &json!({"type": "FeatureCollection", "features": [feature]})] {
            let area = Area::from_geojson(g).unwrap();
            assert!(area.contains([1.0, 1.0]) && !area.contains([5.0, 1.0]));
        }
        for bad in [
            json!({}),
            json!({"type": "Point", "coordinates": [1, 2]}),
            json!({"type": "FeatureCollection", "features": []}),
            json!({"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]}),
            json!({"type": "Polygon", "coordinates": [[[0, 0], [500, 1], [1, 1], [0, 0]]]}),
            json!({"type": "Polygon", "coordinates": []}),
        ] {
            assert!(Area::from_geojson(&bad).is_err(), "{bad}");
        }
    }
}
