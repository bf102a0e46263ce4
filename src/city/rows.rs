//! Which rows of a snapshot's layers a policy leaves: each layer's table is read once for each policy that speaks of its
//! rows, and what was found is kept, for later snapshots too as long as the layer is the same.

use crate::audience::{Area, AreaRule, Policy, RowRule, RowSource, Seen};
use crate::error::{Error, Result};
use crate::feature::{Geometry, ValueRef};
use crate::geo::{BBox, GeometryKind};
use crate::layer::Layer;
use crate::store::{Row, Snapshot, Table, Wanted};
use rayon::prelude::*;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

pub struct Rows {
    snapshot: Arc<Snapshot>,
    known: Mutex<HashMap<Key, Arc<Slot>>>,
}

/// Held while it is found out, so that it is found out once.
type Slot = Mutex<Option<Arc<Seen>>>;

/// The policy's tag, the layer's id, and a digest of what the answer follows from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key(String, String, String);

/// A rule made ready for one layer's table.
struct Ready<'a> {
    /// `None` where the table has no such field: no row meets the rule.
    column: Option<Option<usize>>,
    values: Option<&'a BTreeSet<String>>,
    /// `Some(None)` where the area is empty.
    area: Option<Option<Arc<Area>>>,
    within: bool,
}

impl Rows {
    pub fn of(snapshot: Arc<Snapshot>) -> Rows {
        Rows { snapshot, known: Mutex::default() }
    }

    /// Finds out the rows of all layers that these policies speak of, and forgets those of others. What is damaged is told
    /// when it is asked for.
    pub fn prepare(&self, policies: &[Arc<Policy>]) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|key, _| policies.iter().any(|p| p.tag == key.0));
        drop(known);
        let layers = self.snapshot.catalog.iter().map(|(_, l)| l);
        let pairs: Vec<(&Arc<Policy>, &Arc<Layer>)> = layers
            .flat_map(|l| policies.iter().map(move |p| (p, l)))
            .filter(|(p, l)| p.sees_layer(l) && p.narrows(l))
            .collect();
        pairs.par_iter().for_each(|(p, l)| {
            if let Err(error) = self.rows(p, l) {
                tracing::error!(%error, role = p.role, layer = l.id, "which rows a role sees cannot be found out");
            }
        });
    }

    /// Takes over what another snapshot found out of what is the same here.
    pub fn inherit(&self, before: &Rows) {
        let theirs = before.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, slot) in theirs.iter() {
            let features = self.snapshot.manifest.layers.get(&key.1).map(|e| e.features.digest.as_str());
            if features.is_some_and(|f| key.2.starts_with(f)) {
                known.insert(key.clone(), Arc::clone(slot));
            }
        }
    }

    fn key(&self, policy: &Policy, layer: &Layer) -> Key {
        let features = |id: &str| self.snapshot.manifest.layers.get(id).map_or("", |e| e.features.digest.as_str());
        let declared = self.snapshot.manifest.layers.get(&layer.id).map_or("", |e| e.declaration.as_str());
        let mut of = format!("{} {declared}", features(&layer.id));
        for rule in policy.rules_of(layer) {
            if let Some(AreaRule::Units { layer, .. }) = &rule.area {
                of.push(' ');
                of.push_str(features(layer));
            }
        }
        Key(policy.tag.clone(), layer.id.clone(), of)
    }

    fn found(&self, policy: &Policy, layer: &Layer) -> Result<Seen> {
        let Some(table) = self.snapshot.features(&layer.id)? else { return Ok(Seen::default()) };
        let rules: Vec<Ready<'_>> = policy.rules_of(layer).map(|r| self.ready(r, &table)).collect::<Result<_>>()?;
        let mut window = BBox::new(f64::NEG_INFINITY, f64::NEG_INFINITY, f64::INFINITY, f64::INFINITY);
        for rule in &rules {
            match (&rule.column, &rule.area) {
                (Some(None), _) | (_, Some(None)) => return Ok(Seen::default()),
                (_, Some(Some(area))) => window = meet(&window, &area.bounds()),
                _ => {}
            }
        }
        let (mut seen, mut g) = (vec![], Geometry::empty(GeometryKind::Point));
        table.query(&window, &mut |row| {
            if rules.iter().all(|r| r.is_met(row, &mut g)) {
                seen.push((row.ordinal(), row.id(), row.bbox()));
            }
            Ok(())
        })?;
        Ok(Seen::of(&seen))
    }

    fn ready<'a>(&self, rule: &'a RowRule, table: &Table) -> Result<Ready<'a>> {
        let column = |name: &String| table.schema().columns.iter().position(|c| c.name == *name);
        let area = match &rule.area {
            None => None,
            Some(AreaRule::Shape(area)) => Some(Some(Arc::clone(area))),
            Some(AreaRule::Units { layer, field, values }) => Some(self.units(layer, field, values)?),
        };
        let (column, values) = match &rule.field {
            Some((field, values)) => (Some(column(field)), Some(values)),
            None => (None, None),
        };
        Ok(Ready { column, values, area, within: rule.within })
    }

    /// The areas of the rows of a layer that have one of these values; none where there is no such layer or field.
    fn units(&self, layer: &str, field: &str, values: &BTreeSet<String>) -> Result<Option<Arc<Area>>> {
        let Some(table) = self.snapshot.features(layer)? else { return Ok(None) };
        let Some(column) = table.schema().columns.iter().position(|c| c.name == field) else { return Ok(None) };
        let (mut polygons, mut g) = (vec![], Geometry::empty(GeometryKind::Point));
        table.scan_once(Wanted::All, &mut |row| {
            if has_one(row, column, values) {
                row.read_geometry(&mut g);
                polygons.extend(Area::polygons(&g));
            }
            Ok(())
        })?;
        Ok(Area::of(&polygons).map(Arc::new))
    }
}

impl RowSource for Rows {
    fn rows(&self, policy: &Policy, layer: &Layer) -> Result<Arc<Seen>> {
        let key = self.key(policy, layer);
        let slot = Arc::clone(self.known.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default());
        let mut slot = slot.lock().map_err(|_| Error::damaged(&layer.id, "finding out which rows are seen failed"))?;
        if let Some(known) = slot.as_ref() {
            return Ok(Arc::clone(known));
        }
        let found = Arc::new(self.found(policy, layer)?);
        *slot = Some(Arc::clone(&found));
        Ok(found)
    }
}

impl Ready<'_> {
    fn is_met(&self, row: &Row<'_>, g: &mut Geometry) -> bool {
        let value = match (self.column, self.values) {
            (Some(Some(column)), Some(values)) => has_one(row, column, values),
            (None, None) => true,
            _ => false,
        };
        value
            && match &self.area {
                None => true,
                Some(None) => false,
                Some(Some(area)) => {
                    row.read_geometry(g);
                    if self.within { area.holds(g) } else { area.meets(g) }
                }
            }
    }
}

fn has_one(row: &Row<'_>, column: usize, values: &BTreeSet<String>) -> bool {
    let mut has = false;
    row.values(|c, value| {
        if c == column {
            has = match value {
                ValueRef::Null => false,
                ValueRef::Text(t) => values.contains(t),
                ValueRef::Bool(b) => values.contains(if b { "true" } else { "false" }),
                ValueRef::Int(i) => values.contains(&i.to_string()),
                ValueRef::Float(f) => values.contains(&f.to_string()),
            };
        }
    });
    has
}

fn meet(a: &BBox, b: &BBox) -> BBox {
    BBox::new(a.min_x.max(b.min_x), a.min_y.max(b.min_y), a.max_x.min(b.max_x), a.max_y.min(b.max_y))
}
