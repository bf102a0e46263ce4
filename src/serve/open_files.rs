//! How many files the process may have open: as many as the system lets it, and told at the start where that is too few for
//! the connections that are allowed, since a server out of them cannot accept, nor read its store.

use crate::error::{Error, Result};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Snapshots whose files are open at the same time at most: those kept for viewers under way, and one being opened.
const SNAPSHOTS: u64 = crate::city::KEPT as u64 + 1;
/// The process's own: standard streams, the listener, the audit log, the runtime's, files that are looked into for a moment.
const OWN: u64 = 64;

/// Raises the limit to the highest that the system allows; the limit then, none where there is none.
fn raised() -> Option<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum && setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).is_err() {
        return current;
    }
    maximum
}

/// Raises the limit. `blobs`: files of the snapshot that is served.
///
/// # Errors
/// `Config` where the system allows fewer than the connections and the store may take together.
pub fn enough_for(connections: usize, blobs: usize) -> Result<()> {
    missing(raised(), connections as u64, blobs as u64)
        .map_or(Ok(()), |what| Err(Error::config("connections", 0, what)))
}

/// What there is too little of, for people.
fn missing(limit: Option<u64>, connections: u64, blobs: u64) -> Option<String> {
    let files = blobs.saturating_mul(SNAPSHOTS).saturating_add(OWN);
    let need = files.saturating_add(connections);
    let limit = limit.filter(|limit| need > *limit)?;
    let most = match limit.saturating_sub(files) {
        0 => String::new(),
        most => format!(", or allow at most {most} connections"),
    };
    Some(format!(
        "{connections} connections and a store of {blobs} files may need {need} open files, the system allows {limit}: raise \
         its limit (ulimit -n, LimitNOFILE){most}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_files_are_told_with_what_would_do() {
        assert_eq!(missing(None, 1 << 40, 5000), None);
        assert_eq!(missing(Some(4096 + 64 + 4 * 1000), 4096, 1000), None);
        let one_less = missing(Some(4096 + 64 + 4 * 1000 - 1), 4096, 1000).unwrap();
        assert!(one_less.contains("may need 8160") && one_less.ends_with("at most 4095 connections"), "{one_less}");
        let none = missing(Some(1024), 4096, 1000).unwrap();
        assert!(none.ends_with("LimitNOFILE)"), "no number of connections would do: {none}");
    }
}
