//! The ground as a drawing asks for it: heights as values now, what went wrong at the end.

use crate::error::{Error, Result};
use crate::geo::lattice::{Patch, TileAt};
use crate::store::Ground;
use std::cell::{Cell, RefCell};
use std::sync::Arc;

/// Where things stand that have no height of their own. Import measures and requests draw with the same one.
pub struct Footing<'a> {
    ground: Option<&'a Ground>,
    /// The finest tile of the last place: the next is near it.
    last: RefCell<Option<(TileAt, Arc<Patch>)>>,
    asked: Cell<bool>,
    failed: RefCell<Option<Error>>,
}

impl<'a> Footing<'a> {
    /// Without a ground nothing is known anywhere.
    pub fn on(ground: Option<&'a Ground>) -> Footing<'a> {
        Footing { ground, last: RefCell::default(), asked: Cell::new(false), failed: RefCell::default() }
    }

    /// Metres at `[longitude°, latitude°]`, where the ground is known.
    pub fn height_m(&self, lonlat: [f64; 2]) -> Option<f64> {
        self.asked.set(true);
        let ground = self.ground?;
        let mut last = self.last.borrow_mut();
        if last.as_ref().is_none_or(|(at, _)| TileAt::of(at.level, lonlat) != *at) {
            let tile = ground.finest_at(lonlat)?;
            let patch = match ground.patch(tile.at) {
                Ok(patch) => patch?,
                Err(e) => {
                    self.failed.borrow_mut().get_or_insert(e);
                    return None;
                }
            };
            // A tile with something finer elsewhere in it is the finest here alone.
            if tile.error_m > 0.0 {
                return patch.height(tile.at, lonlat);
            }
            *last = Some((tile.at, patch));
        }
        last.as_ref().and_then(|(at, patch)| patch.height(*at, lonlat))
    }

    /// Whether anything asked: it stands on the ground, or would.
    pub fn was_asked(&self) -> bool {
        self.asked.get()
    }

    /// What could not be read, if anything: nothing that was drawn is then to be believed.
    pub fn end(&self) -> Result<()> {
        self.failed.borrow_mut().take().map_or(Ok(()), Err)
    }
}
