//! What the checker finds: a code, where, and a sentence. Codes of the standard's rules are those of CesiumGS'
//! 3d-tiles-validator, whose cases hold the checker to account; codes of the house's own rules begin with `HOUSE_`.

use std::collections::BTreeSet;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Info,
    Warning,
    Error,
}

#[derive(Debug, Clone)]
pub struct Finding {
    pub code: &'static str,
    /// File, then the place in it as a JSON pointer.
    pub at: String,
    pub text: String,
}

/// Everything that was found, in order.
#[derive(Debug, Default)]
pub struct Report {
    pub findings: Vec<Finding>,
    /// The file that is being read.
    pub file: String,
}

/// Told as a warning by the reference; everything that is not listed is an error.
const WARNINGS: [&str; 11] = [
    "ARRAY_LENGTH_UNEXPECTED",
    "TYPE_UNEXPECTED",
    "ASSET_VERSION_UNKNOWN",
    "TILE_REFINE_WRONG_CASE",
    "TILE_GEOMETRIC_ERRORS_INCONSISTENT",
    "TEMPLATE_URI_MISSING_VARIABLE_NAME",
    "EXTENSION_USED_BUT_NOT_FOUND",
    "EXTENSION_NOT_SUPPORTED",
    "IO_WARNING",
    "CONTENT_VALIDATION_WARNING",
    "BUFFERS_WITHOUT_BUFFER_VIEWS",
];
const INFOS: [&str; 2] = ["METADATA_SEMANTIC_UNKNOWN", "CONTENT_VALIDATION_INFO"];

pub fn severity(code: &str) -> Severity {
    match code {
        c if WARNINGS.contains(&c) => Severity::Warning,
        c if INFOS.contains(&c) => Severity::Info,
        _ => Severity::Error,
    }
}

impl Report {
    pub fn tell(&mut self, code: &'static str, at: &str, text: impl Into<String>) {
        self.findings.push(Finding { code, at: format!("{}#{at}", self.file), text: text.into() });
    }

    pub fn codes(&self) -> BTreeSet<&'static str> {
        self.findings.iter().map(|f| f.code).collect()
    }

    /// Whether something of the kind is there that a server must not send.
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|f| severity(f.code)).max()
    }

    /// The first findings, a line each.
    pub fn text(&self) -> String {
        let lines = self.findings.iter().take(20).map(|f| format!("{} {}: {}", f.code, f.at, f.text));
        lines
            .chain((self.findings.len() > 20).then(|| format!("… {}", self.findings.len())))
            .collect::<Vec<_>>()
            .join("\n")
    }
}
