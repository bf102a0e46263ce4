//! Drawn pipes measured against the centre lines that their records say: every vertex stands the radius off its line, off the
//! arc in place of a sharp corner, or makes a joint with what else ends there. Reads no files.

use super::checker::volume::{cross, dot, geocentric, length, minus};
use super::drawn::Drawn;
use std::collections::{BTreeMap, HashMap};

type Place = [f64; 3];

/// A pipe by its record: its centre line in degrees and metres over the ellipsoid, a list a part; its outer radius.
#[derive(Debug, Clone)]
pub struct Pipe {
    pub parts: Vec<Vec<Place>>,
    pub radius_m: f64,
}

/// Vertices are on a grid; a centre line is simplified by 2.5 mm.
const NEAR_M: f64 = 5e-3;
/// How far a chord of an arc or of a ball may leave it.
const CHORD_M: f64 = 0.01;
/// Sharper corners are arcs.
const CORNER: f64 = 29.9 * std::f64::consts::PI / 180.0;
/// Ends that meet.
const MEET_M: f64 = 0.02;

/// Where a vertex of a pipe was found.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Found {
    /// So far off the line.
    On(f64),
    Bend,
    /// In a reducer or a ball, where other pipes end too.
    Joint,
    /// So far off the radius.
    Off(f64),
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    pub pipes: usize,
    pub vertices: usize,
    pub bends: usize,
    pub joints: usize,
}

/// Geocentric, with what the ends meet.
struct Line {
    parts: Vec<Vec<Place>>,
    /// Without vertices that 2.5 mm make superfluous: the corners that are drawn.
    plain: Vec<Vec<Place>>,
    radius_m: f64,
    /// Of all pipes that end where a part of this ends, it besides: place, least and greatest radius.
    ends: Vec<(Place, f64, f64)>,
}

/// Compares pipes with what their tiles show, by the same names.
///
/// Panics with the first of those that are not drawn, have a vertex where none may be, a width that is not theirs, or
/// nothing at an end.
pub fn measured(layer: &str, pipes: &BTreeMap<String, Pipe>, drawn: &BTreeMap<String, Drawn>) -> Figures {
    let lines = lines(pipes);
    let (mut figures, mut wrong) = (Figures::default(), vec![]);
    for (code, line) in &lines {
        let Some(of) = drawn.get(code) else {
            wrong.push(format!("{code}: not drawn"));
            continue;
        };
        figures.pipes += 1;
        wrong.extend(line.held(of, &mut figures).map(|what| format!("{code}, radius {:.4}: {what}", line.radius_m)));
    }
    wrong.extend(drawn.keys().filter(|code| !lines.contains_key(*code)).map(|code| format!("{code}: in no source")));
    println!("{layer}: {figures:?}");
    assert!(wrong.is_empty(), "{layer}, {} wrong:\n{}", wrong.len(), wrong[..wrong.len().min(9)].join("\n"));
    figures
}

fn lines(pipes: &BTreeMap<String, Pipe>) -> BTreeMap<String, Line> {
    let ends_of = |part: &[Place]| [part[0], part[part.len() - 1]].map(on_earth);
    let cell = |p: Place| p.map(|x| (x / MEET_M).floor() as i64);
    // Ends meet in plan: heights differ by the radii.
    let plan = |part: &[Place]| [part[0], part[part.len() - 1]].map(|p| on_earth([p[0], p[1], 0.0]));
    let mut met: HashMap<[i64; 3], Vec<(Place, f64)>> = HashMap::new();
    for pipe in pipes.values() {
        for end in pipe.parts.iter().flat_map(|part| plan(part)) {
            met.entry(cell(end)).or_default().push((end, pipe.radius_m));
        }
    }
    let radii = |end: Place| -> (f64, f64) {
        let [x, y, z] = cell(end);
        let cells =
            (x - 1..=x + 1).flat_map(|x| (y - 1..=y + 1).flat_map(move |y| (z - 1..=z + 1).map(move |z| [x, y, z])));
        let here = cells.filter_map(|c| met.get(&c)).flatten().filter(|(p, _)| length(minus(*p, end)) < MEET_M);
        here.fold((f64::INFINITY, 0.0), |(low, high), (_, r)| (low.min(*r), f64::max(high, *r)))
    };
    let line = |pipe: &Pipe| {
        let parts: Vec<Vec<Place>> =
            pipe.parts.iter().map(|part| part.iter().map(|p| on_earth(*p)).collect()).collect();
        let ends = pipe.parts.iter().flat_map(|part| ends_of(part).into_iter().zip(plan(part)));
        let ends = ends.map(|(end, plan)| (end, radii(plan).0, radii(plan).1)).collect();
        Line { plain: parts.iter().map(|part| simplified(part)).collect(), parts, radius_m: pipe.radius_m, ends }
    };
    pipes.iter().map(|(code, pipe)| (code.clone(), line(pipe))).collect()
}

/// Degrees and metres → geocentric.
pub fn on_earth(p: Place) -> Place {
    geocentric([p[0].to_radians(), p[1].to_radians(), p[2]])
}

impl Line {
    /// What is wrong with a drawn pipe.
    fn held(&self, drawn: &Drawn, figures: &mut Figures) -> Option<String> {
        let found: Vec<Found> = drawn.places.iter().map(|p| self.found(*p)).collect();
        let count = |what: Found| found.iter().filter(|f| **f == what).count();
        let (bends, joints) = (count(Found::Bend), count(Found::Joint));
        figures.vertices += found.len();
        figures.bends += bends;
        figures.joints += joints;
        if let Some(by) = found.iter().find_map(|f| if let Found::Off(by) = f { Some(by) } else { None }) {
            return Some(format!("a vertex {by:.4} m off, of {}", found.len()));
        }
        // Where it narrows to another, and of a ball, the width is not the pipe's.
        let own = |p: Place| !self.narrows(p) && (joints == 0 || !self.in_joint(p));
        let far = |(f, p): (&Found, &Place)| match f {
            Found::On(far) if own(*p) => Some(*far),
            _ => None,
        };
        let on: Vec<f64> = found.iter().zip(&drawn.places).filter_map(far).collect();
        let mean = on.iter().sum::<f64>() / on.len() as f64;
        // Corners are on a grid; over all of them the radius is true to 1 %, of thin pipes to 1 mm.
        if !on.is_empty() && self.radius_m > 0.0 && (mean - self.radius_m).abs() > (0.01 * self.radius_m).max(1e-3) {
            return Some(format!("{mean:.4} m from its line"));
        }
        let reach_m = |high: f64| 2.0 * high.max(self.radius_m) + NEAR_M;
        let bare = self.ends.iter().find(|(end, _, high)| {
            let near = |p: &Place| length(minus(*p, *end)) <= reach_m(*high);
            self.parts.iter().any(|p| p.len() > 1) && !drawn.places.iter().any(near)
        });
        bare.map(|_| "nothing is drawn at an end".into())
    }

    fn found(&self, p: Place) -> Found {
        let (mut best, mut off) = (f64::INFINITY, f64::INFINITY);
        for part in self.parts.iter().chain(&self.plain) {
            for (i, s) in part.windows(2).enumerate() {
                let (along, far) = from_line(p, s[0], s[1]);
                let long_m = length(minus(s[1], s[0]));
                // A mitre reaches beyond a corner; at an end as far as the sharpest joint may.
                let beyond = |is_end: bool| self.radius_m * if is_end { 1.2 } else { 0.3 } + NEAR_M;
                if along < -beyond(i == 0) || along > long_m + beyond(i + 2 == part.len()) {
                    continue;
                }
                let by = (far - self.radius_m).abs();
                if by < off {
                    (best, off) = (far, by);
                }
            }
        }
        if off <= NEAR_M {
            return Found::On(best);
        }
        let corners = self.plain.iter().flat_map(|part| part.windows(3));
        if corners.map(|c| self.off_arc(p, [c[0], c[1], c[2]])).any(|by| by <= NEAR_M + CHORD_M) {
            return Found::Bend;
        }
        if self.in_joint(p) { Found::Joint } else { Found::Off(off) }
    }

    /// How far off the surface about the arc in place of a corner: one and a half diameters wide, or as far as half of the
    /// shorter leg lets it.
    fn off_arc(&self, p: Place, [a, corner, b]: [Place; 3]) -> f64 {
        let (before, after) = (minus(corner, a), minus(b, corner));
        let (m, n) = (length(before), length(after));
        let (d1, d2) = (before.map(|x| x / m), after.map(|x| x / n));
        let turn = dot(d1, d2).clamp(-1.0, 1.0).acos();
        if turn < CORNER {
            return f64::INFINITY;
        }
        let half = (turn / 2.0).tan();
        let reach_m = (3.0 * self.radius_m * half).min(m.min(n) / 2.0);
        let radius_m = reach_m / half;
        let inward = [0, 1, 2].map(|i| d2[i] - d1[i]);
        let inward = inward.map(|x| x / length(inward));
        let to_middle = radius_m.hypot(reach_m);
        let from_middle = minus(p, [0, 1, 2].map(|i| corner[i] + inward[i] * to_middle));
        let up = cross(d1, d2);
        let up = up.map(|x| x / length(up));
        let above = dot(from_middle, up);
        let out = length([0, 1, 2].map(|i| from_middle[i] - up[i] * above));
        // A bend narrower than the pipe crosses itself inside.
        let off = |from: f64| (from.hypot(above) - self.radius_m).abs();
        if radius_m < self.radius_m { off(out - radius_m).min(off(out + radius_m)) } else { off(out - radius_m) }
    }

    /// Whether a vertex may belong to a reducer, which is no longer than the pipe is wide.
    fn narrows(&self, p: Place) -> bool {
        // Sizes that differ have one side in one height: their middles lie so much apart.
        let reaches = |(end, low, high): &(Place, f64, f64)| {
            let apart = high - low;
            apart > 0.0 && length(minus(p, *end)) <= (2.0 * self.radius_m).hypot(*high) + apart + NEAR_M
        };
        self.ends.iter().any(reaches)
    }

    /// Whether a vertex may belong to what joins pipes at an end: a reducer, a ball.
    fn in_joint(&self, p: Place) -> bool {
        let in_ball =
            |(end, low, high): &(Place, f64, f64)| length(minus(p, *end)) <= 1.05 * high + (high - low) + NEAR_M;
        self.narrows(p) || self.ends.iter().any(in_ball)
    }
}

/// A line without the vertices that lie within 2.5 mm of what is left (Douglas and Peucker 1973).
fn simplified(line: &[Place]) -> Vec<Place> {
    let last = line.len() - 1;
    let far = |p: Place| {
        let (along, far) = from_line(p, line[0], line[last]);
        let long_m = length(minus(line[last], line[0]));
        far.hypot(f64::max(-along, along - long_m).max(0.0))
    };
    let farthest = (1..last).map(|i| (far(line[i]), i)).max_by(|a, b| a.0.total_cmp(&b.0));
    match farthest.filter(|(by, _)| *by > 2.5e-3) {
        Some((_, i)) => {
            let mut whole = simplified(&line[..=i]);
            whole.pop();
            whole.extend(simplified(&line[i..]));
            whole
        }
        None => vec![line[0], line[last]],
    }
}

/// How far along a line, and how far from it.
fn from_line(p: Place, a: Place, b: Place) -> (f64, f64) {
    let (to, along) = (minus(p, a), minus(b, a));
    let long_m = length(along).max(1e-9);
    let t = dot(to, along) / long_m;
    (t, length([0, 1, 2].map(|k| to[k] - along[k] / long_m * t)))
}
