//! Areas with a duty: special-responsibility areas (分片包区, R2) and what is looked after where it lies: road sections, green
//! areas, waters, sites (R3). One `Duties` a role of layer. Which of several holds: 6.5, rule 4.

use super::class_set::{ClassSet, Closeness};
use super::instant::{Instant, Span};
use super::polygons::{Fineness, PolygonIndex};
use super::register::{Book, ClassIx, OrgIx};
use super::schedule::Schedule;
use crate::feature::{FeatureId, Geometry};
use crate::layer::LayerIx;
use std::cmp::Ordering;
use std::collections::HashMap;

/// One area, as recorded.
#[derive(Debug, Clone)]
pub struct Duty {
    pub layer: LayerIx,
    pub id: FeatureId,
    pub code: String,
    pub name: Option<String>,
    /// `None`: named, but not in the register.
    pub organisation: Option<OrgIx>,
    pub assist: Vec<OrgIx>,
    /// As written.
    pub classes: String,
    pub priority: i64,
    pub area_m2: f64,
    pub span: Span,
    pub schedule: Option<Schedule>,
    /// Above (1), on (0) or below (−1) the ground.
    pub level: i8,
}

pub struct Duties {
    pub all: Vec<Duty>,
    index: PolygonIndex,
    /// Class set of each duty: position in `closeness`.
    set_of: Vec<u32>,
    /// For each different class set, how closely it names each class.
    closeness: Vec<Vec<Option<Closeness>>>,
}

impl Duties {
    /// Areas with their polygons. A class set that cannot be read covers nothing; import says so.
    pub fn build(records: Vec<(Duty, Geometry)>, book: &Book) -> Duties {
        let index = PolygonIndex::build(records.iter().map(|(_, g)| g), Fineness::Coarse);
        let mut sets: HashMap<String, u32> = HashMap::new();
        let mut closeness = vec![];
        let mut set_of = vec![];
        for (duty, _) in &records {
            set_of.push(*sets.entry(duty.classes.clone()).or_insert_with(|| {
                closeness.push(of_each_class(&duty.classes, book));
                closeness.len() as u32 - 1
            }));
        }
        Duties { all: records.into_iter().map(|(d, _)| d).collect(), index, set_of, closeness }
    }

    /// The areas that hold for a class at a place, moment and level, those that win first: a more specific class set,
    /// then the higher priority, then the smaller area, then the later beginning. Equal ones stay side by side.
    pub fn holding(&self, p: [f64; 2], class: ClassIx, at: Instant, level: i8) -> Vec<u32> {
        let mut found = vec![];
        self.index.containing(p, |i| {
            let d = &self.all[i as usize];
            let in_time = d.span.holds(at) && d.schedule.as_ref().is_none_or(|s| s.holds(at));
            let on_level = d.level == 0 || d.level == level;
            if in_time && on_level && self.closeness_of(i, class).is_some() {
                found.push(i);
            }
        });
        found.sort_by(|&a, &b| {
            self.rank(a, b, class).then_with(|| self.all[a as usize].code.cmp(&self.all[b as usize].code))
        });
        found
    }

    /// Less is better.
    pub fn rank(&self, a: u32, b: u32, class: ClassIx) -> Ordering {
        let closer = self.closeness_of(b, class).cmp(&self.closeness_of(a, class));
        let (a, b) = (&self.all[a as usize], &self.all[b as usize]);
        closer
            .then(b.priority.cmp(&a.priority))
            .then(a.area_m2.total_cmp(&b.area_m2))
            .then(b.span.from.cmp(&a.span.from))
    }

    /// Whether a point is in the area with this code, now.
    pub fn is_in(&self, p: [f64; 2], code: &str, at: Instant) -> bool {
        let mut inside = false;
        self.index.containing(p, |i| {
            let d = &self.all[i as usize];
            inside |= d.code == code && d.span.holds(at);
        });
        inside
    }

    fn closeness_of(&self, duty: u32, class: ClassIx) -> Option<Closeness> {
        self.closeness[self.set_of[duty as usize] as usize].get(class.0 as usize).copied().flatten()
    }
}

fn of_each_class(text: &str, book: &Book) -> Vec<Option<Closeness>> {
    match ClassSet::parse(text, book) {
        Ok(set) => (0..book.classes.len()).map(|i| set.closeness(ClassIx(i as u16), book)).collect(),
        Err(_) => vec![None; book.classes.len()],
    }
}
