//! Who asks: which layers, fields and rows exist for them. No handler reaches the city without an `Audience`,
//! and its `tag` is part of every cache key.

mod area;
mod policy;
mod rows;

pub use area::Area;
pub use policy::{AreaRule, FieldRules, LayerSet, Policy, RowRule};
pub use rows::{RowSource, Seen};

use crate::error::Result;
use crate::layer::{Field, Layer, Sensitivity};
use std::fmt;
use std::sync::Arc;

/// What one caller may see; cheap to clone. Peers are never trusted by address: a proxy on the same host is a peer too.
#[derive(Clone)]
pub struct Audience {
    /// The most sensitive label this audience may see where no policy says more.
    clearance: Sensitivity,
    policy: Option<Arc<Policy>>,
    /// Of the city that is asked: which rows the policy's rules leave.
    rows: Option<Arc<dyn RowSource>>,
}

impl fmt::Debug for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Audience").field(&self.tag()).finish()
    }
}

impl Audience {
    /// Public layers and public fields: what anybody gets without configuration.
    pub const PUBLIC: Audience = Audience { clearance: Sensitivity::Public, policy: None, rows: None };
    /// Everything, by the one explicit switch `--open`. Personal fields stay out of tiles all the same.
    pub const OPEN: Audience = Audience { clearance: Sensitivity::Personal, policy: None, rows: None };

    /// The audience of a role. Sees no row of a layer that its rules speak of until it stands `before` a city.
    pub fn of(policy: Arc<Policy>) -> Audience {
        Audience { clearance: policy.clearance, policy: Some(policy), rows: None }
    }

    /// The same before the city whose rows these are.
    pub fn before(&self, rows: &Arc<dyn RowSource>) -> Audience {
        let wanted = self.policy.as_ref().is_some_and(|p| !p.rows.is_empty());
        Audience { rows: wanted.then(|| Arc::clone(rows)), ..self.clone() }
    }

    /// Whether it stands before a city where its rules speak of rows; till then it sees none of those.
    pub fn is_before_a_city(&self) -> bool {
        self.rows.is_some()
    }

    /// Short name in cache keys and logs. Audiences that see different things have different ones.
    pub fn tag(&self) -> &str {
        match (&self.policy, self.clearance) {
            (Some(policy), _) => &policy.tag,
            (None, Sensitivity::Public) => "public",
            (None, _) => "open",
        }
    }

    pub fn sees_layer(&self, layer: &Layer) -> bool {
        match &self.policy {
            Some(policy) => policy.sees_layer(layer),
            None => layer.sensitivity <= self.clearance,
        }
    }

    /// Of a layer that is seen.
    pub fn sees_field(&self, layer: &Layer, field: &Field) -> bool {
        match &self.policy {
            Some(policy) => policy.sees_field(layer, field),
            None => field.sensitivity_in(layer) <= self.clearance,
        }
    }

    /// Personal data is never in a tile, whoever asks.
    pub fn sees_field_in_tiles(&self, layer: &Layer, field: &Field) -> bool {
        field.sensitivity_in(layer) < Sensitivity::Personal && self.sees_field(layer, field)
    }

    /// Personal data unmasked: names and telephone numbers of responsible persons.
    pub fn sees_personal(&self) -> bool {
        self.clearance >= Sensitivity::Personal
    }

    /// Which rows of a layer it sees; `None` = all of them.
    ///
    /// # Errors
    /// Where the rows cannot be read.
    pub fn rows(&self, layer: &Layer) -> Result<Option<Arc<Seen>>> {
        let Some(policy) = self.policy.as_ref().filter(|p| p.narrows(layer)) else { return Ok(None) };
        match &self.rows {
            Some(rows) => rows.rows(policy, layer).map(Some),
            None => Ok(Some(Arc::new(Seen::default()))),
        }
    }

    /// Whether it may see some rows of the layer and others not.
    pub fn narrows(&self, layer: &Layer) -> bool {
        self.policy.as_ref().is_some_and(|p| p.narrows(layer))
    }

    /// Whether a shared cache may keep the answers: nobody gets others.
    pub fn is_public(&self) -> bool {
        self.policy.is_none() && self.clearance == Sensitivity::Public
    }

    /// The role's policy, where one was configured.
    pub fn policy(&self) -> Option<&Arc<Policy>> {
        self.policy.as_ref()
    }
}
