//! What a power cut leaves. A disk with a memory before it: bytes reach the disk at an fsync of their file, names at an
//! fsync of their folder, and before that each of them may have reached it or not, bytes by sectors, names in any order.
//! Bytes whose fsync failed never do.

use super::random::Random;
use super::*;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

pub struct Disk {
    root: PathBuf,
    files: Vec<Contents>,
    /// As programs see them.
    names: BTreeMap<PathBuf, usize>,
    /// As they are on the disk.
    durable: BTreeMap<PathBuf, usize>,
    /// Changes of names that no fsync of their folder followed yet.
    pending: Vec<Change>,
}

#[derive(Default)]
struct Contents {
    seen: Vec<u8>,
    durable: Vec<u8>,
    dirty: Vec<Range<usize>>,
    /// Emptied since the last fsync.
    emptied: bool,
}

#[derive(Clone)]
struct Change {
    gone: Option<PathBuf>,
    come: Option<(PathBuf, usize)>,
}

/// How much of what was not synced is lost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cut {
    /// All.
    Everything,
    /// Nothing, as when a process is killed.
    Nothing,
    /// All bytes, no name: files are there and empty.
    Bytes,
    /// All names, no byte.
    Names,
    /// By chance, each sector and each name.
    Chance(u64),
}

impl Disk {
    /// The files of a store, all of them durable.
    pub fn of(root: &Path) -> Disk {
        let mut disk = Disk {
            root: root.to_path_buf(),
            files: vec![],
            names: BTreeMap::new(),
            durable: BTreeMap::new(),
            pending: vec![],
        };
        for folder in ["", "blobs", "snapshots"] {
            for entry in std::fs::read_dir(root.join(folder)).expect("lists").flatten() {
                if let Ok(bytes) = std::fs::read(entry.path()) {
                    let path = Path::new(folder).join(entry.file_name());
                    disk.names.insert(path.clone(), disk.files.len());
                    disk.files.push(Contents { seen: bytes.clone(), durable: bytes, ..Contents::default() });
                    disk.durable.insert(path, disk.files.len() - 1);
                }
            }
        }
        disk
    }

    /// The same files in another folder.
    pub fn move_to(&mut self, root: &Path) {
        self.root = root.to_path_buf();
    }

    fn short(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.root).expect("a path of the store").to_path_buf()
    }

    pub fn apply(&mut self, op: &Op) {
        match op {
            Op::Make => {}
            Op::Truncate(path) => {
                let file = self.file(path);
                (file.seen, file.dirty, file.emptied) = (vec![], vec![], true);
            }
            Op::Write { path, at, bytes } => {
                let (file, from) = (self.file(path), *at as usize);
                let range = from..from + bytes.len();
                file.seen.resize(file.seen.len().max(range.end), 0);
                file.seen[range.clone()].copy_from_slice(bytes);
                file.dirty.push(range);
            }
            Op::SyncFile { path, failed } => {
                let file = self.file(path);
                let dirty = std::mem::take(&mut file.dirty);
                if !failed {
                    file.durable.truncate(if file.emptied { 0 } else { usize::MAX });
                    file.emptied = false;
                    file.durable.resize(file.seen.len(), 0);
                    dirty.into_iter().for_each(|r| file.durable[r.clone()].copy_from_slice(&file.seen[r]));
                }
            }
            Op::SyncDir { path, failed: false } => {
                let dir = self.short(path);
                let inside = |p: &PathBuf| p.parent() == Some(&dir);
                let of = |c: &mut Change| {
                    c.gone.as_ref().is_some_and(inside) || c.come.as_ref().is_some_and(|(p, _)| inside(p))
                };
                let done: Vec<Change> = self.pending.extract_if(.., of).collect();
                done.iter().for_each(|c| change(&mut self.durable, c));
            }
            Op::SyncDir { failed: true, .. } => {}
            Op::Rename { from, to } => {
                self.file(from);
                let (from, to) = (self.short(from), self.short(to));
                let file = self.names[&from];
                self.rename(Change { gone: Some(from), come: Some((to, file)) });
            }
            Op::Remove(path) => self.rename(Change { gone: Some(self.short(path)), come: None }),
            Op::RemoveTree(path) => {
                let dir = self.short(path);
                let gone: Vec<PathBuf> = self.names.keys().filter(|p| p.starts_with(&dir)).cloned().collect();
                gone.into_iter().for_each(|p| self.rename(Change { gone: Some(p), come: None }));
            }
        }
    }

    fn rename(&mut self, c: Change) {
        change(&mut self.names, &c);
        self.pending.push(c);
    }

    /// The file of this name; a new one where there is none.
    fn file(&mut self, path: &Path) -> &mut Contents {
        let path = self.short(path);
        let next = self.files.len();
        let file = *self.names.get(&path).unwrap_or(&next);
        if file == next {
            self.files.push(Contents::default());
            self.rename(Change { gone: None, come: Some((path, file)) });
        }
        &mut self.files[file]
    }

    /// The files that are there after a cut, by name.
    pub fn after(&self, cut: Cut) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut r = Random(if let Cut::Chance(seed) = cut { seed } else { 0 });
        // Disks differ in how much they have written when the power goes.
        let share = [0.1, 0.5, 0.9][r.below(3)];
        let mut names = self.durable.clone();
        for c in &self.pending {
            if match cut {
                Cut::Everything | Cut::Names => false,
                Cut::Nothing | Cut::Bytes => true,
                Cut::Chance(_) => r.part() < share,
            } {
                change(&mut names, c);
            }
        }
        let mut bytes = |file: usize| match cut {
            Cut::Everything => self.files[file].durable.clone(),
            Cut::Bytes => self.files[file].torn(|| false),
            Cut::Nothing | Cut::Names => self.files[file].torn(|| true),
            Cut::Chance(_) => self.files[file].torn(|| r.part() < share),
        };
        names.into_iter().map(|(path, file)| (path, bytes(file))).collect()
    }
}

impl Contents {
    /// What is durable, and of the rest the sectors that are `kept`. A file is as long as it was seen to be.
    fn torn(&self, mut kept: impl FnMut() -> bool) -> Vec<u8> {
        let mut bytes = if self.emptied { vec![] } else { self.durable.clone() };
        if !self.dirty.is_empty() {
            bytes.resize(self.seen.len(), 0);
        }
        for range in &self.dirty {
            let mut at = range.start;
            while at < range.end {
                let end = range.end.min((at / SECTOR + 1) * SECTOR);
                if kept() {
                    bytes[at..end].copy_from_slice(&self.seen[at..end]);
                }
                at = end;
            }
        }
        bytes
    }
}

fn change(names: &mut BTreeMap<PathBuf, usize>, c: &Change) {
    if let Some(gone) = &c.gone {
        names.remove(gone);
    }
    if let Some((path, file)) = &c.come {
        names.insert(path.clone(), *file);
    }
}

/// Writes what a cut left into a folder of its own.
pub fn restore(files: &BTreeMap<PathBuf, Vec<u8>>) -> (tempfile::TempDir, crate::store::Store) {
    let dir = tempfile::tempdir().expect("a folder");
    let store = crate::store::Store::open(dir.path(), true).expect("a store");
    for (path, bytes) in files {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().expect("is in a folder")).expect("makes");
        std::fs::write(path, bytes).expect("writes");
    }
    (dir, store)
}
