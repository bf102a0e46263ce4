//! The rules R0 to R6 (specification 6.4), each on its own: whom it names in a situation. The order they are asked in, and
//! what follows from their verdicts, is `resolve`'s.

use super::Ownership;
use super::answer::{Capacity, Found, Party};
use super::components::{Component, Holding};
use super::duties::Duties;
use super::instant::Instant;
use super::reason::Reason;
use super::register::{ClassInfo, ClassIx, OrgIx, RoleLevel, Rule, Succession};
use super::territory::{Level, Place};
use crate::feature::FeatureId;
use crate::layer::{LayerIx, Role};

/// What is known when rules are asked.
#[derive(Debug, Clone, Copy)]
pub struct Situation {
    pub p: [f64; 2],
    pub at: Instant,
    pub place: Place,
    pub class: Option<ClassIx>,
    pub component: Option<Found>,
}

/// What a rule says.
#[derive(Debug)]
pub enum Verdict<'a> {
    One(Named<'a>),
    Nobody(Reason<'a>),
    /// Different subjects of equal right.
    Several(Vec<Party>),
}

/// Exactly one subject.
#[derive(Debug)]
pub struct Named<'a> {
    pub party: Party,
    pub feature: Option<(LayerIx, FeatureId)>,
    pub reason: Reason<'a>,
    pub assist: Vec<OrgIx>,
}

impl<'a> Named<'a> {
    fn new(party: Party, reason: Reason<'a>) -> Named<'a> {
        Named { party, feature: None, reason, assist: vec![] }
    }
}

impl Ownership {
    pub(super) fn ask(&self, rule: Rule, s: &Situation, duty: Option<Role>) -> Verdict<'_> {
        match rule {
            Rule::R0 => self.ruling(s),
            Rule::R1 => self.holder(s),
            Rule::R2 => self.area(Role::SpecialDuty, Capacity::SpecialArea, s),
            Rule::R3 => match duty {
                Some(role) => self.area(role, Capacity::Duty, s),
                None => Verdict::Nobody(Reason::NoArea),
            },
            Rule::R4 => self.industry(s),
            Rule::R5 => self.grid_owner(s),
            Rule::R6 => self.territory_of(s),
        }
    }

    /// A body in a capacity at a moment: itself or its successor, or why there is nobody.
    fn party(&self, org: OrgIx, capacity: Capacity, at: Instant) -> Result<Party, Reason<'_>> {
        let organisation = &self.book.org(org).name;
        match self.book.succession(org, at) {
            Succession::Itself => Ok(Party::new(org, capacity)),
            Succession::By(heir) => Ok(Party { organisation: heir, capacity, instead_of: Some(org) }),
            Succession::Inactive => Err(Reason::Inactive { organisation }),
            Succession::Endless => Err(Reason::Endless { organisation }),
        }
    }

    fn ruling(&self, s: &Situation) -> Verdict<'_> {
        let Some(class) = s.class.filter(|_| !self.rulings.is_empty()) else {
            return Verdict::Nobody(Reason::NoRuling);
        };
        let component = s.component.map(|f| f.component);
        let in_area = |code: &str| {
            let here = |l: &Level| self.territory.of(&s.place, *l).is_some_and(|c| c.code == code);
            Level::ALL.iter().any(here) || self.duties.get(&Role::SpecialDuty).is_some_and(|d| d.is_in(s.p, code, s.at))
        };
        let found = self.rulings.in_force(s.p, class, component, s.at, &self.book, in_area);
        let named = found.iter().map(|&i| {
            let r = &self.rulings.all[i as usize];
            (self.party(r.organisation, Capacity::Ruling, s.at), Reason::Ruling { id: &r.id }, None)
        });
        agree(named, Reason::NoRuling)
    }

    /// Maintainer, owner … in the class's order: the first that is there and active.
    pub(super) fn holder(&self, s: &Situation) -> Verdict<'_> {
        if self.is_ownerless(s) {
            return Verdict::Nobody(Reason::OwnerlessClass);
        }
        let (Some(found), Some(class)) = (s.component, s.class) else { return Verdict::Nobody(Reason::NoComponent) };
        let component = self.components.get(found.component);
        let mut why = Reason::NoHolder;
        for &holder in &self.book.class(class).holders {
            let capacity = Capacity::of(holder);
            match component.holder(holder) {
                Holding::Nobody => {}
                Holding::Unknown => why = Reason::UnknownHolder,
                Holding::Known(org) => match self.party(org, capacity, s.at) {
                    Ok(party) => {
                        let feature = Some((component.layer, component.id));
                        return Verdict::One(Named { feature, ..Named::new(party, Reason::HolderOf(capacity)) });
                    }
                    Err(inactive) => why = inactive,
                },
            }
        }
        Verdict::Nobody(why)
    }

    pub(super) fn is_ownerless(&self, s: &Situation) -> bool {
        let by_record = |f: &Found| self.components.get(f.component).ownerless;
        s.class.is_some_and(|c| self.book.class(c).ownerless) || s.component.as_ref().is_some_and(by_record)
    }

    fn area(&self, role: Role, capacity: Capacity, s: &Situation) -> Verdict<'_> {
        let (Some(duties), Some(class)) = (self.duties.get(&role), s.class) else {
            return Verdict::Nobody(Reason::NoArea);
        };
        let component = s.component.map(|f| self.components.get(f.component));
        let p = component.filter(|c| !c.is_point()).map_or(s.p, |c| c.at);
        let level = component.map_or(0, |c: &Component| c.level);
        let holding = duties.holding(p, class, s.at, level);
        let Some(&best) = holding.first() else { return Verdict::Nobody(Reason::NoArea) };
        let equal = holding.iter().take_while(|&&d| duties.rank(best, d, class).is_eq());
        let named = equal.map(|&d| self.of_duty(duties, d, capacity, s.at));
        match agree(named, Reason::NoArea) {
            Verdict::One(mut one) => {
                let helping = |&d: &u32| one.feature == Some((duties.all[d as usize].layer, duties.all[d as usize].id));
                let decided = holding.iter().find(|d| helping(d));
                one.assist = decided.map_or(vec![], |&d| duties.all[d as usize].assist.clone());
                Verdict::One(one)
            }
            other => other,
        }
    }

    fn of_duty<'a>(&'a self, duties: &'a Duties, duty: u32, capacity: Capacity, at: Instant) -> Voice<'a> {
        let d = &duties.all[duty as usize];
        let party = match d.organisation {
            Some(org) => self.party(org, capacity, at),
            None => Err(Reason::AreaUnregistered { code: &d.code }),
        };
        (party, Reason::Area { code: &d.code, name: d.name.as_deref() }, Some((d.layer, d.id)))
    }

    fn industry(&self, s: &Situation) -> Verdict<'_> {
        let class = s.class.map(|c| self.book.class(c));
        let Some((role, level)) = class.and_then(|c: &ClassInfo| Some((c.role.as_deref()?, c.role_level))) else {
            return Verdict::Nobody(Reason::ClassWithoutRole);
        };
        let code = |l| self.territory.of(&s.place, l).map(|c| c.code.as_str());
        let territory = match level {
            RoleLevel::City => Some(self.book.city.as_str()),
            RoleLevel::District => code(Level::District),
            RoleLevel::Street => code(Level::Street),
        };
        let Some(territory) = territory else { return Verdict::Nobody(Reason::NoTerritoryForRole) };
        let holders = self.book.holders_of(role, territory, s.at);
        let named = holders.map(|o| (self.party(o, Capacity::Industry, s.at), Reason::Role { role, territory }, None));
        agree(named, Reason::NoRole { role, territory })
    }

    fn grid_owner(&self, s: &Situation) -> Verdict<'_> {
        let Some(grid) = self.territory.of(&s.place, Level::UnitGrid) else {
            return Verdict::Nobody(Reason::GridNamesNobody);
        };
        let code = &grid.code;
        let party = match (grid.body, &grid.body_code) {
            (Some(org), _) => self.party(org, Capacity::GridOwner, s.at),
            (None, Some(_)) => Err(Reason::GridUnregistered { code }),
            (None, None) => Err(Reason::GridNamesNobody),
        };
        agree([(party, Reason::Grid { code }, Some((grid.layer, grid.id)))], Reason::GridNamesNobody)
    }

    /// The street office, where there is none the district.
    fn territory_of(&self, s: &Situation) -> Verdict<'_> {
        if s.class.is_some_and(|c| self.book.class(c).no_fallback) {
            return Verdict::Nobody(Reason::FallbackForbidden);
        }
        let mut why = Reason::NobodyGoverns;
        for (level, capacity) in [(Level::Street, Capacity::StreetOffice), (Level::District, Capacity::District)] {
            let Some(cell) = self.territory.of(&s.place, level) else { continue };
            match cell.body.map(|org| self.party(org, capacity, s.at)) {
                Some(Ok(party)) => {
                    let territory = cell.name.as_deref().unwrap_or(&cell.code);
                    let feature = Some((cell.layer, cell.id));
                    return Verdict::One(Named { feature, ..Named::new(party, Reason::Fallback { territory }) });
                }
                Some(Err(inactive)) => why = inactive,
                None => {}
            }
        }
        Verdict::Nobody(why)
    }

    /// Who secures an urgent case that has no subject: the street office, else the city's emergency body.
    pub(super) fn provisional(&self, s: &Situation) -> Option<Party> {
        let anywhere = Situation { class: None, ..*s };
        match self.territory_of(&anywhere) {
            Verdict::One(named) => Some(named.party),
            _ => self.book.emergency.and_then(|org| self.party(org, Capacity::Emergency, s.at).ok()),
        }
    }
}

/// Somebody named, or why not; the reason when it decides; the feature that names them.
type Voice<'a> = (Result<Party, Reason<'a>>, Reason<'a>, Option<(LayerIx, FeatureId)>);

/// Voices of equal right: one subject if those that name somebody name the same.
fn agree<'a>(voices: impl IntoIterator<Item = Voice<'a>>, none: Reason<'a>) -> Verdict<'a> {
    let mut parties: Vec<Party> = vec![];
    let (mut first, mut why) = (None, none);
    for (party, reason, feature) in voices {
        match party {
            Ok(party) => {
                if parties.iter().all(|p| p.organisation != party.organisation) {
                    parties.push(party);
                }
                if first.is_none() {
                    first = Some(Named { feature, ..Named::new(party, reason) });
                }
            }
            Err(inactive) => why = inactive,
        }
    }
    match (first, parties.len()) {
        (Some(named), 1) => Verdict::One(named),
        (Some(_), _) => Verdict::Several(parties),
        (None, _) => Verdict::Nobody(why),
    }
}
