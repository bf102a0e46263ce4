//! Thinning: at which level of a world-wide grid each feature is still the strongest of its cell. A zoom keeps
//! the features whose level reaches its cut. Decided per zoom, never per tile: deterministic, nested (kept at
//! z ⇒ kept at z + 1), and local (a changed feature matters only in its own cells).
//!
//! Level L has cells of 360°/2^L on the Mercator plane; a cell of 2^k pixels at zoom z is level z + 8 − k.

use super::item::Item;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use std::cmp::Ordering;

/// The finest grid: cells of about half a metre at Kaifeng. What loses even there has level `FINEST` + 1.
pub const FINEST: u8 = 26;
/// A cut that keeps everything.
pub const ALL: u8 = u8::MAX;

/// The level whose cells are `cell_px` pixels (a power of two) wide at zoom `z`.
pub fn level_of(z: u8, cell_px: u32) -> u8 {
    (z + 8).saturating_sub(cell_px.ilog2() as u8)
}

/// For each item, the coarsest level at which it is the strongest of its cell; `ALL` for what is not valid.
pub fn levels(items: &[Item]) -> Vec<u8> {
    let mut levels: Vec<u8> = items.iter().map(|i| if i.valid { FINEST + 1 } else { ALL }).collect();
    // In the order of a Z-curve the items of a cell, of whatever level, are neighbours.
    let mut winners: Vec<(u64, u32)> =
        items.iter().zip(0..).filter(|(i, _)| i.valid).map(|(i, n)| (cell(i, FINEST), n)).collect();
    winners.sort_unstable();
    for level in (0..=FINEST).rev() {
        let up = 2 * u32::from(FINEST - level);
        winners.dedup_by(|(at, n), (kept_at, kept)| {
            let same = *at >> up == *kept_at >> up;
            if same && strength(&items[*n as usize], &items[*kept as usize]) == Ordering::Greater {
                *kept = *n;
            }
            same
        });
        for &(_, n) in &winners {
            levels[n as usize] = level;
        }
    }
    levels
}

/// How many valid features each one kept at `cut` stands for (those of its cell), by position; 0 for the rest.
pub fn counts(items: &[Item], levels: &[u8], cut: u8) -> Vec<u32> {
    let mut counts = vec![0; items.len()];
    let cells: Vec<u64> = items.iter().map(|i| if i.valid { cell(i, cut) } else { 0 }).collect();
    let mut keeper: HashMap<u64, u32, FixedState> = HashMap::default();
    let kept = |n: usize| items[n].valid && levels[n] <= cut;
    for n in (0..items.len()).filter(|&n| kept(n)) {
        keeper.insert(cells[n], n as u32);
    }
    for (_, at) in items.iter().zip(&cells).filter(|(i, _)| i.valid) {
        if let Some(&n) = keeper.get(at) {
            counts[n as usize] += 1;
        }
    }
    counts
}

/// Number of the anchor's cell along the Z-curve of its level; two bits less are the cell of the level above.
fn cell(item: &Item, level: u8) -> u64 {
    let [x, y] = item.anchor;
    let side = 360.0 / (1u64 << level) as f64;
    let along = |v: f64| spread((v / side).floor() as u32);
    along(x + 180.0) | along(180.0 - y) << 1
}

/// The bits of a number, each with a zero before it.
fn spread(v: u32) -> u64 {
    let mut v = u64::from(v);
    for (shift, mask) in [
        (16, 0x0000_ffff_0000_ffff),
        (8, 0x00ff_00ff_00ff_00ff),
        (4, 0x0f0f_0f0f_0f0f_0f0f),
        (2, 0x3333_3333_3333_3333),
        (1, 0x5555_5555_5555_5555),
    ] {
        v = (v | v << shift) & mask;
    }
    v
}

/// The stronger feature is `Greater`: higher rank, then larger, then by a mixed id (so that neighbours in code
/// order do not all win or lose together), then the smaller id.
fn strength(a: &Item, b: &Item) -> Ordering {
    a.rank.total_cmp(&b.rank).then(a.size.total_cmp(&b.size)).then(mix(a.id).cmp(&mix(b.id))).then(b.id.cmp(&a.id))
}

/// splitmix64's finaliser.
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::derive::item::anchor;
    use crate::geo::BBox;
    use std::collections::HashSet;

    fn item(id: u64, x: f64, y: f64, rank: f64) -> Item {
        let bbox = BBox::new(x, y, x, y);
        Item { id, bbox, anchor: anchor(&bbox), rank, size: 0.0, vertices: 1, valid: true }
    }

    fn city(n: u64) -> Vec<Item> {
        let unit = |i: u64, salt: u64| (mix(i * 2 + salt) >> 11) as f64 / (1u64 << 53) as f64;
        (1..=n).map(|i| item(i, 114.2 + 0.2 * unit(i, 0), 34.7 + 0.2 * unit(i, 1), (i % 3) as f64)).collect()
    }

    fn kept(levels: &[u8], cut: u8) -> HashSet<usize> {
        (0..levels.len()).filter(|&n| levels[n] <= cut).collect()
    }

    #[test]
    fn one_winner_a_cell_and_it_is_the_strongest() {
        let items = city(2000);
        let levels = levels(&items);
        for cut in [12, 15, 18, 20] {
            let mut best: HashMap<u64, usize, FixedState> = HashMap::default();
            for n in 0..items.len() {
                let b = best.entry(cell(&items[n], cut)).or_insert(n);
                if strength(&items[n], &items[*b]) == Ordering::Greater {
                    *b = n;
                }
            }
            assert_eq!(kept(&levels, cut), best.into_values().collect(), "cut {cut}");
        }
    }

    #[test]
    fn nested_and_counted() {
        let items = city(5000);
        let levels = levels(&items);
        for cut in 10..FINEST {
            assert!(kept(&levels, cut).is_subset(&kept(&levels, cut + 1)));
            assert_eq!(counts(&items, &levels, cut).iter().sum::<u32>(), 5000);
        }
        assert_eq!(kept(&levels, FINEST + 1).len(), 5000);
    }

    #[test]
    fn a_change_is_felt_only_in_its_cells() {
        let items = city(2000);
        let mut changed = items.clone();
        changed[77].rank = 99.0;
        let (a, b) = (levels(&items), levels(&changed));
        let felt = (0..items.len()).filter(|&n| a[n] != b[n]);
        for n in felt {
            assert!((0..=FINEST).any(|l| cell(&items[n], l) == cell(&items[77], l)));
        }
        assert!((0..items.len()).filter(|&n| a[n] != b[n]).count() <= 1 + usize::from(FINEST));
    }

    #[test]
    fn order_of_records_does_not_matter() {
        let items = city(500);
        let mut back = items.clone();
        back.reverse();
        let mut reversed = levels(&back);
        reversed.reverse();
        assert_eq!(levels(&items), reversed);
    }

    #[test]
    fn what_is_not_valid_is_never_kept() {
        let mut items = city(50);
        items[3].valid = false;
        let levels = levels(&items);
        assert_eq!(levels[3], ALL);
        assert_eq!(counts(&items, &levels, 14).iter().sum::<u32>(), 49);
    }

    #[test]
    fn levels_and_pixels() {
        assert_eq!(level_of(10, 1), 18);
        assert_eq!(level_of(10, 8), 15);
        assert_eq!(level_of(0, 256), 0);
    }
}
