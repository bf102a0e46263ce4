//! The types of a declared layer, as the rest of the house sees them. Reading and checking them is elsewhere.

use super::Scene;
use crate::error::Result;
use crate::geo::GeometryKind;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;

/// Position of a layer in its catalog (layers sorted by id).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LayerIx(pub u16);

/// All layers of a city, sorted by id. Loaded whole or not at all; sealed into every snapshot, so that a
/// server needs the store alone.
#[derive(Debug, Clone)]
pub struct Catalog {
    layers: Vec<Arc<Layer>>,
    by_id: HashMap<String, LayerIx, FixedState>,
    digest: blake3::Hash,
}

/// One declared layer. Its `digest` covers everything that changes what is stored or served.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    pub id: String,
    pub name: Name,
    /// The folder it stands in.
    #[serde(default)]
    pub theme: String,
    /// The standards its classes and attributes come from.
    #[serde(default)]
    pub standard: String,
    pub geometry: Vec<GeometryKind>,
    pub dimension: Dimension,
    pub sensitivity: Sensitivity,
    /// What the code may find it by; a green area is a component and a place of duty at once.
    #[serde(default)]
    pub roles: Vec<Role>,
    pub serve: Vec<Serve>,
    pub zoom: Zoom,
    #[serde(default)]
    pub thin: Thin,
    #[serde(default)]
    pub generalise: Generalise,
    /// Pixels (1/256 of a tile's side) beyond the tile's edge that are drawn too, so that strokes and icons
    /// do not show the edge. 4 px = 64 units of 4096.
    #[serde(default = "buffer_px")]
    pub buffer_px: f64,
    /// Fields of the points that stand for its areas' names in tiles (`label_layer`), the name first; without any there
    /// are no such points.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub label: Vec<String>,
    /// The first zoom whose tiles have such points: names that no map has room for would be weight alone.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub label_zoom: u8,
    pub fields: Vec<Field>,
    /// How it stands in 3D.
    #[serde(default)]
    pub scene: Option<Scene>,
    /// Feature in → tile feature out; run by the tests.
    #[serde(default, rename = "example")]
    pub examples: Vec<Example>,
    /// Where it was read from; empty when read from a snapshot.
    #[serde(skip)]
    pub file: PathBuf,
}

/// Default of `Layer::buffer_px`.
pub(super) const BUFFER_PX: f64 = 4.0;

fn buffer_px() -> f64 {
    BUFFER_PX
}

fn is_zero(zoom: &u8) -> bool {
    *zoom == 0
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Name {
    pub zh: String,
    pub en: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Dimension {
    #[serde(rename = "2D")]
    Flat,
    /// A 2D shape with heights in attributes or vertices.
    #[serde(rename = "2.5D")]
    Raised,
    #[serde(rename = "3D")]
    Solid,
}

/// Who may see it without configuration: `public` alone. `personal` is for fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sensitivity {
    Public,
    Government,
    Restricted,
    Personal,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Serve {
    #[serde(rename = "mvt")]
    Mvt,
    #[serde(rename = "3dtiles")]
    Tiles3d,
}

/// What the code may look for. A role says what a layer is for, never which layer it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Component,
    UnitGrid,
    BaseGrid,
    DutyGrid,
    EvaluationGrid,
    SpecialDuty,
    Community,
    Street,
    District,
    RoadSurface,
    RoadCenterline,
    WaterArea,
    GreenArea,
    ConstructionSite,
    PlaceName,
    /// Footprints as surveyed.
    Building,
    /// Buildings as 3D models, at any level of detail.
    BuildingModel,
    PipeSegment,
    PipeNode,
    Terrain,
    /// Spot heights: the ground between them is known where nothing better is.
    ElevationPoint,
    Sensor,
    Case,
}

/// Zooms of the layer: served from `min` (thinned), every feature present from `full`, tiles up to `max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Zoom {
    pub min: u8,
    pub full: u8,
    pub max: u8,
}

/// How features are thinned below `zoom.full`: per zoom, in cells of a grid laid over the whole world, the
/// feature with the highest rank stays (nested: kept at z ⇒ kept at z + 1).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Thin {
    /// Side of a thinning cell in pixels at each zoom (a power of two, 1 ..= 256).
    pub cell_px: u32,
    /// A numeric field whose higher value stays first; without it larger, then by id.
    pub rank: Option<String>,
    /// Whether the kept feature carries `_count`, the number of features it stands for.
    pub count: bool,
}

impl Default for Thin {
    fn default() -> Thin {
        Thin { cell_px: 8, rank: None, count: false }
    }
}

/// How shapes of lines and polygons are simplified for a zoom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Generalise {
    /// Largest distance in pixels that a simplified line may leave its original.
    pub tolerance_px: f64,
    /// A coverage (grids, land cover): shared borders are simplified once, for both neighbours.
    pub coverage: bool,
}

impl Default for Generalise {
    fn default() -> Generalise {
        Generalise { tolerance_px: 0.5, coverage: false }
    }
}

/// `from_zoom` of a field that is in no tile, in records only.
pub const RECORDS_ONLY: u8 = 99;
/// The deepest zoom a layer may be served at.
pub const DEEPEST_ZOOM: u8 = 24;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: FieldType,
    pub zh: String,
    #[serde(default)]
    pub en: Option<String>,
    /// Allowed values of an enum, as stored.
    #[serde(default)]
    pub values: Vec<String>,
    /// The natural key of the layer's records; at most one field.
    #[serde(default)]
    pub key: bool,
    /// Default: the layer's.
    #[serde(default)]
    pub sensitivity: Option<Sensitivity>,
    #[serde(default)]
    pub role: Option<FieldRole>,
    /// The field is in tiles from this zoom on (default: in all). `RECORDS_ONLY` = in no tile.
    #[serde(default)]
    pub from_zoom: u8,
    /// Unit of a number: m, mm, deg, kV …
    #[serde(default)]
    pub unit: Option<String>,
    /// A height's vertical datum, or what a depth is measured from: "1985", "ellipsoidal", "ground".
    #[serde(default)]
    pub datum: Option<String>,
    /// What a search takes its texts for (`Layer::searchable`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<Search>,
}

/// How people look for a field's texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Search {
    /// Tells one thing from all others of its kind: typed whole, or its last digits.
    Code,
    /// What people call it.
    Name,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldType {
    Text,
    Int,
    Float,
    Bool,
    /// Stored as text, `YYYY-MM-DD` or RFC 3339.
    Date,
    /// Stored as text, one of `values`.
    Enum,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldRole {
    Name,
    ClassCode,
    ValidFrom,
    ValidTo,
    /// When a component was first recorded; lookups of an earlier moment do not know it.
    InitDate,
    Parent,
    OwnerOrg,
    OwnerOrgCode,
    MaintainerOrg,
    MaintainerOrgCode,
    SupervisorOrg,
    SupervisorOrgCode,
    /// Whom a case in the area goes to.
    ResponsibleOrg,
    /// The body that governs a territory.
    ManagingOrg,
    /// Bodies that help, comma list.
    AssistOrgs,
    State,
    Rank,
    Yaw,
    Storeys,
    StoreysBelow,
    Height,
    GroundHeight,
    TopHeight,
    BottomHeight,
    /// Which level of detail a model has.
    CimLevel,
    /// The building a model or a space belongs to.
    BuildingId,
    /// The unit grid as recorded; the geometry decides.
    UnitGridCode,
    AccuracyClass,
    SharedFlag,
    OwnerlessFlag,
    /// The classes a duty area holds for.
    ClassSet,
    Priority,
    /// Weekly hours of a duty.
    Schedule,
    /// Above (1), on (0) or below (-1) the ground.
    Level,
    StartNode,
    EndNode,
    FlowDirection,
    WellDepth,
    StartDepth,
    EndDepth,
    StartElevation,
    EndElevation,
    ElevationRef,
    SectionSize,
    SectionShape,
}

/// `in` names field values (missing ones are null), `at` a zoom, `out` exactly the attributes in the tile.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    #[serde(rename = "in")]
    pub input: serde_json::Map<String, serde_json::Value>,
    pub at: u8,
    pub out: serde_json::Map<String, serde_json::Value>,
}

impl Layer {
    pub fn key_field(&self) -> Option<usize> {
        self.fields.iter().position(|f| f.key)
    }

    pub fn field(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|f| f.name == name)
    }

    pub fn field_by_role(&self, role: FieldRole) -> Option<usize> {
        self.fields.iter().position(|f| f.role == Some(role))
    }

    /// The fields that a search looks through, by position: those that are declared so, and the key as a code. Personal
    /// ones never.
    pub fn searchable(&self) -> impl Iterator<Item = (usize, Search)> {
        let text = |f: &Field| matches!(f.kind, FieldType::Text | FieldType::Enum);
        let kind = move |f: &Field| f.search.or((f.key && text(f)).then_some(Search::Code));
        let open = move |f: &&Field| f.sensitivity_in(self) < Sensitivity::Personal;
        let fields = self.fields.iter().enumerate();
        fields.filter_map(move |(i, f)| Some((i, Some(f).filter(open).and_then(kind)?)))
    }

    pub fn has_role(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Whether the layer is in tiles of nominal zoom `z`.
    pub fn in_range(&self, z: u8) -> bool {
        (self.zoom.min..=self.zoom.max).contains(&z)
    }

    pub fn serves(&self, how: Serve) -> bool {
        self.serve.contains(&how)
    }

    /// BLAKE3 over the declaration's canonical JSON without its examples: same digest, same stored and served form.
    pub fn digest(&self) -> blake3::Hash {
        let bare = Layer { examples: vec![], ..self.clone() };
        blake3::hash(&serde_json::to_vec(&bare).unwrap_or_default())
    }
}

impl Field {
    pub fn sensitivity_in(&self, layer: &Layer) -> Sensitivity {
        self.sensitivity.unwrap_or(layer.sensitivity).max(layer.sensitivity)
    }
}

impl Catalog {
    /// From checked layers; sorts by id.
    pub fn new(mut layers: Vec<Layer>) -> Catalog {
        layers.sort_by(|a, b| a.id.cmp(&b.id));
        let mut h = blake3::Hasher::new();
        for l in &layers {
            h.update(l.digest().as_bytes());
        }
        let by_id = (0..).zip(&layers).map(|(i, l)| (l.id.clone(), LayerIx(i))).collect();
        Catalog { layers: layers.into_iter().map(Arc::new).collect(), by_id, digest: h.finalize() }
    }

    pub fn digest(&self) -> blake3::Hash {
        self.digest
    }

    pub fn len(&self) -> usize {
        self.layers.len()
    }

    pub fn is_empty(&self) -> bool {
        self.layers.is_empty()
    }

    pub fn layer(&self, ix: LayerIx) -> &Arc<Layer> {
        &self.layers[ix.0 as usize]
    }

    pub fn find(&self, id: &str) -> Option<LayerIx> {
        self.by_id.get(id).copied()
    }

    pub fn iter(&self) -> impl Iterator<Item = (LayerIx, &Arc<Layer>)> {
        self.layers.iter().enumerate().map(|(i, l)| (LayerIx(i as u16), l))
    }

    /// The layers with a role, by id.
    pub fn with_role(&self, role: Role) -> impl Iterator<Item = (LayerIx, &Arc<Layer>)> {
        self.iter().filter(move |(_, l)| l.has_role(role))
    }

    /// The form a snapshot embeds.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(&self.layers.iter().map(|l| l.as_ref()).collect::<Vec<_>>()).unwrap_or_default()
    }

    pub fn from_json(bytes: &[u8]) -> Result<Catalog> {
        let layers: Vec<Layer> = serde_json::from_slice(bytes)
            .map_err(|e| crate::error::Error::damaged("catalog", format!("not a catalog: {e}")))?;
        Ok(Catalog::new(layers))
    }
}
