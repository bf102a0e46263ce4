//! One tile's JSON: what it must have and what may stand beside what. Not about what lies below it or in its contents.

use super::document;
use super::json::Node;
use super::metadata;
use super::report::Report;
use super::volume::{IDENTITY, Matrix, Volume, product};
use serde_json::Value;

/// What is read of a tile.
#[derive(Debug)]
pub struct Tile<'a> {
    /// Of the tile and all above it.
    pub matrix: Matrix,
    pub volume: Option<Volume>,
    /// That the tile itself says.
    pub error_m: Option<f64>,
    /// That its metadata say instead.
    pub semantic_error_m: Option<f64>,
    pub replace: bool,
    pub contents: Vec<Content<'a>>,
    pub children: Vec<Node<'a>>,
    pub implicit: Option<Node<'a>>,
}

#[derive(Debug)]
pub struct Content<'a> {
    pub at: String,
    pub uri: &'a str,
    pub volume: Option<Volume>,
}

/// What a tile has from its surroundings.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    pub matrix: Matrix,
    /// `None` of a root.
    pub replace: Option<bool>,
    pub doc: &'a Value,
}

impl<'a> Around<'a> {
    fn schema(&self) -> Option<&'a Value> {
        self.doc.get("schema")
    }
}

/// Differences of a volume and one in it that rounding makes, in metres.
pub const SLACK_M: f64 = 2e-3;

pub fn read<'a>(tile: &Node<'a>, around: Around<'a>, report: &mut Report) -> Option<Tile<'a>> {
    let Some(map) = tile.value.as_object() else {
        report.tell("ARRAY_ELEMENT_TYPE_MISMATCH", &tile.at, "a tile is no object");
        return None;
    };
    tile.common(report);
    let own = tile.get("transform").and_then(|t| transform(&t, report)).unwrap_or(IDENTITY);
    let matrix = product(&around.matrix, &own);
    let volume = tile.required("boundingVolume", report).and_then(|v| Volume::read(&v, &matrix, report));
    if let Some(v) = tile.get("viewerRequestVolume") {
        Volume::read(&v, &matrix, report);
    }
    let error_m = document::error(tile, report);
    let replace = refine(tile, around.replace, report);
    let linked = around.doc.get("schemaUri").is_some();
    let implicit = tile.get("implicitTiling");
    if let Some(metadata) = tile.get("metadata").filter(|_| !linked && implicit.is_none()) {
        metadata::entity(&metadata, around.schema(), report);
    }
    let mut contents = vec![];
    if map.contains_key("content") && map.contains_key("contents") {
        report.tell("ONE_OF_ERROR", &tile.at, "content and contents");
    } else {
        let several = tile.get("contents").and_then(|c| c.array(1, report)).unwrap_or_default();
        for node in tile.get("content").into_iter().chain(several) {
            contents.extend(content(&node, around, &matrix, volume.as_ref(), report));
        }
    }
    let children = tile.get("children").and_then(|c| c.array(0, report)).unwrap_or_default();
    if map.contains_key("children") && implicit.is_none() && children.is_empty() && tile.value["children"].is_array() {
        report.tell("ARRAY_LENGTH_UNEXPECTED", &tile.at, "children without a child");
    }
    let semantic_error_m = semantic(tile.value, around.schema(), "TILE_GEOMETRIC_ERROR");
    Some(Tile { matrix, volume, error_m, semantic_error_m, replace, contents, children, implicit })
}

/// The number of a tile's metadata that has this meaning.
fn semantic(tile: &Value, schema: Option<&Value>, meaning: &str) -> Option<f64> {
    let class = schema?["classes"].get(tile["metadata"]["class"].as_str()?)?;
    let (name, _) = class["properties"].as_object()?.iter().find(|(_, p)| p["semantic"] == meaning)?;
    tile["metadata"]["properties"].get(name)?.as_f64()
}

fn transform(node: &Node, report: &mut Report) -> Option<Matrix> {
    let m: Matrix = node.numbers(report)?;
    if [m[3], m[7], m[11], m[15]] != [0.0, 0.0, 0.0, 1.0] {
        report.tell("TRANSFORM_INVALID", &node.at, "the last row is not 0, 0, 0, 1");
        return None;
    }
    Some(m)
}

fn refine(tile: &Node, above: Option<bool>, report: &mut Report) -> bool {
    let Some(node) = tile.get("refine") else {
        if above.is_none() {
            report.tell("TILE_REFINE_MISSING_IN_ROOT", &tile.at, "a root says how it is refined");
        }
        return above.unwrap_or(false);
    };
    let Some(word) = node.text(report) else { return false };
    if !["ADD", "REPLACE"].contains(&word) {
        let code = match ["ADD", "REPLACE"].contains(&word.to_uppercase().as_str()) {
            true => "TILE_REFINE_WRONG_CASE",
            false => "VALUE_NOT_IN_LIST",
        };
        report.tell(code, &node.at, word);
    }
    word.eq_ignore_ascii_case("REPLACE")
}

fn content<'a>(
    node: &Node<'a>,
    around: Around<'a>,
    matrix: &Matrix,
    over: Option<&Volume>,
    report: &mut Report,
) -> Option<Content<'a>> {
    node.object(report)?;
    node.common(report);
    let volume = node.get("boundingVolume").and_then(|v| Volume::read(&v, matrix, report));
    if volume.as_ref().zip(over).is_some_and(|(own, over)| !own.inside(over, SLACK_M)) {
        report.tell("BOUNDING_VOLUMES_INCONSISTENT", &node.at, "the content's volume leaves the tile's");
    }
    let groups = around.doc["groups"].as_array().map_or(0, Vec::len);
    if let Some(n) = node.get("group").and_then(|g| g.whole(0, report)).filter(|n| *n as usize >= groups) {
        report.tell("IDENTIFIER_NOT_FOUND", &node.at, format!("group {n} of {groups}"));
    }
    if let Some(metadata) = node.get("metadata").filter(|_| around.doc.get("schemaUri").is_none()) {
        metadata::entity(&metadata, around.schema(), report);
    }
    // `url` is what versions before 1.0 had.
    let uri = node.required("uri", report)?.text(report)?;
    Some(Content { at: node.at.clone(), uri, volume })
}
