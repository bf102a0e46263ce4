//! `chengtu check`: the findings of the catalog, the deliveries and the styles, together.

use chengtu::error::{Error, Finding, Result};
use chengtu::import;
use chengtu::layer::Catalog;
use chengtu::style::{Ratio, Styles, check_style};
use std::path::{Path, PathBuf};

/// `styles`: none = `styles/`, where there is such a folder, else the shipped ones.
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
        findings.extend(check_styles(catalog, styles)?);
    }
    match findings.is_empty() {
        true => {
            let layers = catalog.map_or(0, |c| c.len());
            super::print(&format!("{layers} layers, {} deliveries: no findings\n", manifests.len()))
        }
        false => Err(Error::Config(findings)),
    }
}

/// The styles of a folder against the catalog, and whether their pictures can be drawn.
fn check_styles(catalog: &Catalog, dir: Option<&Path>) -> Result<Vec<Finding>> {
    let styles = match Styles::load_or_shipped(dir) {
        Err(Error::Config(found)) => return Ok(found),
        other => other?,
    };
    let pictures = styles.pictures().collect();
    let mut findings = vec![];
    for style in styles.iter() {
        findings.extend(check_style(&style.file, &style.text, catalog, &pictures));
    }
    // A picture that is none is one in every style.
    if let Some(Err(Error::Config(found))) = styles.iter().next().map(|s| styles.sheet(s, Ratio::One)) {
        findings.extend(found);
    }
    Ok(findings)
}
