//! The manifest of a snapshot: what it holds, by digest, and how its file is named, written and believed.
//! Opens no blob.

use super::blob::{damage, is_digest, read_file};
use crate::error::{Error, Result};
use crate::geo::BBox;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// The format this program writes. It reads this and older ones.
pub const FORMAT: u32 = 1;

/// A blob as a manifest names it. `blocks` is the digest of the blob that lists the BLAKE3 digests of its
/// 64 KiB blocks, 32 bytes each, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlobRef {
    pub digest: String,
    pub size: u64,
    pub blocks: String,
}

/// What a snapshot holds of one layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerEntry {
    /// Digest of the layer's declaration that the blobs were made with (hex).
    pub declaration: String,
    pub count: u64,
    /// Degrees: west, south, east, north; null when empty.
    pub bounds: Option<BBox>,
    /// All features, all fields, Hilbert order, R-tree.
    pub features: BlobRef,
    /// Nominal zoom → what is drawn there instead of `features`, by `derive`.
    pub overviews: BTreeMap<u8, BlobRef>,
    pub census: BlobRef,
    /// Sorted pairs (feature id u64 LE, byte offset in `features` u64 LE).
    pub ids: BlobRef,
    /// Source id → its records in this layer.
    pub sources: BTreeMap<String, u64>,
    /// Room for what later versions add (search index, height grid, register), and `models`.
    #[serde(default)]
    pub extra: BTreeMap<String, BlobRef>,
}

impl LayerEntry {
    /// Every blob of the layer.
    pub fn blobs(&self) -> impl Iterator<Item = &BlobRef> {
        [&self.features, &self.census, &self.ids].into_iter().chain(self.overviews.values()).chain(self.extra.values())
    }
}

/// `snapshots/<id>.json`. The id is `<sequence, 8 digits>-<first 12 hex digits of the BLAKE3 of the JSON>`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// 1. A newer server reads the older format, an older server refuses the newer.
    pub format: u32,
    /// One more than any snapshot that the store has: orders snapshots whatever the clock says.
    pub sequence: u64,
    /// RFC 3339, for people.
    pub created: String,
    /// The catalog as JSON (`Catalog::to_json`).
    pub catalog: BlobRef,
    pub layers: BTreeMap<String, LayerEntry>,
    #[serde(default)]
    pub extra: BTreeMap<String, BlobRef>,
}

/// Begins the name of a tileset's blob among a manifest's extra ones: `tileset/{layer}/{id}`.
const TILESET: &str = "tileset/";

/// Name among the manifest's extra blobs of a tileset made elsewhere.
pub fn tileset_key(layer: &str, id: &str) -> String {
    format!("{TILESET}{layer}/{id}")
}

/// Layer and id in the name of a tileset's blob; `None` of any other name.
pub fn tileset_of(key: &str) -> Option<(&str, &str)> {
    key.strip_prefix(TILESET)?.split_once('/')
}

/// Nothing but the format number, which every version's manifest has.
#[derive(Deserialize)]
struct FormatOnly {
    format: u32,
}

impl Manifest {
    /// Of a store that has no snapshot yet. A draft's catalog has to be set before it can be published.
    pub(super) fn empty() -> Manifest {
        let catalog = BlobRef { digest: String::new(), size: 0, blocks: String::new() };
        let (layers, extra) = (BTreeMap::new(), BTreeMap::new());
        Manifest { format: FORMAT, sequence: 0, created: String::new(), catalog, layers, extra }
    }

    /// Every blob, each with the layers that are lost without it; none where all are.
    pub fn blobs(&self) -> impl Iterator<Item = (&BlobRef, Option<&str>)> {
        let extra = self.extra.iter().map(|(key, b)| (b, tileset_of(key).map(|(layer, _)| layer)));
        std::iter::once((&self.catalog, None))
            .chain(extra)
            .chain(self.layers.iter().flat_map(|(id, l)| l.blobs().map(move |b| (b, Some(id.as_str())))))
    }

    /// The tilesets made elsewhere of a layer: their ids and blobs, by id.
    pub fn tilesets(&self, layer: &str) -> impl Iterator<Item = (&str, &BlobRef)> {
        let of = move |key: &str| tileset_of(key).is_some_and(|(l, _)| l == layer);
        let id = |key| tileset_of(key).map_or("", |(_, id)| id);
        self.extra.iter().filter(move |(key, _)| of(key)).map(move |(key, blob)| (id(key), blob))
    }

    /// The JSON and the id that it gets.
    pub(super) fn to_json(&self) -> Result<(Vec<u8>, String)> {
        let json = serde_json::to_vec_pretty(self)
            .map_err(|e| Error::Data(format!("the manifest cannot be written as JSON: {e}")))?;
        let id = id_of(self.sequence, &json);
        Ok((json, id))
    }

    /// Reads a manifest and believes it only if its bytes have the digest in its name.
    pub(super) fn read(store: &Path, id: &str) -> Result<Manifest> {
        let sequence = sequence_of(id).ok_or_else(|| Error::Missing(store.join("snapshots").join("(no such id)")))?;
        let (path, label) = (store.join("snapshots").join(file_name(id)), label(id));
        let json = read_file(&path).map_err(|e| damage(&path, label.clone(), e))?;
        if id_of(sequence, &json) != id {
            return Err(Error::damaged(label, "its bytes are not those of its name"));
        }
        let broken = |e: serde_json::Error| Error::damaged(label.clone(), format!("it is no manifest: {e}"));
        let FormatOnly { format } = serde_json::from_slice(&json).map_err(broken)?;
        if format > FORMAT {
            let what = format!("its format is {format}, this program reads up to {FORMAT}: use a newer chengtu");
            return Err(Error::config(path, 0, what));
        }
        let manifest: Manifest = serde_json::from_slice(&json).map_err(broken)?;
        let digests = |b: &BlobRef| is_digest(&b.digest) && is_digest(&b.blocks);
        match manifest.sequence == sequence && manifest.blobs().all(|(b, _)| digests(b)) {
            true => Ok(manifest),
            false => Err(Error::damaged(label, "its numbers or digests do not hold together")),
        }
    }
}

pub(super) fn file_name(id: &str) -> String {
    format!("{id}.json")
}

/// How a manifest is named in errors.
pub(super) fn label(id: &str) -> String {
    format!("snapshots/{id}.json")
}

fn id_of(sequence: u64, json: &[u8]) -> String {
    format!("{sequence:08}-{}", &blake3::hash(json).to_hex()[..12])
}

/// The sequence in a well-formed id. Nothing else is joined to a path.
pub(super) fn sequence_of(id: &str) -> Option<u64> {
    let (sequence, digest) = id.split_once('-')?;
    let hex = digest.len() == 12 && digest.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let digits = (8..=20).contains(&sequence.len()) && sequence.bytes().all(|b| b.is_ascii_digit());
    let number = sequence.parse().ok()?;
    (hex && digits && format!("{number:08}") == sequence).then_some(number)
}

/// Seconds since 1970 as RFC 3339 in UTC. Civil date from days: Howard Hinnant, "chrono-compatible low-level date
/// algorithms", `civil_from_days`.
pub(super) fn rfc3339(unix_s: u64) -> String {
    let (days, second) = (unix_s / 86_400, unix_s % 86_400);
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (h, m, s) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_civil() {
        let cases = [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_795_219_200, "2026-11-21T00:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ];
        for (unix_s, text) in cases {
            assert_eq!(rfc3339(unix_s), text);
        }
    }

    #[test]
    fn only_ids_are_ids() {
        assert_eq!(sequence_of("00000012-0123456789ab"), Some(12));
        assert_eq!(sequence_of("123456789-0123456789ab"), Some(123_456_789));
        for id in [
            "",
            "12-0123456789ab",
            "00000012-0123456789AB",
            "00000012-../../etc/x",
            "00000012",
            "+0000012-0123456789ab",
            "000000012-0123456789ab",
        ] {
            assert_eq!(sequence_of(id), None, "{id}");
        }
    }
}
