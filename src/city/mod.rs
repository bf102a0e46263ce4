//! City: what one request sees, swapped atomically. One request loads it once and uses it to the end. Knows no
//! requests.

mod rows;

use crate::audience::{Audience, Policy, RowSource};
use crate::derive::family::{self, FamilyTree, Kin, LEDGER, Ledger};
use crate::derive::ground::GROUND_SCENE;
use crate::derive::{NODE_PIPES, NodePipes, PIPE_ENDS, PipeEnds, SCENE, Tree};
use crate::error::{Error, Result};
use crate::layer::{Family, Layer, LayerIx, families};
use crate::ownership::{self, Ownership};
use crate::store::{BlobRef, BlockCache, Snapshot, Store};
use arc_swap::ArcSwap;
use rayon::prelude::*;
use rows::Rows;
use std::any::Any;
use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// One consistent world.
pub struct City {
    pub snapshot: Arc<Snapshot>,
    /// What was found out about composites of this snapshot: (digest of the composite, nominal zoom) → thinning cut.
    pub joint_cuts: quick_cache::sync::Cache<([u8; 16], u8), u8>,
    /// What all tiles of a zoom share, as `tile` made it of this snapshot.
    pub sheets: quick_cache::sync::Cache<SheetKey, Arc<dyn Any + Send + Sync>>,
    /// Trees of 3D tiles that were asked for, by layer.
    trees: quick_cache::sync::Cache<String, Arc<Tree>>,
    /// Of layers of pipes: what their ends meet.
    ends: quick_cache::sync::Cache<String, Arc<PipeEnds>>,
    /// Of layers of nodes: the pipes that they stand on.
    node_pipes: quick_cache::sync::Cache<String, Arc<NodePipes>>,
    /// Trees of families that were asked for, by the name of their blob.
    families: quick_cache::sync::Cache<String, Arc<FamilyTree>>,
    /// Held while a family's tree is made, so that it is made once.
    making: Mutex<()>,
    /// What lookups read, or why they cannot be answered.
    ownership: OnceLock<Result<Arc<Ownership>, String>>,
    /// Which rows policies leave.
    rows: Arc<Rows>,
}

/// What a sheet of tiles is of: audience, grid, layers in their order, zoom of the grid.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SheetKey(String, bool, String, Vec<LayerIx>, u8);

impl SheetKey {
    pub fn of(audience: &Audience, grid: &str, layers: &[LayerIx], z: u8) -> SheetKey {
        SheetKey(audience.tag().into(), audience.is_before_a_city(), grid.into(), layers.into(), z)
    }
}

/// Sheets that are remembered: with all layers some 20 kB each.
const SHEETS: usize = 1024;
/// Composites and zooms that are remembered.
const JOINT_CUTS: usize = 4096;
/// Layers whose trees are remembered: more than a catalog has.
const TREES: usize = 1024;
/// Families whose trees are remembered: a few MB each.
const FAMILIES: usize = 12;
/// Snapshots that 3D viewers under way may still ask for, the current one among them.
pub const KEPT: usize = 3;

impl City {
    pub fn new(snapshot: Arc<Snapshot>) -> City {
        City {
            rows: Arc::new(Rows::of(Arc::clone(&snapshot))),
            snapshot,
            joint_cuts: quick_cache::sync::Cache::new(JOINT_CUTS),
            sheets: quick_cache::sync::Cache::new(SHEETS),
            trees: quick_cache::sync::Cache::new(TREES),
            ends: quick_cache::sync::Cache::new(TREES),
            node_pipes: quick_cache::sync::Cache::new(TREES),
            families: quick_cache::sync::Cache::new(FAMILIES),
            making: Mutex::new(()),
            ownership: OnceLock::new(),
        }
    }

    /// Which rows of this city policies leave: what an audience stands before.
    pub fn rows(&self) -> Arc<dyn RowSource> {
        self.rows.clone()
    }

    /// The tree of a layer's 3D tiles, read when first asked for; `None` where the snapshot has none.
    pub fn tree(&self, layer: &str) -> Result<Option<Arc<Tree>>> {
        self.kept(&self.trees, layer, self.extra(layer, SCENE), Tree::from_bytes)
    }

    /// What the heights of these sources were measured from, as their deliveries said; empty where they did not.
    pub fn datums<'s>(&self, sources: impl Iterator<Item = &'s String>) -> Result<Vec<String>> {
        let Some(blob) = self.snapshot.manifest.extra.get("sources") else { return Ok(vec![]) };
        let all: serde_json::Value = serde_json::from_slice(&self.snapshot.blob(blob)?)
            .map_err(|e| Error::damaged("list of sources", e.to_string()))?;
        let datums: BTreeSet<String> =
            sources.filter_map(|s| all[s]["vertical"].as_str()).filter(|v| !v.is_empty()).map(String::from).collect();
        Ok(datums.into_iter().collect())
    }

    /// The tree of the ground's 3D tiles; `None` where the snapshot has no ground.
    pub fn ground_tree(&self) -> Result<Option<Arc<Tree>>> {
        // No layer is called nothing.
        self.kept(&self.trees, "", self.snapshot.manifest.extra.get(GROUND_SCENE), Tree::from_bytes)
    }

    /// What the ends of a layer's pipes meet, read when first asked for; `None` where the snapshot does not know.
    pub fn pipe_ends(&self, layer: &str) -> Result<Option<Arc<PipeEnds>>> {
        self.kept(&self.ends, layer, self.extra(layer, PIPE_ENDS), PipeEnds::from_bytes)
    }

    /// The pipes that a layer's nodes stand on, read when first asked for; `None` where the snapshot does not know.
    pub fn node_pipes(&self, layer: &str) -> Result<Option<Arc<NodePipes>>> {
        self.kept(&self.node_pipes, layer, self.extra(layer, NODE_PIPES), NodePipes::from_bytes)
    }

    fn extra(&self, layer: &str, name: &str) -> Option<&BlobRef> {
        self.snapshot.manifest.layers.get(layer)?.extra.get(name)
    }

    /// What a blob says, made of it when first asked for and kept under a name.
    fn kept<T>(
        &self,
        known: &quick_cache::sync::Cache<String, Arc<T>>,
        name: &str,
        blob: Option<&BlobRef>,
        made: impl Fn(&[u8]) -> Result<T>,
    ) -> Result<Option<Arc<T>>> {
        if let Some(known) = known.get(name) {
            return Ok(Some(known));
        }
        let Some(blob) = blob else { return Ok(None) };
        let new = Arc::new(made(&self.snapshot.blob(blob)?)?);
        known.insert(name.to_string(), new.clone());
        Ok(Some(new))
    }

    /// The day the snapshot was made (ISO date): what is drawn is what is valid then.
    pub fn today(&self) -> String {
        self.snapshot.manifest.created.chars().take(10).collect()
    }

    /// The tree of a family's 3D tiles and its name: read where import made it, else made when first asked for. `None`
    /// where a member was imported before ledgers were kept.
    pub fn family(&self, family: &Family) -> Result<Option<(String, Arc<FamilyTree>)>> {
        let Some(key) = self.family_key(family) else { return Ok(None) };
        if let Some(known) = self.families.get(&key) {
            return Ok(Some((key, known)));
        }
        let _one = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = self.families.get(&key) {
            return Ok(Some((key, made)));
        }
        let tree = match self.snapshot.manifest.extra.get(&key) {
            Some(blob) => FamilyTree::from_bytes(&self.snapshot.blob_once(blob)?, family.members.len())?,
            None => self.family_made(family)?,
        };
        let tree = Arc::new(tree);
        self.families.insert(key.clone(), tree.clone());
        Ok(Some((key, tree)))
    }

    /// Whether asking for a family's tree takes no time.
    pub fn has_family(&self, family: &Family) -> bool {
        self.family_key(family).is_none_or(|key| self.families.get(&key).is_some())
    }

    fn family_key(&self, family: &Family) -> Option<String> {
        let (manifest, catalog) = (&self.snapshot.manifest, &self.snapshot.catalog);
        let entry = |layer: &str| manifest.layers.get(layer);
        let members = family.members.iter().map(|m| {
            let layer = catalog.layer(m.ix).as_ref();
            entry(&layer.id).map(|e| (layer, e, m.tier))
        });
        let members: Option<Vec<_>> = members.collect();
        family::key(members?.into_iter(), &self.today())
    }

    fn family_made(&self, family: &Family) -> Result<FamilyTree> {
        let mut ledgers = vec![];
        for member in &family.members {
            let layer = self.snapshot.catalog.layer(member.ix);
            let blob = self.extra(&layer.id, LEDGER);
            let ledger = blob.map(|b| Ledger::from_bytes(&self.snapshot.blob_once(b)?)).transpose()?;
            ledgers.push((ledger.unwrap_or_default(), member.tier, layer.stand_in_error_m()));
        }
        let kin: Vec<Kin<'_>> =
            ledgers.iter().map(|(ledger, tier, error_m)| Kin { ledger, tier: *tier, error_m: *error_m }).collect();
        Ok(family::made(&kin, &self.today()).0)
    }

    /// Who is responsible where; made when first asked for. A damaged layer damages no tile but every lookup.
    pub fn ownership(&self) -> Result<&Arc<Ownership>> {
        let made = self.ownership.get_or_init(|| {
            let started = std::time::Instant::now();
            let made = Ownership::open(&self.snapshot).map(Arc::new).map_err(|e| e.to_string());
            match &made {
                Ok(_) => tracing::info!(seconds = started.elapsed().as_secs_f64(), "ownership is ready"),
                Err(error) => tracing::error!(%error, "lookups cannot be answered"),
            }
            made
        });
        made.as_ref().map_err(|what| Error::damaged("what lookups read", what.clone()))
    }

    /// Reads what first requests would wait for, before there are any: what lookups need, the trees of 3D tiles. What is
    /// wrong with one of them is said when it is asked for.
    fn prepare(&self, policies: &[Arc<Policy>]) {
        self.rows.prepare(policies);
        let (snapshot, catalog) = (&self.snapshot, &self.snapshot.catalog);
        let trees = || {
            snapshot.manifest.layers.par_iter().for_each(|(layer, _)| {
                let _ = (self.tree(layer), self.pipe_ends(layer), self.node_pipes(layer));
            });
            let layers = catalog.iter().filter(|(_, l)| snapshot.manifest.layers.contains_key(&l.id));
            let layers: Vec<(LayerIx, &Layer)> = layers.map(|(ix, l)| (ix, l.as_ref())).collect();
            let held = |f: &Family| self.family_key(f).is_some_and(|key| snapshot.manifest.extra.contains_key(&key));
            families(&layers).iter().filter(|f| held(f)).for_each(|f| {
                let _ = self.family(f);
            });
        };
        rayon::join(trees, || self.ownership().is_ok());
    }

    /// Takes over what another snapshot's lookups read, if it is the same.
    fn inherit(&self, before: &City) {
        let inputs = |s: &Snapshot| ownership::inputs(&s.catalog, &s.manifest);
        if let Some(Ok(same)) = before.ownership.get()
            && inputs(&self.snapshot) == inputs(&before.snapshot)
        {
            let _ = self.ownership.set(Ok(Arc::clone(same)));
        }
        self.rows.inherit(&before.rows);
    }
}

/// Holds the current `City` of a store and follows `CURRENT`.
pub struct Follower {
    store: Store,
    cache: Arc<BlockCache>,
    /// Those whose rows are found out before a city is served.
    policies: ArcSwap<Vec<Arc<Policy>>>,
    city: ArcSwap<City>,
    /// Earlier cities that are still asked for, the latest last.
    earlier: Mutex<VecDeque<Arc<City>>>,
    /// What was last said of a snapshot that cannot be opened, so that the log has it once, not every second.
    complaint: Mutex<Option<String>>,
}

impl Follower {
    /// Opens the current snapshot; `Error::Missing` while the store has none.
    pub fn open(store: Store, cache: Arc<BlockCache>) -> Result<Follower> {
        Follower::open_for(store, cache, vec![])
    }

    /// The same; which rows these policies leave is found out before each city is served.
    pub fn open_for(store: Store, cache: Arc<BlockCache>, policies: Vec<Arc<Policy>>) -> Result<Follower> {
        let id = store.current()?.ok_or_else(|| Error::Missing(store.dir().join("CURRENT")))?;
        let snapshot = store.snapshot(&id, &cache)?;
        let city = City::new(snapshot);
        city.prepare(&policies);
        let (city, policies) = (ArcSwap::from_pointee(city), ArcSwap::from_pointee(policies));
        Ok(Follower { store, cache, policies, city, earlier: Mutex::default(), complaint: Mutex::default() })
    }

    /// Other policies from now on: which rows they leave is found out for this city and those after it.
    pub fn prepare_for(&self, policies: Vec<Arc<Policy>>) {
        let policies = Arc::new(policies);
        self.policies.store(Arc::clone(&policies));
        self.city.load().rows.prepare(&policies);
    }

    /// The city now: a pointer load.
    pub fn city(&self) -> Arc<City> {
        self.city.load_full()
    }

    /// The city of a snapshot: the current one, or one of the last `KEPT` that the store has. `None` of any other.
    pub fn city_of(&self, id: &str) -> Result<Option<Arc<City>>> {
        let now = self.city();
        if now.snapshot.id == id {
            return Ok(Some(now));
        }
        let mut earlier = self.earlier.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = earlier.iter().find(|c| c.snapshot.id == id) {
            return Ok(Some(Arc::clone(found)));
        }
        let all = self.store.snapshots()?;
        if !all.iter().rev().take(KEPT).any(|known| known == id) {
            return Ok(None);
        }
        let city = match self.store.snapshot(id, &self.cache) {
            Ok(snapshot) => Arc::new(City::new(snapshot)),
            // Swept between the look and the opening.
            Err(Error::Missing(_)) => return Ok(None),
            Err(e) => return Err(e),
        };
        keep(&mut earlier, city.clone());
        Ok(Some(city))
    }

    /// Looks at `CURRENT` and swaps when it changed; whether it did. Called every second by `serve`. A snapshot that
    /// cannot be opened is logged and returned as an error, and the city stays as it is.
    pub fn refresh(&self) -> Result<bool> {
        let swapped = self.follow();
        let complaint = swapped.as_ref().err().map(Error::to_string);
        let mut last = self.complaint.lock().unwrap_or_else(PoisonError::into_inner);
        if complaint != *last {
            if let Some(error) = &complaint {
                let serving = &self.city.load().snapshot.id;
                tracing::error!(%error, %serving, "the new snapshot cannot be opened; the old one stays");
            }
            *last = complaint;
        }
        swapped
    }

    fn follow(&self) -> Result<bool> {
        let id = self.store.current()?.ok_or_else(|| Error::damaged("CURRENT", "it is missing"))?;
        if id == self.city.load().snapshot.id {
            return Ok(false);
        }
        let snapshot = self.store.snapshot(&id, &self.cache)?;
        tracing::info!(snapshot = %id, "snapshot opened");
        let city = City::new(snapshot);
        city.inherit(&self.city.load());
        city.prepare(&self.policies.load());
        let before = self.city.swap(Arc::new(city));
        keep(&mut self.earlier.lock().unwrap_or_else(PoisonError::into_inner), before);
        Ok(true)
    }
}

/// Remembers a city and lets the oldest go: with the current one there are `KEPT`.
fn keep(earlier: &mut VecDeque<Arc<City>>, city: Arc<City>) {
    earlier.retain(|c| c.snapshot.id != city.snapshot.id);
    earlier.push_back(city);
    while earlier.len() >= KEPT {
        earlier.pop_front();
    }
}
