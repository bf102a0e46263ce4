//! After the layers are written: pipe ends that name a point which no layer of points has (悬挂端点). They are stored as they
//! are, and told. Judges only where pipes or points have changed, and where there are points to judge by.

use crate::error::Result;
use crate::feature::ValueRef;
use crate::layer::{Catalog, FieldRole, Layer, Role};
use crate::ownership::Note;
use crate::store::{Draft, Table, Wanted};
use rayon::prelude::*;
use std::collections::HashSet;
use std::sync::Arc;

/// Samples kept for each layer.
const SAMPLES: usize = 5;

pub fn audit(catalog: &Catalog, draft: &Draft) -> Result<Vec<Note>> {
    let of = |role| catalog.with_role(role).map(|(_, l)| l).collect::<Vec<_>>();
    let (pipes, points) = (of(Role::PipeSegment), of(Role::PipeNode));
    if pipes.iter().chain(&points).all(|l| is_as_before(draft, l)) {
        return Ok(vec![]);
    }
    let sets: Vec<HashSet<String>> = points.into_par_iter().map(|l| keys(draft, l)).collect::<Result<_>>()?;
    let points: HashSet<String> = sets.into_iter().flatten().collect();
    if points.is_empty() {
        return Ok(vec![]);
    }
    let notes: Vec<Option<Note>> = pipes.into_par_iter().map(|l| dangling(draft, l, &points)).collect::<Result<_>>()?;
    Ok(notes.into_iter().flatten().collect())
}

fn is_as_before(draft: &Draft, layer: &Layer) -> bool {
    let before = draft.base().and_then(|b| b.manifest.layers.get(&layer.id));
    before.map(|e| &e.features) == draft.manifest.layers.get(&layer.id).map(|e| &e.features)
}

fn table(draft: &Draft, layer: &Layer) -> Result<Option<Arc<Table>>> {
    draft.manifest.layers.get(&layer.id).map(|l| draft.table(&l.features)).transpose()
}

fn keys(draft: &Draft, layer: &Layer) -> Result<HashSet<String>> {
    let mut keys = HashSet::new();
    let (Some(table), Some(key)) = (table(draft, layer)?, layer.key_field()) else { return Ok(keys) };
    let name = &layer.fields[key].name;
    let column = table.schema().columns.iter().position(|c| c.name == *name);
    let wanted: Vec<bool> = (0..table.schema().columns.len()).map(|c| Some(c) == column).collect();
    table.scan_of(Wanted::These(&wanted), &mut |row| {
        row.values(|_, value| {
            if let ValueRef::Text(t) = value {
                keys.insert(t.to_string());
            }
        });
        Ok(())
    })?;
    Ok(keys)
}

/// The ends of a layer's pipes that name no point.
fn dangling(draft: &Draft, layer: &Layer, points: &HashSet<String>) -> Result<Option<Note>> {
    let Some(table) = table(draft, layer)? else { return Ok(None) };
    let ends = [FieldRole::StartNode, FieldRole::EndNode].map(|role| layer.field_by_role(role));
    let names: Vec<&String> = ends.into_iter().flatten().map(|f| &layer.fields[f].name).collect();
    let is_end: Vec<bool> = table.schema().columns.iter().map(|c| names.contains(&&c.name)).collect();
    let (mut count, mut samples) = (0, vec![]);
    table.scan_of(Wanted::These(&is_end), &mut |row| {
        row.values(|_, value| {
            let ValueRef::Text(point) = value else { return };
            if !points.contains(point) {
                count += 1;
                if samples.len() < SAMPLES {
                    samples.push(format!("record {} names {point}", row.id().0));
                }
            }
        });
        Ok(())
    })?;
    Ok((count > 0).then(|| Note { code: "dangling-end", of: layer.id.clone(), count, samples }))
}
