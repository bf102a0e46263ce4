//! Fonts found by their names: family and style, as `Noto Sans CJK SC Regular`. Reads names alone; outlines are
//! `glyphs`' business. The one door of ttf-parser.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use ttf_parser::{Face as Parsed, fonts_in_collection, name_id};

/// Endings of files that are looked into.
const ENDINGS: [&str; 4] = ["ttf", "otf", "ttc", "otc"];
/// Folders are looked into this deep.
const DEPTH: u8 = 3;
/// Names a stack may have.
const MOST_NAMES: usize = 8;

/// The fonts of a server.
#[derive(Debug, Default)]
pub struct Fonts {
    faces: BTreeMap<String, Face>,
}

/// One font of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Face {
    pub file: PathBuf,
    /// In a collection, else 0.
    pub index: u32,
}

/// Fonts in the order in which they are asked for a letter.
#[derive(Debug, Clone)]
pub struct Stack {
    /// Their names, separated by commas.
    pub name: String,
    pub(super) faces: Vec<Face>,
}

impl Fonts {
    /// The fonts of files and folders, in their order: of two with one name the first counts. What is not there or is
    /// no font is passed over.
    pub fn find(places: &[PathBuf]) -> Fonts {
        let mut fonts = Fonts::default();
        for place in places {
            fonts.look(place, DEPTH);
        }
        fonts
    }

    fn look(&mut self, place: &Path, depth: u8) {
        if place.is_file() {
            return self.read(place);
        }
        let Ok(entries) = std::fs::read_dir(place) else { return };
        let mut found: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
        found.sort();
        for path in found {
            let is_font = path.extension().is_some_and(|x| ENDINGS.iter().any(|e| x.eq_ignore_ascii_case(e)));
            match path.is_dir() {
                true if depth > 0 => self.look(&path, depth - 1),
                false if is_font => self.read(&path),
                _ => {}
            }
        }
    }

    fn read(&mut self, file: &Path) {
        let Ok(bytes) = std::fs::read(file) else { return };
        for index in 0..fonts_in_collection(&bytes).unwrap_or(1) {
            let Ok(face) = Parsed::parse(&bytes, index) else { continue };
            if let Some(name) = name_of(&face) {
                self.faces.entry(name).or_insert_with(|| Face { file: file.to_path_buf(), index });
            }
        }
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.faces.keys().map(String::as_str)
    }

    /// The fonts of a comma list that are there; none where none is. A font that is missing is passed over, as
    /// clients ask for one that covers what the others do not.
    pub fn stack(&self, list: &str) -> Option<Stack> {
        let names = list.split(',').map(str::trim).take(MOST_NAMES);
        let there: Vec<(&String, &Face)> = names.filter_map(|n| self.faces.get_key_value(n)).collect();
        let name = there.iter().map(|(n, _)| n.as_str()).collect::<Vec<_>>().join(",");
        (!there.is_empty()).then(|| Stack { name, faces: there.into_iter().map(|(_, f)| f.clone()).collect() })
    }
}

/// Family and style; those of typography where there are such, in English where it is said in several languages.
fn name_of(face: &Parsed<'_>) -> Option<String> {
    const ENGLISH: u16 = 0x0409;
    let said = |id: u16| {
        let names = || face.names().into_iter().filter(move |n| n.name_id == id && n.is_unicode());
        let english = names().find(|n| n.language_id == ENGLISH);
        english.or_else(|| names().next())?.to_string()
    };
    let family = said(name_id::TYPOGRAPHIC_FAMILY).or_else(|| said(name_id::FAMILY))?;
    let style = said(name_id::TYPOGRAPHIC_SUBFAMILY).or_else(|| said(name_id::SUBFAMILY))?;
    Some(format!("{family} {style}"))
}
