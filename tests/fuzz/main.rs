//! The fuzz targets' functions over the corpus and over what chance makes of it, without nightly and libFuzzer: every file as
//! it is, then cut, flipped and put together anew by a fixed seed. `CHENGTU_TORTURE=full` makes fifty times as many.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests say what they expect by panicking")]

#[path = "../../fuzz/entries.rs"]
#[allow(dead_code, reason = "the small city has more than is asked of it")]
mod entries;
#[path = "../common/random.rs"]
#[allow(dead_code, reason = "one stream of numbers for all tests")]
mod random;

use random::Random;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|f| (f.clone(), std::fs::read(f).unwrap())).collect()
}

/// One to four changes: a bit, a cut, a piece of another file, a piece twice, a number that is too large.
fn changed(r: &mut Random, bytes: &[u8], other: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=r.below(4) {
        let at = r.below(bytes.len() + 1);
        let end = (at + r.below(40)).min(bytes.len());
        match r.below(8) {
            0 => bytes.truncate(at),
            1 => {
                let from = r.below(other.len() + 1);
                let to = (from + r.below(60)).min(other.len());
                bytes.splice(at..at, other[from..to].iter().copied());
            }
            2 => drop(bytes.splice(at..at, bytes[at..end].to_vec())),
            3 => drop(bytes.drain(at..end)),
            4 => bytes[at..end.min(at + 8)].fill([0, 0xff, 0x7f, b'9'][r.below(4)]),
            5 => drop(bytes.splice(at..at, *b"99999999999999999999")),
            _ if at < bytes.len() => bytes[at] ^= 1 << r.below(8),
            _ => bytes.push(0),
        }
    }
    bytes
}

fn replay(target: &str) {
    let entry = entries::TARGETS.iter().find(|t| t.0 == target).unwrap().1;
    let full = std::env::var("CHENGTU_TORTURE").is_ok_and(|v| v == "full");
    let changes = if full { 2000 } else { 40 };
    let (corpus, mut r, mut runs) = (corpus(target), Random(11), 0);
    assert!(!corpus.is_empty());
    for (file, bytes) in &corpus {
        for i in 0..=changes {
            let other = &corpus[r.below(corpus.len())].1;
            let input = if i == 0 { bytes.clone() } else { changed(&mut r, bytes, other) };
            if catch_unwind(AssertUnwindSafe(|| entry(&input))).is_err() {
                let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("crash-{target}"));
                std::fs::write(&kept, &input).unwrap();
                panic!("{}, change {i}: kept as {}", file.display(), kept.display());
            }
            runs += 1;
        }
    }
    eprintln!("torture: inputs to the fuzz target {target}: {runs} of {} seeds, 0 panics", corpus.len());
}

macro_rules! replays {
    ($($target:ident),*) => { $(#[test] fn $target() { replay(stringify!($target)); })* };
}

replays!(store, request, owner, jwt, cityjson, citygml, csv, manifest, tileset);

/// Else nothing behind the signature would be reached.
#[test]
fn a_signed_token_opens_the_door_and_others_do_not() {
    let seed = |name: &str| corpus("jwt").into_iter().find(|(file, _)| file.ends_with(name)).unwrap().1;
    assert_eq!(["signed", "claims", "header"].map(|name| entries::opens(&seed(name))), [true, false, false]);
}

#[test]
fn every_target_is_replayed_and_has_a_file() {
    for (target, _) in entries::TARGETS {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fuzz/fuzz_targets/{target}.rs"));
        assert!(std::fs::read_to_string(file).unwrap().contains(&format!("entries::{target}(data)")));
    }
}
