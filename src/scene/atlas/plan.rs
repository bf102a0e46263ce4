//! Which images go together, in which size, and where. Decides; paints nothing.

use super::Limits;
use super::pack::{self, MOST_SIDE, PAD, packed};
use super::picture::Size;
use super::regions::Worn;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Repetitions up to which an image is written out as often as it is worn.
const WRITTEN_OUT: f64 = 4.0;
/// A single image of which more than this is worn stays as it is.
const MOSTLY: f64 = 0.8;
/// Shares of a picture that packing is known to fill: the next where one was too hopeful.
const FILLS: [f64; 8] = [0.95, 0.9, 0.85, 0.8, 0.72, 0.64, 0.5, 0.35];

/// What becomes of an image.
#[derive(Debug, Clone, PartialEq)]
pub enum Fate {
    /// It is not there, or nothing of it fits.
    Lacking,
    /// Its own texture.
    Alone { size: usize },
    /// In a picture: where the padding of each of its regions begins.
    Packed { size: usize, sheet: usize, places: Vec<[u32; 2]> },
}

/// A picture to be painted.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    pub clear: bool,
    pub sides: [u32; 2],
}

/// The fate of each image.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    pub fates: Vec<Fate>,
    pub sheets: Vec<Planned>,
}

/// An image on its way to its fate.
struct Choice<'a> {
    worn: &'a Worn,
    sizes: &'a [Size],
    /// The size chosen so far, and what it takes.
    size: usize,
    cost: Cost,
    alone: bool,
    lacking: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Cost {
    /// With padding.
    pixels: f64,
    bytes: f64,
    texel_m: f64,
}

impl Choice<'_> {
    fn chosen(&self) -> &Size {
        &self.sizes[self.size]
    }

    fn has_coarser(&self) -> bool {
        !self.lacking && self.size + 1 < self.sizes.len()
    }

    fn take(&mut self, size: usize) {
        self.size = size;
        let padded = |[w, h]: [u32; 2]| f64::from(w + 2 * PAD) * f64::from(h + 2 * PAD);
        let (pixels, size) = (self.rectangles().map(padded).sum(), self.chosen());
        // A file's bytes are even over its pixels.
        let share = if self.alone { 1.0 } else { pixels / f64::from(size.width) / f64::from(size.height) };
        self.cost = Cost { pixels, bytes: size.bytes as f64 * share, texel_m: self.worn.texel_m(size) };
    }

    fn leave_out(&mut self) {
        self.lacking = true;
        self.cost = Cost::default();
    }

    fn rectangles(&self) -> impl Iterator<Item = [u32; 2]> + '_ {
        let of = |[low, high]: [[i32; 2]; 2]| [0, 1].map(|k| (high[k] - low[k]) as u32);
        self.worn.regions.iter().map(move |r| of(r.pixels(self.chosen())))
    }

    fn is_packed(&self, clear: bool) -> bool {
        !self.lacking && !self.alone && self.chosen().clear == clear
    }
}

impl Plan {
    pub fn of(worn: &[Worn], stock: &[Vec<Size>], limits: Limits) -> Plan {
        let seen = worn.iter().filter(|w| !w.regions.is_empty()).count();
        let choose = |(i, worn)| first_choice(worn, stock.get(i).map_or(&[], Vec::as_slice), seen == 1, limits.texel_m);
        let mut choices: Vec<Choice<'_>> = worn.iter().enumerate().map(choose).collect();
        for fill in FILLS {
            fit(&mut choices, fill * f64::from(MOST_SIDE).powi(2), limits.bytes as f64);
            let plan = laid_out(&choices);
            if plan.fates.iter().zip(&choices).all(|(fate, c)| c.lacking || *fate != Fate::Lacking) {
                return plan;
            }
        }
        laid_out(&choices)
    }
}

/// As fine as it is needed, and as the largest picture can hold it.
fn first_choice<'a>(worn: &'a Worn, sizes: &'a [Size], single: bool, texel_m: f64) -> Choice<'a> {
    let lacking = sizes.is_empty() || worn.regions.is_empty();
    let often = worn.regions.iter().any(|r| r.sides().iter().any(|s| *s > WRITTEN_OUT)) || worn.area() > WRITTEN_OUT;
    let alone = (worn.repeats() && often) || (single && (worn.repeats() || worn.area() > MOSTLY));
    let mut choice = Choice { worn, sizes, size: 0, cost: Cost::default(), alone, lacking };
    if lacking {
        return choice;
    }
    choice.take(0);
    let fine = |c: &Choice<'_>| c.worn.texel_m(&c.sizes[c.size + 1]) <= texel_m;
    let wide = |c: &Choice<'_>| !c.alone && c.rectangles().flatten().any(|n| n + 2 * PAD > MOST_SIDE);
    while choice.has_coarser() && (fine(&choice) || wide(&choice)) {
        choice.take(choice.size + 1);
    }
    choice
}

/// Until the pixels of each picture and the bytes of all textures fit.
fn fit(choices: &mut [Choice<'_>], most_pixels: f64, most_bytes: f64) {
    for clear in [false, true] {
        lower(choices, most_pixels, |c| c.is_packed(clear), |cost| cost.pixels);
    }
    lower(choices, most_bytes, |c| !c.lacking, |cost| cost.bytes);
}

/// Takes the finest of the concerned images coarser until they cost less; what does not fit even then is left out, the
/// last first.
fn lower(choices: &mut [Choice<'_>], most: f64, concerned: impl Fn(&Choice<'_>) -> bool, cost: impl Fn(&Cost) -> f64) {
    let mut total: f64 = choices.iter().filter(|c| concerned(c)).map(|c| cost(&c.cost)).sum();
    // Finest first, then the first; texels' sides are positive, so that their bits are in their order.
    let key = |c: &Choice<'_>, i: usize| Reverse((c.cost.texel_m.to_bits(), i));
    let list = choices.iter().enumerate();
    let mut finest: BinaryHeap<_> = list.filter(|(_, c)| concerned(c)).map(|(i, c)| key(c, i)).collect();
    while total > most
        && let Some(Reverse((_, i))) = finest.pop()
    {
        let choice = &mut choices[i];
        if choice.has_coarser() {
            total -= cost(&choice.cost);
            choice.take(choice.size + 1);
            total += cost(&choice.cost);
            finest.push(key(choice, i));
        }
    }
    for choice in choices.iter_mut().rev().filter(|c| concerned(c)) {
        if total <= most {
            break;
        }
        total -= cost(&choice.cost);
        choice.leave_out();
    }
}

/// Packs what is to be packed. An image of which a part finds no room is lacking.
fn laid_out(choices: &[Choice<'_>]) -> Plan {
    let fate = |c: &Choice<'_>| if c.alone && !c.lacking { Fate::Alone { size: c.size } } else { Fate::Lacking };
    let mut plan = Plan { fates: choices.iter().map(fate).collect(), sheets: vec![] };
    for clear in [false, true] {
        let images: Vec<usize> = (0..choices.len()).filter(|&i| choices[i].is_packed(clear)).collect();
        let sides: Vec<[u32; 2]> = images.iter().flat_map(|&i| choices[i].rectangles()).collect();
        if sides.is_empty() {
            continue;
        }
        let pack::Packed { sides, places } = packed(&sides);
        let mut places = places.into_iter();
        for i in images {
            let own: Vec<Option<[u32; 2]>> = places.by_ref().take(choices[i].worn.regions.len()).collect();
            if let Some(places) = own.into_iter().collect() {
                plan.fates[i] = Fate::Packed { size: choices[i].size, sheet: plan.sheets.len(), places };
            }
        }
        plan.sheets.push(Planned { clear, sides });
    }
    plan
}

#[cfg(test)]
mod tests {
    use super::super::regions::Region;
    use super::*;

    const FREE: Limits = Limits { texel_m: 0.01, bytes: u64::MAX };

    /// Sizes from 1024 down to 64, a byte for every four pixels.
    fn sizes(clear: bool) -> Vec<Size> {
        let size = |side: u32| Size { width: side, height: side, bytes: u64::from(side * side) / 4, clear };
        [1024, 512, 256, 128, 64].map(size).to_vec()
    }

    fn worn(low: [f64; 2], high: [f64; 2], side_m: f64) -> Worn {
        Worn { regions: vec![Region { low, high }], groups: vec![], covers_m2: side_m * side_m }
    }

    fn whole(side_m: f64) -> Worn {
        worn([0.0; 2], [1.0; 2], side_m)
    }

    fn size_of(fate: &Fate) -> Option<u32> {
        match fate {
            Fate::Lacking => None,
            Fate::Alone { size } | Fate::Packed { size, .. } => Some(1024 >> size),
        }
    }

    #[test]
    fn an_image_is_as_fine_as_it_is_needed() {
        // 4 m in 512 texels are 8 mm, in 256 are 16 mm.
        let of = |side_m, texel_m| {
            let plan =
                Plan::of(&[whole(side_m), whole(0.1)], &[sizes(false), sizes(false)], Limits { texel_m, ..FREE });
            size_of(&plan.fates[0]).unwrap()
        };
        assert_eq!([of(4.0, 0.01), of(4.0, 0.02), of(4.0, 1.0), of(40.0, 0.01)], [512, 256, 64, 1024]);
    }

    #[test]
    fn the_finest_give_way_first_and_all_fit() {
        let all: Vec<Worn> = (0..40).map(|i| whole(if i < 20 { 5.0 } else { 50.0 })).collect();
        let stock = vec![sizes(false); 40];
        let bytes = 700 << 10;
        let plan = Plan::of(&all, &stock, Limits { bytes, ..FREE });
        let sides: Vec<u32> = plan.fates.iter().map(|f| size_of(f).unwrap()).collect();
        assert!(sides[..20].iter().max() < sides[20..].iter().min(), "{sides:?}");
        assert_eq!(plan.sheets.len(), 1);
        assert!(plan.sheets[0].sides.iter().all(|s| *s <= MOST_SIDE));
        let bytes_of = |side: &u32| f64::from((side + 2 * PAD).pow(2)) / 4.0;
        assert!(sides.iter().map(bytes_of).sum::<f64>() <= bytes as f64);
        // Without a limit of bytes the picture's sides are one.
        let wide = Plan::of(&all, &stock, FREE);
        assert!(wide.fates.iter().all(|f| size_of(f).is_some()) && wide != plan);
    }

    #[test]
    fn what_is_alone_what_is_apart_and_what_is_lacking() {
        let often = worn([0.0, 0.0], [9.0, 1.0], 3.0);
        let twice = worn([0.0, 0.0], [2.0, 1.0], 3.0);
        let all = [often.clone(), twice.clone(), whole(3.0), whole(3.0), Worn::default()];
        let stock = [sizes(false), sizes(false), sizes(true), vec![], sizes(false)];
        let plan = Plan::of(&all, &stock, FREE);
        assert!(matches!(plan.fates[0], Fate::Alone { .. }));
        assert!(matches!(plan.fates[1], Fate::Packed { sheet: 0, .. }));
        assert!(matches!(plan.fates[2], Fate::Packed { sheet: 1, .. }));
        assert_eq!((&plan.fates[3], &plan.fates[4]), (&Fate::Lacking, &Fate::Lacking));
        assert_eq!(plan.sheets.iter().map(|s| s.clear).collect::<Vec<_>>(), [false, true]);
        // A single image needs no company, unless little of it is worn.
        let single = |w: Worn| Plan::of(&[w], &[sizes(false)], FREE).fates.remove(0);
        assert!(matches!(single(twice), Fate::Alone { .. }) && matches!(single(whole(3.0)), Fate::Alone { .. }));
        assert!(matches!(single(worn([0.1, 0.1], [0.5, 0.5], 3.0)), Fate::Packed { .. }));
    }

    #[test]
    fn of_too_many_the_first_are_worn() {
        let all = vec![whole(3.0); 3000];
        let plan = Plan::of(&all, &vec![sizes(false); 3000], FREE);
        let worn = plan.fates.iter().filter(|f| **f != Fate::Lacking).count();
        assert!(worn > 600 && worn < 1000, "{worn}");
        assert!(plan.fates[..600].iter().all(|f| *f != Fate::Lacking));
    }
}
