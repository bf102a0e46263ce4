//! The register in the form that lookups use: dense indices instead of codes, crosswalks and policies worked out for
//! each class. Believes what it is given: wrong references lead nowhere here and are `check`'s to name.

use super::{Class, ClassKind, Holder, Policy, Register, RoleLevel};
use crate::ownership::instant::{Instant, Span};
use crate::ownership::schedule::Schedule;
use std::collections::HashMap;

/// Position in `Book::organisations`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrgIx(pub u32);

/// Position in `Book::classes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClassIx(pub u16);

/// Position in `Book::policies`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyIx(pub u16);

#[derive(Debug, Default)]
pub struct Book {
    pub city: String,
    pub organisations: Vec<Org>,
    by_code: HashMap<String, OrgIx>,
    /// Names and aliases; `None` where two bodies share one.
    by_name: HashMap<String, Option<OrgIx>>,
    schemes: Vec<String>,
    pub classes: Vec<ClassInfo>,
    /// Of each scheme and kind, by code.
    by_key: HashMap<(u16, ClassKind), HashMap<String, ClassIx>>,
    pub policies: Vec<Policy>,
    roles: HashMap<String, HashMap<String, Vec<Assignment>>>,
    component_scheme: Option<u16>,
    component_schemes: HashMap<String, u16>,
    pub emergency: Option<OrgIx>,
}

#[derive(Debug)]
pub struct Org {
    pub code: String,
    pub name: String,
    pub kind: String,
    pub contact: Option<String>,
    pub phone: Option<String>,
    span: Span,
    successor: Option<OrgIx>,
}

#[derive(Debug)]
pub struct ClassInfo {
    pub scheme: u16,
    pub kind: ClassKind,
    pub code: String,
    pub name: String,
    pub policy: Option<PolicyIx>,
    /// The policy came through a crosswalk that is not exact, or is the scheme's default.
    pub approximate: bool,
    /// The component classes that a thing of this class can be recorded as, in any scheme; sorted. None for events.
    pub components: Vec<ClassIx>,
    /// Itself and all that means the same, in any scheme: what a class set is asked about.
    pub terms: Vec<ClassIx>,
    pub role: Option<String>,
    pub role_level: RoleLevel,
    pub holders: Vec<Holder>,
    pub ownerless: bool,
    pub no_fallback: bool,
}

#[derive(Debug)]
struct Assignment {
    organisation: OrgIx,
    span: Span,
    schedule: Option<Schedule>,
}

/// Who answers for a body at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Succession {
    Itself,
    By(OrgIx),
    /// Abolished without a successor, or not founded yet.
    Inactive,
    /// The successors lead in a circle or too far: an error of the register.
    Endless,
}

/// How many successors are followed.
const MOST_HOPS: usize = 5;

impl Book {
    pub fn new(register: &Register) -> Book {
        let mut book = Book { city: register.city.clone(), ..Book::default() };
        book.add_organisations(register);
        book.policies = register.policies.clone();
        book.policies
            .extend(Policy::standard().into_iter().filter(|p| register.policies.iter().all(|own| own.id != p.id)));
        book.add_classes(register);
        book.add_roles(register);
        book.component_scheme = book.scheme(&register.component_scheme);
        let schemes = register.component_schemes.iter();
        book.component_schemes = schemes.filter_map(|(source, id)| Some((source.clone(), book.scheme(id)?))).collect();
        book.emergency = register.emergency.as_ref().and_then(|code| book.organisation(code));
        book
    }

    fn add_organisations(&mut self, register: &Register) {
        for o in &register.organisations {
            let ix = OrgIx(self.organisations.len() as u32);
            self.by_code.entry(o.code.clone()).or_insert(ix);
            for name in o.aliases.iter().chain([&o.name]).filter(|n| !n.is_empty()) {
                self.by_name
                    .entry(name.clone())
                    .and_modify(|known| *known = known.filter(|k| *k == ix))
                    .or_insert(Some(ix));
            }
            self.organisations.push(Org {
                code: o.code.clone(),
                name: o.name.clone(),
                kind: o.kind.clone(),
                contact: o.contact.clone(),
                phone: o.phone.clone(),
                span: Span::parse(o.valid_from.as_deref(), o.valid_to.as_deref()).unwrap_or(Span::ALWAYS),
                successor: None,
            });
        }
        for (org, o) in self.organisations.iter_mut().zip(&register.organisations) {
            org.successor = o.successor.as_ref().and_then(|code| self.by_code.get(code).copied());
        }
    }

    fn add_classes(&mut self, register: &Register) {
        self.schemes = register.schemes.iter().map(|s| s.id.clone()).collect();
        let mut declared: Vec<&Class> = vec![];
        for (scheme, s) in register.schemes.iter().enumerate() {
            for class in &s.classes {
                let ix = ClassIx(declared.len() as u16);
                let of_kind = self.by_key.entry((scheme as u16, class.kind)).or_default();
                of_kind.entry(class.code.clone()).or_insert(ix);
                declared.push(class);
            }
        }
        let links = self.links(register, declared.len());
        let schemes = register.schemes.iter().enumerate();
        let scheme_of: Vec<u16> = schemes.flat_map(|(i, s)| std::iter::repeat_n(i as u16, s.classes.len())).collect();
        for (i, class) in declared.iter().enumerate() {
            let scheme = scheme_of[i];
            let own = ClassIx(i as u16);
            let component = match class.kind {
                ClassKind::Component => Some(own),
                ClassKind::Matter => {
                    class.component.as_ref().and_then(|code| self.find_class(scheme, ClassKind::Component, code))
                }
            };
            let mut components: Vec<ClassIx> = component.into_iter().collect();
            components.extend(component.iter().flat_map(|c| links[c.0 as usize].both()));
            components.sort_unstable();
            components.dedup();
            let mut terms = components.clone();
            terms.push(own);
            terms.extend(links[i].both());
            terms.sort_unstable();
            terms.dedup();
            let targets: Vec<&Class> = links[i].to.iter().map(|t| declared[t.0 as usize]).collect();
            let (policy, approximate) =
                self.policy_of(class, &targets, &links[i], &register.schemes[scheme as usize].default_policy);
            let first = targets.first();
            self.classes.push(ClassInfo {
                scheme,
                kind: class.kind,
                code: class.code.clone(),
                name: class.name.clone(),
                policy,
                approximate,
                components,
                terms,
                role: class.role.clone().or_else(|| first.and_then(|t| t.role.clone())),
                role_level: class.role_level.or_else(|| first?.role_level).unwrap_or(RoleLevel::District),
                holders: class
                    .holders
                    .clone()
                    .or_else(|| first?.holders.clone())
                    .unwrap_or_else(|| vec![Holder::Maintainer, Holder::Owner]),
                ownerless: class.ownerless.or_else(|| first?.ownerless).unwrap_or(false),
                no_fallback: class.no_fallback.or_else(|| first?.no_fallback).unwrap_or(false),
            });
        }
    }

    /// Its own policy; else that of what it means in a scheme that has policies; else its scheme's default.
    fn policy_of(&self, class: &Class, targets: &[&Class], links: &Links, default: &str) -> (Option<PolicyIx>, bool) {
        if let Some(own) = &class.policy {
            return (self.policy(own), false);
        }
        let mut policies: Vec<&String> = targets.iter().filter_map(|t| t.policy.as_ref()).collect();
        policies.dedup();
        match policies[..] {
            [one] => (self.policy(one), !links.exact),
            _ => (self.policy(default), true),
        }
    }

    fn links(&self, register: &Register, classes: usize) -> Vec<Links> {
        let mut links = vec![Links::default(); classes];
        for walk in &register.crosswalks {
            let (Some(from), Some(to)) = (self.scheme(&walk.from), self.scheme(&walk.to)) else { continue };
            for row in &walk.rows {
                let Some(own) = self.find_class(from, row.kind, &row.code) else { continue };
                let found = row.to.iter().filter_map(|code| self.find_class(to, row.kind, code));
                for target in found {
                    links[own.0 as usize].to.push(target);
                    links[target.0 as usize].from.push(own);
                }
                links[own.0 as usize].exact = row.exact && row.to.len() == 1;
            }
        }
        links
    }

    fn add_roles(&mut self, register: &Register) {
        for r in &register.roles {
            let Some(organisation) = self.organisation(&r.organisation) else { continue };
            let span = Span::parse(r.valid_from.as_deref(), r.valid_to.as_deref()).unwrap_or(Span::ALWAYS);
            let schedule = r.schedule.as_ref().and_then(|s| Schedule::parse(s).ok());
            let of_role = self.roles.entry(r.role.clone()).or_default();
            of_role.entry(r.territory.clone()).or_default().push(Assignment { organisation, span, schedule });
        }
    }

    /// Whether the snapshot has a register at all.
    pub fn is_empty(&self) -> bool {
        self.organisations.is_empty() && self.classes.is_empty()
    }

    pub fn org(&self, ix: OrgIx) -> &Org {
        &self.organisations[ix.0 as usize]
    }

    pub fn class(&self, ix: ClassIx) -> &ClassInfo {
        &self.classes[ix.0 as usize]
    }

    pub fn scheme(&self, id: &str) -> Option<u16> {
        self.schemes.iter().position(|s| s == id).map(|i| i as u16)
    }

    /// Their ids, in the order of `ClassInfo::scheme`.
    pub fn schemes(&self) -> impl Iterator<Item = &str> {
        self.schemes.iter().map(String::as_str)
    }

    pub fn scheme_id(&self, scheme: u16) -> &str {
        self.schemes.get(scheme as usize).map_or("", String::as_str)
    }

    pub fn policy(&self, id: &str) -> Option<PolicyIx> {
        self.policies.iter().position(|p| p.id == id).map(|i| PolicyIx(i as u16))
    }

    pub fn find_class(&self, scheme: u16, kind: ClassKind, code: &str) -> Option<ClassIx> {
        self.by_key.get(&(scheme, kind))?.get(code).copied()
    }

    /// The class of a component of a source, by the code recorded.
    pub fn component_class(&self, source: Option<&str>, code: &str) -> Option<ClassIx> {
        let scheme = source.and_then(|s| self.component_schemes.get(s).copied()).or(self.component_scheme)?;
        self.find_class(scheme, ClassKind::Component, code)
    }

    /// The scheme that class sets without one are in.
    pub fn component_scheme(&self) -> Option<u16> {
        self.component_scheme
    }

    /// By code, else by a name that only one body has.
    pub fn organisation(&self, code_or_name: &str) -> Option<OrgIx> {
        let by_name = || self.by_name.get(code_or_name).copied().flatten();
        self.by_code.get(code_or_name).copied().or_else(by_name)
    }

    /// Who holds a role in a territory at a moment.
    pub fn holders_of<'a>(&'a self, role: &str, territory: &str, at: Instant) -> impl Iterator<Item = OrgIx> + use<'a> {
        let all = self.roles.get(role).and_then(|r| r.get(territory)).map_or(&[][..], Vec::as_slice);
        let holds = move |a: &&Assignment| a.span.holds(at) && a.schedule.as_ref().is_none_or(|s| s.holds(at));
        all.iter().filter(holds).map(|a| a.organisation)
    }

    pub fn knows_role(&self, role: &str) -> bool {
        self.roles.contains_key(role)
    }

    /// Who answers for a body at a moment: itself, its successor, or nobody.
    pub fn succession(&self, org: OrgIx, at: Instant) -> Succession {
        let mut now = org;
        for _ in 0..=MOST_HOPS {
            let o = self.org(now);
            if o.span.holds(at) {
                return if now == org { Succession::Itself } else { Succession::By(now) };
            }
            match o.successor {
                Some(next) if next != org => now = next,
                Some(_) => return Succession::Endless,
                None => return Succession::Inactive,
            }
        }
        Succession::Endless
    }
}

#[derive(Debug, Clone, Default)]
struct Links {
    to: Vec<ClassIx>,
    from: Vec<ClassIx>,
    exact: bool,
}

impl Links {
    fn both(&self) -> impl Iterator<Item = ClassIx> {
        self.to.iter().chain(&self.from).copied()
    }
}
