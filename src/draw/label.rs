//! Names of areas as points: each in the one tile that its place lies in, the buffer not counted.

use super::{Brush, EXTENT, Frame};
use crate::feature::{Geometry, ValueRef};
use crate::geo::GeometryKind;
use crate::geo::label::label_point;
use crate::mvt::{LayerEncoder, Shape};
use crate::store::Row;

/// The companion of a layer that is being drawn (`layer::label`).
pub struct Labels<'a> {
    encoder: LayerEncoder<'a>,
    /// The column of the name itself: what has none gets no point.
    name_at: usize,
    shape: Shape,
}

impl<'a> Labels<'a> {
    /// `None` where the layer has no names, or its tiles do not carry them: at this zoom, or for who asks.
    pub fn of(brush: &Brush<'a>) -> Option<Labels<'a>> {
        let name = brush.layer.label_layer().filter(|_| brush.named)?;
        let named = |key: &&str| brush.layer.label.iter().any(|l| l == key);
        let keys: Vec<Option<&str>> = brush.keys.iter().map(|k| k.filter(named)).collect();
        let first = brush.layer.label.first()?;
        let name_at = keys.iter().position(|k| k.is_some_and(|k| k == first))?;
        let shape = Shape { kind: Some(GeometryKind::Point), ..Shape::default() };
        Some(Labels { encoder: LayerEncoder::new(&name, EXTENT, keys), name_at, shape })
    }

    /// Adds the row's name where its place is in the tile. `geometry` is the row's, in degrees.
    pub fn add(&mut self, row: &Row<'_>, geometry: &Geometry, frame: &Frame) {
        if geometry.kind != GeometryKind::Polygon || !self.is_named(row) {
            return;
        }
        let Some(place) = label_point(&geometry.xy, &geometry.ends, &geometry.parts) else { return };
        let at = frame.projector.project(place);
        // Half open: of the tiles that meet at an edge one has what lies on it.
        if at.iter().all(|v| (0.0..f64::from(EXTENT)).contains(v)) {
            self.shape.xy.clear();
            self.shape.xy.push(at);
            self.encoder.feature(row.id(), &self.shape, |tags| row.values(|column, value| tags.put(column, value)));
        }
    }

    fn is_named(&self, row: &Row<'_>) -> bool {
        let mut named = false;
        row.values(|column, value| {
            named |= column == self.name_at && !matches!(value, ValueRef::Null | ValueRef::Text(""));
        });
        named
    }

    pub fn finish(self) -> Option<Vec<u8>> {
        self.encoder.finish()
    }
}
