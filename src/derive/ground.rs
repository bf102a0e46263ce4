//! The ground: the heights that several sources brought, put together into one pyramid of tiles, and the tree of its 3D
//! tiles. Where sources overlap the finest is taken; what is drawn coarser knows how far it leaves the finest.

mod compose;
mod points;
mod tree;

pub use points::between_points;
pub use tree::apart_m;

use crate::error::Result;
use crate::store::{BlobRef, Draft, GROUND};
use std::collections::BTreeMap;

/// Name among a manifest's extra blobs of the tree of the ground's 3D tiles.
pub const GROUND_SCENE: &str = "ground-scene";
const SHEET: &str = "ground-sheet/";
const POINTS: &str = "ground-points/";

/// Name among a manifest's extra blobs of the heights that one source brought.
pub fn sheet_key(source: &str) -> String {
    format!("{SHEET}{source}")
}

/// Name of those made of the points of a layer.
pub fn points_key(layer: &str) -> String {
    format!("{POINTS}{layer}")
}

/// The source of a key of `sheet_key`.
pub fn sheet_source(key: &str) -> Option<&str> {
    key.strip_prefix(SHEET)
}

/// The layer of a key of `points_key`.
pub fn points_layer(key: &str) -> Option<&str> {
    key.strip_prefix(POINTS)
}

/// Makes the ground anew in `extra`, the manifest's extra blobs as they will be, where its heights are not those of the
/// draft's base; whether it changed.
pub fn renew(draft: &Draft, extra: &mut BTreeMap<String, BlobRef>) -> Result<bool> {
    let sheets = |extra: &BTreeMap<String, BlobRef>| -> BTreeMap<String, String> {
        let own = extra.iter().filter(|(k, _)| k.starts_with(SHEET) || k.starts_with(POINTS));
        own.map(|(k, b)| (k.clone(), b.digest.clone())).collect()
    };
    let wanted = sheets(extra);
    let before = draft.base().map(|base| sheets(&base.manifest.extra)).unwrap_or_default();
    if wanted == before && extra.contains_key(GROUND) != wanted.is_empty() {
        return Ok(false);
    }
    let old = extra.remove(GROUND);
    extra.remove(GROUND_SCENE);
    let mut sources = vec![];
    for key in wanted.keys() {
        if let Some(blob) = extra.get(key) {
            sources.push((key.as_str(), draft.ground_of(blob)?));
        }
    }
    // What was measured before what is guessed between points; the finest first; of equals the last by name.
    sources.sort_by(|(a, x), (b, y)| {
        let rank = |key: &str| key.starts_with(POINTS);
        rank(a).cmp(&rank(b)).then(y.finest().cmp(&x.finest())).then(b.cmp(a))
    });
    let sources: Vec<_> = sources.into_iter().map(|(_, ground)| ground).collect();
    if let Some(composed) = compose::compose(draft.staging(), &sources)? {
        let ground = draft.add_file(&composed.path)?;
        let tree = draft.add_bytes(&tree::tree(&draft.ground_of(&ground)?, &composed.measures).to_bytes()?)?;
        extra.insert(GROUND.to_string(), ground);
        extra.insert(GROUND_SCENE.to_string(), tree);
    }
    let digest = |blob: Option<&BlobRef>| blob.map(|b| b.digest.clone());
    Ok(digest(old.as_ref()) != digest(extra.get(GROUND)))
}
