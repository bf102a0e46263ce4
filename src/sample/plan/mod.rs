//! The plan of the city: streets first, everything else hangs on them. Held in memory as a whole (some tens of
//! megabytes at full size); what stands on it is made block by block and never held.

pub mod block;
pub mod corridor;
pub mod dissolve;
pub mod ground;
pub mod layout;
pub mod mesh;
pub mod spread;
pub mod streets;

use super::admin::Admin;
use super::counts;
use crate::error::Result;
use ground::Ground;
use layout::{Use, Zone};
use mesh::{NONE, Pt, area, centroid, inside};
use streets::{Class, Edge};

pub struct Face {
    /// Counter-clockwise (edge, forward).
    pub ring: Vec<(u32, bool)>,
    pub cell: u32,
    pub core: bool,
    pub zone: Zone,
    pub kind: Use,
    special: Option<u16>,
    pub area_m2: f64,
    pub centre: Pt,
    /// 15 digits in the core, empty elsewhere.
    pub grid_code: String,
}

impl Face {
    pub fn name(&self) -> Option<&'static str> {
        self.special.map(layout::special_name)
    }
}

pub struct Plan {
    pub seed: u64,
    pub scale: f64,
    pub ground: Ground,
    pub edges: Vec<Edge>,
    pub faces: Vec<Face>,
    pub node_count: usize,
    /// Faces of the core, so that neighbours in the list are neighbours on the map.
    pub grids: Vec<u32>,
    /// Faces of the country, one per village.
    pub country: Vec<u32>,
    /// Public roads of the core, and roads in the country.
    pub roads: Vec<u32>,
    pub rural: Vec<u32>,
    pub admin: Admin,
    /// Community of each cell.
    pub community: Vec<usize>,
    /// Faces of each cell.
    pub cells: Vec<Vec<u32>>,
    /// Edges at each node.
    pub star: Vec<Vec<u32>>,
}

impl Plan {
    pub fn new(seed: u64, scale: f64) -> Result<Plan> {
        let admin = Admin::load()?;
        let grids = counts::count("gr_unit_grid", scale).max(24);
        let core_radius_m = (grids as f64 * 10_000.0 / std::f64::consts::PI).sqrt();
        let layout = layout::layout(seed, scale, core_radius_m, grids, admin.communities.len());
        let ground = Ground { seed, core_radius_m };
        let centrelines = counts::count("bm_road_centerline", scale);
        let rural = centrelines / 12;
        let (edges, rings) = streets::edges(&layout, &ground, centrelines - rural, rural);
        let mut faces = faces(&layout, &edges, rings);
        let order = layout.mesh.order();
        let (grids, country) = order.into_iter().partition(|&f| faces[f as usize].core);
        let mut cells = vec![vec![]; layout.cells as usize];
        for &f in [&grids, &country].into_iter().flatten() {
            let f: u32 = f;
            cells[faces[f as usize].cell as usize].push(f);
        }
        let centres: Vec<Pt> = cells.iter().map(|list| centre_of(list, &faces)).collect();
        let community = admin.assign(&centres, layout.core_cells as usize);
        number_grids(&admin, &community, &cells[..layout.core_cells as usize], &mut faces);
        let of = |wanted: fn(Class) -> bool| {
            (0..edges.len() as u32).filter(|&e| wanted(edges[e as usize].class)).collect::<Vec<_>>()
        };
        let (roads, rural) = (of(Class::is_public), of(|c| c == Class::Rural));
        let mut star = vec![vec![]; layout.mesh.nodes.len()];
        for (i, e) in edges.iter().enumerate() {
            star[e.a as usize].push(i as u32);
            star[e.b as usize].push(i as u32);
        }
        Ok(Plan {
            seed,
            scale,
            ground,
            faces,
            node_count: layout.mesh.nodes.len(),
            grids,
            country,
            roads,
            rural,
            admin,
            community,
            cells,
            star,
            edges,
        })
    }

    pub fn count(&self, layer: &str) -> usize {
        counts::count(layer, self.scale)
    }

    pub fn face(&self, f: u32) -> &Face {
        &self.faces[f as usize]
    }

    pub fn edge(&self, e: u32) -> &Edge {
        &self.edges[e as usize]
    }

    /// The closed ring of a face, counter-clockwise.
    pub fn ring(&self, f: u32) -> Vec<Pt> {
        ring_of(&self.faces[f as usize].ring, &self.edges)
    }

    /// Position of a node.
    pub fn node(&self, n: u32) -> Pt {
        let Some(&e) = self.star[n as usize].first() else { return self.ground.bend([0.0, 0.0]) };
        let e = self.edge(e);
        if e.a == n { e.points[0] } else { e.points[e.points.len() - 1] }
    }

    pub fn community_of(&self, f: u32) -> usize {
        self.community[self.face(f).cell as usize]
    }

    /// The six digits a code in this face begins with: the statutory district's.
    pub fn district6(&self, f: u32) -> &str {
        &self.admin.communities[self.community_of(f)].code[..6]
    }

    pub fn street_name(&self, e: u32) -> String {
        let e = self.edge(e);
        streets::street_name(self.seed, e.line, if e.class == Class::Path { Class::Lane } else { e.class })
    }

    /// The unit grid of a point near an edge of the core: the side it lies on, if that side holds it, else whichever of
    /// the faces around holds it.
    pub fn grid_near(&self, p: Pt, edge: u32) -> u32 {
        let e = self.edge(edge);
        let near = [e.left, e.right];
        let around = [e.a, e.b].into_iter().flat_map(|n| &self.star[n as usize]);
        let more = around.flat_map(|&x| [self.edge(x).left, self.edge(x).right]);
        let core = |&f: &u32| f != NONE && self.face(f).core;
        let found = near.into_iter().chain(more).filter(core).find(|&f| inside(&self.ring(f), p));
        found.or_else(|| near.into_iter().find(core)).unwrap_or(self.grids[0])
    }

    /// Cuts `n` things into the faces by weight: (face, how many), exactly `n` in all.
    pub fn allot<'a>(
        &'a self,
        n: usize,
        faces: &'a [u32],
        weight: impl Fn(&Face) -> f64 + 'a,
    ) -> impl Iterator<Item = (u32, usize)> + 'a {
        let total: f64 = faces.iter().map(|&f| weight(self.face(f))).sum();
        let mut sum = 0.0;
        let mut given = 0;
        let last = faces.len().saturating_sub(1);
        faces.iter().enumerate().map(move |(i, &f)| {
            sum += weight(self.face(f));
            let upto = if i == last { n } else { ((sum / total * n as f64) as usize).min(n) };
            let share = upto - given;
            given = upto;
            (f, share)
        })
    }
}

fn ring_of(ring: &[(u32, bool)], edges: &[Edge]) -> Vec<Pt> {
    let mut points = vec![];
    for &(e, forward) in ring {
        let line = &edges[e as usize].points;
        let n = line.len() - 1;
        if forward {
            points.extend_from_slice(&line[..n]);
        } else {
            points.extend(line[1..].iter().rev());
        }
    }
    points.extend(points.first().copied());
    points
}

fn faces(layout: &layout::Layout, edges: &[Edge], rings: Vec<Vec<(u32, bool)>>) -> Vec<Face> {
    let make = |(f, ring): (usize, Vec<(u32, bool)>)| {
        let points = ring_of(&ring, edges);
        Face {
            cell: layout.cell[f],
            core: layout.core[f],
            zone: layout.zone[f],
            kind: layout.kind[f],
            special: layout.special[f],
            area_m2: area(&points),
            centre: centroid(&points),
            grid_code: String::new(),
            ring,
        }
    };
    rings.into_iter().enumerate().map(make).collect()
}

/// Centre of a cell in metres from the city's centre.
fn centre_of(list: &[u32], faces: &[Face]) -> Pt {
    let n = list.len().max(1) as f64;
    let mut c = [0.0, 0.0];
    for &f in list {
        let at = faces[f as usize].centre;
        c = [c[0] + (at[0] - ground::CENTRE[0]) / n, c[1] + (at[1] - ground::CENTRE[1]) / n];
    }
    c
}

/// Codes: the community's 12 digits and a number, in bands from north to south, from west to east.
fn number_grids(admin: &Admin, community: &[usize], cells: &[Vec<u32>], faces: &mut [Face]) {
    for (cell, list) in cells.iter().enumerate() {
        let code = &admin.communities[community[cell]].code;
        let mut list = list.clone();
        let band = |f: u32| (faces[f as usize].centre[1] / 120.0).floor() as i64;
        list.sort_by(|&a, &b| {
            let (x, y) = (faces[a as usize].centre[0], faces[b as usize].centre[0]);
            band(b).cmp(&band(a)).then(x.total_cmp(&y)).then(a.cmp(&b))
        });
        for (i, &f) in list.iter().enumerate() {
            faces[f as usize].grid_code = format!("{code}{:03}", i + 1);
        }
    }
}
