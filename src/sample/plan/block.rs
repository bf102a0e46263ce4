//! What stands on one block: parcels, buildings, greens. Made from the seed and the block's number alone, as often as
//! somebody asks, never kept: memory does not grow with the city.

use super::Plan;
use super::corridor::{half_corridor_m, inset};
use super::layout::{Use, Zone};
use super::mesh::{Pt, add, area, centroid, cross, direction, distance, dot, inside, sub};
use crate::sample::rng::Rng;

pub struct Building {
    /// Closed rings, exterior counter-clockwise first, holes clockwise.
    pub rings: Vec<Vec<Pt>>,
    pub storeys: u32,
    pub below: u32,
    pub height_m: f64,
    pub usage: &'static str,
    pub structure: &'static str,
}

pub struct Block {
    /// The block inside its streets, closed.
    pub outline: Vec<Pt>,
    /// Closed parcels of the buildings, in the same order.
    pub parcels: Vec<Vec<Pt>>,
    pub buildings: Vec<Building>,
    /// Closed rings of lawns, shrubs and trees.
    pub greens: Vec<Vec<Pt>>,
}

/// How many buildings a block attracts.
pub fn building_weight(face: &super::Face) -> f64 {
    let dense = match face.zone {
        Zone::OldTown => 2.0,
        Zone::Residential => 1.0,
        Zone::NewTown => 0.7,
        Zone::Industry => 0.42,
        Zone::Country => 0.0,
    };
    let size = face.area_m2.min(40_000.0);
    match face.kind {
        Use::Built => size * dense,
        Use::Campus => face.area_m2 * 0.35,
        Use::Plant => face.area_m2 * 0.3,
        Use::Park => size * 0.06,
        Use::Lake => 0.0,
    }
}

/// How many greens a block attracts.
pub fn green_weight(face: &super::Face) -> f64 {
    match face.kind {
        Use::Built => 1.0,
        Use::Park => 7.0,
        Use::Campus => 8.0,
        Use::Plant => 3.0,
        Use::Lake => 0.0,
    }
}

impl Plan {
    /// Calls `each` with every block of the core that holds something, in order.
    pub fn each_block<E>(&self, mut each: impl FnMut(u32, &Block, &mut Rng) -> Result<(), E>) -> Result<(), E> {
        let buildings = self.allot(self.count("bm_building_footprint"), &self.grids, building_weight);
        let greens = self.allot(self.count("bm_vegetation_area"), &self.grids, green_weight);
        for ((f, n), (_, m)) in buildings.zip(greens) {
            let block = self.block(f, n, m);
            let mut rng = Rng::of(self.seed, "on the block", u64::from(f));
            each(f, &block, &mut rng)?;
        }
        Ok(())
    }

    /// The block on a face with exactly `n` buildings and `m` greens.
    fn block(&self, f: u32, n: usize, m: usize) -> Block {
        let face = self.face(f);
        let mut rng = Rng::of(self.seed, "block", u64::from(f));
        let outline = inset(self, f, |e| half_corridor_m(self, e)).closed();
        let lie = lie(&outline, face.zone, &mut rng);
        let mut parcels = divide(&outline, (n + m).max(1), lie, &mut rng);
        // Greens take parcels spread over the block, never the largest ones in a built block.
        let mut greens = vec![];
        for k in 0..m.min(parcels.len()) {
            let i = (k * 7919 + 3) % parcels.len();
            greens.push(parcels.swap_remove(i));
        }
        parcels.truncate(n);
        let buildings = parcels.iter().map(|p| building(p, face.zone, face.kind, lie, &mut rng)).collect();
        let green = |parcel: &Vec<Pt>| {
            let lawn = shrink(parcel, 0.86);
            // A parcel cut from a bent corner may be too crooked for a lawn of its shape.
            if lawn.len() > 3 && is_simple(&lawn) { lawn } else { blob(centroid(parcel), 2.0, 10, &mut rng) }
        };
        let greens = greens.iter().map(green).collect();
        Block { outline, parcels, buildings, greens }
    }
}

/// How a block is laid out: the direction of its rows and how much longer than deep a parcel shall be.
#[derive(Clone, Copy)]
struct Lie {
    along: Pt,
    aspect: f64,
}

fn lie(outline: &[Pt], zone: Zone, rng: &mut Rng) -> Lie {
    let longest = outline.windows(2).max_by(|a, b| distance(a[0], a[1]).total_cmp(&distance(b[0], b[1])));
    let mut along = longest.map_or([1.0, 0.0], |w| direction(w[0], w[1]));
    // Rows run east-west: rooms face south.
    if along[0].abs() < along[1].abs() {
        along = [-along[1], along[0]];
    }
    let aspect = match zone {
        Zone::OldTown => rng.between(0.9, 1.4),
        Zone::Residential => rng.between(1.5, 3.0),
        Zone::NewTown => rng.between(2.2, 3.6),
        _ => rng.between(1.0, 2.0),
    };
    Lie { along, aspect }
}

/// Cuts a ring into exactly `n` pieces, the most oversized first; each stays open land of its own.
fn divide(outline: &[Pt], n: usize, lie: Lie, rng: &mut Rng) -> Vec<Vec<Pt>> {
    let mut pieces = vec![(area(outline), outline.to_vec())];
    while pieces.len() < n {
        let Some(largest) = (0..pieces.len()).max_by(|&i, &j| pieces[i].0.total_cmp(&pieces[j].0)) else { break };
        let (_, piece) = pieces.swap_remove(largest);
        let (a, b) = halve(&piece, lie, rng);
        pieces.push((area(&a), a));
        pieces.push((area(&b), b));
    }
    pieces.into_iter().map(|(_, p)| p).collect()
}

fn halve(piece: &[Pt], lie: Lie, rng: &mut Rng) -> (Vec<Pt>, Vec<Pt>) {
    let u = lie.along;
    let v = [-u[1], u[0]];
    let long = |axis: Pt| {
        let at = piece.iter().map(|&p| dot(p, axis));
        at.clone().fold(f64::NEG_INFINITY, f64::max) - at.fold(f64::INFINITY, f64::min)
    };
    let normal = if long(u) > long(v) * lie.aspect { u } else { v };
    let c = add(centroid(piece), normal, rng.between(-0.06, 0.06) * long(normal));
    (half_plane(piece, c, normal, 1.0), half_plane(piece, c, normal, -1.0))
}

/// The part of a (nearly convex) closed ring where `sign · (p − c) · normal ≥ 0` (Sutherland–Hodgman).
fn half_plane(ring: &[Pt], c: Pt, normal: Pt, sign: f64) -> Vec<Pt> {
    let side = |p: Pt| sign * dot(sub(p, c), normal);
    let mut out = vec![];
    for w in ring.windows(2) {
        let (s, t) = (side(w[0]), side(w[1]));
        if s >= 0.0 {
            out.push(w[0]);
        }
        if (s > 0.0 && t < 0.0) || (s < 0.0 && t > 0.0) {
            // Always from the same end, so that both halves compute the same vertex.
            let (p, q, s, t) = if s > 0.0 { (w[0], w[1], s, t) } else { (w[1], w[0], t, s) };
            let (p, q, s, t) = if sign > 0.0 { (p, q, s, t) } else { (q, p, t, s) };
            out.push(add(p, sub(q, p), s / (s - t)));
        }
    }
    out.extend(out.first().copied());
    out
}

/// Drawn towards its centre.
fn shrink(ring: &[Pt], factor: f64) -> Vec<Pt> {
    let c = centroid(ring);
    let mut out: Vec<Pt> = ring.iter().map(|&p| mm(add(c, sub(p, c), factor))).collect();
    out.dedup();
    out
}

fn mm(p: Pt) -> Pt {
    p.map(|c| (c * 1000.0).round() / 1000.0)
}

/// A building in the middle of its parcel: the largest rectangle of its kind that fits, sometimes with a wing less or a
/// courtyard.
fn building(parcel: &[Pt], zone: Zone, kind: Use, lie: Lie, rng: &mut Rng) -> Building {
    let c = centroid(parcel);
    let u = lie.along;
    let v = [-u[1], u[0]];
    let reach = |axis: Pt| parcel.iter().map(|&p| dot(sub(p, c), axis).abs()).fold(0.0, f64::max);
    let cover = match zone {
        Zone::OldTown => rng.between(0.80, 0.95),
        Zone::NewTown => rng.between(0.55, 0.72),
        Zone::Residential => rng.between(0.62, 0.82),
        _ => rng.between(0.6, 0.85),
    };
    let deepest = match zone {
        Zone::OldTown => 9.0,
        Zone::Industry => 30.0,
        _ => 8.5,
    };
    let (mut half_u, mut half_v) = (reach(u) * cover, (reach(v) * cover).min(deepest));
    let corners = |hu: f64, hv: f64| {
        [[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]].map(|s| add(add(c, u, s[0] * hu), v, s[1] * hv))
    };
    for _ in 0..24 {
        if corners(half_u * 1.04, half_v * 1.04).iter().all(|&p| inside(parcel, p)) {
            break;
        }
        half_u *= 0.88;
        half_v *= 0.93;
    }
    let shape = |list: &[Pt]| {
        let mut ring: Vec<Pt> = list.iter().map(|s| mm(add(add(c, u, s[0] * half_u), v, s[1] * half_v))).collect();
        ring.push(ring[0]);
        ring
    };
    let plain = [[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]];
    let rings = if half_u > 7.0 && half_v > 7.0 && zone == Zone::OldTown && rng.chance(0.35) {
        // A courtyard house.
        vec![shape(&plain), shape(&[[-0.45, -0.45], [-0.45, 0.45], [0.45, 0.45], [0.45, -0.45]])]
    } else if half_u > 6.0 && half_v > 4.0 && rng.chance(0.22) {
        let (x, y) = (rng.between(-0.3, 0.4), rng.between(-0.2, 0.3));
        vec![shape(&[[-1.0, -1.0], [1.0, -1.0], [1.0, y], [x, y], [x, 1.0], [-1.0, 1.0]])]
    } else {
        vec![shape(&plain)]
    };
    let footprint = area(&rings[0]);
    let (usage, storeys) = usage(zone, kind, footprint, rng);
    let storey_m = if usage == "工业" { 5.4 } else { rng.between(2.9, 3.3) };
    let structure = match storeys {
        1..=2 if zone == Zone::OldTown => *rng.pick(&["砖木", "砖", "混合"]),
        1..=3 if usage == "工业" => "钢",
        1..=6 => *rng.pick(&["混合", "砖混", "砼"]),
        _ => "砼",
    };
    Building {
        rings,
        storeys,
        below: u32::from(storeys > 9) + u32::from(storeys > 24),
        height_m: (f64::from(storeys) * storey_m * 10.0).round() / 10.0 + 0.6,
        usage,
        structure,
    }
}

fn usage(zone: Zone, kind: Use, footprint_m2: f64, rng: &mut Rng) -> (&'static str, u32) {
    let between = |rng: &mut Rng, low: usize, high: usize| (low + rng.below(high - low + 1)) as u32;
    match (kind, zone) {
        (Use::Park, _) => ("公共服务", 1),
        (Use::Campus, _) => ("教育", between(rng, 3, 8)),
        (Use::Plant, _) => ("市政设施", between(rng, 1, 3)),
        (_, Zone::OldTown) if rng.chance(0.72) => ("住宅", between(rng, 1, 2)),
        (_, Zone::OldTown) => (*rng.pick(&["商业", "商住", "文物古迹", "办公"]), between(rng, 2, 5)),
        (_, Zone::Industry) if rng.chance(0.7) => ("工业", between(rng, 1, 2)),
        (_, Zone::Industry) => (*rng.pick(&["仓储", "办公", "住宅"]), between(rng, 2, 6)),
        (_, Zone::NewTown) if footprint_m2 > 220.0 && rng.chance(0.7) => {
            ("住宅", *rng.pick(&[6, 11, 17, 18, 18, 24, 26, 33]))
        }
        (_, Zone::NewTown) => (*rng.pick(&["商业", "办公", "教育", "医疗"]), between(rng, 3, 14)),
        _ if rng.chance(0.78) => ("住宅", *rng.pick(&[5, 6, 6, 6, 7, 11])),
        _ => (*rng.pick(&["商业", "商住", "办公", "教育", "医疗"]), between(rng, 2, 9)),
    }
}

/// A random point in a ring.
pub fn point_in(ring: &[Pt], rng: &mut Rng) -> Pt {
    let low = ring.iter().fold([f64::INFINITY; 2], |m, p| [m[0].min(p[0]), m[1].min(p[1])]);
    let high = ring.iter().fold([f64::NEG_INFINITY; 2], |m, p| [m[0].max(p[0]), m[1].max(p[1])]);
    for _ in 0..32 {
        let p = [rng.between(low[0], high[0]), rng.between(low[1], high[1])];
        if inside(ring, p) {
            return mm(p);
        }
    }
    mm(centroid(ring))
}

/// A wavy shore or edge: a closed ring of `n` vertices around `c`.
pub fn blob(c: Pt, radius_m: f64, n: usize, rng: &mut Rng) -> Vec<Pt> {
    use std::f64::consts::TAU;
    let (a, b) = (rng.between(0.0, TAU), rng.between(0.0, TAU));
    let wave = |t: f64| 1.0 + 0.16 * (2.0 * t + a).sin() + 0.09 * (3.0 * t + b).sin();
    let mut ring: Vec<Pt> = (0..n)
        .map(|i| {
            let t = TAU * i as f64 / n as f64;
            mm([c[0] + radius_m * wave(t) * t.cos(), c[1] + radius_m * wave(t) * 0.8 * t.sin()])
        })
        .collect();
    ring.push(ring[0]);
    ring
}

/// A softer copy of a closed ring: corners cut twice (Chaikin), for shores.
pub fn soften(ring: &[Pt]) -> Vec<Pt> {
    let mut line = ring.to_vec();
    for _ in 0..2 {
        let mut next: Vec<Pt> = vec![];
        for w in line.windows(2) {
            next.push(add(w[0], sub(w[1], w[0]), 0.25));
            next.push(add(w[0], sub(w[1], w[0]), 0.75));
        }
        next.extend(next.first().copied());
        line = next;
    }
    let mut line: Vec<Pt> = line.into_iter().map(mm).collect();
    line.dedup();
    line
}

/// Whether no two sides of a closed ring cross, touch or turn straight back. Quadratic: for rings of some dozen
/// vertices.
pub fn is_simple(ring: &[Pt]) -> bool {
    let n = ring.len() - 1;
    let turn = |a: Pt, b: Pt, c: Pt| cross(sub(b, a), sub(c, a));
    let spike = |i: usize| {
        let (a, b, c) = (ring[i], ring[i + 1], ring[(i + 2) % n]);
        turn(a, b, c).abs() < 1e-9 && dot(sub(b, a), sub(c, b)) < 0.0
    };
    let meet = |i: usize, j: usize| {
        let (a, b, c, d) = (ring[i], ring[i + 1], ring[j], ring[j + 1]);
        turn(a, b, c) * turn(a, b, d) <= 0.0 && turn(c, d, a) * turn(c, d, b) <= 0.0
    };
    n > 2 && !(0..n).any(spike) && !(0..n).any(|i| (i + 2..n).any(|j| (i, j) != (0, n - 1) && meet(i, j)))
}
