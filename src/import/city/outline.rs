//! The footprint (建筑基底) of a model: its ground surfaces as one polygon, or what comes nearest to them. Works on models
//! in degrees; measures in metres around the model.

use super::frame::Frame;
use crate::feature::{Geometry, Lod, Model, Role, SurfaceView};
use crate::geo::GeometryKind;
use crate::import::repair::reject;
use crate::import::wire::Reject;
use i_overlay::core::fill_rule::FillRule;
use i_overlay::core::overlay::{ContourDirection, IntOverlayOptions, Overlay, ShapeType};
use i_overlay::core::overlay_rule::OverlayRule;
use i_overlay::core::solver::Solver;
use i_overlay::i_float::int::point::IntPoint;
use std::collections::HashMap;

/// Surfaces are united on a grid of 0.1 mm, steps a metre.
const GRID: f64 = 1e4;
/// Steps from the model's first corner at most, so that no difference of two leaves i32: what is wider than 100 km, as a
/// model with a vertex astray, has a coarser grid.
const FARTHEST_STEPS: f64 = 1e9;
/// Beyond this from the first corner there is no such place.
const FARTHEST_M: f64 = 1e7;
/// Gaps and slivers between surfaces that should meet: at most 0.01 m².
const SLIVER_M2: f64 = 0.01;
/// Surfaces steeper than this (cosine of the angle to the vertical) are walls.
const FLAT: f64 = 0.05;

/// The polygon on which the model stands, with the height of its ground.
///
/// Taken from, in this order: surfaces called ground, of the finest level that has them; the level 0 (a footprint or a
/// roof edge); the faces that look down; the projection of all faces that are no walls; where all of these cross
/// themselves to nothing, the convex hull.
///
/// # Errors
/// `no-footprint` where all of it is walls, `too-wide` where its corners are no building's.
pub fn outline(model: &Model) -> Result<Geometry, Reject> {
    let frame = Frame::of(model);
    if frame.reach() > FARTHEST_M {
        return Err(reject("too-wide", "corners of the model lie more than 10 000 km apart"));
    }
    let ground = model.lods.iter().rev().find(|l| l.walk().any(|s| s.role == Role::Ground));
    let finest = model.lods.last();
    let zero = model.lods.first().filter(|l| l.tier.level == 0);
    let pick = |lod: Option<&'_ Lod>, keep: &dyn Fn(&SurfaceView) -> bool| -> Vec<Vec<Vec<u32>>> {
        let surfaces = lod.into_iter().flat_map(Lod::walk).filter(|s| keep(s));
        surfaces.map(|s| s.rings().map(<[u32]>::to_vec).collect()).collect()
    };
    let slope = |s: &SurfaceView| frame.slope(s.exterior());
    let ways: [&dyn Fn() -> Vec<Vec<Vec<u32>>>; 4] = [
        &|| pick(ground, &|s| s.role == Role::Ground && slope(s).abs() > FLAT),
        &|| pick(zero, &|s| slope(s).abs() > FLAT),
        &|| pick(finest, &|s| s.closed && slope(s) < -FLAT),
        &|| pick(finest, &|s| slope(s).abs() > FLAT),
    ];
    let found = ways.iter().map(|way| frame.united(&way())).find(|g| !g.xy.is_empty());
    found.or_else(|| frame.hull()).ok_or_else(|| reject("no-footprint", "every surface of the model is vertical"))
}

impl Frame<'_> {
    /// All surfaces as one polygon; a single one as it is.
    fn united(&self, surfaces: &[Vec<Vec<u32>>]) -> Geometry {
        if let [one] = surfaces {
            let ring = |ring: &Vec<u32>| ring.iter().chain(ring.first()).copied().collect::<Vec<u32>>();
            let rings: Vec<Vec<u32>> = one.iter().map(ring).collect();
            let places = |r: &Vec<u32>| r.iter().map(|&c| self.model.positions[c as usize]).collect::<Vec<_>>();
            let xy: Vec<Vec<[f64; 2]>> =
                rings.iter().map(|r| places(r).iter().map(|p| [p[0], p[1]]).collect()).collect();
            let z = rings.iter().flat_map(places).map(|p| p[2]).collect();
            return Geometry { z, ..Geometry::polygon(&xy) };
        }
        let lowest = surfaces.iter().flatten().flatten().map(|&c| self.model.positions[c as usize][2]);
        let lowest = lowest.fold(f64::INFINITY, f64::min);
        let mut g = self.union(surfaces);
        g.z = vec![lowest; g.xy.len()];
        g
    }

    /// The convex hull of all places (Andrew's monotone chain), unless it is no more than a sliver.
    fn hull(&self) -> Option<Geometry> {
        let mut all: Vec<([f64; 2], u32)> = (0..self.model.positions.len() as u32)
            .map(|c| (self.place(c), c))
            .map(|(p, c)| ([p[0], p[1]], c))
            .collect();
        all.sort_by(|a, b| a.0[0].total_cmp(&b.0[0]).then(a.0[1].total_cmp(&b.0[1])));
        let turn =
            |a: [f64; 2], b: [f64; 2], c: [f64; 2]| (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
        let chain = |places: &mut dyn Iterator<Item = &([f64; 2], u32)>| {
            let mut side: Vec<([f64; 2], u32)> = vec![];
            for &p in places {
                while side.len() > 1 && turn(side[side.len() - 2].0, side[side.len() - 1].0, p.0) <= 0.0 {
                    side.pop();
                }
                side.push(p);
            }
            side.pop();
            side
        };
        let mut ring = chain(&mut all.iter());
        ring.extend(chain(&mut all.iter().rev()));
        let area: f64 = (0..ring.len())
            .map(|i| (ring[i].0, ring[(i + 1) % ring.len()].0))
            .map(|(a, b)| a[0] * b[1] - b[0] * a[1])
            .sum();
        if ring.len() < 3 || area < 2.0 * SLIVER_M2 {
            return None;
        }
        let lowest = self.model.bounds()[0][2];
        let place = |c: &u32| [self.model.positions[*c as usize][0], self.model.positions[*c as usize][1]];
        let xy: Vec<[f64; 2]> = ring.iter().chain(ring.first()).map(|(_, c)| place(c)).collect();
        Some(Geometry { z: vec![lowest; xy.len()], ..Geometry::polygon(&[xy]) })
    }

    /// How far from the first corner the model reaches to any side, metres.
    fn reach(&self) -> f64 {
        let corners = (0..self.model.positions.len() as u32).flat_map(|corner| self.place(corner).into_iter().take(2));
        corners.map(f64::abs).fold(0.0, f64::max)
    }

    fn union(&self, surfaces: &[Vec<Vec<u32>>]) -> Geometry {
        let grid = GRID.min(FARTHEST_STEPS / self.reach());
        let corners = surfaces.iter().flatten().map(Vec::len).sum();
        let mut overlay = Overlay::new_custom(corners, OPTIONS, Solver::default());
        let mut known: HashMap<[i32; 2], u32> = HashMap::new();
        for surface in surfaces {
            for (i, ring) in surface.iter().enumerate() {
                let mut path: Vec<[i32; 2]> = Vec::with_capacity(ring.len());
                for &corner in ring {
                    let [x, y, _] = self.place(corner);
                    let at = [x, y].map(|v| (v * grid).round() as i32);
                    known.entry(at).or_insert(corner);
                    path.push(at);
                }
                // Exteriors count up, holes down, whichever way the surface looks.
                if (double_area(&path) > 0) != (i == 0) {
                    path.reverse();
                }
                overlay.add_path_iter(path.iter().map(|p| IntPoint::new(p[0], p[1])), ShapeType::Subject);
            }
        }
        let mut g = Geometry::empty(GeometryKind::Polygon);
        for polygon in overlay.overlay(OverlayRule::Subject, FillRule::Positive) {
            for (i, ring) in polygon.iter().enumerate() {
                let path: Vec<[i32; 2]> = ring.iter().map(|p| [p.x, p.y]).collect();
                let sliver = (double_area(&path).unsigned_abs() as f64) < 2.0 * SLIVER_M2 * grid * grid;
                if sliver && i == 0 {
                    break;
                }
                if !sliver {
                    g.xy.extend(path.iter().chain(path.first()).map(|p| self.degrees(*p, grid, &known)));
                    g.ends.push(g.xy.len() as u32);
                }
            }
            if g.ends.len() as u32 > g.parts.last().copied().unwrap_or(0) {
                g.parts.push(g.ends.len() as u32);
            }
        }
        g
    }

    /// A place of the grid: the corner that was put there, else the place itself.
    fn degrees(&self, at: [i32; 2], grid: f64, known: &HashMap<[i32; 2], u32>) -> [f64; 2] {
        match known.get(&at) {
            Some(&corner) => {
                let p = self.model.positions[corner as usize];
                [p[0], p[1]]
            }
            None => std::array::from_fn(|k| self.origin[k] + f64::from(at[k]) / grid / self.scale[k]),
        }
    }
}

/// Rings may touch themselves where surfaces meet in a point: GEOS takes them apart afterwards, as it does for every
/// other polygon. (The library's own way to part them stops at an assertion on real roofs.)
const OPTIONS: IntOverlayOptions = IntOverlayOptions {
    preserve_input_collinear: false,
    output_direction: ContourDirection::CounterClockwise,
    preserve_output_collinear: false,
    min_output_area: 0,
    ogc: false,
};

fn double_area(ring: &[[i32; 2]]) -> i64 {
    let wide = |p: [i32; 2]| p.map(i64::from);
    (0..ring.len())
        .map(|i| {
            let (a, b) = (wide(ring[i]), wide(ring[(i + 1) % ring.len()]));
            a[0] * b[1] - b[0] * a[1]
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::super::frame::METRES_PER_DEGREE;
    use super::*;
    use crate::feature::Tier;
    use crate::import::city::build::Builder;

    const LON: f64 = 114.3;
    const LAT: f64 = 34.8;

    /// Metres east, north, up of a place in Kaifeng.
    fn at([x, y, z]: [f64; 3]) -> [f64; 3] {
        [LON + x / (METRES_PER_DEGREE * LAT.to_radians().cos()), LAT + y / METRES_PER_DEGREE, z]
    }

    type Face = (Role, &'static [&'static [[f64; 3]]]);

    fn model(level: u8, closed: bool, faces: &[Face]) -> Model {
        let mut builder = Builder::new(&[], 1000);
        let mut shell = builder.shell(Tier { level, refined: None }, closed);
        for (role, rings) in faces {
            shell.surface(*role, rings.iter().map(|r| r.iter().map(|p| Ok(at(*p))))).unwrap();
        }
        shell.close();
        builder.finish().0.unwrap()
    }

    /// Area in m² and parts of an outline.
    fn measured(g: &Geometry) -> (f64, usize) {
        let frame = [METRES_PER_DEGREE * LAT.to_radians().cos(), METRES_PER_DEGREE];
        let metres = |p: &[f64; 2]| [(p[0] - LON) * frame[0], (p[1] - LAT) * frame[1]];
        let area: f64 = g
            .runs()
            .flat_map(|r| g.xy[r].windows(2).map(|w| (metres(&w[0]), metres(&w[1]))).collect::<Vec<_>>())
            .map(|(a, b)| (a[0] * b[1] - b[0] * a[1]) / 2.0)
            .sum();
        ((area * 100.0).round() / 100.0, g.parts.len())
    }

    const LEFT: &[[f64; 3]] = &[[0., 0., 2.], [0., 5., 2.], [5., 5., 2.], [5., 0., 2.]];
    const RIGHT: &[[f64; 3]] = &[[5., 0., 1.], [5., 5., 1.], [9., 5., 1.], [9., 0., 1.]];
    const HIGH: &[[f64; 3]] = &[[-1., -1., 8.], [10., -1., 8.], [10., 6., 8.], [-1., 6., 8.]];
    const WALL: &[[f64; 3]] = &[[0., 0., 2.], [5., 0., 2.], [5., 0., 8.], [0., 0., 8.]];

    #[test]
    fn one_ground_surface_is_taken_as_it_is() {
        let m = model(2, true, &[(Role::Roof, &[HIGH]), (Role::Wall, &[WALL]), (Role::Ground, &[LEFT])]);
        let g = outline(&m).unwrap();
        let first = g.xy[0];
        assert!(m.positions.iter().any(|p| [p[0], p[1]] == first));
        assert_eq!((g.xy.len(), g.z.clone(), measured(&g).0.abs()), (5, vec![2.0; 5], 25.0));
    }

    #[test]
    fn ground_surfaces_become_one_polygon() {
        let m = model(2, true, &[(Role::Ground, &[LEFT]), (Role::Ground, &[RIGHT]), (Role::Roof, &[HIGH])]);
        let g = outline(&m).unwrap();
        assert_eq!((g.xy.len(), g.z[0], measured(&g)), (5, 1.0, (45.0, 1)));
    }

    #[test]
    fn without_ground_the_faces_that_look_down_then_all_that_are_no_walls() {
        let unknown: Vec<Face> = vec![(Role::Unknown, &[LEFT]), (Role::Unknown, &[HIGH]), (Role::Unknown, &[WALL])];
        // LEFT is clockwise from above: it looks down.
        assert_eq!(measured(&outline(&model(1, true, &unknown)).unwrap()).0.abs(), 25.0);
        assert_eq!(measured(&outline(&model(1, false, &unknown)).unwrap()), (77.0, 1));
        const BOW: &[[f64; 3]] = &[[0., 0., 2.], [5., 5., 2.], [5., 0., 2.], [0., 5., 2.]];
        assert_eq!(measured(&outline(&model(1, true, &[(Role::Ground, &[BOW])])).unwrap()), (25.0, 1));
        let walls: Vec<Face> = vec![(Role::Ground, &[WALL]), (Role::Unknown, &[WALL])];
        assert_eq!(outline(&model(1, true, &walls)).unwrap_err().code, "no-footprint");
    }

    #[test]
    fn courts_stay_open_and_parts_apart() {
        const COURT: &[[f64; 3]] = &[[1., 1., 2.], [3., 1., 2.], [3., 3., 2.], [1., 3., 2.]];
        const FAR: &[[f64; 3]] = &[[20., 0., 2.], [20., 5., 2.], [25., 5., 2.], [25., 0., 2.]];
        let m = model(2, true, &[(Role::Ground, &[LEFT, COURT]), (Role::Ground, &[FAR])]);
        let g = outline(&m).unwrap();
        assert_eq!((measured(&g), g.ends.len()), ((46.0, 2), 3));
    }
}
