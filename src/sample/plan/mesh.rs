//! A convex polygon cut again and again by straight lines: nodes, faces and who lies left of each half-edge.
//! Faces stay convex and share their vertices exactly, so that what grows on them has no gaps and no overlaps.
//! Knows nothing of streets.

use std::collections::HashMap;

pub type Pt = [f64; 2];

/// No face: the outside of the whole.
pub const NONE: u32 = u32::MAX;

pub fn sub(a: Pt, b: Pt) -> Pt {
    [a[0] - b[0], a[1] - b[1]]
}

pub fn add(a: Pt, b: Pt, times: f64) -> Pt {
    [a[0] + b[0] * times, a[1] + b[1] * times]
}

pub fn cross(a: Pt, b: Pt) -> f64 {
    a[0] * b[1] - a[1] * b[0]
}

pub fn dot(a: Pt, b: Pt) -> f64 {
    a[0] * b[0] + a[1] * b[1]
}

pub fn distance(a: Pt, b: Pt) -> f64 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

pub fn lerp(a: Pt, b: Pt, t: f64) -> Pt {
    [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t]
}

/// Unit vector from a to b; east where they coincide.
pub fn direction(a: Pt, b: Pt) -> Pt {
    let d = distance(a, b);
    if d > 0.0 { [(b[0] - a[0]) / d, (b[1] - a[1]) / d] } else { [1.0, 0.0] }
}

/// Signed area of a ring, closed or not: positive counter-clockwise.
pub fn area(ring: &[Pt]) -> f64 {
    let Some(&o) = ring.first() else { return 0.0 };
    let turns = ring.windows(2).map(|w| cross(sub(w[0], o), sub(w[1], o)));
    turns.sum::<f64>() / 2.0
}

/// Centre of gravity of a ring, open or closed.
pub fn centroid(ring: &[Pt]) -> Pt {
    let Some(&o) = ring.first() else { return [0.0, 0.0] };
    let (mut sx, mut sy, mut twice) = (0.0, 0.0, 0.0);
    for w in ring.windows(2) {
        let (a, b) = (sub(w[0], o), sub(w[1], o));
        let c = cross(a, b);
        sx += (a[0] + b[0]) * c;
        sy += (a[1] + b[1]) * c;
        twice += c;
    }
    if twice.abs() < 1e-9 {
        return o;
    }
    [o[0] + sx / (3.0 * twice), o[1] + sy / (3.0 * twice)]
}

/// Whether a point lies inside a ring (even-odd), open or closed.
pub fn inside(ring: &[Pt], p: Pt) -> bool {
    let mut odd = false;
    let mut j = ring.len().wrapping_sub(1);
    for i in 0..ring.len() {
        let (a, b) = (ring[i], ring[j]);
        if (a[1] > p[1]) != (b[1] > p[1]) && p[0] < (b[0] - a[0]) * (p[1] - a[1]) / (b[1] - a[1]) + a[0] {
            odd = !odd;
        }
        j = i;
    }
    odd
}

pub struct Mesh {
    pub nodes: Vec<Pt>,
    /// Counter-clockwise node ids, not closed; nodes of neighbours on a straight side included.
    pub rings: Vec<Vec<u32>>,
    left_of: HashMap<(u32, u32), u32>,
    line_of: HashMap<(u32, u32), u32>,
    next: Vec<u32>,
}

/// Where a cutting line meets a ring: at the node with that index, or inside the side that begins there.
#[derive(Clone, Copy)]
enum Place {
    Node(usize),
    Side(usize, Pt),
}

impl Place {
    fn index(self) -> usize {
        match self {
            Place::Node(i) | Place::Side(i, _) => i,
        }
    }
}

fn ordered(a: u32, b: u32) -> (u32, u32) {
    (a.min(b), a.max(b))
}

impl Mesh {
    /// One face with `outer` (counter-clockwise, convex, not closed) whose sides belong to `line`.
    pub fn new(outer: &[Pt], line: u32) -> Mesh {
        let ring: Vec<u32> = (0..outer.len() as u32).collect();
        let mut mesh = Mesh {
            nodes: outer.to_vec(),
            rings: vec![ring.clone()],
            left_of: HashMap::new(),
            line_of: HashMap::new(),
            next: vec![NONE],
        };
        for (&a, &b) in ring.iter().zip(ring.iter().cycle().skip(1)) {
            mesh.left_of.insert((a, b), 0);
            mesh.line_of.insert(ordered(a, b), line);
        }
        mesh
    }

    pub fn ring(&self, face: u32) -> Vec<Pt> {
        self.rings[face as usize].iter().map(|&n| self.nodes[n as usize]).collect()
    }

    pub fn closed(&self, face: u32) -> Vec<Pt> {
        let mut ring = self.ring(face);
        ring.extend(ring.first().copied());
        ring
    }

    pub fn left(&self, a: u32, b: u32) -> u32 {
        self.left_of.get(&(a, b)).copied().unwrap_or(NONE)
    }

    pub fn line(&self, a: u32, b: u32) -> u32 {
        self.line_of.get(&ordered(a, b)).copied().unwrap_or(NONE)
    }

    /// Faces so that those cut from one another follow each other: a run of them is a compact area.
    pub fn order(&self) -> Vec<u32> {
        let mut faces = Vec::with_capacity(self.rings.len());
        let mut at = 0;
        while at != NONE {
            faces.push(at);
            at = self.next[at as usize];
        }
        faces
    }

    /// Cuts a face along the line through `p` in direction `d`. The face keeps what lies left, the new face,
    /// whose id is returned, takes the right. Crossings nearer than `snap_m` to a node use the node. `None`,
    /// and nothing changed, where the line misses the face or a part would be smaller than `min_share` of it.
    pub fn cut(&mut self, face: u32, p: Pt, d: Pt, snap_m: f64, min_share: f64, line: u32) -> Option<u32> {
        let (first, second) = self.places(face, p, d, snap_m)?;
        if !self.parts_are_fine(face, first, second, min_share) {
            return None;
        }
        // The later place first, so that the earlier index stays right.
        let b = self.node_at(face, second);
        let a = self.node_at(face, first);
        let ring = &self.rings[face as usize];
        let i = ring.iter().position(|&n| n == a)?;
        let j = ring.iter().position(|&n| n == b)?;
        let (i, j) = (i.min(j), i.max(j));
        let middle: Vec<u32> = ring[i..=j].to_vec();
        let around: Vec<u32> = ring[j..].iter().chain(&ring[..=i]).copied().collect();
        let middle_is_left = {
            let m: Vec<Pt> = middle.iter().map(|&n| self.nodes[n as usize]).collect();
            let c = m.iter().fold([0.0, 0.0], |s, &q| add(s, sub(q, p), 1.0 / m.len() as f64));
            cross(d, c) > 0.0
        };
        let (keep, give) = if middle_is_left { (middle, around) } else { (around, middle) };
        let new = self.rings.len() as u32;
        self.line_of.insert(ordered(a, b), line);
        self.claim(&keep, face);
        self.claim(&give, new);
        self.rings[face as usize] = keep;
        self.rings.push(give);
        self.next.push(self.next[face as usize]);
        self.next[face as usize] = new;
        Some(new)
    }

    fn claim(&mut self, ring: &[u32], face: u32) {
        for (&a, &b) in ring.iter().zip(ring.iter().cycle().skip(1)) {
            self.left_of.insert((a, b), face);
        }
    }

    /// The two places, in ring order.
    fn places(&self, face: u32, p: Pt, d: Pt, snap_m: f64) -> Option<(Place, Place)> {
        let ring = self.ring(face);
        let n = ring.len();
        let side: Vec<f64> = ring.iter().map(|&q| cross(d, sub(q, p))).collect();
        let mut found: Vec<Place> = vec![];
        for i in 0..n {
            let j = (i + 1) % n;
            let (s, t) = (side[i], side[j]);
            let place = if s.abs() < 1e-7 {
                Place::Node(i)
            } else if t.abs() < 1e-7 || (s > 0.0) == (t > 0.0) {
                continue;
            } else {
                let at = s / (s - t);
                let length = distance(ring[i], ring[j]);
                if at * length < snap_m && at <= 0.5 {
                    Place::Node(i)
                } else if (1.0 - at) * length < snap_m {
                    Place::Node(j)
                } else {
                    Place::Side(i, lerp(ring[i], ring[j], at))
                }
            };
            let again = found.iter().any(|f| matches!((f, place), (Place::Node(a), Place::Node(b)) if *a == b));
            if !again {
                found.push(place);
            }
        }
        found.sort_by_key(|f| f.index());
        match found[..] {
            [a, b] => Some((a, b)),
            _ => None,
        }
    }

    fn parts_are_fine(&self, face: u32, first: Place, second: Place, min_share: f64) -> bool {
        let ring = self.ring(face);
        let point = |q: Place| match q {
            Place::Node(i) => ring[i],
            Place::Side(_, at) => at,
        };
        let mut part = vec![point(first)];
        part.extend_from_slice(&ring[first.index() + 1..=second.index()]);
        part.push(point(second));
        part.push(point(first));
        let share = area(&part) / area(&self.closed(face));
        share >= min_share && share <= 1.0 - min_share && distance(point(first), point(second)) > 1.0
    }

    fn node_at(&mut self, face: u32, place: Place) -> u32 {
        let (i, at) = match place {
            Place::Node(i) => return self.rings[face as usize][i],
            Place::Side(i, at) => (i, at),
        };
        let ring = &self.rings[face as usize];
        let (a, b) = (ring[i], ring[(i + 1) % ring.len()]);
        let new = self.nodes.len() as u32;
        self.nodes.push(at);
        let line = self.line(a, b);
        self.line_of.insert(ordered(a, new), line);
        self.line_of.insert(ordered(new, b), line);
        for (from, to) in [(a, b), (b, a)] {
            let f = self.left(from, to);
            if f == NONE {
                continue;
            }
            self.left_of.remove(&(from, to));
            self.left_of.insert((from, new), f);
            self.left_of.insert((new, to), f);
            let ring = &mut self.rings[f as usize];
            if let Some(k) = ring.iter().position(|&n| n == from) {
                ring.insert(k + 1, new);
            }
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::rng::Rng;

    #[test]
    fn cuts_keep_the_whole_and_share_every_vertex() {
        let mut mesh = Mesh::new(&[[0.0, 0.0], [100.0, 0.0], [120.0, 80.0], [40.0, 130.0], [-10.0, 70.0]], 0);
        let whole = area(&mesh.closed(0));
        let mut rng = Rng::of(5, "mesh", 0);
        for line in 1..400 {
            let face = rng.below(mesh.rings.len()) as u32;
            let at = centroid(&mesh.closed(face));
            let angle = rng.between(0.0, 6.3);
            mesh.cut(face, at, [angle.cos(), angle.sin()], rng.between(0.0, 3.0), 0.1, line);
        }
        assert!(mesh.rings.len() > 200);
        let sum: f64 = (0..mesh.rings.len() as u32).map(|f| area(&mesh.closed(f))).sum();
        assert!((sum - whole).abs() < 1e-6 * whole, "{sum} {whole}");
        let mut outer = 0;
        for (f, ring) in mesh.rings.iter().enumerate() {
            for (&a, &b) in ring.iter().zip(ring.iter().cycle().skip(1)) {
                assert_eq!(mesh.left(a, b), f as u32);
                outer += u32::from(mesh.left(b, a) == NONE);
                assert_ne!(mesh.line(a, b), NONE);
            }
        }
        assert!(outer >= 5);
        let mut order = mesh.order();
        order.sort_unstable();
        assert_eq!(order, (0..mesh.rings.len() as u32).collect::<Vec<_>>());
    }
}
