//! Metadata of 3D Tiles and of EXT_structural_metadata (3D Metadata Specification 1.0): schemas, and entities whose
//! values stand in JSON.

use super::json::Node;
use super::report::Report;
use serde_json::Value;

const TYPES: [&str; 10] = ["SCALAR", "VEC2", "VEC3", "VEC4", "MAT2", "MAT3", "MAT4", "STRING", "BOOLEAN", "ENUM"];
/// Semantics of the 3D Metadata Semantic Reference and their types.
const SEMANTICS: [(&str, &str); 16] = [
    ("ID", "STRING"),
    ("NAME", "STRING"),
    ("DESCRIPTION", "STRING"),
    ("ATTRIBUTION_IDS", ""),
    ("ATTRIBUTION_STRINGS", "STRING"),
    ("TILESET_FEATURE_ID_LABELS", "STRING"),
    ("TILESET_CRS_GEOCENTRIC", "STRING"),
    ("TILE_BOUNDING_BOX", "SCALAR"),
    ("TILE_BOUNDING_REGION", "SCALAR"),
    ("TILE_BOUNDING_SPHERE", "SCALAR"),
    ("TILE_MINIMUM_HEIGHT", "SCALAR"),
    ("TILE_MAXIMUM_HEIGHT", "SCALAR"),
    ("TILE_HORIZON_OCCLUSION_POINT", "VEC3"),
    ("TILE_GEOMETRIC_ERROR", "SCALAR"),
    ("CONTENT_BOUNDING_BOX", "SCALAR"),
    ("CONTENT_BOUNDING_SPHERE", "SCALAR"),
];

/// Bytes of a component; `None` when there is no such one.
pub fn component_size(name: &str) -> Option<usize> {
    Some(match name {
        "INT8" | "UINT8" => 1,
        "INT16" | "UINT16" => 2,
        "INT32" | "UINT32" | "FLOAT32" => 4,
        "INT64" | "UINT64" | "FLOAT64" => 8,
        _ => return None,
    })
}

/// Numbers of a value.
pub fn component_count(kind: &str) -> usize {
    match kind {
        "VEC2" => 2,
        "VEC3" => 3,
        "VEC4" | "MAT2" => 4,
        "MAT3" => 9,
        "MAT4" => 16,
        _ => 1,
    }
}

/// What an integer component holds.
fn integer_range(name: &str) -> Option<[f64; 2]> {
    let bits = 8 * component_size(name)? as i32;
    match name {
        n if n.starts_with("UINT") => Some([0.0, 2f64.powi(bits) - 1.0]),
        n if n.starts_with("INT") => Some([-(2f64.powi(bits - 1)), 2f64.powi(bits - 1) - 1.0]),
        _ => None,
    }
}

pub fn schema(schema: &Node, report: &mut Report) {
    if schema.object(report).is_none() {
        return;
    }
    if let Some(id) = schema.required("id", report).and_then(|id| id.text(report)) {
        let name = id.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if !name || !id.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c)) {
            report.tell("STRING_PATTERN_MISMATCH", &schema.at, format!("{id:?} is no identifier"));
        }
    }
    for (_, e) in schema.get("enums").map_or(vec![], |e| e.entries(report)) {
        enumeration(&e, report);
    }
    for (_, class) in schema.get("classes").map_or(vec![], |c| c.entries(report)) {
        let mut semantics = vec![];
        for (name, p) in class.get("properties").map_or(vec![], |p| p.entries(report)) {
            identifier(name, &p, report);
            property(&p, schema, report);
            if let Some(s) = p.value["semantic"].as_str() {
                if semantics.contains(&s) {
                    report.tell("CLASS_PROPERTIES_DUPLICATE_SEMANTIC", &p.at, s);
                }
                semantics.push(s);
            }
        }
    }
}

fn identifier(name: &str, at: &Node, report: &mut Report) {
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !begins || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        report.tell("STRING_PATTERN_MISMATCH", &at.at, format!("{name:?} is no identifier"));
    }
}

fn enumeration(e: &Node, report: &mut Report) {
    let of = e.value["valueType"].as_str().unwrap_or("UINT16");
    let range = integer_range(of);
    if range.is_none() {
        report.tell("VALUE_NOT_IN_LIST", &e.at, format!("valueType {of}"));
    }
    let Some(values) = e.required("values", report).and_then(|v| v.array(1, report)) else { return };
    let (mut names, mut numbers) = (vec![], vec![]);
    for v in values {
        let name = v.required("name", report).and_then(|n| n.text(report));
        let number = v.required("value", report).and_then(|n| n.whole(i64::MIN, report));
        let (Some(name), Some(number)) = (name, number) else { continue };
        if names.contains(&name) {
            report.tell("ENUM_VALUE_DUPLICATE_NAME", &v.at, name);
        }
        if numbers.contains(&number) {
            report.tell("ENUM_VALUE_DUPLICATE_VALUE", &v.at, number.to_string());
        }
        if range.is_some_and(|[low, high]| (number as f64) < low || number as f64 > high) {
            report.tell("VALUE_NOT_IN_RANGE", &v.at, format!("{number} is no {of}"));
        }
        names.push(name);
        numbers.push(number);
    }
}

fn property(p: &Node, schema: &Node, report: &mut Report) {
    let Some(kind) = p.required("type", report).and_then(|t| t.one_of(&TYPES, report)) else { return };
    let component = p.get("componentType").and_then(|c| c.text(report));
    let numeric = !["STRING", "BOOLEAN", "ENUM"].contains(&kind);
    match (numeric, component) {
        (true, None) => report.tell("CLASS_PROPERTY_COMPONENT_TYPE_MISSING", &p.at, kind),
        (false, Some(c)) => report.tell("CLASS_PROPERTY_COMPONENT_TYPE_FOR_NON_NUMERIC_TYPE", &p.at, c),
        (true, Some(c)) if component_size(c).is_none() => report.tell("VALUE_NOT_IN_LIST", &p.at, c),
        _ => {}
    }
    match (kind == "ENUM", p.value["enumType"].as_str()) {
        (true, None) => report.tell("CLASS_PROPERTY_ENUM_TYPE_WITHOUT_ENUMTYPE", &p.at, "an enum without its type"),
        (false, Some(e)) => report.tell("CLASS_PROPERTY_ENUMTYPE_WITH_NON_ENUM_TYPE", &p.at, e),
        (true, Some(e)) if schema.value["enums"].get(e).is_none() => {
            report.tell("CLASS_PROPERTY_ENUMTYPE_NOT_FOUND", &p.at, e);
        }
        _ => {}
    }
    let array = p.value["array"] == true;
    if !array && p.value.get("count").is_some() {
        report.tell("CLASS_PROPERTY_COUNT_FOR_NON_ARRAY", &p.at, "count without array");
    }
    let normalized = p.value["normalized"] == true;
    let float = component.is_some_and(|c| c.starts_with("FLOAT"));
    if normalized && (!numeric || float) {
        report.tell("CLASS_PROPERTY_NORMALIZED_FOR_NON_NORMALIZABLE_TYPE", &p.at, kind);
    }
    let has = |key: &str| p.value.get(key).is_some();
    if (has("offset") || has("scale")) && !(float || normalized) {
        report.tell("METADATA_OFFSET_SCALE_FOR_NON_FLOATING_POINT_TYPE", &p.at, kind);
    }
    if (has("min") || has("max")) && !numeric {
        report.tell("METADATA_MIN_MAX_FOR_NON_NUMERIC_TYPE", &p.at, kind);
    }
    if p.value["required"] == true && has("noData") {
        report.tell("DISALLOWED_VALUE_FOUND", &p.at, "noData of what is required");
    }
    if kind == "ENUM" {
        for key in ["noData", "default"] {
            let known =
                |v: &Value| named(p.value, schema.value).is_some_and(|all| all.contains(&v.as_str().unwrap_or("")));
            if let Some(v) = p.value.get(key).filter(|v| v.is_string() && !known(v)) {
                report.tell("CLASS_PROPERTY_ENUM_VALUE_NAME_NOT_FOUND", &p.at, v.to_string());
            }
        }
    }
    if let Some(semantic) = p.get("semantic").and_then(|s| s.text(report)) {
        match SEMANTICS.iter().find(|(name, _)| *name == semantic) {
            None => report.tell("METADATA_SEMANTIC_UNKNOWN", &p.at, semantic),
            Some((_, of)) if !of.is_empty() && *of != kind => report.tell("METADATA_SEMANTIC_INVALID", &p.at, semantic),
            _ => {}
        }
    }
}

/// Names of a property's enum.
pub fn named<'a>(property: &Value, schema: &'a Value) -> Option<Vec<&'a str>> {
    let of = schema["enums"].get(property["enumType"].as_str()?)?;
    Some(of["values"].as_array()?.iter().filter_map(|v| v["name"].as_str()).collect())
}

/// An entity with its values in JSON: `metadata` of a tileset, a tile, a content or a group.
pub fn entity(entity: &Node, schema: Option<&Value>, report: &mut Report) {
    if entity.object(report).is_none() {
        return;
    }
    let Some(name) = entity.required("class", report) else { return };
    let Some(name) = name.text(report) else { return };
    let Some(schema) = schema else {
        report.tell("REQUIRED_VALUE_NOT_FOUND", &entity.at, "metadata without a schema");
        return;
    };
    let Some(class) = schema["classes"].get(name) else {
        report.tell("IDENTIFIER_NOT_FOUND", &entity.at, format!("class {name}"));
        return;
    };
    let values = entity.get("properties");
    for (key, property) in class["properties"].as_object().into_iter().flatten() {
        let value = values.as_ref().and_then(|v| v.get(key)).filter(|v| !v.value.is_null());
        match value {
            None if property["required"] == true => report.tell("METADATA_VALUE_REQUIRED_BUT_MISSING", &entity.at, key),
            None => {}
            Some(v) => judged(&v, property, schema, report),
        }
    }
    for (key, v) in values.map_or(vec![], |v| v.entries(report)) {
        if class["properties"].get(key).is_none() {
            report.tell("IDENTIFIER_NOT_FOUND", &v.at, format!("property {key}"));
        }
    }
}

fn judged(v: &Node, property: &Value, schema: &Value, report: &mut Report) {
    let kind = property["type"].as_str().unwrap_or("");
    if property["array"] == true {
        let Some(items) = v.array(0, report) else { return };
        if property["count"].as_u64().is_some_and(|n| n as usize != items.len()) {
            report.tell("ARRAY_LENGTH_MISMATCH", &v.at, format!("{} elements", items.len()));
        }
        let one = |item: &Node, report: &mut Report| single(item, kind, property, schema, report);
        items.iter().for_each(|i| one(i, report));
    } else {
        single(v, kind, property, schema, report);
    }
}

fn single(v: &Node, kind: &str, property: &Value, schema: &Value, report: &mut Report) {
    match kind {
        "STRING" => drop(v.text(report)),
        "BOOLEAN" if !v.value.is_boolean() => report.tell("TYPE_MISMATCH", &v.at, "no truth value"),
        "BOOLEAN" => {}
        "ENUM" => {
            let names = named(property, schema).unwrap_or_default();
            v.one_of(&names, report);
        }
        "SCALAR" => drop(v.number(report).map(|n| ranged(n, 0, v, property, report))),
        _ => {
            let Some(items) = v.array(0, report) else { return };
            if items.len() != component_count(kind) {
                report.tell("ARRAY_LENGTH_MISMATCH", &v.at, format!("{} numbers of a {kind}", items.len()));
            }
            for (k, item) in items.iter().enumerate() {
                if let Some(n) = item.number(report) {
                    ranged(n, k, item, property, report);
                }
            }
        }
    }
}

/// A number as it is stored, the `k`-th of its value: what its type holds, and the limits of its real value.
fn ranged(n: f64, k: usize, v: &Node, property: &Value, report: &mut Report) {
    let component = property["componentType"].as_str().unwrap_or("");
    let range = integer_range(component);
    if range.is_some_and(|[low, high]| n < low || n > high) {
        report.tell("VALUE_NOT_IN_RANGE", &v.at, format!("{n} is no {component}"));
        return;
    }
    if let Some(real) = limits(property, n, k, range) {
        report.tell("METADATA_VALUE_NOT_IN_RANGE", &v.at, format!("{real} is outside min and max"));
    }
}

/// The real value where it lies outside the property's limits.
pub fn outside(property: &Value, n: f64, k: usize) -> Option<f64> {
    limits(property, n, k, integer_range(property["componentType"].as_str().unwrap_or("")))
}

fn limits(property: &Value, n: f64, k: usize, range: Option<[f64; 2]>) -> Option<f64> {
    let of = |key: &str| property.get(key).and_then(|l| l.get(k).unwrap_or(l).as_f64());
    let full = range.filter(|_| property["normalized"] == true).map_or(1.0, |[_, high]| high);
    let real = n / full * of("scale").unwrap_or(1.0) + of("offset").unwrap_or(0.0);
    let slack = 1e-6 * real.abs();
    (of("min").is_some_and(|m| real < m - slack) || of("max").is_some_and(|m| real > m + slack)).then_some(real)
}
