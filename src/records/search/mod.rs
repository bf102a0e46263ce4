//! What is called so: records of all layers that exist for the asker by their codes and names, the best first. Records of one
//! layer that have the same text are one result. Work is bounded: of very common texts some are left out, and said so.

mod hit;
mod rank;
mod sight;

pub use hit::Hit;

use crate::audience::Audience;
use crate::city::City;
use crate::error::{Error, Result};
use crate::geo::BBox;
use crate::geo::local::Local;
use crate::layer::{Layer, LayerIx, Search as Kind};
use crate::store::Sought;
use rank::{Best, Candidate, Rank};
use sight::Sight;

/// What is searched for.
#[derive(Debug, Clone)]
pub struct Search {
    pub sought: Sought,
    pub layers: Vec<LayerIx>,
    /// Degrees: results whose box touches it.
    pub bbox: Option<BBox>,
    /// `[longitude°, latitude°]`: of equally good results the nearer comes first.
    pub near: Option<[f64; 2]>,
    /// Results at most.
    pub limit: usize,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Findings {
    /// The best first.
    pub hits: Vec<Hit>,
    /// There may be more.
    pub truncated: bool,
    /// Layers that could not be searched, by id: their index is damaged or was never made.
    pub unsearched: Vec<String>,
}

/// Searches the layers; those whose stored data is damaged are named instead.
pub fn search(city: &City, audience: &Audience, search: &Search) -> Result<Findings> {
    let mut findings = Findings::default();
    let mut candidates = vec![];
    for &ix in &search.layers {
        let layer = city.snapshot.catalog.layer(ix);
        let mut best = Best::of(search.limit);
        match in_layer(city, audience, search, ix, &mut best) {
            Ok(all) => {
                findings.truncated |= !all | best.dropped;
                candidates.extend(best.into_sorted());
            }
            Err(e) => unsearched(&mut findings, layer, e)?,
        }
    }
    findings.truncated |= candidates.len() > search.limit;
    for candidate in rank::page(candidates, search.limit) {
        let layer = city.snapshot.catalog.layer(candidate.layer);
        match hit::hit(city, audience, search, &candidate) {
            Ok(hit) => findings.hits.extend(hit),
            Err(e) => unsearched(&mut findings, layer, e)?,
        }
    }
    Ok(findings)
}

/// Names a layer whose data is damaged; what is not damage ends the search.
fn unsearched(findings: &mut Findings, layer: &Layer, e: Error) -> Result<()> {
    if !matches!(e, Error::Damaged { .. }) {
        return Err(e);
    }
    tracing::error!(error = %e, layer = layer.id, "a layer cannot be searched");
    if !findings.unsearched.contains(&layer.id) {
        findings.unsearched.push(layer.id.clone());
    }
    Ok(())
}

/// The best candidates of a layer; whether all that there are were looked at.
fn in_layer(city: &City, audience: &Audience, search: &Search, ix: LayerIx, best: &mut Best) -> Result<bool> {
    let layer = city.snapshot.catalog.layer(ix);
    let fields = layer.searchable().filter(|(field, _)| audience.sees_field(layer, &layer.fields[*field]));
    let fields: Vec<(usize, Kind)> = fields.collect();
    if fields.is_empty() || !city.snapshot.manifest.layers.contains_key(&layer.id) {
        return Ok(true);
    }
    let index = city.snapshot.search(&layer.id)?;
    let index = index.ok_or_else(|| Error::damaged(&layer.id, "it was imported before there were search indexes"))?;
    let sight = Sight::of(city, audience, ix)?;
    let mut failed = None;
    let here = search.near.map(|p| (p, Local::at(p)));
    let importance = rank::importance(layer);
    let mut all = true;
    for (field, kind) in fields {
        all &= index.find(field, &search.sought, &mut |found| {
            let found = match sight.narrowed(&index, field, found) {
                Ok(Some(found)) => found,
                Ok(None) => return,
                Err(e) => {
                    failed.get_or_insert(e);
                    return;
                }
            };
            if search.bbox.is_some_and(|b| !b.intersects(&found.bbox)) {
                return;
            }
            let rank = Rank {
                tier: rank::tier(found.how, kind),
                importance,
                distance_cm: here.as_ref().map_or(0, |(p, local)| distance_cm(*p, local, &found.bbox)),
                letters: found.text.chars().count(),
            };
            best.offer(rank, found.text, |rank, text| Candidate {
                rank,
                text,
                layer: ix,
                field,
                records: found.records,
                how: found.how,
                count: found.count,
                bbox: found.bbox,
            });
        })?;
    }
    failed.map_or(Ok(all), Err)
}

/// From a place to a box, 0 inside.
fn distance_cm([x, y]: [f64; 2], local: &Local, bbox: &BBox) -> u64 {
    let nearest = [x.max(bbox.min_x).min(bbox.max_x), y.max(bbox.min_y).min(bbox.max_y)];
    (local.distance_m(nearest) * 100.0) as u64
}
