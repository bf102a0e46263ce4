//! The ground of a new snapshot: heights that sources delivered, those of earlier imports that stay, and those between the
//! points of layers of spot heights. What they make together is `derive::ground`'s.

use crate::derive::ground::{self, points_key, points_layer, sheet_key, sheet_source};
use crate::error::Result;
use crate::layer::{Catalog, Layer, Role, SceneKind};
use crate::store::{BlobRef, Draft, GroundWriter};
use std::collections::BTreeMap;

/// Whether heights of the ground go to this layer.
pub fn is_terrain(layer: &Layer) -> bool {
    layer.scene.as_ref().is_some_and(|s| s.kind == SceneKind::Terrain)
}

/// Whether other layers may stand on what this one holds.
pub fn is_footing(layer: &Layer) -> bool {
    is_terrain(layer) || layer.has_role(Role::ElevationPoint)
}

/// The manifest's extra blobs with the ground that comes from the draft's layers, which are all in it.
pub struct Laid {
    pub extra: BTreeMap<String, BlobRef>,
    /// Whether the ground is another than before.
    pub changed: bool,
}

/// Makes the draft's ground. `read`: the sources of this import; `sheets`: the heights among them; `written`: the layers
/// that are new in the draft.
pub fn lay(
    draft: &Draft,
    catalog: &Catalog,
    read: &[&str],
    sheets: BTreeMap<String, GroundWriter>,
    written: &[&str],
) -> Result<Laid> {
    let layers = &draft.manifest.layers;
    let held = |source: &str| {
        let terrains = catalog.iter().filter(|(_, l)| is_terrain(l));
        let mut entries = terrains.filter_map(|(_, l)| layers.get(&l.id));
        entries.any(|e| e.sources.contains_key(source))
    };
    let gone = |key: &str| match (sheet_source(key), points_layer(key)) {
        (Some(source), _) => read.contains(&source) || !held(source),
        (_, Some(layer)) => {
            let here = catalog.find(layer).is_some_and(|ix| catalog.layer(ix).has_role(Role::ElevationPoint));
            !here || written.contains(&layer) || !layers.contains_key(layer)
        }
        _ => false,
    };
    let mut extra = draft.manifest.extra.clone();
    extra.retain(|key, _| !gone(key));
    for (source, sheet) in sheets {
        if !sheet.is_empty() {
            extra.insert(sheet_key(&source), draft.add_file(&sheet.seal()?)?);
        }
    }
    for (_, layer) in catalog.iter().filter(|(_, l)| l.has_role(Role::ElevationPoint)) {
        let entry = layers.get(&layer.id).filter(|_| written.contains(&layer.id.as_str()));
        let Some(entry) = entry else { continue };
        if let Some(path) = ground::between_points(draft.staging(), layer, &*draft.table(&entry.features)?)? {
            extra.insert(points_key(&layer.id), draft.add_file(&path)?);
        }
    }
    let changed = ground::renew(draft, &mut extra)?;
    Ok(Laid { extra, changed })
}
