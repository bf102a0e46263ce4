//! What 3D contents cost: 500 extruded buildings and 500 pipes of the shipped catalog, from features to a compressed
//! glb; and what they weigh on the wire, after meshopt and brotli, with the default columns.

#![allow(clippy::unwrap_used, reason = "a bench may panic")]

use chengtu::feature::{FeatureId, Geometry, ValueRef};
use chengtu::layer::{Catalog, FieldRole, FieldType, Layer, Role, SceneKind};
use chengtu::scene::{
    Compression, Detail, Drawing, Drawn, End, Form, Frame, Heights, Instancing, Item, default_columns,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::sync::Arc;

const COUNT: u64 = 500;
const CENTRE: [f64; 2] = [114.3, 34.8];
const DEGREES_PER_M: [f64; 2] = [1.0 / 91_500.0, 1.0 / 110_950.0];

/// A small generator of its own (xorshift64*): the same city every time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// 0 ..< 1
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.next() as usize % of.len()]
    }
}

fn place(east_m: f64, north_m: f64) -> [f64; 2] {
    [CENTRE[0] + east_m * DEGREES_PER_M[0], CENTRE[1] + north_m * DEGREES_PER_M[1]]
}

/// Turned rectangles, some of them L-shaped, as sampled footprints are.
fn footprint(r: &mut Random, [east, north]: [f64; 2]) -> Geometry {
    let (w, d, turn) = (r.between(10.0, 45.0), r.between(8.0, 18.0), r.between(-0.2, 0.2));
    let corners: Vec<[f64; 2]> = if r.unit() < 0.35 {
        let (a, b) = (w * r.between(0.3, 0.6), d * r.between(1.3, 2.0));
        vec![[0.0, 0.0], [w, 0.0], [w, d], [a, d], [a, b], [0.0, b]]
    } else {
        vec![[0.0, 0.0], [w, 0.0], [w, d], [0.0, d]]
    };
    let (s, c) = turn.sin_cos();
    let mut ring: Vec<_> = corners.iter().map(|[x, y]| place(east + x * c - y * s, north + x * s + y * c)).collect();
    ring.push(ring[0]);
    Geometry::polygon(&[ring])
}

struct Row {
    id: FeatureId,
    geometry: Geometry,
    values: Vec<chengtu::feature::Value>,
    ends: [End; 2],
}

/// A value of a field, as the sample city's are.
fn value(r: &mut Random, layer: &Layer, field: usize) -> chengtu::feature::Value {
    use chengtu::feature::Value;
    let f = &layer.fields[field];
    match (f.role, f.kind) {
        (Some(FieldRole::Height), _) => Value::Float((r.between(3.0, 54.0) * 10.0).round() / 10.0),
        (Some(FieldRole::Storeys), _) => Value::Int(1 + (r.next() % 18) as i64),
        (Some(FieldRole::CimLevel), _) => Value::Int(2),
        (Some(FieldRole::Rank), _) => Value::Float(0.0),
        (Some(FieldRole::ClassCode), _) => Value::Text("202".into()),
        (Some(FieldRole::State), _) => Value::Text(f.values[usize::from(r.unit() > 0.95)].clone()),
        (Some(FieldRole::StartElevation | FieldRole::EndElevation), _) => {
            Value::Float((r.between(68.0, 71.0) * 1000.0).round() / 1000.0)
        }
        (_, FieldType::Enum) => Value::Text(f.values[r.next() as usize % f.values.len()].clone()),
        _ => Value::Null,
    }
}

fn buildings(layer: &Layer) -> Vec<Row> {
    let mut r = Random(0x9e37_79b9_7f4a_7c15);
    (0..COUNT)
        .map(|i| {
            let at = [(i % 23) as f64 * 48.0 - 540.0, (i / 23) as f64 * 40.0 - 440.0];
            let geometry = footprint(&mut r, at);
            let values = (0..layer.fields.len()).map(|f| value(&mut r, layer, f)).collect();
            Row { id: FeatureId(r.next() & FeatureId::MAX | 1), geometry, values, ends: [End::Free; 2] }
        })
        .collect()
}

/// Chains along streets: each segment 20 to 45 m, joined to the next, a free end every tenth.
fn pipes(layer: &Layer) -> Vec<Row> {
    let mut r = Random(0x1234_5678_9abc_def1);
    let size = layer.field_by_role(FieldRole::SectionSize).unwrap();
    let shape = layer.field_by_role(FieldRole::SectionShape).unwrap();
    let width = layer.field_by_role(FieldRole::Rank);
    let elevations = [FieldRole::StartElevation, FieldRole::EndElevation].map(|f| layer.field_by_role(f).unwrap());
    let mut rows = vec![];
    let mut level = 70.0;
    for i in 0..COUNT {
        let (street, along) = (i / 20, i % 20);
        let (north, east) = (street as f64 * 40.0 - 500.0, along as f64 * 35.0 - 350.0);
        let line = vec![place(east, north + (along as f64 * 1.7).sin()), {
            place(east + 35.0, north + ((along + 1) as f64 * 1.7).sin())
        }];
        let mm = *r.one(&[&300u32, &400, &500, &600, &800]);
        let mut values: Vec<_> = (0..layer.fields.len()).map(|f| value(&mut r, layer, f)).collect();
        values[size] = chengtu::feature::Value::Text(mm.to_string());
        values[shape] = chengtu::feature::Value::Text("圆形".into());
        if let Some(width) = width {
            values[width] = chengtu::feature::Value::Float(f64::from(mm));
        }
        values[elevations[0]] = chengtu::feature::Value::Float(level);
        level = if along == 19 { 70.0 } else { level - 0.07 };
        values[elevations[1]] = chengtu::feature::Value::Float(level);
        let end = |free: bool| if free { End::Free } else { End::Joined };
        let ends = [end(along == 0), end(along == 19)];
        rows.push(Row { id: FeatureId(r.next() & FeatureId::MAX | 1), geometry: Geometry::line(line), values, ends });
    }
    rows
}

fn draw(layer: &Layer, rows: &[Row], form: Form) -> Drawn {
    let heights = Heights { undulation_m: &|_| -12.0, ground_m: &|_| Some(72.0) };
    let columns = default_columns(layer);
    let mut drawing = Drawing::new(layer, Frame::at(CENTRE, 60.0), &columns, Detail::NEAR, heights).unwrap();
    let mut values: Vec<ValueRef<'_>> = vec![];
    for row in rows {
        values.clear();
        values.extend(row.values.iter().map(|v| v.as_ref()));
        drawing.feature(&Item { ends: row.ends, ..Item::new(row.id, &row.geometry, &values) });
    }
    drawing.finish(form).0.unwrap()
}

/// As `serve` codes it at quality 5.
fn brotli_len(bytes: &[u8], quality: i32) -> usize {
    let mut out = vec![];
    let params = brotli::enc::BrotliEncoderParams { quality, lgwin: 20, ..Default::default() };
    brotli::BrotliCompress(&mut &bytes[..], &mut out, &params).unwrap();
    out.len()
}

fn layer_of(catalog: &Catalog, role: Role, kind: SceneKind) -> Arc<Layer> {
    let found = catalog.with_role(role).find(|(_, l)| l.scene.as_ref().is_some_and(|s| s.kind == kind));
    found.unwrap().1.clone()
}

fn scene(c: &mut Criterion) {
    let catalog = Catalog::shipped().unwrap();
    let blocks = layer_of(&catalog, Role::BuildingModel, SceneKind::Extrude);
    let tubes = layer_of(&catalog, Role::PipeSegment, SceneKind::Tube);
    let (buildings, pipes) = (buildings(&blocks), pipes(&tubes));
    for (what, layer, rows) in [("buildings", &blocks, &buildings), ("pipes", &tubes, &pipes)] {
        let drawn = draw(layer, rows, Form::default());
        let plain = draw(layer, rows, Form { compression: Compression::None, instancing: Instancing::Shared });
        let each = |bytes: usize| bytes as f64 / COUNT as f64;
        eprintln!(
            "{COUNT} {what}: plain {:.0} B each, meshopt {:.0}, + brotli 5 {:.0}, + brotli 9 {:.0}",
            each(plain.glb.len()),
            each(drawn.glb.len()),
            each(brotli_len(&drawn.glb, 5)),
            each(brotli_len(&drawn.glb, 9)),
        );
        let mut g = c.benchmark_group("scene");
        g.throughput(Throughput::Elements(COUNT));
        g.bench_function(format!("{COUNT} {what}"), |b| b.iter(|| draw(layer, black_box(rows), Form::default())));
        g.finish();
    }
}

criterion_group!(benches, scene);
criterion_main!(benches);
