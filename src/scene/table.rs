//! Attributes of one content → one property table (EXT_structural_metadata): typed columns, the feature id as text
//! in column `id`. Which fields become columns is the caller's matter.

use crate::feature::{FeatureId, ValueRef};
use crate::layer::{Field, FieldType};
use serde_json::{Map, Value, json};

/// Stands for null in text columns that have one, since the empty text is a text: ␀, U+2400.
pub const NULL_TEXT: &str = "\u{2400}";
/// Stands for null in enum columns.
pub const NULL_NAME: &str = "_null";
const NULL_INT: i32 = i32::MIN;
const NULL_FLOAT: f32 = f32::MIN;
const NULL_BOOL: u8 = 255;

/// A column of the table.
#[derive(Debug, Clone)]
pub struct Column {
    /// `[A-Za-z_][A-Za-z0-9_]*`
    pub id: String,
    /// For people, in Chinese.
    pub name: String,
    pub description: Option<String>,
    pub kind: ColumnKind,
    pub semantic: Option<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnKind {
    Text,
    Int,
    Float,
    Bool,
    /// Allowed values; value i is stored as i + 1, 0 is null.
    Enum(Vec<String>),
}

impl Column {
    /// A layer's field as a column; a field called `id` makes room for the feature's.
    pub fn of(field: &Field) -> Column {
        let id = if field.name == "id" { "id_".into() } else { field.name.clone() };
        let kind = match field.kind {
            FieldType::Text | FieldType::Date => ColumnKind::Text,
            FieldType::Int => ColumnKind::Int,
            FieldType::Float => ColumnKind::Float,
            FieldType::Bool => ColumnKind::Bool,
            FieldType::Enum => ColumnKind::Enum(field.values.clone()),
        };
        let description = match (&field.en, &field.unit) {
            (Some(en), Some(unit)) => Some(format!("{en} ({unit})")),
            (en, unit) => en.clone().or_else(|| unit.clone()),
        };
        let semantic = (field.role == Some(crate::layer::FieldRole::Name)).then_some("NAME");
        Column { id, name: field.zh.clone(), description, kind, semantic }
    }
}

/// Values of one column, a value a row.
#[derive(Debug, Clone)]
enum Cells {
    Text { bytes: Vec<u8>, ends: Vec<u32>, nulls: u32 },
    Int { values: Vec<Option<i64>> },
    Float { values: Vec<f32> },
    Bool { values: Vec<u8> },
    Enum { names: Vec<String>, values: Vec<u16> },
}

/// One content's property table.
#[derive(Debug, Clone)]
pub struct Table {
    class: String,
    columns: Vec<Column>,
    ids: Vec<u8>,
    id_ends: Vec<u32>,
    cells: Vec<Cells>,
}

impl Table {
    /// Empty, of a class (a layer's id).
    pub fn new(class: &str, columns: Vec<Column>) -> Table {
        let cells = columns.iter().map(|c| Cells::new(&c.kind)).collect();
        Table { class: class.into(), columns, ids: vec![], id_ends: vec![], cells }
    }

    pub fn rows(&self) -> u32 {
        self.id_ends.len() as u32
    }

    /// Adds a row; `value(i)` is the value of column i. A value of another type than its column's is null.
    pub fn push<'v>(&mut self, id: FeatureId, value: &mut dyn FnMut(usize) -> ValueRef<'v>) {
        use std::io::Write;
        // Writing into a vector cannot fail.
        let _ = write!(self.ids, "{}", id.0);
        self.id_ends.push(self.ids.len() as u32);
        for (i, cells) in self.cells.iter_mut().enumerate() {
            cells.push(value(i));
        }
    }

    /// The extension's schema and table. `view` stores bytes and returns the number of their buffer view.
    pub fn extension(&self, view: &mut dyn FnMut(&[u8]) -> usize) -> Value {
        let (mut properties, mut enums, mut stored) = (Map::new(), Map::new(), Map::new());
        let id = json!({ "type": "STRING", "name": "要素标识", "semantic": "ID", "required": true });
        properties.insert("id".into(), id);
        stored.insert("id".into(), text_views(&self.ids, &self.id_ends, view));
        for (column, cells) in self.columns.iter().zip(&self.cells) {
            let enum_id = format!("{}_values", column.id);
            let mut property = cells.property(&enum_id);
            property.insert("name".into(), column.name.clone().into());
            if let Some(text) = &column.description {
                property.insert("description".into(), text.clone().into());
            }
            if let Some(semantic) = column.semantic {
                property.insert("semantic".into(), semantic.into());
            }
            properties.insert(column.id.clone(), Value::Object(property));
            if let Cells::Enum { names, values } = cells {
                enums.insert(enum_id, enum_of(names, values));
            }
            if !cells.all_null() {
                stored.insert(column.id.clone(), cells.views(view));
            }
        }
        let mut schema = Map::new();
        schema.insert("id".into(), "chengtu".into());
        schema.insert("classes".into(), json!({ self.class.as_str(): { "properties": properties } }));
        if !enums.is_empty() {
            schema.insert("enums".into(), enums.into());
        }
        let table = json!({ "class": self.class, "count": self.rows(), "properties": stored });
        json!({ "schema": schema, "propertyTables": [table] })
    }
}

impl Cells {
    fn new(kind: &ColumnKind) -> Cells {
        match kind {
            ColumnKind::Text => Cells::Text { bytes: vec![], ends: vec![], nulls: 0 },
            ColumnKind::Int => Cells::Int { values: vec![] },
            ColumnKind::Float => Cells::Float { values: vec![] },
            ColumnKind::Bool => Cells::Bool { values: vec![] },
            ColumnKind::Enum(names) => Cells::Enum { names: names.clone(), values: vec![] },
        }
    }

    fn push(&mut self, value: ValueRef<'_>) {
        match self {
            Cells::Text { bytes, ends, nulls } => {
                match value {
                    ValueRef::Text(t) => bytes.extend_from_slice(t.as_bytes()),
                    _ => {
                        *nulls += 1;
                        bytes.extend_from_slice(NULL_TEXT.as_bytes());
                    }
                }
                ends.push(bytes.len() as u32);
            }
            Cells::Int { values } => values.push(match value {
                ValueRef::Int(i) => Some(i),
                _ => None,
            }),
            Cells::Float { values } => values.push(match value {
                ValueRef::Float(f) if f.is_finite() => f as f32,
                ValueRef::Int(i) => i as f32,
                _ => NULL_FLOAT,
            }),
            Cells::Bool { values } => values.push(match value {
                ValueRef::Bool(b) => u8::from(b),
                _ => NULL_BOOL,
            }),
            Cells::Enum { names, values } => values.push(match value {
                ValueRef::Text(t) => {
                    let at = names.iter().position(|n| n == t).unwrap_or_else(|| {
                        names.push(t.to_string());
                        names.len() - 1
                    });
                    at as u16 + 1
                }
                _ => 0,
            }),
        }
    }

    fn all_null(&self) -> bool {
        match self {
            Cells::Text { ends, nulls, .. } => *nulls as usize == ends.len(),
            Cells::Int { values } => values.iter().all(Option::is_none),
            Cells::Float { values } => values.iter().all(|v| *v == NULL_FLOAT),
            Cells::Bool { values } => values.iter().all(|v| *v == NULL_BOOL),
            Cells::Enum { values, .. } => values.iter().all(|v| *v == 0),
        }
    }

    /// Whole numbers that 32 bits do not hold are stored as FLOAT64, exact to 2^53: no client takes 64-bit integers
    /// gladly.
    fn is_wide(values: &[Option<i64>]) -> bool {
        values.iter().flatten().any(|v| i32::try_from(*v).is_ok_and(|v| v != NULL_INT).eq(&false))
    }

    /// Type and noData of the class property. Truth values are UINT8, 0 or 1: BOOLEAN has no noData, and one of the
    /// clients (loaders.gl) refuses a file that has it.
    fn property(&self, enum_id: &str) -> Map<String, Value> {
        let value = match self {
            Cells::Text { nulls: 0, .. } => json!({ "type": "STRING" }),
            Cells::Text { .. } => json!({ "type": "STRING", "noData": NULL_TEXT }),
            Cells::Int { values } if Cells::is_wide(values) => {
                json!({ "type": "SCALAR", "componentType": "FLOAT64", "noData": f64::MIN })
            }
            Cells::Int { .. } => json!({ "type": "SCALAR", "componentType": "INT32", "noData": NULL_INT }),
            Cells::Float { .. } => {
                json!({ "type": "SCALAR", "componentType": "FLOAT32", "noData": f64::from(NULL_FLOAT) })
            }
            Cells::Bool { .. } => json!({ "type": "SCALAR", "componentType": "UINT8", "noData": NULL_BOOL }),
            Cells::Enum { .. } => json!({ "type": "ENUM", "enumType": enum_id, "noData": NULL_NAME }),
        };
        match value {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }

    fn views(&self, view: &mut dyn FnMut(&[u8]) -> usize) -> Value {
        let bytes: Vec<u8> = match self {
            Cells::Text { bytes, ends, .. } => return text_views(bytes, ends, view),
            Cells::Int { values } if Cells::is_wide(values) => {
                values.iter().flat_map(|v| v.map_or(f64::MIN, |v| v as f64).to_le_bytes()).collect()
            }
            Cells::Int { values } => {
                let narrow = |v: &Option<i64>| v.and_then(|v| i32::try_from(v).ok()).unwrap_or(NULL_INT);
                values.iter().flat_map(|v| narrow(v).to_le_bytes()).collect()
            }
            Cells::Float { values } => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            Cells::Bool { values } => values.clone(),
            Cells::Enum { names, values } if names.len() < 256 => values.iter().map(|v| *v as u8).collect(),
            Cells::Enum { values, .. } => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        };
        json!({ "values": view(&bytes) })
    }
}

/// Offsets stay uncompressed: one of the clients (loaders.gl) reads tables before it decompresses.
fn text_views(bytes: &[u8], ends: &[u32], view: &mut dyn FnMut(&[u8]) -> usize) -> Value {
    let offsets = std::iter::once(0).chain(ends.iter().copied());
    let narrow = bytes.len() <= usize::from(u16::MAX);
    let offsets: Vec<u8> = match narrow {
        true => offsets.flat_map(|o| (o as u16).to_le_bytes()).collect(),
        false => offsets.flat_map(u32::to_le_bytes).collect(),
    };
    // A view holds at least one byte; an empty column of texts has none.
    let bytes = if bytes.is_empty() { &[0][..] } else { bytes };
    let (values, offsets) = (view(bytes), view(&offsets));
    json!({ "values": values, "stringOffsets": offsets, "stringOffsetType": if narrow { "UINT16" } else { "UINT32" } })
}

/// Only the names that occur; their numbers are those of the declared list, the same in every content.
fn enum_of(names: &[String], values: &[u16]) -> Value {
    let value_type = if names.len() < 256 { "UINT8" } else { "UINT16" };
    let mut listed = vec![json!({ "name": NULL_NAME, "value": 0 })];
    for (i, name) in names.iter().enumerate() {
        let value = i as u16 + 1;
        if values.contains(&value) {
            listed.push(json!({ "name": name, "value": value }));
        }
    }
    json!({ "valueType": value_type, "values": listed })
}
