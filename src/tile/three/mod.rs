//! 3D tiles from one City: pages of a layer's tree and contents. Every feature stands in exactly one tile, whole. Knows no
//! HTTP and no cache.

mod page;
mod through;

pub use page::{Links, empty, page, scene};
pub use through::{Through, assembled, files, is_through, through};

use super::Revision;
use crate::audience::Audience;
use crate::city::City;
use crate::derive::{PIPE_ENDS, PipeEnds, SCENE, Tree};
use crate::draw::{Sculptor, Validity, drawn_in_3d, near};
use crate::error::Result;
use crate::layer::{Layer, LayerIx};
use crate::scene::{self, Drawing, Form, Frame, Heights, default_columns};
use crate::store::{BlobRef, MODELS, Models, Table};
use std::sync::Arc;

/// How a layer is shown in 3D.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    pub form: Form,
    /// Fields of the property table; the layer's default ones without.
    pub columns: Option<Vec<usize>>,
    /// Height of the geoid above the ellipsoid, metres: added to the heights of the data (h = H + N).
    pub geoid_m: f64,
}

/// A layer's tree in one city, and what its contents would be made of.
pub struct Plan {
    pub layer: Arc<Layer>,
    pub tree: Arc<Tree>,
    /// Of all its contents and pages.
    pub revision: Revision,
    table: Arc<Table>,
    models: Option<Arc<Models>>,
    ends: Option<Arc<PipeEnds>>,
    columns: Vec<usize>,
    today: String,
    shown: Shown,
}

/// Why a layer has no tileset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lack {
    /// Its 3D tiles are not drawn from features, or it is not served in 3D.
    NotDrawn,
    /// It was imported before its tree could be made.
    NoTree,
}

/// Plans a layer's tiles for `audience`. `Ok(Ok(None))` when the city holds nothing of it.
pub fn plan(city: &City, audience: &Audience, ix: LayerIx, shown: &Shown) -> Result<Result<Option<Plan>, Lack>> {
    let snapshot = &city.snapshot;
    let layer = snapshot.catalog.layer(ix);
    if !drawn_in_3d(layer) {
        return Ok(Err(Lack::NotDrawn));
    }
    let (Some(entry), Some(table)) = (snapshot.manifest.layers.get(&layer.id), snapshot.features(&layer.id)?) else {
        return Ok(Ok(None));
    };
    let Some(tree) = city.tree(&layer.id)? else { return Ok(Err(Lack::NoTree)) };
    let today: String = snapshot.manifest.created.chars().take(10).collect();
    let seen = |i: &usize| layer.fields.get(*i).is_some_and(|f| audience.sees_field_in_tiles(layer, f));
    let columns = shown.columns.clone().unwrap_or_else(|| default_columns(layer));
    let columns: Vec<usize> = columns.into_iter().filter(seen).collect();
    let mut digest = blake3::Hasher::new();
    digest.update(&scene::VERSION.to_le_bytes()).update(audience.tag.as_bytes()).update(layer.id.as_bytes());
    digest.update(entry.declaration.as_bytes()).update(entry.features.digest.as_bytes());
    for part in [MODELS, SCENE, PIPE_ENDS] {
        digest.update(entry.extra.get(part).map_or("", |b: &BlobRef| &b.digest).as_bytes()).update(b"/");
    }
    if Validity::declared(layer) {
        digest.update(today.as_bytes());
    }
    digest.update(&shown.geoid_m.to_le_bytes()).update(format!("{:?} {columns:?}", shown.form).as_bytes());
    let models = snapshot.models(&layer.id)?;
    let (ends, revision) = (city.pipe_ends(&layer.id)?, Revision::of(&digest));
    let (layer, shown) = (layer.clone(), shown.clone());
    Ok(Ok(Some(Plan { layer, tree, revision, table, models, ends, columns, today, shown })))
}

impl Plan {
    fn frame(&self, node: usize) -> Frame {
        Frame::at(self.tree.nodes[node].centre, self.shown.geoid_m)
    }

    /// Whether there is such a tile, with features in it.
    pub fn has_content(&self, node: usize) -> bool {
        self.tree.nodes.get(node).is_some_and(|n| n.drawn > 0)
    }
}

/// The glb of a tile. Reads its features by their places in the table, nothing else.
pub fn content(plan: &Plan, node: usize) -> Result<Vec<u8>> {
    let geoid_m = plan.shown.geoid_m;
    let undulation_m = |_: [f64; 2]| geoid_m;
    let heights = Heights { undulation_m: &undulation_m, ..crate::derive::DATA_HEIGHTS };
    let drawing = Drawing::new(&plan.layer, plan.frame(node), &plan.columns, near(), heights);
    let (Some(mut drawing), Some(tile)) = (drawing, plan.tree.nodes.get(node)) else { return Ok(scene::nothing()) };
    let schema = plan.table.schema();
    let mut sculptor = Sculptor::new(&plan.layer, schema, plan.models.as_deref()).on(&plan.layer, schema, &plan.today);
    let ends = plan.ends.as_ref().map(|e| e.tile(node)).transpose()?.flatten().unwrap_or_default();
    let mut ends = ends.into_iter();
    plan.table.pick(&tile.offsets, &mut |row| sculptor.add(&mut drawing, row, ends.next().unwrap_or_default()))?;
    let (drawn, counts) = drawing.finish(plan.shown.form);
    if !counts.undrawn.is_empty() {
        tracing::debug!(layer = %plan.layer.id, node, undrawn = ?counts.undrawn, "features without a 3D shape");
    }
    // Records may have ceased to be valid since the tree was made.
    Ok(drawn.map_or_else(scene::nothing, |d| d.glb))
}
