//! The second half of an import: sealed layers, then everything that is derived from several of them, in one draft.

use super::Transaction;
use crate::derive::{SCENE, Tree, complete, stand_on_ground};
use crate::error::Result;
use crate::import::ground::{is_footing, lay};
use crate::import::merge::LayerWork;
use crate::import::provenance::provenance;
use crate::import::report::{LayerReport, Report, SourceReport};
use crate::import::seal::Sealed;
use crate::import::snap::{INSERTED, Moved, NOT_SNAPPED, SNAPPED};
use crate::import::wire::Reject;
use crate::import::{joints, levels, responsibility};
use crate::layer::Catalog;
use crate::ownership::register::REGISTER;
use crate::store::Draft;
use std::collections::BTreeMap;

impl Transaction<'_> {
    /// Everything into the draft: layers by their number among `works` and what is derived from them, catalog, sources,
    /// report.
    pub(super) fn write(
        self,
        catalog: &Catalog,
        draft: &mut Draft,
        mut sealed: BTreeMap<usize, Sealed>,
        report: &mut Report,
    ) -> Result<()> {
        draft.manifest.layers.retain(|id, _| catalog.find(id).is_some());
        let progress = self.progress;
        let changed: Vec<(LayerWork, Sealed)> =
            self.works.into_iter().enumerate().filter_map(|(at, work)| Some((work, sealed.remove(&at)?))).collect();
        // What others stand on comes first.
        let (footings, others): (Vec<_>, Vec<_>) = changed.into_iter().partition(|(work, _)| is_footing(&work.layer));
        let written: Vec<String> = footings.iter().map(|(work, _)| work.layer.id.clone()).collect();
        footings.into_iter().chain(others).for_each(|(work, sealed)| enter(work, sealed, draft, report));
        if let Some(register) = &self.register {
            let blob = draft.add_bytes(&register.to_json())?;
            draft.manifest.extra.insert(REGISTER.to_string(), blob);
        }
        let read: Vec<&str> = self.sources.iter().map(|s| s.id.as_str()).collect();
        let written: Vec<&str> = written.iter().map(String::as_str).collect();
        progress.line("judging territory, register and components together");
        let (all, register) = (&*draft, self.register.as_ref());
        let (laid, judged) = rayon::join(
            || lay(all, catalog, &read, self.sheets, &written),
            || Ok((joints::audit(catalog, all)?, responsibility::audit(catalog, all, register)?)),
        );
        let laid = laid?;
        (report.network, report.ownership) = judged?;
        draft.manifest.extra = laid.extra;
        if laid.changed {
            progress.line("the ground is made anew");
        }
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
        draft.manifest.catalog = draft.add_bytes(&catalog.to_json())?;
        report.models = levels::bind(catalog, draft)?;
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

/// A layer's next version into the manifest and the report.
fn enter(work: LayerWork, sealed: Sealed, draft: &mut Draft, report: &mut Report) {
    let Sealed { entry, mut moved } = sealed;
    for source in &mut report.sources {
        if let Some(moved) = moved.remove(&source.id) {
            source.moved(&work.layer.id, moved);
        }
    }
    let why = if work.redeclared { "declared anew" } else { "delivered" };
    let (id, count) = (work.layer.id.clone(), entry.as_ref().map_or(0, |e| e.count));
    match entry {
        Some(entry) => draft.manifest.layers.insert(id.clone(), entry),
        None => draft.manifest.layers.remove(&id),
    };
    report.layers.push(LayerReport { id, count, kept: work.kept, undrawn: 0, why });
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
