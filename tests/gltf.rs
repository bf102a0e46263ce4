//! Contents of every 3D layer, in every form, before Khronos' gltf-validator: no error, no warning. Needs node and
//! the npm package `gltf-validator`, in a folder named by `CHENGTU_NODE_PACKAGES` (the one that holds
//! `node_modules`); says so and passes where they are not. The shapes themselves are judged in `scene`'s own tests.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests say what they expect by panicking")]

use chengtu::feature::{FeatureId, Geometry, Value, ValueRef};
use chengtu::geo::GeometryKind;
use chengtu::geo::lattice::{NODES, Patch, TileAt};
use chengtu::layer::{Catalog, FieldType, Layer, ModelName, SceneKind};
use chengtu::scene::terrain::Terrain;
use chengtu::scene::{
    Compression, Detail, Drawing, Form, Frame, Heights, Instancing, Item, Sides, Surfaces, Vertices, models,
};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const CENTRE: [f64; 2] = [114.3, 34.8];

fn place(i: u32, east_m: f64, north_m: f64) -> [f64; 2] {
    let (column, row) = (f64::from(i % 6) * 40.0, f64::from(i / 6) * 40.0);
    [CENTRE[0] + (column + east_m) / 91_500.0, CENTRE[1] + (row + north_m) / 110_950.0]
}

fn shape(kind: GeometryKind, i: u32) -> Geometry {
    let at = |e, n| place(i, e, n);
    match kind {
        GeometryKind::Point => Geometry::point(at(3.0, 4.0)[0], at(3.0, 4.0)[1]),
        GeometryKind::Line => Geometry::line(vec![at(0.0, 0.0), at(15.0, f64::from(i)), at(20.0, 20.0)]),
        GeometryKind::Polygon => Geometry::polygon(&[
            vec![at(0.0, 0.0), at(20.0, 0.0), at(20.0, 20.0), at(0.0, 20.0), at(0.0, 0.0)],
            vec![at(5.0, 5.0), at(5.0, 9.0), at(9.0, 9.0), at(9.0, 5.0), at(5.0, 5.0)],
        ]),
    }
}

/// Every third value is null; sizes, depths and heights are of a city.
fn value(layer: &Layer, field: usize, i: u32) -> Value {
    let f = &layer.fields[field];
    if (field as u32 + i).is_multiple_of(3) {
        return Value::Null;
    }
    match f.kind {
        _ if f.name.contains("size") => Value::Text(["300", "DN1200", "2000×1500", "不详"][i as usize % 4].into()),
        FieldType::Text => Value::Text(format!("开封市{i}号")),
        FieldType::Date => Value::Text("2026-11-21".into()),
        FieldType::Enum => Value::Text(f.values[i as usize % f.values.len()].clone()),
        FieldType::Int => Value::Int(i64::from(i) + 1),
        FieldType::Float if f.name.contains("elevation") => Value::Float(70.0 - f64::from(i) * 0.1),
        FieldType::Float => Value::Float(f64::from(i) * 1.5 + 1.0),
        FieldType::Bool => Value::Bool(i.is_multiple_of(2)),
    }
}

fn draw(layer: &Layer, kind: GeometryKind, detail: Detail, form: Form) -> Option<Vec<u8>> {
    let heights = Heights { undulation_m: &|_| -12.5, ground_m: &|p| (p[0] > CENTRE[0] + 1e-4).then_some(72.0) };
    let columns: Vec<usize> = (0..layer.fields.len()).collect();
    let mut drawing = Drawing::new(layer, Frame::at(CENTRE, 60.0), &columns, detail, heights)?;
    for i in 0..24 {
        let geometry = shape(kind, i);
        let values: Vec<Value> = (0..layer.fields.len()).map(|f| value(layer, f, i)).collect();
        let refs: Vec<ValueRef<'_>> = values.iter().map(Value::as_ref).collect();
        let item = Item::new(FeatureId(u64::from(i) * 1_000_003 + 1), &geometry, &refs);
        let solid = layer.scene.as_ref().is_some_and(|s| s.kind == SceneKind::Surface) && i.is_multiple_of(2);
        match solid {
            true => tetrahedron(&mut drawing, &item, i),
            false => drawing.feature(&item),
        }
    }
    drawing.finish(form).0.map(|d| d.glb)
}

/// Models of several levels in one content, a third of them of each.
fn levels(form: Form) -> Vec<u8> {
    let catalog = Catalog::shipped().unwrap();
    let layers: Vec<&Layer> = catalog.iter().map(|(_, l)| l.as_ref()).filter(|l| l.model_code().is_some()).collect();
    assert!(layers.len() > 2);
    let columns: Vec<Vec<usize>> = layers.iter().map(|l| (0..l.fields.len()).collect()).collect();
    let parts: Vec<_> = layers.iter().zip(&columns).map(|(l, c)| (*l, c.as_slice())).collect();
    let heights = Heights { undulation_m: &|_| -12.5, ground_m: &|_| None };
    let mut drawing = Drawing::joint(&parts, Frame::at(CENTRE, 60.0), Detail::NEAR, heights).unwrap();
    for (part, layer) in layers.iter().enumerate() {
        drawing.turn_to(part);
        for i in (0..24).filter(|i| *i as usize % layers.len() == part) {
            let geometry = shape(GeometryKind::Polygon, i);
            let values: Vec<Value> = (0..layer.fields.len()).map(|f| value(layer, f, i)).collect();
            let refs: Vec<ValueRef<'_>> = values.iter().map(Value::as_ref).collect();
            drawing.feature(&Item::new(FeatureId(u64::from(i) + 1), &geometry, &refs));
        }
    }
    drawing.finish(form).0.unwrap().glb
}

/// A tile of the ground of waves, with a hole.
fn ground(level: u8, compression: Compression) -> Vec<u8> {
    let at = TileAt::of(level, CENTRE);
    let mut heights = Patch::default();
    for (i, j) in (0..NODES).flat_map(|j| (0..NODES).map(move |i| (i, j))) {
        let known = !((20..24).contains(&i) && (30..33).contains(&j));
        heights.set(i, j, known.then(|| 70.0 + (i as f64 / 5.0).sin() * 9.0 + (j as f64 / 3.0).cos() * 4.0));
    }
    let catalog = Catalog::shipped().unwrap();
    let is_terrain = |l: &&Layer| l.scene.as_ref().is_some_and(|s| s.kind == SceneKind::Terrain);
    let layer = catalog.iter().map(|(_, l)| l.as_ref()).find(is_terrain).unwrap();
    let terrain = Terrain { at, heights: &heights, apart_m: 2.0 };
    terrain.draw(layer, &Frame::at(at.centre(), -12.5), &|_| -12.5, compression).unwrap().glb
}

fn tetrahedron(drawing: &mut Drawing<'_>, item: &Item<'_>, i: u32) {
    let corner = |e, n, h| [place(i, e, n)[0], place(i, e, n)[1], h];
    let vertices = [corner(0.0, 0.0, 70.0), corner(9.0, 0.0, 70.0), corner(0.0, 9.0, 70.0), corner(2.0, 2.0, 80.0)];
    let surfaces = Surfaces {
        vertices: Vertices::Geographic(&vertices),
        rings: &[0, 2, 1, 0, 1, 3, 1, 2, 3, 2, 0, 3],
        ring_ends: &[3, 6, 9, 12],
        surface_ends: &[1, 2, 3, 4],
        parts: &[],
    };
    drawing.surfaces(item, &surfaces, if i.is_multiple_of(4) { Sides::Front } else { Sides::Both });
}

/// The folder with node's packages, when node and the validator are there.
fn packages() -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("CHENGTU_NODE_PACKAGES")?);
    let node = Command::new("node").arg("--version").output().is_ok_and(|o| o.status.success());
    (node && folder.join("node_modules/gltf-validator").is_dir()).then_some(folder)
}

#[test]
fn every_layer_in_every_form_is_valid() {
    let Some(packages) = packages() else {
        eprintln!(
            "SKIPPED: no gltf-validator. `npm install gltf-validator` in some folder and name the folder in \
             CHENGTU_NODE_PACKAGES; node is needed too."
        );
        return;
    };
    let out = tempfile::tempdir().unwrap();
    let far = Detail { precision_m: 0.3, tolerance_m: 0.5 };
    let mut written = 0;
    for (_, layer) in Catalog::shipped().unwrap().iter().filter(|(_, l)| l.scene.is_some()) {
        for &kind in &layer.geometry {
            for (d, detail) in [("near", Detail::NEAR), ("far", far)] {
                for compression in [Compression::Meshopt, Compression::None] {
                    for instancing in [Instancing::Shared, Instancing::Expanded] {
                        let Some(glb) = draw(layer, kind, detail, Form { compression, instancing }) else { continue };
                        let name = format!("{}-{kind:?}-{d}-{compression:?}-{instancing:?}.glb", layer.id);
                        fs::write(out.path().join(name), glb).unwrap();
                        written += 1;
                    }
                }
            }
        }
    }
    for compression in [Compression::Meshopt, Compression::None] {
        let form = Form { compression, instancing: Instancing::Shared };
        fs::write(out.path().join(format!("levels-{compression:?}.glb")), levels(form)).unwrap();
    }
    for level in [9, 13, 17] {
        for compression in [Compression::Meshopt, Compression::None] {
            fs::write(out.path().join(format!("ground-{level}-{compression:?}.glb")), ground(level, compression))
                .unwrap();
        }
    }
    for model in ModelName::ALL {
        fs::write(out.path().join(format!("model-{model:?}.glb")), models::file(model)).unwrap();
    }
    assert!(written > 300, "{written}");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gltf/validate.mjs");
    let run = Command::new("node").arg(script).arg(out.path()).arg(packages).output().unwrap();
    assert!(run.status.success(), "{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
}
