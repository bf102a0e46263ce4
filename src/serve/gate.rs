//! The one way to the city: `Asked` = what a request sees and who asks. Only the gate makes one, so a handler that
//! forgets the audience does not compile. It asks first who (`access`), then what exists for them; validators come last.

use super::App;
use super::access::{Access, Caller, Deed, Peer, Spent, cell_of, cells_of, finding};
use super::address::{layer_list, snapshot_id, unknown_layer};
use super::coding::{Coding, Effort};
use super::etag::Digest;
use super::problem::Problem;
use crate::audience::Audience;
use crate::city::{City, Follower};
use crate::error::{Error, Result};
use crate::geo::BBox;
use crate::layer::{Layer, LayerIx, Sensitivity};
use arc_swap::ArcSwap;
use axum::extract::{FromRequestParts, MatchedPath};
use axum::http::{HeaderValue, request::Parts};
use std::path::Path;
use std::sync::{Arc, OnceLock};

pub struct Gate {
    follower: OnceLock<Follower>,
    access: ArcSwap<Access>,
}

/// One request's world and its asker.
pub struct Asked {
    pub city: Arc<City>,
    /// Before this city.
    pub audience: Audience,
    caller: Caller,
    access: Arc<Access>,
    /// What was asked for, as the router calls it.
    route: Option<MatchedPath>,
    /// Nobody but the gate can write this.
    _made_by_the_gate: Seal,
}

struct Seal;

fn named(route: &Option<MatchedPath>) -> &str {
    route.as_ref().map_or("none", MatchedPath::as_str)
}

impl Gate {
    pub fn new(access: Access) -> Gate {
        Gate { follower: OnceLock::new(), access: ArcSwap::from_pointee(access) }
    }

    /// Who may ask for what, now.
    pub fn access(&self) -> Arc<Access> {
        self.access.load_full()
    }

    /// Other rules from now on. Which rows they leave is found out first, so that nobody waits for it.
    ///
    /// # Errors
    /// `Config` where they name what the served catalog does not have: then nothing has changed.
    pub fn take(&self, access: Access, file: &Path) -> Result<()> {
        if let Some(follower) = self.follower.get() {
            let wrong = access.contradictions(&follower.city().snapshot.catalog);
            if !wrong.is_empty() {
                return Err(Error::Config(wrong.into_iter().map(|w| finding(file, w)).collect()));
            }
            follower.prepare_for(access.policies());
        }
        self.access.store(Arc::new(access));
        Ok(())
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

    /// Reads blocks of the served snapshot ahead; what of them is damaged.
    pub fn preheat(&self) -> Vec<Error> {
        self.follower.get().map_or(vec![], |f| f.city().snapshot.preheat())
    }

    /// Files of the served snapshot.
    pub fn files(&self) -> usize {
        self.follower.get().map_or(0, |f| f.city().snapshot.manifest.blobs().count())
    }

    /// What roles name that the served catalog does not have.
    pub fn contradictions(&self) -> Vec<String> {
        self.follower.get().map_or(vec![], |f| self.access().contradictions(&f.city().snapshot.catalog))
    }

    /// The city now, once a request, with who asks.
    fn ask(&self, parts: &Parts) -> Result<Asked, Problem> {
        let route = parts.extensions.get::<MatchedPath>().cloned();
        let peer = parts.extensions.get::<Peer>().copied();
        let access = self.access();
        let caller = access.caller(&parts.headers, &parts.uri, named(&route), peer)?;
        let follower = self.follower.get().ok_or_else(Problem::no_snapshot)?;
        Ok(Asked::new(follower.city(), caller, &access, route))
    }
}

impl Asked {
    fn new(city: Arc<City>, caller: Caller, access: &Arc<Access>, route: Option<MatchedPath>) -> Asked {
        Asked {
            audience: caller.audience.before(&city.rows()),
            city,
            caller,
            access: Arc::clone(access),
            route,
            _made_by_the_gate: Seal,
        }
    }

    /// The same asker before the city of a snapshot named in the address.
    ///
    /// # Errors
    /// 410 of a snapshot that is gone, 404 of what is no snapshot's id.
    pub fn of_snapshot(&self, gate: &Gate, id: &str) -> Result<Asked, Problem> {
        let follower = gate.follower.get().ok_or_else(Problem::no_snapshot)?;
        match follower.city_of(id)? {
            Some(city) => Ok(Asked::new(city, self.caller.clone(), &self.access, self.route.clone())),
            None if snapshot_id(id) => {
                Err(Problem::new(410, "snapshot-gone", "this snapshot is no longer served; load the tileset again"))
            }
            None => Err(Problem::not_found("not-found", "there is nothing at this address")),
        }
    }
}

impl FromRequestParts<Arc<App>> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Asked, Problem> {
        app.gate.ask(parts)
    }
}

impl Asked {
    /// A layer that exists for the asker. Written down before it is read, where not everybody may see it.
    pub fn layer(&self, id: &str) -> Result<LayerIx, Problem> {
        let Some(ix) = self.found(id) else {
            self.access.deny(&self.caller, "layer-not-found", named(&self.route));
            return Err(unknown_layer(id));
        };
        self.enter(ix).map(|()| ix)
    }

    /// The layers of a comma list, in its order; all of them or none.
    pub fn layers(&self, list: &str) -> Result<Vec<LayerIx>, Problem> {
        let ids = layer_list(list, self.city.snapshot.catalog.len())?;
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            match self.found(id) {
                Some(ix) => found.push(ix),
                // One that does not exist ends it before anything is written down of the others.
                None => return self.layer(id).map(|_| vec![]),
            }
        }
        found.iter().try_for_each(|ix| self.enter(*ix))?;
        Ok(found)
    }

    fn found(&self, id: &str) -> Option<LayerIx> {
        let catalog = &self.city.snapshot.catalog;
        catalog.find(id).filter(|ix| self.audience.sees_layer(catalog.layer(*ix)))
    }

    /// Writes down that a layer is read, where that is done.
    fn enter(&self, ix: LayerIx) -> Result<(), Problem> {
        let layer = self.city.snapshot.catalog.layer(ix);
        match self.is_restricted(layer) {
            true => self.read(&layer.id),
            false => Ok(()),
        }
    }

    /// All layers that exist for the asker, by id.
    pub fn visible(&self) -> impl Iterator<Item = &Arc<Layer>> {
        self.city.snapshot.catalog.iter().map(|(_, l)| l).filter(|l| self.audience.sees_layer(l))
    }

    /// All of them, to be read.
    pub fn all_layers(&self) -> Result<Vec<LayerIx>, Problem> {
        self.reads_all()?;
        Ok(self.visible().filter_map(|l| self.city.snapshot.catalog.find(&l.id)).collect())
    }

    /// An answer may come from any layer that the asker sees.
    pub fn reads_all(&self) -> Result<(), Problem> {
        match self.audience.is_public() {
            true => Ok(()),
            false => self.read("*"),
        }
    }

    /// Whether something of the layer that the asker sees is not for everybody, and reads of it are written down.
    fn is_restricted(&self, layer: &Layer) -> bool {
        let field = |f| self.audience.sees_field(layer, f) && f.sensitivity_in(layer) > Sensitivity::Public;
        self.access.recorder.log().is_some()
            && !self.audience.is_public()
            && (layer.sensitivity > Sensitivity::Public || layer.fields.iter().any(field))
    }

    fn read(&self, layer: &str) -> Result<(), Problem> {
        if self.access.recorder.log().is_none() {
            return Ok(());
        }
        let deed = Deed {
            kind: "read",
            who: self.caller.who.to_string(),
            role: self.caller.role().to_string(),
            what: named(&self.route).to_string(),
            layer: layer.to_string(),
        };
        self.access.recorder.read(deed).map_err(|error| {
            tracing::error!(%error, "the audit log cannot be written: restricted layers are refused");
            Problem::new(503, "audit-unavailable", "restricted layers are not served while nothing can be written down")
        })
    }

    /// The role that the asker's credential brought; none without one.
    pub fn role(&self) -> Option<&str> {
        self.caller.is_known().then(|| self.caller.role())
    }

    /// How many records of a layer the asker sees, and the box around them in degrees.
    pub fn extent(&self, layer: &Layer) -> Result<(u64, Option<BBox>), Problem> {
        let Some(entry) = self.city.snapshot.manifest.layers.get(&layer.id) else { return Ok((0, None)) };
        Ok(match self.audience.rows(layer)? {
            Some(seen) => (seen.count(), seen.bounds),
            None => (entry.count, entry.bounds),
        })
    }

    /// Whether large-scale data of one of the layers counts against the asker's area budget.
    pub fn spends(&self, layers: &[LayerIx]) -> bool {
        let catalog = &self.city.snapshot.catalog;
        let exempt = self.caller.audience.policy().is_some_and(|p| p.exempt);
        let counts = |least| layers.iter().any(|ix| catalog.layer(*ix).sensitivity >= least);
        !exempt && self.access.budget.as_ref().is_some_and(|b| counts(b.sensitivity))
    }

    /// Spends the cells of a tile, where its zoom counts.
    pub fn spend_tile(&self, layers: &[LayerIx], nominal_zoom: u8, window: &BBox) -> Result<(), Problem> {
        let counts = self.access.budget.as_ref().is_some_and(|b| nominal_zoom >= b.from_zoom);
        match counts && self.spends(layers) {
            true => self.spend(&cells_of(window, MOST_CELLS)),
            false => Ok(()),
        }
    }

    /// Spends the cells of these places in layers, `[longitude°, latitude°]`.
    pub fn spend_places(&self, layers: &[LayerIx], places: &[[f64; 2]]) -> Result<(), Problem> {
        match self.spends(layers) {
            true => self.spend(&places.iter().map(|p| cell_of(*p)).collect::<Vec<_>>()),
            false => Ok(()),
        }
    }

    fn spend(&self, cells: &[u64]) -> Result<(), Problem> {
        let Some(budget) = &self.access.budget else { return Ok(()) };
        match budget.spend(&self.caller.purse, cells) {
            Spent::Fine => Ok(()),
            Spent::Warn(cells) => {
                tracing::warn!(who = %self.caller.who, cells, "a caller comes near its area budget");
                self.access.deny(&self.caller, "area-budget-near", named(&self.route));
                Ok(())
            }
            Spent::TooMuch(seconds) => {
                self.access.deny(&self.caller, "area-budget", named(&self.route));
                let what = "so much of the city at large scale is not given to one caller in this time";
                Err(Problem::new(429, "area-budget", what).with("retry_after_s", seconds))
            }
        }
    }

    /// The entity tag of an answer. Roles do not share tags: what another one was sent is no validator here, whatever its bytes.
    pub fn etag(&self, digest: Digest, coding: Coding, effort: Effort) -> HeaderValue {
        match self.audience.policy() {
            None => digest.etag(coding, effort),
            Some(policy) => digest.salted(&policy.tag).etag(coding, effort),
        }
    }

    /// Always revalidated: a URL without a revision may change its bytes with the next snapshot. A shared cache keeps
    /// only what everybody may see.
    pub fn cache_control(&self) -> HeaderValue {
        HeaderValue::from_static(match self.audience.is_public() {
            true => "public, max-age=0, must-revalidate",
            false => "private, no-cache",
        })
    }

    /// What answers differ by. Private ones by who asks: two people may use one browser.
    pub fn vary(&self) -> HeaderValue {
        HeaderValue::from_static(match self.audience.policy() {
            None => "accept-encoding",
            Some(_) => "accept-encoding, authorization, x-api-key",
        })
    }
}

/// Cells of one tile at most: those of zoom 10.
const MOST_CELLS: usize = 4096;
