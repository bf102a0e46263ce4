//! The ground of a new snapshot: heights that sources delivered, those of earlier imports that stay, and those between the
//! points of layers of spot heights. What they make together is `derive::ground`'s.

use crate::derive::ground::{self, points_key, points_layer, sheet_key, sheet_source};
use crate::error::Result;
use crate::layer::{Catalog, Layer, Role, SceneKind};
use crate::store::{Draft, GroundWriter};
use std::collections::BTreeMap;

/// Whether heights of the ground go to this layer.
pub fn is_terrain(layer: &Layer) -> bool {
    layer.scene.as_ref().is_some_and(|s| s.kind == SceneKind::Terrain)
}

/// Whether other layers may stand on what this one holds.
pub fn is_footing(layer: &Layer) -> bool {
    is_terrain(layer) || layer.has_role(Role::ElevationPoint)
}

/// Makes the draft's ground once the layers that it comes from are in it; whether it changed. `read`: the sources of this
/// import; `sheets`: the heights among them; `written`: the layers that are new in the draft.
pub fn lay(
    draft: &mut Draft,
    catalog: &Catalog,
    read: &[&str],
    sheets: BTreeMap<String, GroundWriter>,
    written: &[&str],
) -> Result<bool> {
    let held = |source: &str| {
        let terrains = catalog.iter().filter(|(_, l)| is_terrain(l));
        let mut entries = terrains.filter_map(|(_, l)| draft.manifest.layers.get(&l.id));
        entries.any(|e| e.sources.contains_key(source))
    };
    let gone = |key: &&String| match (sheet_source(key), points_layer(key)) {
        (Some(source), _) => read.contains(&source) || !held(source),
        (_, Some(layer)) => {
            let here = catalog.find(layer).is_some_and(|ix| catalog.layer(ix).has_role(Role::ElevationPoint));
            !here || written.contains(&layer) || !draft.manifest.layers.contains_key(layer)
        }
        _ => false,
    };
    let gone: Vec<String> = draft.manifest.extra.keys().filter(gone).cloned().collect();
    gone.iter().for_each(|key| drop(draft.manifest.extra.remove(key)));
    for (source, sheet) in sheets {
        if !sheet.is_empty() {
            let blob = draft.add_file(&sheet.seal()?)?;
            draft.manifest.extra.insert(sheet_key(&source), blob);
        }
    }
    for (_, layer) in catalog.iter().filter(|(_, l)| l.has_role(Role::ElevationPoint)) {
        let entry = draft.manifest.layers.get(&layer.id).filter(|_| written.contains(&layer.id.as_str()));
        let Some(features) = entry.map(|e| e.features.clone()) else { continue };
        if let Some(path) = ground::between_points(draft.staging(), layer, &*draft.table(&features)?)? {
            let blob = draft.add_file(&path)?;
            draft.manifest.extra.insert(points_key(&layer.id), blob);
        }
    }
    ground::renew(draft)
}
