//! A snapshot's layers and register → `Ownership`. Layers are found by their roles, values by their fields' roles. The
//! only part of the room that reads.

use super::Ownership;
use super::components::{Builder, Holding, Record};
use super::duties::{Duties, Duty};
use super::instant::{Instant, Span};
use super::register::{Book, OrgIx, REGISTER, Register};
use super::rulings::Rulings;
use super::schedule::Schedule;
use super::territory::{Cell, Level, Partition, Territory};
use crate::error::{Error, Result};
use crate::feature::{FeatureId, Geometry, SourceTag, ValueRef};
use crate::geo::{GeometryKind, ring};
use crate::layer::{FieldRole, Layer, LayerIx, Role};
use crate::store::{Row, Schema, Snapshot};
use rayon::prelude::*;
use std::collections::HashMap;
use std::sync::Arc;

/// Roles whose layers are areas with a duty.
const DUTY_ROLES: [Role; 5] =
    [Role::SpecialDuty, Role::RoadSurface, Role::GreenArea, Role::WaterArea, Role::ConstructionSite];
/// Hex digits that tell one version of a layer from another.
const VERSION_DIGITS: usize = 12;

/// What an `Ownership` is made from, as one digest: the same inputs answer the same.
pub fn inputs(snapshot: &Snapshot) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    let register = snapshot.manifest.extra.get(REGISTER).map_or("", |b| &b.digest);
    hasher.update(register.as_bytes());
    for (_, layer) in snapshot.catalog.iter().filter(|(_, l)| is_read(l)) {
        let entry = snapshot.manifest.layers.get(&layer.id);
        let sources = entry.iter().flat_map(|e| e.sources.keys().map(String::as_str));
        hasher.update(layer.digest().as_bytes());
        for text in sources.chain(entry.map(|e| e.features.digest.as_str())) {
            hasher.update(text.as_bytes()).update(&[0]);
        }
    }
    hasher.finalize()
}

/// Whether lookups read a layer.
pub(super) fn is_read(layer: &Layer) -> bool {
    let levels = Level::ALL.iter().map(|l| l.role());
    levels.chain(DUTY_ROLES).chain([Role::Component]).any(|r| layer.has_role(r))
}

impl Ownership {
    /// Reads what lookups need. A layer that is damaged is an error: a lookup is right or not given.
    pub fn open(snapshot: &Snapshot) -> Result<Ownership> {
        let register = match snapshot.manifest.extra.get(REGISTER) {
            Some(blob) => Register::from_json(&snapshot.blob(blob)?)?,
            None => Register::default(),
        };
        let book = Book::new(&register);
        let reader = Reader { snapshot, book: &book };
        let partitions: Vec<Partition> =
            Level::ALL.into_par_iter().map(|l| Ok(Partition::build(reader.cells(l)?))).collect::<Result<_>>()?;
        let partitions: [Partition; 5] =
            partitions.try_into().map_err(|_| Error::Data("a level of territory is missing".into()))?;
        let territory = Territory::new(partitions);
        let duties: Vec<(Role, Duties)> = DUTY_ROLES
            .into_par_iter()
            .map(|role| Ok((role, Duties::build(reader.duties(role)?, &book))))
            .collect::<Result<_>>()?;
        let components = reader.components(&territory)?.build();
        let entry = |l: &Layer| snapshot.manifest.layers.get(&l.id);
        let version = |l: &Arc<Layer>| entry(l).map_or("", |e| &e.features.digest[..VERSION_DIGITS]).to_string();
        Ok(Ownership {
            layers: snapshot.catalog.iter().map(|(_, l)| l.clone()).collect(),
            versions: snapshot.catalog.iter().map(|(_, l)| version(l)).collect(),
            rulings: Rulings::build(&register, &book),
            territory,
            components,
            duties: duties.into_iter().collect(),
            book,
        })
    }
}

struct Reader<'a> {
    snapshot: &'a Snapshot,
    book: &'a Book,
}

/// The values of one record that lookups use: buffers by column, filled again for each record.
struct Values {
    /// Of each column: its role, and whether it is the key.
    columns: Vec<(Option<FieldRole>, bool)>,
    cells: Vec<Value>,
}

#[derive(Default, Clone)]
struct Value {
    text: String,
    number: Option<f64>,
}

impl Values {
    fn of(layer: &Layer, schema: &Schema) -> Values {
        let field = |name: &str| layer.fields.iter().find(|f| f.name == name);
        let columns = schema.columns.iter().map(|c| field(&c.name).map_or((None, false), |f| (f.role, f.key)));
        let columns: Vec<_> = columns.collect();
        Values { cells: vec![Value::default(); columns.len()], columns }
    }

    fn fill(&mut self, row: &Row<'_>) {
        for cell in &mut self.cells {
            cell.text.clear();
            cell.number = None;
        }
        row.values(&mut |column, value| {
            if self.columns[column] == (None, false) {
                return;
            }
            let cell = &mut self.cells[column];
            match value {
                ValueRef::Null => {}
                ValueRef::Text(t) => cell.text.push_str(t),
                ValueRef::Bool(b) => cell.number = Some(f64::from(u8::from(b))),
                ValueRef::Int(i) => cell.number = Some(i as f64),
                ValueRef::Float(f) => cell.number = Some(f),
            }
        });
    }

    fn cell(&self, role: FieldRole) -> Option<&Value> {
        let column = self.columns.iter().position(|(r, _)| *r == Some(role))?;
        Some(&self.cells[column])
    }

    fn key(&self) -> Option<&str> {
        let column = self.columns.iter().position(|(_, key)| *key)?;
        Some(self.cells[column].text.as_str()).filter(|t| !t.is_empty())
    }

    fn text(&self, role: FieldRole) -> Option<&str> {
        self.cell(role).map(|c| c.text.as_str()).filter(|t| !t.is_empty())
    }

    fn owned(&self, role: FieldRole) -> Option<String> {
        self.text(role).map(str::to_string)
    }

    fn number(&self, role: FieldRole) -> Option<f64> {
        self.cell(role)?.number
    }

    fn flag(&self, role: FieldRole) -> Option<bool> {
        self.number(role).map(|v| v != 0.0)
    }

    fn level(&self) -> i8 {
        self.number(FieldRole::Level).map_or(0, |l| l as i8)
    }

    /// A span whose texts cannot be read is open: import has said so.
    fn span(&self) -> Span {
        Span::parse(self.text(FieldRole::ValidFrom), self.text(FieldRole::ValidTo)).unwrap_or(Span::ALWAYS)
    }
}

impl Reader<'_> {
    /// Every record of a layer with its values and geometry.
    fn each(&self, layer: &Layer, mut each: impl FnMut(&Row<'_>, &Values, &Geometry)) -> Result<()> {
        let Some(table) = self.snapshot.features(&layer.id)? else { return Ok(()) };
        let (mut values, mut geometry) = (Values::of(layer, table.schema()), Geometry::empty(GeometryKind::Point));
        table.scan(&mut |row| {
            values.fill(row);
            row.read_geometry(&mut geometry);
            each(row, &values, &geometry);
            Ok(())
        })
    }

    fn cells(&self, level: Level) -> Result<Vec<(Cell, Geometry)>> {
        let body = match level {
            Level::UnitGrid => FieldRole::ResponsibleOrg,
            _ => FieldRole::ManagingOrg,
        };
        let mut cells = vec![];
        for (ix, layer) in self.snapshot.catalog.with_role(level.role()) {
            self.each(layer, |row, v, g| {
                let body_code = v.owned(body);
                let cell = Cell {
                    layer: ix,
                    id: row.id(),
                    code: v.key().unwrap_or_default().to_string(),
                    name: v.owned(FieldRole::Name),
                    parent: v.owned(FieldRole::Parent),
                    body: body_code.as_ref().and_then(|code| self.book.organisation(code)),
                    body_code,
                    span: v.span(),
                    area_m2: area_m2(g),
                };
                cells.push((cell, g.clone()));
            })?;
        }
        Ok(cells)
    }

    fn duties(&self, role: Role) -> Result<Vec<(Duty, Geometry)>> {
        let mut duties = vec![];
        for (ix, layer) in self.snapshot.catalog.with_role(role) {
            self.each(layer, |row, v, g| {
                let Some(named) = named_body(v) else { return };
                let assist = v.text(FieldRole::AssistOrgs).unwrap_or_default();
                let duty = Duty {
                    layer: ix,
                    id: row.id(),
                    code: v.key().map_or_else(|| row.id().0.to_string(), str::to_string),
                    name: v.owned(FieldRole::Name),
                    organisation: self.book.organisation(named),
                    assist: self.list(assist),
                    classes: v.owned(FieldRole::ClassSet).unwrap_or_else(|| "*".into()),
                    priority: v.number(FieldRole::Priority).map_or(0, |p| p as i64),
                    area_m2: area_m2(g),
                    span: v.span(),
                    schedule: v.text(FieldRole::Schedule).and_then(|s| Schedule::parse(s).ok()),
                    level: v.level(),
                };
                duties.push((duty, g.clone()));
            })?;
        }
        Ok(duties)
    }

    fn list(&self, text: &str) -> Vec<OrgIx> {
        let codes = text.split([';', ',', '；', '，', '、']).map(str::trim).filter(|c| !c.is_empty());
        codes.filter_map(|code| self.book.organisation(code)).collect()
    }

    fn components(&self, territory: &Territory) -> Result<Builder> {
        let layers: Vec<(LayerIx, &Arc<Layer>)> = self.snapshot.catalog.with_role(Role::Component).collect();
        let built: Vec<Builder> = layers
            .into_par_iter()
            .map(|(ix, layer)| self.components_of(ix, layer, territory))
            .collect::<Result<_>>()?;
        let mut all = Builder::default();
        built.into_iter().for_each(|b| all.append(b));
        Ok(all)
    }

    fn components_of(&self, ix: LayerIx, layer: &Layer, territory: &Territory) -> Result<Builder> {
        let entry = self.snapshot.manifest.layers.get(&layer.id);
        let sources: HashMap<SourceTag, &String> =
            entry.iter().flat_map(|e| e.sources.keys()).map(|id| (SourceTag::of(id), id)).collect();
        let mut builder = Builder::default();
        self.each(layer, |row, v, g| {
            let source = sources.get(&row.source()).map(|s| s.as_str());
            let record = Record {
                layer: ix,
                id: FeatureId(row.id().0),
                code: v.key().unwrap_or_default(),
                class: v.text(FieldRole::ClassCode).and_then(|code| self.book.component_class(source, code)),
                holders: [
                    self.holding(v, FieldRole::MaintainerOrgCode, FieldRole::MaintainerOrg),
                    self.holding(v, FieldRole::OwnerOrgCode, FieldRole::OwnerOrg),
                    self.holding(v, FieldRole::SupervisorOrgCode, FieldRole::SupervisorOrg),
                ],
                retired: v.text(FieldRole::State).is_some_and(|s| matches!(s, "废弃" | "移除")),
                since: v.text(FieldRole::InitDate).and_then(Instant::parse).map_or(i64::MIN, |at| at.0),
                shared: v.flag(FieldRole::SharedFlag),
                ownerless: v.flag(FieldRole::OwnerlessFlag).unwrap_or(false),
                accuracy_m: accuracy_m(v.text(FieldRole::AccuracyClass)),
                level: v.level(),
                grid_differs: v
                    .text(FieldRole::UnitGridCode)
                    .is_some_and(|code| g.xy.first().is_some_and(|p| territory.contradicts(*p, code))),
            };
            builder.push(&record, g);
        })?;
        Ok(builder)
    }

    fn holding(&self, v: &Values, code: FieldRole, name: FieldRole) -> Holding {
        let known = [code, name].into_iter().find_map(|role| self.book.organisation(v.text(role)?));
        match known {
            Some(org) => Holding::Known(org),
            None if v.text(code).or(v.text(name)).is_some() => Holding::Unknown,
            None => Holding::Nobody,
        }
    }
}

/// Whom an area names: the responsible body, else who maintains it, else who owns it.
fn named_body(v: &Values) -> Option<&str> {
    use FieldRole::{MaintainerOrg, MaintainerOrgCode, OwnerOrg, OwnerOrgCode, ResponsibleOrg};
    [ResponsibleOrg, MaintainerOrgCode, MaintainerOrg, OwnerOrgCode, OwnerOrg].into_iter().find_map(|r| v.text(r))
}

/// Bounds of the positional accuracy classes (specification 4).
fn accuracy_m(class: Option<&str>) -> f32 {
    match class {
        Some("A") => 0.5,
        Some("B") => 1.0,
        Some("C") => 10.0,
        _ => 0.0,
    }
}

/// Exteriors run counter-clockwise, holes clockwise: the rings' sum.
fn area_m2(g: &Geometry) -> f64 {
    match g.kind {
        GeometryKind::Polygon => g.runs().map(|r| ring::area_m2(&g.xy[r])).sum::<f64>().abs(),
        _ => 0.0,
    }
}
