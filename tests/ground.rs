//! The ground: elevation models and spot heights in by the command, what stands on it and its own tiles out over HTTP, in
//! process, decoded again.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests say what they expect by panicking")]

mod common;
mod delivery;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use chengtu::geo::ellipsoid::Ellipsoid;
use chengtu::geo::gauss_kruger::GaussKruger;
use chengtu::scene::decode::{Decoded, decode};
use chengtu::scene::moved;
use chengtu::serve::{App, Options};
use common::declared::{self, CODE, metres};
use delivery::City;
use gdal::DriverManager;
use gdal::raster::Buffer;
use gdal::spatial_ref::SpatialRef;
use serde_json::Value;
use std::path::Path;
use tower::ServiceExt;

const IDENTITY: [f64; 16] = [1., 0., 0., 0., 0., 1., 0., 0., 0., 0., 1., 0., 0., 0., 0., 1.];
const NODATA: f32 = -9999.0;
const CENTRE: [f64; 2] = [114.3, 34.8];

fn city() -> City {
    let city = City::new();
    let three = "serve = [\"3dtiles\"]";
    let add = |id: &str, geometry: &str, scene: &str, fields: &[&str], more: &str| {
        let numbers: Vec<String> = fields.iter().map(|f| metres(f)).collect();
        let fields: Vec<&str> = std::iter::once(CODE).chain(numbers.iter().map(String::as_str)).collect();
        city.layer("town", id, &declared::layer(id, geometry, &format!("{scene}\n{more}"), &fields));
    };
    add(
        "terrain",
        "polygon",
        "scene = { kind = \"terrain\" }",
        &["resolution_m"],
        &format!("{three}\nroles = [\"terrain\"]"),
    );
    add("lamps", "point", "scene = { kind = \"instance\", model = \"street_light\" }", &[], three);
    let tube =
        "scene = { kind = \"tube\", default_mm = 300, fields = { start_depth = \"from_m\", end_depth = \"to_m\" } }";
    add("pipes", "line", tube, &["from_m", "to_m"], three);
    let block = "scene = { kind = \"extrude\", fields = { height = \"high\", bottom = \"base\" } }";
    add("halls", "polygon", block, &["high", "base"], three);
    add("sheds", "polygon", block, &["high", "base"], three);
    city.layer(
        "town",
        "spots",
        &declared::layer(
            "spots",
            "point",
            "serve = [\"mvt\"]\nroles = [\"elevation_point\"]",
            &[CODE, "{ name = \"h\", type = \"float\", zh = \"高程\", datum = \"1985\", role = \"ground_height\" }"],
        ),
    );
    city
}

fn plane() -> GaussKruger {
    GaussKruger::cgcs2000(114.0, 500_000.0)
}

/// A slope of 5 % to the east and 3 % to the north, metres, and a hill in the north-east corner.
fn slope([lon, lat]: [f64; 2]) -> f64 {
    let (p, c) = (plane().forward([lon, lat]), plane().forward(CENTRE));
    let (x, y) = (p[0] - c[0], p[1] - c[1]);
    let hill = 60.0 * (-((x - 900.0).powi(2) + (y - 900.0).powi(2)) / (2.0 * 150f64.powi(2))).exp();
    80.0 + x * 0.05 + y * 0.03 + hill
}

struct Dem {
    /// Lower left corner from `CENTRE`, metres, and pixels.
    from: [f64; 2],
    size: [usize; 2],
    pixel_m: f64,
    more_m: f64,
    epsg: Option<u32>,
    bands: usize,
    nodata: Option<f64>,
    place: bool,
    known: fn(usize, usize) -> bool,
}

impl Default for Dem {
    fn default() -> Dem {
        Dem {
            from: [-1200.0, -1200.0],
            size: [480, 480],
            pixel_m: 5.0,
            more_m: 0.0,
            epsg: Some(4547),
            bands: 1,
            nodata: Some(f64::from(NODATA)),
            place: true,
            known: |_, _| true,
        }
    }
}

impl Dem {
    fn write(&self, path: &Path) {
        let c = plane().forward(CENTRE);
        let (west, south) = (c[0] + self.from[0], c[1] + self.from[1]);
        let [w, h] = self.size;
        let north = south + h as f64 * self.pixel_m;
        let driver = DriverManager::get_driver_by_name("GTiff").unwrap();
        let mut tiff = driver.create_with_band_type::<f32, _>(path, w, h, self.bands).unwrap();
        if self.place {
            tiff.set_geo_transform(&[west, self.pixel_m, 0.0, north, 0.0, -self.pixel_m]).unwrap();
        }
        if let Some(epsg) = self.epsg {
            tiff.set_spatial_ref(&SpatialRef::from_epsg(epsg).unwrap()).unwrap();
        }
        let value = |k: usize| {
            let (i, j) = (k % w, k / w);
            let place = [west + (i as f64 + 0.5) * self.pixel_m, north - (j as f64 + 0.5) * self.pixel_m];
            if (self.known)(i, j) { (slope(plane().inverse(place)) + self.more_m) as f32 } else { NODATA }
        };
        for band in 1..=self.bands {
            let mut band = tiff.rasterband(band).unwrap();
            band.set_no_data_value(self.nodata).unwrap();
            band.write((0, 0), (w, h), &mut Buffer::new((w, h), (0..w * h).map(value).collect())).unwrap();
        }
        tiff.flush_cache().unwrap();
    }
}

fn feature(kind: &str, coordinates: &str, properties: &str) -> String {
    format!(
        "{{\"type\":\"Feature\",\"geometry\":{{\"type\":\"{kind}\",\"coordinates\":{coordinates}}},\"properties\":{properties}}}"
    )
}

fn collection(features: &[String]) -> String {
    format!("{{\"type\":\"FeatureCollection\",\"features\":[{}]}}", features.join(","))
}

fn square([lon, lat]: [f64; 2]) -> String {
    let (a, b) = (lon + 1e-4, lat + 1e-4);
    format!("[[[{lon},{lat}],[{a},{lat}],[{a},{b}],[{lon},{b}],[{lon},{lat}]]]")
}

const LAMPS: [[f64; 2]; 3] = [[114.3003, 34.8002], [114.3051, 34.8037], [114.2941, 34.7963]];
const PIPE: [[f64; 2]; 2] = [[114.3010, 34.8010], [114.3016, 34.8012]];
const SHED: [f64; 2] = [114.2990, 34.7990];

fn furnish(city: &City) {
    let lamps: Vec<String> = LAMPS
        .iter()
        .enumerate()
        .map(|(i, p)| feature("Point", &format!("{p:?}"), &format!("{{\"code\":\"L{i}\"}}")))
        .collect();
    city.write("lamps.geojson", &collection(&lamps));
    let pipe = feature("LineString", &format!("{PIPE:?}"), r#"{"code":"P","from_m":1.5,"to_m":2.0}"#);
    city.write("pipes.geojson", &collection(&[pipe]));
    let hall = feature("Polygon", &square([114.3020, 34.8020]), r#"{"code":"H","high":9.0,"base":95.0}"#);
    city.write("halls.geojson", &collection(&[hall]));
    city.write("sheds.geojson", &collection(&[feature("Polygon", &square(SHED), r#"{"code":"S","high":3.0}"#)]));
    let source = |id: &str| format!("[[source]]\npath = \"{id}.geojson\"\nlayer = \"{id}\"\nkey = \"code\"\n");
    for id in ["lamps", "pipes", "halls", "sheds"] {
        city.write(&format!("{id}.toml"), &source(id));
    }
}

fn ground(city: &City, path: &str, more: &str) -> String {
    let name = format!("{}.toml", path.replace(['.', '/'], "-"));
    let manifest = format!(
        "[[source]]\nid = \"dem\"\npath = \"{path}\"\nlayer = \"terrain\"\nkey = \"file\"\nfields = {{ code = \"file\" }}\n{more}\n"
    );
    city.write(&name, &manifest);
    name
}

fn router(city: &City) -> Router {
    let options = Options { open: true, workers: 2, geoid_m: -12.5, ..Options::new(city.store()) };
    App::open(&options).unwrap().router()
}

async fn get(router: &Router, path: &str) -> (StatusCode, String, Vec<u8>) {
    let request = Request::builder().uri(path).body(Body::empty()).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let tag = response.headers().get("etag").map(|t| t.to_str().unwrap().to_string()).unwrap_or_default();
    let status = response.status();
    (status, tag, to_bytes(response.into_body(), 1 << 27).await.unwrap().to_vec())
}

fn product(a: &[f64; 16], b: &[f64; 16]) -> [f64; 16] {
    std::array::from_fn(|i| (0..4).map(|k| a[k * 4 + i % 4] * b[i / 4 * 4 + k]).sum())
}

fn joined(base: &str, uri: &str) -> String {
    let mut parts: Vec<&str> = base.split('?').next().unwrap().split('/').collect();
    parts.pop();
    for part in uri.split('/') {
        match part {
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// A content with where it lies.
struct Content {
    path: String,
    etag: String,
    matrix: [f64; 16],
    glb: Decoded,
    error_m: f64,
    box_: Vec<f64>,
}

impl Content {
    /// Longitude, latitude and ellipsoidal height of a place of its frame.
    fn on_earth(&self, at: [f64; 3]) -> ([f64; 2], f64) {
        Ellipsoid::CGCS2000.from_geocentric(moved(&self.matrix, at))
    }
}

/// All contents of a layer, parents before children; checks refinement, errors and boxes on the way.
async fn contents(router: &Router, layer: &str, refine: &str) -> Vec<Content> {
    let mut all = vec![];
    let mut open = vec![(format!("/3dtiles/{layer}/tileset.json"), IDENTITY, f64::INFINITY)];
    while let Some((path, matrix, above_m)) = open.pop() {
        let (status, _, bytes) = get(router, &path).await;
        assert_eq!(status, 200, "{path}");
        let tileset: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(tileset["root"]["refine"], refine);
        let mut tiles = vec![(tileset["root"].clone(), matrix, above_m)];
        while let Some((tile, matrix, above_m)) = tiles.pop() {
            let own =
                tile["transform"].as_array().map_or(IDENTITY, |m| std::array::from_fn(|i| m[i].as_f64().unwrap()));
            let matrix = product(&matrix, &own);
            let error_m = tile["geometricError"].as_f64().unwrap();
            assert!(error_m <= above_m, "{path}: {error_m} below {above_m}");
            let uri = tile["content"]["uri"].as_str().unwrap_or_default();
            let to = joined(&path, uri);
            if uri.contains(".json") {
                open.push((to, matrix, error_m));
            } else if !uri.is_empty() {
                let (status, etag, bytes) = get(router, &to).await;
                assert_eq!(status, 200, "{to}");
                let glb = decode(&bytes).unwrap_or_else(|e| panic!("{to}: {e}"));
                let numbers = tile["boundingVolume"]["box"].as_array().unwrap().iter().map(|n| n.as_f64().unwrap());
                let box_: Vec<f64> = numbers.collect();
                for v in &glb.vertices {
                    let inside = |k: usize| (v.at[k] - box_[k]).abs() <= box_[3 + 4 * k] + 1e-3;
                    assert!((0..3).all(inside) || !glb.instances.is_empty(), "{to}: {:?} outside {box_:?}", v.at);
                }
                all.push(Content { path: to, etag, matrix, glb, error_m, box_ });
            }
            let children = tile["children"].as_array().cloned().unwrap_or_default();
            tiles.extend(children.into_iter().map(|c| (c, matrix, error_m)));
        }
    }
    all
}

/// Ellipsoidal heights of the lamps, in their order.
async fn lamp_heights(router: &Router) -> Vec<f64> {
    let all = contents(router, "lamps", "ADD").await;
    let height = |p: &[f64; 2]| {
        let near = all.iter().flat_map(|c| c.glb.instances.iter().map(move |i| c.on_earth(i.at)));
        let found =
            near.filter(|(at, _)| (at[0] - p[0]).abs() < 1e-6 && (at[1] - p[1]).abs() < 1e-6).collect::<Vec<_>>();
        assert_eq!(found.len(), 1, "{p:?}");
        found[0].1
    };
    LAMPS.iter().map(height).collect()
}

#[tokio::test]
async fn what_has_no_height_stands_on_the_ground_and_follows_it() {
    let city = city();
    furnish(&city);
    Dem::default().write(&city.path("dem.tif"));
    let dem = ground(&city, "dem.tif", "crs = { vertical = \"1985\" }");
    let run = city.import(&[&dem, "lamps.toml", "pipes.toml", "halls.toml", "sheds.toml"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let source = &run.report["sources"][0];
    assert_eq!((&source["read"], &source["vertical"]), (&1.into(), &"1985".into()), "{source:#}");

    let served = router(&city);
    for (p, h) in LAMPS.iter().zip(lamp_heights(&served).await) {
        assert!((h + 12.5 - slope(*p)).abs() < 0.005, "{p:?}: {h}, {}", slope(*p) - 12.5);
    }
    // The middle of the pipe: the ground less the depth of its top less its radius, at each end.
    let pipes = contents(&served, "pipes", "ADD").await;
    for (end, depth_m) in PIPE.iter().zip([1.5, 2.0]) {
        let near = |at: &[f64; 2]| (at[0] - end[0]).hypot(at[1] - end[1]) < 1e-6 * 4.0;
        let places = pipes.iter().flat_map(|c| c.glb.vertices.iter().map(|v| c.on_earth(v.at)));
        let ring: Vec<f64> = places.filter(|(at, _)| near(at)).map(|(_, h)| h).collect();
        assert!(ring.len() >= 6, "{ring:?}");
        let (low, high) =
            (ring.iter().copied().fold(f64::MAX, f64::min), ring.iter().copied().fold(f64::MIN, f64::max));
        let centre_m = slope(*end) - depth_m - 0.15 - 12.5;
        assert!(((low + high) / 2.0 - centre_m).abs() < 0.01, "{low} {high} {centre_m}");
    }
    // A block stands on the lowest ground along its edge.
    let sheds = contents(&served, "sheds", "ADD").await;
    let lowest = sheds[0].glb.vertices.iter().map(|v| sheds[0].on_earth(v.at).1).fold(f64::MAX, f64::min);
    assert!((lowest - (slope(SHED) - 12.5)).abs() < 0.01, "{lowest} {}", slope(SHED) - 12.5);

    // The same ground again: nothing but the terrain is written.
    let before = city.manifest();
    let run = city.import(&[&dem]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(city.manifest().extra["ground"], before.extra["ground"]);
    assert_eq!(run.report["layers"].as_array().unwrap().len(), 1, "{:#}", run.report["layers"]);
    // One layer costs that layer.
    let run = city.import(&["lamps.toml"]);
    assert_eq!(run.report["layers"].as_array().unwrap().len(), 1, "{:#}", run.report["layers"]);
    assert_eq!(city.manifest().layers["pipes"], before.layers["pipes"]);
    assert_eq!(city.manifest().layers["lamps"].extra, before.layers["lamps"].extra);

    // The ground rises: what stands on it rises, what has heights of its own is untouched.
    let tags = |all: Vec<Content>| all.into_iter().map(|c| (c.path, c.etag)).collect::<Vec<_>>();
    let halls = tags(contents(&served, "halls", "ADD").await);
    Dem { more_m: 2.0, ..Dem::default() }.write(&city.path("dem.tif"));
    let run = city.import(&[&dem]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let written: Vec<&str> =
        run.report["layers"].as_array().unwrap().iter().map(|l| l["id"].as_str().unwrap()).collect();
    assert_eq!(written, ["terrain", "lamps", "pipes", "sheds"]);
    let after = city.manifest();
    assert_eq!(after.layers["halls"], before.layers["halls"]);
    assert_eq!(after.layers["lamps"].features, before.layers["lamps"].features);
    let served = router(&city);
    for (p, h) in LAMPS.iter().zip(lamp_heights(&served).await) {
        assert!((h + 12.5 - slope(*p) - 2.0).abs() < 0.005, "{p:?}: {h}");
    }
    let version = |path: &str| path.split("v=").nth(1).map(String::from);
    let now = tags(contents(&served, "halls", "ADD").await);
    let plain = |all: &[(String, String)]| all.iter().map(|(p, t)| (version(p), t.clone())).collect::<Vec<_>>();
    assert_eq!(plain(&now), plain(&halls), "bytes and version of what does not depend on the ground");
}

#[tokio::test]
async fn terrain_is_served_as_tiles_that_replace_each_other() {
    let city = city();
    // Two sheets of a folder side by side, the eastern with a hole.
    std::fs::create_dir(city.path("dem")).unwrap();
    Dem { size: [240, 480], ..Dem::default() }.write(&city.path("dem/a.tif"));
    let hole = |i: usize, j: usize| !((100..110).contains(&i) && (300..310).contains(&j));
    Dem { from: [0.0, -1200.0], size: [240, 480], known: hole, ..Dem::default() }.write(&city.path("dem/b.tif"));
    let run = city.import(&[&ground(
        &city,
        "dem",
        "format = \"geotiff\"\ncrs = { definition = \"EPSG:4547\", vertical = \"1985\" }",
    )]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.report["sources"][0]["stored"], 2);
    let snapshot = city.snapshot();
    let heights = snapshot.ground().unwrap().unwrap();
    // Across the seam, and in the hole.
    let seam = plane().inverse([plane().forward(CENTRE)[0] + 0.4, plane().forward(CENTRE)[1] - 333.0]);
    assert!(
        (heights.height(seam).unwrap().unwrap() - slope(seam)).abs() < 0.2,
        "half a pixel is held flat at a sheet's edge"
    );
    let c = plane().forward(CENTRE);
    assert_eq!(heights.height(plane().inverse([c[0] + 525.0, c[1] - 1200.0 + 175.0 * 5.0])).unwrap(), None);
    assert_eq!(heights.height([114.35, 34.8]).unwrap(), None);

    let served = router(&city);
    let all = contents(&served, "terrain", "REPLACE").await;
    assert!(all.len() > 40, "{}", all.len());
    let mut worst = 0.0f64;
    for content in &all {
        for v in &content.glb.vertices {
            let (at, h) = content.on_earth(v.at);
            if let Some(ground_m) = heights.height(at).unwrap() {
                // Above the ground never by more than its error; below it only as a skirt.
                worst = worst.max(h + 12.5 - ground_m - content.error_m);
            }
        }
        assert!(content.box_[11] < 400.0, "{}: {:?}", content.path, content.box_);
    }
    assert!(worst < 0.1, "{worst}");
    // The hill is 60 m: the coarsest tile misses some of it, the leaves nothing.
    assert!(all.iter().any(|c| c.error_m > 1.0) && all.iter().any(|c| c.error_m == 0.0));
    let (status, _, catalog) = get(&served, "/catalog").await;
    let catalog: Value = serde_json::from_slice(&catalog).unwrap();
    let entry = catalog["layers"].as_array().unwrap().iter().find(|l| l["id"] == "terrain").unwrap();
    assert!(status == 200 && entry["tileset"].as_str().unwrap().ends_with("/3dtiles/terrain/tileset.json"));
}

#[tokio::test]
async fn spot_heights_are_ground_where_nothing_better_is() {
    let city = city();
    furnish(&city);
    let spots: Vec<String> = (0..900)
        .map(|k| {
            let p = [114.29 + f64::from(k % 30) * 6e-4, 34.79 + f64::from(k / 30) * 6e-4];
            feature("Point", &format!("{p:?}"), &format!("{{\"code\":\"{k}\",\"h\":{}}}", slope(p) + 1.0))
        })
        .collect();
    city.write("spots.geojson", &collection(&spots));
    city.write("spots.toml", "[[source]]\npath = \"spots.geojson\"\nlayer = \"spots\"\nkey = \"code\"\n");
    let run = city.import(&["spots.toml", "lamps.toml"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    for (p, h) in LAMPS.iter().zip(lamp_heights(&router(&city)).await) {
        assert!((h + 12.5 - slope(*p) - 1.0).abs() < 0.02, "{p:?}: {h}");
    }
    // An elevation model over the middle is better than they are.
    Dem { from: [-300.0, -300.0], size: [60, 60], pixel_m: 10.0, ..Dem::default() }.write(&city.path("dem.tif"));
    let run = city.import(&[&ground(&city, "dem.tif", "crs = { vertical = \"1985\" }")]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let heights = lamp_heights(&router(&city)).await;
    assert!((heights[0] + 12.5 - slope(LAMPS[0])).abs() < 0.005, "{}", heights[0]);
    assert!((heights[2] + 12.5 - slope(LAMPS[2]) - 1.0).abs() < 0.02, "{}", heights[2]);
}

#[test]
fn flawed_elevation_models_are_refused_by_name() {
    let city = city();
    let vertical = "crs = { vertical = \"1985\" }";
    let cases: [(&str, Dem, &str, i32, &str); 8] = [
        ("crs", Dem { epsg: None, ..Dem::default() }, vertical, 78, "unknown-crs"),
        ("bands", Dem { bands: 3, ..Dem::default() }, vertical, 65, "not-a-dem"),
        ("empty", Dem { known: |_, _| false, ..Dem::default() }, vertical, 65, "no-heights"),
        ("datum", Dem::default(), "", 78, "no-vertical-datum"),
        ("wild", Dem { nodata: None, known: |i, _| i > 3, ..Dem::default() }, vertical, 65, "bad-heights"),
        (
            "place",
            Dem { place: false, ..Dem::default() },
            "crs = { definition = \"EPSG:4547\", vertical = \"1985\" }",
            65,
            "no-place",
        ),
        ("zone", Dem { epsg: Some(4526), ..Dem::default() }, vertical, 78, "outside-crs"),
        ("local", Dem::default(), "crs = { vertical = \"somewhere\" }", 78, ""),
    ];
    for (name, dem, more, code, word) in cases {
        Dem { size: [60, 60], ..dem }.write(&city.path(&format!("{name}.tif")));
        let run = city.import(&[&ground(&city, &format!("{name}.tif"), more)]);
        assert_eq!(run.code, code, "{name}: {}", run.stderr);
        let failed = run.report["sources"][0]["failed"]["code"].as_str().unwrap_or_default();
        assert_eq!(failed, word, "{name}: {}", run.stderr);
        assert!(city.current().is_none(), "{name} was published");
    }
    // Declared, the same numbers are none.
    let run = city.import(&[&ground(&city, "wild.tif", &format!("{vertical}\nnodata = -9999.0"))]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    city.write("text.tif", "ncols 4\nnrows 4\n");
    let run = city.import(&[&ground(&city, "text.tif", vertical)]);
    assert_eq!(run.report["sources"][0]["failed"]["code"], "not-this-format");
    city.write("wrong.toml", "[[source]]\npath = \"datum.tif\"\nlayer = \"lamps\"\n");
    let run = city.import(&["wrong.toml"]);
    assert!(run.code == 78 && run.stderr.contains("lamps is no terrain"), "{}", run.stderr);
}

/// A geoid that falls by a metre from west to east over the town, as a GTX file.
fn sloping_geoid(path: &Path) -> impl Fn([f64; 2]) -> f64 + use<> {
    let mut bytes = vec![];
    [34.79f64, 114.28, 0.02, 0.02].iter().for_each(|v| bytes.extend(v.to_be_bytes()));
    [2i32, 3].iter().for_each(|v| bytes.extend(v.to_be_bytes()));
    [-18.0f32, -18.5, -19.0, -18.0, -18.5, -19.0].iter().for_each(|v| bytes.extend(v.to_be_bytes()));
    std::fs::write(path, bytes).unwrap();
    |p| -18.0 - (p[0] - 114.28) / 0.04
}

#[tokio::test]
async fn heights_become_ellipsoidal_by_a_geoid_that_varies() {
    let city = city();
    furnish(&city);
    let n = sloping_geoid(&city.path("town.gtx"));
    Dem { from: [-700.0, -700.0], size: [280, 280], ..Dem::default() }.write(&city.path("dem.tif"));
    // Lamps with heights of their own: over the ellipsoid, over a local datum, and over nobody knows what.
    let place = |k: usize| [114.2961 + k as f64 * 0.002, 34.8031];
    let lamp = |k: usize| {
        let [lon, lat] = place(k);
        collection(&[feature("Point", &format!("[{lon},{lat},120.0]"), &format!("{{\"code\":\"own{k}\"}}"))])
    };
    let verticals = [
        "vertical = { datum = \"ellipsoidal\", geoid = \"town.gtx\", bias_m = 0.25 }",
        "vertical = { datum = \"local:吴淞\", offset_m = -1.6 }",
        "",
    ];
    let mut manifests = vec![ground(&city, "dem.tif", "vertical = \"1985\""), "lamps.toml".to_string()];
    for (k, vertical) in verticals.iter().enumerate() {
        city.write(&format!("own{k}.geojson"), &lamp(k));
        let source = format!("[[source]]\npath = \"own{k}.geojson\"\nlayer = \"lamps\"\nkey = \"code\"\n{vertical}\n");
        city.write(&format!("own{k}.toml"), &source);
        manifests.push(format!("own{k}.toml"));
    }
    let run = city.import(&manifests.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(run.code, 0, "{}", run.stderr);
    let told = |i: usize| run.report["sources"][i]["findings"].to_string();
    assert!(told(2).contains("geoid town.gtx") && told(3).contains("-1.6 m"), "{} {}", told(2), told(3));
    assert!(told(4).contains("no-vertical-datum") && !told(1).contains("vertical"), "{} {}", told(4), told(1));

    let geoid = Some(city.path("town.gtx").display().to_string());
    let options = Options { open: true, workers: 2, geoid, geoid_bias_m: 0.25, ..Options::new(city.store()) };
    let served = App::open(&options).unwrap().router();
    let all = contents(&served, "lamps", "ADD").await;
    let height = |p: [f64; 2]| {
        let near = all.iter().flat_map(|c| c.glb.instances.iter().map(move |i| c.on_earth(i.at)));
        let mut found = near.filter(|(at, _)| (at[0] - p[0]).abs() < 1e-6 && (at[1] - p[1]).abs() < 1e-6);
        found.next().expect("the lamp").1
    };
    for p in LAMPS.iter().take(1) {
        let want = slope(*p) + n(*p) + 0.25;
        assert!((height(*p) - want).abs() < 0.006, "{p:?}: {} {want}", height(*p));
    }
    // What was over the ellipsoid does not move; the others by N, bias and offset.
    let unmoved = [120.0, 120.0 - 1.6 + n(place(1)) + 0.25, 120.0 + n(place(2)) + 0.25];
    for (k, want) in unmoved.into_iter().enumerate() {
        assert!((height(place(k)) - want).abs() < 0.006, "{k}: {} {want}", height(place(k)));
    }
    // Boxes hold what is in them (`contents` looks), the ground too, each vertex lifted by itself.
    let terrain = contents(&served, "terrain", "REPLACE").await;
    for content in terrain.iter().filter(|c| c.error_m == 0.0) {
        let tops = content.glb.vertices.iter().map(|v| content.on_earth(v.at));
        let off = tops.map(|(at, h)| h - slope(at) - n(at) - 0.25).fold(f64::MIN, f64::max);
        // Half a pixel at the model's edge is held flat: 2.5 m of a slope of 5 %.
        assert!(off.abs() < 0.15, "{}: {off}", content.path);
    }
    let (_, _, page) = get(&served, "/3dtiles/lamps/tileset.json").await;
    let page: Value = serde_json::from_slice(&page).unwrap();
    let heights = &page["asset"]["extras"]["heights"];
    assert_eq!((&heights["geoid"], &heights["bias_m"]), (&"town.gtx".into(), &0.25.into()), "{heights:#}");
    assert_eq!(heights["data"], serde_json::json!(["ellipsoidal", "local:吴淞"]));

    // Ellipsoidal heights without a geoid, and a geoid that does not reach the city, are refused.
    city.write(
        "bare.toml",
        "vertical = \"ellipsoidal\"\n[[source]]\npath = \"own0.geojson\"\nlayer = \"lamps\"\nkey = \"code\"\n",
    );
    let run = city.import(&["bare.toml"]);
    assert_eq!((run.code, &run.report["sources"][0]["failed"]["code"]), (78, &"no-geoid".into()), "{}", run.stderr);
    let mut bytes = std::fs::read(city.path("town.gtx")).unwrap();
    bytes[8..16].copy_from_slice(&20f64.to_be_bytes());
    city.write_bytes("far.gtx", &bytes);
    let far = Options { geoid: Some(city.path("far.gtx").display().to_string()), ..options.clone() };
    let (status, _, _) = get(&App::open(&far).unwrap().router(), "/3dtiles/lamps/tileset.json").await;
    assert_eq!(status, 500);
    let gone = Options { geoid: Some("gone.gtx".into()), ..options };
    assert_eq!(App::open(&gone).err().map(|e| e.exit_code()), Some(78));
}
