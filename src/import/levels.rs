//! After the layers are written: layers that hold models of the same buildings at several levels become trees of 3D tiles, one
//! for the coarsest and each finer level with it; other choices are made when they are asked for. What is odd about the
//! codes is told; nothing is refused for it. Does nothing where no member has changed.

use crate::derive::family::{self, FAMILY, Kin, LEDGER, Ledger, Oddities, Tally};
use crate::error::Result;
use crate::layer::{Catalog, Family, Layer, LayerIx, families};
use crate::ownership::Note;
use crate::store::{BlobRef, Draft};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Layers with their ledgers.
type Held = Vec<(LayerIx, Arc<Layer>, Ledger)>;

/// Adds the trees to the draft, takes out those that are no more; what is odd about codes, where something changed.
pub fn bind(catalog: &Catalog, draft: &mut Draft) -> Result<Vec<Note>> {
    let before: BTreeMap<String, BlobRef> = taken(&mut draft.manifest.extra);
    let all: Vec<(LayerIx, Arc<Layer>)> = catalog.iter().map(|(ix, l)| (ix, l.clone())).collect();
    let held = |(_, l): &&(LayerIx, Arc<Layer>)| draft.manifest.layers.contains_key(&l.id);
    let all: Vec<(LayerIx, Arc<Layer>)> = all.iter().filter(held).cloned().collect();
    let borrowed: Vec<(LayerIx, &Layer)> = all.iter().map(|(ix, l)| (*ix, l.as_ref())).collect();
    let mut notes = vec![];
    for whole in families(&borrowed) {
        let wanted = choices(&whole, &borrowed);
        let named: Option<Vec<(String, Family)>> =
            wanted.into_iter().map(|family| Some((key(catalog, draft, &family)?, family))).collect();
        // A member that was imported before ledgers were kept: its levels wait for the next import.
        let Some(named) = named else { continue };
        if let Some(known) = named.iter().map(|(key, _)| Some((key.clone(), before.get(key)?.clone()))).collect() {
            let known: Vec<(String, BlobRef)> = known;
            draft.manifest.extra.extend(known);
            continue;
        }
        let held = ledgers(catalog, draft, &whole)?;
        let today: String = draft.manifest.created.chars().take(10).collect();
        let made: Vec<(String, BlobRef, Vec<Oddities>)> = named
            .par_iter()
            .map(|(key, family)| {
                let (tree, odd) = family::made(&kin(family, &held), &today);
                Ok((key.clone(), draft.add_bytes(&tree.to_bytes()?)?, odd))
            })
            .collect::<Result<_>>()?;
        // The last choice is the whole family.
        let odd = made.last().map(|(_, _, odd)| odd.clone()).unwrap_or_default();
        draft.manifest.extra.extend(made.into_iter().map(|(key, blob, _)| (key, blob)));
        for (member, odd) in whole.members.iter().zip(&odd) {
            if let Some((_, layer, ledger)) = held.iter().find(|(ix, _, _)| *ix == member.ix) {
                notes.extend(told(draft, layer, ledger, odd)?);
            }
        }
    }
    Ok(notes)
}

/// The trees that the base had.
fn taken(extra: &mut BTreeMap<String, BlobRef>) -> BTreeMap<String, BlobRef> {
    let (families, others) = std::mem::take(extra).into_iter().partition(|(key, _)| key.starts_with(FAMILY));
    *extra = others;
    families
}

/// The coarsest tier with each finer one, up to all.
fn choices(whole: &Family, layers: &[(LayerIx, &Layer)]) -> Vec<Family> {
    let finest = whole.members.iter().map(|m| m.tier).max().unwrap_or(0);
    let upto = |tier: u8| {
        let of = |ix: &LayerIx| whole.members.iter().any(|m| m.ix == *ix && m.tier <= tier);
        let some: Vec<(LayerIx, &Layer)> = layers.iter().filter(|(ix, _)| of(ix)).copied().collect();
        families(&some)
    };
    (1..=finest).flat_map(upto).collect()
}

fn key(catalog: &Catalog, draft: &Draft, family: &Family) -> Option<String> {
    let members = family.members.iter().map(|m| {
        let layer = catalog.layer(m.ix).as_ref();
        Some((layer, draft.manifest.layers.get(&layer.id)?, m.tier))
    });
    let members: Vec<_> = members.collect::<Option<_>>()?;
    let today: String = draft.manifest.created.chars().take(10).collect();
    family::key(members.into_iter(), &today)
}

fn ledgers(catalog: &Catalog, draft: &Draft, family: &Family) -> Result<Held> {
    let held = family.members.par_iter().map(|m| {
        let layer = catalog.layer(m.ix);
        let blob = draft.manifest.layers.get(&layer.id).and_then(|e| e.extra.get(LEDGER));
        let ledger = blob.map(|b| Ledger::from_bytes(&draft.blob(b)?)).transpose()?;
        Ok((m.ix, layer.clone(), ledger.unwrap_or_default()))
    });
    held.collect()
}

fn kin<'a>(family: &Family, held: &'a Held) -> Vec<Kin<'a>> {
    let of = |ix: LayerIx| held.iter().find(|(own, _, _)| *own == ix);
    let kin = family.members.iter().filter_map(|m| {
        let (_, layer, ledger) = of(m.ix)?;
        Some(Kin { ledger, tier: m.tier, error_m: layer.stand_in_error_m() })
    });
    kin.collect()
}

/// Notes about one layer, with records as samples.
fn told(draft: &Draft, layer: &Layer, ledger: &Ledger, odd: &Oddities) -> Result<Vec<Note>> {
    // Where the code is not the key, a building has many records.
    let keyed = layer.model_code() == layer.key_field();
    let nothing = Tally::default();
    let kinds = [
        ("no-building-code", &odd.codeless),
        ("building-code-repeated", if keyed { &odd.repeated } else { &nothing }),
        ("building-code-far-apart", &odd.apart),
        ("no-coarser-model", &odd.standless),
    ];
    let mut notes = vec![];
    for (code, tally) in kinds.into_iter().filter(|(_, t)| t.count > 0) {
        let mut samples = vec![];
        if let Some(entry) = draft.manifest.layers.get(&layer.id) {
            let table = draft.table(&entry.features)?;
            for at in &tally.first {
                let offset = ledger.entries.get(*at as usize).map_or(0, |e| e.offset);
                samples.push(format!("record {}", table.get(offset)?.id.0));
            }
        }
        notes.push(Note { code, of: layer.id.clone(), count: tally.count, samples });
    }
    Ok(notes)
}
