//! Point in polygon by whole numbers alone, as slow and plain as can be: coordinates are doubles, so they are whole
//! numbers of 2^-60; the half-open rule is applied by moving the point an infinitesimal east and north in words of its
//! own. Shared by tests and benches; shares nothing with the index it judges.

/// A coordinate between 2^-7 and 180 as a multiple of 2^-45 is exact only for these: checked.
const SCALE: f64 = (1u64 << 47) as f64;

pub type Whole = [i128; 2];

pub fn whole(p: [f64; 2]) -> Whole {
    p.map(|v| {
        let scaled = v * SCALE;
        assert!(scaled.fract() == 0.0, "{v} is not a whole number of 2^-47");
        scaled as i128
    })
}

pub struct Polygon {
    pub min: Whole,
    pub max: Whole,
    edges: Vec<[Whole; 2]>,
}

impl Polygon {
    /// From closed rings.
    pub fn new(rings: &[&[[f64; 2]]]) -> Polygon {
        let edges: Vec<[Whole; 2]> =
            rings.iter().flat_map(|r| r.windows(2).map(|w| [whole(w[0]), whole(w[1])])).collect();
        let all = || edges.iter().flatten();
        let min = [0, 1].map(|k| all().map(|v| v[k]).min().unwrap_or(0));
        let max = [0, 1].map(|k| all().map(|v| v[k]).max().unwrap_or(0));
        Polygon { min, max, edges }
    }

    /// Winding of the polygon around a point moved by (ε, ε²): how often the upward ray from it is crossed, from right
    /// to left and back. A ray to the north, where the index looks east.
    pub fn holds(&self, p: Whole) -> bool {
        if (0..2).any(|k| p[k] < self.min[k] || p[k] > self.max[k]) {
            return false;
        }
        let mut crossings = 0;
        for [a, b] in &self.edges {
            // The moved point is east of p by ε: an end at the same x is west of it.
            let west = |v: &Whole| v[0] <= p[0];
            if west(a) == west(b) {
                continue;
            }
            let (l, r) = if west(a) { (a, b) } else { (b, a) };
            // Height of the edge over p, times its width: positive when the edge is above p.
            let over = (r[1] - l[1]) * (p[0] - l[0]) - (p[1] - l[1]) * (r[0] - l[0]);
            // On the edge: east along it, it is above the moved point where it rises, and below where it is level or
            // falls (level: by ε² against 0).
            let above = over > 0 || (over == 0 && r[1] > l[1]);
            crossings += usize::from(above);
        }
        crossings % 2 == 1
    }
}
