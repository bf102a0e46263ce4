//! Trees of families, cut at random and looked at from everywhere.

use super::buildings::{Model, Town};
use super::*;
use crate::derive::scene::{HEAVIEST, MOST};
use std::collections::{BTreeMap, BTreeSet};

/// A reproducible sequence (Marsaglia's xorshift64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: u64) -> u64 {
        self.roll() % n
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

fn entry(code: u64, [east_m, north_m]: [f64; 2], offset: usize, vertices: u32) -> Entry {
    let lonlat = Frame::at([114.3, 34.8], 0.0).geographic([east_m, north_m, 0.0]).0;
    let half = 500 + (code % 900) as i32;
    let reach_m = 1500.0 + (code % 7) as f64 * 700.0;
    let box_cm = [[-half, -half, 0], [half, half, 900 + half]];
    Entry { code, offset: 1000 + offset as u64 * 100, lonlat, reach_m, vertices, box_cm }
}

fn ledger(entries: Vec<Entry>) -> Ledger {
    Ledger { entries, ..Ledger::default() }
}

fn place(code: u64) -> [f64; 2] {
    [(code % 97) as f64 * 120.0, (code / 97) as f64 * 120.0]
}

/// Blocks, roofs of some of them and of others, façades of a few, spaces in fewer still.
fn town(count: u64, dice: &mut Dice) -> Vec<Ledger> {
    let mut layers = vec![vec![]; 4];
    for code in 1..=count {
        let at = place(code);
        let levels = [(dice.chance(95), 24, 1), (dice.chance(40), 60, 1), (dice.chance(8), 500, 1)];
        let spaces = 1 + dice.below(90);
        for (tier, (has, vertices, n)) in levels.into_iter().chain([(dice.chance(2), 24, spaces)]).enumerate() {
            for i in 0..if has { n } else { 0 } {
                let beside = [at[0] + i as f64 * 0.3, at[1]];
                let offset = layers[tier].len();
                layers[tier].push(entry(code, beside, offset, vertices));
            }
        }
    }
    layers.into_iter().map(ledger).collect()
}

fn kin(ledgers: &[Ledger]) -> Vec<Kin<'_>> {
    let errors_m = [32.0, 8.0, 2.0, 0.5];
    let kin = |(i, ledger)| Kin { ledger, tier: i as u8, error_m: errors_m[i] };
    ledgers.iter().enumerate().map(kin).collect()
}

/// Models shown on a cut, by member and offset. `open` says of each tile whether what is below it is loaded.
fn cut(family: &FamilyTree, open: &mut dyn FnMut(usize) -> bool) -> Vec<(usize, u64)> {
    let (mut shown, mut next) = (vec![], vec![0]);
    while let Some(at) = next.pop() {
        let (node, stage) = (&family.tree.nodes[at], &family.stages[at]);
        let opened = node.children > 0 && open(at);
        if !(opened && stage.replaces) {
            let own = stage.offsets.iter().enumerate().flat_map(|(part, all)| all.iter().map(move |o| (part, *o)));
            shown.extend(own);
        }
        if opened {
            next.extend(node.children());
        }
    }
    shown
}

/// By thing: the tiers at which it stands on a cut, and how many models. A thing is a code, or a model without one.
fn standing(kin: &[Kin<'_>], shown: &[(usize, u64)]) -> BTreeMap<u64, BTreeMap<usize, usize>> {
    let code: Vec<BTreeMap<u64, u64>> =
        kin.iter().map(|k| k.ledger.entries.iter().map(|e| (e.offset, e.code)).collect()).collect();
    let mut things: BTreeMap<u64, BTreeMap<usize, usize>> = BTreeMap::new();
    for (part, offset) in shown {
        *things.entry(code[*part][offset]).or_default().entry(*part).or_default() += 1;
    }
    things
}

/// How many models each code has in each tier.
fn truth(kin: &[Kin<'_>]) -> BTreeMap<u64, BTreeMap<usize, usize>> {
    let all: Vec<(usize, u64)> =
        kin.iter().enumerate().flat_map(|(i, k)| k.ledger.entries.iter().map(move |e| (i, e.offset))).collect();
    standing(kin, &all)
}

/// Everything that holds of any tree.
fn sound(kin: &[Kin<'_>], family: &FamilyTree) {
    let (tree, stages) = (&family.tree, &family.stages);
    assert!(tree.is_sound());
    let things = truth(kin);
    let entries: Vec<BTreeMap<u64, &Entry>> =
        kin.iter().map(|k| k.ledger.entries.iter().map(|e| (e.offset, e)).collect()).collect();
    let mut above = vec![(tree.error_m, false, None); tree.nodes.len()];
    for (at, (node, stage)) in tree.nodes.iter().zip(stages).enumerate() {
        let (error_m, chained, parent) = above[at];
        assert!(node.error_m <= error_m, "tile {at}: {} below {error_m}", node.error_m);
        assert_eq!(node.children == 0, node.error_m == 0.0, "tile {at}");
        assert!(node.children <= 24, "tile {at} has {} children", node.children);
        assert!(!stage.replaces || node.drawn > 0, "tile {at} stands for something and is empty");
        let own: Vec<(usize, u64)> =
            stage.offsets.iter().enumerate().flat_map(|(p, all)| all.iter().map(move |o| (p, *o))).collect();
        assert!(stage.offsets.iter().all(|o| o.is_sorted()));
        assert_eq!((own.len() as u32, own.is_empty()), (node.drawn, node.vertices == 0));
        let codes: BTreeSet<u64> = own.iter().map(|(p, o)| entries[*p][o].code).collect();
        assert!(codes.len() == 1 || (own.len() <= MOST && node.vertices <= HEAVIEST), "tile {at} is too much");
        for (part, offset) in &own {
            let corners = |at: usize| {
                let e = entries[*part][offset];
                let matrix = Frame::at(e.lonlat, 0.0).within(&Frame::at(tree.nodes[at].centre, 0.0));
                let cm = e.box_cm;
                (0..8).map(move |i| moved(&matrix, [0, 1, 2].map(|k| f64::from(cm[i >> k & 1][k]) / 100.0)))
            };
            for holder in [Some(at), parent].into_iter().flatten() {
                let [low, high] = tree.nodes[holder].volume_m;
                let inside = |p: [f64; 3]| (0..3).all(|k| low[k] <= p[k] && p[k] <= high[k]);
                assert!(corners(holder).all(inside), "tile {holder} does not hold {part}/{offset}");
            }
        }
        if stage.replaces {
            let below: BTreeSet<u64> = node
                .children()
                .flat_map(|c| {
                    stages[c].offsets.iter().enumerate().flat_map(|(p, all)| all.iter().map(move |o| (p, *o)))
                })
                .map(|(p, o)| entries[p][&o].code)
                .collect();
            assert_eq!(codes, below, "tile {at}: other things stand below it");
        }
        // A thing with several tiers is in no tile that adds.
        let several = |c: &u64| *c != 0 && things[c].len() > 1;
        assert!(stage.replaces || chained || !codes.iter().any(several), "tile {at}");
        node.children().for_each(|c| above[c] = (node.error_m, stage.replaces, Some(at)));
    }
}

#[test]
fn on_every_cut_each_building_stands_once() {
    let mut dice = Dice(20_260_101);
    for count in [1, 40, 3000] {
        let ledgers = town(count, &mut dice);
        for some in [&ledgers[..], &ledgers[..2], &ledgers[1..3]] {
            let kin = kin(some);
            let (family, _) = made(&kin, "2026-01-01");
            if family.tree.nodes.is_empty() {
                continue;
            }
            sound(&kin, &family);
            let truth = truth(&kin);
            // Near: the best of each. Then anything between.
            let best = standing(&kin, &cut(&family, &mut |_| true));
            let finest = |models: &BTreeMap<usize, usize>| models.iter().next_back().map(|(t, n)| (*t, *n));
            assert_eq!(best.keys().collect::<Vec<_>>(), truth.keys().collect::<Vec<_>>());
            assert!(best.iter().all(|(code, shown)| shown.len() == 1 && finest(shown) == finest(&truth[code])));
            for percent in [0, 30, 60, 90] {
                let mut dice = Dice(percent + 7);
                let mut open = |at: usize| !family.stages[at].replaces || dice.chance(percent);
                let shown = standing(&kin, &cut(&family, &mut open));
                assert_eq!(shown.len(), truth.len(), "all stand");
                for (code, tiers) in &shown {
                    let [(tier, models)] = tiers.iter().collect::<Vec<_>>()[..] else { panic!("{code}: {tiers:?}") };
                    assert_eq!(truth[code].get(tier), Some(models), "{code} stands whole");
                }
                let mut dice = Dice(percent + 8);
                let partly = standing(&kin, &cut(&family, &mut |_| dice.chance(percent)));
                assert!(partly.values().all(|tiers| tiers.len() == 1), "what stands stands at one tier");
            }
            // Far: the coarsest of each.
            let far = standing(&kin, &cut(&family, &mut |at| !family.stages[at].replaces));
            assert!(far.iter().all(|(code, t)| t.keys().next() == truth[code].keys().next()));
        }
    }
}

#[test]
fn a_building_too_fine_for_a_tile_is_divided_and_a_heavy_town_repeated() {
    let blocks = (1..=300).map(|c| entry(c, place(c), c as usize, 24)).collect();
    // Façades of which a tile takes 40; one building has 5 000 components.
    let facades = (1..=300).map(|c| entry(c, place(c), c as usize, 1500)).collect();
    let parts = (0..5000).map(|i| {
        let at = place(7);
        entry(7, [at[0] + (i % 50) as f64 * 0.2, at[1] + (i / 50) as f64 * 0.2], i, 24)
    });
    let ledgers = [ledger(blocks), ledger(facades), ledger(parts.collect())];
    let kin = kin(&ledgers);
    let (family, _) = made(&kin, "2026-01-01");
    sound(&kin, &family);
    let pieces: Vec<usize> = family.stages.iter().map(|s| s.offsets[2].len()).filter(|n| *n > 0).collect();
    assert_eq!((pieces.iter().sum::<usize>(), pieces.iter().all(|n| *n <= MOST)), (5000, true));
    assert!(family.tree.nodes.iter().all(|n| n.vertices <= HEAVIEST));
    let near = standing(&kin, &cut(&family, &mut |_| true));
    assert_eq!(near[&7], BTreeMap::from([(2, 5000)]));
}

#[test]
fn odd_codes_lose_nothing_and_are_counted() {
    let far = [40_000.0, 0.0];
    let blocks = vec![
        entry(1, place(1), 0, 24),
        // The same code again, elsewhere: another building, which nothing finer stands for.
        entry(1, far, 1, 24),
        // Two wings of one building.
        entry(2, place(2), 2, 24),
        entry(2, [place(2)[0] + 15.0, place(2)[1]], 3, 24),
        entry(0, place(3), 4, 24),
    ];
    let roofs = vec![
        entry(1, place(1), 0, 60),
        entry(2, place(2), 1, 60),
        entry(0, place(3), 2, 60),
        // No block.
        entry(9, place(9), 3, 60),
    ];
    let ledgers = [ledger(blocks), ledger(roofs)];
    let kin = kin(&ledgers);
    let (family, odd) = made(&kin, "2026-01-01");
    let mut near = cut(&family, &mut |_| true);
    near.sort_unstable();
    let offset = |i: u64| 1000 + i * 100;
    let expected = [(0, offset(1)), (0, offset(4)), (1, offset(0)), (1, offset(1)), (1, offset(2)), (1, offset(3))];
    assert_eq!(near, expected);
    let mut far = cut(&family, &mut |at| !family.stages[at].replaces);
    far.sort_unstable();
    let expected = [0, 1, 2, 3, 4].map(|i| (0, offset(i))).into_iter().chain([(1, offset(2)), (1, offset(3))]);
    assert_eq!(far, expected.collect::<Vec<_>>());
    let tally = |count, first: &[u32]| Tally { count, first: first.to_vec() };
    assert_eq!(
        odd,
        [
            Oddities {
                codeless: tally(1, &[4]),
                repeated: tally(2, &[1, 3]),
                apart: tally(1, &[0]),
                ..Oddities::default()
            },
            Oddities { codeless: tally(1, &[2]), standless: tally(1, &[3]), ..Oddities::default() },
        ]
    );
}

#[test]
fn a_word_that_half_the_city_has_is_no_code() {
    let everywhere =
        |n: u64, vertices| (1..=n).map(move |i| Entry { code: 5, ..entry(i, place(i), i as usize, vertices) });
    let ledgers = [ledger(everywhere(4000, 24).collect()), ledger(everywhere(4000, 60).collect())];
    let kin = kin(&ledgers);
    let (family, odd) = made(&kin, "2026-01-01");
    assert!(family.stages.iter().all(|s| !s.replaces));
    assert_eq!(cut(&family, &mut |_| true).len(), 8000);
    assert_eq!((odd[0].apart.count, odd[0].repeated.count, odd[1].repeated.count), (1, 1, 1));
}

#[test]
fn what_is_not_valid_stands_for_nothing() {
    let bounded = vec![(0, [None, Some("2026-01-01".to_string())])];
    let roofs = Ledger { entries: vec![entry(1, place(1), 0, 60)], bounded };
    let ledgers = [ledger(vec![entry(1, place(1), 0, 24)]), roofs];
    let kin = kin(&ledgers);
    let near = |today| cut(&made(&kin, today).0, &mut |_| true);
    assert_eq!((near("2025-12-31"), near("2026-01-01")), (vec![(1, 1000)], vec![(0, 1000)]));
}

#[test]
fn bytes_and_back() {
    let ledgers = town(500, &mut Dice(3));
    let (family, _) = made(&kin(&ledgers), "2026-01-01");
    let bytes = family.to_bytes().unwrap();
    assert_eq!(FamilyTree::from_bytes(&bytes, 4).unwrap(), family);
    assert!(FamilyTree::from_bytes(&bytes, 3).is_err(), "of other layers");
    assert!(FamilyTree::from_bytes(&bytes[..bytes.len() / 2], 4).is_err());
    let mut empty = [Ledger::default(), Ledger::default()];
    assert!(made(&kin(&empty), "2026-01-01").0.tree.nodes.is_empty());
    empty[1] = ledger(vec![entry(1, place(1), 0, 24)]);
    assert_eq!(made(&kin(&empty), "2026-01-01").0.tree.nodes.len(), 1);
    let nobody: &[Kin<'_>] = &[];
    assert_eq!(Town::of(nobody, "").0.models, Vec::<Model>::new());
}
