//! Bounding volumes on the earth: boxes, regions, spheres (3D Tiles 1.1 §7.5), what they hold and whether one lies in
//! another.

use super::json::Node;
use super::report::Report;
use chengtu::scene::moved;

pub type Matrix = [f64; 16];
pub const IDENTITY: Matrix = [1., 0., 0., 0., 0., 1., 0., 0., 0., 0., 1., 0., 0., 0., 0., 1.];
/// WGS84, which regions are in.
const SEMI_MAJOR_M: f64 = 6_378_137.0;
const FLATTENING: f64 = 1.0 / 298.257_223_563;

pub fn product(a: &Matrix, b: &Matrix) -> Matrix {
    std::array::from_fn(|i| (0..4).map(|k| a[k * 4 + i % 4] * b[i / 4 * 4 + k]).sum())
}

#[derive(Debug, Clone, PartialEq)]
pub enum Volume {
    /// Middle and half axes.
    Box([[f64; 3]; 4]),
    Sphere([f64; 3], f64),
    /// West, south, east, north in radians, least and greatest height: not moved by transforms.
    Region([f64; 6]),
}

impl Volume {
    pub fn read(node: &Node, matrix: &Matrix, report: &mut Report) -> Option<Volume> {
        node.object(report)?;
        node.common(report);
        match ["box", "sphere", "region"].map(|k| node.get(k)) {
            [Some(b), _, _] => Some(boxed(b.numbers(report)?, matrix)),
            [_, Some(s), _] => {
                let [x, y, z, r] = s.numbers(report)?;
                if r < 0.0 {
                    report.tell("BOUNDING_VOLUME_INVALID", &s.at, format!("a radius of {r}"));
                    return None;
                }
                let stretch = (0..3).map(|k| length([0, 1, 2].map(|i| matrix[4 * k + i]))).fold(0.0, f64::max);
                Some(Volume::Sphere(moved(matrix, [x, y, z]), r * stretch))
            }
            [_, _, Some(r)] => region(&r, report),
            _ if node.value.get("extensions").is_some() => None,
            _ => {
                report.tell("ANY_OF_ERROR", &node.at, "neither box, sphere nor region");
                None
            }
        }
    }

    /// Whether a place lies in it, but for `slack_m`.
    pub fn holds(&self, p: [f64; 3], slack_m: f64) -> bool {
        match self {
            Volume::Box([middle, axes @ ..]) => axes.iter().all(|a| {
                let full = length(*a);
                let along = match full > 0.0 {
                    true => (0..3).map(|i| (p[i] - middle[i]) * a[i]).sum::<f64>() / full,
                    false => 0.0,
                };
                along.abs() <= full + slack_m
            }),
            Volume::Sphere(c, r) => length([0, 1, 2].map(|i| p[i] - c[i])) <= r + slack_m,
            Volume::Region([w, s, e, n, low, high]) => {
                let [lon, lat, h] = geographic(p);
                let slack = slack_m / SEMI_MAJOR_M;
                let east = match w <= e {
                    true => (w - slack..=e + slack).contains(&lon),
                    false => lon >= w - slack || lon <= e + slack,
                };
                east && (s - slack..=n + slack).contains(&lat) && (low - slack_m..=high + slack_m).contains(&h)
            }
        }
    }

    /// Points whose being inside means that the volume is inside, of convex others.
    fn corners(&self) -> Vec<[f64; 3]> {
        match self {
            Volume::Box([middle, axes @ ..]) => (0..8)
                .map(|c| {
                    let sign = |k: usize| if c >> k & 1 == 0 { -1.0 } else { 1.0 };
                    [0, 1, 2].map(|i| middle[i] + (0..3).map(|k| sign(k) * axes[k][i]).sum::<f64>())
                })
                .collect(),
            Volume::Sphere(c, r) => (0..6)
                .map(|f| {
                    let mut p = *c;
                    p[f / 2] += if f % 2 == 0 { *r } else { -*r };
                    p
                })
                .collect(),
            Volume::Region([w, s, e, n, low, high]) => [[*w, *s], [*e, *s], [*e, *n], [*w, *n]]
                .into_iter()
                .flat_map(|[lon, lat]| [geocentric([lon, lat, *low]), geocentric([lon, lat, *high])])
                .collect(),
        }
    }

    pub fn inside(&self, other: &Volume, slack_m: f64) -> bool {
        if let (Volume::Region(a), Volume::Region(b)) = (self, other) {
            let slack = slack_m / SEMI_MAJOR_M;
            return a[0] >= b[0] - slack
                && a[1] >= b[1] - slack
                && a[2] <= b[2] + slack
                && a[3] <= b[3] + slack
                && a[4] >= b[4] - slack_m
                && a[5] <= b[5] + slack_m;
        }
        if let (Volume::Sphere(c, r), Volume::Sphere(o, outer)) = (self, other) {
            return length([0, 1, 2].map(|i| c[i] - o[i])) + r <= outer + slack_m;
        }
        self.corners().into_iter().all(|p| other.holds(p, slack_m))
    }
}

fn boxed(n: [f64; 12], matrix: &Matrix) -> Volume {
    let at = |k: usize| [n[k], n[k + 1], n[k + 2]];
    let middle = moved(matrix, at(0));
    let axis = |k: usize| {
        let end = moved(matrix, [0, 1, 2].map(|i| at(0)[i] + at(k)[i]));
        [0, 1, 2].map(|i| end[i] - middle[i])
    };
    Volume::Box([middle, axis(3), axis(6), axis(9)])
}

fn region(node: &Node, report: &mut Report) -> Option<Volume> {
    use std::f64::consts::{FRAC_PI_2, PI};
    let r: [f64; 6] = node.numbers(report)?;
    let before = report.findings.len();
    for (k, most) in [PI, FRAC_PI_2, PI, FRAC_PI_2].into_iter().enumerate() {
        if r[k].abs() > most {
            report.tell("BOUNDING_VOLUME_INVALID", &node.at, format!("{} is no angle of a region", r[k]));
        }
    }
    for (low, high) in [(r[1], r[3]), (r[4], r[5])] {
        if low > high {
            report.tell("BOUNDING_VOLUME_INVALID", &node.at, format!("{low} to {high}"));
        }
    }
    (report.findings.len() == before).then_some(Volume::Region(r))
}

pub fn minus(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [0, 1, 2].map(|i| a[i] - b[i])
}

pub fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

pub fn cross(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

pub fn length(v: [f64; 3]) -> f64 {
    v.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// Longitude and latitude in radians, ellipsoidal height in metres → geocentric metres (OGP 373-7-2, §4.1.1).
pub fn geocentric([lon, lat, h]: [f64; 3]) -> [f64; 3] {
    let e2 = FLATTENING * (2.0 - FLATTENING);
    let n = SEMI_MAJOR_M / (1.0 - e2 * lat.sin().powi(2)).sqrt();
    [(n + h) * lat.cos() * lon.cos(), (n + h) * lat.cos() * lon.sin(), (n * (1.0 - e2) + h) * lat.sin()]
}

/// The way back, by iteration: below 1 µm after five steps for anything near the ground.
pub fn geographic([x, y, z]: [f64; 3]) -> [f64; 3] {
    let e2 = FLATTENING * (2.0 - FLATTENING);
    let p = x.hypot(y);
    let mut lat = z.atan2(p * (1.0 - e2));
    let mut h = 0.0;
    for _ in 0..6 {
        let n = SEMI_MAJOR_M / (1.0 - e2 * lat.sin().powi(2)).sqrt();
        h = match lat.cos() > 0.1 {
            true => p / lat.cos() - n,
            false => z / lat.sin() - n * (1.0 - e2),
        };
        lat = z.atan2(p * (1.0 - e2 * n / (n + h)));
    }
    [y.atan2(x), lat, h]
}
