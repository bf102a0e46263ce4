//! A strict reader of the house's own glb files, for tests and for the checks of tiles: faces in the tile's frame,
//! instances, and the property table. It refuses what the writer never writes; it is no reader for other people's.

use super::compress;
use serde_json::Value;
use std::collections::BTreeMap;

/// What a file says. Places are east, north, up in metres.
#[derive(Debug, Default)]
pub struct Decoded {
    pub vertices: Vec<DecodedVertex>,
    pub primitives: Vec<DecodedPrimitive>,
    /// The model's faces are in `vertices` and `primitives` then, about its own origin.
    pub instances: Vec<DecodedInstance>,
    pub rows: usize,
    pub columns: BTreeMap<String, Vec<Cell>>,
    /// The whole JSON.
    pub json: Value,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DecodedVertex {
    pub at: [f64; 3],
    pub normal: [f64; 3],
    pub row: u32,
}

#[derive(Debug, Clone)]
pub struct DecodedPrimitive {
    /// `baseColorFactor` without its alpha.
    pub colour: [f64; 3],
    /// 4 triangles, 1 lines.
    pub mode: u64,
    pub indices: Vec<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DecodedInstance {
    pub at: [f64; 3],
    /// x, y, z, w as in the file (glTF axes).
    pub rotation: [f64; 4],
    pub scale: f64,
    pub row: u32,
}

/// A value of the table; truth values are the numbers 0 and 1.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Null,
    Number(f64),
    Text(String),
}

/// Reads a file.
///
/// # Errors
/// What is wrong, for people.
pub fn decode(glb: &[u8]) -> Result<Decoded, String> {
    let (json, bin) = chunks(glb).ok_or("the container is not a glb of version 2, or its chunks do not add up")?;
    let json: Value = serde_json::from_slice(json).map_err(|e| format!("the JSON chunk: {e}"))?;
    let file = File { json: &json, bin };
    let mut out = Decoded::default();
    file.nodes(&mut out).ok_or("a node, mesh or accessor is not as the writer writes it")?;
    file.table(&mut out).ok_or("the property table is not as the writer writes it")?;
    out.json = json;
    Ok(out)
}

fn chunks(glb: &[u8]) -> Option<(&[u8], &[u8])> {
    let word = |at: usize| Some(u32::from_le_bytes(glb.get(at..at + 4)?.try_into().ok()?) as usize);
    let sound = glb.get(..4)? == b"glTF" && word(4)? == 2 && word(8)? == glb.len() && glb.get(16..20)? == b"JSON";
    let end = 20 + word(12)?;
    let json = sound.then(|| glb.get(20..end)).flatten()?;
    if end == glb.len() {
        return Some((json, &[]));
    }
    let bin = glb.get(end + 8..end + 8 + word(end)?)?;
    (glb.get(end + 4..end + 8)? == b"BIN\0" && end + 8 + bin.len() == glb.len()).then_some((json, bin))
}

struct File<'a> {
    json: &'a Value,
    bin: &'a [u8],
}

impl File<'_> {
    fn number(value: &Value) -> Option<usize> {
        value.as_u64().map(|n| n as usize)
    }

    /// A view's bytes, decompressed; its stride, 0 when packed.
    fn view(&self, at: &Value) -> Option<(Vec<u8>, usize)> {
        let view = self.json["bufferViews"].get(Self::number(at)?)?;
        let meshopt = &view["extensions"]["EXT_meshopt_compression"];
        let stride = view["byteStride"].as_u64().unwrap_or(0) as usize;
        let source = if meshopt.is_null() { view } else { meshopt };
        let from = Self::number(&source["byteOffset"])?;
        let bytes = self.bin.get(from..from + Self::number(&source["byteLength"])?)?;
        (source["buffer"] == 0 && from.is_multiple_of(8)).then_some(())?;
        if meshopt.is_null() {
            return Some((bytes.to_vec(), stride));
        }
        let (count, cell) = (Self::number(&meshopt["count"])?, Self::number(&meshopt["byteStride"])?);
        let indices =
            |all: Vec<u32>| -> Vec<u8> { all.iter().flat_map(|i| i.to_le_bytes()[..cell].to_vec()).collect() };
        let plain = match meshopt["mode"].as_str()? {
            "ATTRIBUTES" => compress::read_vertices(bytes, count, cell)?,
            "TRIANGLES" => indices(compress::read_triangles(bytes, count)?),
            "INDICES" => indices(compress::read_sequence(bytes, count)?),
            _ => return None,
        };
        let plain = match meshopt["filter"].as_str() {
            None => plain,
            Some("EXPONENTIAL") => plain
                .chunks_exact(4)
                .flat_map(|c| compress::from_exponential([c[0], c[1], c[2], c[3]]).to_le_bytes())
                .collect(),
            Some(_) => return None,
        };
        (plain.len() == Self::number(&view["byteLength"])?).then_some((plain, stride))
    }

    /// An accessor's numbers, `N` a place; normalised ones as −1 … 1.
    fn accessor<const N: usize>(&self, at: &Value) -> Option<Vec<[f64; N]>> {
        let accessor = self.json["accessors"].get(Self::number(at)?)?;
        let (bytes, stride) = self.view(&accessor["bufferView"])?;
        let (size, read): (usize, fn(&[u8]) -> f64) = match accessor["componentType"].as_u64()? {
            5120 => (1, |b| f64::from(i8::from_le_bytes([b[0]]))),
            5122 => (2, |b| f64::from(i16::from_le_bytes([b[0], b[1]]))),
            5123 => (2, |b| f64::from(u16::from_le_bytes([b[0], b[1]]))),
            5125 => (4, |b| f64::from(u32::from_le_bytes([b[0], b[1], b[2], b[3]]))),
            5126 => (4, |b| f64::from(f32::from_le_bytes([b[0], b[1], b[2], b[3]]))),
            _ => return None,
        };
        let full = match (accessor["normalized"].as_bool(), size) {
            (Some(true), 1) => 127.0,
            (Some(true), _) => 32767.0,
            _ => 1.0,
        };
        let stride = if stride == 0 { size * N } else { stride };
        let start = accessor["byteOffset"].as_u64().unwrap_or(0) as usize;
        let cell = |i: usize| {
            let cell = bytes.get(start + i * stride..start + i * stride + size * N)?;
            Some(std::array::from_fn(|k| read(&cell[k * size..]) / full))
        };
        (0..Self::number(&accessor["count"])?).map(cell).collect()
    }

    fn nodes(&self, out: &mut Decoded) -> Option<()> {
        let listed = self.json["scenes"][0]["nodes"].as_array().cloned().unwrap_or_default();
        for at in listed {
            let node = self.json["nodes"].get(Self::number(&at)?)?;
            let triple = |key: &str, other: f64| -> [f64; 3] {
                std::array::from_fn(|i| node[key].get(i).and_then(Value::as_f64).unwrap_or(other))
            };
            let (scale, shift) = (triple("scale", 1.0), triple("translation", 0.0));
            self.mesh(self.json["meshes"].get(Self::number(&node["mesh"])?)?, scale, shift, out)?;
            let extension = &node["extensions"]["EXT_mesh_gpu_instancing"]["attributes"];
            if !extension.is_null() {
                self.instances(extension, out)?;
            }
        }
        Some(())
    }

    fn mesh(&self, mesh: &Value, scale: [f64; 3], shift: [f64; 3], out: &mut Decoded) -> Option<()> {
        for (i, p) in mesh["primitives"].as_array()?.iter().enumerate() {
            let base = out.vertices.len() as u32;
            if i == 0 {
                let at = self.accessor::<3>(&p["attributes"]["POSITION"])?;
                let normals = self.accessor::<3>(&p["attributes"]["NORMAL"])?;
                let rows = match &p["attributes"]["_FEATURE_ID_0"] {
                    Value::Null => vec![[0.0]; at.len()],
                    ids => self.accessor::<1>(ids)?,
                };
                (normals.len() == at.len() && rows.len() == at.len()).then_some(())?;
                out.vertices.extend(at.iter().zip(&normals).zip(&rows).map(|((at, normal), row)| DecodedVertex {
                    at: enu([0, 1, 2].map(|k| at[k] * scale[k] + shift[k])),
                    normal: enu(*normal),
                    row: row[0] as u32,
                }));
                self.same_bounds(&p["attributes"]["POSITION"], &at)?;
            }
            let start = if i == 0 { base } else { out.vertices.len() as u32 - self.first_count(mesh)? };
            let indices: Vec<u32> = self.accessor::<1>(&p["indices"])?.iter().map(|x| x[0] as u32 + start).collect();
            indices.iter().all(|&x| (x as usize) < out.vertices.len()).then_some(())?;
            let material = self.json["materials"].get(Self::number(&p["material"])?)?;
            let factor = &material["pbrMetallicRoughness"]["baseColorFactor"];
            let colour = std::array::from_fn(|k| factor[k].as_f64().unwrap_or(-1.0));
            out.primitives.push(DecodedPrimitive { colour, mode: p["mode"].as_u64()?, indices });
        }
        Some(())
    }

    /// Vertices of the mesh, which all its primitives share.
    fn first_count(&self, mesh: &Value) -> Option<u32> {
        let at = Self::number(&mesh["primitives"][0]["attributes"]["POSITION"])?;
        self.json["accessors"][at]["count"].as_u64().map(|n| n as u32)
    }

    /// Whether the accessor's min and max are those of its numbers.
    fn same_bounds(&self, at: &Value, numbers: &[[f64; 3]]) -> Option<()> {
        let accessor = &self.json["accessors"][Self::number(at)?];
        let same = (0..3).all(|k| {
            let all = || numbers.iter().map(|n| n[k]);
            let near = |bound: &Value, v: f64| bound.as_f64().is_some_and(|b| (b - v).abs() < 1e-6);
            near(&accessor["min"][k], all().fold(f64::INFINITY, f64::min))
                && near(&accessor["max"][k], all().fold(f64::NEG_INFINITY, f64::max))
        });
        same.then_some(())
    }

    fn instances(&self, attributes: &Value, out: &mut Decoded) -> Option<()> {
        let at = self.accessor::<3>(&attributes["TRANSLATION"])?;
        let optional = |key: &str| !attributes[key].is_null();
        let rotation = match optional("ROTATION") {
            true => self.accessor::<4>(&attributes["ROTATION"])?,
            false => vec![[0.0, 0.0, 0.0, 1.0]; at.len()],
        };
        let scale = match optional("SCALE") {
            true => self.accessor::<3>(&attributes["SCALE"])?,
            false => vec![[1.0; 3]; at.len()],
        };
        let rows = self.accessor::<1>(&attributes["_FEATURE_ID_0"])?;
        out.instances.extend((0..at.len()).map(|i| DecodedInstance {
            at: enu(at[i]),
            rotation: rotation[i],
            scale: scale[i][0],
            row: rows[i][0] as u32,
        }));
        Some(())
    }

    fn table(&self, out: &mut Decoded) -> Option<()> {
        let extension = &self.json["extensions"]["EXT_structural_metadata"];
        if extension.is_null() {
            return Some(());
        }
        let [table] = extension["propertyTables"].as_array()?.as_slice() else { return None };
        let class = &extension["schema"]["classes"][table["class"].as_str()?]["properties"];
        out.rows = Self::number(&table["count"])?;
        for (name, stored) in table["properties"].as_object()? {
            let cells = self.column(&class[name], stored, &extension["schema"]["enums"], out.rows)?;
            out.columns.insert(name.clone(), cells);
        }
        Some(())
    }

    fn column(&self, property: &Value, stored: &Value, enums: &Value, rows: usize) -> Option<Vec<Cell>> {
        let (bytes, _) = self.view(&stored["values"])?;
        let no_data = &property["noData"];
        let number = |size: usize, read: fn(&[u8]) -> f64| -> Option<Vec<Cell>> {
            let cells = (0..rows).map(|i| bytes.get(i * size..(i + 1) * size).map(read));
            cells.map(|v| v.map(|v| if no_data.as_f64() == Some(v) { Cell::Null } else { Cell::Number(v) })).collect()
        };
        match (property["type"].as_str()?, property["componentType"].as_str()) {
            ("STRING", _) => {
                let (offsets, _) = self.view(&stored["stringOffsets"])?;
                let wide = stored["stringOffsetType"] == "UINT32";
                let offset = |i: usize| match wide {
                    true => Some(u32::from_le_bytes(offsets.get(4 * i..4 * i + 4)?.try_into().ok()?) as usize),
                    false => Some(usize::from(u16::from_le_bytes(offsets.get(2 * i..2 * i + 2)?.try_into().ok()?))),
                };
                (0..rows)
                    .map(|i| {
                        let text = std::str::from_utf8(bytes.get(offset(i)?..offset(i + 1)?)?).ok()?;
                        let null = no_data.as_str() == Some(text);
                        Some(if null { Cell::Null } else { Cell::Text(text.into()) })
                    })
                    .collect()
            }
            ("ENUM", _) => {
                let of = &enums[property["enumType"].as_str()?];
                let wide = of["valueType"] == "UINT16";
                (0..rows)
                    .map(|i| {
                        let value = match wide {
                            true => u64::from(u16::from_le_bytes([*bytes.get(2 * i)?, *bytes.get(2 * i + 1)?])),
                            false => u64::from(*bytes.get(i)?),
                        };
                        let listed = of["values"].as_array()?.iter().find(|v| v["value"] == value)?;
                        let name = listed["name"].as_str()?;
                        Some(if no_data == name { Cell::Null } else { Cell::Text(name.into()) })
                    })
                    .collect()
            }
            ("SCALAR", Some("INT32")) => number(4, |b| f64::from(i32::from_le_bytes([b[0], b[1], b[2], b[3]]))),
            ("SCALAR", Some("UINT8")) => number(1, |b| f64::from(b[0])),
            ("SCALAR", Some("FLOAT32")) => number(4, |b| f64::from(f32::from_le_bytes([b[0], b[1], b[2], b[3]]))),
            ("SCALAR", Some("FLOAT64")) => {
                number(8, |b| f64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]))
            }
            _ => None,
        }
    }
}

/// glTF's axes back to east, north, up.
fn enu([x, y, z]: [f64; 3]) -> [f64; 3] {
    [x, -z, y]
}
