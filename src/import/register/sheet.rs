//! One table of a register: its headings found, and the cells of a row as the types that registers have. Every cell
//! that cannot be read is said with file, line and heading; what the rows mean is `rows`' matter.

use super::declared::{Shape, TableDecl, list};
use crate::error::Finding;
use crate::import::dates::read_date;
use crate::import::read::{TextRow, TextTable};
use crate::import::values::{Bad, code_text, narrow, plain_text, sample, truth};
use crate::import::wire::Raw;
use std::collections::BTreeMap;
use std::path::Path;

/// Between the values of a list.
const BETWEEN: [char; 6] = ['|', ';', ',', '；', '，', '、'];

/// Where the values of a field are.
#[derive(Debug, Clone)]
enum Place {
    Column(usize),
    /// The same for all rows.
    Value(Raw),
}

#[derive(Debug)]
pub struct Sheet {
    places: BTreeMap<&'static str, Place>,
    headings: Vec<String>,
    /// Columns that no field is read from.
    pub unused: Vec<String>,
}

impl Sheet {
    /// Or what the table lacks.
    pub fn new(shape: &Shape, decl: &TableDecl, table: &TextTable) -> Result<Sheet, Vec<String>> {
        let (mut places, mut lacking) = (BTreeMap::new(), vec![]);
        for field in shape.fields() {
            if let Some(value) = decl.values.get(field) {
                places.insert(field, Place::Value(Raw::Text(value.get_ref().clone())));
                continue;
            }
            let declared = decl.columns.get(field).map(|c| c.get_ref().as_str());
            let heading = declared.unwrap_or(field);
            match table.columns.iter().position(|c| c == heading) {
                Some(i) => drop(places.insert(field, Place::Column(i))),
                None if declared.is_some() || shape.needed.contains(&field) => lacking.push(format!(
                    "{}: no column `{heading}` for `{field}`; it has {}; name the heading in `columns`",
                    shape.name,
                    list(table.columns.iter().map(String::as_str))
                )),
                None => {}
            }
        }
        if !lacking.is_empty() {
            return Err(lacking);
        }
        let read = |i: usize| places.values().any(|p| matches!(p, Place::Column(c) if *c == i));
        let unused = table.columns.iter().enumerate().filter(|(i, _)| !read(*i)).map(|(_, c)| c.clone()).collect();
        Ok(Sheet { places, headings: table.columns.clone(), unused })
    }
}

/// One row being read; what is wrong with it goes to `flaws`.
pub struct Row<'a> {
    pub sheet: &'a Sheet,
    pub path: &'a Path,
    pub line: usize,
    pub cells: &'a [Raw],
    pub flaws: &'a mut Vec<Finding>,
}

impl<'a> Row<'a> {
    /// None, and a flaw, for a row of another width.
    pub fn new(sheet: &'a Sheet, path: &'a Path, row: &'a TextRow, flaws: &'a mut Vec<Finding>) -> Option<Row<'a>> {
        match &row.cells {
            Ok(cells) => Some(Row { sheet, path, line: row.line, cells, flaws }),
            Err(n) => {
                let what = format!("{n} fields instead of {}", sheet.headings.len());
                flaws.push(Finding { file: path.to_path_buf(), line: row.line, what });
                None
            }
        }
    }

    pub fn flaw(&mut self, field: &str, what: &str) {
        let heading = match self.sheet.places.get(field) {
            Some(Place::Column(i)) if self.sheet.headings[*i] != field => format!(" ({})", self.sheet.headings[*i]),
            _ => String::new(),
        };
        let what = format!("{field}{heading}: {what}");
        self.flaws.push(Finding { file: self.path.to_path_buf(), line: self.line, what });
    }

    fn raw(&self, field: &str) -> &'a Raw {
        match self.sheet.places.get(field) {
            Some(Place::Column(i)) => &self.cells[*i],
            Some(Place::Value(value)) => value,
            None => &Raw::Null,
        }
    }

    fn said(&mut self, field: &str, bad: Bad) {
        let what = match bad {
            Bad::Text => "is not text in the file's encoding; declare `encoding`".to_string(),
            Bad::Value { sample, what } => format!("`{sample}` {what}"),
        };
        self.flaw(field, &what);
    }

    pub fn text(&mut self, field: &str) -> Option<String> {
        match plain_text(self.raw(field)) {
            Ok(text) => text.map(|t| t.into_owned()),
            Err(bad) => {
                self.said(field, bad);
                None
            }
        }
    }

    /// Full-width forms as plain ones; a code that a spreadsheet has shortened is a flaw. A name that stands where a
    /// code may is left as it is written.
    pub fn code(&mut self, field: &str) -> Option<String> {
        match code_text(self.raw(field), 0) {
            Ok(Some(name)) if !name.is_ascii() => self.text(field),
            Ok(code) => code,
            Err(bad) => {
                // As delivered, so that the row is not said to have none.
                let written = plain_text(self.raw(field)).ok().flatten().map(|t| t.into_owned());
                self.said(field, bad);
                written
            }
        }
    }

    pub fn list(&mut self, field: &str) -> Vec<String> {
        let text = self.text(field).unwrap_or_default();
        text.split(BETWEEN).map(str::trim).filter(|t| !t.is_empty()).map(str::to_string).collect()
    }

    pub fn codes(&mut self, field: &str) -> Vec<String> {
        let mut codes = vec![];
        for part in self.list(field) {
            match code_text(&Raw::Text(part), 0) {
                Ok(code) => codes.extend(code),
                Err(bad) => self.said(field, bad),
            }
        }
        codes
    }

    /// A day or moment in ISO form; what reads as neither is handed on for `register::check` to name.
    pub fn day(&mut self, field: &str) -> Option<String> {
        let text = self.text(field)?;
        Some(read_date(&narrow(&text)).unwrap_or(text))
    }

    pub fn flag(&mut self, field: &str) -> Option<bool> {
        let text = self.text(field)?;
        let read = truth(&narrow(&text));
        if read.is_none() {
            self.flaw(field, &format!("`{}` is not yes or no", sample(&text)));
        }
        read
    }

    pub fn integer(&mut self, field: &str) -> Option<i64> {
        let text = self.text(field)?;
        let read = narrow(&text).parse().ok();
        if read.is_none() {
            self.flaw(field, &format!("`{}` is not an integer", sample(&text)));
        }
        read
    }

    /// By one of its names.
    pub fn one_of<T: Copy>(&mut self, field: &str, names: &[(&str, T)]) -> Option<T> {
        let text = self.text(field)?;
        let found = named(&text, names);
        if found.is_none() {
            self.flaw(field, &unknown(&text, names));
        }
        found
    }

    /// Several, in the order given; none when the cell is blank.
    pub fn some_of<T: Copy>(&mut self, field: &str, names: &[(&str, T)]) -> Option<Vec<T>> {
        let text = self.text(field)?;
        let mut found = vec![];
        for part in text.split(|c: char| BETWEEN.contains(&c) || c.is_whitespace()).filter(|p| !p.is_empty()) {
            match named(part, names) {
                Some(value) => found.push(value),
                None => self.flaw(field, &unknown(part, names)),
            }
        }
        Some(found)
    }
}

fn named<T: Copy>(text: &str, names: &[(&str, T)]) -> Option<T> {
    let plain = narrow(text);
    names.iter().find(|(name, _)| name.eq_ignore_ascii_case(&plain)).map(|(_, value)| *value)
}

fn unknown<T>(text: &str, names: &[(&str, T)]) -> String {
    format!("`{}` is none of {}", sample(text), list(names.iter().map(|(name, _)| *name)))
}
