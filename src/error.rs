//! Error: what went wrong, sorted by who must act. Bad rows are not errors: they are rejects,
//! counted in the import report (`import::report`).

use std::path::{Path, PathBuf};

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One enum by who must act; `exit_code` and `serve::reply` are the only places that match on it whole.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The asker must change the request. `code` is the problem type's slug; `detail` never echoes input.
    #[error("{detail}")]
    Request { status: u16, code: &'static str, detail: String },
    /// The operator must change a declaration: layers/, import/, styles/, chengtu.toml or a flag.
    #[error("{}", list(.0))]
    Config(Vec<Finding>),
    /// The supplier must deliver again: the data was read and refused. Nothing was published.
    #[error("{0}")]
    Data(String),
    /// An input that was named is not there.
    #[error("{}: not found", .0.display())]
    Missing(PathBuf),
    /// The machine failed: disk, pipe, permission.
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    /// Another import holds the store.
    #[error("{}: another import holds this store; wait for it to end", .0.display())]
    Busy(PathBuf),
    /// A file of the store is not what the manifest says. The layer answers 503, the others serve.
    #[error("store file {file}: {what}; run `chengtu verify` and restore the file from a backup")]
    Damaged { file: String, what: String },
    /// Too much work at once: ask again in a moment.
    #[error("the server is busy")]
    Overloaded,
}

/// One thing wrong with a declaration: where, what, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    pub file: PathBuf,
    /// 1-based line, 0 when the finding is about the whole file.
    pub line: usize,
    pub what: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file.display(), self.what),
            line => write!(f, "{}:{}: {}", self.file.display(), line, self.what),
        }
    }
}

fn list(findings: &[Finding]) -> String {
    findings.iter().map(Finding::to_string).collect::<Vec<_>>().join("\n")
}

impl Error {
    pub fn io(path: impl AsRef<Path>, source: std::io::Error) -> Error {
        let path = path.as_ref().to_path_buf();
        match source.kind() {
            std::io::ErrorKind::NotFound => Error::Missing(path),
            _ => Error::Io { path, source },
        }
    }

    pub fn config(file: impl AsRef<Path>, line: usize, what: impl Into<String>) -> Error {
        Error::Config(vec![Finding { file: file.as_ref().to_path_buf(), line, what: what.into() }])
    }

    pub fn request(status: u16, code: &'static str, detail: impl Into<String>) -> Error {
        Error::Request { status, code, detail: detail.into() }
    }

    pub fn damaged(file: impl Into<String>, what: impl Into<String>) -> Error {
        Error::Damaged { file: file.into(), what: what.into() }
    }

    /// The process exit code, after sysexits.h: 65 data, 66 missing, 74 I/O, 75 busy, 78 configuration.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Request { .. } => 64,
            Error::Data(_) | Error::Damaged { .. } => 65,
            Error::Missing(_) => 66,
            Error::Io { .. } => 74,
            Error::Busy(_) | Error::Overloaded => 75,
            Error::Config(_) => 78,
        }
    }
}
