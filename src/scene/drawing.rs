//! One layer of one tile: features in, one glb out. Decides nothing about tiles: which features, which level, which
//! columns and whose ground is the caller's.

use super::buffers::Compression;
use super::extrude::Extruder;
use super::frame::Frame;
use super::glb::{self, Content};
use super::instance::Instances;
use super::joint::End;
use super::lod::LodSurfaces;
use super::mesh::{Light, Mark, Material, Mesh, Order, Sides};
use super::node::OnPipe;
use super::rule::Rule;
use super::surface::{Dress, SurfaceFaults, Surfacer, Surfaces, Vertices};
use super::table::{Column, ColumnKind, Table};
use super::{Undrawn, atlas};
use crate::error::Result;
use crate::feature::{FeatureId, Geometry, ImageId, Lod, Model, ValueRef};
use crate::layer::{Layer, ModelName, RECORDS_ONLY, SceneKind};
use std::collections::BTreeMap;

mod joint;
mod kinds;

/// How fine a content is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detail {
    /// How far a vertex may lie from its true place.
    pub precision_m: f64,
    /// How far a round surface may leave its true one; pipes no wider than twice this are lines.
    pub tolerance_m: f64,
}

impl Detail {
    /// For the tiles nearest to the eye: 5 mm, and rings that DN300 has 10 sides of.
    pub const NEAR: Detail = Detail { precision_m: 0.005, tolerance_m: 0.01 };
}

/// Where heights come from. Heights of records, of vertices and of the ground are in one datum, the data's.
#[derive(Clone, Copy)]
pub struct Heights<'a> {
    /// What turns a height of the data at `[longitude°, latitude°]` into an ellipsoidal one: added to it, metres.
    pub undulation_m: &'a dyn Fn([f64; 2]) -> f64,
    /// The ground's height there, metres, where it is known; else 0 is taken.
    pub ground_m: &'a dyn Fn([f64; 2]) -> Option<f64>,
}

/// A feature to be drawn.
#[derive(Debug, Clone, Copy)]
pub struct Item<'a> {
    pub id: FeatureId,
    pub geometry: &'a Geometry,
    /// One value a field, in the layer's order.
    pub values: &'a [ValueRef<'a>],
    /// Of a pipe: what its start and its end meet.
    pub ends: [End; 2],
    /// Of a node: the widest pipe that ends there.
    pub on_pipe: Option<OnPipe>,
}

impl<'a> Item<'a> {
    /// With free ends.
    pub fn new(id: FeatureId, geometry: &'a Geometry, values: &'a [ValueRef<'a>]) -> Item<'a> {
        Item { id, geometry, values, ends: [End::Free; 2], on_pipe: None }
    }
}

/// What comes of the features.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    pub drawn: u64,
    pub undrawn: BTreeMap<Undrawn, u64>,
    pub surfaces: SurfaceFaults,
}

/// How a content is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Form {
    pub compression: Compression,
    pub instancing: Instancing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Instancing {
    /// EXT_mesh_gpu_instancing and EXT_instance_features.
    #[default]
    Shared,
    /// Plain faces with mesh features, for clients without instancing.
    Expanded,
}

/// A finished content.
#[derive(Debug, Clone)]
pub struct Drawn {
    pub glb: Vec<u8>,
    /// Least and greatest corner, east, north, up in metres of the frame: holds every vertex (of contents wider than 8 km
    /// to a millimetre), and every instance as clients bound it.
    pub bounds_m: [[f64; 3]; 2],
    pub counts: Counts,
}

/// Names of the columns that say what was assumed.
const SIZE_ASSUMED: &str = "_size_assumed";
const HEIGHT_ASSUMED: &str = "_height_assumed";
/// Finest rings want finer steps: a sixteenth of the tolerance keeps a diameter of 0.1 m within 1 %.
const STEPS_PER_TOLERANCE: f64 = 16.0;

/// The fields that come with a layer's features unless others are asked for: those of its 2D tiles at the zoom from
/// which on it is whole.
pub fn default_columns(layer: &Layer) -> Vec<usize> {
    let shown = |(i, f): (usize, &crate::layer::Field)| {
        (f.from_zoom != RECORDS_ONLY && f.from_zoom <= layer.zoom.full).then_some(i)
    };
    layer.fields.iter().enumerate().filter_map(shown).collect()
}

/// Collects one layer's features. Deterministic: the same features in the same order give the same bytes.
pub struct Drawing<'a> {
    rule: Rule,
    frame: Frame,
    heights: Heights<'a>,
    detail: Detail,
    /// Where the table's columns come from, for features of the layer whose turn it is.
    sources: Vec<Source>,
    /// Of several layers: what each of them looks like.
    looks: Vec<joint::Look>,
    mesh: Mesh,
    instances: Option<Instances>,
    table: Table,
    counts: Counts,
    extruder: Extruder,
    surfacer: Surfacer,
    lod: LodSurfaces,
    local: Vec<[f64; 3]>,
    measured: Measured,
}

/// Where a column's values come from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    Field(usize),
    SizeAssumed,
    HeightAssumed,
    /// The layer's id.
    Layer(String),
    /// The layer's CIM level.
    Level(i64),
    /// The layer has no such field.
    Nothing,
}

/// What was drawn and forgotten.
#[derive(Debug, Clone, Copy, Default)]
struct Measured {
    drawn: u64,
    vertices: u64,
    bounds_m: Option<[[f64; 3]; 2]>,
}

/// What a content would be, without the faces.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measure {
    pub drawn: u64,
    pub vertices: u64,
    /// As `Drawn::bounds_m`.
    pub bounds_m: [[f64; 3]; 2],
}

/// What was taken because the record does not say.
#[derive(Debug, Clone, Copy, Default)]
struct Assumed {
    size: bool,
    height: bool,
}

impl<'a> Drawing<'a> {
    /// `columns` are indices of the layer's fields. `None` of a layer whose scene is not drawn from features
    /// (terrain, mesh, none).
    pub fn new(
        layer: &Layer,
        frame: Frame,
        columns: &[usize],
        detail: Detail,
        heights: Heights<'a>,
    ) -> Option<Drawing<'a>> {
        let rule = Rule::of(layer)?;
        if matches!(rule.kind(), SceneKind::Terrain | SceneKind::Mesh) {
            return None;
        }
        let precision_m = match rule.kind() {
            SceneKind::Tube => detail.precision_m.min(detail.tolerance_m / STEPS_PER_TOLERANCE),
            _ => detail.precision_m,
        };
        let mut mesh = Mesh::new(precision_m);
        if matches!(rule.kind(), SceneKind::Tube | SceneKind::Node) {
            mesh.order = Order::AsMade;
        }
        let instances = (rule.kind() == SceneKind::Instance).then(|| Instances {
            model: rule.scene.model.unwrap_or(ModelName::Marker),
            colour: rule.scene.colour,
            exponent: mesh.exponent(),
            places: vec![],
        });
        let columns: Vec<usize> = columns.iter().copied().filter(|c| *c < layer.fields.len()).collect();
        let mut all: Vec<Column> = columns.iter().map(|&c| Column::of(&layer.fields[c])).collect();
        let mut sources: Vec<Source> = columns.into_iter().map(Source::Field).collect();
        for source in assumptions(rule.kind()) {
            all.push(assumption(source));
            sources.push(source.clone());
        }
        let table = Table::new(&layer.id, all);
        Some(Drawing {
            rule,
            frame,
            heights,
            detail,
            sources,
            looks: vec![],
            mesh,
            instances,
            table,
            counts: Counts::default(),
            extruder: Extruder::default(),
            surfacer: Surfacer::default(),
            lod: LodSurfaces::default(),
            local: vec![],
            measured: Measured::default(),
        })
    }

    /// Adds a feature by its geometry and values. One that cannot be drawn is counted, and has no row.
    pub fn feature(&mut self, item: &Item<'_>) {
        let before = self.mesh.mark();
        let assumed = match self.rule.kind() {
            SceneKind::Tube => self.pipe(item),
            SceneKind::Node => self.node(item),
            SceneKind::Instance => self.instance(item),
            SceneKind::Extrude | SceneKind::Surface => self.block(item),
            SceneKind::Terrain | SceneKind::Mesh => Err(Undrawn::WrongGeometry),
        };
        self.enter(item, assumed, &before);
    }

    /// Adds a feature by its 3D surfaces. `sides`: `Front` where they close volumes, else `Both`.
    pub fn surfaces(&mut self, item: &Item<'_>, surfaces: &Surfaces<'_>, sides: Sides) {
        self.dressed(item, surfaces, None, sides);
    }

    fn dressed(&mut self, item: &Item<'_>, surfaces: &Surfaces<'_>, dress: Option<Dress<'_>>, sides: Sides) {
        self.local.clear();
        match surfaces.vertices {
            Vertices::Local(places) => self.local.extend_from_slice(places),
            Vertices::Geographic(places) => {
                let undulation_m = |p: &[f64; 3]| (self.heights.undulation_m)([p[0], p[1]]);
                let local = places.iter().map(|p| self.frame.local([p[0], p[1]], p[2] + undulation_m(p)));
                self.local.extend(local);
            }
        }
        let rule = &self.rule;
        let mut material =
            |mesh: &mut Mesh, part| mesh.material(Material { colour: rule.colour(part), sides, light: Light::Lit });
        let row = self.table.rows();
        let faults = &mut self.counts.surfaces;
        let before = self.mesh.mark();
        let drawn = self.surfacer.surfaces(&mut self.mesh, (surfaces, dress), &self.local, &mut material, row, faults);
        self.enter(item, drawn.map(|()| Assumed::default()), &before);
    }

    /// Adds a feature by its 3D model at one level of detail.
    pub fn model(&mut self, item: &Item<'_>, model: &Model, lod: &Lod) {
        let mut lists = std::mem::take(&mut self.lod);
        let (surfaces, sides) = lists.of(model, lod);
        let skin = model.skin.as_ref().zip(model.lods.iter().position(|l| std::ptr::eq(l, lod)));
        let dress = skin.and_then(|(s, at)| Some(Dress { paints: &s.paints, skin: s.lods.get(at)? }));
        self.dressed(item, &surfaces, dress, sides);
        self.lod = lists;
    }

    /// The images that what was added wears.
    pub fn images(&self) -> &[ImageId] {
        &self.mesh.images
    }

    /// Gives what was added its textures: see `atlas::hang`.
    ///
    /// # Errors
    /// As `atlas::hang`.
    pub fn hang(
        &mut self,
        stock: &[Vec<atlas::Size>],
        limits: atlas::Limits,
        read: &mut dyn FnMut(usize, usize) -> Result<Vec<u8>>,
    ) -> Result<()> {
        atlas::hang(&mut self.mesh, stock, limits, read)
    }

    /// Takes out the faces added so far and remembers where they were: for measuring many contents side by side in
    /// little memory. What they were; `None` of no faces. Only `measure` makes sense after it.
    pub fn forget(&mut self) -> Option<Measure> {
        let (vertices, bounds_m) = (self.mesh.vertices.len() as u64, self.mesh.bounds_m());
        let drawn = self.counts.drawn - self.measured.drawn;
        self.measured.drawn = self.counts.drawn;
        self.measured.vertices += vertices;
        self.measured.bounds_m = union(self.measured.bounds_m, bounds_m);
        self.mesh.clear();
        bounds_m.map(|bounds_m| Measure { drawn, vertices, bounds_m })
    }

    /// What a content of all that was added would be; `None` when nothing was drawn.
    pub fn measure(mut self) -> Option<Measure> {
        self.forget();
        let around = self.instances.as_ref().and_then(Instances::bounds_m);
        let bounds_m = union(self.measured.bounds_m, around)?;
        Some(Measure { drawn: self.counts.drawn, vertices: self.measured.vertices, bounds_m })
    }

    /// The glb of all that was added; `None` when nothing was drawn.
    pub fn finish(self, form: Form) -> (Option<Drawn>, Counts) {
        let Drawing { mut mesh, mut instances, table, counts, .. } = self;
        let around = instances.as_ref().and_then(Instances::bounds_m);
        if form.instancing == Instancing::Expanded
            && let Some(instances) = instances.take()
        {
            instances.expand_into(&mut mesh);
        }
        let Some(bounds_m) = union(mesh.bounds_m(), around) else { return (None, counts) };
        let glb = glb::write(&Content { mesh, instances, table: Some(table) }, form.compression);
        (Some(Drawn { glb, bounds_m, counts: counts.clone() }), counts)
    }

    /// Gives what was drawn its row. Half a feature, or one whose faces are all finer than the grid or lead out of it, has
    /// none: it is taken out and counted.
    fn enter(&mut self, item: &Item<'_>, drawn: std::result::Result<Assumed, Undrawn>, before: &Mark) {
        let seen = self.instances.is_some() || self.mesh.grew(before);
        let whole = match (seen, self.mesh.leaves_grid(before)) {
            (_, true) => Err(Undrawn::TooWide),
            (false, _) => Err(Undrawn::NoArea),
            (true, false) => Ok(()),
        };
        let assumed = match drawn.and_then(|assumed| whole.map(|()| assumed)) {
            Ok(assumed) => assumed,
            Err(why) => {
                self.mesh.roll_back(before);
                *self.counts.undrawn.entry(why).or_default() += 1;
                return;
            }
        };
        self.counts.drawn += 1;
        let sources = &self.sources;
        self.table.push(item.id, &mut |i| match &sources[i] {
            Source::Field(field) => item.values.get(*field).copied().unwrap_or(ValueRef::Null),
            Source::SizeAssumed => ValueRef::Bool(assumed.size),
            Source::HeightAssumed => ValueRef::Bool(assumed.height),
            Source::Layer(id) => ValueRef::Text(id),
            Source::Level(level) => ValueRef::Int(*level),
            Source::Nothing => ValueRef::Null,
        });
    }
}

/// Which assumptions a kind of scene reports.
fn assumptions(kind: SceneKind) -> &'static [Source] {
    match kind {
        SceneKind::Tube => &[Source::SizeAssumed, Source::HeightAssumed],
        SceneKind::Node | SceneKind::Extrude => &[Source::HeightAssumed],
        _ => &[],
    }
}

fn assumption(source: &Source) -> Column {
    let (id, name, description) = match source {
        Source::SizeAssumed => (SIZE_ASSUMED, "尺寸为推定", "The record has no size: the class's is drawn"),
        _ => (HEIGHT_ASSUMED, "高程为推定", "The record has no heights of its own: they are assumed"),
    };
    Column {
        id: id.into(),
        name: name.into(),
        description: Some(description.into()),
        kind: ColumnKind::Bool,
        semantic: None,
    }
}

fn union(a: Option<[[f64; 3]; 2]>, b: Option<[[f64; 3]; 2]>) -> Option<[[f64; 3]; 2]> {
    let (Some([a, b]), Some([c, d])) = (a, b) else { return a.or(b) };
    Some([[0, 1, 2].map(|i| a[i].min(c[i])), [0, 1, 2].map(|i| b[i].max(d[i]))])
}
