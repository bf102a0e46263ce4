//! What an import did, record by record accounted for: `read = stored + filtered + rejected` for every source.
//! JSON for machines, a table for people; both say the same.

use super::wire::{Failed, Opened, Reject, Who};
use crate::error::Finding;
use crate::ownership::Note;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write;

/// A field is mostly filled when one record in so many, or fewer, lacks it.
const MOSTLY: u64 = 20;
/// Samples kept of each reject code.
const SAMPLES: usize = 5;

#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// The snapshot that the import began from.
    pub base: Option<String>,
    /// The snapshot that it published; none when it was refused.
    pub published: Option<String>,
    pub sources: Vec<SourceReport>,
    /// Where a register was delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub register: Option<RegisterReport>,
    /// Tilesets made elsewhere.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tilesets: Vec<TilesetReport>,
    pub layers: Vec<LayerReport>,
    /// Pipe ends that meet no point.
    pub network: Vec<Note>,
    /// What is odd about the codes by which models of one building find each other.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<Note>,
    /// What is wrong with the data that decide who is responsible, though nothing was refused for it.
    pub ownership: Vec<Note>,
    pub totals: Totals,
}

#[derive(Debug, Default, Serialize)]
pub struct Totals {
    pub read: u64,
    pub stored: u64,
    pub filtered: u64,
    pub rejected: u64,
}

#[derive(Debug, Default, Serialize)]
pub struct SourceReport {
    pub id: String,
    pub manifest: String,
    pub path: String,
    /// Records that the container itself declares, where it does.
    pub declared: Option<u64>,
    /// Records marked as deleted in the container; not read.
    pub deleted: u64,
    pub read: u64,
    pub stored: u64,
    /// Layer → records stored there.
    pub layers: BTreeMap<String, u64>,
    /// Why left out → records.
    pub filtered: BTreeMap<String, u64>,
    /// Layer field with a source column → stored records that have no value there.
    pub empty: BTreeMap<String, u64>,
    /// Repair code → records it was done to.
    pub repaired: BTreeMap<String, u64>,
    /// What is wrong with records that were stored all the same: a model's surfaces that do not close …
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub faulty: BTreeMap<String, Rejected>,
    pub rejected: BTreeMap<String, Rejected>,
    /// Rejects that the manifest allows, for the records read.
    pub reject_limit: u64,
    pub encoding: String,
    pub crs: String,
    pub operation: String,
    pub vertical: String,
    /// Layer field → source column.
    pub columns: BTreeMap<String, String>,
    pub unused_columns: Vec<String>,
    pub findings: Vec<String>,
    pub failed: Option<Failure>,
    pub seconds: Option<f64>,
}

#[derive(Debug, Default, Serialize)]
pub struct Rejected {
    pub count: u64,
    pub samples: Vec<Sample>,
}

#[derive(Debug, Serialize)]
pub struct Sample {
    pub row: u64,
    pub detail: String,
}

/// A delivered register of responsible bodies.
#[derive(Debug, Default, Serialize)]
pub struct RegisterReport {
    /// The delivery's.
    pub id: String,
    pub manifest: String,
    pub tables: Vec<TableReport>,
    /// Everything that is wrong with it, by file and line.
    pub flaws: Vec<Finding>,
    pub failed: Option<Failure>,
}

/// A table of a register.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableReport {
    pub table: String,
    pub file: String,
    pub encoding: String,
    pub rows: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unused_columns: Vec<String>,
}

/// A delivered tileset.
#[derive(Debug, Default, Serialize)]
pub struct TilesetReport {
    pub id: String,
    pub layer: String,
    pub manifest: String,
    pub line: usize,
    pub path: String,
    pub withdrawn: bool,
    pub tiles: u64,
    pub external: u64,
    pub subtrees: u64,
    /// Format → contents.
    pub contents: BTreeMap<String, u64>,
    pub files: u64,
    pub bytes: u64,
    /// Files of the delivery that no tile names.
    pub left_out: u64,
    /// What it is refused for.
    pub faults: BTreeMap<String, Told>,
    /// What is odd in it, and taken.
    pub notes: BTreeMap<String, Told>,
    pub failed: Option<Failure>,
}

#[derive(Debug, Default, Serialize)]
pub struct Told {
    pub count: u64,
    pub samples: Vec<String>,
}

/// Why nothing of a source can be published.
#[derive(Debug, Serialize)]
pub struct Failure {
    #[serde(serialize_with = "who")]
    pub who: Who,
    pub code: String,
    pub what: String,
}

fn who<S: serde::Serializer>(who: &Who, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(match who {
        Who::Supplier => "supplier",
        Who::Missing => "missing",
        Who::Machine => "machine",
        Who::Operator => "operator",
    })
}

impl From<Failed> for Failure {
    fn from(f: Failed) -> Failure {
        Failure { who: f.who, code: f.code, what: f.what }
    }
}

/// A layer that the import wrote.
#[derive(Debug, Serialize)]
pub struct LayerReport {
    pub id: String,
    pub count: u64,
    /// Records of earlier imports that stayed.
    pub kept: u64,
    pub why: &'static str,
}

/// Flaws that are said on standard error and in the table; the JSON has all.
const FLAWS_SAID: usize = 200;

impl RegisterReport {
    /// The register is refused; whoever has to act first is kept: the machine's owner, then the operator.
    pub fn blame(&mut self, who: Who) {
        let weight = |who: Who| match who {
            Who::Machine => 3,
            Who::Operator => 2,
            Who::Missing => 1,
            Who::Supplier => 0,
        };
        if self.failed.as_ref().is_none_or(|f| weight(who) > weight(f.who)) {
            let what = "the register is refused whole; correct every flaw and deliver it again".to_string();
            self.failed = Some(Failure { who, code: "flawed-register".to_string(), what });
        }
    }

    /// The flaws, one a line.
    pub fn said(&self) -> String {
        let mut lines: Vec<String> = self.flaws.iter().take(FLAWS_SAID).map(Finding::to_string).collect();
        if let Some(more) = self.flaws.len().checked_sub(FLAWS_SAID).filter(|n| *n > 0) {
            lines.push(format!("… and {more} more, in the report (--report)"));
        }
        lines.join("\n")
    }

    fn details(&self, out: &mut String) {
        let _ = writeln!(out, "\nregister {}:", self.id);
        for t in &self.tables {
            let _ = writeln!(out, "  {}: {} rows; {}; {}", t.table, t.rows, t.file, t.encoding);
            if !t.unused_columns.is_empty() {
                let _ = writeln!(out, "    note: columns that nothing is read from: {}", t.unused_columns.join(", "));
            }
        }
        if let Some(f) = &self.failed {
            let _ = writeln!(out, "  FAILED {}: {} flaws; {}", f.code, self.flaws.len(), f.what);
            for line in self.said().lines() {
                let _ = writeln!(out, "    {line}");
            }
        }
    }
}

impl Told {
    fn add(&mut self, sample: String) {
        self.count += 1;
        if self.samples.len() < SAMPLES {
            self.samples.push(sample);
        }
    }
}

impl TilesetReport {
    pub fn fault(&mut self, code: &str, what: String) {
        self.faults.entry(code.to_string()).or_default().add(what);
    }

    pub fn note(&mut self, code: &str, what: String) {
        self.notes.entry(code.to_string()).or_default().add(what);
    }

    fn details(&self, out: &mut String) {
        if self.withdrawn {
            let _ = writeln!(out, "\ntileset {} of {}: withdrawn", self.id, self.layer);
            return;
        }
        let contents = self.contents.iter().map(|(format, n)| format!("{n} {format}")).collect::<Vec<_>>().join(", ");
        let _ = writeln!(out, "\ntileset {} of {}: {} tiles; {contents}", self.id, self.layer, self.tiles);
        let _ = writeln!(
            out,
            "  {} files, {} bytes; {} external tilesets, {} subtrees; left out, named by no tile: {}",
            self.files, self.bytes, self.external, self.subtrees, self.left_out
        );
        for (what, all) in [("note", &self.notes), ("fault", &self.faults)] {
            for (code, told) in all {
                let _ = writeln!(out, "  {what} {code}: {}", told.count);
                for sample in &told.samples {
                    let _ = writeln!(out, "    {sample}");
                }
            }
        }
        if let Some(f) = &self.failed {
            let _ = writeln!(out, "  FAILED {}: {}", f.code, f.what.lines().next().unwrap_or_default());
        }
    }
}

impl Rejected {
    fn add(&mut self, row: u64, detail: String) {
        self.count += 1;
        if self.samples.len() < SAMPLES {
            self.samples.push(Sample { row, detail });
        }
    }
}

impl SourceReport {
    pub fn opened(&mut self, opened: &Opened) {
        self.declared = opened.declared;
        self.deleted = opened.deleted;
        self.encoding.clone_from(&opened.encoding);
        self.crs.clone_from(&opened.crs);
        self.operation.clone_from(&opened.operation);
        self.vertical.clone_from(&opened.vertical);
        self.findings.extend(opened.findings.iter().cloned());
    }

    pub fn reject(&mut self, row: u64, reject: Reject) {
        self.rejected.entry(reject.code).or_default().add(row, reject.detail);
    }

    /// Something wrong with a record that is stored.
    pub fn fault(&mut self, row: u64, fault: Reject) {
        self.faulty.entry(fault.code).or_default().add(row, fault.detail);
    }

    pub fn rejects(&self) -> u64 {
        self.rejected.values().map(|r| r.count).sum()
    }

    pub fn fail(&mut self, who: Who, code: &str, what: impl Into<String>) {
        self.failed.get_or_insert(Failure { who, code: code.to_string(), what: what.into() });
    }
}

impl Report {
    pub fn sum_up(&mut self) {
        self.totals = Totals::default();
        for s in &self.sources {
            self.totals.read += s.read;
            self.totals.stored += s.stored;
            self.totals.filtered += s.filtered.values().sum::<u64>();
            self.totals.rejected += s.rejects();
        }
    }

    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).unwrap_or_default()
    }

    /// As the snapshot holds it: without times and snapshot ids, so that the same delivery makes the same bytes.
    pub fn timeless(&self) -> Vec<u8> {
        let mut json = serde_json::to_value(self).unwrap_or_default();
        for key in ["base", "published"] {
            json.as_object_mut().map(|report| report.remove(key));
        }
        for source in json["sources"].as_array_mut().into_iter().flatten() {
            source.as_object_mut().map(|s| s.remove("seconds"));
        }
        serde_json::to_vec_pretty(&json).unwrap_or_default()
    }

    /// For people: one line a source, then what needs their eyes.
    pub fn to_table(&self) -> String {
        let head = ["source", "declared", "read", "stored", "filtered", "repaired", "rejected", "seconds"];
        let mut rows = vec![head.map(str::to_string)];
        for s in &self.sources {
            let declared = s.declared.map_or("-".to_string(), |n| n.to_string());
            let filtered: u64 = s.filtered.values().sum();
            let repaired: u64 = s.repaired.values().sum();
            let seconds = s.seconds.map_or("-".to_string(), |t| format!("{t:.1}"));
            let id = if s.failed.is_some() { format!("✗ {}", s.id) } else { s.id.clone() };
            let numbers = [s.read, s.stored, filtered, repaired, s.rejects()].map(|n| n.to_string());
            let [read, stored, filtered, repaired, rejected] = numbers;
            rows.push([id, declared, read, stored, filtered, repaired, rejected, seconds]);
        }
        let t = &self.totals;
        let sums = [t.read, t.stored, t.filtered].map(|n| n.to_string());
        let [read, stored, filtered] = sums;
        let blank = String::new;
        rows.push(["total".to_string(), blank(), read, stored, filtered, blank(), t.rejected.to_string(), blank()]);
        let mut out = aligned(&rows);
        self.sources.iter().for_each(|s| s.details(&mut out));
        self.register.iter().for_each(|r| r.details(&mut out));
        self.tilesets.iter().for_each(|t| t.details(&mut out));
        self.judged(&mut out);
        let written = self.layers.iter().map(|l| format!("{} ({})", l.id, l.count)).collect::<Vec<_>>().join(", ");
        let written = if written.is_empty() { "none".to_string() } else { written };
        let _ = match &self.published {
            Some(_) => writeln!(out, "\nlayers written: {written}"),
            None => writeln!(out, "\nnothing was published; the store is as it was"),
        };
        out
    }
}

impl Report {
    /// Findings about all layers together.
    fn judged(&self, out: &mut String) {
        let about = [
            ("pipe networks (stored as they are)", &self.network),
            ("levels of one building (stored as they are, drawn by themselves)", &self.models),
            ("responsibility (nothing is refused for these; lookups flag them)", &self.ownership),
        ];
        for (what, notes) in about.into_iter().filter(|(_, notes)| !notes.is_empty()) {
            let _ = writeln!(out, "\n{what}:");
            for note in notes {
                let _ = writeln!(out, "  {} in {}: {}", note.code, note.of, note.count);
                for sample in &note.samples {
                    let _ = writeln!(out, "    {sample}");
                }
            }
        }
    }
}

impl SourceReport {
    fn details(&self, out: &mut String) {
        let quiet = self.findings.is_empty() && self.rejected.is_empty() && self.failed.is_none();
        let _ = writeln!(out, "\n{}: {}; {}; {}", self.id, self.encoding, self.crs, self.operation);
        for (what, counts) in [("repaired", &self.repaired), ("filtered", &self.filtered)] {
            for (code, count) in counts {
                let _ = writeln!(out, "  {what} {code}: {count}");
            }
        }
        // A field that most records fill and a few do not.
        for (field, count) in self.empty.iter().filter(|(_, n)| **n * MOSTLY <= self.stored) {
            let _ = writeln!(out, "  empty {field}: {count}");
        }
        for (code, faulty) in &self.faulty {
            let _ = writeln!(out, "  faulty {code}: {}", faulty.count);
            for s in &faulty.samples {
                let _ = writeln!(out, "    row {}: {}", s.row, s.detail);
            }
        }
        if quiet {
            return;
        }
        for finding in &self.findings {
            let _ = writeln!(out, "  note: {finding}");
        }
        for (code, rejected) in &self.rejected {
            let _ = writeln!(out, "  rejected {code}: {} (allowed in all: {})", rejected.count, self.reject_limit);
            for s in &rejected.samples {
                let _ = writeln!(out, "    row {}: {}", s.row, s.detail);
            }
        }
        if let Some(f) = &self.failed {
            let _ = writeln!(out, "  FAILED {}: {}", f.code, f.what);
        }
    }
}

/// First column to the left, the others to the right.
fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let widths: Vec<usize> = (0..N).map(|i| rows.iter().map(|r| columns_of(&r[i])).max().unwrap_or_default()).collect();
    let mut out = String::new();
    for row in rows {
        for (i, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let blank = " ".repeat(width - columns_of(cell));
            let _ = if i == 0 { write!(out, "{cell}{blank}") } else { write!(out, "  {blank}{cell}") };
        }
        out.truncate(out.trim_end_matches(' ').len());
        out.push('\n');
    }
    out
}

/// Terminal columns: Chinese characters take two.
fn columns_of(text: &str) -> usize {
    let wide = |c: char| matches!(c as u32, 0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xfe30..=0xfe6f | 0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x20000..=0x3fffd);
    text.chars().map(|c| if wide(c) { 2 } else { 1 }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_five_samples_a_code() {
        let mut s = SourceReport::default();
        for row in 0..9 {
            s.reject(row, Reject { code: "bad-value".into(), detail: format!("d{row}") });
        }
        s.reject(9, Reject { code: "unrouted".into(), detail: "u".into() });
        assert_eq!(s.rejects(), 10);
        assert_eq!(s.rejected["bad-value"].count, 9);
        assert_eq!(s.rejected["bad-value"].samples.iter().map(|s| s.row).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn the_table_is_aligned_for_chinese_too() {
        let mut report = Report::default();
        for id in ["部件", "pipes-2026"] {
            report.sources.push(SourceReport { id: id.into(), read: 7, stored: 7, ..SourceReport::default() });
        }
        report.sum_up();
        let table = report.to_table();
        let ends: Vec<usize> = table.lines().take(4).map(|l| columns_of(&l[..l.find(" 7").unwrap_or(0)])).collect();
        assert_eq!(ends[1], ends[2], "{table}");
        assert_eq!(report.totals.read, 14);
        assert!(table.contains("nothing was published"));
    }
}
