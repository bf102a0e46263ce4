//! Buildings: closed prisms on their footprints, and surfaces in space.

use super::*;
use crate::layer::Part;

fn building() -> Arc<Layer> {
    layer_with(Role::BuildingModel, SceneKind::Extrude)
}

/// Top, base (ellipsoidal) of a row's vertices, in the frame's heights above its origin of 60 m.
fn levels(d: &Decoded, row: u32) -> [f64; 2] {
    let ups = || d.vertices.iter().filter(|v| v.row == row).map(|v| v.at[2]);
    [ups().fold(f64::MIN, f64::max), ups().fold(f64::MAX, f64::min)]
}

#[test]
fn footprints_with_holes_become_closed_blocks_of_their_volume() {
    let layer = building();
    let court = polygon(&[
        &[[10.0, 10.0], [50.0, 10.0], [50.0, 40.0], [10.0, 40.0]],
        &[[20.0, 20.0], [20.0, 30.0], [40.0, 30.0], [40.0, 20.0]],
    ]);
    // Corners on straights and repeated corners, drawn the wrong way round.
    let clumsy = polygon(&[&[
        [-10.0, 0.0],
        [-10.0, 6.0],
        [-10.0, 12.0],
        [-16.0, 12.0],
        [-22.0, 12.0],
        [-22.0, 12.0],
        [-22.0, 0.0],
        [-16.0, 0.0],
    ]]);
    let ell = polygon(&[&[[0.0, -60.0], [30.0, -60.0], [30.0, -50.0], [12.0, -50.0], [12.0, -30.0], [0.0, -30.0]]]);
    let value = values(&layer, &[("height_m", ValueRef::Float(18.0))]);
    let items = [&court, &clumsy, &ell].map(|g| Item::new(id(7), g, &value));
    for form in ALL_FORMS {
        let (drawn, d) = drawn(&layer, &items, Detail::NEAR, form);
        for (row, area) in [(0, 40.0 * 30.0 - 20.0 * 10.0), (1, 144.0), (2, 300.0 + 240.0)] {
            let (open, euler, volume) = topology(&d, row);
            assert_eq!(open, 0, "row {row}");
            assert_eq!(euler, if row == 0 { 0 } else { 2 }, "a ring has Euler's number 0");
            assert!((volume / (area * 18.0) - 1.0).abs() < 1e-3, "row {row}: {volume}");
        }
        assert!(normals_agree(&d) && inside(&drawn, &d));
        let [top, base] = levels(&d, 1);
        assert!((base - (GROUND_M + UNDULATION_M - 60.0)).abs() < 0.005 && (top - base - 18.0).abs() < 0.005);
    }
}

/// A corner at 0, 0 would be drawn where it is not: the block is left out and counted, its neighbour stays.
#[test]
fn what_reaches_over_half_the_earth_is_not_drawn() {
    let layer = building();
    let value = values(&layer, &[("height_m", ValueRef::Float(9.0))]);
    let near = polygon(&[&[[0.0, 0.0], [9.0, 0.0], [9.0, 9.0]]]);
    let mut astray = near.clone();
    astray.xy[1] = [0.0, 0.0];
    let mut drawing = Drawing::new(&layer, frame(), &[], Detail::NEAR, heights()).unwrap();
    [&astray, &near].iter().for_each(|g| drawing.feature(&Item::new(id(1), g, &value)));
    let (content, counts) = drawing.finish(ALL_FORMS[0]);
    assert_eq!((counts.drawn, counts.undrawn), (1, [(Undrawn::TooWide, 1)].into()));
    assert!(content.unwrap().bounds_m[1].iter().all(|x| x.abs() < 100.0));
}

/// A geoid that rises by a metre over a block's length lifts each corner by its own.
#[test]
fn corners_are_lifted_by_the_geoid_where_they_stand() {
    let layer = building();
    let value = values(&layer, &[("height_m", ValueRef::Float(9.0))]);
    let block = polygon(&[&[[0.0, 0.0], [100.0, 0.0], [100.0, 9.0], [0.0, 9.0]]]);
    let rising = |p: [f64; 2]| (p[0] - CENTRE[0]) * 900.0;
    let heights = Heights { undulation_m: &rising, ground_m: &|_| Some(GROUND_M) };
    let mut drawing = Drawing::new(&layer, frame(), &[], Detail::NEAR, heights).unwrap();
    drawing.feature(&Item::new(id(1), &block, &value));
    let d = decode::decode(&drawing.finish(ALL_FORMS[0]).0.unwrap().glb).unwrap();
    for p in &block.xy {
        for height_m in [GROUND_M, GROUND_M + 9.0] {
            let want = frame().local(*p, height_m + rising(*p));
            let off = d.vertices.iter().map(|v| frame::length(frame::sub(want, v.at))).fold(f64::MAX, f64::min);
            assert!(off < 0.005, "{off}");
        }
    }
}

#[test]
fn every_vertex_is_within_5_mm_of_its_source() {
    let layer = building();
    let value = values(&layer, &[("height_m", ValueRef::Float(30.0))]);
    // 120 m keeps 16 bits a coordinate; 3 km needs floats.
    for reach in [120.0, 3000.0] {
        let corners = [[-reach, -reach], [0.0, -reach], [0.0, 33.3], [-reach, 71.7]];
        let far = [[reach - 9.0, reach - 9.1], [reach, reach - 9.0], [reach - 1.0, reach]];
        let shapes = [polygon(&[&corners]), polygon(&[&far])];
        let items: Vec<_> = shapes.iter().map(|g| Item::new(id(1), g, &value)).collect();
        for form in ALL_FORMS {
            let (_, d) = drawn(&layer, &items, Detail::NEAR, form);
            for (row, shape) in shapes.iter().enumerate() {
                let base_m = GROUND_M + UNDULATION_M;
                let want: Vec<_> =
                    shape.xy.iter().flat_map(|p| [base_m, base_m + 30.0].map(|h| frame().local(*p, h))).collect();
                for v in d.vertices.iter().filter(|v| v.row == row as u32) {
                    let off = want.iter().map(|w| frame::length(frame::sub(*w, v.at))).fold(f64::MAX, f64::min);
                    assert!(off < 0.005, "{off} m at {reach}");
                }
                for w in &want {
                    let near = |v: &&decode::DecodedVertex| frame::length(frame::sub(*w, v.at)) < 0.005;
                    assert!(d.vertices.iter().any(|v| near(&v)), "{w:?} is missing");
                }
            }
            let quantized = d.json["accessors"][0]["componentType"] == 5123;
            assert_eq!(quantized, reach < 128.0);
        }
    }
}

#[test]
fn heights_come_from_storeys_or_are_assumed_and_say_so() {
    let layer = building();
    let square = polygon(&[&[[0.0, 0.0], [9.0, 0.0], [9.0, 9.0], [0.0, 9.0]]]);
    let all = [
        values(&layer, &[("height_m", ValueRef::Float(12.0)), ("floors_above", ValueRef::Int(2))]),
        values(&layer, &[("floors_above", ValueRef::Int(6))]),
        values(&layer, &[]),
    ];
    let items: Vec<_> = all.iter().map(|v| Item::new(id(1), &square, v)).collect();
    let (_, d) = drawn(&layer, &items, Detail::NEAR, Form::default());
    for (row, height) in [(0, 12.0), (1, 18.0), (2, 3.0)] {
        let [top, base] = levels(&d, row);
        assert!((top - base - height).abs() < 0.005, "{row}");
    }
    assert_eq!(d.columns["_height_assumed"], [Cell::Number(0.0), Cell::Number(0.0), Cell::Number(1.0)]);
}

#[test]
fn underground_spaces_stand_between_their_own_elevations() {
    let (_, layer) = catalog()
        .iter()
        .find(|(_, l)| l.scene.as_ref().is_some_and(|s| s.kind == SceneKind::Extrude && s.fields.top.is_some()))
        .unwrap();
    let fields = &layer.scene.as_ref().unwrap().fields;
    let value = values(
        layer,
        &[
            (fields.top.as_deref().unwrap(), ValueRef::Float(70.5)),
            (fields.bottom.as_deref().unwrap(), ValueRef::Float(66.0)),
        ],
    );
    let square = polygon(&[&[[0.0, 0.0], [9.0, 0.0], [9.0, 9.0], [0.0, 9.0]]]);
    let (_, d) = drawn(layer, &[Item::new(id(1), &square, &value)], Detail::NEAR, Form::default());
    let [top, base] = levels(&d, 0);
    assert!((top - (70.5 + UNDULATION_M - 60.0)).abs() < 0.004 && (base - (66.0 + UNDULATION_M - 60.0)).abs() < 0.004);
}

#[test]
fn roofs_walls_and_ground_have_their_colours() {
    let layer = building();
    let square = polygon(&[&[[0.0, 0.0], [9.0, 0.0], [9.0, 9.0], [0.0, 9.0]]]);
    let value = values(&layer, &[]);
    let (_, d) = drawn(&layer, &[Item::new(id(1), &square, &value)], Detail::NEAR, Form::default());
    assert_eq!(d.primitives.len(), 3);
    for p in &d.primitives {
        let up = d.vertices[p.indices[0] as usize].normal[2];
        assert!(p.indices.iter().all(|i| d.vertices[*i as usize].normal[2] == up), "one direction a colour");
    }
}

struct House {
    vertices: Vec<[f64; 3]>,
    rings: Vec<u32>,
    ring_ends: Vec<u32>,
    surface_ends: Vec<u32>,
    parts: Vec<Option<Part>>,
}

impl House {
    fn surfaces(&self) -> Surfaces<'_> {
        Surfaces {
            vertices: Vertices::Local(&self.vertices),
            rings: &self.rings,
            ring_ends: &self.ring_ends,
            surface_ends: &self.surface_ends,
            parts: &self.parts,
        }
    }
}

/// A house with a gabled roof: 7 surfaces, a window as a hole with a pane in it.
fn house() -> House {
    let vertices = vec![
        [0.0, 0.0, 0.0],
        [10.0, 0.0, 0.0],
        [10.0, 8.0, 0.0],
        [0.0, 8.0, 0.0],
        [0.0, 0.0, 6.0],
        [10.0, 0.0, 6.0],
        [10.0, 8.0, 6.0],
        [0.0, 8.0, 6.0],
        [0.0, 4.0, 9.0],
        [10.0, 4.0, 9.0],
        [4.0, 0.0, 2.0],
        [6.0, 0.0, 2.0],
        [6.0, 0.0, 4.0],
        [4.0, 0.0, 4.0],
    ];
    let surfaces: Vec<(Option<Part>, Vec<Vec<u32>>)> = vec![
        (Some(Part::Ground), vec![vec![0, 3, 2, 1]]),
        (Some(Part::Wall), vec![vec![0, 1, 5, 4, 0], vec![10, 13, 12, 11]]),
        (Some(Part::Window), vec![vec![10, 11, 12, 13]]),
        (None, vec![vec![1, 2, 6, 9, 5]]),
        (None, vec![vec![2, 3, 7, 6]]),
        (None, vec![vec![3, 0, 4, 8, 7]]),
        (Some(Part::Roof), vec![vec![4, 5, 9, 8]]),
        (None, vec![vec![6, 7, 8, 9]]),
    ];
    let (mut rings, mut ring_ends, mut surface_ends) = (vec![], vec![], vec![]);
    for (_, s) in &surfaces {
        for r in s {
            rings.extend(r);
            ring_ends.push(rings.len() as u32);
        }
        surface_ends.push(ring_ends.len() as u32);
    }
    let parts = surfaces.iter().map(|s| s.0).collect();
    House { vertices, rings, ring_ends, surface_ends, parts }
}

#[test]
fn surfaces_with_holes_close_and_take_the_colour_of_what_they_are() {
    let layer = layer_with(Role::BuildingModel, SceneKind::Surface);
    let house = house();
    let geographic: Vec<_> = house
        .vertices
        .iter()
        .map(|p| {
            let (lonlat, h) = frame().geographic(*p);
            [lonlat[0], lonlat[1], h - UNDULATION_M]
        })
        .collect();
    let footprint = polygon(&[&[[0.0, 0.0], [10.0, 0.0], [10.0, 8.0], [0.0, 8.0]]]);
    let value = values(&layer, &[]);
    for vertices in [Vertices::Local(&house.vertices), Vertices::Geographic(&geographic)] {
        let shape = Surfaces { vertices, ..house.surfaces() };
        let mut drawing = Drawing::new(&layer, frame(), &[], Detail::NEAR, heights()).unwrap();
        drawing.surfaces(&Item::new(id(5), &footprint, &value), &shape, Sides::Front);
        let drawn = drawing.finish(Form::default()).0.unwrap();
        assert_eq!(drawn.counts.surfaces, SurfaceFaults::default());
        let d = decode(&drawn.glb).unwrap();
        let (open, euler, volume) = topology(&d, 0);
        assert_eq!((open, euler), (0, 2));
        assert!((volume / (10.0 * 8.0 * 7.5) - 1.0).abs() < 2e-3, "{volume}");
        assert!(normals_agree(&d) && inside(&drawn, &d));
        // Ground, walls, window, roofs: what is not said is told by the slope.
        assert_eq!(d.primitives.len(), 4);
    }
}

#[test]
fn a_model_is_drawn_at_the_level_that_is_asked_for() {
    use crate::feature::{Lod, Model, Role as Surfaced, Shell, Surface, Tier};
    let layer = layer_with(Role::BuildingModel, SceneKind::Surface);
    let house = house();
    let place = |p: &[f64; 3]| {
        let (lonlat, h) = frame().geographic(*p);
        [lonlat[0], lonlat[1], h - UNDULATION_M]
    };
    let walls = |closed| Lod {
        tier: Tier { level: 2, refined: None },
        corners: house.rings.iter().enumerate().filter(|(i, _)| *i != 8).map(|(_, c)| *c).collect(),
        ring_ends: house.ring_ends.iter().map(|e| if *e > 8 { e - 1 } else { *e }).collect(),
        surfaces: house.surface_ends.iter().map(|&ring_end| Surface { ring_end, role: Surfaced::Unknown }).collect(),
        shells: vec![Shell { surface_end: 8, closed }],
    };
    let model = Model {
        positions: house.vertices.iter().map(place).collect(),
        lods: vec![walls(true), walls(false)],
        skin: None,
    };
    let footprint = polygon(&[&[[0.0, 0.0], [10.0, 0.0], [10.0, 8.0], [0.0, 8.0]]]);
    let value = values(&layer, &[]);
    for (lod, sides) in model.lods.iter().zip([serde_json::Value::Null, true.into()]) {
        let mut drawing = Drawing::new(&layer, frame(), &[], Detail::NEAR, heights()).unwrap();
        drawing.model(&Item::new(id(5), &footprint, &value), &model, lod);
        let d = decode(&drawing.finish(Form::default()).0.unwrap().glb).unwrap();
        let (open, euler, volume) = topology(&d, 0);
        assert_eq!((open, euler), (0, 2));
        assert!((volume / (10.0 * 8.0 * 7.5) - 1.0).abs() < 2e-3, "{volume}");
        assert_eq!(d.primitives.len(), 3, "roof, wall and ground by the slope");
        assert_eq!(d.json["materials"][0]["doubleSided"], sides);
    }
}

#[test]
fn surfaces_that_are_none_are_counted_and_do_not_stop_the_others() {
    let layer = layer_with(Role::BuildingModel, SceneKind::Surface);
    let vertices =
        [[0.0, 0.0, 0.0], [4.0, 0.0, 0.0], [4.0, 4.0, 0.3], [0.0, 4.0, 0.0], [8.0, 0.0, 0.0], [f64::NAN, 0.0, 0.0]];
    // Twisted; a line; a vertex that is not there; a vertex that is no number; a bow tie.
    let rings = [0, 1, 2, 3, 0, 1, 4, 0, 1, 99, 0, 1, 5, 0, 3, 1, 4];
    let shape = Surfaces {
        vertices: Vertices::Local(&vertices),
        rings: &rings,
        ring_ends: &[4, 7, 10, 13, 17],
        surface_ends: &[1, 2, 3, 4, 5],
        parts: &[],
    };
    let square = polygon(&[&[[0.0, 0.0], [9.0, 0.0], [9.0, 9.0], [0.0, 9.0]]]);
    let value = values(&layer, &[]);
    let mut drawing = Drawing::new(&layer, frame(), &[], Detail::NEAR, heights()).unwrap();
    drawing.surfaces(&Item::new(id(5), &square, &value), &shape, Sides::Both);
    let (drawn, counts) = drawing.finish(Form::default());
    assert_eq!((counts.surfaces.degenerate, counts.surfaces.not_planar), (3, 1));
    let d = decode(&drawn.unwrap().glb).unwrap();
    assert_eq!(d.json["materials"][0]["doubleSided"], true);
}

#[test]
fn what_is_too_thin_for_the_grid_leaves_no_trace() {
    let layer = layer_with(Role::BuildingModel, SceneKind::Surface);
    let vertices = [[0.0, 0.0, 0.0], [0.001, 0.0, 0.0], [0.0, 0.5, 0.0], [5.0, 0.0, 0.0], [0.0, 5.0, 1.0]];
    let (thin, both) = ([0, 1, 2], [0, 1, 2, 0, 3, 4]);
    let square = polygon(&[&[[0.0, 0.0], [9.0, 0.0], [9.0, 9.0], [0.0, 9.0]]]);
    let value = values(&layer, &[]);
    let shape = |rings, ends| Surfaces {
        vertices: Vertices::Local(&vertices),
        rings,
        ring_ends: if ends == 1 { &[3] } else { &[3, 6] },
        surface_ends: if ends == 1 { &[1] } else { &[1, 2] },
        parts: &[],
    };
    let mut drawing = Drawing::new(&layer, frame(), &[], Detail::NEAR, heights()).unwrap();
    drawing.surfaces(&Item::new(id(5), &square, &value), &shape(&both, 2), Sides::Both);
    let d = decode(&drawing.finish(Form::default()).0.unwrap().glb).unwrap();
    assert_eq!(d.vertices.len(), 3, "vertices without a face are not written");
    let mut drawing = Drawing::new(&layer, frame(), &[], Detail::NEAR, heights()).unwrap();
    drawing.surfaces(&Item::new(id(5), &square, &value), &shape(&thin, 1), Sides::Both);
    let (drawn, counts) = drawing.finish(Form::default());
    assert!(drawn.is_none(), "a file needs a face");
    assert_eq!(counts.drawn + counts.undrawn.values().sum::<u64>(), 1);
}
