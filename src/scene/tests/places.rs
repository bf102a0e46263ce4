//! Instances: yaw, sizes, bounds, and the same faces when they are drawn out.

use super::*;

fn lamps() -> Arc<Layer> {
    let found = catalog()
        .with_role(Role::Component)
        .find(|(_, l)| l.scene.as_ref().is_some_and(|s| s.kind == SceneKind::Instance && s.fields.height.is_some()));
    found.unwrap().1.clone()
}

/// The rotation of an instance applied to a direction, both east, north, up.
fn turned(q: [f64; 4], v: [f64; 3]) -> [f64; 3] {
    let (u, w) = ([q[0], q[1], q[2]], q[3]);
    let p = frame::to_gltf(v);
    let t = frame::cross(u, p).map(|x| 2.0 * x);
    let c = frame::cross(u, t);
    let [x, y, z] = [0, 1, 2].map(|i| p[i] + w * t[i] + c[i]);
    [x, -z, y]
}

#[test]
fn instances_face_their_yaw_and_have_their_height() {
    let layer = lamps();
    let scene = layer.scene.as_ref().unwrap();
    let (yaw, height) = (scene.fields.yaw.as_deref().unwrap(), scene.fields.height.as_deref().unwrap());
    let model_m = models::height_m(scene.model.unwrap());
    let data = [([0.0, 0.0], 0.0, 8.0), ([30.0, -40.0], 90.0, 12.0), ([-5.0, 60.0], 200.0, model_m)];
    let shapes = data.map(|(p, _, _)| Geometry::point(place(p[0], p[1])[0], place(p[0], p[1])[1]));
    let all = data.map(|(_, y, h)| values(&layer, &[(yaw, ValueRef::Float(y)), (height, ValueRef::Float(h))]));
    let items: Vec<_> = (0..3).map(|i| Item::new(id(i as u64 + 1), &shapes[i], &all[i])).collect();
    for compression in [Compression::Meshopt, Compression::None] {
        let form = Form { compression, instancing: Instancing::Shared };
        let (content, d) = drawn(&layer, &items, Detail::NEAR, form);
        assert_eq!(d.instances.len(), 3);
        let top = d.primitives.iter().flat_map(|p| &p.indices).map(|i| d.vertices[*i as usize].at[2]);
        let top = top.fold(f64::MIN, f64::max);
        for (i, (instance, (_, y, h))) in d.instances.iter().zip(&data).enumerate() {
            let want = frame().local(shapes[i].xy[0], GROUND_M + UNDULATION_M);
            assert!(frame::length(frame::sub(instance.at, want)) < 0.005);
            assert_eq!(instance.row, i as u32);
            let front = turned(instance.rotation, [0.0, 1.0, 0.0]);
            let faced = front[0].atan2(front[1]).to_degrees().rem_euclid(360.0);
            assert!((faced - y).abs() < 0.1, "{faced} {y}");
            assert!((instance.scale * top - h).abs() < 0.02 && instance.scale <= 1.0);
            // Every corner of every instance lies where a client looks for it: corners unturned and unscaled
            // about the place, and in the content's bounds.
            let bound =
                |f: fn(f64, f64) -> f64, start: f64, k: usize| d.vertices.iter().map(|v| v.at[k]).fold(start, f);
            for v in &d.vertices {
                let p = turned(instance.rotation, v.at.map(|x| x * instance.scale));
                for k in 0..3 {
                    let referenced =
                        d.primitives.iter().any(|p| p.indices.iter().any(|x| d.vertices[*x as usize] == *v));
                    if !referenced {
                        continue;
                    }
                    assert!(p[k] >= bound(f64::min, f64::MAX, k) - 1e-3 && p[k] <= bound(f64::max, f64::MIN, k) + 1e-3);
                    let q = p[k] + instance.at[k];
                    assert!(q >= content.bounds_m[0][k] - 1e-3 && q <= content.bounds_m[1][k] + 1e-3);
                }
            }
        }
    }
}

#[test]
fn drawn_out_instances_are_the_same_faces() {
    let layer = lamps();
    let yaw = layer.scene.as_ref().unwrap().fields.yaw.clone().unwrap();
    let shapes: Vec<_> =
        (0..4).map(|i| Geometry::point(place(f64::from(i) * 7.0, 3.0)[0], place(f64::from(i) * 7.0, 3.0)[1])).collect();
    let all: Vec<_> = (0..4).map(|i| values(&layer, &[(&yaw, ValueRef::Float(f64::from(i) * 33.0))])).collect();
    let items: Vec<_> = (0..4).map(|i| Item::new(id(i as u64 + 1), &shapes[i], &all[i])).collect();
    let (_, shared) = drawn(&layer, &items, Detail::NEAR, ALL_FORMS[0]);
    let (content, plain) = drawn(&layer, &items, Detail::NEAR, ALL_FORMS[2]);
    assert!(plain.instances.is_empty() && inside(&content, &plain) && normals_agree(&plain));
    let faces = |d: &Decoded| d.primitives.iter().map(|p| p.indices.len() / 3).sum::<usize>();
    assert_eq!(faces(&plain), 4 * faces(&shared));
    for instance in &shared.instances {
        let of_row = || plain.vertices.iter().filter(|v| v.row == instance.row);
        for i in shared.primitives.iter().flat_map(|p| &p.indices) {
            let turned = turned(instance.rotation, shared.vertices[*i as usize].at);
            let want = [0, 1, 2].map(|k| turned[k] * instance.scale + instance.at[k]);
            let nearest = of_row().map(|v| frame::length(frame::sub(v.at, want))).fold(f64::MAX, f64::min);
            assert!(nearest < 0.006, "{nearest}");
        }
        assert_eq!(topology(&plain, instance.row).0, 0);
    }
    assert_eq!(shared.columns, plain.columns);
}

#[test]
fn lines_and_areas_of_components_get_one_model_in_their_middle() {
    let layer = lamps();
    let value = values(&layer, &[]);
    let shape = line(&[[0.0, 0.0], [10.0, 0.0], [20.0, 0.0]]);
    let (_, d) = drawn(&layer, &[Item::new(id(1), &shape, &value)], Detail::NEAR, Form::default());
    assert_eq!(d.instances.len(), 1);
    assert!((d.instances[0].at[0] - 10.0).abs() < 0.01);
}
