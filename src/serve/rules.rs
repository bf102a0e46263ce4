//! `[access]` of the settings file while the server runs. The file, and those of areas that it names, are looked at every second; what
//! changed is taken when it has stopped changing, since half a file may say less than the whole one forbids. What is wrong is
//! told, and the rules before it hold on.

use super::access::{Declared, Stamp, stamp_of};
use super::config;
use super::gate::Gate;
use crate::error::{Error, Result};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

pub struct Rules {
    file: PathBuf,
    state: Mutex<State>,
}

struct State {
    /// The settings file and those that it names.
    files: Vec<PathBuf>,
    /// As they were when they were last taken or refused.
    judged: Vec<Option<Stamp>>,
    /// As they were a look ago.
    seen: Vec<Option<Stamp>>,
    refused: bool,
}

impl Rules {
    /// `None` where the rules come from no file.
    pub fn of(declared: &Declared, file: &Path) -> Option<Rules> {
        stamp_of(file)?;
        let files = files(declared, file);
        let judged = stamps(&files);
        let state = State { files, seen: judged.clone(), judged, refused: false };
        Some(Rules { file: file.to_path_buf(), state: Mutex::new(state) })
    }

    /// Whether what is on disk was refused.
    pub fn are_refused(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).refused
    }

    /// Takes what changed and has settled, or what is there, where it is wanted `now`.
    pub fn follow(&self, gate: &Gate, now: bool) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let found = stamps(&state.files);
        let settled = found == state.seen;
        state.seen.clone_from(&found);
        if !now && (found == state.judged || !settled) {
            return;
        }
        state.judged = found;
        match self.taken(gate) {
            Ok(declared) => {
                tracing::info!("the rules of [access] were read again and hold from now on");
                state.refused = false;
                state.files = files(&declared, &self.file);
                state.judged = stamps(&state.files);
                state.seen = state.judged.clone();
            }
            Err(error) => {
                tracing::error!(%error, "the rules of [access] on disk are wrong; those before hold on");
                state.refused = true;
            }
        }
    }

    fn taken(&self, gate: &Gate) -> Result<Declared> {
        let declared = config::access_in(&self.file)?
            .ok_or_else(|| Error::config(&self.file, 0, "[access] is gone; doing without it takes a restart"))?;
        gate.take(gate.access().renewed(&declared, &self.file)?, &self.file)?;
        if let Err(error) = gate.access().ruled() {
            tracing::error!(%error, "the audit log cannot be written: restricted layers are refused");
        }
        Ok(declared)
    }
}

fn files(declared: &Declared, file: &Path) -> Vec<PathBuf> {
    std::iter::once(file.to_path_buf()).chain(declared.areas().cloned()).collect()
}

fn stamps(files: &[PathBuf]) -> Vec<Option<Stamp>> {
    files.iter().map(|f| stamp_of(f)).collect()
}
