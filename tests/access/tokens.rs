//! Tokens: forty of them, each with what it comes to. And where their keys come from.

use super::city::CATALOG;
use super::common::web::{Answer, ask, get};
use axum::Router;
use axum::http::Method;
use chengtu::serve::{App, Declared, Options, Server};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Private keys made for these tests alone: PKCS #8, and PKCS #1 of RSA.
const ES: &[u8] = include_bytes!("keys/es256.der");
const ED: &[u8] = include_bytes!("keys/eddsa.der");
const RS: &[u8] = include_bytes!("keys/rs256.der");

fn key(algorithm: Algorithm) -> EncodingKey {
    match algorithm {
        Algorithm::ES256 => EncodingKey::from_ec_der(ES),
        Algorithm::EdDSA => EncodingKey::from_ed_der(ED),
        _ => EncodingKey::from_rsa_der(RS),
    }
}

/// The public keys: `es`, `ed`, and `rs` where it is wanted.
fn jwks(with: &[(&str, Algorithm)]) -> String {
    let jwk = |(kid, algorithm): &(&str, Algorithm)| {
        let mut jwk = Jwk::from_encoding_key(&key(*algorithm), *algorithm).unwrap();
        jwk.common.key_id = Some(kid.to_string());
        jwk
    };
    serde_json::to_string(&JwkSet { keys: with.iter().map(jwk).collect() }).unwrap()
}

fn now() -> i64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() as i64
}

fn claims() -> Value {
    json!({"iss": "https://id.example", "aud": "chengtu", "sub": "u-17", "exp": now() + 600, "role": "gov"})
}

/// The claims with some members put in place or, as null, taken out.
fn with(change: Value) -> Value {
    let mut claims = claims();
    for (name, value) in change.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            v => claims[name] = v.clone(),
        }
    }
    claims
}

fn header(algorithm: Algorithm, kid: Option<&str>) -> Header {
    Header { kid: kid.map(String::from), ..Header::new(algorithm) }
}

fn signed(header: &Header, claims: &Value) -> String {
    encode(header, claims, &key(header.alg)).unwrap()
}

fn es(claims: &Value) -> String {
    signed(&header(Algorithm::ES256, Some("es")), claims)
}

/// A token of parts as they are.
fn raw(header: &Value, claims: &Value, signature: &str) -> String {
    let b64 = |v: &Value| base64(v.to_string().as_bytes());
    format!("{}.{}.{signature}", b64(header), b64(claims))
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digits = |c: &[u8]| {
        let n =
            (u32::from(c[0]) << 16) | (u32::from(*c.get(1).unwrap_or(&0)) << 8) | u32::from(*c.get(2).unwrap_or(&0));
        (0..=c.len()).map(|i| DIGITS[((n >> (18 - 6 * i)) & 63) as usize] as char).collect::<String>()
    };
    bytes.chunks(3).map(digits).collect()
}

struct House {
    dir: tempfile::TempDir,
    options: Options,
}

/// A store that knows its catalog and holds nothing; who may see what is all that is asked of it.
fn house(jwt: &str) -> House {
    let dir = tempfile::tempdir().unwrap();
    let store = chengtu::store::Store::open(&dir.path().join("store"), true).unwrap();
    let mut draft = store.draft().unwrap();
    draft.manifest.catalog = draft.add_bytes(&CATALOG.to_json()).unwrap();
    draft.publish().unwrap();
    let set = jwks(&[("es", Algorithm::ES256), ("ed", Algorithm::EdDSA), ("rs", Algorithm::RS256)]);
    std::fs::write(dir.path().join("jwks.json"), set).unwrap();
    let text = format!(
        "[roles.gov]\nclearance = \"government\"\n[roles.top]\nclearance = \"personal\"\n[jwt]\nissuer = \"https://id.example\"\n\
         audience = \"chengtu\"\nalgorithms = [\"ES256\", \"EdDSA\"]\n{jwt}\n"
    );
    let access: Declared = toml::from_str(&text.replace("DIR", dir.path().to_str().unwrap())).unwrap();
    let options = Options {
        access: Some(access),
        workers: 2,
        listen: ([127, 0, 0, 1], 0).into(),
        ..Options::new(dir.path().join("store"))
    };
    House { dir, options }
}

async fn asked(router: &Router, token: &str) -> Answer {
    let bearer = format!("Bearer {token}");
    ask(router, Method::GET, "/catalog", &[("authorization", &bearer)]).await
}

/// How many layers a token shows, or what it is refused with.
async fn verdict(router: &Router, token: &str) -> Result<usize, (u16, String)> {
    let a = asked(router, token).await;
    match a.status {
        200 => Ok(a.json()["layers"].as_array().unwrap().len()),
        _ => Err(a.problem()),
    }
}

fn layers(most: chengtu::layer::Sensitivity) -> usize {
    CATALOG.iter().filter(|(_, l)| l.sensitivity <= most).count()
}

/// What a token is, the token, and the layers that it opens or the refusal.
type Vector<'a> = (&'a str, String, Result<usize, (u16, String)>);

#[tokio::test]
async fn forty_tokens_come_to_what_they_are() {
    use chengtu::layer::Sensitivity::{Government, Personal};
    let house = house("jwks = \"DIR/jwks.json\"");
    let router = App::open(&house.options).unwrap().router();
    let gov = || Ok(layers(Government));
    let err = |status, code: &str| Err((status, code.to_string()));
    let (invalid, expired, roleless) =
        (|| err(401, "token-invalid"), || err(401, "token-expired"), || err(403, "role-missing"));
    let good = es(&claims());
    let parts: Vec<&str> = good.split('.').collect();
    let flipped = |text: &str, at: usize| {
        let mut bytes = text.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    };
    let typed = |typ: &str| Header { typ: Some(typ.into()), ..header(Algorithm::ES256, Some("es")) };
    let ed = signed(&header(Algorithm::EdDSA, Some("ed")), &claims());
    let none = |alg: &str| raw(&json!({"alg": alg, "typ": "JWT", "kid": "es"}), &claims(), "");
    // The public key as the secret of a symmetric algorithm: what "RS to HS" confusion would take.
    let public = jwks(&[("es", Algorithm::ES256)]);
    let confused = |kid: &str| {
        let header = header(Algorithm::HS256, Some(kid));
        encode(&header, &claims(), &EncodingKey::from_secret(public.as_bytes())).unwrap()
    };
    let crit = Header { crit: Some(vec!["b64".into()]), ..header(Algorithm::ES256, Some("es")) };
    let cases: Vec<Vector> = vec![
        ("ES256", good.clone(), gov()),
        ("EdDSA", ed.clone(), gov()),
        ("no kid, one key of the algorithm", signed(&header(Algorithm::ES256, None), &claims()), gov()),
        ("another type of token", signed(&typed("at+jwt"), &claims()), gov()),
        ("several audiences, ours among them", es(&with(json!({"aud": ["other", "chengtu"]}))), gov()),
        ("several roles, one known", es(&with(json!({"role": ["nobody", "gov"]}))), gov()),
        ("several known roles: the first", es(&with(json!({"role": ["top", "gov"]}))), Ok(layers(Personal))),
        ("expired for 50 s", es(&with(json!({"exp": now() - 50}))), gov()),
        ("valid in 50 s", es(&with(json!({"nbf": now() + 50}))), gov()),
        ("issued long ago", es(&with(json!({"iat": 1}))), gov()),
        ("expired for 65 s", es(&with(json!({"exp": now() - 65}))), expired()),
        ("expired long ago", es(&with(json!({"exp": 1}))), expired()),
        ("valid in 120 s", es(&with(json!({"nbf": now() + 120}))), invalid()),
        ("no end", es(&with(json!({"exp": null}))), invalid()),
        ("an end that is a text", es(&with(json!({"exp": "tomorrow"}))), invalid()),
        ("another issuer", es(&with(json!({"iss": "https://id.example.evil"}))), invalid()),
        ("our issuer among others", es(&with(json!({"iss": ["https://id.example", "https://evil"]}))), invalid()),
        ("no issuer", es(&with(json!({"iss": null}))), invalid()),
        ("another audience", es(&with(json!({"aud": "other"}))), invalid()),
        ("no audience", es(&with(json!({"aud": null}))), invalid()),
        ("no subject", es(&with(json!({"sub": null}))), invalid()),
        ("an empty subject", es(&with(json!({"sub": ""}))), invalid()),
        ("no role", es(&with(json!({"role": null}))), roleless()),
        ("an unknown role", es(&with(json!({"role": "mayor"}))), roleless()),
        ("a role that is a number", es(&with(json!({"role": 7}))), roleless()),
        ("an algorithm that is not configured", signed(&header(Algorithm::RS256, Some("rs")), &claims()), invalid()),
        ("another key's name", signed(&header(Algorithm::ES256, Some("ed")), &claims()), invalid()),
        ("an unknown key", signed(&header(Algorithm::ES256, Some("../../etc/passwd")), &claims()), invalid()),
        ("none", none("none"), invalid()),
        ("None", none("None"), invalid()),
        ("nOnE with a signature", raw(&json!({"alg": "nOnE", "kid": "es"}), &claims(), parts[2]), invalid()),
        ("HS256 with the public key", confused("es"), invalid()),
        ("HS256 with no key's name", confused("none"), invalid()),
        ("a critical extension", signed(&crit, &claims()), invalid()),
        ("a type that is none of ours", signed(&typed("dpop+jwt"), &claims()), invalid()),
        (
            "changed claims",
            format!(
                "{}.{}.{}",
                parts[0],
                raw(&json!({}), &with(json!({"role": "top"})), "").split('.').nth(1).unwrap(),
                parts[2]
            ),
            invalid(),
        ),
        ("a changed signature", flipped(&good, good.len() - 20), invalid()),
        ("no signature", format!("{}.{}.", parts[0], parts[1]), invalid()),
        (
            "another token's signature",
            format!("{}.{}.{}", parts[0], parts[1], ed.split('.').nth(2).unwrap()),
            invalid(),
        ),
        ("9 KB", es(&with(json!({"more": "x".repeat(7000)}))), invalid()),
        ("not a token", "not.a.token".into(), invalid()),
        ("two parts", format!("{}.{}", parts[0], parts[1]), invalid()),
        ("nothing", String::new(), invalid()),
    ];
    assert!(cases.len() >= 40);
    let mut bodies = std::collections::BTreeSet::new();
    for (what, token, want) in &cases {
        let a = asked(&router, token).await;
        assert_eq!(&verdict(&router, token).await, want, "{what}");
        if a.status == 401 {
            assert!(a.header("www-authenticate").starts_with("Bearer realm="), "{what}");
            assert_eq!(a.header("cache-control"), "no-store");
        }
        if a.status == 401 && a.problem().1 == "token-invalid" {
            bodies.insert(a.text().replace(a.header("x-request-id"), ""));
        }
    }
    assert_eq!(bodies.len(), 1, "one answer to all that is wrong: {bodies:?}");
    println!("torture: tokens: {} as labelled", cases.len());
}

#[tokio::test]
async fn a_nested_claim_and_the_providers_own_names() {
    let more = "jwks = \"DIR/jwks.json\"\nrole_claim = \"realm.roles\"\nroles = { \"国土局\" = \"gov\" }";
    let house = house(more);
    let router = App::open(&house.options).unwrap().router();
    let gov = layers(chengtu::layer::Sensitivity::Government);
    let nested = es(&with(json!({"role": null, "realm": {"roles": ["x", "国土局"]}})));
    assert_eq!(verdict(&router, &nested).await, Ok(gov));
    // What is mapped is all there is: a provider's role that happens to be called like one of ours is nobody.
    let own = es(&with(json!({"realm": {"roles": ["top"]}})));
    assert_eq!(verdict(&router, &own).await, Err((403, "role-missing".into())));
    drop(house.dir);
}

/// Serves a body to whoever connects, so often, and ends.
fn provider(bodies: Vec<String>) -> (std::net::SocketAddr, std::thread::JoinHandle<()>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = move || {
        for body in bodies {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(format!("{head}{body}").as_bytes());
        }
    };
    (address, std::thread::spawn(serve))
}

#[tokio::test]
async fn keys_are_fetched_beside_the_requests() {
    let set = jwks(&[("es", Algorithm::ES256)]);
    // Nonsense first: nothing is taken from it, and it is tried again.
    let (address, serving) = provider(vec!["{\"keys\":[]}".into(), set]);
    let house = house(&format!("jwks_url = \"http://{address}/jwks\""));
    let app = App::open(&house.options).unwrap();
    let router = app.router();
    assert_eq!(verdict(&router, &es(&claims())).await, Err((503, "identity-unavailable".into())));
    assert_eq!(get(&router, "/catalog").await.status, 200, "nobody waits who brings no token");
    let server = Server::bind(app, &house.options).unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(server.run(async {
        let _ = stopped.await;
    }));
    let mut last = Err((0, String::new()));
    for _ in 0..300 {
        last = verdict(&router, &es(&claims())).await;
        if last.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(last, Ok(layers(chengtu::layer::Sensitivity::Government)));
    drop(stop);
    running.await.unwrap();
    serving.join().unwrap();
}

#[tokio::test]
async fn a_file_of_keys_is_read_again_when_it_changes() {
    let house = house("jwks = \"DIR/jwks.json\"");
    let app = App::open(&house.options).unwrap();
    let router = app.router();
    let file = house.dir.path().join("jwks.json");
    assert!(verdict(&router, &es(&claims())).await.is_ok());
    std::fs::write(&file, "{}").unwrap();
    app.look_after();
    assert!(verdict(&router, &es(&claims())).await.is_ok(), "what is none is not taken");
    std::fs::write(&file, jwks(&[("ed", Algorithm::EdDSA)])).unwrap();
    app.look_after();
    assert_eq!(verdict(&router, &es(&claims())).await, Err((401, "token-invalid".into())));
    assert!(verdict(&router, &signed(&header(Algorithm::EdDSA, Some("ed")), &claims())).await.is_ok());
}

#[test]
fn settings_that_cannot_work_end_the_start() {
    for (jwt, what) in [
        ("", "keep one"),
        ("jwks = \"DIR/jwks.json\"\njwks_url = \"https://id.example/jwks\"", "keep one"),
        ("jwks = \"DIR/none.json\"", "not found"),
        ("jwks_url = \"http://id.example/jwks\"", "https"),
        ("jwks = \"DIR/jwks.json\"\nleeway_s = 3600", "leeway_s"),
        ("jwks = \"DIR/jwks.json\"\nroles = { a = \"nobody\" }", "no role nobody"),
    ] {
        let house = house(jwt);
        let e = App::open(&house.options).err().expect(jwt);
        assert!(e.to_string().contains(what) && [66, 78].contains(&e.exit_code()), "{jwt}: {e}");
    }
    let mut house = house("jwks = \"DIR/jwks.json\"");
    house.options.access.as_mut().unwrap().jwt.as_mut().unwrap().algorithms = vec!["HS256".into()];
    assert_eq!(App::open(&house.options).err().unwrap().exit_code(), 78);
    assert!(Path::new(house.dir.path()).is_dir());
}

/// What `docs/access.md` shows is what the server takes, against the shipped catalog.
#[test]
fn the_documented_settings_are_taken() {
    #[derive(serde::Deserialize)]
    struct File {
        access: Declared,
    }
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/access.md")).unwrap();
    let blocks = text.split("```toml\n").skip(1).map(|b| b.split("```").next().unwrap());
    let file: File = toml::from_str(&blocks.collect::<String>()).unwrap();
    let mut house = house("jwks = \"DIR/jwks.json\"");
    let mut access = file.access;
    assert!(access.jwt.as_ref().unwrap().jwks_url.is_some() && access.area_budget.is_some());
    access.audit.as_mut().unwrap().file = house.dir.path().join("audit.log");
    house.options.access = Some(access);
    App::open(&house.options).unwrap_or_else(|e| panic!("{e}"));
}
