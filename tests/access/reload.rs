//! Rules that change while the server runs: taken when they hold together, else told, and those before go on.

use super::common::web::{Answer, ask};
use super::rules::{CORNER, ROLES, Small, prepared, tile};
use axum::http::Method;
use chengtu::serve::{App, Options};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A server whose rules stand in a file.
struct Filed {
    small: Small,
    file: PathBuf,
    /// The keys' hashes are in it.
    text: String,
}

/// `[access]` as a settings file says it.
fn settings(text: &str) -> String {
    format!(
        "[access]\n{}",
        text.replace("[roles", "[access.roles")
            .replace("[area_", "[access.area_")
            .replace("[audit]", "[access.audit]")
            .replace("[[keys]]", "[[access.keys]]")
    )
}

fn filed(rules: &str) -> Filed {
    let (dir, options, keys, text) = prepared(rules);
    let (file, text) = (dir.path().join("chengtu.toml"), settings(&text));
    std::fs::write(&file, &text).unwrap();
    let app = App::open(&Options { file: file.clone(), ..options }).unwrap_or_else(|e| panic!("{e}"));
    Filed { small: Small { router: app.router(), app, dir, keys }, file, text }
}

impl Filed {
    /// Another file; the server has looked twice since.
    fn say(&self, text: &str) {
        std::fs::write(&self.file, text).unwrap();
        self.small.app.look_after();
        self.small.app.look_after();
    }

    async fn pipe(&self, key: usize) -> u16 {
        self.small.by(key, "/collections/pipe/items?limit=1").await.status
    }

    /// How many pipes a key sees.
    async fn pipes(&self, key: usize) -> u64 {
        self.small.by(key, "/collections/pipe/items?limit=1").await.json()["numberMatched"].as_u64().unwrap()
    }

    async fn health(&self) -> Answer {
        ask(&self.small.router, Method::GET, "/health", &[]).await
    }
}

#[tokio::test]
async fn changed_rules_hold_when_they_have_settled() {
    let f = filed(ROLES);
    assert_eq!((f.pipe(0).await, f.pipe(1).await), (200, 200));
    let narrower = f.text.replacen("clearance = \"restricted\"", "clearance = \"public\"", 1);
    assert_ne!(narrower, f.text);
    std::fs::write(&f.file, &narrower).unwrap();
    f.small.app.look_after();
    assert_eq!(f.pipe(0).await, 200, "it may still be being written");
    f.small.app.look_after();
    assert_eq!((f.pipe(0).await, f.pipe(1).await), (404, 200));
    // A key more, a role more.
    let (key, hash) = chengtu::serve::make_key().unwrap();
    let more =
        "[access.roles.third]\nclearance = \"restricted\"\n[[access.keys]]\nid = \"new\"\nrole = \"third\"\nhash =";
    f.say(&format!("{narrower}{more} {hash:?}\n"));
    let a = ask(&f.small.router, Method::GET, "/collections/pipe/items", &[("x-api-key", &key)]).await;
    assert_eq!(a.status, 200);
    // At once where it is asked for.
    std::fs::write(&f.file, &f.text).unwrap();
    f.small.app.reload();
    assert_eq!((f.pipe(0).await, f.health().await.text()), (200, "{\"status\":\"ok\"}"));
}

#[tokio::test]
async fn what_is_wrong_changes_nothing_and_is_told() {
    let f = filed(&format!("{ROLES}[audit]\nfile = \"DIR/audit.log\"\n"));
    for wrong in [
        String::new(),
        "[access".into(),
        "cache_mb = 5\n".into(),
        f.text.replace("\"staff\"", "\"nobody\""),
        f.text.replacen("clearance = \"restricted\"", "clearance = \"restricted\"\ndeny = [\"no_such_layer\"]", 1),
        f.text.replace("audit.log", "other.log"),
        format!("open = true\n{}", f.text),
        f.text.replacen("clearance", "clearence", 1),
    ] {
        f.say(&wrong);
        assert_eq!((f.pipe(0).await, f.pipe(1).await), (200, 200), "{wrong}");
        assert!(f.health().await.text().contains("those before hold"), "{wrong}");
    }
    std::fs::remove_file(&f.file).unwrap();
    f.small.app.look_after();
    f.small.app.look_after();
    assert_eq!(f.pipe(0).await, 200);
    assert!(f.health().await.text().contains("those before hold"));
    let rules = || f.small.lines().iter().filter(|l| l["kind"] == "config").count();
    assert_eq!(rules(), 1, "what was refused is no change");
    f.say(&f.text.replacen("clearance = \"restricted\"", "clearance = \"government\"", 1));
    assert_eq!((f.pipe(0).await, f.health().await.text()), (404, "{\"status\":\"ok\"}"));
    assert_eq!(rules(), 2, "{:?}", f.small.lines());
    chengtu::audit::verify(&f.small.log(), None).unwrap();
}

#[tokio::test]
async fn an_areas_file_is_part_of_the_rules_and_what_was_spent_stays_spent() {
    let square = |east: f64| {
        let [x, y] = [CORNER[0] - 0.005, CORNER[1] - 0.005];
        format!(
            "{{\"type\":\"Polygon\",\"coordinates\":[[[{x},{y}],[{0},{y}],[{0},{1}],[{x},{1}],[{x},{y}]]]}}",
            x + east,
            y + 1.0
        )
    };
    let budget = "[area_budget]\ncells = 20\nwarn = 10\nwindow_s = 3600\n";
    let rules = format!("{budget}{ROLES}[[roles.twin.rows]]\narea = \"DIR/area.geojson\"\n");
    let f = filed(&rules);
    let area = |text: &str| {
        std::fs::write(f.small.dir.path().join("area.geojson"), text).unwrap();
        f.small.app.look_after();
        f.small.app.look_after();
    };
    assert_eq!(f.pipes(1).await, 400);
    area(&square(0.1));
    assert_eq!(f.pipes(1).await, 100);
    area("{}");
    assert_eq!(f.pipes(1).await, 100, "an area that is none is not taken");

    let mut given = 0;
    while f.small.by(0, &tile("pipe", 14, given)).await.status < 400 {
        given += 1;
        assert!(given < 100, "the budget ends");
    }
    area(&square(0.3));
    assert_eq!(f.pipes(1).await, 300, "other rules hold");
    assert_eq!(f.small.by(0, &tile("pipe", 14, given)).await.problem().1, "area-budget");
}

const AREA: &str = "[access.roles.third]\nclearance = \"restricted\"\n[[access.roles.third.rows]]\narea = ";

#[tokio::test]
async fn an_area_that_comes_after_the_rules_is_waited_for() {
    let f = filed(ROLES);
    let late = f.small.dir.path().join("late.geojson");
    let (key, hash) = chengtu::serve::make_key().unwrap();
    f.say(&format!("{}{AREA}{late:?}\n[[access.keys]]\nid = \"new\"\nrole = \"third\"\nhash = {hash:?}\n", f.text));
    let status =
        async || ask(&f.small.router, Method::GET, "/collections/pipe/items", &[("x-api-key", &key)]).await.status;
    assert_eq!((status().await, f.pipe(0).await), (401, 200));
    std::fs::copy(f.small.dir.path().join("area.geojson"), &late).unwrap();
    f.small.app.look_after();
    f.small.app.look_after();
    assert_eq!((status().await, f.pipe(0).await), (200, 200));
}

/// What is written while the rules before it are being read must not be passed over: it may forbid.
#[tokio::test]
async fn rules_that_change_while_they_are_read_are_read_again() {
    let f = filed(ROLES);
    let slow = f.small.dir.path().join("slow.geojson");
    assert!(Command::new("mkfifo").arg(&slow).status().unwrap().success());
    std::fs::write(&f.file, format!("{}{AREA}{slow:?}\n", f.text)).unwrap();
    let app = f.small.app.clone();
    let reading = std::thread::spawn(move || {
        app.look_after();
        app.look_after();
    });
    // Opens when it is opened to be read.
    let (opened, open) = std::sync::mpsc::channel();
    std::thread::spawn(move || opened.send(std::fs::File::options().write(true).open(&slow)));
    let mut area = open.recv_timeout(Duration::from_secs(60)).expect("the area is read").unwrap();
    std::fs::write(&f.file, f.text.replacen("clearance = \"restricted\"", "clearance = \"public\"", 1)).unwrap();
    area.write_all(&std::fs::read(f.small.dir.path().join("area.geojson")).unwrap()).unwrap();
    drop(area);
    reading.join().unwrap();
    assert_eq!(f.pipe(0).await, 200);
    f.small.app.look_after();
    f.small.app.look_after();
    assert_eq!((f.pipe(0).await, f.pipe(1).await), (404, 200));
}

/// The server as a process, told by a signal.
#[test]
fn a_signal_brings_new_rules_to_a_running_server() {
    let (dir, _, keys, text) = prepared(ROLES);
    let file = dir.path().join("chengtu.toml");
    std::fs::write(&file, format!("store = \"store\"\nlisten = \"127.0.0.1:0\"\n{}", settings(&text))).unwrap();
    let mut server = Command::new(env!("CARGO_BIN_EXE_chengtu"));
    let mut server = server.args(["serve", "--config"]).arg(&file).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(server.stderr.take().unwrap()).lines();
    let line = said.find(|l| l.as_ref().unwrap().contains("listening")).unwrap().unwrap();
    let address = line.split("address=").nth(1).unwrap().split(' ').next().unwrap().to_string();
    let rest = std::thread::spawn(move || said.map(Result::unwrap).collect::<Vec<_>>());
    let status = || {
        let mut c = std::net::TcpStream::connect(&address).unwrap();
        let head =
            format!("GET /tiles/pipe.json HTTP/1.1\r\nHost: x\r\nX-API-Key: {}\r\nConnection: close\r\n\r\n", keys[0]);
        c.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        c.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().to_string()
    };
    assert_eq!(status(), "200");
    let narrower = settings(&text).replace("clearance = \"restricted\"", "clearance = \"public\"");
    std::fs::write(&file, format!("store = \"store\"\nlisten = \"127.0.0.1:0\"\n{narrower}")).unwrap();
    kill_process(Pid::from_child(&server), Signal::HUP).unwrap();
    let begun = Instant::now();
    while status() != "404" {
        assert!(begun.elapsed() < Duration::from_secs(60), "the rules did not come");
        std::thread::sleep(Duration::from_millis(50));
    }
    kill_process(Pid::from_child(&server), Signal::TERM).unwrap();
    assert!(server.wait().unwrap().success());
    assert!(rest.join().unwrap().iter().any(|l| l.contains("read again")));
}
