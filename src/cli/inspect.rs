//! `chengtu inspect`: what a store holds, as a table for people or JSON for machines. Reads manifests and the
//! register only.

use chengtu::error::Result;
use chengtu::ownership::register::{REGISTER, Register};
use chengtu::store::{BlobRef, BlockCache, LayerEntry, Snapshot, Store, tileset_of};
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

pub fn inspect(dir: &Path, snapshot: Option<&str>, as_json: bool) -> Result<String> {
    let store = Store::open(dir, false)?;
    let current = store.current()?;
    let all = store.snapshots()?;
    let shown = match snapshot.or(current.as_deref()) {
        Some(id) => Some(store.snapshot(id, &Arc::new(BlockCache::new(1 << 20)))?),
        None => None,
    };
    let register = shown.as_deref().map(register).transpose()?.flatten();
    Ok(match as_json {
        true => to_json(current.as_deref(), &all, shown.as_deref(), register.as_ref()),
        false => to_table(current.as_deref(), &all, shown.as_deref(), register.as_ref()),
    })
}

fn register(snapshot: &Snapshot) -> Result<Option<Register>> {
    let Some(blob) = snapshot.manifest.extra.get(REGISTER) else { return Ok(None) };
    Register::from_json(&snapshot.blob(blob)?).map(Some)
}

/// What a table of the register is called, and its rows.
fn register_rows(r: &Register) -> Vec<(String, usize)> {
    let mut rows = vec![("organisations".to_string(), r.organisations.len())];
    rows.extend(r.schemes.iter().map(|s| (format!("classes of {}", s.id), s.classes.len())));
    rows.extend(r.crosswalks.iter().map(|c| (format!("crosswalk of {} to {}", c.from, c.to), c.rows.len())));
    let others = [("policies", r.policies.len()), ("roles", r.roles.len()), ("rulings", r.rulings.len())];
    rows.extend(others.map(|(name, n)| (name.to_string(), n)));
    rows
}

/// Bytes on disk that a layer names (blobs shared with other snapshots counted too).
fn layer_bytes(entry: &LayerEntry) -> u64 {
    let more = entry.overviews.values().chain(entry.extra.values());
    [&entry.features, &entry.census, &entry.ids].into_iter().chain(more).map(|b: &BlobRef| b.size).sum()
}

/// Layer, id and blob of every tileset made elsewhere.
fn tilesets(s: &Snapshot) -> impl Iterator<Item = (&str, &str, &BlobRef)> {
    s.manifest.extra.iter().filter_map(|(key, blob)| tileset_of(key).map(|(layer, id)| (layer, id, blob)))
}

fn to_json(current: Option<&str>, all: &[String], shown: Option<&Snapshot>, register: Option<&Register>) -> String {
    let register = register.map(|r| json!({ "city": r.city, "rows": BTreeMap::from_iter(register_rows(r)) }));
    let snapshot = shown.map(|s| {
        let layers: Vec<_> = s
            .manifest
            .layers
            .iter()
            .map(|(id, e)| {
                json!({
                    "id": id,
                    "count": e.count,
                    "bounds": e.bounds.map(|b| b.to_array()),
                    "bytes": layer_bytes(e),
                    "overviews": e.overviews.keys().collect::<Vec<_>>(),
                    "sources": e.sources,
                })
            })
            .collect();
        json!({
            "id": s.id,
            "sequence": s.manifest.sequence,
            "format": s.manifest.format,
            "created": s.manifest.created,
            "declared_layers": s.catalog.len(),
            "layers": layers,
            "tilesets": tilesets(s).map(|(layer, id, b)| json!({ "layer": layer, "id": id, "bytes": b.size })).collect::<Vec<_>>(),
            "register": register,
        })
    });
    let whole = json!({ "current": current, "snapshots": all, "snapshot": snapshot });
    format!("{whole:#}\n")
}

fn to_table(current: Option<&str>, all: &[String], shown: Option<&Snapshot>, register: Option<&Register>) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "snapshots:");
    for id in all {
        let mark = if Some(id.as_str()) == current { "  current" } else { "" };
        let _ = writeln!(out, "  {id}{mark}");
    }
    let Some(s) = shown else {
        out.push_str("  none published yet\n");
        return out;
    };
    let width = s.manifest.layers.keys().map(String::len).max().unwrap_or(5).max(5);
    let _ = writeln!(out, "\nsnapshot {} of {}", s.id, s.manifest.created);
    let _ = writeln!(out, "  {:width$}  {:>10}  {:>10}  west, south, east, north", "layer", "features", "size");
    for (id, e) in &s.manifest.layers {
        let extent = e.bounds.map_or("empty".to_string(), |b| b.to_array().map(|d| format!("{d:.6}")).join(", "));
        let _ = writeln!(out, "  {id:width$}  {:>10}  {:>10}  {extent}", e.count, bytes(layer_bytes(e)));
    }
    let count: u64 = s.manifest.layers.values().map(|e| e.count).sum();
    let size: u64 = s.manifest.layers.values().map(layer_bytes).sum();
    let total = format!("{} of {} layers", s.manifest.layers.len(), s.catalog.len());
    let _ = writeln!(out, "  {total:width$}  {count:>10}  {:>10}", bytes(size));
    for (layer, id, blob) in tilesets(s) {
        let _ = writeln!(out, "  tileset {id} of {layer}: {}", bytes(blob.size));
    }
    if let Some(r) = register {
        let _ = writeln!(out, "\nregister of {}", r.city);
        for (table, rows) in register_rows(r) {
            let _ = writeln!(out, "  {table}: {rows}");
        }
    }
    out
}

/// 1 KiB = 1024 B.
fn bytes(n: u64) -> String {
    match n {
        0..1024 => format!("{n} B"),
        1024..1_048_576 => format!("{:.1} KiB", n as f64 / 1024.0),
        1_048_576..1_073_741_824 => format!("{:.1} MiB", n as f64 / 1_048_576.0),
        _ => format!("{:.2} GiB", n as f64 / 1_073_741_824.0),
    }
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn sizes_are_for_people() {
        for (n, text) in [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (5 << 20, "5.0 MiB"), (3 << 30, "3.00 GiB")]
        {
            assert_eq!(bytes(n), text);
        }
    }
}
