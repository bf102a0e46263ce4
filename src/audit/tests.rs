use super::*;

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}

fn event(detail: &str) -> Event<'_> {
    Event { kind: "read", who: "key:a", role: "gas", what: "/tiles", layer: "pipe", detail, count: 3 }
}

fn filled(lines: usize) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.log");
    let log = AuditLog::open(&path).unwrap();
    for i in 0..lines {
        log.append(&event(&format!("number {i}"))).unwrap();
    }
    (dir, path)
}

#[test]
fn a_log_goes_on_after_it_was_closed() {
    let (_dir, path) = filled(3);
    let log = AuditLog::open(&path).unwrap();
    log.append(&Event { kind: "start", detail: "again", ..Event::default() }).unwrap();
    log.sync().unwrap();
    let report = verify(&path, None).unwrap();
    assert_eq!((report.head.lines, &report.head), (4, &log.head()));
    assert_eq!(log.last_detail("start").unwrap().as_deref(), Some("again"));
    assert_eq!(log.last_detail("config").unwrap(), None);
    let text = fs::read_to_string(&path).unwrap();
    let last: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!((&last["seq"], &last["kind"]), (&3.into(), &"start".into()));
    assert!(last.get("layer").is_none() && last["at"].as_str().unwrap().ends_with('Z'));
}

#[test]
fn two_writers_make_one_chain() {
    let (_dir, path) = filled(0);
    let (a, b) = (AuditLog::open(&path).unwrap(), AuditLog::open(&path).unwrap());
    for i in 0..20 {
        if i % 3 == 0 { a.append(&event("a")) } else { b.append(&event("b")) }.unwrap();
    }
    assert_eq!(verify(&path, None).unwrap().head.lines, 20);
}

#[test]
fn an_unfinished_line_is_taken_off_and_told() {
    let (_dir, path) = filled(2);
    let whole = fs::read(&path).unwrap();
    let mut torn = whole.clone();
    torn.extend_from_slice(b"{\"seq\":2,\"at\":\"20");
    fs::write(&path, &torn).unwrap();
    assert!(verify(&path, None).is_err());
    drop(AuditLog::open(&path).unwrap());
    assert!(fs::read_to_string(&path).unwrap().lines().last().unwrap().contains("unfinished"));
    assert_eq!(verify(&path, None).unwrap().head.lines, 3);
}

/// The machine stopped between a line and its head: the next start goes on; `verify` says so until then.
#[test]
fn a_head_may_be_one_line_behind() {
    let (_dir, path) = filled(5);
    let head = fs::read(head_path(&path)).unwrap();
    AuditLog::open(&path).unwrap().append(&event("one more")).unwrap();
    fs::write(head_path(&path), &head).unwrap();
    assert!(verify(&path, None).is_err());
    AuditLog::open(&path).unwrap().append(&event("and on")).unwrap();
    assert_eq!(verify(&path, None).unwrap().head.lines, 7);
    fs::write(head_path(&path), head).unwrap();
    assert_eq!(AuditLog::open(&path).err().unwrap().exit_code(), 78);
}

/// Power cuts lose what was not synced, of the log and of its head each for itself.
#[test]
fn what_a_power_cut_may_leave_is_built_upon_and_told() {
    let (_dir, path) = filled(4);
    let log = AuditLog::open(&path).unwrap();
    log.sync().unwrap();
    let synced = (fs::read(&path).unwrap(), fs::read_to_string(head_path(&path)).unwrap());
    for i in 0..3 {
        log.append(&event(&format!("unsynced {i}"))).unwrap();
    }
    drop(log);
    let late = (fs::read(&path).unwrap(), fs::read_to_string(head_path(&path)).unwrap());
    assert_eq!(late.1.lines().nth(1), synced.1.lines().nth(1), "appending leaves the second line");
    let boot = boot();
    assert!(!boot.is_empty() && synced.1.trim_end().ends_with(&boot), "{}", synced.1);
    let end_of = |lines: usize| late.0.iter().enumerate().filter(|(_, b)| **b == b'\n').nth(lines - 1).unwrap().0 + 1;
    let elsewhere = |head: &str| head.replace(&boot, "00000000-0000-0000-0000-000000000000");
    let torn = [&late.0[..end_of(5)], &[0; 100]].concat();
    for (log, head, lines) in [
        (&late.0, &synced.1, 8),
        (&synced.0, &late.1, 5),
        (&late.0[..end_of(5)].to_vec(), &late.1, 6),
        (&torn, &late.1, 7),
    ] {
        fs::write(&path, log).unwrap();
        fs::write(head_path(&path), head).unwrap();
        assert_eq!(AuditLog::open(&path).err().unwrap().exit_code(), 78, "the machine has not been down");
        fs::write(head_path(&path), elsewhere(head)).unwrap();
        drop(AuditLog::open(&path).unwrap());
        assert_eq!(verify(&path, None).unwrap().head.lines, lines);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.lines().last().unwrap().contains("missing after the first 4"), "{text}");
    }
    // What was on disk is missing, or is another.
    fs::write(head_path(&path), elsewhere(&late.1)).unwrap();
    for log in [&late.0[..end_of(3)], b"".as_slice(), &[&late.0[end_of(1)..], &late.0[..end_of(1)]].concat()] {
        fs::write(&path, log).unwrap();
        assert_eq!(AuditLog::open(&path).err().unwrap().exit_code(), 78);
    }
}

#[test]
fn what_cannot_be_written_is_an_error() {
    let (_dir, path) = filled(1);
    let log = AuditLog::open(&path).unwrap();
    fs::rename(&path, path.with_extension("old")).unwrap();
    assert!(log.append(&event("gone")).is_err());
    fs::write(&path, "something else\n").unwrap();
    assert!(log.append(&event("replaced")).is_err());
    fs::rename(path.with_extension("old"), &path).unwrap();
    log.append(&event("back")).unwrap();
    assert_eq!(verify(&path, None).unwrap().head.lines, 2);
    assert_eq!(AuditLog::open(Path::new("/dev/null")).err().unwrap().exit_code(), 78);
}

#[test]
fn an_earlier_head_must_be_in_the_chain() {
    let (_dir, path) = filled(4);
    let earlier = AuditLog::open(&path).unwrap().head();
    AuditLog::open(&path).unwrap().append(&event("later")).unwrap();
    assert!(verify(&path, Some(&earlier)).is_ok());
    assert!(verify(&path, Some(&Head { lines: 3, ..earlier.clone() })).is_err());
    assert!(verify(&path, Some(&Head { lines: 9, ..earlier.clone() })).is_err());
    assert_eq!(Head::parse(&earlier.to_string()), Some(earlier));
    assert_eq!(Head::parse("4:abc"), None);
    // A whole new log is no continuation.
    fs::remove_file(&path).unwrap();
    fs::remove_file(head_path(&path)).unwrap();
    let again = AuditLog::open(&path).unwrap();
    (0..9).for_each(|_| again.append(&event("forged")).unwrap());
    assert!(verify(&path, None).is_ok());
    let kept = Head { lines: 4, digest: "0".repeat(64) };
    assert!(verify(&path, Some(&kept)).is_err());
}

/// A thousand ways of changing it, each found.
#[test]
fn every_change_is_found() {
    let (_dir, path) = filled(60);
    let whole = fs::read(&path).unwrap();
    let lines: Vec<&[u8]> = whole.split_inclusive(|b| *b == b'\n').collect();
    let (mut random, mut found) = (Random(8), 0);
    for n in 0..1000 {
        let mut bytes = whole.clone();
        match n % 8 {
            // A bit, a byte, a byte more, a byte less.
            0 => {
                let at = random.below(bytes.len());
                bytes[at] ^= 1 << random.below(8);
            }
            1 => {
                let at = random.below(bytes.len());
                bytes[at] = bytes[at].wrapping_add(1 + random.below(255) as u8);
            }
            2 => bytes.insert(random.below(whole.len()), b' '),
            3 => drop(bytes.remove(random.below(whole.len()))),
            // A line less, twice, exchanged with another.
            4 => {
                let mut all = lines.clone();
                all.remove(random.below(lines.len()));
                bytes = all.concat();
            }
            5 => {
                let mut all = lines.clone();
                all.insert(random.below(lines.len() + 1), lines[random.below(lines.len())]);
                bytes = all.concat();
            }
            6 => {
                let (mut all, i) = (lines.clone(), random.below(lines.len()));
                all.swap(i, (i + 1 + random.below(lines.len() - 1)) % lines.len());
                bytes = all.concat();
            }
            // Cut, at a line's end or anywhere.
            _ if n % 16 == 7 => bytes = lines[..random.below(lines.len())].concat(),
            _ => bytes.truncate(random.below(whole.len())),
        }
        assert_ne!(bytes, whole);
        fs::write(&path, &bytes).unwrap();
        found += usize::from(verify(&path, None).is_err());
        if !bytes.is_empty() && bytes.ends_with(b"\n") {
            assert!(AuditLog::open(&path).is_err(), "change {n} is built upon");
            assert_eq!(fs::read(&path).unwrap(), bytes, "a log that was changed is left as it is");
        }
    }
    println!("torture: audit log changed in 1000 ways: {found} found");
    assert_eq!(found, 1000);
    fs::write(&path, &whole).unwrap();
    assert!(verify(&path, None).is_ok());
}
