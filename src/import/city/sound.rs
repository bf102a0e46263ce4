//! What is wrong with a model that is kept: rings that cross themselves, holes that leave their surface, surfaces that
//! are not flat, solids that do not close or are inside out (ISO 19107; the checks of PLATEAU's quality rules L07–L13).
//! Tells, mends nothing. Rings of more than 1024 corners are not looked at for crossings.

use super::build::{Faults, REPEATED_POINT};
use super::frame::Frame;
use crate::feature::{Lod, Model, SurfaceView};
use std::collections::HashMap;

/// How thick a surface may be: its corners lie between two planes this far apart, metres.
const FLAT_M: f64 = 0.03;
/// Closer than this is touching, metres.
const TOUCH_M: f64 = 0.001;
const MAX_CORNERS: usize = 1024;
/// No building, bridge or wood is so wide: a vertex is astray, metres.
const WIDE_M: f64 = 100_000.0;

/// Notes every kind of fault, each once.
pub fn check(model: &Model, faults: &mut Faults) {
    let frame = Frame::of(model);
    let [low, high] = model.bounds();
    let wide_m = (0..2).map(|k| (high[k] - low[k]) * frame.scale[k]).fold(0.0, f64::hypot);
    if wide_m > WIDE_M {
        faults.note("too-wide", || format!("its vertices lie {:.0} km apart", wide_m / 1000.0));
    }
    for lod in &model.lods {
        let at = |surface: usize| format!("LOD {}, surface {}", lod.tier, surface + 1);
        for (i, surface) in lod.walk().enumerate() {
            check_surface(&frame, surface, faults, &|| at(i));
        }
        check_shells(&frame, lod, faults);
    }
}

fn check_surface(frame: &Frame, surface: SurfaceView, faults: &mut Faults, at: &dyn Fn() -> String) {
    let Some(unit) = plane(frame, surface.exterior()) else {
        return faults.note("zero-area", || format!("{}: encloses nothing", at()));
    };
    let along = surface.exterior().iter().map(|&c| frame.place(c)).map(|p| (0..3).map(|k| unit[k] * p[k]).sum::<f64>());
    let (low, high) = along.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), d| (l.min(d), h.max(d)));
    let thick = high - low;
    if thick > FLAT_M {
        faults.note("not-planar", || format!("{}: its corners lie between planes {thick:.3} m apart", at()));
    }
    let mut rings: Vec<Vec<[f64; 2]>> = surface.rings().map(|r| flat(frame, r, unit)).collect();
    let before: usize = rings.iter().map(Vec::len).sum();
    rings.iter_mut().for_each(drop_repeats);
    if rings.iter().map(Vec::len).sum::<usize>() < before {
        faults.note(REPEATED_POINT, || format!("{}: two vertices in a row are one place, to a millimetre", at()));
    }
    if rings.iter().any(|r| r.len() > MAX_CORNERS) {
        return;
    }
    if rings.iter().any(|r| crosses_itself(r)) {
        faults.note("self-intersection", || format!("{}: a ring crosses or touches itself", at()));
    }
    for (i, hole) in rings.iter().enumerate().skip(1) {
        if meet(hole, &rings[0]) || !hole.iter().all(|p| inside(&rings[0], *p)) {
            faults.note("hole-outside", || format!("{}: a hole leaves or touches the exterior", at()));
        }
        if rings[i + 1..].iter().any(|other| meet(hole, other) || inside(hole, other[0]) || inside(other, hole[0])) {
            faults.note("holes-meet", || format!("{}: two holes cross or touch", at()));
        }
    }
}

/// The unit normal of a ring; where its parts cancel each other, that of its widest corner. `None` for a line.
fn plane(frame: &Frame, ring: &[u32]) -> Option<[f64; 3]> {
    let length = |v: [f64; 3]| v.iter().map(|c| c * c).sum::<f64>().sqrt();
    let normal = frame.normal(ring);
    if length(normal) > TOUCH_M {
        return Some(unit(normal));
    }
    let first = frame.place(ring[0]);
    let arm = |c: u32| {
        let p = frame.place(c);
        [p[0] - first[0], p[1] - first[1], p[2] - first[2]]
    };
    let corners = ring[1..].windows(2).map(|w| cross(arm(w[0]), arm(w[1])));
    corners.max_by(|a, b| length(*a).total_cmp(&length(*b))).filter(|n| length(*n) > TOUCH_M).map(unit)
}

/// Leaves one of several corners in a row that are one place.
fn drop_repeats(ring: &mut Vec<[f64; 2]>) {
    let same = |a: &[f64; 2], b: &[f64; 2]| (a[0] - b[0]).hypot(a[1] - b[1]) < TOUCH_M;
    ring.dedup_by(|a, b| same(a, b));
    while ring.len() > 1 && same(&ring[0], &ring[ring.len() - 1]) {
        ring.pop();
    }
}

/// A ring in its surface's own plane: two axes at right angles to the normal.
fn flat(frame: &Frame, ring: &[u32], n: [f64; 3]) -> Vec<[f64; 2]> {
    // The axis that the normal is farthest from.
    let k = (0..3).min_by(|a, b| n[*a].abs().total_cmp(&n[*b].abs())).unwrap_or(0);
    let mut axis = [0.0; 3];
    axis[k] = 1.0;
    let u = unit(cross(n, axis));
    let v = cross(n, u);
    let dot = |a: [f64; 3], b: [f64; 3]| a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
    ring.iter().map(|&c| frame.place(c)).map(|p| [dot(p, u), dot(p, v)]).collect()
}

fn cross(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

fn unit(a: [f64; 3]) -> [f64; 3] {
    let length = a.iter().map(|v| v * v).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
    a.map(|v| v / length)
}

type Segment = ([f64; 2], [f64; 2]);

fn segments(ring: &[[f64; 2]]) -> impl Iterator<Item = Segment> + '_ {
    (0..ring.len()).map(|i| (ring[i], ring[(i + 1) % ring.len()]))
}

fn crosses_itself(ring: &[[f64; 2]]) -> bool {
    let all: Vec<Segment> = segments(ring).collect();
    let n = all.len();
    let folds = |i: usize| {
        let ((a, b), (_, c)) = (all[i], all[(i + 1) % n]);
        let back = (b[0] - a[0]) * (c[0] - b[0]) + (b[1] - a[1]) * (c[1] - b[1]) < 0.0;
        back && distance(c, (a, b)).min(distance(a, (b, c))) < TOUCH_M
    };
    (0..n).any(folds)
        || (0..n).any(|i| {
            let last = if i == 0 { n - 1 } else { n };
            (i + 2..last).any(|j| touch(all[i], all[j]))
        })
}

fn meet(a: &[[f64; 2]], b: &[[f64; 2]]) -> bool {
    segments(a).any(|s| segments(b).any(|t| touch(s, t)))
}

/// Whether two segments come closer than `TOUCH_M`.
fn touch(s: Segment, t: Segment) -> bool {
    let beside = |k: usize| {
        s.0[k].max(s.1[k]) + TOUCH_M < t.0[k].min(t.1[k]) || t.0[k].max(t.1[k]) + TOUCH_M < s.0[k].min(s.1[k])
    };
    if beside(0) || beside(1) {
        return false;
    }
    let turn = |(a, b): Segment, c: [f64; 2]| (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
    let crossing = turn(s, t.0) * turn(s, t.1) < 0.0 && turn(t, s.0) * turn(t, s.1) < 0.0;
    crossing || [distance(t.0, s), distance(t.1, s), distance(s.0, t), distance(s.1, t)].iter().any(|d| *d < TOUCH_M)
}

fn distance(p: [f64; 2], (a, b): Segment) -> f64 {
    let (d, w) = ([b[0] - a[0], b[1] - a[1]], [p[0] - a[0], p[1] - a[1]]);
    let length = d[0] * d[0] + d[1] * d[1];
    let t = if length > 0.0 { ((w[0] * d[0] + w[1] * d[1]) / length).clamp(0.0, 1.0) } else { 0.0 };
    ((w[0] - t * d[0]).powi(2) + (w[1] - t * d[1]).powi(2)).sqrt()
}

/// By ray casting; on the border is either.
fn inside(ring: &[[f64; 2]], [x, y]: [f64; 2]) -> bool {
    segments(ring)
        .filter(|(a, b)| (a[1] > y) != (b[1] > y) && x < (b[0] - a[0]) * (y - a[1]) / (b[1] - a[1]) + a[0])
        .count()
        % 2
        == 1
}

/// Closed shells: every edge between exactly two surfaces, run through once each way; volumes positive.
fn check_shells(frame: &Frame, lod: &Lod, faults: &mut Faults) {
    let mut surfaces = lod.walk();
    let mut from = 0;
    for (number, shell) in lod.shells.iter().enumerate() {
        let own: Vec<SurfaceView> = surfaces.by_ref().take(shell.surface_end as usize - from).collect();
        from = shell.surface_end as usize;
        if !shell.closed {
            continue;
        }
        let at = || format!("LOD {}, shell {}", lod.tier, number + 1);
        // Edge → how often it is run through one way and the other.
        let mut edges: HashMap<(u32, u32), [u32; 2]> = HashMap::new();
        for ring in own.iter().flat_map(|s| s.rings()) {
            for i in 0..ring.len() {
                let (a, b) = (ring[i], ring[(i + 1) % ring.len()]);
                edges.entry((a.min(b), a.max(b))).or_default()[usize::from(a > b)] += 1;
            }
        }
        let open = edges.values().filter(|[f, b]| f + b == 1).count();
        if open > 0 {
            faults.note("not-closed", || format!("{}: {open} edges belong to one surface alone", at()));
        }
        if edges.values().any(|[f, b]| f + b > 1 && f != b) {
            faults.note("wrong-orientation", || format!("{}: neighbouring surfaces face different ways", at()));
        }
        let outer = number == 0 || !lod.shells[number - 1].closed;
        if open == 0 && outer && volume(frame, &own) < 0.0 {
            faults.note("inside-out", || format!("{}: its surfaces face inward", at()));
        }
    }
}

/// By the divergence theorem, m³; positive when the surfaces face outward.
fn volume(frame: &Frame, surfaces: &[SurfaceView]) -> f64 {
    let of_ring = |ring: &[u32]| {
        let (n, p) = (frame.normal(ring), frame.place(ring[0]));
        n[0] * p[0] + n[1] * p[1] + n[2] * p[2]
    };
    surfaces.iter().flat_map(|s| s.rings()).map(of_ring).sum::<f64>() / 6.0
}

#[cfg(test)]
mod tests {
    use super::super::build::Builder;
    use super::super::frame::METRES_PER_DEGREE;
    use super::*;
    use crate::feature::{Role, Tier};

    type Rings = Vec<Vec<[f64; 3]>>;

    fn found(surfaces: &[Rings], closed: bool) -> Vec<String> {
        let mut builder = Builder::new(&[], 10_000);
        let mut shell = builder.shell(Tier::default(), closed);
        let at = |[x, y, z]: &[f64; 3]| {
            Ok([114.3 + x / (METRES_PER_DEGREE * 34.8f64.to_radians().cos()), 34.8 + y / METRES_PER_DEGREE, *z])
        };
        for rings in surfaces {
            shell.surface(Role::Unknown, rings.iter().map(|r| r.iter().map(at))).unwrap();
        }
        shell.close();
        let model = builder.finish().0.unwrap();
        let mut faults = Faults::default();
        check(&model, &mut faults);
        faults.into_list().into_iter().map(|f| f.code).collect()
    }

    /// On a slope, so that no axis is a good plane by chance.
    fn tilted(ring: &[[f64; 2]]) -> Vec<[f64; 3]> {
        ring.iter().map(|[x, y]| [*x, *y, 0.5 * x + 0.25 * y]).collect()
    }

    fn square(x: f64, y: f64, s: f64) -> Vec<[f64; 3]> {
        tilted(&[[x, y], [x + s, y], [x + s, y + s], [x, y + s]])
    }

    #[test]
    fn surfaces_are_told_by_their_fault() {
        let hole = |x: f64, y: f64, s: f64| square(x, y, s).into_iter().rev().collect::<Vec<_>>();
        let mut bent = square(0., 0., 9.);
        bent[2][2] += 0.2;
        let cases: Vec<(Rings, &[&str])> = vec![
            (vec![square(0., 0., 9.), hole(1., 1., 2.), hole(5., 5., 2.)], &[]),
            (vec![bent], &["not-planar"]),
            (vec![tilted(&[[0., 0.], [9., 9.], [9., 0.], [0., 8.]])], &["self-intersection"]),
            (vec![tilted(&[[0., 0.], [9., 0.], [9., 9.], [4., 0.], [0., 9.]])], &["self-intersection"]),
            (vec![tilted(&[[0., 0.], [9., 0.], [5., 0.], [5., 9.]])], &["self-intersection"]),
            (vec![square(0., 0., 9.), hole(8., 8., 2.)], &["hole-outside"]),
            (vec![square(0., 0., 9.), hole(0., 3., 2.)], &["hole-outside"]),
            (vec![square(0., 0., 9.), hole(20., 3., 2.)], &["hole-outside"]),
            (vec![square(0., 0., 9.), hole(1., 1., 3.), hole(2., 2., 3.)], &["holes-meet"]),
            (vec![square(0., 0., 9.), hole(1., 1., 5.), hole(2., 2., 1.)], &["holes-meet"]),
            (vec![tilted(&[[0., 0.], [4., 4.], [8., 8.]])], &["zero-area"]),
            (vec![tilted(&[[0., 0.], [9., 9.], [9., 0.], [0., 9.]])], &["self-intersection"]),
            (vec![tilted(&[[0., 0.], [9., 0.], [9.0001, 0.], [9., 9.]])], &["repeated-point"]),
            (vec![tilted(&[[0., 0.], [9., 0.], [9., 9.], [0., 120_000.]])], &["too-wide"]),
        ];
        for (rings, expected) in cases {
            assert_eq!(found(std::slice::from_ref(&rings), false), expected, "{rings:?}");
        }
    }

    fn cube() -> Vec<Rings> {
        let p = |i: usize| [(i % 2 * 10) as f64, (i / 2 % 2 * 10) as f64, (i / 4 * 10) as f64];
        [[0, 2, 3, 1], [4, 5, 7, 6], [0, 1, 5, 4], [3, 2, 6, 7], [2, 0, 4, 6], [1, 3, 7, 5]]
            .iter()
            .map(|f| vec![f.iter().map(|i| p(*i)).collect()])
            .collect()
    }

    #[test]
    fn solids_close_and_face_outward() {
        assert_eq!(found(&cube(), true), Vec::<String>::new());
        assert_eq!(found(&cube()[..5], true), ["not-closed"]);
        assert_eq!(found(&cube()[..5], false), Vec::<String>::new());
        let mut one = cube();
        one[3][0].reverse();
        assert_eq!(found(&one, true), ["wrong-orientation"]);
        let mut all = cube();
        all.iter_mut().for_each(|f| f[0].reverse());
        assert_eq!(found(&all, true), ["inside-out"]);
    }
}
