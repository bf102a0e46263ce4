//! Putting a model together from a reader's rings: equal places become one position, degenerate rings go, levels of
//! detail are kept apart. Works in source coordinates; knows neither JSON nor XML.

use crate::feature::{Lod, LodSkin, Model, Paint, Role, Shell, Skin, Surface, Tier};
use crate::import::repair::reject;
use crate::import::wire::Reject;
use std::collections::{BTreeMap, HashMap};

/// What is wrong with an object that is kept all the same.
pub const DEGENERATE_RING: &str = "degenerate-ring";
pub const REPEATED_POINT: &str = "repeated-point";
/// A part of the object that other objects refer to could not be read.
pub const BROKEN_PART: &str = "broken-part";

/// Collects the surfaces of one object and of its parts.
pub struct Builder<'a> {
    /// Levels of detail to take; all where empty.
    wanted: &'a [Tier],
    limit: u64,
    positions: Vec<[f64; 3]>,
    known: HashMap<[u64; 3], u32, foldhash::fast::FixedState>,
    lods: BTreeMap<Tier, Lod>,
    skins: BTreeMap<Tier, LodSkin>,
    paints: Paints,
    /// Levels of detail that were there and not wanted.
    others: bool,
    pub faults: Faults,
}

/// What surfaces wear, each once.
#[derive(Default)]
struct Paints {
    list: Vec<Paint>,
    numbers: HashMap<Paint, u32>,
}

impl Paints {
    /// Without places in images where no surface wears one.
    fn worn(&self, skin: LodSkin) -> LodSkin {
        let image = |n: &u32| n.checked_sub(1).is_some_and(|i| matches!(self.list[i as usize], Paint::Image(_)));
        let uv = if skin.worn.iter().any(image) { skin.uv } else { vec![] };
        LodSkin { uv, ..skin }
    }

    /// From 1.
    fn number(&mut self, paint: Paint) -> u32 {
        *self.numbers.entry(paint).or_insert_with(|| {
            self.list.push(paint);
            self.list.len() as u32
        })
    }
}

/// A corner as a reader has it: its place, and that in the image its surface wears.
pub type Corner = ([f64; 3], [f32; 2]);

/// The codes of one object, each once with its first detail.
#[derive(Default)]
pub struct Faults(Vec<Reject>);

impl Faults {
    pub fn note(&mut self, code: &str, detail: impl FnOnce() -> String) {
        if !self.0.iter().any(|f| f.code == code) {
            self.0.push(reject(code, detail()));
        }
    }

    fn detail(&self, code: &str) -> Option<&str> {
        self.0.iter().find(|f| f.code == code).map(|f| f.detail.as_str())
    }

    pub fn from_list(list: Vec<Reject>) -> Faults {
        Faults(list)
    }

    pub fn into_list(self) -> Vec<Reject> {
        self.0
    }
}

impl<'a> Builder<'a> {
    /// `limit`: corners that one model may have.
    pub fn new(wanted: &'a [Tier], limit: u64) -> Builder<'a> {
        Builder {
            wanted,
            limit,
            positions: vec![],
            known: HashMap::default(),
            lods: BTreeMap::new(),
            skins: BTreeMap::new(),
            paints: Paints::default(),
            others: false,
            faults: Faults::default(),
        }
    }

    /// Whether a level of detail is to be read; what is not is remembered as being there.
    pub fn takes(&mut self, tier: Tier) -> bool {
        let takes = self.wanted.is_empty() || self.wanted.iter().any(|w| tier.within(*w));
        self.others |= !takes;
        takes
    }

    /// Opens a shell at this level; one is open at a time.
    pub fn shell(&mut self, tier: Tier, closed: bool) -> ShellBuilder<'_> {
        let lod = self.lods.entry(tier).or_insert_with(|| Lod { tier, ..Lod::default() });
        ShellBuilder {
            lod,
            skin: self.skins.entry(tier).or_default(),
            paints: &mut self.paints,
            closed,
            limit: self.limit,
            positions: &mut self.positions,
            known: &mut self.known,
            faults: &mut self.faults,
        }
    }

    /// The model and its faults, or why there is none.
    pub fn finish(mut self) -> (Result<Model, Reject>, Vec<Reject>) {
        let lods: Vec<Lod> = std::mem::take(&mut self.lods).into_values().filter(|l| !l.surfaces.is_empty()).collect();
        let skin = (!self.paints.list.is_empty()).then(|| {
            let skins = lods.iter().map(|l| self.skins.remove(&l.tier).unwrap_or_default());
            let lods = skins.map(|s| self.paints.worn(s)).collect();
            Box::new(Skin { lods, paints: std::mem::take(&mut self.paints.list) })
        });
        let model = match (lods.is_empty(), self.faults.detail(DEGENERATE_RING), self.others) {
            (false, ..) => Ok(Model { positions: self.positions, lods, skin }),
            (true, Some(detail), _) => Err(reject("null-geometry", format!("no surface encloses anything: {detail}"))),
            (true, None, true) => {
                Err(reject(crate::import::wire::OTHER_LOD, "no geometry at a wanted level of detail"))
            }
            (true, None, false) => Err(reject("null-geometry", "the object has no surfaces")),
        };
        (model, self.faults.into_list())
    }
}

/// One shell being filled, surface by surface.
pub struct ShellBuilder<'b> {
    lod: &'b mut Lod,
    skin: &'b mut LodSkin,
    paints: &'b mut Paints,
    closed: bool,
    limit: u64,
    positions: &'b mut Vec<[f64; 3]>,
    known: &'b mut HashMap<[u64; 3], u32, foldhash::fast::FixedState>,
    faults: &'b mut Faults,
}

impl ShellBuilder<'_> {
    /// Adds a surface. `rings`: exterior first, closed or open.
    ///
    /// # Errors
    /// `not-finite` for a coordinate that is no number, `too-many-vertices` beyond the limit.
    pub fn surface<R>(&mut self, role: Role, rings: impl Iterator<Item = R>) -> Result<(), Reject>
    where
        R: Iterator<Item = Result<[f64; 3], Reject>>,
    {
        self.painted(role, None, rings.map(|ring| ring.map(|place| Ok((place?, [0.0; 2])))))
    }

    /// As `surface`, of one that wears something.
    pub fn painted<R>(&mut self, role: Role, paint: Option<Paint>, rings: impl Iterator<Item = R>) -> Result<(), Reject>
    where
        R: Iterator<Item = Result<Corner, Reject>>,
    {
        let before = self.lod.ring_ends.len();
        for ring in rings {
            let exterior = self.lod.ring_ends.len() == before;
            // Holes of nothing are nothing.
            if !self.ring(ring)? && exterior {
                break;
            }
        }
        if self.lod.ring_ends.len() > before {
            self.lod.surfaces.push(Surface { ring_end: self.lod.ring_ends.len() as u32, role });
            self.skin.worn.push(paint.map_or(0, |p| self.paints.number(p)));
        }
        Ok(())
    }

    /// Whether the ring has three corners or more.
    fn ring(&mut self, ring: impl Iterator<Item = Result<Corner, Reject>>) -> Result<bool, Reject> {
        let from = self.lod.corners.len();
        let (tier, surface) = (self.lod.tier, self.lod.surfaces.len() + 1);
        for place in ring {
            let (place, uv) = place?;
            if !place.iter().all(|v| v.is_finite()) {
                return Err(reject("not-finite", format!("a vertex is {place:?}")));
            }
            let corner = self.corner(place);
            match self.lod.corners[from..].last() == Some(&corner) {
                true => self.faults.note(REPEATED_POINT, || {
                    format!("LOD {tier}, surface {surface}: a ring has the same vertex twice in a row")
                }),
                false => {
                    self.lod.corners.push(corner);
                    self.skin.uv.push(if uv.iter().all(|x| x.is_finite()) { uv } else { [0.0; 2] });
                }
            }
        }
        if self.lod.corners.len() as u64 > self.limit {
            return Err(reject("too-many-vertices", format!("more than {} vertices in one model", self.limit)));
        }
        while self.lod.corners.len() > from + 1 && self.lod.corners.last() == self.lod.corners.get(from) {
            self.lod.corners.pop();
            self.skin.uv.pop();
        }
        if self.lod.corners.len() < from + 3 {
            self.lod.corners.truncate(from);
            self.skin.uv.truncate(from);
            self.faults.note(DEGENERATE_RING, || {
                format!("LOD {tier}, surface {surface}: a ring has fewer than three distinct corners")
            });
            return Ok(false);
        }
        self.lod.ring_ends.push(self.lod.corners.len() as u32);
        Ok(true)
    }

    fn corner(&mut self, place: [f64; 3]) -> u32 {
        // -0.0 is 0.0.
        let bits = place.map(|v| (v + 0.0).to_bits());
        *self.known.entry(bits).or_insert_with(|| {
            self.positions.push(place);
            self.positions.len() as u32 - 1
        })
    }

    /// Ends the shell; one without surfaces is none.
    pub fn close(self) {
        let surface_end = self.lod.surfaces.len() as u32;
        if self.lod.shells.last().map_or(0, |s| s.surface_end) < surface_end {
            self.lod.shells.push(Shell { surface_end, closed: self.closed });
        }
    }
}

/// What a semantic surface is called in CityGML and CityJSON → its role.
pub fn role(name: &str) -> Role {
    match name {
        "RoofSurface" => Role::Roof,
        "WallSurface" => Role::Wall,
        "GroundSurface" => Role::Ground,
        "ClosureSurface" => Role::Closure,
        "OuterCeilingSurface" => Role::OuterCeiling,
        "OuterFloorSurface" => Role::OuterFloor,
        "Window" | "WindowSurface" => Role::Window,
        "Door" | "DoorSurface" => Role::Door,
        "InteriorWallSurface" | "CeilingSurface" | "FloorSurface" => Role::Interior,
        _ => Role::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(shell: &mut ShellBuilder, role: Role, rings: &[&[[f64; 3]]]) -> Result<(), Reject> {
        shell.surface(role, rings.iter().map(|r| r.iter().map(|p| Ok(*p))))
    }

    const A: [f64; 3] = [0.0, 0.0, 0.0];
    const B: [f64; 3] = [4.0, 0.0, 0.0];
    const C: [f64; 3] = [4.0, 4.0, 3.0];
    const D: [f64; 3] = [-0.0, 4.0, 3.0];

    #[test]
    fn places_are_shared_and_rings_opened() {
        let mut builder = Builder::new(&[], 100);
        let tier = Tier { level: 2, refined: None };
        let mut shell = builder.shell(tier, true);
        add(&mut shell, Role::Roof, &[&[A, B, C, A]]).unwrap();
        add(&mut shell, Role::Wall, &[&[A, C, C, D], &[A, B, A]]).unwrap();
        add(&mut shell, Role::Wall, &[&[A, B, A], &[A, B, C]]).unwrap();
        shell.close();
        builder.shell(tier, false).close();
        let (model, faults) = builder.finish();
        let model = model.unwrap();
        assert_eq!(model.positions, [A, B, C, D]);
        let lod = &model.lods[0];
        assert_eq!((&lod.corners[..], &lod.ring_ends[..]), (&[0, 1, 2, 0, 2, 3][..], &[3, 6][..]));
        assert_eq!((lod.surfaces.len(), lod.shells.len()), (2, 1));
        assert_eq!(faults.iter().map(|f| f.code.as_str()).collect::<Vec<_>>(), [REPEATED_POINT, DEGENERATE_RING]);
    }

    #[test]
    fn nothing_wanted_is_not_nothing_there() {
        let code = |b: Builder| b.finish().0.unwrap_err().code;
        let two = [Tier { level: 2, refined: None }];
        assert_eq!(code(Builder::new(&two, 9)), "null-geometry");
        let mut builder = Builder::new(&two, 9);
        assert!(!builder.takes(Tier { level: 1, refined: Some(2) }));
        assert!(builder.takes(Tier { level: 2, refined: Some(2) }));
        assert_eq!(code(builder), "other-lod");
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let mut builder = Builder::new(&[], 5);
        let mut shell = builder.shell(Tier::default(), false);
        assert_eq!(add(&mut shell, Role::Roof, &[&[A, B, [f64::NAN, 0.0, 0.0]]]).unwrap_err().code, "not-finite");
        let many: Vec<[f64; 3]> = (0..6).map(|i| [f64::from(i), f64::from(i * i), 0.0]).collect();
        assert_eq!(add(&mut shell, Role::Roof, &[&many]).unwrap_err().code, "too-many-vertices");
    }
}
