//! The index against a plain look at every text.

use super::*;
use crate::geo::BBox;
use crate::store::{BlockCache, Store};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

struct Stored {
    _dir: tempfile::TempDir,
    index: SearchIndex,
}

fn at(record: usize) -> BBox {
    let (x, y) = (114.0 + (record * 37 % 101) as f64 * 1e-3, 34.0 + (record * 53 % 89) as f64 * 1e-3);
    BBox::new(x, y, x + (record % 3) as f64 * 1e-4, y)
}

/// An index of two fields: 3 has these texts in the order of the records, 5 the same backwards.
fn stored(texts: &[String]) -> Stored {
    let mut writer = SearchWriter::new([3, 5].into_iter());
    for (record, text) in texts.iter().enumerate() {
        writer.push(3, text, record as u64, &at(record)).unwrap();
        writer.push(4, "not searched", record as u64, &at(record)).unwrap();
        writer.push(5, &text.chars().rev().collect::<String>(), record as u64, &at(record)).unwrap();
    }
    let dir = tempfile::tempdir().unwrap();
    let draft = Store::open(dir.path(), true).unwrap().draft().unwrap();
    let blob = draft.add_bytes(&writer.seal().unwrap().unwrap()).unwrap();
    let index = SearchIndex::open(dir.path(), &blob, &Arc::new(BlockCache::new(1 << 20))).unwrap();
    Stored { _dir: dir, index }
}

/// Text → how it has what is sought, its records and their box in steps.
type Answer = BTreeMap<String, (How, Vec<u64>, [i64; 4])>;

fn in_steps(b: &BBox) -> [i64; 4] {
    b.to_array().map(|d| (d * STEPS).round() as i64)
}

fn plainly(texts: &[String], sought: &str) -> Answer {
    let sought = fold(sought);
    let mut answer = Answer::new();
    for (record, text) in texts.iter().enumerate() {
        let text = fold(text);
        let how = match () {
            () if text == sought => How::Exact,
            () if text.starts_with(&*sought) => How::Prefix,
            () if text.ends_with(&*sought) => How::Suffix,
            () if sought.split(' ').all(|word| text.contains(word)) => How::Inside,
            () => continue,
        };
        let entry = answer.entry(text.into_owned()).or_insert((how, vec![], in_steps(&at(record))));
        entry.1.push(record as u64);
        let [a, b] = [entry.2, in_steps(&at(record))];
        entry.2 = [a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])];
    }
    answer
}

fn by_index(index: &SearchIndex, field: usize, sought: &str) -> (Answer, bool) {
    let mut answer = Answer::new();
    let mut each = |f: &Found<'_>| {
        let records = index.records(field, f.records, usize::MAX).unwrap();
        assert_eq!(records.len() as u64, f.count);
        let before = answer.insert(f.text.to_string(), (f.how, records, in_steps(&f.bbox)));
        assert!(before.is_none(), "{} is told twice", f.text);
    };
    let all = index.find(field, &Sought::new(sought).unwrap(), &mut each).unwrap();
    (answer, all)
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    let code = "[0-3]{6}";
    let name = "[中山路大梁门]{1,4}";
    let mixed = "[A-Ca-cＡ１ 山-]{0,5}";
    let serial = (0u32..2000).prop_map(|n| format!("410204{n:05}"));
    proptest::collection::vec(prop_oneof![code, name, mixed, serial], 0..300)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Of texts so few that no bound is met, exactly those that have what is sought.
    #[test]
    fn it_finds_what_a_look_at_every_text_finds(
        texts in texts(),
        others in proptest::collection::vec("[0-3山路a１ -]{1,5}", 4),
        pick in proptest::collection::vec((any::<prop::sample::Index>(), 0usize..6, 1usize..7), 8),
    ) {
        let stored = stored(&texts);
        let mut sought = others;
        for (text, from, len) in pick {
            let text: Vec<char> = if texts.is_empty() { vec![] } else { text.get(&texts).chars().collect() };
            sought.push(text.into_iter().skip(from).take(len).collect());
        }
        let backwards: Vec<String> = texts.iter().map(|t| t.chars().rev().collect()).collect();
        for s in sought.iter().filter(|s| Sought::new(s).is_some()) {
            for (field, texts) in [(3, &texts), (5, &backwards)] {
                let want = plainly(texts, s);
                let (got, all) = by_index(&stored.index, field, s);
                prop_assert_eq!(&got, &want, "{:?}", s);
                prop_assert!(all, "{:?}", s);
            }
        }
        let (unknown, all) = by_index(&stored.index, 4, "not");
        prop_assert!(unknown.is_empty() && all);
    }
}

#[test]
fn of_very_many_some_are_told_and_that_there_are_more() {
    let texts: Vec<String> = (0..20_000).map(|n| format!("41020401{n:08}")).collect();
    let stored = stored(&texts);
    for (sought, most) in [("41", 256), ("0", 16 * 64), ("00", 16 * 64)] {
        let (got, all) = by_index(&stored.index, 3, sought);
        let want = plainly(&texts, sought);
        assert!(!all && got.len() <= most && got.len() >= 200, "{sought}: {}", got.len());
        assert!(got.iter().all(|(text, found)| want.get(text) == Some(found)));
    }
    // What a code ends in is found among all of them, and in the middle.
    for sought in ["017345", "4102040100017345", "10001734", "0001999"] {
        assert_eq!(by_index(&stored.index, 3, sought), (plainly(&texts, sought), true), "{sought}");
    }
}

#[test]
fn records_of_a_common_text_are_taken_evenly() {
    let texts: Vec<String> = (0..5000).map(|n| if n % 2 == 0 { "路灯".into() } else { format!("{n}") }).collect();
    let stored = stored(&texts);
    let mut found = vec![];
    let sought = Sought::new("路灯").unwrap();
    stored.index.find(3, &sought, &mut |f| found.push((f.count, f.records))).unwrap();
    let [(2500, records)] = found[..] else { panic!("{found:?}") };
    let taken = |most| stored.index.records(3, records, most).unwrap();
    assert_eq!(taken(5000), (0..2500).map(|i| i * 2).collect::<Vec<u64>>());
    assert_eq!(taken(5), [0, 1000, 2000, 3000, 4000]);
}

#[test]
fn one_text_has_one_spelling() {
    for (text, want) in [
        ("中山路", "中山路"),
        ("ＺＳ－０１２７", "zs-0127"),
        ("  Zhongshan\t Lu ", "zhongshan lu"),
        ("中山路　12号", "中山路 12号"),
        ("\u{3000} ", ""),
        ("İ", "İ"),
        ("ÄÖ", "äö"),
    ] {
        assert_eq!(fold(text), want, "{text}");
    }
    assert_eq!(fold(&"长".repeat(300)).chars().count(), LONGEST);
    assert!(Sought::new(" ").is_none());
}

/// Any byte changed: an error or another answer, never a panic. (In a store the digest of its block tells it first.)
#[test]
fn no_changed_byte_makes_it_panic() {
    let mut writer = SearchWriter::new([0].into_iter());
    for (record, text) in ["中山路", "中山路", "中山路小学", "410204", "410205"].iter().enumerate() {
        writer.push(0, text, record as u64, &at(record)).unwrap();
    }
    let bytes = writer.seal().unwrap().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let draft = Store::open(dir.path(), true).unwrap().draft().unwrap();
    let cache = Arc::new(BlockCache::new(1 << 20));
    let (mut refused, mut kinds) = (0, BTreeSet::new());
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x55;
        let blob = draft.add_bytes(&changed).unwrap();
        let Ok(index) = SearchIndex::open(dir.path(), &blob, &cache) else {
            refused += 1;
            continue;
        };
        for sought in ["中山", "路", "4102", "05"] {
            let mut all = vec![];
            let told = index.find(0, &Sought::new(sought).unwrap(), &mut |f| all.push(f.records));
            kinds.insert(told.is_ok());
            all.into_iter().for_each(|r| drop(index.records(0, r, 3)));
        }
    }
    assert!(refused > 20 && kinds.len() == 2, "{refused} {kinds:?}");
}
