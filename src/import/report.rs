//! What an import did, record by record accounted for: `read = stored + filtered + rejected` for every source.
//! JSON for machines, a table for people; both say the same.

mod text;

use super::wire::{Failed, Opened, Reject, Who};
use crate::error::Finding;
use crate::ownership::Note;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
    /// What its heights are over in the store, where it has any and it is known.
    pub height_datum: String,
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
    /// Of a layer with 3D tiles: records that no shape could be made of. They are stored, and are no part of a tile.
    pub undrawn: u64,
    pub why: &'static str,
}

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
}
