//! Which rows of a layer an audience sees, found out once for a snapshot: by id for whatever knows ids, by place in the
//! layer's table for whatever knows places.

use super::Policy;
use crate::error::Result;
use crate::feature::FeatureId;
use crate::geo::BBox;
use crate::layer::Layer;
use std::sync::Arc;

/// Knows which rows of one city a policy leaves.
pub trait RowSource: Send + Sync {
    /// # Errors
    /// Where the layer's table, or that of the layer that gives an area, cannot be read.
    fn rows(&self, policy: &Policy, layer: &Layer) -> Result<Arc<Seen>>;
}

/// The rows of a layer that are seen; none by default.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Seen {
    /// Rising.
    ids: Vec<u64>,
    /// A bit a place in the table of features.
    places: Vec<u64>,
    /// Around them, degrees; `None` where there are none.
    pub bounds: Option<BBox>,
    /// Of the ids: what of an answer depends on them.
    pub digest: [u8; 32],
}

impl Seen {
    /// From (place in the table, id, box) of each, in any order.
    pub fn of(rows: &[(u64, FeatureId, BBox)]) -> Seen {
        let mut ids: Vec<u64> = rows.iter().map(|(_, id, _)| id.0).collect();
        ids.sort_unstable();
        let most = rows.iter().map(|(place, ..)| place + 1).max().unwrap_or(0);
        let mut places = vec![0u64; most.div_ceil(64) as usize];
        for (place, ..) in rows {
            places[(place / 64) as usize] |= 1 << (place % 64);
        }
        let around = rows.iter().fold(BBox::EMPTY, |all, (_, _, b)| all.join(b));
        let mut digest = blake3::Hasher::new();
        for id in &ids {
            digest.update(&id.to_le_bytes());
        }
        let bounds = (!around.is_empty()).then_some(around);
        Seen { ids, places, bounds, digest: *digest.finalize().as_bytes() }
    }

    pub fn count(&self) -> u64 {
        self.ids.len() as u64
    }

    pub fn has(&self, id: FeatureId) -> bool {
        self.ids.binary_search(&id.0).is_ok()
    }

    /// By the row's place in the layer's table of features; overviews have other places.
    pub fn has_place(&self, place: u64) -> bool {
        self.places.get((place / 64) as usize).is_some_and(|word| (word >> (place % 64)) & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_known_by_id_and_by_place() {
        let row = |place: u64| (place, FeatureId(1000 - place), BBox::of(&[[place as f64, 1.0]]));
        let seen = Seen::of(&[row(3), row(64), row(0), row(200)]);
        for place in 0..300 {
            let want = [0, 3, 64, 200].contains(&place);
            assert_eq!((seen.has_place(place), seen.has(FeatureId(1000 - place))), (want, want), "{place}");
        }
        assert_eq!((seen.count(), seen.bounds), (4, Some(BBox::new(0.0, 1.0, 200.0, 1.0))));
        let none = Seen::default();
        assert!(!none.has_place(0) && !none.has(FeatureId(1)) && none.bounds.is_none() && none.count() == 0);
        assert_ne!(Seen::of(&[row(3)]).digest, Seen::of(&[row(4)]).digest);
    }
}
