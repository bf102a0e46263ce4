//! What a record becomes, by its layer's kind of scene: a block, a pipe, a node's body, an instance. Reads values
//! through the rule and places heights; shapes are made elsewhere.

use super::{Assumed, Drawing, Item};
use crate::feature::Geometry;
use crate::geo::GeometryKind;
use crate::layer::Part;
use crate::scene::centre::{Stretch, centre_line, ground_m};
use crate::scene::extrude::BlockPaint;
use crate::scene::instance::Place;
use crate::scene::joint::End;
use crate::scene::mesh::{Light, Material, Sides};
use crate::scene::node::{Accessory, Body, UNKNOWN_PIPE_M, node};
use crate::scene::rule::Known;
use crate::scene::tube::{Tube, TubePaint, tube};
use crate::scene::{Undrawn, models};

impl Drawing<'_> {
    fn ground_m(&self, lonlat: [f64; 2]) -> Known<f64> {
        ground_m(&self.heights, lonlat)
    }

    /// Of the places around a block: no corner of it hangs in the air.
    fn lowest_ground_m(&self, places: &[[f64; 2]]) -> f64 {
        places.iter().filter_map(|p| (self.heights.ground_m)(*p)).reduce(f64::min).unwrap_or(0.0)
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
        if g.kind != GeometryKind::Polygon || g.xy.is_empty() {
            return Err(Undrawn::WrongGeometry);
        }
        let height = self.rule.height_m(values);
        // Height 0 at every corner is a map's way of saying nothing.
        let known = g.z.iter().any(|z| *z != 0.0);
        let lowest = g.z.iter().copied().filter(|z| known && z.is_finite()).reduce(f64::min);
        let stands = || self.rule.ground_m(values).or(lowest).unwrap_or_else(|| self.lowest_ground_m(&g.xy));
        let (base_m, top_m, assumed) = match (self.rule.bottom_m(values), self.rule.top_m(values)) {
            (Some(bottom_m), Some(top_m)) => (bottom_m, top_m, false),
            (Some(bottom_m), None) => (bottom_m, bottom_m + height.value, height.assumed),
            (None, Some(top_m)) => (top_m - height.value, top_m, height.assumed),
            (None, None) => {
                let base_m = stands();
                (base_m, base_m + height.value, height.assumed)
            }
        };
        let paint = BlockPaint {
            roof: self.paint(Part::Roof, Light::Lit),
            wall: self.paint(Part::Wall, Light::Lit),
            ground: self.paint(Part::Ground, Light::Lit),
        };
        let levels = ([base_m, top_m], self.heights.undulation_m);
        let row = self.table.rows();
        self.extruder.block(&mut self.mesh, &self.frame, g, levels, paint, row)?;
        Ok(Assumed { size: false, height: assumed })
    }

    pub(super) fn pipe(&mut self, item: &Item<'_>) -> Result<Assumed, Undrawn> {
        let g = item.geometry;
        if g.kind != GeometryKind::Line {
            return Err(Undrawn::WrongGeometry);
        }
        let (section, _) = self.rule.section(item.values);
        let paint = self.tube_paint();
        let row = self.table.rows();
        let mut assumed = Assumed { size: section.assumed, height: false };
        let mut drawn = Err(Undrawn::NoLength);
        let mut stretches = Stretch::all(g).enumerate().peekable();
        while let Some((i, line)) = stretches.next() {
            assumed.height |= centre_line(&self.rule, &self.heights, &self.frame, line, item.values, &mut self.local);
            let ends = [
                if i == 0 { item.ends[0] } else { End::Free },
                if stretches.peek().is_none() { item.ends[1] } else { End::Free },
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
            let own_m = self.rule.elevation_m(values).or(g.z.get(i).copied().filter(|z| z.is_finite() && *z != 0.0));
            // A pipe's middle is known better than what a node's elevation is of.
            let pipe_m = item.on_pipe.map(|p| p.middle_m).or(own_m).map(|h| h + undulation_m);
            let pipe_outer_m = item.on_pipe.map_or(UNKNOWN_PIPE_M, |p| p.outer_m);
            let guessed_m = ground_m - self.rule.cover_m();
            let diameter_m = self.rule.shaft_m();
            let body = match (self.rule.accessory(values), self.rule.depth_m(values)) {
                (_, Some(depth_m)) => Body::Well { ground_m, bottom_m: ground_m - depth_m, diameter_m },
                (Accessory::Shaft, None) => {
                    let below_m = item.on_pipe.map(|p| p.middle_m - p.outer_m / 2.0);
                    let bottom_m = own_m.or(below_m).map(|h| h + undulation_m).filter(|b| *b < ground_m);
                    let bottom_m = bottom_m.unwrap_or(guessed_m);
                    Body::Well { ground_m, bottom_m, diameter_m }
                }
                (Accessory::Valve, None) => Body::Valve { ground_m, pipe_m: pipe_m.unwrap_or(guessed_m), pipe_outer_m },
                (Accessory::Other, None) => Body::Fitting { pipe_m: pipe_m.unwrap_or(guessed_m), pipe_outer_m },
            };
            // What its pipe lends it is not the record's own.
            let unsaid = self.rule.depth_m(values).is_none() && own_m.is_none();
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

/// Where the model of a line or an area stands: the line's middle vertex, the middle of the area's box.
fn middle(g: &Geometry) -> [f64; 2] {
    match g.kind {
        GeometryKind::Polygon => g.bbox().center(),
        _ => g.xy[g.xy.len() / 2],
    }
}
