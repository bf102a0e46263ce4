//! Circular arcs as chords, by the largest distance allowed between the two. Original vertices stay exactly.

use crate::import::repair::reject;
use crate::import::wire::Reject;

/// An arc never needs more chords than this: 4096 chords on a 40 km circle leave 3 mm.
const MAX_CHORDS: f64 = 4096.0;

/// A WKB circular string: start, any point on the arc, end; then again on the arc, end … A closed arc of three
/// points is a circle whose middle point is the far end of a diameter. Heights run linearly along the arc.
pub fn chords(points: &[[f64; 3]], sagitta: f64) -> Result<Vec<[f64; 3]>, Reject> {
    if points.is_empty() {
        return Ok(vec![]);
    }
    if points.len() < 3 || points.len().is_multiple_of(2) {
        return Err(reject("broken-geometry", "a circular string needs an odd number of points, three or more"));
    }
    let mut out = vec![points[0]];
    for arc in points.windows(3).step_by(2) {
        one_arc(arc[0], arc[1], arc[2], sagitta, &mut out);
    }
    Ok(out)
}

fn one_arc(a: [f64; 3], m: [f64; 3], b: [f64; 3], sagitta: f64, out: &mut Vec<[f64; 3]>) {
    let Some((center, sweep)) = circle(a, m, b) else {
        // Three points on one line (or not finite): the arc is the line.
        out.extend([m, b]);
        return;
    };
    let radius = (a[0] - center[0]).hypot(a[1] - center[1]);
    let angle = |p: [f64; 3]| (p[1] - center[1]).atan2(p[0] - center[0]);
    let (from, middle) = (angle(a), angle(m));
    let first = turn(from, middle, sweep);
    for (start, end, part) in [(a, m, first), (m, b, sweep - first)] {
        let n = chord_count(part.abs(), radius, sagitta);
        let from = angle(start);
        for i in 1..n {
            let t = i as f64 / n as f64;
            let at = from + part * t;
            let z = start[2] + (end[2] - start[2]) * t;
            out.push([center[0] + radius * at.cos(), center[1] + radius * at.sin(), z]);
        }
        out.push(end);
    }
}

/// Centre and signed sweep from a to b by way of m; none when the points lie on a line.
fn circle(a: [f64; 3], m: [f64; 3], b: [f64; 3]) -> Option<([f64; 2], f64)> {
    let full = std::f64::consts::TAU;
    if a[..2] == b[..2] {
        let center = [(a[0] + m[0]) / 2.0, (a[1] + m[1]) / 2.0];
        return (a[..2] != m[..2]).then_some((center, full));
    }
    // About the first point, so that large coordinates keep their digits.
    let (mx, my, bx, by) = (m[0] - a[0], m[1] - a[1], b[0] - a[0], b[1] - a[1]);
    let d = 2.0 * (mx * by - my * bx);
    let size = (mx * mx + my * my).max(bx * bx + by * by);
    if !d.is_finite() || d.abs() <= size * 1e-12 {
        return None;
    }
    let (mm, bb) = (mx * mx + my * my, bx * bx + by * by);
    let (ux, uy) = ((by * mm - my * bb) / d, (mx * bb - bx * mm) / d);
    let from = (-uy).atan2(-ux);
    let to = (by - uy).atan2(bx - ux);
    let counter_clockwise = d > 0.0;
    let sweep = match counter_clockwise {
        true => (to - from).rem_euclid(full),
        false => -(from - to).rem_euclid(full),
    };
    Some(([a[0] + ux, a[1] + uy], sweep))
}

/// Signed angle from one direction to another in the direction of `sweep`.
fn turn(from: f64, to: f64, sweep: f64) -> f64 {
    let full = std::f64::consts::TAU;
    if sweep >= 0.0 { (to - from).rem_euclid(full) } else { -(from - to).rem_euclid(full) }
}

fn chord_count(sweep: f64, radius: f64, sagitta: f64) -> usize {
    let step = 2.0 * (1.0 - (sagitta / radius).min(1.0)).acos();
    (sweep / step.max(1e-9)).ceil().clamp(1.0, MAX_CHORDS) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chords_stay_within_the_sagitta_and_keep_the_given_points() {
        for (r, s) in [(10.0, 0.01), (500.0, 0.01), (0.5, 0.01)] {
            let arc = [[r, 0.0, 0.0], [0.0, r, 5.0], [-r, 0.0, 10.0]];
            let out = chords(&arc, s).unwrap();
            assert!(arc.iter().all(|p| out.contains(p)));
            for w in out.windows(2) {
                let mid = ((w[0][0] + w[1][0]) / 2.0).hypot((w[0][1] + w[1][1]) / 2.0);
                assert!(r - mid <= s * 1.000001, "{r}: {}", r - mid);
                assert!(w[1][1] >= -1e-9, "stays on the upper half");
                assert!(w[1][2] >= w[0][2], "heights rise");
            }
        }
    }

    #[test]
    fn a_closed_arc_is_a_circle_and_a_straight_one_a_line() {
        let circle = chords(&[[0.0, 0.0, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, 0.0]], 0.001).unwrap();
        let area: f64 = circle.windows(2).map(|w| w[0][0] * w[1][1] - w[1][0] * w[0][1]).sum::<f64>() / 2.0;
        assert!((area.abs() - std::f64::consts::PI).abs() < 0.01, "{area}");
        let line = chords(&[[0.0, 0.0, 0.0], [1.0, 1.0, 0.0], [2.0, 2.0, 0.0]], 0.001).unwrap();
        assert_eq!(line.len(), 3);
        assert!(chords(&[[0.0; 3], [1.0; 3]], 0.01).is_err());
    }

    #[test]
    fn clockwise_arcs_go_clockwise() {
        let out = chords(&[[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]], 0.01).unwrap();
        assert!(out.iter().all(|p| p[1] >= -1e-9));
        let low = chords(&[[-1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [1.0, 0.0, 0.0]], 0.01).unwrap();
        assert!(low.iter().all(|p| p[1] <= 1e-9));
    }
}
