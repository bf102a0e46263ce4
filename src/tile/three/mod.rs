//! 3D tiles from one City: pages of a layer's tree and contents. Every feature stands in exactly one tile, whole. Knows no
//! HTTP and no cache.

mod family;
mod page;
mod through;

pub use family::{Cast, name as family_name, plan as plan_family};
pub use page::{Links, empty, page, scene};
pub use through::{Through, assembled, files, is_through, through};

use super::Revision;
use crate::audience::Audience;
use crate::city::City;
use crate::derive::family::FamilyTree;
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

/// A tree in one city, and what its contents would be made of.
pub struct Plan {
    /// In addresses: the layer's id, or those of a family's members.
    pub name: String,
    pub tree: Arc<Tree>,
    /// Of all its contents and pages.
    pub revision: Revision,
    parts: Vec<Part>,
    /// Where the tree is of several layers.
    family: Option<Arc<FamilyTree>>,
    today: String,
    shown: Shown,
}

/// A layer that contents are made of.
struct Part {
    layer: Arc<Layer>,
    table: Arc<Table>,
    models: Option<Arc<Models>>,
    ends: Option<Arc<PipeEnds>>,
    columns: Vec<usize>,
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
    let Some(part) = Part::of(city, audience, layer, shown)? else { return Ok(Ok(None)) };
    let Some(tree) = city.tree(&layer.id)? else { return Ok(Err(Lack::NoTree)) };
    let mut digest = blake3::Hasher::new();
    digest.update(&scene::VERSION.to_le_bytes()).update(audience.tag.as_bytes());
    digested(&mut digest, city, &part);
    digest.update(&shown.geoid_m.to_le_bytes()).update(format!("{:?}", shown.form).as_bytes());
    Ok(Ok(Some(Plan {
        name: layer.id.clone(),
        tree,
        revision: Revision::of(&digest),
        parts: vec![part],
        family: None,
        today: city.today(),
        shown: shown.clone(),
    })))
}

impl Part {
    /// `None` when the city holds nothing of the layer.
    fn of(city: &City, audience: &Audience, layer: &Arc<Layer>, shown: &Shown) -> Result<Option<Part>> {
        let Some(table) = city.snapshot.features(&layer.id)? else { return Ok(None) };
        let seen = |i: &usize| layer.fields.get(*i).is_some_and(|f| audience.sees_field_in_tiles(layer, f));
        let columns = shown.columns.clone().unwrap_or_else(|| default_columns(layer));
        let columns: Vec<usize> = columns.into_iter().filter(seen).collect();
        let (models, ends) = (city.snapshot.models(&layer.id)?, city.pipe_ends(&layer.id)?);
        Ok(Some(Part { layer: layer.clone(), table, models, ends, columns }))
    }
}

/// Everything that contents with features of a part are made of.
fn digested(digest: &mut blake3::Hasher, city: &City, part: &Part) {
    let layer = &part.layer;
    let Some(entry) = city.snapshot.manifest.layers.get(&layer.id) else { return };
    digest.update(layer.id.as_bytes()).update(entry.declaration.as_bytes()).update(entry.features.digest.as_bytes());
    for part in [MODELS, SCENE, PIPE_ENDS] {
        digest.update(entry.extra.get(part).map_or("", |b: &BlobRef| &b.digest).as_bytes()).update(b"/");
    }
    if Validity::declared(layer) {
        digest.update(city.today().as_bytes());
    }
    digest.update(format!("{:?}", part.columns).as_bytes());
}

impl Plan {
    fn frame(&self, node: usize) -> Frame {
        Frame::at(self.tree.nodes[node].centre, self.shown.geoid_m)
    }

    /// Whether there is such a tile, with features in it.
    pub fn has_content(&self, node: usize) -> bool {
        self.tree.nodes.get(node).is_some_and(|n| n.drawn > 0)
    }

    /// Whether the tiles below one show the same things finer.
    fn replaces(&self, node: usize) -> bool {
        self.family.as_ref().and_then(|f| f.stages.get(node)).is_some_and(|s| s.replaces)
    }

    /// Bytes in a part's table at which a tile's features stand.
    fn offsets(&self, node: usize, part: usize) -> &[u64] {
        match &self.family {
            Some(family) => family.stages.get(node).and_then(|s| s.offsets.get(part)).map_or(&[], Vec::as_slice),
            None => self.tree.nodes.get(node).map_or(&[], |n| &n.offsets),
        }
    }

    fn drawing<'h>(&self, node: usize, heights: Heights<'h>) -> Option<Drawing<'h>> {
        let frame = self.tree.nodes.get(node).map(|_| self.frame(node))?;
        match self.parts.as_slice() {
            [part] => Drawing::new(&part.layer, frame, &part.columns, near(), heights),
            parts => {
                let parts: Vec<_> = parts.iter().map(|p| (p.layer.as_ref(), p.columns.as_slice())).collect();
                Drawing::joint(&parts, frame, near(), heights)
            }
        }
    }
}

/// The glb of a tile. Reads its features by their places in the table, nothing else.
pub fn content(plan: &Plan, node: usize) -> Result<Vec<u8>> {
    let geoid_m = plan.shown.geoid_m;
    let undulation_m = |_: [f64; 2]| geoid_m;
    let heights = Heights { undulation_m: &undulation_m, ..crate::derive::DATA_HEIGHTS };
    let Some(mut drawing) = plan.drawing(node, heights) else { return Ok(scene::nothing()) };
    for (i, part) in plan.parts.iter().enumerate() {
        let (layer, schema) = (&part.layer, part.table.schema());
        drawing.turn_to(i);
        let mut sculptor = Sculptor::new(layer, schema, part.models.as_deref()).on(layer, schema, &plan.today);
        let ends = part.ends.as_ref().map(|e| e.tile(node)).transpose()?.flatten().unwrap_or_default();
        let mut ends = ends.into_iter();
        let offsets = plan.offsets(node, i);
        part.table.pick(offsets, &mut |row| sculptor.add(&mut drawing, row, ends.next().unwrap_or_default()))?;
    }
    let (drawn, counts) = drawing.finish(plan.shown.form);
    if !counts.undrawn.is_empty() {
        tracing::debug!(of = %plan.name, node, undrawn = ?counts.undrawn, "features without a 3D shape");
    }
    // Records may have ceased to be valid since the tree was made.
    Ok(drawn.map_or_else(scene::nothing, |d| d.glb))
}
