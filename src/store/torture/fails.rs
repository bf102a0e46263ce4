//! Disks that fail at the k-th operation of a publish: once, or from then on.

use super::city::{NEW, OLD, copy_of, next_works, old, publish, whole};
use super::random::Random;
use super::*;
use std::path::Path;

/// What is tried: a fault, whether it lasts, and whether the publish may succeed nevertheless.
const FAULTS: [(Fault, bool); 7] = [
    (Fault::Eio, true),
    (Fault::Eio, false),
    (Fault::Enospc, true),
    (Fault::Enospc, false),
    (Fault::Short, true),
    (Fault::Short, false),
    (Fault::Interrupted, false),
];

/// A publish with its k-th operation failing; what it did, or `None` when it has no such operation.
fn fail_at(old: &Path, k: usize, fault: Fault, ever: bool) -> Option<Vec<Op>> {
    let (_dir, store) = copy_of(old);
    faults::begin(Some((k, fault, ever)));
    let published = publish(&store, NEW);
    let log = faults::end();
    let case = format!("{fault:?}, ever: {ever}, at operation {k}: {:?}", log.get(k));
    let may = if published.is_ok() { &[NEW][..] } else { &[OLD, NEW] };
    whole(&store, may).unwrap_or_else(|e| panic!("{case}: {e}"));
    if fault == Fault::Short || matches!(log.get(k), Some(Op::Write { .. }) if fault == Fault::Interrupted) {
        assert!(published.is_ok(), "{case}: {published:?}");
    }
    if fault == Fault::Eio && log.len() > k {
        assert!(published.is_err(), "{case} is not told");
    }
    if !ever && published.is_err() {
        assert_eq!(store.orphans().expect("looks"), Vec::<std::path::PathBuf>::new(), "{case}");
    }
    not_retried(&log).unwrap_or_else(|e| panic!("{case}: {e}"));
    next_works(&store).unwrap_or_else(|e| panic!("{case}: then {e}"));
    (log.len() > k).then_some(log)
}

/// After a failed fsync the file is not synced again, and nothing is made current.
pub fn not_retried(log: &[Op]) -> Result<(), String> {
    let failed = |op: &Op| matches!(op, Op::SyncFile { failed: true, .. } | Op::SyncDir { failed: true, .. });
    let Some(at) = log.iter().position(failed) else { return Ok(()) };
    let later = log[at + 1..].iter().find(|op| match op {
        Op::SyncFile { .. } | Op::SyncDir { .. } => true,
        Op::Rename { to, .. } => to.ends_with("CURRENT"),
        _ => false,
    });
    later.map_or(Ok(()), |op| Err(format!("after a failed fsync: {op:?}")))
}

#[test]
fn a_disk_that_fails_at_any_operation_leaves_a_whole_store() {
    let old = old();
    let (mut cases, mut operations) = (0, 0);
    for (i, (fault, ever)) in FAULTS.into_iter().enumerate() {
        let stride = if full() || i == 0 { 1 } else { 9 };
        let mut k = i % stride;
        while fail_at(old.path(), k, fault, ever).is_some() {
            (cases, k) = (cases + 1, k + stride);
        }
        operations = operations.max(k);
    }
    assert!(operations > 60, "{operations}");
    figure("a disk that fails at operation k", &format!("{cases} cases at {operations} operations, 0 damaged"));
}

/// The import after a failed one fails too, at another operation.
#[test]
fn a_disk_that_fails_during_recovery_leaves_a_whole_store() {
    let old = old();
    let mut r = Random(5);
    let cases = if full() { 400 } else { 25 };
    for _ in 0..cases {
        let (_dir, store) = copy_of(old.path());
        let (first, second) = (r.below(130), r.below(40));
        faults::begin(Some((first, Fault::Eio, true)));
        let _ = publish(&store, NEW);
        faults::end();
        faults::begin(Some((second, Fault::Enospc, r.below(2) == 0)));
        let _ = publish(&store, NEW);
        faults::end();
        whole(&store, &[OLD, NEW]).unwrap_or_else(|e| panic!("{first}, {second}: {e}"));
        next_works(&store).unwrap_or_else(|e| panic!("{first}, {second}: then {e}"));
    }
    figure("a disk that fails again during recovery", &format!("{cases} cases, 0 damaged"));
}

#[test]
fn the_disk_that_fails_sees_every_operation() {
    let old = old();
    let (_dir, store) = copy_of(old.path());
    faults::begin(None);
    publish(&store, NEW).expect("publishes");
    let log = faults::end();
    let count = |of: fn(&Op) -> bool| log.iter().filter(|op| of(op)).count();
    let blobs = store.names_in("blobs").expect("lists").len();
    assert!(count(|op| matches!(op, Op::Write { .. })) > blobs / 2, "{log:?}");
    assert!(count(|op| matches!(op, Op::SyncFile { .. })) >= 12);
    assert_eq!(count(|op| matches!(op, Op::SyncDir { .. })), 3);
    assert!(count(|op| matches!(op, Op::Rename { .. })) >= 12);
    // What is in the new blobs was written through the log, byte for byte.
    let written: usize = log.iter().map(|op| if let Op::Write { bytes, .. } = op { bytes.len() } else { 0 }).sum();
    let id = store.current().expect("reads").expect("is there");
    let snapshot = store.snapshot(&id, &std::sync::Arc::new(super::super::BlockCache::new(1 << 20))).expect("opens");
    let held: u64 = snapshot.manifest.blobs().map(|(b, _)| b.size).sum();
    assert!(written as u64 > held, "{written} bytes of {held}");
}
