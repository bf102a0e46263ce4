//! The second half of an import: what was read becomes layers, then everything that is derived from them, in one draft.

use super::Transaction;
use crate::derive::{SCENE, Tree, complete, derive_modelled_layer, stand_on_ground};
use crate::error::Result;
use crate::import::ground::is_footing;
use crate::import::merge::{LayerWork, Outcome};
use crate::import::progress::Progress;
use crate::import::provenance::provenance;
use crate::import::report::{LayerReport, Report, SourceReport};
use crate::import::snap::{INSERTED, Moved, NOT_SNAPPED, SNAPPED};
use crate::import::wire::Reject;
use crate::layer::Catalog;
use crate::ownership::register::REGISTER;
use crate::store::{Draft, IMAGES, LayerEntry};
use rayon::prelude::*;

impl Transaction<'_> {
    /// Seals the layers that no source can change any more, on all cores.
    pub(super) fn finish_layers(&mut self, report: &mut Report) -> Result<()> {
        let (ids, staging, finished) = (&self.ids, &self.staging, &self.finished);
        let ready: Vec<(usize, &mut LayerWork)> = self
            .works
            .iter_mut()
            .enumerate()
            .filter(|(i, w)| w.pending.is_empty() && !finished.contains_key(i))
            .collect();
        let outcomes: Vec<(usize, Outcome)> =
            ready.into_par_iter().map(|(i, work)| Ok((i, work.finish(staging, ids)?))).collect::<Result<_>>()?;
        for (i, outcome) in outcomes {
            let work = &mut self.works[i];
            for source in &mut report.sources {
                if let Some(moved) = work.moved.remove(&source.id) {
                    source.moved(&work.layer.id, moved);
                }
            }
            self.finished.insert(i, outcome);
        }
        Ok(())
    }

    /// Everything into the draft: layers and what is derived from them, catalog, sources, report.
    pub(super) fn write(self, catalog: &Catalog, draft: &mut Draft, report: &mut Report) -> Result<()> {
        draft.manifest.layers.retain(|id, _| catalog.find(id).is_some());
        let progress = self.progress;
        let outcomes: Vec<(Outcome, LayerWork)> =
            self.finished.into_values().zip(self.works).filter(|(o, _)| !matches!(o, Outcome::Untouched)).collect();
        // What others stand on comes first.
        let (footings, others): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(|(_, w)| is_footing(&w.layer));
        let written: Vec<String> = footings.iter().map(|(_, work)| work.layer.id.clone()).collect();
        derive(footings, draft, progress, report)?;
        let read: Vec<&str> = self.sources.iter().map(|s| s.id.as_str()).collect();
        let written: Vec<&str> = written.iter().map(String::as_str).collect();
        if crate::import::ground::lay(draft, catalog, &read, self.sheets, &written)? {
            progress.line("the ground is made anew");
        }
        derive(others, draft, progress, report)?;
        for id in stand_on_ground(draft, catalog)? {
            if report.layers.iter().any(|l| l.id == id) {
                continue;
            }
            let count = draft.manifest.layers.get(&id).map_or(0, |e| e.count);
            progress.line(&format!("{id}: stands on new ground or pipes"));
            report.layers.push(LayerReport {
                id,
                count,
                kept: count,
                undrawn: 0,
                why: "stands on new ground or pipes",
            });
        }
        for id in complete(draft, catalog)? {
            progress.line(&format!("{id}: gets what it was imported without"));
        }
        for layer in &mut report.layers {
            layer.undrawn = undrawn(draft, &layer.id)?;
        }
        if let Some(register) = &self.register {
            let blob = draft.add_bytes(&register.to_json())?;
            draft.manifest.extra.insert(REGISTER.to_string(), blob);
        }
        draft.manifest.catalog = draft.add_bytes(&catalog.to_json())?;
        report.network = crate::import::joints::audit(catalog, draft)?;
        report.models = crate::import::levels::bind(catalog, draft)?;
        progress.line("judging territory, register and components together");
        report.ownership = crate::import::responsibility::audit(catalog, draft, self.register.as_ref())?;
        let blob = draft.add_bytes(&provenance(draft, report)?)?;
        draft.manifest.extra.insert("sources".to_string(), blob);
        report.sum_up();
        let blob = draft.add_bytes(&report.timeless())?;
        draft.manifest.extra.insert("report".to_string(), blob);
        Ok(())
    }
}

/// Records of a layer that stand in no tile of its tree.
fn undrawn(draft: &Draft, layer: &str) -> Result<u64> {
    let Some(entry) = draft.manifest.layers.get(layer) else { return Ok(0) };
    let Some(blob) = entry.extra.get(SCENE) else { return Ok(0) };
    let tree = Tree::from_bytes(&draft.blob(blob)?)?;
    let drawn: u64 = tree.nodes.iter().map(|n| u64::from(n.drawn)).sum();
    Ok(entry.count.saturating_sub(drawn))
}

/// Layers into the draft, with what is derived from each, on all cores.
fn derive(
    outcomes: Vec<(Outcome, LayerWork)>,
    draft: &mut Draft,
    progress: &Progress,
    report: &mut Report,
) -> Result<()> {
    let all = &*draft;
    let written: Vec<(LayerWork, Option<LayerEntry>)> = outcomes
        .into_par_iter()
        .map(|(outcome, mut work)| {
            let Outcome::Written(sealed, models) = outcome else { return Ok((work, None)) };
            let mut entry = derive_modelled_layer(all, &work.layer, sealed, models, work.sources.clone())?;
            if let Some(images) = work.images.take() {
                entry.extra.insert(IMAGES.to_string(), all.add_file(&images.seal(b"")?.path)?);
            }
            progress.line(&format!("{}: {} records", work.layer.id, entry.count));
            Ok((work, Some(entry)))
        })
        .collect::<Result<_>>()?;
    for (work, entry) in written {
        let why = if work.redeclared { "declared anew" } else { "delivered" };
        let (id, count) = (work.layer.id.clone(), entry.as_ref().map_or(0, |e| e.count));
        match entry {
            Some(entry) => draft.manifest.layers.insert(id.clone(), entry),
            None => draft.manifest.layers.remove(&id),
        };
        report.layers.push(LayerReport { id, count, kept: work.kept, undrawn: 0, why });
    }
    Ok(())
}

impl SourceReport {
    /// What snapping did to records of this source in one layer.
    fn moved(&mut self, layer: &str, moved: Moved) {
        self.findings.push(format!("{layer}: {}", moved.said()));
        for (code, records) in [(SNAPPED, moved.snapped), (INSERTED, moved.extended)] {
            if records > 0 {
                *self.repaired.entry(code.to_string()).or_default() += records;
            }
        }
        for (row, what) in moved.left {
            self.fault(row, Reject { code: NOT_SNAPPED.to_string(), detail: what });
        }
    }
}
