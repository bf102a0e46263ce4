//! The text of one declaration → a `Layer`, with the line of every part. Reads on after a mistake, so that one
//! pass reports them all; what cannot be read is replaced by a harmless default and the layer never used.

use super::load::Source;
use super::{Dimension, Field, FieldType, Layer, Name, Sensitivity, Serve, Zoom};
use crate::error::Finding;
use crate::geo::GeometryKind;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

/// A layer as declared, and where each part of it stands.
pub(super) struct Declaration {
    pub layer: Layer,
    pub lines: Lines,
}

/// Path of a part ("zoom", "fields/3/name") → its line.
pub(super) struct Lines(BTreeMap<String, usize>);

impl Lines {
    /// The line of a part; of what holds it when the part is not written; 0 when nothing of it is.
    pub fn of(&self, part: &str) -> usize {
        let mut part = part;
        loop {
            match (self.0.get(part), part.rfind('/')) {
                (Some(line), _) => return *line,
                (None, Some(cut)) => part = &part[..cut],
                (None, None) => return 0,
            }
        }
    }
}

/// The declaration (none when the text is no TOML) and what is wrong with it.
pub(super) fn parse(source: &Source) -> (Option<Declaration>, Vec<Finding>) {
    let (root, errors) = DeTable::parse_recoverable(&source.text);
    let mut reader =
        Reader { source, starts: LineStarts::of(&source.text), findings: vec![], table: root.into_inner() };
    for e in &errors {
        reader.found(e.span(), e.message().to_string());
    }
    if !errors.is_empty() {
        return (None, reader.findings);
    }
    let mut lines = BTreeMap::new();
    note_table(&reader.starts, "", &reader.table, &mut lines);
    let layer = reader.layer();
    (Some(Declaration { layer, lines: Lines(lines) }), reader.findings)
}

/// Where the lines of a text begin.
struct LineStarts(Vec<usize>);

impl LineStarts {
    fn of(text: &str) -> LineStarts {
        LineStarts(std::iter::once(0).chain(text.match_indices('\n').map(|(i, _)| i + 1)).collect())
    }

    /// The line of a byte, from 1.
    fn line(&self, byte: usize) -> usize {
        self.0.partition_point(|&start| start <= byte)
    }
}

/// Notes the lines of a table's parts, under their paths.
fn note_table(starts: &LineStarts, path: &str, table: &DeTable<'_>, lines: &mut BTreeMap<String, usize>) {
    for (key, value) in table.iter() {
        let path = match path {
            "" => key.get_ref().to_string(),
            _ => format!("{path}/{}", key.get_ref()),
        };
        note_value(starts, &path, value, lines);
        lines.insert(path, starts.line(key.span().start));
    }
}

fn note_value(starts: &LineStarts, path: &str, value: &Spanned<DeValue<'_>>, lines: &mut BTreeMap<String, usize>) {
    match value.get_ref() {
        DeValue::Table(table) => note_table(starts, path, table, lines),
        DeValue::Array(array) => {
            for (i, item) in array.iter().enumerate() {
                let path = format!("{path}/{i}");
                note_value(starts, &path, item, lines);
                lines.insert(path, starts.line(item.span().start));
            }
        }
        _ => {}
    }
}

struct Reader<'a> {
    source: &'a Source,
    starts: LineStarts,
    findings: Vec<Finding>,
    /// What is not read yet.
    table: DeTable<'a>,
}

impl<'a> Reader<'a> {
    fn layer(&mut self) -> Layer {
        let stem = self.source.file.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        let layer = Layer {
            id: self.need("id", stem),
            name: self.need("name", Name { zh: "?".into(), en: "?".into() }),
            theme: self.take("theme").unwrap_or_else(|| self.source.theme.clone()),
            standard: self.take("standard").unwrap_or_default(),
            geometry: self.need("geometry", vec![GeometryKind::Point]),
            dimension: self.need("dimension", Dimension::Flat),
            sensitivity: self.need("sensitivity", Sensitivity::Public),
            roles: self.take("roles").unwrap_or_default(),
            serve: self.need("serve", vec![Serve::Mvt]),
            zoom: self.need("zoom", Zoom { min: 0, full: 0, max: 24 }),
            thin: self.take("thin").unwrap_or_default(),
            generalise: self.take("generalise").unwrap_or_default(),
            buffer_px: self.take("buffer_px").unwrap_or(super::model::BUFFER_PX),
            label: self.take("label").unwrap_or_default(),
            label_zoom: self.take("label_zoom").unwrap_or_default(),
            fields: self.list("fields", unread_field),
            scene: self.take("scene"),
            examples: self.list("example", |_| None),
            file: self.source.file.clone(),
        };
        let unknown: Vec<_> = self.table.keys().map(|k| (k.span(), k.get_ref().to_string())).collect();
        for (span, key) in unknown {
            self.found(Some(span), format!("unknown key `{key}`"));
        }
        layer
    }

    fn found(&mut self, span: Option<Range<usize>>, what: String) {
        let line = span.map_or(0, |s| self.starts.line(s.start));
        self.findings.push(Finding { file: self.source.file.clone(), line, what });
    }

    fn remove(&mut self, key: &str) -> Option<Spanned<DeValue<'a>>> {
        let spanned = self.table.keys().find(|k| k.get_ref() == key)?.clone();
        self.table.remove(&spanned)
    }

    /// A key that may be missing.
    fn take<T: DeserializeOwned>(&mut self, key: &str) -> Option<T> {
        let value = self.remove(key)?;
        self.read(value, key)
    }

    /// A key that must be there; `harmless` stands for what could not be read.
    fn need<T: DeserializeOwned>(&mut self, key: &str, harmless: T) -> T {
        match self.remove(key) {
            Some(value) => self.read(value, key).unwrap_or(harmless),
            None => {
                self.found(None, format!("`{key}` is missing"));
                harmless
            }
        }
    }

    /// An array read item by item. `stand_in` makes what an unreadable item is replaced by.
    fn list<T: DeserializeOwned>(&mut self, key: &str, stand_in: fn(&DeValue<'_>) -> Option<T>) -> Vec<T> {
        let Some(value) = self.remove(key) else { return vec![] };
        let span = value.span();
        let DeValue::Array(items) = value.into_inner() else {
            self.found(Some(span), format!("`{key}` is a list"));
            return vec![];
        };
        let mut all = vec![];
        for item in items {
            let instead = stand_in(item.get_ref());
            all.extend(self.read(item, key).or(instead));
        }
        all
    }

    /// Reads a value; unknown keys of a table are reported one by one and left out.
    fn read<T: DeserializeOwned>(&mut self, mut value: Spanned<DeValue<'a>>, key: &str) -> Option<T> {
        let mut whole = true;
        loop {
            let error = match T::deserialize(ValueDeserializer::from(value.clone())) {
                Ok(read) => return whole.then_some(read),
                Err(error) => error,
            };
            whole = false;
            let span = error.span().unwrap_or_else(|| value.span());
            self.found(Some(span.clone()), format!("in `{key}`: {}", error.message()));
            let DeValue::Table(table) = value.get_mut() else { return None };
            let unknown = table.keys().find(|k| k.span() == span).cloned()?;
            table.remove(&unknown);
        }
    }
}

/// A field that could not be read, under its name, so that references to it are not reported as well.
fn unread_field(item: &DeValue<'_>) -> Option<Field> {
    let name = item.get("name")?.get_ref().as_str()?.to_string();
    Some(Field {
        name,
        kind: FieldType::Float,
        zh: "?".into(),
        en: None,
        values: vec![],
        key: false,
        sensitivity: None,
        role: None,
        from_zoom: 0,
        unit: None,
        datum: None,
        search: None,
    })
}

/// The theme a file's folder names.
pub(super) fn theme_of(file: &Path) -> String {
    file.parent().map(super::load::file_name).unwrap_or_default()
}
