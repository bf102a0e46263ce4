//! The chain that the lines of an audit log make, and whether it is whole.

use super::head_path;
use crate::error::{Error, Result};
use serde_json::Value;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Where a log ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    pub lines: u64,
    /// BLAKE3 of the last line, 64 hexadecimal digits.
    pub digest: String,
}

impl Head {
    /// `LINES:DIGEST`, as `Report` writes it and as a head file begins.
    pub fn parse(text: &str) -> Option<Head> {
        let (lines, digest) = text.lines().next()?.trim().split_once(':')?;
        let hex = digest.len() == 64 && digest.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        Some(Head { lines: lines.parse().ok()?, digest: digest.to_string() }).filter(|_| hex)
    }
}

impl Head {
    /// Whether the log has had this end.
    fn is_in(&self, text: &[u8]) -> bool {
        let lines = usize::try_from(self.lines).unwrap_or(usize::MAX);
        match text.iter().filter(|b| **b == b'\n').count() < lines {
            _ if lines == 0 => self.digest == Link::FIRST.hex(),
            true => false,
            false => {
                let last = text.split(|b| *b == b'\n').take(lines).last();
                last.is_some_and(|line| blake3::hash(line).to_hex().as_str() == self.digest)
            }
        }
    }
}

impl std::fmt::Display for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.lines, self.digest)
    }
}

/// The second line of a head file: as far as the log was surely on disk, and in which run of the machine that was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Durable {
    pub head: Head,
    pub boot: String,
}

impl Durable {
    fn parse(text: &str) -> Option<Durable> {
        let (head, boot) = text.lines().nth(1)?.split_once(' ')?;
        Some(Durable { head: Head::parse(head)?, boot: boot.to_string() })
    }

    /// Whether its lines are there, and the machine was started again since: then those after them may be lost.
    pub fn is_kept_by(&self, text: &[u8], boot: &str) -> bool {
        !boot.is_empty() && self.boot != boot && self.head.is_in(text)
    }
}

/// A log that is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub head: Head,
}

/// What is wrong with a log, first of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Broken {
    /// From 1.
    pub line: usize,
    pub what: String,
}

/// The end of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Link {
    /// Number of the next line.
    pub next: u64,
    pub digest: [u8; 32],
    /// Digest of the line before the last.
    pub before: [u8; 32],
}

impl Link {
    pub const FIRST: Link = Link { next: 0, digest: [0; 32], before: [0; 32] };

    /// Behind line `number`, of these bytes without their end of line.
    pub fn of(number: u64, line: &[u8]) -> Link {
        Link { next: number + 1, digest: *blake3::hash(line).as_bytes(), before: [0; 32] }
    }

    pub fn hex(&self) -> String {
        hex(&self.digest)
    }

    /// The first line of a head file: always as long, so that it is overwritten in one write.
    pub fn head(&self) -> String {
        format!("{:020}:{}\n", self.next, self.hex())
    }

    /// The second, of a log that was made durable in this run of the machine.
    pub fn durable(&self, boot: &str) -> String {
        format!("{:020}:{} {boot}\n", self.next, self.hex())
    }
}

pub(super) fn hex(digest: &[u8; 32]) -> String {
    blake3::Hash::from_bytes(*digest).to_hex().to_string()
}

/// A line as JSON.
pub(super) fn parse(line: &[u8]) -> Option<Value> {
    serde_json::from_slice(line).ok().filter(Value::is_object)
}

/// The end of the chain that these lines continue from `last`.
pub(super) fn checked(text: &[u8], mut last: Link) -> std::result::Result<Link, Broken> {
    let Some(lines) = text.strip_suffix(b"\n") else {
        return match text.is_empty() {
            true => Ok(last),
            false => Err(Broken { line: 0, what: "its last line is not finished".into() }),
        };
    };
    for (i, line) in lines.split(|b| *b == b'\n').enumerate() {
        let broken = |what: &str| Broken { line: i + 1, what: what.to_string() };
        let value = parse(line).ok_or_else(|| broken("this line is no JSON object"))?;
        if value["seq"].as_u64() != Some(last.next) {
            return Err(broken("this line does not have the number that follows the one before it"));
        }
        if value["prev"].as_str() != Some(last.hex().as_str()) {
            return Err(broken("the line before this one is not the one that was written"));
        }
        last = Link { before: last.digest, ..Link::of(last.next, line) };
    }
    Ok(last)
}

/// What a head file says; none of one that is missing or empty.
pub(super) fn read_head(path: &Path) -> Result<Option<(Head, Option<Durable>)>> {
    match std::fs::read_to_string(path) {
        Ok(text) if text.is_empty() => Ok(None),
        Ok(text) => {
            let head = Head::parse(&text).map(|head| (head, Durable::parse(&text)));
            head.map(Some).ok_or_else(|| Error::config(path, 0, "it is no head of an audit log"))
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) if e.kind() == std::io::ErrorKind::InvalidData => {
            Err(Error::config(path, 0, "it is no head of an audit log"))
        }
        Err(e) => Err(Error::io(path, e)),
    }
}

/// Reads a log and its head file whole. With `earlier`, a head that was kept elsewhere, its line must be there too.
///
/// # Errors
/// `Data` naming the first line that is not as it was written, or what is missing at its end.
pub fn verify(path: &Path, earlier: Option<&Head>) -> Result<Report> {
    let io = |e| Error::io(path, e);
    let (mut file, mut text) = (File::open(path).map_err(io)?, vec![]);
    // Between a writer's line and its head the log would look too long.
    file.lock_shared().map_err(io)?;
    file.read_to_end(&mut text).map_err(io)?;
    let broken = |b: Broken| match b.line {
        0 => Error::Data(format!("{}: {}", path.display(), b.what)),
        line => Error::Data(format!("{}:{line}: {}", path.display(), b.what)),
    };
    let end = |what: String| broken(Broken { line: 0, what });
    let last = checked(&text, Link::FIRST).map_err(broken)?;
    let own = Head { lines: last.next, digest: last.hex() };
    match read_head(&head_path(path))? {
        Some((head, _)) if head == own => {}
        Some((head, _)) => {
            return Err(end(format!("it has {} lines, and its head file tells of {}", own.lines, head.lines)));
        }
        None if own.lines == 0 => {}
        None => return Err(end("its head file is missing: whether lines are missing at its end is not known".into())),
    }
    match earlier {
        Some(earlier) if earlier.lines == 0 || !earlier.is_in(&text) => {
            Err(end(format!("line {} is not the one of the head that was given", earlier.lines)))
        }
        _ => Ok(Report { head: own }),
    }
}
