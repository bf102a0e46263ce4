//! One level of territory: its cells, and which of them a point is in, near to, or means by a code. Levels know nothing
//! of each other here.

use super::borders::Borders;
use super::instant::{Instant, Span};
use super::polygons::{Fineness, PolygonIndex};
use super::register::OrgIx;
use crate::feature::{FeatureId, Geometry};
use crate::geo::local::Local;
use crate::layer::{LayerIx, Role};
use std::cmp::Ordering;
use std::collections::HashMap;

/// The partitions, from fine to coarse, and the inspectors' beats, which decide nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    UnitGrid,
    Community,
    Street,
    District,
    DutyGrid,
}

impl Level {
    pub const ALL: [Level; 5] = [Level::UnitGrid, Level::Community, Level::Street, Level::District, Level::DutyGrid];
    /// The statutory chain, each inside the next.
    pub const CHAIN: [Level; 4] = [Level::UnitGrid, Level::Community, Level::Street, Level::District];

    pub fn role(self) -> Role {
        match self {
            Level::UnitGrid => Role::UnitGrid,
            Level::Community => Role::Community,
            Level::Street => Role::Street,
            Level::District => Role::District,
            Level::DutyGrid => Role::DutyGrid,
        }
    }

    /// Its key in answers.
    pub fn key(self) -> &'static str {
        match self {
            Level::UnitGrid => "unit_grid",
            Level::Community => "community",
            Level::Street => "street",
            Level::District => "district",
            Level::DutyGrid => "duty_grid",
        }
    }
}

/// A cell of a partition, as recorded.
#[derive(Debug, Clone)]
pub struct Cell {
    pub layer: LayerIx,
    pub id: FeatureId,
    pub code: String,
    pub name: Option<String>,
    /// Code of the cell of the next level that it is part of.
    pub parent: Option<String>,
    /// The body written on it: responsible (unit grid) or governing (the others), where the register knows it.
    pub body: Option<OrgIx>,
    /// As written.
    pub body_code: Option<String>,
    pub span: Span,
    pub area_m2: f64,
}

/// One level.
pub struct Partition {
    pub cells: Vec<Cell>,
    index: PolygonIndex,
    borders: Borders,
    by_code: HashMap<String, Vec<u32>>,
}

impl Partition {
    /// Cells with their polygons.
    pub(super) fn build(records: Vec<(Cell, Geometry)>, fineness: Fineness) -> Partition {
        let shapes = records.iter().map(|(_, g)| g);
        let borders = Borders::build(shapes.clone());
        let index = PolygonIndex::build(shapes, fineness);
        let mut by_code: HashMap<String, Vec<u32>> = HashMap::new();
        let cells: Vec<Cell> = records.into_iter().map(|(cell, _)| cell).collect();
        for (i, cell) in cells.iter().enumerate() {
            by_code.entry(cell.code.clone()).or_default().push(i as u32);
        }
        Partition { cells, index, borders, by_code }
    }

    /// The one cell that a point belongs to, and whether the data offered several.
    pub(super) fn pick(&self, p: [f64; 2], at: Instant) -> (Option<u32>, bool) {
        let (mut best, mut several) = (None, false);
        self.index.containing(p, |i| {
            if !self.cells[i as usize].span.holds(at) {
                return;
            }
            several |= best.is_some();
            best = match best {
                Some(b) if self.precedence(b, i) != Ordering::Greater => Some(b),
                _ => Some(i),
            };
        });
        (best, several)
    }

    /// Rule 3 of 6.5: later `valid_from`, then smaller area, then smaller code. The preferred one is less.
    fn precedence(&self, a: u32, b: u32) -> Ordering {
        let (a, b) = (&self.cells[a as usize], &self.cells[b as usize]);
        let by_age = b.span.from.cmp(&a.span.from);
        by_age.then(a.area_m2.total_cmp(&b.area_m2)).then_with(|| a.code.cmp(&b.code)).then(a.id.cmp(&b.id))
    }

    /// Of two equally near cells the one to the east, then to the north, then the one with the smaller code is less.
    pub(super) fn order_across_a_gap(&self, p: [f64; 2], within_m: f64, a: u32, b: u32) -> Ordering {
        let here = Local::at(p);
        let toward = |cell: u32| {
            let mut best = ([0.0; 2], f64::INFINITY);
            self.borders.around(&here.window(within_m), |border| {
                let offset = here.nearest_m(&border.edge);
                let square = offset[0] * offset[0] + offset[1] * offset[1];
                if border.polygon == cell && square < best.1 {
                    best = (offset, square);
                }
            });
            best.0
        };
        let (to_a, to_b) = (toward(a), toward(b));
        let by_side = to_b[0].total_cmp(&to_a[0]).then(to_b[1].total_cmp(&to_a[1]));
        let (a, b) = (&self.cells[a as usize], &self.cells[b as usize]);
        by_side.then_with(|| a.code.cmp(&b.code)).then(a.id.cmp(&b.id))
    }

    /// The cell with a code that is valid now.
    pub(super) fn by_code(&self, code: &str, at: Instant) -> Option<u32> {
        let valid = self.by_code.get(code)?.iter().copied().filter(|&i| self.cells[i as usize].span.holds(at));
        valid.min_by(|&a, &b| self.precedence(a, b))
    }

    pub fn index(&self) -> &PolygonIndex {
        &self.index
    }

    pub fn borders(&self) -> &Borders {
        &self.borders
    }

    /// All cells that have or had a code.
    pub fn with_code(&self, code: &str) -> Option<&Vec<u32>> {
        self.by_code.get(code)
    }

    pub fn knows(&self, code: &str) -> bool {
        self.by_code.contains_key(code)
    }

    /// Cells whose border comes within `radius_m`, each once with its distance.
    pub(super) fn near(&self, here: &Local, radius_m: f64, at: Instant) -> Vec<(u32, f64)> {
        let mut found: Vec<(u32, f64)> = vec![];
        let most = radius_m * radius_m;
        self.borders.around(&here.window(radius_m), |border| {
            let square = here.square_to_edge_m2(&border.edge);
            if square > most {
                return;
            }
            match found.iter_mut().find(|(c, _)| *c == border.polygon) {
                Some((_, nearest)) => *nearest = nearest.min(square),
                None if self.cells[border.polygon as usize].span.holds(at) => found.push((border.polygon, square)),
                None => {}
            }
        });
        found.iter_mut().for_each(|(_, distance)| *distance = distance.sqrt());
        found
    }
}
