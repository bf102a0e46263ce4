//! The import command itself, killed at any time, on disks of any size, twice at once; and the way back.

use crate::common::Random;
use crate::common::declared;
use crate::delivery::City;
use crate::{cases, figure};
use chengtu::error::Finding;
use chengtu::feature::Value;
use chengtu::store::{BlockCache, Store};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

const POINTS: u64 = 1500;

fn city() -> City {
    let city = City::new();
    let text = r#"{ name = "version", type = "text", zh = "版本", search = "name" }"#;
    let lines = "serve = [\"mvt\", \"3dtiles\"]\nscene = { kind = \"instance\", model = \"street_light\" }";
    city.layer("t", "places", &declared::layer("places", "point", lines, &[text]));
    city
}

/// A delivery of points that all say which version they are.
fn write(city: &City, version: usize) {
    let row =
        |i: u64| format!("{:.6},{:.6},第{version}版\n", 114.3 + (i % 50) as f64 * 1e-3, 34.8 + (i / 50) as f64 * 1e-3);
    city.write("a.csv", &format!("x,y,version\n{}", (0..POINTS).map(row).collect::<String>()));
    let lines = "path = \"a.csv\"\nlayer = \"places\"\ncrs = \"EPSG:4490\"\nxy = { x = \"x\", y = \"y\" }";
    city.write("d.toml", &format!("[[source]]\nid = \"s\"\n{lines}\n"));
}

fn start(city: &City, store: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_chengtu"))
        .arg("import")
        .arg("--store")
        .arg(store)
        .arg("--layers")
        .arg(city.path("layers"))
        .arg(city.path("d.toml"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn import(city: &City, store: &Path) -> Option<i32> {
    start(city, store).wait().unwrap().code()
}

/// The version that is published: the same in all its points, in a store without damage.
fn version_in(store: &Path) -> String {
    let store = Store::open(store, false).unwrap();
    assert_eq!(store.verify().unwrap(), Vec::<Finding>::new());
    let id = store.current().unwrap().unwrap();
    let snapshot = store.snapshot(&id, &Arc::new(BlockCache::new(8 << 20))).unwrap();
    let (mut found, mut count) = (BTreeSet::new(), 0);
    let mut each = |row: &chengtu::store::Row<'_>| {
        if let [Value::Text(version)] = row.to_feature().values.as_slice() {
            found.insert(version.clone());
        }
        count += 1;
        Ok(())
    };
    snapshot.features("places").unwrap().unwrap().scan(&mut each).unwrap();
    assert_eq!((count, found.len()), (POINTS, 1), "{found:?}");
    found.pop_first().unwrap()
}

/// Nothing lies in the store that no snapshot names.
fn nothing_left(store: &Path) {
    let folders = ["", "snapshots", "staging"].map(|f| std::fs::read_dir(store.join(f)).unwrap().flatten());
    let names: Vec<PathBuf> = folders.into_iter().flatten().map(|e| e.path()).collect();
    let staged = |p: &PathBuf| p.parent() == Some(&store.join("staging"));
    let hidden = |p: &&PathBuf| staged(p) || p.file_name().unwrap().to_string_lossy().starts_with('.');
    assert_eq!(names.iter().find(hidden), None);
    assert_eq!(Store::open(store, false).unwrap().orphans().unwrap(), Vec::<PathBuf>::new());
}

#[test]
fn killed_imports_leave_a_whole_store() {
    let city = city();
    let store = city.store();
    write(&city, 0);
    assert_eq!(import(&city, &store), Some(0));
    let begun = Instant::now();
    write(&city, 1);
    assert_eq!(import(&city, &store), Some(0));
    let whole = begun.elapsed();
    let (mut r, mut now, mut published, mut next) = (Random(2), "第1版".to_string(), 0, 0);
    let kills = cases(500, 5);
    for i in 0..kills {
        let version = i + 2;
        write(&city, version);
        let mut child = start(&city, &store);
        // Every other one towards the end, where the publish is.
        let part = if i % 2 == 0 { r.part() } else { 0.7 + 0.4 * r.part() };
        std::thread::sleep(whole.mul_f64(part));
        child.kill().unwrap();
        child.wait().unwrap();
        let found = version_in(&store);
        assert!(found == now || found == format!("第{version}版"), "{found} after {now} and {version}");
        published += usize::from(found != now);
        now = found;
        if i % 10 == 9 || i + 1 == kills {
            assert_eq!(import(&city, &store), Some(0), "the next import works");
            now = version_in(&store);
            assert_eq!(now, format!("第{version}版"));
            nothing_left(&store);
            next += 1;
        }
    }
    figure(
        "imports killed at random",
        &format!("{kills}, of which {published} had published; 0 damaged; {next} next ones worked, 0 files left"),
    );
}

/// A small file system in memory, gone with the value.
struct Small {
    dir: tempfile::TempDir,
}

impl Small {
    fn new(kib: u64) -> Option<Small> {
        let small = Small { dir: tempfile::tempdir().unwrap() };
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={kib}k"), "tmpfs"])
            .arg(small.dir.path())
            .output();
        mount.is_ok_and(|out| out.status.success()).then_some(small)
    }

    fn grow(&self, kib: u64) {
        let done = Command::new("mount").args(["-o", &format!("remount,size={kib}k")]).arg(self.dir.path()).status();
        assert!(done.unwrap().success());
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.dir.path()).stderr(Stdio::null()).status();
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}

fn kib_in(dir: &Path) -> u64 {
    let each = |e: std::fs::DirEntry| {
        if e.path().is_dir() { kib_in(&e.path()) } else { e.metadata().unwrap().len().div_ceil(4096) * 4 }
    };
    std::fs::read_dir(dir).unwrap().flatten().map(each).sum()
}

#[test]
fn a_disk_of_any_size_leaves_a_whole_store() {
    let city = city();
    let base = city.store();
    write(&city, 0);
    assert_eq!(import(&city, &base), Some(0));
    write(&city, 1);
    let (used, sizes) = (kib_in(&base), cases(50, 4) as u64);
    let (mut full, mut fitted) = (0, 0);
    for i in 0..sizes {
        // From no room at all to about what the import takes.
        let Some(small) = Small::new(used + 24 + i * used * 2 / sizes) else {
            eprintln!("SKIPPED: disks of any size: a file system in memory cannot be mounted here (root can)");
            return;
        };
        let store = small.dir.path().join("store");
        copy(&base, &store);
        match import(&city, &store) {
            Some(0) => fitted += 1,
            Some(74) => {
                full += 1;
                assert_eq!(version_in(&store), "第0版");
                nothing_left(&store);
                small.grow(used * 10 + 1024);
                assert_eq!(import(&city, &store), Some(0), "the next import works");
            }
            other => panic!("size {i}: exit {other:?}"),
        }
        assert_eq!(version_in(&store), "第1版");
        nothing_left(&store);
    }
    assert!(full > 0, "no disk was too small");
    figure(
        "disks that fill up",
        &format!("{sizes} sizes: {full} imports refused with exit 74, {fitted} had room; 0 damaged, 0 files left"),
    );
}

#[test]
fn of_two_importers_one_wins() {
    let city = city();
    let store = city.store();
    write(&city, 0);
    assert_eq!(import(&city, &store), Some(0));
    let races = cases(50, 2);
    let mut killed = 0;
    for i in 0..races {
        write(&city, i + 1);
        let mut first = start(&city, &store);
        let patience = Instant::now();
        while std::fs::read_dir(store.join("staging")).unwrap().next().is_none() {
            assert!(
                patience.elapsed() < Duration::from_secs(60) && first.try_wait().unwrap().is_none(),
                "it never began"
            );
        }
        // It waits, so that it cannot be done before the other one asks.
        let pid = Pid::from_child(&first);
        kill_process(pid, Signal::STOP).unwrap();
        assert_eq!(import(&city, &store), Some(75), "the second one is told");
        kill_process(pid, Signal::CONT).unwrap();
        if i % 3 == 2 {
            first.kill().unwrap();
            first.wait().unwrap();
            assert_eq!(import(&city, &store), Some(0), "a killed holder holds nothing");
            killed += 1;
        } else {
            assert_eq!(first.wait().unwrap().code(), Some(0));
        }
        assert_eq!(version_in(&store), format!("第{}版", i + 1));
    }
    figure(
        "two importers at once",
        &format!("{races} races ({killed} with the holder killed): one winner, exit 75 for the other"),
    );
}

#[test]
fn any_kept_snapshot_comes_back() {
    let city = city();
    let path = city.store();
    for version in 0..6 {
        write(&city, version);
        assert_eq!(import(&city, &path), Some(0));
    }
    let store = Store::open(&path, false).unwrap();
    let ids = store.snapshots().unwrap();
    assert_eq!(ids.len(), 5, "five are kept");
    let mut slowest = Duration::ZERO;
    for (i, id) in ids.iter().enumerate().chain(ids.iter().enumerate().rev()) {
        let begun = Instant::now();
        store.rollback(id).unwrap();
        slowest = slowest.max(begun.elapsed());
        assert_eq!(version_in(&path), format!("第{}版", i + 1));
    }
    figure("rollback to each of the last 5", &format!("10 of 10, at most {:.0} ms", slowest.as_secs_f64() * 1e3));
}
