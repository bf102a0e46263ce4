//! City: what one request sees, swapped atomically. One request loads it once and uses it to the end.

use crate::error::Result;
use crate::store::{BlockCache, Snapshot, Store};
use std::sync::Arc;

/// One consistent world.
pub struct City {
    pub snapshot: Arc<Snapshot>,
}

/// Holds the current `City` of a store and follows `CURRENT`.
pub struct Follower {}

impl Follower {
    pub fn open(_store: Store, _cache: Arc<BlockCache>) -> Result<Follower> {
        todo!()
    }
    /// The city now: a pointer load.
    pub fn city(&self) -> Arc<City> {
        todo!()
    }
    /// Looks at `CURRENT` and swaps when it changed; whether it did. Called every second by `serve`.
    pub fn refresh(&self) -> Result<bool> {
        todo!()
    }
}
