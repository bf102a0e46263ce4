//! Lookups in bulk: rows of questions as CSV, NDJSON or a JSON array in, the same form with answers out, in order. A bad
//! row is answered as `INVALID_INPUT` in its place. Knows no HTTP and decides nobody's responsibility.

mod block;
mod csv_rows;
mod flat;
mod json_rows;

use crate::audience::Audience;
use crate::error::Result;
use crate::ownership::{Asked, Instant, Invalid, Ownership, Question, Spellings, View};
use serde::Serialize;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Csv,
    Ndjson,
    JsonArray,
}

impl Form {
    /// By media type, parameters ignored.
    pub fn of_media_type(media_type: &str) -> Option<Form> {
        match media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "text/csv" => Some(Form::Csv),
            "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Some(Form::Ndjson),
            "application/json" => Some(Form::JsonArray),
            _ => None,
        }
    }

    pub fn media_type(self) -> &'static str {
        match self {
            Form::Csv => "text/csv; charset=utf-8; header=present",
            Form::Ndjson => "application/x-ndjson",
            Form::JsonArray => "application/json",
        }
    }
}

/// Who asks whom, and what holds for rows that do not say otherwise.
pub struct Desk<'a> {
    pub ownership: &'a Ownership,
    /// Id of the snapshot that answers.
    pub snapshot: &'a str,
    pub audience: &'a Audience,
    pub spellings: &'a Spellings,
    pub now: Instant,
    pub defaults: Asked<'a>,
}

impl<'d> Desk<'d> {
    /// A row's question, with the defaults under it.
    fn question<'a>(&self, row: Asked<'a>) -> Result<Question<'a>, Invalid>
    where
        'd: 'a,
    {
        let d = &self.defaults;
        let asked = Asked {
            crs: row.crs.or(d.crs),
            class: row.class.or(d.class),
            at: row.at.or(d.at),
            accuracy_m: row.accuracy_m.or(d.accuracy_m),
            urgent: row.urgent.or(d.urgent),
            trail: row.trail.or(d.trail),
            ..row
        };
        self.ownership.parse(&asked, self.spellings, self.now, false)
    }

    /// Answers all rows of `input`. `send` takes the answers piece by piece; `false` from it ends the work. An error is
    /// about the input as a whole and comes before the first piece.
    pub fn batch(&self, form: Form, input: &[u8], send: &mut dyn FnMut(Vec<u8>) -> bool) -> Result<()> {
        match form {
            Form::Csv => csv_rows::answer(self, input, send)?,
            Form::Ndjson => json_rows::answer_lines(self, input, send),
            Form::JsonArray => json_rows::answer_array(self, input, send)?,
        }
        Ok(())
    }
}

/// The answer to a row that cannot be answered.
#[derive(Serialize)]
struct InvalidView<'a> {
    outcome: &'static str,
    subject: Option<()>,
    error: ErrorView<'a>,
    snapshot: &'a str,
}

#[derive(Serialize)]
struct ErrorView<'a> {
    code: &'a str,
    detail: &'a str,
}

/// The outcome code of a question that is none.
pub const INVALID_INPUT: &str = "INVALID_INPUT";

impl<'a> InvalidView<'a> {
    fn new(invalid: &'a Invalid, snapshot: &'a str) -> InvalidView<'a> {
        let error = ErrorView { code: invalid.code, detail: &invalid.detail };
        InvalidView { outcome: INVALID_INPUT, subject: None, error, snapshot }
    }
}

/// One answer as JSON.
pub fn one(view: &View<'_>) -> Vec<u8> {
    serde_json::to_vec(view).unwrap_or_default()
}
