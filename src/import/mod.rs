//! Deliveries in: manifest → read (GDAL, in a child process) → decode → reproject → repair → map → draft.
//! Bad rows are counted rejects, bad files are errors; nothing is dropped silently.

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
pub fn check(_catalog: &Catalog, _manifests: &[&Path]) -> Vec<crate::error::Finding> {
    todo!()
}
