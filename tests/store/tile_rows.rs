//! Tile rows: what is written is read, in any order of asking; what is not as it is written is damage.

use super::material::*;
use chengtu::error::Error;
use chengtu::feature::FeatureId;
use chengtu::store::*;
use std::collections::HashMap;
use std::path::Path;

type Values = Vec<(usize, Vec<u8>)>;

/// Rows of columns 0, 2, 3 and 200: one value a row's own, one of few, one of many that some rows lack.
fn rows(count: u64) -> Vec<(FeatureId, Values)> {
    let mut r = Random(11);
    (0..count)
        .map(|i| {
            let mut values = vec![(0, format!("own {i}").into_bytes())];
            values.push((2, vec![b'a' + r.below(3) as u8]));
            if r.below(4) > 0 {
                values.push((3, format!("{}", r.below(200)).into_bytes()));
            }
            values.push((200, vec![7; r.below(2)]));
            values.retain(|(_, entry)| !entry.is_empty());
            (FeatureId(i * 7 + 1), values)
        })
        .collect()
}

fn write_rows(dir: &Path, rows: &[(FeatureId, Values)]) -> Vec<u8> {
    let mut writer = TileRowsWriter::new(dir, "layer");
    for (id, values) in rows {
        let taken = writer.push(*id, |put| values.iter().for_each(|(column, entry)| put(*column, entry)));
        assert!(taken.expect("takes a row"));
    }
    std::fs::read(writer.seal().expect("seals").expect("has a file")).expect("reads")
}

#[test]
fn what_is_written_is_read_in_any_order() {
    // The last ones have more to note than is kept in memory.
    for count in [0, 1, 16, 17, 5000, 200_000] {
        let dir = tempfile::tempdir().expect("a folder");
        let all = rows(count);
        let snapshot = published_extra(dir.path(), TILE_ROWS, &[write_rows(dir.path(), &all)]);
        let tile_rows = snapshot.tile_rows_at("0", 14).expect("opens").expect("is there");
        assert_eq!(tile_rows.count(), count);
        let (mut r, mut reader) = (Random(4), tile_rows.reader());
        let some: Vec<u64> = (0..count.min(300)).map(|_| r.below(count as usize) as u64).collect();
        let mut numbers: HashMap<Vec<u8>, u32> = HashMap::new();
        for ordinal in (0..count).chain(some) {
            let (id, want) = &all[ordinal as usize];
            let mut got = vec![];
            let each = |row: &TileRow<'_>| {
                assert_eq!(row.id, *id);
                row.values(|column, value| {
                    let number = if let Coded::Shared(n) = value { Some(n) } else { None };
                    let (bytes, len) = row.entry(value);
                    got.push((column, number, bytes[..len].to_vec()));
                })
            };
            reader.row(ordinal, each).expect("reads");
            assert_eq!(got.iter().map(|(c, _, e)| (*c, e.clone())).collect::<Values>(), *want, "{ordinal}");
            for (_, number, entry) in got {
                match number {
                    Some(n) => assert_eq!(*numbers.entry(entry).or_insert(n), n, "one number a value"),
                    None => assert!(entry.starts_with(b"own") || count < 500, "{entry:?} is no row's own"),
                }
            }
        }
        let past = reader.row(count.next_multiple_of(16), |_| true);
        assert!(matches!(past, Err(Error::Damaged { .. })));
        let frequent = [b"a", b"b", b"c", &[7]].map(|e: &[u8; 1]| numbers.get(&e[..]).copied());
        assert!(count < 500 || frequent.iter().all(|n| *n < Some(4)), "the smallest numbers are theirs: {frequent:?}");
    }
}

/// Bytes that are as their digest says may still have been made by somebody else.
#[test]
fn changed_bytes_are_damage_and_no_panic() {
    let dir = tempfile::tempdir().expect("a folder");
    let good = write_rows(dir.path(), &rows(40));
    let (mut r, mut refused) = (Random(5), 0);
    let mut change = |round: usize| {
        let mut bad = good.clone();
        match round % 4 {
            0 => bad.truncate(r.below(good.len())),
            1 => bad[r.below(32)] ^= 1 << r.below(8),
            _ => bad[r.below(good.len())] = r.below(256) as u8,
        }
        bad
    };
    let all: Vec<Vec<u8>> = (0..400).map(&mut change).collect();
    let snapshot = published_extra(dir.path(), TILE_ROWS, &all);
    for number in 0..all.len() {
        let tile_rows = match snapshot.tile_rows_at(&number.to_string(), 14) {
            Ok(rows) => rows.expect("is there"),
            Err(e) => {
                assert!(matches!(e, Error::Damaged { .. }), "{e}");
                refused += 1;
                continue;
            }
        };
        let mut reader = tile_rows.reader();
        for ordinal in 0..40 {
            let read = reader.row(ordinal, |row| row.values(|_, _| {}));
            assert!(matches!(read, Ok(()) | Err(Error::Damaged { .. })));
        }
    }
    assert!(refused > 100, "{refused}");
}
