//! Names of areas in tiles: one point an area, in one tile of each zoom, inside the area, with the declared fields alone.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests say what they expect by panicking")]

mod common;

use chengtu::audience::Audience;
use chengtu::city::City;
use chengtu::feature::{Feature, Geometry, Value};
use chengtu::geo::ring::contains_flat;
use chengtu::geo::{BBox, TileKey, TileMatrixSet};
use chengtu::mvt::decode::{self, decode};
use chengtu::tile;
use common::{Random, catalog, city, feature, publish};
use std::collections::HashMap;
use std::sync::Arc;

const QUARTERS: &str = r#"
id = "quarters"
name = { zh = "片区", en = "Quarters" }
geometry = ["polygon"]
dimension = "2D"
sensitivity = "public"
serve = ["mvt"]
zoom = { min = 8, full = 8, max = 15 }
generalise = { tolerance_px = 0 }
label = ["name", "kind"]
label_zoom = 10
fields = [
  { name = "name", type = "text", zh = "名称", en = "Name" },
  { name = "kind", type = "text", zh = "类型" },
  { name = "size", type = "int", zh = "大小" },
]
"#;
const CENTRE: [f64; 2] = [114.3, 34.8];
const NAMELESS: u64 = 7;

/// Stars of all sizes, from less than a tile unit to wider than the widest tile that is looked at.
fn quarters() -> Vec<Feature> {
    let mut r = Random(3);
    let star = |id: u64, r: &mut Random| {
        let at = [0, 1].map(|k| CENTRE[k] + (r.part() - 0.5) * 0.2);
        let reach = 10f64.powf(-6.0 + 5.5 * r.part());
        let spikes = 5 + (r.part() * 30.0) as u32;
        let mut ring: Vec<[f64; 2]> = (0..spikes)
            .map(|i| {
                let turn = f64::from(i) / f64::from(spikes) * std::f64::consts::TAU;
                let far = reach * (0.5 + 0.5 * r.part());
                [at[0] + far * turn.cos(), at[1] + far * turn.sin()]
            })
            .collect();
        ring.push(ring[0]);
        let name = if id == NAMELESS { Value::Null } else { Value::Text(format!("片{id}")) };
        feature(id, Geometry::polygon(&[ring]), vec![name, Value::Text("老城".into()), Value::Int(1)])
    };
    (1..=60).map(|id| star(id, &mut r)).collect()
}

/// Names of a zoom: id → (tile, place in it, attributes).
type Names = HashMap<u64, (TileKey, decode::Point, Vec<String>)>;

fn names(city: &City, grid: &Arc<TileMatrixSet>, z: u8) -> Names {
    let ix = city.snapshot.catalog.find("quarters").unwrap();
    let around = BBox::new(CENTRE[0] - 0.5, CENTRE[1] - 0.5, CENTRE[0] + 0.5, CENTRE[1] + 0.5);
    let (xs, ys) = grid.tiles_over(&around, z).unwrap();
    let mut names = Names::new();
    for key in ys.flat_map(|y| xs.clone().map(move |x| TileKey { z, x, y })) {
        let Ok(Some(plan)) = tile::plan(city, &Audience::OPEN, grid, &[ix], key).unwrap() else { continue };
        let tile = decode(&tile::render(city, &plan).unwrap());
        assert!(tile.violations.is_empty(), "{key:?}: {:?}", tile.violations);
        assert!(tile.layers.iter().all(|l| ["quarters", "quarters/label"].contains(&l.name.as_str())));
        for f in tile.layer("quarters/label").into_iter().flat_map(|l| &l.features) {
            let decode::Geometry::Points(points) = &f.geometry else { panic!("a name is a point") };
            let carried = f.attributes.iter().map(|(k, _)| k.clone()).collect();
            let twice = names.insert(f.id.unwrap(), (key, points[0], carried));
            assert!(twice.is_none(), "{} z{z}: {:?} stands in two tiles", grid.id, f.id);
        }
    }
    names
}

#[test]
fn a_name_stands_once_and_inside_its_area() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = catalog(&[("quarters", QUARTERS)]);
    let all = quarters();
    publish(dir.path(), &catalog, &[("quarters", &all)]);
    let city = city(dir.path());
    for grid in [TileMatrixSet::web_mercator_quad(), TileMatrixSet::cgcs2000_quad()].map(Arc::new) {
        assert_eq!(names(&city, &grid, 9).len(), 0);
        for z in 10..=13 {
            let names = names(&city, &grid, z);
            let named: Vec<u64> = all.iter().map(|f| f.id.0).filter(|id| *id != NAMELESS).collect();
            assert!(names.len() == named.len() && named.iter().all(|id| names.contains_key(id)), "z{z}");
            for f in all.iter().filter(|f| f.id.0 != NAMELESS) {
                let (key, at, carried) = &names[&f.id.0];
                assert_eq!(*carried, ["name", "kind"]);
                let Geometry { xy, ends, .. } = &f.geometry;
                let wide = BBox::of(xy).width() / grid.window(*key, 0.0).width() * 4096.0;
                // What is smaller than some units stands beside its rounded place.
                let p = grid.projector(*key, 4096).unproject(at.map(f64::from));
                assert!(
                    wide < 16.0 || contains_flat(xy, ends, p),
                    "{} z{z}: the name of {} is outside",
                    grid.id,
                    f.id.0
                );
            }
        }
    }
}

#[test]
fn a_declaration_of_names_has_to_make_sense() {
    let broken = QUARTERS.replace("label = [\"name\", \"kind\"]", "label = [\"title\", \"hidden\"]").replace(
        "{ name = \"size\"",
        "{ name = \"hidden\", type = \"text\", zh = \"隐\", from_zoom = 99 },\n  { name = \"size\"",
    );
    for (text, found) in [
        (broken.clone(), "names no field: \"title\""),
        (broken, "names \"hidden\", which is in no tile"),
        (QUARTERS.replace("polygon", "line"), "label is for areas"),
        (QUARTERS.replace("label_zoom = 10", "label_zoom = 16"), "label_zoom = 16 is the zoom of no label"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("test")).unwrap();
        std::fs::write(dir.path().join("test/quarters.toml"), text).unwrap();
        let error = chengtu::layer::Catalog::load(dir.path()).unwrap_err().to_string();
        assert!(error.contains(found), "{error}");
    }
}
