//! Ends of pipes that meet: nothing stands open, nothing is there twice.

use super::*;
use proptest::prelude::*;

fn pipe() -> Arc<Layer> {
    layer_with(Role::PipeSegment, SceneKind::Tube)
}

/// A straight pipe between two places, metres east, north and the height of its invert.
struct Piece {
    geometry: Geometry,
    size: &'static str,
    inverts: [f64; 2],
}

fn piece(size: &'static str, from: [f64; 3], to: [f64; 3]) -> Piece {
    Piece { geometry: line(&[[from[0], from[1]], [to[0], to[1]]]), size, inverts: [from[2], to[2]] }
}

fn value<'v>(layer: &Layer, piece: &'v Piece) -> Vec<ValueRef<'v>> {
    let angular = piece.size.contains('x');
    values(
        layer,
        &[
            ("section_size_mm", ValueRef::Text(piece.size)),
            ("section_shape", ValueRef::Text(if angular { "方沟" } else { "圆形" })),
            ("start_elevation_m", ValueRef::Float(piece.inverts[0])),
            ("end_elevation_m", ValueRef::Float(piece.inverts[1])),
            ("elevation_ref", ValueRef::Text("inner_bottom")),
        ],
    )
}

/// What the ends meet where each piece's first end is: at one place.
fn met(layer: &Layer, pieces: &[Piece]) -> Vec<End> {
    let rule = Rule::of(layer).unwrap();
    let flat = Heights { undulation_m: &|_| 0.0, ground_m: &|_| None };
    let mouth = |p: &Piece| mouths(&rule, &flat, Detail::NEAR.tolerance_m, &p.geometry, &value(layer, p)).unwrap()[0];
    meet(&pieces.iter().map(mouth).collect::<Vec<_>>())
}

fn shown(layer: &Layer, pieces: &[Piece]) -> (Vec<End>, Decoded) {
    let ends = met(layer, pieces);
    let all: Vec<_> = pieces.iter().map(|p| value(layer, p)).collect();
    let items: Vec<_> = (pieces.iter().zip(&all).zip(&ends))
        .map(|((p, v), end)| Item { ends: [*end, End::Free], ..Item::new(id(1), &p.geometry, v) })
        .collect();
    let (drawn, d) = drawn(layer, &items, Detail::NEAR, Form::default());
    assert!(inside(&drawn, &d));
    (ends, d)
}

/// Vertices of a row within so many metres of the joint, which is above the frame's place.
fn near(d: &Decoded, row: u32, reach_m: f64) -> Vec<[f64; 3]> {
    let own = d.vertices.iter().filter(|v| v.row == row).map(|v| v.at);
    own.filter(|p| p[0].hypot(p[1]) < reach_m).collect()
}

/// The largest distance from a vertex of one set to the nearest of another.
fn gap(from: &[[f64; 3]], to: &[[f64; 3]]) -> f64 {
    let nearest = |p: &[f64; 3]| to.iter().map(|q| frame::length(frame::sub(*p, *q))).fold(f64::MAX, f64::min);
    from.iter().map(nearest).fold(0.0, f64::max)
}

#[test]
fn two_of_one_size_go_on_in_each_other_without_a_gap() {
    let layer = pipe();
    for size in ["600", "2000x1500"] {
        for turn_deg in [0.0f64, 12.0, 45.0, 90.0] {
            let (s, c) = turn_deg.to_radians().sin_cos();
            let pieces = [
                piece(size, [0.0, 0.0, 66.0], [-20.0, 0.0, 66.04]),
                piece(size, [0.0, 0.0, 66.0], [20.0 * c, 20.0 * s, 65.98]),
            ];
            let (ends, d) = shown(&layer, &pieces);
            assert!(ends.iter().all(|e| matches!(e, End::Mitred { .. })), "{size} {turn_deg}: {ends:?}");
            let rings = [0, 1].map(|row| near(&d, row, 2.5));
            assert!(!rings[0].is_empty());
            assert!(gap(&rings[0], &rings[1]) < 0.01 && gap(&rings[1], &rings[0]) < 0.01, "{size} {turn_deg}");
            assert!((0..2).all(|row| topology(&d, row).0 > 0), "open to each other");
        }
    }
}

#[test]
fn a_change_of_size_has_one_reducer() {
    let layer = pipe();
    for (wide, narrow) in [("600", "400"), ("2000x1500", "1200x1000"), ("1000x800", "400")] {
        for turned in [false, true] {
            let mut pieces = vec![
                piece(wide, [0.0, 0.0, 66.0], [-20.0, 0.0, 66.0]),
                piece(narrow, [0.0, 0.0, 66.0], [18.0, 6.0, 66.0]),
            ];
            if turned {
                pieces.reverse();
            }
            let (ends, d) = shown(&layer, &pieces);
            let reducers = ends.iter().filter(|e| matches!(e, End::Reduced { .. })).count();
            assert_eq!(reducers, 1, "{wide} {narrow}: {ends:?}");
            assert!(matches!(ends[usize::from(turned)], End::Reduced { .. }), "the wider one narrows");
            // The tip is where the other begins, inverts level. A box before a round pipe has the corners of one around it.
            let of = |row: usize| near(&d, row as u32, 0.6);
            let (tip, other) = (of(usize::from(turned)), of(usize::from(!turned)));
            let reach_m = if wide.contains('x') != narrow.contains('x') { 0.1 } else { 0.01 };
            assert!(!tip.is_empty() && !other.is_empty() || wide.contains('x'), "{wide} {narrow}");
            if wide == "600" {
                // Corners of rings of 12 and 16 sides: the middle and the size agree.
                let middle = |ring: &[[f64; 3]]| ring.iter().fold(0.0, |s, p| s + p[2]) / ring.len() as f64;
                let close: Vec<_> = tip.iter().copied().filter(|p| p[0].abs() < 0.25).collect();
                assert!((middle(&close) - middle(&other)).abs() < 0.01);
                assert!(close.iter().all(|p| frame::length(frame::sub(*p, [0.0, 0.0, middle(&close)])) < 0.22));
            } else if wide == "2000x1500" {
                let of = |row: usize| near(&d, row as u32, 0.75);
                assert!(gap(&of(usize::from(!turned)), &of(usize::from(turned))) < reach_m);
            }
        }
    }
}

#[test]
fn a_branch_ends_inside_the_run() {
    let layer = pipe();
    // A connection of DN300 into a sewer of DN800, its invert somewhat higher; the run turns by 20°.
    let pieces = [
        piece("800", [0.0, 0.0, 66.0], [-20.0, 0.0, 66.1]),
        piece("300", [0.0, 0.0, 66.2], [3.0, 15.0, 66.4]),
        piece("800", [0.0, 0.0, 66.0], [18.8, -6.84, 65.9]),
    ];
    let (ends, d) = shown(&layer, &pieces);
    assert!(matches!(ends[..], [End::Mitred { .. }, End::Joined, End::Mitred { .. }]), "{ends:?}");
    let axis = 66.4 + UNDULATION_M - 60.0;
    for p in near(&d, 1, 0.4) {
        assert!(frame::length(frame::sub(p, [0.0, 0.0, axis])) < 0.4 + 0.01, "{p:?}");
    }
}

#[test]
fn what_passes_above_does_not_meet() {
    let layer = pipe();
    let pieces =
        [piece("300", [0.0, 0.0, 66.0], [-20.0, 0.0, 66.0]), piece("300", [0.0, 0.0, 67.0], [20.0, 0.0, 67.0])];
    let (ends, d) = shown(&layer, &pieces);
    assert_eq!(ends, [End::Free; 2]);
    assert!((0..2).all(|row| topology(&d, row).0 == 0 && topology(&d, row).1 == 2));
    // A drop of two centimetres is one, a difference of half a centimetre is a rounding.
    let drop = |by: f64| {
        met(
            &layer,
            &[
                piece("300", [0.0, 0.0, 66.0], [-20.0, 0.0, 66.0]),
                piece("300", [0.0, 0.0, 66.0 + by], [9.0, 0.0, 66.0]),
            ],
        )
    };
    assert_eq!(drop(0.02), [End::Free; 2]);
    assert!(drop(0.005).iter().all(|e| matches!(e, End::Mitred { .. })));
}

#[test]
fn a_turn_too_sharp_is_covered_by_one_ball() {
    let layer = pipe();
    for turn_deg in [120.0f64, 165.0, 180.0] {
        let (s, c) = turn_deg.to_radians().sin_cos();
        let pieces = [
            piece("600", [0.0, 0.0, 66.0], [-20.0, 0.0, 66.0]),
            piece("600", [0.0, 0.0, 66.0], [20.0 * c, 20.0 * s, 66.0]),
        ];
        let (ends, d) = shown(&layer, &pieces);
        assert_eq!(ends.iter().filter(|e| matches!(e, End::Covered { .. })).count(), 1, "{ends:?}");
        assert_eq!(ends.iter().filter(|e| matches!(e, End::Joined)).count(), 1);
        // Both open rings lie in the ball.
        let middle = [0.0, 0.0, 66.3 + UNDULATION_M - 60.0];
        let radii = d.vertices.iter().map(|v| frame::length(frame::sub(v.at, middle)));
        assert!(radii.clone().any(|r| (r - 0.315).abs() < 0.002), "a ball");
        let rings: Vec<f64> = radii.filter(|r| *r < 0.312).collect();
        let n = ring_sides(0.3, Detail::NEAR.tolerance_m);
        assert_eq!(rings.len(), 2 * n);
        assert!(normals_agree(&d));
    }
    // Short pieces cannot be mitred either.
    let stub = [piece("1000", [0.0, 0.0, 66.0], [-0.4, 0.0, 66.0]), piece("1000", [0.0, 0.0, 66.0], [0.0, 30.0, 66.0])];
    assert!(met(&layer, &stub).iter().any(|e| matches!(e, End::Covered { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn no_end_is_left_open(pipes in prop::collection::vec((0usize..4, 0.0f64..360.0, 0u8..4), 1..7)) {
        let sizes = [0.2, 0.3, 0.3, 0.8];
        let mouth = |(size, bearing, step): &(usize, f64, u8)| {
            let (s, c) = bearing.to_radians().sin_cos();
            let section = Section::Round { outer_m: sizes[*size] };
            let height_m = 66.0 + f64::from(*step) * 0.2 + sizes[*size] / 2.0;
            Mouth { lonlat: CENTRE, height_m, inward: [c, s, 0.0], leg_m: 10.0, section }
        };
        let mouths: Vec<Mouth> = pipes.iter().map(mouth).collect();
        let ends = meet(&mouths);
        let radius = |i: usize| mouths[i].section.radius_m();
        for (i, end) in ends.iter().enumerate() {
            match end {
                End::Free => {}
                // Inside of the narrower of two that go on, or under a ball.
                End::Joined => {
                    let covered = (0..ends.len()).any(|j| {
                        let covers = matches!(ends[j], End::Mitred { .. } | End::Covered { .. });
                        let apart = (mouths[i].height_m - mouths[j].height_m).abs();
                        j != i && covers && apart + radius(i) <= radius(j) + MEET_M
                    });
                    prop_assert!(covered);
                }
                End::Mitred { plane } => {
                    let partners = ends.iter().enumerate().filter(|(j, e)| {
                        *j != i && matches!(e, End::Mitred { plane: p } | End::Reduced { plane: Some(p), .. } if p == plane)
                    });
                    prop_assert_eq!(partners.count(), 1);
                }
                End::Reduced { to, up_m, .. } => {
                    let height_m = mouths[i].height_m + f64::from(*up_m);
                    let led_on = (0..ends.len()).any(|j| {
                        let there = (mouths[j].height_m - height_m).abs() < 1e-6;
                        mouths[j].section == *to && radius(j) < radius(i) && there
                    });
                    prop_assert!(led_on);
                }
                End::Covered { radius_m } => prop_assert!(f64::from(*radius_m) > radius(i)),
            }
        }
    }
}
