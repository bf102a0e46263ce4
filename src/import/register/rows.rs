//! Rows of the register's tables → its types. A cell that cannot be read is a flaw of its row; whether what is
//! read makes sense is judged by `ownership::register::check`.

use super::polygon;
use super::sheet::Row;
use crate::layer::Role;
use crate::ownership::register::{
    Class, ClassKind, CrosswalkRow, Holder, Organisation, Policy, RoleAssignment, RoleLevel, Rule, Ruling,
};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error, StrDeserializer};

const KINDS: &[(&str, ClassKind)] = &[
    ("component", ClassKind::Component),
    ("matter", ClassKind::Matter),
    ("event", ClassKind::Matter),
    ("部件", ClassKind::Component),
    ("事项", ClassKind::Matter),
    ("事件", ClassKind::Matter),
];
const LEVELS: &[(&str, RoleLevel)] = &[
    ("city", RoleLevel::City),
    ("district", RoleLevel::District),
    ("street", RoleLevel::Street),
    ("市级", RoleLevel::City),
    ("区级", RoleLevel::District),
    ("街道", RoleLevel::Street),
];
const HOLDERS: &[(&str, Holder)] = &[
    ("maintainer", Holder::Maintainer),
    ("owner", Holder::Owner),
    ("supervisor", Holder::Supervisor),
    ("养护单位", Holder::Maintainer),
    ("权属单位", Holder::Owner),
    ("主管部门", Holder::Supervisor),
];
const RULES: &[(&str, Rule)] = &[
    ("R0", Rule::R0),
    ("R1", Rule::R1),
    ("R2", Rule::R2),
    ("R3", Rule::R3),
    ("R4", Rule::R4),
    ("R5", Rule::R5),
    ("R6", Rule::R6),
];

pub fn organisation(row: &mut Row) -> Option<Organisation> {
    Some(Organisation {
        code: row.code("code").unwrap_or_default(),
        name: row.text("name").unwrap_or_default(),
        aliases: row.list("aliases"),
        kind: row.text("kind").unwrap_or_default(),
        successor: row.code("successor"),
        valid_from: row.day("valid_from"),
        valid_to: row.day("valid_to"),
        contact: row.text("contact"),
        phone: row.text("phone"),
    })
}

pub fn role(row: &mut Row) -> Option<RoleAssignment> {
    Some(RoleAssignment {
        role: row.text("role").unwrap_or_default(),
        territory: row.code("territory").unwrap_or_default(),
        organisation: row.code("organisation").unwrap_or_default(),
        valid_from: row.day("valid_from"),
        valid_to: row.day("valid_to"),
        schedule: row.text("schedule"),
    })
}

pub fn ruling(row: &mut Row) -> Option<Ruling> {
    let polygon = match row.text("polygon").map(|text| polygon::parse(&text)) {
        Some(Ok(rings)) => rings,
        Some(Err(what)) => {
            row.flaw("polygon", &what);
            vec![]
        }
        None => vec![],
    };
    Some(Ruling {
        id: row.text("id").unwrap_or_default(),
        organisation: row.code("organisation").unwrap_or_default(),
        rank: row.integer("rank").unwrap_or_default(),
        decided: row.day("decided").unwrap_or_default(),
        component: row.code("component"),
        areas: row.codes("areas"),
        polygon,
        classes: row.text("classes").unwrap_or_default(),
        valid_from: row.day("valid_from"),
        valid_to: row.day("valid_to"),
    })
}

pub fn policy(row: &mut Row) -> Option<Policy> {
    let duty = row.text("duty").and_then(|text| {
        let de: StrDeserializer<'_, Error> = text.as_str().into_deserializer();
        Role::deserialize(de).map_err(|e| row.flaw("duty", &e.to_string())).ok()
    });
    Some(Policy {
        id: row.text("id").unwrap_or_default(),
        rules: row.some_of("rules", RULES).unwrap_or_default(),
        duty,
    })
}

/// None where the kind, half of the key, cannot be read.
pub fn class(row: &mut Row) -> Option<Class> {
    let kind = kind(row)?;
    let code = row.code("code").unwrap_or_default();
    let component = row.code("component");
    // A component class may name itself.
    let component = match (kind, component) {
        (ClassKind::Component, Some(other)) if other != code => {
            row.flaw("component", "is for matters: which component they are an anomaly of");
            None
        }
        (ClassKind::Component, _) => None,
        (ClassKind::Matter, component) => component,
    };
    Some(Class {
        kind,
        code,
        name: row.text("name").unwrap_or_default(),
        policy: row.text("policy"),
        component,
        role: row.text("role"),
        role_level: row.one_of("role_level", LEVELS),
        holders: row.some_of("holders", HOLDERS),
        ownerless: row.flag("ownerless"),
        no_fallback: row.flag("no_fallback"),
    })
}

fn kind(row: &mut Row) -> Option<ClassKind> {
    let before = row.flaws.len();
    let kind = row.one_of("kind", KINDS);
    if kind.is_none() && row.flaws.len() == before {
        row.flaw("kind", "is blank; it is component or matter");
    }
    kind
}

pub fn crosswalk(row: &mut Row) -> Option<CrosswalkRow> {
    #[derive(Clone, Copy, PartialEq)]
    enum Relation {
        Exact,
        Approximate,
        OneToMany,
        None,
    }
    const RELATIONS: &[(&str, Relation)] = &[
        ("exact", Relation::Exact),
        ("approximate", Relation::Approximate),
        ("one_to_many", Relation::OneToMany),
        ("none", Relation::None),
    ];
    let kind = kind(row)?;
    let (code, to) = (row.code("code").unwrap_or_default(), row.codes("to"));
    let before = row.flaws.len();
    let relation = row.one_of("relation", RELATIONS);
    let fits = match relation {
        Some(Relation::Exact | Relation::Approximate) => to.len() == 1,
        Some(Relation::OneToMany) => to.len() > 1,
        Some(Relation::None) => to.is_empty(),
        None if row.flaws.len() == before => false,
        None => true,
    };
    if !fits {
        let said = relation.and_then(|r| RELATIONS.iter().find(|(_, known)| *known == r)).map_or("", |(name, _)| name);
        row.flaw("relation", &format!("`{said}` does not fit {} codes in `to`", to.len()));
    }
    Some(CrosswalkRow { kind, code, to, exact: relation == Some(Relation::Exact) })
}
