//! Files as files: attributes, columns, alignment, determinism.

use super::*;

fn sample(layer: &Layer) -> (Vec<Geometry>, Vec<Vec<ValueRef<'static>>>) {
    let shapes = (0..5).map(|i| line(&[[0.0, f64::from(i)], [20.0, f64::from(i) * 2.0]])).collect();
    let all = vec![
        values(
            layer,
            &[
                ("segment_id", ValueRef::Text("WS0012-WS0013")),
                ("road_name", ValueRef::Text("中山路")),
                ("material", ValueRef::Text("球墨铸铁")),
                ("start_depth_m", ValueRef::Float(2.31)),
            ],
        ),
        values(layer, &[("road_name", ValueRef::Text("")), ("material", ValueRef::Text("PE"))]),
        values(layer, &[("road_name", ValueRef::Text("䶮𠮷 \"引号\" \\ \n"))]),
        values(layer, &[("start_depth_m", ValueRef::Float(-0.5)), ("material", ValueRef::Text("新材质"))]),
        values(layer, &[]),
    ];
    (shapes, all)
}

#[test]
fn attributes_come_back_as_they_went_in() {
    let layer = layer_with(Role::PipeSegment, SceneKind::Tube);
    let (shapes, all) = sample(&layer);
    let ids = [1, FeatureId::MAX, 42, 7, 123_456_789_012_345];
    let items: Vec<_> = (0..5).map(|i| Item::new(id(ids[i]), &shapes[i], &all[i])).collect();
    for form in ALL_FORMS {
        let (_, d) = drawn(&layer, &items, Detail::NEAR, form);
        assert_eq!(d.columns["id"], ids.map(|i| text(&i.to_string())));
        let roads = [text("中山路"), text(""), text("䶮𠮷 \"引号\" \\ \n"), Cell::Null, Cell::Null];
        assert_eq!(d.columns["road_name"], roads, "the empty text is not null");
        assert_eq!(d.columns["material"], [text("球墨铸铁"), text("PE"), Cell::Null, text("新材质"), Cell::Null]);
        let Cell::Number(depth) = d.columns["start_depth_m"][0] else { panic!("a number") };
        assert!((depth - 2.31).abs() < 1e-6);
        assert_eq!(d.columns["start_depth_m"][1], Cell::Null);
        assert!(!d.columns.contains_key("owner_org_name"), "a column of nulls is not stored");
        let schema = &d.json["extensions"]["EXT_structural_metadata"]["schema"];
        let properties = schema["classes"][layer.id.as_str()]["properties"].as_object().unwrap();
        assert_eq!(properties.len(), layer.fields.len() + 3, "but declared: id, fields, two assumptions");
        assert_eq!(properties["road_name"]["name"], "道路名称");
        assert_eq!(properties["id"]["semantic"], "ID");
        let used = d.vertices.iter().map(|v| v.row).max();
        assert_eq!(used, Some(4));
    }
}

#[test]
fn columns_are_the_callers_choice() {
    let layer = layer_with(Role::PipeSegment, SceneKind::Tube);
    let (shapes, all) = sample(&layer);
    let road = layer.field("road_name").unwrap();
    let mut drawing = Drawing::new(&layer, frame(), &[road, 9999], Detail::NEAR, heights()).unwrap();
    drawing.feature(&Item::new(id(1), &shapes[0], &all[0]));
    let d = decode(&drawing.finish(Form::default()).0.unwrap().glb).unwrap();
    let names: Vec<_> = d.columns.keys().map(String::as_str).collect();
    assert_eq!(names, ["_height_assumed", "_size_assumed", "id", "road_name"]);
    for (_, layer) in catalog().iter().filter(|(_, l)| l.scene.is_some()) {
        let columns = default_columns(layer);
        assert!(columns.iter().all(|c| layer.fields[*c].from_zoom <= layer.zoom.full), "{}", layer.id);
    }
}

#[test]
fn tables_hold_every_type_and_its_null() {
    use table::{Column, ColumnKind, Table};
    let column = |id: &str, kind| Column { id: id.into(), name: id.into(), description: None, kind, semantic: None };
    let kinds = [
        column("int", ColumnKind::Int),
        column("wide", ColumnKind::Int),
        column("flag", ColumnKind::Bool),
        column("maybe", ColumnKind::Bool),
        column("state", ColumnKind::Enum((0..300).map(|i| format!("状态{i}")).collect())),
    ];
    let rows = [
        [
            ValueRef::Int(-5),
            ValueRef::Int(1 << 40),
            ValueRef::Bool(true),
            ValueRef::Bool(false),
            ValueRef::Text("状态299"),
        ],
        [ValueRef::Null, ValueRef::Null, ValueRef::Bool(false), ValueRef::Null, ValueRef::Null],
        [ValueRef::Text("x"), ValueRef::Int(3), ValueRef::Bool(true), ValueRef::Bool(true), ValueRef::Text("状态0")],
    ];
    let mut table = Table::new("t", kinds.to_vec());
    rows.iter().enumerate().for_each(|(i, r)| table.push(id(i as u64 + 1), &mut |c| r[c]));
    let mut mesh = mesh::Mesh::new(0.005);
    let paint = mesh.material(mesh::Material {
        colour: crate::layer::Colour([1, 2, 3]),
        sides: Sides::Front,
        light: mesh::Light::Lit,
    });
    let corners = [[0, 0, 0], [9, 0, 0], [0, 9, 0]].map(|at| mesh.vertex(at, [0, 0, 127], 0));
    mesh.triangle(paint, corners);
    let content = glb::Content { mesh, instances: None, table: Some(table) };
    for compression in [Compression::None, Compression::Meshopt] {
        let d = decode(&glb::write(&content, compression)).unwrap();
        let n = |v: f64| Cell::Number(v);
        assert_eq!(d.columns["int"], [n(-5.0), Cell::Null, Cell::Null]);
        assert_eq!(d.columns["wide"], [n((1u64 << 40) as f64), Cell::Null, n(3.0)]);
        assert_eq!(d.columns["flag"], [1.0, 0.0, 1.0].map(Cell::Number));
        assert_eq!(d.columns["maybe"], [n(0.0), Cell::Null, n(1.0)]);
        assert_eq!(d.columns["state"], [text("状态299"), Cell::Null, text("状态0")]);
    }
}

#[test]
fn the_same_features_give_the_same_bytes_aligned_to_eight() {
    let layer = layer_with(Role::PipeSegment, SceneKind::Tube);
    let (shapes, all) = sample(&layer);
    let items: Vec<_> = (0..5).map(|i| Item::new(id(i as u64 + 1), &shapes[i], &all[i])).collect();
    for form in ALL_FORMS {
        let (a, d) = drawn(&layer, &items, Detail::NEAR, form);
        assert_eq!(a.glb, drawn(&layer, &items, Detail::NEAR, form).0.glb);
        assert!(a.glb.len().is_multiple_of(8));
        let views = d.json["bufferViews"].as_array().unwrap();
        assert!(views.iter().all(|v| v["byteOffset"].as_u64().unwrap().is_multiple_of(8)));
        let compressed = form.compression == Compression::Meshopt;
        let names = |key: &str| d.json[key].as_array().unwrap().iter().any(|e| e == "EXT_meshopt_compression");
        assert_eq!(names("extensionsRequired"), compressed);
        assert!(d.json["extensionsUsed"].as_array().unwrap().contains(&"EXT_structural_metadata".into()));
    }
}

#[test]
fn damaged_files_are_refused_in_words() {
    let good = models::file(crate::layer::ModelName::Bench);
    assert!(decode(&good).is_ok());
    for cut in [0, 3, 11, 20, good.len() - 1] {
        assert!(decode(&good[..cut]).is_err(), "{cut}");
    }
}
