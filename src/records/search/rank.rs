//! Which result comes first: how well it is met, how important its layer is, how near it is, how short; and that no layer
//! fills the page alone.

use crate::geo::BBox;
use crate::layer::{Layer, LayerIx, Role, Search as Kind};
use crate::store::{How, Records};
use std::collections::HashMap;

/// What a candidate is put in order by; the smaller first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// Exact code, exact name, beginning, end of a code, anywhere.
    pub tier: u8,
    pub importance: u8,
    /// From the place asked about; 0 without one.
    pub distance_cm: u64,
    /// Of the whole text.
    pub letters: usize,
}

/// A text of a layer's field that may become a result.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    pub rank: Rank,
    /// Folded.
    pub text: String,
    pub layer: LayerIx,
    pub field: usize,
    pub records: Records,
    pub how: How,
    pub count: u64,
    pub bbox: BBox,
}

impl Candidate {
    /// No two candidates are equal in it.
    fn order(&self) -> (Rank, &str, LayerIx, usize) {
        (self.rank, &self.text, self.layer, self.field)
    }
}

pub fn tier(how: How, kind: Kind) -> u8 {
    match (how, kind) {
        (How::Exact, Kind::Code) => 0,
        (How::Exact, Kind::Name) => 1,
        (How::Prefix, _) => 2,
        // The last digits of a code are what people remember of it.
        (How::Suffix, Kind::Code) => 3,
        (How::Suffix, Kind::Name) | (How::Inside, _) => 4,
    }
}

/// Of a layer by what it is for; the smaller first. Divisions, then places and roads, then what has a name of its own,
/// then what there are many of.
pub fn importance(layer: &Layer) -> u8 {
    const PLAIN: u8 = 7;
    let of = |role: &Role| match role {
        Role::District => 0,
        Role::Street => 1,
        Role::Community => 2,
        Role::RoadCenterline => 3,
        Role::PlaceName => 4,
        Role::RoadSurface | Role::WaterArea => 5,
        Role::GreenArea => 6,
        Role::ConstructionSite => PLAIN,
        Role::Building | Role::BuildingModel => 8,
        Role::UnitGrid | Role::BaseGrid | Role::DutyGrid | Role::EvaluationGrid | Role::SpecialDuty => 9,
        Role::Sensor => 10,
        Role::Component => 11,
        Role::PipeSegment | Role::PipeNode => 12,
        Role::Case => 13,
        Role::Terrain | Role::ElevationPoint => 14,
    };
    layer.roles.iter().map(of).min().unwrap_or(PLAIN)
}

/// The best candidates of a layer, in bounded memory.
pub struct Best {
    most: usize,
    all: Vec<Candidate>,
    /// The worst rank that is still wanted, once there are enough.
    worst: Option<Rank>,
    /// Some were not kept.
    pub dropped: bool,
}

impl Best {
    /// Two fields may name one record: twice the results of a page are enough for a page.
    pub fn of(limit: usize) -> Best {
        Best { most: 2 * limit, all: vec![], worst: None, dropped: false }
    }

    /// Keeps what `made` makes of the rank and the text, if it is good enough.
    pub fn offer(&mut self, rank: Rank, text: &str, made: impl FnOnce(Rank, String) -> Candidate) {
        if self.worst.is_some_and(|worst| rank > worst) {
            self.dropped = true;
            return;
        }
        self.all.push(made(rank, text.to_string()));
        if self.all.len() >= 2 * self.most {
            self.all.sort_by(|a, b| a.order().cmp(&b.order()));
            self.all.truncate(self.most);
            (self.worst, self.dropped) = (self.all.last().map(|c| c.rank), true);
        }
    }

    /// The best first; each record once, by its best text.
    pub fn into_sorted(mut self) -> Vec<Candidate> {
        self.all.sort_by(|a, b| a.order().cmp(&b.order()));
        let mut seen = vec![];
        self.all.retain(|c| match c.records {
            Records::One(record) if seen.contains(&record) => false,
            Records::One(record) => {
                seen.push(record);
                true
            }
            Records::Several { .. } => true,
        });
        self.all.truncate(self.most);
        self.all
    }
}

/// A page of the best. Among those met equally well a layer has a third of the page until the others had theirs, and of the
/// whole page three quarters.
pub fn page(mut candidates: Vec<Candidate>, limit: usize) -> Vec<Candidate> {
    candidates.sort_by(|a, b| a.order().cmp(&b.order()));
    let (third, most) = (limit.div_ceil(3), (limit * 3).div_ceil(4));
    let mut of_tier: HashMap<(u8, LayerIx), usize> = HashMap::new();
    let mut turn = |c: &Candidate| {
        let count = of_tier.entry((c.rank.tier, c.layer)).or_default();
        *count += 1;
        (c.rank.tier, *count > third)
    };
    let mut turns: Vec<((u8, bool), Candidate)> = candidates.into_iter().map(|c| (turn(&c), c)).collect();
    turns.sort_by_key(|(turn, _)| *turn);
    let mut of_layer: HashMap<LayerIx, usize> = HashMap::new();
    let within = |c: &Candidate| {
        let count = of_layer.entry(c.layer).or_default();
        *count += 1;
        *count <= most
    };
    let (mut page, rest): (Vec<_>, Vec<_>) = turns.into_iter().map(|(_, c)| c).partition(within);
    page.truncate(limit);
    page.extend(rest.into_iter().take(limit - page.len()));
    page.sort_by(|a, b| a.order().cmp(&b.order()));
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(layer: u16, tier: u8, importance: u8, text: &str) -> Candidate {
        Candidate {
            rank: Rank { tier, importance, distance_cm: 0, letters: text.chars().count() },
            text: text.to_string(),
            layer: LayerIx(layer),
            field: 0,
            records: Records::One(0),
            how: How::Inside,
            count: 1,
            bbox: BBox::new(0.0, 0.0, 0.0, 0.0),
        }
    }

    fn told(page: &[Candidate]) -> Vec<&str> {
        page.iter().map(|c| c.text.as_str()).collect()
    }

    #[test]
    fn no_layer_fills_the_page_while_others_have_something() {
        let many =
            |layer, tier, letter: char| (0..20).map(move |i| candidate(layer, tier, 1, &format!("{letter}{i:02}")));
        // Equally good: a third at first, the rest by rank.
        let both: Vec<_> = many(1, 2, 'a').chain([candidate(2, 2, 5, "b")]).collect();
        assert_eq!(told(&page(both, 6)), ["a00", "a01", "a02", "a03", "a04", "b"]);
        // Worse ones of others have a quarter.
        let worse: Vec<_> = many(1, 2, 'a').chain(many(2, 4, 'b')).collect();
        assert_eq!(told(&page(worse.clone(), 4)), ["a00", "a01", "a02", "b00"]);
        assert_eq!(page(worse, 40).len(), 40);
        let alone: Vec<_> = many(1, 2, 'a').collect();
        assert_eq!(page(alone, 10).len(), 10);
        assert_eq!(page(vec![], 10).len(), 0);
    }

    #[test]
    fn the_better_comes_first_whatever_the_layer() {
        let all = vec![
            candidate(1, 4, 0, "inside"),
            candidate(2, 0, 13, "code"),
            candidate(3, 2, 5, "longer prefix"),
            candidate(3, 2, 5, "prefix"),
            candidate(4, 1, 9, "name"),
        ];
        assert_eq!(told(&page(all, 10)), ["code", "name", "prefix", "longer prefix", "inside"]);
        use std::cmp::Ordering::Less;
        let tiers = [
            tier(How::Exact, Kind::Code),
            tier(How::Exact, Kind::Name),
            tier(How::Prefix, Kind::Code),
            tier(How::Suffix, Kind::Code),
            tier(How::Inside, Kind::Code),
        ];
        assert!(tiers.windows(2).all(|w| w[0].cmp(&w[1]) == Less));
        assert_eq!(tier(How::Suffix, Kind::Name), tier(How::Inside, Kind::Name));
    }

    #[test]
    fn what_is_kept_is_the_best_of_all_that_was_offered() {
        let mut best = Best::of(3);
        for i in 0..100u64 {
            let rank = Rank { tier: 2, importance: 1, distance_cm: i * 37 % 101, letters: 1 };
            best.offer(rank, "x", |rank, text| Candidate {
                rank,
                records: Records::One(i / 2),
                ..candidate(1, 0, 0, &format!("{text}{i:03}"))
            });
        }
        assert!(best.dropped);
        let kept: Vec<u64> = best.into_sorted().iter().map(|c| c.rank.distance_cm).collect();
        assert!(kept.len() >= 3 && kept.starts_with(&[0]) && kept.is_sorted(), "{kept:?}");
    }
}
