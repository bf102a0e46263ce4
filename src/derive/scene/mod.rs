//! The tree of a layer's 3D tiles, made when the layer is sealed: which feature stands in which tile, how far away it is
//! wanted, and each tile's true box. Tileset pages and contents are answered from it without a search.

mod ends;
mod grow;
mod on_pipes;
mod reach;
mod tiled;
mod tree;

pub use ends::{PIPE_ENDS, PipeEnds, drawn as drawn_ends};
pub use grow::{HEAVIEST, MOST, grow};
pub use on_pipes::{NODE_PIPES, NodePipes, PipesEnds, ends as pipes_ends, is_of_nodes};
pub use reach::{DISTANCE_PER_ERROR, Thing};
pub use tree::{Node, Tree};

use super::family::{Clerk, LEDGER};
use crate::draw::{Footing, Joint, Sculptor, drawn_in_3d, near};
use crate::error::Result;
use crate::layer::{Catalog, Layer};
use crate::scene::{Drawing, Frame, Heights, Measure, Rule, moved};
use crate::store::{BlobRef, Draft, GROUND, Models, Row, Table, Wanted};
use std::sync::Arc;

/// Name among a layer entry's extra blobs of the tree of its 3D tiles.
pub const SCENE: &str = "scene";

/// What a box is widened by, so that it holds its content wherever the geoid lifts it: metres, and of its distance (a
/// place 100 m higher is 1.6e-5 farther from its neighbour).
const SLACK_M: f64 = 0.05;
const SLACK: f64 = 2e-5;

/// Name among a layer entry's extra blobs of what its tree was measured on: the digest of a ground, or a word.
pub const STANDS_ON: &str = "stands-on";
/// Every feature has heights of its own.
const ITSELF: &str = "itself";
/// No ground was known yet.
const UNKNOWN: &str = "unknown";

/// What `STANDS_ON` may say where a draft's ground is this one, first of what has heights of its own: anything else is of
/// another ground, and the tree has to be made again.
pub fn on_ground(draft: &Draft) -> [String; 2] {
    [ITSELF, draft.manifest.extra.get(GROUND).map_or(UNKNOWN, |b| &b.digest)].map(String::from)
}

/// As `on_ground`, of a layer of nodes: they stand on pipes, and these may stand on the ground where their nodes do not.
pub fn on_pipes(draft: &Draft, catalog: &Catalog) -> [String; 2] {
    let own = on_ground(draft);
    let ground = own[1].clone();
    own.map(|on| format!("{on} {ground} {}", on_pipes::digest(draft, catalog)))
}

/// Makes what is kept of a layer's 3D tiles, each with its name among the entry's extra blobs: the tree, what the ends of its
/// pipes meet, where its models may stand for another layer's or be stood for, its ledger, and what it stands on. Nothing
/// where its scene is not drawn from features. `offsets`: where each feature stands in the table, in the table's order;
/// `stands`: `on_ground` or `on_pipes`; `pipes`: what nodes stand on. Heights are those of the data: the tree's frames are
/// lifted by the geoid when served.
pub fn tree(
    draft: &Draft,
    layer: &Layer,
    (table, offsets, models): (&Arc<Table>, &[u64], Option<&Models>),
    stands: &[String; 2],
    pipes: &PipesEnds,
) -> Result<Vec<(String, BlobRef)>> {
    if !drawn_in_3d(layer) {
        return Ok(vec![]);
    }
    let ground = draft.ground()?;
    let footing = Footing::on(ground.as_ref());
    let things = reach::things(layer, table, models)?;
    let mut grown = grow::grow(&things);
    let ground_m = |p: [f64; 2]| footing.height_m(p);
    let heights = Heights { undulation_m: &|_| 0.0, ground_m: &ground_m };
    let ends = ends::found(layer, table, &heights)?;
    let mut clerk = Clerk::of(layer, table.schema());
    let on_pipes = is_of_nodes(layer).then(|| on_pipes::found(table, pipes)).transpose()?;
    let drawn = Drawn { layer, table, models, ends: ends.as_deref(), on_pipes: on_pipes.as_deref(), heights };
    let entered = |column| clerk.as_ref().is_some_and(|c| c.reads(column));
    let seen: Vec<bool> = (0..table.schema().columns.len()).map(entered).collect();
    let measures = measured(&drawn, &grown, &seen, &mut |row, frame, measure| {
        if let Some((clerk, thing)) = clerk.as_mut().zip(things.get(row.ordinal() as usize)) {
            let offset = offsets.get(row.ordinal() as usize).copied().unwrap_or_default();
            clerk.enter(row, frame, thing.lonlat, offset, thing.reach_m, measure);
        }
    })?;
    footing.end()?;
    for (node, measure) in grown.nodes.iter_mut().zip(&measures) {
        node.drawn = measure.map_or(0, |m| m.drawn as u32);
        node.vertices = measure.map_or(0, |m| m.vertices);
        node.offsets = node.members.iter().map(|&i| offsets.get(i as usize).copied().unwrap_or_default()).collect();
    }
    let (centres, parents): (Vec<_>, Vec<_>) = grown.nodes.iter().map(|n| (n.centre, n.parent)).unzip();
    let own: Vec<_> = measures.iter().map(|m| m.map(|m| m.bounds_m)).collect();
    let tree = grown.to_tree(&nested(&centres, &parents, &own));
    let mut blobs = vec![(SCENE.to_string(), draft.add_bytes(&tree.to_bytes()?)?)];
    if let Some(ends) = ends {
        blobs.push((PIPE_ENDS.to_string(), draft.add_bytes(&PipeEnds::of(&ends, &grown)?.to_bytes()?)?));
    }
    if let Some(pipes) = on_pipes {
        blobs.push((NODE_PIPES.to_string(), draft.add_bytes(&NodePipes::of(&pipes, &grown)?.to_bytes()?)?));
    }
    if let Some(clerk) = clerk {
        blobs.push((LEDGER.to_string(), draft.add_bytes(&clerk.to_bytes()?)?));
    }
    let [itself, ground] = stands;
    let stands_on = if footing.was_asked() { ground } else { itself };
    blobs.push((STANDS_ON.to_string(), draft.add_bytes(stands_on.as_bytes())?));
    Ok(blobs)
}

/// What is drawn and how.
struct Drawn<'a> {
    layer: &'a Layer,
    table: &'a Table,
    models: Option<&'a Models>,
    ends: Option<&'a [[ends::Kept; 2]]>,
    on_pipes: Option<&'a [on_pipes::Kept]>,
    heights: Heights<'a>,
}

/// One scan: every feature is drawn into its tile, measured and forgotten. `each` is told of those that were drawn, in
/// which frame, with the values of the columns that are `seen`.
fn measured(
    drawn: &Drawn<'_>,
    grown: &grow::Grown,
    seen: &[bool],
    each: &mut dyn FnMut(&Row<'_>, &Frame, &Measure),
) -> Result<Vec<Option<Measure>>> {
    let Drawn { layer, table, models, ends, on_pipes, heights } = *drawn;
    let tile_of = grown.tile_of();
    let mut sculptor = Sculptor::new(layer, table.schema(), models);
    let mut wanted = Rule::of(layer).map_or(vec![false; seen.len()], |rule| sculptor.shaping(&rule));
    wanted.iter_mut().zip(seen).for_each(|(wanted, seen)| *wanted |= seen);
    let new = |n: &grow::Sprout| Drawing::new(layer, Frame::at(n.centre, 0.0), &[], near(), heights);
    let mut drawings: Vec<Option<Drawing<'_>>> = grown.nodes.iter().map(new).collect();
    table.scan_of(Wanted::These(&wanted), &mut |row| {
        let tile = tile_of.get(row.ordinal() as usize).copied().unwrap_or_default() as usize;
        if let Some(drawing) = drawings.get_mut(tile).and_then(Option::as_mut) {
            let at = row.ordinal() as usize;
            let joint = Joint {
                ends: ends.and_then(|e| e.get(at)).map(ends::drawn).unwrap_or_default(),
                on_pipe: on_pipes.and_then(|p| p.get(at)).and_then(|p| p.drawn()),
            };
            sculptor.add(drawing, row, joint)?;
            if let Some(measure) = drawing.forget() {
                each(row, &Frame::at(grown.nodes[tile].centre, 0.0), &measure);
            }
        }
        Ok(())
    })?;
    Ok(drawings.into_iter().map(|d| d.and_then(Drawing::measure)).collect())
}

/// The box of each tile in its own frame, at its centre: it holds its content's (`own`) and the boxes of the tiles below
/// it. Parents stand before their children.
pub fn nested(centres: &[[f64; 2]], parents: &[Option<usize>], own: &[Option<[[f64; 3]; 2]>]) -> Vec<[[f64; 3]; 2]> {
    const NONE: [[f64; 3]; 2] = [[f64::INFINITY; 3], [f64::NEG_INFINITY; 3]];
    let frames: Vec<Frame> = centres.iter().map(|c| Frame::at(*c, 0.0)).collect();
    let mut volumes: Vec<[[f64; 3]; 2]> = own.iter().map(|b| b.unwrap_or(NONE)).collect();
    for (i, parent) in parents.iter().enumerate().rev() {
        let [low, high] = if volumes[i][0][0] > volumes[i][1][0] { [[0.0; 3]; 2] } else { volumes[i] };
        let far = low.iter().chain(&high).fold(0.0f64, |far, x| far.max(x.abs()));
        let slack = SLACK_M + far * SLACK;
        volumes[i] = [low.map(|x| x - slack), high.map(|x| x + slack)];
        if let Some(over) = *parent {
            let matrix = frames[i].within(&frames[over]);
            let around = corners(&volumes[i]).map(|c| moved(&matrix, c)).fold(volumes[over], |[low, high], p| {
                [[0, 1, 2].map(|k| low[k].min(p[k])), [0, 1, 2].map(|k| high[k].max(p[k]))]
            });
            volumes[over] = around;
        }
    }
    volumes
}

/// The eight corners of a box.
pub fn corners([low, high]: &[[f64; 3]; 2]) -> impl Iterator<Item = [f64; 3]> {
    let (low, high) = (*low, *high);
    (0..8).map(move |i| [0, 1, 2].map(|k| if i >> k & 1 == 0 { low[k] } else { high[k] }))
}
