//! Looking after a store: proving it whole, going back, clearing what nobody needs. Repairs nothing: what is damaged
//! comes back from a backup or by importing it again.

use super::draft::{self, hash_file};
use super::manifest::{self, BlobRef, Manifest};
use super::{Store, blob, durable};
use crate::error::{Error, Finding, Result};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

/// A named blob and the layers that are lost without it; "everything" stands for all of them.
type Named = BTreeMap<String, (BlobRef, BTreeSet<String>)>;

impl Store {
    /// Makes an earlier snapshot the current one; `Error::Busy` while an import runs. Checks first that all its
    /// files are there; `verify` reads them. `Error::Missing` when there is no such snapshot.
    pub fn rollback(&self, id: &str) -> Result<()> {
        let _lock = self.lock()?;
        if !self.snapshots()?.iter().any(|s| s == id) {
            return Err(Error::Missing(self.dir().join("snapshots").join(manifest::file_name(id))));
        }
        draft::refuse_missing(self.dir(), &Manifest::read(self.dir(), id)?)?;
        draft::set_current(self.dir(), id)
    }

    /// Removes snapshots older than the newest `keep` and the blobs only they used. Never the current one. The ids
    /// of the removed snapshots. Removes nothing when a snapshot that stays cannot be read.
    pub fn gc(&self, keep: usize) -> Result<Vec<String>> {
        let _lock = self.lock()?;
        let current = self.current()?;
        let mut stay = self.snapshots()?;
        let newest_from = stay.len().saturating_sub(keep);
        let mut old = stay.drain(..newest_from).collect::<Vec<_>>();
        stay.extend(old.extract_if(.., |id| Some(&*id) == current.as_ref()));
        let needed = self.needed(&stay)?;
        let snapshots = self.dir().join("snapshots");
        old.iter().try_for_each(|id| durable::remove(&snapshots.join(manifest::file_name(id))))?;
        // A snapshot must not come back after a power cut when its blobs are gone.
        durable::sync_dir(&snapshots)?;
        self.keep_only(&needed)?;
        Ok(old)
    }

    /// Removes the blobs that no snapshot names; whoever calls holds the lock. Removes nothing when a manifest cannot be
    /// read.
    pub(super) fn clear_blobs(&self) -> Result<()> {
        self.keep_only(&self.needed(&self.snapshots()?)?)
    }

    /// Names of all blobs of these snapshots, block lists included.
    fn needed(&self, ids: &[String]) -> Result<BTreeSet<String>> {
        let mut needed = BTreeSet::new();
        for id in ids {
            let manifest = Manifest::read(self.dir(), id)?;
            needed.extend(manifest.blobs().flat_map(|(b, _)| [b.digest.clone(), b.blocks.clone()]));
        }
        Ok(needed)
    }

    fn keep_only(&self, needed: &BTreeSet<String>) -> Result<()> {
        let blobs = self.dir().join("blobs");
        let names = self.names_in("blobs")?;
        names.iter().filter(|n| !needed.contains(*n)).try_for_each(|name| durable::remove(&blobs.join(name)))
    }

    /// Reads every byte that any snapshot names; the files that are not whole, by name, each with the layers that
    /// it costs.
    pub fn verify(&self) -> Result<Vec<Finding>> {
        let mut findings = vec![];
        let ids = self.snapshots()?;
        match self.current() {
            Ok(Some(id)) if !ids.contains(&id) => {
                findings.push(self.finding("CURRENT", "it names a snapshot that is missing"));
            }
            Ok(None) if !ids.is_empty() => {
                findings.push(self.finding("CURRENT", "it is missing: no snapshot is published"));
            }
            Ok(_) => {}
            Err(e) => findings.push(self.finding_of(e)?),
        }
        let mut named = Named::new();
        for id in &ids {
            match Manifest::read(self.dir(), id) {
                Ok(manifest) => add_named(&mut named, &manifest),
                Err(e) => findings.push(self.finding_of(e)?),
            }
        }
        let blobs: Vec<_> = named.into_values().collect();
        let damaged: Vec<Vec<Finding>> =
            blobs.par_iter().map(|(blob, layers)| self.verify_blob(blob, layers)).collect::<Result<_>>()?;
        findings.extend(damaged.into_iter().flatten());
        findings.sort_by(|a, b| a.file.cmp(&b.file));
        findings.dedup();
        Ok(findings)
    }

    /// Files that no snapshot names: leftovers of a killed import, which `gc` removes. Not damage.
    pub fn orphans(&self) -> Result<Vec<PathBuf>> {
        let needed = self.needed(&self.snapshots()?)?;
        let names = self.names_in("blobs")?.into_iter().filter(|n| !needed.contains(n));
        Ok(names.map(|n| self.dir().join("blobs").join(n)).collect())
    }

    /// A blob and its block list, both against their digests.
    fn verify_blob(&self, blob: &BlobRef, layers: &BTreeSet<String>) -> Result<Vec<Finding>> {
        let cost = layers.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let of = |digest: &str, what: &str| self.finding(&blob::label(digest), &format!("{what}; it costs: {cost}"));
        let mut findings = vec![];
        let list = match blob::read_whole(self.dir(), &blob.blocks, blob::list_bytes(blob.size)) {
            Ok(list) => Some(list),
            Err(Error::Damaged { what, .. }) => {
                findings.push(of(&blob.blocks, &what));
                None
            }
            Err(e) => return Err(e),
        };
        let path = blob::path_of(self.dir(), &blob.digest)?;
        match hash_file(&path).map_err(|e| blob::damage(&path, blob::label(&blob.digest), e)) {
            Ok(h) if h.size != blob.size => {
                findings.push(of(&blob.digest, &format!("it has {} bytes, not {}", h.size, blob.size)));
            }
            Ok(h) if h.digest != blob.digest => findings.push(of(&blob.digest, &changed(&h.blocks, list.as_deref()))),
            Ok(h) if list.is_some_and(|l| l != h.blocks) => {
                findings.push(of(&blob.blocks, "it is not the block list of its blob"));
            }
            Ok(_) => {}
            Err(Error::Damaged { what, .. }) => findings.push(of(&blob.digest, &what)),
            Err(e) => return Err(e),
        }
        Ok(findings)
    }

    /// A finding of an error that is damage; any other error is passed on.
    fn finding_of(&self, e: Error) -> Result<Finding> {
        match e {
            Error::Damaged { file, what } => Ok(self.finding(&file, &format!("{what}; it costs: everything"))),
            e => Err(e),
        }
    }

    fn finding(&self, file: &str, what: &str) -> Finding {
        Finding { file: self.dir().join(file), line: 0, what: what.to_string() }
    }

    /// Names of the files in a folder of the store, sorted.
    pub(super) fn names_in(&self, folder: &str) -> Result<BTreeSet<String>> {
        let dir = self.dir().join(folder);
        let io = |e| Error::io(&dir, e);
        let mut names = BTreeSet::new();
        for entry in fs::read_dir(&dir).map_err(io)? {
            names.extend(entry.map_err(io)?.file_name().into_string());
        }
        Ok(names)
    }
}

fn add_named(named: &mut Named, manifest: &Manifest) {
    for (blob, layer) in manifest.blobs() {
        let entry = named.entry(blob.digest.clone()).or_insert_with(|| (blob.clone(), BTreeSet::new()));
        entry.1.insert(layer.unwrap_or("everything").to_string());
    }
}

/// Which blocks of a file are not what was written.
fn changed(found: &[u8], list: Option<&[u8]>) -> String {
    let Some(list) = list else { return "its bytes are not those of its digest".to_string() };
    let pairs = found.chunks(blake3::OUT_LEN).zip(list.chunks(blake3::OUT_LEN));
    let wrong: Vec<usize> = pairs.enumerate().filter(|(_, (a, b))| a != b).map(|(i, _)| i).collect();
    let first: Vec<String> = wrong.iter().take(5).map(usize::to_string).collect();
    format!("{} of its blocks are not what was written (first: {})", wrong.len(), first.join(", "))
}
