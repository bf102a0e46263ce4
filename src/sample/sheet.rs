//! A table as a CSV file: GB18030 or UTF-8, coordinates in its first two columns. Written by hand: GDAL writes no GB18030.

use super::write::{Column, Shape, Val};
use crate::error::{Error, Result};
use crate::geo::gauss_kruger::GaussKruger;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// How a CSV is laid out.
pub struct CsvPlace<'a> {
    pub file: &'a str,
    pub epsg: u32,
    pub gb18030: bool,
    /// Column of the easting or longitude, and of the northing or latitude.
    pub east: &'a str,
    pub north: &'a str,
    /// `layer`, `route`, `key` lines of the manifest.
    pub target: &'a str,
}

/// Stands in a text for a byte that cannot be decoded.
pub const BROKEN: char = '\u{1}';

/// A CSV in GB18030 or UTF-8 with a byte-order mark, coordinates as the first two columns, north first as surveyors do.
pub struct CsvFile {
    path: PathBuf,
    file: std::io::BufWriter<std::fs::File>,
    gb18030: bool,
    to_degrees: bool,
    plane: GaussKruger,
    line: String,
}

impl CsvFile {
    pub fn create(path: &Path, csv: &CsvPlace, columns: &[Column]) -> Result<CsvFile> {
        let file = std::fs::File::create(path).map_err(|e| Error::io(path, e))?;
        let file = std::io::BufWriter::with_capacity(1 << 18, file);
        let mut csv_file = CsvFile {
            path: path.into(),
            file,
            gb18030: csv.gb18030,
            to_degrees: csv.epsg != 4547,
            plane: GaussKruger::cgcs2000(114.0, 500_000.0),
            line: String::new(),
        };
        if !csv.gb18030 {
            csv_file.line.push('\u{feff}');
        }
        let _ = write!(csv_file.line, "{},{}", csv.north, csv.east);
        for c in columns {
            let _ = write!(csv_file.line, ",{}", c.name);
        }
        csv_file.end_line()?;
        Ok(csv_file)
    }

    pub fn put(&mut self, shape: &Shape, row: &[Val]) -> Result<()> {
        match *shape {
            Shape::Point(p) | Shape::PointZ(p, _) if self.to_degrees => {
                let d = self.plane.inverse(p);
                let _ = write!(self.line, "{:.9},{:.9}", d[1], d[0]);
            }
            Shape::Point(p) | Shape::PointZ(p, _) => {
                let _ = write!(self.line, "{:.3},{:.3}", p[1], p[0]);
            }
            _ => self.line.push(','),
        }
        for value in row {
            self.line.push(',');
            match value {
                Val::Null => {}
                Val::Int(v) => drop(write!(self.line, "{v}")),
                Val::Num(v) => drop(write!(self.line, "{v}")),
                Val::Flag(v) => self.line.push_str(if *v { "是" } else { "否" }),
                Val::Day(v) => drop(write!(self.line, "{v}")),
                Val::Text(v) => push_cell(&mut self.line, v),
                Val::Own(v) => push_cell(&mut self.line, v),
            }
        }
        self.end_line()
    }

    fn end_line(&mut self) -> Result<()> {
        self.line.push_str("\r\n");
        let written = if self.gb18030 {
            let (bytes, _, _) = encoding_rs::GB18030.encode(&self.line);
            // A planted fault: a byte that is no text in any Chinese encoding.
            if self.line.contains(BROKEN) {
                let broken: Vec<u8> = bytes.iter().map(|&b| if b == BROKEN as u8 { 0xff } else { b }).collect();
                self.file.write_all(&broken)
            } else {
                self.file.write_all(&bytes)
            }
        } else {
            self.file.write_all(self.line.as_bytes())
        };
        self.line.clear();
        written.map_err(|e| Error::io(&self.path, e))
    }

    pub fn close(mut self) -> Result<()> {
        self.file.flush().map_err(|e| Error::io(&self.path, e))
    }
}

fn push_cell(line: &mut String, v: &str) {
    if v.contains([',', '"', '\n', '\r']) {
        line.push('"');
        line.push_str(&v.replace('"', "\"\""));
        line.push('"');
    } else {
        line.push_str(v);
    }
}
