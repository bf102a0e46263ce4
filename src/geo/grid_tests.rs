//! Tests of the grids: edges, windows, counts, documents.

use super::*;
use crate::geo::TileKey;
use serde_json::json;

fn gauss_kruger_grid() -> TileMatrixSet {
    let matrix = |z: u32| {
        json!({"id": z.to_string(), "scaleDenominator": 1024.0 / 0.28e-3 / f64::from(1 << z), "cellSize": 1024.0 / f64::from(1 << z),
        "cornerOfOrigin": "topLeft", "pointOfOrigin": [4_000_000.0, 400_000.0], "tileWidth": 256, "tileHeight": 256,
        "matrixWidth": 1 << z, "matrixHeight": 1 << z})
    };
    let d = json!({"id": "Kaifeng4547", "crs": "http://www.opengis.net/def/crs/EPSG/0/4547", "orderedAxes": ["N", "E"],
        "tileMatrices": (0..12).map(matrix).collect::<Vec<_>>()});
    TileMatrixSet::from_ogc_json(&d.to_string()).unwrap()
}

fn all() -> [TileMatrixSet; 3] {
    [TileMatrixSet::web_mercator_quad(), TileMatrixSet::cgcs2000_quad(), gauss_kruger_grid()]
}

#[test]
fn sizes_and_levels() {
    let [w, c, g] = all();
    assert_eq!((w.levels(), w.size(0), w.size(24), w.size(25)), (0..=24, Some((1, 1)), Some((1 << 24, 1 << 24)), None));
    assert_eq!((c.levels(), c.size(0), c.size(1), c.size(2)), (1..=24, None, Some((2, 1)), Some((4, 2))));
    for z in 0..=24 {
        assert_eq!(w.nominal_zoom(z), z);
        assert_eq!(c.nominal_zoom(z.max(1)), z.max(1));
    }
    // 1,024 m/px is 0.01122° of longitude at 35° N; zoom 6 has 0.02197°, zoom 7 0.01099°.
    assert_eq!((g.nominal_zoom(0), g.nominal_zoom(5)), (6, 11));
    assert!(c.contains(TileKey { z: 1, x: 1, y: 0 }) && !c.contains(TileKey { z: 1, x: 1, y: 1 }));
    assert!(!c.contains(TileKey { z: 0, x: 0, y: 0 }) && !c.contains(TileKey { z: 255, x: 0, y: 0 }));
}

#[test]
fn kaifeng_stands_where_others_put_it() {
    // Slippy-map formula, worked out independently: z 16, 114.3 E 34.8 N.
    let (n, lat) = (65536.0, 34.8f64.to_radians());
    let x = (114.3 + 180.0) / 360.0 * n;
    let y = (1.0 - (lat.tan() + 1.0 / lat.cos()).ln() / std::f64::consts::PI) / 2.0 * n;
    let key = TileKey { z: 16, x: x as u32, y: y as u32 };
    let u = TileMatrixSet::web_mercator_quad().projector(key, 4096).project([114.3, 34.8]);
    assert!((u[0] - x.fract() * 4096.0).abs() < 1e-4 && (u[1] - y.fract() * 4096.0).abs() < 1e-4, "{u:?}");
    let key = TileKey { z: 16, x: x as u32, y: ((90.0 - 34.8) / 360.0 * n) as u32 };
    let u = TileMatrixSet::cgcs2000_quad().projector(key, 4096).project([114.3, 34.8]);
    let want = ((90.0 - 34.8) / 360.0 * n).fract() * 4096.0;
    assert!((u[1] - want).abs() < 1e-4, "{u:?} {want}");
    // 4547: E 527452.964 N 3852446.171, tile side at z 5 = 8192 m.
    let key = TileKey { z: 5, x: 15, y: 18 };
    let u = gauss_kruger_grid().projector(key, 4096).project([114.3, 34.8]);
    let want = [127_452.964 - 15.0 * 8192.0, 147_553.829 - 18.0 * 8192.0].map(|m| m / 2.0);
    assert!((u[0] - want[0]).abs() < 1e-3 && (u[1] - want[1]).abs() < 1e-3, "{u:?} {want:?}");
}

#[test]
fn neighbours_see_one_vertex_exactly_one_side_apart() {
    for grid in all() {
        for (z, x, y) in [(3, 3, 2), (9, 300, 200)] {
            let here = grid.projector(TileKey { z, x, y }, 4096);
            let next = grid.projector(TileKey { z, x: x + 1, y: y + 1 }, 4096);
            for i in 0..500 {
                let p = [113.0 + f64::from(i) * 0.00371, 34.0 + f64::from(i) * 0.00217];
                let (a, b) = (here.project(p), next.project(p));
                assert_eq!([a[0] - 4096.0, a[1] - 4096.0], b, "{} {z}", grid.id);
            }
        }
    }
}

#[test]
fn unproject_undoes_project() {
    for grid in all() {
        let z = 11;
        let (x, y) = match grid.crs() {
            Crs::GaussKruger { .. } => (995, 1153),
            Crs::WebMercator => (1674, 812),
            _ => (1674, 314),
        };
        let p = grid.projector(TileKey { z, x, y }, 4096);
        let at = [114.3, 34.8];
        let back = p.unproject(p.project(at));
        assert!((back[0] - at[0]).abs() < 1e-10 && (back[1] - at[1]).abs() < 1e-10, "{} {back:?}", grid.id);
        let mut many = vec![];
        p.project_into(&[at, at], &mut many);
        assert_eq!(many, [p.project(at); 2]);
    }
}

#[test]
fn a_window_covers_its_tile_and_little_more() {
    for grid in all() {
        for key in [
            TileKey { z: 1, x: 1, y: 0 },
            TileKey { z: 2, x: 1, y: 1 },
            TileKey { z: 5, x: 15, y: 13 },
            TileKey { z: 11, x: 995, y: 812 },
        ] {
            for buffer_px in [0.0, 8.0] {
                let w = grid.window(key, buffer_px);
                let p = grid.projector(key, 256);
                let mut tight = BBox::EMPTY;
                for i in 0..=300 {
                    let t = -buffer_px + (256.0 + 2.0 * buffer_px) * f64::from(i) / 300.0;
                    let far = 256.0 + buffer_px;
                    for at in [[t, -buffer_px], [t, far], [-buffer_px, t], [far, t], [t, t]] {
                        let at = p.unproject(at);
                        tight = tight.add([at[0].clamp(-180.0, 180.0), at[1].clamp(-90.0, 90.0)]);
                    }
                }
                let limit = if *grid.crs() == Crs::WebMercator { MERCATOR_MAX_LATITUDE_DEG } else { 90.0 };
                let tight = clamp(tight, &BBox::new(-180.0, -limit, 180.0, limit));
                assert!(pad(w, 1e-10).contains(&tight), "{} {key:?} {w:?} {tight:?}", grid.id);
                let slack = 0.01 * tight.width().max(tight.height()) + 1e-10;
                assert!(pad(tight, slack).contains(&w), "{} {key:?} {w:?} {tight:?}", grid.id);
            }
        }
    }
}

#[test]
fn tiles_over_are_the_tiles_whose_window_touches() {
    let boxes = [
        BBox::new(114.2, 34.7, 114.41, 34.93),
        BBox::new(114.3, 34.8, 114.3, 34.8),
        BBox::new(90.0, 0.0, 135.0, 45.0),
        BBox::new(-180.0, -90.0, 180.0, 90.0),
    ];
    for grid in all() {
        for z in 1..=5 {
            for b in &boxes {
                let over = grid.tiles_over(b, z);
                let (w, h) = grid.size(z).unwrap();
                for x in 0..w {
                    for y in 0..h {
                        let listed = over.as_ref().is_some_and(|(c, r)| c.contains(&x) && r.contains(&y));
                        let touches = grid.window(TileKey { z, x, y }, 0.0).intersects(b);
                        // A lon/lat box is curved in a projected grid: its tiles are a cover, not exact.
                        let curved = matches!(grid.crs(), Crs::GaussKruger { .. });
                        assert!(listed == touches || curved, "{} {z}/{x}/{y} {b:?}: {listed} {touches}", grid.id);
                        let p = grid.projector(TileKey { z, x, y }, 1).project(b.center());
                        let holds = p.iter().all(|v| (0.0..=1.0).contains(v));
                        assert!(listed || !holds, "{} {z}/{x}/{y} {b:?}", grid.id);
                    }
                }
            }
        }
        assert_eq!(grid.tiles_over(&BBox::EMPTY, 3), None);
        assert_eq!(grid.tiles_over(&boxes[0], 60), None);
    }
    assert_eq!(TileMatrixSet::web_mercator_quad().tiles_over(&BBox::new(0.0, 86.0, 1.0, 89.0), 3), None);
}

#[test]
fn poles_are_clamped() {
    let [w, ..] = all();
    let p = w.projector(TileKey { z: 0, x: 0, y: 0 }, 4096);
    assert!(p.project([0.0, 90.0])[1].abs() < 1e-6 && (p.project([0.0, -90.0])[1] - 4096.0).abs() < 1e-6);
    let world = w.window(TileKey { z: 0, x: 0, y: 0 }, 4.0);
    assert_eq!(world, MERCATOR_WORLD);
}

#[test]
fn documents_round_trip() {
    for grid in all() {
        let text = grid.to_ogc_json().to_string();
        let mut back = TileMatrixSet::from_ogc_json(&text).unwrap();
        for (a, b) in back.matrices.iter_mut().zip(&grid.matrices) {
            // serde_json reads numbers to the last bit but one.
            assert!((a.cell_size / b.cell_size - 1.0).abs() < 1e-15);
            a.cell_size = b.cell_size;
            assert!((a.origin[0] - b.origin[0]).abs() < 1e-8 && (a.origin[1] - b.origin[1]).abs() < 1e-8);
            a.origin = b.origin;
        }
        assert_eq!(back, grid);
    }
    let d = TileMatrixSet::cgcs2000_quad().to_ogc_json();
    assert_eq!(d["orderedAxes"], json!(["Lat", "Lon"]));
    assert_eq!(d["tileMatrices"][0]["pointOfOrigin"], json!([90.0, -180.0]));
    assert_eq!(d["tileMatrices"][0]["id"], "1");
    let scale = d["tileMatrices"][0]["scaleDenominator"].as_f64().unwrap();
    assert!((scale - 2.795411320143589e8).abs() < 1e-3, "{scale}");
    let scale =
        TileMatrixSet::web_mercator_quad().to_ogc_json()["tileMatrices"][0]["scaleDenominator"].as_f64().unwrap();
    assert!((scale - 559_082_264.028_717_8).abs() < 1e-4, "{scale}");
}

/// A set of one matrix from `changes` to a sound one.
fn document(changes: serde_json::Value) -> Result<TileMatrixSet, String> {
    let mut d = TileMatrixSet::cgcs2000_quad().to_ogc_json();
    d["tileMatrices"].as_array_mut().unwrap().truncate(2);
    for (path, v) in changes.as_object().unwrap() {
        match d.pointer_mut(path) {
            Some(at) => *at = v.clone(),
            None => {
                let (parent, name) = path.rsplit_once('/').unwrap();
                d.pointer_mut(parent).unwrap()[name] = v.clone();
            }
        }
    }
    TileMatrixSet::from_ogc_json(&d.to_string())
}

#[test]
fn axis_order_follows_the_document_then_epsg() {
    let same = document(json!({})).unwrap();
    let swapped = document(json!({
        "/orderedAxes": ["Lon", "Lat"],
        "/tileMatrices/0/pointOfOrigin": [-180.0, 90.0],
        "/tileMatrices/1/pointOfOrigin": [-180.0, 90.0],
    }))
    .unwrap();
    let silent = document(json!({ "/orderedAxes": null })).unwrap();
    for g in [&swapped, &silent] {
        assert_eq!(g.matrices, same.matrices);
    }
    let crs84 = document(json!({
        "/crs": {"uri": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}, "/orderedAxes": null,
        "/tileMatrices/0/pointOfOrigin": [-180.0, 90.0],
        "/tileMatrices/1/pointOfOrigin": [-180.0, 90.0],
    }))
    .unwrap();
    assert_eq!(crs84.matrices, same.matrices);
}

#[test]
fn bottom_left_is_turned() {
    let turned = document(json!({
        "/tileMatrices/0/cornerOfOrigin": "bottomLeft", "/tileMatrices/0/pointOfOrigin": [-90.0, -180.0],
    }))
    .unwrap();
    assert_eq!(turned.matrices, document(json!({})).unwrap().matrices);
}

#[test]
fn what_cannot_be_served_is_refused_by_name() {
    for (changes, named) in [
        (json!({"/tileMatrices/0/id": "EPSG:4490:1"}), "EPSG:4490:1"),
        (json!({"/tileMatrices/0/id": "01"}), "01"),
        (json!({"/tileMatrices/0/id": "5"}), "do not follow"),
        (json!({"/tileMatrices/0/id": "2"}), "do not follow"),
        (
            json!({"/tileMatrices/0/variableMatrixWidths": [{"coalesce": 2, "minTileRow": 0, "maxTileRow": 0}]}),
            "variableMatrixWidths",
        ),
        (json!({"/tileMatrices/0/scaleDenominator": 2.958293554545656e8}), "96 dpi"),
        (json!({"/tileMatrices/0/pointOfOrigin": [-180.0, 90.0]}), "orderedAxes"),
        (json!({"/tileMatrices/0/cornerOfOrigin": "centre"}), "cornerOfOrigin"),
        (json!({"/tileMatrices/0/cellSize": -1.0}), "cellSize"),
        (json!({"/tileMatrices/0/matrixWidth": 0}), "above zero"),
        (json!({"/tileMatrices": []}), "tileMatrices"),
        (json!({"/orderedAxes": ["Lat", "Lat"]}), "orderedAxes"),
        (json!({"/crs": "EPSG:2361"}), "crs"),
        (json!({"/crs": {"wkt": "GEOGCRS[]"}}), "WKT"),
        (json!({"/crs": null, "/supportedCRS": "EPSG:4490"}), "TMS 1.0"),
        (json!({"/id": "a/b"}), "id"),
        (json!({"/tileMatrices/1/cellSize": 1.0, "/tileMatrices/1/scaleDenominator": 3.975695758898e8}), "finer"),
    ] {
        let e = document(changes.clone()).expect_err(&changes.to_string());
        assert!(e.contains(named), "{changes}: {e}");
    }
    assert!(TileMatrixSet::from_ogc_json("{").is_err());
}
