//! Whatever the footprint or the line: closed where it should be, finite, inside its bounds, and never a panic.

use super::*;
use proptest::prelude::*;

/// A ring around a centre, its corners in turn: simple, however ragged.
fn star(corners: usize) -> impl Strategy<Value = Vec<[f64; 2]>> {
    let polar = (0.2f64..1.0, 8.0f64..60.0);
    prop::collection::vec(polar, corners..corners + 20).prop_map(|corners| {
        let whole: f64 = corners.iter().map(|c| c.0).sum();
        let mut angle = 0.0;
        let ring = corners.iter().map(|(share, r)| {
            angle += share / whole * std::f64::consts::TAU;
            let (s, c) = f64::sin_cos(angle);
            [r * c, r * s]
        });
        ring.collect()
    })
}

fn anything() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => -200.0f64..200.0,
        1 => Just(0.0),
        1 => prop::num::f64::ANY,
    ]
}

fn section() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["80", "300", "1200", "1600x1000"])
}

fn tube_along(steps: &[(f64, f64, f64)], size: &str) -> (Drawn, Decoded) {
    let layer = layer_with(Role::PipeSegment, SceneKind::Tube);
    let mut at = [0.0, 0.0];
    let mut heights = 60.0;
    let mut g = Geometry::empty(GeometryKind::Line);
    for (e, n, h) in steps {
        at = [at[0] + e, at[1] + n];
        heights += h;
        g.xy.push(place(at[0], at[1]));
        g.z.push(heights);
    }
    g.ends.push(g.xy.len() as u32);
    let value = values(&layer, &[("section_size_mm", ValueRef::Text(size))]);
    drawn(&layer, &[Item::new(id(1), &g, &value)], Detail::NEAR, Form::default())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn blocks_over_any_simple_ring_with_a_court_are_closed(ring in star(5), court in star(4), height in 0.1f64..300.0) {
        let layer = layer_with(Role::BuildingModel, SceneKind::Extrude);
        // Within 7 m of the centre: inside every ring, whose corners are at least 8 m out and less than 120° apart.
        let court: Vec<[f64; 2]> = court.iter().rev().map(|p| p.map(|x| x * 0.02)).collect();
        let footprint = polygon(&[&ring, &court]);
        let value = values(&layer, &[("height_m", ValueRef::Float(height))]);
        let (drawn, d) = drawn(&layer, &[Item::new(id(1), &footprint, &value)], Detail::NEAR, Form::default());
        let (open, _, volume) = topology(&d, 0);
        prop_assert_eq!(open, 0);
        prop_assert!(volume > 0.0 && inside(&drawn, &d));
    }

    #[test]
    fn tubes_along_any_line_are_closed(
        steps in prop::collection::vec((-40.0f64..40.0, -40.0f64..40.0, -3.0f64..3.0), 2..12),
        size in section(),
    ) {
        let (drawn, d) = tube_along(&steps, size);
        prop_assert_eq!(topology(&d, 0).0, 0);
        prop_assert!(inside(&drawn, &d));
        prop_assert!(d.vertices.iter().all(|v| v.at.iter().all(|x| x.is_finite())));
    }

    /// Euler's number is told from places, so only where a tube cannot touch itself: ever eastwards, in long legs.
    #[test]
    fn a_tube_that_keeps_clear_of_itself_is_one_closed_body(
        steps in prop::collection::vec((15.0f64..40.0, -30.0f64..30.0, -3.0f64..3.0), 2..12),
        size in section(),
    ) {
        let (_, d) = tube_along(&steps, size);
        let (open, euler, volume) = topology(&d, 0);
        prop_assert_eq!((open, euler), (0, 2));
        prop_assert!(volume > 0.0);
    }

    #[test]
    fn nothing_that_a_store_may_hold_panics(
        xy in prop::collection::vec((anything(), anything(), anything()), 1..9),
        kind in prop::sample::select(vec![GeometryKind::Point, GeometryKind::Line, GeometryKind::Polygon]),
        number in anything(),
        word in prop::sample::select(vec!["", "300", "0x0", "方沟", "管块", "污水井", "阀门", "inner_bottom"]),
    ) {
        let mut g = Geometry::empty(kind);
        for (e, n, h) in &xy {
            g.xy.push([114.3 + e / 91_500.0, 34.8 + n / 110_950.0]);
            g.z.push(*h);
        }
        if kind != GeometryKind::Point {
            g.ends.push(xy.len() as u32);
        }
        if kind == GeometryKind::Polygon {
            g.parts.push(1);
        }
        for (_, layer) in catalog().iter().filter(|(_, l)| l.scene.is_some()).step_by(7) {
            let value: Vec<ValueRef<'_>> = layer.fields.iter().map(|f| match f.kind.is_number() {
                true => ValueRef::Float(number),
                false => ValueRef::Text(word),
            }).collect();
            for detail in [Detail::NEAR, Detail { precision_m: 1.0, tolerance_m: 3.0 }] {
                let Some(mut drawing) = Drawing::new(layer, frame(), &[0], detail, heights()) else { continue };
                drawing.feature(&Item::new(id(1), &g, &value));
                let (drawn, counts) = drawing.finish(Form::default());
                prop_assert_eq!(counts.drawn + counts.undrawn.values().sum::<u64>(), 1);
                if let Some(drawn) = drawn {
                    let d = decode(&drawn.glb).map_err(TestCaseError::fail)?;
                    prop_assert!(d.rows == 1);
                }
            }
        }
    }
}
