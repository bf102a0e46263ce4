//! The binary half of a glb: buffer views and accessors, plain or compressed. What they mean is `glb`'s.

use super::compress;
use serde_json::{Value, json};

/// Whether streams are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Compression {
    /// For clients without a decoder.
    None,
    #[default]
    Meshopt,
}

/// Start of every view: what typed arrays of 8-byte numbers need.
const ALIGNMENT: usize = 8;
const ARRAY_BUFFER: u32 = 34962;
const ELEMENT_ARRAY_BUFFER: u32 = 34963;

/// Numbers of glTF's component types.
pub mod component {
    pub const BYTE: u32 = 5120;
    pub const SHORT: u32 = 5122;
    pub const UNSIGNED_SHORT: u32 = 5123;
    pub const UNSIGNED_INT: u32 = 5125;
    pub const FLOAT: u32 = 5126;
}

/// What vertex streams are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Attributes of vertices.
    Vertices,
    /// Attributes of instances, and columns: no draw call binds them.
    Other,
}

/// Collects views and accessors.
pub struct Buffers {
    compression: Compression,
    pub bin: Vec<u8>,
    pub views: Vec<Value>,
    pub accessors: Vec<Value>,
    /// Bytes that the compressed views have when decompressed: the length of the buffer that stands for them.
    fallback: usize,
}

impl Buffers {
    pub fn new(compression: Compression) -> Buffers {
        Buffers { compression, bin: vec![], views: vec![], accessors: vec![], fallback: 0 }
    }

    pub fn is_compressed(&self) -> bool {
        self.fallback > 0
    }

    /// The glTF's `buffers`.
    pub fn list(&self) -> Value {
        let mut list = vec![json!({ "byteLength": self.bin.len() })];
        if self.is_compressed() {
            let extension = json!({ "EXT_meshopt_compression": { "fallback": true } });
            list.push(json!({ "byteLength": self.fallback, "extensions": extension }));
        }
        list.into()
    }

    fn append(&mut self, bytes: &[u8]) -> usize {
        self.bin.resize(self.bin.len().next_multiple_of(ALIGNMENT), 0);
        self.bin.extend_from_slice(bytes);
        self.bin.len() - bytes.len()
    }

    fn view(&mut self, view: Value) -> usize {
        self.views.push(view);
        self.views.len() - 1
    }

    /// Bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) -> usize {
        let offset = self.append(bytes);
        self.view(json!({ "buffer": 0, "byteOffset": offset, "byteLength": bytes.len() }))
    }

    /// A view of fixed-size cells. `filtered` is what the extension's EXPONENTIAL filter reads, where it is used.
    pub fn cells<const N: usize>(&mut self, plain: &[[u8; N]], filtered: Option<&[[u8; N]]>, target: Target) -> usize {
        let length = plain.len() * N;
        let mut view = match self.compression {
            Compression::None => {
                let offset = self.append(plain.as_flattened());
                json!({ "buffer": 0, "byteOffset": offset, "byteLength": length })
            }
            Compression::Meshopt => {
                let stream = compress::vertices(filtered.unwrap_or(plain));
                let filter = if filtered.is_some() { "EXPONENTIAL" } else { "NONE" };
                self.compressed(&stream, length, N, plain.len(), "ATTRIBUTES", filter)
            }
        };
        if target == Target::Vertices {
            view["byteStride"] = N.into();
            view["target"] = ARRAY_BUFFER.into();
        }
        self.view(view)
    }

    /// A view of indices, and their component type.
    pub fn indices(&mut self, indices: &[u32], vertex_count: usize, triangles: Primitive) -> (usize, u32) {
        let narrow = vertex_count <= usize::from(u16::MAX);
        let (size, kind) = if narrow { (2, component::UNSIGNED_SHORT) } else { (4, component::UNSIGNED_INT) };
        let mut view = match (self.compression, triangles) {
            (Compression::None, _) => {
                let bytes: Vec<u8> = match narrow {
                    true => indices.iter().flat_map(|i| (*i as u16).to_le_bytes()).collect(),
                    false => indices.iter().flat_map(|i| i.to_le_bytes()).collect(),
                };
                let offset = self.append(&bytes);
                json!({ "buffer": 0, "byteOffset": offset, "byteLength": bytes.len() })
            }
            (Compression::Meshopt, Primitive::Triangles) => {
                let stream = compress::triangles(indices, vertex_count);
                self.compressed(&stream, indices.len() * size, size, indices.len(), "TRIANGLES", "NONE")
            }
            (Compression::Meshopt, Primitive::Lines) => {
                let stream = compress::sequence(indices, vertex_count);
                self.compressed(&stream, indices.len() * size, size, indices.len(), "INDICES", "NONE")
            }
        };
        view["target"] = ELEMENT_ARRAY_BUFFER.into();
        (self.view(view), kind)
    }

    fn compressed(
        &mut self,
        stream: &[u8],
        length: usize,
        stride: usize,
        count: usize,
        mode: &str,
        filter: &str,
    ) -> Value {
        let at = self.append(stream);
        let offset = self.fallback.next_multiple_of(ALIGNMENT);
        self.fallback = offset + length;
        let mut extension = json!({
            "buffer": 0, "byteOffset": at, "byteLength": stream.len(), "byteStride": stride, "count": count, "mode": mode,
        });
        if filter != "NONE" {
            extension["filter"] = filter.into();
        }
        json!({
            "buffer": 1, "byteOffset": offset, "byteLength": length,
            "extensions": { "EXT_meshopt_compression": extension },
        })
    }

    pub fn accessor(&mut self, accessor: Value) -> usize {
        self.accessors.push(accessor);
        self.accessors.len() - 1
    }

    /// Feature numbers, a cell of four bytes each: 16 bits where they suffice, else a number with a fraction, since
    /// glTF has no attribute of 32-bit integers. Those of instances have no gaps: three.js takes the bytes between them
    /// for numbers.
    pub fn feature_ids(&mut self, rows: impl Iterator<Item = u32> + Clone, target: Target) -> usize {
        let count = rows.clone().count();
        let narrow = target == Target::Vertices && rows.clone().all(|r| r <= u32::from(u16::MAX));
        let cell = |r: u32| if narrow { r.to_le_bytes() } else { (r as f32).to_le_bytes() };
        let cells: Vec<[u8; 4]> = rows.map(cell).collect();
        let view = self.cells(&cells, None, target);
        let kind = if narrow { component::UNSIGNED_SHORT } else { component::FLOAT };
        self.accessor(json!({ "bufferView": view, "componentType": kind, "count": count, "type": "SCALAR" }))
    }
}

/// What indices make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Primitive {
    Triangles,
    Lines,
}
