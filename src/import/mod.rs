//! Deliveries in: manifest → read (GDAL, in a child process) → decode → reproject → repair → map → draft.
//! Bad rows are counted rejects, bad files are errors; nothing is dropped silently.

mod check;
pub mod child;
mod city;
mod columns;
mod confine;
mod dates;
mod datums;
pub mod geoid;
mod ground;
mod group;
mod identity;
mod joints;
mod levels;
mod load;
mod manifest;
mod map;
mod merge;
mod pool;
mod progress;
mod provenance;
pub mod read;
mod register;
mod repair;
mod report;
mod reproject;
mod responsibility;
mod seal;
mod seeding;
mod snap;
mod tileset;
mod transaction;
mod values;
mod verdict;
mod vertical;
pub mod wire;

use crate::error::Result;
use crate::layer::Catalog;
use std::path::{Path, PathBuf};

pub struct ImportOptions {
    pub store: PathBuf,
    pub manifests: Vec<PathBuf>,
    /// Write the report as JSON here too.
    pub report: Option<PathBuf>,
    /// Snapshots to keep after publishing.
    pub keep: usize,
}

/// Imports deliveries as one transaction: the new snapshot's id, or an error and an unchanged store.
pub fn import(catalog: &Catalog, options: &ImportOptions) -> Result<String> {
    transaction::import(catalog, options)
}

/// The frames of one source, from the process that reads it.
type Frames = Box<dyn Iterator<Item = Result<wire::Frame>>>;

/// Entry of the child process (`chengtu read-source`, hidden): reads the sources that it is told on stdin and writes frames
/// to stdout.
pub fn read_source_main() -> Result<()> {
    child::main()
}

/// The deliveries' part of `chengtu check`: the manifests, and the rows of a register. Reads no source.
pub fn check(catalog: &Catalog, manifests: &[&Path]) -> Vec<crate::error::Finding> {
    let mut loaded = load::load(manifests);
    let checked = check::check_all(catalog, &loaded);
    let mut findings = std::mem::take(&mut loaded.findings);
    findings.extend(checked.findings);
    let whole = checked.missing.is_empty();
    findings.extend(checked.missing.into_iter().map(|(_, finding)| finding));
    // A register is small: its rows are judged, too.
    if let Some(source) = loaded.register.filter(|_| whole) {
        findings.extend(register::read(&source).1.flaws);
    }
    findings.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    findings
}
