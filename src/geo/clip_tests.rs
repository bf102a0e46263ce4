//! Tests of the clipper: by hand, and against sampling.

use super::*;
use crate::geo::ring::{contains, signed_area};

const R: BBox = BBox { min_x: 0.0, min_y: 0.0, max_x: 10.0, max_y: 10.0 };

fn lines(of: &[&[[f64; 2]]]) -> Vec<Vec<[f64; 2]>> {
    let (xy, ends) = flat(of);
    let mut out = ClippedBuffers::default();
    clip(GeometryKind::Line, &xy, &ends, &[], &R, &mut out);
    split(&out)
}

fn flat(of: &[&[[f64; 2]]]) -> (Vec<[f64; 2]>, Vec<u32>) {
    let (mut xy, mut ends) = (vec![], vec![]);
    for run in of {
        xy.extend_from_slice(run);
        ends.push(xy.len() as u32);
    }
    (xy, ends)
}

fn split(out: &ClippedBuffers) -> Vec<Vec<[f64; 2]>> {
    let mut from = 0;
    out.ends
        .iter()
        .map(|&e| {
            let run = out.xy[from..e as usize].to_vec();
            from = e as usize;
            run
        })
        .collect()
}

fn polygon(rings: &[&[[f64; 2]]], parts: &[u32]) -> ClippedBuffers {
    let (xy, ends) = flat(rings);
    let mut out = ClippedBuffers::default();
    clip(GeometryKind::Polygon, &xy, &ends, parts, &R, &mut out);
    out
}

fn square(a: f64, b: f64) -> Vec<[f64; 2]> {
    vec![[a, a], [b, a], [b, b], [a, b], [a, a]]
}

#[test]
fn points_on_the_edge_stay() {
    let mut out = ClippedBuffers::default();
    let xy = [[0.0, 5.0], [10.0, 10.0], [10.1, 5.0], [f64::NAN, 5.0], [5.0, 5.0]];
    clip(GeometryKind::Point, &xy, &[], &[], &R, &mut out);
    assert_eq!(out.xy, [[0.0, 5.0], [10.0, 10.0], [5.0, 5.0]]);
}

#[test]
fn lines_by_hand() {
    let inside = [[1.0, 1.0], [0.0, 5.0], [9.0, 9.0]];
    assert_eq!(lines(&[&inside]), [inside.to_vec()], "touching the edge cuts nothing");
    assert_eq!(lines(&[&[[-5.0, 5.0], [15.0, 5.0]]]), [[[0.0, 5.0], [10.0, 5.0]].to_vec()]);
    assert_eq!(
        lines(&[&[[5.0, 5.0], [15.0, 5.0], [15.0, 6.0], [5.0, 6.0]]]),
        [[[5.0, 5.0], [10.0, 5.0]].to_vec(), [[10.0, 6.0], [5.0, 6.0]].to_vec()]
    );
    assert!(lines(&[&[[-1.0, 1.0], [1.0, -1.0]]]).is_empty(), "a corner touched in a point");
    assert!(lines(&[&[[-5.0, 5.0], [0.0, 5.0], [-5.0, 6.0]]]).is_empty(), "an edge touched in a point");
    assert!(lines(&[&[[20.0, 0.0], [20.0, 10.0]], &[[3.0, 3.0]], &[]]).is_empty());
    assert_eq!(lines(&[&[[20.0, 0.0], [20.0, 1.0]], &[[1.0, 1.0], [2.0, 2.0]]]).len(), 1, "a sibling outside");
    let nan = lines(&[&[[1.0, 1.0], [2.0, 2.0], [f64::NAN, 3.0], [4.0, 4.0], [5.0, 5.0]]]);
    assert_eq!(nan, [[[1.0, 1.0], [2.0, 2.0]].to_vec(), [[4.0, 4.0], [5.0, 5.0]].to_vec()]);
}

#[test]
fn polygons_by_hand() {
    let around = polygon(&[&square(-5.0, 15.0)], &[1]);
    assert_eq!((around.xy.len(), around.parts.as_slice()), (5, &[1][..]));
    assert_eq!(signed_area(&around.xy), 100.0);
    assert!(polygon(&[&square(-9.0, 19.0), &square(-5.0, 15.0)], &[2]).is_empty(), "a hole around everything");
    let holed = polygon(&[&square(-5.0, 15.0), &square(4.0, 6.0), &square(20.0, 30.0)], &[3]);
    assert_eq!((holed.ends.len(), holed.parts.as_slice()), (2, &[2][..]));
    assert!(polygon(&[&square(11.0, 15.0), &square(12.0, 14.0)], &[2]).is_empty());
    assert!(polygon(&[&square(10.0, 15.0)], &[1]).is_empty(), "touching has no area");
    let two = polygon(&[&square(20.0, 30.0), &square(1.0, 2.0)], &[1, 2]);
    assert_eq!((two.xy.as_slice(), two.parts.as_slice()), (square(1.0, 2.0).as_slice(), &[1][..]));
    let bad = polygon(&[&[[1.0, 1.0], [f64::NAN, 2.0], [3.0, 3.0], [1.0, 1.0]], &square(1.0, 2.0)], &[1, 2]);
    assert_eq!(bad.parts, [1], "a bad sibling does not hurt");
    let open = polygon(&[&square(1.0, 2.0)[..4]], &[1]);
    assert_eq!(open.xy, square(1.0, 2.0), "open rings come out closed");
}

#[test]
fn buffers_are_used_again() {
    let (xy, ends) = flat(&[&square(-5.0, 15.0)]);
    let mut out = ClippedBuffers::default();
    clip(GeometryKind::Polygon, &xy, &ends, &[1], &R, &mut out);
    let first = (out.xy.as_ptr(), out.ring[0].capacity() + out.ring[1].capacity());
    clip(GeometryKind::Polygon, &xy, &ends, &[1], &R, &mut out);
    assert_eq!(first, (out.xy.as_ptr(), out.ring[0].capacity() + out.ring[1].capacity()));
}

/// A pseudo-random number in 0 .. 1 from a counter.
fn random(seed: &mut u64) -> f64 {
    *seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
    (*seed >> 33) as f64 / (1u64 << 31) as f64
}

#[test]
fn stars_against_sampling() {
    let mut seed = 7;
    for _ in 0..200 {
        let (cx, cy, n) =
            (random(&mut seed) * 20.0 - 5.0, random(&mut seed) * 20.0 - 5.0, 3 + (random(&mut seed) * 30.0) as usize);
        let star: Vec<[f64; 2]> = (0..n)
            .map(|i| {
                let (s, c) = (i as f64 / n as f64 * std::f64::consts::TAU).sin_cos();
                let r = 1.0 + random(&mut seed) * 9.0;
                [cx + r * c, cy + r * s]
            })
            .collect();
        let out = polygon(&[&star], &[1]);
        for _ in 0..50 {
            let p = [random(&mut seed) * 10.0, random(&mut seed) * 10.0];
            assert_eq!(contains(&[&star], p), contains(&[&out.xy], p), "{p:?} {star:?}");
        }
        assert!(out.xy.iter().all(|p| inside(p, &R)));
    }
}

#[test]
fn lines_against_sampling() {
    let mut seed = 11;
    for _ in 0..500 {
        let line: Vec<[f64; 2]> =
            (0..6).map(|_| [random(&mut seed) * 30.0 - 10.0, random(&mut seed) * 30.0 - 10.0]).collect();
        let parts = lines(&[&line]);
        let length = |l: &[[f64; 2]]| l.windows(2).map(|s| (s[0][0] - s[1][0]).hypot(s[0][1] - s[1][1])).sum::<f64>();
        let got: f64 = parts.iter().map(|p| length(p)).sum();
        let steps = 4000;
        let want: f64 = line
            .windows(2)
            .map(|s| {
                let hits = (0..steps)
                    .filter(|i| {
                        let t = (*i as f64 + 0.5) / steps as f64;
                        inside(&[s[0][0] + (s[1][0] - s[0][0]) * t, s[0][1] + (s[1][1] - s[0][1]) * t], &R)
                    })
                    .count();
                length(s) * hits as f64 / steps as f64
            })
            .sum();
        assert!((got - want).abs() < 0.1, "{line:?}: {got} {want}");
    }
}

#[test]
fn a_shared_border_is_cut_alike_in_both_directions() {
    let mut seed = 5;
    for _ in 0..2000 {
        let a = [random(&mut seed) * 30.0 - 10.0, random(&mut seed) * 30.0 - 10.0];
        let b = [random(&mut seed) * 30.0 - 10.0, random(&mut seed) * 30.0 - 10.0];
        let there = clip_segment(a, b, &R);
        assert_eq!(there, clip_segment(b, a, &R).map(|(p, q)| (q, p)));
    }
}
