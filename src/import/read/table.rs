//! A table of plain text without places: header and cells, each row with its line. Registers are made of such; records
//! of layers are read by `csv`, row by row.

use super::csv::{explain, header, open, value};
use super::text::{self, Choice, Decoded};
use super::unpack::Input;
use super::{OrIo, Outcome, fail, quotes, sniff, textfile};
use crate::import::wire::{Format, Raw, Who};
use std::path::Path;

/// What is read whole has to fit into memory, many times over.
const MOST_BYTES: u64 = 256 << 20;
const MOST_CELL_BYTES: u64 = 1 << 20;

#[derive(Debug)]
pub struct TextTable {
    pub columns: Vec<String>,
    pub rows: Vec<TextRow>,
    /// The encoding, and why it was chosen.
    pub encoding: String,
    pub findings: Vec<String>,
}

/// A row that is not blank.
#[derive(Debug)]
pub struct TextRow {
    /// 1-based, of the file.
    pub line: usize,
    /// As many as the table has columns; or how many there are instead.
    pub cells: Result<Vec<Raw>, usize>,
}

pub fn read(path: &Path, encoding: Option<&str>) -> Outcome<TextTable> {
    let input = Input::plain(path);
    let size = std::fs::metadata(path).or_io(path)?.len();
    if size > MOST_BYTES {
        let what = format!("{}: has {} MiB, at most {} are read", input.named, size >> 20, MOST_BYTES >> 20);
        return fail(Who::Supplier, "too-large", what);
    }
    sniff::check(Format::Csv, &input)?;
    let looked = textfile::look(path, encoding, &input.named)?;
    let scratch = tempfile::tempdir().or_io(&std::env::temp_dir())?;
    let (path, choice, skip) = match looked.is_utf16() {
        true => {
            let copy = looked.transcode(path, &scratch.path().join("table.csv"), &input.named)?;
            (copy, Choice { encoding: encoding_rs::UTF_8, ..looked.choice.clone() }, 0)
        }
        false => (input.path.clone(), looked.choice.clone(), looked.bom_bytes),
    };
    let bytes = std::fs::read(&path).or_io(&path)?;
    let first = bytes[skip..].split(|b| *b == b'\n').next().unwrap_or_default();
    if text::decode(first, choice.encoding, false) == Decoded::Broken {
        let what = format!("{}: its first line is not {}; declare `encoding`", input.named, choice.encoding.name());
        return fail(Who::Operator, "wrong-encoding", what);
    }
    quotes::close(&path, &input.named)?;
    let (mut reader, separator) = open(&path, skip)?;
    let columns = header(&mut reader, &choice, &input.named)?;
    let mut rows = vec![];
    for record in reader.byte_records() {
        let record = match record {
            Ok(record) => record,
            Err(e) => return fail(Who::Supplier, "malformed", format!("{}: {}", input.named, explain(&e))),
        };
        if record.iter().all(|f| f.trim_ascii().is_empty()) {
            continue;
        }
        // With two columns a list in a text looks like a row.
        let is_row = |cells: &[&[u8]]| cells.len() == columns.len() && cells.len() > 2;
        quotes::keep_rows_apart(&record, separator, is_row, &input.named)?;
        // A record's position is where the one before it ended: blank lines lie between.
        let line = record.position().map_or(0, |p| {
            let blank = bytes[skip + p.byte() as usize..].iter().take_while(|b| matches!(b, b'\n' | b'\r'));
            p.line() as usize + blank.filter(|b| **b == b'\n').count()
        });
        let cells = match record.len() == columns.len() {
            true => Ok(record.iter().map(|f| value(f, &choice, MOST_CELL_BYTES)).collect()),
            false => Err(record.len()),
        };
        rows.push(TextRow { line, cells });
    }
    Ok(TextTable { columns, rows, encoding: looked.choice.label(), findings: choice.findings })
}
