//! Rulings (确权裁定, R0) in the form that lookups use: by component, by area and by polygon. The latest of the highest
//! body wins.

use super::class_set::ClassSet;
use super::components::{ComponentIx, Components};
use super::instant::{Instant, Span};
use super::polygons::{Fineness, PolygonIndex};
use super::register::{Book, ClassIx, OrgIx, Register};
use crate::feature::Geometry;
use std::cmp::Ordering;
use std::collections::HashMap;

#[derive(Debug)]
pub struct Decided {
    pub id: String,
    pub organisation: OrgIx,
    rank: i64,
    decided: Instant,
    classes: ClassSet,
    span: Span,
}

pub struct Rulings {
    pub all: Vec<Decided>,
    by_component: HashMap<ComponentIx, Vec<u32>>,
    by_area: HashMap<String, Vec<u32>>,
    index: PolygonIndex,
    /// The ruling of each polygon of the index.
    of_polygon: Vec<u32>,
}

impl Rulings {
    /// Rulings with references that lead nowhere are left out; `register::check` names them.
    pub fn build(register: &Register, book: &Book, components: &Components) -> Rulings {
        let (mut all, mut polygons, mut of_polygon) = (vec![], vec![], vec![]);
        let (mut by_component, mut by_area): (HashMap<_, Vec<u32>>, HashMap<_, Vec<u32>>) = Default::default();
        for r in &register.rulings {
            let parsed = (
                book.organisation(&r.organisation),
                Instant::parse(&r.decided),
                ClassSet::parse(&r.classes, book),
                Span::parse(r.valid_from.as_deref(), r.valid_to.as_deref()),
            );
            let (Some(organisation), Some(decided), Ok(classes), Some(span)) = parsed else { continue };
            let ix = all.len() as u32;
            all.push(Decided { id: r.id.clone(), organisation, rank: r.rank, decided, classes, span });
            if let Some(code) = &r.component {
                components.by_code(code).for_each(|c| by_component.entry(c).or_default().push(ix));
            }
            for area in &r.areas {
                by_area.entry(area.clone()).or_default().push(ix);
            }
            if !r.polygon.is_empty() {
                polygons.push(Geometry::polygon(&r.polygon));
                of_polygon.push(ix);
            }
        }
        let index = PolygonIndex::build(polygons.iter(), Fineness::Coarse);
        Rulings { all, by_component, by_area, index, of_polygon }
    }

    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Rulings in force for a component or for a class at a place: all of the best rank, the best being first.
    /// `in_area` says whether the place is in the area with a code.
    pub fn in_force(
        &self,
        p: [f64; 2],
        class: ClassIx,
        component: Option<ComponentIx>,
        at: Instant,
        book: &Book,
        in_area: impl Fn(&str) -> bool,
    ) -> Vec<u32> {
        let holds = |r: &u32| {
            let r = &self.all[*r as usize];
            r.span.holds(at) && r.classes.closeness(class, book).is_some()
        };
        let mut found: Vec<u32> = vec![];
        let of_component = component.and_then(|c| self.by_component.get(&c));
        found.extend(of_component.into_iter().flatten().copied().filter(&holds));
        for (code, rulings) in &self.by_area {
            let mut rulings = rulings.iter().copied().filter(&holds).peekable();
            if rulings.peek().is_some() && in_area(code) {
                found.extend(rulings);
            }
        }
        self.index.containing(p, |i| found.extend(Some(self.of_polygon[i as usize]).filter(&holds)));
        found.sort_by(|&a, &b| self.order(a, b).then_with(|| self.all[a as usize].id.cmp(&self.all[b as usize].id)));
        found.dedup();
        if let Some(&best) = found.first() {
            found.retain(|&r| self.order(best, r) == Ordering::Equal);
        }
        found
    }

    /// Less is better.
    fn order(&self, a: u32, b: u32) -> Ordering {
        let (a, b) = (&self.all[a as usize], &self.all[b as usize]);
        b.rank.cmp(&a.rank).then(b.decided.cmp(&a.decided))
    }
}
