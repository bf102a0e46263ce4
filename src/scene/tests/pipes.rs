//! Pipes: diameters, middle lines by their reference, bends, ends, reducers, ducts, nodes.

use super::*;

fn pipe() -> Arc<Layer> {
    layer_with(Role::PipeSegment, SceneKind::Tube)
}

fn round<'v>(layer: &Layer, size: &'v str, levels: [f64; 2], reference: &'v str) -> Vec<ValueRef<'v>> {
    values(
        layer,
        &[
            ("section_size_mm", ValueRef::Text(size)),
            ("section_shape", ValueRef::Text("圆形")),
            ("start_elevation_m", ValueRef::Float(levels[0])),
            ("end_elevation_m", ValueRef::Float(levels[1])),
            ("elevation_ref", ValueRef::Text(reference)),
        ],
    )
}

/// Distances of a row's vertices from the straight through `a` and `b`.
fn distances(d: &Decoded, row: u32, a: [f64; 3], b: [f64; 3]) -> Vec<f64> {
    let direction = frame::unit(frame::sub(b, a)).unwrap();
    let off = |p: [f64; 3]| frame::length(frame::cross(frame::sub(p, a), direction));
    d.vertices.iter().filter(|v| v.row == row).map(|v| off(v.at)).collect()
}

#[test]
fn a_straight_pipe_is_where_its_reference_puts_it_and_as_wide_as_it_says() {
    let layer = pipe();
    let g = line(&[[3.0, 4.0], [33.0, 29.0]]);
    for (size, outer_m) in [("100", 0.1), ("DN300", 0.3), ("d1200", 1.2)] {
        for (reference, above) in [("outer_top", -outer_m / 2.0), ("inner_bottom", outer_m / 2.0)] {
            let value = round(&layer, size, [70.0, 69.4], reference);
            for form in ALL_FORMS {
                let (drawn, d) = drawn(&layer, &[Item::new(id(9), &g, &value)], Detail::NEAR, form);
                let a = frame().local(g.xy[0], 70.0 + above + UNDULATION_M);
                let b = frame().local(g.xy[1], 69.4 + above + UNDULATION_M);
                for off in distances(&d, 0, a, b) {
                    assert!((off / (outer_m / 2.0) - 1.0).abs() < 0.01, "{size}: {off}");
                }
                // From side to side, and the middle of each end.
                for end in [a, b] {
                    let ring: Vec<_> = d
                        .vertices
                        .iter()
                        .filter(|v| frame::length(frame::sub(v.at, end)) < outer_m)
                        .map(|v| v.at)
                        .collect();
                    let widest = ring.iter().flat_map(|p| ring.iter().map(|q| frame::length(frame::sub(*p, *q))));
                    let widest = widest.fold(0.0, f64::max);
                    assert!((widest / outer_m - 1.0).abs() < 0.01, "{size}: {widest}");
                    let middle = ring.iter().fold([0.0; 3], |m, p| [m[0] + p[0], m[1] + p[1], m[2] + p[2]]);
                    let middle = middle.map(|x| x / ring.len() as f64);
                    assert!(frame::length(frame::sub(middle, end)) < 0.005, "{middle:?} {end:?}");
                }
                let (open, euler, volume) = topology(&d, 0);
                assert_eq!((open, euler), (0, 2));
                assert!(volume > 0.0 && normals_agree(&d) && inside(&drawn, &d));
            }
        }
    }
}

#[test]
fn rings_follow_the_sagitta_rule() {
    for (dn, e, want) in [(1.2, 0.01, 18), (0.3, 0.01, 10), (0.1, 0.01, 6), (0.3, 0.05, 4), (4.0, 0.001, 32)] {
        let n = ring_sides(dn / 2.0, e);
        assert_eq!(n, want, "DN{dn} at {e}");
        let sagitta = dn / 2.0 * (1.0 - (std::f64::consts::PI / n as f64).cos());
        assert!(sagitta <= e || n == 32, "{dn} {e} {sagitta}");
    }
}

#[test]
fn bends_leave_no_gap_and_keep_the_radius() {
    let layer = pipe();
    // 20° (a mitre), 90° (an arc), 120°, and in height.
    let g = line(&[[0.0, 0.0], [20.0, 0.0], [38.8, 6.84], [38.8, 30.0], [20.0, 19.0], [20.0, 4.0]]);
    let value = round(&layer, "600", [70.0, 65.0], "outer_top");
    let (_, d) = drawn(&layer, &[Item::new(id(9), &g, &value)], Detail::NEAR, Form::default());
    let (open, euler, volume) = topology(&d, 0);
    assert_eq!((open, euler), (0, 2));
    assert!(volume > 0.0);
    let share = |i: usize| {
        let all: f64 = g.xy.windows(2).map(crate::geo::ring::length_m).sum();
        crate::geo::ring::length_m(&g.xy[..=i]) / all
    };
    let corners: Vec<_> =
        (0..g.xy.len()).map(|i| frame().local(g.xy[i], 70.0 - 5.0 * share(i) - 0.3 + UNDULATION_M)).collect();
    let path = bend::rounded(&corners, 0.6, Detail::NEAR.tolerance_m);
    assert!(path.len() > corners.len() + 6, "arcs at the sharp corners");
    for v in &d.vertices {
        let off = path.windows(2).map(|s| from_segment(v.at, s[0], s[1])).fold(f64::MAX, f64::min);
        // On the outer side of a mitre a corner lies farther out, by its half angle at most; caps are on the radius.
        assert!(off > 0.3 * 0.95 && off < 0.3 * 1.05, "{off}");
    }
}

fn from_segment(p: [f64; 3], a: [f64; 3], b: [f64; 3]) -> f64 {
    let (ab, ap) = (frame::sub(b, a), frame::sub(p, a));
    let t = (frame::dot(ap, ab) / frame::dot(ab, ab)).clamp(0.0, 1.0);
    frame::length(frame::sub(ap, ab.map(|x| x * t)))
}

#[test]
fn joined_ends_are_open_and_reduced_ones_take_the_other_size() {
    let layer = pipe();
    let g = line(&[[0.0, 0.0], [20.0, 0.0]]);
    let value = round(&layer, "600", [70.0, 70.0], "outer_top");
    let item = Item {
        ends: [End::Joined, End::Reduced { to: Section::Round { outer_m: 0.3 }, up_m: 0.0, plane: None }],
        ..Item::new(id(1), &g, &value)
    };
    let (_, d) = drawn(&layer, &[item], Detail::NEAR, Form::default());
    let n = ring_sides(0.3, Detail::NEAR.tolerance_m);
    assert_eq!(topology(&d, 0).0, 2 * n, "two open rings");
    let a = frame().local(g.xy[0], 69.7 + UNDULATION_M);
    let b = frame().local(g.xy[1], 69.7 + UNDULATION_M);
    let radii = distances(&d, 0, a, b);
    let (wide, narrow) = radii.iter().partition::<Vec<f64>, _>(|r| **r > 0.2);
    assert_eq!((wide.len(), narrow.len()), (2 * n, n));
    assert!(wide.iter().all(|r| (r / 0.3 - 1.0).abs() < 0.01) && narrow.iter().all(|r| (r / 0.15 - 1.0).abs() < 0.01));
    let reducer = d.vertices.iter().filter(|v| (v.at[0] - (b[0] - 0.6)).abs() < 0.01).count();
    assert_eq!(reducer, n, "the reducer is as long as the pipe is wide");
}

#[test]
fn ducts_are_boxes_with_upright_sides() {
    let layer = pipe();
    let g = line(&[[0.0, 0.0], [30.0, 0.0], [30.0, 25.0]]);
    let value = values(
        &layer,
        &[
            ("section_size_mm", ValueRef::Text("2000×1500")),
            ("section_shape", ValueRef::Text("方沟")),
            ("start_elevation_m", ValueRef::Float(66.0)),
            ("end_elevation_m", ValueRef::Float(66.0)),
            ("elevation_ref", ValueRef::Text("inner_bottom")),
        ],
    );
    let (_, d) = drawn(&layer, &[Item::new(id(1), &g, &value)], Detail::NEAR, Form::default());
    let (open, euler, volume) = topology(&d, 0);
    assert_eq!((open, euler), (0, 2));
    assert!((volume / (55.0 * 2.0 * 1.5) - 1.0).abs() < 0.01, "{volume}");
    let base = 66.0 + UNDULATION_M - 60.0;
    let on = |v: &decode::DecodedVertex| (v.at[2] - base).abs() < 0.006 || (v.at[2] - base - 1.5).abs() < 0.006;
    assert!(d.vertices.iter().all(on), "every corner is on the floor or under the lid");
    assert!(normals_agree(&d));
}

#[test]
fn unknown_sizes_and_heights_are_assumed_and_say_so() {
    let layer = pipe();
    let g = line(&[[0.0, 0.0], [20.0, 0.0]]);
    let scene = layer.scene.as_ref().unwrap();
    let outer_m = scene.default_mm.unwrap() / 1000.0;
    let none = values(&layer, &[("section_size_mm", ValueRef::Text("不详"))]);
    let depth = values(
        &layer,
        &[
            ("section_size_mm", ValueRef::Text("300")),
            ("start_depth_m", ValueRef::Float(2.0)),
            ("end_depth_m", ValueRef::Float(2.4)),
            ("elevation_ref", ValueRef::Text("outer_top")),
        ],
    );
    let items = [Item::new(id(1), &g, &none), Item::new(id(2), &g, &depth)];
    let (_, d) = drawn(&layer, &items, Detail::NEAR, Form::default());
    assert_eq!(d.columns["_size_assumed"], [Cell::Number(1.0), Cell::Number(0.0)]);
    assert_eq!(d.columns["_height_assumed"], [Cell::Number(1.0), Cell::Number(0.0)]);
    let top = GROUND_M - scene.default_cover_m.unwrap() + UNDULATION_M;
    let [a, b] = [0, 1].map(|i| frame().local(g.xy[i], top - outer_m / 2.0));
    assert!(distances(&d, 0, a, b).iter().all(|r| (r / (outer_m / 2.0) - 1.0).abs() < 0.01));
    let a = frame().local(g.xy[0], GROUND_M - 2.0 - 0.15 + UNDULATION_M);
    let b = frame().local(g.xy[1], GROUND_M - 2.4 - 0.15 + UNDULATION_M);
    assert!(distances(&d, 1, a, b).iter().all(|r| (r / 0.15 - 1.0).abs() < 0.01));
}

#[test]
fn far_away_thin_pipes_are_lines_and_a_way_back_is_two_tubes() {
    let layer = pipe();
    let g = line(&[[0.0, 0.0], [20.0, 0.0], [40.0, 0.01]]);
    let back = line(&[[0.0, 0.0], [20.0, 0.0], [1.0, 0.2]]);
    let thin = round(&layer, "100", [70.0, 70.0], "outer_top");
    let thick = round(&layer, "1000", [70.0, 70.0], "outer_top");
    let far = Detail { precision_m: 0.1, tolerance_m: 0.1 };
    let (_, d) = drawn(&layer, &[Item::new(id(1), &g, &thin), Item::new(id(2), &back, &thick)], far, Form::default());
    let lines: Vec<_> = d.primitives.iter().filter(|p| p.mode == 1).collect();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].indices.len(), 2, "the middle vertex says nothing at this tolerance");
    assert!(d.json["extensionsUsed"].as_array().unwrap().contains(&"KHR_materials_unlit".into()));
    let (open, euler, _) = topology(&d, 1);
    assert_eq!((open, euler), (0, 4), "two closed tubes");
}

#[test]
fn wells_reach_from_ground_to_bottom_and_stand_on_their_place() {
    let layer = layer_with(Role::PipeNode, SceneKind::Node);
    let at = |e: f64, n: f64| Geometry::point(place(e, n)[0], place(e, n)[1]);
    let places = [[0.0, 0.0], [10.0, 5.0], [20.0, 0.0]];
    let shapes = places.map(|[e, n]| at(e, n));
    let all = [
        values(
            &layer,
            &[
                ("accessory_type", ValueRef::Text("污水井")),
                ("ground_elevation_m", ValueRef::Float(72.6)),
                ("well_bottom_depth_m", ValueRef::Float(2.8)),
            ],
        ),
        values(
            &layer,
            &[
                ("accessory_type", ValueRef::Text("阀门")),
                ("ground_elevation_m", ValueRef::Float(72.6)),
                ("point_elevation_m", ValueRef::Float(71.1)),
            ],
        ),
        values(&layer, &[("feature_type", ValueRef::Text("三通"))]),
    ];
    let items: Vec<_> = shapes.iter().zip(&all).map(|(g, v)| Item::new(id(1), g, v)).collect();
    let (drawn, d) = drawn(&layer, &items, Detail::NEAR, Form::default());
    assert_eq!(drawn.counts.drawn, 3);
    for (row, low, high) in [(0, 69.8, 72.6), (1, 70.95, 72.6), (2, GROUND_M - 1.12, GROUND_M - 0.88)] {
        let of_row: Vec<_> = d.vertices.iter().filter(|v| v.row == row).map(|v| v.at).collect();
        let ups = of_row.iter().map(|p| p[2] + 60.0 - UNDULATION_M);
        let (least, most) = (ups.clone().fold(f64::MAX, f64::min), ups.fold(f64::MIN, f64::max));
        assert!((least - low).abs() < 0.006 && (most - high).abs() < 0.03, "{row}: {least} {most}");
        let middle = of_row.iter().fold([0.0; 2], |m, p| [m[0] + p[0], m[1] + p[1]]).map(|x| x / of_row.len() as f64);
        let want = places[row as usize];
        assert!((middle[0] - want[0]).hypot(middle[1] - want[1]) < 0.01, "{middle:?}");
        assert_eq!(topology(&d, row).0, 0);
    }
    assert_eq!(d.columns["_height_assumed"], [Cell::Number(0.0), Cell::Number(0.0), Cell::Number(1.0)]);
}

#[test]
fn bodies_on_a_pipe_are_as_wide_as_it_asks_and_stand_on_its_middle() {
    let layer = layer_with(Role::PipeNode, SceneKind::Node);
    let on = |outer_m: f64| Some(OnPipe { outer_m, middle_m: 70.4 });
    let at = Geometry::point(place(0.0, 0.0)[0], place(0.0, 0.0)[1]);
    let word = |field: &'static str, text: &'static str| {
        values(&layer, &[(field, ValueRef::Text(text)), ("point_elevation_m", ValueRef::Float(71.1))])
    };
    let (valve, tee, well) =
        (word("accessory_type", "阀门"), word("feature_type", "三通"), word("accessory_type", "阀门井"));
    for (value, outer_m, width_m, low_m) in [
        (&valve, 0.1, 0.15, 70.325),
        (&valve, 0.6, 0.9, 69.95),
        (&tee, 0.3, 0.36, 70.22),
        (&tee, 1.2, 1.44, 69.68),
        // A shaft is as wide as declared, and as deep as its record says.
        (&well, 0.3, 0.7, 71.1),
    ] {
        let item = Item { on_pipe: on(outer_m), ..Item::new(id(1), &at, value) };
        let (_, d) = drawn(&layer, &[item], Detail::NEAR, Form::default());
        let centre = frame().local(at.xy[0], 0.0);
        let radius = d.vertices.iter().map(|v| (v.at[0] - centre[0]).hypot(v.at[1] - centre[1])).fold(0.0, f64::max);
        // Nodes are drawn to 5 mm.
        assert!((radius * 2.0 - width_m).abs() < 0.01, "{outer_m}: {}", radius * 2.0);
        let low = d.vertices.iter().map(|v| v.at[2]).fold(f64::MAX, f64::min) + 60.0 - UNDULATION_M;
        assert!((low - low_m).abs() < 0.008, "{outer_m}: {low}");
    }
}

#[test]
fn wide_tiles_are_filtered_too_and_stay_exact_enough() {
    let layer = pipe();
    // Two pipes 14 km apart: more steps than the filter's mantissa has.
    let shapes = [line(&[[-7_000.0, 0.0], [-6_980.0, 3.0]]), line(&[[7_000.0, 10.0], [7_020.0, 13.0]])];
    let value = round(&layer, "100", [70.0, 70.0], "outer_top");
    let items: Vec<_> = shapes.iter().map(|g| Item::new(id(1), g, &value)).collect();
    let (packed, d) = drawn(&layer, &items, Detail::NEAR, Form::default());
    let (_, plain) = drawn(&layer, &items, Detail::NEAR, Form { compression: Compression::None, ..Form::default() });
    let [low, high] = packed.bounds_m;
    assert!(d.vertices.iter().all(|v| (0..3).all(|i| v.at[i] > low[i] - 1e-3 && v.at[i] < high[i] + 1e-3)));
    let views = d.json["bufferViews"].as_array().unwrap();
    assert!(views.iter().any(|v| v["extensions"]["EXT_meshopt_compression"]["filter"] == "EXPONENTIAL"));
    assert!(d.vertices.iter().zip(&plain.vertices).all(|(a, b)| a.at == b.at));
    for (row, g) in shapes.iter().enumerate() {
        let [a, b] = [0, 1].map(|i| frame().local(g.xy[i], 69.95 + UNDULATION_M));
        assert!(distances(&d, row as u32, a, b).iter().all(|r| (r / 0.05 - 1.0).abs() < 0.02));
    }
}
