//! Power cuts at every operation of a publish and of the clearing after it; and the same with bugs planted into what was
//! done, each of which must be seen.

use super::city::{NEW, OLD, copy_of, next_works, old, publish, whole};
use super::fails::not_retried;
use super::power::{Cut, Disk, restore};
use super::*;
use std::path::{Path, PathBuf};

/// What a publish and a `gc(1)` did to a store.
struct Story {
    /// The store as it was.
    old: tempfile::TempDir,
    /// Where it happened: paths of the log are in it.
    root: PathBuf,
    log: Vec<Op>,
    /// Operations after which the new snapshot was said to be published.
    told: usize,
}

fn story() -> Story {
    let old = old();
    let (dir, store) = copy_of(old.path());
    faults::begin(None);
    publish(&store, NEW).expect("publishes");
    let mut log = faults::end();
    let told = log.len();
    faults::begin(None);
    store.gc(1).expect("clears");
    log.extend(faults::end());
    Story { old, root: dir.path().to_path_buf(), log, told }
}

impl Story {
    fn disk(&self) -> Disk {
        let mut disk = Disk::of(self.old.path());
        disk.move_to(&self.root);
        disk
    }

    /// Cuts the power after each of these numbers of operations; the first store that is not whole, in words, or how many
    /// were.
    fn cut(&self, after: impl Iterator<Item = usize>, chances: u64, next: bool) -> Result<usize, String> {
        not_retried(&self.log)?;
        let mut cuts = 0;
        for k in after {
            let mut disk = self.disk();
            self.log[..k].iter().for_each(|op| disk.apply(op));
            let certain = [Cut::Everything, Cut::Nothing, Cut::Bytes, Cut::Names];
            let chances = (0..chances).map(|i| Cut::Chance(k as u64 * 1000 + i));
            for (i, cut) in certain.into_iter().chain(chances).enumerate() {
                let (_dir, store) = restore(&disk.after(cut));
                let may = if k >= self.told { &[NEW][..] } else { &[OLD, NEW] };
                let case = |e| format!("power cut after operation {k} ({cut:?}): {e}");
                whole(&store, may).map_err(case)?;
                if next && (k + i) % 4 == 0 {
                    next_works(&store).map_err(case)?;
                }
                cuts += 1;
            }
        }
        Ok(cuts)
    }

    /// All numbers of operations, those where bugs show themselves first: after the publish, then backwards before it.
    fn telling(&self) -> impl Iterator<Item = usize> {
        (self.told..=self.log.len()).chain((0..self.told).rev())
    }
}

#[test]
fn a_power_cut_at_any_operation_leaves_a_whole_store() {
    let story = story();
    let (stride, chances) = if full() { (1, 30) } else { (8, 4) };
    let (told, end) = (story.told, story.log.len());
    let after = (0..=end).filter(|k| k % stride == 0 || *k == told || *k == end);
    let cuts = story.cut(after, chances, true).unwrap_or_else(|e| panic!("{e}"));
    assert!(cuts > 100);
    let operations = story.log.len();
    figure("power cuts", &format!("{cuts} states after {operations} operations, 0 damaged"));
}

/// An fsync fails, the next import brings the same data and succeeds, the power goes.
#[test]
fn what_a_failed_fsync_lost_is_written_again() {
    let old = old();
    let mut cases = 0;
    for ever in [false, true] {
        for k in (0..).step_by(if full() { 1 } else { 3 }) {
            let Some(story) = failed_sync(old.path(), k, ever) else { break };
            let mut disk = Disk::of(old.path());
            disk.move_to(&story.1);
            story.0.iter().for_each(|op| disk.apply(op));
            for cut in [Cut::Everything, Cut::Nothing, Cut::Chance(k as u64)] {
                let (_dir, store) = restore(&disk.after(cut));
                whole(&store, &[NEW]).unwrap_or_else(|e| panic!("fsync {k}, ever: {ever}, {cut:?}: {e}"));
                cases += 1;
            }
        }
    }
    figure("power cuts after a failed fsync and a new import", &format!("{cases} states, 0 damaged"));
}

/// The log of a publish whose k-th fsync fails, and of the one after it; `None` when it has no k-th.
fn failed_sync(old: &Path, k: usize, ever: bool) -> Option<(Vec<Op>, PathBuf)> {
    let (dir, store) = copy_of(old);
    faults::begin(None);
    publish(&store, NEW).expect("publishes");
    let log = faults::end();
    let at = log.iter().enumerate().filter(|(_, op)| is_sync(op)).nth(k)?.0;
    drop((dir, store));
    let (dir, store) = copy_of(old);
    faults::begin(Some((at, Fault::Eio, ever)));
    publish(&store, NEW).expect_err("the fsync failed");
    let mut log = faults::end();
    faults::begin(None);
    publish(&store, NEW).expect("the next one works");
    log.extend(faults::end());
    Some((log, dir.path().to_path_buf()))
}

fn is_sync(op: &Op) -> bool {
    matches!(op, Op::SyncFile { .. } | Op::SyncDir { .. })
}

/// Whether the operation is an fsync of a path of which this is part.
fn syncs(op: &Op, part: &str) -> bool {
    match op {
        Op::SyncFile { path, .. } | Op::SyncDir { path, .. } => path.to_string_lossy().contains(part),
        _ => false,
    }
}

fn renames_to(op: &Op, part: &str) -> bool {
    matches!(op, Op::Rename { to, .. } if to.to_string_lossy().contains(part))
}

fn position(log: &[Op], of: impl Fn(&Op) -> bool) -> usize {
    log.iter().position(of).expect("the operation is there")
}

/// Moves the operations that are `of` it before the operation at which `before` is first true.
fn hurry(log: &mut Vec<Op>, of: impl Fn(&Op) -> bool, before: impl Fn(&Op) -> bool) {
    let moved: Vec<Op> = log.extract_if(.., |op| of(op)).collect();
    let at = position(log, before);
    log.splice(at..at, moved);
}

/// A bug, and what a program that has it would have done instead.
type Bug = (&'static str, fn(&mut Story));

/// Nothing but what is done to `CURRENT`.
fn of_current(op: &Op) -> bool {
    match op {
        Op::Truncate(path) | Op::Write { path, .. } => path.ends_with(".CURRENT.new"),
        Op::Rename { to, .. } => to.ends_with("CURRENT"),
        op => syncs(op, ".CURRENT.new"),
    }
}

const BUGS: [Bug; 14] = [
    ("blobs are not synced", |s| {
        s.log.retain(|op| !matches!(op, Op::SyncFile { path, .. } if path.to_string_lossy().contains("blobs/")))
    }),
    ("one blob is not synced", |s| {
        let at = s
            .log
            .iter()
            .rposition(|op| matches!(op, Op::SyncFile { path, .. } if path.to_string_lossy().contains("blobs/")));
        s.log.remove(at.expect("is there"));
    }),
    ("the folder of blobs is not synced", |s| {
        s.log.retain(|op| !matches!(op, Op::SyncDir { path, .. } if path.ends_with("blobs")))
    }),
    ("the manifest is not synced", |s| {
        s.log.retain(|op| !matches!(op, Op::SyncFile { path, .. } if path.to_string_lossy().contains("snapshots/")))
    }),
    ("the folder of snapshots is not synced", |s| {
        s.log.retain(|op| !matches!(op, Op::SyncDir { path, .. } if path.ends_with("snapshots")))
    }),
    ("CURRENT is not synced", |s| s.log.retain(|op| !syncs(op, ".CURRENT.new"))),
    ("the folder of CURRENT is not synced", |s| {
        let root = s.root.clone();
        s.log.retain(|op| !matches!(op, Op::SyncDir { path, .. } if *path == root));
    }),
    ("nothing is synced", |s| s.log.retain(|op| !is_sync(op))),
    ("CURRENT is renamed before it is synced", |s| {
        hurry(&mut s.log, |op| renames_to(op, "/CURRENT"), |op| syncs(op, ".CURRENT.new"));
        let (root, at) = (s.root.clone(), position(&s.log, |op| syncs(op, ".CURRENT.new")));
        s.log[at] = Op::SyncFile { path: root.join("CURRENT"), failed: false };
    }),
    ("CURRENT comes before the manifest", |s| hurry(&mut s.log, of_current, |op| renames_to(op, "snapshots/"))),
    ("the manifest and CURRENT come before the blobs are synced", |s| {
        let late: Vec<Op> = s.log.extract_if(.., |op| syncs(op, "blobs")).collect();
        let at = position(&s.log, |op| renames_to(op, "/CURRENT")) + 1;
        s.log.splice(at..at, late);
    }),
    ("CURRENT is written in its place", |s| {
        let in_place = |p: &PathBuf| if p.ends_with(".CURRENT.new") { p.with_file_name("CURRENT") } else { p.clone() };
        s.log.retain(|op| !renames_to(op, "/CURRENT"));
        for op in &mut s.log {
            match op {
                Op::Truncate(path) | Op::Write { path, .. } | Op::SyncFile { path, .. } => *path = in_place(path),
                _ => {}
            }
        }
    }),
    ("blobs are cleared before the snapshots that name them", |s| {
        let told = s.told;
        let mut cleared = s.log.split_off(told);
        let of = |op: &Op, part: &str| matches!(op, Op::Remove(path) if path.to_string_lossy().contains(part));
        hurry(&mut cleared, |op| of(op, "blobs/"), |op| of(op, "snapshots/"));
        s.log.extend(cleared);
    }),
    ("snapshots are cleared without a sync", |s| {
        let at = s.log.iter().rposition(|op| syncs(op, "snapshots")).expect("is there");
        s.log.remove(at);
    }),
];

#[test]
fn planted_bugs_are_seen() {
    let mut seen = 0;
    for (bug, plant) in BUGS {
        let mut story = story();
        let before = story.log.len();
        let told = story.log[story.told - 1].clone();
        plant(&mut story);
        story.told = match story.log.iter().rposition(|op| *op == told) {
            Some(at) => at + 1,
            None => position(
                &story.log,
                |op| matches!(op, Op::Remove(path) if path.to_string_lossy().contains("snapshots/")),
            ),
        };
        let found = story.cut(story.telling(), 1, false).is_err();
        assert!(found, "not seen: {bug} ({before} operations, then {})", story.log.len());
        seen += 1;
    }
    seen += unheard_faults() + trusted_leftovers();
    figure("planted bugs", &format!("{seen} of {} seen", BUGS.len() + 4));
}

/// Errors that the program does not hear of: of a write, of an fsync, and an fsync that is tried again.
fn unheard_faults() -> usize {
    let old = old();
    let (dir, store) = copy_of(old.path());
    faults::begin(None);
    publish(&store, NEW).expect("publishes");
    let log = faults::end();
    drop((dir, store));
    let large = |op: &Op| matches!(op, Op::Write { path, bytes, .. } if bytes.len() > 2000 && path.to_string_lossy().contains("layer-"));
    let sync = |op: &Op| matches!(op, Op::SyncFile { path, .. } if path.to_string_lossy().contains("blobs/"));
    for (bug, at) in [
        ("a failed write is not heard of", position(&log, large)),
        ("a failed fsync is not heard of", position(&log, sync)),
    ] {
        let (dir, store) = copy_of(old.path());
        faults::begin(Some((at, Fault::Unheard, false)));
        let told = publish(&store, NEW);
        let log = faults::end();
        let story = Story { old: copy_of(old.path()).0, root: dir.path().to_path_buf(), told: log.len(), log };
        assert!(told.is_err() || story.cut([story.told].into_iter(), 0, false).is_err(), "not seen: {bug}");
        assert!(told.is_ok(), "{bug}: the program heard of it");
    }
    let mut again = log.clone();
    let at = position(&again, sync);
    let mut failed = again[at].clone();
    if let Op::SyncFile { failed, .. } = &mut failed {
        *failed = true;
    }
    again.insert(at, failed);
    assert!(not_retried(&again).is_err(), "not seen: a failed fsync is tried again");
    3
}

/// A blob that a failed import left, whole in memory alone, is kept by the next one.
fn trusted_leftovers() -> usize {
    let old = old();
    let (mut log, root) = failed_sync(old.path(), 2, true).expect("has a third fsync");
    let failed = position(&log, |op| matches!(op, Op::SyncFile { failed: true, .. }));
    let second = log.split_off(failed + 1);
    log.extend(second.into_iter().filter(|op| match op {
        Op::Remove(path) => !path.to_string_lossy().contains("blobs/"),
        op => !renames_to(op, "blobs/"),
    }));
    let mut disk = Disk::of(old.path());
    disk.move_to(&root);
    log.iter().for_each(|op| disk.apply(op));
    let (_dir, store) = restore(&disk.after(Cut::Everything));
    assert!(whole(&store, &[NEW]).is_err(), "not seen: a leftover of a failed fsync is kept");
    1
}
