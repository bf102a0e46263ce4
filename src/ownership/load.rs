//! A snapshot's layers and register → `Ownership`. Layers are found by their roles, values by their fields' roles. The
//! only part of the room that reads.

use super::Ownership;
use super::audit::{self, Note, Notes};
use super::class_set::ClassSet;
use super::components::{Builder, Holding, Record};
use super::duties::{Duties, Duty};
use super::instant::{Instant, Span};
use super::register::{Book, ClassIx, OrgIx, REGISTER, Register};
use super::rulings::Rulings;
use super::schedule::Schedule;
use super::territory::{Cell, Level, Territory};
use crate::error::{Error, Result};
use crate::feature::{FeatureId, Geometry, SourceTag, ValueRef};
use crate::geo::{GeometryKind, ring};
use crate::layer::{Catalog, FieldRole, Layer, LayerIx, Role};
use crate::store::{Manifest, Row, Schema, Snapshot, Table, Wanted};
use rayon::prelude::*;
use std::collections::HashMap;
use std::sync::Arc;

/// Roles whose layers are areas with a duty.
const DUTY_ROLES: [Role; 5] =
    [Role::SpecialDuty, Role::RoadSurface, Role::GreenArea, Role::WaterArea, Role::ConstructionSite];
/// Hex digits that tell one version of a layer from another.
const VERSION_DIGITS: usize = 12;

/// What an `Ownership` is made from, as one digest: the same inputs answer the same.
pub fn inputs(catalog: &Catalog, manifest: &Manifest) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    let register = manifest.extra.get(REGISTER).map_or("", |b| &b.digest);
    hasher.update(register.as_bytes());
    for (_, layer) in catalog.iter().filter(|(_, l)| is_read(l)) {
        let entry = manifest.layers.get(&layer.id);
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
        let table = |id: &str| snapshot.features(id);
        assemble(&Data { catalog: &snapshot.catalog, manifest: &snapshot.manifest, table: &table }, &register, None)
    }

    /// What is wrong with the data that decide on responsibility, before they are published.
    pub fn audit(data: &Data<'_>, register: &Register) -> Result<Vec<Note>> {
        let notes = Notes::default();
        let own = assemble(data, register, Some(&notes))?;
        audit::references(register, &own, &notes);
        Ok(notes.into_notes())
    }
}

/// Layers, published or about to be.
pub struct Data<'a> {
    pub catalog: &'a Catalog,
    pub manifest: &'a Manifest,
    /// Opens the table of a layer's features, by the layer's id.
    pub table: &'a (dyn Fn(&str) -> Result<Option<Arc<Table>>> + Sync),
}

fn assemble(data: &Data<'_>, register: &Register, notes: Option<&Notes>) -> Result<Ownership> {
    let book = Book::new(register);
    let reader = Reader { data, book: &book, notes };
    let territory = reader.territory()?;
    let duties: HashMap<Role, Duties> = DUTY_ROLES
        .into_par_iter()
        .map(|role| Ok((role, Duties::build(reader.duties(role)?, &book))))
        .collect::<Result<_>>()?;
    let components = reader.components(&territory)?.build();
    let entry = |l: &Layer| data.manifest.layers.get(&l.id);
    let version = |l: &Arc<Layer>| entry(l).map_or("", |e| &e.features.digest[..VERSION_DIGITS]).to_string();
    Ok(Ownership {
        layers: data.catalog.iter().map(|(_, l)| l.clone()).collect(),
        versions: data.catalog.iter().map(|(_, l)| version(l)).collect(),
        rulings: Rulings::build(register, &book, &components),
        territory,
        components,
        duties,
        book,
    })
}

struct Reader<'a> {
    data: &'a Data<'a>,
    book: &'a Book,
    /// Where findings go, in an audit.
    notes: Option<&'a Notes>,
}

/// The values of one record that lookups use: buffers by column, filled again for each record.
struct Values {
    /// Of each column: its role, and whether it is the key.
    columns: Vec<(Option<FieldRole>, bool)>,
    /// Those with one of these.
    wanted: Vec<bool>,
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
        let wanted = columns.iter().map(|c| *c != (None, false)).collect();
        Values { cells: vec![Value::default(); columns.len()], columns, wanted }
    }

    fn fill(&mut self, row: &Row<'_>) {
        for cell in &mut self.cells {
            cell.text.clear();
            cell.number = None;
        }
        row.values(|column, value| {
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
}

impl Reader<'_> {
    /// Every record of a layer with its values and geometry.
    fn each(&self, layer: &Layer, mut each: impl FnMut(&Row<'_>, &Values, &Geometry)) -> Result<()> {
        let Some(table) = (self.data.table)(&layer.id)? else { return Ok(()) };
        let (mut values, mut geometry) = (Values::of(layer, table.schema()), Geometry::empty(GeometryKind::Point));
        let wanted = values.wanted.clone();
        table.scan_once(Wanted::These(&wanted), &mut |row| {
            values.fill(row);
            row.read_geometry(&mut geometry);
            each(row, &values, &geometry);
            Ok(())
        })
    }

    fn note(&self, code: &'static str, layer: &Layer, sample: impl FnOnce() -> String) {
        if let Some(notes) = self.notes {
            notes.add(code, &layer.id, sample);
        }
    }

    /// A body by its code or name, noted where the register does not know it. Without a register nobody is known, and
    /// saying so for each record would tell nothing.
    fn organisation(&self, layer: &Layer, named: &str) -> Option<OrgIx> {
        let found = self.book.organisation(named);
        if found.is_none() && !self.book.is_empty() {
            self.note("unknown-organisation", layer, || named.to_string());
        }
        found
    }

    fn span(&self, layer: &Layer, v: &Values) -> Span {
        let (from, to) = (v.text(FieldRole::ValidFrom), v.text(FieldRole::ValidTo));
        Span::parse(from, to).unwrap_or_else(|| {
            self.note("unreadable-validity", layer, || format!("{from:?} to {to:?}"));
            Span::ALWAYS
        })
    }

    fn territory(&self) -> Result<Territory> {
        let levels: Vec<Vec<(Cell, Geometry)>> =
            Level::ALL.into_par_iter().map(|l| self.cells(l)).collect::<Result<_>>()?;
        let mut points = vec![];
        if let Some(notes) = self.notes {
            for (level, cells) in Level::ALL.into_iter().zip(&levels) {
                audit::seams_of(level, cells, notes);
                points.push(audit::with_points(cells));
            }
        }
        let levels = levels.try_into().map_err(|_| Error::Data("a level of territory is missing".into()))?;
        let territory = Territory::build(levels);
        if let Some(notes) = self.notes {
            for (level, points) in Level::ALL.into_iter().zip(&points) {
                audit::hierarchy(level, points, &territory, notes);
            }
        }
        Ok(territory)
    }

    fn cells(&self, level: Level) -> Result<Vec<(Cell, Geometry)>> {
        let body = match level {
            Level::UnitGrid => FieldRole::ResponsibleOrg,
            _ => FieldRole::ManagingOrg,
        };
        let mut cells = vec![];
        for (ix, layer) in self.data.catalog.with_role(level.role()) {
            self.each(layer, |row, v, g| {
                let body_code = v.owned(body);
                let cell = Cell {
                    layer: ix,
                    id: row.id(),
                    code: v.key().unwrap_or_default().to_string(),
                    name: v.owned(FieldRole::Name),
                    parent: v.owned(FieldRole::Parent),
                    body: body_code.as_ref().and_then(|code| self.organisation(layer, code)),
                    body_code,
                    span: self.span(layer, v),
                    area_m2: area_m2(g),
                };
                cells.push((cell, g.clone()));
            })?;
        }
        Ok(cells)
    }

    fn duties(&self, role: Role) -> Result<Vec<(Duty, Geometry)>> {
        let mut duties = vec![];
        for (ix, layer) in self.data.catalog.with_role(role) {
            self.each(layer, |row, v, g| {
                let Some(named) = named_body(v) else { return };
                let assist = v.text(FieldRole::AssistOrgs).unwrap_or_default();
                let duty = Duty {
                    layer: ix,
                    id: row.id(),
                    code: v.key().map_or_else(|| row.id().0.to_string(), str::to_string),
                    name: v.owned(FieldRole::Name),
                    organisation: self.organisation(layer, named),
                    assist: self.list(layer, assist),
                    classes: self.class_set(layer, v.text(FieldRole::ClassSet)),
                    priority: v.number(FieldRole::Priority).map_or(0, |p| p as i64),
                    area_m2: area_m2(g),
                    span: self.span(layer, v),
                    schedule: v.text(FieldRole::Schedule).and_then(|s| self.schedule(layer, s)),
                    level: v.level(),
                };
                duties.push((duty, g.clone()));
            })?;
        }
        Ok(duties)
    }

    fn list(&self, layer: &Layer, text: &str) -> Vec<OrgIx> {
        let codes = text.split([';', ',', '；', '，', '、']).map(str::trim).filter(|c| !c.is_empty());
        codes.filter_map(|code| self.organisation(layer, code)).collect()
    }

    fn class_set(&self, layer: &Layer, text: Option<&str>) -> String {
        let text = text.unwrap_or("*");
        if let (Some(_), Err(what)) = (self.notes, ClassSet::parse(text, self.book)) {
            self.note("unreadable-class-set", layer, || format!("{text}: {what}"));
        }
        text.to_string()
    }

    /// One that cannot be read holds always: import has said so.
    fn schedule(&self, layer: &Layer, text: &str) -> Option<Schedule> {
        let parsed = Schedule::parse(text);
        if let Err(what) = &parsed {
            self.note("unreadable-schedule", layer, || format!("{text}: {what}"));
        }
        parsed.ok()
    }

    fn components(&self, territory: &Territory) -> Result<Builder> {
        let layers: Vec<(LayerIx, &Arc<Layer>)> = self.data.catalog.with_role(Role::Component).collect();
        let built: Vec<Builder> = layers
            .into_par_iter()
            .map(|(ix, layer)| self.components_of(ix, layer, territory))
            .collect::<Result<_>>()?;
        let mut all = Builder::default();
        built.into_iter().for_each(|b| all.append(b));
        Ok(all)
    }

    fn components_of(&self, ix: LayerIx, layer: &Layer, territory: &Territory) -> Result<Builder> {
        let entry = self.data.manifest.layers.get(&layer.id);
        let sources: HashMap<SourceTag, &String> =
            entry.iter().flat_map(|e| e.sources.keys()).map(|id| (SourceTag::of(id), id)).collect();
        let mut builder = Builder::default();
        self.each(layer, |row, v, g| {
            let source = sources.get(&row.source()).map(|s| s.as_str());
            let record = Record {
                layer: ix,
                id: FeatureId(row.id().0),
                code: v.key().unwrap_or_default(),
                class: v.text(FieldRole::ClassCode).and_then(|code| self.class(layer, source, code)),
                holders: [
                    self.holding(layer, v, FieldRole::MaintainerOrgCode, FieldRole::MaintainerOrg),
                    self.holding(layer, v, FieldRole::OwnerOrgCode, FieldRole::OwnerOrg),
                    self.holding(layer, v, FieldRole::SupervisorOrgCode, FieldRole::SupervisorOrg),
                ],
                retired: v.text(FieldRole::State).is_some_and(|s| matches!(s, "废弃" | "移除")),
                since: v.text(FieldRole::InitDate).and_then(Instant::parse).map_or(i64::MIN, |at| at.0),
                shared: v.flag(FieldRole::SharedFlag),
                ownerless: v.flag(FieldRole::OwnerlessFlag).unwrap_or(false),
                accuracy_m: accuracy_m(v.text(FieldRole::AccuracyClass)),
                level: v.level(),
                grid_differs: self.grid_differs(layer, v, g, territory),
            };
            builder.push(&record, g);
        })?;
        Ok(builder)
    }

    fn class(&self, layer: &Layer, source: Option<&str>, code: &str) -> Option<ClassIx> {
        let class = self.book.component_class(source, code);
        if class.is_none() && !self.book.is_empty() {
            self.note("unknown-class", layer, || code.to_string());
        }
        class
    }

    fn grid_differs(&self, layer: &Layer, v: &Values, g: &Geometry, territory: &Territory) -> bool {
        let (Some(code), Some(p)) = (v.text(FieldRole::UnitGridCode), g.xy.first()) else { return false };
        let differs = territory.contradicts(*p, code);
        if differs {
            self.note("stored-grid-mismatch", layer, || format!("{} names {code}", v.key().unwrap_or_default()));
        }
        differs
    }

    fn holding(&self, layer: &Layer, v: &Values, code: FieldRole, name: FieldRole) -> Holding {
        let known = [code, name].into_iter().find_map(|role| self.book.organisation(v.text(role)?));
        match (known, v.text(code).or(v.text(name))) {
            (Some(org), _) => Holding::Known(org),
            (None, Some(named)) => {
                self.organisation(layer, named);
                Holding::Unknown
            }
            (None, None) => Holding::Nobody,
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
