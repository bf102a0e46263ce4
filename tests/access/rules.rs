//! The rules around credentials: where they stand, what they open, caching, tags, scopes, the area budget, the audit log.

use super::common::web::{Answer, ask, get, send};
use super::common::{catalog, declared, feature, publish};
use axum::Router;
use axum::http::Method;
use chengtu::audit;
use chengtu::feature::{Geometry, Value};
use chengtu::serve::{App, Declared, Options, make_key};
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

pub const CORNER: [f64; 2] = [114.3, 34.8];

pub struct Small {
    pub dir: tempfile::TempDir,
    pub app: Arc<App>,
    pub router: Router,
    pub keys: Vec<String>,
}

/// A public layer and a restricted one, which hold the same; keys `KEY0`, `KEY1` … in the text become hashes.
fn small(access: &str) -> Small {
    let (dir, options, keys, _) = prepared(access);
    let app = App::open(&options).unwrap_or_else(|e| panic!("{e}"));
    Small { router: app.router(), app, dir, keys }
}

/// The last: the text with its folder and hashes. `DIR/area.geojson`, where it is named, is the whole world.
pub fn prepared(access: &str) -> (tempfile::TempDir, Options, Vec<String>, String) {
    let dir = tempfile::tempdir().unwrap();
    let world = "{\"type\":\"Polygon\",\"coordinates\":[[[-180,-85],[180,-85],[180,85],[-180,85],[-180,-85]]]}";
    std::fs::write(dir.path().join("area.geojson"), world).unwrap();
    let layer = |id: &str, sensitivity: &str| {
        let text = declared::layer(id, "point", "serve = [\"mvt\"]", &[declared::CODE]);
        text.replace("\"3D\"", "\"2D\"")
            .replace("\"public\"", &format!("\"{sensitivity}\""))
            .replace("max = 18", "max = 19")
    };
    let catalog = catalog(&[("lamp", &layer("lamp", "public")), ("pipe", &layer("pipe", "restricted"))]);
    let at = |i: u64| Geometry::point(CORNER[0] + (i % 40) as f64 * 0.01, CORNER[1] + (i / 40) as f64 * 0.01);
    let points =
        |first: u64| (0..400).map(|i| feature(first + i, at(i), vec![Value::Text(format!("{i}"))])).collect::<Vec<_>>();
    publish(&dir.path().join("store"), &catalog, &[("lamp", points(1).as_slice()), ("pipe", points(1).as_slice())]);
    let (mut text, mut keys) = (access.replace("DIR", dir.path().to_str().unwrap()), vec![]);
    for i in 0..4 {
        let (key, hash) = make_key().unwrap();
        text = text.replace(&format!("KEY{i}"), &hash);
        keys.push(key);
    }
    let access: Declared = toml::from_str(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let options = Options { access: Some(access), workers: 2, ..Options::new(dir.path().join("store")) };
    (dir, options, keys, text)
}

pub const ROLES: &str = "[roles.staff]\nclearance = \"restricted\"\n[roles.twin]\nclearance = \"restricted\"\n\
    [[keys]]\nid = \"a\"\nrole = \"staff\"\nhash = \"KEY0\"\n[[keys]]\nid = \"b\"\nrole = \"twin\"\nhash = \"KEY1\"\n\
    [[keys]]\nid = \"old\"\nrole = \"staff\"\nhash = \"KEY2\"\nexpires = \"2020-01-01\"\n\
    [[keys]]\nid = \"narrow\"\nrole = \"staff\"\nhash = \"KEY3\"\nscopes = [\"tiles\"]\n";

pub fn tile(layer: &str, z: u8, east: u32) -> String {
    let (x, y) = super::city::tile_at(CORNER, z);
    format!("/tiles/{layer}/{z}/{}/{y}.mvt", x + east)
}

impl Small {
    pub async fn by(&self, key: usize, path: &str) -> Answer {
        ask(&self.router, Method::GET, path, &[("x-api-key", &self.keys[key])]).await
    }

    pub fn log(&self) -> PathBuf {
        self.dir.path().join("audit.log")
    }

    /// Lines of the log without number, time and chain.
    pub fn lines(&self) -> Vec<Json> {
        let text = std::fs::read_to_string(self.log()).unwrap();
        let line = |l: &str| {
            let mut v: Json = serde_json::from_str(l).unwrap();
            v.as_object_mut().unwrap().retain(|k, _| !["seq", "at", "prev"].contains(&k.as_str()));
            v
        };
        text.lines().map(line).collect()
    }
}

#[tokio::test]
async fn a_credential_stands_in_one_header_and_nowhere_else() {
    let s = small(ROLES);
    let key = s.keys[0].as_str();
    let bearer = format!("Bearer {key}");
    let other = format!("Bearer {}", s.keys[1]);
    let wrong = key.replace(&key[10..14], "zzzz");
    let ok = |status: u16| (status, String::new());
    let no = |status: u16, code: &str| (status, code.to_string());
    let at = |query: &str| format!("/collections/pipe/items{query}");
    let (shouted, keyed, coded) =
        (bearer.replace("Bearer", "bEARER"), format!("?api_key={key}"), format!("?code={key}"));
    for (headers, query, want) in [
        (vec![("x-api-key", key)], "", ok(200)),
        (vec![("authorization", bearer.as_str())], "", ok(200)),
        (vec![("authorization", shouted.as_str())], "", ok(200)),
        (vec![], "", no(404, "layer-not-found")),
        (vec![("x-api-key", wrong.as_str())], "", no(401, "token-invalid")),
        (vec![("x-api-key", "")], "", no(401, "token-invalid")),
        (vec![("x-api-key", s.keys[2].as_str())], "", no(401, "token-expired")),
        (vec![("authorization", key)], "", no(401, "token-invalid")),
        (vec![("authorization", "Basic dTpw")], "", no(401, "token-invalid")),
        (vec![("authorization", "Bearer eyJhbGciOiJub25lIn0.e30.")], "", no(401, "token-invalid")),
        (vec![("x-api-key", key), ("authorization", bearer.as_str())], "", no(401, "token-invalid")),
        (vec![("x-api-key", key), ("x-api-key", key)], "", no(401, "token-invalid")),
        (vec![("authorization", bearer.as_str()), ("authorization", other.as_str())], "", no(401, "token-invalid")),
        (vec![], keyed.as_str(), no(400, "credential-in-url")),
        (vec![], "?access_token=x", no(400, "credential-in-url")),
        (vec![], coded.as_str(), no(400, "credential-in-url")),
        (vec![("x-api-key", key)], "?Token=x", no(400, "credential-in-url")),
        (vec![], "?code=eyJhbGciOiJub25lIn0.e30.x", no(400, "credential-in-url")),
        (vec![("x-api-key", key)], "?code=7", ok(200)),
    ] {
        let a = ask(&s.router, Method::GET, &at(query), &headers).await;
        let said = if a.status < 400 { ok(a.status) } else { a.problem() };
        assert_eq!(said, want, "{headers:?} {query}");
        assert!(a.status < 400 || !a.text().contains(&key[..12]), "nothing is echoed");
    }
    // Also where nothing is hidden: a wrong credential is not nobody's.
    assert_eq!(s.by(2, "/catalog").await.problem().1, "token-expired");
    assert_eq!(get(&s.router, "/health").await.status, 200);
}

#[tokio::test]
async fn the_catalog_says_how_the_asker_is_known() {
    let s = small(&format!("anonymous = \"citizen\"\n[roles.citizen]\n{ROLES}"));
    let told = |a: Answer| a.json()["access"].clone();
    assert_eq!(told(get(&s.router, "/catalog").await), serde_json::json!({ "role": null }));
    assert_eq!(told(s.by(0, "/catalog").await), serde_json::json!({ "role": "staff" }));
    assert_eq!(told(s.by(1, "/catalog").await), serde_json::json!({ "role": "twin" }));
    assert_eq!(told(s.by(3, "/catalog").await), serde_json::json!({ "role": "staff" }), "whatever the scope");
}

#[tokio::test]
async fn tags_of_one_role_are_nothing_to_another() {
    let s = small(ROLES);
    let mut asked = 0;
    for path in [
        tile("lamp", 14, 0),
        "/collections/lamp/items".into(),
        "/tiles/lamp.json".into(),
        "/catalog".into(),
        "/tiles/lamp/14/0/0.mvt".into(),
    ] {
        let answers = [get(&s.router, &path).await, s.by(0, &path).await, s.by(1, &path).await];
        let tags: BTreeSet<&str> = answers.iter().map(|a| a.header("etag")).collect();
        assert_eq!(tags.len(), 3, "{path}: each has its own, whatever the bytes: {tags:?}");
        if path != "/catalog" {
            assert!(answers.iter().all(|a| a.body == answers[0].body), "{path}");
        }
        for (i, own) in answers.iter().enumerate() {
            for (j, theirs) in answers.iter().enumerate() {
                let mut headers = vec![("if-none-match", theirs.header("etag"))];
                headers.extend((i > 0).then(|| ("x-api-key", s.keys[i - 1].as_str())));
                let a = ask(&s.router, Method::GET, &path, &headers).await;
                assert_eq!(a.status == 304, i == j, "{path}: {i} with the tag of {j}");
                assert_eq!(a.body.is_empty(), i == j || own.body.is_empty());
                asked += 1;
            }
        }
        assert_eq!(
            (answers[0].header("cache-control"), answers[0].header("vary")),
            ("public, max-age=0, must-revalidate", "accept-encoding")
        );
        for a in &answers[1..] {
            assert_eq!(a.header("cache-control"), "private, no-cache");
            assert_eq!(a.header("vary"), "accept-encoding, authorization, x-api-key");
        }
    }
    // A tag of what is hidden opens nothing, `*` neither.
    let hidden = s.by(0, &tile("pipe", 14, 0)).await;
    assert_eq!(hidden.status, 200);
    for tag in [hidden.header("etag"), "*"] {
        let a = ask(&s.router, Method::GET, &tile("pipe", 14, 0), &[("if-none-match", tag)]).await;
        assert_eq!(a.problem(), (404, "layer-not-found".into()));
        asked += 1;
    }
    println!("torture: tags of other roles: {asked} replays, 0 taken");
}

#[tokio::test]
async fn a_key_asks_for_what_its_scopes_say() {
    let s = small(ROLES);
    for (path, want) in [
        (tile("pipe", 14, 0), 200),
        ("/tiles/pipe.json".into(), 200),
        ("/catalog".into(), 200),
        ("/collections/pipe/items".into(), 403),
        ("/identify?lon=114.3&lat=34.8".into(), 403),
        ("/search?q=1".into(), 403),
        ("/owner?lon=114.3&lat=34.8".into(), 403),
        ("/3dtiles/pipe/tileset.json".into(), 403),
    ] {
        let a = s.by(3, &path).await;
        assert_eq!(a.status, want, "{path}");
        assert!(want == 200 || a.problem().1 == "scope-missing", "{path}");
    }
    let post = [("x-api-key", s.keys[3].as_str()), ("content-type", "text/csv")];
    assert_eq!(send(&s.router, Method::POST, "/owner", &post, "lon,lat\n1,2\n").await.problem().1, "scope-missing");
}

#[tokio::test]
async fn a_caller_carries_off_so_much_and_no_more() {
    let budget = "[area_budget]\ncells = 20\nwarn = 10\nwindow_s = 3600\n[roles.free]\nclearance = \"restricted\"\narea_budget_exempt = true\n";
    let s = small(&format!("{budget}{}", ROLES.replace("role = \"twin\"", "role = \"free\"")));
    for east in 0..40 {
        assert!(s.by(0, &tile("pipe", 13, east)).await.status < 300, "small scales are free");
    }
    assert!(s.by(0, &tile("pipe", 14, 0)).await.status < 300, "16 cells");
    assert!(s.by(0, &tile("pipe", 14, 0)).await.status < 300, "the same again");
    let (x, y) = super::city::tile_at(CORNER, 14);
    assert!(s.by(0, &format!("/tiles/pipe/16/{}/{}.mvt", 4 * x, 4 * y)).await.status < 300, "a cell of the same");
    let a = s.by(0, &tile("pipe", 14, 3)).await;
    assert_eq!(a.problem(), (429, "area-budget".into()));
    let seconds: u64 = a.header("retry-after").parse().unwrap();
    assert!((3000..=3600).contains(&seconds) && a.json()["retry_after_s"] == seconds);
    for east in 16..20 {
        assert!(s.by(0, &tile("pipe", 16, east)).await.status < 300, "{east}: one at a time there are four left");
    }
    assert_eq!(s.by(0, &tile("pipe", 18, 200)).await.status, 429);
    // Other ways to the same layer are the same purse.
    assert_eq!(s.by(0, "/collections/pipe/items?limit=400").await.status, 429);
    assert_eq!(s.by(0, "/collections/pipe/items/200").await.status, 429);
    assert_eq!(s.by(0, "/identify?lon=114.5&lat=34.85&radius_m=20&layers=pipe").await.status, 429);
    assert_eq!(s.by(0, "/search?q=211&layers=pipe").await.status, 429);
    assert_eq!(s.by(0, "/collections/pipe/items/1").await.status, 200, "where it has been it may be");
    // Another layer, another caller, one that is exempt.
    assert!(s.by(0, &tile("lamp", 18, 200)).await.status < 300);
    assert!(s.by(3, &tile("pipe", 18, 200)).await.status < 300);
    for east in 0..30 {
        assert!(s.by(1, &tile("pipe", 16, east)).await.status < 300);
    }
}

const AUDIT: &str = "[audit]\nfile = \"DIR/audit.log\"\nsummary_s = 3600\n";

#[tokio::test]
async fn reads_and_refusals_are_written_down() {
    let s = small(&format!("{AUDIT}{ROLES}"));
    s.by(0, &tile("pipe", 14, 0)).await;
    s.by(0, &tile("pipe", 14, 1)).await;
    s.by(0, &tile("lamp", 14, 0)).await;
    get(&s.router, &tile("lamp", 14, 0)).await;
    get(&s.router, &tile("pipe", 14, 0)).await;
    ask(&s.router, Method::GET, "/catalog", &[("x-api-key", "nonsense")]).await;
    get(&s.router, "/catalog?api_key=secret-of-mine").await;
    s.by(1, "/search?q=1").await;
    let kinds = |lines: &[Json]| lines.iter().map(|l| l["kind"].as_str().unwrap().to_string()).collect::<Vec<_>>();
    let lines = s.lines();
    assert_eq!(kinds(&lines), ["start", "config", "read", "read"], "{lines:?}");
    let route = "/tiles/{layers}/{z}/{x}/{y_mvt}";
    assert_eq!(
        lines[2],
        serde_json::json!({"kind": "read", "who": "key:a", "role": "staff", "what": route, "layer": "pipe"})
    );
    assert_eq!((lines[3]["who"].as_str(), lines[3]["layer"].as_str()), (Some("key:b"), Some("*")));
    // The end writes what was counted.
    s.app.stopped();
    let lines = s.lines();
    let denied: BTreeSet<&str> =
        lines.iter().filter(|l| l["kind"] == "denied").map(|l| l["what"].as_str().unwrap()).collect();
    let want =
        [format!("layer-not-found {route}"), "token-invalid /catalog".into(), "credential-in-url /catalog".into()];
    assert_eq!(denied, want.iter().map(String::as_str).collect());
    let more = lines.iter().find(|l| l["kind"] == "read" && l["count"] == 1).expect("the second read");
    assert_eq!(more["who"], "key:a");
    let text = std::fs::read_to_string(s.log()).unwrap();
    assert!(s.keys.iter().all(|k| !text.contains(&k[3..20])) && !text.contains("secret-of-mine"));
    assert!(audit::verify(&s.log(), None).is_ok());
}

#[tokio::test]
async fn what_cannot_be_written_down_is_not_served() {
    let s = small(&format!("{AUDIT}{ROLES}"));
    assert_eq!(s.by(0, &tile("pipe", 14, 0)).await.status, 200);
    let away = s.dir.path().join("away");
    std::fs::rename(s.log(), &away).unwrap();
    assert_eq!(s.by(1, &tile("pipe", 14, 0)).await.problem(), (503, "audit-unavailable".into()));
    assert_eq!(s.by(0, &tile("pipe", 14, 0)).await.status, 503, "nor what would only be counted");
    assert_eq!(s.by(0, "/search?q=1").await.status, 503);
    assert_eq!(s.by(0, &tile("lamp", 14, 0)).await.status, 200, "what everybody may see goes on");
    assert_eq!(get(&s.router, &tile("lamp", 14, 0)).await.status, 200);
    std::fs::rename(&away, s.log()).unwrap();
    assert_eq!(s.by(0, &tile("pipe", 14, 0)).await.status, 200);
    assert!(audit::verify(&s.log(), None).is_ok());
}

#[tokio::test]
async fn a_start_tells_of_other_rules_and_refuses_a_changed_log() {
    let (dir, options, _, _) = prepared(&format!("{AUDIT}{ROLES}"));
    let log = dir.path().join("audit.log");
    let kinds = || {
        let text = std::fs::read_to_string(&log).unwrap();
        let kind = |l: &str| serde_json::from_str::<Json>(l).unwrap()["kind"].as_str().unwrap().to_string();
        text.lines().map(kind).collect::<Vec<_>>()
    };
    drop(App::open(&options).unwrap());
    drop(App::open(&options).unwrap());
    assert_eq!(kinds(), ["start", "config", "start"]);
    let mut other = options.clone();
    other.access.as_mut().unwrap().roles.get_mut("staff").unwrap().deny = vec!["lamp".into()];
    drop(App::open(&other).unwrap());
    assert_eq!(kinds()[3..], ["start", "config"]);
    let text = std::fs::read_to_string(&log).unwrap();
    std::fs::write(&log, text.replacen("start", "stark", 1)).unwrap();
    let e = App::open(&options).err().unwrap();
    assert!(e.exit_code() == 78 && e.to_string().contains("audit.log:2"), "{e}");
}

#[tokio::test]
async fn a_file_of_keys_takes_keys_away_without_a_new_start() {
    let (dir, mut options, keys, _) = prepared(
        "[roles.staff]\nclearance = \"restricted\"\n[[keys]]\nid = \"a\"\nrole = \"staff\"\nhash = \"KEY0\"\n",
    );
    let file = dir.path().join("keys.toml");
    let access = options.access.as_mut().unwrap();
    let entry = format!("[[keys]]\nid = \"filed\"\nrole = \"staff\"\nhash = {:?}\n", access.keys.remove(0).hash);
    access.keys_file = Some(file.clone());
    std::fs::write(&file, &entry).unwrap();
    let app = App::open(&options).unwrap();
    let router = app.router();
    let status = async || ask(&router, Method::GET, "/collections/pipe", &[("x-api-key", &keys[0])]).await.status;
    assert_eq!(status().await, 200);
    std::fs::write(&file, "[[keys]]\nid = 7\n").unwrap();
    app.look_after();
    assert_eq!(status().await, 200, "what is wrong is not taken");
    std::fs::write(&file, "").unwrap();
    app.look_after();
    assert_eq!(status().await, 401);
    std::fs::write(&file, entry + "# again\n").unwrap();
    app.look_after();
    assert_eq!(status().await, 200);
}

#[test]
fn settings_that_cannot_work_end_the_start() {
    for (access, what) in [
        ("anonymous = \"nobody\"", "no role nobody"),
        ("[roles.\"a b\"]", "letters"),
        ("[roles.a]\nallow = [\"nothing\"]", "no layer nothing"),
        ("[roles.a]\ndeny = [\"theme:nothing\"]", "no theme nothing"),
        ("[roles.a.fields.lamp]\nallow = [\"nothing\"]", "no field nothing"),
        ("[[roles.a.rows]]\nlayers = [\"lamp\"]\nfield = \"nothing\"\nvalues = [1]", "no field nothing"),
        ("[[roles.a.rows]]\nlayers = [\"lamp\"]\nfield = \"code\"", "belong together"),
        ("[[roles.a.rows]]\nfield = \"code\"\nvalues = [1]", "which layers"),
        ("[[roles.a.rows]]\nlayers = [\"lamp\"]", "a rule asks"),
        ("[[roles.a.rows]]\narea = \"DIR/none.geojson\"", "not found"),
        ("[[roles.a.rows]]\narea = \"DIR/store/CURRENT\"", "no JSON"),
        ("[[roles.a.rows]]\nunits = { layer = \"none\", field = \"code\", values = [1] }", "no layer none"),
        ("[area_budget]\ncells = 0", "at least 1"),
        ("[audit]\nfile = \"DIR/none/audit.log\"", "not found"),
        ("[[keys]]\nid = \"a\"\nrole = \"a\"\nhash = \"KEY0\"", "no role a"),
    ] {
        let (_dir, options, _, _) = prepared(access);
        let e = App::open(&options).err().unwrap_or_else(|| panic!("{access} is accepted"));
        assert!(e.to_string().contains(what) && [66, 78].contains(&e.exit_code()), "{access}: {e}");
    }
    for unknown in ["role = 1", "[roles.a]\nclearence = \"public\"", "[roles.a]\nclearance = \"secret\""] {
        assert!(toml::from_str::<Declared>(unknown).is_err(), "{unknown}");
    }
}
