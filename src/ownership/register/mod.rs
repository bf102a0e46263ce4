//! The register (责任主体登记) and the rules, as data: what a register blob of a snapshot holds. Deliveries bring it
//! (`import`), `check` judges its references, `book` is the form that lookups use.

mod book;
mod check;

pub use book::{Book, ClassInfo, ClassIx, OrgIx, PolicyIx, Succession};
pub use check::{Flaw, Table, check};

use crate::error::{Error, Result};
use crate::layer::Role;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Name of the register's blob in a snapshot's `extra`.
pub const REGISTER: &str = "register";

/// What decides who is responsible, besides places and components.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Register {
    /// Code of the city's own territory (GB/T 2260, 410200), for roles at the level of the city.
    pub city: String,
    pub organisations: Vec<Organisation>,
    pub schemes: Vec<Scheme>,
    pub crosswalks: Vec<Crosswalk>,
    /// Beside the standard ones (`Policy::standard`); one with the same id replaces it.
    pub policies: Vec<Policy>,
    pub roles: Vec<RoleAssignment>,
    pub rulings: Vec<Ruling>,
    /// Scheme of the components' class codes, where `component_schemes` says nothing of their source.
    pub component_scheme: String,
    /// Source id → scheme: a code's length does not tell its scheme.
    pub component_schemes: BTreeMap<String, String>,
    /// Whom an urgent case goes to first where no street office is known.
    pub emergency: Option<String>,
}

impl Register {
    /// The blob: rows in the order of their keys, so that one register delivered in two orders is one blob.
    pub fn to_json(&self) -> Vec<u8> {
        let mut r = self.clone();
        r.organisations.sort_by(|a, b| a.code.cmp(&b.code));
        r.schemes.sort_by(|a, b| a.id.cmp(&b.id));
        for scheme in &mut r.schemes {
            scheme.classes.sort_by(|a, b| (a.kind, &a.code).cmp(&(b.kind, &b.code)));
        }
        r.crosswalks.sort_by(|a, b| (&a.from, &a.to).cmp(&(&b.from, &b.to)));
        for walk in &mut r.crosswalks {
            walk.rows.sort_by(|a, b| (a.kind, &a.code).cmp(&(b.kind, &b.code)));
        }
        r.policies.sort_by(|a, b| a.id.cmp(&b.id));
        r.roles.sort_by(|a, b| a.key().cmp(&b.key()));
        r.rulings.sort_by(|a, b| a.id.cmp(&b.id));
        serde_json::to_vec(&r).unwrap_or_default()
    }

    /// # Errors
    /// `Damaged` where the bytes are not what `to_json` writes.
    pub fn from_json(bytes: &[u8]) -> Result<Register> {
        serde_json::from_slice(bytes).map_err(|e| Error::damaged(REGISTER, format!("not a register: {e}")))
    }
}

/// A body that cases can be sent to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Organisation {
    /// Its unified social credit code (统一社会信用代码) or the city's own code: its id everywhere.
    pub code: String,
    pub name: String,
    /// Other names it goes by in deliveries.
    pub aliases: Vec<String>,
    /// Municipal department, enterprise, street office …; shown, not interpreted.
    pub kind: String,
    /// Who took over when it was merged or abolished.
    pub successor: Option<String>,
    /// Days or moments, [from, to).
    pub valid_from: Option<String>,
    pub valid_to: Option<String>,
    /// Personal data: shown masked but to those cleared for it.
    pub contact: Option<String>,
    pub phone: Option<String>,
}

/// A classification of components and matters, named like `cjt214-2007` or `gbt47678.5-2026`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scheme {
    pub id: String,
    /// For classes that name no policy and get none through a crosswalk.
    pub default_policy: String,
    pub classes: Vec<Class>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClassKind {
    /// 部件
    Component,
    /// 事项, called events (事件) before 2026. Majors 01–05 are anomalies of components.
    #[serde(alias = "event")]
    Matter,
}

/// A class of a scheme. Its key is (scheme, kind, code): components and matters share numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    pub kind: ClassKind,
    pub code: String,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub policy: Option<String>,
    /// Of a matter: the component class it is an anomaly of.
    #[serde(default)]
    pub component: Option<String>,
    /// The industry's role (行业主管) that rule R4 looks for, and the level of territory it is held at.
    #[serde(default)]
    pub role: Option<String>,
    #[serde(default)]
    pub role_level: Option<RoleLevel>,
    /// In which order rule R1 asks; default maintainer, owner.
    #[serde(default)]
    pub holders: Option<Vec<Holder>>,
    /// Nobody owns it by definition (无主, 不明): R1 never applies, the fallback asks for a ruling.
    #[serde(default)]
    pub ownerless: Option<bool>,
    /// The territory is never the answer (R6).
    #[serde(default)]
    pub no_fallback: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RoleLevel {
    City,
    District,
    Street,
}

/// Who of those that a component names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Holder {
    /// 养护单位
    Maintainer,
    /// 权属单位
    Owner,
    /// 主管部门, where it handles cases itself
    Supervisor,
}

/// Which codes of one scheme mean which of another, kind by kind.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Crosswalk {
    pub from: String,
    pub to: String,
    pub rows: Vec<CrosswalkRow>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrosswalkRow {
    pub kind: ClassKind,
    pub code: String,
    /// One, several or none.
    pub to: Vec<String>,
    /// Whether both mean the same.
    pub exact: bool,
}

/// The rules of the specification, 6.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Rule {
    /// 确权裁定
    R0,
    /// The component's holders
    R1,
    /// 分片包区
    R2,
    /// Duty for a road section, green area, water body or site
    R3,
    /// The industry's body in the territory
    R4,
    /// The body written on the unit grid
    R5,
    /// 属地兜底
    R6,
}

/// The order in which rules are asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    pub id: String,
    pub rules: Vec<Rule>,
    /// What R3 looks at: layers with this role.
    #[serde(default)]
    pub duty: Option<Role>,
}

impl Policy {
    /// The policies of the specification.
    pub fn standard() -> Vec<Policy> {
        use Rule::{R0, R1, R2, R3, R4, R5, R6};
        let policy = |id: &str, rules: &[Rule], duty| Policy { id: id.to_string(), rules: rules.to_vec(), duty };
        let linear = |id, role| policy(id, &[R0, R2, R3, R4, R5, R6], Some(role));
        vec![
            policy("OWNER_THEN_TERRITORY", &[R0, R1, R2, R5, R6], None),
            policy("AREA_THEN_OWNER", &[R0, R2, R1, R5, R6], None),
            policy("INDUSTRY_AT_CITY", &[R0, R2, R4, R5, R6], None),
            policy("INDUSTRY_AT_DISTRICT", &[R0, R2, R4, R5, R6], None),
            linear("ROAD_SECTION_THEN_INDUSTRY", Role::RoadSurface),
            linear("GREEN_AREA_THEN_INDUSTRY", Role::GreenArea),
            linear("WATER_BODY_THEN_INDUSTRY", Role::WaterArea),
            linear("SITE_THEN_INDUSTRY", Role::ConstructionSite),
        ]
    }
}

/// Who holds a role in a territory.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RoleAssignment {
    pub role: String,
    /// Code of the city, a district or a street.
    pub territory: String,
    pub organisation: String,
    pub valid_from: Option<String>,
    pub valid_to: Option<String>,
    /// Weekly (`Schedule`).
    pub schedule: Option<String>,
}

impl RoleAssignment {
    fn key(&self) -> [Option<&str>; 6] {
        let all = [&self.role, &self.territory, &self.organisation].map(|t| Some(t.as_str()));
        let [role, territory, organisation] = all;
        [role, territory, organisation, self.valid_from.as_deref(), self.valid_to.as_deref(), self.schedule.as_deref()]
    }
}

/// A decision on responsibility (确权裁定) for one component, or for classes in an area.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ruling {
    /// Number of the decision, each once.
    pub id: String,
    pub organisation: String,
    /// Rank of the body that decided: the higher wins.
    pub rank: i64,
    /// When it decided: of equal rank the later wins.
    pub decided: String,
    pub component: Option<String>,
    /// Codes of territories of any level, or of special areas.
    pub areas: Vec<String>,
    /// Rings of `[longitude°, latitude°]`, closed, the first the exterior; one polygon.
    pub polygon: Vec<Vec<[f64; 2]>>,
    /// As in an area's class set; empty means all.
    pub classes: String,
    pub valid_from: Option<String>,
    pub valid_to: Option<String>,
}
