//! What is asked of the router: number, address, headers → status, problem, further members.

use super::town::{at, town};
use super::{Answer, ask, city, get};
use axum::Router;
use axum::http::Method;
use chengtu::serve::{App, Declared, Options};
use serde_json::{Value, json};

pub struct Row {
    pub no: u8,
    pub paths: Vec<String>,
    pub headers: Vec<(&'static str, &'static str)>,
    pub status: u16,
    /// The problem's slug; nothing where it is none.
    pub code: &'static str,
    /// Members that the body must have.
    pub has: Vec<(&'static str, Value)>,
    /// Why it is not as was proposed; nothing where it is.
    pub note: &'static str,
}

fn row(no: u8, paths: &[&str], status: u16, code: &'static str) -> Row {
    let paths = paths.iter().map(|p| p.to_string()).collect();
    Row { no, paths, headers: vec![], status, code, has: vec![], note: "" }
}

impl Row {
    fn has(mut self, member: &'static str, value: impl Into<Value>) -> Row {
        self.has.push((member, value.into()));
        self
    }

    fn note(self, note: &'static str) -> Row {
        Row { note, ..self }
    }

    fn with(mut self, name: &'static str, value: &'static str) -> Row {
        self.headers.push((name, value));
        self
    }
}

pub fn rows() -> Vec<Row> {
    let long = "1".repeat(40);
    let many = format!("/tiles/{}/14/0/0.mvt", (0..98).map(|i| format!("l{i}")).collect::<Vec<_>>().join(","));
    let tile = |z: &str, x: &str| format!("/tiles/lamp/{z}/{x}/0.mvt");
    let zooms: Vec<String> = ["abc", "-1", "1e1", long.as_str()].iter().map(|z| tile(z, "0")).collect();
    let deep: Vec<String> = ["25", "255", "256", "9999"].iter().map(|z| tile(z, "0")).collect();
    let wide = [tile("14", "16384"), "/tiles/lamp/14/0/16384.mvt".into()];
    let paths = |all: &[String]| all.to_vec();
    let items = |query: &str| format!("/collections/lamp/items?{query}");
    let boxes: Vec<String> =
        ["3,2,1,4", "NaN,2,3,4", "inf,2,3,4", "1,2,3,4,5"].iter().map(|b| items(&format!("bbox={b}"))).collect();
    vec![
        Row { paths: paths(&zooms), ..row(1, &[], 400, "invalid-tile-coordinate") },
        Row { paths: paths(&deep), ..row(2, &[], 400, "zoom-out-of-range") }
            .has("max_zoom", 24)
            .note("the grid's own zooms, 0 to 24; 256 is a number too"),
        Row { paths: paths(&wide), ..row(3, &[], 400, "tile-out-of-range") }.has("max_x", 16_383).has("max_y", 16_383),
        row(4, &["/tiles/lamp/11/0/0.mvt"], 404, "zoom-not-served").has("minzoom", 12).has("maxzoom", 16),
        row(4, &["/tiles/lamp/14/0/0.mvt"], 204, ""),
        row(
            5,
            &["/tiles/cobweb/14/0/0.mvt", "/tiles/camera/14/0/0.mvt", "/collections/camera", "/tiles/camera.json"],
            404,
            "layer-not-found",
        ),
        row(6, &["/tiles/camera/14/0/0.mvt"], 404, "layer-not-found")
            .with("x-api-key", "STAFF")
            .note("no layer is listed and not granted: what may not be read does not exist, never 403"),
        row(7, &[&many], 400, "too-many-layers").has("max", 5).note("as many as the catalog has"),
        row(7, &["/tiles/lamp,lamp/14/0/0.mvt"], 400, "duplicate-layer"),
        row(7, &["/tiles/river,lamp/14/0/0.mvt"], 204, "").note("a list keeps its order, which is drawn: no redirect"),
        row(8, &["/tiles/lamp,camera/14/0/0.mvt", "/tiles/camera,lamp.json"], 404, "layer-not-found"),
        row(9, &["/tiles/%00/14/0/0.mvt", "/tiles/%c0%ae/14/0/0.mvt", "/tiles/%ff.json"], 400, "invalid-path"),
        row(
            9,
            &[
                "/tiles/..%2f..%2fetc/14/0/0.mvt",
                "/tiles/%2e%2e/14/0/0.mvt",
                "/tiles/%5c/14/0/0.mvt",
                "/tiles/%zz/14/0/0.mvt",
            ],
            404,
            "layer-not-found",
        )
        .note("names are looked up in a table and never joined to a path: these are names of nothing"),
        row(
            10,
            &[&items("nothing=1"), &items("keeper=x"), &items("filter=a%20AND"), &items("filter-lang=cql2-text")],
            400,
            "unknown-parameter",
        )
        .note("there is no filter language; a hidden field (keeper) is as unknown as any"),
        Row { paths: boxes, ..row(11, &[], 400, "invalid-bbox") },
        row(11, &[&items("bbox=-180,-90,180,90")], 200, "").note("pages bound the work, no area does"),
        row(12, &[&items("limit=0"), &items("limit=-1"), &items("limit=x")], 400, "invalid-parameter")
            .has("max", 10_000),
        row(12, &[&items("limit=1000000000")], 200, "").note("OGC API Features clamps: requirement 22 C"),
        row(
            12,
            &["/owner?lon=114.3&lat=34.7&tint=ochre", "/search?q=1&tint=ochre", &items("tint=ochre")],
            400,
            "unknown-parameter",
        ),
        row(13, &["/owner?lat=121&lon=31"], 400, "invalid-input")
            .has("outcome", "INVALID_INPUT")
            .has("code", "COORD_RANGE"),
        row(13, &["/owner?lon=NaN&lat=34.7"], 400, "invalid-input").has("code", "COORD_NOT_FINITE"),
        row(13, &["/owner?lat=34.7"], 400, "invalid-input").has("code", "COORD_MISSING"),
        row(13, &["/owner?lon=114&lon=115&lat=34.7"], 400, "repeated-parameter"),
        row(14, &["TOWN/owner?lon=100&lat=30"], 200, "").has("outcome", "OUT_OF_COVERAGE").has("subject", Value::Null),
        Row {
            paths: vec![format!(
                "TOWN/owner?lon={}&lat={}&at=2026-11-21T08:30:00%2B08:00",
                at(1.0, 0.5)[0],
                at(1.0, 0.5)[1]
            )],
            ..row(14, &[], 200, "")
        }
        .note("on a shared edge one unit is named by a fixed rule, with the border beside it"),
        row(15, &["/collections/camera/items"], 404, "layer-not-found")
            .note("without a token restricted layers do not exist: 401 would tell of them"),
        row(
            18,
            &["/catalog?token=x", "/catalog?access_token=hush", "/tiles/lamp/14/0/0.mvt?api_key=k"],
            400,
            "credential-in-url",
        ),
    ]
}

/// Rules, so that credentials are looked at; the key is of a role that sees what is public.
pub fn served(dir: &std::path::Path) -> (Router, String) {
    let (key, hash) = chengtu::serve::make_key().unwrap();
    let text = format!("[roles.staff]\n[[keys]]\nid = \"a\"\nrole = \"staff\"\nhash = {hash:?}\n");
    let access: Declared = toml::from_str(&text).unwrap();
    let options = Options { access: Some(access), workers: 2, ..Options::new(dir.to_path_buf()) };
    (App::open(&options).unwrap().router(), key)
}

/// What every refusal is, whatever it is of.
pub fn is_problem(a: &Answer, path: &str, status: u16, code: &str) {
    assert_eq!(a.problem(), (status, code.to_string()), "{path}");
    assert_eq!(a.header("content-type"), "application/problem+json");
    assert_eq!((a.header("cache-control"), a.header("x-content-type-options")), ("no-store", "nosniff"));
    let v = a.json();
    assert_eq!(v["status"], json!(status), "{path}");
    assert_eq!(v["instance"], json!(format!("/requests/{}", a.header("x-request-id"))));
    for echo in ["hush", "etc", "ochre", "..", "%", "secret"] {
        assert!(!v["detail"].as_str().unwrap().contains(echo), "{path}: {v}");
    }
}

#[tokio::test]
async fn the_router_answers_as_the_table_says() {
    let dir = city::built();
    let (router, key) = served(dir.path());
    let town = town();
    let town = App::open(&Options { open: true, workers: 1, ..Options::new(town.store()) }).unwrap().router();
    for row in rows() {
        for path in &row.paths {
            let (router, path) = match path.strip_prefix("TOWN") {
                Some(path) => (&town, path),
                None => (&router, path.as_str()),
            };
            let headers: Vec<(&str, &str)> =
                row.headers.iter().map(|(n, v)| (*n, if *v == "STAFF" { key.as_str() } else { *v })).collect();
            let a = ask(router, Method::GET, path, &headers).await;
            let head = ask(router, Method::HEAD, path, &headers).await;
            assert_eq!((a.status, head.status), (row.status, row.status), "{}: {path} ({})", row.no, row.note);
            assert!(head.body.is_empty());
            for name in ["content-type", "cache-control", "etag", "vary", "retry-after"] {
                assert_eq!(a.header(name), head.header(name), "{path}: {name}");
            }
            if row.status >= 400 {
                is_problem(&a, path, row.status, row.code);
            }
            for (member, value) in &row.has {
                assert_eq!(a.json()[*member], *value, "{}: {path}", row.no);
            }
        }
    }
}

/// 4, 5, 8, 14 beyond a status: what is empty is kept like a tile, what is hidden is as long as what is unknown.
#[tokio::test]
async fn equal_things_are_answered_equally() {
    let dir = city::built();
    let (router, _) = served(dir.path());
    let empty = get(&router, "/tiles/lamp/14/0/0.mvt").await;
    let full = get(&router, &city::path("lamp", 14)).await;
    assert_eq!((empty.status, empty.body.len(), full.status), (204, 0, 200));
    for name in ["cache-control", "vary"] {
        assert_eq!(empty.header(name), full.header(name), "{name}");
    }
    assert!(!empty.header("etag").is_empty());

    // Names of one length, so that what is left differs by the request's id alone.
    let bare = |a: Answer| a.text().replace(a.header("x-request-id"), "").replace("camera", "cobweb");
    for path in [
        "/tiles/camera/14/0/0.mvt",
        "/tiles/lamp,camera/14/0/0.mvt",
        "/collections/camera/items/7001",
        "/3dtiles/camera/tileset.json",
    ] {
        let (hidden, unknown) = (get(&router, path).await, get(&router, &path.replace("camera", "cobweb")).await);
        assert_eq!(hidden.body.len(), unknown.body.len(), "{path}");
        assert_eq!(hidden.headers.len(), unknown.headers.len());
        assert_eq!(bare(hidden), bare(unknown), "{path}");
    }

    let town = town();
    let router = App::open(&Options { open: true, workers: 1, ..Options::new(town.store()) }).unwrap().router();
    let [lon, lat] = at(1.0, 0.5);
    let edge = format!("/owner?lon={lon}&lat={lat}&at=2026-11-21T08:30:00%2B08:00&trail=false");
    let first = get(&router, &edge).await;
    assert!(first.json()["subject"]["id"].is_string(), "{}", first.text());
    assert_eq!(get(&router, &edge).await.body, first.body, "one answer, again and again");
}

/// Beside the table: methods, origins.
#[tokio::test]
async fn methods_and_origins() {
    let dir = city::built();
    let options =
        Options { cors: vec!["https://map.example".into()], workers: 1, ..Options::new(dir.path().to_path_buf()) };
    let router = App::open(&options).unwrap().router();
    let a = ask(&router, Method::DELETE, "/catalog", &[]).await;
    is_problem(&a, "/catalog", 405, "method-not-allowed");
    assert!(a.header("allow").contains("GET"));
    for (origin, allowed) in [("https://map.example", "https://map.example"), ("https://other.example", "")] {
        let a = ask(&router, Method::GET, "/catalog", &[("origin", origin)]).await;
        assert_eq!(a.header("access-control-allow-origin"), allowed);
    }
    // 406 is not said: a tile has one type, and who asks for another one is better served with it than with nothing.
    assert_eq!(ask(&router, Method::GET, "/catalog", &[("accept", "image/png")]).await.status, 200);
}
