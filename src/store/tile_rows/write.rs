//! Writing tile rows, in two passes over the table: the values are counted, then the rows written. Memory: some 20 bytes for
//! each distinct value, and the entries that several rows have.

use super::{GROUP, HEAD_BYTES, MAGIC};
use crate::error::{Error, Result};
use crate::feature::FeatureId;
use crate::store::durable::Output;
use crate::store::varint::put_varint;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use std::cmp::Reverse;
use std::hash::BuildHasher;
use std::path::{Path, PathBuf};

/// Distinct values beyond which a table gets no tile rows: counting them would take some 200 MB.
const MOST_VALUES: usize = 6_000_000;
/// Rows are written in portions of this many bytes.
const PORTION_BYTES: usize = 256 * 1024;

fn hash(entry: &[u8]) -> u64 {
    FixedState::default().hash_one(entry)
}

/// How often each value occurs, by its hash: two values of one hash count together, which costs nothing but a place.
#[derive(Default)]
pub struct ValueCounts {
    counts: HashMap<u64, u32, FixedState>,
}

impl ValueCounts {
    /// Counts an entry; whether there are not too many by now.
    pub fn add(&mut self, entry: &[u8]) -> bool {
        let count = self.counts.entry(hash(entry)).or_default();
        *count = count.saturating_add(1);
        self.counts.len() <= MOST_VALUES
    }

    /// Those that occur several times, the most frequent first.
    fn repeated(self) -> HashMap<u64, u32, FixedState> {
        let mut all: Vec<(u64, u32)> = self.counts.into_iter().filter(|(_, count)| *count > 1).collect();
        all.sort_unstable_by_key(|(hash, count)| (Reverse(*count), *hash));
        (0..).zip(all).map(|(number, (hash, _))| (hash, number)).collect()
    }
}

pub struct TileRowsWriter {
    file: Output,
    numbers: HashMap<u64, u32, FixedState>,
    /// The entry of each number, once a row has had it.
    entries: Vec<Box<[u8]>>,
    /// Rows that are not in the file yet; where they begin among all rows' bytes.
    portion: Vec<u8>,
    written: u64,
    groups: Vec<u32>,
    rows: u64,
    row: Vec<u8>,
}

impl TileRowsWriter {
    pub fn new(dir: &Path, name: &str, counts: ValueCounts) -> Result<TileRowsWriter> {
        let file = Output::create(dir, &format!("{name}-"), ".tiles")?;
        let numbers = counts.repeated();
        let entries = vec![Box::default(); numbers.len()];
        let (portion, written) = (vec![], 0);
        Ok(TileRowsWriter { file, numbers, entries, portion, written, groups: vec![], rows: 0, row: vec![] })
    }

    /// The next row in the table's order. `values` calls its argument with (column, entry) in rising columns.
    pub fn push(&mut self, id: FeatureId, values: impl FnOnce(&mut dyn FnMut(usize, &[u8]))) -> Result<()> {
        if self.rows.is_multiple_of(GROUP) {
            self.begin_group()?;
        }
        self.rows += 1;
        let TileRowsWriter { row, numbers, entries, .. } = self;
        row.clear();
        row.extend_from_slice(&id.0.to_le_bytes());
        values(&mut |column, entry| {
            put_varint(row, column as u64);
            let number = numbers.get(&hash(entry)).filter(|n| {
                let known = &mut entries[**n as usize];
                if known.is_empty() {
                    *known = entry.into();
                }
                **known == *entry
            });
            match number {
                Some(n) => put_varint(row, u64::from(*n) + 1),
                None => {
                    put_varint(row, 0);
                    put_varint(row, entry.len() as u64);
                    row.extend_from_slice(entry);
                }
            }
        });
        put_varint(&mut self.portion, self.row.len() as u64);
        self.portion.extend_from_slice(&self.row);
        match self.portion.len() >= PORTION_BYTES {
            true => self.flush(),
            false => Ok(()),
        }
    }

    /// The finished file.
    pub fn seal(mut self) -> Result<PathBuf> {
        self.begin_group()?;
        self.flush()?;
        let groups_at = HEAD_BYTES as u64 + self.written;
        let entry_bytes = self.entries.iter().map(|e| e.len()).sum::<usize>();
        let (Ok(values), Ok(entry_bytes)) = (u32::try_from(self.entries.len()), u32::try_from(entry_bytes)) else {
            return Err(too_large());
        };
        let mut tail: Vec<u8> = self.groups.iter().flat_map(|at| at.to_le_bytes()).collect();
        let ends = self.entries.iter().scan(0, |end, e| {
            *end += e.len() as u32;
            Some(*end)
        });
        tail.extend(ends.flat_map(u32::to_le_bytes));
        self.entries.iter().for_each(|e| tail.extend_from_slice(e));
        let mut head = MAGIC.to_vec();
        head.extend_from_slice(&self.rows.to_le_bytes());
        head.extend_from_slice(&groups_at.to_le_bytes());
        head.extend_from_slice(&values.to_le_bytes());
        head.extend_from_slice(&entry_bytes.to_le_bytes());
        self.file.write_all_at(&tail, groups_at).map_err(|e| Error::io(self.file.path(), e))?;
        self.file.write_all_at(&head, 0).map_err(|e| Error::io(self.file.path(), e))?;
        Ok(self.file.path().to_path_buf())
    }

    fn begin_group(&mut self) -> Result<()> {
        let at = self.written + self.portion.len() as u64;
        self.groups.push(u32::try_from(at).map_err(|_| too_large())?);
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        let at = HEAD_BYTES as u64 + self.written;
        self.file.write_all_at(&self.portion, at).map_err(|e| Error::io(self.file.path(), e))?;
        self.written += self.portion.len() as u64;
        self.portion.clear();
        Ok(())
    }
}

fn too_large() -> Error {
    Error::Data("a layer's values for tiles take more than 4 GB; divide the layer".into())
}
