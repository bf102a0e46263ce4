//! An answer as a row of texts, for tables: the same things as `view` shows, in a fixed order.

use super::answer::{Candidate, Match, Party};
use super::components::ComponentIx;
use super::territory::Level;
use super::view::{TrailView, View, mm};
use crate::layer::FieldRole;
use std::fmt::Write;

impl View<'_> {
    /// Calls `each` with the 23 cells from the outcome to `needs_ruling`; empty ones are empty texts.
    pub fn flat(&self, each: &mut dyn FnMut(&str)) {
        let (own, a) = (self.ownership, self.answer);
        each(a.outcome.code());
        match a.subject {
            Some(party) => {
                let org = own.book.org(party.organisation);
                [&org.code, &org.name, party.capacity.names().0].into_iter().for_each(&mut *each);
            }
            None => ["", "", ""].into_iter().for_each(&mut *each),
        }
        each(a.rule.map_or("", |r| super::trail::Stage::Rule(r).code()));
        each(a.policy.map_or("", |p| &own.book.policies[p.0 as usize].id));
        for level in Level::ALL {
            let cell = own.territory.of(&a.place, level).filter(|c| self.sees(c.layer, c.id) && self.sees_key(c.layer));
            each(cell.map_or("", |c| &c.code));
        }
        self.flat_component(each);
        let mut text = String::new();
        self.flags().for_each(|f| join(&mut text, f.code()));
        each(&text);
        match a.provisional.map(|p| own.book.org(p.organisation)) {
            Some(org) => [&org.code, &org.name].into_iter().for_each(|t| each(t)),
            None => ["", ""].into_iter().for_each(&mut *each),
        }
        text.clear();
        let code = |p: &Party| own.book.org(p.organisation).code.as_str();
        a.assist.iter().for_each(|p| join(&mut text, code(p)));
        each(&text);
        text.clear();
        for candidate in &a.candidates {
            match candidate {
                Candidate::Party(party) => join(&mut text, code(party)),
                Candidate::Component(ix, _) if self.sees_code(*ix) => join(&mut text, own.components.code(*ix)),
                Candidate::Component(..) => {}
            }
        }
        each(&text);
        each(if a.needs_ruling { "true" } else { "false" });
    }

    /// Layer, id, code, class, distance, match.
    fn flat_component(&self, each: &mut dyn FnMut(&str)) {
        let own = self.ownership;
        let seen = self.answer.component.filter(|f| self.sees_component(f.component));
        let Some(found) = seen else { return [""; 6].into_iter().for_each(each) };
        let c = own.components.get(found.component);
        each(&own.layer(c.layer).id);
        let mut text = String::new();
        let _ = write!(text, "{}", c.id.0);
        each(&text);
        each(if self.sees_key(c.layer) { own.components.code(found.component) } else { "" });
        let class = c.class().filter(|_| self.sees_role(c.layer, FieldRole::ClassCode));
        each(class.map_or("", |class| &own.book.class(class).code));
        text.clear();
        let _ = write!(text, "{}", mm(found.distance_m));
        each(&text);
        each(match found.how {
            Match::Id => "id",
            Match::Nearest => "nearest",
            Match::AnyOf(_) => "any_of_n",
        });
    }

    fn sees_code(&self, ix: ComponentIx) -> bool {
        self.sees_component(ix) && self.sees_key(self.ownership.components.get(ix).layer)
    }

    /// The trail as JSON, where there is one for this asker.
    pub fn trail_json(&self) -> Option<String> {
        let steps = self.answer.trail.as_deref().filter(|_| self.sees_all())?;
        serde_json::to_string(&TrailView(self, steps)).ok()
    }
}

fn join(list: &mut String, text: &str) {
    if !list.is_empty() {
        list.push(';');
    }
    list.push_str(text);
}
