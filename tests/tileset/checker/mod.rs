//! A checker of tilesets for the tests: JSON, volumes, errors, links, contents, the features over the cut. The rules are
//! those of 3D Tiles 1.1 and of its metadata and glTF extensions; `Rules::House` adds what this server promises.
//!
//! Out of its scope: the insides of b3dm, i3dm, pnts, cmpt and 3tz contents, which this server does not write; feature id
//! textures and property textures and attributes; the glTF core, which Khronos' validator judges (`tests/gltf.rs`).

#![allow(dead_code, reason = "each test uses its own part")]

pub mod content;
pub mod cut;
pub mod document;
pub mod gltf;
pub mod implicit;
pub mod json;
pub mod metadata;
pub mod over;
pub mod report;
pub mod tile;
pub mod volume;
pub mod walk;

pub use over::{from_folder, over};
pub use report::Report;
pub use walk::{Fetched, Rules, Walked, walk};

use json::Node;

/// One file alone: a tileset, or a schema.
pub fn parsed(bytes: &[u8], report: &mut Report) -> Option<serde_json::Value> {
    if bytes.starts_with(&[0xEF, 0xBB, 0xBF]) {
        report.tell("IO_ERROR", "", "JSON begins with a byte order mark");
        return None;
    }
    match serde_json::from_slice(bytes) {
        Ok(value) => Some(value),
        Err(e) => {
            report.tell("JSON_PARSE_ERROR", "", e.to_string());
            None
        }
    }
}

/// A schema in a file of its own.
pub fn schema(bytes: &[u8], report: &mut Report) {
    if let Some(value) = parsed(bytes, report) {
        metadata::schema(&Node::root(&value), report);
    }
}
