//! Every reference inside a register, judged before it is believed: all flaws at once, each with its table and row.
//! References from layers into the register are judged where layers are (`ownership::audit`).

use super::book::Book;
use super::{ClassKind, OrgIx, Register, Rule, Succession};
use crate::geo::meeting::cross_themselves;
use crate::ownership::class_set::ClassSet;
use crate::ownership::instant::{Instant, Span};
use crate::ownership::schedule::Schedule;
use std::collections::{HashMap, HashSet};

/// Of a ruling's polygon.
const MOST_VERTICES: usize = 5000;

/// A table of the register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// The register's own settings.
    Settings,
    Organisations,
    /// The classes of the scheme at this position.
    Classes(usize),
    /// The rows of the crosswalk at this position.
    Crosswalk(usize),
    Policies,
    Roles,
    Rulings,
}

/// Something wrong with a row (counted from 0 in its table), or with the table itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    pub table: Table,
    pub row: Option<usize>,
    pub what: String,
}

pub fn check(register: &Register) -> Vec<Flaw> {
    let mut check = Check { register, book: Book::new(register), flaws: vec![] };
    check.settings();
    check.organisations();
    check.schemes();
    check.crosswalks();
    check.policies();
    check.roles();
    check.rulings();
    check.flaws
}

struct Check<'a> {
    register: &'a Register,
    book: Book,
    flaws: Vec<Flaw>,
}

impl Check<'_> {
    fn add(&mut self, table: Table, row: impl Into<Option<usize>>, what: impl Into<String>) {
        self.flaws.push(Flaw { table, row: row.into(), what: what.into() });
    }

    /// An organisation that is referred to must be registered.
    fn organisation(&mut self, table: Table, row: impl Into<Option<usize>>, code: &str) -> Option<OrgIx> {
        let found = self.book.organisation(code);
        if found.is_none() {
            self.add(table, row, format!("the organisation {code:?} is not in the register"));
        }
        found
    }

    fn span(&mut self, table: Table, row: usize, from: &Option<String>, to: &Option<String>) {
        match Span::parse(from.as_deref(), to.as_deref()) {
            None => {
                self.add(table, row, "valid_from or valid_to is neither a day (2026-11-21) nor a moment (RFC 3339)")
            }
            Some(s) if s.from >= s.to => self.add(table, row, "it ends before it begins"),
            Some(_) => {}
        }
    }

    fn settings(&mut self) {
        let r = self.register;
        if r.city.is_empty() {
            self.add(Table::Settings, None, "city, the code of the city's own territory, is empty");
        }
        let schemes = r.component_schemes.values().chain(Some(&r.component_scheme).filter(|s| !s.is_empty()));
        for scheme in schemes {
            if self.book.scheme(scheme).is_none() {
                self.add(Table::Settings, None, format!("the components' scheme {scheme:?} has no class table"));
            }
        }
        if let Some(code) = &r.emergency {
            self.organisation(Table::Settings, None, code);
        }
    }

    fn organisations(&mut self) {
        let table = Table::Organisations;
        let mut codes = HashSet::new();
        let r = self.register;
        for (i, o) in r.organisations.iter().enumerate() {
            if o.code.is_empty() || o.name.is_empty() {
                self.add(table, i, "an organisation needs a code and a name");
            }
            if !codes.insert(&o.code) {
                self.add(table, i, format!("the code {:?} is taken by an earlier row", o.code));
                continue;
            }
            self.span(table, i, &o.valid_from, &o.valid_to);
            if o.successor.is_some() && o.valid_to.is_none() {
                self.add(table, i, "it has a successor, but valid_to does not say since when");
            }
            if let Some(successor) = &o.successor
                && self.organisation(table, i, successor).is_some()
                && self.book.succession(OrgIx(i as u32), Instant(i64::MAX)) == Succession::Endless
            {
                self.add(table, i, "its successors lead in a circle or over more than five bodies");
            }
        }
    }

    fn schemes(&mut self) {
        let mut ids = HashSet::new();
        let r = self.register;
        let held: HashSet<&str> = r.roles.iter().map(|a| a.role.as_str()).collect();
        for (s, scheme) in r.schemes.iter().enumerate() {
            let table = Table::Classes(s);
            if !ids.insert(&scheme.id) {
                self.add(table, None, format!("there are two class tables of the scheme {:?}", scheme.id));
            }
            if self.book.policy(&scheme.default_policy).is_none() {
                self.add(table, None, format!("the default policy {:?} does not exist", scheme.default_policy));
            }
            let mut keys = HashSet::new();
            for (i, class) in scheme.classes.iter().enumerate() {
                if class.code.is_empty() {
                    self.add(table, i, "a class needs a code");
                }
                if !keys.insert((class.kind, &class.code)) {
                    self.add(table, i, format!("{:?} {} is taken by an earlier row", class.kind, class.code));
                }
                if let Some(policy) = class.policy.as_ref().filter(|p| self.book.policy(p).is_none()) {
                    self.add(table, i, format!("the policy {policy:?} does not exist"));
                }
                if let (ClassKind::Matter, Some(code)) = (class.kind, &class.component)
                    && self.book.find_class(s as u16, ClassKind::Component, code).is_none()
                {
                    self.add(table, i, format!("the component class {code:?} is not in this scheme"));
                }
                if let Some(role) = class.role.as_ref().filter(|role| !held.contains(role.as_str())) {
                    self.add(table, i, format!("nobody holds the role {role:?} anywhere"));
                }
            }
        }
    }

    fn crosswalks(&mut self) {
        let r = self.register;
        let mut pairs = HashSet::new();
        for (w, walk) in r.crosswalks.iter().enumerate() {
            let table = Table::Crosswalk(w);
            if !pairs.insert((&walk.from, &walk.to)) {
                self.add(table, None, format!("there are two crosswalks of {:?} to {:?}", walk.from, walk.to));
            }
            let (from, to) = (self.book.scheme(&walk.from), self.book.scheme(&walk.to));
            let (Some(from), Some(to)) = (from, to) else {
                self.add(table, None, format!("{:?} or {:?} has no class table", walk.from, walk.to));
                continue;
            };
            let mut codes = HashSet::new();
            for (i, row) in walk.rows.iter().enumerate() {
                if !codes.insert((row.kind, &row.code)) {
                    self.add(table, i, format!("{:?} {} is taken by an earlier row", row.kind, row.code));
                }
                let ends = std::iter::once((from, &row.code)).chain(row.to.iter().map(|code| (to, code)));
                for (scheme, code) in ends {
                    if self.book.find_class(scheme, row.kind, code).is_none() {
                        let id = self.book.scheme_id(scheme).to_string();
                        self.add(table, i, format!("the class {code:?} is not in {id}"));
                    }
                }
            }
        }
    }

    fn policies(&mut self) {
        let mut ids = HashMap::new();
        let r = self.register;
        for (i, p) in r.policies.iter().enumerate() {
            if ids.insert(&p.id, i).is_some() {
                self.add(Table::Policies, i, format!("the policy {:?} is declared twice", p.id));
            }
            if p.rules.contains(&Rule::R3) != p.duty.is_some() {
                self.add(
                    Table::Policies,
                    i,
                    "R3 needs a duty, the role of the layers it looks at, and a duty needs R3",
                );
            }
            let mut seen = HashSet::new();
            if !p.rules.iter().all(|rule| seen.insert(rule)) {
                self.add(Table::Policies, i, "a rule stands in it twice");
            }
        }
    }

    fn roles(&mut self) {
        let r = self.register;
        for (i, a) in r.roles.iter().enumerate() {
            if a.role.is_empty() || a.territory.is_empty() {
                self.add(Table::Roles, i, "a role needs a name and the code of a territory");
            }
            self.organisation(Table::Roles, i, &a.organisation);
            self.span(Table::Roles, i, &a.valid_from, &a.valid_to);
            if let Some(Err(what)) = a.schedule.as_ref().map(|s| Schedule::parse(s)) {
                self.add(Table::Roles, i, format!("schedule: {what}"));
            }
        }
    }

    fn rulings(&mut self) {
        let r = self.register;
        let mut ids = HashSet::new();
        for (i, ruling) in r.rulings.iter().enumerate() {
            let table = Table::Rulings;
            if ruling.id.is_empty() || !ids.insert(&ruling.id) {
                self.add(table, i, format!("a ruling needs an id of its own, not {:?}", ruling.id));
            }
            self.organisation(table, i, &ruling.organisation);
            self.span(table, i, &ruling.valid_from, &ruling.valid_to);
            if Instant::parse(&ruling.decided).is_none() {
                self.add(table, i, format!("decided {:?} is no day", ruling.decided));
            }
            let places = [ruling.component.is_some(), !ruling.areas.is_empty(), !ruling.polygon.is_empty()];
            if places.iter().filter(|p| **p).count() != 1 {
                self.add(table, i, "a ruling is about a component, or areas, or a polygon: exactly one of them");
            }
            let sound = |ring: &Vec<[f64; 2]>| {
                ring.len() >= 4 && ring.first() == ring.last() && ring.iter().flatten().all(|v| v.is_finite())
            };
            if !ruling.polygon.iter().all(sound) {
                self.add(table, i, "its polygon needs closed rings of four or more finite coordinates");
            } else if ruling.polygon.iter().map(Vec::len).sum::<usize>() > MOST_VERTICES {
                self.add(table, i, format!("its polygon has more than {MOST_VERTICES} vertices: name areas instead"));
            } else if cross_themselves(&ruling.polygon) {
                self.add(table, i, "its polygon crosses itself");
            }
            if let Err(what) = ClassSet::parse(&ruling.classes, &self.book) {
                self.add(table, i, what);
            }
        }
    }
}
