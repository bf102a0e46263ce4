//! Manifest files → deliveries: parses TOML with line numbers, resolves paths, formats and ids. Reads the manifests
//! and their routing tables, never the data.

use super::manifest::{Filter, KeyScope, Many, MaxRejects, Mode, SourceDecl, TextOr, VerticalSpec};
use super::register::{RegisterDecl, RegisterSource};
use super::tileset::{TilesetDecl, TilesetSource};
use super::wire::{CrsSpec, Format, Limits, ReadJob};
use crate::error::Finding;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

/// A manifest's place and where its lines begin, so that a finding can say file and line.
#[derive(Debug)]
pub struct ManifestFile {
    pub path: PathBuf,
    line_starts: Vec<usize>,
}

/// One source, ready to be checked against the catalog and read.
#[derive(Debug, Clone)]
pub struct Source {
    pub id: String,
    pub file: Arc<ManifestFile>,
    /// Line of its path.
    pub line: usize,
    pub path: PathBuf,
    pub format: Format,
    pub target: Target,
    pub decl: SourceDecl,
    /// The manifest's, for sources that do not say it.
    pub default_vertical: Option<VerticalSpec>,
}

/// Where the records of a source go.
#[derive(Debug, Clone)]
pub enum Target {
    Layer(String),
    /// The class column and class → layer id.
    Route {
        column: String,
        pad: Option<usize>,
        classes: BTreeMap<String, String>,
    },
}

impl ManifestFile {
    fn new(path: &Path, text: &str) -> ManifestFile {
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(i, _)| i + 1)).collect();
        ManifestFile { path: path.to_path_buf(), line_starts }
    }

    /// 1-based line of a byte offset.
    pub fn line(&self, at: usize) -> usize {
        self.line_starts.partition_point(|&s| s <= at)
    }

    pub fn finding(&self, span: Range<usize>, what: impl Into<String>) -> Finding {
        Finding { file: self.path.clone(), line: self.line(span.start), what: what.into() }
    }
}

impl Target {
    /// The layers that records may go to, each once.
    pub fn layers(&self) -> Vec<&str> {
        match self {
            Target::Layer(id) => vec![id],
            Target::Route { classes, .. } => {
                let mut ids: Vec<&str> = classes.values().map(String::as_str).collect();
                ids.sort_unstable();
                ids.dedup();
                ids
            }
        }
    }
}

impl Source {
    pub fn crs(&self) -> CrsSpec {
        let spec = self.decl.crs.as_ref().map(|c| c.get_ref().spec()).unwrap_or_default();
        CrsSpec { vertical: self.vertical().datum, ..spec }
    }

    /// What its heights are measured from: by `vertical`, else by `crs`, else by the manifest's `vertical`.
    pub fn vertical(&self) -> VerticalSpec {
        let own = self.decl.vertical.as_ref().map(|v| v.get_ref().spec());
        let by_crs = || {
            let datum = self.decl.crs.as_ref().and_then(|c| c.get_ref().spec().vertical)?;
            Some(VerticalSpec { datum: Some(datum), ..VerticalSpec::default() })
        };
        own.or_else(by_crs).or_else(|| self.default_vertical.clone()).unwrap_or_default()
    }

    pub fn key(&self) -> &[String] {
        self.decl.key.as_ref().map(|k| k.get_ref().0.as_slice()).unwrap_or_default()
    }

    pub fn key_scope(&self) -> KeyScope {
        self.decl.key_scope
    }

    pub fn mode(&self) -> Mode {
        self.decl.mode.as_ref().map(|m| *m.get_ref()).unwrap_or_default()
    }

    /// Metres that vertices of its polygons may move to a neighbour's border.
    pub fn snap_m(&self) -> Option<f64> {
        self.decl.snap_m.as_ref().map(|m| *m.get_ref())
    }

    pub fn max_rejects(&self) -> MaxRejects {
        self.decl.max_rejects.as_ref().map(|m| *m.get_ref()).unwrap_or_default()
    }

    pub fn filters(&self) -> &[Filter] {
        self.decl.filter.as_ref().map(|f| f.get_ref().0.as_slice()).unwrap_or_default()
    }

    pub fn job(&self, scratch: &Path) -> ReadJob {
        let mib = self.decl.max_unpacked_mib.unwrap_or(8192);
        ReadJob {
            path: std::path::absolute(&self.path).unwrap_or_else(|_| self.path.clone()),
            member: self.decl.member.clone(),
            format: self.format,
            gdal_layer: self.decl.gdal_layer.clone(),
            encoding: self.decl.encoding.as_ref().map(|e| e.get_ref().clone()),
            crs: self.crs(),
            xy: self.decl.xy.as_ref().map(|xy| xy.get_ref().clone()),
            stated_rows: self.decl.rows,
            end_marker: self.decl.end_marker.as_ref().map(|m| m.get_ref().clone()),
            lods: self.decl.lod.as_ref().map(|l| l.get_ref().0.clone()).unwrap_or_default(),
            resolution_m: self.decl.resolution_m.as_ref().map(|m| *m.get_ref()),
            nodata: self.decl.nodata.as_ref().map(|n| *n.get_ref()),
            columns: None,
            scratch: scratch.to_path_buf(),
            limits: Limits { unpacked_bytes: mib << 20, vertices: 4_000_000, text_bytes: 1 << 20, ..Limits::default() },
        }
    }
}

/// What the manifests name, and everything wrong with their form.
#[derive(Debug, Default)]
pub struct Loaded {
    pub sources: Vec<Source>,
    pub register: Option<RegisterSource>,
    pub tilesets: Vec<TilesetSource>,
    pub findings: Vec<Finding>,
}

/// Reads all manifests.
pub fn load(manifests: &[impl AsRef<Path>]) -> Loaded {
    let mut loaded = Loaded::default();
    for path in manifests {
        load_one(path.as_ref(), &mut loaded);
    }
    repeated_ids(&loaded.sources, &mut loaded.findings);
    loaded
}

fn load_one(path: &Path, loaded: &mut Loaded) {
    let findings = &mut loaded.findings;
    let whole = |what: String| Finding { file: path.to_path_buf(), line: 0, what };
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) => {
            findings.push(whole(format!("cannot be read: {e}")));
            return;
        }
    };
    let file = Arc::new(ManifestFile::new(path, &text));
    let (root, errors) = DeTable::parse_recoverable(&text);
    if !errors.is_empty() {
        findings.extend(errors.iter().map(|e| file.finding(e.span().unwrap_or(0..0), e.message())));
        return;
    }
    let mut id = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let (mut declared, mut registers, mut tilesets, mut vertical) = (vec![], vec![], vec![], None);
    for (key, value) in root.into_inner() {
        let span = key.span();
        if key.get_ref() == "register" {
            registers.push(value);
            continue;
        }
        if key.get_ref() == "vertical" {
            match TextOr::<VerticalSpec>::deserialize(ValueDeserializer::from(value)) {
                Ok(default) => {
                    let wrong = super::vertical::problems(&default.spec());
                    findings.extend(wrong.into_iter().map(|what| file.finding(span.clone(), what)));
                    vertical = Some(default.spec());
                }
                Err(e) => findings.push(file.finding(e.span().unwrap_or(span), e.message())),
            }
            continue;
        }
        match (key.get_ref().as_ref(), value.into_inner()) {
            ("id", DeValue::String(text)) if !text.trim().is_empty() => id = text.into_owned(),
            ("source", DeValue::Array(list)) => declared.extend(list),
            ("tileset", DeValue::Array(list)) => tilesets.extend(list),
            ("id", _) => findings.push(file.finding(span, "id: expected a text")),
            ("source", _) => findings.push(file.finding(span, "source: expected [[source]] tables")),
            ("tileset", _) => findings.push(file.finding(span, "tileset: expected [[tileset]] tables")),
            (other, _) => findings.push(file.finding(
                span,
                format!(
                    "unknown field `{other}`, expected `id`, `vertical`, `[[source]]`, `[[tileset]]` or `[register]`"
                ),
            )),
        }
    }
    if declared.is_empty() && registers.is_empty() && tilesets.is_empty() {
        findings.push(whole("names no [[source]], no [[tileset]] and no [register]".to_string()));
    }
    let sources = declared.into_iter().filter_map(|table| source(&id, &file, table, findings));
    let sources = sources.map(|s| Source { default_vertical: vertical.clone(), ..s });
    loaded.sources.extend(sources);
    registers.into_iter().for_each(|table| register(&id, &file, table, loaded));
    for table in tilesets {
        let at = table.span();
        match TilesetDecl::deserialize(ValueDeserializer::from(table)) {
            Ok(decl) => loaded.tilesets.push(TilesetSource::new(&id, &file, at, decl)),
            Err(e) => loaded.findings.push(file.finding(e.span().unwrap_or(at), e.message())),
        }
    }
}

/// An import takes one register: two would each be half of it.
fn register(delivery: &str, file: &Arc<ManifestFile>, table: Spanned<DeValue<'_>>, loaded: &mut Loaded) {
    let at = table.span();
    match (RegisterDecl::deserialize(ValueDeserializer::from(table)), &loaded.register) {
        (Err(e), _) => loaded.findings.push(file.finding(e.span().unwrap_or(at), e.message())),
        (Ok(_), Some(first)) => {
            let what = format!(
                "a second register; {}:{} has one, and an import takes one",
                first.file.path.display(),
                first.file.line(first.at.start)
            );
            loaded.findings.push(file.finding(at, what));
        }
        (Ok(decl), None) => {
            loaded.register = Some(RegisterSource { id: delivery.to_string(), file: file.clone(), at, decl });
        }
    }
}

fn source(
    delivery: &str,
    file: &Arc<ManifestFile>,
    table: Spanned<DeValue<'_>>,
    findings: &mut Vec<Finding>,
) -> Option<Source> {
    let at = table.span();
    let decl = match SourceDecl::deserialize(ValueDeserializer::from(table)) {
        Ok(decl) => decl,
        Err(e) => {
            findings.push(file.finding(e.span().unwrap_or(at), e.message()));
            return None;
        }
    };
    let mut problems = vec![];
    let mut problem = |span: Range<usize>, what: String| problems.push(file.finding(span, what));
    let path_at = decl.path.span();
    let path = resolve(decl.path.get_ref(), &file.path).unwrap_or_else(|what| {
        problem(path_at.clone(), what);
        PathBuf::from(decl.path.get_ref())
    });
    let names = decl.member.iter().map(Path::new).chain([path.as_path()]);
    let format = decl.format.or_else(|| names.into_iter().find_map(format_of));
    if format.is_none() {
        problem(path_at.clone(), "the extension does not say the format; add format = \"…\"".to_string());
    }
    let target = match target(&decl, file) {
        Ok(target) => Some(target),
        Err(f) => {
            problems.push(f);
            None
        }
    };
    if !problems.is_empty() {
        findings.append(&mut problems);
        return None;
    }
    let id = decl.id.as_ref().map_or_else(|| default_id(delivery, &path, &decl), |id| id.get_ref().clone());
    Some(Source {
        id,
        line: file.line(path_at.start),
        file: file.clone(),
        path,
        format: format?,
        target: target?,
        decl,
        default_vertical: None,
    })
}

/// Relative to the manifest's folder; a leading `${NAME}` comes from the environment.
pub fn resolve(declared: &str, manifest: &Path) -> Result<PathBuf, String> {
    let folder = manifest.parent().unwrap_or(Path::new(""));
    let Some(rest) = declared.strip_prefix("${") else {
        return Ok(folder.join(declared));
    };
    let (name, rest) = rest.split_once('}').ok_or("path: `${` without its `}`")?;
    let value = std::env::var(name)
        .map_err(|_| format!("path: the environment variable {name} is not set; set it to the folder it stands for"))?;
    Ok(PathBuf::from(value).join(rest.trim_start_matches('/')))
}

/// By the extension; `.gz` and `.zip` are looked through (`x.gdb.zip`), a bare `.zip` holds a shapefile.
fn format_of(path: &Path) -> Option<Format> {
    let name = path.file_name()?.to_string_lossy().to_ascii_lowercase();
    if [".city.json", ".city.jsonl", ".cityjson", ".cityjsonseq"].iter().any(|end| name.ends_with(end)) {
        return Some(Format::Cityjson);
    }
    if [".city.gml", ".citygml"].iter().any(|end| name.ends_with(end)) {
        return Some(Format::Citygml);
    }
    let extension = path.extension()?.to_string_lossy().to_ascii_lowercase();
    let inner = || format_of(Path::new(path.file_stem()?));
    match extension.as_str() {
        "shp" | "shz" => Some(Format::Shapefile),
        "gpkg" => Some(Format::Gpkg),
        "gdb" => Some(Format::Gdb),
        "fgb" => Some(Format::Flatgeobuf),
        "geojson" | "json" => Some(Format::Geojson),
        "geojsonl" | "geojsons" | "ndjson" | "jsonl" => Some(Format::Geojsonseq),
        "csv" | "tsv" | "txt" => Some(Format::Csv),
        "dxf" => Some(Format::Dxf),
        "gml" | "xml" => Some(Format::Gml),
        "tif" | "tiff" => Some(Format::Geotiff),
        "zip" => inner().or(Some(Format::Shapefile)),
        "gz" => inner(),
        _ => None,
    }
}

/// Delivery id, file name without its extensions, and what is meant inside the file.
fn default_id(delivery: &str, path: &Path, decl: &SourceDecl) -> String {
    let mut name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    while format_of(Path::new(&name)).is_some() {
        name.truncate(name.rfind('.').unwrap_or_default());
    }
    name.truncate(name.strip_suffix(".city").map_or(name.len(), str::len));
    let inside = decl.member.iter().chain(&decl.gdal_layer).map(|part| format!("#{part}"));
    inside.fold(format!("{delivery}/{name}"), |id, part| id + &part)
}

fn target(decl: &SourceDecl, file: &ManifestFile) -> Result<Target, Finding> {
    match (&decl.layer, &decl.route) {
        (Some(layer), None) => Ok(Target::Layer(layer.get_ref().clone())),
        (None, Some(route)) => {
            let r = route.get_ref();
            let classes = match &r.map {
                TextOr::Table(classes) => classes.clone(),
                TextOr::Text(path) => {
                    let from_to = (r.from.as_deref(), r.to.as_deref().unwrap_or("layer_id"));
                    class_table(path, file, from_to).map_err(|what| file.finding(route.span(), what))?
                }
            };
            Ok(Target::Route { column: r.field.clone(), pad: r.pad, classes })
        }
        (Some(_), Some(route)) => Err(file.finding(route.span(), "both `layer` and `route`: keep one")),
        (None, None) => Err(file.finding(decl.path.span(), "neither `layer` nor `route`: where do its records go?")),
    }
}

fn class_table(
    declared: &str,
    file: &ManifestFile,
    (from, to): (Option<&str>, &str),
) -> Result<BTreeMap<String, String>, String> {
    let path = resolve(declared, &file.path)?;
    let wrong = |e: &dyn std::fmt::Display| format!("routing table {}: {e}", path.display());
    let mut table = csv::Reader::from_path(&path).map_err(|e| wrong(&e))?;
    let header = table.headers().map_err(|e| wrong(&e))?.clone();
    let column = |name: &str| {
        let found = header.iter().position(|h| h.trim_start_matches('\u{feff}') == name);
        found.ok_or_else(|| {
            wrong(&format!("no column `{name}`; it has {}", header.iter().collect::<Vec<_>>().join(", ")))
        })
    };
    let from = from.map_or(Ok(0), column)?;
    let to = column(to)?;
    let mut classes = BTreeMap::new();
    for row in table.records() {
        let row = row.map_err(|e| wrong(&e))?;
        let cell = |i: usize| row.get(i).unwrap_or_default().trim().to_string();
        if let Some(other) = classes.insert(cell(from), cell(to)).filter(|other| *other != cell(to)) {
            return Err(wrong(&format!("class {} goes to both {other} and {}", cell(from), cell(to))));
        }
    }
    Ok(classes)
}

fn repeated_ids(sources: &[Source], findings: &mut Vec<Finding>) {
    let mut seen: BTreeMap<&str, &Source> = BTreeMap::new();
    for source in sources {
        if let Some(first) = seen.insert(&source.id, source) {
            let at = format!("{}:{}", first.file.path.display(), first.line);
            let what = format!("source id `{}` is also that of {at}; give one of them an `id`", source.id);
            findings.push(Finding { file: source.file.path.clone(), line: source.line, what });
        }
    }
}

impl Many<String> {
    pub fn iter(&self) -> impl Iterator<Item = &String> {
        self.0.iter()
    }
}
