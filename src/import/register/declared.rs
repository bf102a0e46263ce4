//! What `[register]` of a manifest may say, as serde reads it, and what is wrong with it before any table is read.
//! Tables are read in `sheet`, their rows in `rows`.

use crate::import::check::{Checked, check_encoding, is_special, like};
use crate::import::load::{ManifestFile, resolve};
use crate::ownership::register::Table;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use toml::Spanned;

/// `[register]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisterDecl {
    /// Code of the city's own territory.
    pub city: Spanned<String>,
    pub component_scheme: Option<Spanned<String>>,
    #[serde(default)]
    pub component_schemes: BTreeMap<String, String>,
    pub emergency: Option<Spanned<String>>,
    pub organisations: TableDecl,
    pub roles: Option<TableDecl>,
    pub rulings: Option<TableDecl>,
    pub policies: Option<TableDecl>,
    #[serde(default, rename = "scheme")]
    pub schemes: Vec<SchemeDecl>,
    #[serde(default, rename = "crosswalk")]
    pub crosswalks: Vec<CrosswalkDecl>,
}

/// `[[register.scheme]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchemeDecl {
    pub id: Spanned<String>,
    pub default_policy: String,
    pub classes: TableDecl,
}

/// `[[register.crosswalk]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrosswalkDecl {
    pub from: Spanned<String>,
    pub to: String,
    pub rows: TableDecl,
}

/// A CSV table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableDecl {
    pub path: Spanned<String>,
    pub encoding: Option<Spanned<String>>,
    /// Field → heading, where the heading is not the field's name.
    #[serde(default)]
    pub columns: BTreeMap<String, Spanned<String>>,
    /// Field → the value that all rows have.
    #[serde(default)]
    pub values: BTreeMap<String, Spanned<String>>,
    /// How many rows the supplier states.
    pub rows: Option<u64>,
}

/// The fields of a table: those that must be there and those that may.
#[derive(Debug)]
pub struct Shape {
    pub name: &'static str,
    pub needed: &'static [&'static str],
    pub optional: &'static [&'static str],
}

pub const ORGANISATIONS: Shape = Shape {
    name: "organisations",
    needed: &["code", "name"],
    optional: &["aliases", "kind", "successor", "valid_from", "valid_to", "contact", "phone"],
};
pub const ROLES: Shape = Shape {
    name: "roles",
    needed: &["role", "territory", "organisation"],
    optional: &["valid_from", "valid_to", "schedule"],
};
pub const RULINGS: Shape = Shape {
    name: "rulings",
    needed: &["id", "organisation", "decided"],
    optional: &["rank", "component", "areas", "polygon", "classes", "valid_from", "valid_to"],
};
pub const POLICIES: Shape = Shape { name: "policies", needed: &["id", "rules"], optional: &["duty"] };
pub const CLASSES: Shape = Shape {
    name: "classes",
    needed: &["kind", "code"],
    optional: &["name", "policy", "component", "role", "role_level", "holders", "ownerless", "no_fallback"],
};
pub const CROSSWALK: Shape = Shape { name: "crosswalk", needed: &["kind", "code", "to", "relation"], optional: &[] };

impl Shape {
    pub fn fields(&self) -> impl Iterator<Item = &'static str> {
        self.needed.iter().chain(self.optional).copied()
    }
}

/// A manifest's `[register]`, ready to be read.
#[derive(Debug, Clone)]
pub struct RegisterSource {
    /// The delivery's id.
    pub id: String,
    pub file: Arc<ManifestFile>,
    /// Of the section.
    pub at: Range<usize>,
    pub decl: RegisterDecl,
}

impl RegisterSource {
    /// Every table that is declared.
    pub fn tables(&self) -> Vec<(Table, &'static Shape, &TableDecl)> {
        let d = &self.decl;
        let optional = [
            (Table::Policies, &POLICIES, &d.policies),
            (Table::Roles, &ROLES, &d.roles),
            (Table::Rulings, &RULINGS, &d.rulings),
        ];
        let mut all = vec![(Table::Organisations, &ORGANISATIONS, &d.organisations)];
        all.extend(d.schemes.iter().enumerate().map(|(i, s)| (Table::Classes(i), &CLASSES, &s.classes)));
        all.extend(d.crosswalks.iter().enumerate().map(|(i, c)| (Table::Crosswalk(i), &CROSSWALK, &c.rows)));
        all.extend(optional.into_iter().filter_map(|(table, shape, decl)| Some((table, shape, decl.as_ref()?))));
        all
    }

    /// What people call a table.
    pub fn name_of(&self, table: Table, shape: &Shape) -> String {
        match table {
            Table::Classes(i) => format!("classes of {}", self.decl.schemes[i].id.get_ref()),
            Table::Crosswalk(i) => {
                let walk = &self.decl.crosswalks[i];
                format!("crosswalk of {} to {}", walk.from.get_ref(), walk.to)
            }
            _ => shape.name.to_string(),
        }
    }

    /// Where the manifest speaks of a table.
    pub fn span_of(&self, table: Table) -> Range<usize> {
        match table {
            Table::Classes(i) => self.decl.schemes[i].id.span(),
            Table::Crosswalk(i) => self.decl.crosswalks[i].from.span(),
            _ => self.at.clone(),
        }
    }

    pub fn path_of(&self, decl: &TableDecl) -> Result<PathBuf, String> {
        resolve(decl.path.get_ref(), &self.file.path)
    }

    /// Without reading a table.
    pub fn check(&self) -> Checked {
        let mut checked = Checked::default();
        for (_, shape, decl) in self.tables() {
            self.check_table(shape, decl, &mut checked);
        }
        checked
    }

    fn check_table(&self, shape: &Shape, decl: &TableDecl, checked: &mut Checked) {
        let mut say = |at: Range<usize>, what: String| checked.findings.push(self.file.finding(at, what));
        check_encoding(decl.encoding.as_ref(), &mut say);
        for (field, at) in decl.columns.iter().chain(&decl.values).map(|(f, v)| (f, v.span())) {
            if !shape.fields().any(|f| f == field) {
                let hint = like(field, shape.fields());
                say(at, format!("{}: no field `{field}`{hint}; it has {}", shape.name, list(shape.fields())));
            }
        }
        for (field, value) in decl.values.iter().filter(|(f, _)| decl.columns.contains_key(*f)) {
            say(value.span(), format!("{}: `{field}` has a column and a value: keep one", shape.name));
        }
        match self.path_of(decl) {
            Err(what) => say(decl.path.span(), what),
            Ok(path) if is_special(&path) => {
                say(decl.path.span(), format!("{}: is neither a file nor a folder", path.display()));
            }
            Ok(path) if !path.exists() => {
                let finding = self.file.finding(decl.path.span(), format!("{}: not found", path.display()));
                checked.missing.push((path, finding));
            }
            Ok(_) => {}
        }
    }
}

pub fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}
