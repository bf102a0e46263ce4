//! What `[[tileset]]` of a manifest may say, as serde reads it, and what is wrong with it before any file is read.

use crate::import::check::{Checked, is_special, like};
use crate::import::load::{ManifestFile, resolve};
use crate::layer::{Catalog, SceneKind, Serve};
use serde::Deserialize;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use toml::Spanned;

/// Longer ids than this are typing errors.
const MAX_ID: usize = 200;
/// Farther than this from the geoid no ellipsoid lies, metres, doubled.
const MAX_LIFT_M: f64 = 200.0;

/// `[[tileset]]`: a 3D Tiles tileset that was made elsewhere, registered for a layer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TilesetDecl {
    /// Default: the delivery's id + "/" + the path's stem.
    pub id: Option<Spanned<String>>,
    /// The layer, whose scene is of kind `mesh`.
    pub layer: Spanned<String>,
    /// A folder, its tileset.json, or an archive (.3tz, .zip); none where the tileset is withdrawn.
    pub path: Option<Spanned<String>>,
    /// The entrance's name in the folder or archive; default `tileset.json`.
    pub root: Option<String>,
    /// Metres that the whole is lifted by.
    pub lift_m: Option<Spanned<f64>>,
    /// Takes the tileset of this id out of the store.
    #[serde(default)]
    pub withdrawn: bool,
}

/// A declared tileset, ready to be read.
#[derive(Debug, Clone)]
pub struct TilesetSource {
    pub id: String,
    pub file: Arc<ManifestFile>,
    pub at: Range<usize>,
    pub decl: TilesetDecl,
}

impl TilesetSource {
    pub fn new(delivery: &str, file: &Arc<ManifestFile>, at: Range<usize>, decl: TilesetDecl) -> TilesetSource {
        let stem = || {
            let path = PathBuf::from(decl.path.as_ref().map_or("", |p| p.get_ref()));
            let entrance = path.extension().is_some_and(|e| e == "json");
            let named = if entrance { path.parent().unwrap_or(&path) } else { &path };
            format!("{delivery}/{}", named.file_stem().unwrap_or_default().to_string_lossy())
        };
        let id = decl.id.as_ref().map_or_else(stem, |id| id.get_ref().clone());
        TilesetSource { id, file: file.clone(), at, decl }
    }

    pub fn layer(&self) -> &str {
        self.decl.layer.get_ref()
    }

    pub fn lift_m(&self) -> f64 {
        self.decl.lift_m.as_ref().map_or(0.0, |m| *m.get_ref())
    }

    /// `None` of one that is withdrawn.
    pub fn path(&self) -> Option<Result<PathBuf, String>> {
        self.decl.path.as_ref().map(|path| resolve(path.get_ref(), &self.file.path))
    }

    /// 1-based, of its path or its whole.
    pub fn line(&self) -> usize {
        self.file.line(self.decl.path.as_ref().map_or(self.at.start, |p| p.span().start))
    }
}

/// Without reading a file.
pub fn check(catalog: &Catalog, tilesets: &[TilesetSource]) -> Checked {
    let mut checked = Checked::default();
    for (i, t) in tilesets.iter().enumerate() {
        let mut say = |at: Range<usize>, what: String| checked.findings.push(t.file.finding(at, what));
        let layer = &t.decl.layer;
        match catalog.find(t.layer()).map(|ix| catalog.layer(ix)) {
            None => {
                let hint = like(t.layer(), catalog.iter().map(|(_, l)| l.id.as_str()));
                say(layer.span(), format!("no layer `{}`{hint}", t.layer()));
            }
            Some(l) if !l.serves(Serve::Tiles3d) || l.scene.as_ref().is_none_or(|s| s.kind != SceneKind::Mesh) => {
                let what = format!("{}: tilesets belong to layers served as 3dtiles whose scene has kind mesh", l.id);
                say(layer.span(), what);
            }
            Some(_) => {}
        }
        let named = t.decl.id.is_some() || t.decl.path.is_some();
        if named && (t.id.len() > MAX_ID || t.id.chars().any(char::is_control) || t.id.ends_with('/')) {
            say(t.at.clone(), "the tileset needs an id: a short text".to_string());
        }
        if tilesets[..i].iter().any(|other| other.id == t.id) {
            say(t.at.clone(), format!("a second tileset `{}`; give one of them another id", t.id));
        }
        if let Some(lift) = t.decl.lift_m.as_ref().filter(|m| !(-MAX_LIFT_M..=MAX_LIFT_M).contains(m.get_ref())) {
            say(lift.span(), format!("lift_m is metres, at most {MAX_LIFT_M} up or down"));
        }
        match (t.path(), t.decl.withdrawn) {
            (None, false) => say(t.at.clone(), "the tileset has no path".to_string()),
            (Some(_), true) => say(t.at.clone(), "a withdrawn tileset has an id and no path".to_string()),
            (Some(Err(what)), _) => say(t.at.clone(), what),
            (Some(Ok(path)), _) if is_special(&path) => {
                say(t.at.clone(), format!("{}: is neither a file nor a folder", path.display()));
            }
            (Some(Ok(path)), _) if !path.exists() => {
                let finding = t.file.finding(t.at.clone(), format!("{}: not found", path.display()));
                checked.missing.push((path, finding));
            }
            _ => {}
        }
    }
    checked
}
