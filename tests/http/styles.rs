//! Styles, sprites and glyphs over HTTP, with a folder of styles made for the small city.

use super::*;
use city::built;
use serde_json::{Value, json};
use std::path::PathBuf;

const TREE: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20">
    <circle class="ground" cx="10" cy="10" r="9" fill="#888"/></svg>"##;
const FONT: &str = "Noto Sans CJK SC Regular";

/// Styles over layers of which the public sees a part, and one that no catalog holds.
fn styles() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let style = json!({
        "version": 8, "name": "街", "metadata": {"chengtu:title": {"zh": "街", "en": "Street"},
            "chengtu:sprite": {"green": {"ground": "#00ff00"}}},
        "sprite": "/sprites/street", "glyphs": "/fonts/{fontstack}/{range}.pbf",
        "sources": {
            "open": {"type": "vector", "url": "/tiles/lamp,river.json"},
            "mixed": {"type": "vector", "url": "/tiles/lamp,camera,tower,nowhere.json"},
            "inner": {"type": "vector", "url": "/tiles/camera.json"},
        },
        "layers": [
            {"id": "ground", "type": "background"},
            {"id": "lamp", "type": "circle", "source": "open", "source-layer": "lamp"},
            {"id": "river", "type": "line", "source": "open", "source-layer": "river"},
            {"id": "camera", "type": "circle", "source": "mixed", "source-layer": "camera"},
            {"id": "camera/name", "type": "circle", "source": "inner", "source-layer": "camera"},
            {"id": "nowhere", "type": "circle", "source": "mixed", "source-layer": "nowhere"},
        ],
    });
    std::fs::write(dir.path().join("street.json"), style.to_string()).unwrap();
    std::fs::write(dir.path().join("plain.json"), r#"{"version": 8, "sources": {}, "layers": []}"#).unwrap();
    std::fs::create_dir_all(dir.path().join("sprites/green")).unwrap();
    std::fs::write(dir.path().join("sprites/green/tree.svg"), TREE).unwrap();
    dir
}

fn router(store: &Path, open: bool, fonts: &[&str]) -> (Router, tempfile::TempDir) {
    let styles = styles();
    let options = Options {
        open,
        styles: Some(styles.path().to_path_buf()),
        fonts: fonts.iter().map(PathBuf::from).collect(),
        public_url: Some("https://city.example/gis".into()),
        ..options(store)
    };
    (App::open(&options).unwrap().router(), styles)
}

fn ids(style: &Value) -> Vec<&str> {
    style["layers"].as_array().unwrap().iter().map(|l| l["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn styles_are_listed_with_their_names() {
    let dir = built();
    let (r, _styles) = router(dir.path(), false, &["/nowhere"]);
    let list = get(&r, "/styles").await.json();
    let found: Vec<(&str, &str, &str)> = list["styles"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| (s["id"].as_str().unwrap(), s["title"]["zh"].as_str().unwrap(), s["title"]["en"].as_str().unwrap()))
        .collect();
    assert_eq!(found, [("plain", "plain", "plain"), ("street", "街", "Street")]);
    assert_eq!(list["styles"][1]["url"], "https://city.example/gis/styles/street.json");
    assert_eq!(
        (&list["fonts"], list["glyphs"].as_str().unwrap()),
        (&json!([]), "https://city.example/gis/fonts/{fontstack}/{range}.pbf")
    );
}

#[tokio::test]
async fn a_style_shows_what_its_asker_may_see() {
    let dir = built();
    let (public, _a) = router(dir.path(), false, &[]);
    let a = get(&public, "/styles/street.json").await;
    assert_eq!((a.status, a.header("content-type")), (200, "application/json"));
    assert_eq!(a.header("access-control-allow-origin"), "*");
    assert_eq!(
        (a.header("vary"), a.header("cache-control")),
        ("accept-encoding", "public, max-age=0, must-revalidate")
    );
    let style = a.json();
    assert_eq!(ids(&style), ["ground", "lamp", "river"]);
    assert_eq!(style["sources"]["open"]["url"], "https://city.example/gis/tiles/lamp,river.json");
    assert_eq!(style["sources"]["mixed"]["url"], "https://city.example/gis/tiles/lamp.json");
    assert!(style["sources"].get("inner").is_none());
    assert!(!String::from_utf8(a.body.clone()).unwrap().contains("camera"), "a hidden layer is named");
    assert_eq!(style["sprite"], "https://city.example/gis/sprites/street");

    let (open, _b) = router(dir.path(), true, &[]);
    let everything = get(&open, "/styles/street.json").await;
    assert_eq!(everything.header("cache-control"), "private, no-cache");
    let style = everything.json();
    assert_eq!(ids(&style), ["ground", "lamp", "river", "camera", "camera/name"]);
    assert_eq!(style["sources"]["mixed"]["url"], "https://city.example/gis/tiles/lamp,camera.json");
    assert_ne!(a.header("etag"), everything.header("etag"));
    let again = ask(&open, Method::GET, "/styles/street.json", &[("if-none-match", everything.header("etag"))]).await;
    assert_eq!((again.status, again.body.len()), (304, 0));
}

/// A style without a broken source, whatever of its layers the city has. Of the shipped styles this city has nothing.
#[tokio::test]
async fn every_source_of_a_style_answers() {
    let dir = built();
    for open in [false, true] {
        let (r, _styles) = router(dir.path(), open, &[]);
        let style = get(&r, "/styles/street.json").await.json();
        let sources = style["sources"].as_object().unwrap();
        assert_eq!(sources.len(), if open { 3 } else { 2 });
        for (name, source) in sources {
            let path = source["url"].as_str().unwrap().strip_prefix("https://city.example/gis").unwrap();
            assert_eq!(get(&r, path).await.status, 200, "{name}");
        }
        let shipped = App::open(&Options { open, ..options(dir.path()) }).unwrap().router();
        for id in ["standard", "dark", "planner"] {
            let style = get(&shipped, &format!("/styles/{id}.json")).await.json();
            assert_eq!((ids(&style), &style["sources"]), (vec!["background"], &json!({})), "{id}");
        }
    }
}

#[tokio::test]
async fn sprites_are_made_in_a_style_s_colours() {
    let dir = built();
    let (r, _styles) = router(dir.path(), false, &[]);
    for (suffix, ratio) in [("", 1), ("@2x", 2)] {
        let index = get(&r, &format!("/sprites/street{suffix}.json")).await;
        assert_eq!((index.status, index.header("content-type")), (200, "application/json"));
        let side = 20 * ratio;
        assert_eq!(index.json(), json!({"tree": {"width": side, "height": side, "x": 0, "y": 0, "pixelRatio": ratio}}));
        let path = format!("/sprites/street{suffix}.png");
        let accept = [("accept-encoding", "gzip, br")];
        let image = ask(&r, Method::GET, &path, &accept).await;
        assert_eq!((image.header("content-type"), image.header("content-encoding")), ("image/png", ""));
        assert_eq!(&image.body[1..4], b"PNG");
        let known = ask(&r, Method::GET, &path, &[("if-none-match", image.header("etag"))]).await;
        assert_eq!(known.status, 304);
        let other = get(&r, &path.replace("street", "plain")).await;
        assert_ne!(other.body, image.body, "another style has other colours");
    }
}

#[tokio::test]
async fn what_is_not_there_is_404_and_told_how_to_find() {
    let dir = built();
    let (r, _styles) = router(dir.path(), false, &["/nowhere"]);
    for path in [
        "/styles/none.json",
        "/styles/street",
        "/styles/street.yaml",
        "/styles/..%2Fstreet.json",
        "/styles/.json",
        "/sprites/none.json",
        "/sprites/street",
        "/sprites/street.svg",
        "/sprites/street@3x.png",
        "/sprites/@2x.png",
        "/sprites/..%2Fsprites%2Fstreet.png",
    ] {
        assert_eq!(get(&r, path).await.problem(), (404, "style-not-found".into()), "{path}");
    }
    let font = format!("/fonts/{}/0-255.pbf", FONT.replace(' ', "%20"));
    assert_eq!(get(&r, &font).await.problem(), (404, "font-not-found".into()));
    assert_eq!(get(&r, "/fonts/..%2F..%2Fetc/0-255.pbf").await.problem(), (404, "font-not-found".into()));
    for range in ["0-256", "a-b", "65536-65791", "%2e%2e"] {
        let answer = get(&r, &format!("/fonts/x/{range}.pbf")).await;
        assert_eq!(answer.problem(), (400, "invalid-glyph-range".into()), "{range}");
    }
    assert_eq!(get(&r, "/fonts/x/0-255.json").await.problem(), (404, "not-found".into()));
}

#[tokio::test]
async fn letters_are_drawn_from_installed_fonts() {
    let place = "/usr/share/fonts/opentype/noto";
    let dir = built();
    let (r, _styles) = router(dir.path(), false, &[place]);
    let list = get(&r, "/styles").await.json();
    if !list["fonts"].as_array().unwrap().iter().any(|f| f == FONT) {
        eprintln!("SKIPPED: no {FONT} in {place}; `apt-get install fonts-noto-cjk`");
        return;
    }
    let path = |stack: &str, range: &str| format!("/fonts/{}/{range}.pbf", stack.replace(' ', "%20"));
    let a = get(&r, &path(FONT, "24320-24575")).await;
    assert_eq!((a.status, a.header("content-type")), (200, "application/x-protobuf"));
    assert!(a.body.len() > 100_000 && a.body.windows(FONT.len()).any(|w| w == FONT.as_bytes()));
    let known = ask(&r, Method::GET, &path(FONT, "24320-24575"), &[("if-none-match", a.header("etag"))]).await;
    assert_eq!(known.status, 304);
    // A list is answered by those that are there, whatever else it names.
    let list = get(&r, &path(&format!("Open Sans Regular,{FONT}"), "24320-24575")).await;
    assert_eq!((list.status, &list.body), (200, &a.body));
    assert_eq!(get(&r, &path("Open Sans Regular,Arial", "0-255")).await.problem(), (404, "font-not-found".into()));
}

#[test]
fn a_folder_that_is_no_styles_stops_the_server() {
    let dir = built();
    let styles = tempfile::tempdir().unwrap();
    let with = |path: &Path| App::open(&Options { styles: Some(path.to_path_buf()), ..options(dir.path()) });
    assert_eq!(with(styles.path()).err().unwrap().exit_code(), 78);
    assert_eq!(with(Path::new("/nowhere")).err().unwrap().exit_code(), 66);
}
