//! What a snapshot remembers of its sources: for each that has records in it, the newest delivery's account; and
//! where its register came from.

use super::report::{Report, TableReport};
use crate::error::{Error, Result};
use crate::store::Draft;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// What the store remembers of a source: the newest delivery's account.
#[derive(Default, Serialize, Deserialize)]
struct Provenance {
    manifest: String,
    file: String,
    read: u64,
    stored: u64,
    encoding: String,
    crs: String,
    operation: String,
    vertical: String,
    /// What its heights are over in the store; empty where it has none, or nobody said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    height_datum: String,
    /// Of a register; no source of records has any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tables: Vec<TableReport>,
}

/// What the store remembered before this import.
fn remembered(draft: &Draft) -> Result<BTreeMap<String, Provenance>> {
    match (draft.base(), draft.manifest.extra.get("sources")) {
        (Some(base), Some(blob)) => serde_json::from_slice(&base.blob(blob)?)
            .map_err(|e| Error::damaged(blob.digest.clone(), format!("not a list of sources: {e}"))),
        _ => Ok(BTreeMap::new()),
    }
}

/// Source → what its heights are over, of what was in the store before this import.
pub fn height_datums(draft: &Draft) -> Result<BTreeMap<String, String>> {
    Ok(remembered(draft)?.into_iter().map(|(id, p)| (id, p.height_datum)).collect())
}

/// Every source that has records in the snapshot, by id.
pub fn provenance(draft: &Draft, report: &Report) -> Result<Vec<u8>> {
    let mut all = remembered(draft)?;
    let name = |path: &str| Path::new(path).file_name().unwrap_or_default().to_string_lossy().into_owned();
    for s in &report.sources {
        let provenance = Provenance {
            manifest: name(&s.manifest),
            file: name(&s.path),
            read: s.read,
            stored: s.stored,
            encoding: s.encoding.clone(),
            crs: s.crs.clone(),
            operation: s.operation.clone(),
            vertical: s.vertical.clone(),
            height_datum: s.height_datum.clone(),
            tables: vec![],
        };
        all.insert(s.id.clone(), provenance);
    }
    if let Some(r) = &report.register {
        all.retain(|_, p| p.tables.is_empty());
        let rows = r.tables.iter().map(|t| t.rows).sum();
        let manifest = name(&r.manifest);
        let provenance =
            Provenance { manifest, read: rows, stored: rows, tables: r.tables.clone(), ..Provenance::default() };
        all.insert(format!("{}#register", r.id), provenance);
    }
    all.retain(|id, p| !p.tables.is_empty() || draft.manifest.layers.values().any(|l| l.sources.contains_key(id)));
    Ok(serde_json::to_vec_pretty(&all).unwrap_or_default())
}
