//! One layer of one tile: features in, one glb out. Decides nothing about tiles: which features, which level, which
//! columns and whose ground is the caller's.

use super::buffers::Compression;
use super::extrude::{BlockPaint, Extruder};
use super::frame::{Frame, length, sub};
use super::glb::{self, Content};
use super::instance::{Instances, Place};
use super::lod::LodSurfaces;
use super::mesh::{Light, Material, Mesh, Order, Sides};
use super::node::{Accessory, Body, node};
use super::rule::{Known, Rule, centre_above};
use super::surface::{SurfaceFaults, Surfacer, Surfaces, Vertices};
use super::table::{Column, ColumnKind, Table};
use super::tube::{End, Tube, TubePaint, tube};
use super::{Undrawn, models};
use crate::feature::{FeatureId, Geometry, Lod, Model, ValueRef};
use crate::geo::GeometryKind;
use crate::layer::{Layer, ModelName, Part, RECORDS_ONLY, SceneKind};
use std::collections::BTreeMap;

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
}

impl<'a> Item<'a> {
    /// With free ends.
    pub fn new(id: FeatureId, geometry: &'a Geometry, values: &'a [ValueRef<'a>]) -> Item<'a> {
        Item { id, geometry, values, ends: [End::Free; 2] }
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
    /// Least and greatest corner, east, north, up in metres of the frame: holds every vertex, and every instance as
    /// clients bound it.
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
    columns: Vec<usize>,
    mesh: Mesh,
    instances: Option<Instances>,
    table: Table,
    counts: Counts,
    extruder: Extruder,
    surfacer: Surfacer,
    lod: LodSurfaces,
    local: Vec<[f64; 3]>,
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
        all.extend(assumptions(rule.kind()).iter().map(|id| assumption(id)));
        let table = Table::new(&layer.id, all);
        Some(Drawing {
            rule,
            frame,
            heights,
            detail,
            columns,
            mesh,
            instances,
            table,
            counts: Counts::default(),
            extruder: Extruder::default(),
            surfacer: Surfacer::default(),
            lod: LodSurfaces::default(),
            local: vec![],
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
        if assumed.is_err() {
            // Half a feature has no row of its own.
            self.mesh.roll_back(&before);
        }
        self.enter(item, assumed);
    }

    /// Adds a feature by its 3D surfaces. `sides`: `Front` where they close volumes, else `Both`.
    pub fn surfaces(&mut self, item: &Item<'_>, surfaces: &Surfaces<'_>, sides: Sides) {
        self.local.clear();
        match surfaces.vertices {
            Vertices::Local(places) => self.local.extend_from_slice(places),
            Vertices::Geographic(places) => {
                let undulation_m = places.first().map_or(0.0, |p| (self.heights.undulation_m)([p[0], p[1]]));
                let local = places.iter().map(|p| self.frame.local([p[0], p[1]], p[2] + undulation_m));
                self.local.extend(local);
            }
        }
        let rule = &self.rule;
        let mut material =
            |mesh: &mut Mesh, part| mesh.material(Material { colour: rule.colour(part), sides, light: Light::Lit });
        let row = self.table.rows();
        let drawn = self.surfacer.surfaces(&mut self.mesh, surfaces, &self.local, &mut material, row);
        if let Ok(faults) = drawn {
            self.counts.surfaces += faults;
        }
        self.enter(item, drawn.map(|_| Assumed::default()));
    }

    /// Adds a feature by its 3D model at one level of detail.
    pub fn model(&mut self, item: &Item<'_>, model: &Model, lod: &Lod) {
        let mut lists = std::mem::take(&mut self.lod);
        let (surfaces, sides) = lists.of(model, lod);
        self.surfaces(item, &surfaces, sides);
        self.lod = lists;
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

    fn enter(&mut self, item: &Item<'_>, drawn: Result<Assumed, Undrawn>) {
        let assumed = match drawn {
            Ok(assumed) => assumed,
            Err(why) => {
                *self.counts.undrawn.entry(why).or_default() += 1;
                return;
            }
        };
        self.counts.drawn += 1;
        let (columns, flags) = (&self.columns, assumptions(self.rule.kind()));
        self.table.push(item.id, &mut |i| match columns.get(i) {
            Some(&field) => item.values.get(field).copied().unwrap_or(ValueRef::Null),
            None => ValueRef::Bool(match flags[i - columns.len()] {
                SIZE_ASSUMED => assumed.size,
                _ => assumed.height,
            }),
        });
    }

    fn ground_m(&self, lonlat: [f64; 2]) -> Known<f64> {
        let ground_m = (self.heights.ground_m)(lonlat);
        Known { value: ground_m.unwrap_or(0.0), assumed: ground_m.is_none() }
    }

    fn paint(&mut self, part: Part, light: Light) -> usize {
        let colour = self.rule.colour(part);
        self.mesh.material(Material { colour, sides: Sides::Front, light })
    }

    fn tube_paint(&mut self) -> TubePaint {
        TubePaint { body: self.paint(Part::Body, Light::Lit), line: self.paint(Part::Body, Light::Unlit) }
    }

    fn block(&mut self, item: &Item<'_>) -> Result<Assumed, Undrawn> {
        let (g, values) = (item.geometry, item.values);
        let (GeometryKind::Polygon, Some(&anchor)) = (g.kind, g.xy.first()) else { return Err(Undrawn::WrongGeometry) };
        let height = self.rule.height_m(values);
        let lowest = g.z.iter().copied().filter(|z| z.is_finite()).reduce(f64::min);
        let stands = || self.rule.ground_m(values).or(lowest).unwrap_or_else(|| self.ground_m(anchor).value);
        let (base_m, top_m, assumed) = match (self.rule.bottom_m(values), self.rule.top_m(values)) {
            (Some(bottom_m), Some(top_m)) => (bottom_m, top_m, false),
            (Some(bottom_m), None) => (bottom_m, bottom_m + height.value, height.assumed),
            (None, Some(top_m)) => (top_m - height.value, top_m, height.assumed),
            (None, None) => {
                let base_m = stands();
                (base_m, base_m + height.value, height.assumed)
            }
        };
        let undulation_m = (self.heights.undulation_m)(anchor);
        let paint = BlockPaint {
            roof: self.paint(Part::Roof, Light::Lit),
            wall: self.paint(Part::Wall, Light::Lit),
            ground: self.paint(Part::Ground, Light::Lit),
        };
        let levels = [base_m + undulation_m, top_m + undulation_m];
        let row = self.table.rows();
        self.extruder.block(&mut self.mesh, &self.frame, g, levels, paint, row)?;
        Ok(Assumed { size: false, height: assumed })
    }

    fn pipe(&mut self, item: &Item<'_>) -> Result<Assumed, Undrawn> {
        let g = item.geometry;
        if g.kind != GeometryKind::Line {
            return Err(Undrawn::WrongGeometry);
        }
        let (section, bore_m) = self.rule.section(item.values);
        let paint = self.tube_paint();
        let row = self.table.rows();
        let mut assumed = Assumed { size: section.assumed, height: false };
        let runs: Vec<_> = g.runs().collect();
        let mut drawn = Err(Undrawn::NoLength);
        for (i, run) in runs.iter().enumerate() {
            let z = g.z.get(run.clone()).filter(|z| z.len() == run.len());
            assumed.height |= self.centre_line(&g.xy[run.clone()], z, item.values, bore_m);
            let ends = [
                if i == 0 { item.ends[0] } else { End::Free },
                if i + 1 == runs.len() { item.ends[1] } else { End::Free },
            ];
            let shape = Tube { centre: &self.local, section: section.value, ends };
            match tube(&mut self.mesh, &shape, self.detail.tolerance_m, paint, row) {
                Ok(()) => drawn = Ok(assumed),
                Err(why) if drawn.is_err() => drawn = Err(why),
                Err(_) => {}
            }
        }
        drawn.map(|_| assumed)
    }

    /// Fills `local` with the middle of the section along a line; true when the heights are assumed. Recorded
    /// elevations at both ends come first, interpolated along the length; then the vertices' own heights; then
    /// depths below the ground; then one known end for both; then the class's cover.
    fn centre_line(&mut self, xy: &[[f64; 2]], z: Option<&[f64]>, values: &[ValueRef<'_>], bore_m: f64) -> bool {
        let levels = self.rule.levels(values);
        let (section, _) = self.rule.section(values);
        let share = shares(&self.frame, xy);
        let between = |[a, b]: [f64; 2]| share.iter().map(move |t| a + (b - a) * t);
        let (first, last) = (xy.first().copied().unwrap_or_default(), xy.last().copied().unwrap_or_default());
        let grounds = [self.ground_m(first), self.ground_m(last)];
        let mut reference = levels.reference;
        let own = z.filter(|z| z.iter().all(|h| h.is_finite()) && z.iter().any(|h| *h != 0.0));
        // Under ground of which nothing is known a depth gives no height.
        let under = [0, 1].map(|i| levels.depths_m[i].map(|d| grounds[i].value - d));
        let vague = grounds.iter().any(|g| g.assumed);
        let (heights, assumed): (Vec<f64>, bool) = match (levels.elevations_m, own, under) {
            ([Some(a), Some(b)], _, _) => (between([a, b]).collect(), false),
            (_, Some(z), _) => (z.to_vec(), false),
            (_, _, [Some(a), Some(b)]) => (between([a, b]).collect(), vague),
            ([Some(h), _] | [_, Some(h)], _, _) | (_, _, [Some(h), _] | [_, Some(h)]) => (vec![h; xy.len()], true),
            _ => {
                reference = crate::layer::ElevationReference::OuterTop;
                let cover_m = self.rule.cover_m();
                (between(grounds.map(|g| g.value - cover_m)).collect(), true)
            }
        };
        let lift_m = centre_above(reference, section.value, bore_m) + (self.heights.undulation_m)(first);
        self.local.clear();
        self.local.extend(xy.iter().zip(heights).map(|(p, h)| self.frame.local(*p, h + lift_m)));
        assumed
    }

    fn node(&mut self, item: &Item<'_>) -> Result<Assumed, Undrawn> {
        let g = item.geometry;
        let (GeometryKind::Point, false) = (g.kind, g.xy.is_empty()) else { return Err(Undrawn::WrongGeometry) };
        let values = item.values;
        let paint = self.tube_paint();
        let row = self.table.rows();
        let mut assumed = Assumed::default();
        for (i, &lonlat) in g.xy.iter().enumerate() {
            let undulation_m = (self.heights.undulation_m)(lonlat);
            let pillar = self.frame.pillar(lonlat);
            let known = self.rule.ground_m(values).map(|value| Known { value, assumed: false });
            let ground = known.unwrap_or_else(|| self.ground_m(lonlat));
            let ground_m = ground.value + undulation_m;
            let pipe_m = self.rule.elevation_m(values).or(g.z.get(i).copied().filter(|z| z.is_finite() && *z != 0.0));
            let pipe_m = pipe_m.map(|h| h + undulation_m);
            let guessed_m = ground_m - self.rule.cover_m();
            let diameter_m = self.rule.shaft_m();
            let body = match (self.rule.accessory(values), self.rule.depth_m(values)) {
                (_, Some(depth_m)) => Body::Well { ground_m, bottom_m: ground_m - depth_m, diameter_m },
                (Accessory::Shaft, None) => {
                    let bottom_m = pipe_m.filter(|p| *p < ground_m).unwrap_or(guessed_m);
                    Body::Well { ground_m, bottom_m, diameter_m }
                }
                (Accessory::Valve, None) => Body::Valve { ground_m, pipe_m: pipe_m.unwrap_or(guessed_m) },
                (Accessory::Other, None) => Body::Fitting { pipe_m: pipe_m.unwrap_or(guessed_m) },
            };
            let unsaid = self.rule.depth_m(values).is_none() && pipe_m.is_none();
            let stands_on_nothing = ground.assumed && !matches!(body, Body::Fitting { .. } if pipe_m.is_some());
            assumed.height |= unsaid || stands_on_nothing;
            node(&mut self.mesh, &pillar, body, self.detail.tolerance_m, paint, row)?;
        }
        Ok(assumed)
    }

    fn instance(&mut self, item: &Item<'_>) -> Result<Assumed, Undrawn> {
        let g = item.geometry;
        let row = self.table.rows();
        let (Some(instances), false) = (&mut self.instances, g.xy.is_empty()) else {
            return Err(Undrawn::WrongGeometry);
        };
        let own_m = self.rule.own_height_m(item.values);
        let size = own_m.or(self.rule.scene.height_m).map_or(1.0, |h| h / models::height_m(instances.model));
        let places: &[[f64; 2]] = match g.kind {
            GeometryKind::Point => &g.xy,
            _ => &[middle(g)],
        };
        for (i, &lonlat) in places.iter().enumerate() {
            let own = g.z.get(i).copied().filter(|z| z.is_finite() && *z != 0.0);
            let height_m = own.or_else(|| (self.heights.ground_m)(lonlat)).unwrap_or(0.0);
            let local = self.frame.local(lonlat, height_m + (self.heights.undulation_m)(lonlat));
            let at = self.mesh.snap(local);
            instances.places.push(Place { at, yaw_deg: self.rule.yaw_deg(item.values), size, row });
        }
        Ok(Assumed::default())
    }
}

/// Which assumptions a kind of scene reports.
fn assumptions(kind: SceneKind) -> &'static [&'static str] {
    match kind {
        SceneKind::Tube => &[SIZE_ASSUMED, HEIGHT_ASSUMED],
        SceneKind::Node | SceneKind::Extrude => &[HEIGHT_ASSUMED],
        _ => &[],
    }
}

fn assumption(id: &str) -> Column {
    let (name, description) = match id {
        SIZE_ASSUMED => ("尺寸为推定", "The record has no size: the class's is drawn"),
        _ => ("高程为推定", "The record has no heights of its own: they are assumed"),
    };
    Column {
        id: id.into(),
        name: name.into(),
        description: Some(description.into()),
        kind: ColumnKind::Bool,
        semantic: None,
    }
}

/// How far along the whole line each vertex lies, 0 … 1.
fn shares(frame: &Frame, xy: &[[f64; 2]]) -> Vec<f64> {
    let places: Vec<_> = xy.iter().map(|p| frame.local(*p, 0.0)).collect();
    let mut walked = vec![0.0];
    for s in places.windows(2) {
        walked.push(walked[walked.len() - 1] + length(sub(s[1], s[0])));
    }
    let whole = walked[walked.len() - 1].max(1e-9);
    walked.truncate(xy.len());
    walked.iter().map(|w| w / whole).collect()
}

/// Where the model of a line or an area stands: the line's middle vertex, the middle of the area's box.
fn middle(g: &Geometry) -> [f64; 2] {
    match g.kind {
        GeometryKind::Polygon => g.bbox().center(),
        _ => g.xy[g.xy.len() / 2],
    }
}

fn union(a: Option<[[f64; 3]; 2]>, b: Option<[[f64; 3]; 2]>) -> Option<[[f64; 3]; 2]> {
    let (Some([a, b]), Some([c, d])) = (a, b) else { return a.or(b) };
    Some([[0, 1, 2].map(|i| a[i].min(c[i])), [0, 1, 2].map(|i| b[i].max(d[i]))])
}
