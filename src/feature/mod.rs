//! What a thing on the map is: an id, a geometry and typed values in the order of its layer's fields.
//! Owned form, for import and for single records; requests read `store::Row` views instead.

mod model;
mod near;
mod skin;

pub use model::{Lod, Model, Role, Shell, Surface, SurfaceView, Tier};
pub use skin::{ImageId, LodSkin, Paint, Skin};

use crate::geo::{BBox, GeometryKind};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// 1 ..= 2^53 − 1: fits every client's number type. The same in every tile, zoom, grid, format and answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FeatureId(pub u64);

impl FeatureId {
    pub const MAX: u64 = (1 << 53) - 1;

    /// The id of a record with a declared key: the first 53 bits of BLAKE3 over `parts`, each part closed
    /// by a zero byte so that ("a", "bc") and ("ab", "c") differ.
    pub fn from_parts(parts: &[&[u8]]) -> FeatureId {
        Self::from_parts_checked(parts).0
    }

    /// The id and the next 64 bits of the same digest, which tell one key from another that has the same id.
    pub fn from_parts_checked(parts: &[&[u8]]) -> (FeatureId, u64) {
        let mut said: SmallVec<[u8; 128]> = SmallVec::new();
        for p in parts {
            said.extend_from_slice(p);
            said.push(0);
        }
        let digest = blake3::hash(&said);
        let word = |at: usize| {
            let mut bytes = [0u8; 8];
            bytes.copy_from_slice(&digest.as_bytes()[at..at + 8]);
            u64::from_le_bytes(bytes)
        };
        (FeatureId((word(0) & Self::MAX).max(1)), word(8))
    }
}

/// Flat geometry, always able to hold several parts (as in FlatGeobuf).
///
/// * Point: each vertex is a point; `ends` and `parts` are empty.
/// * Line: `ends[i]` is the vertex index after line i; `parts` is empty.
/// * Polygon: `ends[i]` is the vertex index after ring i, rings closed (first vertex repeated);
///   `parts[i]` is the ring index after polygon i; a polygon's first ring is its exterior,
///   counter-clockwise in lon/lat, its holes clockwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Geometry {
    pub kind: GeometryKind,
    /// Vertices, `[longitude, latitude]` in degrees once imported; source units and x = east before.
    pub xy: Vec<[f64; 2]>,
    /// Heights in metres, one per vertex, or empty.
    pub z: Vec<f64>,
    pub ends: Vec<u32>,
    pub parts: Vec<u32>,
}

impl Geometry {
    /// No vertex yet: a buffer to be filled again and again.
    pub fn empty(kind: GeometryKind) -> Geometry {
        Geometry { kind, xy: vec![], z: vec![], ends: vec![], parts: vec![] }
    }

    pub fn point(x: f64, y: f64) -> Geometry {
        Geometry { kind: GeometryKind::Point, xy: vec![[x, y]], z: vec![], ends: vec![], parts: vec![] }
    }

    pub fn line(xy: Vec<[f64; 2]>) -> Geometry {
        let ends = vec![xy.len() as u32];
        Geometry { kind: GeometryKind::Line, xy, z: vec![], ends, parts: vec![] }
    }

    /// One polygon from closed rings, exterior first.
    pub fn polygon(rings: &[Vec<[f64; 2]>]) -> Geometry {
        let mut g = Geometry { kind: GeometryKind::Polygon, xy: vec![], z: vec![], ends: vec![], parts: vec![] };
        for r in rings {
            g.xy.extend_from_slice(r);
            g.ends.push(g.xy.len() as u32);
        }
        g.parts.push(g.ends.len() as u32);
        g
    }

    pub fn bbox(&self) -> BBox {
        BBox::of(&self.xy)
    }

    /// Vertex ranges of the lines or rings; for points one range over all.
    pub fn runs(&self) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
        let whole = (self.kind == GeometryKind::Point).then_some(0..self.xy.len());
        let mut from = 0;
        let ends = self.ends.iter().map(move |&e| {
            let run = from..e as usize;
            from = e as usize;
            run
        });
        whole.into_iter().chain(ends)
    }
}

/// A typed value. Dates are `Text` in ISO form (2026-11-21), codes keep their leading zeros as `Text`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
}

impl Value {
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    pub fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Value::Null => ValueRef::Null,
            Value::Bool(b) => ValueRef::Bool(*b),
            Value::Int(i) => ValueRef::Int(*i),
            Value::Float(f) => ValueRef::Float(*f),
            Value::Text(t) => ValueRef::Text(t),
        }
    }
}

/// A borrowed value, as read from a verified block without copying.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ValueRef<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(&'a str),
}

impl ValueRef<'_> {
    pub fn to_value(self) -> Value {
        match self {
            ValueRef::Null => Value::Null,
            ValueRef::Bool(b) => Value::Bool(b),
            ValueRef::Int(i) => Value::Int(i),
            ValueRef::Float(f) => Value::Float(f),
            ValueRef::Text(t) => Value::Text(t.to_string()),
        }
    }
}

/// A record of a layer. `values` has one entry per field of the layer, in the layer's order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Feature {
    pub id: FeatureId,
    /// Which delivery's source it came from: `SourceTag::of(source id)`.
    pub source: SourceTag,
    pub geometry: Geometry,
    pub values: Vec<Value>,
}

/// 32 bits of BLAKE3 over a source's id: how a stored record knows its source, whatever other sources exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SourceTag(pub u32);

impl SourceTag {
    pub fn of(source_id: &str) -> SourceTag {
        let d = blake3::hash(source_id.as_bytes());
        let b = d.as_bytes();
        SourceTag(u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
    }
}
