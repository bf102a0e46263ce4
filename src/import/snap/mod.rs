//! Snapping (a source's `snap_m`): polygons wait here until the layer is whole, then their vertices that no neighbour
//! shares go to the neighbour's vertex or edge, and the records go on to the table. What is done where is `plan`'s and
//! `rings`' to say; records of other sources never change.

mod plan;
mod rings;
mod sound;

use crate::error::Result;
use crate::feature::{Feature, Geometry, Value};
use crate::geo::GeometryKind;
use crate::geo::border::{self, Shape};
use crate::layer::{FieldRole, Layer};
use crate::ownership::Span;
use plan::Partition;
use rings::{Origin, Vertex};
use std::collections::BTreeMap;

/// Codes of the report.
pub const SNAPPED: &str = "snapped-vertex";
pub const INSERTED: &str = "inserted-vertex";
pub const NOT_SNAPPED: &str = "not-snapped";

/// The polygons of a layer that is being snapped.
pub struct Held {
    /// Values that say when a record holds.
    validity: [Option<usize>; 2],
    waiting: Vec<Waiting>,
    beside: Vec<(Geometry, [i64; 2])>,
}

struct Waiting {
    source: String,
    row: u64,
    feature: Feature,
    span: [i64; 2],
    reach_m: f64,
}

/// What was done to a source's records.
#[derive(Debug, Default, PartialEq)]
pub struct Moved {
    /// Records with vertices that moved, and with vertices that came in.
    pub snapped: u64,
    pub extended: u64,
    pub vertices: u64,
    pub inserted: u64,
    /// The longest way of a vertex, metres, and where it ended.
    pub largest: Option<(f64, [f64; 2])>,
    /// Edges that are still not shared though a border is within reach.
    pub edges_left: u64,
    /// Row and what is wrong: records with such edges.
    pub left: Vec<(u64, String)>,
}

impl Held {
    pub fn new(layer: &Layer) -> Held {
        let validity = [FieldRole::ValidFrom, FieldRole::ValidTo].map(|role| layer.field_by_role(role));
        Held { validity, waiting: vec![], beside: vec![] }
    }

    /// A polygon that may change.
    pub fn wait(&mut self, source: &str, row: u64, feature: Feature, reach_m: f64) {
        let span = self.span(&feature);
        self.waiting.push(Waiting { source: source.to_string(), row, feature, span, reach_m });
    }

    /// A record that stays as it is, to be met.
    pub fn beside(&mut self, feature: &Feature) {
        if feature.geometry.kind == GeometryKind::Polygon {
            self.beside.push((feature.geometry.clone(), self.span(feature)));
        }
    }

    fn span(&self, feature: &Feature) -> [i64; 2] {
        let text = |at: Option<usize>| match feature.values.get(at?) {
            Some(Value::Text(text)) => Some(text.as_str()),
            _ => None,
        };
        let span = Span::parse(text(self.validity[0]), text(self.validity[1])).unwrap_or(Span::ALWAYS);
        [span.from.0, span.to.0]
    }

    /// Snaps, and hands every waiting record on.
    pub fn settle(self, store: &mut dyn FnMut(&Feature) -> Result<()>) -> Result<BTreeMap<String, Moved>> {
        let waiting = self.waiting.iter().map(|w| (&w.feature.geometry, w.span, Some(w.reach_m)));
        let shapes: Vec<_> = waiting.chain(self.beside.iter().map(|(g, span)| (g, *span, None))).collect();
        let runs: Vec<Vec<_>> = shapes.iter().map(|(g, ..)| g.runs().collect()).collect();
        let cells: Vec<Shape<'_>> = shapes
            .iter()
            .zip(&runs)
            .map(|((g, span, _), runs)| Shape { rings: runs.iter().map(|r| &g.xy[r.clone()]).collect(), span: *span })
            .collect();
        let (nodes, cells) = border::number(&cells);
        let reach = shapes.iter().map(|(_, _, reach)| *reach).collect();
        let mut done = rings::snap(&Partition { nodes, cells, reach });
        let mut moved: BTreeMap<String, Moved> = BTreeMap::new();
        for (i, mut w) in self.waiting.into_iter().enumerate() {
            let account = moved.entry(w.source).or_default();
            if let Some(changed) = done.changed.remove(&(i as u32)) {
                account.add(&changed);
                w.feature.geometry = rebuilt(&w.feature.geometry, &changed.rings);
            }
            if let Some(left) = done.left.get(&(i as u32)) {
                account.edges_left += left.edges;
                account.left.push((w.row, left.said()));
            }
            store(&w.feature)?;
        }
        moved.values_mut().for_each(|m| m.left.sort());
        Ok(moved)
    }
}

impl Moved {
    fn add(&mut self, changed: &rings::Changed) {
        self.snapped += u64::from(changed.moved > 0);
        self.extended += u64::from(changed.inserted > 0);
        self.vertices += changed.moved;
        self.inserted += changed.inserted;
        let longer = |(way, to): &(f64, [f64; 2])| {
            self.largest.is_none_or(|(most, at)| (*way, to.map(f64::to_bits)) > (most, at.map(f64::to_bits)))
        };
        self.largest = changed.largest.filter(longer).or(self.largest);
    }

    /// For people.
    pub fn said(&self) -> String {
        let mut text = format!("snapping moved {} vertices and inserted {}", self.vertices, self.inserted);
        if let Some((way, [x, y])) = self.largest {
            text += &format!("; the largest move is {way:.3} m, to {x:.7} {y:.7}");
        }
        if self.edges_left > 0 {
            text += &format!("; {} edges stay unmatched", self.edges_left);
        }
        text
    }
}

/// The geometry with other rings; heights go with their vertices and are interpolated for new ones.
fn rebuilt(old: &Geometry, rings: &[Vec<Vertex>]) -> Geometry {
    let mut g = Geometry { parts: old.parts.clone(), ..Geometry::empty(old.kind) };
    for (ring, run) in rings.iter().zip(old.runs()) {
        let height = |v: &Vertex| match v.origin {
            Origin::Own(i) => old.z[run.start + i],
            Origin::Between(i, along) => {
                let (a, b) = (old.z[run.start + i], old.z[run.start + i + 1]);
                a + (b - a) * along
            }
        };
        let closed = || ring.iter().chain(ring.first());
        g.xy.extend(closed().map(|v| v.place));
        if !old.z.is_empty() {
            g.z.extend(closed().map(height));
        }
        g.ends.push(g.xy.len() as u32);
    }
    g
}

#[cfg(test)]
mod tests;
