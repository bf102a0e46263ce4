//! From a question to its answer: locate, find the component, ask the rules in the policy's order; the first that names
//! exactly one subject decides, one that names several stops with `CONFLICT` (specification 6.2 to 6.4).

use super::Ownership;
use super::answer::{Answer, Candidate, Flag, Flags, Outcome, Party};
use super::identify::Identified;
use super::instant::Instant;
use super::reason::Reason;
use super::register::{ClassIx, PolicyIx, Rule};
use super::rules::{Situation, Verdict};
use super::territory::Level;
use super::trail::{Stage, Step, StepOutcome, Trail};

/// Nearest a border is ever called near, whatever the reporter's accuracy.
pub(super) const LEAST_BORDER_M: f64 = 5.0;
/// What rules are asked without a class: the place's own.
const WITHOUT_CLASS: &[Rule] = &[Rule::R5, Rule::R6];
const ALL_RULES: [Rule; 7] = [Rule::R0, Rule::R1, Rule::R2, Rule::R3, Rule::R4, Rule::R5, Rule::R6];
/// What area-first policies become for a component that is not shared and has a clear owner.
const OWNER_FIRST: &str = "OWNER_THEN_TERRITORY";

/// A question, parsed.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// `[longitude°, latitude°]`, CGCS2000.
    pub p: [f64; 2],
    pub class: Option<ClassIx>,
    pub component: Option<&'a str>,
    pub at: Instant,
    /// Of the reported place.
    pub accuracy_m: f64,
    /// A provisional subject must be named.
    pub urgent: bool,
    pub trail: bool,
}

/// What the rules came to.
pub(super) struct Decision {
    pub outcome: Outcome,
    pub rule: Option<Rule>,
    pub policy: Option<PolicyIx>,
    pub subject: Option<Party>,
    candidates: Vec<Candidate>,
    assist: Vec<Party>,
}

impl Ownership {
    /// The one subject, or a named reason why not. The same question and snapshot give the same answer.
    pub fn resolve<'a>(&'a self, q: &Question<'a>) -> Answer<'a> {
        let mut flags = Flags::default();
        let mut trail = Trail::new(q.trail);
        let (place, border) = self.territory.locate(q.p, q.accuracy_m.max(LEAST_BORDER_M), q.at, &mut flags);
        let mut answer = Answer {
            outcome: Outcome::OutOfCoverage,
            subject: None,
            rule: None,
            policy: None,
            place,
            component: None,
            flags,
            border,
            candidates: vec![],
            provisional: None,
            assist: vec![],
            needs_ruling: false,
            at: q.at,
            trail: None,
        };
        if place.is_nowhere() {
            trail.add(|| Step::new(Stage::Locate, StepOutcome::NoMatch, Reason::Nowhere));
            answer.trail = trail.into_steps();
            return answer;
        }
        answer.flags.set_if(Flag::NearBorder, !answer.border.is_empty());
        self.tell_place(&answer, &mut trail);
        let found = self.identify(q, place, &mut answer.flags, &mut trail);
        self.answer(q, found, &mut answer, &mut trail);
        answer.trail = trail.into_steps();
        answer
    }

    fn answer<'a>(&'a self, q: &Question<'a>, found: Identified, answer: &mut Answer<'a>, trail: &mut Trail<'a>) {
        let situation =
            Situation { p: q.p, at: q.at, place: answer.place, class: found.class, component: found.component };
        answer.component = found.component;
        let differs = found.component.is_some_and(|f| self.components.get(f.component).grid_differs);
        answer.flags.set_if(Flag::StoredGridMismatch, differs);
        if differs {
            trail.add(|| flagged(Flag::StoredGridMismatch));
        }
        let approximate = found.class.is_some_and(|c| self.book.class(c).approximate);
        answer.flags.set_if(Flag::ClassCrosswalkApprox, approximate);
        if approximate {
            trail.add(|| flagged(Flag::ClassCrosswalkApprox));
        }
        answer.flags.set_if(Flag::Ownerless, self.is_ownerless(&situation));
        let decision = self.decide(&situation, &mut answer.flags, trail);
        answer.outcome = decision.outcome;
        answer.rule = decision.rule;
        answer.policy = decision.policy;
        answer.subject = decision.subject;
        answer.assist = decision.assist;
        answer.flags.set_if(Flag::OrgSucceeded, decision.subject.is_some_and(|s| s.instead_of.is_some()));
        answer.candidates = decision.candidates;
        answer.candidates.extend(found.candidates.into_iter().map(|(c, d)| Candidate::Component(c, d)));
        let owner_first = decision.policy.is_some_and(|p| self.book.policies[p.0 as usize].rules.contains(&Rule::R1));
        answer.needs_ruling = decision.outcome == Outcome::ResolvedFallback && owner_first;
        if q.urgent && answer.subject.is_none() {
            answer.provisional = self.provisional(&situation);
            trail.add(|| {
                let outcome = answer.provisional.map_or(StepOutcome::NoMatch, |_| StepOutcome::Matched);
                Step::new(Stage::Provisional, outcome, Reason::SecureFirst).naming(answer.provisional)
            });
        }
    }

    /// Asks the rules. Flags what the rules that were tried found out.
    pub(super) fn decide<'a>(&'a self, s: &Situation, flags: &mut Flags, trail: &mut Trail<'a>) -> Decision {
        let (policy, degraded) = self.policy_for(s);
        let policy_data = policy.map(|p| &self.book.policies[p.0 as usize]);
        let rules = policy_data.map_or(WITHOUT_CLASS, |p| &p.rules);
        let duty = policy_data.and_then(|p| p.duty);
        let mut decision = Decision {
            outcome: Outcome::Unresolved,
            rule: None,
            policy,
            subject: None,
            candidates: vec![],
            assist: vec![],
        };
        for (i, &rule) in rules.iter().enumerate() {
            let verdict = self.ask(rule, s, duty);
            flags.set_if(Flag::OwnerMissing, matches!(&verdict, Verdict::Nobody(Reason::NoHolder)));
            trail.add(|| tried(rule, &verdict, self));
            match verdict {
                Verdict::Nobody(_) => continue,
                Verdict::One(named) => {
                    decision.outcome = Outcome::by(rule);
                    decision.subject = Some(named.party);
                    decision.assist = self.helpers(rule, s, named.party, &named.assist);
                }
                Verdict::Several(parties) => {
                    decision.outcome = Outcome::Conflict;
                    decision.candidates = parties.into_iter().map(Candidate::Party).collect();
                }
            }
            decision.rule = Some(rule);
            self.tell_rest(&rules[i + 1..], rule, decision.outcome, s, duty, degraded, trail);
            break;
        }
        self.tell_left_out(rules, policy_data.map(|p| p.id.as_str()), trail);
        decision
    }

    /// The class's policy; area-first policies give way to the owner of what is not shared.
    fn policy_for(&self, s: &Situation) -> (Option<PolicyIx>, bool) {
        let Some(class) = s.class else { return (None, false) };
        let own = self.book.class(class).policy;
        let Some(policy) = own else { return (self.book.policy(OWNER_FIRST), false) };
        let rules = &self.book.policies[policy.0 as usize].rules;
        let at = |rule| rules.iter().position(|r| *r == rule);
        let area_first = matches!((at(Rule::R2), at(Rule::R1)), (Some(area), Some(owner)) if area < owner);
        let unshared = s.component.is_some_and(|f| self.components.get(f.component).shared() == Some(false));
        match area_first && unshared && matches!(self.holder(s), Verdict::One(_)) {
            true => (self.book.policy(OWNER_FIRST).or(own), true),
            false => (own, false),
        }
    }

    /// The area's helpers; for a duty of the place also the industry's body.
    fn helpers(&self, rule: Rule, s: &Situation, subject: Party, recorded: &[super::register::OrgIx]) -> Vec<Party> {
        let capacity = subject.capacity;
        let mut helpers: Vec<Party> = recorded.iter().map(|&o| Party::new(o, capacity)).collect();
        if rule == Rule::R3
            && let Verdict::One(industry) = self.ask(Rule::R4, s, None)
        {
            helpers.push(industry.party);
        }
        helpers.retain(|h| h.organisation != subject.organisation);
        helpers
    }

    fn tell_place<'a>(&'a self, answer: &Answer<'a>, trail: &mut Trail<'a>) {
        if !trail.is_wanted() {
            return;
        }
        let cells = Level::ALL.iter().filter_map(|l| self.territory.of(&answer.place, *l));
        let chain: Vec<String> =
            cells.map(|c| c.name.as_ref().map_or(c.code.clone(), |n| format!("{}({n})", c.code))).collect();
        let finest = Level::CHAIN.iter().find_map(|l| self.territory.of(&answer.place, *l));
        trail.add(|| {
            let step = Step::new(Stage::Locate, StepOutcome::Matched, Reason::Located { chain: chain.join(" → ") });
            match finest {
                Some(cell) => step.of((cell.layer, cell.id)),
                None => step,
            }
        });
        let located = [Flag::GapSnapped, Flag::NoUnitGrid, Flag::DataOverlap, Flag::HierarchyMismatch];
        for flag in located.into_iter().filter(|f| answer.flags.has(*f)) {
            trail.add(|| Step::new(Stage::Locate, StepOutcome::Flagged, Reason::Flagged(flag)));
        }
        if let Some(nearest) = answer.border.iter().map(|n| n.distance_m).min_by(f64::total_cmp) {
            let names: Vec<&str> =
                answer.border.iter().map(|n| self.territory.cell(n.level, n.cell).code.as_str()).collect();
            let reason = Reason::Borders { names: names.join(", ") };
            trail.add(|| Step::new(Stage::Locate, StepOutcome::Flagged, reason).with("distance_m", nearest));
        }
    }

    /// Rules after the one that ended it: skipped, with whom they would have named.
    #[expect(
        clippy::too_many_arguments,
        reason = "what a trail tells of the rules not tried is what they were not tried for"
    )]
    fn tell_rest<'a>(
        &'a self,
        rest: &[Rule],
        ended: Rule,
        outcome: Outcome,
        s: &Situation,
        duty: Option<crate::layer::Role>,
        degraded: bool,
        trail: &mut Trail<'a>,
    ) {
        if !trail.is_wanted() {
            return;
        }
        for &rule in rest {
            let reason = match (outcome, rule) {
                (Outcome::Conflict, _) => Reason::StoppedBefore { rule: ended },
                (_, Rule::R2) if degraded => Reason::DegradedNotShared,
                _ => Reason::DecidedBefore { rule: ended },
            };
            let would = match self.ask(rule, s, duty) {
                Verdict::One(named) => Some(named.party),
                _ => None,
            };
            trail.add(|| Step::new(Stage::Rule(rule), StepOutcome::Skipped, reason).naming(would));
        }
    }

    fn tell_left_out<'a>(&'a self, rules: &[Rule], policy: Option<&'a str>, trail: &mut Trail<'a>) {
        for rule in ALL_RULES.into_iter().filter(|r| !rules.contains(r)) {
            let reason = policy.map_or(Reason::NoClass, |policy| Reason::NotInPolicy { policy });
            trail.add(|| Step::new(Stage::Rule(rule), StepOutcome::Skipped, reason));
        }
    }
}

fn flagged<'a>(flag: Flag) -> Step<'a> {
    Step::new(Stage::Component, StepOutcome::Flagged, Reason::Flagged(flag))
}

fn tried<'a>(rule: Rule, verdict: &Verdict<'a>, own: &Ownership) -> Step<'a> {
    let stage = Stage::Rule(rule);
    match verdict {
        Verdict::One(named) => {
            let step = Step::new(stage, StepOutcome::Matched, named.reason.clone()).naming(named.party);
            match named.feature {
                Some(feature) => step.of(feature),
                None => step,
            }
        }
        Verdict::Nobody(reason) => Step::new(stage, StepOutcome::NoMatch, reason.clone()),
        Verdict::Several(parties) => {
            let names: Vec<&str> = parties.iter().map(|p| own.book.org(p.organisation).name.as_str()).collect();
            Step::new(stage, StepOutcome::Conflict, Reason::Several { names: names.join("、") })
        }
    }
}
