//! Features of several layers → things with a model in each of several tiers. One thing is what shares a code and a
//! place: a code that stands at places far apart names a thing at each of them, so that nothing is replaced by what stands
//! elsewhere.

use super::Kin;
use std::ops::Range;

/// Models with one code and no farther apart than this are of one thing, metres.
const GAP_M: f64 = 50.0;
/// A code at more places than this, or all over a place wider than this, is no code ("unknown", "0").
const PLACES: usize = 256;
const WIDEST_M: f64 = 2000.0;
/// Metres of a degree of latitude; of longitude at the equator.
const DEGREE_M: f64 = 111_320.0;

/// A feature: its member of the family, its number in the member's ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Model {
    pub part: u32,
    pub entry: u32,
}

/// A model with what it is found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Coded {
    code: u64,
    tier: u8,
    model: Model,
}

/// A box east and north, metres.
type Box2 = [[f64; 2]; 2];

/// The models of a thing in one tier.
#[derive(Debug, Clone, PartialEq)]
pub struct Stand {
    pub tier: u8,
    pub models: Range<usize>,
    pub vertices: u64,
}

/// All things, and which models they have.
#[derive(Debug, Default)]
pub struct Town {
    /// Of each thing its stands, coarsest first. What has one alone is one feature.
    pub units: Vec<Range<usize>>,
    pub stands: Vec<Stand>,
    pub models: Vec<Model>,
}

/// What is odd about codes, of each member.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Oddities {
    /// Features without a code: they stand for themselves.
    pub codeless: Tally,
    /// Codes that two features or more of the layer have.
    pub repeated: Tally,
    /// Codes at places far apart.
    pub apart: Tally,
    /// Things that have no model in the first tier, but in this layer.
    pub standless: Tally,
}

/// How many, and the first of them by number in the ledger.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    pub count: u64,
    pub first: Vec<u32>,
}

const SAMPLES: usize = 5;

impl Tally {
    fn add(&mut self, entry: u32) {
        self.count += 1;
        if self.first.len() < SAMPLES {
            self.first.push(entry);
        }
    }
}

impl Town {
    /// All models that are valid on a day, each in one thing.
    pub fn of(kin: &[Kin<'_>], today: &str) -> (Town, Vec<Oddities>) {
        let mut town = Town::default();
        let mut odd = vec![Oddities::default(); kin.len()];
        let mut coded: Vec<Coded> = vec![];
        for (part, k) in kin.iter().enumerate() {
            let valid = k.ledger.valid(today);
            for (entry, e) in k.ledger.entries.iter().enumerate().filter(|(i, _)| valid[*i]) {
                let model = Model { part: part as u32, entry: entry as u32 };
                match e.code {
                    0 => {
                        odd[part].codeless.add(model.entry);
                        town.unit(kin, &[Coded { code: 0, tier: k.tier, model }]);
                    }
                    code => coded.push(Coded { code, tier: k.tier, model }),
                }
            }
        }
        coded.sort_unstable();
        for group in coded.chunk_by(|a, b| a.code == b.code) {
            town.group(kin, group, &mut odd);
        }
        (town, odd)
    }

    /// Everything with one code.
    fn group(&mut self, kin: &[Kin<'_>], group: &[Coded], odd: &mut [Oddities]) {
        for own in group.chunk_by(|a, b| a.model.part == b.model.part).filter(|own| own.len() > 1) {
            odd[own[1].model.part as usize].repeated.add(own[1].model.entry);
        }
        let first = group[0].model;
        let Some(places) = places(kin, group) else {
            odd[first.part as usize].apart.add(first.entry);
            group.iter().for_each(|g| self.unit(kin, std::slice::from_ref(g)));
            return;
        };
        if places.len() > 1 {
            odd[first.part as usize].apart.add(first.entry);
        }
        for place in places {
            if place[0].tier > 0 {
                odd[place[0].model.part as usize].standless.add(place[0].model.entry);
            }
            let one_tier = place.iter().all(|g| g.tier == place[0].tier);
            match one_tier {
                true => place.iter().for_each(|g| self.unit(kin, std::slice::from_ref(g))),
                false => self.unit(kin, &place),
            }
        }
    }

    /// A thing of these models, in order of tier.
    fn unit(&mut self, kin: &[Kin<'_>], models: &[Coded]) {
        let from = self.stands.len();
        for stand in models.chunk_by(|a, b| a.tier == b.tier) {
            let at = self.models.len();
            self.models.extend(stand.iter().map(|g| g.model));
            let vertices = stand.iter().map(|g| u64::from(kin[g.model.part as usize].entry(g.model).vertices)).sum();
            self.stands.push(Stand { tier: stand[0].tier, models: at..self.models.len(), vertices });
        }
        self.units.push(from..self.stands.len());
    }

    pub fn stands(&self, unit: u32) -> &[Stand] {
        &self.stands[self.units[unit as usize].clone()]
    }

    /// What stands for a thing up to a tier: its finest model that is no finer, else its coarsest.
    pub fn stand(&self, unit: u32, tier: u8) -> &Stand {
        let all = self.stands(unit);
        all.iter().rev().find(|s| s.tier <= tier).unwrap_or(&all[0])
    }

    /// The next tier at which something else stands for a thing.
    pub fn next(&self, unit: u32, tier: u8) -> Option<u8> {
        let all = self.stands(unit);
        all[1..].iter().map(|s| s.tier).find(|t| *t > tier)
    }
}

/// Models with one code, by place; `None` where it cannot be a code.
fn places(kin: &[Kin<'_>], group: &[Coded]) -> Option<Vec<Vec<Coded>>> {
    if group.len() == 1 {
        return Some(vec![group.to_vec()]);
    }
    let zero = kin[group[0].model.part as usize].entry(group[0].model).lonlat;
    let per_degree = [DEGREE_M * zero[1].to_radians().cos(), DEGREE_M];
    let mut places: Vec<(Box2, Vec<Coded>)> = vec![];
    for &one in group {
        let e = kin[one.model.part as usize].entry(one.model);
        let side = |i: usize, k: usize| (e.lonlat[k] - zero[k]) * per_degree[k] + f64::from(e.box_cm[i][k]) / 100.0;
        let mut around = [[side(0, 0), side(0, 1)], [side(1, 0), side(1, 1)]];
        let mut together = vec![one];
        // What it is near to, and what that brings near.
        while let Some(i) = places.iter().position(|(other, _)| gap(&around, other) <= GAP_M) {
            let (other, models) = places.swap_remove(i);
            around = [[0, 1].map(|k| around[0][k].min(other[0][k])), [0, 1].map(|k| around[1][k].max(other[1][k]))];
            together.extend(models);
        }
        let wide = (0..2).any(|k| around[1][k] - around[0][k] > WIDEST_M);
        places.push((around, together));
        if places.len() > PLACES || (wide && group.len() > 1) {
            return None;
        }
    }
    let mut places: Vec<_> = places.into_iter().map(|(_, models)| models).collect();
    places.iter_mut().for_each(|p| p.sort_unstable());
    places.sort_unstable();
    Some(places)
}

/// The wider of the gaps between two boxes east and north, metres; below 0 where they overlap.
fn gap(a: &Box2, b: &Box2) -> f64 {
    let along = |k: usize| (b[0][k] - a[1][k]).max(a[0][k] - b[1][k]);
    along(0).max(along(1))
}
