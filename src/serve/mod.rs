//! HTTP: the only place that knows axum. Accept loop, router as a table, handlers, cache, replies, health, metrics.
//! Decides nothing about what a tile holds: `tile` and `records` do.
//!
//! A request walks: `listen` → `speakers` → `router` → `observe` (id, log, counts) → `gate` (who asks, by `access`, and the city) → a handler
//! (`tiles`, `tilejson`, `three`, `styles`, `catalog`, `owner`, `web`, `health`) → `cache` (single flight, bounded `workers`, each coding once)
//! → `reply` (validators, 304) or `problem`.

mod access;
mod address;
mod batches;
mod cache;
mod catalog;
pub mod coding;
mod config;
mod deadline;
mod etag;
mod features;
mod features_query;
mod flight;
mod front;
mod gate;
mod health;
mod identify;
mod listen;
mod metrics;
mod observe;
mod open_files;
mod openapi;
mod outgoing;
mod owner;
mod problem;
mod register;
mod reply;
mod router;
mod rules;
mod search;
mod speakers;
mod stream;
mod styles;
mod three;
mod through;
mod tilejson;
mod tiles;
mod web;
mod workers;

pub use access::{Declared, make_key};
pub use config::{Flags, LogFormat, Options};

use crate::audience::Audience;
use crate::city::Follower;
use crate::error::{Error, Result};
use crate::geo::TileMatrixSet;
use crate::geo::geoid::Geoid;
use crate::ownership::{LocalCrs, Spellings};
use crate::store::{BlockCache, Store};
use crate::style::Styles;
use access::Access;
use problem::Problem;
use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often `CURRENT` is looked at: one small file.
const FOLLOW: Duration = Duration::from_millis(250);
/// How often keys, settings and logs are.
const LOOK_AFTER: Duration = Duration::from_secs(1);
const UPKEEP: Duration = Duration::from_secs(5);

/// What all requests share.
pub struct App {
    gate: gate::Gate,
    grids: BTreeMap<String, Arc<TileMatrixSet>>,
    default_grid: Arc<TileMatrixSet>,
    cache: Arc<cache::Cache>,
    workers: workers::Workers,
    /// Batches of lookups: tiles never wait for them.
    batches: batches::Batches,
    outgoing: outgoing::Outgoing,
    spellings: Spellings,
    /// What makes heights of the data ellipsoidal.
    geoid: Arc<Geoid>,
    styles: Arc<Styles>,
    fonts: styles::FontShelf,
    metrics: Arc<metrics::Metrics>,
    request_ids: observe::RequestIds,
    base_url: String,
    cors: Vec<String>,
    /// The settings file, for errors.
    file: PathBuf,
    /// Who may ask for what, as it stands in the settings file.
    rules: Option<rules::Rules>,
    request_timeout: Duration,
    block_cache: Arc<BlockCache>,
    store: PathBuf,
}

impl App {
    /// Opens the store. One without a snapshot is fine: the server is not ready until one is published.
    pub fn open(o: &Options) -> Result<Arc<App>> {
        let metrics = Arc::new(metrics::Metrics::new());
        let workers = workers::Workers::new("worker", o.workers, o.queue)?;
        let (grids, default_grid) = grids(o)?;
        let rules = o.access.as_ref().and_then(|declared| rules::Rules::of(declared, &o.file));
        let access = match &o.access {
            Some(declared) => Access::new(declared, &o.file)?,
            None => Access::of_all(if o.open { Audience::OPEN } else { Audience::PUBLIC }),
        };
        let app = App {
            gate: gate::Gate::new(access),
            grids,
            default_grid,
            cache: cache::Cache::new(o.cache_mb << 20, workers.clone(), metrics.clone()),
            workers,
            batches: batches::Batches::new(o.batch_mb << 20, o.workers, o.queue, Duration::from_secs(o.write_s)),
            outgoing: outgoing::Outgoing::new(o.answers_mb << 20),
            spellings: Spellings { local: o.local_crs.iter().map(|f| LocalCrs::read(f)).collect::<Result<_>>()? },
            geoid: Arc::new(geoid(o)?),
            styles: Arc::new(Styles::load_or_shipped(o.styles.as_deref())?),
            fonts: styles::FontShelf::new(o.fonts.clone()),
            metrics,
            request_ids: observe::RequestIds::new(),
            base_url: o.base_url(),
            cors: o.cors.clone(),
            file: o.file.clone(),
            rules,
            request_timeout: Duration::from_secs(o.request_s),
            block_cache: Arc::new(BlockCache::new(o.block_cache_mb << 20)),
            store: o.store.clone(),
        };
        app.follow()?;
        app.gate.access().started(&app.gate.snapshot().map_or("none".into(), |(id, _)| id))?;
        Ok(Arc::new(app))
    }

    /// Opens the first snapshot, or a newer one; whether the served city changed.
    pub fn follow(&self) -> Result<bool> {
        if self.gate.is_open() {
            let swapped = self.gate.refresh()?;
            if swapped {
                self.gate.access().swapped(&self.gate.snapshot().map_or(String::new(), |(id, _)| id));
                self.gate.contradictions().iter().for_each(|what| tracing::error!("{what}; it hides what it names"));
            }
            return Ok(swapped);
        }
        let store = Store::open(&self.store, false)?;
        if store.current()?.is_none() {
            return Ok(false);
        }
        let policies = self.gate.access().policies();
        self.gate.open(Follower::open_for(store, self.block_cache.clone(), policies)?);
        match self.gate.contradictions() {
            wrong if wrong.is_empty() => Ok(true),
            wrong => Err(Error::Config(wrong.into_iter().map(|w| access::finding(&self.file, w)).collect())),
        }
    }

    /// Reads what will be asked for first, before it is; tells what of it is damaged.
    fn preheat(&self) {
        let begun = Instant::now();
        for damage in self.gate.preheat() {
            tracing::error!(error = %damage, "damage was found while blocks were read ahead");
        }
        let (bytes, seconds) = (self.block_cache.bytes(), begun.elapsed().as_secs_f64());
        tracing::info!(bytes, seconds, "blocks are read ahead");
    }

    /// Looks after what access reads besides the settings, and after the audit log; `Server::run` does it every second.
    pub fn look_after(&self) {
        if let Some(rules) = &self.rules {
            rules.follow(&self.gate, false);
        }
        self.gate.access().look_after();
    }

    /// Reads the rules of access again now, whether their file looks changed or not.
    pub fn reload(&self) {
        match &self.rules {
            Some(rules) => rules.follow(&self.gate, true),
            None => tracing::warn!("there is no settings file with [access] to be read again"),
        }
    }

    /// Writes the end of the audit log; `Server::run` does it when it ends.
    pub fn stopped(&self) {
        self.gate.access().ended();
    }

    fn grid(&self, id: &str) -> Result<Arc<TileMatrixSet>, Problem> {
        let unknown = || Problem::not_found("grid-not-found", "there is no such tile grid; /tileMatrixSets lists them");
        self.grids.get(id).cloned().ok_or_else(unknown)
    }

    /// The HTTP service alone, without a socket.
    pub fn router(self: &Arc<App>) -> axum::Router {
        let front = front::Front::new(self.clone());
        axum::Router::new().fallback(move |request| front.answer(request))
    }
}

/// The configured geoid; a file that is not there or is none stops the server before it serves wrong heights.
fn geoid(o: &Options) -> Result<Geoid> {
    let geoid = match &o.geoid {
        Some(name) => crate::import::geoid::open(name, Path::new("")),
        None => Ok(Geoid::constant(o.geoid_m)),
    };
    geoid.map(|g| g.biased(o.geoid_bias_m)).map_err(|what| Error::config("geoid", 0, what))
}

type Grids = (BTreeMap<String, Arc<TileMatrixSet>>, Arc<TileMatrixSet>);

/// The built-in grids and the configured ones, by id.
fn grids(o: &Options) -> Result<Grids> {
    let default = Arc::new(TileMatrixSet::web_mercator_quad());
    let national = Arc::new(TileMatrixSet::cgcs2000_quad());
    let mut all = BTreeMap::from([(default.id.clone(), default.clone()), (national.id.clone(), national)]);
    for file in &o.grids {
        let text = std::fs::read_to_string(file).map_err(|e| Error::io(file, e))?;
        let grid = TileMatrixSet::from_ogc_json(&text).map_err(|what| Error::config(file, 0, what))?;
        if all.contains_key(&grid.id) {
            return Err(Error::config(file, 0, format!("there is a tile grid {} already", grid.id)));
        }
        all.insert(grid.id.clone(), Arc::new(grid));
    }
    Ok((all, default))
}

/// Serves a store until SIGTERM or SIGINT.
pub fn run(flags: Flags) -> Result<()> {
    let print = flags.print_config;
    let options = Options::load(flags)?;
    if print {
        let text = toml::to_string(&options).map_err(|e| Error::config("serve", 0, e.to_string()))?;
        println!("{text}");
        return Ok(());
    }
    log_to_stderr(&options)?;
    // Accepts, follows the store and looks after things; requests are answered by `speakers` and `workers`.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|e| Error::io("runtime", e))?;
    runtime.block_on(async {
        let app = App::open(&options)?;
        let server = Server::bind(app, &options)?;
        let ready = if server.app.gate.is_open() { "ready" } else { "waiting for a first snapshot" };
        tracing::info!(address = %server.address(), url = options.base_url(), open = options.open, "listening, {ready}");
        if options.listen.ip().is_unspecified() && options.public_url.is_none() {
            tracing::warn!("listening on all addresses without public_url: URLs in answers name 127.0.0.1");
        }
        server.app.fonts.look().await;
        tokio::spawn(styles::prepare(server.app.clone()));
        let preheated = server.app.clone();
        tokio::task::spawn_blocking(move || preheated.preheat());
        tokio::spawn(reload_signals(server.app.clone()));
        server.run(stop_signal()).await;
        Ok(())
    })
}

fn log_to_stderr(o: &Options) -> Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_new(&o.log);
    let filter = filter.map_err(|e| Error::config("log", 0, format!("{:?} is not a filter: {e}", o.log)))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match o.log_format {
        LogFormat::Text => log.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    Ok(())
}

async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
        (Ok(mut terminate), Ok(mut interrupt)) => {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        }
        // Without handlers a signal ends the process at once, which loses nothing: the store is only read.
        _ => std::future::pending().await,
    }
}

/// `SIGHUP`: the rules of access are read again at once.
async fn reload_signals(app: Arc<App>) {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
    while hangup.recv().await.is_some() {
        let app = app.clone();
        let _ = tokio::task::spawn_blocking(move || app.reload()).await;
    }
}

/// A bound server.
pub struct Server {
    app: Arc<App>,
    listener: tokio::net::TcpListener,
    speakers: speakers::Speakers,
    limits: listen::Limits,
}

impl Server {
    /// Inside a Tokio runtime.
    ///
    /// # Errors
    /// `Config` where the system allows fewer open files than are wanted, `Io` where the address cannot be had.
    pub fn bind(app: Arc<App>, o: &Options) -> Result<Server> {
        open_files::enough_for(o.connections, app.gate.files())?;
        let (listener, limits) = (listen::bind(o.listen)?, listen::Limits::of(o));
        let speakers = speakers::Speakers::start(&front::Front::new(app.clone()), limits)?;
        Ok(Server { app, listener, speakers, limits })
    }

    /// The address in fact: with port 0 the system chose one.
    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap_or(SocketAddr::from(([0, 0, 0, 0], 0)))
    }

    /// Serves and follows the store until `stop`.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let follower = tokio::spawn(follow(self.app.clone()));
        let upkeep = tokio::spawn(upkeep(self.app.metrics.clone()));
        let access = tokio::spawn(look_after(self.app.clone()));
        listen::serve(self.listener, self.speakers, self.app.metrics.clone(), self.limits, stop).await;
        follower.abort();
        upkeep.abort();
        access.abort();
        self.app.stopped();
    }
}

/// Swaps in what has been published. While the first snapshot is missing or cannot be opened, that is logged once;
/// later the city's own follower says so, and the old snapshot is served on.
async fn follow(app: Arc<App>) {
    let mut complaint = String::new();
    loop {
        tokio::time::sleep(FOLLOW).await;
        let (looked, opened_before) = (app.clone(), app.gate.is_open());
        match tokio::task::spawn_blocking(move || looked.follow()).await {
            Ok(Ok(true)) if !opened_before => tracing::info!("the first snapshot is served"),
            Ok(Err(e)) if !opened_before && e.to_string() != complaint => {
                tracing::error!(error = %e, "the first snapshot cannot be opened");
                complaint = e.to_string();
            }
            Ok(_) => {}
            Err(e) => tracing::error!(error = %e, "looking for a new snapshot failed"),
        }
    }
}

/// Keys and logs of access.
async fn look_after(app: Arc<App>) {
    loop {
        let looked = app.clone();
        let _ = tokio::task::spawn_blocking(move || looked.look_after()).await;
        tokio::time::sleep(LOOK_AFTER).await;
    }
}

async fn upkeep(metrics: Arc<metrics::Metrics>) {
    loop {
        tokio::time::sleep(UPKEEP).await;
        metrics.upkeep();
    }
}
