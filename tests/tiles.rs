//! Tiles of a small city as clients get them: what is in which tile, at every zoom and in both grids.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests say what they expect by panicking")]

mod common;

use chengtu::audience::Audience;
use chengtu::city::City;
use chengtu::derive::{TILE_BUDGET, gzipped};
use chengtu::draw::{self, Brush, Frame, Thinning};
use chengtu::feature::{Feature, FeatureId, Geometry, Value};
use chengtu::geo::{BBox, TileKey, TileMatrixSet};
use chengtu::layer::{Catalog, LayerIx};
use chengtu::mvt::decode::{self, decode};
use chengtu::tile;
use common::{Random, catalog, city, feature, publish};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

const LAMPS: &str = r#"
id = "lamps"
name = { zh = "路灯", en = "Lamps" }
geometry = ["point"]
dimension = "2.5D"
sensitivity = "public"
serve = ["mvt"]
zoom = { min = 10, full = 14, max = 16 }
thin = { cell_px = 8, rank = "watts", count = true }
fields = [
  { name = "code", type = "text", zh = "编码", key = true },
  { name = "watts", type = "int", zh = "功率" },
  { name = "keeper", type = "text", zh = "责任人", sensitivity = "personal" },
  { name = "note", type = "text", zh = "备注", from_zoom = 15 },
]
"#;

const ROADS: &str = r#"
id = "roads"
name = { zh = "道路", en = "Roads" }
geometry = ["line"]
dimension = "2D"
sensitivity = "government"
serve = ["mvt"]
zoom = { min = 8, full = 11, max = 16 }
fields = [{ name = "name", type = "text", zh = "名称", key = true }]
"#;

const CELLS: &str = r#"
id = "cells"
name = { zh = "网格", en = "Cells" }
geometry = ["polygon"]
dimension = "2D"
sensitivity = "public"
serve = ["mvt"]
zoom = { min = 6, full = 6, max = 16 }
generalise = { coverage = true }
fields = [{ name = "code", type = "text", zh = "编码", key = true }, { name = "valid_to", type = "date", zh = "失效", role = "valid_to", from_zoom = 99 }]
"#;

fn catalog_of_three() -> Catalog {
    catalog(&[("lamps", LAMPS), ("roads", ROADS), ("cells", CELLS)])
}

/// Values of every type, some of them rare, some missing; and records that are no longer valid.
const POSTS: &str = r#"
id = "posts"
name = { zh = "立杆", en = "Posts" }
geometry = ["point"]
dimension = "2.5D"
sensitivity = "public"
serve = ["mvt"]
zoom = { min = 9, full = 13, max = 16 }
thin = { cell_px = 8, count = true }
fields = [
  { name = "code", type = "text", zh = "编码", key = true },
  { name = "kind", type = "text", zh = "种类" },
  { name = "height", type = "float", zh = "高度" },
  { name = "owner", type = "text", zh = "权属", sensitivity = "government" },
  { name = "lit", type = "bool", zh = "亮灯", from_zoom = 14 },
  { name = "turn", type = "int", zh = "转角" },
  { name = "valid_to", type = "date", zh = "失效", role = "valid_to", from_zoom = 99 },
]
"#;

fn posts(n: u64) -> Vec<Feature> {
    let mut r = Random(12);
    let post = |id: u64, r: &mut Random| {
        let some = |value: Value, chance: usize| if chance > 0 { value } else { Value::Null };
        let values = vec![
            text(format!("P{id}")),
            text(["旗杆", "灯杆", ""][r.below(3)]),
            some(Value::Float(r.below(40) as f64 * 0.1), r.below(3)),
            some(text(format!("单位{}", r.below(5))), r.below(3)),
            Value::Bool(r.below(2) == 0),
            some(Value::Int(r.below(9) as i64 - 4), r.below(3)),
            some(text(["2001-01-01", "2999-01-01"][r.below(2)]), r.below(3)),
        ];
        feature(id, Geometry::point(place(r)[0], place(r)[1]), values)
    };
    (1..=n).map(|id| post(id, &mut r)).collect()
}

const CENTRE: [f64; 2] = [114.3, 34.8];
const WIDE: f64 = 0.06;

fn place(r: &mut Random) -> [f64; 2] {
    [CENTRE[0] + (r.part() - 0.5) * WIDE, CENTRE[1] + (r.part() - 0.5) * WIDE]
}

fn text(s: impl Into<String>) -> Value {
    Value::Text(s.into())
}

fn lamp(id: u64, at: [f64; 2], watts: i64) -> Feature {
    let values = vec![text(format!("L{id}")), Value::Int(watts), text("王五 13800000000"), text("备注")];
    feature(id, Geometry::point(at[0], at[1]), values)
}

fn lamps(n: u64) -> Vec<Feature> {
    let mut r = Random(7);
    (1..=n).map(|id| (place(&mut r), id)).map(|(at, id)| lamp(id, at, (id % 5) as i64 * 50)).collect()
}

fn roads(n: u64) -> Vec<Feature> {
    let mut r = Random(8);
    let road = |id: u64, r: &mut Random| {
        let mut at = place(r);
        let step = [(r.part() - 0.5) * 0.002, (r.part() - 0.5) * 0.002];
        let xy = (0..20).map(|_| {
            at = [at[0] + step[0] + (r.part() - 0.5) * 1e-4, at[1] + step[1] + (r.part() - 0.5) * 1e-4];
            at
        });
        feature(id, Geometry::line(xy.collect()), vec![text(format!("路{id}"))])
    };
    (1..=n).map(|id| road(id, &mut r)).collect()
}

/// side × side cells with wavy shared borders.
fn cells(side: usize) -> Vec<Feature> {
    let corner = |i: usize, j: usize| {
        let mut r = Random((i * 1000 + j) as u64);
        let jitter = |r: &mut Random| (r.part() - 0.5) * WIDE / side as f64 * 0.3;
        let at = |k: usize, c: f64| c + (k as f64 / side as f64 - 0.5) * WIDE;
        [at(i, CENTRE[0]) + jitter(&mut r), at(j, CENTRE[1]) + jitter(&mut r)]
    };
    // A border from a to b, always made from its lower end, so that both neighbours get the same vertices.
    let border = |a: (usize, usize), b: (usize, usize)| {
        let (p, q) = (corner(a.0.min(b.0), a.1.min(b.1)), corner(a.0.max(b.0), a.1.max(b.1)));
        let mut r = Random((p[0] * 1e9) as u64 ^ (q[1] * 1e9) as u64);
        let bend = |t: f64, r: &mut Random| [0, 1].map(|k| p[k] + t * (q[k] - p[k]) + (r.part() - 0.5) * WIDE / 2000.0);
        let mut line = vec![p];
        line.extend((1..9).map(|i| bend(f64::from(i) / 9.0, &mut r)));
        line.push(q);
        if a > b {
            line.reverse();
        }
        line
    };
    let mut all = vec![];
    for i in 0..side {
        for j in 0..side {
            let around = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1), (i, j)];
            let mut ring: Vec<[f64; 2]> = vec![];
            for w in around.windows(2) {
                let line = border(w[0], w[1]);
                ring.extend(&line[..line.len() - 1]);
            }
            ring.push(ring[0]);
            let id = (i * side + j + 1) as u64;
            all.push(feature(id, Geometry::polygon(&[ring]), vec![text(format!("格{id}")), Value::Null]));
        }
    }
    all
}

fn grids() -> [Arc<TileMatrixSet>; 2] {
    [Arc::new(TileMatrixSet::web_mercator_quad()), Arc::new(TileMatrixSet::cgcs2000_quad())]
}

fn render(city: &City, grid: &Arc<TileMatrixSet>, layers: &[LayerIx], key: TileKey) -> Option<Vec<u8>> {
    let plan = tile::plan(city, &Audience::OPEN, grid, layers, key).unwrap();
    plan.ok().map(|plan| plan.map_or(vec![], |plan| tile::render(city, &plan).unwrap()))
}

/// Every tile of the box at a zoom, decoded, without a violation of the specification.
fn sweep(city: &City, grid: &Arc<TileMatrixSet>, layers: &[LayerIx], z: u8) -> BTreeMap<TileKey, decode::Decoded> {
    let city_box = BBox::new(CENTRE[0] - WIDE, CENTRE[1] - WIDE, CENTRE[0] + WIDE, CENTRE[1] + WIDE);
    let (xs, ys) = grid.tiles_over(&city_box, z).unwrap();
    let keys = ys.flat_map(|y| xs.clone().map(move |x| TileKey { z, x, y }));
    keys.filter_map(|key| {
        let tile = decode(&render(city, grid, layers, key)?);
        assert!(tile.violations.is_empty(), "{key:?}: {:?}", tile.violations);
        Some((key, tile))
    })
    .collect()
}

fn ids(tiles: &BTreeMap<TileKey, decode::Decoded>, layer: &str) -> BTreeSet<u64> {
    tiles.values().filter_map(|t| t.layer(layer)).flat_map(|l| l.features.iter().filter_map(|f| f.id)).collect()
}

fn store_of_three(dir: &Path) -> (Catalog, City) {
    let catalog = catalog_of_three();
    publish(dir, &catalog, &[("lamps", &lamps(3000)), ("roads", &roads(200)), ("cells", &cells(12))]);
    (catalog, city(dir))
}

#[test]
fn everything_is_there_from_its_full_zoom_and_less_is_nested_below() {
    let dir = tempfile::tempdir().unwrap();
    let (catalog, city) = store_of_three(dir.path());
    for grid in grids() {
        for (id, full, total) in [("lamps", 14, 3000), ("roads", 11, 200), ("cells", 6, 144)] {
            let ix = catalog.find(id).unwrap();
            let zoom = catalog.layer(ix).zoom;
            let mut coarser: BTreeSet<u64> = BTreeSet::new();
            for z in zoom.min..=zoom.max {
                let now = ids(&sweep(&city, &grid, &[ix], z), id);
                assert!(coarser.is_subset(&now), "{} {id}: kept at z{} but not at z{z}", grid.id, z - 1);
                assert!(z < full || now.len() == total, "{} {id} z{z}: {} of {total}", grid.id, now.len());
                assert!(z >= full || now.len() < total, "{id} is thinned at z{z}");
                coarser = now;
            }
        }
    }
}

#[test]
fn counts_add_up_to_the_truth_at_every_thinned_zoom() {
    let dir = tempfile::tempdir().unwrap();
    let (catalog, city) = store_of_three(dir.path());
    let ix = catalog.find("lamps").unwrap();
    for grid in grids() {
        for z in 10..14 {
            let mut counted: HashMap<u64, i64> = HashMap::new();
            for f in sweep(&city, &grid, &[ix], z).values().filter_map(|t| t.layer("lamps")).flat_map(|l| &l.features) {
                let count = match f.attribute("_count") {
                    Some(Value::Int(n)) => *n,
                    other => panic!("_count is {other:?}"),
                };
                counted.insert(f.id.unwrap(), count);
            }
            assert_eq!(counted.values().sum::<i64>(), 3000, "z{z}");
        }
    }
}

#[test]
fn attributes_follow_the_declaration() {
    let dir = tempfile::tempdir().unwrap();
    let (catalog, city) = store_of_three(dir.path());
    let ix = catalog.find("lamps").unwrap();
    for (z, expected) in
        [(12, vec!["_count", "code", "watts"]), (14, vec!["code", "watts"]), (15, vec!["code", "note", "watts"])]
    {
        let tiles = sweep(&city, &grids()[0], &[ix], z);
        for f in tiles.values().filter_map(|t| t.layer("lamps")).flat_map(|l| &l.features) {
            let mut keys: Vec<&str> = f.attributes.iter().map(|(k, _)| k.as_str()).collect();
            keys.sort_unstable();
            assert_eq!(keys, expected, "z{z}");
            assert_eq!(f.attribute("code"), Some(&text(format!("L{}", f.id.unwrap()))));
        }
    }
}

/// Positions in tiles are those of the source within half a unit, in both grids.
#[test]
fn points_stand_where_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let (catalog, city) = store_of_three(dir.path());
    let source: HashMap<u64, [f64; 2]> = lamps(3000).into_iter().map(|f| (f.id.0, f.geometry.xy[0])).collect();
    for grid in grids() {
        for (key, tile) in sweep(&city, &grid, &[catalog.find("lamps").unwrap()], 16) {
            let projector = grid.projector(key, 4096);
            for f in tile.layer("lamps").into_iter().flat_map(|l| &l.features) {
                let want = projector.project(source[&f.id.unwrap()]);
                let decode::Geometry::Points(points) = &f.geometry else { panic!("a lamp is a point") };
                let off = [0, 1].map(|k| (f64::from(points[0][k]) - want[k]).abs());
                assert!(off[0] <= 0.5 + 1e-6 && off[1] <= 0.5 + 1e-6, "{off:?}");
            }
        }
    }
}

/// Two neighbours' common border has the same vertices in both, at every zoom: inside the city the cells of a tile
/// fill it to the unit, and around it the edges that no neighbour answers are one outline, with no crack inside.
#[test]
fn a_coverage_has_no_cracks() {
    let dir = tempfile::tempdir().unwrap();
    let (catalog, city) = store_of_three(dir.path());
    let ix = catalog.find("cells").unwrap();
    let margin = WIDE / 12.0;
    let inner = BBox::new(
        CENTRE[0] - WIDE / 2.0 + margin,
        CENTRE[1] - WIDE / 2.0 + margin,
        CENTRE[0] + WIDE / 2.0 - margin,
        CENTRE[1] + WIDE / 2.0 - margin,
    );
    let outer = BBox::new(CENTRE[0] - WIDE, CENTRE[1] - WIDE, CENTRE[0] + WIDE, CENTRE[1] + WIDE);
    let (mut filled, mut outlined) = (0, 0);
    for grid in grids() {
        for z in 6..=15 {
            for (key, tile) in sweep(&city, &grid, &[ix], z) {
                let Some(layer) = tile.layer("cells") else { continue };
                let rings: Vec<&Vec<decode::Point>> = layer
                    .features
                    .iter()
                    .flat_map(|f| match &f.geometry {
                        decode::Geometry::Polygons(polygons) => polygons.iter().flatten(),
                        other => panic!("a cell is a polygon, not {other:?}"),
                    })
                    .collect();
                let window = grid.window(key, 4.0);
                if inner.contains(&window) {
                    let area: i64 = rings.iter().map(|r| doubled_area(r)).sum();
                    assert_eq!(area.abs(), 2 * 4224 * 4224, "{} {key:?}", grid.id);
                    filled += 1;
                } else if window.contains(&outer) {
                    assert_eq!(open_outlines(&rings), 1, "{} {key:?}", grid.id);
                    outlined += 1;
                }
            }
        }
    }
    assert!(filled >= 30 && outlined >= 4, "{filled} tiles inside, {outlined} around");
}

fn doubled_area(ring: &[decode::Point]) -> i64 {
    let n = ring.len();
    let cross =
        |a: decode::Point, b: decode::Point| i64::from(a[0]) * i64::from(b[1]) - i64::from(b[0]) * i64::from(a[1]);
    (0..n).map(|i| cross(ring[i], ring[(i + 1) % n])).sum()
}

/// In how many connected outlines the edges lie that no other ring answers with its opposite.
fn open_outlines(rings: &[&Vec<decode::Point>]) -> usize {
    let mut edges: HashMap<(decode::Point, decode::Point), i32> = HashMap::new();
    for ring in rings {
        for i in 0..ring.len() {
            let (a, b) = (ring[i], ring[(i + 1) % ring.len()]);
            *edges.entry((a, b)).or_default() += 1;
            *edges.entry((b, a)).or_default() -= 1;
        }
    }
    let mut next: HashMap<decode::Point, Vec<decode::Point>> = HashMap::new();
    edges.iter().filter(|(_, n)| **n > 0).for_each(|((a, b), _)| next.entry(*a).or_default().push(*b));
    let (mut seen, mut outlines) = (BTreeSet::new(), 0);
    for start in next.keys() {
        let mut todo = vec![*start];
        outlines += usize::from(!seen.contains(start));
        while let Some(p) = todo.pop() {
            if seen.insert(p) {
                todo.extend(next.get(&p).into_iter().flatten());
            }
        }
    }
    outlines
}

/// Area-exact freshness: after ten lamps moved, exactly the tiles near an old or new place may differ, at every
/// zoom and in both grids; all the others keep their bytes.
#[test]
fn a_re_import_changes_only_tiles_near_a_change() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = catalog_of_three();
    let before_lamps = lamps(3000);
    publish(dir.path(), &catalog, &[("lamps", &before_lamps), ("roads", &roads(200)), ("cells", &cells(12))]);
    let before = city(dir.path());
    let mut after_lamps = before_lamps.clone();
    let mut touched = vec![];
    for n in (0..3000).step_by(300) {
        let old = after_lamps[n].geometry.xy[0];
        let new = [old[0] + 1e-4, old[1] - 1e-4];
        touched.extend([old, new]);
        after_lamps[n].geometry = Geometry::point(new[0], new[1]);
    }
    publish(dir.path(), &catalog, &[("lamps", &after_lamps)]);
    let after = city(dir.path());
    let all: Vec<LayerIx> = catalog.iter().map(|(ix, _)| ix).collect();
    let (mut same, mut other) = (0, 0);
    for grid in grids() {
        for z in 8..=16u8 {
            let (xs, ys) = grid
                .tiles_over(&BBox::new(CENTRE[0] - WIDE, CENTRE[1] - WIDE, CENTRE[0] + WIDE, CENTRE[1] + WIDE), z)
                .unwrap();
            for key in ys.flat_map(|y| xs.clone().map(move |x| TileKey { z, x, y })) {
                let (a, b) = (render(&before, &grid, &all, key), render(&after, &grid, &all, key));
                if a == b {
                    same += 1;
                    continue;
                }
                other += 1;
                // A moved lamp is felt in its thinning cell, at most 8 pixels wide, and in the buffer.
                let near = grid.window(key, 4.0 + 8.0);
                assert!(
                    touched.iter().any(|p| near.intersects(&BBox::new(p[0], p[1], p[0], p[1]))),
                    "{} {key:?} changed without a change near it",
                    grid.id
                );
            }
        }
    }
    assert!(other >= 40 && same > 10 * other, "{other} tiles changed, {same} did not");
}

#[test]
fn the_same_data_gives_the_same_bytes_whatever_the_order() {
    let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let catalog = catalog_of_three();
    let mut back = lamps(2000);
    publish(a.path(), &catalog, &[("lamps", &back)]);
    back.reverse();
    publish(b.path(), &catalog, &[("lamps", &back)]);
    let (a, b) = (city(a.path()), city(b.path()));
    assert_eq!(a.snapshot.manifest.layers["lamps"], b.snapshot.manifest.layers["lamps"]);
}

#[test]
fn no_tile_is_above_the_budget_however_dense_the_city() {
    let dir = tempfile::tempdir().unwrap();
    let dense = LAMPS.replace("full = 14", "full = 10");
    let roads_dense = ROADS.replace("full = 11", "full = 8");
    let catalog = catalog(&[("lamps", &dense), ("roads", &roads_dense), ("cells", CELLS)]);
    let mut r = Random(3);
    let noise = |r: &mut Random| (0..6).map(|_| char::from(b'a' + r.below(26) as u8)).collect::<String>();
    let many: Vec<Feature> = (1..=40_000u64)
        .map(|id| {
            let mut f = lamp(id * 982_451_653 % (1 << 50), place(&mut r), (id % 7) as i64);
            f.values[0] = text(noise(&mut r));
            f
        })
        .collect();
    publish(dir.path(), &catalog, &[("lamps", &many), ("roads", &roads(3000)), ("cells", &cells(10))]);
    let city = city(dir.path());
    let lamps = catalog.find("lamps").unwrap();
    let all: Vec<LayerIx> = catalog.iter().map(|(ix, _)| ix).collect();
    let mut whole_at = None;
    for grid in grids() {
        let mut coarser = BTreeSet::new();
        for z in 10..=14 {
            for layers in [&[lamps][..], &all] {
                let city_box = BBox::new(CENTRE[0] - WIDE, CENTRE[1] - WIDE, CENTRE[0] + WIDE, CENTRE[1] + WIDE);
                let (xs, ys) = grid.tiles_over(&city_box, z).unwrap();
                for key in ys.flat_map(|y| xs.clone().map(move |x| TileKey { z, x, y })) {
                    let size = gzipped(&render(&city, &grid, layers, key).unwrap()).unwrap();
                    assert!(size <= 500_000, "{} {key:?}: {size} bytes with {} layers", grid.id, layers.len());
                }
            }
            let now = ids(&sweep(&city, &grid, &[lamps], z), "lamps");
            assert!(coarser.is_subset(&now), "z{z}");
            whole_at = whole_at.or((now.len() == 40_000).then_some(z));
            coarser = now;
        }
    }
    assert!(
        whole_at.is_some_and(|z| z > 10),
        "the budget of {TILE_BUDGET} thins what cannot fit, and only that: {whole_at:?}"
    );
}

#[test]
fn zooms_outside_the_range_are_refused_and_layers_outside_theirs_are_absent() {
    let dir = tempfile::tempdir().unwrap();
    let (catalog, city) = store_of_three(dir.path());
    let [mercator, geographic] = grids();
    let (lamps, roads) = (catalog.find("lamps").unwrap(), catalog.find("roads").unwrap());
    let at = |grid: &Arc<TileMatrixSet>, z: u8| {
        let (xs, ys) = grid.tiles_over(&BBox::new(CENTRE[0], CENTRE[1], CENTRE[0], CENTRE[1]), z).unwrap();
        TileKey { z, x: *xs.start(), y: *ys.start() }
    };
    for grid in [&mercator, &geographic] {
        assert!(render(&city, grid, &[lamps], at(grid, 9)).is_none());
        assert!(render(&city, grid, &[lamps], at(grid, 17)).is_none());
        assert!(render(&city, grid, &[lamps, roads], at(grid, 7)).is_none());
        let at9 = decode(&render(&city, grid, &[lamps, roads], at(grid, 9)).unwrap());
        assert_eq!(at9.layers.iter().map(|l| l.name.as_str()).collect::<Vec<_>>(), ["roads"]);
    }
    let order = decode(&render(&city, &mercator, &[roads, lamps], at(&mercator, 14)).unwrap());
    assert_eq!(order.layers.iter().map(|l| l.name.as_str()).collect::<Vec<_>>(), ["roads", "lamps"]);
}

/// Has all composites of a zoom thinned that were asked for.
fn thin(city: &City, z: u8) {
    let keys: Vec<_> = city.joint_cuts.iter().map(|(key, _)| key).filter(|key| key.1 == z).collect();
    assert!(!keys.is_empty());
    keys.into_iter().for_each(|key| city.joint_cuts.insert(key, 5));
}

/// What is light is drawn by the thread that speaks with the client: neither much nor what has to be looked for first.
#[test]
fn light_is_what_holds_little_and_needs_no_search() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = catalog_of_three();
    publish(dir.path(), &catalog, &[("lamps", &lamps(40_000)), ("roads", &roads(200))]);
    let city = city(dir.path());
    let [web, chinese] = &grids();
    let [lamps, roads] = ["lamps", "roads"].map(|id| catalog.find(id).unwrap());
    let plan_in = |grid: &Arc<TileMatrixSet>, layers: &[LayerIx], z: u8| {
        let (xs, ys) = grid.tiles_over(&BBox::new(CENTRE[0], CENTRE[1], CENTRE[0], CENTRE[1]), z).unwrap();
        let key = TileKey { z, x: *xs.start(), y: *ys.start() };
        tile::plan(&city, &Audience::OPEN, grid, layers, key).unwrap().unwrap().unwrap()
    };
    let plan = |layers: &[LayerIx], z: u8| plan_in(web, layers, z);
    assert!(tile::is_light(&city, &plan_in(chinese, &[lamps], 16)));
    assert!(!tile::is_light(&city, &plan_in(chinese, &[lamps], 14)), "there are thousands of lamps in it");
    let seeded = plan(&[lamps], 14);
    assert!(tile::is_light(&city, &seeded) && tile::is_seeded(&seeded), "they were drawn beforehand");
    assert!(!tile::is_seeded(&plan_in(chinese, &[lamps], 14)));
    let both = plan(&[lamps, roads], 16);
    assert!(!tile::is_light(&city, &both), "nobody knows yet how the two are thinned together");
    tile::render(&city, &both).unwrap();
    assert!(tile::is_light(&city, &both));
    let crowd = plan(&[lamps, roads], 14);
    tile::render(&city, &crowd).unwrap();
    assert!(tile::is_light(&city, &crowd));
    thin(&city, 14);
    assert!(!tile::is_light(&city, &crowd), "what is thinned together is drawn");
}

/// Points come from their tile rows and from the table as the same bytes: at every zoom, whoever asks, thinned or not.
#[test]
fn tile_rows_draw_what_the_table_draws() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = catalog(&[("posts", POSTS), ("roads", ROADS)]);
    publish(dir.path(), &catalog, &[("posts", &posts(4000)), ("roads", &roads(20))]);
    let city = city(dir.path());
    let (ix, grid) = (catalog.find("posts").unwrap(), &grids()[0]);
    let layer = catalog.layer(ix);
    let around = BBox::new(CENTRE[0] - WIDE, CENTRE[1] - WIDE, CENTRE[0] + WIDE, CENTRE[1] + WIDE);
    let mut drawn = 0;
    for z in 13..=16 {
        let table = city.snapshot.drawn_at("posts", z).unwrap().unwrap();
        let rows = city.snapshot.tile_rows_at("posts", z).unwrap().unwrap();
        assert_eq!(rows.count(), table.count(), "z{z}");
        let levels: Vec<u8> = (0..table.count()).map(|i| (i % 5) as u8).collect();
        let (xs, ys) = grid.tiles_over(&around, z).unwrap();
        for (x, y) in ys.flat_map(|y| xs.clone().map(move |x| (x, y))) {
            let frame = Frame::new(grid, TileKey { z, x, y }, layer.buffer_px);
            for (audience, cut) in [(&Audience::OPEN, None), (&Audience::PUBLIC, None), (&Audience::OPEN, Some(2))] {
                let brush = || {
                    let whole = Brush::new(layer, &table, z, audience, "2026-01-01");
                    match cut {
                        Some(cut) => whole.thinned(Thinning { levels: &levels, cut }),
                        None => whole,
                    }
                };
                let slow = draw::draw(&table, &frame, &brush()).unwrap();
                let quick = draw::draw(&table, &frame, &brush().from_tile_rows(&rows)).unwrap();
                assert!(slow == quick, "z{z} {x} {y} {cut:?}");
                drawn += slow.map_or(0, |tile| tile.len());
            }
        }
    }
    assert!(drawn > 1_000_000, "{drawn}");
    assert!(city.snapshot.tile_rows_at("posts", 12).unwrap().is_none(), "what is thinned has none");
    assert!(city.snapshot.tile_rows_at("roads", 14).unwrap().is_none(), "lines have none");
}

#[test]
fn what_is_no_longer_valid_is_not_drawn() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = catalog_of_three();
    let mut some = cells(4);
    some[5].values[1] = text("2001-01-01");
    some[6].values[1] = text("2999-01-01");
    publish(dir.path(), &catalog, &[("cells", &some)]);
    let city = city(dir.path());
    let ix = catalog.find("cells").unwrap();
    for z in [8, 12, 16] {
        let drawn = ids(&sweep(&city, &grids()[0], &[ix], z), "cells");
        assert!(!drawn.contains(&some[5].id.0) && drawn.contains(&some[6].id.0) && drawn.len() == 15, "z{z}");
    }
    let table = city.snapshot.features("cells").unwrap().unwrap();
    assert_eq!(table.count(), 16, "it stays in the store");
    assert!(city.snapshot.offset_of("cells", FeatureId(some[5].id.0)).unwrap().is_some());
}
