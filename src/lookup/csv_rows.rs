//! Rows as CSV (RFC 4180), UTF-8, with a head: `id,lon,lat` or `id,x,y,crs`, and `class`, `component`, `at`, `accuracy_m`,
//! `urgent`, `trail` as wanted. Other columns are refused: a misspelt one would be ignored silently.

use super::flat::{self, Flat};
use super::{Desk, Out};
use crate::error::{Error, Result};
use crate::ownership::{Asked, Invalid};

const COLUMNS: [&str; 12] =
    ["id", "lon", "lat", "x", "y", "crs", "class", "component", "at", "accuracy_m", "urgent", "trail"];

/// Position of each of `COLUMNS` in the input.
struct Head([Option<usize>; COLUMNS.len()]);

pub fn answer(desk: &Desk<'_>, input: &[u8], out: &mut Out<'_>) -> Result<()> {
    let input = input.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(input);
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(input);
    let bad = |detail: String| Error::request(400, "invalid-batch", detail);
    let head = reader.byte_headers().map_err(|e| bad(format!("the body is no CSV: {}", shape_of(&e))))?;
    let head = Head::of(head).map_err(bad)?;
    let width = reader.byte_headers().map_or(0, csv::ByteRecord::len);
    flat::head(&mut out.bytes, head.0[11].is_some() || desk.defaults.trail == Some(true));
    let mut record = csv::ByteRecord::new();
    loop {
        match reader.read_byte_record(&mut record) {
            Ok(false) => return Ok(()),
            Ok(true) => answer_row(desk, &head, width, &record, out),
            Err(e) => {
                let invalid = Invalid::new("ROW_FORMAT", format!("the row is no CSV: {}", shape_of(&e)));
                Flat::new(desk, head.0[11].is_some()).invalid(b"", &invalid, &mut out.bytes);
            }
        }
        if !out.row_done() {
            return Ok(());
        }
    }
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
        let mut head = Head([None; COLUMNS.len()]);
        for (i, name) in names.iter().enumerate() {
            let name = name.trim_ascii().to_ascii_lowercase();
            let column = COLUMNS.iter().position(|c| c.as_bytes() == name);
            let column =
                column.ok_or_else(|| format!("column {} of the head is not one of {}", i + 1, COLUMNS.join(", ")))?;
            if head.0[column].replace(i).is_some() {
                return Err(format!("the column {} stands twice in the head", COLUMNS[column]));
            }
        }
        Ok(head)
    }

    /// A cell by its column's position in `COLUMNS`; empty ones are absent.
    fn cell<'a>(&self, record: &'a csv::ByteRecord, column: usize) -> Option<&'a [u8]> {
        record.get(self.0[column]?).map(<[u8]>::trim_ascii).filter(|c| !c.is_empty())
    }
}

fn answer_row(desk: &Desk<'_>, head: &Head, width: usize, record: &csv::ByteRecord, out: &mut Out<'_>) {
    let flat = Flat::new(desk, head.0[11].is_some() || desk.defaults.trail == Some(true));
    let id = head.0[0].and_then(|i| record.get(i)).unwrap_or_default();
    let asked = match record.len() == width {
        true => read(head, record),
        false => Err(Invalid::new("ROW_FORMAT", format!("the row has {} cells, the head {width}", record.len()))),
    };
    match asked.and_then(|asked| desk.question(asked)) {
        Ok(question) => flat.answer(id, &desk.ownership.resolve(&question), &mut out.bytes),
        Err(invalid) => flat.invalid(id, &invalid, &mut out.bytes),
    }
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
