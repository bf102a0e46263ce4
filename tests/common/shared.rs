//! Real deliveries and conformance cases, which lie outside of the repository.

use std::path::{Path, PathBuf};

/// The folder that `CHENGTU_SHARED_DATA` names (default `../shared/data`), with links resolved; `None`, loudly, where it
/// is not there.
pub fn shared_data() -> Option<PathBuf> {
    let named = std::env::var_os("CHENGTU_SHARED_DATA").map(PathBuf::from);
    let folder = named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"));
    let found = folder.canonicalize().ok().filter(|f| f.is_dir());
    if found.is_none() {
        eprintln!("SKIPPED: no shared data at {} (set CHENGTU_SHARED_DATA)", folder.display());
    }
    found
}
