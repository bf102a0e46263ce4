//! Contents decoded back: shapes are where their source says, closed where they should be, and carry their
//! attributes. Everything goes through `Drawing` and `decode`, as a tile's content does.

use super::decode::{Cell, Decoded, decode};
use super::*;
use crate::feature::{FeatureId, Geometry, ValueRef};
use crate::geo::GeometryKind;
use crate::layer::{Catalog, Layer, Role, SceneKind};
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

mod blocks;
mod contents;
mod joints;
mod pipes;
mod places;
mod properties;

pub const CENTRE: [f64; 2] = [114.3, 34.8];
pub const UNDULATION_M: f64 = -12.5;
pub const GROUND_M: f64 = 72.0;

/// A place so far east and north of the centre, to a micrometre near it.
pub fn place(east_m: f64, north_m: f64) -> [f64; 2] {
    Frame::at(CENTRE, 0.0).geographic([east_m, north_m, 0.0]).0
}

pub fn frame() -> Frame {
    Frame::at(CENTRE, 60.0)
}

pub fn heights() -> Heights<'static> {
    Heights { undulation_m: &|_| UNDULATION_M, ground_m: &|_| Some(GROUND_M) }
}

/// Read once: the property tests ask for it a thousand times.
pub fn catalog() -> &'static Catalog {
    static SHIPPED: OnceLock<Catalog> = OnceLock::new();
    SHIPPED.get_or_init(|| Catalog::shipped().unwrap())
}

pub fn layer_with(role: Role, kind: SceneKind) -> Arc<Layer> {
    let found = catalog().with_role(role).find(|(_, l)| l.scene.as_ref().is_some_and(|s| s.kind == kind));
    found.unwrap().1.clone()
}

/// Values by field name, null elsewhere.
pub fn values<'v>(layer: &Layer, named: &[(&str, ValueRef<'v>)]) -> Vec<ValueRef<'v>> {
    let mut all = vec![ValueRef::Null; layer.fields.len()];
    for (name, value) in named {
        all[layer.field(name).unwrap_or_else(|| panic!("field {name}"))] = *value;
    }
    all
}

pub const ALL_FORMS: [Form; 4] = [
    Form { compression: Compression::Meshopt, instancing: Instancing::Shared },
    Form { compression: Compression::None, instancing: Instancing::Shared },
    Form { compression: Compression::Meshopt, instancing: Instancing::Expanded },
    Form { compression: Compression::None, instancing: Instancing::Expanded },
];

/// Draws features of a layer with all columns and reads the file back.
pub fn drawn(layer: &Layer, items: &[Item<'_>], detail: Detail, form: Form) -> (Drawn, Decoded) {
    let columns: Vec<usize> = (0..layer.fields.len()).collect();
    let mut drawing = Drawing::new(layer, frame(), &columns, detail, heights()).unwrap();
    items.iter().for_each(|i| drawing.feature(i));
    let drawn = drawing.finish(form).0.unwrap();
    let decoded = decode(&drawn.glb).unwrap();
    (drawn, decoded)
}

/// Closedness of the decoded triangles of one row: (edges without their opposite, Euler's number, volume in m³).
pub fn topology(d: &Decoded, row: u32) -> (usize, i64, f64) {
    let key = |i: u32| d.vertices[i as usize].at.map(|x| (x * 16384.0).round() as i64);
    let (mut balance, mut corners, mut faces, mut volume) = (HashMap::new(), HashMap::new(), 0i64, 0.0);
    let of_row = |t: &&[u32]| d.vertices[t[0] as usize].row == row;
    let triangles = d.primitives.iter().filter(|p| p.mode == 4).flat_map(|p| p.indices.chunks_exact(3));
    for t in triangles.filter(of_row) {
        faces += 1;
        for (i, j) in [(0, 1), (1, 2), (2, 0)] {
            let (a, b) = (key(t[i]), key(t[j]));
            corners.insert(a, ());
            *balance.entry((a.min(b), a.max(b))).or_insert(0) += if a < b { 1 } else { -1 };
        }
        let [a, b, c] = [0, 1, 2].map(|k| d.vertices[t[k] as usize].at);
        volume += frame::dot(a, frame::cross(b, c)) / 6.0;
    }
    let open = balance.values().filter(|n| **n != 0).count();
    (open, corners.len() as i64 - balance.len() as i64 + faces, volume)
}

/// Whether each triangle's own normal agrees with its vertices'.
pub fn normals_agree(d: &Decoded) -> bool {
    d.primitives.iter().filter(|p| p.mode == 4).flat_map(|p| p.indices.chunks_exact(3)).all(|t| {
        let v = [0, 1, 2].map(|k| d.vertices[t[k] as usize]);
        let n = frame::cross(frame::sub(v[1].at, v[0].at), frame::sub(v[2].at, v[0].at));
        // Slivers have no direction at the grid's precision.
        frame::length(n) < 1e-3 || v.iter().all(|v| frame::dot(n, v.normal) > 0.0)
    })
}

pub fn text(t: &str) -> Cell {
    Cell::Text(t.into())
}

pub fn inside(drawn: &Drawn, d: &Decoded) -> bool {
    let [low, high] = drawn.bounds_m;
    d.vertices.iter().all(|v| (0..3).all(|i| v.at[i] >= low[i] - 1e-6 && v.at[i] <= high[i] + 1e-6))
}

pub fn polygon(rings: &[&[[f64; 2]]]) -> Geometry {
    let closed = |r: &&[[f64; 2]]| {
        let mut ring: Vec<[f64; 2]> = r.iter().map(|p| place(p[0], p[1])).collect();
        ring.push(ring[0]);
        ring
    };
    Geometry::polygon(&rings.iter().map(closed).collect::<Vec<_>>())
}

pub fn line(points: &[[f64; 2]]) -> Geometry {
    Geometry::line(points.iter().map(|p| place(p[0], p[1])).collect())
}

pub fn id(n: u64) -> FeatureId {
    FeatureId(n)
}

#[test]
fn kinds_that_are_not_drawn_from_features() {
    let mut drawn = 0;
    for (_, layer) in catalog().iter() {
        let Some(scene) = &layer.scene else { continue };
        let not = matches!(scene.kind, SceneKind::Terrain | SceneKind::Mesh);
        assert_eq!(Drawing::new(layer, frame(), &[], Detail::NEAR, heights()).is_none(), not, "{}", layer.id);
        drawn += usize::from(!not);
    }
    assert!(drawn > 40);
}

#[test]
fn what_cannot_be_drawn_is_counted_and_has_no_row() {
    let layer = layer_with(Role::PipeSegment, SceneKind::Tube);
    let none = values(&layer, &[]);
    let (short, good) = (line(&[[1.0, 1.0], [1.0, 1.0]]), line(&[[0.0, 0.0], [9.0, 0.0]]));
    let point = Geometry::point(CENTRE[0], CENTRE[1]);
    let items = [Item::new(id(1), &short, &none), Item::new(id(2), &point, &none), Item::new(id(3), &good, &none)];
    let (drawn, d) = drawn(&layer, &items, Detail::NEAR, Form::default());
    assert_eq!(drawn.counts.drawn, 1);
    assert_eq!(drawn.counts.undrawn[&Undrawn::NoLength], 1);
    assert_eq!(drawn.counts.undrawn[&Undrawn::WrongGeometry], 1);
    assert_eq!(d.columns["id"], [text("3")]);
    let empty = Drawing::new(&layer, frame(), &[], Detail::NEAR, heights()).unwrap().finish(Form::default());
    assert!(empty.0.is_none() && empty.1 == Counts::default());
}
