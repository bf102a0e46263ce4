//! What a snapshot knows of a tileset made elsewhere, beside its files: how it is linked and how large it is.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The account of a registered tileset; stands in its `Files` as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tileset {
    /// Name of its entrance among the files.
    pub root: String,
    /// `asset.version`.
    pub version: String,
    /// Bounding volume of its root as 3D Tiles write it, in geocentric metres (radians for a region).
    pub volume: serde_json::Value,
    /// A sphere around that volume: centre and radius, geocentric metres.
    pub sphere_m: [f64; 4],
    /// Geometric error of the whole, metres.
    pub error_m: f64,
    /// Metres that the whole is lifted by when it is served.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub lift_m: f64,
    pub tiles: u64,
    pub files: u64,
    pub bytes: u64,
    /// Format → contents.
    pub contents: BTreeMap<String, u64>,
}

fn is_zero(x: &f64) -> bool {
    *x == 0.0
}

impl Tileset {
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    pub fn from_json(bytes: &[u8], file: &str) -> Result<Tileset> {
        serde_json::from_slice(bytes).map_err(|e| Error::damaged(file, format!("it is no tileset's account: {e}")))
    }
}

/// What a file of a tileset is, as its bytes are told to clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    Binary,
    Json,
    Gltf,
    Glb,
    Jpeg,
    Png,
    Webp,
    Ktx2,
}

/// A file's media type, and whether its bytes are gzip already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileKind {
    pub media: Media,
    pub gzip: bool,
}

const MEDIA: [Media; 8] =
    [Media::Binary, Media::Json, Media::Gltf, Media::Glb, Media::Jpeg, Media::Png, Media::Webp, Media::Ktx2];
const GZIP: u64 = 1 << 8;

impl FileKind {
    /// The number in the index of the files.
    pub fn number(self) -> u64 {
        let media = MEDIA.iter().position(|m| *m == self.media).unwrap_or_default() as u64;
        media | if self.gzip { GZIP } else { 0 }
    }

    pub fn of(number: u64) -> FileKind {
        let media = MEDIA.get((number & 0xff) as usize).copied().unwrap_or(Media::Binary);
        FileKind { media, gzip: number & GZIP != 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_comes_back_from_its_number() {
        for media in MEDIA {
            for gzip in [false, true] {
                let kind = FileKind { media, gzip };
                assert_eq!(FileKind::of(kind.number()), kind);
            }
        }
    }
}
