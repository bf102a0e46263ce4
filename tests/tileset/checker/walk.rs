//! A walk over a tileset as a client walks it: every page, every content that is named, each judged.

use super::content::{self, Cell, Table};
use super::cut::{Place, Places};
use super::document;
use super::gltf::{Gltf, Shape};
use super::implicit::{self, Implicit};
use super::json::Node;
use super::parsed;
use super::report::{Report, Severity, severity};
use super::tile::{self, Around, SLACK_M, Tile};
use super::volume::{IDENTITY, Matrix, Volume};
use chengtu::scene::moved;
use std::collections::BTreeMap;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rules {
    /// Those of the specifications.
    Standard,
    /// And what this server promises of its own tilesets.
    House,
}

/// What is at an address.
#[derive(Debug)]
pub enum Fetched {
    Bytes(Vec<u8>),
    Missing,
    /// On another host: not followed.
    Elsewhere,
}

/// A content that was read.
#[derive(Debug)]
pub struct Seen<'a> {
    pub path: &'a str,
    /// Leads from the tile's frame to geocentric metres.
    pub matrix: &'a Matrix,
    pub shapes: &'a [Shape],
    pub table: &'a Table,
    pub gltf: &'a Gltf,
    /// The geometric error of its tile.
    pub error_m: f64,
}

#[derive(Debug, Default)]
pub struct Walked {
    pub report: Report,
    pub places: Places,
    pub pages: u32,
    pub contents: u32,
    pub largest: usize,
    pub deepest: usize,
}

impl Walked {
    /// The features shown when everything is refined.
    pub fn ids(&self) -> BTreeMap<String, u32> {
        self.places.shown()
    }

    /// Panics with what a server must not send.
    #[track_caller]
    pub fn sound(&self) -> &Walked {
        assert!(self.report.worst().is_none_or(|w| w == Severity::Info), "{}", self.report.text());
        self
    }
}

/// A page of a tileset is at most this long.
const PAGE_BYTES: usize = 20_000;
/// A content is at most this long, unless it is of one feature.
const CONTENT_BYTES: usize = 1 << 20;
const FEATURES: usize = 1000;
/// Columns of a building's code, of the shipped layers and of the tests'.
const CODES: [&str; 2] = ["building_id", "house"];

/// A page that is still to be read.
struct Link {
    path: String,
    from: Option<String>,
    trail: Vec<String>,
    matrix: Matrix,
    over: Option<Volume>,
    error_m: f64,
    place: Option<usize>,
    depth: usize,
}

struct Walker<'f, F, V> {
    fetch: &'f F,
    visit: V,
    rules: Rules,
    walked: Walked,
    open: Vec<Link>,
}

/// Walks the tileset at `path`; `visit` sees every content.
pub async fn walk<F, V>(path: &str, fetch: &F, rules: Rules, visit: V) -> Walked
where
    F: AsyncFn(&str) -> Fetched,
    V: FnMut(&Seen<'_>),
{
    let mut walker = Walker { fetch, visit, rules, walked: Walked::default(), open: vec![] };
    walker.open.push(Link {
        path: path.to_string(),
        from: None,
        trail: vec![],
        matrix: IDENTITY,
        over: None,
        error_m: f64::INFINITY,
        place: None,
        depth: 0,
    });
    while let Some(link) = walker.open.pop() {
        walker.page(link).await;
    }
    let mut walked = walker.walked;
    if rules == Rules::House {
        walked.places.check(&mut walked.report);
    }
    walked
}

/// An address relative to another, as a client takes it.
pub fn joined(base: &str, uri: &str) -> String {
    if uri.starts_with('/') {
        return uri.to_string();
    }
    let mut parts: Vec<&str> = base.split('?').next().unwrap_or_default().split('/').collect();
    parts.pop();
    for part in uri.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// A tile that is still to be read, on its page.
struct Below<'a> {
    node: Node<'a>,
    matrix: Matrix,
    replace: Option<bool>,
    over: Option<Volume>,
    error_m: f64,
    place: Option<usize>,
    depth: usize,
}

impl<F, V> Walker<'_, F, V>
where
    F: AsyncFn(&str) -> Fetched,
    V: FnMut(&Seen<'_>),
{
    fn house(&self) -> bool {
        self.rules == Rules::House
    }

    fn tell(&mut self, code: &'static str, at: &str, text: impl Into<String>) {
        self.walked.report.tell(code, at, text);
    }

    async fn bytes(&mut self, path: &str, at: &str) -> Option<Vec<u8>> {
        if path.starts_with("http:") || path.starts_with("https:") {
            return None;
        }
        match (self.fetch)(path).await {
            Fetched::Bytes(bytes) => Some(bytes),
            Fetched::Elsewhere => None,
            Fetched::Missing => {
                self.tell("IO_ERROR", at, format!("{path} is named and is not there"));
                None
            }
        }
    }

    async fn page(&mut self, link: Link) {
        let before = self.walked.report.findings.len();
        self.walked.report.file = link.path.clone();
        if let Some(bytes) = self.bytes(&link.path, "").await {
            if self.house() && bytes.len() > PAGE_BYTES {
                self.tell("HOUSE_PAGE_SIZE", "", format!("{} bytes", bytes.len()));
            }
            self.walked.pages += 1;
            if let Some(value) = parsed(&bytes, &mut self.walked.report) {
                self.document(&value, &link).await;
            }
        }
        let worst = self.walked.report.findings[before..].iter().map(|f| severity(f.code)).max();
        if let (Some(from), Some(Severity::Error)) = (&link.from, worst) {
            self.walked.report.file.clone_from(from);
            self.tell("EXTERNAL_TILESET_VALIDATION_ERROR", "", format!("{} has errors", link.path));
        }
    }

    async fn document(&mut self, value: &serde_json::Value, link: &Link) {
        let doc = Node::root(value);
        if !document::check(&doc, &mut self.walked.report) {
            return;
        }
        let linked = value["schemaUri"].as_str().filter(|_| value.get("schema").is_none());
        if let Some(uri) = linked
            && let Some(bytes) = self.bytes(&joined(&link.path, uri), "/schemaUri").await
        {
            super::schema(&bytes, &mut self.walked.report);
        }
        let whole_m = value["geometricError"].as_f64().filter(|e| *e >= 0.0).unwrap_or(f64::INFINITY);
        if self.house() {
            if whole_m > link.error_m {
                self.tell("TILE_GEOMETRIC_ERRORS_INCONSISTENT", "", format!("{whole_m} in a tile of {}", link.error_m));
            }
            if value["asset"]["version"] != "1.1" {
                self.tell("ASSET_VERSION_UNKNOWN", "/asset", "the house writes 1.1");
            }
        }
        let Some(node) = doc.get("root") else { return };
        let (matrix, over, place, depth) = (link.matrix, link.over.clone(), link.place, link.depth);
        let mut open = vec![Below { node, matrix, replace: None, over, error_m: whole_m, place, depth }];
        while let Some(below) = open.pop() {
            open.extend(self.tile(below, &doc, link).await);
        }
    }

    async fn tile<'a>(&mut self, below: Below<'a>, doc: &Node<'a>, link: &Link) -> Vec<Below<'a>> {
        self.walked.report.file.clone_from(&link.path);
        let around = Around { matrix: below.matrix, replace: below.replace, doc: doc.value };
        let Some(tile) = tile::read(&below.node, around, &mut self.walked.report) else { return vec![] };
        let at = below.node.at.clone();
        let error_m = tile.semantic_error_m.or(tile.error_m).unwrap_or(0.0);
        if tile.error_m.is_some() && error_m > below.error_m {
            let above = below.error_m;
            self.tell("TILE_GEOMETRIC_ERRORS_INCONSISTENT", &at, format!("an error of {error_m} below {above}"));
        }
        let place = self.walked.places.0.len();
        self.walked.places.0.push(Place {
            parent: below.place,
            replace: tile.replace,
            leaf: tile.children.is_empty(),
            features: vec![],
            at: format!("{}#{at}", link.path),
        });
        self.walked.deepest = self.walked.deepest.max(below.depth + 1);
        let mut linked = false;
        if tile.implicit.is_some() {
            if let Some(implicit) = Implicit::read(&below.node, &tile, &mut self.walked.report) {
                self.subtrees(&implicit, &tile, &at, link).await;
            }
        } else {
            for content in &tile.contents {
                let path = joined(&link.path, content.uri);
                let Some(bytes) = self.bytes(&path, &content.at).await else { continue };
                match is_tileset(&path, &bytes) {
                    true => {
                        linked = true;
                        self.follow(&path, link, &tile, error_m, place, below.depth + 1);
                    }
                    false => {
                        let volumes = [tile.volume.as_ref(), content.volume.as_ref()];
                        self.content(&path, &bytes, &tile.matrix, &volumes, error_m, place);
                    }
                }
            }
        }
        if linked {
            self.walked.places.0[place].leaf = false;
            // What replaces the tile is its linked page, of which nothing stands in the tile itself.
        }
        if self.house() {
            self.promises(&tile, &below, &at, error_m, linked);
        }
        let depth = below.depth + 1;
        let (matrix, replace) = (tile.matrix, Some(tile.replace));
        let child =
            |node| Below { node, matrix, replace, over: tile.volume.clone(), error_m, place: Some(place), depth };
        tile.children.into_iter().map(child).collect()
    }

    /// The house's rules of a tile.
    fn promises(&mut self, tile: &Tile, below: &Below, at: &str, error_m: f64, linked: bool) {
        if tile.volume.as_ref().zip(below.over.as_ref()).is_some_and(|(own, over)| !own.inside(over, SLACK_M)) {
            self.tell("HOUSE_VOLUME_LEAVES_PARENT", at, "a tile leaves the tile above it");
        }
        let leaf = tile.children.is_empty() && !linked;
        if leaf != (error_m == 0.0) {
            self.tell("HOUSE_LEAF_ERROR", at, format!("an error of {error_m}; leaves and only they have none"));
        }
        if leaf && tile.contents.is_empty() && below.place.is_some() {
            self.tell("HOUSE_EMPTY_TILE", at, "a tile of nothing");
        }
    }

    fn follow(&mut self, path: &str, link: &Link, tile: &Tile, error_m: f64, place: usize, depth: usize) {
        let mut trail = link.trail.clone();
        trail.push(link.path.clone());
        if trail.iter().any(|p| p == path) {
            return self.tell("EXTERNAL_TILESET_VALIDATION_ERROR", "", format!("{path} leads back to itself"));
        }
        self.open.push(Link {
            path: path.to_string(),
            from: Some(link.path.clone()),
            trail,
            matrix: tile.matrix,
            over: tile.volume.clone(),
            error_m,
            place: Some(place),
            depth,
        });
    }

    fn content(
        &mut self,
        path: &str,
        bytes: &[u8],
        matrix: &Matrix,
        volumes: &[Option<&Volume>],
        error_m: f64,
        place: usize,
    ) {
        self.walked.contents += 1;
        self.walked.largest = self.walked.largest.max(bytes.len());
        let file = std::mem::replace(&mut self.walked.report.file, path.to_string());
        let before = self.walked.report.findings.len();
        if bytes.starts_with(b"glTF") || bytes.trim_ascii_start().starts_with(b"{") {
            self.gltf(path, bytes, matrix, volumes, error_m, place);
        } else {
            self.tell("CONTENT_VALIDATION_INFO", "", "a kind of content that is not looked into");
        }
        let worst = self.walked.report.findings[before..].iter().map(|f| severity(f.code)).max();
        self.walked.report.file = file;
        if worst == Some(Severity::Error) {
            self.tell("CONTENT_VALIDATION_ERROR", "", format!("{path} has errors"));
        }
    }

    fn gltf(
        &mut self,
        path: &str,
        bytes: &[u8],
        matrix: &Matrix,
        volumes: &[Option<&Volume>],
        error_m: f64,
        place: usize,
    ) {
        let gltf = match Gltf::open(bytes) {
            Ok(gltf) => gltf,
            Err(e) => return self.tell("CONTENT_VALIDATION_ERROR", "", e),
        };
        let table = content::check(&gltf, &mut self.walked.report);
        let shapes = match gltf.shapes() {
            Ok(shapes) => shapes,
            Err(e) => return self.tell("CONTENT_VALIDATION_ERROR", "", e),
        };
        for shape in &shapes {
            let outside = |p: &[f64; 3]| {
                let p = moved(matrix, *p);
                volumes.iter().flatten().any(|v| !v.holds(p, SLACK_M))
            };
            if let Some(p) = shape.drawn().find(outside) {
                self.tell("BOUNDING_VOLUMES_INCONSISTENT", &shape.at, format!("{p:?} lies outside its tile"));
            }
        }
        // Levels of one building are one thing, known by the building's code.
        let family = table.columns.contains_key("_layer");
        let known = CODES.iter().copied().find(|c| family && table.columns.contains_key(*c)).unwrap_or("id");
        let ids = table.columns.get(known).map_or(&[][..], Vec::as_slice);
        // Ids are unique in their layer, whose name is the folder's.
        let layer = path.rsplit('/').nth(1).unwrap_or_default();
        let text = |c: &Cell| match c {
            Cell::Text(t) => Some(format!("{layer}/{t}")),
            _ => None,
        };
        self.walked.places.0[place].features.extend(ids.iter().filter_map(text));
        if self.house() {
            self.promised_content(bytes.len(), &shapes, &table);
        }
        (self.visit)(&Seen { path, matrix, shapes: &shapes, table: &table, gltf: &gltf, error_m });
    }

    /// The house's rules of a content.
    fn promised_content(&mut self, bytes: usize, shapes: &[Shape], table: &Table) {
        if table.rows > FEATURES || (bytes > CONTENT_BYTES && table.rows > 1) {
            self.tell("HOUSE_TILE_SIZE", "", format!("{} features, {bytes} bytes", table.rows));
        }
        let texts = table.columns.get("id").map_or(0, |c| c.iter().filter(|c| matches!(c, Cell::Text(_))).count());
        if texts != table.rows {
            self.tell("HOUSE_ID", "", format!("{texts} ids of {} features", table.rows));
        }
        if let Some(s) = shapes.iter().find(|s| !s.ball_holds) {
            self.tell("HOUSE_INSTANCES_VANISH", &s.at, "an instance leaves the ball that CesiumJS thinks of");
        }
        let mut drawn = vec![false; table.rows];
        for shape in shapes {
            for row in shape.indices.iter().filter_map(|i| shape.ids[*i as usize]) {
                if let Some(d) = drawn.get_mut(row as usize) {
                    *d = true;
                }
            }
        }
        if let Some(row) = drawn.iter().position(|d| !d) {
            self.tell("HOUSE_NOTHING_DRAWN", "", format!("row {row} has no shape"));
        }
    }

    /// All subtrees of an implicit tile: what they name is there.
    async fn subtrees(&mut self, implicit: &Implicit, tile: &Tile<'_>, at: &str, link: &Link) {
        let mut open = vec![[0u64; 4]];
        while let Some(root) = open.pop() {
            let path = joined(&link.path, &implicit.filled(&implicit.subtrees, root));
            self.walked.report.file.clone_from(&link.path);
            let Fetched::Bytes(bytes) = (self.fetch)(&path).await else {
                self.tell("TILE_IMPLICIT_ROOT_INVALID", at, format!("subtree {path} is not there"));
                continue;
            };
            self.walked.report.file.clone_from(&path);
            let Some((json, binary)) = implicit::opened(&bytes) else {
                self.tell("JSON_PARSE_ERROR", "", "no subtree");
                continue;
            };
            let mut buffers = BTreeMap::new();
            for uri in super::gltf::list(&json, "buffers").iter().filter_map(|b| b["uri"].as_str()) {
                if let Some(bytes) = self.bytes(&joined(&path, uri), "/buffers").await {
                    buffers.insert(uri.to_string(), bytes);
                }
            }
            let node = Node::root(&json);
            let Some(subtree) = implicit::subtree(implicit, root, &node, &binary, &buffers, &mut self.walked.report)
            else {
                continue;
            };
            for (address, k) in subtree.contents {
                let Some(content) = tile.contents.get(k) else { continue };
                let path = joined(&link.path, &implicit.filled(content.uri, address));
                let Some(bytes) = self.bytes(&path, "").await else { continue };
                // An implicit tile's own volume is a part of the root's, which holds it at the least.
                let place = self.walked.places.0.len() - 1;
                self.content(&path, &bytes, &tile.matrix, &[tile.volume.as_ref()], 0.0, place);
            }
            let deeper = |a: &[u64; 4]| a[0] < u64::from(implicit.available_levels);
            open.extend(subtree.children.into_iter().filter(deeper));
        }
    }
}

/// Whether a content is another tileset: by what it says, as CesiumJS does.
fn is_tileset(path: &str, bytes: &[u8]) -> bool {
    let json = path.split('?').next().is_some_and(|p| p.ends_with(".json"));
    let root = || serde_json::from_slice::<serde_json::Value>(bytes).is_ok_and(|v| v.get("root").is_some());
    bytes.trim_ascii_start().starts_with(b"{") && (json || root())
}
