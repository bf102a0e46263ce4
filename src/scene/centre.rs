//! Where the middle of a pipe's section runs: from recorded elevations, vertices, depths and the declared reference. No
//! faces.

use super::drawing::Heights;
use super::frame::{Frame, length, sub, unit};
use super::joint::Mouth;
use super::rule::{Known, Rule, centre_above};
use super::tube::{LEAST_M, path};
use crate::feature::{Geometry, ValueRef};
use crate::geo::GeometryKind;
use crate::layer::ElevationReference;

/// A stretch of a pipe: vertices in degrees, and their own heights where each has one.
#[derive(Clone, Copy)]
pub struct Stretch<'a> {
    pub xy: &'a [[f64; 2]],
    pub z: Option<&'a [f64]>,
}

impl<'a> Stretch<'a> {
    pub fn all(g: &'a Geometry) -> impl Iterator<Item = Stretch<'a>> {
        g.runs().map(|run| Stretch { z: g.z.get(run.clone()).filter(|z| z.len() == run.len()), xy: &g.xy[run] })
    }
}

pub fn ground_m(heights: &Heights<'_>, lonlat: [f64; 2]) -> Known<f64> {
    let ground_m = (heights.ground_m)(lonlat);
    Known { value: ground_m.unwrap_or(0.0), assumed: ground_m.is_none() }
}

/// Height of the middle at each vertex, in the data's datum; whether it is assumed. Recorded elevations at both ends
/// come first, interpolated along the length; then the vertices' own heights; then depths below the ground; then one
/// known end for both; then the class's cover.
fn middle_m(
    rule: &Rule,
    heights: &Heights<'_>,
    frame: &Frame,
    line: Stretch<'_>,
    values: &[ValueRef<'_>],
) -> Known<Vec<f64>> {
    let (section, bore_m) = rule.section(values);
    let levels = rule.levels(values);
    let xy = line.xy;
    let between = |[a, b]: [f64; 2]| -> Vec<f64> {
        let share = shares(frame, xy);
        share.iter().map(|t| a + (b - a) * t).collect()
    };
    let mut reference = levels.reference;
    let own = line.z.filter(|z| z.iter().all(|h| h.is_finite()) && z.iter().any(|h| *h != 0.0));
    let grounds = || {
        let (first, last) = (xy.first().copied().unwrap_or_default(), xy.last().copied().unwrap_or_default());
        [ground_m(heights, first), ground_m(heights, last)]
    };
    let mut value = match (levels.elevations_m, own) {
        ([Some(a), Some(b)], _) => Known { value: between([a, b]), assumed: false },
        (_, Some(z)) => Known { value: z.to_vec(), assumed: false },
        _ => {
            let grounds = grounds();
            // Under ground of which nothing is known a depth gives no height.
            let under = [0, 1].map(|i| levels.depths_m[i].map(|d| grounds[i].value - d));
            let vague = grounds.iter().any(|g| g.assumed);
            match (levels.elevations_m, under) {
                (_, [Some(a), Some(b)]) => Known { value: between([a, b]), assumed: vague },
                ([Some(h), _] | [_, Some(h)], _) | (_, [Some(h), _] | [_, Some(h)]) => {
                    Known { value: vec![h; xy.len()], assumed: true }
                }
                _ => {
                    reference = ElevationReference::OuterTop;
                    let cover_m = rule.cover_m();
                    Known { value: between(grounds.map(|g| g.value - cover_m)), assumed: true }
                }
            }
        }
    };
    let lift_m = centre_above(reference, section.value, bore_m);
    value.value.iter_mut().for_each(|h| *h += lift_m);
    value
}

/// Fills `local` with the middle of the section along a line; true when its heights are assumed.
pub fn centre_line(
    rule: &Rule,
    heights: &Heights<'_>,
    frame: &Frame,
    line: Stretch<'_>,
    values: &[ValueRef<'_>],
    local: &mut Vec<[f64; 3]>,
) -> bool {
    let middle = middle_m(rule, heights, frame, line, values);
    local.clear();
    local.extend(line.xy.iter().zip(middle.value).map(|(p, h)| frame.local(*p, h + (heights.undulation_m)(*p))));
    middle.assumed
}

/// The two ends of a pipe as they are drawn at near precision; `None` where nothing is drawn.
pub fn mouths(
    rule: &Rule,
    heights: &Heights<'_>,
    tolerance_m: f64,
    g: &Geometry,
    values: &[ValueRef<'_>],
) -> Option<[Mouth; 2]> {
    if g.kind != GeometryKind::Line {
        return None;
    }
    let section = rule.section(values).0.value;
    let mut stretches = Stretch::all(g);
    let first = stretches.next()?;
    let last = stretches.last().unwrap_or(first);
    let mouth = |line: Stretch<'_>, at_start: bool| {
        let (near, place) = match at_start {
            true => (0, *line.xy.first()?),
            false => (line.xy.len() - 1, *line.xy.last()?),
        };
        let frame = Frame::at(place, 0.0);
        let middle = middle_m(rule, heights, &frame, line, values);
        let local: Vec<_> = line.xy.iter().zip(&middle.value).map(|(p, h)| frame.local(*p, *h)).collect();
        let mut path = path(&local, LEAST_M, tolerance_m);
        if !at_start {
            path.reverse();
        }
        let leg = sub(*path.get(1)?, path[0]);
        let height_m = *middle.value.get(near)?;
        Some(Mouth { lonlat: place, height_m, inward: unit(leg)?, leg_m: length(leg), section })
    };
    Some([mouth(first, true)?, mouth(last, false)?])
}

/// How far along the whole line each vertex lies, 0 … 1.
fn shares(frame: &Frame, xy: &[[f64; 2]]) -> Vec<f64> {
    if xy.len() == 2 {
        return vec![0.0, 1.0];
    }
    let places: Vec<_> = xy.iter().map(|p| frame.local(*p, 0.0)).collect();
    let mut walked = vec![0.0];
    for s in places.windows(2) {
        walked.push(walked[walked.len() - 1] + length(sub(s[1], s[0])));
    }
    let whole = walked[walked.len() - 1].max(1e-9);
    walked.truncate(xy.len());
    walked.iter().map(|w| w / whole).collect()
}
