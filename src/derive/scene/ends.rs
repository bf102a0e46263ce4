//! What each end of a layer's pipes meets, found once when the layer is sealed and kept beside its tree, so that import and
//! requests draw the same. Pipes of one layer only: networks of two layers do not join.

use super::tiled::Tiled;
use crate::draw::{Sculptor, near};
use crate::error::Result;
use crate::feature::Geometry;
use crate::geo::GeometryKind;
use crate::layer::{Layer, SceneKind};
use crate::scene::{End, Heights, MEET_M, Mouth, Rule, Section, meet, mouths};
use crate::store::{Table, Wanted};
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

/// Name among a layer entry's extra blobs of the ends of its pipes.
pub const PIPE_ENDS: &str = "pipe-ends";

/// Length of a degree of latitude at the equator, metres; a hundredth more or less does not matter here.
const DEGREE_M: f64 = 110_600.0;

/// The ends of the pipes of every tile.
pub type PipeEnds = Tiled<[Kept; 2]>;

/// An end as it is stored: directions in 1/32767, sizes in millimetres.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Kept {
    Free,
    Joined,
    Mitred([i16; 3]),
    Reduced { to: Size, up_mm: i32, plane: Option<[i16; 3]> },
    Covered { radius_mm: u32 },
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Size {
    Round(u32),
    Box(u32, u32),
}

const FULL: f32 = 32767.0;

impl Kept {
    fn of(end: End) -> Kept {
        let mm = |m: f64| (m * 1000.0).round() as u32;
        let direction = |p: [f32; 3]| p.map(|x| (x * FULL).round() as i16);
        match end {
            End::Free => Kept::Free,
            End::Joined => Kept::Joined,
            End::Mitred { plane } => Kept::Mitred(direction(plane)),
            End::Reduced { to, up_m, plane } => {
                let to = match to {
                    Section::Round { outer_m } => Size::Round(mm(outer_m)),
                    Section::Box { width_m, height_m } => Size::Box(mm(width_m), mm(height_m)),
                };
                Kept::Reduced { to, up_mm: (up_m * 1000.0).round() as i32, plane: plane.map(direction) }
            }
            End::Covered { radius_m } => Kept::Covered { radius_mm: mm(f64::from(radius_m)) },
        }
    }

    fn end(self) -> End {
        let m = |mm: u32| f64::from(mm) / 1000.0;
        let direction = |p: [i16; 3]| p.map(|x| f32::from(x) / FULL);
        match self {
            Kept::Free => End::Free,
            Kept::Joined => End::Joined,
            Kept::Mitred(plane) => End::Mitred { plane: direction(plane) },
            Kept::Reduced { to, up_mm, plane } => {
                let to = match to {
                    Size::Round(outer) => Section::Round { outer_m: m(outer) },
                    Size::Box(width, height) => Section::Box { width_m: m(width), height_m: m(height) },
                };
                End::Reduced { to, up_m: up_mm as f32 / 1000.0, plane: plane.map(direction) }
            }
            Kept::Covered { radius_mm } => End::Covered { radius_m: m(radius_mm) as f32 },
        }
    }
}

/// Both ends of every pipe, in the table's order; `None` of a layer that has no pipes.
pub fn found(layer: &Layer, table: &Table, heights: &Heights<'_>) -> Result<Option<Vec<[Kept; 2]>>> {
    let Some(rule) = Rule::of(layer).filter(|r| r.kind() == SceneKind::Tube) else { return Ok(None) };
    let sculptor = Sculptor::new(layer, table.schema(), None);
    let (mut all, mut count) = (vec![], 0u32);
    let mut g = Geometry::empty(GeometryKind::Point);
    table.scan_of(Wanted::These(&sculptor.shaping(&rule)), &mut |row| {
        row.read_geometry(&mut g);
        let both = mouths(&rule, heights, near().tolerance_m, &g, &sculptor.values(row));
        all.extend(both.into_iter().flatten().zip([0, 1]).map(|(mouth, side)| (count * 2 + side, mouth)));
        count += 1;
        Ok(())
    })?;
    let mut ends = vec![[Kept::Free; 2]; count as usize];
    for place in together(&all) {
        let here: Vec<Mouth> = place.iter().map(|&i| all[i].1).collect();
        for (&i, end) in place.iter().zip(meet(&here)) {
            let (at, side) = (all[i].0 / 2, all[i].0 % 2);
            ends[at as usize][side as usize] = Kept::of(end);
        }
    }
    Ok(Some(ends))
}

/// Ends that stand in one place in plan, two and more, each list ascending.
fn together(all: &[(u32, Mouth)]) -> Vec<Vec<usize>> {
    let mut places = Places::default();
    let of: Vec<u32> = all.iter().map(|(_, m)| places.of(m.lonlat)).collect();
    let mut lists: Vec<Vec<usize>> = vec![vec![]; places.at.len()];
    of.iter().enumerate().for_each(|(i, &place)| lists[places.root(place) as usize].push(i));
    lists.retain(|l| l.len() > 1);
    lists
}

/// Places in plan; those not farther apart than ends that meet are one.
#[derive(Default)]
pub struct Places {
    at: Vec<[f64; 2]>,
    /// Of each place: one that it is the same as, or itself.
    same: Vec<u32>,
    /// Cells as wide as ends that meet may be apart.
    cells: HashMap<[i64; 2], Vec<u32>, foldhash::fast::FixedState>,
}

impl Places {
    /// The number of a place.
    pub fn of(&mut self, at: [f64; 2]) -> u32 {
        let cell = cell(at);
        let known = self.cells.get(&cell).and_then(|c| c.iter().copied().find(|&p| self.at[p as usize] == at));
        if let Some(place) = known {
            return place;
        }
        let new = self.at.len() as u32;
        let near = self.near(at);
        self.at.push(at);
        self.same.push(new);
        for other in near {
            let (a, b) = (root(&mut self.same, other), root(&mut self.same, new));
            self.same[a.max(b) as usize] = a.min(b);
        }
        self.cells.entry(cell).or_default().push(new);
        new
    }

    /// The places not farther from here than ends that meet.
    pub fn near(&self, at: [f64; 2]) -> Vec<u32> {
        let cell = cell(at);
        let scale = at[1].to_radians().cos();
        // Towards the poles a metre has more degrees of longitude.
        let wide = ((1.0 / scale.max(0.05)).ceil() as i64).max(1);
        let mut near = vec![];
        for x in -wide..=wide {
            for y in -1..=1 {
                let there = self.cells.get(&[cell[0] + x, cell[1] + y]).into_iter().flatten();
                near.extend(there.copied().filter(|&other| {
                    let [dx, dy] = [0, 1].map(|i| (self.at[other as usize][i] - at[i]) * DEGREE_M);
                    (dx * scale).hypot(dy) <= MEET_M
                }));
            }
        }
        near
    }

    fn root(&mut self, place: u32) -> u32 {
        root(&mut self.same, place)
    }
}

/// As wide in degrees everywhere: nowhere wider than high in metres.
fn cell(at: [f64; 2]) -> [i64; 2] {
    at.map(|x| (x * DEGREE_M / MEET_M).floor() as i64)
}

fn root(same: &mut [u32], mut place: u32) -> u32 {
    while same[place as usize] != place {
        same[place as usize] = same[same[place as usize] as usize];
        place = same[place as usize];
    }
    place
}

/// The ends of one pipe as they are drawn.
pub fn drawn(kept: &[Kept; 2]) -> [End; 2] {
    kept.map(Kept::end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_kept_to_the_millimetre() {
        let plane = [0.6, 0.8, 0.0];
        let all = [
            End::Free,
            End::Joined,
            End::Mitred { plane },
            End::Reduced { to: Section::Round { outer_m: 0.3 }, up_m: -0.125, plane: None },
            End::Reduced { to: Section::Box { width_m: 2.0, height_m: 1.5 }, up_m: 0.0, plane: Some(plane) },
            End::Covered { radius_m: 0.315 },
        ];
        for end in all {
            let [start, free] = drawn(&[Kept::of(end), Kept::Free]);
            assert_eq!((Kept::of(start), free), (Kept::of(end), End::Free));
        }
    }

    /// Against every pair, at latitudes where a metre has few and many degrees of longitude.
    #[test]
    fn places_within_a_centimetre_are_one() {
        for latitude in [0.0, 34.8, 71.0] {
            let scale = [f64::to_radians(latitude).cos() * DEGREE_M, DEGREE_M];
            // A reproducible scatter (splitmix64).
            let at = |i: u64, k: u64| {
                let x = (i * 2 + k).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                let x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                ((x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb) >> 40) as f64 / (1u64 << 24) as f64
            };
            // A field of 40 cm with some hundred ends: chains, pairs, ends alone.
            let metres: Vec<[f64; 2]> = (1..300).map(|i| [at(i, 0) * 0.4, at(i, 1) * 0.4]).collect();
            let mouth = |m: &[f64; 2]| Mouth {
                lonlat: [114.3 + m[0] / scale[0], latitude + m[1] / scale[1]],
                height_m: 0.0,
                inward: [1.0, 0.0, 0.0],
                leg_m: 9.0,
                section: Section::Round { outer_m: 0.3 },
            };
            let all: Vec<(u32, Mouth)> = metres.iter().enumerate().map(|(i, m)| (i as u32, mouth(m))).collect();
            let mut one: Vec<usize> = (0..metres.len()).collect();
            for i in 0..metres.len() {
                for j in 0..i {
                    if (metres[i][0] - metres[j][0]).hypot(metres[i][1] - metres[j][1]) <= MEET_M {
                        let (a, b) = (one[i], one[j]);
                        one.iter_mut().filter(|o| **o == a.max(b)).for_each(|o| *o = a.min(b));
                    }
                }
            }
            let lists = together(&all);
            assert!(lists.len() > 5 && lists.iter().all(|l| l.is_sorted()));
            for list in &lists {
                assert!(list.iter().all(|&i| one[i] == one[list[0]]), "{latitude}");
            }
            let expected = (0..one.len()).filter(|&i| one.iter().filter(|o| **o == one[i]).count() > 1).count();
            assert_eq!(lists.iter().map(Vec::len).sum::<usize>(), expected, "{latitude}");
        }
    }
}
