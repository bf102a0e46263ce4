//! Rows as JSON objects, one a line or in an array.

use super::{Desk, InvalidView, block};
use crate::error::{Error, Result};
use crate::ownership::{Asked, Invalid, View};
use serde::de::IgnoredAny;
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

/// What stands between rows.
#[derive(Clone, Copy, PartialEq)]
pub enum Between {
    Lines,
    /// Of an array.
    Commas,
}

pub fn answer_lines(desk: &Desk<'_>, input: &[u8], send: &mut dyn FnMut(Vec<u8>) -> bool) {
    let mut lines = input.split(|b| *b == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let source = std::iter::from_fn(|| {
        let block: Vec<&[u8]> = lines.by_ref().take(block::ROWS).collect();
        (!block.is_empty()).then_some(block)
    });
    block::in_order(source, |rows, out| answer_rows(desk, rows.into_iter(), Between::Lines, out), send);
}

pub fn answer_array(desk: &Desk<'_>, input: &[u8], send: &mut dyn FnMut(Vec<u8>) -> bool) -> Result<()> {
    let mut elements = Elements::of(input)?;
    let mut blocks = 0..;
    let source = std::iter::from_fn(|| {
        let block: Vec<&[u8]> = elements.by_ref().take(block::ROWS).collect();
        (!block.is_empty()).then(|| blocks.next().map(|number: usize| (number, block))).flatten()
    });
    let write = |(number, rows): (usize, Vec<&[u8]>), out: &mut Vec<u8>| {
        out.extend_from_slice(if number > 0 { b",\n" } else { b"[" });
        answer_rows(desk, rows.into_iter(), Between::Commas, out);
    };
    let whole = block::in_order(source, write, send);
    if whole {
        send(if blocks.start == 0 { b"[]\n".to_vec() } else { b"]\n".to_vec() });
    }
    Ok(())
}

/// The elements of a JSON array, one after the other: a list of them all would take many times the memory of short ones.
struct Elements<'a> {
    /// Behind the last element.
    rest: &'a str,
}

impl<'a> Elements<'a> {
    /// # Errors
    /// `Request` where the whole is no JSON array.
    fn of(input: &'a [u8]) -> Result<Elements<'a>> {
        let bad = |what: String| Error::request(400, "invalid-batch", format!("the body is no JSON array ({what})"));
        let text = std::str::from_utf8(input).map_err(|_| bad("not UTF-8".into()))?;
        serde_json::from_str::<Vec<IgnoredAny>>(text)
            .map_err(|e| bad(format!("line {}, column {}", e.line(), e.column())))?;
        Ok(Elements { rest: text.trim_ascii_start().strip_prefix('[').unwrap_or_default() })
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest.trim_ascii_start();
        let rest = rest.strip_prefix(',').unwrap_or(rest);
        if matches!(rest.trim_ascii(), "" | "]") {
            return None;
        }
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<&RawValue>();
        let value = values.next()?.map_or(rest, RawValue::get);
        self.rest = rest.get(values.byte_offset()..).filter(|after| after.len() < rest.len()).unwrap_or_default();
        Some(value.as_bytes())
    }
}

fn answer_rows<'r>(desk: &Desk<'_>, texts: impl Iterator<Item = &'r [u8]>, between: Between, out: &mut Vec<u8>) {
    let rows: Vec<Read<'_>> = texts.map(read).collect();
    let mut first = true;
    desk.answer_rows(rows.iter().map(|row| (row.id, row.asked())), |id, answer| {
        if between == Between::Commas && !std::mem::take(&mut first) {
            out.extend_from_slice(b",\n");
        }
        match answer {
            Ok(answer) => {
                write(
                    out,
                    id,
                    &View { ownership: desk.ownership, answer, audience: desk.audience, snapshot: desk.snapshot },
                );
            }
            Err(invalid) => write(out, id, &InvalidView::new(invalid, desk.snapshot)),
        }
        if between == Between::Lines {
            out.push(b'\n');
        }
    });
}

/// A row, or why it is none.
struct Read<'a> {
    id: Option<&'a RawValue>,
    row: Result<Row<'a>, Invalid>,
    /// An EPSG code that was a number.
    code: Option<String>,
}

fn read(text: &[u8]) -> Read<'_> {
    let row: Result<Row<'_>, _> = serde_json::from_slice(text);
    match row {
        Ok(row) => {
            let code = match &row.crs {
                Some(Name::Code(code)) => Some(code.to_string()),
                _ => None,
            };
            Read { id: row.id, row: Ok(row), code }
        }
        Err(e) => {
            let detail = format!("the row cannot be read at column {}: {}", e.column(), kind_of(&e));
            Read { id: own_id(text), row: Err(Invalid::new("ROW_FORMAT", detail)), code: None }
        }
    }
}

impl Read<'_> {
    fn asked(&self) -> Result<Asked<'_>, Invalid> {
        let row = self.row.as_ref().map_err(Invalid::clone)?;
        let crs = match &row.crs {
            Some(Name::Text(text)) => Some(text.as_ref()),
            _ => self.code.as_deref(),
        };
        Ok(Asked {
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
        })
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

fn write<T: Serialize>(out: &mut Vec<u8>, id: Option<&RawValue>, answer: &T) {
    // Writing to memory cannot fail, and the types have no map with keys that are not text.
    let _ = serde_json::to_writer(out, &WithId { id, answer });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_those_of_the_array() {
        for text in [
            "[]",
            " [ ] ",
            "[1]",
            "[1,2 , 3\n]",
            "[ {\"a\": [1, \"],\"]} ,null,[],[[ ]], \"\\\"]\", -1.5e3 ]\n",
            "[\"路灯\",{\"id\":1}]",
        ] {
            let all: Vec<&RawValue> = serde_json::from_str(text).unwrap();
            let all: Vec<&[u8]> = all.iter().map(|v| v.get().as_bytes()).collect();
            assert_eq!(Elements::of(text.as_bytes()).unwrap().collect::<Vec<_>>(), all, "{text}");
        }
        for text in ["", "{}", "[", "[1", "[1,]", "[1 2]", "[1]]", "[\"a]", "\u{feff}[]", "[\"\n\"]"] {
            assert!(Elements::of(text.as_bytes()).is_err(), "{text}");
        }
        assert!(Elements::of(b"[\"\xff\"]").is_err());
    }
}
