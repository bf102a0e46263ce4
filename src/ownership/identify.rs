//! Which component a case is about (specification 6.3): by its code, else the nearest of its class, else none.

use super::Ownership;
use super::answer::{Flag, Flags, Found, Match};
use super::components::ComponentIx;
use super::reason::Reason;
use super::register::ClassIx;
use super::resolve::Question;
use super::rules::Situation;
use super::territory::Place;
use super::trail::{Stage, Step, StepOutcome, Trail};
use crate::geo::local::Local;

/// People misplace the pin by this much more than their device says.
const SLACK_M: f64 = 15.0;
const LEAST_SEARCH_M: f64 = 15.0;
const MOST_SEARCH_M: f64 = 50.0;
/// The nearest is the one that is meant when the next is this much farther.
const CLEARLY_M: f64 = 3.0;

/// The component, and the class that drives the rules.
pub(super) struct Identified {
    pub component: Option<Found>,
    pub class: Option<ClassIx>,
    /// Those that could not be told apart.
    pub candidates: Vec<(ComponentIx, f64)>,
}

impl Ownership {
    pub(super) fn identify<'a>(
        &'a self,
        q: &Question<'a>,
        place: Place,
        flags: &mut Flags,
        trail: &mut Trail<'a>,
    ) -> Identified {
        if let Some(code) = q.component
            && let Some(found) = self.by_id(code, q, trail)
        {
            let class = self.class_of(found, q, flags, trail);
            return Identified { component: Some(found), class, candidates: vec![] };
        }
        let nobody = Identified { component: None, class: q.class, candidates: vec![] };
        let Some(class) = q.class else {
            skipped(Reason::NoClass, trail);
            return nobody;
        };
        let classes = &self.book.class(class).components;
        if classes.is_empty() {
            skipped(Reason::NoComponentClass, trail);
            return nobody;
        }
        let near = self.near(q, classes);
        self.choose(q, class, place, near, flags, trail)
    }

    /// The component with a code: one that is in use before one that is not, then the nearest.
    fn by_id<'a>(&'a self, code: &'a str, q: &Question<'a>, trail: &mut Trail<'a>) -> Option<Found> {
        let here = Local::at(q.p);
        let all = self.components.by_code(code).map(|c| (c, self.components.distance_m(c, q.p, &here)));
        let found = all.min_by(|a, b| {
            let (one, other) = (self.components.get(a.0), self.components.get(b.0));
            one.retired.cmp(&other.retired).then(a.1.total_cmp(&b.1)).then(one.id.cmp(&other.id))
        });
        let Some((component, distance_m)) = found else {
            trail.add(|| Step::new(Stage::Component, StepOutcome::NoMatch, Reason::UnknownId { code }));
            return None;
        };
        let c = self.components.get(component);
        let gone = match (c.retired, c.exists_at(q.at.0)) {
            (true, _) => Some(Reason::RetiredId { code }),
            (false, false) => Some(Reason::FutureId { code }),
            (false, true) => None,
        };
        let (outcome, reason) = match gone {
            Some(reason) => (StepOutcome::NoMatch, reason),
            None => (StepOutcome::Matched, Reason::ById { code }),
        };
        let here = outcome == StepOutcome::Matched;
        trail.add(|| Step::new(Stage::Component, outcome, reason).of((c.layer, c.id)).with("distance_m", distance_m));
        here.then_some(Found { component, distance_m, how: Match::Id })
    }

    /// Of a component found by its code the class decides, whatever was said; and so does its code, wherever it stands.
    fn class_of<'a>(
        &'a self,
        found: Found,
        q: &Question<'a>,
        flags: &mut Flags,
        trail: &mut Trail<'a>,
    ) -> Option<ClassIx> {
        let c = self.components.get(found.component);
        let tolerance_m = f64::from(c.accuracy_m).max(q.accuracy_m) + SLACK_M;
        if found.distance_m > tolerance_m {
            flags.set(Flag::FarFromComponent);
            trail.add(|| {
                Step::new(Stage::Component, StepOutcome::Flagged, Reason::FarAway)
                    .with("distance_m", found.distance_m)
                    .with("tolerance_m", tolerance_m)
            });
        }
        match (q.class, c.class()) {
            (Some(asked), Some(own)) if !self.book.class(asked).components.contains(&own) => {
                flags.set(Flag::ClassMismatch);
                let class = &self.book.class(own).code;
                trail.add(|| Step::new(Stage::Component, StepOutcome::Flagged, Reason::OtherClass { class }));
                Some(own)
            }
            (Some(asked), _) => Some(asked),
            (None, own) => own,
        }
    }

    /// In use, of these classes, within the search radius; the nearest first.
    fn near(&self, q: &Question<'_>, classes: &[ClassIx]) -> Vec<(ComponentIx, f64)> {
        let mut near = vec![];
        self.components
            .near(q.p, radius_m(q), classes, q.at, |component, distance_m| near.push((component, distance_m)));
        near.sort_by(|a, b| {
            a.1.total_cmp(&b.1).then_with(|| self.components.get(a.0).id.cmp(&self.components.get(b.0).id))
        });
        near
    }

    fn choose<'a>(
        &'a self,
        q: &Question<'a>,
        class: ClassIx,
        place: Place,
        mut near: Vec<(ComponentIx, f64)>,
        flags: &mut Flags,
        trail: &mut Trail<'a>,
    ) -> Identified {
        let class = Some(class);
        let Some(&(component, distance_m)) = near.first() else {
            trail.add(|| {
                Step::new(Stage::Component, StepOutcome::NoMatch, Reason::NoneWithin).with("radius_m", radius_m(q))
            });
            return Identified { component: None, class, candidates: vec![] };
        };
        near.retain(|(_, d)| d - distance_m < CLEARLY_M);
        let count = near.len() as u32;
        if count > 1 && !self.lead_to_one_subject(q, class, place, &near) {
            flags.set(Flag::AmbiguousComponent);
            trail.add(|| Step::new(Stage::Component, StepOutcome::Flagged, Reason::Ambiguous { count }));
            return Identified { component: None, class, candidates: near };
        }
        let how = if count > 1 { Match::AnyOf(count) } else { Match::Nearest };
        trail.add(|| {
            let c = self.components.get(component);
            let reason = match how {
                Match::AnyOf(count) => Reason::AnyOf { count },
                _ => Reason::Nearest { code: self.components.code(component) },
            };
            Step::new(Stage::Component, StepOutcome::Matched, reason).of((c.layer, c.id)).with("distance_m", distance_m)
        });
        Identified { component: Some(Found { component, distance_m, how }), class, candidates: vec![] }
    }

    /// Whether the whole resolution comes to the same subject for each.
    fn lead_to_one_subject(
        &self,
        q: &Question<'_>,
        class: Option<ClassIx>,
        place: Place,
        near: &[(ComponentIx, f64)],
    ) -> bool {
        let mut subjects = near.iter().map(|&(component, distance_m)| {
            let component = Some(Found { component, distance_m, how: Match::Nearest });
            let situation = Situation { p: q.p, at: q.at, place, class, component };
            let decision = self.decide(&situation, &mut Flags::default(), &mut Trail::new(false));
            decision.subject.map(|s| (s.organisation, decision.rule))
        });
        let first = subjects.next().flatten();
        first.is_some() && subjects.all(|s| s.map(|s| s.0) == first.map(|f| f.0))
    }
}

pub(super) fn radius_m(q: &Question<'_>) -> f64 {
    q.accuracy_m.clamp(LEAST_SEARCH_M, MOST_SEARCH_M)
}

fn skipped<'a>(reason: Reason<'a>, trail: &mut Trail<'a>) {
    trail.add(|| Step::new(Stage::Component, StepOutcome::Skipped, reason));
}
