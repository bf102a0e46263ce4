//! Which pipe the body of each node stands on: the widest of those that end at its place, of whichever layer. Found when all
//! layers of pipes are in the draft, and kept beside the node layer's tree. Networks are not told apart: ends of two of
//! them are not within a centimetre.

use super::ends::Places;
use super::tiled::Tiled;
use crate::draw::{Footing, Sculptor, near};
use crate::error::Result;
use crate::feature::Geometry;
use crate::geo::GeometryKind;
use crate::layer::{Catalog, Layer, SceneKind};
use crate::scene::{Heights, OnPipe, Rule, mouths};
use crate::store::{Draft, Ground, Table, Wanted};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Name among a layer entry's extra blobs of the pipes that its nodes stand on.
pub const NODE_PIPES: &str = "node-pipes";

/// The pipes that the nodes of every tile stand on.
pub type NodePipes = Tiled<Kept>;

/// A pipe as it is stored: its greater measure and the height of its middle in the data's datum, millimetres.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept(Option<(u32, i32)>);

impl Kept {
    pub fn drawn(self) -> Option<OnPipe> {
        let metres = |mm: f64| mm / 1000.0;
        self.0.map(|(outer, middle)| OnPipe { outer_m: metres(outer.into()), middle_m: metres(middle.into()) })
    }
}

/// Where the pipes of a draft end.
#[derive(Default)]
pub struct PipesEnds {
    places: Places,
    /// By place: the widest pipe that ends there.
    widest: Vec<(u32, i32)>,
}

/// Whether a layer's bodies stand on pipes.
pub fn is_of_nodes(layer: &Layer) -> bool {
    layer.scene.as_ref().is_some_and(|s| s.kind == SceneKind::Node)
}

fn pipes<'a>(draft: &'a Draft, catalog: &'a Catalog) -> impl Iterator<Item = &'a Layer> {
    let is_tube = |l: &Layer| l.scene.as_ref().is_some_and(|s| s.kind == SceneKind::Tube);
    catalog.iter().map(|(_, l)| l.as_ref()).filter(move |l| is_tube(l) && draft.manifest.layers.contains_key(&l.id))
}

/// Changes whenever the ends of pipes may: of their layers' features and declarations. Empty where there are none. What
/// they are measured on is said elsewhere.
pub fn digest(draft: &Draft, catalog: &Catalog) -> String {
    let mut digest = blake3::Hasher::new();
    let mut some = false;
    for layer in pipes(draft, catalog) {
        let entry = &draft.manifest.layers[&layer.id];
        digest
            .update(layer.id.as_bytes())
            .update(entry.declaration.as_bytes())
            .update(entry.features.digest.as_bytes());
        some = true;
    }
    if some { digest.finalize().to_hex().to_string() } else { String::new() }
}

/// The ends of all pipes of the draft.
pub fn ends(draft: &Draft, catalog: &Catalog) -> Result<PipesEnds> {
    let ground = draft.ground()?;
    let layers: Vec<&Layer> = pipes(draft, catalog).collect();
    let all: Vec<Vec<([f64; 2], u32, i32)>> =
        layers.into_par_iter().map(|layer| of_layer(draft, layer, ground.as_ref())).collect::<Result<_>>()?;
    let mut ends = PipesEnds::default();
    for (at, outer, middle) in all.into_iter().flatten() {
        let place = ends.places.of(at) as usize;
        ends.widest.resize(ends.widest.len().max(place + 1), (0, 0));
        ends.widest[place] = ends.widest[place].max((outer, middle));
    }
    Ok(ends)
}

/// Place, greater measure and height of the middle of each end.
fn of_layer(draft: &Draft, layer: &Layer, ground: Option<&Ground>) -> Result<Vec<([f64; 2], u32, i32)>> {
    let Some(rule) = Rule::of(layer) else { return Ok(vec![]) };
    let table = draft.table(&draft.manifest.layers[&layer.id].features)?;
    let sculptor = Sculptor::new(layer, table.schema(), None);
    let footing = Footing::on(ground);
    let ground_m = |p: [f64; 2]| footing.height_m(p);
    let heights = Heights { undulation_m: &|_| 0.0, ground_m: &ground_m };
    let (mut found, mut g) = (vec![], Geometry::empty(GeometryKind::Point));
    table.scan_of(Wanted::These(&sculptor.shaping(&rule)), &mut |row| {
        row.read_geometry(&mut g);
        for mouth in mouths(&rule, &heights, near().tolerance_m, &g, &sculptor.values(row)).into_iter().flatten() {
            let outer_m = mouth.section.measures_m().into_iter().fold(0.0, f64::max);
            let [outer, middle] = [outer_m, mouth.height_m].map(|m| (m * 1000.0).round());
            found.push((mouth.lonlat, outer as u32, middle as i32));
        }
        Ok(())
    })?;
    footing.end()?;
    Ok(found)
}

/// The pipe of each node, in the table's order.
pub fn found(table: &Table, ends: &PipesEnds) -> Result<Vec<Kept>> {
    let (mut all, mut g) = (vec![], Geometry::empty(GeometryKind::Point));
    table.scan_of(Wanted::These(&[]), &mut |row| {
        row.read_geometry(&mut g);
        let near = g.xy.first().map(|at| ends.places.near(*at)).unwrap_or_default();
        all.push(Kept(near.into_iter().map(|place| ends.widest[place as usize]).max()));
        Ok(())
    })?;
    Ok(all)
}
