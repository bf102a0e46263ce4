//! A feature's 3D model: what stands on the footprint, as surfaces of shared corners, at one or several levels of
//! detail. Flat arrays that are walked, not edited; no triangles, no normals. What it wears stands beside it (`Skin`).

use super::Skin;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Range;

/// All 3D shapes of one feature.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Model {
    /// `[longitude, latitude, height]`: degrees of the store's CRS (f64, never relative) and metres in the vertical
    /// datum of the source. Shared by the corners of all levels, so that what joins in the source joins here.
    pub positions: Vec<[f64; 3]>,
    /// At least one, each tier once, ascending.
    pub lods: Vec<Lod>,
    /// Images and colours on its surfaces, where it has any.
    pub skin: Option<Box<Skin>>,
}

/// The model at one level of detail (LOD, 细节层次).
///
/// Corners make rings, rings make surfaces, surfaces make shells; each list says where its items end in the one
/// before it, as in `Geometry`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Lod {
    pub tier: Tier,
    /// Indices into `Model::positions`. Rings are open: the first corner is not repeated.
    pub corners: Vec<u32>,
    /// Corner index after ring i.
    pub ring_ends: Vec<u32>,
    pub surfaces: Vec<Surface>,
    pub shells: Vec<Shell>,
}

/// A plane polygon in space. Its first ring is the exterior, counter-clockwise seen from outside; the others are holes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Surface {
    /// Ring index after this surface.
    pub ring_end: u32,
    pub role: Role,
}

/// Surfaces that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shell {
    /// Surface index after this shell.
    pub surface_end: u32,
    /// The boundary of a solid (or of a hollow in one), as far as the source declares it.
    pub closed: bool,
}

/// What a surface is of its building (CityGML 2.0 §10.3.3, CityJSON 2.0 §3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub enum Role {
    /// The source does not say; the slope may tell.
    #[default]
    Unknown,
    Roof,
    Wall,
    Ground,
    /// Bounds a space where nothing is built: an open gate, a cut for modelling.
    Closure,
    /// The underside of what overhangs.
    OuterCeiling,
    /// Outside and walked on: a terrace, a balcony.
    OuterFloor,
    Window,
    Door,
    /// Inner walls, floors and ceilings.
    Interior,
    /// Named in the source, with a name that is none of these: traffic areas, water surfaces …
    Other,
}

/// A level of detail: `2`, or refined as in `2.2` (Biljecki et al. 2016).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Tier {
    /// 0 ..= 9
    pub level: u8,
    pub refined: Option<u8>,
}

impl Tier {
    /// `"2"`, `"2.2"`; nothing else is a level of detail.
    pub fn parse(text: &str) -> Option<Tier> {
        let digit = |t: &str| (t.len() == 1).then(|| t.parse::<u8>().ok()).flatten();
        match text.trim().split_once('.') {
            None => Some(Tier { level: digit(text.trim())?, refined: None }),
            Some((level, refined)) => Some(Tier { level: digit(level)?, refined: Some(digit(refined)?) }),
        }
    }

    /// Whether this is `other` or, where `other` is not refined, one of its refinements.
    pub fn within(self, other: Tier) -> bool {
        self.level == other.level && (other.refined.is_none() || self.refined == other.refined)
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.refined {
            None => write!(f, "{}", self.level),
            Some(refined) => write!(f, "{}.{refined}", self.level),
        }
    }
}

/// A surface as it is walked.
#[derive(Debug, Clone, Copy)]
pub struct SurfaceView<'a> {
    pub role: Role,
    /// Whether its shell bounds a solid.
    pub closed: bool,
    lod: &'a Lod,
    first_ring: u32,
    ring_end: u32,
}

impl<'a> SurfaceView<'a> {
    /// Rings of indices into `Model::positions`, exterior first, open.
    pub fn rings(self) -> impl ExactSizeIterator<Item = &'a [u32]> {
        (self.first_ring..self.ring_end).map(move |r| &self.lod.corners[self.lod.ring(r)])
    }

    pub fn exterior(self) -> &'a [u32] {
        &self.lod.corners[self.lod.ring(self.first_ring)]
    }
}

impl Lod {
    /// The corners of a ring.
    fn ring(&self, at: u32) -> Range<usize> {
        let from = at.checked_sub(1).map_or(0, |before| self.ring_ends[before as usize]);
        from as usize..self.ring_ends[at as usize] as usize
    }

    /// Every surface, shell after shell.
    pub fn walk(&self) -> impl Iterator<Item = SurfaceView<'_>> {
        let (mut first_ring, mut shell) = (0, 0);
        self.surfaces.iter().enumerate().map(move |(i, s)| {
            while self.shells[shell].surface_end as usize <= i {
                shell += 1;
            }
            let view = SurfaceView {
                role: s.role,
                closed: self.shells[shell].closed,
                lod: self,
                first_ring,
                ring_end: s.ring_end,
            };
            first_ring = s.ring_end;
            view
        })
    }
}

impl Model {
    /// The level of detail to show where `wanted` is asked for: the coarsest that is at least as fine, else the finest.
    pub fn at_least(&self, wanted: Tier) -> Option<&Lod> {
        self.lods.iter().find(|l| l.tier >= wanted).or(self.lods.last())
    }

    /// West, south, lowest and east, north, highest.
    pub fn bounds(&self) -> [[f64; 3]; 2] {
        let start = [[f64::INFINITY; 3], [f64::NEG_INFINITY; 3]];
        self.positions.iter().fold(start, |[low, high], p| {
            let each = |f: fn(f64, f64) -> f64, a: [f64; 3]| [f(a[0], p[0]), f(a[1], p[1]), f(a[2], p[2])];
            [each(f64::min, low), each(f64::max, high)]
        })
    }

    /// What breaks the rules above, if anything: for models that came from outside. All other methods rely on them.
    pub fn flaw(&self) -> Option<&'static str> {
        let place = |[x, y, z]: &[f64; 3]| {
            (-180.0..=180.0).contains(x) && (-90.0..=90.0).contains(y) && z.is_finite() && z.abs() < 1e5
        };
        if self.lods.is_empty() {
            return Some("no level of detail");
        }
        if !self.positions.iter().all(place) {
            return Some("coordinates that are no longitude, latitude and height");
        }
        if !self.lods.windows(2).all(|w| w[0].tier < w[1].tier) {
            return Some("levels of detail out of order");
        }
        let of_lods = self.lods.iter().find_map(|l| l.flaw(self.positions.len()));
        of_lods.or_else(|| self.skin.as_ref()?.flaw(&self.lods))
    }
}

impl Lod {
    fn flaw(&self, positions: usize) -> Option<&'static str> {
        // Lists rise to the length of the list that they cut, by at least `least` a step.
        let rises = |mut list: &mut dyn Iterator<Item = u32>, last: usize, least: u32| {
            let mut before = 0u32;
            let steps = (&mut list).all(|end| {
                let enough = end.checked_sub(before).is_some_and(|n| n >= least);
                before = end;
                enough
            });
            steps && before as usize == last
        };
        let sound = !self.surfaces.is_empty()
            && rises(&mut self.ring_ends.iter().copied(), self.corners.len(), 3)
            && rises(&mut self.surfaces.iter().map(|s| s.ring_end), self.ring_ends.len(), 1)
            && rises(&mut self.shells.iter().map(|s| s.surface_end), self.surfaces.len(), 1);
        if !sound {
            return Some("rings, surfaces or shells that do not fit");
        }
        let inside = self.corners.iter().all(|&c| (c as usize) < positions);
        (!inside).then_some("a corner without its position")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tier(text: &str) -> Tier {
        Tier::parse(text).unwrap()
    }

    /// A closed tetrahedron at LOD 1 and a face with a hole beside an open shell at LOD 2.2.
    fn model() -> Model {
        let positions = (0..8).map(|i| [114.0 + f64::from(i) * 1e-5, 34.0, f64::from(i)]).collect();
        let face = |ring_end| Surface { ring_end, role: Role::Wall };
        let one = Lod {
            tier: tier("1"),
            corners: vec![0, 1, 2, 0, 2, 3, 0, 3, 1, 1, 3, 2],
            ring_ends: vec![3, 6, 9, 12],
            surfaces: (1..=4).map(face).collect(),
            shells: vec![Shell { surface_end: 4, closed: true }],
        };
        let two = Lod {
            tier: tier("2.2"),
            corners: vec![0, 1, 2, 3, 4, 5, 6, 7, 0, 1],
            ring_ends: vec![4, 7, 10],
            surfaces: vec![Surface { ring_end: 2, role: Role::Roof }, Surface { ring_end: 3, role: Role::Ground }],
            shells: vec![Shell { surface_end: 1, closed: true }, Shell { surface_end: 2, closed: false }],
        };
        Model { positions, lods: vec![one, two], skin: None }
    }

    #[test]
    fn surfaces_are_walked_with_their_rings() {
        let m = model();
        assert_eq!(m.flaw(), None);
        let walked: Vec<_> =
            m.lods[1].walk().map(|s| (s.role, s.closed, s.rings().map(<[u32]>::len).collect::<Vec<_>>())).collect();
        assert_eq!(walked, [(Role::Roof, true, vec![4, 3]), (Role::Ground, false, vec![3])]);
        assert_eq!(m.lods[0].walk().map(|s| s.exterior()[0]).collect::<Vec<_>>(), [0, 0, 0, 1]);
        assert_eq!(m.bounds(), [[114.0, 34.0, 0.0], [114.0 + 7.0 * 1e-5, 34.0, 7.0]]);
    }

    #[test]
    fn the_level_to_show_is_at_least_the_wanted_one() {
        let m = model();
        for (wanted, shown) in [("0", "1"), ("1", "1"), ("1.3", "2.2"), ("2", "2.2"), ("3", "2.2")] {
            assert_eq!(m.at_least(tier(wanted)).unwrap().tier, tier(shown), "{wanted}");
        }
    }

    #[test]
    fn tiers_are_read_and_compared() {
        for (text, parsed) in
            [("2", Some((2, None))), (" 2.2", Some((2, Some(2)))), ("2.", None), ("10", None), ("-1", None)]
        {
            assert_eq!(Tier::parse(text).map(|t| (t.level, t.refined)), parsed, "{text}");
        }
        assert!(tier("2.2").within(tier("2")) && !tier("2").within(tier("2.2")) && !tier("3").within(tier("2")));
        assert!(tier("1.3") < tier("2") && tier("2") < tier("2.0"));
        assert_eq!(tier("2.2").to_string(), "2.2");
    }

    #[test]
    fn every_broken_rule_is_found() {
        let broken: &[fn(&mut Model)] = &[
            |m| m.lods.clear(),
            |m| m.lods.reverse(),
            |m| m.positions[0][0] = f64::NAN,
            |m| m.positions[0][2] = f64::INFINITY,
            |m| m.positions.truncate(7),
            |m| m.lods[0].corners.truncate(11),
            |m| m.lods[0].ring_ends[0] = 2,
            |m| m.lods[0].ring_ends[3] = 13,
            |m| m.lods[0].surfaces.clear(),
            |m| m.lods[1].surfaces[0].ring_end = 3,
            |m| m.lods[1].shells.truncate(1),
            |m| m.lods[1].shells[0].surface_end = 0,
        ];
        for (i, break_it) in broken.iter().enumerate() {
            let mut m = model();
            break_it(&mut m);
            assert!(m.flaw().is_some(), "case {i}");
        }
    }
}
