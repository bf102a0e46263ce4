//! A file of the store while it is written.

use super::disk;
use crate::error::{Error, Result};
use std::fs::File;
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A file being written. Not durable before `sync_file`, not a blob before `Draft::add_file`.
pub(in crate::store) struct Output {
    file: File,
    path: PathBuf,
}

impl Output {
    /// A new file in `dir`, named by prefix, chance and suffix.
    pub fn create(dir: &Path, prefix: &str, suffix: &str) -> Result<Output> {
        let (file, path) = disk::create(dir, prefix, suffix).map_err(|e| Error::io(dir, e))?;
        Ok(Output { file, path })
    }

    /// A file without a name, for what is read again by `into_file` and gone afterwards.
    pub fn unnamed(dir: &Path) -> Result<Output> {
        let file = disk::unnamed(dir).map_err(|e| Error::io(dir, e))?;
        Ok(Output { file, path: dir.join("(unnamed)") })
    }

    /// An empty file of this name, whatever was there.
    pub(super) fn replace(path: &Path) -> Result<Output> {
        let file = disk::truncate(path).map_err(|e| Error::io(path, e))?;
        Ok(Output { file, path: path.to_path_buf() })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn into_file(self) -> File {
        self.file
    }

    pub fn write_all_at(&self, mut bytes: &[u8], mut at: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            match disk::write_at(&self.file, &self.path, bytes, at) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => {
                    bytes = &bytes[written..];
                    at += written as u64;
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }
}

impl Write for &Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        disk::write(&self.file, &self.path, bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for &Output {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        (&self.file).seek(to)
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Output {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        (&*self).seek(to)
    }
}
