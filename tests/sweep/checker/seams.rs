//! The seams between tiles: near a common edge two tiles must show the same places of the same features. Compared by
//! digest, so that a whole city's seams fit in memory; says which two tiles differ, not in what.

use super::mix;
use chengtu::draw::EXTENT;
use chengtu::geo::TileKey;
use std::collections::HashMap;

/// Units to either side of an edge that are compared: less than the buffer of 64 by more than a pixel, so that what
/// clipping adds along the buffer's own edge stays out.
const REACH: i32 = 44;
const SIDE: i32 = EXTENT as i32;

/// Sums of the mixed places near each of a tile's four edges: left, right, top, bottom.
#[derive(Debug, Default, Clone, Copy)]
pub struct Edges([u64; 4]);

impl Edges {
    pub fn add(&mut self, feature: u64, p: [i32; 2]) {
        if (0..2).any(|k| p[k] <= -REACH || p[k] >= SIDE + REACH) {
            return;
        }
        for (edge, (k, at)) in [(0, 0), (0, SIDE), (1, 0), (1, SIDE)].into_iter().enumerate() {
            if (p[k] - at).abs() < REACH {
                let mut q = p;
                q[k] -= at;
                let place = (i64::from(q[0]) as u64) << 32 ^ (i64::from(q[1]) as u64 & 0xffff_ffff);
                self.0[edge] = self.0[edge].wrapping_add(mix(mix(feature) ^ place));
            }
        }
    }
}

/// The pairs of neighbours that differ along their edge; a tile that was not drawn has nothing there.
pub fn differing(drawn: &HashMap<TileKey, Edges>) -> Vec<(TileKey, TileKey)> {
    let mut pairs = vec![];
    for (&key, edges) in drawn {
        let right = TileKey { x: key.x + 1, ..key };
        let below = TileKey { y: key.y + 1, ..key };
        for (next, mine, theirs) in [(right, 1, 0), (below, 3, 2)] {
            if drawn.get(&next).copied().unwrap_or_default().0[theirs] != edges.0[mine] {
                pairs.push((key, next));
            }
        }
        let left = TileKey { x: key.x.wrapping_sub(1), ..key };
        let above = TileKey { y: key.y.wrapping_sub(1), ..key };
        for (next, mine) in [(left, 0), (above, 2)] {
            if edges.0[mine] != 0 && !drawn.contains_key(&next) {
                pairs.push((next, key));
            }
        }
    }
    pairs.sort_by_key(|(a, _)| (a.y, a.x));
    pairs
}
