//! What of a search index an audience sees: its texts count all records of a layer, an audience that sees some of them gets
//! only the texts that these have, with their number and the box around them.

use super::rank::Candidate;
use crate::audience::{Audience, Seen};
use crate::city::City;
use crate::error::Result;
use crate::geo::BBox;
use crate::layer::LayerIx;
use crate::store::{Found, Records, SearchIndex, Table};
use std::sync::Arc;

/// The seen rows of a layer, where not all are.
pub struct Sight(Option<(Arc<Seen>, Arc<Table>)>);

impl Sight {
    pub fn of(city: &City, audience: &Audience, layer: LayerIx) -> Result<Sight> {
        let layer = city.snapshot.catalog.layer(layer);
        let Some(seen) = audience.rows(layer)? else { return Ok(Sight(None)) };
        Ok(Sight(city.snapshot.features(&layer.id)?.map(|table| (seen, table))))
    }

    /// The text as the audience finds it; `None` where it sees no record that has it.
    pub fn narrowed<'t>(&self, index: &SearchIndex, field: usize, found: &Found<'t>) -> Result<Option<Found<'t>>> {
        let Some((seen, table)) = &self.0 else { return Ok(Some(*found)) };
        let mut records = index.records(field, found.records, usize::MAX)?;
        records.retain(|place| seen.has_place(*place));
        let mut bbox = BBox::EMPTY;
        for place in &records {
            bbox = bbox.join(&table.leaf(*place)?.1);
        }
        Ok(match records[..] {
            [] => None,
            [one] => Some(Found { count: 1, bbox, records: Records::One(one), ..*found }),
            _ => Some(Found { count: records.len() as u64, bbox, ..*found }),
        })
    }

    /// The seen records of a candidate, by their places in the table, `most` at most.
    pub fn members(&self, index: &SearchIndex, candidate: &Candidate, most: usize) -> Result<Vec<u64>> {
        let Some((seen, _)) = &self.0 else { return index.records(candidate.field, candidate.records, most) };
        let mut records = index.records(candidate.field, candidate.records, usize::MAX)?;
        records.retain(|place| seen.has_place(*place));
        let step = records.len().div_ceil(most.max(1)).max(1);
        Ok(records.into_iter().step_by(step).collect())
    }
}
