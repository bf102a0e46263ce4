//! Repairs that cannot harm: rings closed, repeated vertices dropped, degenerate parts left out, winding set.
//! Pure; never moves a vertex and never splits. What needs GEOS (`made-valid`) stands in `read::valid`.

use crate::feature::Geometry;
use crate::geo::GeometryKind;
use crate::import::wire::Reject;

/// Repair codes as the report counts them.
pub const CLOSED_RING: &str = "closed-ring";
pub const DUPLICATE_VERTICES: &str = "duplicate-vertices";
pub const DEGENERATE_PART: &str = "degenerate-part";
pub const ORIENTED: &str = "oriented";
pub const MADE_VALID: &str = "made-valid";
pub const LINEARISED: &str = "linearised";
pub const MEASURE_DROPPED: &str = "measure-dropped";
pub const HEIGHT_DROPPED: &str = "height-dropped";
pub const SURFACE_FLATTENED: &str = "surface-flattened";
pub const COLLECTION_FLATTENED: &str = "collection-flattened";
pub const TEXT_CUT: &str = "text-cut";

pub fn reject(code: &str, detail: impl Into<String>) -> Reject {
    Reject { code: code.into(), detail: detail.into() }
}

/// The codes of one record, each once, in the order of their first use.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Repairs(Vec<String>);

impl Repairs {
    pub fn note(&mut self, code: &str) {
        if !self.0.iter().any(|c| c == code) {
            self.0.push(code.to_string());
        }
    }

    pub fn into_codes(self) -> Vec<String> {
        self.0
    }
}

/// Closes rings and drops what adds nothing, in source units: before any reprojection, so that equal means equal.
pub fn tidy(g: Geometry, repairs: &mut Repairs) -> Result<Geometry, Reject> {
    match g.kind {
        GeometryKind::Point if g.xy.is_empty() => Err(reject("empty-geometry", "no points")),
        GeometryKind::Point => Ok(g),
        GeometryKind::Line => tidy_lines(&g, repairs),
        GeometryKind::Polygon => tidy_polygons(&g, repairs),
    }
}

struct Run {
    xy: Vec<[f64; 2]>,
    z: Vec<f64>,
}

impl Run {
    /// The vertices of `range` without repeats. A repeated position with another height is a vertical piece of a
    /// line; in a ring it is nothing.
    fn of(g: &Geometry, range: std::ops::Range<usize>, repairs: &mut Repairs) -> Run {
        let mut run = Run { xy: Vec::with_capacity(range.len() + 1), z: vec![] };
        for i in range.clone() {
            let same_place = run.xy.last() == Some(&g.xy[i]);
            let same_height = g.kind == GeometryKind::Polygon || run.z.last() == g.z.get(i);
            if same_place && same_height {
                repairs.note(DUPLICATE_VERTICES);
                continue;
            }
            run.xy.push(g.xy[i]);
            run.z.extend(g.z.get(i));
        }
        run
    }

    fn close(&mut self, repairs: &mut Repairs) {
        if self.xy.first() != self.xy.last() {
            repairs.note(CLOSED_RING);
            self.xy.extend(self.xy.first().copied());
            self.z.extend(self.z.first().copied());
        }
    }

    fn append_to(self, g: &mut Geometry) {
        g.xy.extend(self.xy);
        g.z.extend(self.z);
        g.ends.push(g.xy.len() as u32);
    }
}

fn empty_like(g: &Geometry) -> Geometry {
    Geometry { kind: g.kind, xy: Vec::with_capacity(g.xy.len()), z: vec![], ends: vec![], parts: vec![] }
}

fn tidy_lines(g: &Geometry, repairs: &mut Repairs) -> Result<Geometry, Reject> {
    let mut out = empty_like(g);
    let mut own = Repairs::default();
    for range in g.runs() {
        let run = Run::of(g, range, &mut own);
        match run.xy.len() < 2 {
            true => own.note(DEGENERATE_PART),
            false => run.append_to(&mut out),
        }
    }
    match (g.xy.is_empty(), out.xy.is_empty()) {
        (true, _) => Err(reject("empty-geometry", "no vertices")),
        (_, true) => Err(reject("zero-length", "a line needs two distinct points")),
        _ => {
            own.0.iter().for_each(|c| repairs.note(c));
            Ok(out)
        }
    }
}

fn tidy_polygons(g: &Geometry, repairs: &mut Repairs) -> Result<Geometry, Reject> {
    if g.xy.is_empty() {
        return Err(reject("empty-geometry", "no vertices"));
    }
    let runs: Vec<_> = g.runs().collect();
    let mut out = empty_like(g);
    let mut own = Repairs::default();
    let mut from = 0;
    for &to in &g.parts {
        for (i, range) in runs[from..to as usize].iter().enumerate() {
            let mut run = Run::of(g, range.clone(), &mut own);
            run.close(&mut own);
            if run.xy.len() >= 4 {
                run.append_to(&mut out);
                continue;
            }
            own.note(DEGENERATE_PART);
            // A polygon whose exterior is nothing has no holes either.
            if i == 0 {
                break;
            }
        }
        from = to as usize;
        if out.ends.len() as u32 > out.parts.last().copied().unwrap_or(0) {
            out.parts.push(out.ends.len() as u32);
        }
    }
    if out.parts.is_empty() {
        return Err(reject("too-few-points", "a ring needs three distinct points"));
    }
    own.0.iter().for_each(|c| repairs.note(c));
    Ok(out)
}

/// Rings up to this long are looked at by pairs; GEOS is faster beyond.
const SIMPLE_RING_VERTICES: usize = 64;

/// Whether a polygon is one ring that surely neither crosses nor touches itself, so that GEOS need not be asked: most
/// buildings, parcels and grid cells. Any doubt, rounding included, is a no. Expects a tidy polygon.
pub fn surely_simple(g: &Geometry) -> bool {
    if g.kind != GeometryKind::Polygon || g.ends.len() != 1 || g.xy.len() < 4 || g.xy.len() > SIMPLE_RING_VERTICES + 1 {
        return false;
    }
    let [ox, oy] = g.xy[0];
    let ring: Vec<[f64; 2]> = g.xy.iter().map(|p| [p[0] - ox, p[1] - oy]).collect();
    let largest = |list: &[[f64; 2]]| list.as_flattened().iter().fold(0.0f64, |m, v| m.max(v.abs()));
    // Bounds the error of `turn` after the shift: one rounding of a coordinate times the ring's size, with room.
    let margin = 16.0 * f64::EPSILON * largest(&g.xy) * largest(&ring);
    let n = ring.len() - 1;
    let segment = |i: usize| (ring[i], ring[i + 1]);
    let folds = |i: usize| {
        let ((a, b), (_, c)) = (segment(i), segment((i + 1) % n));
        let ahead = (b[0] - a[0]) * (c[0] - b[0]) + (b[1] - a[1]) * (c[1] - b[1]);
        turn(a, b, c).abs() <= margin && ahead < 0.0
    };
    if (0..n).any(folds) {
        return false;
    }
    (0..n).all(|i| {
        let last = if i == 0 { n - 1 } else { n };
        (i + 2..last).all(|j| surely_apart(segment(i), segment(j), margin))
    })
}

type Segment = ([f64; 2], [f64; 2]);

fn surely_apart((a, b): Segment, (c, d): Segment, margin: f64) -> bool {
    let beside = |k: usize| a[k].max(b[k]) < c[k].min(d[k]) || c[k].max(d[k]) < a[k].min(b[k]);
    let one_side = |x: f64, y: f64| (x > margin && y > margin) || (x < -margin && y < -margin);
    beside(0) || beside(1) || one_side(turn(a, b, c), turn(a, b, d)) || one_side(turn(c, d, a), turn(c, d, b))
}

/// Twice the area of a, b, c; positive when they turn left.
fn turn(a: [f64; 2], b: [f64; 2], c: [f64; 2]) -> f64 {
    (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
}

/// Sets the winding in lon/lat: exteriors counter-clockwise, holes clockwise. A geometry that is wound the other way
/// throughout only follows another convention (shapefiles); one that is of two minds is a repair.
pub fn orient(g: &mut Geometry, repairs: &mut Repairs) -> Result<(), Reject> {
    if g.kind != GeometryKind::Polygon {
        return Ok(());
    }
    let runs: Vec<_> = g.runs().collect();
    let mut turned = 0;
    let mut from = 0;
    for part in 0..g.parts.len() {
        let to = g.parts[part] as usize;
        for (i, range) in runs[from..to].iter().enumerate() {
            let area = signed_area(&g.xy[range.clone()]);
            if area == 0.0 && i == 0 {
                return Err(reject("zero-area", "the polygon's ring encloses nothing"));
            }
            if (area > 0.0) != (i == 0) {
                g.xy[range.clone()].reverse();
                if !g.z.is_empty() {
                    g.z[range.clone()].reverse();
                }
                turned += 1;
            }
        }
        from = to;
    }
    if turned > 0 && turned < runs.len() {
        repairs.note(ORIENTED);
    }
    Ok(())
}

/// Twice the shoelace area, positive when counter-clockwise, about the first vertex so that small rings keep
/// their digits.
fn signed_area(ring: &[[f64; 2]]) -> f64 {
    let Some([ox, oy]) = ring.first() else { return 0.0 };
    ring.windows(2).map(|w| (w[0][0] - ox) * (w[1][1] - oy) - (w[1][0] - ox) * (w[0][1] - oy)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn polygon(rings: &[&[[f64; 2]]]) -> Geometry {
        Geometry::polygon(&rings.iter().map(|r| r.to_vec()).collect::<Vec<_>>())
    }

    const SQUARE: [[f64; 2]; 5] = [[0., 0.], [4., 0.], [4., 4.], [0., 4.], [0., 0.]];
    const HOLE_CW: [[f64; 2]; 5] = [[1., 1.], [1., 2.], [2., 2.], [2., 1.], [1., 1.]];

    #[test]
    fn a_good_polygon_stays_as_it_is() {
        let mut repairs = Repairs::default();
        let g = polygon(&[&SQUARE, &HOLE_CW]);
        let mut t = tidy(g.clone(), &mut repairs).unwrap();
        orient(&mut t, &mut repairs).unwrap();
        assert_eq!(t, g);
        assert!(repairs.into_codes().is_empty());
    }

    #[test]
    fn rings_are_closed_cleaned_and_turned() {
        let mut repairs = Repairs::default();
        let open_cw: &[[f64; 2]] = &[[0., 0.], [0., 4.], [0., 4.], [4., 4.], [4., 0.]];
        let mut t = tidy(polygon(&[open_cw]), &mut repairs).unwrap();
        orient(&mut t, &mut repairs).unwrap();
        assert_eq!(t.xy, SQUARE.to_vec());
        assert_eq!(repairs.into_codes(), [DUPLICATE_VERTICES, CLOSED_RING]);
        let mut both_ccw = polygon(&[&SQUARE, &[[1., 1.], [2., 1.], [2., 2.], [1., 2.], [1., 1.]]]);
        let mut repairs = Repairs::default();
        orient(&mut both_ccw, &mut repairs).unwrap();
        assert_eq!(both_ccw, polygon(&[&SQUARE, &HOLE_CW]));
        assert_eq!(repairs.into_codes(), [ORIENTED]);
    }

    #[test]
    fn nothings_are_left_out_or_refused() {
        let mut repairs = Repairs::default();
        let spike: &[[f64; 2]] = &[[1., 1.], [2., 2.], [1., 1.]];
        let t = tidy(polygon(&[&SQUARE, spike]), &mut repairs).unwrap();
        assert_eq!(t, polygon(&[&SQUARE]));
        assert_eq!(repairs.into_codes(), [DEGENERATE_PART]);
        let code = |g: Geometry| tidy(g, &mut Repairs::default()).unwrap_err().code;
        assert_eq!(code(polygon(&[spike])), "too-few-points");
        assert_eq!(code(Geometry::line(vec![[1., 1.], [1., 1.]])), "zero-length");
        assert_eq!(code(Geometry::line(vec![])), "empty-geometry");
        let mut flat = polygon(&[&[[0., 0.], [1., 1.], [2., 2.], [0., 0.]]]);
        assert_eq!(orient(&mut flat, &mut Repairs::default()).unwrap_err().code, "zero-area");
    }

    #[test]
    fn a_vertical_line_keeps_its_two_ends() {
        let riser = Geometry { z: vec![3., 9.], ..Geometry::line(vec![[1., 1.], [1., 1.]]) };
        assert_eq!(tidy(riser.clone(), &mut Repairs::default()).unwrap(), riser);
    }

    #[test]
    fn heights_turn_with_their_ring() {
        let mut g = Geometry { z: vec![0., 1., 2., 3., 0.], ..polygon(&[&HOLE_CW]) };
        orient(&mut g, &mut Repairs::default()).unwrap();
        assert_eq!(g.z, [0., 3., 2., 1., 0.]);
        assert_eq!(g.xy[1], HOLE_CW[3]);
    }
}
