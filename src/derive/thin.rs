//! Thinning: at which level of a world-wide grid each feature is still the strongest of its cell. A zoom keeps
//! the features whose level reaches its cut. Decided per zoom, never per tile: deterministic, nested (kept at
//! z ⇒ kept at z + 1), and local (a changed feature matters only in its own cells).
//!
//! Level L has cells of 360°/2^L on the Mercator plane; a cell of 2^k pixels at zoom z is level z + 8 − k.

use super::item::Item;
use std::cmp::Ordering;
use std::collections::HashMap;

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
    let mut winners: Vec<u32> = (0..items.len() as u32).filter(|&n| items[n as usize].valid).collect();
    for level in (0..=FINEST).rev() {
        let mut cells: HashMap<(i64, i64), u32> = HashMap::with_capacity(winners.len());
        for &n in &winners {
            let best = cells.entry(cell(&items[n as usize], level)).or_insert(n);
            if strength(&items[n as usize], &items[*best as usize]) == Ordering::Greater {
                *best = n;
            }
        }
        winners = cells.into_values().collect();
        for &n in &winners {
            levels[n as usize] = level;
        }
    }
    levels
}

/// How many valid features each one kept at `cut` stands for (those of its cell), by position; 0 for the rest.
pub fn counts(items: &[Item], levels: &[u8], cut: u8) -> Vec<u32> {
    let mut counts = vec![0; items.len()];
    let mut keeper: HashMap<(i64, i64), u32> = HashMap::new();
    let kept = |n: usize| items[n].valid && levels[n] <= cut;
    for n in (0..items.len()).filter(|&n| kept(n)) {
        keeper.insert(cell(&items[n], cut), n as u32);
    }
    for item in items.iter().filter(|i| i.valid) {
        if let Some(&n) = keeper.get(&cell(item, cut)) {
            counts[n as usize] += 1;
        }
    }
    counts
}

fn cell(item: &Item, level: u8) -> (i64, i64) {
    let [x, y] = item.anchor();
    let side = 360.0 / (1u64 << level) as f64;
    (((x + 180.0) / side).floor() as i64, ((180.0 - y) / side).floor() as i64)
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
    use crate::geo::BBox;
    use std::collections::HashSet;

    fn item(id: u64, x: f64, y: f64, rank: f64) -> Item {
        Item { id, bbox: BBox::new(x, y, x, y), rank, size: 0.0, vertices: 1, valid: true }
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
            let mut best: HashMap<(i64, i64), usize> = HashMap::new();
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
