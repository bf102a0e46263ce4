//! Rows until they can be written: the first in an unnamed file, the latest in memory.

use crate::error::{Error, Result};
use crate::store::durable::Output;
use std::io::{self, BufReader, Read, Seek, Write};
use std::path::Path;

/// Notes that are kept in memory.
const NOTES_BYTES: usize = 4 << 20;

#[derive(Default)]
pub(super) struct Notes {
    file: Option<Output>,
    latest: Vec<u8>,
    count: u64,
}

impl Notes {
    /// Takes the next; a file is made in `dir` where there is none yet.
    pub fn push(&mut self, dir: &Path, note: &[u8]) -> Result<()> {
        self.count += 1;
        self.latest.extend_from_slice(&(note.len() as u32).to_le_bytes());
        self.latest.extend_from_slice(note);
        if self.latest.len() < NOTES_BYTES {
            return Ok(());
        }
        let file = match self.file.take() {
            Some(file) => file,
            None => Output::unnamed(dir)?,
        };
        (&file).write_all(&self.latest).map_err(|e| Error::io(dir, e))?;
        self.latest.clear();
        self.file = Some(file);
        Ok(())
    }

    /// Hands all out in their order.
    pub fn read(self, dir: &Path, each: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let io = |e| Error::io(dir, e);
        let earlier = earlier(self.file).map_err(io)?;
        let mut from = earlier.chain(self.latest.as_slice());
        let (mut length, mut note) = ([0; 4], vec![]);
        for _ in 0..self.count {
            from.read_exact(&mut length).map_err(io)?;
            note.resize(u32::from_le_bytes(length) as usize, 0);
            from.read_exact(&mut note).map_err(io)?;
            each(&note)?;
        }
        Ok(())
    }
}

fn earlier(file: Option<Output>) -> io::Result<Box<dyn Read>> {
    let Some(file) = file else { return Ok(Box::new(io::empty())) };
    let mut file = file.into_file();
    file.rewind()?;
    Ok(Box::new(BufReader::with_capacity(256 << 10, file)))
}
