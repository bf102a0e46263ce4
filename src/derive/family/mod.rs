//! Layers that hold models of the same things at several levels of detail, as one tree of 3D tiles: wherever it is cut,
//! each thing stands at one level. `ledger` is what is kept of each layer, `buildings` finds the things, `chain` grows the
//! tiles, `tree` is how they are stored. A tree depends on the layers it is asked for and on nothing else, so that a layer
//! that is hidden from somebody leaves no trace in theirs.

mod buildings;
mod chain;
mod ledger;
#[cfg(test)]
mod tests;
mod tree;

pub use buildings::{Oddities, Tally};
pub use ledger::{Clerk, LEDGER, Ledger};
pub use tree::{FamilyTree, Stage};

use super::scene::{Node, Tree, nested};
use crate::draw::Validity;
use crate::layer::Layer;
use crate::scene::{Frame, moved};
use crate::store::LayerEntry;
use buildings::Model;
use ledger::Entry;
use std::sync::Arc;

/// Changes whenever the same ledgers would give another tree.
const VERSION: u8 = 1;
/// What names of families' blobs among a manifest's extra ones begin with.
pub const FAMILY: &str = "family-";

/// A box: its least and greatest corner.
type Box3 = [[f64; 3]; 2];

/// A member of a family with what is known of its features.
pub struct Kin<'a> {
    pub ledger: &'a Ledger,
    pub tier: u8,
    /// Geometric error of what stands in for its models, metres.
    pub error_m: f64,
}

impl Kin<'_> {
    fn entry(&self, model: Model) -> &Entry {
        &self.ledger.entries[model.entry as usize]
    }
}

/// The name of a family's tree: what it is made of. `today`: ISO date of the snapshot; it counts where records have a
/// validity. `None` where a member was imported before ledgers were kept.
pub fn key<'a>(members: impl Iterator<Item = (&'a Layer, &'a LayerEntry, u8)>, today: &str) -> Option<String> {
    let mut digest = blake3::Hasher::new();
    digest.update(&[VERSION]);
    for (layer, entry, tier) in members {
        digest.update(layer.id.as_bytes()).update(&[0, tier]).update(entry.declaration.as_bytes());
        digest.update(entry.extra.get(LEDGER)?.digest.as_bytes());
        if Validity::declared(layer) {
            digest.update(today.as_bytes());
        }
    }
    Some(format!("{FAMILY}{}", &digest.finalize().to_hex()[..16]))
}

/// The tree of a family on a day, and what is odd about each member's codes.
pub fn made(kin: &[Kin<'_>], today: &str) -> (FamilyTree, Vec<Oddities>) {
    let (town, odd) = buildings::Town::of(kin, today);
    let chain::Grown { stems, error_m } = chain::grown(kin, &town);
    let entry = |m: &Model| kin[m.part as usize].entry(*m);
    let own: Vec<Option<Box3>> = stems.iter().map(|s| holding(s.centre, s.models.iter().map(entry))).collect();
    let (centres, parents): (Vec<_>, Vec<_>) = stems.iter().map(|s| (s.centre, s.parent)).unzip();
    let volumes = nested(&centres, &parents, &own);
    let node = |(s, volume_m): (&chain::Stem, &Box3)| Node {
        first_child: s.children.first().map_or(0, |c| *c as u32),
        children: s.children.len() as u32,
        centre: s.centre,
        error_m: s.error_m,
        volume_m: *volume_m,
        drawn: s.models.len() as u32,
        vertices: s.models.iter().map(|m| u64::from(entry(m).vertices)).sum(),
        offsets: vec![],
    };
    let stage = |s: &chain::Stem| {
        let mut offsets = vec![vec![]; kin.len()];
        s.models.iter().for_each(|m| offsets[m.part as usize].push(entry(m).offset));
        Stage { replaces: s.replaces, offsets }
    };
    let tree = Tree { error_m, nodes: stems.iter().zip(&volumes).map(node).collect() };
    (FamilyTree { tree: Arc::new(tree), stages: stems.iter().map(stage).collect() }, odd)
}

/// A box in the frame at a place that holds the boxes of some features.
fn holding<'a>(centre: [f64; 2], entries: impl Iterator<Item = &'a Entry>) -> Option<Box3> {
    let frame = Frame::at(centre, 0.0);
    let own = |e: &Entry| {
        let matrix = Frame::at(e.lonlat, 0.0).within(&frame);
        around(&e.box_cm.map(|corner| corner.map(|cm| f64::from(cm) / 100.0)), &matrix)
    };
    entries.map(own).reduce(|[a, b], [c, d]| [[0, 1, 2].map(|i| a[i].min(c[i])), [0, 1, 2].map(|i| b[i].max(d[i]))])
}

/// The upright box around a box that a matrix has turned.
fn around(of: &Box3, matrix: &[f64; 16]) -> Box3 {
    let middle = moved(matrix, [0, 1, 2].map(|k| (of[0][k] + of[1][k]) / 2.0));
    let half = [0, 1, 2].map(|k| (of[1][k] - of[0][k]) / 2.0);
    let reach = [0, 1, 2].map(|r| (0..3).map(|k| (matrix[4 * k + r] * half[k]).abs()).sum::<f64>());
    [[0, 1, 2].map(|k| middle[k] - reach[k]), [0, 1, 2].map(|k| middle[k] + reach[k])]
}
