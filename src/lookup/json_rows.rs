//! Rows as JSON objects, one a line or in an array.

use super::{Desk, InvalidView, Out};
use crate::error::{Error, Result};
use crate::ownership::{Asked, Invalid, View};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// A row as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Row<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    lon: Option<f64>,
    lat: Option<f64>,
    x: Option<f64>,
    y: Option<f64>,
    #[serde(borrow)]
    crs: Option<Name<'a>>,
    #[serde(borrow)]
    class: Option<Cow<'a, str>>,
    #[serde(borrow)]
    component: Option<Cow<'a, str>>,
    #[serde(borrow)]
    at: Option<Cow<'a, str>>,
    accuracy_m: Option<f64>,
    urgent: Option<bool>,
    trail: Option<bool>,
}

/// An EPSG code may be a number.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Name<'a> {
    Text(#[serde(borrow)] Cow<'a, str>),
    Code(u32),
}

/// An answer behind its row's id.
#[derive(Serialize)]
struct WithId<'a, T: Serialize> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a RawValue>,
    #[serde(flatten)]
    answer: T,
}

pub fn answer_lines(desk: &Desk<'_>, input: &[u8], out: &mut Out<'_>) {
    for line in input.split(|b| *b == b'\n') {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        answer_row(desk, line, out);
        out.bytes.push(b'\n');
        if !out.row_done() {
            return;
        }
    }
}

pub fn answer_array(desk: &Desk<'_>, input: &[u8], out: &mut Out<'_>) -> Result<()> {
    let rows: Vec<&RawValue> = serde_json::from_slice(input).map_err(|e| {
        let detail = format!("the body is no JSON array (line {}, column {})", e.line(), e.column());
        Error::request(400, "invalid-batch", detail)
    })?;
    out.bytes.push(b'[');
    for (i, row) in rows.iter().enumerate() {
        if i > 0 {
            out.bytes.extend_from_slice(b",\n");
        }
        answer_row(desk, row.get().as_bytes(), out);
        if !out.row_done() {
            return Ok(());
        }
    }
    out.bytes.extend_from_slice(b"]\n");
    Ok(())
}

fn answer_row(desk: &Desk<'_>, text: &[u8], out: &mut Out<'_>) {
    let parsed: Result<Row<'_>, _> = serde_json::from_slice(text);
    let row = match parsed {
        Ok(row) => row,
        Err(e) => {
            let detail = format!("the row cannot be read at column {}: {}", e.column(), kind_of(&e));
            return write(out, own_id(text), &InvalidView::new(&Invalid::new("ROW_FORMAT", detail), desk.snapshot));
        }
    };
    let code = match &row.crs {
        Some(Name::Code(code)) => Some(code.to_string()),
        _ => None,
    };
    let crs = match &row.crs {
        Some(Name::Text(text)) => Some(text.as_ref()),
        _ => code.as_deref(),
    };
    let asked = Asked {
        lon: row.lon,
        lat: row.lat,
        x: row.x,
        y: row.y,
        crs,
        class: row.class.as_deref(),
        component: row.component.as_deref(),
        at: row.at.as_deref(),
        accuracy_m: row.accuracy_m,
        urgent: row.urgent,
        trail: row.trail,
    };
    match desk.question(asked) {
        Ok(question) => {
            let answer = desk.ownership.resolve(&question);
            let view =
                View { ownership: desk.ownership, answer: &answer, audience: desk.audience, snapshot: desk.snapshot };
            write(out, row.id, &view);
        }
        Err(invalid) => write(out, row.id, &InvalidView::new(&invalid, desk.snapshot)),
    }
}

/// The id of a row that is an object but not a question.
fn own_id(text: &[u8]) -> Option<&RawValue> {
    #[derive(Deserialize)]
    struct Id<'a> {
        #[serde(borrow)]
        id: &'a RawValue,
    }
    serde_json::from_slice::<Id<'_>>(text).ok().map(|i| i.id)
}

/// What is wrong, without a word of the input.
fn kind_of(e: &serde_json::Error) -> &'static str {
    use serde_json::error::Category;
    match e.classify() {
        Category::Data => "a key is unknown or twice, or a value has the wrong type",
        Category::Syntax | Category::Eof | Category::Io => "it is no JSON object",
    }
}

fn write<T: Serialize>(out: &mut Out<'_>, id: Option<&RawValue>, answer: &T) {
    // Writing to memory cannot fail, and the types have no map with keys that are not text.
    let _ = serde_json::to_writer(&mut out.bytes, &WithId { id, answer });
}
