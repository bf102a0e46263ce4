//! Names of areas. A layer that declares `label` has a companion in its tiles: points, one for each area and in one
//! tile of each zoom alone, so that a name stands once however many tiles show parts of its area.

use super::{Field, Layer};

/// What the companion's name ends in, after the layer's own. No id of a layer has a slash.
const ENDING: &str = "/label";

impl Layer {
    /// Name in tiles of the layer of points that carry the areas' names; none where the layer declares no `label`.
    pub fn label_layer(&self) -> Option<String> {
        (!self.label.is_empty()).then(|| format!("{}{ENDING}", self.id))
    }

    /// Whether tiles of nominal zoom `z` have them.
    pub fn has_labels_at(&self, z: u8) -> bool {
        !self.label.is_empty() && z >= self.label_zoom
    }

    /// Whether the points carry a field.
    pub fn labels_with(&self, field: &Field) -> bool {
        self.label.contains(&field.name)
    }
}

/// The id of the layer that a layer of a tile shows, and whether it is its names.
pub fn shown_by(tile_layer: &str) -> (&str, bool) {
    tile_layer.strip_suffix(ENDING).map_or((tile_layer, false), |id| (id, true))
}
