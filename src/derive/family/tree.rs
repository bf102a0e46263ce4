//! The tiles of a family as they are stored and read.

use crate::derive::scene::{Node, Tree};
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A family's 3D tiles.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FamilyTree {
    /// Its nodes' own `offsets` are empty.
    pub tree: Arc<Tree>,
    /// One a node.
    pub stages: Vec<Stage>,
}

/// What a tile of a family holds, and how it gives way.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Stage {
    /// Whether the tiles below it show the same things finer, instead of further ones.
    pub replaces: bool,
    /// By member: bytes in the layer's table at which its features stand, ascending.
    pub offsets: Vec<Vec<u64>>,
}

#[derive(Serialize, Deserialize)]
enum Stored {
    /// Offsets as differences.
    V1 { error_m: f64, nodes: Vec<Node>, stages: Vec<Stage> },
}

impl FamilyTree {
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut stages = self.stages.clone();
        for offsets in stages.iter_mut().flat_map(|s| &mut s.offsets) {
            let mut before = 0;
            for offset in offsets {
                let own = *offset;
                *offset = own.wrapping_sub(before);
                before = own;
            }
        }
        let stored = Stored::V1 { error_m: self.tree.error_m, nodes: self.tree.nodes.clone(), stages };
        postcard::to_stdvec(&stored).map_err(|e| Error::Data(format!("the tree of a family's 3D tiles: {e}")))
    }

    /// `members`: of how many layers.
    pub fn from_bytes(bytes: &[u8], members: usize) -> Result<FamilyTree> {
        let broken = |what: &str| Error::damaged("tree of a family's 3D tiles", what);
        let Stored::V1 { error_m, nodes, mut stages } =
            postcard::from_bytes(bytes).map_err(|e| broken(&e.to_string()))?;
        for offsets in stages.iter_mut().flat_map(|s| &mut s.offsets) {
            let mut at = 0u64;
            for offset in offsets {
                at = at.wrapping_add(*offset);
                *offset = at;
            }
        }
        let tree = Tree { error_m, nodes };
        match tree.is_sound() && stages.len() == tree.nodes.len() && stages.iter().all(|s| s.offsets.len() == members) {
            true => Ok(FamilyTree { tree: Arc::new(tree), stages }),
            false => Err(broken("its children or its members are not where it says")),
        }
    }
}
