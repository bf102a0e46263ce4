//! Where ends of pipes meet: what each of them becomes, so that nothing stands open and nothing twice. Pure; which ends
//! stand in one place is the caller's.

use super::frame::{dot, length, sub, unit};
use super::tube::Section;

/// What an end of a tube meets.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum End {
    /// Nothing: it gets a cap.
    #[default]
    Free,
    /// A wider pipe, or one that covers the joint: it stays open inside of that.
    Joined,
    /// A pipe of its own size that goes on: both end in the plane with this normal, through the joint.
    Mitred { plane: [f32; 3] },
    /// A pipe of another size: the tube narrows to its section, whose middle lies so much higher.
    Reduced { to: Section, up_m: f32, plane: Option<[f32; 3]> },
    /// Pipes it cannot be mitred with: a ball of this radius covers the joint.
    Covered { radius_m: f32 },
}

/// An end of a pipe's centre line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mouth {
    pub lonlat: [f64; 2],
    /// Of the middle of the section, in the data's datum.
    pub height_m: f64,
    /// Direction from the end into the pipe: east, north, up.
    pub inward: [f64; 3],
    /// Length of the straight piece that ends here.
    pub leg_m: f64,
    pub section: Section,
}

/// Ends not farther apart than this meet, in plan and in height; sizes that differ by less are one size.
pub const MEET_M: f64 = 0.01;
/// Sharper turns between two pipes are covered by a ball.
const SHARPEST: f64 = 100.0 * std::f64::consts::PI / 180.0;
/// Radius of a ball over that of the pipes it covers.
const BALL: f64 = 1.05;
/// Ends of one size that are compared with each other; a survey's junction has at most a dozen.
const COMPARED: usize = 16;

/// What the ends at one place in plan become. Those meet whose sections lie within one another: a pipe that passes above
/// another does not. Of those that meet, the two widest go on in each other, in as straight a line as can be; the wider
/// of them narrows to the other; the rest end inside.
pub fn meet(mouths: &[Mouth]) -> Vec<End> {
    let mut ends = vec![End::Free; mouths.len()];
    let mut waiting: Vec<usize> = (0..mouths.len()).collect();
    waiting.sort_by(|&a, &b| area(&mouths[b]).total_cmp(&area(&mouths[a])).then(a.cmp(&b)));
    while let Some((&widest, others)) = waiting.split_first() {
        let (mut near, mut rest): (Vec<usize>, Vec<usize>) =
            others.iter().partition(|&&o| lies_within(&mouths[o], &mouths[widest]));
        if !near.is_empty() {
            near.insert(0, widest);
            rest.extend(join(mouths, &near, &mut ends));
            rest.sort_by(|&a, &b| area(&mouths[b]).total_cmp(&area(&mouths[a])).then(a.cmp(&b)));
        }
        waiting = rest;
    }
    ends
}

/// Joins ends, the widest first; those that neither go on nor end inside of the two that do.
fn join(mouths: &[Mouth], near: &[usize], ends: &mut [End]) -> Vec<usize> {
    let (a, b) = straightest(mouths, near);
    let (wide, narrow) = (&mouths[a], &mouths[b]);
    let alike = is_alike(wide.section, narrow.section);
    let plane = mitre(wide, narrow);
    let ball = End::Covered { radius_m: (BALL * half_diagonal_m(narrow.section)) as f32 };
    (ends[a], ends[b]) = match (alike, plane) {
        (true, Some(plane)) => (End::Mitred { plane }, End::Mitred { plane }),
        (true, None) => (ball, End::Joined),
        (false, _) => {
            let up_m = (narrow.height_m - wide.height_m) as f32;
            let end = plane.map_or(ball, |plane| End::Mitred { plane });
            (End::Reduced { to: narrow.section, up_m, plane }, end)
        }
    };
    let others = near.iter().copied().filter(|&o| o != a && o != b);
    let (inside, left): (Vec<usize>, Vec<usize>) = others.partition(|&o| ends_inside(&mouths[o], narrow));
    inside.into_iter().for_each(|o| ends[o] = End::Joined);
    left
}

/// The widest and the one that it goes on in: among those of its size, else of the next, the pair that turns least.
fn straightest(mouths: &[Mouth], near: &[usize]) -> (usize, usize) {
    let of_size = |of: usize| near.iter().copied().filter(move |&o| is_alike(mouths[o].section, mouths[of].section));
    let first: Vec<usize> = of_size(near[0]).take(COMPARED).collect();
    let second: Vec<usize> = match first.len() {
        1 => of_size(near[1]).take(COMPARED).collect(),
        _ => first.clone(),
    };
    let pairs = first.iter().flat_map(|&a| second.iter().map(move |&b| (a, b))).filter(|(a, b)| a != b);
    let least = pairs.min_by(|x, y| {
        let turn = |(a, b): &(usize, usize)| turn(&mouths[*a], &mouths[*b]);
        turn(x).total_cmp(&turn(y))
    });
    least.unwrap_or((near[0], near[1]))
}

/// Angle in radians by which a line turns that comes out of one end and goes into the other.
fn turn(a: &Mouth, b: &Mouth) -> f64 {
    (-dot(a.inward, b.inward)).clamp(-1.0, 1.0).acos()
}

/// Normal of the plane that halves the bend; `None` where the bend is too sharp or a pipe too short for it.
fn mitre(a: &Mouth, b: &Mouth) -> Option<[f32; 3]> {
    let turn = turn(a, b);
    let reach_m = half_diagonal_m(b.section) * (turn / 2.0).tan();
    let fits = turn <= SHARPEST && reach_m <= a.leg_m / 2.0 && reach_m <= b.leg_m / 2.0;
    let normal = unit(sub(b.inward, a.inward)).filter(|_| fits)?;
    Some(normal.map(|x| x as f32))
}

/// Half the width and half the height of a section.
fn halves_m(section: Section) -> [f64; 2] {
    section.measures_m().map(|m| m / 2.0)
}

fn half_diagonal_m(section: Section) -> f64 {
    match section {
        Section::Round { outer_m } => outer_m / 2.0,
        Section::Box { width_m, height_m } => length([width_m, height_m, 0.0]) / 2.0,
    }
}

fn area(mouth: &Mouth) -> f64 {
    let [w, h] = mouth.section.measures_m();
    match mouth.section {
        Section::Round { .. } => w * h * std::f64::consts::FRAC_PI_4,
        Section::Box { .. } => w * h,
    }
}

fn is_alike(a: Section, b: Section) -> bool {
    let ([w, h], [x, y]) = (a.measures_m(), b.measures_m());
    std::mem::discriminant(&a) == std::mem::discriminant(&b) && (w - x).abs() <= MEET_M && (h - y).abs() <= MEET_M
}

/// Whether one section lies within the other in height, or as much of it as its size lets.
fn lies_within(inner: &Mouth, outer: &Mouth) -> bool {
    let ([_, a], [_, b]) = (halves_m(inner.section), halves_m(outer.section));
    (inner.height_m - outer.height_m).abs() <= (b - a).max(0.0) + MEET_M
}

/// Whether an open end is hidden where a pipe ends: a disc no wider than the pipe, within its height.
fn ends_inside(end: &Mouth, pipe: &Mouth) -> bool {
    let ([w, h], [x, y]) = (halves_m(end.section), halves_m(pipe.section));
    w <= x + MEET_M && (end.height_m - pipe.height_m).abs() + h <= y + MEET_M
}
