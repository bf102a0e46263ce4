//! What a layer's `scene` and a record's values say about its shape: sizes, heights, references, and which of them
//! are assumed. No geometry.

use super::node::Accessory;
use super::tube::Section;
use crate::feature::ValueRef;
use crate::layer::{Colour, ElevationReference, Layer, Part, Scene, SceneKind};

/// A layer's `scene` with its fields found.
#[derive(Debug, Clone)]
pub struct Rule {
    pub scene: Scene,
    at: At,
}

/// Indices of the fields in the layer.
#[derive(Debug, Clone, Copy, Default)]
struct At {
    height: Option<usize>,
    storeys: Option<usize>,
    top: Option<usize>,
    bottom: Option<usize>,
    ground: Option<usize>,
    depth: Option<usize>,
    elevation: Option<usize>,
    accessory: Option<usize>,
    size: Option<usize>,
    shape: Option<usize>,
    wall: Option<usize>,
    start: Option<usize>,
    end: Option<usize>,
    start_depth: Option<usize>,
    end_depth: Option<usize>,
    reference: Option<usize>,
    yaw: Option<usize>,
}

/// A value, and whether the record said it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Known<T> {
    pub value: T,
    pub assumed: bool,
}

/// What a pipe's record says of its ends: elevations, or depths below the ground, of the reference line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PipeLevels {
    pub elevations_m: [Option<f64>; 2],
    pub depths_m: [Option<f64>; 2],
    pub reference: ElevationReference,
}

const STOREY_M: f64 = 3.0;
/// A block of which nothing is known.
const BLOCK_M: f64 = 3.0;
const PIPE_MM: f64 = 300.0;
const SHAFT_MM: f64 = 700.0;
const COVER_M: f64 = 1.0;
/// Deliveries write −99 and −9999 where they know nothing; no city's height or depth is there.
const UNKNOWN: f64 = -99.0;
/// A size beyond this is a typing error.
const WIDEST_MM: f64 = 20_000.0;

impl Rule {
    /// `None` of a layer without `scene`.
    pub fn of(layer: &Layer) -> Option<Rule> {
        let scene = layer.scene.clone()?;
        let f = &scene.fields;
        let find = |name: &Option<String>| name.as_ref().and_then(|n| layer.field(n));
        let at = At {
            height: find(&f.height),
            storeys: find(&f.storeys),
            top: find(&f.top),
            bottom: find(&f.bottom),
            ground: find(&f.ground),
            depth: find(&f.depth),
            elevation: find(&f.elevation),
            accessory: find(&f.accessory),
            size: find(&f.size),
            shape: find(&f.shape),
            wall: find(&f.wall),
            start: find(&f.start),
            end: find(&f.end),
            start_depth: find(&f.start_depth),
            end_depth: find(&f.end_depth),
            reference: find(&f.reference),
            yaw: find(&f.yaw),
        };
        Some(Rule { scene, at })
    }

    pub fn kind(&self) -> SceneKind {
        self.scene.kind
    }

    /// Whether shapes depend on a field of the layer.
    pub fn reads(&self, field: usize) -> bool {
        let At { height, storeys, top, bottom, ground, depth, elevation, accessory, size, .. } = self.at;
        let At { shape, wall, start, end, start_depth, end_depth, reference, yaw, .. } = self.at;
        let first = [height, storeys, top, bottom, ground, depth, elevation, accessory, size];
        let second = [shape, wall, start, end, start_depth, end_depth, reference, yaw];
        first.into_iter().chain(second).any(|at| at == Some(field))
    }

    /// The declared colour of a part; else of the whole; else the house's: roofs like tiles, walls like plaster.
    pub fn colour(&self, part: Part) -> Colour {
        let declared = self.scene.colours.get(&part).copied().or(self.scene.colour);
        declared.unwrap_or(Colour(match part {
            Part::Roof => [0xb0, 0x6a, 0x50],
            Part::Wall | Part::Body => [0xdc, 0xd6, 0xca],
            Part::Ground | Part::Closure => [0x8f, 0x8b, 0x84],
            Part::Floor | Part::Ceiling => [0xb8, 0xb2, 0xa6],
            Part::Window => [0x8f, 0xb4, 0xc9],
            Part::Door => [0x7a, 0x55, 0x36],
            Part::Water => [0x6f, 0xa3, 0xc7],
            Part::Traffic => [0x9a, 0x9a, 0x9a],
        }))
    }

    /// Height of a block above its base, metres: its own, by its storeys, by the declaration.
    pub fn height_m(&self, values: &[ValueRef<'_>]) -> Known<f64> {
        let storey_m = self.scene.storey_height_m.unwrap_or(STOREY_M);
        let own = number(values, self.at.height).filter(|h| *h > 0.0);
        let by_storeys = number(values, self.at.storeys).filter(|s| *s > 0.0).map(|s| s * storey_m);
        let value = own.or(by_storeys);
        Known { value: value.or(self.scene.height_m).unwrap_or(BLOCK_M), assumed: value.is_none() }
    }

    /// An instance's own height, metres.
    pub fn own_height_m(&self, values: &[ValueRef<'_>]) -> Option<f64> {
        number(values, self.at.height).filter(|h| *h > 0.0)
    }

    pub fn top_m(&self, values: &[ValueRef<'_>]) -> Option<f64> {
        number(values, self.at.top)
    }

    pub fn bottom_m(&self, values: &[ValueRef<'_>]) -> Option<f64> {
        number(values, self.at.bottom)
    }

    pub fn ground_m(&self, values: &[ValueRef<'_>]) -> Option<f64> {
        number(values, self.at.ground)
    }

    /// A well's depth; 0 is unknown.
    pub fn depth_m(&self, values: &[ValueRef<'_>]) -> Option<f64> {
        number(values, self.at.depth).filter(|d| *d > 0.0)
    }

    pub fn elevation_m(&self, values: &[ValueRef<'_>]) -> Option<f64> {
        number(values, self.at.elevation)
    }

    pub fn cover_m(&self) -> f64 {
        self.scene.default_cover_m.unwrap_or(COVER_M)
    }

    pub fn accessory(&self, values: &[ValueRef<'_>]) -> Accessory {
        text(values, self.at.accessory).map_or(Accessory::Other, Accessory::of)
    }

    pub fn shaft_m(&self) -> f64 {
        self.scene.default_mm.unwrap_or(SHAFT_MM) / 1000.0
    }

    /// Degrees clockwise from north, 0 ..< 360.
    pub fn yaw_deg(&self, values: &[ValueRef<'_>]) -> f64 {
        number(values, self.at.yaw).map_or(0.0, |y| y.rem_euclid(360.0))
    }

    /// Outer section of a pipe, and its inner height (bore), metres. A delivered size is the bore; the wall's
    /// thickness is added where it is known, else outer and bore are taken as the same (`CJJ 61`: the error is the
    /// wall). The class's size where the record has none.
    pub fn section(&self, values: &[ValueRef<'_>]) -> (Known<Section>, f64) {
        let wall_m = number(values, self.at.wall).filter(|w| (0.0..1000.0).contains(w)).unwrap_or(0.0) / 1000.0;
        let given = text(values, self.at.size).and_then(size_mm);
        let angular = text(values, self.at.shape).is_some_and(is_angular);
        let default_m = self.scene.default_mm.unwrap_or(PIPE_MM) / 1000.0;
        let (section, bore_m) = match given {
            Some(Size::Sides(w, h)) => {
                (Section::Box { width_m: w / 1000.0 + 2.0 * wall_m, height_m: h / 1000.0 + 2.0 * wall_m }, h / 1000.0)
            }
            Some(Size::Diameter(w)) if angular => {
                let side_m = w / 1000.0 + 2.0 * wall_m;
                (Section::Box { width_m: side_m, height_m: side_m }, w / 1000.0)
            }
            Some(Size::Diameter(d)) => (Section::Round { outer_m: d / 1000.0 + 2.0 * wall_m }, d / 1000.0),
            None if angular => (Section::Box { width_m: default_m, height_m: default_m }, default_m),
            None => (Section::Round { outer_m: default_m }, default_m),
        };
        (Known { value: section, assumed: given.is_none() }, bore_m)
    }

    /// Elevations and depths as recorded. A depth of 0 is unknown far more often than it is at the surface.
    pub fn levels(&self, values: &[ValueRef<'_>]) -> PipeLevels {
        let reference = match text(values, self.at.reference) {
            Some("outer_top") => ElevationReference::OuterTop,
            Some("inner_bottom") => ElevationReference::InnerBottom,
            _ => self.scene.default_reference.unwrap_or(ElevationReference::OuterTop),
        };
        let depth = |at| number(values, at).filter(|d| *d != 0.0);
        PipeLevels {
            elevations_m: [number(values, self.at.start), number(values, self.at.end)],
            depths_m: [depth(self.at.start_depth), depth(self.at.end_depth)],
            reference,
        }
    }
}

/// Where the middle of a section lies above its reference line, metres (CJJ 61-2017, items of the field survey).
pub fn centre_above(reference: ElevationReference, section: Section, bore_m: f64) -> f64 {
    let outer_m = match section {
        Section::Round { outer_m } => outer_m,
        Section::Box { height_m, .. } => height_m,
    };
    match reference {
        ElevationReference::OuterTop => -outer_m / 2.0,
        ElevationReference::InnerBottom => bore_m / 2.0,
    }
}

/// A delivered size in millimetres.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Size {
    Diameter(f64),
    /// Width, height.
    Sides(f64, f64),
}

/// `300`, `DN300`, `d300`, `φ110`, `600×300`, `600X300`, `600*300`; of three measures (a trapeze's top, bottom and
/// height) the widest and the last. `None` of anything else, of 0 and of more than 20 m.
pub fn size_mm(text: &str) -> Option<Size> {
    let text = text.trim().trim_start_matches(['D', 'N', 'd', 'n', 'φ', 'Φ', 'ø', 'Ø', ' ']);
    let text = text.trim_end_matches(['m', 'M']);
    let mut numbers = [0.0; 3];
    let mut count = 0;
    for word in text.split(['x', 'X', '×', '*', '＊']) {
        let number: f64 = word.trim().parse().ok()?;
        *numbers.get_mut(count)? = number;
        count += 1;
        if !(number > 0.0 && number <= WIDEST_MM) {
            return None;
        }
    }
    Some(match (count, numbers) {
        (1, [d, ..]) => Size::Diameter(d),
        (2, [w, h, _]) => Size::Sides(w, h),
        (_, [a, b, h]) => Size::Sides(a.max(b), h),
    })
}

fn is_angular(shape: &str) -> bool {
    ["方沟", "梯形", "拱形", "管块"].contains(&shape)
}

fn number(values: &[ValueRef<'_>], at: Option<usize>) -> Option<f64> {
    let value = match values.get(at?)? {
        ValueRef::Float(f) => *f,
        ValueRef::Int(i) => *i as f64,
        _ => return None,
    };
    (value.is_finite() && value > UNKNOWN).then_some(value)
}

fn text<'v>(values: &[ValueRef<'v>], at: Option<usize>) -> Option<&'v str> {
    match values.get(at?)? {
        ValueRef::Text(t) => Some(t),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_as_they_are_delivered() {
        for (text, want) in [
            ("300", Some(Size::Diameter(300.0))),
            ("DN300", Some(Size::Diameter(300.0))),
            ("d 300", Some(Size::Diameter(300.0))),
            ("φ110", Some(Size::Diameter(110.0))),
            ("600X300", Some(Size::Sides(600.0, 300.0))),
            ("600×300", Some(Size::Sides(600.0, 300.0))),
            (" 600 * 300 ", Some(Size::Sides(600.0, 300.0))),
            ("800x600x500", Some(Size::Sides(800.0, 500.0))),
            ("0", None),
            ("", None),
            ("不明", None),
            ("-99", None),
            ("300000", None),
            ("1x2x3x4", None),
        ] {
            assert_eq!(size_mm(text), want, "{text}");
        }
    }

    #[test]
    fn the_middle_by_the_reference() {
        let round = Section::Round { outer_m: 1.4 };
        assert_eq!(centre_above(ElevationReference::OuterTop, round, 1.2), -0.7);
        assert_eq!(centre_above(ElevationReference::InnerBottom, round, 1.2), 0.6);
        let duct = Section::Box { width_m: 2.0, height_m: 1.0 };
        assert_eq!(centre_above(ElevationReference::OuterTop, duct, 1.0), -0.5);
        assert_eq!(centre_above(ElevationReference::InnerBottom, duct, 1.0), 0.5);
    }
}
