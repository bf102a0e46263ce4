//! The files of a delivered tileset, by name: a folder, or a zip archive (`.3tz` is one). Nothing outside of it is read,
//! whatever links say.

use crate::import::wire::{Failed, Who};
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use zip::ZipArchive;

/// Entries of an archive; its directory stays in memory.
const MAX_ENTRIES: usize = 4_000_000;
/// Deflate reaches 1030:1; real tiles stay far below. Small files may look extreme.
const MAX_RATIO: u64 = 500;
const RATIO_FREE_BYTES: u64 = 32 << 20;
/// The index that 3D Tiles archives hold beside their files.
const ARCHIVE_INDEX: &str = "@3dtilesIndex1@";

pub struct Delivery {
    from: From,
    /// The tileset's entrance.
    pub root: String,
    /// Files that the delivery has.
    pub files: u64,
}

enum From {
    /// Its folder, all links resolved.
    Folder(PathBuf),
    Archive {
        zip: Box<ZipArchive<BufReader<File>>>,
        at: HashMap<String, usize>,
    },
}

/// Why a file is not to be had.
#[derive(Debug)]
pub enum Unopened {
    Missing,
    /// A link leads out of the delivery.
    Outside,
    Failed(String),
}

/// Opens a delivery: a folder, a tileset's JSON in it, or an archive. `root`: the entrance's name, where it is declared.
pub fn open(path: &Path, root: Option<&str>) -> Result<Delivery, Failed> {
    let shown = path.display();
    let missing = |e: &io::Error| match e.kind() {
        io::ErrorKind::NotFound => failed(Who::Missing, "not-found", format!("{shown}: not found")),
        _ => failed(Who::Machine, "io", format!("{shown}: {e}")),
    };
    let whole = fs::canonicalize(path).map_err(|e| missing(&e))?;
    let root = root.map(String::from);
    if whole.is_dir() {
        let files = count(&whole).map_err(|e| missing(&e))?;
        return Ok(Delivery { from: From::Folder(whole), root: root.unwrap_or("tileset.json".into()), files });
    }
    let named = |end: &str| whole.extension().is_some_and(|e| e.eq_ignore_ascii_case(end));
    if named("json") && root.is_none() {
        let folder = whole.parent().unwrap_or(Path::new("/")).to_path_buf();
        let root = whole.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let files = count(&folder).map_err(|e| missing(&e))?;
        return Ok(Delivery { from: From::Folder(folder), root, files });
    }
    if !named("zip") && !named("3tz") {
        let what = format!("{shown}: neither a folder nor a .json, .3tz or .zip file");
        return Err(failed(Who::Operator, "not-this-format", what));
    }
    let file = File::open(&whole).map_err(|e| missing(&e))?;
    let broken = |what: String| failed(Who::Supplier, "broken-archive", format!("{shown}: {what}"));
    let mut zip = ZipArchive::new(BufReader::new(file)).map_err(|e| broken(format!("not a readable archive: {e}")))?;
    if zip.len() > MAX_ENTRIES {
        return Err(broken(format!("more than {MAX_ENTRIES} files")));
    }
    let mut at = HashMap::with_capacity(zip.len());
    for i in 0..zip.len() {
        let entry = zip.by_index_raw(i).map_err(|e| broken(format!("entry {i}: {e}")))?;
        let name = crate::import::read::unpack::entry_name(entry.name_raw());
        if entry.is_symlink() {
            return Err(broken(format!("entry `{}` is a link", name.escape_debug())));
        }
        if !entry.is_dir() && name != ARCHIVE_INDEX {
            at.insert(name, i);
        }
    }
    let files = at.len() as u64;
    let from = From::Archive { zip: Box::new(zip), at };
    Ok(Delivery { from, root: root.unwrap_or("tileset.json".into()), files })
}

impl Delivery {
    /// A file by its name: segments joined by `/`.
    pub fn open(&mut self, name: &str) -> Result<Box<dyn Read + '_>, Unopened> {
        match &mut self.from {
            From::Folder(folder) => in_folder(folder, name),
            From::Archive { zip, at } => {
                let i = *at.get(name).ok_or(Unopened::Missing)?;
                let entry = zip.by_index(i).map_err(|e| Unopened::Failed(e.to_string()))?;
                let most = entry.compressed_size().saturating_mul(MAX_RATIO).max(RATIO_FREE_BYTES);
                match entry.size() > most {
                    true => Err(Unopened::Failed(format!("it unpacks to more than {MAX_RATIO} times its size"))),
                    false => Ok(Box::new(Exactly { left: entry.size(), from: entry })),
                }
            }
        }
    }
}

fn in_folder(folder: &Path, name: &str) -> Result<Box<dyn Read + 'static>, Unopened> {
    let unopened = |e: io::Error| match e.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Unopened::Missing,
        _ => Unopened::Failed(e.to_string()),
    };
    let path = fs::canonicalize(folder.join(name)).map_err(unopened)?;
    if !path.starts_with(folder) {
        return Err(Unopened::Outside);
    }
    // Before it is opened: who opens a pipe waits for its other end.
    match path.metadata().map_err(unopened)?.is_file() {
        true => Ok(Box::new(BufReader::new(File::open(&path).map_err(unopened)?))),
        false => Err(Unopened::Missing),
    }
}

/// An archive's entry must be as long as the archive says, whatever comes out of it.
struct Exactly<R> {
    left: u64,
    from: R,
}

impl<R: Read> Read for Exactly<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let got = self.from.read(to)?;
        match self.left.checked_sub(got as u64) {
            Some(left) => self.left = left,
            None => return Err(io::Error::other("it unpacks to more than the archive says")),
        }
        Ok(got)
    }
}

/// Files below a folder; links to folders are not followed.
fn count(folder: &Path) -> io::Result<u64> {
    let mut files = 0;
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            match entry.file_type()?.is_dir() {
                true => open.push(entry.path()),
                false => files += 1,
            }
        }
    }
    Ok(files)
}

fn failed(who: Who, code: &str, what: String) -> Failed {
    Failed { who, code: code.to_string(), what }
}
