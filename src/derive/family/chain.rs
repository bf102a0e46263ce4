//! Things with models in several tiers → tiles. By place and distance they are divided as one layer's features are, each by
//! its coarsest models, refined by addition. What has finer models stands in a chain of tiles beside the others: each tile
//! of the chain holds its things at one tier (what has no model there is repeated) and is replaced by tiles that hold the
//! same things at the next. So on every cut through the tree each thing stands at one tier.

use super::Kin;
use super::buildings::{Model, Stand, Town};
use crate::derive::item::plane_y;
use crate::derive::scene::{DISTANCE_PER_ERROR, HEAVIEST, MOST, Thing, grow};
use crate::geo::BBox;
use std::collections::VecDeque;

/// Tiles that the finest models of a single thing are divided into, at most: they hang below one tile, and have to be on
/// its page.
const PIECES: usize = 16;
/// No tile with something below it has an error that is written as 0, metres.
const LEAST_M: f64 = 0.001;

/// A tile being grown.
#[derive(Debug, Clone, Default)]
pub struct Stem {
    pub parent: Option<usize>,
    pub children: Vec<usize>,
    pub replaces: bool,
    /// Geometric error, metres: of what is not yet shown, or of what stands in for it.
    pub error_m: f64,
    /// `[longitude°, latitude°]`
    pub centre: [f64; 2],
    /// By member, then in the ledger's order.
    pub models: Vec<Model>,
}

/// Tiles of a family: the first is the root, children of one tile stand together, after it.
pub struct Grown {
    pub stems: Vec<Stem>,
    /// Geometric error of showing nothing, metres.
    pub error_m: f64,
}

struct Grower<'a> {
    kin: &'a [Kin<'a>],
    town: &'a Town,
    /// By tier: geometric error of what stands in for its models, metres.
    errors_m: Vec<f64>,
    stems: Vec<Stem>,
}

pub fn grown(kin: &[Kin<'_>], town: &Town) -> Grown {
    let things: Vec<Thing> = (0..town.units.len()).map(|i| thing(kin, town, i as u32)).collect();
    let tree = grow(&things);
    let tiers = kin.iter().map(|k| usize::from(k.tier) + 1).max().unwrap_or(0);
    let mut errors_m = vec![0.0f64; tiers];
    kin.iter().for_each(|k| errors_m[usize::from(k.tier)] = errors_m[usize::from(k.tier)].max(k.error_m));
    let mut grower = Grower { kin, town, errors_m, stems: vec![] };
    for node in &tree.nodes {
        let (parent, children, error_m) = (node.parent, node.children.clone(), node.below_m / DISTANCE_PER_ERROR);
        grower.stems.push(Stem { parent, children, error_m, centre: node.centre, ..Stem::default() });
    }
    for (at, node) in tree.nodes.iter().enumerate() {
        grower.furnish(at, &node.members, &things);
    }
    let error_m = tree.reach_m / DISTANCE_PER_ERROR;
    Grown { stems: numbered(grower.stems, error_m), error_m }
}

/// A thing as its coarsest models are: a tile takes as many features as it takes of one layer.
fn thing(kin: &[Kin<'_>], town: &Town, unit: u32) -> Thing {
    let stand = &town.stands(unit)[0];
    let models = &town.models[stand.models.clone()];
    let entry = |m: &Model| kin[m.part as usize].entry(*m);
    let places: Vec<[f64; 2]> = models.iter().map(|m| entry(m).lonlat).collect();
    let lonlat = BBox::of(&places).center();
    let reach_m = models.iter().map(|m| entry(m).reach_m).fold(0.0, f64::max);
    let by_count = models.len() as u64 * (HEAVIEST / MOST as u64);
    let weight = stand.vertices.max(by_count).min(u64::from(u32::MAX)) as u32;
    Thing { id: u64::from(unit) + 1, at: [lonlat[0], plane_y(lonlat[1])], lonlat, reach_m, weight }
}

impl Grower<'_> {
    /// Gives a tile of the tree its content: what has one model, and a chain for what has more.
    fn furnish(&mut self, at: usize, members: &[u32], things: &[Thing]) {
        let (several, single): (Vec<u32>, Vec<u32>) = members.iter().partition(|u| self.town.stands(**u).len() > 1);
        self.stems[at].models = self.shown(&single, 0);
        let Some(tier) = several.iter().map(|u| self.town.stands(*u)[0].tier).min() else { return };
        let bare = single.is_empty() && self.stems[at].children.is_empty();
        let chain = if bare { at } else { self.child(at, &several, tier) };
        if bare {
            self.stems[at].models = self.shown(&several, tier);
        } else {
            let reach_m = several.iter().map(|u| things[*u as usize].reach_m).fold(0.0, f64::max);
            let error_m = &mut self.stems[at].error_m;
            *error_m = error_m.max(reach_m / DISTANCE_PER_ERROR);
        }
        self.refine(chain, &several, tier);
    }

    /// Hangs below a tile of a chain what replaces it. `units` stand in it at `tier`.
    fn refine(&mut self, at: usize, units: &[u32], tier: u8) {
        let Some(next) = units.iter().filter_map(|u| self.town.next(*u, tier)).min() else {
            (self.stems[at].replaces, self.stems[at].error_m) = (false, 0.0);
            return;
        };
        (self.stems[at].replaces, self.stems[at].error_m) = (true, self.errors_m[usize::from(next)]);
        // What goes on beyond the next tier is apart, so that the others need not be repeated there.
        let (on, done): (Vec<u32>, Vec<u32>) = units.iter().partition(|u| self.town.next(**u, next).is_some());
        for group in [done, on] {
            match group.as_slice() {
                [] => {}
                group if self.fits(group, next) => self.grow(at, group, next),
                [one] if self.town.next(*one, next).is_none() => self.pieces(at, *one, next),
                [_] => self.grow(at, &group, next),
                // Too much for a tile: the same models once more, a quarter in a tile.
                group => {
                    for quarter in self.quarters(group) {
                        let tier = if self.fits(&quarter, next) { next } else { tier };
                        self.grow(at, &quarter, tier);
                    }
                }
            }
        }
    }

    fn grow(&mut self, at: usize, units: &[u32], tier: u8) {
        let child = self.child(at, units, tier);
        self.refine(child, units, tier);
    }

    fn child(&mut self, at: usize, units: &[u32], tier: u8) -> usize {
        let models = self.shown(units, tier);
        self.leaf(at, models)
    }

    fn leaf(&mut self, at: usize, models: Vec<Model>) -> usize {
        let places: Vec<[f64; 2]> = models.iter().map(|m| self.kin[m.part as usize].entry(*m).lonlat).collect();
        let centre = BBox::of(&places).center();
        self.stems.push(Stem { parent: Some(at), centre, models, ..Stem::default() });
        let child = self.stems.len() - 1;
        self.stems[at].children.push(child);
        child
    }

    /// The finest models of one thing that are too much for one tile, divided by place.
    fn pieces(&mut self, at: usize, unit: u32, tier: u8) {
        let Stand { models, vertices, .. } = self.town.stand(unit, tier).clone();
        let by_weight = vertices as f64 * 1.5 / HEAVIEST as f64;
        let wanted = (models.len() as f64 / MOST as f64).max(by_weight).ceil() as usize;
        let models = self.town.models[models].to_vec();
        let place = |m: &Model| self.kin[m.part as usize].entry(*m).lonlat;
        for mut piece in halves(models, wanted.clamp(1, PIECES).ilog2_up(), &place) {
            piece.sort_unstable();
            self.leaf(at, piece);
        }
    }

    fn quarters(&self, units: &[u32]) -> Vec<Vec<u32>> {
        let place = |u: &u32| {
            let model = self.town.models[self.town.stands(*u)[0].models.start];
            self.kin[model.part as usize].entry(model).lonlat
        };
        halves(units.to_vec(), 2, &place)
    }

    fn shown(&self, units: &[u32], tier: u8) -> Vec<Model> {
        let models = units.iter().flat_map(|u| &self.town.models[self.town.stand(*u, tier).models.clone()]);
        let mut models: Vec<Model> = models.copied().collect();
        models.sort_unstable();
        models
    }

    fn fits(&self, units: &[u32], tier: u8) -> bool {
        let stands = || units.iter().map(|u| self.town.stand(*u, tier));
        stands().map(|s| s.models.len()).sum::<usize>() <= MOST && stands().map(|s| s.vertices).sum::<u64>() <= HEAVIEST
    }
}

trait Ilog2Up {
    fn ilog2_up(self) -> u32;
}

impl Ilog2Up for usize {
    /// The least power of two that is no less, its exponent.
    fn ilog2_up(self) -> u32 {
        self.next_power_of_two().trailing_zeros()
    }
}

/// Halved so many times across the longer side, by number; no part is empty.
fn halves<T: Copy + Ord>(all: Vec<T>, times: u32, place: &dyn Fn(&T) -> [f64; 2]) -> Vec<Vec<T>> {
    if times == 0 || all.len() < 2 {
        return vec![all];
    }
    let places: Vec<[f64; 2]> = all.iter().map(place).collect();
    let b = BBox::of(&places);
    let wide = (b.max_x - b.min_x) * b.center()[1].to_radians().cos() > b.max_y - b.min_y;
    let axis = usize::from(!wide);
    let mut all = all;
    all.sort_unstable_by(|p, q| place(p)[axis].total_cmp(&place(q)[axis]).then(p.cmp(q)));
    let rest = all.split_off(all.len() / 2);
    let mut parts = halves(all, times - 1, place);
    parts.extend(halves(rest, times - 1, place));
    parts
}

/// Breadth first, errors falling: none is above its parent's.
fn numbered(stems: Vec<Stem>, error_m: f64) -> Vec<Stem> {
    let mut ordered: Vec<Stem> = Vec::with_capacity(stems.len());
    let mut queue: VecDeque<(usize, Option<usize>)> = stems.first().map(|_| (0, None)).into_iter().collect();
    while let Some((old, parent)) = queue.pop_front() {
        let at = ordered.len();
        let stem = &stems[old];
        let above_m = parent.map_or(error_m, |p: usize| ordered[p].error_m);
        let own_m = if stem.children.is_empty() { 0.0 } else { stem.error_m.min(above_m).max(LEAST_M) };
        queue.extend(stem.children.iter().map(|c| (*c, Some(at))));
        if let Some(parent) = parent {
            ordered[parent].children.push(at);
        }
        ordered.push(Stem { parent, children: vec![], error_m: own_m, ..stem.clone() });
    }
    ordered
}
