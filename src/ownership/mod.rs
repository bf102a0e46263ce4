//! Ownership: a coordinate, with what is wrong there, gets exactly one responsible unit (责任主体) or a named reason why
//! not, and the steps that led there. No I/O but reading the snapshot when it is opened; no HTTP.

mod class_set;
mod instant;
mod polygons;
pub mod register;
mod schedule;

pub use class_set::{ClassSet, Closeness};
pub use instant::{Instant, Span};
pub use polygons::PolygonIndex;
pub use schedule::Schedule;
