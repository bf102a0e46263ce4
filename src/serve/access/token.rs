//! Signed tokens (JWT, RFC 7519) of an identity provider: whose key signed it, whether it holds here and now, which role it
//! names. The algorithm is the key's, never the token's choice.

use super::declared;
use super::jwks::{KeySet, Source};
use super::roles::{finding, is_name};
use crate::error::{Error, Finding, Result};
use arc_swap::ArcSwapOption;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Longest token that is read.
const MOST_BYTES: usize = 8192;
const ALGORITHMS: [Algorithm; 3] = [Algorithm::ES256, Algorithm::EdDSA, Algorithm::RS256];

/// Who a token says that its bearer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// `sub:` and a digest of issuer and subject: the log names nobody.
    pub who: String,
    pub role: String,
}

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    Invalid,
    Expired,
    /// It holds and names no role that is known here.
    NoRole,
    /// The keys of the identity provider have not been fetched yet.
    NoKeys,
}

pub struct Tokens {
    issuer: String,
    algorithms: Vec<Algorithm>,
    validation: Validation,
    claim: String,
    /// Of a claim's values, to roles that exist.
    roles: BTreeMap<String, String>,
    pub source: Source,
    keys: ArcSwapOption<KeySet>,
    /// A token named a key that is not in the set: the set may have been renewed.
    pub outdated: AtomicBool,
}

impl Tokens {
    /// # Errors
    /// `Config` naming everything that is wrong; `Missing` or `Io` of the file of keys.
    pub fn new<R>(jwt: &declared::Jwt, roles: &BTreeMap<String, R>, file: &Path) -> Result<Tokens> {
        let mut wrong: Vec<Finding> = vec![];
        let mut say = |what: String| wrong.push(finding(file, format!("access.jwt: {what}")));
        let known = |name: &String| Algorithm::from_str(name).ok().filter(|a| ALGORITHMS.contains(a));
        let algorithms: Vec<Algorithm> = jwt.algorithms.iter().filter_map(known).collect();
        if algorithms.is_empty() || algorithms.len() < jwt.algorithms.len() {
            say("algorithms are some of ES256, EdDSA, RS256".into());
        }
        if jwt.issuer.is_empty() || jwt.audience.is_empty() {
            say("issuer and audience must say something".into());
        }
        if jwt.leeway_s > 300 || jwt.refresh_s < 30 {
            say("leeway_s is at most 300, refresh_s at least 30".into());
        }
        for role in jwt.roles.values().filter(|r| !roles.contains_key(*r)) {
            say(format!("roles: there is no role {role}"));
        }
        let source = Source::of(jwt, &algorithms).map_err(&mut say).ok();
        let (Some(source), true) = (source, wrong.is_empty()) else { return Err(Error::Config(wrong)) };
        let mut map: BTreeMap<String, String> =
            if jwt.roles.is_empty() { roles.keys().map(|r| (r.clone(), r.clone())).collect() } else { BTreeMap::new() };
        map.extend(jwt.roles.clone());
        let mut validation = Validation::new(algorithms[0]);
        validation.leeway = jwt.leeway_s;
        validation.validate_nbf = true;
        validation.set_audience(&[&jwt.audience]);
        validation.set_issuer(&[&jwt.issuer]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        let tokens = Tokens {
            issuer: jwt.issuer.clone(),
            algorithms,
            validation,
            claim: jwt.role_claim.clone(),
            roles: map,
            source,
            keys: ArcSwapOption::empty(),
            outdated: AtomicBool::new(false),
        };
        if let Source::File(path) = &tokens.source {
            tokens
                .renew(&std::fs::read(path).map_err(|e| Error::io(path, e))?)
                .map_err(|w| Error::config(path, 0, w))?;
        }
        Ok(tokens)
    }

    /// Takes a set of keys; the old one stays where it cannot be read.
    pub fn renew(&self, jwks: &[u8]) -> std::result::Result<(), String> {
        let keys = KeySet::parse(jwks, &self.algorithms)?;
        self.keys.store(Some(Arc::new(keys)));
        self.outdated.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// Keys that were fetched from the same address, so that nobody waits for them anew.
    pub fn goes_on_from(&self, before: &Tokens) {
        if !self.has_keys() && self.source == before.source && self.algorithms == before.algorithms {
            self.keys.store(before.keys.load_full());
        }
    }

    pub fn has_keys(&self) -> bool {
        self.keys.load().is_some()
    }

    pub fn bearer(&self, token: &str) -> std::result::Result<Bearer, Refused> {
        if token.len() > MOST_BYTES {
            return Err(Refused::Invalid);
        }
        let header = decode_header(token).map_err(|_| Refused::Invalid)?;
        let kind = header.typ.as_deref().is_none_or(|t| ["jwt", "at+jwt"].iter().any(|k| t.eq_ignore_ascii_case(k)));
        let plain = header.crit.is_none() && header.enc.is_none() && header.zip.is_none();
        if !kind || !plain || !self.algorithms.contains(&header.alg) {
            return Err(Refused::Invalid);
        }
        let keys = self.keys.load();
        let keys = keys.as_ref().ok_or(Refused::NoKeys)?;
        let Some(key) = keys.find(header.kid.as_deref(), header.alg) else {
            self.outdated.store(true, Ordering::Relaxed);
            return Err(Refused::Invalid);
        };
        let validation = Validation { algorithms: vec![header.alg], ..self.validation.clone() };
        let claims = decode::<Value>(token, key, &validation).map_err(|e| match e.kind() {
            ErrorKind::ExpiredSignature => Refused::Expired,
            _ => Refused::Invalid,
        })?;
        self.named(&claims.claims)
    }

    fn named(&self, claims: &Value) -> std::result::Result<Bearer, Refused> {
        // The issuer as one text: a list that has it among others is somebody else's token.
        let subject = claims["sub"].as_str().filter(|s| !s.is_empty());
        let (Some(subject), Some(_)) = (subject, claims["iss"].as_str().filter(|i| *i == self.issuer)) else {
            return Err(Refused::Invalid);
        };
        let nested = || self.claim.split('.').try_fold(claims, |at, part| at.get(part));
        let claim = claims.get(&self.claim).or_else(nested).unwrap_or(&Value::Null);
        let names = match claim {
            Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
            other => other.as_str().into_iter().collect::<Vec<_>>(),
        };
        let role = names.into_iter().find_map(|n| self.roles.get(n)).ok_or(Refused::NoRole)?;
        let mut digest = blake3::Hasher::new();
        digest.update(self.issuer.as_bytes()).update(&[0]).update(subject.as_bytes());
        let who = format!("sub:{}", &digest.finalize().to_hex().as_str()[..32]);
        debug_assert!(is_name(role));
        Ok(Bearer { who, role: role.clone() })
    }
}
