//! Seeded tiles of a small city: they are what would be drawn, and they are sent where nothing else would be drawn.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests say what they expect by panicking")]

mod common;

use chengtu::audience::Audience;
use chengtu::city::City;
use chengtu::feature::{Feature, Geometry, Value};
use chengtu::geo::{BBox, TileKey, TileMatrixSet};
use chengtu::layer::LayerIx;
use chengtu::store::{SEEDS, Store};
use chengtu::tile::{self, Made};
use common::{Random, catalog, city, feature, publish};
use flate2::read::GzDecoder;
use std::io::Read;
use std::sync::Arc;

/// A field that only some see, and fields of some zooms.
const POSTS: &str = r#"
id = "posts"
name = { zh = "立杆", en = "Posts" }
geometry = ["point"]
dimension = "2.5D"
sensitivity = "public"
serve = ["mvt"]
zoom = { min = 9, full = 14, max = 18 }
thin = { cell_px = 8, count = true }
fields = [
  { name = "code", type = "text", zh = "编码", key = true },
  { name = "owner", type = "text", zh = "权属", sensitivity = "government" },
  { name = "height", type = "float", zh = "高度", from_zoom = 16 },
]
"#;

/// Drawn from an overview at zoom 15.
const ROADS: &str = r#"
id = "roads"
name = { zh = "道路", en = "Roads" }
geometry = ["line"]
dimension = "2D"
sensitivity = "public"
serve = ["mvt"]
zoom = { min = 8, full = 16, max = 17 }
fields = [{ name = "name", type = "text", zh = "名称", key = true }]
"#;

/// What is drawn depends on the day.
const SIGNS: &str = r#"
id = "signs"
name = { zh = "标志", en = "Signs" }
geometry = ["point"]
dimension = "2D"
sensitivity = "public"
serve = ["mvt"]
zoom = { min = 9, full = 13, max = 17 }
fields = [
  { name = "code", type = "text", zh = "编码", key = true },
  { name = "valid_to", type = "date", zh = "失效", role = "valid_to", from_zoom = 99 },
]
"#;

const CENTRE: [f64; 2] = [114.31, 34.79];
const WIDE: f64 = 0.012;

fn place(r: &mut Random) -> [f64; 2] {
    // Most of them where few of the tiles are.
    let narrow = if r.below(3) == 0 { 1.0 } else { 0.25 };
    let mut one = || (r.below(200_001) as f64 / 100_000.0 - 1.0) * WIDE * narrow;
    [CENTRE[0] + one(), CENTRE[1] + one()]
}

fn text(value: impl Into<String>) -> Value {
    Value::Text(value.into())
}

fn posts() -> Vec<Feature> {
    let mut r = Random(21);
    let values = |i: u64, r: &mut Random| {
        vec![text(format!("P{i}")), text(format!("单位{}", r.below(4))), Value::Float(r.below(40) as f64 * 0.1)]
    };
    (1..3000)
        .map(|i| {
            feature(
                i,
                {
                    let [x, y] = place(&mut r);
                    Geometry::point(x, y)
                },
                values(i, &mut r),
            )
        })
        .collect()
}

fn roads() -> Vec<Feature> {
    let mut r = Random(22);
    let mut line = || {
        let from = place(&mut r);
        Geometry::line((0..9).map(|k| [from[0] + f64::from(k) * 2e-4, from[1] + r.below(9) as f64 * 1e-5]).collect())
    };
    (1..900).map(|i| feature(i, line(), vec![text(format!("{i}路"))])).collect()
}

fn signs() -> Vec<Feature> {
    let mut r = Random(23);
    let mut sign = |i: u64| {
        let [x, y] = place(&mut r);
        let until = text(["2001-01-01", "2999-01-01"][r.below(2)]);
        feature(i, Geometry::point(x, y), vec![text(format!("S{i}")), until])
    };
    (1..900).map(&mut sign).collect()
}

fn keys(grid: &TileMatrixSet, z: u8) -> Vec<TileKey> {
    let around = BBox::new(CENTRE[0] - WIDE, CENTRE[1] - WIDE, CENTRE[0] + WIDE, CENTRE[1] + WIDE);
    let (xs, ys) = grid.tiles_over(&around, z).unwrap();
    ys.flat_map(|y| xs.clone().map(move |x| TileKey { z, x, y })).collect()
}

/// How many of a zoom's tiles are put together; all of them are what is drawn.
fn seeded(city: &City, audience: &Audience, grid: &Arc<TileMatrixSet>, layers: &[LayerIx], z: u8) -> usize {
    let mut packed = 0;
    for key in keys(grid, z) {
        let Some(plan) = tile::plan(city, audience, grid, layers, key).unwrap().unwrap() else { continue };
        let drawn = tile::render(city, &plan).unwrap();
        match tile::make(city, &plan).unwrap() {
            Made::Plain(bytes) => assert!(bytes == drawn, "{key:?}"),
            Made::Gzip(member) => {
                let mut bytes = vec![];
                GzDecoder::new(&member[..]).read_to_end(&mut bytes).unwrap();
                assert!(bytes == drawn, "{key:?}");
                packed += 1;
            }
        }
    }
    packed
}

#[test]
fn seeds_are_what_is_drawn_and_nobody_else_gets_them() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = catalog(&[("posts", POSTS), ("roads", ROADS), ("signs", SIGNS)]);
    publish(dir.path(), &catalog, &[("posts", &posts()), ("roads", &roads()), ("signs", &signs())]);
    let city = city(dir.path());
    let [posts, roads, signs] = ["posts", "roads", "signs"].map(|id| catalog.find(id).unwrap());
    let web = Arc::new(TileMatrixSet::web_mercator_quad());
    let of = |audience: &Audience, layers: &[LayerIx], z: u8| seeded(&city, audience, &web, layers, z);

    assert!(city.snapshot.drawn_at("roads", 15).unwrap().unwrap().count() < 899, "roads have an overview there");
    for z in 15..=17 {
        assert!(of(&Audience::OPEN, &[posts], z) > 3 && of(&Audience::OPEN, &[roads], z) > 3, "z{z}");
        // Layers that are drawn stand between those that are not, in any order.
        for layers in [[posts, roads, signs], [signs, posts, roads], [roads, signs, posts]] {
            assert!(of(&Audience::OPEN, &layers, z) > 3, "z{z}");
        }
        assert_eq!(of(&Audience::PUBLIC, &[posts], z), 0, "whoever does not see all fields gets other tiles");
        assert!(of(&Audience::PUBLIC, &[roads], z) > 3, "there everybody sees the same");
        assert!(of(&Audience::PUBLIC, &[posts, roads], z) > 3);
        assert_eq!(of(&Audience::OPEN, &[signs], z), 0, "tomorrow others are valid");
    }
    assert!(of(&Audience::OPEN, &[posts], 14) > 0, "they are whole there");
    assert_eq!(of(&Audience::OPEN, &[posts], 13) + of(&Audience::OPEN, &[posts], 18), 0);
    assert!(keys(&web, 17).len() > of(&Audience::OPEN, &[posts], 17), "light tiles are drawn");
    let chinese = Arc::new(TileMatrixSet::cgcs2000_quad());
    assert_eq!(seeded(&city, &Audience::OPEN, &chinese, &[posts, roads], 16), 0);
}

#[test]
fn what_is_thinned_together_is_drawn() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = catalog(&[("posts", POSTS), ("roads", ROADS)]);
    publish(dir.path(), &catalog, &[("posts", &posts()), ("roads", &roads())]);
    let city = city(dir.path());
    let web = Arc::new(TileMatrixSet::web_mercator_quad());
    let both = ["posts", "roads"].map(|id| catalog.find(id).unwrap());
    let of = |z: u8| seeded(&city, &Audience::OPEN, &web, &both, z);
    assert!(of(16) > 3);
    let keys: Vec<_> = city.joint_cuts.iter().map(|(key, _)| key).filter(|key| key.1 == 16).collect();
    keys.iter().for_each(|key| city.joint_cuts.insert(*key, 17));
    assert_eq!((keys.len(), of(16)), (1, 0));
    assert!(of(17) > 3, "that zoom is whole");
}

/// A layer that is declared anew, over the same blobs: its seeds were drawn by another declaration.
#[test]
fn seeds_of_another_declaration_are_not_sent() {
    let dir = tempfile::tempdir().unwrap();
    let [before, after] = [POSTS.to_string(), POSTS.replace("from_zoom = 16", "from_zoom = 17")];
    publish(dir.path(), &catalog(&[("posts", &before)]), &[("posts", &posts())]);
    let web = Arc::new(TileMatrixSet::web_mercator_quad());
    let posts = catalog(&[("posts", &before)]).find("posts").unwrap();
    assert!(seeded(&city(dir.path()), &Audience::OPEN, &web, &[posts], 16) > 3);

    let mut draft = Store::open(dir.path(), false).unwrap().draft().unwrap();
    draft.manifest.catalog = draft.add_bytes(&catalog(&[("posts", &after)]).to_json()).unwrap();
    draft.publish().unwrap();
    let city = city(dir.path());
    assert!(city.snapshot.manifest.layers["posts"].extra.contains_key(SEEDS));
    assert_eq!(seeded(&city, &Audience::OPEN, &web, &[posts], 16), 0);
}
