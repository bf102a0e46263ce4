//! Who asks: which layers and fields exist for them. No handler reaches the city without an `Audience`,
//! and its `tag` is part of every cache key.

use crate::layer::{Field, Layer, Sensitivity};

/// What one caller may see. Peers are never trusted by address: a proxy on the same host is a peer too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audience {
    /// Short name in cache keys, logs and metrics.
    pub tag: &'static str,
    /// The most sensitive label this audience may see.
    clearance: Sensitivity,
}

impl Audience {
    /// Public layers and public fields: what anybody gets without configuration.
    pub const PUBLIC: Audience = Audience { tag: "public", clearance: Sensitivity::Public };
    /// Everything, by the one explicit switch `--open`. Personal fields stay out of tiles all the same.
    pub const OPEN: Audience = Audience { tag: "open", clearance: Sensitivity::Personal };

    pub fn sees_layer(&self, layer: &Layer) -> bool {
        layer.sensitivity <= self.clearance
    }

    pub fn sees_field(&self, layer: &Layer, field: &Field) -> bool {
        field.sensitivity_in(layer) <= self.clearance
    }

    /// Personal data is never in a tile, whoever asks.
    pub fn sees_field_in_tiles(&self, layer: &Layer, field: &Field) -> bool {
        field.sensitivity_in(layer) < Sensitivity::Personal && self.sees_field(layer, field)
    }

    /// Personal data unmasked: names and telephone numbers of responsible persons.
    pub fn sees_personal(&self) -> bool {
        self.clearance >= Sensitivity::Personal
    }

    /// Whether a shared cache may keep the answers.
    pub fn is_public(&self) -> bool {
        self.clearance == Sensitivity::Public
    }
}
