//! Rows of one table → one content of a 3D tile, through `scene::Drawing`. Decides nothing about tiles: import measures
//! with it and requests draw with it, so that what was measured is what is drawn.

use super::Validity;
use crate::audience::Seen;
use crate::error::Result;
use crate::feature::{Geometry, Tier, ValueRef};
use crate::geo::GeometryKind;
use crate::layer::{Layer, SceneKind, Serve};
use crate::scene::{Detail, Drawing, End, Item, OnPipe, Rule};
use crate::store::{Models, Row, Schema};

/// Whether the layer's 3D tiles are drawn from its features. Terrain and tilesets made elsewhere are not.
pub fn drawn_in_3d(layer: &Layer) -> bool {
    let drawn = |k| !matches!(k, SceneKind::Terrain | SceneKind::Mesh);
    layer.serves(Serve::Tiles3d) && layer.scene.as_ref().is_some_and(|s| drawn(s.kind))
}

/// How fine contents are: near precision everywhere, as a feature stands in one tile at all distances.
pub fn near() -> Detail {
    Detail::NEAR
}

/// What was found at import of a pipe's ends, or of the pipe below a node.
#[derive(Debug, Clone, Copy, Default)]
pub struct Joint {
    pub ends: [End; 2],
    pub on_pipe: Option<OnPipe>,
}

/// Adds rows of one layer to drawings.
pub struct Sculptor<'a> {
    models: Option<&'a Models>,
    /// Level of detail shown of models; the finest without one.
    wanted: Option<Tier>,
    /// Per column of the table: its field.
    fields: Vec<Option<usize>>,
    field_count: usize,
    validity: Option<(Validity, &'a str)>,
    /// The rows that are seen, where not all are.
    seen: Option<&'a Seen>,
    geometry: Geometry,
}

impl<'a> Sculptor<'a> {
    pub fn new(layer: &Layer, schema: &Schema, models: Option<&'a Models>) -> Sculptor<'a> {
        let level = layer.scene.as_ref().and_then(|s| s.level);
        Sculptor {
            models,
            // CIM levels (CJJ/T 315-2022): 2 is blocks (LOD 1), 3 roofs (LOD 2), 4 façades (LOD 3).
            wanted: level.map(|l| Tier { level: l.saturating_sub(1), refined: None }),
            fields: schema.columns.iter().map(|c| layer.field(&c.name)).collect(),
            field_count: layer.fields.len(),
            validity: None,
            seen: None,
            geometry: Geometry::empty(GeometryKind::Point),
        }
    }

    /// Leaves out rows that are not valid on the day `today` (ISO date).
    pub fn on(self, layer: &Layer, schema: &Schema, today: &'a str) -> Sculptor<'a> {
        let validity = Some((Validity::of(layer, schema), today)).filter(|(v, _)| v.is_bounded());
        Sculptor { validity, ..self }
    }

    /// Leaves out rows that are not seen.
    pub fn only(self, seen: Option<&'a Seen>) -> Sculptor<'a> {
        Sculptor { seen, ..self }
    }

    /// Per column of the table: whether the shapes that `rule` makes depend on it.
    pub fn shaping(&self, rule: &Rule) -> Vec<bool> {
        self.fields.iter().map(|field| field.is_some_and(|f| rule.reads(f))).collect()
    }

    /// One value a field, in the layer's order.
    pub fn values<'r>(&self, row: &Row<'r>) -> Vec<ValueRef<'r>> {
        let mut values = vec![ValueRef::Null; self.field_count];
        row.values(|column, value| {
            if let Some(field) = self.fields.get(column).copied().flatten() {
                values[field] = value;
            }
        });
        values
    }

    /// Adds a row: by its model where it has one, else by its geometry and values.
    pub fn add(&mut self, drawing: &mut Drawing<'_>, row: &Row<'_>, joint: Joint) -> Result<()> {
        if self.seen.is_some_and(|seen| !seen.has(row.id())) {
            return Ok(());
        }
        if let Some((validity, today)) = &self.validity {
            let mut valid = true;
            row.values(|column, value| valid &= validity.allows(column, value, today));
            if !valid {
                return Ok(());
            }
        }
        let values = self.values(row);
        row.read_geometry(&mut self.geometry);
        let Joint { ends, on_pipe } = joint;
        let item = Item { ends, on_pipe, ..Item::new(row.id(), &self.geometry, &values) };
        let model = match self.models {
            Some(models) => models.get(row.id())?,
            None => None,
        };
        let lod = model.as_ref().and_then(|m| match self.wanted {
            Some(wanted) => m.at_least(wanted),
            None => m.lods.last(),
        });
        match (&model, lod) {
            (Some(model), Some(lod)) => drawing.model(&item, model, lod),
            _ => drawing.feature(&item),
        }
        Ok(())
    }
}
