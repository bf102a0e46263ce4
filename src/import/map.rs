//! Record → the values and shape of a feature, or why not: filter, route, check the kind of shape, convert each
//! field. Ids are given in `identity`. A mapper is compiled once a source is open and its columns are known.

use super::columns::{Columns, Found};
use super::load::{Source, Target};
use super::manifest::{FieldRule, Scalar, TextOr};
use super::values::{Bad, Conversion, code_text, convert_text, plain_text, sample};
use super::wire::{OTHER_LOD, Opened, Raw, Record, Reject};
use crate::feature::{Geometry, Model, Value};
use crate::geo::GeometryKind;
use crate::layer::{Catalog, Field, Layer, LayerIx, Sensitivity};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

pub struct Mapper {
    pub targets: Vec<LayerMap>,
    /// What people should know of how columns were found.
    pub notes: Vec<String>,
    /// Layer field → source column.
    pub mapped: BTreeMap<String, String>,
    /// Source columns that go nowhere.
    pub unused: Vec<String>,
    route: Option<Route>,
    filters: Vec<ColumnFilter>,
    kinds: Option<Vec<GeometryKind>>,
    key: Vec<usize>,
    key_names: String,
}

/// How a record becomes a feature of one layer.
pub struct LayerMap {
    pub ix: LayerIx,
    pub layer: Arc<Layer>,
    fields: Vec<Origin>,
}

enum Origin {
    Nothing,
    Constant(Value),
    /// `last`: no later field reads the column.
    Column {
        at: usize,
        conversion: Conversion,
        last: bool,
    },
}

struct Route {
    at: usize,
    pad: usize,
    /// Class → index into `targets`.
    classes: HashMap<String, usize>,
}

struct ColumnFilter {
    at: usize,
    listed: HashSet<String>,
    keep: bool,
}

/// What became of a record.
pub enum Mapped {
    Feature(Draft),
    /// Left out by the manifest: `filter`, `geometry` or `lod`.
    Filtered(&'static str),
    Rejected(Reject),
}

/// A feature that has no id yet.
pub struct Draft {
    /// Index into `Mapper::targets`.
    pub target: usize,
    pub geometry: Geometry,
    pub model: Option<Model>,
    pub values: Vec<Value>,
    /// Empty where the source declares no key.
    pub key: Vec<String>,
}

impl Mapper {
    /// All declared columns that the source does not have, at once.
    pub fn new(catalog: &Catalog, source: &Source, opened: &Opened) -> Result<Mapper, Vec<String>> {
        let columns = Columns::new(&opened.columns, source.format, &opened.encoding);
        let mut finder =
            Finder { columns, names: &opened.columns, used: BTreeSet::new(), notes: vec![], missing: vec![] };
        let layers: Vec<(LayerIx, &Arc<Layer>)> =
            source.target.layers().iter().filter_map(|id| catalog.find(id)).map(|ix| (ix, catalog.layer(ix))).collect();
        let key = source.key().iter().filter_map(|k| finder.declared("key", k)).collect();
        let route = finder.route(source, &layers);
        let filters = finder.filters(source);
        let mut mapped = BTreeMap::new();
        let targets = layers.into_iter().map(|(ix, layer)| finder.layer_map(ix, layer, source, &mut mapped)).collect();
        if !finder.missing.is_empty() {
            finder.missing.dedup();
            let has = opened.columns.join(", ");
            return Err(finder.missing.iter().map(|m| format!("{m}; the source has {has}")).collect());
        }
        let unused = (0..opened.columns.len()).filter(|i| !finder.used.contains(i));
        finder.notes.dedup();
        Ok(Mapper {
            targets,
            mapped,
            unused: unused.map(|i| opened.columns[i].clone()).collect(),
            notes: finder.notes,
            route,
            filters,
            kinds: source.decl.geometry.as_ref().map(|k| k.0.clone()),
            key,
            key_names: source.key().join(", "),
        })
    }

    /// `repaired` is told each kind of repair that a value needed.
    pub fn map(&self, record: Record, repaired: &mut dyn FnMut(&'static str)) -> Mapped {
        match self.try_map(record, repaired) {
            Ok(mapped) => mapped,
            Err(reject) => Mapped::Rejected(reject),
        }
    }

    fn try_map(&self, mut record: Record, repaired: &mut dyn FnMut(&'static str)) -> Result<Mapped, Reject> {
        let values = &record.values;
        for f in &self.filters {
            let text = cell(values, f.at, "filter", false, |raw| plain_text(raw).map(Option::<_>::unwrap_or_default))?;
            if f.listed.contains(text.as_ref()) != f.keep {
                return Ok(Mapped::Filtered("filter"));
            }
        }
        let geometry = match record.geometry {
            Err(r) if r.code == OTHER_LOD => return Ok(Mapped::Filtered("lod")),
            geometry => geometry?,
        };
        if self.kinds.as_ref().is_some_and(|kinds| !kinds.contains(&geometry.kind)) {
            return Ok(Mapped::Filtered("geometry"));
        }
        let target = self.target(values)?;
        let to = &self.targets[target];
        if !to.layer.geometry.contains(&geometry.kind) {
            let kind = name_of(geometry.kind);
            return Err(reject("wrong-geometry", format!("a {kind}, which layer {} does not take", to.layer.id)));
        }
        let key = self.key(values, to)?;
        let values = to.values(&mut record.values, repaired)?;
        Ok(Mapped::Feature(Draft { target, geometry, model: record.model, values, key }))
    }

    fn target(&self, values: &[Raw]) -> Result<usize, Reject> {
        let Some(route) = &self.route else { return Ok(0) };
        let class = cell(values, route.at, "route", false, |raw| code_text(raw, route.pad))?.unwrap_or_default();
        let to = route.classes.get(&class).copied();
        to.ok_or_else(|| reject("unrouted", format!("class `{}` is not in the routing table", sample(&class))))
    }

    fn key(&self, values: &[Raw], to: &LayerMap) -> Result<Vec<String>, Reject> {
        let mut key = vec![];
        for &at in &self.key {
            let part = cell(values, at, "key", to.is_personal(at), |raw| code_text(raw, 0))?;
            let missing = || reject("missing-key", format!("nothing in {}", self.key_names));
            key.push(part.ok_or_else(missing)?);
        }
        Ok(key)
    }

    /// The key as reports may show it.
    pub fn shown_key(&self, draft: &Draft) -> String {
        match self.key.iter().any(|&at| self.targets[draft.target].is_personal(at)) {
            true => "(personal)".to_string(),
            false => sample(&draft.key.join(" / ")),
        }
    }
}

impl LayerMap {
    fn values(&self, raw: &mut [Raw], repaired: &mut dyn FnMut(&'static str)) -> Result<Vec<Value>, Reject> {
        let mut values = Vec::with_capacity(self.fields.len());
        for (field, origin) in self.layer.fields.iter().zip(&self.fields) {
            values.push(match origin {
                Origin::Nothing => Value::Null,
                Origin::Constant(v) => v.clone(),
                Origin::Column { at, conversion, last } => {
                    let moved = raw.get_mut(*at).filter(|_| *last).and_then(|raw| conversion.moved(raw));
                    match moved {
                        Some(value) => value,
                        None => {
                            let personal = field.sensitivity_in(&self.layer) == Sensitivity::Personal;
                            cell(raw, *at, &field.name, personal, |raw| conversion.apply(raw, repaired))?
                        }
                    }
                }
            });
        }
        Ok(values)
    }

    /// Whether a column feeds a personal field.
    fn is_personal(&self, column: usize) -> bool {
        self.layer.fields.iter().zip(&self.fields).any(|(field, origin)| {
            matches!(origin, Origin::Column { at, .. } if *at == column)
                && field.sensitivity_in(&self.layer) == Sensitivity::Personal
        })
    }
}

/// Reads one cell; what is wrong with it becomes a reject that names `field` and hides what is personal.
fn cell<'a, T>(
    values: &'a [Raw],
    at: usize,
    field: &str,
    personal: bool,
    read: impl FnOnce(&'a Raw) -> Result<T, Bad>,
) -> Result<T, Reject> {
    static NULL: Raw = Raw::Null;
    read(values.get(at).unwrap_or(&NULL)).map_err(|bad| match bad {
        Bad::Text => reject("broken-text", format!("{field}: bytes that are not text in the file's encoding")),
        Bad::Value { what, .. } if personal => reject("bad-value", format!("{field}: (personal) {what}")),
        Bad::Value { sample, what } => reject("bad-value", format!("{field}: `{sample}` {what}")),
    })
}

pub fn reject(code: &str, detail: String) -> Reject {
    Reject { code: code.to_string(), detail }
}

fn name_of(kind: GeometryKind) -> &'static str {
    match kind {
        GeometryKind::Point => "point",
        GeometryKind::Line => "line",
        GeometryKind::Polygon => "polygon",
    }
}

/// Looks columns up while a mapper is compiled, and remembers what was found how.
struct Finder<'a> {
    columns: Columns<'a>,
    names: &'a [String],
    used: BTreeSet<usize>,
    notes: Vec<String>,
    missing: Vec<String>,
}

impl Finder<'_> {
    /// A column that the manifest names: missing is a finding.
    fn declared(&mut self, what: &str, column: &str) -> Option<usize> {
        let found = self.optional(column);
        if found.is_none() {
            self.missing.push(format!("{what}: no column `{column}`"));
        }
        found
    }

    fn optional(&mut self, column: &str) -> Option<usize> {
        let at = match self.columns.find(column) {
            Found::At(at) => at,
            Found::Cut(at) => {
                self.notes.push(format!("column `{}` taken for `{column}` (cut by the shapefile)", self.names[at]));
                at
            }
            Found::Nowhere => return None,
        };
        self.used.insert(at);
        Some(at)
    }

    fn route(&mut self, source: &Source, layers: &[(LayerIx, &Arc<Layer>)]) -> Option<Route> {
        let Target::Route { column, pad, classes } = &source.target else { return None };
        let at = self.declared("route", column)?;
        let index = |id: &String| layers.iter().position(|(_, l)| l.id == *id);
        let classes = classes.iter().filter_map(|(class, id)| Some((class.clone(), index(id)?))).collect();
        Some(Route { at, pad: pad.unwrap_or(0), classes })
    }

    fn filters(&mut self, source: &Source) -> Vec<ColumnFilter> {
        let mut filters = vec![];
        for f in source.filters() {
            let (list, keep) = match (&f.is_in, &f.not_in) {
                (Some(list), _) => (list, true),
                (None, list) => (list.as_ref().unwrap_or(const { &vec![] }), false),
            };
            if let Some(at) = self.declared("filter", &f.field) {
                filters.push(ColumnFilter { at, listed: list.iter().map(Scalar::to_string).collect(), keep });
            }
        }
        filters
    }

    fn layer_map(
        &mut self,
        ix: LayerIx,
        layer: &Arc<Layer>,
        source: &Source,
        mapped: &mut BTreeMap<String, String>,
    ) -> LayerMap {
        let mut fields = vec![];
        for field in &layer.fields {
            let rule = source.decl.fields.get(&field.name).map(|r| r.get_ref());
            let origin = self.origin(field, rule.map(TextOr::rule));
            if let Origin::Column { at, .. } = origin {
                mapped.insert(field.name.clone(), self.names[at].clone());
            }
            fields.push(origin);
        }
        if let Some(key) = layer.key_field().filter(|&k| matches!(fields[k], Origin::Nothing)) {
            self.notes.push(format!("{}: the layer's key `{}` comes from no column", layer.id, layer.fields[key].name));
        }
        let mut later = HashSet::new();
        for origin in fields.iter_mut().rev() {
            if let Origin::Column { at, last, .. } = origin {
                *last = later.insert(*at);
            }
        }
        LayerMap { ix, layer: layer.clone(), fields }
    }

    fn origin(&mut self, field: &Field, rule: Option<FieldRule>) -> Origin {
        if let Some(value) = rule.as_ref().and_then(|r| r.value.as_ref()) {
            // `check` has seen that the constant fits.
            return Origin::Constant(convert_text(&value.to_string(), field).unwrap_or(Value::Null));
        }
        let named = rule.as_ref().and_then(|r| r.from.clone());
        let at = match (&rule, named) {
            (_, Some(column)) => self.declared(&format!("field `{}`", field.name), &column),
            (declared, None) => {
                let found = self.optional(&field.name).or_else(|| self.optional(&field.zh));
                if found.is_none() && declared.is_some() {
                    self.missing.push(format!("field `{}`: no column `{}` or `{}`", field.name, field.name, field.zh));
                }
                found
            }
        };
        match at {
            Some(at) => {
                Origin::Column { at, conversion: Conversion::new(field, &rule.unwrap_or_default()), last: true }
            }
            None => Origin::Nothing,
        }
    }
}
