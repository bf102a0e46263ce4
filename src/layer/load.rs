//! `layers/<theme>/<id>.toml` → `Catalog`: reads every file, and either all of them hold or all findings come
//! back at once. Knows the folder's shape; what a single file says is `parse`, whether it makes sense is `check`.

use super::{Catalog, Layer, check, parse};
use crate::error::{Error, Finding, Result};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// One declaration as text, and where findings about it are reported.
pub(super) struct Source {
    pub file: PathBuf,
    pub theme: String,
    pub text: String,
}

/// `LayerIx` counts in 16 bits.
const MOST_LAYERS: usize = u16::MAX as usize;

impl Catalog {
    /// Loads a folder of declarations, `<dir>/<theme>/<id>.toml`; a theme is any folder's name.
    ///
    /// # Errors
    /// `Error::Config` with every finding of every file; `Missing` or `Io` when the folder cannot be read.
    pub fn load(dir: &Path) -> Result<Catalog> {
        let mut findings = vec![];
        let sources = read_folder(dir, &mut findings)?;
        if sources.is_empty() && findings.is_empty() {
            return Err(Error::config(dir, 0, "no layer here: a layer is a file <theme>/<id>.toml in this folder"));
        }
        catalog_of(sources, findings)
    }
}

/// Parses and checks; the catalog, or all findings sorted by file and line.
pub(super) fn catalog_of(sources: Vec<Source>, mut findings: Vec<Finding>) -> Result<Catalog> {
    let mut layers: Vec<Layer> = vec![];
    let mut first: BTreeMap<String, PathBuf> = BTreeMap::new();
    for source in sources {
        let (declaration, found) = parse::parse(&source);
        findings.extend(found);
        let Some(declaration) = declaration else { continue };
        findings.extend(check::findings(&declaration, &source.theme));
        let id = declaration.layer.id.clone();
        if let Some(other) = first.get(&id) {
            let line = declaration.lines.of("id");
            let what = format!("id \"{id}\" is already declared in {}", other.display());
            findings.push(Finding { file: source.file.clone(), line, what });
        }
        first.entry(id).or_insert_with(|| source.file.clone());
        layers.push(declaration.layer);
    }
    if layers.len() > MOST_LAYERS {
        let what = format!("{} layers; a catalog holds at most {MOST_LAYERS}", layers.len());
        findings.push(Finding { file: PathBuf::new(), line: 0, what });
    }
    findings.sort_by(|a, b| (&a.file, a.line, &a.what).cmp(&(&b.file, b.line, &b.what)));
    match findings.is_empty() {
        true => Ok(Catalog::new(layers)),
        false => Err(Error::Config(findings)),
    }
}

/// Every `<theme>/<name>.toml` in name order. Other files are nobody's business, except declarations that
/// stand where they would be overlooked.
fn read_folder(dir: &Path, findings: &mut Vec<Finding>) -> Result<Vec<Source>> {
    let mut sources = vec![];
    for entry in entries(dir)? {
        if !entry.is_dir() {
            overlooked(&entry, "stands in no theme; move it to <theme>/<id>.toml", findings);
            continue;
        }
        let theme = file_name(&entry);
        for file in entries(&entry)? {
            if file.is_dir() {
                for deeper in entries(&file)? {
                    overlooked(&deeper, "stands too deep; move it to <theme>/<id>.toml", findings);
                }
            } else if is_declaration(&file) {
                let bytes = std::fs::read(&file).map_err(|e| Error::io(&file, e))?;
                match String::from_utf8(bytes) {
                    Ok(text) => sources.push(Source { file, theme: theme.clone(), text }),
                    Err(e) => {
                        let before = &e.as_bytes()[..e.utf8_error().valid_up_to()];
                        let line = 1 + before.iter().filter(|b| **b == b'\n').count();
                        findings.push(Finding { file, line, what: "is not UTF-8 text; save it as UTF-8".into() });
                    }
                }
            }
        }
    }
    Ok(sources)
}

fn overlooked(file: &Path, what: &str, findings: &mut Vec<Finding>) {
    if is_declaration(file) {
        findings.push(Finding { file: file.to_path_buf(), line: 0, what: what.into() });
    }
}

/// A folder's entries in name order, hidden ones left out.
fn entries(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut all = vec![];
    for entry in std::fs::read_dir(dir).map_err(|e| Error::io(dir, e))? {
        let path = entry.map_err(|e| Error::io(dir, e))?.path();
        if !file_name(&path).starts_with('.') {
            all.push(path);
        }
    }
    all.sort();
    Ok(all)
}

pub(super) fn file_name(path: &Path) -> String {
    path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

pub(super) fn is_declaration(path: &Path) -> bool {
    path.extension().is_some_and(|x| x == "toml")
}
