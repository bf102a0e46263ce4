//! A content → glTF 2.0 binary: meshes on their grid, instances, one property table. Deterministic: the same content
//! gives the same bytes. Draws nothing itself.

use super::buffers::{Buffers, Compression, Primitive, Target, component};
use super::compress::{exponential, reuse_order};
use super::frame::to_gltf;
use super::instance::Instances;
use super::mesh::{Light, Material, Mesh, Order, Sides, Wrap};
use super::table::Table;
use crate::layer::Colour;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// What goes into one file.
#[derive(Debug, Clone)]
pub struct Content {
    pub mesh: Mesh,
    pub instances: Option<Instances>,
    pub table: Option<Table>,
}

const MAGIC: &[u8; 4] = b"glTF";
const VERSION: u32 = 2;
const JSON_CHUNK: &[u8; 4] = b"JSON";
const BIN_CHUNK: &[u8; 4] = b"BIN\0";
/// A wide enough grid for 16 bits a component.
const QUANTIZED: i64 = u16::MAX as i64;
/// Of the EXPONENTIAL filter's mantissa, without its sign.
const MANTISSA_BITS: u32 = 23;
/// Rough stone and plaster; a little less rough pipes would sparkle under ground.
const ROUGHNESS: f64 = 0.9;

/// The file. An empty content gives a valid file with an empty scene.
pub fn write(content: &Content, compression: Compression) -> Vec<u8> {
    let mut w = Writer {
        buffers: Buffers::new(compression),
        used: BTreeSet::new(),
        required: BTreeSet::new(),
        nodes: vec![],
        meshes: vec![],
        materials: vec![],
        images: vec![],
        textures: vec![],
        samplers: vec![],
        has_table: content.table.is_some(),
    };
    if !content.mesh.is_empty() {
        w.mesh(&content.mesh, content.table.as_ref().map_or(0, Table::rows));
    }
    if let Some(instances) = content.instances.as_ref().filter(|i| !i.places.is_empty()) {
        w.instances(instances, content.table.as_ref().map_or(0, Table::rows));
    }
    w.finish(content.table.as_ref().filter(|t| t.rows() > 0))
}

struct Writer {
    buffers: Buffers,
    used: BTreeSet<&'static str>,
    required: BTreeSet<&'static str>,
    nodes: Vec<Value>,
    meshes: Vec<Value>,
    materials: Vec<Value>,
    images: Vec<Value>,
    textures: Vec<Value>,
    samplers: Vec<Wrap>,
    has_table: bool,
}

impl Writer {
    fn mesh(&mut self, mesh: &Mesh, rows: u32) {
        let reordered = (mesh.order == Order::ByUse).then(|| ordered(mesh));
        let mesh = reordered.as_ref().unwrap_or(mesh);
        let (position, place) = self.positions(mesh);
        let mut attributes = json!({ "POSITION": position, "NORMAL": self.normals(mesh) });
        let mut extension = None;
        if self.has_table {
            let ids = self.buffers.feature_ids(mesh.vertices.iter().map(|v| v.row), Target::Vertices);
            attributes["_FEATURE_ID_0"] = ids.into();
            self.used.insert("EXT_mesh_features");
            let set = json!({ "featureCount": rows, "attribute": 0, "propertyTable": 0 });
            extension = Some(json!({ "EXT_mesh_features": { "featureIds": [set] } }));
        }
        let mut primitives = self.primitives(mesh, &mesh.triangles, Primitive::Triangles);
        primitives.extend(self.primitives(mesh, &mesh.lines, Primitive::Lines));
        let textures = self.textures(mesh);
        let places = textures.iter().any(Option::is_some).then(|| self.places_in_images(mesh));
        let worn = |faces: &[Vec<u32>]| -> Vec<Option<usize>> {
            let filled = faces.iter().enumerate().filter(|(_, f)| !f.is_empty());
            filled.map(|(i, _)| *textures.get(mesh.image_of(i)? as usize)?).collect()
        };
        let worn = [worn(&mesh.triangles), worn(&mesh.lines)].concat();
        for (p, texture) in primitives.iter_mut().zip(worn) {
            p["attributes"] = attributes.clone();
            if let (Some(texture), Some(places)) = (texture, places) {
                p["attributes"]["TEXCOORD_0"] = places.into();
                p["material"] = self.textured(&p["material"], texture).into();
            }
            if let Some(e) = &extension {
                p["extensions"] = e.clone();
            }
        }
        self.meshes.push(json!({ "primitives": primitives }));
        let mut node = place;
        node.insert("mesh".into(), (self.meshes.len() - 1).into());
        self.nodes.push(node.into());
    }

    /// Positions, and the scale and translation of the node that bring them to metres. On a grid of up to 65 536
    /// steps a side they take 16 bits; beyond, floats of whole steps, which the EXPONENTIAL filter packs as well.
    fn positions(&mut self, mesh: &Mesh) -> (usize, Map<String, Value>) {
        let at: Vec<[i32; 3]> = mesh.vertices.iter().map(|v| to_gltf(v.at)).collect();
        let (low, high) = extent(&at);
        let widest = (0..3).map(|i| i64::from(high[i]) - i64::from(low[i])).max().unwrap_or(0);
        if widest <= QUANTIZED {
            self.used.insert("KHR_mesh_quantization");
            self.required.insert("KHR_mesh_quantization");
            let cells: Vec<[u8; 8]> = at
                .iter()
                .map(|p| {
                    let [x, y, z] = [0, 1, 2].map(|i| ((p[i] - low[i]) as u16).to_le_bytes());
                    [x[0], x[1], y[0], y[1], z[0], z[1], 0, 0]
                })
                .collect();
            let view = self.buffers.cells(&cells, None, Target::Vertices);
            let max = [0, 1, 2].map(|i| high[i] - low[i]);
            let accessor = json!({
                "bufferView": view, "componentType": component::UNSIGNED_SHORT, "count": at.len(), "type": "VEC3",
                "min": [0, 0, 0], "max": max,
            });
            let mut node = Map::new();
            node.insert("scale".into(), json!([mesh.step_m(), mesh.step_m(), mesh.step_m()]));
            node.insert("translation".into(), json!(low.map(|v| f64::from(v) * mesh.step_m())));
            return (self.buffers.accessor(accessor), node);
        }
        let middle = [0, 1, 2].map(|i| ((i64::from(low[i]) + i64::from(high[i])) / 2) as i32);
        let centred: Vec<[i32; 3]> = at.iter().map(|p| [0, 1, 2].map(|i| p[i] - middle[i])).collect();
        let mut node = Map::new();
        node.insert("translation".into(), json!(middle.map(|v| f64::from(v) * mesh.step_m())));
        (self.float_steps(&centred, mesh.exponent(), Target::Vertices), node)
    }

    /// An accessor of floats that are whole numbers of 2^exponent, or of a greater power where they are so large that the
    /// EXPONENTIAL filter's mantissa asks for it: a float would not hold them finer.
    fn float_steps(&mut self, steps: &[[i32; 3]], exponent: i32, target: Target) -> usize {
        let held = |v: i32| {
            let beyond = (i32::BITS - v.unsigned_abs().leading_zeros()).saturating_sub(MANTISSA_BITS);
            let mantissa = (f64::from(v) / f64::from(beyond).exp2()).round() as i32;
            let most = (1 << MANTISSA_BITS) - 1;
            (mantissa.clamp(-most, most), exponent + beyond as i32)
        };
        let metres = |v: i32| {
            let (mantissa, exponent) = held(v);
            (f64::from(mantissa) * f64::from(exponent).exp2()) as f32
        };
        let plain: Vec<[u8; 12]> = steps.iter().map(|p| join(p.map(|v| metres(v).to_le_bytes()))).collect();
        let filter = |v: i32| {
            let (mantissa, exponent) = held(v);
            exponential(mantissa, exponent)
        };
        let filtered: Vec<[u8; 12]> = steps.iter().map(|p| join(p.map(filter))).collect();
        let (low, high) = extent(steps);
        let view = self.buffers.cells(&plain, Some(&filtered), target);
        self.buffers.accessor(json!({
            "bufferView": view, "componentType": component::FLOAT, "count": steps.len(), "type": "VEC3",
            "min": low.map(metres), "max": high.map(metres),
        }))
    }

    fn normals(&mut self, mesh: &Mesh) -> usize {
        self.used.insert("KHR_mesh_quantization");
        self.required.insert("KHR_mesh_quantization");
        let cells: Vec<[u8; 4]> = mesh
            .vertices
            .iter()
            .map(|v| {
                let [x, y, z] = to_gltf(v.normal).map(|c| c.to_le_bytes()[0]);
                [x, y, z, 0]
            })
            .collect();
        let view = self.buffers.cells(&cells, None, Target::Vertices);
        self.buffers.accessor(json!({
            "bufferView": view, "componentType": component::BYTE, "normalized": true, "count": cells.len(),
            "type": "VEC3",
        }))
    }

    /// A primitive for each material that has faces: one stream of indices for all, an accessor each.
    fn primitives(&mut self, mesh: &Mesh, faces: &[Vec<u32>], what: Primitive) -> Vec<Value> {
        let all = faces.concat();
        if all.is_empty() {
            return vec![];
        }
        let (view, kind) = self.buffers.indices(&all, mesh.vertices.len(), what);
        let size = if kind == component::UNSIGNED_SHORT { 2 } else { 4 };
        let mut from = 0;
        let mut primitives = vec![];
        for (indices, material) in faces.iter().zip(&mesh.materials) {
            if indices.is_empty() {
                continue;
            }
            let accessor = self.buffers.accessor(json!({
                "bufferView": view, "byteOffset": from * size, "componentType": kind, "count": indices.len(),
                "type": "SCALAR",
            }));
            from += indices.len();
            let material = self.material(material);
            let mode = if what == Primitive::Lines { 1 } else { 4 };
            primitives.push(json!({ "indices": accessor, "material": material, "mode": mode }));
        }
        primitives
    }

    /// The glTF's texture of each of the mesh's that is worn.
    fn textures(&mut self, mesh: &Mesh) -> Vec<Option<usize>> {
        let drawn = |n: usize| {
            let mut faces = mesh.triangles.iter().enumerate();
            faces.any(|(i, f)| !f.is_empty() && mesh.image_of(i) == Some(n as u32))
        };
        let textures = mesh.textures.iter().enumerate();
        textures
            .map(|(n, texture)| {
                let file = Some(&texture.file).filter(|_| drawn(n))?;
                let mime = if file.starts_with(b"\x89PNG") { "image/png" } else { "image/jpeg" };
                let view = self.buffers.bytes(file);
                self.images.push(json!({ "bufferView": view, "mimeType": mime }));
                let sampler = self.samplers.iter().position(|w| *w == texture.wrap).unwrap_or_else(|| {
                    self.samplers.push(texture.wrap);
                    self.samplers.len() - 1
                });
                self.textures.push(json!({ "source": self.images.len() - 1, "sampler": sampler }));
                Some(self.textures.len() - 1)
            })
            .collect()
    }

    /// Places in images, down from the top as glTF counts them: 16 bits where none is repeated.
    fn places_in_images(&mut self, mesh: &Mesh) -> usize {
        let of = |i: usize| mesh.uv.get(i).map_or([0.0; 2], |[u, v]| [*u, 1.0 - *v]);
        let all: Vec<[f32; 2]> = (0..mesh.vertices.len()).map(of).collect();
        let (view, mut accessor) = match all.iter().flatten().all(|x| (0.0..=1.0).contains(x)) {
            true => {
                let cell = |p: &[f32; 2]| {
                    let [u, v] = p.map(|x| ((x * 65535.0).round() as u16).to_le_bytes());
                    [u[0], u[1], v[0], v[1]]
                };
                let cells: Vec<[u8; 4]> = all.iter().map(cell).collect();
                let view = self.buffers.cells(&cells, None, Target::Vertices);
                (view, json!({ "componentType": component::UNSIGNED_SHORT, "normalized": true }))
            }
            false => {
                let cell = |p: &[f32; 2]| {
                    let [u, v] = p.map(f32::to_le_bytes);
                    [u[0], u[1], u[2], u[3], v[0], v[1], v[2], v[3]]
                };
                let cells: Vec<[u8; 8]> = all.iter().map(cell).collect();
                let view = self.buffers.cells(&cells, None, Target::Vertices);
                (view, json!({ "componentType": component::FLOAT }))
            }
        };
        accessor["bufferView"] = view.into();
        accessor["count"] = all.len().into();
        accessor["type"] = "VEC2".into();
        self.buffers.accessor(accessor)
    }

    /// A material like another, with an image in place of its colour.
    fn textured(&mut self, plain: &Value, texture: usize) -> usize {
        let mut value = self.materials[plain.as_u64().unwrap_or_default() as usize].clone();
        let file = self.textures[texture]["source"].as_u64().unwrap_or_default() as usize;
        if self.images[file]["mimeType"] == "image/png" {
            value["alphaMode"] = "BLEND".into();
        }
        value["pbrMetallicRoughness"]["baseColorFactor"] = json!([1.0, 1.0, 1.0, 1.0]);
        value["pbrMetallicRoughness"]["baseColorTexture"] = json!({ "index": texture });
        self.materials.push(value);
        self.materials.len() - 1
    }

    fn material(&mut self, material: &Material) -> usize {
        let [r, g, b] = linear(material.colour);
        let mut value = json!({
            "pbrMetallicRoughness": {
                "baseColorFactor": [r, g, b, 1.0], "metallicFactor": 0.0, "roughnessFactor": ROUGHNESS,
            },
        });
        if material.sides == Sides::Both {
            value["doubleSided"] = true.into();
        }
        if material.light == Light::Unlit {
            self.used.insert("KHR_materials_unlit");
            value["extensions"] = json!({ "KHR_materials_unlit": {} });
        }
        let at = self.materials.iter().position(|m| *m == value);
        at.unwrap_or_else(|| {
            self.materials.push(value);
            self.materials.len() - 1
        })
    }

    fn instances(&mut self, instances: &Instances, rows: u32) {
        let model = instances.model_mesh();
        // Plain floats and a node that does nothing: some clients mind a matrix on an instanced node.
        let at: Vec<[i32; 3]> = model.vertices.iter().map(|v| to_gltf(v.at)).collect();
        let position = self.float_steps(&at, model.exponent(), Target::Vertices);
        let attributes = json!({ "POSITION": position, "NORMAL": self.normals(&model) });
        let mut primitives = self.primitives(&model, &model.triangles, Primitive::Triangles);
        primitives.iter_mut().for_each(|p| p["attributes"] = attributes.clone());
        self.meshes.push(json!({ "primitives": primitives }));

        for extension in ["EXT_mesh_gpu_instancing", "EXT_instance_features"] {
            self.used.insert(extension);
        }
        self.required.insert("EXT_mesh_gpu_instancing");
        let places: Vec<[i32; 3]> = instances.places.iter().map(|p| to_gltf(p.at)).collect();
        let mut attributes = json!({ "TRANSLATION": self.float_steps(&places, instances.exponent, Target::Other) });
        if instances.places.iter().any(|p| p.yaw_deg != 0.0) {
            attributes["ROTATION"] = self.rotations(instances).into();
        }
        let scales: Vec<f32> = instances.scales();
        if scales.iter().any(|s| *s != 1.0) {
            let cells: Vec<[u8; 12]> = scales.iter().map(|s| join([s.to_le_bytes(); 3])).collect();
            let view = self.buffers.cells(&cells, None, Target::Other);
            attributes["SCALE"] = self
                .buffers
                .accessor(json!({
                    "bufferView": view, "componentType": component::FLOAT, "count": cells.len(), "type": "VEC3",
                }))
                .into();
        }
        attributes["_FEATURE_ID_0"] =
            self.buffers.feature_ids(instances.places.iter().map(|p| p.row), Target::Other).into();
        let set = json!({ "featureCount": rows, "attribute": 0, "propertyTable": 0 });
        self.nodes.push(json!({
            "mesh": self.meshes.len() - 1,
            "extensions": {
                "EXT_mesh_gpu_instancing": { "attributes": attributes },
                "EXT_instance_features": { "featureIds": [set] },
            },
        }));
    }

    /// Quaternions about glTF's y in 16 bits: clockwise from north seen from above is negative about up.
    fn rotations(&mut self, instances: &Instances) -> usize {
        let cells: Vec<[u8; 8]> = instances
            .places
            .iter()
            .map(|p| {
                let (s, c) = (-p.yaw_deg.to_radians() / 2.0).sin_cos();
                let [y, w] = [s, c].map(|v| ((v * 32767.0).round() as i16).to_le_bytes());
                [0, 0, y[0], y[1], 0, 0, w[0], w[1]]
            })
            .collect();
        let view = self.buffers.cells(&cells, None, Target::Other);
        self.buffers.accessor(json!({
            "bufferView": view, "componentType": component::SHORT, "normalized": true, "count": cells.len(),
            "type": "VEC4",
        }))
    }

    fn finish(mut self, table: Option<&Table>) -> Vec<u8> {
        let mut root = Map::new();
        root.insert("asset".into(), json!({ "version": "2.0", "generator": "chengtu" }));
        if let Some(table) = table {
            self.used.insert("EXT_structural_metadata");
            let buffers = &mut self.buffers;
            let extension = table.extension(&mut |bytes| buffers.bytes(bytes));
            root.insert("extensions".into(), json!({ "EXT_structural_metadata": extension }));
        }
        if self.buffers.is_compressed() {
            self.used.insert("EXT_meshopt_compression");
            self.required.insert("EXT_meshopt_compression");
        }
        let scene: Vec<usize> = (0..self.nodes.len()).collect();
        root.insert("scene".into(), 0.into());
        root.insert("scenes".into(), if scene.is_empty() { json!([{}]) } else { json!([{ "nodes": scene }]) });
        // The file's length is a multiple of eight, and the buffer's the chunk's.
        self.buffers.bin.resize(self.buffers.bin.len().next_multiple_of(8), 0);
        if !self.buffers.bin.is_empty() {
            root.insert("buffers".into(), self.buffers.list());
        }
        let lists = [
            ("extensionsUsed", self.used.iter().map(|e| Value::from(*e)).collect()),
            ("extensionsRequired", self.required.iter().map(|e| Value::from(*e)).collect()),
            ("nodes", self.nodes),
            ("meshes", self.meshes),
            ("materials", self.materials),
            ("samplers", self.samplers.iter().map(|w| sampler(*w)).collect()),
            ("textures", self.textures),
            ("images", self.images),
            ("accessors", self.buffers.accessors),
            ("bufferViews", self.buffers.views),
        ];
        root.extend(lists.into_iter().filter(|(_, l)| !l.is_empty()).map(|(k, l)| (k.into(), Value::Array(l))));
        container(&Value::Object(root), &self.buffers.bin)
    }
}

/// Smoothed at all distances.
fn sampler(wrap: Wrap) -> Value {
    let wrap = if wrap == Wrap::Repeat { 10497 } else { 33071 };
    json!({ "magFilter": 9729, "minFilter": 9987, "wrapS": wrap, "wrapT": wrap })
}

/// The GLB container: header, JSON padded with spaces to eight bytes, binary of a multiple of eight bytes.
fn container(json: &Value, bin: &[u8]) -> Vec<u8> {
    let mut text = json.to_string().into_bytes();
    // The binary chunk then begins at a multiple of eight: 12 + 8 + text + 8.
    while !(text.len() + 28).is_multiple_of(8) {
        text.push(b' ');
    }
    let mut out = Vec::with_capacity(36 + text.len() + bin.len());
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&(text.len() as u32).to_le_bytes());
    out.extend_from_slice(JSON_CHUNK);
    out.extend_from_slice(&text);
    if !bin.is_empty() {
        out.extend_from_slice(&(bin.len() as u32).to_le_bytes());
        out.extend_from_slice(BIN_CHUNK);
        out.extend_from_slice(bin);
    }
    let length = (out.len() as u32).to_le_bytes();
    out[8..12].copy_from_slice(&length);
    out
}

/// The mesh with its triangles in the order that vertex caches like, and its vertices in the order of their use.
fn ordered(mesh: &Mesh) -> Mesh {
    let mut mesh = mesh.clone();
    let count = mesh.vertices.len();
    mesh.triangles.iter_mut().for_each(|t| reuse_order(t, count));
    let mut places = vec![None; count];
    let mut vertices = Vec::with_capacity(count);
    let mut uv = vec![];
    for i in mesh.triangles.iter_mut().chain(&mut mesh.lines).flatten() {
        let old = *i as usize;
        *i = *places[old].get_or_insert_with(|| {
            vertices.push(mesh.vertices[old]);
            uv.extend((!mesh.uv.is_empty()).then(|| mesh.uv.get(old).copied().unwrap_or_default()));
            vertices.len() as u32 - 1
        });
    }
    mesh.vertices = vertices;
    mesh.uv = uv;
    mesh
}

fn extent(at: &[[i32; 3]]) -> ([i32; 3], [i32; 3]) {
    let first = at.first().copied().unwrap_or_default();
    at.iter().fold((first, first), |(mut low, mut high), p| {
        for i in 0..3 {
            low[i] = low[i].min(p[i]);
            high[i] = high[i].max(p[i]);
        }
        (low, high)
    })
}

fn join([a, b, c]: [[u8; 4]; 3]) -> [u8; 12] {
    [a[0], a[1], a[2], a[3], b[0], b[1], b[2], b[3], c[0], c[1], c[2], c[3]]
}

/// sRGB to the linear light that glTF's factors are in (IEC 61966-2-1), to four digits.
fn linear(colour: Colour) -> [f64; 3] {
    colour.0.map(|c| {
        let v = f64::from(c) / 255.0;
        let l = if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) };
        (l * 1e4).round() / 1e4
    })
}
