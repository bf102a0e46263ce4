//! A record as a GeoJSON feature (RFC 7946), its source geometry in the CRS that was asked for.

use crate::audience::Audience;
use crate::feature::{Feature, Geometry, Value};
use crate::geo::{Crs, GeometryKind};
use crate::layer::Layer;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value as Json, json};

/// Whose record it is, for whom, in which CRS.
#[derive(Clone, Copy)]
pub struct Writer<'a> {
    pub layer: &'a Layer,
    pub audience: &'a Audience,
    pub crs: Crs,
}

impl Writer<'_> {
    /// `lods`: the levels of detail of the feature's 3D model, where it has one.
    pub fn write(&self, feature: &Feature, lods: Option<Vec<String>>, out: &mut Vec<u8>) {
        let document = FeatureDocument {
            kind: "Feature",
            id: feature.id.0,
            collection: &self.layer.id,
            model: lods.map(|lods| ModelMember { lods }),
            geometry: geometry(&feature.geometry, &self.crs),
            properties: Properties { layer: self.layer, audience: self.audience, values: &feature.values },
        };
        // Writing to memory cannot fail, and all keys are text.
        let _ = serde_json::to_writer(out, &document);
    }
}

#[derive(serde::Serialize)]
struct FeatureDocument<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: u64,
    collection: &'a str,
    /// A foreign member (RFC 7946 §6.1): that a 3D model stands on the geometry.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<ModelMember>,
    geometry: Json,
    properties: Properties<'a>,
}

/// The levels of detail of the 3D model.
#[derive(serde::Serialize)]
struct ModelMember {
    lods: Vec<String>,
}

struct Properties<'a> {
    layer: &'a Layer,
    audience: &'a Audience,
    values: &'a [Value],
}

impl Serialize for Properties<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(None)?;
        for (field, value) in self.layer.fields.iter().zip(self.values) {
            if self.audience.sees_field(self.layer, field) {
                map.serialize_entry(&field.name, value)?;
            }
        }
        map.end()
    }
}

/// One part is a simple geometry, several are a Multi one.
fn geometry(g: &Geometry, crs: &Crs) -> Json {
    let runs: Vec<Json> = g.runs().map(|run| run.map(|i| position(g, crs, i)).collect()).collect();
    let (kind, parts) = match g.kind {
        GeometryKind::Point => ("Point", (0..g.xy.len()).map(|i| position(g, crs, i)).collect()),
        GeometryKind::Line => ("LineString", runs),
        GeometryKind::Polygon => ("Polygon", polygons(g, &runs)),
    };
    match <[Json; 1]>::try_from(parts) {
        Ok([one]) => json!({ "type": kind, "coordinates": one }),
        Err(parts) => json!({ "type": format!("Multi{kind}"), "coordinates": parts }),
    }
}

/// In the CRS's own axis order, the height behind.
fn position(g: &Geometry, crs: &Crs, i: usize) -> Json {
    let [east, north] = crs.forward(g.xy[i]);
    let [x, y] = if crs.northing_first() { [north, east] } else { [east, north] };
    match g.z.get(i) {
        Some(z) => json!([x, y, z]),
        None => json!([x, y]),
    }
}

/// Rings grouped by polygon.
fn polygons(g: &Geometry, rings: &[Json]) -> Vec<Json> {
    let mut from = 0;
    let of = |&end: &u32| {
        let rings = &rings[from..end as usize];
        from = end as usize;
        Json::from(rings)
    };
    g.parts.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feature::{FeatureId, SourceTag};

    fn square(x: f64, y: f64, side: f64) -> Vec<[f64; 2]> {
        vec![[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]
    }

    #[test]
    fn every_kind_of_geometry_has_its_geojson() {
        let point = Geometry::point(1.0, 2.0);
        let raised = Geometry { z: vec![7.5], ..point.clone() };
        let points = Geometry { xy: vec![[1.0, 2.0], [3.0, 4.0]], ..point.clone() };
        let line = Geometry::line(vec![[0.0, 0.0], [1.0, 1.0]]);
        let lines = Geometry {
            xy: vec![[0.0, 0.0], [1.0, 1.0], [2.0, 2.0], [3.0, 3.0], [4.0, 4.0]],
            ends: vec![2, 5],
            ..line.clone()
        };
        let holed = Geometry::polygon(&[square(0.0, 0.0, 4.0), square(1.0, 1.0, 1.0)]);
        let two = Geometry { parts: vec![1, 2], ..Geometry::polygon(&[square(0.0, 0.0, 1.0), square(5.0, 5.0, 1.0)]) };
        for (g, want) in [
            (point, json!({"type": "Point", "coordinates": [1.0, 2.0]})),
            (raised, json!({"type": "Point", "coordinates": [1.0, 2.0, 7.5]})),
            (points, json!({"type": "MultiPoint", "coordinates": [[1.0, 2.0], [3.0, 4.0]]})),
            (line, json!({"type": "LineString", "coordinates": [[0.0, 0.0], [1.0, 1.0]]})),
            (
                lines,
                json!({"type": "MultiLineString",
                    "coordinates": [[[0.0, 0.0], [1.0, 1.0]], [[2.0, 2.0], [3.0, 3.0], [4.0, 4.0]]]}),
            ),
            (holed, json!({"type": "Polygon", "coordinates": [square(0.0, 0.0, 4.0), square(1.0, 1.0, 1.0)]})),
            (two, json!({"type": "MultiPolygon", "coordinates": [[square(0.0, 0.0, 1.0)], [square(5.0, 5.0, 1.0)]]})),
        ] {
            assert_eq!(geometry(&g, &Crs::Crs84), want);
        }
    }

    #[test]
    fn other_systems_have_their_own_axis_order() {
        let g = Geometry { z: vec![7.5], ..Geometry::point(114.3, 34.8) };
        let at = |epsg| geometry(&g, &Crs::from_epsg(epsg).unwrap())["coordinates"].clone();
        assert_eq!(at(4490), json!([34.8, 114.3, 7.5]));
        let [e, n] = Crs::from_epsg(4547).unwrap().forward([114.3, 34.8]);
        assert_eq!(at(4547), json!([n, e, 7.5]));
        let [x, y] = Crs::WebMercator.forward([114.3, 34.8]);
        assert_eq!(at(3857), json!([x, y, 7.5]));
    }

    fn layer() -> Layer {
        let text = r#"{"id": "lamp", "name": {"zh": "路灯", "en": "Lamps"}, "geometry": ["point"], "dimension": "2D",
            "sensitivity": "public", "serve": ["mvt"], "zoom": {"min": 10, "full": 15, "max": 18}, "fields": [
            {"name": "code", "type": "text", "zh": "编码"}, {"name": "age", "type": "int", "zh": "年龄"},
            {"name": "phone", "type": "text", "zh": "电话", "sensitivity": "personal"}]}"#;
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_record_has_its_fields_in_order_and_only_those_of_its_audience() {
        let feature = Feature {
            id: FeatureId(9),
            source: SourceTag(1),
            geometry: Geometry::point(114.3, 34.8),
            values: vec![Value::Text("0123".into()), Value::Null, Value::Text("138".into())],
        };
        let written = |audience, lods| {
            let mut out = vec![];
            Writer { layer: &layer(), audience, crs: Crs::Crs84 }.write(&feature, lods, &mut out);
            String::from_utf8(out).unwrap()
        };
        let text = |a| written(a, None);
        assert!(text(&Audience::PUBLIC).ends_with(r#""properties":{"code":"0123","age":null}}"#));
        assert!(text(&Audience::OPEN).ends_with(r#""properties":{"code":"0123","age":null,"phone":"138"}}"#));
        let with_model = written(&Audience::PUBLIC, Some(vec!["1".into(), "2.2".into()]));
        let with_model: Json = serde_json::from_str(&with_model).unwrap();
        assert_eq!(with_model["model"], json!({"lods": ["1", "2.2"]}));
        let v: Json = serde_json::from_str(&text(&Audience::PUBLIC)).unwrap();
        assert_eq!((&v["id"], &v["collection"], &v["type"]), (&json!(9), &json!("lamp"), &json!("Feature")));
    }
}
