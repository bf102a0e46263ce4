//! The disk as it is.

use std::fs::{self, File, Permissions};
use std::io::{Error, Result, Write};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A new file in `dir`: readable for whomever the umask lets, not for its owner alone, since it may become a blob.
pub fn create(dir: &Path, prefix: &str, suffix: &str) -> Result<(File, PathBuf)> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix).suffix(suffix).permissions(Permissions::from_mode(0o666));
    builder.tempfile_in(dir)?.keep().map_err(|e| e.error)
}

/// A file without a name, gone with its handle.
pub fn unnamed(dir: &Path) -> Result<File> {
    tempfile::tempfile_in(dir)
}

/// An empty file of this name, whatever was there.
pub fn truncate(path: &Path) -> Result<File> {
    File::create(path)
}

pub fn write(mut file: &File, _path: &Path, bytes: &[u8]) -> Result<usize> {
    file.write(bytes)
}

pub fn write_at(file: &File, _path: &Path, bytes: &[u8], at: u64) -> Result<usize> {
    file.write_at(bytes, at)
}

pub fn sync_file(path: &Path) -> Result<()> {
    File::open(path)?.sync_all()
}

/// Files that are made durable at once: most of what it takes is waiting for the disk.
const AT_ONCE: usize = 8;

pub fn sync_files(paths: &[PathBuf]) -> std::result::Result<(), (PathBuf, Error)> {
    let part = paths.len().div_ceil(AT_ONCE).max(1);
    let sync = |paths: &[PathBuf]| paths.iter().try_for_each(|p| sync_file(p).map_err(|e| (p.clone(), e)));
    std::thread::scope(|scope| {
        let parts: Vec<_> = paths.chunks(part).map(|paths| scope.spawn(move || sync(paths))).collect();
        parts.into_iter().try_for_each(|part| {
            part.join()
                .unwrap_or_else(|_| Err((PathBuf::new(), Error::other("a thread that makes files durable ended"))))
        })
    })
}

pub fn sync_dir(path: &Path) -> Result<()> {
    File::open(path)?.sync_all()
}

pub fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to)
}

pub fn remove(path: &Path) -> Result<()> {
    fs::remove_file(path)
}

pub fn remove_tree(path: &Path) -> Result<()> {
    fs::remove_dir_all(path)
}

pub fn make_dir(path: &Path) -> Result<()> {
    fs::create_dir_all(path)
}

pub fn folder(dir: &Path, prefix: &str) -> Result<tempfile::TempDir> {
    tempfile::Builder::new().prefix(prefix).tempdir_in(dir)
}
