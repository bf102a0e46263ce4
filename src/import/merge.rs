//! One layer of the new snapshot: what the deliveries brought, and the records of earlier imports that stay.

use super::identity::{Identities, SourceIx};
use super::load::Source;
use super::manifest::Mode;
use super::pool::{ImagePool, copy};
use super::seal::Unsealed;
use super::snap::Held;
use crate::error::{Error, Result};
use crate::feature::{Feature, FeatureId, ImageId, Model, SourceTag, Value};
use crate::geo::GeometryKind;
use crate::layer::{Catalog, Field, FieldType, Layer, LayerIx};
use crate::store::{
    ColumnKind, Draft, FilesWriter, ImageBlob, LayerEntry, ModelWriter, Models, PackedModel, Row, Schema, Table,
    TableWriter, images_of,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

/// A layer that the import touches.
pub struct LayerWork {
    pub ix: LayerIx,
    pub layer: Arc<Layer>,
    /// Records in the new snapshot, by source.
    sources: BTreeMap<String, u64>,
    /// Sources of this import that still may add or take away records.
    pub pending: BTreeSet<usize>,
    /// Whether the layer's declaration is not the one its blobs were made with.
    pub redeclared: bool,
    pub kept: u64,
    /// Whether it was closed.
    pub closed: bool,
    /// What its models wear.
    images: Option<FilesWriter>,
    /// Where a source of the layer is to be snapped: its polygons, until all others are known.
    held: Option<Held>,
    base: Option<Base>,
    writer: Option<TableWriter>,
    models: Option<ModelWriter>,
    added: u64,
}

struct Base {
    table: Arc<Table>,
    models: Option<Arc<Models>>,
    images: Option<ImageBlob>,
    entry: LayerEntry,
    /// What happens to the records of each source.
    fates: HashMap<SourceTag, (String, Fate)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Fate {
    Stay,
    /// The source is replaced.
    Go,
    /// Stays unless its source delivers the same id anew to any of these layers.
    StayUnlessDelivered {
        source: SourceIx,
        to: Vec<LayerIx>,
    },
}

/// All layers that the import touches: targets, layers where a delivered source has records already, and layers
/// whose declaration changed.
pub fn plan(catalog: &Catalog, sources: &[Source], draft: &Draft, ids: &mut Identities) -> Result<Vec<LayerWork>> {
    let targets: Vec<Vec<LayerIx>> =
        sources.iter().map(|s| s.target.layers().iter().filter_map(|id| catalog.find(id)).collect()).collect();
    let mut works = vec![];
    for (ix, layer) in catalog.iter() {
        let entry = draft.manifest.layers.get(&layer.id);
        let held = |s: &Source| entry.is_some_and(|e| e.sources.contains_key(&s.id));
        let feeds = |i: &usize| targets[*i].contains(&ix) || held(&sources[*i]);
        let pending: BTreeSet<usize> = (0..sources.len()).filter(feeds).collect();
        let redeclared = entry.is_some_and(|e| e.declaration != layer.digest().to_hex().as_str());
        if pending.is_empty() && !redeclared {
            continue;
        }
        let base = match (entry, draft.base()) {
            (Some(entry), Some(snapshot)) => {
                let (models, images) = (snapshot.models(&layer.id)?, snapshot.images(&layer.id)?);
                match (snapshot.features(&layer.id)?, models) {
                    (Some(table), models) => {
                        let base = Base::new((table, models), entry.clone(), sources, &targets, ids)?;
                        Some(Base { images, ..base })
                    }
                    _ => None,
                }
            }
            _ => None,
        };
        let snaps = layer.geometry.contains(&GeometryKind::Polygon)
            && (0..sources.len()).any(|i| sources[i].snap_m().is_some() && targets[i].contains(&ix));
        let work = LayerWork {
            ix,
            layer: layer.clone(),
            sources: BTreeMap::new(),
            pending,
            redeclared,
            kept: 0,
            closed: false,
            images: None,
            held: snaps.then(|| Held::new(layer)),
            base,
            writer: None,
            models: None,
            added: 0,
        };
        work.hold_ids(ids)?;
        works.push(work);
    }
    Ok(works)
}

impl Base {
    fn new(
        (table, models): (Arc<Table>, Option<Arc<Models>>),
        entry: LayerEntry,
        sources: &[Source],
        targets: &[Vec<LayerIx>],
        ids: &mut Identities,
    ) -> Result<Base> {
        let mut fates = HashMap::new();
        for id in entry.sources.keys() {
            let fate = match sources.iter().position(|s| s.id == *id) {
                None => Fate::Stay,
                Some(i) if sources[i].mode() == Mode::Replace => Fate::Go,
                Some(i) => Fate::StayUnlessDelivered { source: ids.source(id), to: targets[i].clone() },
            };
            fates.insert(SourceTag::of(id), (id.clone(), fate));
        }
        for s in sources.iter().filter(|s| !entry.sources.contains_key(&s.id)) {
            if let Some((other, _)) = fates.get(&SourceTag::of(&s.id)) {
                let what =
                    format!("source id `{}` has the 32-bit tag of `{other}` in the store; change one letter", s.id);
                return Err(Error::config(&s.file.path, s.line, what));
            }
        }
        Ok(Base { table, models, images: None, entry, fates })
    }

    fn fate(&self, row: &Row<'_>, layer: &Layer) -> Result<&(String, Fate)> {
        let what = "a record names a source that the manifest does not list";
        self.fates.get(&row.source()).ok_or_else(|| Error::damaged(format!("{} features", layer.id), what))
    }

    /// Whether every record stays.
    fn all_stay(&self) -> bool {
        self.fates.values().all(|(_, fate)| *fate == Fate::Stay)
    }
}

impl LayerWork {
    /// Tells `ids` which ids the store holds, where a delivery might claim one of them.
    fn hold_ids(&self, ids: &mut Identities) -> Result<()> {
        let Some(base) = self.base.as_ref().filter(|_| !self.pending.is_empty()) else { return Ok(()) };
        let held: HashMap<SourceTag, SourceIx> = base
            .fates
            .iter()
            .filter(|(_, (_, fate))| *fate != Fate::Go)
            .map(|(tag, (id, _))| (*tag, ids.source(id)))
            .collect();
        base.table.scan(&mut |row| {
            if let Some(source) = held.get(&row.source()) {
                ids.hold(self.ix, row.id(), *source);
            }
            Ok(())
        })
    }

    /// Adds a delivered feature, with its model where it has one; `row` is where its source has it.
    pub fn push(
        &mut self,
        staging: &Path,
        source: &Source,
        row: u64,
        feature: Feature,
        model: Option<&Model>,
    ) -> Result<()> {
        self.added += 1;
        match self.sources.get_mut(&source.id) {
            Some(count) => *count += 1,
            None => drop(self.sources.insert(source.id.clone(), 1)),
        }
        if let Some(held) = &mut self.held {
            // What has a model stands on it, and stays.
            match source.snap_m().filter(|_| model.is_none() && feature.geometry.kind == GeometryKind::Polygon) {
                Some(reach_m) => {
                    held.wait(&source.id, row, feature, reach_m);
                    return Ok(());
                }
                None => held.beside(&feature),
            }
        }
        self.writer(staging)?.push(&feature)?;
        if let Some(model) = model {
            self.models(staging).push(feature.id, feature.geometry.bbox(), model)?;
        }
        Ok(())
    }

    /// Keeps images that a delivered model wears.
    pub fn wear(&mut self, staging: &Path, images: impl Iterator<Item = ImageId>, pool: &ImagePool) -> Result<()> {
        for id in images {
            let writer = self.images(staging)?;
            pool.give(&id, writer)?;
        }
        Ok(())
    }

    fn images(&mut self, staging: &Path) -> Result<&mut FilesWriter> {
        let writer = match self.images.take() {
            Some(writer) => writer,
            None => FilesWriter::new(staging, "images")?,
        };
        Ok(self.images.insert(writer))
    }

    fn writer(&mut self, staging: &Path) -> Result<&mut TableWriter> {
        let writer = match self.writer.take() {
            Some(writer) => writer,
            None => TableWriter::new(staging, &self.layer.id, Schema::of(&self.layer))?,
        };
        Ok(self.writer.insert(writer))
    }

    fn models(&mut self, staging: &Path) -> &mut ModelWriter {
        let name = &self.layer.id;
        self.models.get_or_insert_with(|| ModelWriter::new(staging, name))
    }

    /// Carries over what stays, once no source can change the layer any more; none where the import changes nothing in it.
    pub fn close(&mut self, staging: &Path, ids: &Identities) -> Result<Option<Unsealed>> {
        self.closed = true;
        let unchanged = self.added == 0 && self.base.as_ref().is_none_or(Base::all_stay);
        if unchanged && !self.redeclared {
            return Ok(None);
        }
        if let Some(base) = self.base.take() {
            self.carry_over(&base, staging, ids)?;
        }
        Ok(Some(Unsealed {
            layer: self.layer.clone(),
            sources: std::mem::take(&mut self.sources),
            held: self.held.take(),
            writer: self.writer.take(),
            models: self.models.take(),
            images: self.images.take(),
        }))
    }

    fn carry_over(&mut self, base: &Base, staging: &Path, ids: &Identities) -> Result<()> {
        let layer = self.layer.clone();
        let schema = Schema::of(&layer);
        let rebuild = self.redeclared.then(|| Rebuild::new(&layer, base.table.schema(), &schema));
        let mut models = InStep::new(base.models.as_deref());
        base.table.scan(&mut |row| {
            let model = models.of(row.id())?;
            let (source, fate) = base.fate(row, &layer)?;
            let stays = match fate {
                Fate::Stay => true,
                Fate::Go => false,
                Fate::StayUnlessDelivered { source, to } => !ids.delivered(to, *source, row.id()),
            };
            if !stays {
                return Ok(());
            }
            if let Some(model) = model {
                self.models(staging).push_packed(model.id, row.bbox(), &model.bytes)?;
                for id in images_of(&model.bytes) {
                    let writer = self.images(staging)?;
                    base.images.iter().try_for_each(|images| copy(&id, images, writer))?;
                }
            }
            let rebuilt = rebuild.as_ref().map(|rebuild| rebuild.feature(row)).transpose()?;
            if let Some(held) = &mut self.held {
                held.beside(rebuilt.as_ref().unwrap_or(&row.to_feature()));
            }
            let writer = self.writer(staging)?;
            match &rebuilt {
                None => writer.push_row(row)?,
                Some(feature) => writer.push(feature)?,
            }
            self.kept += 1;
            *self.sources.entry(source.clone()).or_default() += 1;
            Ok(())
        })?;
        models.end(&layer)?;
        tracing::debug!(layer = layer.id, kept = self.kept, of = base.entry.count, "records carried over");
        Ok(())
    }
}

/// The models of a layer beside the scan of its table: both stand in the same order.
struct InStep<'a> {
    models: Box<dyn Iterator<Item = Result<PackedModel>> + 'a>,
    next: Option<PackedModel>,
}

impl<'a> InStep<'a> {
    fn new(models: Option<&'a Models>) -> InStep<'a> {
        InStep { models: Box::new(models.into_iter().flat_map(Models::packed)), next: None }
    }

    fn of(&mut self, id: FeatureId) -> Result<Option<PackedModel>> {
        if self.next.is_none() {
            self.next = self.models.next().transpose()?;
        }
        Ok(self.next.take_if(|model| model.id == id))
    }

    /// Every model found its feature.
    fn end(mut self, layer: &Layer) -> Result<()> {
        match self.next.is_none() && self.models.next().is_none() {
            true => Ok(()),
            false => Err(Error::damaged(format!("{} models", layer.id), "a model belongs to no feature of its layer")),
        }
    }
}

/// Rows of a layer as it was → features of the layer as it is now declared.
struct Rebuild<'a> {
    layer: &'a Layer,
    /// Old column → new column and its kind; dropped columns go nowhere.
    to: Vec<Option<(usize, ColumnKind)>>,
}

impl<'a> Rebuild<'a> {
    fn new(layer: &'a Layer, old: &Schema, new: &Schema) -> Rebuild<'a> {
        let to = |name: &str| new.columns.iter().position(|c| c.name == name).map(|i| (i, new.columns[i].kind));
        Rebuild { layer, to: old.columns.iter().map(|c| to(&c.name)).collect() }
    }

    fn feature(&self, row: &Row<'_>) -> Result<Feature> {
        let old = row.to_feature();
        if !self.layer.geometry.contains(&old.geometry.kind) {
            let what = format!("record {} has a kind of geometry that the layer no longer takes", old.id.0);
            return Err(Error::config(&self.layer.file, 0, what + "; import its sources again"));
        }
        let mut values = vec![Value::Null; self.layer.fields.len()];
        for (value, to) in old.values.into_iter().zip(&self.to) {
            if let Some((at, kind)) = to {
                let fits = recast(value, *kind).and_then(|v| allowed(&self.layer.fields[*at], v));
                values[*at] = fits.map_err(|v| self.refuse(*at, old.id, &v))?;
            }
        }
        Ok(Feature { values, ..old })
    }

    fn refuse(&self, at: usize, id: FeatureId, value: &Value) -> Error {
        let field = &self.layer.fields[at].name;
        let what = format!(
            "field `{field}` was declared anew, and record {} holds {value:?}, which does not fit it; import this layer's \
             sources again, or give the field a new name",
            id.0
        );
        Error::config(&self.layer.file, 0, what)
    }
}

/// A value of an enum stands in its list.
fn allowed(field: &Field, value: Value) -> Result<Value, Value> {
    match &value {
        Value::Text(text) if field.kind == FieldType::Enum && !field.values.contains(text) => Err(value),
        _ => Ok(value),
    }
}

/// A stored value in another column type, where nothing is lost.
fn recast(value: Value, kind: ColumnKind) -> Result<Value, Value> {
    match (value, kind) {
        (Value::Null, _) => Ok(Value::Null),
        (v @ Value::Text(_), ColumnKind::Text) => Ok(v),
        (v @ Value::Int(_), ColumnKind::Int) => Ok(v),
        (v @ Value::Float(_), ColumnKind::Float) => Ok(v),
        (v @ Value::Bool(_), ColumnKind::Bool) => Ok(v),
        (Value::Int(v), ColumnKind::Float) if v.unsigned_abs() <= FeatureId::MAX => Ok(Value::Float(v as f64)),
        (Value::Float(v), ColumnKind::Int) if v.fract() == 0.0 && v.abs() <= FeatureId::MAX as f64 => {
            Ok(Value::Int(v as i64))
        }
        (Value::Int(v), ColumnKind::Text) => Ok(Value::Text(v.to_string())),
        (Value::Float(v), ColumnKind::Text) => Ok(Value::Text(v.to_string())),
        (Value::Text(t), ColumnKind::Int) => t.parse().map(Value::Int).map_err(|_| Value::Text(t)),
        (Value::Text(t), ColumnKind::Float) => match t.parse::<f64>() {
            Ok(v) if v.is_finite() => Ok(Value::Float(v)),
            _ => Err(Value::Text(t)),
        },
        (v, _) => Err(v),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recasting_loses_nothing() {
        let t = |s: &str| Value::Text(s.into());
        for (value, kind, expected) in [
            (Value::Null, ColumnKind::Int, Ok(Value::Null)),
            (Value::Int(3), ColumnKind::Float, Ok(Value::Float(3.0))),
            (Value::Int(1 << 60), ColumnKind::Float, Err(Value::Int(1 << 60))),
            (Value::Float(3.0), ColumnKind::Int, Ok(Value::Int(3))),
            (Value::Float(3.5), ColumnKind::Int, Err(Value::Float(3.5))),
            (Value::Int(101), ColumnKind::Text, Ok(t("101"))),
            (t("12"), ColumnKind::Int, Ok(Value::Int(12))),
            (t("twelve"), ColumnKind::Int, Err(t("twelve"))),
            (t("inf"), ColumnKind::Float, Err(t("inf"))),
            (Value::Bool(true), ColumnKind::Int, Err(Value::Bool(true))),
        ] {
            assert_eq!(recast(value.clone(), kind), expected, "{value:?} {kind:?}");
        }
    }
}
