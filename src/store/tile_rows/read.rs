//! Reading tile rows: values and groups are held in memory, the rows are read block by block. What is not as it is written
//! is damage, never a panic.

use super::{GROUP, HEAD_BYTES, MAGIC};
use crate::error::Result;
use crate::feature::FeatureId;
use crate::store::BlobRef;
use crate::store::blob::{Blob, BlockCache, Cursor};
use crate::store::varint::take_varint;
use std::path::Path;
use std::sync::Arc;

/// An open blob of tile rows.
pub struct TileRows {
    blob: Blob,
    rows: u64,
    /// Where each group of rows begins among the rows' bytes, and the end.
    groups: Vec<u32>,
    /// Where each value's entry ends in `entries`.
    ends: Vec<u32>,
    entries: Vec<u8>,
}

/// One row.
pub struct TileRow<'r> {
    pub id: FeatureId,
    values: &'r [u8],
    of: &'r TileRows,
}

/// Reads rows one after another, cheapest in their order.
pub struct TileRowsReader<'r> {
    of: &'r TileRows,
    cursor: Cursor<'r>,
    /// The row that comes next, and its byte in its group.
    next: (u64, usize),
}

impl TileRows {
    pub(in crate::store) fn open(store: &Path, blob: &BlobRef, cache: &Arc<BlockCache>) -> Result<TileRows> {
        let blob = Blob::open(store, blob, cache)?;
        let mut cursor = Cursor::passing(&blob);
        let parts = read_parts(&mut cursor, blob.size)?;
        let (rows, groups, ends, entries) = parts.ok_or_else(|| blob.damaged("its values for tiles cannot be read"))?;
        Ok(TileRows { rows, groups, ends, entries, blob })
    }

    /// How many there are: as many as the table has.
    pub fn count(&self) -> u64 {
        self.rows
    }

    /// How many values several rows have.
    pub fn values(&self) -> usize {
        self.ends.len()
    }

    pub fn reader(&self) -> TileRowsReader<'_> {
        TileRowsReader { of: self, cursor: Cursor::new(&self.blob), next: (0, 0) }
    }

    /// Reads so many bytes of the rows into the cache of blocks; how many those are.
    pub(in crate::store) fn preheat(&self, most: u64) -> Result<u64> {
        self.blob.preheat(most)
    }

    /// An entry with all that follow, and its length.
    fn entry(&self, number: u32) -> Option<(&[u8], usize)> {
        let to = *self.ends.get(number as usize)? as usize;
        let from = number.checked_sub(1).map_or(0, |before| self.ends[before as usize] as usize);
        Some((self.entries.get(from..)?, to - from))
    }
}

type Parts = (u64, Vec<u32>, Vec<u32>, Vec<u8>);

/// Rows, groups, ends and entries; `None` where they contradict each other or the file.
fn read_parts(cursor: &mut Cursor<'_>, size: u64) -> Result<Option<Parts>> {
    if size < HEAD_BYTES as u64 {
        return Ok(None);
    }
    let head = cursor.bytes(0, HEAD_BYTES)?;
    let word = |at: usize| head[at..at + 8].first_chunk().map_or(0, |w| u64::from_le_bytes(*w));
    let half = |at: usize| head[at..at + 4].first_chunk().map_or(0, |w| u32::from_le_bytes(*w));
    let (magic, rows, groups_at, values, entry_bytes) =
        (head.starts_with(MAGIC), word(8), word(16), half(24), half(28));
    // Each count is held against the file before it becomes memory.
    let groups = rows.div_ceil(GROUP).saturating_add(1);
    let rest = groups.saturating_mul(4).saturating_add(u64::from(values) * 4).saturating_add(u64::from(entry_bytes));
    if !magic || groups_at < HEAD_BYTES as u64 || groups_at.checked_add(rest) != Some(size) {
        return Ok(None);
    }
    let groups = words(cursor, groups_at, groups as usize)?;
    let ends_at = groups_at + groups.len() as u64 * 4;
    let ends = words(cursor, ends_at, values as usize)?;
    let entries = cursor.bytes(ends_at + ends.len() as u64 * 4, entry_bytes as usize)?.to_vec();
    let rising = |all: &[u32]| all.is_sorted();
    let whole = groups.first() == Some(&0)
        && groups.last().map(|end| HEAD_BYTES as u64 + u64::from(*end)) == Some(groups_at)
        && ends.last().copied().unwrap_or(0) == entry_bytes;
    Ok((whole && rising(&groups) && rising(&ends)).then_some((rows, groups, ends, entries)))
}

fn words(cursor: &mut Cursor<'_>, at: u64, count: usize) -> Result<Vec<u32>> {
    Ok(cursor.bytes(at, count * 4)?.as_chunks::<4>().0.iter().map(|w| u32::from_le_bytes(*w)).collect())
}

impl TileRowsReader<'_> {
    /// Calls `each` with a row of the table. Its values are read there: `each` says whether they were sound.
    pub fn row(&mut self, ordinal: u64, each: impl FnOnce(&TileRow<'_>) -> bool) -> Result<()> {
        let group = (ordinal / GROUP) as usize;
        let of = self.of;
        let (Some(from), Some(to)) = (of.groups.get(group), of.groups.get(group + 1)) else {
            return Err(of.blob.damaged("it has no values for tiles of a row of its table"));
        };
        let (mut at, mut number) = (0, ordinal - ordinal % GROUP);
        if self.next.0 > number && self.next.0 <= ordinal {
            (number, at) = self.next;
        }
        let bytes = self.cursor.bytes(HEAD_BYTES as u64 + u64::from(*from), (to - from) as usize)?;
        let mut read = || {
            loop {
                let mut rest = bytes.get(at..)?;
                let len = usize::try_from(take_varint(&mut rest)?).ok()?;
                let row = rest.get(..len)?;
                at = bytes.len() - rest.len() + len;
                if number == ordinal {
                    let (id, values) = row.split_first_chunk::<8>()?;
                    return Some(TileRow { id: FeatureId(u64::from_le_bytes(*id)), values, of });
                }
                number += 1;
            }
        };
        let sound = read().is_some_and(|row| each(&row));
        self.next = (ordinal + 1, at);
        match sound {
            true => Ok(()),
            false => Err(of.blob.damaged(format!("its values for tiles of row {ordinal} cannot be read"))),
        }
    }
}

/// A value of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coded<'r> {
    /// One that several rows have: its number, for `TileRows::entry`.
    Shared(u32),
    /// One that no other row has: its entry is the first `len` of `bytes`, the rest of the row.
    Own { bytes: &'r [u8], len: usize },
}

impl<'r> TileRow<'r> {
    /// The entry of a value: the first so many of bytes that go on.
    pub fn entry(&self, value: Coded<'r>) -> (&'r [u8], usize) {
        match value {
            Coded::Shared(number) => self.of.entry(number).unwrap_or_default(),
            Coded::Own { bytes, len } => (bytes, len),
        }
    }

    /// Calls `each` with column and value, for every value. Whether all could be read.
    #[inline]
    pub fn values(&self, mut each: impl FnMut(usize, Coded<'r>)) -> bool {
        let (mut rest, shared) = (self.values, self.of.ends.len() as u64);
        while !rest.is_empty() {
            let (Some(column), Some(number)) = (short_varint(&mut rest), short_varint(&mut rest)) else { return false };
            let value = match number.checked_sub(1) {
                Some(number) if number < shared => Coded::Shared(number as u32),
                Some(_) => return false,
                None => {
                    let len = short_varint(&mut rest).and_then(|len| usize::try_from(len).ok());
                    let Some((len, after)) = len.and_then(|len| Some((len, rest.get(len..)?))) else { return false };
                    let bytes = std::mem::replace(&mut rest, after);
                    Coded::Own { bytes, len }
                }
            };
            each(column as usize, value);
        }
        true
    }
}

/// As `take_varint`, which most numbers here do not need: they have one byte or two.
#[inline]
fn short_varint(rest: &mut &[u8]) -> Option<u64> {
    match **rest {
        [first, ref after @ ..] if first < 0x80 => {
            *rest = after;
            Some(u64::from(first))
        }
        [first, second, ref after @ ..] if second < 0x80 => {
            *rest = after;
            Some(u64::from(first & 0x7f) | u64::from(second) << 7)
        }
        _ => take_varint(rest),
    }
}
