//! What import has to say about the data that decides on responsibility: references that lead nowhere, cells that gap,
//! overlap or disagree with the level above. Nothing here stops an import: lookups say the same, case by case.

use super::Ownership;
use super::components::inner_point;
use super::instant::Instant;
use super::register::Register;
use super::seams::{self, Seam};
use super::territory::{Cell, Level, Territory};
use crate::feature::Geometry;
use crate::geo::overlay::Patch;
use crate::layer::Role;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Samples kept of each finding.
const SAMPLES: usize = 5;

/// One kind of finding in one layer or table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Note {
    pub code: &'static str,
    /// The layer's id, or the register's table.
    pub of: String,
    pub count: u64,
    pub samples: Vec<String>,
}

/// Collects findings from several threads.
#[derive(Debug, Default)]
pub struct Notes(Mutex<BTreeMap<Kind, Counted>>);

/// Code, and the layer or table.
type Kind = (&'static str, String);

#[derive(Debug, Default)]
struct Counted {
    count: u64,
    samples: Vec<String>,
}

impl Notes {
    pub fn add(&self, code: &'static str, of: &str, sample: impl FnOnce() -> String) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = all.entry((code, of.to_string())).or_default();
        counted.count += 1;
        if counted.samples.len() < SAMPLES {
            let sample = sample();
            if !counted.samples.contains(&sample) {
                counted.samples.push(sample);
            }
        }
    }

    /// By code, then layer; samples in order, so that threads leave no trace.
    pub fn into_notes(self) -> Vec<Note> {
        let all = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        let note = |((code, of), mut counted): (Kind, Counted)| {
            counted.samples.sort();
            Note { code, of, count: counted.count, samples: counted.samples }
        };
        all.into_iter().map(note).collect()
    }
}

/// Gaps, overlaps and unmatched edges of one level.
pub(super) fn seams_of(level: Level, cells: &[(Cell, Geometry)], notes: &Notes) {
    unmatched_of(level, cells, notes);
    let size =
        |p: &Patch| format!("at {:.7} {:.7}: {:.2} m², {:.2} m wide", p.place[0], p.place[1], p.area_m2, p.width_m);
    for seam in seams::check(cells) {
        match seam {
            Seam::Gap(p) => notes.add("gap", level.key(), || size(&p)),
            Seam::Overlap([a, b], p) => {
                notes.add("overlap", level.key(), || {
                    format!("{} and {} {}", cells[a].0.code, cells[b].0.code, size(&p))
                });
            }
        }
    }
}

/// Edges of one level that snapping (a source's `snap_m`) would unite with the neighbour's.
fn unmatched_of(level: Level, cells: &[(Cell, Geometry)], notes: &Notes) {
    for u in seams::unmatched(cells) {
        let sample = || {
            let [a, b] = [u.cell, u.other].map(|i| &cells[i as usize].0.code);
            format!("{a} and {b} at {:.7} {:.7}: {:.3} m apart", u.place[0], u.place[1], u.distance_m)
        };
        notes.add("unmatched-edge", level.key(), sample);
    }
}

/// Cells that lie in another cell of the level above than the one they name.
pub(super) fn hierarchy(level: Level, cells: &[Pointed], territory: &Territory, notes: &Notes) {
    for (cell, p) in cells {
        // As of the cell's own time: what was right when it held is no fault now.
        let at = cell.span.from.max(Instant(0));
        if let Some((named, drawn)) = territory.disagreement(level, cell, *p, at) {
            let sample = || format!("{} names {named}, lies in {drawn} at {:.7} {:.7}", cell.code, p[0], p[1]);
            notes.add("hierarchy-mismatch", level.key(), sample);
        }
    }
}

/// A cell and a point in it.
pub(super) type Pointed = (Cell, [f64; 2]);

/// A point of each cell, for `hierarchy`.
pub(super) fn with_points(cells: &[(Cell, Geometry)]) -> Vec<Pointed> {
    cells.iter().filter(|(_, g)| !g.xy.is_empty()).map(|(c, g)| (c.clone(), inner_point(g))).collect()
}

/// The register's references to territories, areas and components.
pub(super) fn references(register: &Register, own: &Ownership, notes: &Notes) {
    let territory =
        |code: &str| code == register.city || Level::ALL.iter().any(|l| own.territory.partition(*l).knows(code));
    for role in register.roles.iter().filter(|r| !territory(&r.territory)) {
        notes.add("unknown-territory", "roles", || format!("{} in {}", role.role, role.territory));
    }
    let areas = own.duties.get(&Role::SpecialDuty);
    let area = |code: &str| areas.is_some_and(|d| d.all.iter().any(|d| d.code == code));
    for ruling in &register.rulings {
        for code in ruling.areas.iter().filter(|c| !territory(c) && !area(c)) {
            notes.add("unknown-area", "rulings", || format!("{} names {code}", ruling.id));
        }
        if let Some(code) = ruling.component.as_ref().filter(|c| own.components.by_code(c).next().is_none()) {
            notes.add("unknown-component", "rulings", || format!("{} names {code}", ruling.id));
        }
    }
}
