//! Whether polygons on the integer grid are sound: no edge meets another but its neighbours. Finds, does not
//! mend, and may call a sound shape doubtful (rings that touch in a point), never the other way round.

use super::snap::{Point, Snapped, cross};

/// Up to so many edges all pairs are looked at.
const FEW: usize = 24;

/// How rings may meet.
#[derive(Clone, Copy, PartialEq)]
pub enum Contact {
    Never,
    /// Different rings may share a vertex. Whether they cross there is not looked at: for what an overlay
    /// made, where they do not.
    AtVertices,
}

/// Room for the search.
#[derive(Default)]
pub struct Checker {
    edges: Vec<Edge>,
}

#[derive(Clone, Copy)]
struct Edge {
    min: Point,
    max: Point,
    a: Point,
    b: Point,
    /// Position in the ring, and the ring's place and length: to know neighbours.
    at: u32,
    from: u32,
    len: u32,
}

impl Checker {
    /// True only if every ring is simple and no ring touches another, or as `contact` allows.
    pub fn is_sound(&mut self, shape: &Snapped, contact: Contact) -> bool {
        if shape.ends.len() == 1 && is_convex(&shape.points) {
            return true;
        }
        self.collect(shape);
        // A few edges are compared sooner than sorted.
        let sorted = self.edges.len() > FEW;
        if sorted {
            self.edges.sort_unstable_by_key(|e| e.min[0]);
        }
        for (i, e) in self.edges.iter().enumerate() {
            for f in &self.edges[i + 1..] {
                if f.min[0] > e.max[0] && sorted {
                    break;
                }
                let apart =
                    (f.min[0] > e.max[0]) | (e.min[0] > f.max[0]) | (f.min[1] > e.max[1]) | (e.min[1] > f.max[1]);
                if apart {
                    continue;
                }
                let allowed = neighbours(e, f) || contact == Contact::AtVertices && touch_at_vertices(e, f);
                if !allowed && meet(e, f) {
                    return false;
                }
            }
        }
        interiors_are_inside(shape)
    }

    /// All edges, turned so that the sweep runs along the axis on which they are shorter.
    fn collect(&mut self, shape: &Snapped) {
        self.edges.clear();
        let mut from = 0;
        let mut spread = [0i64; 2];
        for ring in shape.runs() {
            let mut a = ring[ring.len() - 1];
            for (at, &b) in ring.iter().enumerate() {
                let min = [a[0].min(b[0]), a[1].min(b[1])];
                let max = [a[0].max(b[0]), a[1].max(b[1])];
                spread[0] += i64::from(max[0] - min[0]);
                spread[1] += i64::from(max[1] - min[1]);
                self.edges.push(Edge { min, max, a, b, at: at as u32, from, len: ring.len() as u32 });
                a = b;
            }
            from += ring.len() as u32;
        }
        if spread[1] < spread[0] {
            for e in &mut self.edges {
                for p in [&mut e.min, &mut e.max, &mut e.a, &mut e.b] {
                    p.swap(0, 1);
                }
            }
        }
    }
}

/// A ring that always turns the same way and goes around once. Spikes and repeated points are gone already.
fn is_convex(ring: &[Point]) -> bool {
    let n = ring.len();
    let (mut a, mut b) = (ring[n - 2], ring[n - 1]);
    let mut turn = 0i64;
    let mut reversals = 0;
    let mut heading = 0;
    let mut first_heading = 0;
    for &c in ring {
        let t = cross(a, b, c).signum();
        if t != 0 {
            if turn != 0 && t != turn {
                return false;
            }
            turn = t;
        }
        // A ring that goes around once has two changes between left and right.
        let h = (c[0] - b[0]).signum();
        if h != 0 {
            reversals += i32::from(heading != 0 && h != heading);
            heading = h;
            if first_heading == 0 {
                first_heading = h;
            }
        }
        (a, b) = (b, c);
    }
    reversals + i32::from(heading != first_heading) <= 2
}

/// Whether every interior lies in its exterior, told by its first point: they do not cross.
fn interiors_are_inside(shape: &Snapped) -> bool {
    if shape.ends.len() == shape.parts.len() {
        return true;
    }
    let ring = |i: usize| {
        let from = if i == 0 { 0 } else { shape.ends[i - 1] as usize };
        &shape.points[from..shape.ends[i] as usize]
    };
    let mut first = 0;
    shape.parts.iter().all(|&last| {
        let exterior = ring(first);
        let fine = (first + 1..last as usize).all(|i| is_inside(exterior, ring(i)));
        first = last as usize;
        fine
    })
}

/// Even-odd for the first point of `interior` that is no vertex of `exterior`.
fn is_inside(exterior: &[Point], interior: &[Point]) -> bool {
    let Some(p) = interior.iter().find(|p| !exterior.contains(p)) else { return true };
    let mut odd = false;
    let mut a = exterior[exterior.len() - 1];
    for &b in exterior {
        if (a[1] > p[1]) != (b[1] > p[1]) {
            odd ^= (cross(a, b, *p) > 0) == (b[1] > a[1]);
        }
        a = b;
    }
    odd
}

fn neighbours(e: &Edge, f: &Edge) -> bool {
    let apart = e.at.abs_diff(f.at);
    e.from == f.from && (apart == 1 || apart == e.len - 1)
}

/// Whether edges of different rings share an end, and nothing but that end.
fn touch_at_vertices(e: &Edge, f: &Edge) -> bool {
    let (p, q, r) = match () {
        () if e.a == f.a => (e.a, e.b, f.b),
        () if e.a == f.b => (e.a, e.b, f.a),
        () if e.b == f.a => (e.b, e.a, f.b),
        () if e.b == f.b => (e.b, e.a, f.a),
        () => return false,
    };
    // On one line they must point away from each other.
    let away = || (0..2).all(|k| (q[k] - p[k]).signum() * (r[k] - p[k]).signum() <= 0);
    e.from != f.from && (cross(p, q, r) != 0 || away())
}

/// Whether two edges have a point in common.
fn meet(e: &Edge, f: &Edge) -> bool {
    let (s, t) = (cross(e.a, e.b, f.a).signum(), cross(e.a, e.b, f.b).signum());
    if s * t > 0 {
        return false;
    }
    // On one line their boxes decide, and those meet already.
    let (u, v) = (cross(f.a, f.b, e.a).signum(), cross(f.a, f.b, e.b).signum());
    u * v <= 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(rings: &[&[Point]]) -> Snapped {
        let mut s = Snapped::default();
        for r in rings {
            s.points.extend_from_slice(r);
            s.ends.push(s.points.len() as u32);
        }
        // A ring that winds like an exterior begins a polygon.
        for (i, r) in rings.iter().enumerate() {
            if i > 0 && super::super::snap::double_area(r) > 0 {
                s.parts.push(i as u32);
            }
        }
        s.parts.push(s.ends.len() as u32);
        s
    }

    const SQUARE: [Point; 4] = [[0, 0], [9, 0], [9, 9], [0, 9]];

    #[test]
    fn by_hand() {
        let ell: [Point; 6] = [[0, 0], [9, 0], [9, 4], [4, 4], [4, 9], [0, 9]];
        let bowtie: [Point; 4] = [[0, 0], [9, 9], [9, 0], [0, 9]];
        let pinched: [Point; 6] = [[0, 0], [4, 4], [9, 0], [9, 9], [4, 4], [0, 9]];
        let on_edge: [Point; 5] = [[0, 0], [9, 0], [9, 9], [4, 0], [0, 9]];
        let folded: [Point; 6] = [[0, 0], [9, 0], [9, 9], [5, 0], [3, 0], [0, 9]];
        let pentagram: [Point; 5] = [[0, -10], [6, 8], [-10, -3], [10, -3], [-6, 8]];
        for (rings, want) in [
            (vec![&SQUARE[..]], true),
            (vec![&ell[..]], true),
            (vec![&bowtie[..]], false),
            (vec![&pinched[..]], false),
            (vec![&on_edge[..]], false),
            (vec![&folded[..]], false),
            (vec![&pentagram[..]], false),
            (vec![&SQUARE[..], &[[2, 2], [2, 4], [4, 4]]], true),
            (vec![&SQUARE[..], &[[0, 0], [2, 4], [4, 4]]], false),
            (vec![&SQUARE[..], &[[12, 2], [12, 4], [14, 4]]], false),
            (vec![&SQUARE[..], &[[9, 0], [20, 0], [20, 9], [9, 9]]], false),
            (vec![&SQUARE[..], &[[10, 0], [20, 0], [20, 9], [10, 9]]], true),
        ] {
            assert_eq!(Checker::default().is_sound(&shape(&rings), Contact::Never), want, "{rings:?}");
        }
    }

    #[test]
    fn agrees_with_all_pairs() {
        let mut seed = 3u64;
        let mut next = |n: i32| {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            ((seed >> 33) as i32) % n
        };
        let (mut sound, mut checker) = (0, Checker::default());
        for _ in 0..20_000 {
            let n = 3 + next(6) as usize;
            let mut ring: Vec<Point> = vec![];
            while ring.len() < n {
                let p = [next(12), next(12)];
                let spike = ring.len() >= 2 && cross(ring[ring.len() - 2], ring[ring.len() - 1], p) == 0;
                if !ring.contains(&p) && !spike {
                    ring.push(p);
                }
            }
            if cross(ring[n - 2], ring[n - 1], ring[0]) == 0 || cross(ring[n - 1], ring[0], ring[1]) == 0 {
                continue;
            }
            let want = super::super::property_tests::ring_is_simple(&ring);
            assert_eq!(checker.is_sound(&shape(&[&ring]), Contact::Never), want, "{ring:?}");
            sound += usize::from(want);
        }
        assert!(sound > 1000, "{sound}");
    }
}
