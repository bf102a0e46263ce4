//! `[access]` of the settings file while the server runs. The file, and those of areas that it names, are looked at every second; what
//! changed is taken when it has stopped changing, since half a file may say less than the whole one forbids. What is wrong is
//! told, and the rules before it hold on.

use super::access::{Declared, Stamp, stamp_of};
use super::config;
use super::gate::Gate;
use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

pub struct Rules {
    file: PathBuf,
    state: Mutex<State>,
}

/// The settings file and those that it names, as they are; `None`: not there.
type Stamps = BTreeMap<PathBuf, Option<Stamp>>;

struct State {
    /// As they were before they were last read, to be taken or refused: what changes while it is read is read again.
    judged: Stamps,
    /// As they were a look ago.
    seen: Stamps,
    refused: bool,
}

impl Rules {
    /// `None` where the rules come from no file. To be made before what they name is read.
    pub fn of(declared: &Declared, file: &Path) -> Option<Rules> {
        stamp_of(file)?;
        let mut judged = looked_at(files(declared, file), &Stamps::new());
        // The settings were read some time ago.
        if !config::access_in(file).is_ok_and(|now| now.as_ref() == Some(declared)) {
            judged.values_mut().for_each(|stamp| *stamp = None);
        }
        let state = State { seen: judged.clone(), judged, refused: false };
        Some(Rules { file: file.to_path_buf(), state: Mutex::new(state) })
    }

    /// Whether what is on disk was refused.
    pub fn are_refused(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).refused
    }

    /// Takes what changed and has settled, or what is there, where it is wanted `now`.
    pub fn follow(&self, gate: &Gate, now: bool) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let found = looked_at(state.judged.keys().cloned(), &Stamps::new());
        let settled = found == state.seen;
        state.seen.clone_from(&found);
        if !now && (found == state.judged || !settled) {
            return;
        }
        state.judged = found;
        let taken = self.declared().and_then(|declared| {
            state.judged = looked_at(files(&declared, &self.file), &state.judged);
            self.take(gate, &declared)
        });
        state.seen = state.judged.clone();
        state.refused = taken.is_err();
        match taken {
            Ok(()) => tracing::info!("the rules of [access] were read again and hold from now on"),
            Err(error) => tracing::error!(%error, "the rules of [access] on disk are wrong; those before hold on"),
        }
    }

    fn declared(&self) -> Result<Declared> {
        let gone = || Error::config(&self.file, 0, "[access] is gone; doing without it takes a restart");
        config::access_in(&self.file)?.ok_or_else(gone)
    }

    fn take(&self, gate: &Gate, declared: &Declared) -> Result<()> {
        gate.take(gate.access().renewed(declared, &self.file)?, &self.file)?;
        if let Err(error) = gate.access().ruled() {
            tracing::error!(%error, "the audit log cannot be written: restricted layers are refused");
        }
        Ok(())
    }
}

fn files(declared: &Declared, file: &Path) -> impl Iterator<Item = PathBuf> {
    std::iter::once(file.to_path_buf()).chain(declared.areas().cloned())
}

/// Files as they are, or as they were found before.
fn looked_at(files: impl Iterator<Item = PathBuf>, before: &Stamps) -> Stamps {
    files.map(|f| (f.clone(), before.get(&f).copied().unwrap_or_else(|| stamp_of(&f)))).collect()
}
