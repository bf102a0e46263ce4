//! The whole set: seeds as they are, cut, flipped and packed, and what `disguises`, `archives` and `texts` make by hand.

use super::seeds::{self, Seed};
use super::{Case, Expect, archives, disguises, texts};
use crate::common::Random;

/// Where a file is cut: shares of its length.
const CUTS: [f64; 12] = [0.0, 0.01, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.97, 0.992];
/// Bits flipped in each file.
const FLIPS: usize = 20;

/// `canary`: an address that nobody may reach.
pub fn all(canary: &str) -> Vec<Case> {
    let mut r = Random(8);
    let mut all = vec![];
    for seed in seeds::all() {
        all.push(of(&seed, "whole", seed.files.clone(), Expect::Accept(seed.records)));
        for (i, (name, bytes)) in seed.files.iter().enumerate() {
            for share in CUTS {
                let cut = bytes[..(bytes.len() as f64 * share) as usize].to_vec();
                all.push(of(&seed, &format!("{name} cut at {share}"), with(&seed, i, cut), Expect::Refuse(&[])));
            }
            for _ in 0..FLIPS {
                let (at, bit) = (r.below(bytes.len()), r.below(8));
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                let what = format!("{name} with bit {bit} of byte {at} flipped");
                all.push(of(&seed, &what, with(&seed, i, flipped), Expect::Whole(seed.records)));
            }
        }
    }
    all.extend(archives::packed(&mut r));
    all.extend(archives::hostile());
    all.extend(disguises::all(canary));
    all.extend(texts::all(canary));
    all
}

fn of(seed: &Seed, what: &str, files: Vec<(String, Vec<u8>)>, expect: Expect) -> Case {
    let lines = format!("path = \"{}\"\n{}", seed.main, seed.lines);
    Case { name: format!("{}: {what}", seed.main), files, lines, expect, links: vec![] }
}

/// The seed's files, the i-th with other bytes.
fn with(seed: &Seed, i: usize, bytes: Vec<u8>) -> Vec<(String, Vec<u8>)> {
    let mut files = seed.files.clone();
    files[i].1 = bytes;
    files
}
