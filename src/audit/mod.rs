//! The audit log (审计日志): an append-only file of JSON lines, each with its number and the BLAKE3 digest of the line before it;
//! beside it, `FILE.head` has the number and digest of the last one, and of the last that is surely on disk. Lines that were changed, taken out, put in another order
//! or cut off are found (`verify`). Holds no tokens and no personal data: callers stand in it by the id of their key or
//! by a digest. Several processes may write: each takes the file's lock and reads on from where it was.
//! Nothing here hides from somebody who may write both files: keep copies of heads on another machine.

mod chain;

pub use chain::{Head, Report, verify};

use crate::error::{Error, Result};
use chain::{Link, parse};
use serde::Serialize;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

/// What happened. Members that say nothing are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Event<'a> {
    /// `start`, `config`, `snapshot`, `read`, `denied`, `import`, `rollback`, `gc`, `key`, `recovered`.
    pub kind: &'a str,
    /// `key:ID`, `sub:DIGEST`, `anonymous`, or the account of a command.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub who: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub role: &'a str,
    /// The route, command or reason.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub what: &'a str,
    /// A layer's id; `*` = all that the caller sees.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub layer: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub detail: &'a str,
    /// How often, where it is more than once.
    #[serde(skip_serializing_if = "is_zero")]
    pub count: u64,
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

#[derive(Serialize)]
struct Line<'a> {
    seq: u64,
    at: String,
    #[serde(flatten)]
    event: &'a Event<'a>,
    prev: &'a str,
}

/// An open log.
pub struct AuditLog {
    path: PathBuf,
    state: Mutex<State>,
}

struct State {
    file: File,
    head: File,
    /// Bytes up to the last whole line.
    len: u64,
    last: Link,
}

impl AuditLog {
    /// Opens the log or begins one. Reads it whole; a line that a crash left unfinished is taken off and said so in a line.
    ///
    /// # Errors
    /// `Config` where the lines that are there do not hold together: nothing is appended to a log that was changed.
    pub fn open(path: &Path) -> Result<AuditLog> {
        let io = |e| Error::io(path, e);
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(io)?;
        if !file.metadata().map_err(io)?.is_file() {
            return Err(Error::config(path, 0, "the audit log must be a file"));
        }
        let head_path = head_path(path);
        let head = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&head_path);
        let head = head.map_err(|e| Error::io(&head_path, e))?;
        file.lock().map_err(io)?;
        let mut text = vec![];
        file.read_to_end(&mut text).map_err(io)?;
        let whole = text.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        let recorded = chain::read_head(&head_path)?;
        let refused = |broken: chain::Broken| {
            let what = format!("{}; keep it, move it away, and a new log begins", broken.what);
            Error::config(path, broken.line, what)
        };
        let last = chain::checked(&text[..whole], Link::FIRST).map_err(refused)?;
        let lost = match recovered(last, recorded.as_ref().map(|(head, _)| head)) {
            Ok(()) => None,
            Err(broken) => {
                let durable = recorded.and_then(|(_, durable)| durable);
                Some(durable.filter(|d| d.is_kept_by(&text[..whole], &boot())).ok_or_else(|| refused(broken))?)
            }
        };
        if whole < text.len() {
            file.set_len(whole as u64).map_err(io)?;
        }
        let log =
            AuditLog { path: path.to_path_buf(), state: Mutex::new(State { file, head, len: whole as u64, last }) };
        if whole < text.len() {
            let detail = format!("{} bytes of an unfinished line were taken off", text.len() - whole);
            log.append(&Event { kind: "recovered", detail: &detail, ..Event::default() })?;
        }
        if let Some(durable) = lost {
            let detail = format!("the machine went down: lines may be missing after the first {}", durable.head.lines);
            log.append(&Event { kind: "recovered", detail: &detail, ..Event::default() })?;
        }
        log.unlock();
        Ok(log)
    }

    fn unlock(&self) {
        let _ = self.state.lock().unwrap_or_else(PoisonError::into_inner).file.unlock();
    }

    /// Appends a line.
    ///
    /// # Errors
    /// Where it cannot be written, or the file is no longer the one that was opened: then it was moved or deleted.
    pub fn append(&self, event: &Event<'_>) -> Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.file.lock().map_err(|e| Error::io(&self.path, e))?;
        let written = self.write(&mut state, event);
        let _ = state.file.unlock();
        written.map_err(|e| Error::Io { path: self.path.clone(), source: e })
    }

    fn write(&self, state: &mut State, event: &Event<'_>) -> std::io::Result<()> {
        let (own, named) = (state.file.metadata()?, fs::metadata(&self.path)?);
        if (own.dev(), own.ino()) != (named.dev(), named.ino()) {
            return Err(std::io::Error::other("the audit log was replaced"));
        }
        self.catch_up(state, own.len())?;
        let prev = state.last.hex();
        let line = Line { seq: state.last.next, at: now(), event, prev: &prev };
        let mut text = serde_json::to_vec(&line)?;
        let last = Link::of(state.last.next, &text);
        text.push(b'\n');
        state.file.seek(SeekFrom::Start(state.len))?;
        state.file.write_all(&text).inspect_err(|_| {
            // Half a line would look like damage.
            let _ = state.file.set_len(state.len);
        })?;
        (state.len, state.last) = (state.len + text.len() as u64, last);
        state.head.write_all_at(state.last.head().as_bytes(), 0)
    }

    /// Reads what other processes have appended.
    fn catch_up(&self, state: &mut State, len: u64) -> std::io::Result<()> {
        if len == state.len {
            return Ok(());
        }
        let changed = || std::io::Error::other("the audit log was changed by something that is no writer of it");
        let more = len.checked_sub(state.len).ok_or_else(changed)?;
        let mut text = vec![0; usize::try_from(more).map_err(|_| changed())?];
        state.file.read_exact_at(&mut text, state.len)?;
        state.last = chain::checked(&text, state.last).map_err(|_| changed())?;
        state.len = len;
        Ok(())
    }

    /// Makes what was appended durable.
    pub fn sync(&self) -> Result<()> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let sync = || {
            state.file.sync_data()?;
            let (first, second) = (state.last.head().len(), state.last.durable(&boot()));
            state.head.write_all_at(second.as_bytes(), first as u64)?;
            state.head.sync_data()
        };
        sync().map_err(|e| Error::io(&self.path, e))
    }

    /// Number and digest of the last line, to be kept elsewhere.
    pub fn head(&self) -> Head {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        Head { lines: state.last.next, digest: state.last.hex() }
    }

    /// The `detail` of the last line of a kind, if there is one.
    pub fn last_detail(&self, kind: &str) -> Result<Option<String>> {
        let text = fs::read(&self.path).map_err(|e| Error::io(&self.path, e))?;
        let of_kind = text.split(|b| *b == b'\n').rev().filter_map(parse).find(|l| l["kind"] == kind);
        Ok(of_kind.map(|l| l["detail"].as_str().unwrap_or_default().to_string()))
    }
}

/// Opens the log at `path`, so that a command that could not be written down is not begun.
pub fn writable(path: Option<&Path>) -> Result<()> {
    path.map_or(Ok(()), |p| AuditLog::open(p).map(drop))
}

/// Writes one line about what a command did to the log at `path`; nothing without one.
pub fn record(path: Option<&Path>, kind: &str, detail: &str) -> Result<()> {
    let Some(path) = path else { return Ok(()) };
    let account = std::env::var("USER").unwrap_or_default();
    let log = AuditLog::open(path)?;
    log.append(&Event { kind, who: &account, detail, ..Event::default() })?;
    log.sync()
}

/// The head beside the log tells of more lines than there are, or of others: some were cut off. A crash of the process may leave
/// the log one line ahead of it, no more; what one of the machine may leave, the head's second line tells.
fn recovered(last: Link, recorded: Option<&Head>) -> std::result::Result<(), chain::Broken> {
    let fits = |head: &Head| {
        let at_end = head.lines == last.next && head.digest == last.hex();
        at_end || head.lines + 1 == last.next && head.digest == chain::hex(&last.before)
    };
    match recorded {
        None if last.next == 0 => Ok(()),
        Some(head) if fits(head) => Ok(()),
        _ => Err(chain::Broken { line: 0, what: "its end is not the one that its head file tells of".into() }),
    }
}

fn head_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(".head");
    PathBuf::from(name)
}

/// Names this run of the machine; nothing where the system does not.
fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_string()
}

/// UTC, to the millisecond.
fn now() -> String {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let at = chrono::DateTime::from_timestamp(since.as_secs() as i64, since.subsec_nanos());
    at.unwrap_or_default().format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

#[cfg(test)]
mod tests;
