//! Rows as CSV (RFC 4180), UTF-8, with a head: `id,lon,lat` or `id,x,y,crs`, and `class`, `component`, `at`, `accuracy_m`,
//! `urgent`, `trail` as wanted. Other columns are refused: a misspelt one would be ignored silently.

use super::Desk;
use super::block::Blocks;
use super::flat::{self, Flat};
use crate::error::{Error, Result};
use crate::ownership::{Asked, Invalid};

const COLUMNS: [&str; 12] =
    ["id", "lon", "lat", "x", "y", "crs", "class", "component", "at", "accuracy_m", "urgent", "trail"];

/// The head of the input.
struct Head {
    /// Position of each of `COLUMNS`.
    at: [Option<usize>; COLUMNS.len()],
    width: usize,
}

/// A row, or why there is none.
type Row = Result<csv::ByteRecord, Invalid>;

pub fn answer(desk: &Desk<'_>, input: &[u8], send: &mut dyn FnMut(Vec<u8>) -> bool) -> Result<()> {
    let input = input.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(input);
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(input);
    let bad = |detail: String| Error::request(400, "invalid-batch", detail);
    let head = reader.byte_headers().map_err(|e| bad(format!("the body is no CSV: {}", shape_of(&e))))?;
    let head = Head::of(head).map_err(bad)?;
    let trail = head.at[11].is_some() || desk.defaults.trail == Some(true);
    let mut blocks = Blocks::new(|rows: &[Row], out: &mut Vec<u8>| answer_rows(desk, &head, trail, rows, out), send);
    let mut first = vec![];
    flat::head(&mut first, trail);
    blocks.put(&first);
    let mut record = csv::ByteRecord::new();
    loop {
        let row = match reader.read_byte_record(&mut record) {
            Ok(false) => break,
            Ok(true) => Ok(record.clone()),
            Err(e) => Err(Invalid::new("ROW_FORMAT", format!("the row is no CSV: {}", shape_of(&e)))),
        };
        if !blocks.row(row) {
            return Ok(());
        }
    }
    blocks.flush();
    Ok(())
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

    /// A cell by its column's position in `COLUMNS`; empty ones are absent.
    fn cell<'a>(&self, record: &'a csv::ByteRecord, column: usize) -> Option<&'a [u8]> {
        record.get(self.at[column]?).map(<[u8]>::trim_ascii).filter(|c| !c.is_empty())
    }
}

fn answer_rows(desk: &Desk<'_>, head: &Head, trail: bool, rows: &[Row], out: &mut Vec<u8>) {
    let flat = Flat::new(desk, trail);
    let asked = rows.iter().map(|row| match row {
        Ok(record) if record.len() == head.width => read(head, record),
        Ok(record) => {
            let detail = format!("the row has {} cells, the head {}", record.len(), head.width);
            Err(Invalid::new("ROW_FORMAT", detail))
        }
        Err(invalid) => Err(invalid.clone()),
    });
    let id = |row: usize| match (&rows[row], head.at[0]) {
        (Ok(record), Some(column)) => record.get(column).unwrap_or_default(),
        _ => b"",
    };
    desk.answer_rows(asked, |row, answer| match answer {
        Ok(answer) => flat.answer(id(row), answer, out),
        Err(invalid) => flat.invalid(id(row), invalid, out),
    });
}

fn read<'a>(head: &Head, record: &'a csv::ByteRecord) -> Result<Asked<'a>, Invalid> {
    let text = |column: usize| match head.cell(record, column) {
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
