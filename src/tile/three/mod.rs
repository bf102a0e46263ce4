//! 3D tiles from one City: pages of a layer's tree and contents. Every feature stands in exactly one tile, whole. Knows no
//! HTTP and no cache.

mod family;
mod images;
mod page;
mod through;

pub use family::{Cast, name as family_name, plan as plan_family};
pub use page::{Links, empty, page, scene};
pub use through::{Through, assembled, files, is_through, through};

use super::Revision;
use crate::audience::{Audience, Seen};
use crate::city::City;
use crate::derive::family::FamilyTree;
use crate::derive::ground::{GROUND_SCENE, apart_m, sheet_source};
use crate::derive::{NODE_PIPES, NodePipes, PIPE_ENDS, PipeEnds, SCENE, STANDS_ON, Tree, corners, drawn_ends};
use crate::draw::{Footing, Joint, Sculptor, Validity, drawn_in_3d, near};
use crate::error::{Error, Result};
use crate::geo::BBox;
use crate::geo::geoid::Geoid;
use crate::geo::lattice::TileAt;
use crate::layer::{Layer, LayerIx, SceneKind, Serve};
use crate::scene::terrain::Terrain;
use crate::scene::{self, Drawing, Form, Frame, Heights, default_columns};
use crate::store::{BlobRef, GROUND, Ground, IMAGES, ImageBlob, MODELS, Models, Table};
use std::sync::Arc;

/// How a layer is shown in 3D.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    pub form: Form,
    /// Fields of the property table; the layer's default ones without.
    pub columns: Option<Vec<usize>>,
    /// What makes the heights of the data ellipsoidal (h = H + N).
    pub geoid: Arc<Geoid>,
}

/// A tree in one city, and what its contents would be made of.
pub struct Plan {
    /// In addresses: the layer's id, or those of a family's members.
    pub name: String,
    pub tree: Arc<Tree>,
    /// Of all its contents and pages.
    pub revision: Revision,
    /// What its sources' heights were measured from.
    datums: Vec<String>,
    parts: Vec<Part>,
    /// What its features stand on; of terrain, what is drawn.
    ground: Option<Arc<Ground>>,
    /// The layer whose tiles are those of the ground.
    terrain: Option<Arc<Layer>>,
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
    on_pipes: Option<Arc<NodePipes>>,
    images: Option<ImageBlob>,
    columns: Vec<usize>,
    /// The rows that the audience sees, where not all are.
    seen: Option<Arc<Seen>>,
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
    if is_ground(layer) {
        // The ground has no rows: whose rows are to be left out sees none of it.
        if audience.narrows(layer) {
            return Ok(Err(Lack::NotDrawn));
        }
        return terrain_plan(city, audience, layer, shown).map(Ok);
    }
    if !drawn_in_3d(layer) {
        return Ok(Err(Lack::NotDrawn));
    }
    let Some(part) = Part::of(city, audience, layer, shown)? else { return Ok(Ok(None)) };
    let Some(tree) = city.tree(&layer.id)? else { return Ok(Err(Lack::NoTree)) };
    reach(&shown.geoid, &layer.id, &tree)?;
    let mut digest = blake3::Hasher::new();
    digest.update(&scene::VERSION.to_le_bytes()).update(audience.tag().as_bytes()).update(b"/");
    digested(&mut digest, city, &part);
    digest.update(shown.geoid.digest().as_bytes()).update(format!("{:?}", shown.form).as_bytes());
    Ok(Ok(Some(Plan {
        name: layer.id.clone(),
        tree,
        revision: Revision::of(&digest),
        datums: datums(city, layer)?,
        ground: snapshot.ground()?,
        terrain: None,
        parts: vec![part],
        family: None,
        today: city.today(),
        shown: shown.clone(),
    })))
}

/// What the heights of a layer's sources were measured from.
fn datums(city: &City, layer: &Layer) -> Result<Vec<String>> {
    match city.snapshot.manifest.layers.get(&layer.id) {
        Some(entry) => city.datums(entry.sources.keys()),
        None => Ok(vec![]),
    }
}

/// Whether the layer's 3D tiles are those of the city's ground.
pub fn is_ground(layer: &Layer) -> bool {
    layer.serves(Serve::Tiles3d) && layer.scene.as_ref().is_some_and(|s| s.kind == SceneKind::Terrain)
}

fn terrain_plan(city: &City, audience: &Audience, layer: &Arc<Layer>, shown: &Shown) -> Result<Option<Plan>> {
    let snapshot = &city.snapshot;
    let (Some(ground), Some(tree)) = (snapshot.ground()?, city.ground_tree()?) else { return Ok(None) };
    reach(&shown.geoid, &layer.id, &tree)?;
    let mut digest = blake3::Hasher::new();
    digest
        .update(&scene::VERSION.to_le_bytes())
        .update(audience.tag().as_bytes())
        .update(b"/")
        .update(layer.id.as_bytes());
    digest.update(layer.digest().as_bytes());
    for part in [GROUND, GROUND_SCENE] {
        let blob = snapshot.manifest.extra.get(part).map_or("", |b: &BlobRef| &b.digest);
        digest.update(blob.as_bytes()).update(b"/");
    }
    digest.update(shown.geoid.digest().as_bytes()).update(format!("{:?}", shown.form).as_bytes());
    let sources = snapshot.manifest.extra.keys().filter_map(|key| sheet_source(key)).map(String::from);
    let sources: Vec<String> = sources.collect();
    Ok(Some(Plan {
        name: layer.id.clone(),
        tree,
        revision: Revision::of(&digest),
        datums: city.datums(sources.iter())?,
        ground: Some(ground),
        terrain: Some(layer.clone()),
        parts: vec![],
        family: None,
        today: city.today(),
        shown: shown.clone(),
    }))
}

/// Wrong heights are worse than none: a layer in whose middle the configured geoid is unknown is not served.
fn reach(geoid: &Geoid, name: &str, tree: &Tree) -> Result<()> {
    let outside = tree.nodes.first().is_some_and(|root| geoid.undulation_m(root.centre).is_none());
    match outside {
        false => Ok(()),
        true => {
            let what = format!("the geoid {} does not reach {name}; configure one that does", geoid.name);
            Err(Error::config("geoid", 0, what))
        }
    }
}

impl Part {
    /// `None` when the city holds nothing of the layer.
    fn of(city: &City, audience: &Audience, layer: &Arc<Layer>, shown: &Shown) -> Result<Option<Part>> {
        let Some(table) = city.snapshot.features(&layer.id)? else { return Ok(None) };
        let seen = |i: &usize| layer.fields.get(*i).is_some_and(|f| audience.sees_field_in_tiles(layer, f));
        let columns = shown.columns.clone().unwrap_or_else(|| default_columns(layer));
        let columns: Vec<usize> = columns.into_iter().filter(seen).collect();
        let (models, ends) = (city.snapshot.models(&layer.id)?, city.pipe_ends(&layer.id)?);
        let (on_pipes, images) = (city.node_pipes(&layer.id)?, city.snapshot.images(&layer.id)?);
        let seen = audience.rows(layer)?;
        Ok(Some(Part { layer: layer.clone(), table, models, ends, on_pipes, images, columns, seen }))
    }
}

impl Part {
    /// What was found at import of each feature of a tile; of layers of neither pipes nor nodes nothing.
    fn joints(&self, node: usize) -> Result<Vec<Joint>> {
        let ends = self.ends.as_ref().map(|e| e.tile(node)).transpose()?.flatten().unwrap_or_default();
        let pipes = self.on_pipes.as_ref().map(|p| p.tile(node)).transpose()?.flatten().unwrap_or_default();
        let ends = ends.iter().map(|e| Joint { ends: drawn_ends(e), on_pipe: None });
        let pipes = pipes.into_iter().map(|p| Joint { on_pipe: p.drawn(), ..Joint::default() });
        Ok(ends.chain(pipes).collect())
    }
}

/// Everything that contents with features of a part are made of.
fn digested(digest: &mut blake3::Hasher, city: &City, part: &Part) {
    let layer = &part.layer;
    let Some(entry) = city.snapshot.manifest.layers.get(&layer.id) else { return };
    digest.update(layer.id.as_bytes()).update(entry.declaration.as_bytes()).update(entry.features.digest.as_bytes());
    for part in [MODELS, SCENE, PIPE_ENDS, NODE_PIPES, STANDS_ON] {
        digest.update(entry.extra.get(part).map_or("", |b: &BlobRef| &b.digest).as_bytes()).update(b"/");
    }
    if let Some(images) = entry.extra.get(IMAGES) {
        digest.update(images.digest.as_bytes());
    }
    if Validity::declared(layer) {
        digest.update(city.today().as_bytes());
    }
    digest.update(format!("{:?}", part.columns).as_bytes());
    digest.update(part.seen.as_ref().map_or(&[][..], |s| &s.digest));
}

impl Plan {
    fn frame(&self, node: usize) -> Frame {
        let centre = self.tree.nodes[node].centre;
        Frame::at(centre, self.undulation_m(centre))
    }

    /// N; what lies a step outside of the geoid has that of the tree's middle. A layer outside as a whole has no plan.
    fn undulation_m(&self, lonlat: [f64; 2]) -> f64 {
        let middle = || self.tree.nodes.first().and_then(|n| self.shown.geoid.undulation_m(n.centre));
        self.shown.geoid.undulation_m(lonlat).or_else(middle).unwrap_or(0.0)
    }

    /// The box of a tile in its frame: what it holds is lifted by N where it stands, its frame by N in its middle.
    fn volume_m(&self, node: usize) -> [[f64; 3]; 2] {
        let tile = &self.tree.nodes[node];
        let [mut low, mut high] = tile.volume_m;
        if self.shown.geoid.is_constant().is_none() {
            let frame = Frame::at(tile.centre, 0.0);
            let places: Vec<[f64; 2]> = corners(&tile.volume_m).map(|c| frame.geographic(c).0).collect();
            let own = self.undulation_m(tile.centre);
            let [least, most] = self.shown.geoid.range_m(&BBox::of(&places)).unwrap_or([own; 2]);
            // What lies outside of the geoid has the N of the tree's middle.
            let middle = self.tree.nodes.first().map_or(own, |n| self.undulation_m(n.centre));
            low[2] += least.min(middle) - own;
            high[2] += most.max(middle) - own;
        }
        [low, high]
    }

    /// Whether there is such a tile, with features in it.
    pub fn has_content(&self, node: usize) -> bool {
        self.tree.nodes.get(node).is_some_and(|n| n.drawn > 0)
    }

    /// Whether the tiles below one show the same things finer.
    fn replaces(&self, node: usize) -> bool {
        self.terrain.is_some() || self.family.as_ref().and_then(|f| f.stages.get(node)).is_some_and(|s| s.replaces)
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

/// The glb of a tile. Reads its features by their places in the table, nothing else; of the ground, its heights.
pub fn content(plan: &Plan, node: usize) -> Result<Vec<u8>> {
    let undulation_m = |p: [f64; 2]| plan.undulation_m(p);
    if let Some(layer) = &plan.terrain {
        return terrain(plan, layer, node, &undulation_m);
    }
    let footing = Footing::on(plan.ground.as_deref());
    let ground_m = |p: [f64; 2]| footing.height_m(p);
    let heights = Heights { undulation_m: &undulation_m, ground_m: &ground_m };
    let Some(mut drawing) = plan.drawing(node, heights) else { return Ok(scene::nothing()) };
    for (i, part) in plan.parts.iter().enumerate() {
        let (layer, schema) = (&part.layer, part.table.schema());
        drawing.turn_to(i);
        let mut sculptor = Sculptor::new(layer, schema, part.models.as_deref()).on(layer, schema, &plan.today);
        sculptor = sculptor.only(part.seen.as_deref());
        let mut joints = part.joints(node)?.into_iter();
        let offsets = plan.offsets(node, i);
        part.table.pick(offsets, &mut |row| sculptor.add(&mut drawing, row, joints.next().unwrap_or_default()))?;
    }
    let images: Vec<&ImageBlob> = plan.parts.iter().filter_map(|p| p.images.as_ref()).collect();
    if !images.is_empty() {
        let replaced_at_m = plan.replaces(node).then(|| plan.tree.nodes[node].error_m);
        images::hang(&mut drawing, &images, images::texel_m(replaced_at_m))?;
    }
    let (drawn, counts) = drawing.finish(plan.shown.form);
    footing.end()?;
    if !counts.undrawn.is_empty() {
        tracing::debug!(of = %plan.name, node, undrawn = ?counts.undrawn, "features without a 3D shape");
    }
    // Records may have ceased to be valid since the tree was made.
    Ok(drawn.map_or_else(scene::nothing, |d| d.glb))
}

/// Where the features of a content are that the audience sees, `[longitude°, latitude°]`; of the ground its tile's middle.
pub fn places(plan: &Plan, node: usize) -> Result<Vec<[f64; 2]>> {
    let Some(tile) = plan.tree.nodes.get(node) else { return Ok(vec![]) };
    if plan.terrain.is_some() {
        return Ok(vec![tile.centre]);
    }
    let mut places = vec![];
    for (i, part) in plan.parts.iter().enumerate() {
        part.table.pick(plan.offsets(node, i), &mut |row| {
            if part.seen.as_ref().is_none_or(|seen| seen.has(row.id())) {
                places.push(row.bbox().center());
            }
            Ok(())
        })?;
    }
    Ok(places)
}

fn terrain(plan: &Plan, layer: &Layer, node: usize, undulation_m: &dyn Fn([f64; 2]) -> f64) -> Result<Vec<u8>> {
    let at = plan.tree.nodes.get(node).and_then(|n| n.offsets.first()).map(|key| TileAt::from_key(*key));
    let (Some(at), Some(ground)) = (at, &plan.ground) else { return Ok(scene::nothing()) };
    let Some(heights) = ground.patch(at)? else { return Ok(scene::nothing()) };
    let terrain = Terrain { at, heights: &heights, apart_m: apart_m(ground, at) };
    let drawn = terrain.draw(layer, &plan.frame(node), undulation_m, plan.shown.form.compression);
    Ok(drawn.map_or_else(scene::nothing, |d| d.glb))
}
