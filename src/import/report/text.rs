//! The report for people: one line a source, then what needs their eyes.

use super::{RegisterReport, Report, SourceReport, TilesetReport};
use crate::error::Finding;
use std::fmt::Write;

/// A field is mostly filled when one record in so many, or fewer, lacks it.
const MOSTLY: u64 = 20;
/// Flaws that are said on standard error and in the table; the JSON has all.
const FLAWS_SAID: usize = 200;

impl RegisterReport {
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

impl TilesetReport {
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

impl Report {
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
        for layer in self.layers.iter().filter(|l| l.undrawn > 0) {
            let _ = writeln!(out, "\n{}: {} records have no shape in 3D (stored as they are)", layer.id, layer.undrawn);
        }
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
