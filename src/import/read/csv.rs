//! CSV with coordinate columns or a WKT column, read as bytes: GBK needs them. Counts what the supplier states.

use super::pipe::{Draft, Pipe};
use super::text::{self, Choice, Decoded};
use super::textfile;
use super::unpack::Input;
use super::{OrIo, Outcome, fail, gdal_door, incomplete, quotes, wkb};
use crate::error::Result;
use crate::feature::Geometry;
use crate::import::repair::{Repairs, reject};
use crate::import::reproject::{FileCrs, Reproject};
use crate::import::wire::{Frame, Opened, Raw, ReadJob, Reject, Who, XyColumns};
use csv::{ByteRecord, ErrorKind, Reader, ReaderBuilder};
use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

pub fn read(job: &ReadJob, input: &Input, out: &mut dyn FnMut(Frame) -> Result<()>) -> Outcome<()> {
    let looked = textfile::look(&input.path, job.encoding.as_deref(), &input.named)?;
    let (path, choice, skip) = match looked.is_utf16() {
        true => {
            let copy = looked.transcode(&input.path, &job.scratch.join("source.csv"), &input.named)?;
            let utf8 = Choice { encoding: encoding_rs::UTF_8, ..looked.choice.clone() };
            (copy, utf8, 0)
        }
        false => (input.path.clone(), looked.choice.clone(), looked.bom_bytes),
    };
    quotes::close(&path, &input.named)?;
    let (mut reader, separator) = open(&path, skip)?;
    let names = header(&mut reader, &choice, &input.named)?;
    let places = Places::find(job.xy.as_ref(), &names, &input.named)?;
    let wanted: Vec<usize> =
        (0..names.len()).filter(|&i| job.columns.as_ref().is_none_or(|c| c.contains(&names[i]))).collect();
    let reproject = Reproject::choose(&job.crs, &FileCrs::default(), None, &input.named)?;
    let opened = Opened {
        columns: wanted.iter().map(|&i| names[i].clone()).collect(),
        declared: job.stated_rows,
        encoding: looked.choice.label(),
        findings: choice.findings.clone(),
        ..Opened::default()
    };
    let mut pipe = Pipe::open(opened, &reproject, &input.named, out)?;
    let rows =
        Rows { job, choice: &choice, names: &names, wanted: &wanted, places: &places, separator, named: &input.named };
    rows.read(&mut reader, &mut pipe, &reproject)?;
    pipe.done()
}

struct Rows<'a> {
    job: &'a ReadJob,
    choice: &'a Choice,
    names: &'a [String],
    wanted: &'a [usize],
    places: &'a Places,
    separator: u8,
    named: &'a str,
}

impl Rows<'_> {
    fn read(&self, reader: &mut Reader<Box<dyn BufRead>>, pipe: &mut Pipe, reproject: &Reproject) -> Outcome<()> {
        let limits = wkb::Limits { sagitta: reproject.curve_tolerance(), vertices: self.job.limits.vertices };
        let mut record = ByteRecord::new();
        let mut ended = false;
        loop {
            let more = match reader.read_byte_record(&mut record) {
                Ok(more) => more,
                Err(e) => return fail(Who::Supplier, "malformed", format!("{}: {}", self.named, explain(&e))),
            };
            if !more {
                break;
            }
            let line = record.position().map_or(0, csv::Position::line);
            if record.iter().all(|f| f.trim_ascii().is_empty()) {
                continue;
            }
            quotes::keep_rows_apart(&record, self.separator, |cells| self.is_row(cells), self.named)?;
            if ended {
                return incomplete(self.named, format!("rows follow the end marker, line {line}"));
            }
            if self.is_end(&record) {
                ended = true;
                continue;
            }
            if record.len() != self.names.len() {
                // A row of another width cannot be read by column: refused whole, told by its line.
                let what = format!("{} fields instead of {}", record.len(), self.names.len());
                let values = vec![Raw::Null; self.wanted.len()];
                let geometry = Err(reject("wrong-width", what));
                pipe.push(Draft::flat(line, geometry, Repairs::default(), values))?;
                continue;
            }
            let mut repairs = Repairs::default();
            let geometry = self.places.geometry(&record, self.choice, &limits, &mut repairs);
            let value = |i: &usize| value(&record[*i], self.choice, self.job.limits.text_bytes);
            let values = self.wanted.iter().map(value).collect();
            pipe.push(Draft::flat(line, geometry, repairs, values))?;
        }
        self.all_there(pipe.read(), ended)
    }

    /// Whether cells have a place where a row's place is written.
    fn is_row(&self, cells: &[&[u8]]) -> bool {
        match self.places {
            Places::Xy { x, y, .. } => {
                let is_number = |i: &usize| number(cells[*i], self.choice).is_ok_and(|n| n.is_some());
                cells.len() == self.names.len() && [x, y].into_iter().all(is_number)
            }
            Places::Wkt(_) => cells.iter().any(|c| begins_wkt(c)),
        }
    }

    fn is_end(&self, record: &ByteRecord) -> bool {
        let Some(marker) = &self.job.end_marker else { return false };
        let alone = record.iter().skip(1).all(|f| f.trim_ascii().is_empty());
        alone && record.get(0).is_some_and(|f| decoded(f, self.choice).trim() == marker.trim())
    }

    fn all_there(&self, read: u64, ended: bool) -> Outcome<()> {
        if let Some(marker) = self.job.end_marker.as_ref().filter(|_| !ended) {
            return incomplete(self.named, format!("does not end with the marker `{marker}`; {read} rows were found"));
        }
        match self.job.stated_rows {
            Some(stated) if stated != read => {
                incomplete(self.named, format!("{stated} rows are stated, {read} were found"))
            }
            _ => Ok(()),
        }
    }
}

/// A cell as text, if it is text of the file's encoding and no longer than `most` bytes.
pub(super) fn value(bytes: &[u8], choice: &Choice, most: u64) -> Raw {
    match text::decode(bytes, choice.encoding, false) {
        _ if bytes.len() as u64 > most => Raw::Broken(bytes[..200].to_vec()),
        Decoded::Clean(t) | Decoded::Cut(t) => match t.trim_matches([' ', '\t', '\0', '\u{feff}', '\r']) {
            "" => Raw::Null,
            cut if cut.len() == t.len() => Raw::Text(t),
            cut => Raw::Text(cut.to_string()),
        },
        Decoded::Broken => Raw::Broken(bytes.to_vec()),
    }
}

pub(super) fn explain(e: &csv::Error) -> String {
    match e.kind() {
        ErrorKind::Io(io) => io.to_string(),
        _ => e.to_string(),
    }
}

fn decoded(bytes: &[u8], choice: &Choice) -> String {
    match text::decode(bytes, choice.encoding, false) {
        Decoded::Clean(t) | Decoded::Cut(t) => t,
        Decoded::Broken => choice.encoding.decode_without_bom_handling(bytes).0.into_owned(),
    }
}

/// The separator that the first line has most of. In GBK none of them can be half of a character.
pub(super) fn open(path: &Path, skip: usize) -> Outcome<(Reader<Box<dyn BufRead>>, u8)> {
    let mut file = BufReader::with_capacity(1 << 18, File::open(path).or_io(path)?);
    let mut first = vec![];
    file.by_ref().take(1 << 16).read_until(b'\n', &mut first).or_io(path)?;
    file.seek(SeekFrom::Start(skip as u64)).or_io(path)?;
    let count = |d: u8| first.iter().filter(|b| **b == d).count();
    let delimiter = [b',', b';', b'\t'].into_iter().rev().max_by_key(|d| count(*d)).unwrap_or(b',');
    let from: Box<dyn BufRead> = Box::new(file);
    Ok((ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(from), delimiter))
}

pub(super) fn header(reader: &mut Reader<Box<dyn BufRead>>, choice: &Choice, named: &str) -> Outcome<Vec<String>> {
    let mut record = ByteRecord::new();
    match reader.read_byte_record(&mut record) {
        Ok(true) => {}
        Ok(false) => return incomplete(named, "is empty, not even a header line"),
        Err(e) => return fail(Who::Supplier, "malformed", format!("{named}: {}", explain(&e))),
    }
    let names: Vec<String> =
        record.iter().map(|f| decoded(f, choice).trim_start_matches('\u{feff}').trim().to_string()).collect();
    let mut seen = HashSet::new();
    match names.iter().find(|n| !n.is_empty() && !seen.insert(n.as_str())) {
        Some(n) => fail(Who::Supplier, "malformed", format!("{named}: two columns are named `{n}`")),
        None => Ok(names),
    }
}

/// Where a row's place is written.
enum Places {
    Xy { x: usize, y: usize, z: Option<usize> },
    Wkt(usize),
}

impl Places {
    fn find(xy: Option<&XyColumns>, names: &[String], named: &str) -> Outcome<Places> {
        let column = |wanted: &String| match names.iter().position(|n| n == wanted) {
            Some(i) => Ok(i),
            None => {
                let what = format!("{named}: has no column `{wanted}`; it has {}", names.join(", "));
                fail(Who::Operator, "no-column", what)
            }
        };
        match xy.map(|c| (&c.wkt, &c.x, &c.y)) {
            Some((Some(w), None, None)) => Ok(Places::Wkt(column(w)?)),
            Some((None, Some(x), Some(y))) => {
                let z = xy.and_then(|c| c.z.as_ref()).map(column).transpose()?;
                Ok(Places::Xy { x: column(x)?, y: column(y)?, z })
            }
            _ => {
                let what = format!("{named}: declare `xy` with columns x (east) and y (north), or wkt");
                fail(Who::Operator, "no-column", what)
            }
        }
    }

    fn geometry(
        &self,
        row: &ByteRecord,
        choice: &Choice,
        limits: &wkb::Limits,
        repairs: &mut Repairs,
    ) -> std::result::Result<Geometry, Reject> {
        match self {
            Places::Wkt(i) => {
                let text = decoded(&row[*i], choice);
                if text.trim().is_empty() {
                    return Err(reject("null-geometry", "the WKT column is blank"));
                }
                let bytes = gdal_door::wkt_to_wkb(text.trim()).map_err(|e| reject("broken-geometry", e))?;
                wkb::decode(&bytes, limits, repairs)
            }
            Places::Xy { x, y, z } => {
                let (x, y) = (number(&row[*x], choice)?, number(&row[*y], choice)?);
                let (Some(x), Some(y)) = (x, y) else {
                    return Err(reject("null-geometry", "a coordinate is blank"));
                };
                let z = z.map(|z| number(&row[z], choice)).transpose()?.flatten();
                if !x.is_finite() || !y.is_finite() {
                    return Err(reject("not-finite", format!("the coordinates are {x} {y}")));
                }
                Ok(Geometry { z: z.into_iter().filter(|z| z.is_finite()).collect(), ..Geometry::point(x, y) })
            }
        }
    }
}

/// Whether a text begins like a geometry. Its commas may have cut it.
fn begins_wkt(cell: &[u8]) -> bool {
    let word = cell.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    const KINDS: [&str; 4] = ["POINT", "STRING", "POLYGON", "COLLECTION"];
    let name = cell[..word].to_ascii_uppercase();
    KINDS.iter().any(|k| name.ends_with(k.as_bytes()) || name.ends_with(&[k.as_bytes(), b"Z"].concat()))
        && cell[word..].contains(&b'(')
}

/// A decimal number, full-width digits and separators for thousands included; blank is none.
fn number(bytes: &[u8], choice: &Choice) -> std::result::Result<Option<f64>, Reject> {
    if let Some(plain) = plain_number(bytes) {
        return Ok(Some(plain));
    }
    let written = decoded(bytes, choice);
    let plain: String = written.chars().map(half_width).filter(|c| !c.is_whitespace()).collect();
    if plain.is_empty() {
        return Ok(None);
    }
    let thousands = plain.split(',').count() > 1
        && plain.split('.').next().is_some_and(|w| w.split(',').skip(1).all(|g| g.len() == 3));
    let plain = if thousands { plain.replace(',', "") } else { plain };
    let shown = || written.trim().chars().take(40).collect::<String>();
    plain.parse().map(Some).map_err(|_| reject("bad-coordinate", format!("`{}` is no number", shown())))
}

/// A number as programs write it, of digits, a point and a sign alone.
fn plain_number(bytes: &[u8]) -> Option<f64> {
    let digits = bytes.trim_ascii();
    let plain = digits.iter().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-'));
    std::str::from_utf8(digits).ok().filter(|_| plain)?.parse().ok()
}

/// ０–９ ． ， － as their ASCII twins.
fn half_width(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        '\u{3000}' => ' ',
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_people_write_them() {
        let utf8 = Choice { encoding: encoding_rs::UTF_8, why: String::new(), findings: vec![] };
        let read = |s: &str| number(s.as_bytes(), &utf8);
        assert_eq!(read(" 527452.964 "), Ok(Some(527452.964)));
        assert_eq!(read("５２７，４５２．５"), Ok(Some(527452.5)));
        assert_eq!(read("3,852,446.171"), Ok(Some(3852446.171)));
        assert_eq!(read(""), Ok(None));
        assert!(read("NaN").is_ok_and(|v| v.is_some_and(f64::is_nan)));
        assert!(read("114°18'").is_err());
    }
}
