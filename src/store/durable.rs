//! The store's one way to the disk: all writes, fsyncs, renames and removals of an import and of `gc` go through here, so
//! that a test can fail each of them and knows what a power cut would have left. The order of the steps is `draft`'s.

#[cfg_attr(test, expect(dead_code, reason = "the disk of tests writes and syncs by itself"))]
mod direct;
#[cfg(test)]
pub(super) mod faults;
mod output;

#[cfg(not(test))]
use direct as disk;
#[cfg(test)]
use faults as disk;

pub(super) use output::Output;

use crate::error::{Error, Result};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Makes the bytes of a file durable. An error is final: after a failed fsync nobody knows what reached the disk,
/// so that the draft is given up, not tried again.
pub(super) fn sync_file(path: &Path) -> Result<()> {
    disk::sync_file(path).map_err(|e| Error::io(path, e))
}

/// The same of many files, in no order.
pub(super) fn sync_files(paths: &[PathBuf]) -> Result<()> {
    disk::sync_files(paths).map_err(|(path, e)| Error::io(path, e))
}

/// Makes the names in a folder durable.
pub(super) fn sync_dir(path: &Path) -> Result<()> {
    disk::sync_dir(path).map_err(|e| Error::io(path, e))
}

/// Gives a finished file its final name, in place of what had it.
pub(super) fn rename(from: &Path, to: &Path) -> Result<()> {
    disk::rename(from, to).map_err(|e| Error::io(to, e))
}

/// A file that has either its old bytes or the new ones, whatever happens: written aside in the same folder, synced,
/// renamed, the folder synced.
pub(super) fn replace(dir: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let (aside, path) = (dir.join(format!(".{name}{ASIDE}")), dir.join(name));
    let mut file = Output::replace(&aside)?;
    file.write_all(bytes).map_err(|e| Error::io(&aside, e))?;
    sync_file(&aside)?;
    rename(&aside, &path)?;
    sync_dir(dir)
}

/// Ends the names of files that `replace` writes.
const ASIDE: &str = ".new";

/// Removes what a `replace` in this folder left that did not come to its end.
pub(super) fn sweep_asides(dir: &Path) -> Result<()> {
    let io = |e| Error::io(dir, e);
    for entry in fs::read_dir(dir).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') && name.ends_with(ASIDE) {
            remove(&path)?;
        }
    }
    Ok(())
}

pub(super) fn remove(path: &Path) -> Result<()> {
    disk::remove(path).map_err(|e| Error::io(path, e))
}

/// Removes all that is in a folder.
pub(super) fn empty(dir: &Path) -> Result<()> {
    let io = |e| Error::io(dir, e);
    for entry in fs::read_dir(dir).map_err(io)? {
        let path = entry.map_err(io)?.path();
        match path.is_dir() {
            true => disk::remove_tree(&path).map_err(|e| Error::io(&path, e))?,
            false => remove(&path)?,
        }
    }
    Ok(())
}

/// A folder of its own in `dir`, gone with the value.
pub(super) fn folder(dir: &Path, prefix: &str) -> Result<tempfile::TempDir> {
    disk::folder(dir, prefix).map_err(|e| Error::io(dir, e))
}

/// Makes a folder of the store, and its name durable.
pub(super) fn make_dir(dir: &Path, name: &str) -> Result<()> {
    let path: PathBuf = dir.join(name);
    disk::make_dir(&path).map_err(|e| Error::io(&path, e))?;
    sync_dir(dir)
}

/// The file that is locked by whoever changes the store.
pub(super) fn lock_file(path: &Path) -> Result<File> {
    let file = File::options().create(true).truncate(false).write(true).open(path);
    file.map_err(|e| Error::io(path, e))
}
