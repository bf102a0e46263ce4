//! The tree as it is stored and read: one blob a layer, opened whole (3 bytes a feature), its features by byte offset in
//! ascending order.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// A layer's 3D tiles. The first node is the root; a node's children stand together, after it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tree {
    /// Geometric error of showing nothing of the layer, metres.
    pub error_m: f64,
    pub nodes: Vec<Node>,
}

/// One tile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Node {
    pub first_child: u32,
    pub children: u32,
    /// Where its frame stands, `[longitude°, latitude°]` at height 0 of the data.
    pub centre: [f64; 2],
    /// Geometric error of showing nothing that is below it, metres; 0 of a leaf.
    pub error_m: f64,
    /// Least and greatest corner in metres east, north and up of its frame: holds its content and all below it.
    pub volume_m: [[f64; 3]; 2],
    /// Features drawn; 0: it has no content.
    pub drawn: u32,
    pub vertices: u64,
    /// Bytes in the layer's table at which its features stand, ascending. Of a tile of the ground: the key of its heights.
    pub offsets: Vec<u64>,
}

#[derive(Serialize, Deserialize)]
enum Stored {
    /// Offsets as differences.
    V1 { error_m: f64, nodes: Vec<Node> },
}

impl Node {
    pub fn children(&self) -> Range<usize> {
        self.first_child as usize..self.first_child as usize + self.children as usize
    }
}

impl Tree {
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut nodes = self.nodes.clone();
        for node in &mut nodes {
            let mut before = 0;
            for offset in &mut node.offsets {
                let own = *offset;
                *offset = own.wrapping_sub(before);
                before = own;
            }
        }
        let stored = Stored::V1 { error_m: self.error_m, nodes };
        postcard::to_stdvec(&stored).map_err(|e| Error::Data(format!("the tree of 3D tiles: {e}")))
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Tree> {
        let broken = |what: &str| Error::damaged("tree of 3D tiles", what);
        let Stored::V1 { error_m, mut nodes } = postcard::from_bytes(bytes).map_err(|e| broken(&e.to_string()))?;
        for node in &mut nodes {
            let mut at = 0u64;
            for offset in &mut node.offsets {
                at = at.wrapping_add(*offset);
                *offset = at;
            }
        }
        let tree = Tree { error_m, nodes };
        match tree.is_sound() {
            true => Ok(tree),
            false => Err(broken("its children are not where it says")),
        }
    }

    /// Whether children stand after their parents, and all of them are there.
    pub fn is_sound(&self) -> bool {
        let end = self.nodes.len();
        let sound = |(i, n): (usize, &Node)| n.children == 0 || (n.children().start > i && n.children().end <= end);
        self.nodes.iter().enumerate().all(sound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_back() {
        let node = |first_child, children, offsets: &[u64]| Node {
            first_child,
            children,
            centre: [114.3, 34.8],
            error_m: 3.0,
            volume_m: [[-1.0; 3], [1.0; 3]],
            drawn: 2,
            vertices: 8,
            offsets: offsets.to_vec(),
        };
        let tree = Tree { error_m: 9.0, nodes: vec![node(1, 1, &[500, 700]), node(0, 0, &[60, 61, 1 << 40])] };
        assert_eq!(Tree::from_bytes(&tree.to_bytes().unwrap()).unwrap(), tree);
        let loops = Tree { error_m: 9.0, nodes: vec![node(0, 1, &[])] };
        assert!(Tree::from_bytes(&loops.to_bytes().unwrap()).is_err());
        assert!(Tree::from_bytes(&[7; 40]).is_err());
    }
}
