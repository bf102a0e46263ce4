//! Snapshots: publishing, following, going back, clearing, one import at a time.

use super::material::*;
use chengtu::city::Follower;
use chengtu::error::Error;
use chengtu::store::*;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

fn count_of(snapshot: &Snapshot, layer: &str) -> u64 {
    snapshot.features(layer).expect("opens").expect("is there").count()
}

#[test]
fn one_layer_is_published_and_the_others_stay() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = store_in(dir.path());
    assert_eq!(store.current().expect("reads"), None);
    publish(&store, "a", &features(10, 1));
    let first = open(&store);
    publish(&store, "b", &features(20, 2));
    let second = open(&store);
    assert_eq!((first.manifest.sequence, second.manifest.sequence), (1, 2));
    assert_eq!(first.manifest.layers["a"], second.manifest.layers["a"]);
    assert_eq!((count_of(&second, "a"), count_of(&second, "b")), (10, 20));
    assert!(first.features("b").expect("reads").is_none());
    assert_eq!(store.snapshots().expect("lists"), [first.id.clone(), second.id.clone()]);
    assert_eq!(store.verify().expect("verifies"), vec![]);
}

#[test]
fn an_overview_is_drawn_at_its_zoom_alone() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = store_in(dir.path());
    let mut draft = store.draft().expect("a draft");
    put_layer(&mut draft, "a", &features(50, 1));
    let overview = write(draft.staging(), &features(5, 1), 1 << 20);
    let overview = draft.add_file(&overview.path).expect("adds");
    draft.manifest.layers.get_mut("a").expect("is there").overviews.insert(11, overview);
    draft.publish().expect("publishes");
    let snapshot = open(&store);
    let drawn = |z| snapshot.drawn_at("a", z).expect("opens").expect("is there").count();
    assert_eq!([10, 11, 12].map(drawn), [50, 5, 50]);
    assert!(snapshot.drawn_at("b", 11).expect("reads").is_none());
}

#[test]
fn the_second_of_two_imports_is_told_to_wait() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = store_in(dir.path());
    let first = publish(&store, "a", &features(10, 1));
    let draft = store.draft().expect("a draft");
    let other = store_in(dir.path());
    assert!(matches!(other.draft(), Err(Error::Busy(_))));
    assert!(matches!(other.gc(1), Err(Error::Busy(_))));
    assert!(matches!(other.rollback(&first), Err(Error::Busy(_))));
    let staging = draft.staging().to_path_buf();
    drop(draft);
    assert!(!staging.exists());
    other.draft().expect("the lock is free");
}

#[test]
fn a_new_import_sweeps_what_a_killed_one_left() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = store_in(dir.path());
    let left = store.dir().join("staging/draft-killed");
    fs::create_dir(&left).expect("makes");
    fs::write(left.join("half.fgb"), b"half").expect("writes");
    let _draft = store.draft().expect("a draft");
    assert!(!left.exists());
}

#[test]
fn rollback_and_gc_keep_what_is_needed() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = store_in(dir.path());
    let ids: Vec<String> = (1..=4).map(|n| publish(&store, "a", &features(n * 10, n))).collect();
    publish(&store, "b", &features(7, 7));
    store.rollback(&ids[1]).expect("goes back");
    assert_eq!(count_of(&open(&store), "a"), 20);
    for id in ["00000009-0123456789ab", "../../etc/passwd", ""] {
        assert!(matches!(store.rollback(id), Err(Error::Missing(_))), "{id}");
    }

    // The next snapshot comes after all there are, not after the one it was drafted from.
    publish(&store, "a", &features(60, 6));
    assert_eq!(open(&store).manifest.sequence, 6);
    store.rollback(&ids[1]).expect("goes back");

    let removed = store.gc(2).expect("clears");
    assert_eq!(removed, [ids[0].clone(), ids[2].clone(), ids[3].clone()]);
    assert_eq!(store.snapshots().expect("lists").len(), 3);
    assert_eq!(store.verify().expect("verifies"), vec![]);
    assert_eq!(store.orphans().expect("looks"), Vec::<PathBuf>::new());
    assert_eq!(count_of(&open(&store), "a"), 20);
}

/// A lost `CURRENT` must not begin a city anew; an import killed before its first `CURRENT` must not block the next.
#[test]
fn a_store_without_current_is_new_or_damaged() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = store_in(dir.path());
    let current = store.dir().join("CURRENT");
    for n in 1..3 {
        publish(&store, "a", &features(n, n));
        assert_eq!(open(&store).manifest.sequence, 1);
        assert_eq!(store.verify().expect("verifies"), vec![]);
        fs::remove_file(&current).expect("removes");
        assert_eq!(store.verify().expect("verifies").len(), 1);
    }
    publish(&store, "a", &features(3, 3));
    let last = publish(&store, "b", &features(4, 4));
    fs::remove_file(&current).expect("removes");
    assert!(matches!(store.draft(), Err(Error::Damaged { .. })));
    store.rollback(&last).expect("goes back");
    assert_eq!(count_of(&open(&store), "b"), 4);
}

#[test]
fn a_newer_format_is_refused_by_name() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = store_in(dir.path());
    let id = publish(&store, "a", &features(10, 1));
    let json = fs::read_to_string(store.dir().join(format!("snapshots/{id}.json"))).expect("reads");
    // A newer program's manifest may have fields that this one does not know.
    let newer = json.replace("\"format\": 1", "\"format\": 2, \"shards\": 4");
    let digest = blake3::hash(newer.as_bytes()).to_hex();
    let newer_id = format!("00000001-{}", &digest[..12]);
    fs::write(store.dir().join(format!("snapshots/{newer_id}.json")), newer).expect("writes");
    let error = store.snapshot(&newer_id, &cache()).err().expect("is refused");
    assert!(matches!(error, Error::Config(_)) && error.to_string().contains("newer"), "{error}");
}

#[test]
fn a_snapshot_is_read_to_the_end_while_others_are_published_and_cleared() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = store_in(dir.path());
    let all = features(800, 1);
    publish(&store, "a", &all);
    let old = open(&store);
    let small = Arc::new(BlockCache::new(1 << 16));
    let follower = Follower::open(store_in(dir.path()), small).expect("follows");
    let first_id = follower.city().snapshot.id.clone();
    assert!(!follower.refresh().expect("looks"));
    old.features("a").expect("opens");

    let done = AtomicBool::new(false);
    std::thread::scope(|threads| {
        let reader = threads.spawn(|| {
            let (table, mut rounds) = (old.features("a").expect("opens").expect("is there"), 0);
            while !done.load(Ordering::Relaxed) || rounds < 3 {
                assert_eq!(found(&table, &WORLD).expect("reads"), expected(&all, &WORLD));
                rounds += 1;
            }
        });
        for n in 2..6 {
            publish(&store, "a", &features(n * 10, n));
            store.gc(1).expect("clears");
            assert!(follower.refresh().expect("follows"));
            assert_eq!(count_of(&follower.city().snapshot, "a"), n * 10);
        }
        done.store(true, Ordering::Relaxed);
        reader.join().expect("the reader saw one world");
    });
    assert_ne!(follower.city().snapshot.id, first_id);
}

#[test]
fn a_bad_new_snapshot_leaves_the_old_city() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = store_in(dir.path());
    let first = publish(&store, "a", &features(10, 1));
    let follower = Follower::open(store_in(dir.path()), cache()).expect("follows");
    let second = publish(&store, "a", &features(20, 1));
    let manifest = store.dir().join(format!("snapshots/{second}.json"));
    let whole = fs::read(&manifest).expect("reads");
    fs::write(&manifest, &whole[..100]).expect("cuts");
    assert!(matches!(follower.refresh(), Err(Error::Damaged { .. })));
    assert_eq!(follower.city().snapshot.id, first);
    fs::write(&manifest, whole).expect("restores");
    assert!(follower.refresh().expect("follows"));
    assert_eq!(follower.city().snapshot.id, second);
}
