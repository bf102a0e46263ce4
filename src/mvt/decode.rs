//! A strict reader of Mapbox Vector Tile 2.1: reads what can be read and names every breach of the
//! specification. For tests and checks, not for serving; allocates freely, never more than the input justifies.

mod commands;
mod soundness;

pub use soundness::faults;

use crate::feature::Value;
use commands::geometry;
use std::collections::HashSet;

/// A point in tile units, y down.
pub type Point = [i32; 2];

/// What was read, and what is wrong with it.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Decoded {
    pub layers: Vec<Layer>,
    /// Breaches of a MUST: empty for a valid tile.
    pub violations: Vec<String>,
    /// Allowed, but a good encoder does not do it: empty layers, unused or repeated keys and values.
    pub waste: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    pub name: String,
    pub version: u32,
    pub extent: u32,
    pub features: Vec<Feature>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Feature {
    pub id: Option<u64>,
    pub geometry: Geometry,
    /// In the order of the tags. Unsigned numbers beyond i64 are read as floats.
    pub attributes: Vec<(String, Value)>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Geometry {
    Unknown,
    Points(Vec<Point>),
    Lines(Vec<Vec<Point>>),
    /// Polygons of open rings, exterior first.
    Polygons(Vec<Vec<Vec<Point>>>),
}

impl Decoded {
    pub fn layer(&self, name: &str) -> Option<&Layer> {
        self.layers.iter().find(|l| l.name == name)
    }
}

impl Feature {
    pub fn attribute(&self, key: &str) -> Option<&Value> {
        self.attributes.iter().find(|(k, _)| k == key).map(|(_, v)| v)
    }
}

/// Reads a tile, not compressed.
pub fn decode(tile: &[u8]) -> Decoded {
    let mut d = Decoded::default();
    let mut names = HashSet::new();
    for field in fields(tile) {
        match field {
            Ok((3, Wire::Bytes(bytes))) => {
                let layer = layer(bytes, &mut d);
                if !layer.name.is_empty() && !names.insert(layer.name.clone()) {
                    d.violations.push(format!("two layers are named {}", layer.name));
                }
                d.layers.push(layer);
            }
            Ok((n, _)) => d.violations.push(format!("the tile has a field {n} that the specification lacks")),
            Err(e) => d.violations.push(format!("tile: {e}")),
        }
    }
    d
}

fn layer(bytes: &[u8], d: &mut Decoded) -> Layer {
    let mut l = Layer { name: String::new(), version: 0, extent: 4096, features: vec![] };
    let (mut features, mut keys, mut values) = (vec![], vec![], vec![]);
    let mut wrong = vec![];
    let mut version = None;
    for field in fields(bytes) {
        match field {
            Ok((1, Wire::Bytes(b))) => l.name = text(b, &mut wrong),
            Ok((2, Wire::Bytes(b))) => features.push(b),
            Ok((3, Wire::Bytes(b))) => keys.push(text(b, &mut wrong)),
            Ok((4, Wire::Bytes(b))) => values.push(value(b, &mut wrong)),
            Ok((5, Wire::Varint(v))) => l.extent = v as u32,
            Ok((15, Wire::Varint(v))) => version = Some(v),
            Ok((n, _)) => wrong.push(format!("field {n} is unknown or of a wrong type")),
            Err(e) => wrong.push(e),
        }
    }
    l.version = version.unwrap_or(1) as u32;
    match version {
        Some(2) => {}
        Some(v) => wrong.push(format!("version {v}")),
        None => wrong.push("no version".into()),
    }
    if l.name.is_empty() {
        wrong.push("no name".into());
    }
    if l.extent == 0 {
        wrong.push("extent 0".into());
    }
    let mut used = Used { keys: vec![false; keys.len()], values: vec![false; values.len()] };
    for (i, f) in features.into_iter().enumerate() {
        let mut at = vec![];
        l.features.push(feature(f, &keys, &values, &mut used, &mut at));
        wrong.extend(at.into_iter().map(|w| format!("feature {i}: {w}")));
    }
    d.waste.extend(waste(&l, &keys, &values, &used).into_iter().map(|w| format!("layer {}: {w}", l.name)));
    d.violations.extend(wrong.into_iter().map(|w| format!("layer {}: {w}", l.name)));
    l
}

struct Used {
    keys: Vec<bool>,
    values: Vec<bool>,
}

fn waste(l: &Layer, keys: &[String], values: &[Option<Value>], used: &Used) -> Vec<String> {
    let mut out = vec![];
    if l.features.is_empty() {
        out.push("no feature".to_string());
    }
    out.extend(keys.iter().zip(&used.keys).filter(|k| !k.1).map(|k| format!("key {} is not used", k.0)));
    out.extend(values.iter().zip(&used.values).filter(|v| !v.1).map(|v| format!("value {:?} is not used", v.0)));
    let mut seen = HashSet::new();
    out.extend(keys.iter().filter(|k| !seen.insert(k.as_str())).map(|k| format!("key {k} stands twice")));
    let mut seen = HashSet::new();
    out.extend(values.iter().filter(|v| !seen.insert(format!("{v:?}"))).map(|v| format!("value {v:?} stands twice")));
    out
}

fn feature(
    bytes: &[u8],
    keys: &[String],
    values: &[Option<Value>],
    used: &mut Used,
    wrong: &mut Vec<String>,
) -> Feature {
    let (mut id, mut kind, mut commands, mut tags) = (None, None, None, vec![]);
    for field in fields(bytes) {
        match field {
            Ok((1, Wire::Varint(v))) => id = Some(v),
            Ok((2, Wire::Bytes(b))) => tags.extend(packed(b, wrong)),
            Ok((3, Wire::Varint(v))) => kind = Some(v),
            Ok((4, Wire::Bytes(b))) => {
                if commands.replace(packed(b, wrong)).is_some() {
                    wrong.push("two geometry fields".into());
                }
            }
            Ok((n, _)) => wrong.push(format!("field {n} is unknown or of a wrong type")),
            Err(e) => wrong.push(e),
        }
    }
    let attributes = attributes(&tags, keys, values, used, wrong);
    if commands.is_none() {
        wrong.push("no geometry".into());
    }
    if kind.is_none() {
        wrong.push("no geometry type".into());
    }
    let geometry = geometry(kind.unwrap_or(0), &commands.unwrap_or_default(), wrong);
    Feature { id, geometry, attributes }
}

fn attributes(
    tags: &[u64],
    keys: &[String],
    values: &[Option<Value>],
    used: &mut Used,
    wrong: &mut Vec<String>,
) -> Vec<(String, Value)> {
    let mut out: Vec<(String, Value)> = vec![];
    if !tags.len().is_multiple_of(2) {
        wrong.push("an odd number of tags".into());
    }
    for pair in tags.chunks_exact(2) {
        let (k, v) = (pair[0] as usize, pair[1] as usize);
        let (Some(key), Some(value)) = (keys.get(k), values.get(v)) else {
            wrong.push(format!("tag {k}, {v} points beyond {} keys, {} values", keys.len(), values.len()));
            continue;
        };
        (used.keys[k], used.values[v]) = (true, true);
        if out.iter().any(|(have, _)| have == key) {
            wrong.push(format!("key {key} twice in a feature"));
        }
        out.extend(value.clone().map(|v| (key.clone(), v)));
    }
    out
}

fn value(bytes: &[u8], wrong: &mut Vec<String>) -> Option<Value> {
    let mut found = None;
    for field in fields(bytes) {
        let v = match field {
            Ok((1, Wire::Bytes(b))) => Value::Text(text(b, wrong)),
            Ok((2, Wire::Fixed32(b))) => Value::Float(f64::from(f32::from_bits(b))),
            Ok((3, Wire::Fixed64(b))) => Value::Float(f64::from_bits(b)),
            Ok((4, Wire::Varint(v))) => Value::Int(v as i64),
            Ok((5, Wire::Varint(v))) => i64::try_from(v).map_or(Value::Float(v as f64), Value::Int),
            Ok((6, Wire::Varint(v))) => Value::Int(unzigzag(v)),
            Ok((7, Wire::Varint(v))) => Value::Bool(v != 0),
            Ok((n, _)) => {
                wrong.push(format!("value type {n} is unknown or wrongly written"));
                continue;
            }
            Err(e) => {
                wrong.push(e);
                continue;
            }
        };
        if found.replace(v).is_some() {
            wrong.push("a value with two types".into());
        }
    }
    if found.is_none() {
        wrong.push("a value without a type".into());
    }
    found
}

fn text(bytes: &[u8], wrong: &mut Vec<String>) -> String {
    String::from_utf8(bytes.to_vec()).unwrap_or_else(|_| {
        wrong.push("text that is not UTF-8".into());
        String::from_utf8_lossy(bytes).into_owned()
    })
}

fn packed(mut bytes: &[u8], wrong: &mut Vec<String>) -> Vec<u64> {
    let mut out = vec![];
    while !bytes.is_empty() {
        match varint(&mut bytes) {
            Some(v) => out.push(v),
            None => {
                wrong.push("a number is cut off".into());
                break;
            }
        }
    }
    out
}

fn unzigzag(v: u64) -> i64 {
    (v >> 1) as i64 ^ -((v & 1) as i64)
}

enum Wire<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32(u32),
}

/// The fields of a message; ends after the first error.
fn fields(mut rest: &[u8]) -> impl Iterator<Item = Result<(u64, Wire<'_>), String>> {
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let f = field(&mut rest).ok_or_else(|| "the message is cut off or garbled".to_string());
        if f.is_err() {
            rest = &[];
        }
        Some(f)
    })
}

fn field<'a>(rest: &mut &'a [u8]) -> Option<(u64, Wire<'a>)> {
    let tag = varint(rest)?;
    let wire = match tag & 7 {
        0 => Wire::Varint(varint(rest)?),
        1 => Wire::Fixed64(u64::from_le_bytes(take(rest, 8)?.try_into().ok()?)),
        2 => {
            let len = usize::try_from(varint(rest)?).ok()?;
            Wire::Bytes(take(rest, len)?)
        }
        5 => Wire::Fixed32(u32::from_le_bytes(take(rest, 4)?.try_into().ok()?)),
        _ => return None,
    };
    (tag >> 3 > 0).then_some((tag >> 3, wire))
}

fn take<'a>(rest: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (head, tail) = rest.split_at_checked(len)?;
    *rest = tail;
    Some(head)
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut v = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, tail) = rest.split_first()?;
        *rest = tail;
        v |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(v);
        }
    }
    None
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
