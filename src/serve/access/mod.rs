//! Who asks: a request's credential → a caller with a role's audience. What a role may see is `audience`'s business; here is how
//! one is known: API keys, signed tokens, nothing. Beside it what is written down of callers, and how much they may carry off.

mod budget;
mod declared;
mod jwks;
mod keys;
mod record;
mod roles;
mod scope;
mod token;
mod watch;

pub use budget::{Budget, Spent, cell_of, cells_of};
pub use declared::Declared;
pub use keys::make as make_key;
pub use record::{Deed, Recorder};
pub use roles::finding;
pub use scope::permits;

use super::problem::Problem;
use crate::audience::{Audience, Policy};
use crate::audit::Event;
use crate::error::{Error, Result};
use crate::layer::Catalog;
use arc_swap::ArcSwap;
use axum::http::{HeaderMap, Uri, header};
use keys::Keys;
use scope::Scopes;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;
use token::{Refused, Tokens};
use watch::{Watched, changed, stamp};

pub use watch::{Stamp, stamp as stamp_of};

const KEY_HEADER: &str = "x-api-key";
/// Parameters that clients put credentials into where others take them there.
const CREDENTIAL_PARAMETERS: [&str; 9] =
    ["access_token", "api_key", "apikey", "api-key", "x-api-key", "token", "jwt", "bearer", "authorization"];
/// Who comes without a credential. Callers with one have a colon in their name.
const ANONYMOUS: &str = "anonymous";

/// The address of a connection's other end, beside its requests.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub IpAddr);

/// Who asks.
#[derive(Debug, Clone)]
pub struct Caller {
    /// `key:ID`, `sub:DIGEST`, `anonymous`.
    pub who: Arc<str>,
    /// Not yet before a city.
    pub audience: Audience,
    scopes: Scopes,
    /// Whose area budget it spends.
    pub purse: Arc<str>,
}

impl Caller {
    pub fn role(&self) -> &str {
        self.audience.policy().map_or("", |p| &p.role)
    }

    /// Whether it came with a credential.
    pub fn is_known(&self) -> bool {
        &*self.who != ANONYMOUS
    }

    fn named(who: &Arc<str>, audience: &Audience, scopes: Scopes) -> Caller {
        Caller { who: Arc::clone(who), audience: audience.clone(), scopes, purse: Arc::clone(who) }
    }
}

/// Everything that decides who a caller is.
pub struct Access {
    /// Without `[access]` credentials are not looked at.
    configured: bool,
    declared: Declared,
    anonymous: Caller,
    roles: BTreeMap<String, Arc<Policy>>,
    audiences: BTreeMap<String, Audience>,
    keys: ArcSwap<Keys>,
    tokens: Option<Tokens>,
    pub budget: Option<Budget>,
    pub recorder: Arc<Recorder>,
    watched: Mutex<Watched>,
}

impl Access {
    /// Everybody is this audience.
    pub fn of_all(audience: Audience) -> Access {
        Access {
            configured: false,
            declared: Declared::default(),
            anonymous: Caller::named(&ANONYMOUS.into(), &audience, None),
            roles: BTreeMap::new(),
            audiences: BTreeMap::new(),
            keys: ArcSwap::from_pointee(Keys::default()),
            tokens: None,
            budget: None,
            recorder: Arc::default(),
            watched: Mutex::default(),
        }
    }

    /// Reads all that `[access]` names; `file`: where it stands.
    ///
    /// # Errors
    /// `Config` with what is wrong, `Missing` or `Io` of a file.
    pub fn new(declared: &Declared, file: &Path) -> Result<Access> {
        Access::build(declared, file, Arc::new(Recorder::open(declared.audit.as_ref())?))
    }

    /// What other settings come to, with the same log, and with what callers have spent and which keys were fetched so far.
    ///
    /// # Errors
    /// As `new`; another audit log takes a restart.
    pub fn renewed(&self, declared: &Declared, file: &Path) -> Result<Access> {
        if declared.audit != self.declared.audit {
            return Err(Error::config(file, 0, "access.audit: another log takes a restart"));
        }
        let mut new = Access::build(declared, file, Arc::clone(&self.recorder))?;
        if let (Some(budget), Some(before)) = (&mut new.budget, &self.budget) {
            budget.goes_on_from(before);
        }
        if let (Some(tokens), Some(before)) = (&new.tokens, &self.tokens) {
            tokens.goes_on_from(before);
        }
        Ok(new)
    }

    fn build(declared: &Declared, file: &Path, recorder: Arc<Recorder>) -> Result<Access> {
        let roles = roles::policies(declared, file)?;
        let audiences: BTreeMap<String, Audience> =
            roles.iter().map(|(name, p)| (name.clone(), Audience::of(Arc::clone(p)))).collect();
        let anonymous = match &declared.anonymous {
            None => Audience::PUBLIC,
            Some(role) => audiences
                .get(role)
                .cloned()
                .ok_or_else(|| Error::config(file, 0, format!("access: anonymous: there is no role {role}")))?,
        };
        let budget = declared.area_budget.as_ref();
        if budget.is_some_and(|b| b.cells == 0 || b.window_s == 0) {
            return Err(Error::config(file, 0, "access.area_budget: cells and window_s are at least 1"));
        }
        // Before they are read: what changes meanwhile is read again.
        let jwks = declared.jwt.as_ref().and_then(|jwt| jwt.jwks.as_deref());
        let watched = Watched {
            keys: declared.keys_file.as_deref().and_then(stamp),
            jwks: jwks.and_then(stamp),
            ..Watched::default()
        };
        Ok(Access {
            configured: true,
            keys: ArcSwap::from_pointee(keys::read(&declared.keys, declared.keys_file.as_deref(), &roles, file)?),
            tokens: declared.jwt.as_ref().map(|jwt| Tokens::new(jwt, &roles, file)).transpose()?,
            budget: budget.map(Budget::new),
            recorder,
            declared: declared.clone(),
            roles,
            audiences,
            watched: Mutex::new(watched),
            ..Access::of_all(anonymous)
        })
    }

    /// Whether a credential makes a difference.
    pub fn looks_at_credentials(&self) -> bool {
        self.configured
    }

    pub fn policies(&self) -> Vec<Arc<Policy>> {
        self.roles.values().cloned().collect()
    }

    /// What the roles name that the catalog does not have.
    pub fn contradictions(&self, catalog: &Catalog) -> Vec<String> {
        roles::contradictions(self.roles.values(), catalog)
    }

    /// Who sends this request.
    ///
    /// # Errors
    /// 400 of a credential in the address, 401 of one that is none, 403 where it names no role or not this route.
    pub fn caller(&self, headers: &HeaderMap, uri: &Uri, route: &str, peer: Option<Peer>) -> Result<Caller, Problem> {
        let found = self.found(headers, uri, peer);
        let found = found.and_then(|caller| match permits(&caller.scopes, route) {
            true => Ok(caller),
            false => {
                self.deny(&caller, "scope-missing", route);
                Err(Problem::new(403, "scope-missing", "this key may not ask for this"))
            }
        });
        found.inspect_err(|p| {
            if p.code != "scope-missing" {
                self.deny(&self.anonymous, p.code, route);
            }
        })
    }

    /// A refusal, for the log.
    pub fn deny(&self, caller: &Caller, why: &str, what: &str) {
        if self.recorder.log().is_none() {
            return;
        }
        self.recorder.denied(Deed {
            kind: "denied",
            who: caller.who.to_string(),
            role: caller.role().to_string(),
            what: format!("{why} {what}"),
            layer: String::new(),
        });
    }

    fn found(&self, headers: &HeaderMap, uri: &Uri, peer: Option<Peer>) -> Result<Caller, Problem> {
        if !self.configured {
            return Ok(self.anonymous.clone());
        }
        if uri.query().is_some_and(has_credential) {
            let what = "credentials belong in a header: addresses are written to logs and handed on";
            return Err(Problem::bad_request("credential-in-url", what));
        }
        let mut given = headers.get_all(header::AUTHORIZATION).iter().map(|v| (true, v));
        let mut keys = headers.get_all(KEY_HEADER).iter().map(|v| (false, v));
        let credential = match (given.next().or_else(|| keys.next()), given.next().or_else(|| keys.next())) {
            (None, _) => return Ok(self.nobody(peer)),
            (Some(one), None) => one,
            (Some(_), Some(_)) => return Err(invalid()),
        };
        let text = credential.1.to_str().map_err(|_| invalid())?;
        let text = if credential.0 { bearer(text).ok_or_else(invalid)? } else { text };
        match (!credential.0 || keys::looks_like_one(text), &self.tokens) {
            (true, _) => self.of_key(text),
            (false, Some(tokens)) => self.of_token(tokens, text),
            (false, None) => Err(invalid()),
        }
    }

    fn nobody(&self, peer: Option<Peer>) -> Caller {
        let purse = peer.filter(|_| self.budget.is_some()).map_or(String::new(), |Peer(ip)| budget::purse_of(ip));
        Caller { purse: purse.into(), ..self.anonymous.clone() }
    }

    fn of_key(&self, text: &str) -> Result<Caller, Problem> {
        let keys = self.keys.load();
        let known = keys.find(text, today()).map_err(|expired| if expired { self::expired() } else { invalid() })?;
        let audience = self.audiences.get(&known.role).ok_or_else(invalid)?;
        Ok(Caller::named(&known.who, audience, known.scopes.clone()))
    }

    fn of_token(&self, tokens: &Tokens, text: &str) -> Result<Caller, Problem> {
        let bearer = tokens.bearer(text).map_err(|refused| match refused {
            Refused::Invalid => invalid(),
            Refused::Expired => expired(),
            Refused::NoRole => Problem::new(403, "role-missing", "the token names no role that is known here"),
            Refused::NoKeys => {
                Problem::new(503, "identity-unavailable", "the keys that tokens are checked with are not there yet")
            }
        })?;
        let audience = self.audiences.get(&bearer.role).ok_or_else(invalid)?;
        Ok(Caller::named(&bearer.who.into(), audience, None))
    }

    /// Writes down that the server started, and whether with other rules than before.
    pub fn started(&self, snapshot: &str) -> Result<()> {
        let Some(log) = self.recorder.log() else { return Ok(()) };
        let before = log.last_detail("config")?;
        let what = format!("snapshot {snapshot}");
        self.recorder.now(&Event { kind: "start", what: &what, ..Event::default() })?;
        if before.as_deref() != Some(self.rules().as_str()) {
            self.ruled()?;
        }
        log.sync()
    }

    /// Writes down that these rules hold from now on.
    pub fn ruled(&self) -> Result<()> {
        self.recorder.now(&Event { kind: "config", detail: &self.rules(), ..Event::default() })
    }

    /// A digest of what roles may see, by which the log tells one set of rules from another.
    fn rules(&self) -> String {
        let mut digest = blake3::Hasher::new();
        for policy in self.roles.values() {
            digest.update(policy.tag.as_bytes()).update(&[0]);
        }
        digest.update(self.anonymous.audience.tag().as_bytes());
        format!("rules {}", &digest.finalize().to_hex().as_str()[..32])
    }

    /// Writes down that another snapshot is served.
    pub fn swapped(&self, snapshot: &str) {
        let what = format!("snapshot {snapshot}");
        told(self.recorder.now(&Event { kind: "snapshot", what: &what, ..Event::default() }));
    }

    /// Looks after files and addresses, and writes the log's summary; called every second, may block for some.
    pub fn look_after(&self) {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(path) = &self.declared.keys_file
            && changed(&mut watched.keys, path)
        {
            match keys::read(&self.declared.keys, Some(path), &self.roles, path) {
                Ok(keys) => {
                    self.keys.store(Arc::new(keys));
                    tracing::info!("the file of API keys was read again");
                    let event = Event { kind: "key", what: "file of keys read again", ..Event::default() };
                    told(self.recorder.now(&event));
                }
                Err(error) => tracing::error!(%error, "the file of API keys is wrong; the keys before it hold on"),
            }
        }
        if let Some(tokens) = &self.tokens {
            watch::look_after_tokens(tokens, &mut watched);
        }
        drop(watched);
        told(self.recorder.summarise(false));
    }

    /// The server stops.
    pub fn ended(&self) {
        told(self.recorder.summarise(true));
        told(self.recorder.now(&Event { kind: "stop", ..Event::default() }));
        if let Some(log) = self.recorder.log() {
            told(log.sync());
            tracing::info!(head = %log.head(), "the audit log ends here");
        }
    }
}

fn told(written: Result<()>) {
    if let Err(error) = written {
        tracing::error!(%error, "the audit log cannot be written: restricted layers are refused");
    }
}

fn has_credential(query: &str) -> bool {
    form_urlencoded::parse(query.as_bytes()).any(|(name, value)| {
        let token = || value.starts_with("eyJ") && value.split('.').count() == 3;
        CREDENTIAL_PARAMETERS.iter().any(|p| name.eq_ignore_ascii_case(p)) || keys::looks_like_one(&value) || token()
    })
}

/// `Bearer …`, the scheme in any case.
fn bearer(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(rest.trim())
}

fn today() -> chrono::NaiveDate {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    chrono::DateTime::from_timestamp(since.as_secs() as i64, 0).unwrap_or_default().date_naive()
}

/// One answer for everything that is wrong with a credential.
fn invalid() -> Problem {
    Problem::new(401, "token-invalid", "the credential is not valid here")
}

fn expired() -> Problem {
    Problem::new(401, "token-expired", "the credential has expired")
}
