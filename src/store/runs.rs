//! External sort: encoded features come in any order and go out by (Hilbert key, id), within a fixed memory.
//! Sorted runs go to unnamed files, which vanish with the process. Does not look into the bytes.

use super::durable::Output;
use crate::error::{Error, Result};
use crate::feature::FeatureId;
use crate::geo::BBox;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// All runs together are read through about this many bytes.
const MERGE_BYTES: usize = 8 << 20;

/// What is sorted.
pub(super) struct Item<'a> {
    pub hilbert: u64,
    pub id: FeatureId,
    pub bbox: BBox,
    /// The size-prefixed feature.
    pub bytes: &'a [u8],
}

/// Where an item stands in the buffer.
struct Entry {
    hilbert: u64,
    id: FeatureId,
    bbox: BBox,
    at: usize,
    len: usize,
}

pub(super) struct Runs {
    dir: PathBuf,
    /// Bytes of features held before a run is written.
    run_bytes: usize,
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    written: Vec<File>,
}

impl Runs {
    pub fn new(dir: &Path, run_bytes: usize) -> Runs {
        Runs { dir: dir.to_path_buf(), run_bytes, bytes: vec![], entries: vec![], written: vec![] }
    }

    pub fn push(&mut self, item: &Item<'_>) -> Result<()> {
        if !self.entries.is_empty() && self.bytes.len() + item.bytes.len() > self.run_bytes {
            self.write_run()?;
        }
        let (at, len) = (self.bytes.len(), item.bytes.len());
        self.bytes.extend_from_slice(item.bytes);
        self.entries.push(Entry { hilbert: item.hilbert, id: item.id, bbox: item.bbox, at, len });
        Ok(())
    }

    /// Hands out every item in order.
    pub fn drain(mut self, each: &mut dyn FnMut(&Item<'_>) -> Result<()>) -> Result<()> {
        if self.written.is_empty() {
            return self.in_order().try_for_each(|item| each(&item));
        }
        self.write_run()?;
        (self.bytes, self.entries) = (vec![], vec![]);
        merge(&self.dir, self.written, each)
    }

    fn in_order(&mut self) -> impl Iterator<Item = Item<'_>> {
        self.entries.sort_unstable_by_key(|e| (e.hilbert, e.id));
        let bytes = &self.bytes;
        self.entries.iter().map(|e| Item {
            hilbert: e.hilbert,
            id: e.id,
            bbox: e.bbox,
            bytes: &bytes[e.at..e.at + e.len],
        })
    }

    fn write_run(&mut self) -> Result<()> {
        let dir = self.dir.clone();
        let io = |e| Error::io(&dir, e);
        let mut out = BufWriter::with_capacity(256 << 10, Output::unnamed(&dir)?);
        for item in self.in_order() {
            write_item(&mut out, &item).map_err(io)?;
        }
        let mut file = out.into_inner().map_err(|e| io(e.into_error()))?.into_file();
        file.rewind().map_err(io)?;
        self.written.push(file);
        self.entries.clear();
        self.bytes.clear();
        Ok(())
    }
}

fn write_item(out: &mut impl Write, item: &Item<'_>) -> std::io::Result<()> {
    out.write_all(&item.hilbert.to_le_bytes())?;
    out.write_all(&item.id.0.to_le_bytes())?;
    for v in item.bbox.to_array() {
        out.write_all(&v.to_le_bytes())?;
    }
    out.write_all(&(item.bytes.len() as u64).to_le_bytes())?;
    out.write_all(item.bytes)
}

fn merge(dir: &Path, runs: Vec<File>, each: &mut dyn FnMut(&Item<'_>) -> Result<()>) -> Result<()> {
    let io = |e| Error::io(dir, e);
    let buffer = (MERGE_BYTES / runs.len().max(1)).clamp(16 << 10, 1 << 20);
    let mut runs: Vec<Run> = runs.into_iter().map(|f| Run::new(f, buffer)).collect();
    let mut next = BinaryHeap::new();
    for (i, run) in runs.iter_mut().enumerate() {
        if run.advance().map_err(io)? {
            next.push(Reverse((run.hilbert, run.id, i)));
        }
    }
    while let Some(Reverse((hilbert, id, i))) = next.pop() {
        let run = &mut runs[i];
        each(&Item { hilbert, id, bbox: run.bbox, bytes: &run.bytes })?;
        if run.advance().map_err(io)? {
            next.push(Reverse((run.hilbert, run.id, i)));
        }
    }
    Ok(())
}

/// A run being read; its fields are its next item.
struct Run {
    file: BufReader<File>,
    hilbert: u64,
    id: FeatureId,
    bbox: BBox,
    bytes: Vec<u8>,
}

impl Run {
    fn new(file: File, buffer: usize) -> Run {
        let file = BufReader::with_capacity(buffer, file);
        Run { file, hilbert: 0, id: FeatureId(0), bbox: BBox::EMPTY, bytes: vec![] }
    }

    /// Reads the next item; whether there was one.
    fn advance(&mut self) -> std::io::Result<bool> {
        if self.file.fill_buf()?.is_empty() {
            return Ok(false);
        }
        let mut words = [[0u8; 8]; 7];
        self.file.read_exact(words.as_flattened_mut())?;
        let [hilbert, id, w, s, e, n, len] = words;
        (self.hilbert, self.id) = (u64::from_le_bytes(hilbert), FeatureId(u64::from_le_bytes(id)));
        let [w, s, e, n] = [w, s, e, n].map(f64::from_le_bytes);
        self.bbox = BBox::new(w, s, e, n);
        self.bytes.resize(u64::from_le_bytes(len) as usize, 0);
        self.file.read_exact(&mut self.bytes)?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out_sorted_whatever_the_run_size() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let mut expected: Vec<(u64, u64)> = (1..=1000u64).map(|i| (i * 7919 % 64, i * 31 % 1009)).collect();
        let pushed = expected.clone();
        expected.sort();
        for run_bytes in [64, 1000, 4096, usize::MAX] {
            let mut runs = Runs::new(dir.path(), run_bytes);
            for &(hilbert, id) in &pushed {
                let bytes = vec![id as u8; id as usize % 13];
                let bbox = BBox::new(id as f64, 0.0, 1.0, 1.0);
                runs.push(&Item { hilbert, id: FeatureId(id), bbox, bytes: &bytes }).expect("takes");
            }
            let mut found = vec![];
            let mut each = |item: &Item<'_>| {
                assert_eq!(item.bytes, vec![item.id.0 as u8; item.id.0 as usize % 13]);
                assert_eq!(item.bbox.min_x, item.id.0 as f64);
                found.push((item.hilbert, item.id.0));
                Ok(())
            };
            runs.drain(&mut each).expect("sorts");
            assert_eq!(found, expected, "runs of {run_bytes} bytes");
        }
    }
}
