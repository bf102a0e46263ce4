//! What access reads besides the settings, looked at every second: files by their stamps, an identity provider's keys by the clock.

use super::jwks::{self, Source};
use super::token::Tokens;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// A key that is not in the set may be a new one: the set is fetched again, but not at a stranger's pace.
const AGAIN: Duration = Duration::from_secs(30);
/// Between tries to fetch a first set of keys.
const FIRST: Duration = Duration::from_secs(5);

/// When files and addresses were last looked at.
#[derive(Default)]
pub struct Watched {
    pub keys: Option<Stamp>,
    pub jwks: Option<Stamp>,
    pub fetched: Option<Instant>,
}

/// Of a file as it is: when it was changed, its length, and which file it is.
pub type Stamp = (i64, i64, u64, u64);

/// Keys of tokens, from a file or an address.
pub fn look_after_tokens(tokens: &Tokens, watched: &mut Watched) {
    let renewed = match &tokens.source {
        Source::File(path) if changed(&mut watched.jwks, path) => {
            std::fs::read(path).map_err(|e| e.to_string()).and_then(|bytes| tokens.renew(&bytes))
        }
        Source::Address { url, every } => {
            let outdated = tokens.outdated.load(Ordering::Relaxed);
            let every = if !tokens.has_keys() {
                FIRST
            } else if outdated {
                AGAIN.min(*every)
            } else {
                *every
            };
            if watched.fetched.is_some_and(|at| at.elapsed() < every) {
                return;
            }
            watched.fetched = Some(Instant::now());
            jwks::fetch(url).and_then(|bytes| tokens.renew(&bytes))
        }
        Source::File(_) => return,
    };
    match renewed {
        Ok(()) => tracing::info!("the keys of tokens were read"),
        Err(error) => tracing::error!(error, "the keys of tokens cannot be read; those before hold on"),
    }
}

/// Whether a file is not the one of the stamp, which becomes its.
pub fn changed(stamp_before: &mut Option<Stamp>, path: &Path) -> bool {
    let now = stamp(path);
    let changed = now.is_some() && now != *stamp_before;
    if changed {
        *stamp_before = now;
    }
    changed
}

/// `None` where there is no such file.
pub fn stamp(path: &Path) -> Option<Stamp> {
    let about = std::fs::metadata(path).ok()?;
    Some((about.ctime(), about.ctime_nsec(), about.len(), about.ino()))
}
