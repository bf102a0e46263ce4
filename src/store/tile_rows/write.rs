//! Writing tile rows in one pass over the table: values are numbered as they come and rows noted by these numbers, until it is
//! known which values several rows have. Memory: some 30 bytes for each distinct value, the entries that several rows
//! have, and some notes.

use super::file::RowsFile;
use super::notes::Notes;
use crate::error::{Error, Result};
use crate::feature::FeatureId;
use crate::store::varint::{put_varint, take_varint};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use std::cmp::Reverse;
use std::hash::BuildHasher;
use std::path::{Path, PathBuf};

/// Distinct values beyond which a table gets no tile rows: knowing them would take some 200 MB.
const MOST_VALUES: usize = 6_000_000;
/// Of a value that one row has, as far as is known.
const ALONE: u32 = u32::MAX;

// What a note says of a value, after its column: an entry of its own, the entry of the next value that has come, or, from
// `SHARED` on, the place of one that came before.
const OWN: u64 = 0;
const FIRST: u64 = 1;
const SHARED: u64 = 2;

pub struct TileRowsWriter {
    dir: PathBuf,
    name: String,
    /// The number of each value, in the order of their first rows, by its hash. Of two values of one hash the second is noted
    /// as a row's own wherever it comes, which costs nothing but its place.
    numbers: HashMap<u64, u32, FixedState>,
    /// Of each value: its place in `shared`, or `ALONE`.
    places: Vec<u32>,
    shared: Vec<Shared>,
    /// Of each column: the place in `shared` of the latest such value. Rows that stand near each other have much in common.
    latest: Vec<u32>,
    notes: Notes,
    note: Vec<u8>,
}

/// A value that several rows have.
struct Shared {
    hash: u64,
    rows: u32,
    entry: Box<[u8]>,
}

impl TileRowsWriter {
    /// Of a layer's rows; files are made in `dir`.
    pub fn new(dir: &Path, name: &str) -> TileRowsWriter {
        TileRowsWriter {
            dir: dir.to_path_buf(),
            name: name.to_string(),
            numbers: HashMap::default(),
            places: vec![],
            shared: vec![],
            latest: vec![],
            notes: Notes::default(),
            note: vec![],
        }
    }

    /// The next row in the table's order. `values` calls its argument with (column, entry) in rising columns. Whether there are
    /// not too many distinct values by now; then no further row is taken.
    pub fn push(&mut self, id: FeatureId, values: impl FnOnce(&mut dyn FnMut(usize, &[u8]))) -> Result<bool> {
        if self.places.len() > MOST_VALUES {
            return Ok(false);
        }
        let mut note = std::mem::take(&mut self.note);
        note.clear();
        note.extend_from_slice(&id.0.to_le_bytes());
        values(&mut |column, entry| {
            put_varint(&mut note, column as u64);
            let said = self.meet(column, entry);
            put_varint(&mut note, said);
            if said < SHARED {
                put_varint(&mut note, entry.len() as u64);
                note.extend_from_slice(entry);
            }
        });
        self.notes.push(&self.dir, &note)?;
        self.note = note;
        Ok(true)
    }

    /// Counts a value of a column; what a note says of it.
    fn meet(&mut self, column: usize, entry: &[u8]) -> u64 {
        if column >= self.latest.len() {
            self.latest.resize(column + 1, ALONE);
        }
        let latest = self.latest[column];
        if let Some(shared) = self.shared.get_mut(latest as usize).filter(|s| *s.entry == *entry) {
            shared.rows = shared.rows.saturating_add(1);
            return SHARED + u64::from(latest);
        }
        let hash = FixedState::default().hash_one(entry);
        let place = match self.numbers.entry(hash) {
            Entry::Vacant(new) => {
                new.insert(self.places.len() as u32);
                self.places.push(ALONE);
                return FIRST;
            }
            Entry::Occupied(known) => &mut self.places[*known.get() as usize],
        };
        if *place == ALONE {
            *place = self.shared.len() as u32;
            // The first row's entry is held against this one when the rows are written.
            self.shared.push(Shared { hash, rows: 1, entry: entry.into() });
        }
        let shared = &mut self.shared[*place as usize];
        if *shared.entry != *entry {
            return OWN;
        }
        shared.rows = shared.rows.saturating_add(1);
        self.latest[column] = *place;
        SHARED + u64::from(*place)
    }

    /// The finished file; `None` where there are too many distinct values.
    pub fn seal(self) -> Result<Option<PathBuf>> {
        if self.places.len() > MOST_VALUES {
            return Ok(None);
        }
        let mut order: Vec<u32> = (0..self.shared.len() as u32).collect();
        order.sort_unstable_by_key(|at| {
            let shared = &self.shared[*at as usize];
            (Reverse(shared.rows), shared.hash)
        });
        let mut numbers = vec![0; order.len()];
        (0..).zip(&order).for_each(|(number, at)| numbers[*at as usize] = number);
        let mut file = RowsFile::new(&self.dir, &self.name)?;
        let (mut places, mut row) = (self.places.into_iter(), vec![]);
        self.notes.read(&self.dir, &mut |note| {
            row.clear();
            match put_row(&mut row, note, &mut places, &self.shared, &numbers) {
                Some(()) => file.push(&row),
                None => Err(Error::damaged(&self.name, "notes of its values for tiles cannot be read")),
            }
        })?;
        let entries: Vec<&[u8]> = order.iter().map(|at| &*self.shared[*at as usize].entry).collect();
        file.seal(&entries).map(Some)
    }
}

/// A note as the row of the file: values that several rows have by their numbers, all others as they are.
fn put_row(
    row: &mut Vec<u8>,
    note: &[u8],
    places: &mut impl Iterator<Item = u32>,
    shared: &[Shared],
    numbers: &[u32],
) -> Option<()> {
    let (id, mut rest) = note.split_at_checked(8)?;
    row.extend_from_slice(id);
    while !rest.is_empty() {
        put_varint(row, take_varint(&mut rest)?);
        let said = take_varint(&mut rest)?;
        let (place, entry) = match said.checked_sub(SHARED) {
            Some(place) => (Some(place as u32), None),
            None => {
                let len = usize::try_from(take_varint(&mut rest)?).ok()?;
                let (entry, after) = rest.split_at_checked(len)?;
                rest = after;
                let place = if said == FIRST { places.next() } else { None };
                (place.filter(|p| shared.get(*p as usize).is_some_and(|s| *s.entry == *entry)), Some(entry))
            }
        };
        match (place, entry) {
            (Some(place), _) => put_varint(row, u64::from(*numbers.get(place as usize)?) + 1),
            (None, entry) => {
                let entry = entry?;
                put_varint(row, 0);
                put_varint(row, entry.len() as u64);
                row.extend_from_slice(entry);
            }
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two values of one hash: what one row is noted to have first is not what others share under its number.
    #[test]
    fn a_value_of_another_ones_hash_is_a_rows_own() {
        let shared = [Shared { hash: 1, rows: 2, entry: (*b"b").into() }];
        let note = |entry: &[u8]| [&[9; 8], &[3, FIRST as u8, 1][..], entry, &[4, SHARED as u8]].concat();
        let row = |entry: &[u8]| {
            let mut row = vec![];
            put_row(&mut row, &note(entry), &mut [0].into_iter(), &shared, &[5]).unwrap();
            row[8..].to_vec()
        };
        assert_eq!(row(b"b"), [3, 6, 4, 6]);
        assert_eq!(row(b"a"), [3, 0, 1, b'a', 4, 6]);
    }
}
