//! A reader of glTF 2.0 of its own, from the specification: containers, buffers, views (EXT_meshopt_compression too),
//! accessors, the tree of nodes with instances. Faces come out in the tile's axes (z up). It shares nothing with the
//! writer, so that both cannot be wrong in the same way.

use super::volume::{IDENTITY, Matrix, product};
use chengtu::scene::moved;
use serde_json::Value;

/// A file with its buffers.
#[derive(Debug)]
pub struct Gltf {
    pub json: Value,
    buffers: Vec<Vec<u8>>,
}

/// One primitive, or one primitive as often as it stands somewhere.
#[derive(Debug, Clone, Default)]
pub struct Shape {
    /// East, north, up in metres where the tile's frame is such.
    pub places: Vec<[f64; 3]>,
    pub normals: Vec<[f64; 3]>,
    /// Three a triangle, two a line (by `mode`), into `places`.
    pub indices: Vec<u32>,
    /// 4 triangles, 1 lines.
    pub mode: u64,
    pub colour: Option<[f64; 4]>,
    /// A feature of the file's table for every place; `None` belongs to nothing.
    pub ids: Vec<Option<u32>>,
    /// Whether the ball that CesiumJS thinks of holds all instances.
    pub ball_holds: bool,
    /// Where the primitive stands in the JSON.
    pub at: String,
    pub instances: usize,
}

type Read<T> = Result<T, String>;
type ReadNumber = fn(&[u8]) -> f64;

impl Gltf {
    pub fn open(bytes: &[u8]) -> Read<Gltf> {
        if bytes.get(..4) != Some(b"glTF") {
            let json: Value = serde_json::from_slice(bytes).map_err(|e| format!("the JSON: {e}"))?;
            return Gltf::with(json, None);
        }
        let word = |at: usize| -> Read<usize> {
            let four = bytes.get(at..at + 4).ok_or("the container ends early")?;
            Ok(u32::from_le_bytes([four[0], four[1], four[2], four[3]]) as usize)
        };
        if word(4)? != 2 || word(8)? != bytes.len() || !bytes.len().is_multiple_of(4) {
            return Err(format!("version {}, {} bytes said, {} there", word(4)?, word(8)?, bytes.len()));
        }
        let end = 20 + word(12)?;
        let json = bytes.get(20..end).filter(|_| bytes[16..20] == *b"JSON").ok_or("no chunk of JSON")?;
        let json = serde_json::from_slice(json).map_err(|e| format!("the JSON chunk: {e}"))?;
        let binary = match end < bytes.len() {
            true => {
                let chunk = bytes.get(end + 8..end + 8 + word(end)?).filter(|_| bytes[end + 4..end + 8] == *b"BIN\0");
                Some(chunk.ok_or("the binary chunk is not whole")?.to_vec())
            }
            false => None,
        };
        Gltf::with(json, binary)
    }

    fn with(json: Value, binary: Option<Vec<u8>>) -> Read<Gltf> {
        let mut buffers = vec![];
        for (i, b) in list(&json, "buffers").iter().enumerate() {
            let length = count(b, "byteLength").ok_or("a buffer without length")?;
            let bytes = match b["uri"].as_str() {
                Some(uri) => {
                    let (_, text) = uri.split_once("base64,").ok_or_else(|| format!("buffer {uri} is another file"))?;
                    base64(text).ok_or("a buffer is not base64")?
                }
                None if i == 0 => binary.clone().unwrap_or_default(),
                // The fallback of compressed views holds nothing.
                None => vec![],
            };
            let fallback = b["extensions"]["EXT_meshopt_compression"]["fallback"] == true;
            if bytes.len() < length && !fallback {
                return Err(format!("buffer {i}: {} bytes of {length}", bytes.len()));
            }
            buffers.push(bytes);
        }
        Ok(Gltf { json, buffers })
    }

    /// Bytes of a view, decompressed.
    pub fn view(&self, at: usize) -> Read<Vec<u8>> {
        let view = self.json["bufferViews"].get(at).ok_or_else(|| format!("no buffer view {at}"))?;
        let packed = &view["extensions"]["EXT_meshopt_compression"];
        let stored = if packed.is_null() { view } else { packed };
        let (from, length) =
            (count(stored, "byteOffset").unwrap_or(0), count(stored, "byteLength").ok_or("a view without length")?);
        let buffer = count(stored, "buffer").and_then(|b| self.buffers.get(b)).ok_or("a view of no buffer")?;
        let bytes = buffer.get(from..from + length).ok_or_else(|| format!("view {at} leaves its buffer"))?;
        if packed.is_null() {
            return Ok(bytes.to_vec());
        }
        let plain = unpacked(packed, bytes).ok_or_else(|| format!("view {at} cannot be decompressed"))?;
        match Some(plain.len()) == count(view, "byteLength") {
            true => Ok(plain),
            false => Err(format!("view {at} is {} bytes long when decompressed", plain.len())),
        }
    }

    /// Numbers of an accessor, row after row, and how many make a row.
    pub fn accessor(&self, at: usize) -> Read<(Vec<f64>, usize)> {
        let accessor = self.json["accessors"].get(at).ok_or_else(|| format!("no accessor {at}"))?;
        let wide = match accessor["type"].as_str() {
            Some("SCALAR") => 1,
            Some("VEC2") => 2,
            Some("VEC3") => 3,
            Some("VEC4") => 4,
            other => return Err(format!("accessor {at} of type {other:?}")),
        };
        let (size, full, read): (usize, f64, ReadNumber) = match accessor["componentType"].as_u64() {
            Some(5120) => (1, 127.0, |c| f64::from(c[0] as i8)),
            Some(5121) => (1, 255.0, |c| f64::from(c[0])),
            Some(5122) => (2, 32767.0, |c| f64::from(i16::from_le_bytes([c[0], c[1]]))),
            Some(5123) => (2, 65535.0, |c| f64::from(u16::from_le_bytes([c[0], c[1]]))),
            Some(5125) => (4, 1.0, |c| f64::from(u32::from_le_bytes([c[0], c[1], c[2], c[3]]))),
            Some(5126) => (4, 1.0, |c| f64::from(f32::from_le_bytes([c[0], c[1], c[2], c[3]]))),
            other => return Err(format!("accessor {at} of components {other:?}")),
        };
        let full = if accessor["normalized"] == true { full } else { 1.0 };
        let rows = count(accessor, "count").ok_or("an accessor without count")?;
        let Some(view) = count(accessor, "bufferView") else { return Ok((vec![0.0; wide * rows], wide)) };
        let bytes = self.view(view)?;
        let stride = count(&self.json["bufferViews"][view], "byteStride").unwrap_or(size * wide);
        let start = count(accessor, "byteOffset").unwrap_or(0);
        let mut numbers = Vec::with_capacity(rows * wide);
        for from in (0..rows).map(|i| start + i * stride) {
            let row = bytes.get(from..from + size * wide).ok_or_else(|| format!("accessor {at} leaves its view"))?;
            numbers.extend(row.chunks_exact(size).map(|c| read(c) / full));
        }
        Ok((numbers, wide))
    }

    /// Rows of `N` numbers.
    fn rows<const N: usize>(&self, at: usize) -> Read<Vec<[f64; N]>> {
        let (numbers, wide) = self.accessor(at)?;
        match wide == N {
            true => Ok(numbers.as_chunks::<N>().0.to_vec()),
            false => Err(format!("accessor {at}: rows of {wide} numbers for {N}")),
        }
    }

    /// Every primitive of the scene where it stands.
    pub fn shapes(&self) -> Read<Vec<Shape>> {
        let scene = count(&self.json, "scene").unwrap_or(0);
        let mut found = vec![];
        let roots = list(&self.json["scenes"][scene], "nodes");
        for node in roots {
            self.node(node.as_u64().unwrap_or(u64::MAX) as usize, &IDENTITY, 0, &mut found)?;
        }
        Ok(found)
    }

    fn node(&self, at: usize, above: &Matrix, depth: u32, found: &mut Vec<Shape>) -> Read<()> {
        let node = self.json["nodes"].get(at).filter(|_| depth < 32).ok_or_else(|| format!("no node {at}"))?;
        let matrix = product(above, &local(node));
        if let Some(mesh) = count(node, "mesh") {
            let at = self.json["meshes"].get(mesh).ok_or_else(|| format!("no mesh {mesh}"))?;
            for (p, primitive) in list(at, "primitives").iter().enumerate() {
                let shape = self.primitive(primitive, &format!("/meshes/{mesh}/primitives/{p}"))?;
                let instancing = &node["extensions"]["EXT_mesh_gpu_instancing"]["attributes"];
                let shape = match instancing.is_null() {
                    true => shape,
                    false => self.instanced(shape, instancing, &node["extensions"]["EXT_instance_features"])?,
                };
                found.push(placed(shape, &matrix));
            }
        }
        for child in list(node, "children") {
            self.node(child.as_u64().unwrap_or(u64::MAX) as usize, &matrix, depth + 1, found)?;
        }
        Ok(())
    }

    fn primitive(&self, primitive: &Value, at: &str) -> Read<Shape> {
        let attribute = |name: &str| count(&primitive["attributes"], name);
        let positions = attribute("POSITION").ok_or("a primitive without positions")?;
        let places = self.rows::<3>(positions)?;
        self.bounds_are_true(positions, &places)?;
        let normals = attribute("NORMAL").map_or(Ok(vec![]), |n| self.rows::<3>(n))?;
        let indices = match count(primitive, "indices") {
            Some(i) => self.accessor(i)?.0.iter().map(|n| *n as u32).collect(),
            None => (0..places.len() as u32).collect::<Vec<u32>>(),
        };
        if let Some(far) = indices.iter().find(|i| **i as usize >= places.len()) {
            return Err(format!("{at}: vertex {far} of {}", places.len()));
        }
        let ids = self.ids(&primitive["extensions"]["EXT_mesh_features"], places.len(), |n| {
            attribute(&format!("_FEATURE_ID_{n}")).map(|a| self.accessor(a))
        })?;
        let material = count(primitive, "material").map(|m| &self.json["materials"][m]["pbrMetallicRoughness"]);
        let factor = material.and_then(|m| m["baseColorFactor"].as_array());
        let colour = factor.map(|f| std::array::from_fn(|k| f.get(k).and_then(Value::as_f64).unwrap_or(1.0)));
        let mode = primitive["mode"].as_u64().unwrap_or(4);
        Ok(Shape { places, normals, indices, mode, colour, ids, ball_holds: true, at: at.into(), instances: 0 })
    }

    /// Rows of the first set of feature ids that leads to the first table; `None` of those that belong to nothing.
    fn ids(
        &self,
        extension: &Value,
        places: usize,
        attribute: impl Fn(u64) -> Option<Read<(Vec<f64>, usize)>>,
    ) -> Read<Vec<Option<u32>>> {
        let Some(set) = list(extension, "featureIds").first() else { return Ok(vec![None; places]) };
        let numbers: Vec<f64> = match set["attribute"].as_u64() {
            Some(n) => attribute(n).ok_or_else(|| format!("no attribute _FEATURE_ID_{n}"))??.0,
            None if set.get("texture").is_some() => return Ok(vec![None; places]),
            None => (0..places).map(|i| i as f64).collect(),
        };
        let null = set["nullFeatureId"].as_f64();
        Ok(numbers.iter().map(|n| (Some(*n) != null).then_some(*n as u32)).collect())
    }

    fn bounds_are_true(&self, at: usize, places: &[[f64; 3]]) -> Read<()> {
        let accessor = &self.json["accessors"][at];
        for k in 0..3 {
            let of = |f: fn(f64, f64) -> f64, start| places.iter().map(|p| p[k]).fold(start, f);
            for (key, real) in [("min", of(f64::min, f64::INFINITY)), ("max", of(f64::max, f64::NEG_INFINITY))] {
                let said = accessor[key][k].as_f64().ok_or_else(|| format!("accessor {at} without {key}"))?;
                if !places.is_empty() && (said - real).abs() > 1e-5 * real.abs().max(1.0) {
                    return Err(format!("accessor {at}: {key} is {real}, not {said}"));
                }
            }
        }
        Ok(())
    }

    fn instanced(&self, one: Shape, attributes: &Value, features: &Value) -> Read<Shape> {
        let triples = |name: &str| count(attributes, name).map(|a| self.rows::<3>(a)).transpose();
        let (shifts, scales) = (triples("TRANSLATION")?, triples("SCALE")?);
        let turns = count(attributes, "ROTATION").map(|a| self.rows::<4>(a)).transpose()?;
        let counts = [shifts.as_ref().map(Vec::len), scales.as_ref().map(Vec::len), turns.as_ref().map(Vec::len)];
        let n = counts.into_iter().flatten().next().ok_or("no instances")?;
        if counts.into_iter().flatten().any(|c| c != n) {
            return Err("attributes of instances differ in count".into());
        }
        let ids =
            self.ids(features, n, |k| count(attributes, &format!("_FEATURE_ID_{k}")).map(|a| self.accessor(a)))?;
        let mut all =
            Shape { mode: one.mode, colour: one.colour, at: one.at.clone(), instances: n, ..Shape::default() };
        let mut middles = vec![];
        for i in 0..n {
            let shift = shifts.as_ref().map_or([0.0; 3], |s| s[i]);
            let turn = turns.as_ref().map_or([0.0, 0.0, 0.0, 1.0], |t| t[i]);
            if (turn.iter().map(|q| q * q).sum::<f64>() - 1.0).abs() > 1e-3 {
                return Err(format!("instance {i} has no unit quaternion"));
            }
            let scale = scales.as_ref().map_or([1.0; 3], |s| s[i]);
            let matrix = composed(shift, turn, scale);
            let base = all.places.len() as u32;
            all.places.extend(one.places.iter().map(|p| moved(&matrix, *p)));
            all.normals.extend(one.normals.iter().map(|v| rotated(turn, *v)));
            all.indices.extend(one.indices.iter().map(|k| base + k));
            all.ids.extend(std::iter::repeat_n(ids.get(i).copied().flatten(), one.places.len()));
            middles.push(shift);
        }
        all.ball_holds = ball_holds(&one.places, &middles, &all.drawn().collect::<Vec<_>>());
        Ok(all)
    }
}

impl Shape {
    /// Places that something is drawn at: a mesh may hold others, to widen its bounds.
    pub fn drawn(&self) -> impl Iterator<Item = [f64; 3]> + '_ {
        let mut used = vec![false; self.places.len()];
        self.indices.iter().for_each(|i| used[*i as usize] = true);
        self.places.iter().zip(used).filter(|(_, u)| *u).map(|(p, _)| *p)
    }
}

/// CesiumJS bounds instances by the sum of the model's bounds and those of the translations, whatever the turns and
/// scales are, and takes the ball around that box.
fn ball_holds(model: &[[f64; 3]], shifts: &[[f64; 3]], all: &[[f64; 3]]) -> bool {
    let bounds = |points: &[[f64; 3]]| {
        let of = |k: usize, f: fn(f64, f64) -> f64, from| points.iter().map(|p| p[k]).fold(from, f);
        [[0, 1, 2].map(|k| of(k, f64::min, f64::INFINITY)), [0, 1, 2].map(|k| of(k, f64::max, f64::NEG_INFINITY))]
    };
    let ([m0, m1], [s0, s1]) = (bounds(model), bounds(shifts));
    let middle: [f64; 3] = [0, 1, 2].map(|k| (m0[k] + s0[k] + m1[k] + s1[k]) / 2.0);
    let half: [f64; 3] = [0, 1, 2].map(|k| (m1[k] + s1[k] - m0[k] - s0[k]) / 2.0);
    let radius = super::volume::length(half) + 1e-3;
    all.iter().all(|p| super::volume::length([0, 1, 2].map(|k| p[k] - middle[k])) <= radius)
}

/// To the tile's frame: the node's matrix, then y up to z up.
fn placed(mut shape: Shape, matrix: &Matrix) -> Shape {
    let up = |[x, y, z]: [f64; 3]| [x, -z, y];
    shape.places.iter_mut().for_each(|p| *p = up(moved(matrix, *p)));
    shape.normals.iter_mut().for_each(|n| *n = up(*n));
    shape
}

fn local(node: &Value) -> Matrix {
    if let Some(m) = node["matrix"].as_array() {
        return std::array::from_fn(|i| m.get(i).and_then(Value::as_f64).unwrap_or(0.0));
    }
    let part = |key: &str, i: usize, other: f64| node[key].get(i).and_then(Value::as_f64).unwrap_or(other);
    composed(
        [0, 1, 2].map(|i| part("translation", i, 0.0)),
        [part("rotation", 0, 0.0), part("rotation", 1, 0.0), part("rotation", 2, 0.0), part("rotation", 3, 1.0)],
        [0, 1, 2].map(|i| part("scale", i, 1.0)),
    )
}

fn rotated([x, y, z, w]: [f64; 4], v: [f64; 3]) -> [f64; 3] {
    let t = [2.0 * (y * v[2] - z * v[1]), 2.0 * (z * v[0] - x * v[2]), 2.0 * (x * v[1] - y * v[0])];
    let c = [y * t[2] - z * t[1], z * t[0] - x * t[2], x * t[1] - y * t[0]];
    [0, 1, 2].map(|i| v[i] + w * t[i] + c[i])
}

fn composed(shift: [f64; 3], turn: [f64; 4], scale: [f64; 3]) -> Matrix {
    let axis = |k: usize| rotated(turn, std::array::from_fn(|i| if i == k { scale[k] } else { 0.0 }));
    let [a, b, c] = [axis(0), axis(1), axis(2)];
    [a[0], a[1], a[2], 0., b[0], b[1], b[2], 0., c[0], c[1], c[2], 0., shift[0], shift[1], shift[2], 1.]
}

/// A stream of EXT_meshopt_compression.
fn unpacked(packed: &Value, bytes: &[u8]) -> Option<Vec<u8>> {
    fn flat<const N: usize>(bytes: &[u8], rows: usize) -> Option<Vec<u8>>
    where
        [u8; N]: Default,
    {
        Some(meshopt::decode_vertex_buffer::<[u8; N]>(bytes, rows).ok()?.concat())
    }
    let (rows, stride) = (count(packed, "count")?, count(packed, "byteStride")?);
    let narrow = |all: Vec<u32>| all.iter().flat_map(|i| i.to_le_bytes()[..stride].to_vec()).collect::<Vec<u8>>();
    let plain = match packed["mode"].as_str()? {
        // Version 0 of the codec is the only one of this extension.
        "ATTRIBUTES" if bytes.first() != Some(&0xa0) => return None,
        "ATTRIBUTES" => match stride {
            4 => flat::<4>(bytes, rows)?,
            8 => flat::<8>(bytes, rows)?,
            12 => flat::<12>(bytes, rows)?,
            16 => flat::<16>(bytes, rows)?,
            20 => flat::<20>(bytes, rows)?,
            24 => flat::<24>(bytes, rows)?,
            32 => flat::<32>(bytes, rows)?,
            _ => return None,
        },
        "TRIANGLES" => narrow(meshopt::decode_index_buffer(bytes, rows).ok()?),
        "INDICES" => narrow(meshopt::decode_index_sequence(bytes, rows).ok()?),
        _ => return None,
    };
    match packed["filter"].as_str() {
        None | Some("NONE") => Some(plain),
        Some("EXPONENTIAL") => Some(
            plain
                .chunks_exact(4)
                .flat_map(|c| {
                    let v = i32::from_le_bytes([c[0], c[1], c[2], c[3]]);
                    ((f64::from((v << 8) >> 8) * f64::from(v >> 24).exp2()) as f32).to_le_bytes()
                })
                .collect(),
        ),
        Some(_) => None,
    }
}

pub fn list<'a>(of: &'a Value, key: &str) -> &'a [Value] {
    of[key].as_array().map_or(&[], Vec::as_slice)
}

pub fn count(of: &Value, key: &str) -> Option<usize> {
    of.get(key)?.as_u64().map(|n| n as usize)
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| match c {
        b'A'..=b'Z' => Some(u32::from(c - b'A')),
        b'a'..=b'z' => Some(u32::from(c - b'a') + 26),
        b'0'..=b'9' => Some(u32::from(c - b'0') + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let (mut out, mut bits, mut held) = (vec![], 0u32, 0);
    for c in text.bytes().filter(|c| *c != b'=') {
        bits = bits << 6 | digit(c)?;
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
        }
    }
    Some(out)
}
