//! Rows 16, 17, 19, 23: what a credential comes to, and what is too much.

use super::common::web::Answer;
use super::table::is_problem;
use super::{ask, city, get};
use axum::Router;
use axum::http::Method;
use chengtu::serve::{App, Declared, Options, make_key};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::SystemTime;

/// A private key made for tests alone.
const KEY: &[u8] = include_bytes!("../access/keys/eddsa.der");

fn key() -> EncodingKey {
    EncodingKey::from_ed_der(KEY)
}

fn served(dir: &std::path::Path, more: &str) -> (Router, String) {
    let mut jwk = Jwk::from_encoding_key(&key(), Algorithm::EdDSA).unwrap();
    jwk.common.key_id = Some("ed".into());
    let file = dir.join("jwks.json");
    std::fs::write(&file, serde_json::to_vec(&JwkSet { keys: vec![jwk] }).unwrap()).unwrap();
    let (key, hash) = make_key().unwrap();
    let text = format!(
        "{more}[roles.gov]\nclearance = \"restricted\"\n[roles.plain]\n[[keys]]\nid = \"a\"\nrole = \"gov\"\nhash = {hash:?}\n\
         [jwt]\nissuer = \"https://id.example\"\naudience = \"chengtu\"\nalgorithms = [\"EdDSA\"]\njwks = {file:?}\n"
    );
    let access: Declared = toml::from_str(&text).unwrap();
    let options = Options { access: Some(access), workers: 1, ..Options::new(dir.to_path_buf()) };
    (App::open(&options).unwrap().router(), key)
}

fn token(kid: &str, change: Value) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() as i64;
    let mut claims =
        json!({"iss": "https://id.example", "aud": "chengtu", "sub": "u", "exp": now + 600, "role": "gov"});
    for (name, value) in change.as_object().unwrap() {
        // An end is so many seconds from now.
        claims[name] = if name == "exp" { json!(now + value.as_i64().unwrap()) } else { value.clone() };
    }
    encode(&Header { kid: Some(kid.into()), ..Header::new(Algorithm::EdDSA) }, &claims, &key()).unwrap()
}

async fn with(router: &Router, token: &str) -> Answer {
    ask(router, Method::GET, "/tiles/camera.json", &[("authorization", &format!("Bearer {token}"))]).await
}

#[tokio::test]
async fn a_token_holds_or_has_one_answer() {
    let dir = city::built();
    let (router, _) = served(dir.path(), "");
    // 16. Not at the very edge, which may pass while this runs.
    assert_eq!(with(&router, &token("ed", json!({"exp": -45}))).await.status, 200);
    let late = with(&router, &token("ed", json!({"exp": -61}))).await;
    is_problem(&late, "expired", 401, "token-expired");
    // 17.
    let good = token("ed", json!({}));
    let part = |i: usize| good.split('.').nth(i).unwrap();
    let none = "eyJhbGciOiJub25lIn0";
    let mut bodies = BTreeSet::new();
    for (what, bad) in [
        ("none", format!("{none}.{}.", part(1))),
        ("a bad signature", format!("{}.{}.{}", part(0), part(1), part(2).replace(&part(2)[9..12], "AAA"))),
        ("wrong audience", token("ed", json!({"aud": "other"}))),
        ("an unknown key", token("nobody", json!({}))),
        ("9 KB", token("ed", json!({"more": "x".repeat(7000)}))),
        ("an expired one with a bad signature", {
            let old = token("ed", json!({"exp": -9999}));
            format!("{}.{}", &old[..old.rfind('.').unwrap()], part(2))
        }),
    ] {
        let a = with(&router, &bad).await;
        is_problem(&a, what, 401, "token-invalid");
        assert_eq!(a.header("www-authenticate"), "Bearer realm=\"chengtu\", error=\"invalid_token\"");
        bodies.insert(a.text().replace(a.header("x-request-id"), ""));
    }
    assert_eq!(bodies.len(), 1, "one body for all: {bodies:?}");
}

#[tokio::test]
async fn tags_of_others_are_no_validators_and_open_nothing() {
    let dir = city::built();
    let (router, key) = served(dir.path(), "");
    // 19.
    let own = get(&router, &city::path("lamp", 14)).await;
    let theirs = ask(&router, Method::GET, &city::path("lamp", 14), &[("x-api-key", &key)]).await;
    assert_ne!(own.header("etag"), theirs.header("etag"));
    let replayed =
        ask(&router, Method::GET, &city::path("lamp", 14), &[("if-none-match", theirs.header("etag"))]).await;
    assert_eq!((replayed.status, &replayed.body), (200, &own.body));
    let hidden = ask(&router, Method::GET, &city::path("camera", 14), &[("x-api-key", &key)]).await;
    assert_eq!(hidden.status, 200);
    for tag in [hidden.header("etag"), "*"] {
        let a = ask(&router, Method::GET, &city::path("camera", 14), &[("if-none-match", tag)]).await;
        is_problem(&a, tag, 404, "layer-not-found");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn too_much_is_told_with_when_to_come_back() {
    let dir = city::built();
    // 23. There is no rate of requests: workers and their queue are bounded, and what is carried off.
    let budget = "area_budget = { cells = 4, warn = 3, window_s = 1000 }\n";
    let (router, key) = served(dir.path(), budget);
    let (x, y) = city::tile_at(city::CORNER, 16);
    let mut last = None;
    for i in 0..6 {
        let path = format!("/tiles/camera/16/{}/{y}.mvt", x + i);
        last = Some((i, ask(&router, Method::GET, &path, &[("x-api-key", &key)]).await));
        if last.as_ref().unwrap().1.status >= 400 {
            break;
        }
    }
    let (given, refused) = last.unwrap();
    assert_eq!(given, 4);
    is_problem(&refused, "the fifth cell", 429, "area-budget");
    let seconds: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=1000).contains(&seconds));

    let options = Options { workers: 1, queue: 0, ..Options::new(dir.path().to_path_buf()) };
    let router = App::open(&options).unwrap().router();
    let mut overloaded = None;
    // Rows of cold tiles, until two wanted the one worker at the same time.
    for round in 0..50 {
        let asks = (0..64).map(|i| {
            let (r, p) = (router.clone(), format!("/tiles/lamp,river/13/{}/3250.mvt", 64 * round + i));
            tokio::spawn(async move { get(&r, &p).await })
        });
        for a in asks.collect::<Vec<_>>() {
            let a = a.await.unwrap();
            overloaded = overloaded.or((a.status == 503).then_some(a));
        }
        if overloaded.is_some() {
            break;
        }
    }
    let refused = overloaded.expect("one was too many");
    is_problem(&refused, "a cold tile", 503, "overloaded");
    assert_eq!(refused.header("retry-after"), "1");
}
