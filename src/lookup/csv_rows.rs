//! Rows as CSV (RFC 4180), UTF-8, with a head: `id,lon,lat` or `id,x,y,crs`, and `class`, `component`, `at`, `accuracy_m`,
//! `urgent`, `trail` as wanted. Other columns are refused: a misspelt one would be ignored silently.

use super::Desk;
use super::block;
use super::flat::{self, Flat};
use crate::error::{Error, Result};
use crate::ownership::{Answer, Asked, Invalid};

const COLUMNS: [&str; 12] =
    ["id", "lon", "lat", "x", "y", "crs", "class", "component", "at", "accuracy_m", "urgent", "trail"];

/// The head of the input.
struct Head {
    /// Position of each of `COLUMNS`.
    at: [Option<usize>; COLUMNS.len()],
    width: usize,
}

/// Some rows of the input.
enum Block<'a> {
    /// Without quotes: lines and commas, read where they stand.
    Lines(&'a [u8]),
    /// Anything else, as the csv crate reads it; or why there is no row.
    Records(Vec<Result<csv::ByteRecord, Invalid>>),
}

pub fn answer(desk: &Desk<'_>, input: &[u8], send: &mut dyn FnMut(Vec<u8>) -> bool) -> Result<()> {
    let input = input.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(input);
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(input);
    let bad = |detail: String| Error::request(400, "invalid-batch", detail);
    let head = reader.byte_headers().map_err(|e| bad(format!("the body is no CSV: {}", shape_of(&e))))?;
    let head = Head::of(head).map_err(bad)?;
    let trail = head.at[11].is_some() || desk.defaults.trail == Some(true);
    let mut first = vec![];
    flat::head(&mut first, trail);
    if !send(first) {
        return Ok(());
    }
    let mut rest = &input[(reader.position().byte() as usize).min(input.len())..];
    let plain = is_plain(input);
    let source = std::iter::from_fn(|| match plain {
        true => some_lines(&mut rest).map(Block::Lines),
        false => some_records(&mut reader).map(Block::Records),
    });
    let flat = Flat::new(desk, trail);
    block::in_order(source, |block, out| answer_block(desk, &head, &flat, &block, out), send);
    Ok(())
}

/// Whether rows end where lines end and cells at commas: no quotes, no line ends of old machines.
fn is_plain(input: &[u8]) -> bool {
    memchr::memchr(b'"', input).is_none() && memchr::memchr_iter(b'\r', input).all(|i| input.get(i + 1) == Some(&b'\n'))
}

/// Takes the next lines.
fn some_lines<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = memchr::memchr_iter(b'\n', rest).nth(block::ROWS - 1).map_or(rest.len(), |i| i + 1);
    let (lines, after) = rest.split_at(end);
    *rest = after;
    (!lines.is_empty()).then_some(lines)
}

/// Reads the next rows.
fn some_records(reader: &mut csv::Reader<&[u8]>) -> Option<Vec<Result<csv::ByteRecord, Invalid>>> {
    let rows: Vec<_> = reader
        .byte_records()
        .take(block::ROWS)
        .map(|row| row.map_err(|e| Invalid::new("ROW_FORMAT", format!("the row is no CSV: {}", shape_of(&e)))))
        .collect();
    (!rows.is_empty()).then_some(rows)
}

/// What is wrong, without a word of the input.
fn shape_of(e: &csv::Error) -> &'static str {
    match e.kind() {
        csv::ErrorKind::UnequalLengths { .. } => "rows of unequal length",
        csv::ErrorKind::Utf8 { .. } => "not UTF-8",
        _ => "it cannot be read",
    }
}

impl Head {
    fn of(names: &csv::ByteRecord) -> Result<Head, String> {
        let mut head = Head { at: [None; COLUMNS.len()], width: names.len() };
        for (i, name) in names.iter().enumerate() {
            let name = name.trim_ascii().to_ascii_lowercase();
            let column = COLUMNS.iter().position(|c| c.as_bytes() == name);
            let column =
                column.ok_or_else(|| format!("column {} of the head is not one of {}", i + 1, COLUMNS.join(", ")))?;
            if head.at[column].replace(i).is_some() {
                return Err(format!("the column {} stands twice in the head", COLUMNS[column]));
            }
        }
        Ok(head)
    }

    /// A row of as many cells as `count` → its id, and its question as far as it can be read.
    fn row<'a>(
        &self,
        count: usize,
        cell: impl Fn(usize) -> Option<&'a [u8]>,
    ) -> (&'a [u8], Result<Asked<'a>, Invalid>) {
        let id = self.at[0].and_then(&cell).unwrap_or_default();
        if count != self.width {
            let detail = format!("the row has {count} cells, the head {}", self.width);
            return (id, Err(Invalid::new("ROW_FORMAT", detail)));
        }
        // Empty ones are absent.
        let present = |column: usize| self.at[column].and_then(&cell).map(<[u8]>::trim_ascii).filter(|c| !c.is_empty());
        (id, read(present))
    }
}

fn answer_block(desk: &Desk<'_>, head: &Head, flat: &Flat<'_>, block: &Block<'_>, out: &mut Vec<u8>) {
    let write = |id: &[u8], answer: Result<&Answer<'_>, &Invalid>| match answer {
        Ok(answer) => flat.answer(id, answer, out),
        Err(invalid) => flat.invalid(id, invalid, out),
    };
    match block {
        Block::Lines(text) => desk.answer_rows(lines_of(text).map(|line| split(head, line)), write),
        Block::Records(rows) => {
            let asked = rows.iter().map(|row| match row {
                Ok(record) => head.row(record.len(), |i| record.get(i)),
                Err(invalid) => (&b""[..], Err(invalid.clone())),
            });
            desk.answer_rows(asked, write);
        }
    }
}

/// Lines without their ends; empty ones are no rows.
fn lines_of(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = text.split(|b| *b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    lines.filter(|line| !line.is_empty())
}

fn split<'a>(head: &Head, line: &'a [u8]) -> (&'a [u8], Result<Asked<'a>, Invalid>) {
    let mut cells = [&b""[..]; COLUMNS.len()];
    let mut count = 0;
    for cell in line.split(|b| *b == b',') {
        if let Some(place) = cells.get_mut(count) {
            *place = cell;
        }
        count += 1;
    }
    head.row(count, |i| cells.get(i).copied().filter(|_| i < count))
}

fn read<'a>(cell: impl Fn(usize) -> Option<&'a [u8]>) -> Result<Asked<'a>, Invalid> {
    let text = |column: usize| match cell(column) {
        Some(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(Invalid::new("ROW_FORMAT", format!("{} is not UTF-8", COLUMNS[column]))),
        },
        None => Ok(None),
    };
    let number = |column: usize| match text(column)? {
        Some(text) => match text.parse::<f64>() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(Invalid::new("COORD_NOT_FINITE", format!("{} is no number", COLUMNS[column]))),
        },
        None => Ok(None),
    };
    let flag = |column: usize| match text(column)? {
        Some("true" | "1") => Ok(Some(true)),
        Some("false" | "0") => Ok(Some(false)),
        Some(_) => Err(Invalid::new("ROW_FORMAT", format!("{} is true or false", COLUMNS[column]))),
        None => Ok(None),
    };
    Ok(Asked {
        lon: number(1)?,
        lat: number(2)?,
        x: number(3)?,
        y: number(4)?,
        crs: text(5)?,
        class: text(6)?,
        component: text(7)?,
        at: text(8)?,
        accuracy_m: number(9)?,
        urgent: flag(10)?,
        trail: flag(11)?,
    })
}
