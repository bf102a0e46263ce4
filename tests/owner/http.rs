//! `/owner` and `chengtu owner` on the small town.

use super::delivery::City;
use super::town::{at, town};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request};
use chengtu::serve::{App, Options};
use serde_json::{Value, json};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use tower::ServiceExt;

/// One town for all tests here: nobody changes it.
static TOWN: LazyLock<(City, Router, Router)> = LazyLock::new(|| {
    let city = town();
    let router = |open: bool| {
        let options = Options { open, batch_mb: 1, ..Options::new(city.store()) };
        App::open(&options).unwrap().router()
    };
    let (open, public) = (router(true), router(false));
    (city, open, public)
});

const COVER: &str = "cjt214-2007:component:0101";

struct Answer {
    status: u16,
    media_type: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }
}

async fn send(router: &Router, method: Method, path: &str, media_type: &str, body: impl Into<Body>) -> Answer {
    let request = Request::builder().method(method).uri(path).header("content-type", media_type);
    let response = router.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let media_type = parts.headers.get("content-type").map_or("", |v| v.to_str().unwrap()).to_string();
    let body = String::from_utf8(to_bytes(body, 1 << 26).await.unwrap().to_vec()).unwrap();
    Answer { status: parts.status.as_u16(), media_type, body }
}

async fn get(router: &Router, path: &str) -> Answer {
    send(router, Method::GET, path, "text/plain", Body::empty()).await
}

fn place(x: f64, y: f64) -> String {
    let [lon, lat] = at(x, y);
    format!("lon={lon}&lat={lat}")
}

#[tokio::test]
async fn a_coordinate_gets_its_one_unit_with_the_reason() {
    let (_, open, _) = &*TOWN;
    let a = get(open, &format!("/owner?{}&class={COVER}&component=4102020101000001", place(0.5, 0.5))).await;
    assert_eq!((a.status, a.media_type.as_str()), (200, "application/json"), "{}", a.body);
    let v = a.json();
    assert_eq!(v["outcome"], "RESOLVED");
    assert_eq!((&v["subject"]["id"], &v["subject"]["role"], &v["rule"]), (&json!("W1"), &json!("owner"), &json!("R1")));
    assert_eq!(v["policy"], "OWNER_THEN_TERRITORY");
    assert_eq!(v["territory"]["unit_grid"]["code"], "410202001001001");
    assert_eq!(v["territory"]["district"]["name"], "龙亭区");
    assert_eq!(v["component"]["match"], "id");
    assert_eq!(v["trail"].as_array().map(|t| t.len() > 5), Some(true));
    let snapshot = TOWN.0.current().unwrap();
    assert_eq!(v["snapshot"].as_str(), Some(snapshot.trim()));
    // Without a class: the grid's own body, else the street office.
    let v = get(open, &format!("/owner?{}&trail=false", place(1.5, 0.5))).await.json();
    assert_eq!(
        (&v["outcome"], &v["subject"]["id"], &v["trail"]),
        (&json!("RESOLVED_BY_GRID"), &json!("P1"), &Value::Null)
    );
    let v = get(open, &format!("/owner?{}", place(3.5, 0.5))).await.json();
    assert_eq!((&v["outcome"], &v["subject"]["id"]), (&json!("RESOLVED_FALLBACK"), &json!("S1")));
    // A class whose owner is not in the register.
    let v = get(open, &format!("/owner?{}&class={COVER}", place(2.5, 0.5))).await.json();
    assert_eq!((&v["rule"], &v["needs_ruling"]), (&json!("R6"), &json!(true)));
    assert_eq!(v["flags"], json!(["STORED_GRID_MISMATCH"]));
    let v = get(open, "/owner?lon=116.4&lat=39.9").await.json();
    assert_eq!((&v["outcome"], &v["subject"]), (&json!("OUT_OF_COVERAGE"), &Value::Null));
}

#[tokio::test]
async fn every_spelling_of_a_place_is_the_same_answer() {
    let (_, open, _) = &*TOWN;
    let p = at(0.5, 0.5);
    let plain = get(open, &format!("/owner?{}&class={COVER}&at=2026-11-20", place(0.5, 0.5))).await.body;
    for (code, name) in [(4490, "4490"), (4547, "EPSG:4547"), (4526, "epsg:4526"), (3857, "3857"), (4509, "4509")] {
        let [x, y] = chengtu::geo::Crs::from_epsg(code).unwrap().forward(p);
        let a = get(open, &format!("/owner?x={x}&y={y}&crs={name}&class={COVER}&at=2026-11-20")).await;
        assert_eq!(without_distance(&a.body), without_distance(&plain), "{code}");
    }
    for (shifted, name) in [(chengtu::geo::shift::to_gcj02(p), "GCJ02"), (chengtu::geo::shift::to_bd09(p), "BD09")] {
        let v = get(open, &format!("/owner?x={}&y={}&crs={name}&class={COVER}&at=2026-11-20", shifted[0], shifted[1]))
            .await
            .json();
        assert!(v["component"]["distance_m"].as_f64().unwrap() < 0.5, "{v}");
        assert_eq!(v["subject"]["id"], "W1");
    }
}

/// A millimetre more or less is the same place.
fn without_distance(json: &str) -> Value {
    let mut v: Value = serde_json::from_str(json).unwrap();
    v["component"]["distance_m"] = Value::Null;
    v["trail"] = Value::Null;
    v
}

#[tokio::test]
async fn wrong_questions_are_named_problems() {
    let (_, open, _) = &*TOWN;
    let [lon, lat] = at(0.5, 0.5);
    for (query, slug, code) in [
        (format!("lon={lat}&lat={lon}"), "invalid-input", "COORD_RANGE"),
        ("lon=abc&lat=34".into(), "invalid-input", "COORD_NOT_FINITE"),
        ("lon=NaN&lat=34".into(), "invalid-input", "COORD_NOT_FINITE"),
        ("x=1&y=2".into(), "invalid-input", "CRS_UNKNOWN"),
        (format!("x={lon}&y={lat}&crs=2361"), "invalid-input", "CRS_UNKNOWN"),
        (format!("lon={lon}&lat={lat}&class=x:component:0101"), "invalid-input", "SCHEME_UNKNOWN"),
        (format!("lon={lon}&lat={lat}&class=gbt47678.5-2026:01001"), "invalid-input", "CLASS_UNKNOWN"),
        (format!("lon={lon}&lat={lat}&component=1"), "invalid-input", "COMPONENT_ID_FORMAT"),
        (format!("lon={lon}&lat={lat}&at=noon"), "invalid-input", "TIME_FORMAT"),
        (format!("lon={lon}&lat={lat}&lon={lon}"), "repeated-parameter", ""),
        (format!("lon={lon}&lat={lat}&clas=0101"), "unknown-parameter", ""),
        (format!("lon={lon}&lat={lat}&urgent=maybe"), "invalid-parameter", ""),
        ("".into(), "invalid-input", "COORD_MISSING"),
    ] {
        let a = get(open, &format!("/owner?{query}")).await;
        let v = a.json();
        assert_eq!((a.status, v["type"].as_str()), (400, Some(format!("/problems/{slug}").as_str())), "{query}");
        if !code.is_empty() {
            assert_eq!((v["code"].as_str(), v["outcome"].as_str()), (Some(code), Some("INVALID_INPUT")), "{query}");
        }
        assert!(!a.body.contains("abc") && !a.body.contains("noon"), "input is not echoed: {}", a.body);
    }
}

#[tokio::test]
async fn persons_are_masked_and_hidden_layers_stay_hidden() {
    let (_, open, public) = &*TOWN;
    let query = format!("/owner?{}&class={COVER}", place(0.5, 0.5));
    let all = get(open, &query).await.json();
    assert_eq!((&all["subject"]["contact"], &all["subject"]["phone"]), (&json!("李四"), &json!("0371-55556666")));
    let some = get(public, &query).await;
    let v = some.json();
    assert_eq!((&v["outcome"], &v["subject"]["id"]), (&json!("RESOLVED"), &json!("W1")));
    assert!(v["territory"]["unit_grid"].is_null() && v["territory"]["community"]["code"] == "410202001001");
    for hidden in ["李四", "55556666", "410202001001001"] {
        assert!(!some.body.contains(hidden), "{hidden} in {}", some.body);
    }
}

/// Rows: good, out of the city, nonsense, good.
fn rows() -> Vec<Value> {
    let [lon, lat] = at(0.5, 0.5);
    vec![
        json!({ "id": "a,1", "lon": lon, "lat": lat, "class": COVER }),
        json!({ "id": 2, "lon": 116.4, "lat": 39.9 }),
        json!({ "id": "c", "lon": 400.0, "lat": lat }),
        json!({ "id": "d", "lon": at(1.5, 0.5)[0], "lat": lat }),
    ]
}

const OUTCOMES: [&str; 4] = ["RESOLVED", "OUT_OF_COVERAGE", "INVALID_INPUT", "RESOLVED_BY_GRID"];

#[tokio::test]
async fn batches_keep_order_and_answer_bad_rows_in_their_place() {
    let (_, open, _) = &*TOWN;
    let array = serde_json::to_string(&rows()).unwrap();
    let a = send(open, Method::POST, "/owner", "application/json", array).await;
    assert_eq!((a.status, a.media_type.as_str()), (200, "application/json"));
    let answers = a.json();
    let of = |v: &Value, key: &str| v.as_array().unwrap().iter().map(|r| r[key].clone()).collect::<Vec<_>>();
    assert_eq!(of(&answers, "outcome"), OUTCOMES);
    assert_eq!(of(&answers, "id"), [json!("a,1"), json!(2), json!("c"), json!("d")]);
    assert_eq!(answers[2]["error"]["code"], "COORD_RANGE");
    let lines: String =
        rows().iter().map(|r| format!("{r}\n")).collect::<String>() + "{\"id\":7,\n\nnonsense\n{\"id\":8,\"lonn\":1}\n";
    let a = send(open, Method::POST, "/owner?trail=true", "application/x-ndjson", lines).await;
    let answers: Vec<Value> = a.body.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let outcomes: Vec<&str> = answers.iter().map(|r| r["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes[..4], OUTCOMES);
    assert_eq!(outcomes[4..], ["INVALID_INPUT"; 3]);
    assert_eq!((&answers[6]["id"], &answers[6]["error"]["code"]), (&json!(8), &json!("ROW_FORMAT")));
    assert!(answers[0]["trail"].is_array());
}

#[tokio::test]
async fn batches_as_tables() {
    let (_, open, _) = &*TOWN;
    let [lon, lat] = at(0.5, 0.5);
    let table = format!(
        "\u{feff}ID,lon,lat,class\r\n\"a,1\",{lon},{lat},{COVER}\r\n2,116.4,39.9,\r\nc,400,{lat},\r\nd,{},{lat},\r\ne,1\r\n",
        at(1.5, 0.5)[0]
    );
    let a = send(open, Method::POST, "/owner", "text/csv; charset=utf-8", table).await;
    assert_eq!(a.status, 200, "{}", a.body);
    let mut reader = csv::Reader::from_reader(a.body.as_bytes());
    let head = reader.headers().unwrap().clone();
    let column = |name: &str| head.iter().position(|h| h == name).unwrap();
    let answers: Vec<csv::StringRecord> = reader.records().map(|r| r.unwrap()).collect();
    let of = |name: &str| answers.iter().map(|r| r[column(name)].to_string()).collect::<Vec<_>>();
    assert_eq!(of("id"), ["a,1", "2", "c", "d", "e"]);
    assert_eq!(of("outcome")[..4], OUTCOMES);
    assert_eq!(of("subject_id"), ["W1", "", "", "P1", ""]);
    assert_eq!(of("unit_grid")[0], "410202001001001");
    assert_eq!(of("component_code")[0], "4102020101000001");
    assert_eq!(of("error_code")[2..], ["COORD_RANGE", "", "ROW_FORMAT"]);
    // The address's parameters hold for all rows.
    let [x, y] = chengtu::geo::Crs::from_epsg(4547).unwrap().forward(at(0.5, 0.5));
    let a = send(open, Method::POST, "/owner?crs=4547&trail=true", "text/csv", format!("x,y\n{x},{y}\n")).await;
    assert!(a.body.contains("410202001001001") && a.body.lines().next().unwrap().ends_with(",trail"), "{}", a.body);
}

#[tokio::test]
async fn batches_that_cannot_be_read_are_refused_as_a_whole() {
    let (_, open, _) = &*TOWN;
    let big = "x".repeat((1 << 20) + 1);
    for (media_type, body, status, slug) in [
        ("text/plain", "lon,lat\n", 415, "unsupported-media-type"),
        ("text/csv", "lon,lattitude\n1,2\n", 400, "invalid-batch"),
        ("text/csv", "lon,lat,lon\n1,2,3\n", 400, "invalid-batch"),
        ("application/json", "[{}", 400, "invalid-batch"),
        ("application/json", "{}", 400, "invalid-batch"),
        ("text/csv", big.as_str(), 413, "batch-too-large"),
    ] {
        let a = send(open, Method::POST, "/owner", media_type, body.to_string()).await;
        let kind = format!("/problems/{slug}");
        assert_eq!(
            (a.status, a.json()["type"].as_str()),
            (status, Some(kind.as_str())),
            "{media_type} {}",
            &body[..body.len().min(20)]
        );
    }
    let a = send(open, Method::POST, "/owner?lon=114.3&lat=34.7", "text/csv", "lon,lat\n").await;
    assert_eq!((a.status, a.json()["type"].as_str()), (400, Some("/problems/invalid-parameter")));
    let a = send(open, Method::POST, "/owner", "application/json", "[]").await;
    assert_eq!((a.status, a.body.trim()), (200, "[]"));
    let a = send(open, Method::POST, "/owner", "application/x-ndjson", "").await;
    assert_eq!((a.status, a.body.as_str()), (200, ""));
}

#[test]
fn the_command_answers_a_person() {
    let (city, ..) = &*TOWN;
    let run = |arguments: &[&str]| {
        let out = Command::new(env!("CARGO_BIN_EXE_chengtu"))
            .args(["owner", "--store"])
            .arg(city.store())
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (out.status.code(), text(&out.stdout), text(&out.stderr))
    };
    let [lon, lat] = at(0.5, 0.5).map(|v| v.to_string());
    let (code, out, _) = run(&[&lon, &lat, "--class", COVER]);
    assert_eq!(code, Some(0));
    for words in ["RESOLVED", "供水公司", "权属单位", "410202001001001", "R1", "the component's owner"] {
        assert!(out.contains(words), "{words} in {out}");
    }
    let (code, out, _) = run(&[&lon, &lat, "--json"]);
    assert_eq!((code, serde_json::from_str::<Value>(&out).unwrap()["subject"]["id"].as_str()), (Some(0), Some("S1")));
    let (code, _, error) = run(&[&lat, &lon]);
    assert!(code == Some(64) && error.contains("swapped"), "{error}");
    city.write("points.csv", &format!("id,lon,lat\n1,{lon},{lat}\n"));
    let (code, out, _) = run(&["--file", &city.path("points.csv").to_string_lossy()]);
    assert!(code == Some(0) && out.lines().nth(1).unwrap().starts_with("1,RESOLVED_FALLBACK,S1,"), "{out}");
    assert_eq!(run(&["--file", "nowhere.csv"]).0, Some(66));
}
