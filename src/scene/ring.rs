//! A path and a profile → the sections along it: one a vertex, in the plane that halves the bend, and what the ends make
//! of the first and the last. No faces; `tube` makes them.

use super::frame::{along, cross, dot, length, sub, unit};
use super::joint::End;
use super::tube::Section;

/// The section at one station.
pub struct Ring {
    pub centre: [f64; 3],
    /// Along the tube: of the segment that begins here, or ends here at the last.
    pub direction: [f64; 3],
    /// Corners from the centre, in the mitre plane.
    pub offsets: Vec<[f64; 3]>,
    /// Outward at each corner.
    pub normals: Vec<[f64; 3]>,
}

/// A place on the centre line, how wide and high the section is there, 1 = its own size, and how far its middle is above
/// the line: the sections of a reducer stay square to the line.
struct Station {
    at: [f64; 3],
    scale: [f64; 2],
    up_m: f64,
}

/// One ring a vertex of the path, and one more before each end that narrows. The first is square to the tube; each next
/// lies in the plane that halves the bend and is reached along the segment's own direction, so that every segment is an
/// exact prism and no ring is twisted.
pub fn rings(path: &[[f64; 3]], section: Section, profile: &[[f64; 2]], ends: [End; 2]) -> Vec<Ring> {
    let stations = with_reducers(path, section, ends);
    let directions: Vec<_> =
        stations.windows(2).map(|s| unit(sub(s[1].at, s[0].at)).unwrap_or([0.0, 0.0, 1.0])).collect();
    let Some(&first) = directions.first() else { return vec![] };
    let last = stations.len() - 1;
    // Sideways and upwards: a duct's sides stand upright. Both are square to the segment, of length 1.
    let side = unit(cross(first, [0.0, 0.0, 1.0])).filter(|_| first[2].abs() < 0.999_999).unwrap_or([1.0, 0.0, 0.0]);
    let side = unit(sub(side, first.map(|x| x * dot(side, first)))).unwrap_or(side);
    let mut square = [side, cross(side, first)];
    let mut all = Vec::with_capacity(stations.len());
    for (j, station) in stations.iter().enumerate() {
        let before = directions[j.saturating_sub(1)];
        let after = directions[j.min(directions.len() - 1)];
        let own = [(0, 0), (1, last)].into_iter().find(|(_, at)| *at == j).and_then(|(end, _)| plane_of(ends[end]));
        let between = || unit([0, 1, 2].map(|i| before[i] + after[i]));
        // A plane that the tube hardly crosses would stretch it without end.
        let plane = own.filter(|p| dot(before, *p).abs() > 0.1).or_else(between).unwrap_or(after);
        let slant = dot(before, plane);
        let flat = square.map(|o| along(o, before, -dot(o, plane) / slant));
        let next = flat.map(|o| along(o, after, -dot(o, after)));
        let [w, h] = station.scale;
        let corner = |axes: [[f64; 3]; 2], [a, b]: [f64; 2]| [0, 1, 2].map(|i| axes[0][i] * a + axes[1][i] * b);
        let normal = |p: &[f64; 2]| {
            let (m, n) = (corner(square, *p), corner(next, *p));
            [0, 1, 2].map(|i| m[i] + n[i])
        };
        all.push(Ring {
            centre: along(station.at, [0.0, 0.0, 1.0], station.up_m),
            direction: after,
            offsets: profile.iter().map(|[a, b]| corner(flat, [a * w, b * h])).collect(),
            normals: profile.iter().map(normal).collect(),
        });
        square = next;
    }
    all
}

fn plane_of(end: End) -> Option<[f64; 3]> {
    match end {
        End::Mitred { plane } | End::Reduced { plane: Some(plane), .. } => Some(plane.map(f64::from)),
        _ => None,
    }
}

/// The path with a station more before each end that narrows or widens: a reducer as long as the pipe is wide, at most
/// half the leg, whose tip is where the other pipe's middle is.
fn with_reducers(path: &[[f64; 3]], section: Section, ends: [End; 2]) -> Vec<Station> {
    let own_m = section.measures_m();
    let mut stations: Vec<Station> = path.iter().map(|p| Station { at: *p, scale: [1.0; 2], up_m: 0.0 }).collect();
    let mut reduce = |end: End, at_start: bool| {
        let End::Reduced { to, up_m, .. } = end else { return };
        let n = stations.len();
        let (tip, next) = if at_start { (0, 1) } else { (n - 1, n - 2) };
        let leg = sub(stations[next].at, stations[tip].at);
        let Some(direction) = unit(leg) else { return };
        let place = along(stations[tip].at, direction, own_m[0].min(length(leg) / 2.0));
        stations[tip].up_m = f64::from(up_m);
        stations[tip].scale = std::array::from_fn(|i| to.measures_m()[i] / own_m[i]);
        stations.insert(tip.max(next), Station { at: place, scale: [1.0; 2], up_m: 0.0 });
    };
    reduce(ends[0], true);
    reduce(ends[1], false);
    stations
}
