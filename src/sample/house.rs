//! A building as a solid: walls, ground and a flat, gabled or hipped roof over its footprint; with windows and a door
//! where the openings are wanted. Pure; knows no files.

use super::plan::mesh::{Pt, add, distance, sub};
use super::rng::Rng;

/// What a face is, as CityJSON calls it; the place in this list is its number in the file.
pub const ROLES: [&str; 5] = ["GroundSurface", "RoofSurface", "WallSurface", "Window", "Door"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    Ground,
    Roof,
    Wall,
    Window,
    Door,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Roof {
    Flat,
    Gabled,
    Hipped,
}

impl Roof {
    /// What suits a building: small and low ones, and those of the old town, are pitched; only rectangles can be.
    pub fn of(footprint: &[Vec<Pt>], storeys: u32, old_town: bool, rng: &mut Rng) -> Roof {
        let rectangle = footprint.len() == 1 && footprint[0].len() == 5;
        let pitched = match (old_town, storeys) {
            (true, 1..=3) => 0.85,
            (_, 1..=3) => 0.45,
            (_, 4..=6) => 0.3,
            _ => 0.0,
        };
        match rectangle && rng.chance(pitched) {
            true => *rng.pick(&[Roof::Gabled, Roof::Gabled, Roof::Hipped]),
            false => Roof::Flat,
        }
    }
}

/// Rings that look outward: counter-clockwise seen from outside, exterior first, open.
#[derive(Debug, Default, Clone)]
pub struct House {
    /// EPSG:4547 easting, northing and height, metres.
    pub vertices: Vec<[f64; 3]>,
    pub faces: Vec<(Face, Vec<Vec<usize>>)>,
}

/// What is to be built.
pub struct Design<'a> {
    /// Closed rings, exterior counter-clockwise first, holes clockwise.
    pub footprint: &'a [Vec<Pt>],
    pub ground_m: f64,
    /// From the ground to the highest point.
    pub height_m: f64,
    pub storeys: u32,
    pub roof: Roof,
    /// Windows in every storey and a door.
    pub openings: bool,
}

/// Storeys that get windows of their own.
const WINDOW_ROWS: u32 = 12;

impl House {
    pub fn build(design: &Design) -> House {
        let mut house = House::default();
        match design.roof {
            Roof::Flat => house.flat(design),
            Roof::Gabled | Roof::Hipped => house.pitched(design),
        }
        house
    }

    fn ring_at(&mut self, ring: &[Pt], z: f64) -> Vec<usize> {
        ring.iter().map(|p| self.vertex([p[0], p[1], z])).collect()
    }

    fn vertex(&mut self, p: [f64; 3]) -> usize {
        self.vertices.push(p.map(|v| (v * 1000.0).round() / 1000.0));
        self.vertices.len() - 1
    }

    fn flat(&mut self, d: &Design) {
        let (low, high): (Vec<_>, Vec<_>) = d
            .footprint
            .iter()
            .map(|r| {
                let open = &r[..r.len() - 1];
                (self.ring_at(open, d.ground_m), self.ring_at(open, d.ground_m + d.height_m))
            })
            .unzip();
        let turned = low.iter().map(|r| r.iter().rev().copied().collect()).collect();
        self.faces.push((Face::Ground, turned));
        self.faces.push((Face::Roof, high.clone()));
        for (low, high) in low.iter().zip(&high) {
            for i in 0..low.len() {
                let j = (i + 1) % low.len();
                self.wall([low[i], low[j], high[j], high[i]], None, d);
            }
        }
    }

    /// Over a rectangle; the ridge follows the long sides.
    fn pitched(&mut self, d: &Design) {
        let mut ring = d.footprint[0][..4].to_vec();
        if distance(ring[0], ring[1]) < distance(ring[1], ring[2]) {
            ring.rotate_left(1);
        }
        let short = distance(ring[1], ring[2]);
        let rise = (short * 0.28).min(d.height_m * 0.45);
        let (eaves, top) = (d.ground_m + d.height_m - rise, d.ground_m + d.height_m);
        let middle = |a: Pt, b: Pt| [(a[0] + b[0]) / 2.0, (a[1] + b[1]) / 2.0];
        let (mut from, mut to) = (middle(ring[3], ring[0]), middle(ring[1], ring[2]));
        if d.roof == Roof::Hipped {
            let along = sub(to, from);
            let inset = (short * 0.5 / distance(from, to)).min(0.45);
            (from, to) = (add(from, along, inset), add(to, along, -inset));
        }
        let g = self.ring_at(&ring, d.ground_m);
        let e = self.ring_at(&ring, eaves);
        let (a, b) = (self.vertex([from[0], from[1], top]), self.vertex([to[0], to[1], top]));
        self.faces.push((Face::Ground, vec![vec![g[3], g[2], g[1], g[0]]]));
        let gable = |ridge: usize| (d.roof == Roof::Gabled).then_some(ridge);
        self.wall([g[0], g[1], e[1], e[0]], None, d);
        self.wall([g[1], g[2], e[2], e[1]], gable(b), d);
        self.wall([g[2], g[3], e[3], e[2]], None, d);
        self.wall([g[3], g[0], e[0], e[3]], gable(a), d);
        self.faces.push((Face::Roof, vec![vec![e[0], e[1], b, a]]));
        self.faces.push((Face::Roof, vec![vec![e[2], e[3], a, b]]));
        if d.roof == Roof::Hipped {
            self.faces.push((Face::Roof, vec![vec![e[1], e[2], b]]));
            self.faces.push((Face::Roof, vec![vec![e[3], e[0], a]]));
        }
    }

    /// A wall by its lower left, lower right, upper right and upper left corner, and its gable's tip.
    fn wall(&mut self, [a, b, c, e]: [usize; 4], gable: Option<usize>, d: &Design) {
        let mut rings = vec![[a, b, c].into_iter().chain(gable).chain([e]).collect::<Vec<usize>>()];
        let first = !self.faces.iter().any(|(face, _)| *face == Face::Wall);
        if d.openings {
            rings.extend(self.openings([a, b, e], first, d));
        }
        self.faces.push((Face::Wall, rings));
    }

    /// Puts windows (and a door) into a wall's rectangle; the holes that they need.
    fn openings(&mut self, [a, b, above]: [usize; 3], door: bool, d: &Design) -> Vec<Vec<usize>> {
        let (left, right) = (self.vertices[a], self.vertices[b]);
        let length = distance([left[0], left[1]], [right[0], right[1]]);
        let storey = (self.vertices[above][2] - left[2]) / f64::from(d.storeys.max(1));
        let mut holes = vec![];
        if length < 3.0 || storey < 2.2 {
            return holes;
        }
        for row in 0..d.storeys.min(WINDOW_ROWS) {
            let floor = left[2] + f64::from(row) * storey;
            let entrance = door && row == 0;
            let (inset, low, high) = match entrance {
                true => (length / 2.0 - 0.6, 0.05, 2.05),
                false => (0.8, 0.9, (storey - 0.3).min(2.4)),
            };
            let at = |share: f64| [left[0] + (right[0] - left[0]) * share, left[1] + (right[1] - left[1]) * share];
            let (p, q) = (at(inset / length), at(1.0 - inset / length));
            let corners = [(p, low), (q, low), (q, high), (p, high)];
            let ring: Vec<usize> = corners.iter().map(|(p, z)| self.vertex([p[0], p[1], floor + z])).collect();
            holes.push(ring.iter().rev().copied().collect());
            self.faces.push((if entrance { Face::Door } else { Face::Window }, vec![ring]));
        }
        holes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn design(footprint: &[Vec<Pt>], roof: Roof, openings: bool) -> Design<'_> {
        Design { footprint, ground_m: 70.0, height_m: 9.6, storeys: 3, roof, openings }
    }

    fn footprints() -> [Vec<Vec<Pt>>; 3] {
        let ring = |list: &[Pt]| list.iter().chain(list.first()).copied().collect::<Vec<Pt>>();
        [
            vec![ring(&[[0., 0.], [8., 0.], [8., 14.], [0., 14.]])],
            vec![ring(&[[0., 0.], [20., 0.], [20., 5.], [9., 5.], [9., 14.], [0., 14.]])],
            vec![
                ring(&[[0., 0.], [20., 0.], [20., 20.], [0., 20.]]),
                ring(&[[6., 6.], [6., 14.], [14., 14.], [14., 6.]]),
            ],
        ]
    }

    /// Each edge once in each direction, and the volume by the divergence theorem positive: closed and facing out.
    #[test]
    fn every_house_is_closed_and_faces_outward() {
        let all = footprints();
        for (footprint, roof) in
            [(0, Roof::Flat), (0, Roof::Gabled), (0, Roof::Hipped), (1, Roof::Flat), (2, Roof::Flat)]
        {
            for openings in [false, true] {
                let house = House::build(&design(&all[footprint], roof, openings));
                let mut edges: HashMap<(usize, usize), i32> = HashMap::new();
                let mut volume = 0.0;
                for ring in house.faces.iter().flat_map(|(_, rings)| rings) {
                    for i in 0..ring.len() {
                        let (a, b) = (ring[i], ring[(i + 1) % ring.len()]);
                        *edges.entry((a, b)).or_default() += 1;
                        *edges.entry((b, a)).or_default() -= 1;
                        let [o, p, q] = [ring[0], a, b].map(|v| house.vertices[v]);
                        volume += o[0] * (p[1] * q[2] - p[2] * q[1]) - o[1] * (p[0] * q[2] - p[2] * q[0])
                            + o[2] * (p[0] * q[1] - p[1] * q[0]);
                    }
                }
                assert!(edges.values().all(|n| *n == 0), "{footprint} {roof:?} {openings}");
                assert!(volume / 6.0 > 500.0, "{footprint} {roof:?} {openings}: {volume}");
                let top = house.vertices.iter().map(|v| v[2]).fold(0.0, f64::max);
                assert!((top - 79.6).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn openings_are_windows_and_one_door() {
        let house = House::build(&design(&footprints()[0], Roof::Gabled, true));
        let count = |face| house.faces.iter().filter(|(f, _)| *f == face).count();
        assert_eq!((count(Face::Door), count(Face::Window), count(Face::Wall), count(Face::Roof)), (1, 11, 4, 2));
    }
}
