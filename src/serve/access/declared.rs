//! `[access]` of `chengtu.toml`, as it is written. What it comes to is `roles`, `keys` and `token`.

use crate::layer::Sensitivity;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Who may ask for what; without it everybody is the one audience of `open`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Declared {
    /// The role of requests without credentials; public layers and fields without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anonymous: Option<String>,
    pub roles: BTreeMap<String, Role>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<Key>,
    /// Further keys, in a file of `[[keys]]` that is read again when it changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys_file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwt: Option<Jwt>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub area_budget: Option<AreaBudget>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit: Option<Audit>,
}

/// What a role may see (`audience::Policy`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Role {
    pub clearance: Sensitivity,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deny: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only: Option<Vec<String>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, Fields>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<Rows>,
    pub area_budget_exempt: bool,
}

impl Default for Role {
    fn default() -> Role {
        Role {
            clearance: Sensitivity::Public,
            allow: vec![],
            deny: vec![],
            only: None,
            fields: BTreeMap::new(),
            rows: vec![],
            area_budget_exempt: false,
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fields {
    pub allow: Vec<String>,
    pub deny: Vec<String>,
}

/// What rows must be.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rows {
    /// All layers without it, where only an area is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layers: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Literal>,
    /// A GeoJSON file of polygons.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub area: Option<PathBuf>,
    /// The areas of a layer's rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub units: Option<Units>,
    /// The whole row, not a part of it, must lie in the area.
    pub within: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Units {
    pub layer: String,
    pub field: String,
    pub values: Vec<Literal>,
}

/// A value, as a text or a number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Literal {
    Text(String),
    Int(i64),
    Bool(bool),
}

impl Literal {
    pub fn text(&self) -> String {
        match self {
            Literal::Text(t) => t.clone(),
            Literal::Int(i) => i.to_string(),
            Literal::Bool(b) => b.to_string(),
        }
    }
}

/// An API key: its hash alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    pub id: String,
    /// `blake3:` and 64 hexadecimal digits, as `chengtu key` prints.
    pub hash: String,
    pub role: String,
    /// What it may ask for; everything without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// The last day it holds, UTC: YYYY-MM-DD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
}

/// Tokens of an identity provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jwt {
    pub issuer: String,
    pub audience: String,
    /// Of `ES256`, `EdDSA`, `RS256`.
    pub algorithms: Vec<String>,
    /// A JWK set in a file, read again when it changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<PathBuf>,
    /// Or at an address, fetched in the background.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_url: Option<String>,
    #[serde(default = "refresh_s")]
    pub refresh_s: u64,
    #[serde(default = "leeway_s")]
    pub leeway_s: u64,
    /// The claim that names roles: a text or a list, members of objects joined by dots.
    #[serde(default = "role_claim")]
    pub role_claim: String,
    /// What a claim's value means here; without an entry a value is a role's own name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub roles: BTreeMap<String, String>,
}

fn refresh_s() -> u64 {
    300
}

fn leeway_s() -> u64 {
    60
}

fn role_claim() -> String {
    "role".into()
}

/// How much of a city at large scale one caller may fetch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AreaBudget {
    /// Distinct cells of zoom 16 (WebMercatorQuad) in the window.
    pub cells: usize,
    /// Told in the log from here on.
    pub warn: usize,
    pub window_s: u64,
    /// Layers from this label on.
    pub sensitivity: Sensitivity,
    /// Tiles from this zoom on.
    pub from_zoom: u8,
}

impl Default for AreaBudget {
    fn default() -> AreaBudget {
        AreaBudget { cells: 91, warn: 60, window_s: 86_400, sensitivity: Sensitivity::Restricted, from_zoom: 14 }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    pub file: PathBuf,
    /// Seconds whose further reads of the same kind are one line.
    #[serde(default = "summary_s")]
    pub summary_s: u64,
}

fn summary_s() -> u64 {
    60
}

impl Declared {
    /// The files that say where areas lie: what they say is part of the rules.
    pub fn areas(&self) -> impl Iterator<Item = &PathBuf> {
        self.roles.values().flat_map(|r| &r.rows).filter_map(|r| r.area.as_ref())
    }

    /// Relative paths count from the settings file's folder.
    pub fn beside(&mut self, folder: &Path) {
        let areas = self.roles.values_mut().flat_map(|r| &mut r.rows).filter_map(|r| r.area.as_mut());
        let jwks = self.jwt.iter_mut().filter_map(|j| j.jwks.as_mut());
        let audit = self.audit.iter_mut().map(|a| &mut a.file);
        for path in areas.chain(jwks).chain(audit).chain(self.keys_file.as_mut()) {
            *path = folder.join(&*path);
        }
    }
}
