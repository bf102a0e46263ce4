//! Signed tokens and sets of keys from outside. A signature is what chance never finds, so a part of the inputs is signed here with
//! the key of a made identity provider: what stands behind the signature is reached too.

use super::city;
use axum::body::Body;
use axum::http::{HeaderValue, Request};
use chengtu::error::Error;
use chengtu::serve::{App, Declared, Options};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::Value;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;
use tower::ServiceExt;

/// A private key made for tests alone (PKCS #8).
const KEY: &[u8] = include_bytes!("../tests/access/keys/eddsa.der");
const ISSUER: &str = "https://id.example";
const LEEWAY_S: f64 = 60.0;

/// A server that takes the provider's tokens.
struct House {
    dir: tempfile::TempDir,
    app: Arc<App>,
    runtime: tokio::runtime::Runtime,
}

fn key() -> EncodingKey {
    EncodingKey::from_ed_der(KEY)
}

fn options(store: &Path, keys: &Path) -> Options {
    let text = format!(
        "[roles.gov]\nclearance = \"government\"\n[jwt]\nissuer = {ISSUER:?}\naudience = \"chengtu\"\n\
         algorithms = [\"EdDSA\", \"ES256\", \"RS256\"]\njwks = {keys:?}\nrole_claim = \"realm.roles\"\n"
    );
    let access: Declared = toml::from_str(&text).expect("settings");
    Options { access: Some(access), workers: 1, ..Options::new(store.to_path_buf()) }
}

fn house() -> &'static House {
    static HOUSE: OnceLock<House> = OnceLock::new();
    HOUSE.get_or_init(|| {
        let dir = city::built();
        let mut jwk = Jwk::from_encoding_key(&key(), Algorithm::EdDSA).expect("a public key");
        jwk.common.key_id = Some("ed".into());
        let keys = dir.path().join("jwks.json");
        std::fs::write(&keys, serde_json::to_vec(&JwkSet { keys: vec![jwk] }).expect("a set")).expect("writes");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let guard = runtime.enter();
        let app = App::open(&options(dir.path(), &keys)).expect("opens");
        drop(guard);
        House { dir, app, runtime }
    })
}

/// What the server says to a token; nothing where it cannot stand in a header.
fn status(token: &[u8]) -> Option<u16> {
    let value = HeaderValue::from_bytes(&[b"Bearer ", token].concat()).ok()?;
    let request = Request::builder().uri("/catalog").header("authorization", value).body(Body::empty());
    let house = house();
    let answer = house.runtime.block_on(house.app.router().oneshot(request.expect("a request"))).expect("an answer");
    Some(answer.status().as_u16())
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digits = |c: &[u8]| {
        let n = c.iter().chain([&0, &0]).take(3).fold(0, |n, b| (n << 8) | u32::from(*b));
        (0..=c.len()).map(|i| char::from(DIGITS[((n >> (18 - 6 * i)) & 63) as usize])).collect::<String>()
    };
    bytes.chunks(3).map(digits).collect()
}

/// The provider signs whatever it is given: `header\nclaims`.
fn signed(data: &[u8]) -> (String, &[u8]) {
    let mut parts = data.splitn(2, |b| *b == b'\n');
    let (header, claims) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let text = format!("{}.{}", base64(header), base64(claims));
    let signature = jsonwebtoken::crypto::sign(text.as_bytes(), &key(), Algorithm::EdDSA).expect("signs");
    (format!("{text}.{signature}"), claims)
}

/// Whether claims may open anything, written out again: from this provider, for us, of somebody, not ended, of a role.
fn may_open(claims: &[u8]) -> bool {
    let Ok(claims) = serde_json::from_slice::<Value>(claims) else { return false };
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs_f64();
    let has = |v: &Value, what: &str| *v == what || v.as_array().is_some_and(|all| all.iter().any(|v| v == what));
    let begun = claims["nbf"].as_f64().is_none_or(|from| from <= now + LEEWAY_S + 1.0);
    let role = claims.get("realm.roles").unwrap_or(&claims["realm"]["roles"]);
    claims["iss"] == ISSUER
        && has(&claims["aud"], "chengtu")
        && claims["sub"].as_str().is_some_and(|s| !s.is_empty())
        && claims["exp"].as_f64().is_some_and(|end| end >= now - LEEWAY_S - 1.0)
        && begun
        && has(role, "gov")
}

/// A token as it is, which nobody here has signed; one that the provider has; a set of keys. The first byte says which.
pub fn jwt(data: &[u8]) {
    let Some((first, rest)) = data.split_first().filter(|_| data.len() <= super::MOST_BYTES) else { return };
    match first % 3 {
        0 => {
            let Some(status) = status(rest) else { return };
            assert!([400, 401, 403].contains(&status), "{status} to what nobody signed");
        }
        1 => {
            let (token, claims) = signed(rest);
            let status = status(token.as_bytes()).expect("base64 can stand in a header");
            let expected = if may_open(claims) { &[200, 401, 403][..] } else { &[401, 403] };
            assert!(expected.contains(&status), "{status} to {}", String::from_utf8_lossy(rest));
        }
        _ => keys(rest),
    }
}

/// Whether what the provider signs of this seed opens the catalog.
pub fn opens(seed: &[u8]) -> bool {
    status(signed(&seed[1..]).0.as_bytes()) == Some(200)
}

/// A server starts with a set of keys, or says what is wrong with it.
fn keys(set: &[u8]) {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("jwks.json");
    std::fs::write(&file, set).expect("writes");
    let house = house();
    let _guard = house.runtime.enter();
    if let Err(e) = App::open(&options(house.dir.path(), &file)) {
        assert!(matches!(e, Error::Config(_)), "{e}");
    }
}
