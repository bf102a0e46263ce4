//! Deliveries in: manifest → read (GDAL, in a child process) → decode → reproject → repair → map → draft.
//! Bad rows are counted rejects, bad files are errors; nothing is dropped silently.

mod check;
mod dates;
mod load;
mod manifest;
mod values;
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
pub fn import(_catalog: &Catalog, _options: &ImportOptions) -> Result<String> {
    todo!()
}

/// Entry of the child process (`chengtu read-source`, hidden): reads one source as told on stdin and writes
/// frames to stdout.
pub fn read_source_main() -> Result<()> {
    todo!()
}

/// The deliveries' part of `chengtu check`.
pub fn check(catalog: &Catalog, manifests: &[&Path]) -> Vec<crate::error::Finding> {
    let (deliveries, mut findings) = load::load(manifests);
    let checked = check::check_sources(catalog, deliveries.iter().flat_map(|d| &d.sources));
    findings.extend(checked.findings);
    findings.extend(checked.missing.into_iter().map(|(_, finding)| finding));
    findings.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    findings
}
