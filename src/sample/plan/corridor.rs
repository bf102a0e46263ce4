//! The room between the blocks: a face drawn in from its streets' middle lines, and the pieces of road between two
//! faces. Pieces share their corners exactly, so that carriageways tile the network.

use super::Plan;
use super::block::is_simple;
use super::mesh::{NONE, Pt, add, area, cross, direction, dot, sub};
use super::streets::{Class, Edge};

/// One point per vertex of a face's ring (not closed), drawn in by `half_m` of the edge it lies on.
pub struct Inset {
    pub points: Vec<Pt>,
    /// For each entry of the face's ring, the index of its edge's first vertex.
    pub start: Vec<usize>,
}

impl Inset {
    pub fn closed(&self) -> Vec<Pt> {
        let mut ring = self.points.clone();
        ring.extend(ring.first().copied());
        ring
    }
}

/// Draws a face in by `half_m(edge)`, less where the face is too small for it.
pub fn inset(plan: &Plan, face: u32, half_m: impl Fn(u32) -> f64) -> Inset {
    let (mut outline, mut edge_of, mut start) = (vec![], vec![], vec![]);
    for &(e, forward) in &plan.face(face).ring {
        let line = &plan.edge(e).points;
        let n = line.len();
        start.push(outline.len());
        for i in 0..n - 1 {
            outline.push(if forward { line[i] } else { line[n - 1 - i] });
            edge_of.push(e);
        }
    }
    let mut closed = outline.clone();
    closed.push(outline[0]);
    let round: f64 = closed.windows(2).map(|w| super::mesh::distance(w[0], w[1])).sum();
    let most = 0.8 * plan.face(face).area_m2 / round;
    let mut factor = 1.0;
    loop {
        let points = draw_in(&outline, |i| (half_m(edge_of[i]) * factor).min(most * factor));
        if factor < 0.02 || keeps_its_shape(&outline, &points) {
            return Inset { points, start };
        }
        factor *= 0.6;
    }
}

fn draw_in(outline: &[Pt], half_m: impl Fn(usize) -> f64) -> Vec<Pt> {
    let n = outline.len();
    let corner = |i: usize| {
        let before = (i + n - 1) % n;
        let (v, next) = (outline[i], outline[(i + 1) % n]);
        let (d1, d2) = (direction(outline[before], v), direction(v, next));
        let (w1, w2) = (half_m(before), half_m(i));
        let (n1, n2) = ([-d1[1], d1[0]], [-d2[1], d2[0]]);
        let turn = cross(d1, d2);
        if turn.abs() < 0.12 {
            let middle = direction([0.0, 0.0], [n1[0] + n2[0], n1[1] + n2[1]]);
            return add(v, middle, (w1 + w2) / 2.0);
        }
        // Where the two shifted sides meet.
        let t = cross(sub(add(v, n2, w2), add(v, n1, w1)), d2) / turn;
        let most = 3.0 * w1.max(w2);
        add(add(v, n1, w1), d1, t.clamp(-most, most))
    };
    (0..n).map(corner).map(|p| p.map(|c| (c * 1000.0).round() / 1000.0)).collect()
}

fn keeps_its_shape(outline: &[Pt], points: &[Pt]) -> bool {
    let n = outline.len();
    let forward = (0..n).all(|i| {
        let j = (i + 1) % n;
        dot(sub(points[j], points[i]), sub(outline[j], outline[i])) > 0.0
    });
    let mut closed = points.to_vec();
    closed.push(points[0]);
    forward && area(&closed) > 0.0
}

/// Half the corridor on the side of a face.
pub fn half_corridor_m(plan: &Plan, edge: u32) -> f64 {
    let e = plan.edge(edge);
    let f = if e.left != NONE && plan.face(e.left).core { e.left } else { e.right };
    e.half_corridor_m(plan.face(f).zone)
}

pub fn half_carriageway_m(plan: &Plan, edge: u32) -> f64 {
    let e = plan.edge(edge);
    match e.class {
        Class::Path => 1.2,
        Class::Railway => e.class.half_corridor_m(),
        class => class.half_carriageway_m() + if e.canal { 16.0 } else { 0.0 },
    }
}

/// The vertices of an inset face along one of its edges, from the edge's a to its b.
pub fn along(plan: &Plan, face: u32, edge: u32, inset: &Inset) -> Vec<Pt> {
    let ring = &plan.face(face).ring;
    let Some(k) = ring.iter().position(|&(e, _)| e == edge) else { return vec![] };
    let count = plan.edge(edge).points.len();
    let n = inset.points.len();
    let mut line: Vec<Pt> = (0..count).map(|i| inset.points[(inset.start[k] + i) % n]).collect();
    if !ring[k].1 {
        line.reverse();
    }
    line
}

/// The carriageway of an edge as a closed ring: the middle of both crossings and the corners of both sides.
pub fn carriageway(plan: &Plan, edge: u32) -> Option<Vec<Pt>> {
    let e = plan.edge(edge);
    let half = |x: u32| half_carriageway_m(plan, x);
    let side = |face: u32| -> Option<Vec<Pt>> {
        (face != NONE && plan.face(face).core).then(|| along(plan, face, edge, &inset(plan, face, half)))
    };
    let plain = |left: f64| e.part(0.0, e.length_m, left);
    let left = side(e.left).unwrap_or_else(|| plain(half(edge)));
    let right = side(e.right).unwrap_or_else(|| plain(-half(edge)));
    let ring = between(e, &left, &right);
    // At very sharp crossings the corners lie beyond each other: the plain strip instead.
    let ring = if is_simple(&ring) { ring } else { between(e, &plain(half(edge)), &plain(-half(edge))) };
    (ring.len() > 3 && area(&ring) > 0.0).then_some(ring)
}

fn between(e: &Edge, left: &[Pt], right: &[Pt]) -> Vec<Pt> {
    let mut ring = vec![e.points[0]];
    ring.extend(right);
    ring.push(e.points[e.points.len() - 1]);
    ring.extend(left.iter().rev());
    ring.push(ring[0]);
    ring.dedup();
    ring
}

/// The footway between carriageway and block front on one side of an edge, as a closed ring.
pub fn footway(plan: &Plan, edge: u32, face: u32) -> Option<Vec<Pt>> {
    if face == NONE || !plan.face(face).core {
        return None;
    }
    let inner = along(plan, face, edge, &inset(plan, face, |x| half_corridor_m(plan, x)));
    let outer = along(plan, face, edge, &inset(plan, face, |x| half_carriageway_m(plan, x)));
    let mut ring = outer;
    ring.extend(inner.iter().rev());
    ring.push(ring[0]);
    ring.dedup();
    if area(&ring) < 0.0 {
        ring.reverse();
    }
    (ring.len() > 3 && area(&ring) > 1.0 && is_simple(&ring)).then_some(ring)
}
