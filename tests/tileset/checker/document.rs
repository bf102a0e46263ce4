//! The parts of a tileset's JSON above its tiles: asset, schema, groups, statistics, properties, extensions
//! (3D Tiles 1.1, OGC 22-025r4, §7 and annex of schemas).

use super::json::Node;
use super::metadata;
use super::report::Report;
use serde_json::Value;
use std::collections::BTreeSet;

/// Extensions of tilesets that the checker knows, and whose content cannot be read without them.
const KNOWN: [&str; 6] = [
    "3DTILES_content_gltf",
    "3DTILES_implicit_tiling",
    "3DTILES_metadata",
    "3DTILES_multiple_contents",
    "3DTILES_bounding_volume_S2",
    "MAXAR_content_3tz",
];

/// Everything but the root tile. `false` where the tiles are not worth looking at.
pub fn check(doc: &Node, report: &mut Report) -> bool {
    let before = report.findings.len();
    if doc.object(report).is_none() {
        return false;
    }
    doc.common(report);
    if let Some(asset) = doc.required("asset", report).filter(|a| a.object(report).is_some()) {
        asset.common(report);
        match asset.required("version", report).map(|v| v.text(report)) {
            Some(Some(v)) if !["1.0", "1.1"].contains(&v) => report.tell("ASSET_VERSION_UNKNOWN", &asset.at, v),
            _ => {}
        }
        asset.get("tilesetVersion").map(|v| v.text(report));
    }
    error(doc, report);
    schema_of(doc, report);
    let schema = doc.value.get("schema");
    // What a linked schema says is not looked up for entities.
    if doc.value.get("schemaUri").is_none() {
        entities(doc, schema, report);
    }
    properties(doc, report);
    extensions(doc, report);
    doc.required("root", report);
    report.findings[before..].iter().all(|f| !["PROPERTY_MISSING", "TYPE_MISMATCH"].contains(&f.code))
        || doc.value.get("root").is_some()
}

/// A geometric error, not negative.
pub fn error(of: &Node, report: &mut Report) -> Option<f64> {
    let node = of.required("geometricError", report)?;
    let error = node.number(report)?;
    if error < 0.0 {
        report.tell("VALUE_NOT_IN_RANGE", &node.at, format!("an error of {error}"));
        return None;
    }
    Some(error)
}

fn schema_of(doc: &Node, report: &mut Report) {
    if let Some(schema) = doc.get("schema") {
        metadata::schema(&schema, report);
        if doc.value.get("schemaUri").is_some() {
            report.tell("ONE_OF_ERROR", &doc.at, "schema and schemaUri");
        }
    }
    doc.get("schemaUri").map(|uri| uri.text(report));
}

fn entities(doc: &Node, schema: Option<&Value>, report: &mut Report) {
    for group in doc.get("groups").and_then(|g| g.array(1, report)).into_iter().flatten() {
        metadata::entity(&group, schema, report);
    }
    if let Some(own) = doc.get("metadata") {
        metadata::entity(&own, schema, report);
    }
    let Some(classes) = doc.get("statistics").and_then(|s| s.get("classes")) else { return };
    let Some(listed) = classes.object(report) else { return };
    if listed.is_empty() {
        report.tell("NUMBER_OF_PROPERTIES_MISMATCH", &classes.at, "statistics of no class");
    }
    for (name, of) in classes.entries(report) {
        if of.object(report).is_none() {
            continue;
        }
        let Some(schema) = schema else {
            report.tell("REQUIRED_VALUE_NOT_FOUND", &of.at, "statistics without a schema");
            continue;
        };
        let Some(class) = schema["classes"].get(name) else {
            report.tell("IDENTIFIER_NOT_FOUND", &of.at, format!("class {name}"));
            continue;
        };
        of.get("count").map(|n| n.whole(0, report));
        let Some(properties) = of.get("properties") else { continue };
        if properties.value.as_object().is_some_and(|p| p.is_empty()) {
            report.tell("NUMBER_OF_PROPERTIES_MISMATCH", &properties.at, "statistics of no property");
        }
        for (p, at) in properties.entries(report) {
            if class["properties"].get(p).is_none() {
                report.tell("IDENTIFIER_NOT_FOUND", &at.at, format!("property {p}"));
            }
        }
    }
}

/// `properties` of 3D Tiles 1.0.
fn properties(doc: &Node, report: &mut Report) {
    for (_, p) in doc.get("properties").map_or(vec![], |p| p.entries(report)) {
        if p.object(report).is_none() {
            continue;
        }
        let limit = |key, report: &mut Report| p.required(key, report).and_then(|v| v.number(report));
        let (low, high) = (limit("minimum", report), limit("maximum", report));
        if low.zip(high).is_some_and(|(low, high)| low > high) {
            report.tell("PROPERTIES_MINIMUM_LARGER_THAN_MAXIMUM", &p.at, "minimum above maximum");
        }
    }
}

fn extensions(doc: &Node, report: &mut Report) {
    let list = |key: &str, report: &mut Report| doc.get(key).map(|l| l.names(report));
    let (used, required) = (list("extensionsUsed", report), list("extensionsRequired", report));
    let (Some(used), Some(required)) = (used.unwrap_or(Some(vec![])), required.unwrap_or(Some(vec![]))) else { return };
    for name in required.iter().filter(|n| !used.contains(n)) {
        report.tell("EXTENSION_REQUIRED_BUT_NOT_USED", "/extensionsRequired", *name);
    }
    let found = found(doc);
    let met: BTreeSet<&str> = used.iter().copied().chain(found.iter().map(String::as_str)).collect();
    for name in met.iter().filter(|n| !KNOWN.contains(n)) {
        report.tell("EXTENSION_NOT_SUPPORTED", "/extensionsUsed", *name);
    }
    for name in found.iter().filter(|n| !used.contains(&n.as_str())) {
        report.tell("EXTENSION_FOUND_BUT_NOT_USED", "/extensionsUsed", name);
    }
    for name in used.iter().filter(|n| !found.contains(**n)) {
        report.tell("EXTENSION_USED_BUT_NOT_FOUND", "/extensionsUsed", *name);
    }
    for name in found.iter().filter(|n| KNOWN.contains(&n.as_str()) && !required.contains(&n.as_str())) {
        if used.contains(&name.as_str()) {
            report.tell("EXTENSION_REQUIRED_BUT_NOT_DECLARED", "/extensionsRequired", name);
        }
    }
}

/// Names of what is an object.
fn objects(map: &serde_json::Map<String, Value>) -> impl Iterator<Item = String> + '_ {
    map.iter().filter(|(_, v)| v.is_object()).map(|(k, _)| k.clone())
}

/// Extensions that objects carry, and those that the kinds of contents are.
fn found(doc: &Node) -> BTreeSet<String> {
    fn walk(value: &Value, content: Option<&str>, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => {
                for (key, v) in map {
                    match (key.as_str(), v) {
                        ("extensions", Value::Object(e)) => found.extend(objects(e)),
                        ("extras", _) => continue,
                        ("uri", Value::String(uri)) => {
                            let path = uri.split(['?', '#']).next().unwrap_or_default();
                            let gltf = content == Some("1.0") && (path.ends_with(".glb") || path.ends_with(".gltf"));
                            found.extend(gltf.then(|| "3DTILES_content_gltf".to_string()));
                            found.extend(path.ends_with(".3tz").then(|| "MAXAR_content_3tz".to_string()));
                        }
                        _ => {}
                    }
                    walk(v, content, found);
                }
            }
            Value::Array(items) => items.iter().for_each(|v| walk(v, content, found)),
            _ => {}
        }
    }
    let mut all = BTreeSet::new();
    walk(doc.value, doc.value["asset"]["version"].as_str(), &mut all);
    all
}
