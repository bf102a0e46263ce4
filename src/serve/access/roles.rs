//! Declared roles → policies, and what of them a catalog contradicts.

use super::declared::{Declared, Role, Rows};
use crate::audience::{Area, AreaRule, FieldRules, LayerSet, Policy, RowRule};
use crate::error::{Error, Finding, Result};
use crate::layer::{Catalog, Layer};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// A name as it stands in tags and logs.
pub fn is_name(name: &str) -> bool {
    let letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    (1..=64).contains(&name.len()) && name.bytes().all(letter)
}

/// The policies by role.
///
/// # Errors
/// `Config` with everything that is wrong with them, and `Missing` or `Io` of an area's file.
pub fn policies(declared: &Declared, file: &Path) -> Result<BTreeMap<String, Arc<Policy>>> {
    let (mut all, mut findings) = (BTreeMap::new(), vec![]);
    for (name, role) in &declared.roles {
        if !is_name(name) {
            findings.push(format!("access: role {name:?}: a name is up to 64 letters, digits, - and _"));
        }
        let policy = policy(name, role, &mut |what| findings.push(format!("access.roles.{name}: {what}")))?;
        all.insert(name.clone(), Arc::new(policy));
    }
    match findings.is_empty() {
        true => Ok(all),
        false => Err(Error::Config(findings.into_iter().map(|w| finding(file, w)).collect())),
    }
}

pub fn finding(file: &Path, what: String) -> Finding {
    Finding { file: file.to_path_buf(), line: 0, what }
}

fn policy(name: &str, role: &Role, wrong: &mut dyn FnMut(String)) -> Result<Policy> {
    let mut rows = vec![];
    for r in &role.rows {
        rows.extend(row_rule(r, wrong)?);
    }
    let set = |names: &[String]| LayerSet::of(names.iter().map(String::as_str));
    let texts = |names: &[String]| names.iter().cloned().collect::<BTreeSet<String>>();
    let fields = |(layer, f): (&String, &super::declared::Fields)| {
        (layer.clone(), FieldRules { allow: texts(&f.allow), deny: texts(&f.deny) })
    };
    let policy = Policy {
        clearance: role.clearance,
        allow: set(&role.allow),
        deny: set(&role.deny),
        only: role.only.as_deref().map(set),
        fields: role.fields.iter().map(fields).collect(),
        rows,
        exempt: role.area_budget_exempt,
        ..Policy::new(name)
    };
    Ok(policy.sealed())
}

/// `None` where the rule makes no sense: then nothing is served.
fn row_rule(rows: &Rows, wrong: &mut dyn FnMut(String)) -> Result<Option<RowRule>> {
    let area = match (&rows.area, &rows.units) {
        (Some(_), Some(_)) => {
            wrong("rows: area and units: keep one".into());
            return Ok(None);
        }
        (Some(file), None) => match area(file)? {
            Ok(area) => Some(AreaRule::Shape(Arc::new(area))),
            Err(what) => {
                wrong(format!("rows: area {}: {what}", file.display()));
                return Ok(None);
            }
        },
        (None, Some(u)) => {
            let values = u.values.iter().map(|v| v.text()).collect();
            Some(AreaRule::Units { layer: u.layer.clone(), field: u.field.clone(), values })
        }
        (None, None) => None,
    };
    let values: BTreeSet<String> = rows.values.iter().map(|v| v.text()).collect();
    let field = match (&rows.field, values.is_empty()) {
        (Some(field), false) => Some((field.clone(), values)),
        (None, true) => None,
        _ => {
            wrong("rows: field and values belong together".into());
            return Ok(None);
        }
    };
    if field.is_none() && area.is_none() {
        wrong("rows: a rule asks for a field with values, an area, or units of a layer".into());
        return Ok(None);
    }
    if field.is_some() && rows.layers.is_none() {
        wrong("rows: say in which layers the field has to have these values".into());
    }
    let layers = rows.layers.as_ref().map(|l| LayerSet::of(l.iter().map(String::as_str)));
    Ok(Some(RowRule { layers, field, area, within: rows.within }))
}

fn area(file: &Path) -> Result<Result<Area, String>> {
    let text = std::fs::read(file).map_err(|e| Error::io(file, e))?;
    let document = serde_json::from_slice(&text).map_err(|e| format!("it is no JSON: {e}"));
    Ok(document.and_then(|d| Area::from_geojson(&d)))
}

/// What the roles name that a catalog does not have. At start each ends the start; later, when a snapshot brings another
/// catalog, each is told in the log: rules about what is not there hide, they never show.
pub fn contradictions<'a>(roles: impl Iterator<Item = &'a Arc<Policy>>, catalog: &Catalog) -> Vec<String> {
    let mut found = vec![];
    for policy in roles {
        let mut wrong = |what: String| found.push(format!("access.roles.{}: {what}", policy.role));
        let sets = [&policy.allow, &policy.deny].into_iter().chain(&policy.only);
        for set in sets.chain(policy.rows.iter().filter_map(|r| r.layers.as_ref())) {
            unknown(set, catalog).into_iter().for_each(&mut wrong);
        }
        for (layer, rules) in &policy.fields {
            match catalog.find(layer).map(|ix| catalog.layer(ix)) {
                None => wrong(no_layer(layer)),
                Some(l) => rules.allow.iter().chain(&rules.deny).for_each(|f| wrong_field(l, f, &mut wrong)),
            }
        }
        for rule in &policy.rows {
            if let (Some((field, _)), Some(set)) = (&rule.field, &rule.layers) {
                catalog.iter().filter(|(_, l)| set.has(l)).for_each(|(_, l)| wrong_field(l, field, &mut wrong));
            }
            if let Some(AreaRule::Units { layer, field, .. }) = &rule.area {
                match catalog.find(layer).map(|ix| catalog.layer(ix)) {
                    None => wrong(no_layer(layer)),
                    Some(l) => wrong_field(l, field, &mut wrong),
                }
            }
        }
    }
    found
}

fn no_layer(id: &str) -> String {
    format!("the catalog has no layer {id}; `chengtu inspect` lists them")
}

fn wrong_field(layer: &Layer, field: &str, wrong: &mut dyn FnMut(String)) {
    if layer.field(field).is_none() {
        wrong(format!("layer {} has no field {field}", layer.id));
    }
}

fn unknown(set: &LayerSet, catalog: &Catalog) -> Vec<String> {
    let ids = set.ids.iter().filter(|id| catalog.find(id).is_none()).map(|id| no_layer(id));
    let theme = |theme: &&String| !catalog.iter().any(|(_, l)| l.theme == **theme);
    let themes = set.themes.iter().filter(theme).map(|t| format!("the catalog has no theme {t}"));
    ids.chain(themes).collect()
}
