//! HTTP: the only place that knows axum. Accept loop, router as a table, handlers, cache, replies, health, metrics.
//! Decides nothing about what a tile holds: `tile` and `records` do.

mod cache;
mod coding;
mod config;
mod etag;
mod flight;
mod metrics;
mod problem;
mod workers;

pub use config::{Flags, Options};

use crate::error::{Error, Result};

/// Serves a store until a signal ends it.
pub fn run(flags: Flags) -> Result<()> {
    let options = Options::load(flags)?;
    Err(Error::config(&options.store, 0, "serving has not landed yet"))
}
