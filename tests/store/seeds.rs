//! Seeded tiles: what is written is read; what is not as it is written is damage.

use super::material::*;
use chengtu::deflate::{Piece, PieceBuf, piece};
use chengtu::error::Error;
use chengtu::store::*;
use std::path::Path;

/// Tiles of three zooms, of which the second has none: z, recipe, place, seed.
fn tiles() -> Vec<(u8, Recipe, [u32; 2], PieceBuf)> {
    let mut r = Random(12);
    let mut tile = |z: u8, x: u32, y: u32| {
        let bytes: Vec<u8> = (0..r.below(if x == 3 { 200_000 } else { 3000 })).map(|_| r.below(40) as u8).collect();
        (z, [z; 16], [x, y], piece(&bytes).expect("packs"))
    };
    let coarse: Vec<_> = (5..9).flat_map(|y| [1, 3, 900].map(|x| (15, x, y))).collect();
    let fine = (5..50).flat_map(|y| [2, 4].map(|x| (17, x, y)));
    coarse.into_iter().chain(fine).map(|(z, x, y)| tile(z, x, y)).collect()
}

fn write_tiles(dir: &Path, tiles: &[(u8, Recipe, [u32; 2], PieceBuf)]) -> Vec<u8> {
    let mut writer = SeedsWriter::new(dir, "layer").expect("a writer");
    for z in 15..=17 {
        writer.begin(z, [z; 16]);
        for (_, _, at, seed) in tiles.iter().filter(|tile| tile.0 == z) {
            writer.push(*at, seed.as_piece()).expect("takes a tile");
        }
    }
    std::fs::read(writer.seal().expect("seals")).expect("reads")
}

#[test]
fn what_is_written_is_read() {
    let dir = tempfile::tempdir().expect("a folder");
    let all = tiles();
    let snapshot = published_extra(dir.path(), SEEDS, &[write_tiles(dir.path(), &all), write_tiles(dir.path(), &[])]);
    let seeds = snapshot.seeds("0").expect("opens").expect("is there");
    assert_eq!(seeds.count(), all.len());
    assert_eq!(seeds.recipes().collect::<Vec<_>>(), [15, 16, 17].map(|z| (z, [z; 16])));
    assert!(seeds.of(16, &[16; 16]).is_none(), "nothing is in it");
    assert!(seeds.of(15, &[17; 16]).is_none(), "it was drawn by something else");
    for (z, recipe, [x, y], want) in all.iter().rev().chain(&all) {
        let of = seeds.of(*z, recipe).expect("is there");
        let mut got = None;
        assert!(
            of.read(*x, *y, |seed: Piece<'_>| got = Some((seed.blocks.to_vec(), seed.plain, seed.crc))).expect("reads")
        );
        assert!(got == Some((want.blocks.clone(), want.plain, want.crc)), "z{z} {x} {y}");
        assert!(of.has(*x, *y) && !of.has(*y, *x));
        assert!(!of.read(*x + 1, *y, |_| panic!("there is none")).expect("reads"));
    }
    let of = seeds.of(17, &[17; 16]).expect("is there");
    assert_eq!(of.tiles().count(), 90);
    assert_eq!(snapshot.seeds("1").expect("opens").expect("is there").count(), 0);
}

/// Bytes that are as their digest says may still have been made by somebody else.
#[test]
fn changed_bytes_are_damage_and_no_panic() {
    let dir = tempfile::tempdir().expect("a folder");
    let few: Vec<_> = tiles().into_iter().filter(|(z, _, [x, _], _)| *z == 17 || *x == 900).take(40).collect();
    let good = write_tiles(dir.path(), &few);
    let index_at = u64::from_le_bytes(*good[8..].first_chunk().expect("a head")) as usize;
    let (mut r, mut refused) = (Random(5), 0);
    let mut change = |round: usize| {
        let mut bad = good.clone();
        match round % 4 {
            0 => bad.truncate(r.below(good.len())),
            1 => bad[r.below(16)] ^= 1 << r.below(8),
            _ => bad[index_at + r.below(good.len() - index_at)] ^= 1 << r.below(8),
        }
        bad
    };
    let all: Vec<Vec<u8>> = (0..400).map(&mut change).collect();
    let snapshot = published_extra(dir.path(), SEEDS, &all);
    for number in 0..all.len() {
        let seeds = match snapshot.seeds(&number.to_string()) {
            Ok(seeds) => seeds.expect("is there"),
            Err(e) => {
                assert!(matches!(e, Error::Damaged { .. }), "{e}");
                refused += 1;
                continue;
            }
        };
        for (z, recipe) in seeds.recipes() {
            let Some(of) = seeds.of(z, &recipe) else { continue };
            for [x, y] in of.tiles() {
                assert!(matches!(of.read(x, y, |_| {}), Ok(true) | Err(Error::Damaged { .. })));
            }
        }
    }
    assert!(refused > 200, "{refused}");
}
