//! Buildings as CityJSON 2.0: a sequence of features or one document, written as they come. In a document the vertices
//! wait in a file of their own and are put at its end, so that memory does not grow.

use super::house::ROLES;
use super::plan::ground::CENTRE;
use super::write::{Column, Shape, Val};
use crate::error::{Error, Result};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufReader, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One JSON text a line; the first has the transform and the CRS.
    Sequence,
    Document,
}

/// Where buildings go.
#[derive(Debug, Clone, Copy)]
pub struct CityPlace<'a> {
    pub file: &'a str,
    pub kind: Kind,
    /// As CityJSON spells it: `2.2`.
    pub lod: &'a str,
}

pub struct CityFile {
    path: PathBuf,
    out: BufWriter<File>,
    kind: Kind,
    lod: String,
    /// A document's vertices so far.
    vertices: Option<BufWriter<File>>,
    count: usize,
    objects: u64,
    names: Vec<String>,
    text: String,
}

/// EPSG:4547 and heights of 1985.
const CRS: &str = "https://www.opengis.net/def/crs-compound?1=https://www.opengis.net/def/crs/EPSG/0/4547&2=https://www.opengis.net/def/crs/EPSG/0/5737";

impl CityFile {
    pub fn create(path: &Path, place: &CityPlace, columns: &[Column]) -> Result<CityFile> {
        let io = |e| Error::io(path, e);
        let mut out = BufWriter::with_capacity(1 << 18, File::create(path).map_err(io)?);
        let [x, y] = CENTRE;
        write!(
            out,
            "{{\"type\":\"CityJSON\",\"version\":\"2.0\",\"transform\":{{\"scale\":[0.001,0.001,0.001],\
             \"translate\":[{x},{y},0.0]}},\"metadata\":{{\"referenceSystem\":\"{CRS}\"}},\"CityObjects\":{{"
        )
        .map_err(io)?;
        let vertices = match place.kind {
            Kind::Sequence => {
                out.write_all(b"},\"vertices\":[]}\n").map_err(io)?;
                None
            }
            Kind::Document => Some(BufWriter::new(tempfile::tempfile_in(path.parent().unwrap_or(path)).map_err(io)?)),
        };
        let names = columns.iter().map(|c| serde_json::Value::from(c.name.as_str()).to_string()).collect();
        Ok(CityFile {
            path: path.into(),
            out,
            kind: place.kind,
            lod: place.lod.to_string(),
            vertices,
            count: 0,
            objects: 0,
            names,
            text: String::new(),
        })
    }

    /// `row` in the order of the columns; the first is the object's id.
    pub fn put(&mut self, shape: &Shape, row: &[Val]) -> Result<()> {
        let id = match row.first() {
            Some(Val::Own(id)) => id.clone(),
            Some(Val::Text(id)) => (*id).to_string(),
            _ => format!("object-{}", self.objects),
        };
        let id = serde_json::Value::from(id).to_string();
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        if self.kind == Kind::Sequence {
            let _ = write!(text, "{{\"type\":\"CityJSONFeature\",\"id\":{id},\"CityObjects\":{{");
        } else if self.objects > 0 {
            text.push_str(",\n");
        }
        let _ = write!(text, "{id}:{{\"type\":\"Building\",\"attributes\":{{");
        self.attributes(&mut text, row);
        text.push_str("},\"geometry\":[");
        self.geometry(&mut text, shape);
        text.push_str("]}");
        if self.kind == Kind::Sequence {
            text.push_str("},\"vertices\":[");
            text.push_str(&vertices_of(shape, true));
            text.push_str("]}\n");
        }
        let mut written = self.out.write_all(text.as_bytes());
        if let Some(vertices) = &mut self.vertices {
            written = written.and_then(|()| vertices.write_all(vertices_of(shape, self.count == 0).as_bytes()));
            self.count += vertex_count(shape);
        }
        self.objects += 1;
        self.text = text;
        written.map_err(|e| Error::io(&self.path, e))
    }

    fn attributes(&self, text: &mut String, row: &[Val]) {
        for (i, (name, value)) in self.names.iter().zip(row).filter(|(_, v)| **v != Val::Null).enumerate() {
            let comma = if i > 0 { "," } else { "" };
            let _ = write!(text, "{comma}{name}:");
            let _ = match value {
                Val::Null => Ok(()),
                Val::Int(v) => write!(text, "{v}"),
                Val::Num(v) => write!(text, "{v:?}"),
                Val::Flag(v) => write!(text, "{v}"),
                Val::Text(v) => write!(text, "{}", serde_json::Value::from(*v)),
                Val::Own(v) => write!(text, "{}", serde_json::Value::from(v.as_str())),
                Val::Day(v) => write!(text, "\"{:04}-{:02}-{:02}\"", v / 10_000, v / 100 % 100, v % 100),
            };
        }
    }

    fn geometry(&self, text: &mut String, shape: &Shape) {
        let Shape::House(house) = shape else { return };
        let _ = write!(text, "{{\"type\":\"Solid\",\"lod\":\"{}\",\"boundaries\":[[", self.lod);
        for (i, (_, rings)) in house.faces.iter().enumerate() {
            text.push_str(if i > 0 { ",[" } else { "[" });
            for (k, ring) in rings.iter().enumerate() {
                text.push_str(if k > 0 { ",[" } else { "[" });
                for (j, vertex) in ring.iter().enumerate() {
                    let comma = if j > 0 { "," } else { "" };
                    let _ = write!(text, "{comma}{}", self.count + vertex);
                }
                text.push(']');
            }
            text.push(']');
        }
        let roles: Vec<String> = ROLES.iter().map(|r| format!("{{\"type\":\"{r}\"}}")).collect();
        let _ = write!(text, "]],\"semantics\":{{\"surfaces\":[{}],\"values\":[[", roles.join(","));
        for (i, (face, _)) in house.faces.iter().enumerate() {
            let comma = if i > 0 { "," } else { "" };
            let _ = write!(text, "{comma}{}", *face as usize);
        }
        text.push_str("]]}}");
    }

    pub fn close(mut self) -> Result<()> {
        let io = |e| Error::io(&self.path, e);
        if let Some(vertices) = self.vertices.take() {
            self.out.write_all(b"},\"vertices\":[").map_err(io)?;
            let mut file = vertices.into_inner().map_err(|e| io(e.into_error()))?;
            file.rewind().map_err(io)?;
            std::io::copy(&mut BufReader::new(file), &mut self.out).map_err(io)?;
            self.out.write_all(b"]}\n").map_err(io)?;
        }
        self.out.flush().map_err(io)
    }
}

fn vertex_count(shape: &Shape) -> usize {
    match shape {
        Shape::House(house) => house.vertices.len(),
        _ => 0,
    }
}

/// Millimetres from the city's centre.
fn vertices_of(shape: &Shape, first: bool) -> String {
    let Shape::House(house) = shape else { return String::new() };
    let mut text = String::new();
    for (i, v) in house.vertices.iter().enumerate() {
        let comma = if i == 0 && first { "" } else { "," };
        let [x, y, z] = [v[0] - CENTRE[0], v[1] - CENTRE[1], v[2]].map(|v| (v * 1000.0).round() as i64);
        let _ = write!(text, "{comma}[{x},{y},{z}]");
    }
    text
}
