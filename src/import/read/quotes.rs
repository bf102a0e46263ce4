//! Quotes out of place in a CSV: they make one field of many rows, and no reader says so.

use super::{OrIo, Outcome, fail, incomplete};
use crate::import::wire::Who;
use csv::ByteRecord;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// After an odd number of quotes the rest of the file is one field: the file was cut, or a quote is stray.
pub(super) fn close(path: &Path, named: &str) -> Outcome<()> {
    let mut reader = BufReader::with_capacity(1 << 18, File::open(path).or_io(path)?);
    let (mut open, mut line, mut opened_at) = (false, 1u64, 0u64);
    loop {
        let chunk = reader.fill_buf().or_io(path)?;
        if chunk.is_empty() {
            break;
        }
        for b in chunk {
            match b {
                b'"' => {
                    open = !open;
                    opened_at = line;
                }
                b'\n' => line += 1,
                _ => {}
            }
        }
        let n = chunk.len();
        reader.consume(n);
    }
    match open {
        true => incomplete(named, format!("the quote opened on line {opened_at} never closes")),
        false => Ok(()),
    }
}

/// Refuses a record of which two lines or more are rows by themselves: a quote took them into one field. `is_row`: whether
/// cells are a row's. A text of several lines has one line with the cells beside it.
pub(super) fn keep_rows_apart(
    record: &ByteRecord,
    separator: u8,
    is_row: impl Fn(&[&[u8]]) -> bool,
    named: &str,
) -> Outcome<()> {
    let ends_line = |b: &u8| matches!(b, b'\n' | b'\r');
    if !record.iter().any(|f| f.iter().any(ends_line)) {
        return Ok(());
    }
    let whole = record.iter().collect::<Vec<_>>().join(&separator);
    let cells = |line: &[u8]| is_row(&line.split(|b| *b == separator).map(unquoted).collect::<Vec<_>>());
    match whole.split(ends_line).filter(|line| cells(line)).count() {
        0 | 1 => Ok(()),
        n => {
            let line = record.position().map_or(0, csv::Position::line);
            let what = format!("a quote out of place makes one field of {n} rows, from line {line} on");
            fail(Who::Supplier, "malformed", format!("{named}: {what}"))
        }
    }
}

fn unquoted(cell: &[u8]) -> &[u8] {
    let cell = cell.trim_ascii();
    let cell = cell.strip_prefix(b"\"").unwrap_or(cell);
    cell.strip_suffix(b"\"").unwrap_or(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_several_lines_are_told_from_rows() {
        let is_row = |cells: &[&[u8]]| cells.len() == 3 && cells[0].first().is_some_and(u8::is_ascii_digit);
        let refused = |text: &str| {
            let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
            reader.byte_records().any(|r| keep_rows_apart(&r.unwrap(), b',', is_row, "a.csv").is_err())
        };
        for sound in [
            "1,2,a\n3,4,b\n",
            "1,2,\"a\nb\nc\"\n3,4,b\n",
            "1,2,\"a, b\nc, d, e\"\n",
            "1,\"2\n2\",\"a\"\n",
            "1,2,12\" pipe\n3,4,b\n",
        ] {
            assert!(!refused(sound), "{sound}");
        }
        for taken in [
            "1,2,\"a\n3,4,b\"\n5,6,c\n",
            "1,2,\"a\n3,4,\"b\n5,6,c\n",
            "1,2,12\" pipe\n3,4,\"b\n5,6,c\n7,8,d\n",
            "1,2,\"a\r3,4,b\r\"\r",
            "\"1\",\"2\",\"a\n\"3\",\"4\",\"b\"\n",
            "1,\"2\",\"a\n3,4\n5,6,c\"\n",
        ] {
            assert!(refused(taken), "{taken}");
        }
    }
}
