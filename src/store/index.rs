//! The packed Hilbert R-tree of FlatGeobuf: built bottom-up while the leaves pass in order, searched level by level
//! in verified bytes. Layout: 40-byte nodes (west, south, east, north f64, offset u64, little-endian), root first;
//! a leaf's offset is its feature's byte in the feature section, another node's is the number of its first child.
//! Knows no features.

use super::blob::Cursor;
use super::durable::Output;
use crate::error::{Error, Result};
use crate::geo::BBox;
use smallvec::SmallVec;
use std::ops::Range;

/// Children of a node, FlatGeobuf's default and the only one that all its readers know.
pub(super) const NODE_SIZE: usize = 16;
const NODE_BYTES: usize = 40;
/// A level's finished nodes are written in portions of this many bytes.
const PORTION_BYTES: usize = 64 * 1024;

/// Seven are enough for 268 million leaves.
pub(super) type Levels = SmallVec<[Range<u64>; 7]>;

/// Node numbers of each level, root first, leaves last. A tree has at least the root and one leaf.
pub(super) fn levels(leaves: u64) -> Levels {
    if leaves == 0 {
        return Levels::new();
    }
    let mut sizes: SmallVec<[u64; 8]> = smallvec::smallvec![leaves];
    let mut size = leaves;
    while size > 1 || sizes.len() < 2 {
        size = size.div_ceil(NODE_SIZE as u64);
        sizes.push(size);
    }
    let mut start = 0;
    let number = |size: u64| {
        start += size;
        start - size..start
    };
    sizes.into_iter().rev().map(number).collect()
}

/// Bytes of the tree over this many leaves.
pub(super) fn index_bytes(leaves: u64) -> u64 {
    levels(leaves).last().map_or(0, |l| l.end * NODE_BYTES as u64)
}

struct Node {
    bbox: BBox,
    offset: u64,
}

impl Node {
    fn write(&self, out: &mut Vec<u8>) {
        self.bbox.to_array().iter().for_each(|v| out.extend_from_slice(&v.to_le_bytes()));
        out.extend_from_slice(&self.offset.to_le_bytes());
    }

    fn read(bytes: &[u8; NODE_BYTES]) -> Node {
        let (words, _) = bytes.as_chunks::<8>();
        let [w, s, e, n] = [0, 1, 2, 3].map(|i| f64::from_le_bytes(words[i]));
        Node { bbox: BBox::new(w, s, e, n), offset: u64::from_le_bytes(words[4]) }
    }
}

/// Writes a tree whose leaves arrive in file order. Memory: one portion and one open node a level.
pub(super) struct IndexBuilder<'f> {
    file: &'f Output,
    levels: Vec<Level>,
}

struct Level {
    /// Number of the next node.
    next: u64,
    /// Byte position of `portion` in the file.
    at: u64,
    portion: Vec<u8>,
    /// The parent of the latest nodes: their box, how many they are.
    parent: BBox,
    children: usize,
}

impl<'f> IndexBuilder<'f> {
    /// `at`: the tree's first byte in the file.
    pub fn new(file: &'f Output, at: u64, leaves: u64) -> IndexBuilder<'f> {
        let level = |l: Range<u64>| Level {
            next: l.start,
            at: at + l.start * NODE_BYTES as u64,
            portion: vec![],
            parent: BBox::EMPTY,
            children: 0,
        };
        IndexBuilder { file, levels: levels(leaves).into_iter().map(level).collect() }
    }

    /// The next leaf: its feature's box and byte in the feature section.
    pub fn push(&mut self, bbox: BBox, offset: u64) -> std::io::Result<()> {
        let mut node = Node { bbox, offset };
        for i in (0..self.levels.len()).rev() {
            let level = &mut self.levels[i];
            level.add(&node, self.file)?;
            if level.children < NODE_SIZE || i == 0 {
                break;
            }
            node = level.close();
        }
        Ok(())
    }

    pub fn finish(mut self) -> std::io::Result<()> {
        for i in (1..self.levels.len()).rev() {
            if self.levels[i].children > 0 {
                let parent = self.levels[i].close();
                self.levels[i - 1].add(&parent, self.file)?;
            }
        }
        self.levels.iter_mut().try_for_each(|l| l.flush(self.file))
    }
}

impl Level {
    fn add(&mut self, node: &Node, file: &Output) -> std::io::Result<()> {
        node.write(&mut self.portion);
        self.next += 1;
        self.parent = self.parent.join(&node.bbox);
        self.children += 1;
        if self.portion.len() >= PORTION_BYTES { self.flush(file) } else { Ok(()) }
    }

    /// The parent of the latest nodes.
    fn close(&mut self) -> Node {
        let node = Node { bbox: self.parent, offset: self.next - self.children as u64 };
        (self.parent, self.children) = (BBox::EMPTY, 0);
        node
    }

    fn flush(&mut self, file: &Output) -> std::io::Result<()> {
        file.write_all_at(&self.portion, self.at)?;
        self.at += self.portion.len() as u64;
        self.portion.clear();
        Ok(())
    }
}

/// The leaf with this number: its feature's byte in the feature section, its box.
pub(super) fn leaf(cursor: &mut Cursor<'_>, at: u64, leaves: u64, number: u64) -> Result<(u64, BBox)> {
    let node = levels(leaves).last().and_then(|l| l.start.checked_add(number).filter(|n| *n < l.end));
    let node = node.ok_or_else(|| Error::damaged(cursor.file(), "a feature is named that it does not have"))?;
    let bytes = cursor.bytes(at + node * NODE_BYTES as u64, NODE_BYTES)?;
    let leaf = bytes.first_chunk().map(Node::read);
    leaf.map(|l| (l.offset, l.bbox)).ok_or_else(|| Error::damaged(cursor.file(), "a leaf of its index is cut off"))
}

/// A leaf that a search found.
pub(super) struct Leaf {
    /// Its number, which is its feature's place in the table.
    pub number: u64,
    /// Its feature's first byte in the feature section.
    pub offset: u64,
    /// The next feature's; none after the last.
    pub next: Option<u64>,
    pub bbox: BBox,
}

/// Calls `each` for every leaf whose box touches `window`, in file order, until one fails. Reads level by level, so that
/// neighbouring nodes come from the same block.
pub(super) fn search<E: From<Error>>(
    cursor: &mut Cursor<'_>,
    at: u64,
    leaves: u64,
    window: &BBox,
    mut each: impl FnMut(Leaf) -> Result<(), E>,
) -> Result<(), E> {
    let levels = levels(leaves);
    let Some(deepest) = levels.last() else { return Ok(()) };
    for first in groups(cursor, at, &levels, window)? {
        let last = deepest.end.min(first + NODE_SIZE as u64);
        // Where a group's last feature ends the node after it says.
        let nodes = nodes(cursor, at, first..deepest.end.min(last + 1))?;
        for (i, number) in (0..nodes.len()).zip(first..last) {
            if touches(&nodes[i], window) {
                let (node, next) = (Node::read(&nodes[i]), nodes.get(i + 1).map(|n| Node::read(n).offset));
                each(Leaf { number: number - deepest.start, offset: node.offset, next, bbox: node.bbox })?;
            }
        }
    }
    Ok(())
}

/// How many leaves stand beside one whose box may touch `window`: at least as many as do. Reads no leaf.
pub(super) fn reach(cursor: &mut Cursor<'_>, at: u64, leaves: u64, window: &BBox) -> Result<u64> {
    Ok(groups(cursor, at, &levels(leaves), window)?.len() as u64 * NODE_SIZE as u64)
}

/// The number of the first leaf of each group of which one may touch `window`.
fn groups(cursor: &mut Cursor<'_>, at: u64, levels: &[Range<u64>], window: &BBox) -> Result<Groups> {
    let mut groups = smallvec::smallvec![0];
    for pair in levels.windows(2) {
        let [level, children] = pair else { break };
        let mut below = Groups::new();
        for &first in &groups {
            let nodes = nodes(cursor, at, first..level.end.min(first + NODE_SIZE as u64))?;
            for (node, number) in nodes.iter().zip(first..) {
                if !touches(node, window) {
                    continue;
                }
                let group = children.start + (number - level.start) * NODE_SIZE as u64;
                if Node::read(node).offset != group {
                    return Err(Error::damaged(cursor.file(), "its index points to the wrong node"));
                }
                below.push(group);
            }
        }
        groups = below;
    }
    Ok(groups)
}

type Groups = SmallVec<[u64; 32]>;

fn nodes<'c>(cursor: &'c mut Cursor<'_>, at: u64, numbers: Range<u64>) -> Result<&'c [[u8; NODE_BYTES]]> {
    let len = (numbers.end - numbers.start) as usize * NODE_BYTES;
    Ok(cursor.bytes(at + numbers.start * NODE_BYTES as u64, len)?.as_chunks().0)
}

#[inline]
fn touches(node: &[u8; NODE_BYTES], window: &BBox) -> bool {
    Node::read(node).bbox.intersects(window)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_flatgeobufs() {
        let cases: &[(u64, &[Range<u64>])] = &[
            (0, &[]),
            (1, &[0..1, 1..2]),
            (16, &[0..1, 1..17]),
            (17, &[0..1, 1..3, 3..20]),
            (257, &[0..1, 1..3, 3..20, 20..277]),
        ];
        for (leaves, expected) in cases {
            assert_eq!(&levels(*leaves)[..], *expected, "{leaves} leaves");
        }
    }

    /// The crate's builder makes the same bytes of the same leaves.
    #[test]
    fn the_tree_is_the_one_of_the_crate() {
        for leaves in [1u64, 2, 15, 16, 17, 255, 256, 257, 4096, 4097, 5000] {
            let node = |i: u64| {
                let (x, y) = ((i * 37 % 101) as f64, (i * 53 % 89) as f64);
                (BBox::new(x, y, x + 0.5, y + 0.25), i * 100)
            };
            let dir = tempfile::tempdir().expect("a folder");
            let file = Output::create(dir.path(), "", "").expect("a temporary file");
            let mut builder = IndexBuilder::new(&file, 0, leaves);
            (0..leaves).for_each(|i| builder.push(node(i).0, node(i).1).expect("writes"));
            builder.finish().expect("writes");
            let ours = std::fs::read(file.path()).expect("is there");
            assert_eq!(ours.len() as u64, index_bytes(leaves), "{leaves} leaves");
            let theirs = super::super::fgb::reference_index(&(0..leaves).map(node).collect::<Vec<_>>());
            assert!(ours == theirs, "{leaves} leaves");
        }
    }
}
