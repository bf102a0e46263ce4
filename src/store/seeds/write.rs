//! Writing seeded tiles, in rising order of zoom, row and column.

use super::{HEAD_BYTES, MAGIC, Recipe};
use crate::deflate::Piece;
use crate::error::{Error, Result};
use crate::store::durable::Output;
use std::path::{Path, PathBuf};

/// Seeds are written in portions of this many bytes.
const PORTION_BYTES: usize = 256 * 1024;

pub struct SeedsWriter {
    file: Output,
    /// Seeds that are not in the file yet; where they begin.
    portion: Vec<u8>,
    written: u64,
    zooms: Vec<(u8, Recipe, u32)>,
    /// (y, x) and end of each seed.
    keys: Vec<[u32; 2]>,
    ends: Vec<u64>,
}

impl SeedsWriter {
    pub fn new(dir: &Path, name: &str) -> Result<SeedsWriter> {
        let file = Output::create(dir, &format!("{name}-"), ".seeds")?;
        let (portion, written) = (vec![], HEAD_BYTES as u64);
        Ok(SeedsWriter { file, portion, written, zooms: vec![], keys: vec![], ends: vec![] })
    }

    /// What follows is of this zoom.
    pub fn begin(&mut self, z: u8, recipe: Recipe) {
        self.zooms.push((z, recipe, 0));
    }

    /// The next tile of the zoom that was begun.
    pub fn push(&mut self, [x, y]: [u32; 2], seed: Piece<'_>) -> Result<()> {
        self.portion.extend_from_slice(&seed.plain.to_le_bytes());
        self.portion.extend_from_slice(&seed.crc.to_le_bytes());
        self.portion.extend_from_slice(seed.blocks);
        self.keys.push([y, x]);
        self.ends.push(self.written + self.portion.len() as u64);
        if let Some((_, _, tiles)) = self.zooms.last_mut() {
            *tiles += 1;
        }
        match self.portion.len() >= PORTION_BYTES {
            true => self.flush(),
            false => Ok(()),
        }
    }

    /// The finished file.
    pub fn seal(mut self) -> Result<PathBuf> {
        let index_at = self.written + self.portion.len() as u64;
        let SeedsWriter { portion, zooms, keys, ends, .. } = &mut self;
        portion.extend_from_slice(&(zooms.len() as u32).to_le_bytes());
        for (z, recipe, tiles) in zooms {
            portion.extend_from_slice(&u32::from(*z).to_le_bytes());
            portion.extend_from_slice(&tiles.to_le_bytes());
            portion.extend_from_slice(recipe);
        }
        portion.extend(keys.iter().flatten().flat_map(|n| n.to_le_bytes()));
        portion.extend(ends.iter().flat_map(|end| end.to_le_bytes()));
        self.flush()?;
        let head = [&MAGIC[..], &index_at.to_le_bytes()].concat();
        self.file.write_all_at(&head, 0).map_err(|e| Error::io(self.file.path(), e))?;
        Ok(self.file.path().to_path_buf())
    }

    fn flush(&mut self) -> Result<()> {
        self.file.write_all_at(&self.portion, self.written).map_err(|e| Error::io(self.file.path(), e))?;
        self.written += self.portion.len() as u64;
        self.portion.clear();
        Ok(())
    }
}
