//! Implicit tiling (3D Tiles 1.1 §8): its JSON, template addresses, and subtrees as JSON or binary. The house writes
//! none; its clients may be given tilesets of others.

use super::json::Node;
use super::report::Report;
use super::tile::Tile;
use super::volume::Volume;
use serde_json::Value;
use std::collections::BTreeMap;

/// How an implicit tile is divided.
#[derive(Debug, Clone)]
pub struct Implicit {
    pub octree: bool,
    pub subtree_levels: u32,
    pub available_levels: u32,
    pub subtrees: String,
}

impl Implicit {
    /// `None` where something is wrong that makes a look at the subtrees idle.
    pub fn read(tile: &Node, read: &Tile, report: &mut Report) -> Option<Implicit> {
        let before = report.findings.len();
        let node = read.implicit.as_ref()?;
        node.object(report)?;
        for key in ["children", "metadata"] {
            if tile.value.get(key).is_some() {
                report.tell("TILE_IMPLICIT_ROOT_INVALID", &tile.at, format!("an implicit root has no {key}"));
            }
        }
        if read.contents.iter().any(|c| c.volume.is_some()) {
            report.tell("TILE_IMPLICIT_ROOT_INVALID", &tile.at, "a content of an implicit root has no volume");
        }
        if matches!(read.volume, Some(Volume::Sphere(..))) {
            report.tell("TILE_IMPLICIT_ROOT_INVALID", &tile.at, "a sphere cannot be divided");
        }
        let scheme = node.required("subdivisionScheme", report)?.one_of(&["QUADTREE", "OCTREE"], report);
        let levels = |key: &str, report: &mut Report| node.required(key, report).and_then(|n| n.whole(1, report));
        let (subtree, available) = (levels("subtreeLevels", report), levels("availableLevels", report));
        let subtrees = node.required("subtrees", report)?;
        subtrees.object(report)?;
        let uri = subtrees.required("uri", report)?;
        let text = uri.text(report)?;
        let octree = scheme? == "OCTREE";
        template(text, octree, &uri.at, report);
        for c in &read.contents {
            template(c.uri, octree, &c.at, report);
        }
        let fine = report.findings.len() == before;
        fine.then(|| Implicit {
            octree,
            subtree_levels: subtree.unwrap_or(1) as u32,
            available_levels: available.unwrap_or(1) as u32,
            subtrees: text.to_string(),
        })
    }

    fn branches(&self) -> u64 {
        if self.octree { 8 } else { 4 }
    }

    /// Tiles of so many levels.
    fn tiles(&self, levels: u32) -> u64 {
        (self.branches().pow(levels) - 1) / (self.branches() - 1)
    }

    /// The address of a tile.
    pub fn filled(&self, uri: &str, [level, x, y, z]: [u64; 4]) -> String {
        [("{level}", level), ("{x}", x), ("{y}", y), ("{z}", z)]
            .iter()
            .fold(uri.to_string(), |uri, (name, n)| uri.replace(name, &n.to_string()))
    }

    /// The tile at a place of a subtree's Morton order, `at` the subtree's root.
    fn below(&self, [level, x, y, z]: [u64; 4], down: u32, morton: u64) -> [u64; 4] {
        let step = if self.octree { 3 } else { 2 };
        let spread = |axis: u32| (0..down).map(|b| (morton >> (b * step + axis) & 1) << b).sum::<u64>();
        let shift = |v: u64, axis: u32| (v << down) + if axis < step { spread(axis) } else { 0 };
        [level + u64::from(down), shift(x, 0), shift(y, 1), shift(z, 2)]
    }
}

fn template(uri: &str, octree: bool, at: &str, report: &mut Report) {
    let names: &[&str] = if octree { &["level", "x", "y", "z"] } else { &["level", "x", "y"] };
    let used: Vec<&str> = uri.split('{').skip(1).filter_map(|part| part.split('}').next()).collect();
    for unknown in used.iter().filter(|u| !names.contains(u)) {
        report.tell("TEMPLATE_URI_INVALID_VARIABLE_NAME", at, *unknown);
    }
    for missing in names.iter().filter(|n| !used.contains(n)) {
        report.tell("TEMPLATE_URI_MISSING_VARIABLE_NAME", at, *missing);
    }
}

/// What a subtree says: tiles with contents (which of the tile's contents) and further subtrees.
#[derive(Debug, Default)]
pub struct Subtree {
    pub tiles: u64,
    pub contents: Vec<([u64; 4], usize)>,
    pub children: Vec<[u64; 4]>,
}

/// A subtree's JSON and its binary chunk.
pub fn opened(bytes: &[u8]) -> Option<(Value, Vec<u8>)> {
    if bytes.get(..4)? != b"subt" {
        return Some((serde_json::from_slice(bytes).ok()?, vec![]));
    }
    let word = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?) as usize);
    let (json, binary) = (word(8)?, word(16)?);
    let chunk = bytes.get(24..24 + json)?;
    let rest = bytes.get(24 + json..24 + json + binary)?;
    (bytes.len() == 24 + json + binary && json % 8 == 0 && binary % 8 == 0).then_some(())?;
    Some((serde_json::from_slice(chunk).ok()?, rest.to_vec()))
}

/// Reads a subtree; `buffers` are its external buffers by address.
pub fn subtree(
    implicit: &Implicit,
    root: [u64; 4],
    json: &Node,
    binary: &[u8],
    buffers: &BTreeMap<String, Vec<u8>>,
    report: &mut Report,
) -> Option<Subtree> {
    let tiles = implicit.tiles(implicit.subtree_levels);
    let read = |node: &Node, bits: u64, report: &mut Report| available(json, node, bits, binary, buffers, report);
    let own = read(&json.required("tileAvailability", report)?, tiles, report)?;
    let next = json.required("childSubtreeAvailability", report)?;
    let below = read(&next, implicit.branches().pow(implicit.subtree_levels), report)?;
    let listed = json.get("contentAvailability").and_then(|c| c.array(1, report)).unwrap_or_default();
    let contents: Vec<Vec<bool>> = listed.iter().filter_map(|c| read(c, tiles, report)).collect();
    let mut found = Subtree { tiles: own.iter().filter(|b| **b).count() as u64, ..Subtree::default() };
    if !own.first().is_some_and(|b| *b) {
        report.tell("SUBTREE_AVAILABILITY_INCONSISTENT", &json.at, "the root of a subtree is not there");
    }
    for down in 0..implicit.subtree_levels {
        for morton in 0..implicit.branches().pow(down) {
            let at = (implicit.tiles(down) + morton) as usize;
            let parent = (down > 0).then(|| (implicit.tiles(down - 1) + morton / implicit.branches()) as usize);
            if own[at] && parent.is_some_and(|p| !own[p]) {
                report.tell("SUBTREE_AVAILABILITY_INCONSISTENT", &json.at, format!("tile {at} without its parent"));
            }
            for (k, _) in contents.iter().enumerate().filter(|(_, c)| c[at]) {
                if !own[at] {
                    report.tell("SUBTREE_AVAILABILITY_INCONSISTENT", &json.at, format!("content of no tile {at}"));
                }
                found.contents.push((implicit.below(root, down, morton), k));
            }
        }
    }
    let levels = implicit.subtree_levels;
    for (morton, _) in below.iter().enumerate().filter(|(_, b)| **b) {
        if !own[(implicit.tiles(levels - 1) + morton as u64 / implicit.branches()) as usize] {
            report.tell("SUBTREE_AVAILABILITY_INCONSISTENT", &json.at, format!("subtree {morton} without its parent"));
        }
        found.children.push(implicit.below(root, levels, morton as u64));
    }
    Some(found)
}

/// Bits of an availability.
fn available(
    json: &Node,
    of: &Node,
    count: u64,
    binary: &[u8],
    buffers: &BTreeMap<String, Vec<u8>>,
    report: &mut Report,
) -> Option<Vec<bool>> {
    if let Some(constant) = of.get("constant") {
        return Some(vec![constant.whole(0, report)? == 1; count as usize]);
    }
    let Some(at) = of.get("bitstream") else {
        report.tell("ANY_OF_ERROR", &of.at, "neither constant nor bitstream");
        return None;
    };
    let view = json.value["bufferViews"].get(at.whole(0, report)? as usize)?;
    let buffer = json.value["buffers"].get(view["buffer"].as_u64()? as usize)?;
    let whole = match buffer["uri"].as_str() {
        Some(uri) => buffers.get(uri)?.as_slice(),
        None => binary,
    };
    let from = view["byteOffset"].as_u64()? as usize;
    let bytes = whole.get(from..from + view["byteLength"].as_u64()? as usize);
    let Some(bytes) = bytes.filter(|b| b.len() as u64 == count.div_ceil(8)) else {
        report.tell("METADATA_INVALID_LENGTH", &of.at, format!("the bits of {count} are not there"));
        return None;
    };
    let bits: Vec<bool> = (0..count).map(|i| bytes[(i / 8) as usize] >> (i % 8) & 1 == 1).collect();
    let set = bits.iter().filter(|b| **b).count() as u64;
    if of.value["availableCount"].as_u64().is_some_and(|n| n != set) {
        report.tell("SUBTREE_AVAILABILITY_INCONSISTENT", &of.at, format!("{set} are there"));
    }
    Some(bits)
}
