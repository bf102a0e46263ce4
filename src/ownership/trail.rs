//! The explanation trail (specification 6.6): each rule tried or skipped, with its reason in Chinese and English, the
//! same bytes for the same question and data. Costs nothing when it is not asked for.

use super::answer::Party;
use super::reason::Reason;
use super::register::Rule;
use crate::feature::FeatureId;
use crate::layer::LayerIx;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Locate,
    Component,
    Rule(Rule),
    Provisional,
}

impl Stage {
    pub fn code(self) -> &'static str {
        match self {
            Stage::Locate => "LOCATE",
            Stage::Component => "COMPONENT",
            Stage::Rule(Rule::R0) => "R0",
            Stage::Rule(Rule::R1) => "R1",
            Stage::Rule(Rule::R2) => "R2",
            Stage::Rule(Rule::R3) => "R3",
            Stage::Rule(Rule::R4) => "R4",
            Stage::Rule(Rule::R5) => "R5",
            Stage::Rule(Rule::R6) => "R6",
            Stage::Provisional => "PROVISIONAL",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepOutcome {
    Matched,
    NoMatch,
    Skipped,
    Conflict,
    Flagged,
}

impl StepOutcome {
    pub fn code(self) -> &'static str {
        match self {
            StepOutcome::Matched => "matched",
            StepOutcome::NoMatch => "no_match",
            StepOutcome::Skipped => "skipped",
            StepOutcome::Conflict => "conflict",
            StepOutcome::Flagged => "flagged",
        }
    }
}

#[derive(Debug, Clone)]
pub struct Step<'a> {
    pub stage: Stage,
    pub outcome: StepOutcome,
    pub feature: Option<(LayerIx, FeatureId)>,
    pub subject: Option<Party>,
    pub reason: Reason<'a>,
    /// Names with their units: `distance_m`.
    pub numbers: Vec<(&'static str, f64)>,
}

/// Steps, when they are wanted.
#[derive(Debug, Default)]
pub struct Trail<'a>(Option<Vec<Step<'a>>>);

impl<'a> Trail<'a> {
    pub fn new(wanted: bool) -> Trail<'a> {
        Trail(wanted.then(Vec::new))
    }

    #[inline]
    pub fn is_wanted(&self) -> bool {
        self.0.is_some()
    }

    #[inline]
    pub fn add(&mut self, step: impl FnOnce() -> Step<'a>) {
        if let Some(steps) = &mut self.0 {
            steps.push(step());
        }
    }

    pub fn into_steps(self) -> Option<Vec<Step<'a>>> {
        self.0
    }
}

impl<'a> Step<'a> {
    pub fn new(stage: Stage, outcome: StepOutcome, reason: Reason<'a>) -> Step<'a> {
        Step { stage, outcome, feature: None, subject: None, reason, numbers: vec![] }
    }

    pub fn of(mut self, feature: (LayerIx, FeatureId)) -> Step<'a> {
        self.feature = Some(feature);
        self
    }

    pub fn naming(mut self, subject: impl Into<Option<Party>>) -> Step<'a> {
        self.subject = subject.into();
        self
    }

    pub fn with(mut self, name: &'static str, value: f64) -> Step<'a> {
        self.numbers.push((name, value));
        self
    }
}
