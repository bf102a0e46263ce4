//! What a glTF content says of its features: EXT_structural_metadata (schema, property tables, their bytes),
//! EXT_mesh_features and EXT_instance_features. A table's values come out typed.

use super::gltf::{Gltf, count, list};
use super::json::Node;
use super::metadata::{self, component_count, component_size};
use super::report::Report;
use serde_json::Value;
use std::collections::BTreeMap;

/// A value of a property table.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Null,
    Number(f64),
    Text(String),
    /// Arrays, vectors, matrices.
    Numbers(Vec<f64>),
}

/// The first property table.
#[derive(Debug, Default)]
pub struct Table {
    pub rows: usize,
    pub columns: BTreeMap<String, Vec<Cell>>,
}

/// Reads and judges the table; ids are judged too.
pub fn check(gltf: &Gltf, report: &mut Report) -> Table {
    let root = Node::root(&gltf.json);
    let mut tables = vec![];
    if let Some(extension) = root.get("extensions").and_then(|e| e.get("EXT_structural_metadata")) {
        if let Some(schema) = extension.get("schema") {
            metadata::schema(&schema, report);
        }
        if extension.value.get("schema").is_some() == extension.value.get("schemaUri").is_some() {
            report.tell("ONE_OF_ERROR", &extension.at, "one of schema and schemaUri");
        }
        for t in extension.get("propertyTables").and_then(|t| t.array(1, report)).unwrap_or_default() {
            tables.push(table(gltf, &t, &extension.value["schema"], report).unwrap_or_default());
        }
    }
    let rows: Vec<usize> = tables.iter().map(|t| t.rows).collect();
    for (m, mesh) in list(&gltf.json, "meshes").iter().enumerate() {
        for (p, primitive) in list(mesh, "primitives").iter().enumerate() {
            let at = format!("/meshes/{m}/primitives/{p}");
            features(gltf, &primitive["extensions"]["EXT_mesh_features"], &primitive["attributes"], &rows, &at, report);
        }
    }
    for (n, node) in list(&gltf.json, "nodes").iter().enumerate() {
        let extensions = &node["extensions"];
        let attributes = &extensions["EXT_mesh_gpu_instancing"]["attributes"];
        let own = &extensions["EXT_instance_features"];
        if !own.is_null() && attributes.is_null() {
            report.tell("REQUIRED_VALUE_NOT_FOUND", &format!("/nodes/{n}"), "features of instances without instances");
        }
        features(gltf, own, attributes, &rows, &format!("/nodes/{n}"), report);
    }
    declared(gltf, report);
    tables.into_iter().next().unwrap_or_default()
}

/// Every extension that is there is in `extensionsUsed`, what cannot be read without is required.
fn declared(gltf: &Gltf, report: &mut Report) {
    let listed = |key: &str| list(&gltf.json, key).iter().filter_map(Value::as_str).collect::<Vec<_>>();
    let (used, required) = (listed("extensionsUsed"), listed("extensionsRequired"));
    fn walk<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(map) => {
                if let Some(e) = map.get("extensions").and_then(Value::as_object) {
                    found.extend(e.keys().map(String::as_str));
                }
                map.values().for_each(|v| walk(v, found));
            }
            Value::Array(items) => items.iter().for_each(|v| walk(v, found)),
            _ => {}
        }
    }
    let mut found = vec![];
    walk(&gltf.json, &mut found);
    found.sort_unstable();
    found.dedup();
    for name in found.iter().filter(|n| !used.contains(n)) {
        report.tell("EXTENSION_FOUND_BUT_NOT_USED", "/extensionsUsed", *name);
    }
    for name in ["EXT_meshopt_compression", "EXT_mesh_gpu_instancing", "KHR_mesh_quantization"] {
        if used.contains(&name) && !required.contains(&name) {
            report.tell("EXTENSION_REQUIRED_BUT_NOT_DECLARED", "/extensionsRequired", name);
        }
    }
}

fn features(gltf: &Gltf, extension: &Value, attributes: &Value, tables: &[usize], at: &str, report: &mut Report) {
    if extension.is_null() {
        return;
    }
    let node = Node { value: extension, at: at.to_string() };
    for set in node.required("featureIds", report).and_then(|s| s.array(1, report)).unwrap_or_default() {
        let Some(features) = set.required("featureCount", report).and_then(|n| n.whole(1, report)) else { continue };
        let null = set.get("nullFeatureId").and_then(|n| n.whole(0, report));
        let rows = set.get("propertyTable").and_then(|t| t.whole(0, report)).map(|t| tables.get(t as usize));
        if rows == Some(None) {
            report.tell("IDENTIFIER_NOT_FOUND", &set.at, "a property table that is not there");
        }
        let Some(n) = set.get("attribute").and_then(|a| a.whole(0, report)) else { continue };
        let name = format!("_FEATURE_ID_{n}");
        let Some(accessor) = count(attributes, &name) else {
            report.tell("IDENTIFIER_NOT_FOUND", &set.at, name);
            continue;
        };
        let of = &gltf.json["accessors"][accessor];
        if of["type"] != "SCALAR" || of["normalized"] == true {
            report.tell("TYPE_MISMATCH", &set.at, "feature ids are plain scalars");
        }
        let numbers: Vec<f64> = match gltf.accessor(accessor) {
            Ok((numbers, _)) => numbers,
            Err(e) => {
                report.tell("CONTENT_VALIDATION_ERROR", &set.at, e);
                continue;
            }
        };
        let real = |v: &&f64| null.is_none_or(|n| **v != n as f64);
        let mut seen: Vec<i64> = numbers.iter().filter(real).map(|v| *v as i64).collect();
        let most = rows.flatten().map_or(features, |r| (*r as i64).min(features));
        if let Some(bad) = numbers.iter().filter(real).find(|v| v.fract() != 0.0 || **v < 0.0 || **v >= most as f64) {
            report.tell("VALUE_NOT_IN_RANGE", &set.at, format!("feature id {bad} of {most}"));
        }
        seen.sort_unstable();
        seen.dedup();
        if seen.len() as i64 > features {
            report.tell("VALUE_NOT_IN_RANGE", &set.at, format!("{} features, {features} said", seen.len()));
        }
    }
}

fn table(gltf: &Gltf, t: &Node, schema: &Value, report: &mut Report) -> Option<Table> {
    let class = t.required("class", report)?.text(report)?;
    let rows = t.required("count", report)?.whole(1, report)? as usize;
    let Some(properties) = schema["classes"].get(class).map(|c| &c["properties"]) else {
        report.tell("IDENTIFIER_NOT_FOUND", &t.at, format!("class {class}"));
        return None;
    };
    let stored = t.get("properties");
    for (name, p) in properties.as_object().into_iter().flatten() {
        let there = stored.as_ref().is_some_and(|s| s.value.get(name).is_some());
        if p["required"] == true && !there {
            report.tell("METADATA_VALUE_REQUIRED_BUT_MISSING", &t.at, name);
        }
    }
    let mut columns = BTreeMap::new();
    for (name, column) in stored.map_or(vec![], |s| s.entries(report)) {
        let Some(property) = properties.get(name) else {
            report.tell("IDENTIFIER_NOT_FOUND", &column.at, format!("property {name}"));
            continue;
        };
        let read = Column { gltf, column: &column, property, schema, rows };
        if let Some(cells) = read.cells(report) {
            columns.insert(name.to_string(), cells);
        }
    }
    Some(Table { rows, columns })
}

struct Column<'a> {
    gltf: &'a Gltf,
    column: &'a Node<'a>,
    property: &'a Value,
    schema: &'a Value,
    rows: usize,
}

impl Column<'_> {
    fn cells(&self, report: &mut Report) -> Option<Vec<Cell>> {
        let p = self.property;
        let values = self.bytes("values", report)?;
        // Elements of each row: one, a fixed count, or by offsets.
        let spans: Vec<usize> = match (p["array"] == true, p["count"].as_u64()) {
            (false, _) => (0..=self.rows).collect(),
            (true, Some(n)) => (0..=self.rows).map(|i| i * n as usize).collect(),
            (true, None) => self.offsets("arrayOffsets", "arrayOffsetType", self.rows, report)?,
        };
        let elements = *spans.last()?;
        let numbers = match p["type"].as_str()? {
            "STRING" => return self.texts(&values, &spans, elements, report),
            "BOOLEAN" => {
                self.long(values.len(), elements.div_ceil(8), report)?;
                (0..elements).map(|i| f64::from(values[i / 8] >> (i % 8) & 1)).collect()
            }
            "ENUM" => {
                let of = self.schema["enums"].get(p["enumType"].as_str()?)?;
                self.numbers(&values, elements, of["valueType"].as_str().unwrap_or("UINT16"), report)?
            }
            kind => self.numbers(&values, elements * component_count(kind), p["componentType"].as_str()?, report)?,
        };
        let wide = component_count(p["type"].as_str()?);
        let single = p["array"] != true && wide == 1;
        (0..self.rows)
            .map(|i| {
                let row = &numbers[spans[i] * wide..spans[i + 1] * wide];
                if p["type"] == "ENUM" && single {
                    return self.named(row[0], report);
                }
                let null = |k: usize, v: f64| p["noData"].get(k).unwrap_or(&p["noData"]).as_f64() == Some(v);
                if !row.is_empty() && row.iter().enumerate().all(|(k, v)| null(k, *v)) {
                    return Some(Cell::Null);
                }
                for (k, v) in row.iter().enumerate() {
                    if let Some(real) = metadata::outside(p, *v, k % wide) {
                        report.tell("METADATA_VALUE_NOT_IN_RANGE", &self.column.at, format!("row {i}: {real}"));
                    }
                }
                Some(if single { Cell::Number(row[0]) } else { Cell::Numbers(row.to_vec()) })
            })
            .collect()
    }

    fn named(&self, value: f64, report: &mut Report) -> Option<Cell> {
        let of = &self.schema["enums"][self.property["enumType"].as_str()?];
        let Some(listed) = list(of, "values").iter().find(|v| v["value"].as_f64() == Some(value)) else {
            report.tell("METADATA_VALUE_NOT_IN_RANGE", &self.column.at, format!("{value} is no value of the enum"));
            return None;
        };
        let name = listed["name"].as_str()?;
        Some(if self.property["noData"] == name { Cell::Null } else { Cell::Text(name.into()) })
    }

    fn texts(&self, bytes: &[u8], spans: &[usize], elements: usize, report: &mut Report) -> Option<Vec<Cell>> {
        let offsets = self.offsets("stringOffsets", "stringOffsetType", elements, report)?;
        self.long(bytes.len(), *offsets.last()?, report)?;
        let text = |i: usize| std::str::from_utf8(&bytes[offsets[i]..offsets[i + 1]]).ok();
        let all: Option<Vec<&str>> = (0..elements).map(text).collect();
        let Some(all) = all else {
            report.tell("METADATA_INVALID_ENCODING", &self.column.at, "text that is not UTF-8");
            return None;
        };
        let null = self.property["noData"].as_str();
        let row = |i: usize| match &all[spans[i]..spans[i + 1]] {
            [one] if null == Some(one) => Cell::Null,
            several => Cell::Text(several.join("\n")),
        };
        Some((0..self.rows).map(row).collect())
    }

    fn bytes(&self, key: &str, report: &mut Report) -> Option<Vec<u8>> {
        let at = self.column.required(key, report)?.whole(0, report)? as usize;
        let view = self.gltf.view(at).map_err(|e| report.tell("METADATA_INVALID_LENGTH", &self.column.at, e)).ok()?;
        let from = count(&self.gltf.json["bufferViews"][at], "byteOffset").unwrap_or(0);
        let size = self.property["componentType"].as_str().and_then(component_size).unwrap_or(1);
        if key == "values" && !from.is_multiple_of(size) {
            report.tell("METADATA_INVALID_ALIGNMENT", &self.column.at, format!("byte {from} for {size} bytes each"));
        }
        Some(view)
    }

    fn long(&self, there: usize, needed: usize, report: &mut Report) -> Option<()> {
        if there != needed {
            report.tell("METADATA_INVALID_LENGTH", &self.column.at, format!("{there} bytes for {needed}"));
        }
        (there >= needed).then_some(())
    }

    fn offsets(&self, key: &str, kind: &str, items: usize, report: &mut Report) -> Option<Vec<usize>> {
        let bytes = self.bytes(key, report)?;
        let of = self.column.value[kind].as_str().unwrap_or("UINT32");
        let offsets: Vec<usize> = self.numbers(&bytes, items + 1, of, report)?.iter().map(|n| *n as usize).collect();
        if offsets.windows(2).any(|w| w[1] < w[0]) {
            report.tell("METADATA_INVALID_OFFSETS", &self.column.at, "an offset falls");
            return None;
        }
        Some(offsets)
    }

    fn numbers(&self, bytes: &[u8], wanted: usize, of: &str, report: &mut Report) -> Option<Vec<f64>> {
        let size = component_size(of)?;
        self.long(bytes.len(), wanted * size, report)?;
        let read = |c: &[u8]| -> f64 {
            match of {
                "INT8" => f64::from(c[0] as i8),
                "UINT8" => f64::from(c[0]),
                "INT16" => f64::from(i16::from_le_bytes([c[0], c[1]])),
                "UINT16" => f64::from(u16::from_le_bytes([c[0], c[1]])),
                "INT32" => f64::from(i32::from_le_bytes([c[0], c[1], c[2], c[3]])),
                "UINT32" => f64::from(u32::from_le_bytes([c[0], c[1], c[2], c[3]])),
                "FLOAT32" => f64::from(f32::from_le_bytes([c[0], c[1], c[2], c[3]])),
                "INT64" => i64::from_le_bytes([c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]]) as f64,
                "UINT64" => u64::from_le_bytes([c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]]) as f64,
                _ => f64::from_le_bytes([c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]]),
            }
        };
        Some(bytes.chunks_exact(size).take(wanted).map(read).collect())
    }
}
