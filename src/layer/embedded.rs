//! The shipped `layers/` folder, inside the binary, so that it works from anywhere; another folder replaces it
//! whole (`Catalog::load`). Nothing is merged.

use super::Catalog;
use super::load::{Source, catalog_of, is_declaration};
use super::parse::theme_of;
use crate::error::Result;
use rust_embed::RustEmbed;
use std::path::Path;

#[derive(RustEmbed)]
#[folder = "layers/"]
#[include = "*/*.toml"]
struct Shipped;

impl Catalog {
    /// The catalog that comes with the program.
    ///
    /// # Errors
    /// `Error::Config` as from `load`; the project's tests make sure that a released binary has none.
    pub fn shipped() -> Result<Catalog> {
        let mut sources = vec![];
        for name in Shipped::iter().filter(|n| is_declaration(Path::new(n.as_ref()))) {
            let Some(file) = Shipped::get(&name) else { continue };
            let path = Path::new("layers").join(name.as_ref());
            let text = String::from_utf8_lossy(&file.data).into_owned();
            sources.push(Source { theme: theme_of(&path), file: path, text });
        }
        sources.sort_by(|a, b| a.file.cmp(&b.file));
        catalog_of(sources, vec![])
    }

    /// The folder's declarations, or the shipped ones where no folder is named.
    ///
    /// # Errors
    /// As from `load`.
    pub fn load_or_shipped(dir: Option<&Path>) -> Result<Catalog> {
        match dir {
            Some(dir) => Catalog::load(dir),
            None => Catalog::shipped(),
        }
    }
}
