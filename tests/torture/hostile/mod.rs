//! Hostile deliveries: some six hundred files made here from small seeds, each with a label of what must come of it, each
//! through the whole `chengtu import`. Nothing may be stored in part without a word, and no file ends the import itself.

mod archives;
mod cases;
mod disguises;
pub mod seeds;
mod texts;

use crate::common::declared::{self, CODE, metres};
use crate::delivery::{City, Run};
use crate::{figure, full};
use std::collections::BTreeMap;
use std::net::TcpListener;

/// What must come of a delivery.
#[derive(Debug, Clone)]
pub enum Expect {
    /// So many records, all stored.
    Accept(u64),
    /// So many records; this code among the refused ones, and the report says so.
    Report(u64, &'static str),
    /// Nothing is published, for one of these codes; any, if there are none.
    Refuse(&'static [&'static str]),
    /// Refused by name, or all of so many records are accounted for. What a flipped bit does to a value no format tells.
    Whole(u64),
}

/// A delivery: its files, and the lines of its source in the manifest.
#[derive(Debug, Clone)]
pub struct Case {
    pub name: String,
    pub files: Vec<(String, Vec<u8>)>,
    pub lines: String,
    pub expect: Expect,
    /// Link → what it leads to.
    pub links: Vec<(String, String)>,
}

impl Case {
    pub fn new(name: impl Into<String>, file: &str, bytes: impl Into<Vec<u8>>, lines: &str, expect: Expect) -> Case {
        let lines = format!("path = \"{file}\"\n{lines}");
        Case { name: name.into(), files: vec![(file.to_string(), bytes.into())], lines, expect, links: vec![] }
    }
}

fn city() -> City {
    let city = City::new();
    let text = r#"{ name = "name", type = "text", zh = "名称" }"#;
    city.layer("t", "places", &declared::layer("places", "point", r#"serve = ["mvt"]"#, &[text]));
    let (houses, fields) = (r#"serve = ["mvt"]"#, [CODE, &metres("height_m")]);
    city.layer("t", "houses", &declared::layer("houses", "polygon", houses, &fields));
    let terrain = "scene = { kind = \"terrain\" }\nserve = [\"3dtiles\"]\nroles = [\"terrain\"]";
    city.layer("t", "terrain", &declared::layer("terrain", "polygon", terrain, &[CODE, &metres("resolution_m")]));
    city
}

/// Delivers the case to an empty store; `Err`: what is not as labelled.
fn deliver(city: &City, case: &Case) -> Result<String, String> {
    for folder in ["store", "in"] {
        let _ = std::fs::remove_dir_all(city.path(folder));
    }
    std::fs::create_dir(city.path("in")).unwrap();
    for (name, bytes) in &case.files {
        city.write_bytes(&format!("in/{name}"), bytes);
    }
    for (name, to) in &case.links {
        std::os::unix::fs::symlink(to, city.path("in").join(name)).unwrap();
    }
    city.write("in/d.toml", &format!("[[source]]\nid = \"s\"\n{}", case.lines));
    let run = city.import(&["in/d.toml"]);
    judge(&run, city.current().is_some(), &case.expect)
}

/// What came of it in a word, where it is as labelled.
fn judge(run: &Run, published: bool, expect: &Expect) -> Result<String, String> {
    let source = &run.report["sources"][0];
    let code = source["failed"]["code"].as_str().unwrap_or(if run.code == 78 { "configuration" } else { "" });
    let number = |key: &str| source[key].as_u64().unwrap_or_default();
    let wrong = |what: &str| Err(format!("{what}: exit {}, `{code}`, {source:#}\n{}", run.code, run.stderr));
    if ![0, 65, 66, 74, 78].contains(&run.code) || run.stderr.contains("panicked") && code != "reader-died" {
        return wrong("the import crashed");
    }
    if published != (run.code == 0) {
        return wrong("what it says and what it did differ");
    }
    let rejected = run.rejects(0);
    let (read, stored) = (number("read"), number("stored"));
    match (expect, run.code) {
        (Expect::Refuse(codes), 65..) if codes.is_empty() || codes.contains(&code) => match code {
            "" if run.code != 66 => wrong("it is refused without a code"),
            "reader-died" => wrong("the reader died"),
            _ => Ok(code.to_string()),
        },
        (Expect::Accept(n), 0) if (read, stored) == (*n, *n) => Ok("accepted".into()),
        (Expect::Report(n, code), 0) if read == *n && rejected.contains_key(*code) => {
            Ok(format!("accepted, {code} told"))
        }
        (Expect::Whole(n), 0) if read == *n => Ok("accepted whole".into()),
        (Expect::Whole(_), 65..) if !code.is_empty() => Ok(code.to_string()),
        _ => wrong(&format!("it should be {expect:?}")),
    }
}

#[test]
fn every_hostile_delivery_comes_out_as_labelled() {
    let canary = TcpListener::bind("127.0.0.1:0").unwrap();
    canary.set_nonblocking(true).unwrap();
    let all = cases::all(&format!("127.0.0.1:{}", canary.local_addr().unwrap().port()));
    assert!(all.len() >= 500, "{}", all.len());
    let only = std::env::var("CHENGTU_TORTURE_ONLY").ok();
    // All that are made by hand, and some of those that are cut and flipped by the dozen.
    let taken = |i: usize, c: &Case| match &only {
        Some(only) => c.name.contains(only.as_str()),
        None => full() || i.is_multiple_of(19),
    };
    let city = city();
    let (mut words, mut wrong, mut count) = (BTreeMap::<String, usize>::new(), vec![], 0);
    for (_, case) in all.iter().enumerate().filter(|(i, c)| taken(*i, c)) {
        count += 1;
        match deliver(&city, case) {
            Ok(word) => *words.entry(word).or_default() += 1,
            Err(what) => wrong.push(format!("{}: {what}", case.name)),
        }
    }
    eprintln!("hostile deliveries: {words:?}");
    assert!(canary.accept().is_err(), "something reached the network");
    assert!(wrong.is_empty(), "{} of {count} are not as labelled:\n{}", wrong.len(), wrong.join("\n"));
    figure("hostile deliveries", &format!("{count} of {} files, all as labelled, 0 in part, 0 crashes", all.len()));
}
