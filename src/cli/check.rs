//! `chengtu check`: the findings of the catalog, the deliveries and the styles, together.

use chengtu::error::{Error, Finding, Result};
use chengtu::import;
use chengtu::layer::{Catalog, check_style};
use std::path::{Path, PathBuf};

/// `styles`: none = `styles/`, where there is such a folder.
pub fn check(layers: Option<&Path>, styles: Option<&Path>, manifests: &[PathBuf]) -> Result<()> {
    let shipped = Path::new("styles");
    let styles = styles.or(shipped.is_dir().then_some(shipped));
    let mut findings = vec![];
    // Deliveries and styles are checked against a catalog; one that does not stand would only add noise.
    let catalog = match super::catalog(layers) {
        Ok(catalog) => Some(catalog),
        Err(Error::Config(found)) => {
            findings.extend(found);
            None
        }
        Err(e) => return Err(e),
    };
    if let Some(catalog) = &catalog {
        let paths: Vec<&Path> = manifests.iter().map(PathBuf::as_path).collect();
        findings.extend(import::check(catalog, &paths));
        if let Some(dir) = styles {
            findings.extend(check_styles(catalog, dir)?);
        }
    }
    match findings.is_empty() {
        true => {
            let layers = catalog.map_or(0, |c| c.len());
            super::print(&format!("{layers} layers, {} deliveries: no findings\n", manifests.len()))
        }
        false => Err(Error::Config(findings)),
    }
}

/// Every `*.json` of a folder, in the order of their names.
fn check_styles(catalog: &Catalog, dir: &Path) -> Result<Vec<Finding>> {
    let entries = std::fs::read_dir(dir).map_err(|e| Error::io(dir, e))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    files.retain(|f| f.extension().is_some_and(|x| x == "json"));
    files.sort();
    let mut findings = vec![];
    for file in files {
        let text = std::fs::read_to_string(&file).map_err(|e| Error::io(&file, e))?;
        findings.extend(check_style(&file, &text, catalog));
    }
    Ok(findings)
}
