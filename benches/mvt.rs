//! What a tile costs to encode: 300 points and 300 twelve-sided polygons with 8 attributes each, by the house's
//! encoder and by the mvt crate in the same run; and what a projection, a clip and a repair cost.

#![allow(clippy::unwrap_used, reason = "a bench may panic")]

use chengtu::feature::{FeatureId, ValueRef};
use chengtu::geo::clip::{ClippedBuffers, clip};
use chengtu::geo::{BBox, GeometryKind, TileKey, TileMatrixSet};
use chengtu::mvt::{LayerEncoder, Shape};
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;

struct Row {
    shape: Shape,
    code: String,
    name: &'static str,
    state: &'static str,
    height: f64,
    depth: f64,
    year: i64,
    count: i64,
    lit: bool,
}

fn rows(kind: GeometryKind, ring: impl Fn(f64, f64) -> Vec<[f64; 2]>) -> Vec<Row> {
    (0..300)
        .map(|i| {
            let xy = ring(f64::from(i * 131 % 4000) + 0.37, f64::from(i * 977 % 4000) + 0.81);
            let polygon = kind == GeometryKind::Polygon;
            let ends = if polygon { vec![xy.len() as u32] } else { vec![] };
            let parts = if polygon { vec![1] } else { vec![] };
            Row {
                shape: Shape { kind: Some(kind), xy, ends, parts },
                code: format!("41020201180{i:05}"),
                name: ["路灯", "雨水箅子", "交通信号灯", "行道树"][i as usize % 4],
                state: ["完好", "破损", "丢失"][i as usize % 3],
                height: f64::from(i % 50) * 0.1,
                depth: f64::from(i) * 0.01,
                year: i64::from(1990 + i % 30),
                count: i64::from(i % 7) - 3,
                lit: i % 2 == 0,
            }
        })
        .collect()
}

fn twelve_gon(x: f64, y: f64) -> Vec<[f64; 2]> {
    let corner = |k: u32| {
        let (s, c) = (f64::from(k) / 12.0 * std::f64::consts::TAU).sin_cos();
        // Every other corner lies inside: not convex, so that the full check runs.
        let r = if k.is_multiple_of(2) { 40.0 } else { 25.0 };
        [x + r * c, y + r * s]
    };
    (0..=12).map(|k| corner(k % 12)).collect()
}

const KEYS: [&str; 8] = ["code", "name", "state", "height_m", "depth_m", "year", "count", "lit"];

fn ours(rows: &[Row]) -> Vec<u8> {
    let mut e = LayerEncoder::new("bench", 4096, KEYS.map(Some));
    for (i, r) in rows.iter().enumerate() {
        e.feature(FeatureId(i as u64 + 1), &r.shape, |tags| {
            tags.put(0, ValueRef::Text(&r.code));
            tags.put(1, ValueRef::Text(r.name));
            tags.put(2, ValueRef::Text(r.state));
            tags.put(3, ValueRef::Float(r.height));
            tags.put(4, ValueRef::Float(r.depth));
            tags.put(5, ValueRef::Int(r.year));
            tags.put(6, ValueRef::Int(r.count));
            tags.put(7, ValueRef::Bool(r.lit));
        });
    }
    e.finish().unwrap_or_default()
}

fn theirs(rows: &[Row]) -> Vec<u8> {
    let mut tile = mvt::Tile::new(4096);
    let mut layer = tile.create_layer("bench");
    for (i, r) in rows.iter().enumerate() {
        let kind = match r.shape.kind {
            Some(GeometryKind::Polygon) => mvt::GeomType::Polygon,
            _ => mvt::GeomType::Point,
        };
        let mut g = mvt::GeomEncoder::<f64>::new(kind);
        for p in &r.shape.xy {
            g.add_point(p[0], p[1]).unwrap();
        }
        let mut f = layer.into_feature(g.encode().unwrap());
        f.set_id(i as u64 + 1);
        f.add_tag_string("code", &r.code);
        f.add_tag_string("name", r.name);
        f.add_tag_string("state", r.state);
        f.add_tag_double("height_m", r.height);
        f.add_tag_double("depth_m", r.depth);
        f.add_tag_uint("year", r.year as u64);
        f.add_tag_sint("count", r.count);
        f.add_tag_bool("lit", r.lit);
        layer = f.into_layer();
    }
    tile.add_layer(layer).unwrap();
    tile.to_bytes().unwrap()
}

fn encode(c: &mut Criterion) {
    let points = rows(GeometryKind::Point, |x, y| vec![[x, y]]);
    let polygons = rows(GeometryKind::Polygon, twelve_gon);
    for (what, rows) in [("300 points", &points), ("300 twelve-gons", &polygons)] {
        let mut g = c.benchmark_group(what);
        g.bench_function("chengtu", |b| b.iter(|| ours(black_box(rows))));
        g.bench_function("mvt crate", |b| b.iter(|| theirs(black_box(rows))));
        g.finish();
    }
    // Every second corner pulled through the centre: each one needs the overlay.
    let mut broken = rows(GeometryKind::Polygon, twelve_gon);
    broken.iter_mut().for_each(|r| r.shape.xy.swap(2, 7));
    c.bench_function("300 crossed twelve-gons", |b| b.iter(|| ours(black_box(&broken))));
}

fn place(c: &mut Criterion) {
    let lonlat: Vec<[f64; 2]> =
        (0..1000).map(|i| [114.3 + f64::from(i) * 1e-5, 34.8 + f64::from(i % 37) * 1e-5]).collect();
    let mut out = Vec::with_capacity(1000);
    for (name, grid, y) in [
        ("WebMercatorQuad", TileMatrixSet::web_mercator_quad(), 25996),
        ("CGCS2000Quad", TileMatrixSet::cgcs2000_quad(), 10048),
    ] {
        let p = grid.projector(TileKey { z: 16, x: 53575, y }, 4096);
        c.bench_function(&format!("project 1000 vertices, {name}"), |b| {
            b.iter(|| {
                out.clear();
                p.project_into(black_box(&lonlat), &mut out);
                out.len()
            })
        });
    }
    for n in [40u32, 400, 5000] {
        let ring: Vec<[f64; 2]> = (0..=n)
            .map(|i| {
                let (s, c) = (f64::from(i % n) / f64::from(n) * std::f64::consts::TAU).sin_cos();
                let r = 2500.0 + 200.0 * f64::from(i * 7 % 11);
                [2000.0 + r * c, 2000.0 + r * s]
            })
            .collect();
        let rect = BBox::new(-64.0, -64.0, 4160.0, 4160.0);
        let mut out = ClippedBuffers::default();
        c.bench_function(&format!("clip a ring of {n}"), |b| {
            b.iter(|| {
                clip(GeometryKind::Polygon, black_box(&ring), &[n + 1], &[1], &rect, &mut out);
                out.xy.len()
            })
        });
    }
}

criterion_group!(benches, encode, place);
criterion_main!(benches);
