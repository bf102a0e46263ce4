//! Ownership: a coordinate, with what is wrong there, gets exactly one responsible unit (责任主体) or a named reason why
//! not, and the steps that led there. No HTTP; reads the snapshot when it is opened, never per question.
//!
//! A question walks: `ask` (text → `Question`) → `resolve` (`territory` → `identify` → `rules`) → `Answer` → `view`.

pub mod answer;
mod ask;
mod audit;
mod borders;
mod bulk;
mod class_set;
mod components;
mod duties;
mod flat;
mod identify;
mod instant;
mod load;
mod partition;
mod place;
mod polygons;
mod raster;
mod reason;
pub mod register;
mod resolve;
mod rules;
mod rulings;
mod schedule;
mod seams;
mod steady;
mod territory;
mod trail;
mod view;

pub use answer::{Answer, Flag, Outcome};
pub use ask::{Asked, Invalid, LocalCrs, Spellings};
pub use audit::Note;
pub use class_set::{ClassSet, Closeness};
pub use instant::{Instant, Span};
pub use load::{Data, inputs};
pub use polygons::{Fineness, PolygonIndex};
pub use resolve::Question;
pub use schedule::Schedule;
pub use territory::{Level, Place};
pub use view::View;

use crate::layer::{Layer, LayerIx, Role};
use components::Components;
use duties::Duties;
use register::Book;
use rulings::Rulings;
use std::collections::HashMap;
use std::sync::Arc;
use territory::Territory;

/// All that lookups read, in memory.
pub struct Ownership {
    layers: Vec<Arc<Layer>>,
    /// Digest of each layer's features, the beginning of it: which version of a feature decided.
    versions: Vec<String>,
    book: Book,
    territory: Territory,
    components: Components,
    duties: HashMap<Role, Duties>,
    rulings: Rulings,
}

impl Ownership {
    pub fn book(&self) -> &Book {
        &self.book
    }

    pub fn territory(&self) -> &Territory {
        &self.territory
    }

    fn layer(&self, ix: LayerIx) -> &Layer {
        &self.layers[ix.0 as usize]
    }
}

#[cfg(test)]
mod examples_tests;
#[cfg(test)]
mod properties_tests;
#[cfg(test)]
mod world;
