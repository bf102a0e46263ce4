//! What of the requests stands in the audit log: the first read of a kind at once, before it is answered, further ones of the same
//! caller, route and layer as one line with their number; refusals as numbers alone, so that writing them tells no time.

use super::declared;
use crate::audit::{AuditLog, Event};
use crate::error::Result;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Kinds of reads and refusals that are told apart in one summary; further ones stand together.
const MOST_KINDS: usize = 10_000;

/// Who did what to which layer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Deed {
    pub kind: &'static str,
    pub who: String,
    pub role: String,
    pub what: String,
    pub layer: String,
}

#[derive(Default)]
pub struct Recorder {
    log: Option<AuditLog>,
    every: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Deeds that were not written yet, and how often; of reads those after the first.
    more: HashMap<Deed, u64>,
    since: Option<Instant>,
    /// The last line could not be written.
    failed: bool,
}

impl Recorder {
    pub fn open(audit: Option<&declared::Audit>) -> Result<Recorder> {
        let Some(audit) = audit else { return Ok(Recorder::default()) };
        let log = AuditLog::open(&audit.file)?;
        Ok(Recorder { log: Some(log), every: Duration::from_secs(audit.summary_s.max(1)), state: Mutex::default() })
    }

    pub fn log(&self) -> Option<&AuditLog> {
        self.log.as_ref()
    }

    /// Writes a line at once.
    pub fn now(&self, event: &Event<'_>) -> Result<()> {
        let Some(log) = &self.log else { return Ok(()) };
        let written = log.append(event);
        self.state.lock().unwrap_or_else(PoisonError::into_inner).failed = written.is_err();
        written
    }

    /// A read that is about to be answered.
    ///
    /// # Errors
    /// Where it cannot be written down: then it must not be answered.
    pub fn read(&self, deed: Deed) -> Result<()> {
        let Some(log) = &self.log else { return Ok(()) };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (full, failed) = (state.more.len() >= MOST_KINDS, state.failed);
        match state.more.get_mut(&deed) {
            Some(more) if !failed => *more += 1,
            known => {
                let known = known.is_some();
                let written = log.append(&event(&deed, 0));
                state.failed = written.is_err();
                written?;
                if !known && !full {
                    state.more.insert(deed, 0);
                }
            }
        }
        state.since.get_or_insert_with(Instant::now);
        Ok(())
    }

    /// A refusal. Never writes: that is the summary's.
    pub fn denied(&self, deed: Deed) {
        if self.log.is_none() {
            return;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let crowd = || Deed { who: "others".into(), role: String::new(), layer: String::new(), ..deed.clone() };
        let deed = if state.more.len() >= MOST_KINDS && !state.more.contains_key(&deed) { crowd() } else { deed };
        *state.more.entry(deed).or_default() += 1;
        state.since.get_or_insert_with(Instant::now);
    }

    /// Writes the summary when its time has come, or at once when `ending`; what was written becomes durable.
    pub fn summarise(&self, ending: bool) -> Result<()> {
        let Some(log) = &self.log else { return Ok(()) };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !ending && state.since.is_none_or(|s| s.elapsed() < self.every) {
            return Ok(());
        }
        let mut all: Vec<(Deed, u64)> = state.more.drain().collect();
        all.sort_by(|(a, _), (b, _)| (a.kind, &a.who, &a.what, &a.layer).cmp(&(b.kind, &b.who, &b.what, &b.layer)));
        let mut written = Ok(());
        for (deed, times) in all {
            if written.is_ok() && times > 0 {
                written = log.append(&event(&deed, times));
            }
            if written.is_err() {
                // Kept for the next time.
                state.more.insert(deed, times);
            }
        }
        written = written.and_then(|()| log.sync());
        state.failed = written.is_err();
        if written.is_ok() {
            state.since = None;
        }
        written
    }
}

fn event(deed: &Deed, count: u64) -> Event<'_> {
    let Deed { kind, who, role, what, layer } = deed;
    Event { kind, who, role, what, layer, detail: "", count }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deed(kind: &'static str, who: &str) -> Deed {
        let text = String::from;
        Deed { kind, who: text(who), role: text("gas"), what: text("/tiles"), layer: text("pipe") }
    }

    fn recorder() -> (tempfile::TempDir, std::path::PathBuf, Recorder) {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("audit.log");
        let recorder = Recorder::open(Some(&declared::Audit { file: file.clone(), summary_s: 3600 })).unwrap();
        (dir, file, recorder)
    }

    fn lines(file: &std::path::Path) -> Vec<(String, String, u64)> {
        let text = std::fs::read_to_string(file).unwrap();
        let line = |l: &str| {
            let v: serde_json::Value = serde_json::from_str(l).unwrap();
            let text = |k: &str| v[k].as_str().unwrap_or_default().to_string();
            (text("kind"), text("who"), v["count"].as_u64().unwrap_or(0))
        };
        text.lines().map(line).collect()
    }

    #[test]
    fn the_first_read_is_a_line_and_the_others_a_number() {
        let (_dir, file, recorder) = recorder();
        let line = |kind: &str, who: &str, count| (kind.to_string(), who.to_string(), count);
        for _ in 0..5 {
            recorder.read(deed("read", "key:a")).unwrap();
        }
        recorder.read(deed("read", "key:b")).unwrap();
        (0..3).for_each(|_| recorder.denied(deed("denied", "anonymous")));
        let first = vec![line("read", "key:a", 0), line("read", "key:b", 0)];
        assert_eq!(lines(&file), first);
        recorder.summarise(false).unwrap();
        assert_eq!(lines(&file), first, "its time has not come");
        recorder.summarise(true).unwrap();
        assert_eq!(lines(&file)[2..], [line("denied", "anonymous", 3), line("read", "key:a", 4)]);
        recorder.read(deed("read", "key:a")).unwrap();
        assert_eq!(lines(&file).len(), 5, "a new summary begins with a line");
    }

    #[test]
    fn what_cannot_be_written_down_is_not_read() {
        let (_dir, file, recorder) = recorder();
        recorder.read(deed("read", "key:a")).unwrap();
        recorder.read(deed("read", "key:a")).unwrap();
        let away = file.with_extension("away");
        std::fs::rename(&file, &away).unwrap();
        assert!(recorder.read(deed("read", "key:b")).is_err());
        assert!(recorder.read(deed("read", "key:a")).is_err(), "neither is what would only be counted");
        assert!(recorder.summarise(true).is_err());
        std::fs::rename(&away, &file).unwrap();
        recorder.read(deed("read", "key:b")).unwrap();
        recorder.summarise(true).unwrap();
        let all = lines(&file);
        assert!(all.contains(&("read".into(), "key:a".into(), 1)), "{all:?}");
        assert!(crate::audit::verify(&file, None).is_ok());
    }
}
