//! Pictures packed into one sheet: an index and a PNG, in a style's colours. The one door of spreet. A picture of the
//! family `tint` becomes a distance field, which styles colour by `icon-color`; the others carry their colours.

use super::{Picture, Style, Styles};
use crate::error::{Error, Result};
use serde_json::Value;
use spreet::resvg::usvg::{Options, Tree};
use spreet::{Sprite, SpriteDescription, Spritesheet};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The family of pictures of one colour that a style chooses where it draws them.
const TINTED: &str = "tint";

/// What the classes of pictures look like, by family: style sheets.
#[derive(Debug, Default)]
pub(super) struct Colours(BTreeMap<String, String>);

/// Pixels of the sheet to a pixel of the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ratio {
    One = 1,
    Two = 2,
}

/// Pictures side by side, and where each of them is.
pub struct Sheet {
    pictures: Spritesheet,
    index: BTreeMap<String, SpriteDescription>,
}

impl Colours {
    /// `{"<family>": {"<class>": "#rrggbb", …}, …}`: a class's shapes are filled with its colour, those of
    /// `<class>-line` are drawn with it.
    pub(super) fn read(metadata: &Value) -> Result<Colours, String> {
        let mut sheets = BTreeMap::new();
        for (family, classes) in metadata.as_object().into_iter().flatten() {
            let mut css = String::new();
            for (class, colour) in classes.as_object().into_iter().flatten() {
                let colour = colour.as_str().unwrap_or_default();
                let digits = colour.strip_prefix('#').unwrap_or_default();
                if !matches!(digits.len(), 3 | 6 | 8) || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
                    return Err(format!("the colour of \"{class}\" in \"{family}\" of chengtu:sprite is not #rrggbb"));
                }
                if class.is_empty() || !class.bytes().all(|b| b.is_ascii_lowercase()) {
                    return Err(format!("\"{class}\" in chengtu:sprite is no class: small letters alone"));
                }
                let _ = write!(css, ".{class}{{fill:{colour}}}.{class}-line{{stroke:{colour};fill:none}}");
            }
            sheets.insert(family.clone(), css);
        }
        Ok(Colours(sheets))
    }
}

impl Styles {
    /// The style's sheet.
    ///
    /// # Errors
    /// `Error::Config` of a picture that is no SVG.
    pub fn sheet(&self, style: &Style, ratio: Ratio) -> Result<Sheet> {
        let sprites = self.pictures.iter().map(|p| Ok((p.name.clone(), drawn(p, &style.colours, ratio)?)));
        let sprites: BTreeMap<String, Sprite> = sprites.collect::<Result<_>>()?;
        // One pixel between pictures: a neighbour must not shine in where a client interpolates.
        let pictures = Spritesheet::build().sprites(sprites).spacing(ratio as u8).generate();
        let pictures = pictures.ok_or_else(|| Error::config(&style.file, 0, "its pictures do not fit one sheet"))?;
        let mut index = pictures.get_index().clone();
        for tinted in self.pictures.iter().filter(|p| p.family == TINTED) {
            index.entry(tinted.name.clone()).and_modify(|at| at.sdf = true);
        }
        Ok(Sheet { pictures, index })
    }
}

fn drawn(picture: &Picture, colours: &Colours, ratio: Ratio) -> Result<Sprite> {
    let options = Options { style_sheet: colours.0.get(&picture.family).cloned(), ..Options::default() };
    let tree = Tree::from_str(&picture.svg, &options);
    let tree = tree.map_err(|e| Error::config(&picture.file, 0, format!("is not an SVG picture: {e}")))?;
    let sprite = match picture.family == TINTED {
        true => Sprite::new_sdf(tree, ratio as u8),
        false => Sprite::new(tree, ratio as u8),
    };
    sprite.ok_or_else(|| Error::config(&picture.file, 0, "is a picture without a size"))
}

impl Sheet {
    /// Where each picture is, as the style specification has it.
    ///
    /// # Errors
    /// An index that cannot be written, which is a bug.
    pub fn index(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(&self.index).map_err(|e| Error::Data(e.to_string()))
    }

    /// The sheet as PNG.
    ///
    /// # Errors
    /// A sheet that cannot be encoded, which is a bug.
    pub fn image(&self) -> Result<Vec<u8>> {
        self.pictures.encode_png().map_err(|e| Error::Data(e.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spreet::resvg::tiny_skia::Pixmap;

    fn styles(files: &[(&str, &str)]) -> Styles {
        let dir = tempfile::tempdir().unwrap();
        for (file, text) in files {
            let path = dir.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Styles::load_or_shipped(Some(dir.path())).unwrap()
    }

    const SQUARE: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8">
        <rect class="ground" width="8" height="8" fill="#000"/></svg>"##;

    #[test]
    fn a_style_colours_the_pictures_of_a_family() {
        let styles = styles(&[
            ("a.json", r##"{"metadata": {"chengtu:sprite": {"green": {"ground": "#00ff00"}}}}"##),
            ("b.json", "{}"),
            ("sprites/green/tree.svg", SQUARE),
            ("sprites/tint/arrow.svg", SQUARE),
        ]);
        for (style, want) in [("a", [0, 255, 0, 255]), ("b", [0, 0, 0, 255])] {
            for ratio in [Ratio::One, Ratio::Two] {
                let sheet = styles.sheet(styles.get(style).unwrap(), ratio).unwrap();
                let index: Value = serde_json::from_slice(&sheet.index().unwrap()).unwrap();
                let tree = &index["tree"];
                let side = 8 * ratio as u64;
                assert_eq!((&tree["width"], &tree["pixelRatio"]), (&side.into(), &(ratio as u64).into()));
                assert_eq!((tree.get("sdf"), &index["arrow"]["sdf"]), (None, &true.into()));
                let image = Pixmap::decode_png(&sheet.image().unwrap()).unwrap();
                let at = |key: &str| tree[key].as_u64().unwrap() as u32 + 3;
                let pixel = image.pixel(at("x"), at("y")).unwrap();
                assert_eq!([pixel.red(), pixel.green(), pixel.blue(), pixel.alpha()], want);
            }
        }
    }

    #[test]
    fn a_sheet_is_the_same_whenever_it_is_made() {
        let styles = Styles::shipped().unwrap();
        let style = styles.iter().next().unwrap();
        let made = || {
            let sheet = styles.sheet(style, Ratio::One).unwrap();
            (sheet.index().unwrap(), sheet.image().unwrap())
        };
        assert!(made() == made());
    }

    #[test]
    fn every_shipped_picture_is_drawn_in_every_style() {
        let styles = Styles::shipped().unwrap();
        for style in styles.iter() {
            for ratio in [Ratio::One, Ratio::Two] {
                let sheet = styles.sheet(style, ratio).unwrap();
                let image = Pixmap::decode_png(&sheet.image().unwrap()).unwrap();
                for (name, at) in &sheet.index {
                    let inside = |x: u32, y: u32| image.pixel(at.x + x, at.y + y).is_some_and(|p| p.alpha() > 0);
                    let any = (0..at.height).any(|y| (0..at.width).any(|x| inside(x, y)));
                    assert!(any, "{name} of {} is empty", style.id);
                }
            }
        }
    }

    #[test]
    fn a_picture_that_is_none_is_told_by_its_file() {
        let styles = styles(&[("a.json", "{}"), ("sprites/green/tree.svg", "<svg")]);
        let error = styles.sheet(styles.get("a").unwrap(), Ratio::One).err().unwrap();
        assert!(error.to_string().contains("tree.svg: is not an SVG picture"), "{error}");
    }
}
