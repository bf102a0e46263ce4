//! How the server is configured: flags over environment over `chengtu.toml` over defaults. One list of settings,
//! the same names everywhere: `--cache-mb`, `CHENGTU_CACHE_MB`, `cache_mb`. Knows nothing of what they are for.

use super::access::Declared;
use crate::error::{Error, Result};
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Read when it is there and no `--config` names another.
const DEFAULT_FILE: &str = "chengtu.toml";

/// The command line of `chengtu serve`; clap puts the environment under it.
#[derive(Debug, Clone, Default, Args)]
pub struct Flags {
    /// The settings file [default: chengtu.toml, if it is there]
    #[arg(long, env = "CHENGTU_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print the settings in force as TOML and exit
    #[arg(long)]
    pub print_config: bool,
    #[command(flatten)]
    pub settings: Settings,
}

/// What may be set, in any of the three places; `None` = not said there.
#[derive(Debug, Clone, Default, PartialEq, Args, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The store directory to serve
    #[arg(long, env = "CHENGTU_STORE", value_name = "DIR")]
    store: Option<PathBuf>,
    /// Address and port to listen on [default: 127.0.0.1:8080]
    #[arg(long, env = "CHENGTU_LISTEN", value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// The address clients reach the server by, a proxy's prefix included; goes into TileJSON and the catalog
    /// [default: http://<listen>]
    #[arg(long, env = "CHENGTU_PUBLIC_URL", value_name = "URL")]
    public_url: Option<String>,
    /// Serve every layer and field to everybody who reaches the port [default: public ones only]
    #[arg(long, env = "CHENGTU_OPEN", num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    open: Option<bool>,
    /// Origins whose pages may read the answers; `*` = all, an empty list = none [default: *]
    #[arg(long, env = "CHENGTU_CORS", value_delimiter = ',', value_name = "ORIGIN")]
    cors: Option<Vec<String>>,
    /// Further tile grids: OGC tile matrix set JSON files
    #[arg(long = "grid", env = "CHENGTU_GRIDS", value_delimiter = ',', value_name = "FILE")]
    grids: Option<Vec<PathBuf>>,
    /// The city's own plane systems, which lookups may name: one TOML file each
    #[arg(long = "local-crs", env = "CHENGTU_LOCAL_CRS", value_delimiter = ',', value_name = "FILE")]
    local_crs: Option<Vec<PathBuf>>,
    /// Map styles in place of the shipped ones: a folder of <id>.json and sprites/<family>/<name>.svg
    #[arg(long, env = "CHENGTU_STYLES", value_name = "DIR")]
    styles: Option<PathBuf>,
    /// Fonts of labels: files, or folders to look into [default: /usr/share/fonts/opentype/noto]
    #[arg(long = "font", env = "CHENGTU_FONTS", value_delimiter = ',', value_name = "PATH")]
    fonts: Option<Vec<PathBuf>>,
    /// Largest body of a batch of lookups, MiB [default: 64]
    #[arg(long, env = "CHENGTU_BATCH_MB", value_name = "MIB")]
    batch_mb: Option<usize>,
    /// Height of the geoid above the ellipsoid here, m: 3D tiles are the data's heights and this [default: 0]
    #[arg(long, env = "CHENGTU_GEOID_M", value_name = "M", allow_hyphen_values = true)]
    geoid_m: Option<f64>,
    /// The geoid as a grid instead: egm96 (of PROJ's data), or a .gtx or .tif file
    #[arg(long, env = "CHENGTU_GEOID", value_name = "NAME")]
    geoid: Option<String>,
    /// Metres that the data's height datum lies above the geoid, added to it [default: 0]
    #[arg(long, env = "CHENGTU_GEOID_BIAS_M", value_name = "M", allow_hyphen_values = true)]
    geoid_bias_m: Option<f64>,
    /// Memory for finished tiles, MiB [default: 256]
    #[arg(long, env = "CHENGTU_CACHE_MB", value_name = "MIB")]
    cache_mb: Option<u64>,
    /// Memory for verified blocks of the store, MiB [default: 256]
    #[arg(long, env = "CHENGTU_BLOCK_CACHE_MB", value_name = "MIB")]
    block_cache_mb: Option<u64>,
    /// Memory for answers of 1 MiB and more that clients have not taken yet, MiB; beyond, 503 [default: 512]
    #[arg(long, env = "CHENGTU_ANSWERS_MB", value_name = "MIB")]
    answers_mb: Option<u64>,
    /// Tiles rendered at the same time [default: one a core]
    #[arg(long, env = "CHENGTU_WORKERS", value_name = "N")]
    workers: Option<usize>,
    /// Tiles that may wait for a worker before the server answers 503 [default: 256]
    #[arg(long, env = "CHENGTU_QUEUE", value_name = "N")]
    queue: Option<usize>,
    /// Connections open at the same time [default: 4096]
    #[arg(long, env = "CHENGTU_CONNECTIONS", value_name = "N")]
    connections: Option<usize>,
    /// Seconds for a request's header to arrive [default: 10]
    #[arg(long, env = "CHENGTU_HEADER_S", value_name = "S")]
    header_s: Option<u64>,
    /// Seconds without a byte in either direction before a connection is closed [default: 75]
    #[arg(long, env = "CHENGTU_IDLE_S", value_name = "S")]
    idle_s: Option<u64>,
    /// Seconds a client may let its answer wait beyond taking 16 KiB a second of it, or take for 4 KiB of it on an HTTP/2
    /// stream [default: 30]
    #[arg(long, env = "CHENGTU_WRITE_S", value_name = "S")]
    write_s: Option<u64>,
    /// Seconds a request may wait for its answer before it is told to come back [default: 30]
    #[arg(long, env = "CHENGTU_REQUEST_S", value_name = "S")]
    request_s: Option<u64>,
    /// Seconds that open requests get to finish when the server stops [default: 20]
    #[arg(long, env = "CHENGTU_DRAIN_S", value_name = "S")]
    drain_s: Option<u64>,
    /// Form of the log on stderr [default: text]
    #[arg(long, env = "CHENGTU_LOG_FORMAT", value_name = "FORMAT")]
    log_format: Option<LogFormat>,
    /// What is logged: off, error, warn, info, debug, or by target; `info,access=off` drops the request lines
    /// [default: info]
    #[arg(long, env = "CHENGTU_LOG", value_name = "FILTER")]
    log: Option<String>,
    /// In the file alone.
    #[arg(skip)]
    access: Option<Declared>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

/// The settings in force, complete.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Options {
    pub store: PathBuf,
    pub listen: SocketAddr,
    /// Without a slash at the end; see `base_url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    pub open: bool,
    pub cors: Vec<String>,
    pub grids: Vec<PathBuf>,
    pub local_crs: Vec<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub styles: Option<PathBuf>,
    pub fonts: Vec<PathBuf>,
    pub batch_mb: usize,
    pub geoid_m: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub geoid: Option<String>,
    pub geoid_bias_m: f64,
    pub cache_mb: u64,
    pub block_cache_mb: u64,
    pub answers_mb: u64,
    pub workers: usize,
    pub queue: usize,
    pub connections: usize,
    pub header_s: u64,
    pub idle_s: u64,
    pub write_s: u64,
    pub request_s: u64,
    pub drain_s: u64,
    pub log_format: LogFormat,
    pub log: String,
    /// The file that says it, for errors.
    #[serde(skip)]
    pub file: PathBuf,
    /// Who may ask for what. Last: a table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<Declared>,
}

impl Options {
    /// Flags and environment over the file over the defaults.
    pub fn load(flags: Flags) -> Result<Options> {
        let (settings, file) = match &flags.config {
            Some(path) => (flags.settings.over(read(path)?), path.clone()),
            None if Path::new(DEFAULT_FILE).exists() => {
                (flags.settings.over(read(Path::new(DEFAULT_FILE))?), PathBuf::from(DEFAULT_FILE))
            }
            None => (flags.settings, PathBuf::from("serve")),
        };
        Options::complete(settings, &file)
    }

    /// Defaults for everything but the store.
    pub fn new(store: PathBuf) -> Options {
        Options {
            store,
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: None,
            open: false,
            cors: vec!["*".into()],
            grids: vec![],
            local_crs: vec![],
            styles: None,
            fonts: vec!["/usr/share/fonts/opentype/noto".into()],
            batch_mb: 64,
            geoid_m: 0.0,
            geoid: None,
            geoid_bias_m: 0.0,
            cache_mb: 256,
            block_cache_mb: 128,
            answers_mb: 512,
            workers: std::thread::available_parallelism().map_or(2, usize::from),
            queue: 256,
            connections: 4096,
            header_s: 10,
            idle_s: 75,
            write_s: 30,
            request_s: 30,
            drain_s: 20,
            log_format: LogFormat::Text,
            log: "info".into(),
            file: PathBuf::new(),
            access: None,
        }
    }

    fn complete(s: Settings, file: &Path) -> Result<Options> {
        let Some(store) = s.store else {
            return Err(Error::config(file, 0, "no store is named: give --store, CHENGTU_STORE or store = \"…\""));
        };
        let d = Options::new(store);
        let options = Options {
            store: d.store,
            listen: s.listen.unwrap_or(d.listen),
            public_url: s.public_url.map(|u| u.trim_end_matches('/').to_string()),
            open: s.open.unwrap_or(d.open),
            cors: s.cors.map_or(d.cors, |c| c.into_iter().filter(|o| !o.is_empty()).collect()),
            grids: s.grids.unwrap_or(d.grids),
            local_crs: s.local_crs.unwrap_or(d.local_crs),
            styles: s.styles,
            fonts: s.fonts.unwrap_or(d.fonts),
            batch_mb: s.batch_mb.unwrap_or(d.batch_mb),
            geoid_m: s.geoid_m.unwrap_or(d.geoid_m),
            geoid: s.geoid,
            geoid_bias_m: s.geoid_bias_m.unwrap_or(d.geoid_bias_m),
            cache_mb: s.cache_mb.unwrap_or(d.cache_mb),
            block_cache_mb: s.block_cache_mb.unwrap_or(d.block_cache_mb),
            answers_mb: s.answers_mb.unwrap_or(d.answers_mb),
            workers: s.workers.unwrap_or(d.workers),
            queue: s.queue.unwrap_or(d.queue),
            connections: s.connections.unwrap_or(d.connections),
            header_s: s.header_s.unwrap_or(d.header_s),
            idle_s: s.idle_s.unwrap_or(d.idle_s),
            write_s: s.write_s.unwrap_or(d.write_s),
            request_s: s.request_s.unwrap_or(d.request_s),
            drain_s: s.drain_s.unwrap_or(d.drain_s),
            log_format: s.log_format.unwrap_or(d.log_format),
            log: s.log.unwrap_or(d.log),
            file: file.to_path_buf(),
            access: s.access,
        };
        match options.faults() {
            faults if faults.is_empty() => Ok(options),
            faults => Err(Error::config(file, 0, faults.join("; "))),
        }
    }

    fn faults(&self) -> Vec<String> {
        let mut faults = vec![];
        for (name, value) in [
            ("answers_mb", self.answers_mb),
            ("workers", self.workers as u64),
            ("connections", self.connections as u64),
            ("header_s", self.header_s),
            ("idle_s", self.idle_s),
            ("write_s", self.write_s),
            ("request_s", self.request_s),
        ] {
            if value == 0 {
                faults.push(format!("{name} must be at least 1"));
            }
        }
        if self.open && self.access.is_some() {
            faults.push("open shows everything to everybody and [access] says who sees what: keep one".into());
        }
        if !(-150.0..=150.0).contains(&self.geoid_m) {
            faults.push("geoid_m must be a height in metres; geoids lie within 110 m of the ellipsoid".into());
        }
        if self.geoid.is_some() && self.geoid_m != 0.0 {
            faults.push("geoid and geoid_m: keep one; geoid_bias_m is added to either".into());
        }
        if !(-5.0..=5.0).contains(&self.geoid_bias_m) {
            faults.push("geoid_bias_m must be a few tenths of a metre".into());
        }
        if self.idle_s <= self.request_s {
            faults.push("idle_s must be more than request_s, else a slow answer is cut".into());
        }
        let absolute = |u: &str| {
            u.parse::<axum::http::Uri>()
                .is_ok_and(|u| matches!(u.scheme_str(), Some("http" | "https")) && u.query().is_none())
        };
        if self.public_url.as_deref().is_some_and(|u| !absolute(u)) {
            faults.push("public_url must be an http or https address without a query".into());
        }
        if let Some(o) = self.cors.iter().find(|o| *o != "*" && !absolute(o)) {
            faults.push(format!("cors: {o:?} is not an origin; write https://host or *"));
        }
        faults
    }

    /// What URLs in answers begin with. The Host header is the client's word and is not used: behind a proxy, or when
    /// listening on all addresses, `public_url` says what clients can reach.
    pub fn base_url(&self) -> String {
        let mut listen = self.listen;
        if listen.ip().is_unspecified() {
            listen.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        self.public_url.clone().unwrap_or_else(|| format!("http://{listen}"))
    }
}

impl Settings {
    /// What is said here, else what is said below.
    fn over(self, below: Settings) -> Settings {
        Settings {
            store: self.store.or(below.store),
            listen: self.listen.or(below.listen),
            public_url: self.public_url.or(below.public_url),
            open: self.open.or(below.open),
            cors: self.cors.or(below.cors),
            grids: self.grids.or(below.grids),
            local_crs: self.local_crs.or(below.local_crs),
            styles: self.styles.or(below.styles),
            fonts: self.fonts.or(below.fonts),
            batch_mb: self.batch_mb.or(below.batch_mb),
            geoid_m: self.geoid_m.or(below.geoid_m),
            geoid: self.geoid.or(below.geoid),
            geoid_bias_m: self.geoid_bias_m.or(below.geoid_bias_m),
            cache_mb: self.cache_mb.or(below.cache_mb),
            block_cache_mb: self.block_cache_mb.or(below.block_cache_mb),
            answers_mb: self.answers_mb.or(below.answers_mb),
            workers: self.workers.or(below.workers),
            queue: self.queue.or(below.queue),
            connections: self.connections.or(below.connections),
            header_s: self.header_s.or(below.header_s),
            idle_s: self.idle_s.or(below.idle_s),
            write_s: self.write_s.or(below.write_s),
            request_s: self.request_s.or(below.request_s),
            drain_s: self.drain_s.or(below.drain_s),
            log_format: self.log_format.or(below.log_format),
            log: self.log.or(below.log),
            access: self.access.or(below.access),
        }
    }
}

/// `[access]` of a settings file alone.
pub fn access_in(path: &Path) -> Result<Option<Declared>> {
    let settings = read(path)?;
    match (settings.open, &settings.access) {
        (Some(true), Some(_)) => Err(Error::config(path, 0, "open and [access]: keep one")),
        _ => Ok(settings.access),
    }
}

/// A settings file. Relative paths in it count from its own folder.
fn read(path: &Path) -> Result<Settings> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::io(path, e))?;
    let mut settings: Settings = toml::from_str(&text).map_err(|e| {
        let line = e.span().map_or(0, |s| text[..s.start.min(text.len())].matches('\n').count() + 1);
        Error::config(path, line, e.message())
    })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    settings.store = settings.store.map(|p| folder.join(p));
    let beside = |files: Option<Vec<PathBuf>>| files.map(|f| f.into_iter().map(|p| folder.join(p)).collect());
    let is_file = |name: &String| name.ends_with(".gtx") || name.ends_with(".tif") || name.ends_with(".tiff");
    settings.geoid = settings.geoid.map(|g| if is_file(&g) { folder.join(&g).display().to_string() } else { g });
    settings.grids = beside(settings.grids);
    settings.local_crs = beside(settings.local_crs);
    settings.fonts = beside(settings.fonts);
    settings.styles = settings.styles.map(|p| folder.join(p));
    settings.access.iter_mut().for_each(|a| a.beside(folder));
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Settings> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("chengtu.toml");
        std::fs::write(&path, text).unwrap();
        read(&path)
    }

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let flags = Settings { cache_mb: Some(7), ..Settings::default() };
        let file = parse("store = '/s'\ncache_mb = 8\nqueue = 9").unwrap();
        let o = Options::complete(flags.over(file), Path::new("chengtu.toml")).unwrap();
        assert_eq!((o.cache_mb, o.queue, o.block_cache_mb), (7, 9, 128));
    }

    #[test]
    fn a_wrong_file_names_its_line() {
        for (text, line) in [
            ("store = 's'\nportt = 1\n", 2),
            ("store = 's'\n\ncache_mb = 'much'\n", 3),
            ("store = 's'\nlisten = 'here'", 2),
            ("a = = 1", 1),
        ] {
            let Err(Error::Config(found)) = parse(text) else { panic!("{text:?} was accepted") };
            assert_eq!(found[0].line, line, "{text:?}: {}", found[0].what);
        }
    }

    #[test]
    fn the_documented_file_says_the_defaults() {
        let text = include_str!("../../docs/chengtu.toml");
        let said = Options::complete(toml::from_str(text).unwrap(), Path::new("chengtu.toml")).unwrap();
        assert_eq!(said, Options { file: said.file.clone(), ..Options::new("store".into()) });
        for name in
            toml::Table::try_from(&said).unwrap().keys().chain(&["public_url".to_string(), "styles".to_string()])
        {
            assert!(text.contains(&format!("{name} = ")), "{name} is not documented");
        }
    }

    #[test]
    fn settings_that_cannot_work_are_refused() {
        let with = |text: &str| Options::complete(parse(text).unwrap(), Path::new("chengtu.toml"));
        for bad in [
            "",
            "store='s'\nworkers=0",
            "store='s'\nidle_s=5",
            "store='s'\ngeoid_m=900",
            "store='s'\ngeoid_m=-12.0\ngeoid='egm96'",
            "store='s'\ngeoid_bias_m=50",
            "store='s'\npublic_url='maps.example'",
            "store='s'\npublic_url='ftp://maps.example'",
            "store='s'\ncors=['example.org']",
        ] {
            assert_eq!(with(bad).unwrap_err().exit_code(), 78, "{bad:?}");
        }
        assert!(with("store='s'\npublic_url='https://maps.example/gis/'\ncors=[]").is_ok());
    }

    #[test]
    fn urls_begin_with_the_public_url_or_the_address() {
        let mut o = Options::new("s".into());
        assert_eq!(o.base_url(), "http://127.0.0.1:8080");
        o.listen = "0.0.0.0:81".parse().unwrap();
        assert_eq!(o.base_url(), "http://127.0.0.1:81");
        o.listen = "[::1]:82".parse().unwrap();
        assert_eq!(o.base_url(), "http://[::1]:82");
        o.public_url = Some("https://maps.example/gis".into());
        assert_eq!(o.base_url(), "https://maps.example/gis");
    }
}
