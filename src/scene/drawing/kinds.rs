//! What a record becomes, by its layer's kind of scene: a block, a pipe, a node's body, an instance. Reads values
//! through the rule and places heights; shapes are made elsewhere.

use super::{Assumed, Drawing, Item};
use crate::feature::{Geometry, ValueRef};
use crate::geo::GeometryKind;
use crate::layer::{ElevationReference, Part};
use crate::scene::extrude::BlockPaint;
use crate::scene::frame::{Frame, length, sub};
use crate::scene::instance::Place;
use crate::scene::mesh::{Light, Material, Sides};
use crate::scene::node::{Accessory, Body, node};
use crate::scene::rule::{Known, centre_above};
use crate::scene::tube::{End, Tube, TubePaint, tube};
use crate::scene::{Undrawn, models};

impl Drawing<'_> {
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

    pub(super) fn block(&mut self, item: &Item<'_>) -> Result<Assumed, Undrawn> {
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

    pub(super) fn pipe(&mut self, item: &Item<'_>) -> Result<Assumed, Undrawn> {
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
                reference = ElevationReference::OuterTop;
                let cover_m = self.rule.cover_m();
                (between(grounds.map(|g| g.value - cover_m)).collect(), true)
            }
        };
        let lift_m = centre_above(reference, section.value, bore_m) + (self.heights.undulation_m)(first);
        self.local.clear();
        self.local.extend(xy.iter().zip(heights).map(|(p, h)| self.frame.local(*p, h + lift_m)));
        assumed
    }

    pub(super) fn node(&mut self, item: &Item<'_>) -> Result<Assumed, Undrawn> {
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

    pub(super) fn instance(&mut self, item: &Item<'_>) -> Result<Assumed, Undrawn> {
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
