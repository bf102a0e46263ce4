//! The outline of a FlatGeobuf file, walked by its own lengths to the last byte. Features are not looked into.

use super::{OrIo, Outcome, fail, incomplete};
use crate::import::wire::Who;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

/// Slots of the header table (header.fbs of FlatGeobuf 3).
const SLOT_FEATURES_COUNT: usize = 8;
const SLOT_INDEX_NODE_SIZE: usize = 9;
const MAX_HEADER_BYTES: u32 = 16 << 20;
const NODE_BYTES: u64 = 40;

/// Counts the features by their length prefixes: exactly to the end of the file, and as many as the header says
/// (0 = not known to the writer).
pub fn walk(path: &Path, named: &str) -> Outcome<u64> {
    let file = File::open(path).or_io(path)?;
    let size = file.metadata().or_io(path)?.len();
    let mut file = BufReader::with_capacity(1 << 18, file);
    let mut start = [0u8; 12];
    if file.read_exact(&mut start).is_err() {
        return incomplete(named, "ends inside its header");
    }
    let header_bytes = u32::from_le_bytes([start[8], start[9], start[10], start[11]]);
    if header_bytes > MAX_HEADER_BYTES {
        return fail(Who::Supplier, "damaged", format!("{named}: declares a header of {header_bytes} bytes"));
    }
    let mut header = vec![0; header_bytes as usize];
    if file.read_exact(&mut header).is_err() {
        return incomplete(named, "ends inside its header");
    }
    let number = |slot, bytes| field(&header, slot, bytes);
    let declared = number(SLOT_FEATURES_COUNT, 8).unwrap_or(0);
    let node_size = number(SLOT_INDEX_NODE_SIZE, 2).unwrap_or(16);
    let index_bytes = if declared > 0 && node_size > 1 { index_bytes(declared, node_size) } else { Some(0) };
    let mut at = 12 + u64::from(header_bytes);
    match index_bytes.map(|b| at.saturating_add(b)).filter(|end| *end <= size) {
        Some(end) => {
            file.seek_relative((end - at) as i64).or_io(path)?;
            at = end;
        }
        None => return incomplete(named, format!("declares {declared} features, its index does not fit {size} bytes")),
    }
    let mut count = 0;
    while at < size {
        let mut length = [0u8; 4];
        let length = match file.read_exact(&mut length) {
            Ok(()) => u64::from(u32::from_le_bytes(length)),
            Err(_) => u64::MAX,
        };
        if length == 0 || at.saturating_add(4).saturating_add(length) > size {
            return incomplete(named, format!("declares {declared} features, {count} are whole in {size} bytes"));
        }
        file.seek_relative(length as i64).or_io(path)?;
        at += 4 + length;
        count += 1;
    }
    match declared == 0 || declared == count {
        true => Ok(count),
        false => incomplete(named, format!("declares {declared} features, {count} were found")),
    }
}

/// Bytes of the packed R-tree over `n` items.
fn index_bytes(n: u64, node_size: u64) -> Option<u64> {
    let (mut level, mut nodes) = (n, n);
    while level > 1 {
        level = level.div_ceil(node_size);
        nodes = nodes.checked_add(level)?;
    }
    // One item still has a root above it.
    let nodes = if n == 1 { 2 } else { nodes };
    nodes.checked_mul(NODE_BYTES)
}

/// A number in the root table of a FlatBuffer, none where the slot is absent or the offsets lead outside.
fn field(buffer: &[u8], slot: usize, bytes: usize) -> Option<u64> {
    let take = |at: usize, n: usize| {
        let b = buffer.get(at..at.checked_add(n)?)?;
        Some(b.iter().rev().fold(0u64, |v, b| v << 8 | u64::from(*b)))
    };
    let table = take(0, 4)? as usize;
    let back = take(table, 4)? as u32 as i32;
    let vtable = usize::try_from(table as i64 - i64::from(back)).ok()?;
    let entry = 4 + slot * 2;
    if entry + 2 > take(vtable, 2)? as usize {
        return None;
    }
    let offset = take(vtable + entry, 2)? as usize;
    (offset > 0).then(|| take(table + offset, bytes)).flatten()
}
