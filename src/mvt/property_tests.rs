//! Random shapes through the encoder and back: every tile is valid, nothing is lost that should stay.

use super::decode::{Geometry, Point, decode, faults};
use super::{LayerEncoder, Shape};
use crate::feature::{FeatureId, Value, ValueRef};
use crate::geo::clip::{ClippedBuffers, clip};
use crate::geo::{BBox, GeometryKind};
use proptest::prelude::*;

/// As `decode`'s soundness sees it, for the tests of the encoder's own check.
pub fn ring_is_simple(ring: &[Point]) -> bool {
    let area: i64 = super::snap::double_area(ring);
    let mut ring = ring.to_vec();
    if area < 0 {
        ring.reverse();
    }
    faults(&Geometry::Polygons(vec![vec![ring]])).is_empty()
}

fn encode(shapes: &[Shape]) -> Vec<u8> {
    let mut e = LayerEncoder::new("层", 4096, ["n", "无", "名"].map(Some));
    for (i, s) in shapes.iter().enumerate() {
        e.feature(FeatureId(i as u64 + 1), s, |tags| {
            tags.put(0, ValueRef::Int(i as i64 - 3));
            tags.put(1, ValueRef::Null);
            tags.put(2, ValueRef::Text(if i % 2 == 0 { "偶" } else { "奇" }));
        });
    }
    e.finish().unwrap_or_default()
}

/// Violations of the specification and of soundness.
fn complaints(tile: &[u8]) -> Vec<String> {
    let d = decode(tile);
    let mut out = [d.violations, d.waste].concat();
    for f in d.layers.iter().flat_map(|l| &l.features) {
        out.extend(faults(&f.geometry));
    }
    out
}

fn shape(kind: GeometryKind, runs: &[Vec<[f64; 2]>], parts: Vec<u32>) -> Shape {
    let mut s = Shape { kind: Some(kind), parts, ..Shape::default() };
    for r in runs {
        s.xy.extend_from_slice(r);
        if kind != GeometryKind::Point {
            s.ends.push(s.xy.len() as u32);
        }
    }
    s
}

fn clipped(s: &Shape, rect: &BBox) -> Shape {
    let mut out = ClippedBuffers::default();
    let kind = s.kind.unwrap();
    clip(kind, &s.xy, &s.ends, &s.parts, rect, &mut out);
    Shape { kind: Some(kind), xy: out.xy, ends: out.ends, parts: out.parts }
}

/// A star around a centre: simple before rounding.
fn star(centre: [f64; 2], radii: &[f64]) -> Vec<[f64; 2]> {
    let n = radii.len() as f64;
    let at = |i: usize, r: f64| {
        let (s, c) = (i as f64 / n * std::f64::consts::TAU).sin_cos();
        [centre[0] + r * c, centre[1] + r * s]
    };
    radii.iter().enumerate().map(|(i, r)| at(i, *r)).collect()
}

fn area(g: &Geometry) -> f64 {
    let Geometry::Polygons(p) = g else { return 0.0 };
    p.iter().flatten().map(|r| super::snap::double_area(r) as f64 / 2.0).sum()
}

/// Surveyor's area of a ring that is not closed.
fn plain_area(ring: &[[f64; 2]]) -> f64 {
    crate::geo::ring::signed_area(ring).abs()
}

fn coordinate(limit: f64) -> impl Strategy<Value = [f64; 2]> {
    [-limit..limit, -limit..limit]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_points_and_lines(runs in prop::collection::vec(prop::collection::vec(coordinate(6.0), 1..9), 1..4)) {
        for kind in [GeometryKind::Point, GeometryKind::Line] {
            let tile = encode(&[shape(kind, &runs, vec![])]);
            prop_assert_eq!(complaints(&tile), Vec::<String>::new());
        }
    }

    #[test]
    fn any_tangle_of_rings_comes_out_sound(
        runs in prop::collection::vec(prop::collection::vec(coordinate(12.0), 1..12), 1..5),
        split in 0u32..4,
    ) {
        let n = runs.len() as u32;
        let parts = if split > 0 && split < n { vec![split, n] } else { vec![n] };
        let s = shape(GeometryKind::Polygon, &runs, parts);
        prop_assert_eq!(complaints(&encode(&[s])), Vec::<String>::new());
    }

    #[test]
    fn simple_polygons_keep_their_area(
        centre in coordinate(30.0), radii in prop::collection::vec(1.0..40.0f64, 3..40), hole in 0.2..0.9f64,
    ) {
        let ring = star(centre, &radii);
        let inner = star(centre, &radii.iter().map(|r| r * hole).collect::<Vec<_>>());
        let s = shape(GeometryKind::Polygon, &[ring.clone(), inner.clone()], vec![2]);
        let tile = encode(&[s]);
        prop_assert_eq!(complaints(&tile), Vec::<String>::new());
        let got: f64 = decode(&tile).layers.iter().flat_map(|l| &l.features).map(|f| area(&f.geometry)).sum();
        let length: f64 = [&ring, &inner].iter().map(|r| perimeter(r)).sum();
        let want = plain_area(&ring) - plain_area(&inner);
        // Each point moves by at most √½.
        prop_assert!((got - want).abs() <= 0.75 * length + 4.0, "{} {}", got, want);
    }

    #[test]
    fn clipped_polygons_are_sound_and_keep_their_area(
        centre in coordinate(80.0), radii in prop::collection::vec(5.0..120.0f64, 3..60), hole in 0.1..0.9f64,
    ) {
        let ring = star(centre, &radii);
        let inner = star(centre, &radii.iter().map(|r| r * hole).collect::<Vec<_>>());
        let rect = BBox::new(-64.0, -64.0, 64.0, 64.0);
        let whole = shape(GeometryKind::Polygon, &[ring, inner], vec![2]);
        let part = clipped(&whole, &rect);
        let tile = encode(std::slice::from_ref(&part));
        prop_assert_eq!(complaints(&tile), Vec::<String>::new());
        let got: f64 = decode(&tile).layers.iter().flat_map(|l| &l.features).map(|f| area(&f.geometry)).sum();
        let mut from = 0;
        let (mut want, mut length) = (0.0, 0.0);
        for (i, &end) in part.ends.iter().enumerate() {
            let r = &part.xy[from..end as usize];
            want += if i == 0 { plain_area(r) } else { -plain_area(r) };
            length += perimeter(r);
            from = end as usize;
        }
        prop_assert!((got - want).abs() <= 0.75 * length + 4.0, "{} {}", got, want);
    }
}

fn perimeter(ring: &[[f64; 2]]) -> f64 {
    let close = [ring[ring.len() - 1], ring[0]];
    ring.windows(2).chain(std::iter::once(&close[..])).map(|s| (s[0][0] - s[1][0]).hypot(s[0][1] - s[1][1])).sum()
}

#[test]
fn bytes_depend_on_the_input_alone() {
    let shapes: Vec<Shape> = (0..50)
        .map(|i| {
            shape(GeometryKind::Polygon, &[star([f64::from(i) * 40.0, 99.5], &[9.0, 3.0, 12.0, 2.0, 8.0])], vec![1])
        })
        .collect();
    assert_eq!(encode(&shapes), encode(&shapes));
}

#[test]
fn attributes_come_back() {
    let values = [
        ("i", Value::Int(7)),
        ("neg", Value::Int(i64::MIN)),
        ("big", Value::Int(i64::MAX)),
        ("f", Value::Float(0.5)),
        ("d", Value::Float(0.1)),
        ("t", Value::Text("雨水箅子".into())),
        ("empty", Value::Text(String::new())),
        ("b", Value::Bool(false)),
    ];
    // Columns that share a key, and one that writes nothing.
    let keys = values.iter().map(|(k, _)| Some(*k)).chain([Some("i"), None, Some("null"), Some("nan")]);
    let mut e = LayerEncoder::new("l", 4096, keys);
    let point = shape(GeometryKind::Point, &[vec![[3.4, -2.5]]], vec![]);
    let added = e.feature(FeatureId(FeatureId::MAX), &point, |tags| {
        let more = [ValueRef::Int(8), ValueRef::Int(9), ValueRef::Null, ValueRef::Float(f64::NAN), ValueRef::Int(9)];
        values.iter().map(|(_, v)| v.as_ref()).chain(more).enumerate().for_each(|(column, v)| tags.put(column, v));
    });
    assert!(added);
    let d = decode(&e.finish().unwrap());
    assert_eq!((d.violations.len(), d.layers[0].extent, d.layers[0].version), (0, 4096, 2));
    let f = &d.layers[0].features[0];
    assert_eq!((f.id, &f.geometry), (Some(FeatureId::MAX), &Geometry::Points(vec![[3, -2]])));
    let got: Vec<_> = f.attributes.iter().map(|(k, v)| (k.as_str(), v.clone())).collect();
    assert_eq!(got, values);
    assert_eq!(d.waste, Vec::<String>::new(), "a repeated key leaves no value behind");
}

#[test]
fn nothing_left_is_no_feature_and_no_layer() {
    let mut e = LayerEncoder::new("l", 4096, [Some("k")]);
    let flat = shape(GeometryKind::Polygon, &[vec![[0.0, 0.0], [0.2, 0.0], [0.2, 0.2]]], vec![1]);
    assert!(!e.feature(FeatureId(1), &flat, |tags| tags.put(0, ValueRef::Int(1))));
    assert!(!e.feature(FeatureId(1), &Shape::default(), |_| {}));
    let nowhere = shape(GeometryKind::Point, &[vec![[f64::NAN, 0.0]]], vec![]);
    assert!(!e.feature(FeatureId(1), &nowhere, |_| {}));
    assert_eq!(e.finish(), None);
}

#[test]
fn a_shared_border_rounds_alike_in_both_tiles() {
    for i in 0..2000 {
        let v = [4096.0 + f64::from(i) / 8.0 - 100.0, f64::from(i) * 0.5];
        let at = |dx: f64| {
            let line = vec![[v[0] - dx, v[1]], [v[0] - dx + 50.0, v[1]]];
            let d = decode(&encode(&[shape(GeometryKind::Line, &[line], vec![])]));
            let Geometry::Lines(l) = &d.layers[0].features[0].geometry else { panic!("a line") };
            l[0][0]
        };
        assert_eq!(at(0.0)[0] - 4096, at(4096.0)[0]);
    }
}

/// The mvt crate reads no tiles; its bytes, read by the same reader, are the second opinion.
#[test]
fn agrees_with_the_mvt_crate() {
    let polygon = star([2000.0, 2000.0], &[500.0, 900.0, 700.0, 800.0, 650.0, 720.0]);
    let line = vec![[0.2, 0.9], [100.6, 50.1], [4000.3, 4095.9]];
    let shapes = [
        shape(GeometryKind::Polygon, std::slice::from_ref(&polygon), vec![1]),
        shape(GeometryKind::Line, std::slice::from_ref(&line), vec![]),
        shape(GeometryKind::Point, &[vec![[12.3, 45.6]]], vec![]),
    ];
    let mut ours = LayerEncoder::new("l", 4096, ["n", "t", "d"].map(Some));
    let mut theirs = mvt::Tile::new(4096);
    let mut layer = theirs.create_layer("l");
    for (i, s) in shapes.iter().enumerate() {
        ours.feature(FeatureId(i as u64), s, |tags| {
            tags.put(0, ValueRef::Int(i as i64));
            tags.put(1, ValueRef::Text("文"));
            tags.put(2, ValueRef::Float(0.1));
        });
        let kind = match s.kind.unwrap() {
            GeometryKind::Point => mvt::GeomType::Point,
            GeometryKind::Line => mvt::GeomType::Linestring,
            GeometryKind::Polygon => mvt::GeomType::Polygon,
        };
        let mut g = mvt::GeomEncoder::<f64>::new(kind);
        s.xy.iter().for_each(|p| g.add_point(p[0], p[1]).unwrap());
        let mut f = layer.into_feature(g.encode().unwrap());
        f.set_id(i as u64);
        f.add_tag_uint("n", i as u64);
        f.add_tag_string("t", "文");
        f.add_tag_double("d", 0.1);
        layer = f.into_layer();
    }
    theirs.add_layer(layer).unwrap();
    let (a, b) = (decode(&ours.finish().unwrap()), decode(&theirs.to_bytes().unwrap()));
    assert_eq!(a, b);
}
