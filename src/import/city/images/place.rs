//! Where a model's images lie: in a folder on disk, or in the archive that the model came in. Finds files by the names that
//! models give them, and nothing outside of either.

use crate::import::read::Outcome;
use crate::import::read::unpack::{self, Archive, Input};
use crate::import::wire::ReadJob;
use encoding_rs::GB18030;
use percent_encoding::percent_decode_str;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Largest image file that is read.
const MAX_FILE_BYTES: u64 = 64 << 20;

pub enum Place {
    /// Where the model lies; what is in it and below.
    Folder(PathBuf),
    Archive(Box<Beside>),
}

/// The files of an archive, seen from one of them.
pub struct Beside {
    archive: Archive,
    /// By their whole names.
    entries: HashMap<String, usize>,
    /// Whole names by themselves in lower case: who packs on Windows does not see the difference. `None` of two.
    lower: HashMap<String, Option<String>>,
    /// The model's folder in the archive.
    folder: String,
    /// Bytes that may yet come out of the archive.
    left: u64,
}

impl Place {
    /// Where the images of a job's model are looked for.
    pub fn of(job: &ReadJob, input: &Input) -> Outcome<Place> {
        let Some(member) = &input.member else {
            return Ok(Place::Folder(job.path.parent().unwrap_or(Path::new("/")).to_path_buf()));
        };
        let (archive, list) = unpack::open(&job.path, &input.named)?;
        let entries: HashMap<String, usize> = list.into_iter().map(|e| (e.name, e.index)).collect();
        let mut lower: HashMap<String, Option<String>> = HashMap::new();
        for name in entries.keys() {
            let known = lower.entry(name.to_lowercase());
            known.and_modify(|n| *n = None).or_insert_with(|| Some(name.clone()));
        }
        let folder = member.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
        Ok(Place::Archive(Box::new(Beside { archive, entries, lower, folder, left: job.limits.unpacked_bytes })))
    }

    /// The file that a URI names: `None` where there is none, `Err` where it cannot be read or is too large.
    pub fn fetch(&mut self, uri: &str) -> Option<Result<Vec<u8>, ()>> {
        let plain = uri.trim().replace('\\', "/");
        let decoded = percent_decode_str(&plain).decode_utf8().ok().map(|d| d.into_owned());
        match self {
            Place::Folder(folder) => in_folder(folder, &plain, decoded),
            Place::Archive(beside) => beside.fetch(&plain, decoded),
        }
    }
}

/// Below the folder: as it is written, decoded, or with its name in GBK.
fn in_folder(folder: &Path, plain: &str, decoded: Option<String>) -> Option<Result<Vec<u8>, ()>> {
    let folder = fs::canonicalize(folder).ok()?;
    let gbk = GB18030.encode(plain).0.into_owned();
    let written = [Some(plain.as_bytes().to_vec()), decoded.map(String::into_bytes), Some(gbk)];
    let path = written.into_iter().flatten().find_map(|name| {
        let path = fs::canonicalize(folder.join(OsStr::from_bytes(&name))).ok()?;
        (path.starts_with(&folder) && path.is_file()).then_some(path)
    })?;
    let bytes = match fs::metadata(&path) {
        Ok(meta) if meta.is_file() && meta.len() <= MAX_FILE_BYTES => fs::read(&path).map_err(|_| ()),
        _ => Err(()),
    };
    Some(bytes)
}

impl Beside {
    fn fetch(&mut self, plain: &str, decoded: Option<String>) -> Option<Result<Vec<u8>, ()>> {
        let names = [Some(plain.to_string()), decoded].into_iter().flatten();
        let index = names.filter_map(|n| within(&self.folder, &n)).find_map(|name| {
            let same = || self.entries.get(self.lower.get(&name.to_lowercase())?.as_ref()?);
            self.entries.get(&name).or_else(same).copied()
        })?;
        let Ok(packed) = self.archive.by_index(index) else { return Some(Err(())) };
        let most = self.left.min(MAX_FILE_BYTES);
        let mut bytes = vec![];
        // What it says of its size is not believed.
        let read = packed.take(most + 1).read_to_end(&mut bytes);
        self.left = self.left.saturating_sub(bytes.len() as u64);
        Some(if read.is_ok() && bytes.len() as u64 <= most { Ok(bytes) } else { Err(()) })
    }
}

/// The whole name in an archive of a name relative to a folder there; `None` of one that leaves the archive.
fn within(folder: &str, name: &str) -> Option<String> {
    if name.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = vec![];
    for part in folder.split('/').chain(name.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            _ => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_the_archive() {
        for (folder, name, want) in [
            ("udx/bldg/", "a/b.jpg", Some("udx/bldg/a/b.jpg")),
            ("udx/bldg/", "../tex/./b.jpg", Some("udx/tex/b.jpg")),
            ("", "./files//b.jpg", Some("files/b.jpg")),
            ("udx/", "../../etc/passwd", None),
            ("", "../b.jpg", None),
            ("udx/", "/b.jpg", None),
        ] {
            assert_eq!(within(folder, name).as_deref(), want, "{folder} {name}");
        }
    }
}
