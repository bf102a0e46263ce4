//! CityJSON geometries (CityJSON 2.0 §3) → shells of a model: boundaries by type, semantic values beside them,
//! templates placed by their matrix. Versions 1.0 to 2.0 differ in nothing that is read here.

use super::nested::{Nested, Token, Walk};
use super::wardrobe::{Themes, Wardrobe, Worn, themes};
use crate::feature::{Role, Tier};
use crate::import::city::build::{Builder, ShellBuilder, role};
use crate::import::repair::reject;
use crate::import::wire::Reject;
use serde::Deserialize;

/// Semantic values that do not fit their boundaries; the surfaces stay, without a role.
const BAD_SEMANTICS: &str = "bad-semantics";
/// Points and lines in an object that also has surfaces.
const NOT_SURFACES: &str = "points-and-lines-left-out";

#[derive(Deserialize)]
pub struct Geometry {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    lod: Option<LodName>,
    #[serde(default)]
    boundaries: Nested,
    #[serde(default)]
    semantics: Option<Semantics>,
    /// GeometryInstance: which template, and where it stands.
    #[serde(default)]
    template: Option<usize>,
    #[serde(default, rename = "transformationMatrix")]
    matrix: Option<[f64; 16]>,
    #[serde(default, deserialize_with = "themes")]
    texture: Themes,
    #[serde(default, deserialize_with = "themes")]
    material: Themes,
}

/// A number in CityJSON 1.0, a text since 1.1.
#[derive(Deserialize)]
#[serde(untagged)]
enum LodName {
    Text(String),
    Number(f64),
}

#[derive(Deserialize)]
struct Semantics {
    #[serde(default)]
    surfaces: Vec<SemanticSurface>,
    #[serde(default)]
    values: Nested,
}

#[derive(Deserialize)]
struct SemanticSurface {
    #[serde(rename = "type")]
    kind: String,
}

/// `geometry-templates`: shapes that several objects share, in coordinates of their own.
#[derive(Default, Deserialize)]
pub struct Templates {
    #[serde(default)]
    pub templates: Vec<Geometry>,
    #[serde(default, rename = "vertices-templates")]
    pub vertices: Vec<[f64; 3]>,
}

/// How indices become places in source coordinates.
#[derive(Clone, Copy)]
pub struct Space<'a> {
    pub vertices: &'a [[f64; 3]],
    pub scale: [f64; 3],
    pub translate: [f64; 3],
}

impl Space<'_> {
    fn place(&self, index: u32) -> Result<[f64; 3], Reject> {
        let Some(v) = self.vertices.get(index as usize) else {
            let what = format!("vertex {index} of {} is named", self.vertices.len());
            return Err(reject("vertex-index", what));
        };
        Ok(std::array::from_fn(|k| v[k] * self.scale[k] + self.translate[k]))
    }
}

/// A template's vertices, turned by a 4 × 4 row-major matrix (CityJSON 2.0 §3.4), then moved to a place.
struct Placed<'a> {
    vertices: &'a [[f64; 3]],
    matrix: [f64; 16],
    at: [f64; 3],
}

impl Placed<'_> {
    fn place(&self, index: u32) -> Result<[f64; 3], Reject> {
        let Some([x, y, z]) = self.vertices.get(index as usize) else {
            let what = format!("template vertex {index} of {} is named", self.vertices.len());
            return Err(reject("vertex-index", what));
        };
        let m = &self.matrix;
        Ok(std::array::from_fn(|k| m[4 * k] * x + m[4 * k + 1] * y + m[4 * k + 2] * z + m[4 * k + 3] + self.at[k]))
    }
}

const IDENTITY: [f64; 16] = [1., 0., 0., 0., 0., 1., 0., 0., 0., 0., 1., 0., 0., 0., 0., 1.];

/// Textures and materials that were met and left out.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Dressed {
    pub textures: u64,
    pub materials: u64,
}

impl Geometry {
    /// Adds the geometry to a model.
    ///
    /// # Errors
    /// `bad-boundaries`, `vertex-index`, `bad-template`, `bad-lod`, `unknown-geometry` and those of the builder.
    pub fn add(
        &self,
        to: &mut Builder,
        space: &Space,
        templates: &Templates,
        wardrobe: &Wardrobe,
        dressed: &mut Dressed,
    ) -> Result<(), Reject> {
        if self.kind != "GeometryInstance" {
            return self.add_at(to, &|i| space.place(i), wardrobe, dressed);
        }
        let template = self.template.and_then(|t| templates.templates.get(t));
        let at = match &self.boundaries.0[..] {
            [Token::Open, Token::Index(i), Token::Close] => Some(*i),
            _ => None,
        };
        let (Some(template), Some(at)) = (template.filter(|t| t.kind != "GeometryInstance"), at) else {
            return Err(reject("bad-template", "an instance without its template or its place"));
        };
        let (matrix, at) = (self.matrix.unwrap_or(IDENTITY), space.place(at)?);
        let placed = Placed { vertices: &templates.vertices, matrix, at };
        template.add_at(to, &|i| placed.place(i), wardrobe, dressed)
    }

    fn tier(&self) -> Result<Tier, Reject> {
        let text = match &self.lod {
            Some(LodName::Text(t)) => t.clone(),
            Some(LodName::Number(n)) => n.to_string(),
            None => String::new(),
        };
        Tier::parse(&text).ok_or_else(|| reject("bad-lod", format!("`{text}` is no level of detail")))
    }

    fn add_at(&self, to: &mut Builder, place: Place, wardrobe: &Wardrobe, dressed: &mut Dressed) -> Result<(), Reject> {
        let levels = match self.kind.as_str() {
            "MultiSurface" | "CompositeSurface" => 1,
            "Solid" => 2,
            "MultiSolid" | "CompositeSolid" => 3,
            "MultiPoint" | "MultiLineString" => {
                to.faults.note(NOT_SURFACES, || format!("a {} has no surfaces", self.kind));
                return Ok(());
            }
            other => return Err(reject("unknown-geometry", format!("`{other}` is no type of CityJSON geometry"))),
        };
        let tier = self.tier()?;
        if !to.takes(tier) {
            return Ok(());
        }
        dressed.textures += u64::from(!self.texture.is_empty());
        dressed.materials += u64::from(!self.material.is_empty());
        let worn = wardrobe.worn(&self.texture, &self.material);
        let mut walk = Walker { geometry: self, place, semantics_fit: true, worn, surfaces: 0 };
        let mut boundaries = Walk::new(&self.boundaries);
        let mut values = self.semantics.as_ref().map(|s| Walk::new(&s.values));
        walk.level(to, tier, levels, &mut boundaries, &mut values)?;
        if boundaries.take().is_some() {
            return Err(bad_boundaries());
        }
        if !walk.semantics_fit {
            to.faults.note(BAD_SEMANTICS, || "semantic values do not fit the boundaries".into());
        }
        if !walk.worn.fits(walk.surfaces) {
            to.faults.note(BAD_APPEARANCE, || "textures or materials do not fit the boundaries".into());
        }
        Ok(())
    }
}

type Place<'a> = &'a dyn Fn(u32) -> Result<[f64; 3], Reject>;

fn bad_boundaries() -> Reject {
    reject("bad-boundaries", "the boundaries do not nest as their type says")
}

/// Textures or materials that do not fit their boundaries; the surfaces stay, in their colour.
const BAD_APPEARANCE: &str = "bad-appearance";

struct Walker<'a> {
    geometry: &'a Geometry,
    place: Place<'a>,
    semantics_fit: bool,
    worn: Worn<'a>,
    /// Surfaces walked so far.
    surfaces: usize,
}

impl<'a> Walker<'a> {
    /// An array of solids (3), of shells (2) or of surfaces (1), and the semantic values in step with it.
    fn level(
        &mut self,
        to: &mut Builder,
        tier: Tier,
        level: u32,
        boundaries: &mut Walk<'a>,
        values: &mut Option<Walk<'a>>,
    ) -> Result<(), Reject> {
        if !boundaries.enter() {
            return Err(bad_boundaries());
        }
        let mut own = self.enter_values(values);
        if level > 1 {
            while !boundaries.leave() {
                self.level(to, tier, level - 1, boundaries, &mut own)?;
            }
        } else {
            let mut shell = to.shell(tier, self.geometry.kind.ends_with("Solid"));
            let mut outcome = Ok(());
            while outcome.is_ok() && !boundaries.leave() {
                let role = self.role(&mut own);
                outcome = self.surface(&mut shell, role, boundaries);
            }
            shell.close();
            outcome?;
        }
        if let (Some(own), Some(outer)) = (own, values) {
            *outer = own;
            if !outer.leave() {
                self.semantics_fit = false;
                outer.skip_out();
            }
        }
        Ok(())
    }

    /// Values of the array that the boundaries are in: null stands for all of them.
    fn enter_values(&mut self, values: &mut Option<Walk<'a>>) -> Option<Walk<'a>> {
        let outer = values.as_mut()?;
        if outer.enter() {
            return Some(*outer);
        }
        if outer.leave_ahead() || outer.take() != Some(Token::Null) {
            self.semantics_fit = false;
        }
        None
    }

    fn role(&mut self, values: &mut Option<Walk<'a>>) -> Role {
        let Some(walk) = values else { return Role::Unknown };
        let surfaces = self.geometry.semantics.as_ref().map_or(&[][..], |s| &s.surfaces);
        if walk.leave_ahead() {
            self.semantics_fit = false;
            return Role::Unknown;
        }
        match walk.take() {
            Some(Token::Null) => Role::Unknown,
            Some(Token::Index(i)) if (i as usize) < surfaces.len() => role(&surfaces[i as usize].kind),
            taken => {
                if taken == Some(Token::Open) {
                    walk.skip_out();
                }
                self.semantics_fit = false;
                Role::Unknown
            }
        }
    }

    fn surface(&mut self, shell: &mut ShellBuilder, role: Role, boundaries: &mut Walk<'a>) -> Result<(), Reject> {
        if !boundaries.enter() {
            return Err(bad_boundaries());
        }
        // Rings are looked at once to see that they are flat lists, then handed over.
        let mut rings = vec![];
        while !boundaries.leave() {
            let ring = *boundaries;
            if !boundaries.enter() {
                return Err(bad_boundaries());
            }
            while !boundaries.leave() {
                if !matches!(boundaries.take(), Some(Token::Index(_))) {
                    return Err(bad_boundaries());
                }
            }
            rings.push(ring);
        }
        let corners = |mut ring: Walk<'a>| {
            ring.enter();
            std::iter::from_fn(move || match ring.take() {
                Some(Token::Index(i)) => Some(i),
                _ => None,
            })
        };
        let number = self.surfaces;
        self.surfaces += 1;
        let place = self.place;
        let lengths: Vec<usize> =
            if self.worn.is_empty() { vec![] } else { rings.iter().map(|r| corners(*r).count()).collect() };
        match self.worn.of(number, &lengths) {
            None => shell.surface(role, rings.into_iter().map(|r| corners(r).map(place))),
            Some((paint, uv)) => {
                let dressed = |(ring, uv): (Walk<'a>, Vec<[f32; 2]>)| {
                    corners(ring).map(place).zip(uv).map(|(p, uv)| Ok((p?, uv)))
                };
                shell.painted(role, Some(paint), rings.into_iter().zip(uv).map(dressed))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feature::Model;

    fn read(json: &str, templates: &str) -> (Result<Model, Reject>, Vec<Reject>) {
        let geometry: Geometry = serde_json::from_str(json).unwrap();
        let templates: Templates = serde_json::from_str(templates).unwrap();
        let vertices: Vec<[f64; 3]> = (0..8).map(|i| [f64::from(i % 4), f64::from(i * i), f64::from(i / 4)]).collect();
        let space = Space { vertices: &vertices, scale: [0.5, 1.0, 10.0], translate: [100.0, 0.0, 1.0] };
        let mut builder = Builder::new(&[], 1000);
        match geometry.add(&mut builder, &space, &templates, &Wardrobe::default(), &mut Dressed::default()) {
            Ok(()) => builder.finish(),
            Err(r) => (Err(r), vec![]),
        }
    }

    fn roles(m: &Model) -> Vec<Role> {
        m.lods[0].walk().map(|s| s.role).collect()
    }

    const SURFACES: &str = r#""surfaces":[{"type":"RoofSurface"},{"type":"+Green"},{"type":"WallSurface","parent":0}]"#;

    #[test]
    fn every_type_nests_as_it_says() {
        let ring = "[0,1,5]";
        for (kind, boundaries, values, shells, closed) in [
            ("MultiSurface", format!("[[{ring},[1,2,6]],[{ring}]]"), "[0,null]", 1, false),
            ("CompositeSurface", format!("[[{ring}],[{ring}]]"), "[0,null]", 1, false),
            ("Solid", format!("[[[{ring}]],[[{ring}]]]"), "[[0],null]", 2, true),
            ("MultiSolid", format!("[[[[{ring}]]],[[[{ring}]]]]"), "[[[0]],[null]]", 2, true),
            ("CompositeSolid", format!("[[[[{ring}]]],[[[{ring}]]]]"), "[[[0]],null]", 2, true),
        ] {
            let json = format!(
                r#"{{"type":"{kind}","lod":"2.2","boundaries":{boundaries},"semantics":{{{SURFACES},"values":{values}}}}}"#
            );
            let (model, faults) = read(&json, "{}");
            let model = model.unwrap();
            assert!(faults.is_empty(), "{kind}: {faults:?}");
            assert_eq!(roles(&model), [Role::Roof, Role::Unknown], "{kind}");
            let lod = &model.lods[0];
            assert_eq!((lod.shells.len(), lod.shells[0].closed, lod.tier.to_string()), (shells, closed, "2.2".into()));
            assert_eq!(model.positions[1], [100.5, 1.0, 1.0]);
        }
    }

    #[test]
    fn wrong_semantics_cost_the_role_alone() {
        for values in ["[0]", "[0,1,2]", "[0,9]", "0", "[[0],1]", "[]"] {
            let json = format!(
                r#"{{"type":"MultiSurface","lod":2,"boundaries":[[[0,1,5]],[[0,2,5]]],"semantics":{{{SURFACES},"values":{values}}}}}"#
            );
            let (model, faults) = read(&json, "{}");
            assert_eq!(model.unwrap().lods[0].surfaces.len(), 2, "{values}");
            assert_eq!(faults.iter().map(|f| f.code.as_str()).collect::<Vec<_>>(), [BAD_SEMANTICS], "{values}");
        }
    }

    #[test]
    fn wrong_shapes_are_refused_by_code() {
        for (json, code) in [
            (r#"{"type":"MultiSurface","lod":"2","boundaries":[[[0,1,9]]]}"#, "vertex-index"),
            (r#"{"type":"MultiSurface","lod":"2","boundaries":[[0,1,2]]}"#, "bad-boundaries"),
            (r#"{"type":"Solid","lod":"2","boundaries":[[[0,1,2]]]}"#, "bad-boundaries"),
            (r#"{"type":"MultiSurface","lod":"2","boundaries":[[[[0,1,2]]]]}"#, "bad-boundaries"),
            (r#"{"type":"MultiSurface","lod":"2"}"#, "bad-boundaries"),
            (r#"{"type":"MultiSurface","lod":"fine","boundaries":[[[0,1,2]]]}"#, "bad-lod"),
            (r#"{"type":"MultiSurface","boundaries":[[[0,1,2]]]}"#, "bad-lod"),
            (r#"{"type":"Sphere","lod":"2","boundaries":[]}"#, "unknown-geometry"),
            (r#"{"type":"MultiSurface","lod":"2","boundaries":[[[0,1,0]]]}"#, "null-geometry"),
            (r#"{"type":"MultiPoint","lod":"2","boundaries":[0]}"#, "null-geometry"),
            (r#"{"type":"GeometryInstance","template":3,"boundaries":[0]}"#, "bad-template"),
        ] {
            assert_eq!(read(json, "{}").0.unwrap_err().code, code, "{json}");
        }
    }

    #[test]
    fn a_template_stands_where_its_instance_says() {
        let templates = r#"{"templates":[{"type":"MultiSurface","lod":"3","boundaries":[[[0,1,2]]]}],
            "vertices-templates":[[0,0,0],[1,0,0],[0,2,0]]}"#;
        // A quarter turn about z, twice the size, 7 up.
        let json = r#"{"type":"GeometryInstance","template":0,"boundaries":[1],
            "transformationMatrix":[0,-2,0,0, 2,0,0,0, 0,0,2,7, 0,0,0,1]}"#;
        let model = read(json, templates).0.unwrap();
        assert_eq!(model.positions, [[100.5, 1.0, 8.0], [100.5, 3.0, 8.0], [96.5, 1.0, 8.0]]);
        assert_eq!(model.lods[0].tier.level, 3);
    }
}
