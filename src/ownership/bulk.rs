//! Many questions at once. A lookup reads some twenty places of a memory far larger than the caches, each waiting for the
//! one before; but questions do not wait for each other. So what some of them will read is read first, place by place
//! for all, and the memory fetches many lines in the time of one. The answers are those of `resolve`, in order.

use super::identify::radius_m;
use super::resolve::LEAST_BORDER_M;
use super::{Answer, Level, Ownership, Question};
use crate::geo::BBox;
use crate::geo::local::Local;
use std::hint::black_box;

/// Questions whose memory is fetched together: as much as the nearer caches hold.
pub(super) const TOGETHER: usize = 16;

impl Ownership {
    /// Calls `each` with every question's position and answer, in order.
    pub fn resolve_all<'a>(&'a self, questions: &[Question<'a>], mut each: impl FnMut(usize, Answer<'a>)) {
        for (n, some) in questions.chunks(TOGETHER).enumerate() {
            self.warm(some);
            for (i, q) in some.iter().enumerate() {
                each(n * TOGETHER + i, self.resolve(q));
            }
        }
    }

    fn warm(&self, questions: &[Question<'_>]) {
        let grids = self.territory.partition(Level::UnitGrid);
        let window = |q: &Question<'_>, radius_m: f64| Local::at(q.p).window(radius_m);
        let around: Vec<BBox> = questions.iter().map(|q| window(q, q.accuracy_m.max(LEAST_BORDER_M))).collect();
        let search: Vec<BBox> = questions.iter().map(|q| window(q, radius_m(q))).collect();
        let territory = grids.index().warm(questions.iter().map(|q| q.p));
        black_box((territory, grids.borders().warm(&around), self.components.warm(&search)));
    }
}
