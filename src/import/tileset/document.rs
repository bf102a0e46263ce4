//! Tileset JSON (3D Tiles 1.0 and 1.1, OGC 18-053r2 and 22-025r4): its shape as far as it is checked, and what is wrong
//! with one document by itself. Opens no other file.

use super::volume::Volume;
use serde::Deserialize;
use serde_json::Value;

/// Farther than this from the ellipsoid no city lies, metres.
const FAR_M: f64 = 100_000.0;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    pub asset: Option<Asset>,
    pub geometric_error: Option<f64>,
    pub root: Option<Tile>,
    pub schema_uri: Option<String>,
    #[serde(default)]
    pub extensions: DocumentExtensions,
}

#[derive(Debug, Deserialize)]
pub struct Asset {
    pub version: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub struct DocumentExtensions {
    #[serde(rename = "3DTILES_metadata")]
    pub metadata: Option<Metadata>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    pub schema_uri: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Tile {
    pub bounding_volume: Option<Value>,
    pub viewer_request_volume: Option<Value>,
    pub geometric_error: Option<f64>,
    pub refine: Option<String>,
    pub transform: Option<Vec<f64>>,
    pub content: Option<Content>,
    pub contents: Option<Vec<Content>>,
    pub implicit_tiling: Option<ImplicitTiling>,
    pub children: Option<Vec<Tile>>,
    pub extensions: TileExtensions,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct TileExtensions {
    #[serde(rename = "3DTILES_multiple_contents")]
    pub multiple: Option<Multiple>,
    #[serde(rename = "3DTILES_implicit_tiling")]
    pub implicit: Option<ImplicitTiling>,
}

#[derive(Debug, Deserialize)]
pub struct Multiple {
    #[serde(alias = "content")]
    pub contents: Vec<Content>,
}

/// `url` is what tools wrote before 1.0, and clients still read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Content {
    #[serde(alias = "url")]
    pub uri: Option<String>,
    pub bounding_volume: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImplicitTiling {
    pub subdivision_scheme: Option<String>,
    pub subtree_levels: Option<u32>,
    pub available_levels: Option<u32>,
    /// Of 3DTILES_implicit_tiling: the number of the deepest level.
    pub maximum_level: Option<u32>,
    pub subtrees: Option<Content>,
}

impl Tile {
    /// Contents in whichever way they are written.
    fn contents(&self) -> impl Iterator<Item = &Content> {
        let multiple = self.extensions.multiple.iter().flat_map(|m| &m.contents);
        self.content.iter().chain(self.contents.iter().flatten()).chain(multiple)
    }

    fn implicit(&self) -> Option<&ImplicitTiling> {
        self.implicit_tiling.as_ref().or(self.extensions.implicit.as_ref())
    }
}

/// A root of implicit tiles, ready to be followed.
#[derive(Debug, Clone, PartialEq)]
pub struct Implicit {
    pub octree: bool,
    pub subtree_levels: u32,
    pub available_levels: u32,
    pub subtrees: String,
    pub contents: Vec<String>,
    pub error_m: f64,
}

/// What a document holds, and what is wrong with it.
#[derive(Debug, Default)]
pub struct Found {
    /// Explicit tiles, roots of implicit ones left out.
    pub tiles: u64,
    /// URI of each content, and the geometric error of its tile.
    pub contents: Vec<(String, f64)>,
    pub implicit: Vec<Implicit>,
    pub regions: u64,
    /// Code, and where and what: nothing with one of these is published.
    pub faults: Vec<(&'static str, String)>,
    /// Told, and taken all the same.
    pub notes: Vec<(&'static str, String)>,
}

/// Walks one document. `above_m`: the geometric error of the tile that links it; `None` of a delivery's entrance.
pub fn examine(document: &Document, above_m: Option<f64>) -> Found {
    let mut found = Found::default();
    let version = document.asset.as_ref().and_then(|a| a.version.as_deref());
    if !version.is_some_and(|v| ["1.0", "1.1"].contains(&v)) {
        let what = version.map_or("no asset.version".to_string(), |v| format!("asset.version is {v:?}"));
        found.fault("version", format!("{what}; 1.0 and 1.1 are taken"));
    }
    let whole_m = sound_error(document.geometric_error);
    if whole_m.is_none() {
        found.fault("geometric-error", "the tileset has no geometricError of 0 or more".to_string());
    }
    let Some(root) = &document.root else {
        found.fault("no-root", "the tileset has no root".to_string());
        return found;
    };
    match (root.refine.is_none(), above_m) {
        (true, None) => found.fault("refine", "root: no refine; ADD or REPLACE".to_string()),
        (true, Some(_)) => found.notes.push(("no-refine", "root: no refine; its parent's holds".to_string())),
        _ => {}
    }
    let above_m = above_m.into_iter().chain(whole_m).fold(f64::INFINITY, f64::min);
    found.tile(root, &mut vec![], above_m);
    found
}

/// Where the root's volume lies once its transform is applied, if both are sound.
pub fn placed(document: &Document) -> Option<Volume> {
    let root = document.root.as_ref()?;
    let volume = Volume::of(root.bounding_volume.as_ref()?).ok()?;
    match &root.transform {
        None => Some(volume),
        Some(m) => Some(volume.moved(&m.as_slice().try_into().ok()?)),
    }
}

/// Whether a sphere is nowhere near the ground.
pub fn off_the_earth([x, y, z, radius]: [f64; 4]) -> bool {
    let from_middle = (x * x + y * y + z * z).sqrt();
    (from_middle - 6_371_000.0).abs() > radius + FAR_M
}

fn sound_error(error_m: Option<f64>) -> Option<f64> {
    error_m.filter(|e| e.is_finite() && *e >= 0.0)
}

impl Found {
    fn fault(&mut self, code: &'static str, what: String) {
        self.faults.push((code, what));
    }

    fn tile(&mut self, tile: &Tile, at: &mut Vec<usize>, above_m: f64) {
        let place = || at.iter().fold("root".to_string(), |place, i| format!("{place}/{i}"));
        let error_m = sound_error(tile.geometric_error);
        match error_m {
            None => self.fault("geometric-error", format!("{}: no geometricError of 0 or more", place())),
            Some(e) if e > above_m => {
                self.notes.push(("error-rises", format!("{}: geometricError {e} below {above_m}", place())));
            }
            Some(_) => {}
        }
        let error_m = error_m.unwrap_or(0.0);
        if !tile.refine.as_deref().is_none_or(|r| ["ADD", "REPLACE"].contains(&r.to_ascii_uppercase().as_str())) {
            self.fault("refine", format!("{}: refine is neither ADD nor REPLACE", place()));
        }
        let sound = |m: &Vec<f64>| m.len() == 16 && m.iter().all(|x| x.is_finite());
        if !tile.transform.as_ref().is_none_or(sound) {
            self.fault("transform", format!("{}: transform is not 16 numbers", place()));
        }
        match &tile.bounding_volume {
            None => self.fault("volume", format!("{}: no boundingVolume", place())),
            Some(volume) => self.volume(volume, &place),
        }
        let inner = tile.contents().filter_map(|c| c.bounding_volume.as_ref());
        for volume in tile.viewer_request_volume.iter().chain(inner) {
            self.volume(volume, &place);
        }
        let mut uris = vec![];
        for content in tile.contents() {
            match &content.uri {
                Some(uri) => uris.push(uri.clone()),
                None => self.fault("content", format!("{}: a content without uri", place())),
            }
        }
        match tile.implicit() {
            Some(implicit) => self.implicit(implicit, uris, error_m, &place),
            None => {
                self.tiles += 1;
                self.contents.extend(uris.into_iter().map(|uri| (uri, error_m)));
            }
        }
        for (i, child) in tile.children.iter().flatten().enumerate() {
            at.push(i);
            self.tile(child, at, error_m);
            at.pop();
        }
    }

    fn volume(&mut self, value: &Value, place: &dyn Fn() -> String) {
        match Volume::of(value) {
            Ok(Volume::Region(_)) => self.regions += 1,
            Ok(_) => {}
            Err(what) => self.fault("volume", format!("{}: {what}", place())),
        }
    }

    fn implicit(&mut self, i: &ImplicitTiling, contents: Vec<String>, error_m: f64, place: &dyn Fn() -> String) {
        let octree = match i.subdivision_scheme.as_deref() {
            Some("QUADTREE") => Some(false),
            Some("OCTREE") => Some(true),
            _ => None,
        };
        let levels = i.available_levels.or(i.maximum_level.and_then(|m| m.checked_add(1)));
        let subtrees = i.subtrees.as_ref().and_then(|s| s.uri.clone());
        match (octree, i.subtree_levels, levels, subtrees) {
            (Some(octree), Some(subtree_levels), Some(available_levels), Some(subtrees))
                if subtree_levels > 0 && available_levels > 0 =>
            {
                self.implicit.push(Implicit { octree, subtree_levels, available_levels, subtrees, contents, error_m });
            }
            _ => {
                let needs = "subdivisionScheme, subtreeLevels, availableLevels and subtrees.uri";
                self.fault("implicit-tiling", format!("{}: implicit tiling needs {needs}", place()));
            }
        }
    }
}
