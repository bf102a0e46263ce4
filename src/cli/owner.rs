//! `chengtu owner`: one coordinate's answer with its trail for a person, or a file of them in bulk.

use super::print;
use chengtu::audience::Audience;
use chengtu::city::City;
use chengtu::error::{Error, Result};
use chengtu::lookup::{self, Desk, Form};
use chengtu::ownership::{Asked, Instant, LocalCrs, Ownership, Spellings, View};
use chengtu::store::{BlockCache, Store};
use clap::Args;
use serde_json::Value;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Blocks are read once.
const CACHE_BYTES: u64 = 64 << 20;

#[derive(Args)]
pub struct OwnerArgs {
    #[arg(long, value_name = "DIR")]
    store: PathBuf,
    /// Longitude or easting
    #[arg(required_unless_present = "file", allow_negative_numbers = true)]
    x: Option<f64>,
    /// Latitude or northing
    #[arg(required_unless_present = "file", allow_negative_numbers = true)]
    y: Option<f64>,
    /// CRS of the coordinates: an EPSG code, GCJ02, BD09, or a system of --local-crs [default: longitude, latitude]
    #[arg(long)]
    crs: Option<String>,
    /// What is wrong: scheme:kind:code, like cjt214-2007:component:0101
    #[arg(long)]
    class: Option<String>,
    /// The component's code, where it was scanned or picked
    #[arg(long)]
    component: Option<String>,
    /// When: RFC 3339 or a day [default: now]
    #[arg(long)]
    at: Option<String>,
    /// How exact the place is, metres [default: 10]
    #[arg(long, value_name = "M")]
    accuracy_m: Option<f64>,
    /// A provisional subject must be named
    #[arg(long)]
    urgent: bool,
    /// The answer as JSON
    #[arg(long)]
    json: bool,
    /// Questions in bulk: a .csv, .ndjson or .json file; answers to stdout in the same form
    #[arg(long, value_name = "FILE", conflicts_with_all = ["x", "y", "component"])]
    file: Option<PathBuf>,
    /// A plane system of the city's own, as `chengtu serve --local-crs` reads it
    #[arg(long = "local-crs", value_name = "FILE")]
    local_crs: Vec<PathBuf>,
}

impl OwnerArgs {
    fn asked(&self) -> Asked<'_> {
        let degrees = self.crs.is_none();
        Asked {
            lon: self.x.filter(|_| degrees),
            lat: self.y.filter(|_| degrees),
            x: self.x.filter(|_| !degrees),
            y: self.y.filter(|_| !degrees),
            crs: self.crs.as_deref(),
            class: self.class.as_deref(),
            component: self.component.as_deref(),
            at: self.at.as_deref(),
            accuracy_m: self.accuracy_m,
            urgent: self.urgent.then_some(true),
            trail: None,
        }
    }
}

pub fn owner(a: &OwnerArgs) -> Result<()> {
    let store = Store::open(&a.store, false)?;
    let id = store.current()?.ok_or_else(|| Error::Missing(a.store.join("CURRENT")))?;
    let city = City::new(store.snapshot(&id, &Arc::new(BlockCache::new(CACHE_BYTES)))?);
    let spellings = Spellings { local: a.local_crs.iter().map(|f| LocalCrs::read(f)).collect::<Result<_>>()? };
    match &a.file {
        Some(file) => in_bulk(a, &city, &spellings, file),
        None => one(a, &city, &spellings),
    }
}

fn one(a: &OwnerArgs, city: &City, spellings: &Spellings) -> Result<()> {
    let owners: &Ownership = city.ownership()?;
    let question = owners
        .parse(&a.asked(), spellings, Instant::now(), true)
        .map_err(|invalid| Error::request(400, invalid.code, format!("{}: {}", invalid.code, invalid.detail)))?;
    let answer = owners.resolve(&question);
    let view = View { ownership: owners, answer: &answer, audience: &Audience::OPEN, snapshot: &city.snapshot.id };
    if a.json {
        return print(&format!("{}\n", String::from_utf8_lossy(&lookup::one(&view))));
    }
    let document = serde_json::to_value(&view).map_err(|e| Error::Data(e.to_string()))?;
    print(&for_people(&document))
}

fn in_bulk(a: &OwnerArgs, city: &City, spellings: &Spellings, file: &Path) -> Result<()> {
    let form = match file.extension().and_then(|e| e.to_str()) {
        Some("csv") => Form::Csv,
        Some("ndjson" | "jsonl") => Form::Ndjson,
        Some("json") => Form::JsonArray,
        _ => return Err(Error::request(400, "unknown-form", "a file of questions ends in .csv, .ndjson or .json")),
    };
    let input = std::fs::read(file).map_err(|e| Error::io(file, e))?;
    let desk = Desk {
        ownership: city.ownership()?,
        snapshot: &city.snapshot.id,
        audience: &Audience::OPEN,
        spellings,
        now: Instant::now(),
        defaults: a.asked(),
    };
    let mut stdout = std::io::stdout().lock();
    desk.batch(form, &input, &mut |piece| stdout.write_all(&piece).is_ok())
}

/// The answer in lines: what, who, where, why.
fn for_people(d: &Value) -> String {
    let mut out = String::new();
    let text = |v: &Value| v.as_str().unwrap_or("—").to_string();
    let party = |v: &Value| format!("{} {} ({})", text(&v["id"]), text(&v["name"]), text(&v["role_zh"]));
    let _ = writeln!(out, "{}", text(&d["outcome"]));
    if !d["subject"].is_null() {
        let _ = writeln!(out, "  责任主体 subject      {}", party(&d["subject"]));
    }
    if !d["provisional_subject"].is_null() {
        let _ = writeln!(out, "  先行处置 provisional  {}", party(&d["provisional_subject"]));
    }
    for helper in d["assist"].as_array().into_iter().flatten() {
        let _ = writeln!(out, "  协助单位 assist       {}", party(helper));
    }
    for candidate in d["candidates"].as_array().into_iter().flatten() {
        let what = match candidate.get("subject") {
            Some(subject) => party(subject),
            None => text(&candidate["component"]["code"]),
        };
        let _ = writeln!(out, "  待定     candidate    {what}");
    }
    let _ = writeln!(out, "  规则     rule         {} {}", text(&d["rule"]), d["policy"].as_str().unwrap_or_default());
    for (zh, key) in [
        ("单元网格", "unit_grid"),
        ("社区    ", "community"),
        ("街道    ", "street"),
        ("区县    ", "district"),
        ("责任网格", "duty_grid"),
    ] {
        let cell = &d["territory"][key];
        if !cell.is_null() {
            let _ =
                writeln!(out, "  {zh} {key:<12} {} {}", text(&cell["code"]), cell["name"].as_str().unwrap_or_default());
        }
    }
    if let Some(c) = d.get("component").filter(|c| !c.is_null()) {
        let _ =
            writeln!(out, "  部件     component    {} {} {} m", text(&c["code"]), text(&c["layer"]), c["distance_m"]);
    }
    let flags: Vec<&str> = d["flags"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if !flags.is_empty() {
        let _ = writeln!(out, "  标记     flags        {}", flags.join(" "));
    }
    let _ = writeln!(out, "  时间     at           {}   数据 snapshot {}", text(&d["at"]), text(&d["snapshot"]));
    for step in d["trail"].as_array().into_iter().flatten() {
        let subject = step["subject"]["name"].as_str().map(|s| format!(" → {s}")).unwrap_or_default();
        let _ = writeln!(
            out,
            "  {:>2} {:<11} {:<8} {}{subject}\n                          {}",
            step["no"],
            text(&step["rule"]),
            text(&step["outcome"]),
            text(&step["reason_zh"]),
            text(&step["reason_en"])
        );
    }
    out
}
