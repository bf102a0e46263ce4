//! The file of tile rows while it is written: rows in portions, then groups and values, the head last.

use super::{GROUP, HEAD_BYTES, MAGIC};
use crate::error::{Error, Result};
use crate::store::durable::Output;
use crate::store::varint::put_varint;
use std::path::{Path, PathBuf};

/// Rows are written in portions of this many bytes.
const PORTION_BYTES: usize = 256 * 1024;

pub(super) struct RowsFile {
    file: Output,
    /// Rows that are not in the file yet; where they begin among all rows' bytes.
    portion: Vec<u8>,
    written: u64,
    groups: Vec<u32>,
    rows: u64,
}

impl RowsFile {
    pub fn new(dir: &Path, name: &str) -> Result<RowsFile> {
        let file = Output::create(dir, &format!("{name}-"), ".tiles")?;
        Ok(RowsFile { file, portion: vec![], written: 0, groups: vec![], rows: 0 })
    }

    /// The next row: all of it but its length.
    pub fn push(&mut self, row: &[u8]) -> Result<()> {
        if self.rows.is_multiple_of(GROUP) {
            self.begin_group()?;
        }
        self.rows += 1;
        put_varint(&mut self.portion, row.len() as u64);
        self.portion.extend_from_slice(row);
        match self.portion.len() >= PORTION_BYTES {
            true => self.flush(),
            false => Ok(()),
        }
    }

    /// The finished file; `entries` are those of the numbered values.
    pub fn seal(mut self, entries: &[&[u8]]) -> Result<PathBuf> {
        self.begin_group()?;
        self.flush()?;
        let groups_at = HEAD_BYTES as u64 + self.written;
        let entry_bytes = entries.iter().map(|e| e.len()).sum::<usize>();
        let (Ok(values), Ok(entry_bytes)) = (u32::try_from(entries.len()), u32::try_from(entry_bytes)) else {
            return Err(too_large());
        };
        let mut tail: Vec<u8> = self.groups.iter().flat_map(|at| at.to_le_bytes()).collect();
        let ends = entries.iter().scan(0, |end, e| {
            *end += e.len() as u32;
            Some(*end)
        });
        tail.extend(ends.flat_map(u32::to_le_bytes));
        entries.iter().for_each(|e| tail.extend_from_slice(e));
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
