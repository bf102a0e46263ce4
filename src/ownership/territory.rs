//! Territory (属地): which unit grid, community, street, district and duty grid a point is in, by exact geometry, and what
//! the data's faults do to that: gaps, levels that disagree. Decides nobody's responsibility; one level alone is
//! `partition`'s.

use super::answer::{Flag, Flags};
use super::components::inner_point;
use super::instant::Instant;
use super::polygons::Fineness;
use super::seams;
use super::steady::{self, OTHERS, RIM_M, Steady};
use crate::feature::Geometry;
use crate::geo::BBox;
use crate::geo::local::Local;

pub use super::partition::{Cell, Level, Partition};

/// Specification 6.5, rule 5: a gap no wider than this belongs to the nearest grid.
const SNAP_M: f64 = 2.0;

/// Where a point is: the cell of each level.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Place {
    cells: [Option<u32>; 5],
}

/// Another territory near a point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbour {
    pub level: Level,
    pub cell: u32,
    pub distance_m: f64,
}

pub struct Territory {
    partitions: [Partition; 5],
    /// For each cell of the first three levels of the chain, its parent.
    parents: [Vec<Parent>; 3],
    /// For each unit grid.
    steady: Vec<Steady>,
    bounds: BBox,
}

/// The cell of the next level that a cell says it is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Parent {
    Unknown,
    Only(u32),
    /// Several cells have had its code, each in its time.
    Several,
}

impl Place {
    pub fn cell(&self, level: Level) -> Option<u32> {
        self.cells[level as usize]
    }

    /// In no territory of the statutory chain.
    pub fn is_nowhere(&self) -> bool {
        Level::CHAIN.iter().all(|l| self.cell(*l).is_none())
    }
}

/// What a cell says it is part of: its parent's code, else the beginning of its own code.
fn parent_code(level: Level, cell: &Cell) -> Option<&str> {
    let digits = match level {
        Level::Community => 12,
        Level::Street => 9,
        _ => 6,
    };
    cell.parent.as_deref().or_else(|| cell.code.get(..digits))
}

impl Territory {
    /// Cells with their polygons, in the order of `Level::ALL`.
    pub fn build(mut records: [Vec<(Cell, Geometry)>; 5]) -> Territory {
        let exposed = seams::exposed(&records[Level::UnitGrid as usize]);
        let grids: Vec<Geometry> = records[Level::UnitGrid as usize].iter().map(|(_, g)| g.clone()).collect();
        let partitions = Level::ALL.map(|l| {
            let fineness = if l == Level::UnitGrid { Fineness::Fine } else { Fineness::Coarse };
            Partition::build(std::mem::take(&mut records[l as usize]), fineness)
        });
        let mut territory = Territory::new(partitions);
        let points: Vec<[f64; 2]> = grids.iter().map(inner_point).collect();
        territory.steady = steady::work_out(&territory, &grids, &points, &exposed);
        territory
    }

    fn new(partitions: [Partition; 5]) -> Territory {
        let parents = [0, 1, 2].map(|k| {
            let (fine, coarse) = (&partitions[k], &partitions[k + 1]);
            let parent = |cell: &Cell| {
                let named = parent_code(Level::CHAIN[k + 1], cell).and_then(|code| coarse.with_code(code));
                match named.map(Vec::as_slice) {
                    None | Some([]) => Parent::Unknown,
                    Some([only]) => Parent::Only(*only),
                    Some(_) => Parent::Several,
                }
            };
            fine.cells.iter().map(parent).collect()
        });
        let bounds = partitions.iter().fold(BBox::EMPTY, |b, p| b.join(&p.index().bounds()));
        Territory { partitions, parents, steady: vec![], bounds }
    }

    pub fn partition(&self, level: Level) -> &Partition {
        &self.partitions[level as usize]
    }

    pub fn cell(&self, level: Level, cell: u32) -> &Cell {
        &self.partition(level).cells[cell as usize]
    }

    /// The cell of a level in a place.
    pub fn of(&self, place: &Place, level: Level) -> Option<&Cell> {
        place.cell(level).map(|c| self.cell(level, c))
    }

    /// Where `p` is. The unit grid is the finest geometry and decides; what it is part of follows from the parents
    /// recorded, and the geometry of the coarser levels speaks where there is no grid (6.5, rules 1 and 3 to 6).
    /// With it, other territories whose border is within `radius_m` (more than the rim of `steady`).
    pub fn locate(&self, p: [f64; 2], radius_m: f64, at: Instant, flags: &mut Flags) -> (Place, Vec<Neighbour>) {
        let (own, several) = self.partition(Level::UnitGrid).pick(p, at);
        let here = Local::at(p);
        let near = self.partition(Level::UnitGrid).near(&here, radius_m, at);
        let inside = |grid: &u32| !near.iter().any(|(c, distance_m)| c == grid && *distance_m <= RIM_M);
        let place = match own.filter(|_| !several).filter(inside).and_then(|grid| self.steady_place(grid, at)) {
            Some(place) => place,
            None => self.locate_by_levels(p, at, (own, several), flags),
        };
        let border = if place.is_nowhere() { vec![] } else { self.border(&here, radius_m, &place, at, near) };
        (place, border)
    }

    /// The whole place of a steady unit grid, if all of it is valid now.
    fn steady_place(&self, grid: u32, at: Instant) -> Option<Place> {
        let steady = self.steady.get(grid as usize).filter(|s| s.whole)?;
        let mut place = Place::default();
        place.cells[Level::UnitGrid as usize] = Some(grid);
        for (level, cell) in OTHERS.into_iter().zip(steady.cells) {
            let valid = cell.is_none_or(|c| self.cell(level, c).span.holds(at));
            place.cells[level as usize] = valid.then_some(cell)?;
        }
        Some(place)
    }

    fn locate_by_levels(
        &self,
        p: [f64; 2],
        at: Instant,
        (own, several): (Option<u32>, bool),
        flags: &mut Flags,
    ) -> Place {
        let mut place = Place::default();
        let mut drawn = [None; 5];
        drawn[Level::UnitGrid as usize] = own;
        flags.set_if(Flag::DataOverlap, several);
        for level in OTHERS {
            let (cell, several) = self.partition(level).pick(p, at);
            drawn[level as usize] = cell;
            flags.set_if(Flag::DataOverlap, several);
        }
        place.cells[Level::UnitGrid as usize] = self.grid(p, at, &drawn, flags);
        place.cells[Level::DutyGrid as usize] = drawn[Level::DutyGrid as usize];
        for pair in Level::CHAIN.windows(2) {
            let (level, fine) = (pair[1], self.of(&place, pair[0]));
            let recorded = place.cell(pair[0]).and_then(|cell| self.parent(level, cell, at));
            let drawn = drawn[level as usize];
            let differs = matches!((recorded, drawn), (Some(r), Some(d)) if r != d);
            flags.set_if(Flag::HierarchyMismatch, differs || self.names_a_stranger(level, fine, recorded, drawn));
            place.cells[level as usize] = recorded.or(drawn);
        }
        let gridless = place.cell(Level::UnitGrid).is_none() && !self.partition(Level::UnitGrid).cells.is_empty();
        flags.set_if(Flag::NoUnitGrid, gridless && !place.is_nowhere());
        place
    }

    /// The unit grid drawn there, or the one across a gap.
    fn grid(&self, p: [f64; 2], at: Instant, drawn: &[Option<u32>; 5], flags: &mut Flags) -> Option<u32> {
        let own = drawn[Level::UnitGrid as usize];
        let coarser = [Level::Community, Level::Street, Level::District];
        let covered = coarser.iter().any(|l| drawn[*l as usize].is_some())
            || coarser.iter().all(|l| self.partition(*l).cells.is_empty());
        if own.is_some() || !covered {
            return own;
        }
        let grids = self.partition(Level::UnitGrid);
        let near = grids.near(&Local::at(p), SNAP_M, at);
        let nearest = near.iter().map(|(_, d)| *d).fold(f64::INFINITY, f64::min);
        let nearest: Vec<u32> = near.into_iter().filter(|(_, d)| *d == nearest).map(|(cell, _)| cell).collect();
        flags.set_if(Flag::GapSnapped, !nearest.is_empty());
        match nearest[..] {
            [only] => Some(only),
            _ => nearest.into_iter().min_by(|&a, &b| grids.order_across_a_gap(p, SNAP_M, a, b)),
        }
    }

    /// The cell of `level` that a cell of the level below says it is part of, where that is valid.
    fn parent(&self, level: Level, cell: u32, at: Instant) -> Option<u32> {
        let (below, coarse) = (level as usize - 1, self.partition(level));
        match self.parents[below][cell as usize] {
            Parent::Unknown => None,
            Parent::Only(parent) => coarse.cells[parent as usize].span.holds(at).then_some(parent),
            Parent::Several => coarse.by_code(parent_code(level, &self.partitions[below].cells[cell as usize])?, at),
        }
    }

    /// A cell that names a parent which does not exist, where another is drawn.
    fn names_a_stranger(&self, level: Level, fine: Option<&Cell>, recorded: Option<u32>, drawn: Option<u32>) -> bool {
        recorded.is_none()
            && drawn.is_some()
            && fine.and_then(|c| c.parent.as_ref()).is_some_and(|code| !self.partition(level).knows(code))
    }

    /// Community, street and district that a unit grid says it is part of; `None` where that depends on the time.
    pub fn recorded(&self, grid: u32) -> Option<[Option<u32>; 3]> {
        let mut chain = [None; 3];
        let mut cell = Some(grid);
        for (k, parents) in self.parents.iter().enumerate() {
            cell = match cell.map(|c| parents[c as usize]) {
                Some(Parent::Only(parent)) => Some(parent),
                Some(Parent::Several) => return None,
                Some(Parent::Unknown) | None => None,
            };
            chain[k] = cell;
        }
        Some(chain)
    }

    /// Other territories by level and distance; `grids` are the unit grids near.
    fn border(
        &self,
        here: &Local,
        radius_m: f64,
        place: &Place,
        at: Instant,
        mut grids: Vec<(u32, f64)>,
    ) -> Vec<Neighbour> {
        let mut all = vec![];
        for level in Level::CHAIN.into_iter().rev() {
            let near = match level {
                Level::UnitGrid => std::mem::take(&mut grids),
                _ if self.is_the_same_all_around(level, place, &grids) => continue,
                _ => self.partition(level).near(here, radius_m, at),
            };
            let partition = self.partition(level);
            let from = all.len();
            let others = near.into_iter().filter(|(c, _)| Some(*c) != place.cell(level));
            all.extend(others.map(|(cell, distance_m)| Neighbour { level, cell, distance_m }));
            all[from..].sort_by(|a, b| {
                let code = |n: &Neighbour| &partition.cells[n.cell as usize].code;
                a.distance_m.total_cmp(&b.distance_m).then_with(|| code(a).cmp(code(b)))
            });
        }
        // Coarse levels came first, for they ask about the grids.
        all.sort_by_key(|n| n.level);
        all
    }

    /// Whether no border of a level can be near: a place whose unit grid and all grids near it are steady, border on
    /// nothing but each other, and lie in the same cell.
    fn is_the_same_all_around(&self, level: Level, place: &Place, near: &[(u32, f64)]) -> bool {
        let Some(own) = place.cell(Level::UnitGrid) else { return false };
        let other = OTHERS.iter().position(|l| *l == level);
        near.iter().map(|(grid, _)| *grid).chain([own]).all(|grid| {
            let steady = self.steady.get(grid as usize);
            steady.is_some_and(|s| s.whole && s.inner && other.is_some_and(|k| s.cells[k] == place.cell(level)))
        })
    }

    /// Codes of the cell of the next level that a cell of `level` names and of the one that is drawn at a point of it,
    /// where they differ.
    pub fn disagreement(&self, level: Level, cell: &Cell, p: [f64; 2], at: Instant) -> Option<(String, String)> {
        let above = Level::CHAIN[Level::CHAIN.iter().position(|l| *l == level)? + 1..].first().copied()?;
        let drawn = &self.partition(above).cells[self.partition(above).pick(p, at).0? as usize].code;
        let named = parent_code(above, cell)?;
        (named != drawn).then(|| (named.to_string(), drawn.clone()))
    }

    /// Whether unit grids are drawn at `p` and none of them has this code.
    pub fn contradicts(&self, p: [f64; 2], unit_grid: &str) -> bool {
        let grids = self.partition(Level::UnitGrid);
        let (mut any, mut same) = (false, false);
        grids.index().containing(p, |i| {
            any = true;
            same |= grids.cells[i as usize].code == unit_grid;
        });
        any && !same
    }

    /// Whether `p` is in the box around all territories.
    pub fn is_around(&self, p: [f64; 2]) -> bool {
        self.bounds.contains(&BBox::of(&[p]))
    }

    /// Whether `p` is in any territory of the chain, whatever the day.
    pub fn covers(&self, p: [f64; 2]) -> bool {
        Level::CHAIN.iter().any(|l| {
            let mut found = false;
            self.partition(*l).index().containing(p, |_| found = true);
            found
        })
    }
}

#[cfg(test)]
#[path = "territory_tests.rs"]
mod tests;
