//! CityJSON's appearance (CityJSON 2.0 §6): textures and materials of a document, and which of them the surfaces of a
//! geometry wear, in the order of its boundaries. The default theme holds, else the first.

use super::nested::{Nested, Token};
use crate::feature::Paint;
use crate::import::city::images::Shelf;
use serde::{Deserialize, Deserializer};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Appearance {
    textures: Vec<Texture>,
    #[serde(rename = "vertices-texture")]
    places: Vec<[f32; 2]>,
    materials: Vec<Material>,
    #[serde(rename = "default-theme-texture")]
    default_texture: Option<String>,
    #[serde(rename = "default-theme-material")]
    default_material: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Texture {
    image: String,
}

#[derive(Debug, Deserialize)]
struct Material {
    #[serde(default, rename = "diffuseColor")]
    diffuse: Option<[f64; 3]>,
}

impl Appearance {
    pub fn uris(&self) -> BTreeSet<String> {
        self.textures.iter().map(|t| t.image.clone()).collect()
    }
}

/// Theme → what is worn there.
pub type Themes = BTreeMap<String, Theme>;

#[derive(Debug, Default, Deserialize)]
pub struct Theme {
    #[serde(default)]
    values: Option<Nested>,
    /// Of a material: the same for all surfaces.
    #[serde(default)]
    value: Option<usize>,
}

/// Themes that cannot be read are none: they cost the colours alone.
pub fn themes<'de, D: Deserializer<'de>>(d: D) -> Result<Themes, D::Error> {
    let value = serde_json::Value::deserialize(d)?;
    Ok(serde_json::from_value(value).unwrap_or_default())
}

/// Textures and materials whose images are there.
#[derive(Debug, Default)]
pub struct Wardrobe {
    textures: Vec<Option<Paint>>,
    places: Vec<[f32; 2]>,
    materials: Vec<Option<Paint>>,
    default_texture: Option<String>,
    default_material: Option<String>,
}

impl Wardrobe {
    pub fn new(appearance: Appearance, shelf: &Shelf) -> Wardrobe {
        let byte = |x: f64| (x.clamp(0.0, 1.0) * 255.0).round() as u8;
        let colour = |m: &Material| m.diffuse.map(|c| Paint::Colour(c.map(byte)));
        Wardrobe {
            textures: appearance.textures.iter().map(|t| shelf.get(&t.image).map(Paint::Image)).collect(),
            materials: appearance.materials.iter().map(colour).collect(),
            places: appearance.places,
            default_texture: appearance.default_texture,
            default_material: appearance.default_material,
        }
    }

    /// What a geometry's surfaces wear.
    pub fn worn(&self, texture: &Themes, material: &Themes) -> Worn<'_> {
        let chosen = |themes: &'_ Themes, name: &Option<String>| {
            let named = name.as_ref().and_then(|n| themes.get_key_value(n));
            named.or_else(|| themes.iter().next()).map(|(name, _)| name.clone())
        };
        let of = |themes: &Themes, name: &Option<String>, has: bool| {
            let name = chosen(themes, name).filter(|_| has);
            name.and_then(|n| themes.get(&n)?.values.as_ref().map(surfaces))
        };
        let all = chosen(material, &self.default_material).and_then(|n| material.get(&n)?.value);
        Worn {
            wardrobe: self,
            rings: of(texture, &self.default_texture, !self.textures.is_empty()),
            materials: of(material, &self.default_material, !self.materials.is_empty()).map(|s| s.concat().concat()),
            all: all.and_then(|i| self.materials.get(i).copied().flatten()),
        }
    }
}

/// A ring's texture and its places, as numbers.
type Ring = Vec<Option<u32>>;

/// What the surfaces of one geometry wear.
pub struct Worn<'a> {
    wardrobe: &'a Wardrobe,
    /// By surface and ring.
    rings: Option<Vec<Vec<Ring>>>,
    /// By surface.
    materials: Option<Ring>,
    all: Option<Paint>,
}

impl Worn<'_> {
    pub fn is_empty(&self) -> bool {
        self.rings.is_none() && self.materials.is_none() && self.all.is_none()
    }

    /// Whether there are values for so many surfaces.
    pub fn fits(&self, surfaces: usize) -> bool {
        self.rings.as_ref().is_none_or(|r| r.len() == surfaces)
            && self.materials.as_ref().is_none_or(|m| m.len() == surfaces || m.iter().all(Option::is_none))
    }

    /// What a surface wears, and the places of its rings, whose numbers of corners are `lengths`.
    pub fn of(&self, surface: usize, lengths: &[usize]) -> Option<(Paint, Vec<Vec<[f32; 2]>>)> {
        let textured = self.rings.as_ref().and_then(|all| self.textured(all.get(surface)?, lengths));
        let material = || self.materials.as_ref()?.get(surface).copied().flatten();
        let plain = || material().and_then(|i| self.wardrobe.materials.get(i as usize).copied().flatten());
        textured.or_else(|| {
            let paint = plain().or(self.all)?;
            Some((paint, lengths.iter().map(|n| vec![[0.0; 2]; *n]).collect()))
        })
    }

    fn textured(&self, rings: &[Ring], lengths: &[usize]) -> Option<(Paint, Vec<Vec<[f32; 2]>>)> {
        let number = rings.first()?.first().copied().flatten()?;
        let paint = self.wardrobe.textures.get(number as usize).copied().flatten()?;
        let place = |i: &Option<u32>| self.wardrobe.places.get((*i)? as usize).copied();
        let uv = rings.iter().zip(lengths).map(|(ring, length)| {
            let uv: Option<Vec<[f32; 2]>> = ring.get(1..)?.iter().map(place).collect();
            uv.filter(|uv| uv.len() == *length)
        });
        let uv: Option<Vec<_>> = uv.collect();
        uv.filter(|uv| uv.len() == lengths.len()).map(|uv| (paint, uv))
    }
}

/// The innermost arrays of nested values, gathered by the arrays they stand in: of textures rings by surface.
fn surfaces(values: &Nested) -> Vec<Vec<Ring>> {
    let (mut all, mut rings, mut ring, mut innermost) = (vec![], vec![], vec![], false);
    for token in &values.0 {
        match token {
            Token::Open => (ring, innermost) = (vec![], true),
            Token::Index(i) => ring.push(Some(*i)),
            Token::Null => ring.push(None),
            Token::Close if innermost => {
                rings.push(std::mem::take(&mut ring));
                innermost = false;
            }
            Token::Close if !rings.is_empty() => all.push(std::mem::take(&mut rings)),
            Token::Close => {}
        }
    }
    // Of materials of a plain list of surfaces there is one array alone.
    all.extend((!rings.is_empty()).then_some(rings));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worn_of(values: &str) -> Vec<Vec<Ring>> {
        surfaces(&serde_json::from_str(values).unwrap())
    }

    #[test]
    fn values_are_gathered_by_surface() {
        let ring = |n: &[u32]| -> Ring { n.iter().map(|i| Some(*i)).collect() };
        let multi = worn_of("[[[0,1,2,3],[0,4,5,6]],[[null]]]");
        assert_eq!(multi, [vec![ring(&[0, 1, 2, 3]), ring(&[0, 4, 5, 6])], vec![vec![None]]]);
        assert_eq!(worn_of("[[[[0,1,2,3]],[[1,4,5,6]]]]"), [vec![ring(&[0, 1, 2, 3])], vec![ring(&[1, 4, 5, 6])]]);
        // Materials: of a multi-surface and of a solid.
        assert_eq!(worn_of("[0,null,1]").concat().concat(), [Some(0), None, Some(1)]);
        assert_eq!(worn_of("[[0,1],[2]]").concat().concat(), [Some(0), Some(1), Some(2)]);
    }

    #[test]
    fn a_surface_wears_its_texture_else_its_material() {
        let wardrobe = Wardrobe {
            textures: vec![Some(Paint::Image([1; 16])), None],
            places: vec![[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]],
            materials: vec![Some(Paint::Colour([9, 8, 7]))],
            ..Wardrobe::default()
        };
        let themes = |json: &str| -> Themes { serde_json::from_str(json).unwrap() };
        let texture = themes(r#"{"t":{"values":[[[0,0,1,2]],[[1,0,1,2]],[[0,0,1]],[[0,0,1,9]],[[null]]]}}"#);
        let worn = wardrobe.worn(&texture, &themes(r#"{"m":{"value":0}}"#));
        let image = (Paint::Image([1; 16]), vec![vec![[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]]);
        assert_eq!(worn.of(0, &[3]), Some(image));
        // No image, too few places, a place that is not there, none: the material.
        for surface in 1..5 {
            assert_eq!(worn.of(surface, &[3]).map(|w| w.0), Some(Paint::Colour([9, 8, 7])), "{surface}");
        }
        assert!(worn.fits(5) && !worn.fits(4));
        assert!(wardrobe.worn(&Themes::new(), &Themes::new()).of(0, &[3]).is_none());
    }
}
