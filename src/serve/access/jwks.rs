//! The public keys of an identity provider (JWK set, RFC 7517): from a file, or from an address, fetched in the background with
//! bounds on size and time.

use super::declared;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use std::path::PathBuf;
use std::time::Duration;
use ureq::tls::{RootCerts, TlsConfig};

const MOST_BYTES: u64 = 256 << 10;
const MOST_KEYS: usize = 64;
const TIMEOUT: Duration = Duration::from_secs(10);
/// Base64 digits of the modulus of a 2048-bit RSA key.
const LEAST_MODULUS: usize = 342;

/// Where the set comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    File(PathBuf),
    Address { url: String, every: Duration },
}

impl Source {
    pub fn of(jwt: &declared::Jwt, algorithms: &[Algorithm]) -> Result<Source, String> {
        if algorithms.is_empty() {
            return Err("without an algorithm no key fits".into());
        }
        match (&jwt.jwks, &jwt.jwks_url) {
            (Some(path), None) => Ok(Source::File(path.clone())),
            (None, Some(url)) if safe(url) => {
                Ok(Source::Address { url: url.clone(), every: Duration::from_secs(jwt.refresh_s) })
            }
            (None, Some(_)) => Err("jwks_url is an https address, or an http one of this machine itself".into()),
            _ => Err("keys come from jwks, a file, or from jwks_url: keep one".into()),
        }
    }
}

/// Nobody on the way may change what is fetched.
fn safe(url: &str) -> bool {
    let Ok(uri) = url.parse::<axum::http::Uri>() else { return false };
    let own = |host: &str| {
        let ip = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
        ip.is_ok_and(|ip| ip.is_loopback())
    };
    match (uri.scheme_str(), uri.host()) {
        (Some("https"), Some(_)) => true,
        (Some("http"), Some(host)) => own(host),
        _ => false,
    }
}

/// Fetches a set; blocks for some seconds at most.
pub fn fetch(url: &str) -> Result<Vec<u8>, String> {
    let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
    let config = ureq::Agent::config_builder().timeout_global(Some(TIMEOUT)).max_redirects(0).tls_config(tls).build();
    let agent = ureq::Agent::from(config);
    let mut answer = agent.get(url).call().map_err(|e| e.to_string())?;
    let body = answer.body_mut().with_config().limit(MOST_BYTES);
    body.read_to_vec().map_err(|e| e.to_string())
}

/// Keys that may have signed a token.
pub struct KeySet(Vec<(Option<String>, Algorithm, DecodingKey)>);

impl KeySet {
    /// The keys of a set that are of one of these algorithms; others are passed over. What is wrong with it, for people.
    pub fn parse(bytes: &[u8], algorithms: &[Algorithm]) -> Result<KeySet, String> {
        let set: JwkSet = serde_json::from_slice(bytes).map_err(|e| format!("it is no JWK set: {e}"))?;
        if set.keys.len() > MOST_KEYS {
            return Err(format!("a set has at most {MOST_KEYS} keys"));
        }
        let usable = |jwk: &Jwk| {
            let algorithm = algorithm(jwk).filter(|a| algorithms.contains(a))?;
            Some((jwk.common.key_id.clone(), algorithm, DecodingKey::from_jwk(jwk).ok()?))
        };
        let keys: Vec<_> = set.keys.iter().filter_map(usable).collect();
        match keys.is_empty() {
            true => Err("none of its keys is a public one of the configured algorithms".into()),
            false => Ok(KeySet(keys)),
        }
    }

    /// The key of this name and algorithm; without a name the only one of the algorithm.
    pub fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<&DecodingKey> {
        let mut fitting =
            self.0.iter().filter(|(name, a, _)| *a == algorithm && (kid.is_none() || name.as_deref() == kid));
        let key = fitting.next()?;
        fitting.next().is_none().then_some(&key.2)
    }
}

/// The one algorithm that a key signs with.
fn algorithm(jwk: &Jwk) -> Option<Algorithm> {
    let signs = jwk.common.public_key_use.as_ref().is_none_or(|u| *u == PublicKeyUse::Signature);
    let own = match &jwk.algorithm {
        AlgorithmParameters::EllipticCurve(p) if p.curve == EllipticCurve::P256 => Algorithm::ES256,
        AlgorithmParameters::OctetKeyPair(p) if p.curve == EllipticCurve::Ed25519 => Algorithm::EdDSA,
        AlgorithmParameters::RSA(p) if p.n.len() >= LEAST_MODULUS => Algorithm::RS256,
        _ => return None,
    };
    let declared = jwk.common.key_algorithm.is_none_or(|a| a.to_string() == format!("{own:?}"));
    (signs && declared).then_some(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_fetched_where_nobody_listens() {
        for (url, good) in [
            ("https://id.example/jwks.json", true),
            ("http://127.0.0.1:8000/jwks", true),
            ("http://[::1]/jwks", true),
            ("http://localhost/jwks", false),
            ("http://id.example/jwks", false),
            ("file:///etc/passwd", false),
            ("ftp://127.0.0.1/", false),
            ("jwks.json", false),
        ] {
            assert_eq!(safe(url), good, "{url}");
        }
    }

    #[test]
    fn only_public_keys_of_the_wanted_algorithms_are_taken() {
        let ed = r#"{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        let set = |keys: &str| KeySet::parse(format!("{{\"keys\":[{keys}]}}").as_bytes(), &[Algorithm::EdDSA]);
        let one = set(ed).unwrap();
        assert!(one.find(Some("a"), Algorithm::EdDSA).is_some() && one.find(None, Algorithm::EdDSA).is_some());
        assert!(one.find(Some("b"), Algorithm::EdDSA).is_none() && one.find(Some("a"), Algorithm::ES256).is_none());
        let two = set(&format!("{ed},{}", ed.replace("\"a\"", "\"b\""))).unwrap();
        assert!(two.find(None, Algorithm::EdDSA).is_none(), "which of the two is not said");
        for bad in [
            "",
            r#"{"kty":"oct","kid":"a","k":"AAAA"}"#,
            r#"{"kty":"RSA","kid":"a","n":"AQAB","e":"AQAB"}"#,
            &ed.replace("\"kid\"", "\"use\":\"enc\",\"kid\""),
            &ed.replace("\"kid\"", "\"alg\":\"RS256\",\"kid\""),
        ] {
            assert!(set(bad).is_err(), "{bad}");
        }
        assert!(KeySet::parse(b"[]", &[Algorithm::EdDSA]).is_err());
    }
}
