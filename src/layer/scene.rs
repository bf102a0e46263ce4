//! How a layer stands in 3D: the typed form of `scene = { … }`. What the words mean for a shape is `crate::scene`;
//! whether a declaration makes sense is `scene_check`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;

/// A layer's `scene`. Which keys belong to which kind is checked with the catalog.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scene {
    pub kind: SceneKind,
    /// CIM level of what is drawn, 1 ..= 7 (CJJ/T 315-2022).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<u8>,
    /// Geometric error in metres of what stands in for it farther away: at 104 times as many metres it gives way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub geometric_error_m: Option<f64>,
    /// Distance in metres from which on the layer is wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub importance: Option<f64>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub below_ground: bool,
    /// The field with the code of the thing that coarser models of it carry too: those of layers of a lower `level` whose
    /// code field has the same role (or name). The models of this layer are drawn instead of them (`family`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
    /// Of `instance`: which model of the library.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelName>,
    /// Height in metres of an instance or a block whose record has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height_m: Option<f64>,
    /// Height of one storey in metres, where only storeys are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storey_height_m: Option<f64>,
    /// Diameter in millimetres of a pipe or a well whose record has no size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_mm: Option<f64>,
    /// Cover (ground to outer top) in metres of a pipe whose record has neither elevations nor depths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_cover_m: Option<f64>,
    /// What the elevations and depths of pipes are measured to where a record does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_reference: Option<ElevationReference>,
    /// Colour of the whole thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colour: Option<Colour>,
    /// Colours of its parts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub colours: BTreeMap<Part, Colour>,
    #[serde(default)]
    pub fields: SceneFields,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SceneKind {
    /// A footprint raised to a closed block.
    Extrude,
    /// A centre line as a pipe, round or rectangular.
    Tube,
    /// A well, valve or fitting at a pipe's end.
    Node,
    /// A model of the library at a point.
    Instance,
    /// Polygons in space, with what each of them is (roof, wall, …).
    Surface,
    /// Heights of the ground.
    Terrain,
    /// Tilesets made elsewhere and served through.
    Mesh,
}

/// Fields that a drawing reads, by what it reads them for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SceneFields {
    /// Height above the ground, m.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<String>,
    /// Storeys above the ground.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storeys: Option<String>,
    /// Elevations of the upper and lower side, m.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bottom: Option<String>,
    /// Elevation of the ground, m.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ground: Option<String>,
    /// Depth of a well's bottom, m.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depth: Option<String>,
    /// Elevation of a fitting, m.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elevation: Option<String>,
    /// What stands at a pipe's node (accessory 附属物), as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accessory: Option<String>,
    /// Diameter, or width × height, mm, as delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shape: Option<String>,
    /// Thickness of a pipe's wall, mm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wall: Option<String>,
    /// Elevations of a pipe's reference line at its ends, m.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// Depths of it below the ground, m.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_depth: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_depth: Option<String>,
    /// What elevations and depths are measured to: `outer_top` or `inner_bottom`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Direction a model faces, degrees clockwise from north.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub yaw: Option<String>,
    /// Wanted spacing of a height grid, m.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolution_m: Option<String>,
}

impl SceneFields {
    /// `(key, field name, whether it holds a number)` of every key that is written.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, &str, bool)> {
        [
            ("height", &self.height, true),
            ("storeys", &self.storeys, true),
            ("top", &self.top, true),
            ("bottom", &self.bottom, true),
            ("ground", &self.ground, true),
            ("depth", &self.depth, true),
            ("elevation", &self.elevation, true),
            ("accessory", &self.accessory, false),
            ("size", &self.size, false),
            ("shape", &self.shape, false),
            ("wall", &self.wall, true),
            ("start", &self.start, true),
            ("end", &self.end, true),
            ("start_depth", &self.start_depth, true),
            ("end_depth", &self.end_depth, true),
            ("reference", &self.reference, false),
            ("yaw", &self.yaw, true),
            ("resolution_m", &self.resolution_m, true),
        ]
        .into_iter()
        .filter_map(|(key, name, number)| Some((key, name.as_deref()?, number)))
    }
}

/// What a pipe's elevations and depths are measured to (CJJ 61-2017, items of the field survey).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ElevationReference {
    /// 管外顶: the top of the pipe's outer wall.
    OuterTop,
    /// 管内底: the invert.
    InnerBottom,
}

/// What a face of a drawn thing is; it decides the colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    Body,
    Roof,
    Wall,
    Ground,
    Floor,
    Ceiling,
    Window,
    Door,
    /// A face that closes an opening for the sake of the volume.
    Closure,
    Water,
    Traffic,
}

/// The library's models; `scene::models` builds each of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelName {
    Barrier,
    Bench,
    Billboard,
    Bollard,
    BusShelter,
    Cabinet,
    CameraPole,
    GullyGrate,
    Hydrant,
    Kiosk,
    ManholeRound,
    ManholeSquare,
    /// A plain post: what has no model of its own.
    Marker,
    NoticeBoard,
    PipeNode,
    Pole,
    RefuseBin,
    StreetLight,
    TrafficSign,
    Tree,
}

impl ModelName {
    pub const ALL: [ModelName; 20] = [
        ModelName::Barrier,
        ModelName::Bench,
        ModelName::Billboard,
        ModelName::Bollard,
        ModelName::BusShelter,
        ModelName::Cabinet,
        ModelName::CameraPole,
        ModelName::GullyGrate,
        ModelName::Hydrant,
        ModelName::Kiosk,
        ModelName::ManholeRound,
        ModelName::ManholeSquare,
        ModelName::Marker,
        ModelName::NoticeBoard,
        ModelName::PipeNode,
        ModelName::Pole,
        ModelName::RefuseBin,
        ModelName::StreetLight,
        ModelName::TrafficSign,
        ModelName::Tree,
    ];
}

/// sRGB, written `#rrggbb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Colour(pub [u8; 3]);

impl Colour {
    /// `None` unless the text is `#` and six hexadecimal digits.
    pub fn parse(text: &str) -> Option<Colour> {
        let hex = text.strip_prefix('#').filter(|h| h.len() == 6 && h.bytes().all(|b| b.is_ascii_hexdigit()))?;
        let [_, r, g, b] = u32::from_str_radix(hex, 16).ok()?.to_be_bytes();
        Some(Colour([r, g, b]))
    }
}

impl Serialize for Colour {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let [r, g, b] = self.0;
        s.serialize_str(&format!("#{r:02x}{g:02x}{b:02x}"))
    }
}

impl<'de> Deserialize<'de> for Colour {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Colour, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(d)?;
        Colour::parse(&text).ok_or_else(|| serde::de::Error::custom("a colour is written #rrggbb"))
    }
}

fn is_false(b: &bool) -> bool {
    !*b
}
