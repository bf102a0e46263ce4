//! The few operations that must survive a power cut, and nothing else: all writes, fsyncs and renames of a publish
//! go through here, so that a test can stop each of them. The order of the steps is `draft`'s.

use crate::error::{Error, Result};
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

/// Makes the bytes of a file durable. An error is final: after a failed fsync nobody knows what reached the disk,
/// so that the draft is given up, not tried again.
pub(super) fn sync_file(path: &Path) -> Result<()> {
    step("sync file", path)?;
    File::open(path).and_then(|f| f.sync_all()).map_err(|e| Error::io(path, e))
}

/// Makes the names in a folder durable.
pub(super) fn sync_dir(path: &Path) -> Result<()> {
    step("sync folder", path)?;
    File::open(path).and_then(|f| f.sync_all()).map_err(|e| Error::io(path, e))
}

/// Gives a finished file its final name, in place of what had it.
pub(super) fn rename(from: &Path, to: &Path) -> Result<()> {
    step("rename", to)?;
    fs::rename(from, to).map_err(|e| Error::io(to, e))
}

/// A file that has either its old bytes or the new ones, whatever happens: written aside in the same folder, synced,
/// renamed, the folder synced.
pub(super) fn replace(dir: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let (aside, path) = (dir.join(format!(".{name}.new")), dir.join(name));
    step("write", &aside)?;
    File::create(&aside).and_then(|mut f| f.write_all(bytes)).map_err(|e| Error::io(&aside, e))?;
    sync_file(&aside)?;
    rename(&aside, &path)?;
    sync_dir(dir)
}

pub(super) fn remove(path: &Path) -> Result<()> {
    step("remove", path)?;
    fs::remove_file(path).map_err(|e| Error::io(path, e))
}

#[cfg(not(test))]
fn step(_what: &'static str, _path: &Path) -> Result<()> {
    Ok(())
}

#[cfg(test)]
use faults::step;

/// Tests stop the world before its k-th durable step.
#[cfg(test)]
pub(super) mod faults {
    use super::*;
    use std::cell::{Cell, RefCell};
    use std::path::PathBuf;

    #[derive(Clone, Copy)]
    pub enum Stop {
        /// This step and every later one of the thread fails, as on a disk that is gone.
        Fail,
        /// The process ends on the spot.
        Abort,
    }

    thread_local! {
        static LEFT: Cell<Option<(u32, Stop)>> = const { Cell::new(None) };
        static TAKEN: RefCell<Vec<Taken>> = const { RefCell::new(vec![]) };
    }

    /// What was done, to which path.
    pub type Taken = (&'static str, PathBuf);

    /// Lets `steps` more steps of this thread pass.
    pub fn stop_after(steps: u32, how: Stop) {
        LEFT.set(Some((steps, how)));
    }

    pub fn never_stop() {
        LEFT.set(None);
    }

    /// The steps that this thread has taken so far.
    pub fn taken() -> Vec<Taken> {
        TAKEN.with_borrow(Vec::clone)
    }

    pub fn step(what: &'static str, path: &Path) -> Result<()> {
        match LEFT.get() {
            Some((0, Stop::Abort)) => std::process::abort(),
            Some((0, Stop::Fail)) => {
                let source = std::io::Error::other(format!("stopped before: {what}"));
                return Err(Error::Io { path: path.to_path_buf(), source });
            }
            Some((left, how)) => LEFT.set(Some((left - 1, how))),
            None => {}
        }
        TAKEN.with_borrow_mut(|t| t.push((what, path.to_path_buf())));
        Ok(())
    }
}
