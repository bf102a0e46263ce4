//! Sharp corners of a pipe's centre line → arcs. Directions only; rings are `tube`'s.

use super::frame::{along, cross, dot, length, sub, unit};

/// Turns up to this are one mitre; sharper ones become an arc.
const MITRE: f64 = 30.0 * std::f64::consts::PI / 180.0;
/// Radius of a bend's middle line over the pipe's diameter: the common "long" elbow.
const BEND_RADIUS: f64 = 1.5;

/// The line with an arc in place of each sharp corner. The arc keeps within half of the shorter leg; its chords
/// leave it by at most the tolerance on the outer side of the pipe, and none turns by more than a mitre may.
pub fn rounded(line: &[[f64; 3]], outer_m: f64, tolerance_m: f64) -> Vec<[f64; 3]> {
    let mut out = vec![];
    for (i, &corner) in line.iter().enumerate() {
        let inner = i > 0 && i + 1 < line.len();
        let arc = inner.then(|| arc(line[i - 1], corner, line[i + 1], outer_m, tolerance_m)).flatten();
        match arc {
            Some(points) => out.extend(points),
            None => out.push(corner),
        }
    }
    out
}

fn arc(a: [f64; 3], corner: [f64; 3], b: [f64; 3], outer_m: f64, tolerance_m: f64) -> Option<Vec<[f64; 3]>> {
    let (before, after) = (sub(corner, a), sub(b, corner));
    let (d1, d2) = (unit(before)?, unit(after)?);
    let turn = length(cross(d1, d2)).atan2(dot(d1, d2));
    if turn <= MITRE {
        return None;
    }
    let half = (turn / 2.0).tan();
    let reach_m = (BEND_RADIUS * outer_m * half).min(length(before).min(length(after)) / 2.0);
    let radius_m = reach_m / half;
    let towards = unit(sub(d2, d1.map(|x| x * dot(d1, d2))))?;
    let sagitta = (1.0 - tolerance_m / (radius_m + outer_m / 2.0)).clamp(-1.0, 1.0).acos();
    let pieces = (turn / (2.0 * sagitta)).ceil().max((turn / MITRE).ceil()).clamp(2.0, 24.0) as usize;
    let start = along(corner, d1, -reach_m);
    let middle = along(start, towards, radius_m);
    let point = |k: usize| {
        let (s, c) = (turn * k as f64 / pieces as f64).sin_cos();
        along(along(middle, towards, -radius_m * c), d1, radius_m * s)
    };
    Some((0..=pieces).map(point).collect())
}
