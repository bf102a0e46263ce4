//! DBF tables read byte for byte: what GDAL would recode, trim or turn into doubles is decided here instead.
//! dBase III and IV fields as shapefiles use them; memo fields have no value here.

use super::text::{self, Choice, Decoded};
use super::{OrIo, Outcome, incomplete};
use crate::import::repair::{self, Repairs};
use crate::import::wire::Raw;
use encoding_rs::Encoding;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// A column's place in the row.
#[derive(Debug, Clone)]
pub struct Column {
    /// Name bytes up to the first NUL.
    name: Vec<u8>,
    kind: u8,
    decimals: u8,
    offset: usize,
    width: usize,
}

#[derive(Debug)]
pub struct Dbf {
    path: PathBuf,
    named: String,
    pub records: u64,
    header_bytes: u64,
    row_bytes: usize,
    pub language_byte: u8,
    pub columns: Vec<Column>,
}

/// Name fields have 11 bytes with a closing NUL that some writers leave out.
const NAME_BYTES: usize = 11;

impl Dbf {
    /// Reads the header and proves that the file is as long as it says.
    pub fn open(path: &Path, named: &str) -> Outcome<Dbf> {
        let mut file = BufReader::new(File::open(path).or_io(path)?);
        let size = file.get_ref().metadata().or_io(path)?.len();
        let mut h = [0u8; 32];
        if file.read_exact(&mut h).is_err() {
            return incomplete(named, format!("the .dbf has {size} bytes, not even a header"));
        }
        let records = u64::from(u32::from_le_bytes([h[4], h[5], h[6], h[7]]));
        let header_bytes = u64::from(u16::from_le_bytes([h[8], h[9]]));
        let row_bytes = usize::from(u16::from_le_bytes([h[10], h[11]]));
        let needed = header_bytes + records * row_bytes as u64;
        if size < needed || header_bytes < 33 || row_bytes == 0 {
            let found = size.saturating_sub(header_bytes).checked_div(row_bytes as u64).unwrap_or(0);
            return incomplete(
                named,
                format!("the .dbf declares {records} rows ({needed} bytes), but has {found} ({size} bytes)"),
            );
        }
        let mut rest = vec![0u8; header_bytes as usize - 32];
        file.read_exact(&mut rest).or_io(path)?;
        let columns = columns(&rest, row_bytes, named)?;
        Ok(Dbf {
            path: path.to_path_buf(),
            named: named.to_string(),
            records,
            header_bytes,
            row_bytes,
            language_byte: h[29],
            columns,
        })
    }

    fn rows(&self) -> Outcome<Rows> {
        let mut file = File::open(&self.path).or_io(&self.path)?;
        file.seek(SeekFrom::Start(self.header_bytes)).or_io(&self.path)?;
        Ok(Rows { file: BufReader::with_capacity(1 << 18, file), row: vec![0; self.row_bytes], left: self.records })
    }

    /// One look at every text value and every column name; the number of rows marked as deleted besides.
    pub fn survey(&self, candidate: Option<&'static Encoding>) -> Outcome<(text::Survey, u64)> {
        let mut survey = text::Survey::new(candidate);
        for c in &self.columns {
            survey.add(&c.name, c.name.len() >= NAME_BYTES - 1);
        }
        let texts: Vec<&Column> = self.columns.iter().filter(|c| c.kind == b'C').collect();
        let mut deleted = 0;
        let mut rows = self.rows()?;
        while let Some(row) = rows.next(&self.path)? {
            deleted += u64::from(row[0] == b'*');
            for c in &texts {
                let (bytes, full) = c.text(row);
                survey.add(bytes, full);
            }
        }
        Ok((survey, deleted))
    }

    /// Column names in the chosen encoding, made distinct: truncation to ten bytes makes twins.
    pub fn names(&self, choice: &Choice) -> Vec<String> {
        let mut names: Vec<String> = vec![];
        for c in &self.columns {
            let name = match text::decode(&c.name, choice.encoding, c.name.len() >= NAME_BYTES - 1) {
                Decoded::Clean(t) | Decoded::Cut(t) => t,
                Decoded::Broken => choice.encoding.decode_without_bom_handling(&c.name).0.into_owned(),
            };
            let name = name.trim_start_matches('\u{feff}').trim().to_string();
            let mut unique = name.clone();
            let mut n = 0;
            while names.contains(&unique) {
                n += 1;
                unique = format!("{name}_{n}");
            }
            names.push(unique);
        }
        names
    }

    pub fn reader(&self) -> Outcome<RowReader<'_>> {
        Ok(RowReader { dbf: self, rows: self.rows()?, at: 0 })
    }
}

/// Wide text fields keep the high byte of their width where numbers have their decimals; other writers leave rubbish
/// there. The row's length tells which.
fn columns(rest: &[u8], row_bytes: usize, named: &str) -> Outcome<Vec<Column>> {
    let (narrow, narrow_bytes) = lay_out(rest, |d| usize::from(d[16]));
    let (wide, wide_bytes) = lay_out(rest, |d| usize::from(u16::from_le_bytes([d[16], d[17]])));
    match () {
        _ if narrow_bytes == row_bytes => Ok(narrow),
        _ if wide_bytes == row_bytes => Ok(wide),
        _ if narrow_bytes < row_bytes => Ok(narrow),
        _ => {
            let n = narrow.len();
            incomplete(
                named,
                format!("the .dbf's {n} columns need {narrow_bytes} bytes a row, declared are {row_bytes}"),
            )
        }
    }
}

fn lay_out(rest: &[u8], text_width: impl Fn(&[u8]) -> usize) -> (Vec<Column>, usize) {
    let mut found = vec![];
    let mut offset = 1;
    for d in rest.chunks_exact(32).take_while(|d| d[0] != 0x0d && d[0] != 0) {
        let name = d[..NAME_BYTES].split(|b| *b == 0).next().unwrap_or_default().trim_ascii_end().to_vec();
        let kind = d[11].to_ascii_uppercase();
        let width = if kind == b'C' { text_width(d) } else { usize::from(d[16]) };
        found.push(Column { name, kind, decimals: d[17], offset, width });
        offset += width;
    }
    (found, offset)
}

struct Rows {
    file: BufReader<File>,
    row: Vec<u8>,
    left: u64,
}

impl Rows {
    fn next(&mut self, path: &Path) -> Outcome<Option<&[u8]>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        self.file.read_exact(&mut self.row).or_io(path)?;
        Ok(Some(&self.row))
    }
}

/// Rows in order; asked for by number, which only grows.
pub struct RowReader<'a> {
    dbf: &'a Dbf,
    rows: Rows,
    at: u64,
}

impl RowReader<'_> {
    /// Row `index`; none when it is marked as deleted.
    pub fn row(&mut self, index: u64) -> Outcome<Option<&[u8]>> {
        if index < self.at || index >= self.dbf.records {
            return incomplete(&self.dbf.named, format!("the .dbf has no row {index}"));
        }
        let ahead = (index - self.at) as i64 * self.dbf.row_bytes as i64;
        self.rows.file.seek_relative(ahead).or_io(&self.dbf.path)?;
        self.rows.left -= index - self.at;
        self.at = index + 1;
        Ok(self.rows.next(&self.dbf.path)?.filter(|r| r[0] != b'*'))
    }
}

/// Blanks of all kinds around a value: spaces, NULs and what GBK calls a space.
fn trim_end(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|b| !matches!(b, 0 | b' ' | b'\t' | b'\r' | b'\n')).map_or(0, |i| i + 1);
    &bytes[..end]
}

impl Column {
    /// The bytes before the first NUL without trailing blanks, and whether they fill the field.
    fn text<'r>(&self, row: &'r [u8]) -> (&'r [u8], bool) {
        let whole = &row[self.offset..self.offset + self.width];
        let bytes = whole.split(|b| *b == 0).next().unwrap_or_default();
        (trim_end(bytes), bytes.len() == self.width && !bytes.ends_with(b" "))
    }

    pub fn value(&self, row: &[u8], encoding: &'static Encoding, repairs: &mut Repairs) -> Raw {
        let whole = &row[self.offset..self.offset + self.width];
        match self.kind {
            b'C' => self.text_value(row, encoding, repairs),
            b'N' | b'F' => number(whole, self.decimals),
            b'D' => date(whole),
            b'L' => match whole.first() {
                Some(b'T' | b't' | b'Y' | b'y' | b'1') => Raw::Bool(true),
                Some(b'F' | b'f' | b'N' | b'n' | b'0') => Raw::Bool(false),
                _ => Raw::Null,
            },
            b'I' | b'+' => whole.try_into().map_or(Raw::Null, |b| Raw::Int(i64::from(i32::from_le_bytes(b)))),
            b'O' | b'B' if self.width == 8 => whole.try_into().map_or(Raw::Null, |b| finite(f64::from_le_bytes(b))),
            _ => Raw::Null,
        }
    }

    fn text_value(&self, row: &[u8], encoding: &'static Encoding, repairs: &mut Repairs) -> Raw {
        let (bytes, full) = self.text(row);
        let text = match text::decode(bytes, encoding, full) {
            Decoded::Clean(t) => t,
            Decoded::Cut(t) => {
                repairs.note(repair::TEXT_CUT);
                t
            }
            Decoded::Broken => return Raw::Broken(bytes.to_vec()),
        };
        match text.trim_start_matches('\u{feff}') {
            "" => Raw::Null,
            t if t.len() == text.len() => Raw::Text(text),
            t => Raw::Text(t.to_string()),
        }
    }
}

fn finite(v: f64) -> Raw {
    if v.is_finite() { Raw::Float(v) } else { Raw::Null }
}

/// Whole numbers stay exact; what a double cannot hold stays text; blanks and overflow stars are null.
fn number(bytes: &[u8], decimals: u8) -> Raw {
    let trimmed = bytes.split(|b| *b == 0).next().unwrap_or_default().trim_ascii();
    if trimmed.is_empty() || trimmed[0] == b'*' {
        return Raw::Null;
    }
    let Ok(text) = std::str::from_utf8(trimmed) else { return Raw::Broken(trimmed.to_vec()) };
    if decimals == 0
        && let Ok(i) = text.parse()
    {
        return Raw::Int(i);
    }
    let whole = text.trim_start_matches(['+', '-']).bytes().all(|b| b.is_ascii_digit());
    match text.replace(',', ".").parse::<f64>() {
        Ok(_) if whole && decimals == 0 => Raw::Text(text.to_string()),
        Ok(v) if v.is_finite() => Raw::Float(v),
        _ => Raw::Broken(trimmed.to_vec()),
    }
}

/// `YYYYMMDD`. The zero dates of several programs mean "none".
fn date(bytes: &[u8]) -> Raw {
    let t = bytes.split(|b| *b == 0).next().unwrap_or_default().trim_ascii();
    if t.is_empty() || t.iter().all(|b| *b == b'0') || t == b"18991230" {
        return Raw::Null;
    }
    let digits = t.len() == 8 && t.iter().all(u8::is_ascii_digit);
    let field = |r: std::ops::Range<usize>| std::str::from_utf8(&t[r]).unwrap_or_default();
    match digits
        && (1..=12).contains(&field(4..6).parse().unwrap_or(0))
        && (1..=31).contains(&field(6..8).parse().unwrap_or(0))
    {
        true => Raw::Date(format!("{}-{}-{}", field(0..4), field(4..6), field(6..8))),
        false => Raw::Broken(t.to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_digits() {
        let cases: &[(&[u8], u8, Raw)] = &[
            (b"  12", 0, Raw::Int(12)),
            (b"41020201180000012", 0, Raw::Int(41020201180000012)),
            (b"123456789012345678901", 0, Raw::Text("123456789012345678901".into())),
            (b"      ", 0, Raw::Null),
            (b"******", 2, Raw::Null),
            (b"\0\0\0", 0, Raw::Null),
            (b" 3.50", 2, Raw::Float(3.5)),
            (b"1e3", 0, Raw::Float(1000.0)),
            (b"1.2.3", 2, Raw::Broken(b"1.2.3".to_vec())),
            (b"nan", 2, Raw::Broken(b"nan".to_vec())),
        ];
        for (bytes, decimals, raw) in cases {
            assert_eq!(number(bytes, *decimals), *raw, "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn zero_dates_are_null() {
        let cases: &[(&[u8], Raw)] = &[
            (b"20261121", Raw::Date("2026-11-21".into())),
            (b"00000000", Raw::Null),
            (b"        ", Raw::Null),
            (b"18991230", Raw::Null),
            (b"\0\0\0\0\0\0\0\0", Raw::Null),
            (b"20261341", Raw::Broken(b"20261341".to_vec())),
            (b"2026.1.2", Raw::Broken(b"2026.1.2".to_vec())),
        ];
        for (bytes, raw) in cases {
            assert_eq!(date(bytes), *raw);
        }
    }
}
