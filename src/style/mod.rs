//! What a map client asks for besides tiles: styles, their pictures (sprites) and letters (glyphs). Says what they
//! are for an asker; knows nothing of HTTP, and never looks into a tile.
//!
//! A style is a plain MapLibre document; its pictures are SVG files that it colours (`sprite`). The shipped ones are
//! inside the binary; a configured folder of the same form replaces them whole.

mod check;
mod expression;
mod fonts;
mod glyphs;
mod load;
mod sprite;
mod tailor;

pub use check::check_style;
pub use fonts::{Fonts, Stack};
pub use glyphs::range_start;
pub use load::read_folder;
pub use sprite::{Ratio, Sheet};

use crate::layer::Name;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// All styles of a server and the pictures they share.
#[derive(Debug)]
pub struct Styles {
    styles: BTreeMap<String, Style>,
    pictures: Vec<Picture>,
}

/// One style.
#[derive(Debug)]
pub struct Style {
    /// The file's name without its ending; the style's address.
    pub id: String,
    pub title: Name,
    /// Where it was read.
    pub file: PathBuf,
    /// As it was written.
    pub text: String,
    document: Value,
    colours: sprite::Colours,
}

/// An SVG file: how an icon or a pattern looks, in classes that a style colours.
#[derive(Debug)]
pub struct Picture {
    /// What styles call it: the file's name without its ending.
    pub name: String,
    /// The folder it lies in: what is coloured together.
    family: String,
    file: PathBuf,
    svg: String,
}

impl Styles {
    pub fn get(&self, id: &str) -> Option<&Style> {
        self.styles.get(id)
    }

    /// In the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &Style> {
        self.styles.values()
    }

    pub fn pictures(&self) -> impl Iterator<Item = &str> {
        self.pictures.iter().map(|p| p.name.as_str())
    }
}
