//! API keys: 256 random bits, of which the server knows the BLAKE3 hash alone. As the keys are random, a plain hash is enough,
//! and a look-up by it tells no time.

use super::declared;
use super::roles::is_name;
use super::scope::{Scope, Scopes};
use crate::error::{Error, Result};
use chrono::NaiveDate;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

const PREFIX: &str = "ck_";
const HASH: &str = "blake3:";
/// Random bytes of a key.
const BYTES: usize = 32;

/// A key that is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// `key:ID`
    pub who: Arc<str>,
    pub role: String,
    pub scopes: Scopes,
    expires: Option<NaiveDate>,
}

/// All that are known, by their hash.
#[derive(Debug, Default, PartialEq)]
pub struct Keys(HashMap<[u8; 32], Known>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeysFile {
    #[serde(default)]
    keys: Vec<declared::Key>,
}

/// A new key and its hash.
///
/// # Errors
/// Where the system gives no random bytes.
pub fn make() -> Result<(String, String)> {
    let mut bytes = [0; BYTES];
    let failed = |e: getrandom::Error| Error::io("random bytes", std::io::Error::other(e.to_string()));
    getrandom::fill(&mut bytes).map_err(failed)?;
    let key = format!("{PREFIX}{}", blake3::Hash::from_bytes(bytes).to_hex());
    let hash = format!("{HASH}{}", blake3::hash(key.as_bytes()).to_hex());
    Ok((key, hash))
}

/// Whether a text looks like a key: it must never stand in an address.
pub fn looks_like_one(text: &str) -> bool {
    let hex = |rest: &str| rest.len() == 2 * BYTES && rest.bytes().all(|b| b.is_ascii_hexdigit());
    text.strip_prefix(PREFIX).is_some_and(hex)
}

/// The declared keys and those of a file.
///
/// # Errors
/// `Config` naming everything that is wrong.
pub fn read<R>(
    declared: &[declared::Key],
    keys_file: Option<&Path>,
    roles: &BTreeMap<String, R>,
    file: &Path,
) -> Result<Keys> {
    let mut keys = Keys::default();
    let mut wrong = vec![];
    let mut take = |all: &[declared::Key], from: &Path| {
        for key in all {
            if let Err(what) = keys.add(key, roles) {
                wrong.push(super::roles::finding(from, format!("key {:?}: {what}", key.id)));
            }
        }
    };
    take(declared, file);
    if let Some(path) = keys_file {
        let text = std::fs::read_to_string(path).map_err(|e| Error::io(path, e))?;
        let of: KeysFile = toml::from_str(&text).map_err(|e| {
            let line = e.span().map_or(0, |s| text[..s.start.min(text.len())].matches('\n').count() + 1);
            Error::config(path, line, e.message())
        })?;
        take(&of.keys, path);
    }
    match wrong.is_empty() {
        true => Ok(keys),
        false => Err(Error::Config(wrong)),
    }
}

impl Keys {
    fn add<R>(&mut self, key: &declared::Key, roles: &BTreeMap<String, R>) -> Result<(), String> {
        if !is_name(&key.id) {
            return Err("its id is up to 64 letters, digits, - and _".into());
        }
        let hash = key.hash.strip_prefix(HASH).and_then(|h| blake3::Hash::from_hex(h).ok());
        let hash = hash.ok_or("its hash is blake3: and 64 hexadecimal digits, as `chengtu key` prints")?;
        if !roles.contains_key(&key.role) {
            return Err(format!("there is no role {}", key.role));
        }
        let scope = |name: &String| {
            let names = Scope::ALL.map(Scope::name).join(", ");
            Scope::named(name).ok_or_else(|| format!("{name:?} is no scope; they are {names}"))
        };
        let scopes = key.scopes.as_ref().map(|all| all.iter().map(scope).collect()).transpose()?;
        let day = |text: &String| text.parse::<NaiveDate>().map_err(|_| "expires is a day: YYYY-MM-DD".to_string());
        let expires = key.expires.as_ref().map(day).transpose()?;
        let who: Arc<str> = format!("key:{}", key.id).into();
        if self.0.values().any(|k| k.who == who) {
            return Err("there is another key with this id".into());
        }
        let known = Known { who, role: key.role.clone(), scopes, expires };
        match self.0.insert(*hash.as_bytes(), known) {
            Some(_) => Err("its hash is that of another key".into()),
            None => Ok(()),
        }
    }

    /// The key that a text is; `Err(true)` when it has expired.
    pub fn find(&self, text: &str, today: NaiveDate) -> std::result::Result<&Known, bool> {
        let known = self.0.get(blake3::hash(text.as_bytes()).as_bytes()).ok_or(false)?;
        match known.expires.is_some_and(|last| today > last) {
            true => Err(true),
            false => Ok(known),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str, hash: &str) -> declared::Key {
        declared::Key { id: id.into(), hash: hash.into(), role: "gas".into(), scopes: None, expires: None }
    }

    fn read_all(keys: &[declared::Key]) -> Result<Keys> {
        read(keys, None, &BTreeMap::from([("gas".to_string(), ())]), Path::new("chengtu.toml"))
    }

    #[test]
    fn a_key_is_known_by_its_hash_until_its_day() {
        let (text, hash) = make().unwrap();
        assert!(looks_like_one(&text) && !looks_like_one(&hash) && !looks_like_one("ck_12"));
        assert_ne!(make().unwrap().0, text);
        let dated = declared::Key { expires: Some("2026-06-30".into()), ..key("a", &hash) };
        let keys = read_all(&[dated]).unwrap();
        let on = |day: &str| keys.find(&text, day.parse().unwrap()).map(|k| k.who.to_string());
        assert_eq!(on("2026-06-30"), Ok("key:a".into()));
        assert_eq!(on("2026-07-01"), Err(true));
        assert_eq!(keys.find("ck_other", "2026-01-01".parse().unwrap()), Err(false));
        assert_eq!(keys.find(&hash, "2026-01-01".parse().unwrap()), Err(false), "the hash is no key");
    }

    #[test]
    fn wrong_keys_are_named() {
        let hash = make().unwrap().1;
        for (keys, what) in [
            (vec![key("a b", &hash)], "id"),
            (vec![key("a", "12")], "hash"),
            (vec![declared::Key { role: "none".into(), ..key("a", &hash) }], "no role"),
            (vec![declared::Key { scopes: Some(vec!["all".into()]), ..key("a", &hash) }], "scope"),
            (vec![declared::Key { expires: Some("soon".into()), ..key("a", &hash) }], "YYYY"),
            (vec![key("a", &hash), key("b", &hash)], "another key"),
            (vec![key("a", &hash), key("a", &make().unwrap().1)], "another key"),
        ] {
            let e = read_all(&keys).unwrap_err();
            assert!(e.exit_code() == 78 && e.to_string().contains(what), "{e}");
        }
    }
}
