//! Pages of a tree as tileset JSON (3D Tiles 1.1, OGC 22-025r4 §7): some thirty tiles each, what goes on below them linked as
//! external tilesets. A tile's `transform` leads to its parent's frame, a tree's root's to geocentric metres.

use super::Plan;
use crate::derive::{Node, corners};
use crate::geo::geoid::Geoid;
use crate::scene::{Frame, moved};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Tiles of a page: some 450 bytes each, below 20 kB.
const TILES: usize = 32;

/// How pages name other pages and contents, relative to their own address.
#[derive(Debug, Clone)]
pub struct Links {
    /// Before the number of a node: `""` beside the page, `../{snapshot}/{name}/` from a tree's entrance.
    pub folder: String,
    /// `?…` that contents and further pages are asked with, or nothing.
    pub query: String,
    pub snapshot: String,
}

impl Links {
    fn page(&self, node: usize) -> String {
        format!("{}{node}.json{}", self.folder, self.query)
    }

    fn content(&self, node: usize) -> String {
        format!("{}{node}.glb{}", self.folder, self.query)
    }
}

/// The page that begins with `node`; `None` when there is no such node. An empty layer has an empty root.
pub fn page(plan: &Plan, node: usize, links: &Links) -> Option<Value> {
    let tree = &plan.tree;
    let mut tileset = json!({ "asset": asset(&plan.shown.geoid, &[plan], &links.snapshot) });
    let Some(root) = tree.nodes.get(node) else {
        let empty = tree.nodes.is_empty() && node == 0;
        tileset["geometricError"] = 0.0.into();
        tileset["root"] = nothing();
        return empty.then_some(tileset);
    };
    let here = written(tree.nodes.as_slice(), node);
    tileset["geometricError"] = error(if node == 0 { tree.error_m } else { root.error_m }).into();
    let mut value = tile(plan, node, &here, links);
    value["refine"] = if plan.replaces(node) { "REPLACE" } else { "ADD" }.into();
    if node == 0 {
        value["transform"] = matrix(&plan.frame(0).transform());
    }
    tileset["root"] = value;
    Some(tileset)
}

/// A layer of which the city holds nothing, as a tileset.
pub fn empty(geoid: &Geoid, snapshot: &str) -> Value {
    json!({ "asset": asset(geoid, &[], snapshot), "geometricError": 0.0, "root": nothing() })
}

/// A tileset of tilesets: each layer's first page, drawn together. Layers without a feature are left out.
pub fn scene(plans: &[(Plan, Links)], geoid: &Geoid, snapshot: &str) -> Value {
    let filled: Vec<_> = plans.iter().filter(|(p, _)| !p.tree.nodes.is_empty()).collect();
    let Some((first, _)) = filled.first() else { return empty(geoid, snapshot) };
    let frame = first.frame(0);
    let (mut low, mut high) = ([f64::INFINITY; 3], [f64::NEG_INFINITY; 3]);
    for (plan, _) in &filled {
        let to_first = plan.frame(0).within(&frame);
        for corner in corners(&plan.volume_m(0)) {
            let p = moved(&to_first, corner);
            low = [0, 1, 2].map(|k| low[k].min(p[k]));
            high = [0, 1, 2].map(|k| high[k].max(p[k]));
        }
    }
    let slack = |v: [f64; 3], by: f64| v.map(|x| x + by);
    let children: Vec<Value> = filled.iter().map(|(plan, links)| child(plan, links)).collect();
    let error_m = filled.iter().map(|(p, _)| p.tree.error_m).fold(0.0, f64::max);
    json!({
        "asset": asset(geoid, &filled.iter().map(|(p, _)| p).collect::<Vec<_>>(), snapshot),
        "geometricError": error(error_m),
        "root": {
            "boundingVolume": { "box": oriented(&frame, &[slack(low, -0.05), slack(high, 0.05)]) },
            "geometricError": error(error_m),
            "refine": "ADD",
            "children": children,
        },
    })
}

/// A layer's first page as a tile of a scene.
pub(super) fn child(plan: &Plan, links: &Links) -> Value {
    json!({
        "boundingVolume": { "box": oriented(&plan.frame(0), &plan.volume_m(0)) },
        "geometricError": error(plan.tree.error_m),
        "content": { "uri": links.page(0) },
    })
}

/// What the heights are: every tileset says it.
pub(super) fn asset(geoid: &Geoid, plans: &[&Plan], snapshot: &str) -> Value {
    let middle = plans.iter().find_map(|p| p.tree.nodes.first()).map(|n| n.centre);
    // Of a grid: N in the middle of what is shown.
    let n_m = geoid.is_constant().or_else(|| geoid.undulation_m(middle?));
    let data: BTreeSet<&str> = plans.iter().flat_map(|p| p.datums.iter().map(String::as_str)).collect();
    json!({
        "version": "1.1",
        "extras": {
            "snapshot": snapshot,
            "heights": {
                "datum": "ellipsoidal (CGCS2000)",
                "data": data,
                "geoid": geoid.name,
                "geoid_m": n_m.map(|n| rounded(n, 1e3)),
                "bias_m": geoid.bias_m,
                "unknown": "what has no height of its own stands on the ground; where that is unknown, at height 0 of the data",
            },
        },
    })
}

/// Which nodes of a page are written whole: breadth first as long as there is room; the others with children are links.
fn written(nodes: &[Node], root: usize) -> Vec<usize> {
    let (mut whole, mut shown, mut next) = (vec![root], 1, 0);
    while let Some(&node) = whole.get(next) {
        // A node that was taken for whole has its children on the page; each of them may be opened in its turn.
        shown += nodes[node].children().len();
        for child in nodes[node].children() {
            let room = nodes[child].children().len();
            let waiting: usize = whole[next + 1..].iter().map(|&n| nodes[n].children().len()).sum();
            if room > 0 && shown + waiting + room <= TILES {
                whole.push(child);
            }
        }
        next += 1;
    }
    whole
}

/// A node with what is below it on this page, without its `transform`.
fn tile(plan: &Plan, node: usize, whole: &[usize], links: &Links) -> Value {
    let n = &plan.tree.nodes[node];
    let mut value =
        json!({ "boundingVolume": { "box": flat(&plan.volume_m(node)) }, "geometricError": error(n.error_m) });
    if plan.replaces(node) {
        // Below a tile that adds; what is below a chain of these holds nothing further.
        value["refine"] = "REPLACE".into();
    }
    if n.drawn > 0 {
        value["content"] = json!({ "uri": links.content(node) });
    }
    let frame = plan.frame(node);
    let children: Vec<Value> = n
        .children()
        .map(|c| {
            let of = &plan.tree.nodes[c];
            let mut child = match of.children == 0 || whole.contains(&c) {
                true => tile(plan, c, whole, links),
                false => json!({
                    "boundingVolume": { "box": flat(&plan.volume_m(c)) },
                    "geometricError": error(of.error_m),
                    "content": { "uri": links.page(c) },
                }),
            };
            child["transform"] = matrix(&plan.frame(c).within(&frame));
            child
        })
        .collect();
    if !children.is_empty() {
        value["children"] = children.into();
    }
    value
}

fn nothing() -> Value {
    json!({ "boundingVolume": { "box": [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1] }, "geometricError": 0.0, "refine": "ADD" })
}

/// Errors to a millimetre.
pub(super) fn error(error_m: f64) -> f64 {
    rounded(error_m, 1e3)
}

/// A box along its frame's axes: its middle and half of each side.
fn flat([low, high]: &[[f64; 3]; 2]) -> Value {
    let m = |k: usize| rounded((low[k] + high[k]) / 2.0, 1e3);
    let h = |k: usize| rounded((high[k] - low[k]) / 2.0, 1e3);
    json!([m(0), m(1), m(2), h(0), 0, 0, 0, h(1), 0, 0, 0, h(2)])
}

/// The same box in geocentric metres.
fn oriented(frame: &Frame, [low, high]: &[[f64; 3]; 2]) -> Value {
    let t = frame.transform();
    let middle = moved(&t, [0, 1, 2].map(|k| (low[k] + high[k]) / 2.0));
    let mut all = middle.map(|x| rounded(x, 1e3)).to_vec();
    for k in 0..3 {
        let half = (high[k] - low[k]) / 2.0;
        all.extend([0, 1, 2].map(|r| rounded(t[4 * k + r] * half, 1e9)));
    }
    json!(all)
}

/// Directions to 1e-12, which is 0.1 µm at 100 km, places to 0.01 mm.
fn matrix(m: &[f64; 16]) -> Value {
    let number = |(i, x): (usize, &f64)| rounded(*x, if i < 12 { 1e12 } else { 1e5 });
    json!(m.iter().enumerate().map(number).collect::<Vec<f64>>())
}

fn rounded(x: f64, steps: f64) -> f64 {
    let r = (x * steps).round() / steps;
    // No minus zero in the text.
    if r == 0.0 { 0.0 } else { r }
}
