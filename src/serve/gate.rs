//! The one way to the city: `Asked` = what a request sees and who asks. Only the gate makes one, so a handler that
//! forgets the audience does not compile. Nobody is trusted by address: a proxy on the same host is a peer too.

use super::App;
use super::address::{layer_list, snapshot_id, unknown_layer};
use super::problem::Problem;
use crate::audience::Audience;
use crate::city::{City, Follower};
use crate::error::Result;
use crate::layer::{Layer, LayerIx};
use axum::extract::FromRequestParts;
use axum::http::{HeaderValue, request::Parts};
use std::sync::{Arc, OnceLock};

pub struct Gate {
    follower: OnceLock<Follower>,
    audience: Audience,
}

/// One request's world and its asker.
pub struct Asked {
    pub city: Arc<City>,
    pub audience: Audience,
    /// Nobody but the gate can write this.
    _made_by_the_gate: Seal,
}

struct Seal;

impl Gate {
    pub fn new(audience: Audience) -> Gate {
        Gate { follower: OnceLock::new(), audience }
    }

    /// The first city has been published. A second call changes nothing.
    pub fn open(&self, follower: Follower) {
        let _ = self.follower.set(follower);
    }

    pub fn is_open(&self) -> bool {
        self.follower.get().is_some()
    }

    /// Looks for a newer snapshot; whether there was one.
    pub fn refresh(&self) -> Result<bool> {
        self.follower.get().map_or(Ok(false), Follower::refresh)
    }

    /// Id and sequence of the served snapshot, for health and metrics.
    pub fn snapshot(&self) -> Option<(String, u64)> {
        let city = self.follower.get()?.city();
        Some((city.snapshot.id.clone(), city.snapshot.manifest.sequence))
    }

    /// The city now, once a request, with who asks. Without a configured identity everybody is the one audience.
    fn ask(&self) -> Result<Asked, Problem> {
        let follower = self.follower.get().ok_or_else(Problem::no_snapshot)?;
        Ok(Asked { city: follower.city(), audience: self.audience.clone(), _made_by_the_gate: Seal })
    }
}

impl Asked {
    /// The same asker before the city of a snapshot named in the address.
    ///
    /// # Errors
    /// 410 of a snapshot that is gone, 404 of what is no snapshot's id.
    pub fn of_snapshot(&self, gate: &Gate, id: &str) -> Result<Asked, Problem> {
        let follower = gate.follower.get().ok_or_else(Problem::no_snapshot)?;
        match follower.city_of(id)? {
            Some(city) => Ok(Asked { city, audience: self.audience.clone(), _made_by_the_gate: Seal }),
            None if snapshot_id(id) => {
                Err(Problem::new(410, "snapshot-gone", "this snapshot is no longer served; load the tileset again"))
            }
            None => Err(Problem::not_found("not-found", "there is nothing at this address")),
        }
    }
}

impl FromRequestParts<Arc<App>> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(_parts: &mut Parts, app: &Arc<App>) -> Result<Asked, Problem> {
        app.gate.ask()
    }
}

impl Asked {
    /// A layer that exists for the asker.
    pub fn layer(&self, id: &str) -> Result<LayerIx, Problem> {
        let catalog = &self.city.snapshot.catalog;
        let ix = catalog.find(id).filter(|ix| self.audience.sees_layer(catalog.layer(*ix)));
        ix.ok_or_else(|| unknown_layer(id))
    }

    /// The layers of a comma list, in its order; all of them or none.
    pub fn layers(&self, list: &str) -> Result<Vec<LayerIx>, Problem> {
        let ids = layer_list(list, self.city.snapshot.catalog.len())?;
        ids.into_iter().map(|id| self.layer(id)).collect()
    }

    /// All layers that exist for the asker, by id.
    pub fn visible(&self) -> impl Iterator<Item = &Arc<Layer>> {
        self.city.snapshot.catalog.iter().map(|(_, l)| l).filter(|l| self.audience.sees_layer(l))
    }

    /// Always revalidated: a URL without a revision may change its bytes with the next snapshot. A shared cache keeps
    /// only what everybody may see.
    pub fn cache_control(&self) -> HeaderValue {
        HeaderValue::from_static(match self.audience.is_public() {
            true => "public, max-age=0, must-revalidate",
            false => "private, no-cache",
        })
    }
}
