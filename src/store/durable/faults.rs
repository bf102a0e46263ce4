//! A disk for tests: it keeps a log of what it was asked to do, and fails at the operation that the test names. Per thread.

use super::direct;
use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{Error, ErrorKind, Result, Seek};
use std::path::{Path, PathBuf};

/// What was done to the disk, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// A file or folder was made; which name it got shows in the next operations.
    Make,
    /// An empty file, whatever had the name.
    Truncate(PathBuf),
    Write {
        path: PathBuf,
        at: u64,
        bytes: Vec<u8>,
    },
    SyncFile {
        path: PathBuf,
        failed: bool,
    },
    SyncDir {
        path: PathBuf,
        failed: bool,
    },
    Rename {
        from: PathBuf,
        to: PathBuf,
    },
    Remove(PathBuf),
    RemoveTree(PathBuf),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// The operation fails and has no effect. Of an fsync: what was not on the disk never gets there.
    Eio,
    /// A write does half and then fails; all else that needs room fails.
    Enospc,
    /// A write does a part of what it is asked and says so, which is no error.
    Short,
    /// A signal came first: a write is to be asked for again.
    Interrupted,
    /// The process ends on the spot.
    Abort,
    /// The operation fails, but whoever asked does not hear of it: a bug, planted.
    Unheard,
}

thread_local! {
    static FAULT: Cell<Option<(usize, Fault, bool)>> = const { Cell::new(None) };
    static LOG: RefCell<Vec<Op>> = const { RefCell::new(vec![]) };
}

/// From now on the log begins anew, and its operation `at` fails; `ever`: all after it too.
pub fn begin(fault: Option<(usize, Fault, bool)>) {
    FAULT.set(fault);
    LOG.take();
}

/// What was done since `begin`. No operation fails any more.
pub fn end() -> Vec<Op> {
    FAULT.set(None);
    LOG.take()
}

fn due() -> Option<Fault> {
    let (at, fault, ever) = FAULT.get()?;
    let now = LOG.with_borrow(Vec::len);
    match now == at || (ever && now > at) {
        true if fault == Fault::Abort => std::process::abort(),
        true => Some(fault),
        false => None,
    }
}

fn note(op: Op) {
    LOG.with_borrow_mut(|l| l.push(op));
}

fn error(fault: Fault) -> Error {
    match fault {
        Fault::Enospc => ErrorKind::StorageFull.into(),
        Fault::Interrupted => ErrorKind::Interrupted.into(),
        _ => Error::from_raw_os_error(5),
    }
}

/// Whether the operation is to be done, one that is no write: `op` is noted in any case, so that the next one has a number
/// of its own.
fn go(op: Op, needs_room: bool) -> Result<bool> {
    let failed = |f: &Fault| !matches!((f, needs_room), (Fault::Short, _) | (Fault::Enospc, false));
    let fault = due().filter(failed);
    note(match (fault.is_some(), op) {
        (true, Op::SyncFile { path, .. }) => Op::SyncFile { path, failed: true },
        (true, Op::SyncDir { path, .. }) => Op::SyncDir { path, failed: true },
        (true, _) => Op::Make,
        (false, op) => op,
    });
    match fault {
        None => Ok(true),
        Some(Fault::Unheard) => Ok(false),
        Some(fault) => Err(error(fault)),
    }
}

/// How many of `len` bytes are written, and what whoever asked is told.
fn share(len: usize) -> (usize, Result<usize>) {
    match due() {
        None => (len, Ok(len)),
        Some(Fault::Short) => (len.div_ceil(2), Ok(len.div_ceil(2))),
        Some(Fault::Enospc) => (len / 2, Err(error(Fault::Enospc))),
        Some(Fault::Unheard) => (len / 2, Ok(len)),
        Some(fault) => (0, Err(error(fault))),
    }
}

pub fn create(dir: &Path, prefix: &str, suffix: &str) -> Result<(File, PathBuf)> {
    go(Op::Make, true)?;
    direct::create(dir, prefix, suffix)
}

pub fn unnamed(dir: &Path) -> Result<File> {
    go(Op::Make, true)?;
    direct::unnamed(dir)
}

pub fn truncate(path: &Path) -> Result<File> {
    go(Op::Truncate(path.to_path_buf()), true)?;
    direct::truncate(path)
}

pub fn write(mut file: &File, path: &Path, bytes: &[u8]) -> Result<usize> {
    let at = file.stream_position()?;
    let (share, told) = share(bytes.len());
    note(Op::Write { path: path.to_path_buf(), at, bytes: bytes[..share].to_vec() });
    std::io::Write::write_all(&mut file, &bytes[..share])?;
    if told.as_ref().is_ok_and(|told| *told > share) {
        file.seek_relative((bytes.len() - share) as i64)?;
    }
    told
}

pub fn write_at(file: &File, path: &Path, bytes: &[u8], at: u64) -> Result<usize> {
    let (share, told) = share(bytes.len());
    note(Op::Write { path: path.to_path_buf(), at, bytes: bytes[..share].to_vec() });
    std::os::unix::fs::FileExt::write_all_at(file, &bytes[..share], at)?;
    told
}

pub fn sync_file(path: &Path) -> Result<()> {
    go(Op::SyncFile { path: path.to_path_buf(), failed: false }, false).map(drop)
}

pub fn sync_files(paths: &[PathBuf]) -> std::result::Result<(), (PathBuf, Error)> {
    paths.iter().try_for_each(|p| sync_file(p).map_err(|e| (p.clone(), e)))
}

pub fn sync_dir(path: &Path) -> Result<()> {
    go(Op::SyncDir { path: path.to_path_buf(), failed: false }, false).map(drop)
}

pub fn rename(from: &Path, to: &Path) -> Result<()> {
    match go(Op::Rename { from: from.to_path_buf(), to: to.to_path_buf() }, true)? {
        true => direct::rename(from, to),
        false => Ok(()),
    }
}

pub fn remove(path: &Path) -> Result<()> {
    match go(Op::Remove(path.to_path_buf()), false)? {
        true => direct::remove(path),
        false => Ok(()),
    }
}

pub fn remove_tree(path: &Path) -> Result<()> {
    match go(Op::RemoveTree(path.to_path_buf()), false)? {
        true => direct::remove_tree(path),
        false => Ok(()),
    }
}

pub fn make_dir(path: &Path) -> Result<()> {
    go(Op::Make, true)?;
    direct::make_dir(path)
}

pub fn folder(dir: &Path, prefix: &str) -> Result<tempfile::TempDir> {
    go(Op::Make, true)?;
    direct::folder(dir, prefix)
}
