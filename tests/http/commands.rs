//! The binary: which settings win, and which exit code says what.

use std::process::{Command, Output};

fn chengtu() -> Command {
    let mut c = Command::new(env!("CARGO_BIN_EXE_chengtu"));
    // A developer's own settings are none of the tests' business.
    c.env_clear().current_dir(std::env::temp_dir());
    c
}

fn text(o: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&o.stdout), String::from_utf8_lossy(&o.stderr))
}

#[test]
fn flags_win_over_the_environment_over_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("city.toml");
    std::fs::write(&file, "store = 'here'\ncache_mb = 1\nqueue = 1\nworkers = 1\nopen = true\ncors = []\n").unwrap();
    let printed = |flags: &[&str], env: &[(&str, &str)]| -> toml::Table {
        let mut c = chengtu();
        let o = c.args(["serve", "--print-config", "--config"]).arg(&file).args(flags).envs(env.iter().copied());
        let o = o.output().unwrap();
        assert!(o.status.success(), "{}", text(&o));
        String::from_utf8(o.stdout).unwrap().parse().unwrap()
    };
    let env =
        [("CHENGTU_QUEUE", "2"), ("CHENGTU_WORKERS", "2"), ("CHENGTU_CORS", "https://a.example,https://b.example")];
    let t = printed(&["--workers", "3", "--open=false"], &env);
    for (key, want) in [("cache_mb", 1), ("queue", 2), ("workers", 3), ("connections", 4096)] {
        assert_eq!(t[key].as_integer(), Some(want), "{key}");
    }
    assert_eq!(t["open"].as_bool(), Some(false));
    assert_eq!(t["cors"].as_array().unwrap().len(), 2);
    assert_eq!(t["store"].as_str(), Some(dir.path().join("here").to_str().unwrap()));
    assert_eq!(printed(&[], &[])["open"].as_bool(), Some(true));
}

#[test]
fn exit_codes_say_who_must_act() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_string();
    let (none, bad, grid) = (path("none"), path("bad.toml"), path("grid.json"));
    std::fs::write(&bad, "store = 'x'\nlisten = 3\n").unwrap();
    std::fs::write(&grid, "{}").unwrap();
    let empty = path("empty");
    chengtu::store::Store::open(std::path::Path::new(&empty), true).unwrap();
    for (args, code) in [
        (vec!["--help"], 0),
        (vec!["--version"], 0),
        (vec![], 64),
        (vec!["fly"], 64),
        (vec!["serve", "--no-such"], 64),
        (vec!["import", "--store", &none], 64),
        (vec!["gc", "--store", &empty, "--keep", "0"], 64),
        (vec!["verify", "--store", &none], 66),
        (vec!["inspect", "--store", &none], 66),
        (vec!["serve", "--store", &none], 66),
        (vec!["serve", "--config", &none], 66),
        (vec!["serve"], 78),
        (vec!["serve", "--config", &bad], 78),
        (vec!["serve", "--store", &empty, "--grid", &grid], 78),
        (vec!["serve", "--store", &empty, "--log", "="], 78),
        (vec!["serve", "--store", &empty, "--listen", "192.0.2.1:1"], 74),
        (vec!["verify", "--store", &empty], 0),
        (vec!["inspect", "--store", &empty], 0),
        (vec!["inspect", "--store", &empty, "--json"], 0),
    ] {
        let o = chengtu().args(&args).output().unwrap();
        assert_eq!(o.status.code(), Some(code), "{args:?}: {}", text(&o));
        assert!(code == 0 || !o.stderr.is_empty(), "{args:?} says nothing");
    }
    let o = chengtu().args(["serve", "--config", &bad]).output().unwrap();
    assert!(text(&o).contains("bad.toml:2: "), "{}", text(&o));
}

#[test]
fn too_few_open_files_are_told_and_the_limit_is_raised_to_the_hard_one() {
    let dir = super::city::built();
    let serve = |limits: &str| {
        let mut c = Command::new("sh");
        let command = format!("{limits}; exec {} serve --listen 127.0.0.1:0 --store .", env!("CARGO_BIN_EXE_chengtu"));
        c.env_clear().env("PATH", "/usr/bin:/bin").current_dir(dir.path()).args(["-c", &command]);
        c
    };
    let o = serve("ulimit -n 300").output().unwrap();
    let said = text(&o);
    assert_eq!(o.status.code(), Some(78), "{said}");
    assert!(said.contains("the system allows 300") && said.contains("LimitNOFILE"), "{said}");

    let mut c = serve("ulimit -Sn 128; ulimit -Hn 9000");
    let mut running = c.stderr(std::process::Stdio::piped()).spawn().unwrap();
    let said = std::io::BufReader::new(running.stderr.take().unwrap());
    let listening = std::io::BufRead::lines(said).any(|line| line.unwrap().contains("listening"));
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", running.id())).unwrap();
    running.kill().unwrap();
    running.wait().unwrap();
    let files = limits.lines().find_map(|l| l.strip_prefix("Max open files")).unwrap();
    assert!(listening, "it ended");
    assert_eq!(files.split_whitespace().take(2).collect::<Vec<_>>(), ["9000", "9000"]);
}

#[test]
fn a_store_is_inspected_and_rolled_back() {
    let dir = super::city::built();
    let store = dir.path().to_str().unwrap();
    let first = chengtu::store::Store::open(dir.path(), false).unwrap().current().unwrap().unwrap();
    super::city::publish(dir.path(), &[("lamp", super::city::lamps(7))]);
    let inspect = || {
        let o = chengtu().args(["inspect", "--json", "--store", store]).output().unwrap();
        serde_json::from_slice::<serde_json::Value>(&o.stdout).unwrap()
    };
    let lamps = |v: &serde_json::Value| {
        let layers = v["snapshot"]["layers"].as_array().unwrap();
        layers.iter().find(|l| l["id"] == "lamp").unwrap()["count"].as_u64().unwrap()
    };
    let v = inspect();
    assert_eq!((lamps(&v), v["snapshots"].as_array().unwrap().len()), (7, 2));
    let o = chengtu().args(["rollback", "--store", store, &first]).output().unwrap();
    assert!(o.status.success(), "{}", text(&o));
    let v = inspect();
    assert_eq!((lamps(&v), v["current"].as_str()), (5, Some(first.as_str())));
    let o = chengtu().args(["inspect", "--store", store]).output().unwrap();
    assert!(text(&o).contains("lamp") && text(&o).contains("114.200000, 34.700000"), "{}", text(&o));
    let o = chengtu().args(["verify", "--store", store]).output().unwrap();
    assert_eq!((o.status.code(), text(&o).as_str()), (Some(0), "whole\n"));
}
