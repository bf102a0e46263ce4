//! Whether a declaration that reads well makes sense: names, zooms, keys, ranks, references, examples. One
//! finding per mistake, each with its line. Looks at one layer; what concerns several is `load`.

use super::parse::Declaration;
use super::{DEEPEST_ZOOM, Example, Field, FieldType, Layer, RECORDS_ONLY, Sensitivity};
use crate::error::Finding;
use crate::geo::GeometryKind;
use std::collections::{HashMap, HashSet};
use std::hash::Hash;

/// Wider, a tile would draw more of its neighbours than of itself.
const WIDEST_BUFFER_PX: f64 = 128.0;
const WIDEST_CELL_PX: u32 = 256;

/// Everything wrong with a layer that stands in the folder `theme`.
pub(super) fn findings(declaration: &Declaration, theme: &str) -> Vec<Finding> {
    let mut check = Check { declaration, layer: &declaration.layer, findings: vec![] };
    check.identity(theme);
    check.kinds();
    check.zooms();
    check.drawing();
    check.fields();
    check.scene();
    for (i, example) in declaration.layer.examples.iter().enumerate() {
        check.example(i, example);
    }
    check.findings
}

struct Check<'a> {
    declaration: &'a Declaration,
    layer: &'a Layer,
    findings: Vec<Finding>,
}

impl Check<'_> {
    fn found(&mut self, part: &str, what: impl Into<String>) {
        let line = self.declaration.lines.of(part);
        self.findings.push(Finding { file: self.layer.file.clone(), line, what: what.into() });
    }

    fn identity(&mut self, theme: &str) {
        let layer = self.layer;
        let stem = layer.file.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        if !is_name(&layer.id) {
            self.found("id", format!("id \"{}\" is not spelled [a-z][a-z0-9_]*", layer.id));
        }
        if layer.id != stem {
            self.found("id", format!("id \"{}\" is not the file's name, \"{stem}\"", layer.id));
        }
        if layer.theme != theme {
            self.found("theme", format!("theme \"{}\" is not the folder's name, \"{theme}\"", layer.theme));
        }
        for (part, text) in [("name/zh", &layer.name.zh), ("name/en", &layer.name.en)] {
            if text.trim().is_empty() {
                self.found(part, "the name is empty");
            }
        }
    }

    fn kinds(&mut self) {
        let layer = self.layer;
        if layer.geometry.is_empty() {
            self.found("geometry", "a layer holds points, lines or polygons: name at least one");
        }
        if layer.serve.is_empty() {
            self.found("serve", "a layer is served as mvt, as 3dtiles or as both: name at least one");
        }
        if let Some(twice) = repeated(layer.geometry.iter()) {
            self.found("geometry", format!("{twice:?} stands twice"));
        }
        if let Some(twice) = repeated(layer.serve.iter()) {
            self.found("serve", format!("{twice:?} stands twice"));
        }
        if let Some(twice) = repeated(layer.roles.iter()) {
            self.found("roles", format!("{twice:?} stands twice"));
        }
        if layer.sensitivity == Sensitivity::Personal {
            self.found("sensitivity", "a layer is public, government or restricted; personal is for fields");
        }
    }

    fn zooms(&mut self) {
        let z = self.layer.zoom;
        if !(z.min <= z.full && z.full <= z.max && z.max <= DEEPEST_ZOOM) {
            let what = format!(
                "zooms are min ≤ full ≤ max ≤ {DEEPEST_ZOOM}, here min = {}, full = {}, max = {}",
                z.min, z.full, z.max
            );
            self.found("zoom", what);
        }
    }

    fn drawing(&mut self) {
        let layer = self.layer;
        let thin = &layer.thin;
        if !thin.cell_px.is_power_of_two() || thin.cell_px > WIDEST_CELL_PX {
            let what = format!("cell_px = {} is not a power of two from 1 to {WIDEST_CELL_PX}", thin.cell_px);
            self.found("thin/cell_px", what);
        }
        match thin.rank.as_ref().map(|name| (name, layer.field(name))) {
            Some((name, None)) => self.found("thin/rank", format!("rank names no field: \"{name}\"")),
            Some((name, Some(i))) if !layer.fields[i].kind.is_number() => {
                self.found("thin/rank", format!("rank names \"{name}\", which is not a number"));
            }
            _ => {}
        }
        let tolerance_px = layer.generalise.tolerance_px;
        if !(tolerance_px.is_finite() && tolerance_px >= 0.0) {
            self.found("generalise/tolerance_px", "tolerance_px is a number of at least 0");
        }
        if !(0.0..=WIDEST_BUFFER_PX).contains(&layer.buffer_px) {
            let what = format!("buffer_px = {} is not between 0 and {WIDEST_BUFFER_PX}", layer.buffer_px);
            self.found("buffer_px", what);
        }
        self.labels();
    }

    fn labels(&mut self) {
        let layer = self.layer;
        if !layer.label.is_empty() && !layer.geometry.contains(&GeometryKind::Polygon) {
            self.found("label", "label is for areas: points and lines are named where they stand");
        }
        for (i, name) in layer.label.iter().enumerate() {
            let part = format!("label/{i}");
            match layer.field(name).map(|f| layer.in_any_tile(&layer.fields[f])) {
                None => self.found(&part, format!("label names no field: \"{name}\"")),
                Some(false) => self.found(&part, format!("label names \"{name}\", which is in no tile")),
                Some(true) => {}
            }
        }
        if layer.label_zoom > layer.zoom.max || (layer.label_zoom > 0 && layer.label.is_empty()) {
            self.found("label_zoom", format!("label_zoom = {} is the zoom of no label", layer.label_zoom));
        }
        if let Some(twice) = repeated(layer.label.iter()) {
            self.found("label", format!("\"{twice}\" stands twice"));
        }
    }

    fn fields(&mut self) {
        let layer = self.layer;
        let mut names: HashMap<&str, usize> = HashMap::new();
        let mut roles = HashMap::new();
        let mut key: Option<&str> = None;
        for (i, field) in layer.fields.iter().enumerate() {
            let part = format!("fields/{i}");
            self.field(&part, field);
            if names.insert(&field.name, i).is_some() {
                self.found(&part, format!("field \"{}\" is declared twice", field.name));
            }
            if let Some(role) = field.role
                && let Some(other) = roles.insert(role, &field.name)
            {
                self.found(&part, format!("field \"{}\" has the role of \"{other}\"", field.name));
            }
            if field.key
                && let Some(other) = key.replace(&field.name)
            {
                self.found(&part, format!("field \"{}\" is a second key beside \"{other}\"", field.name));
            }
        }
    }

    fn field(&mut self, part: &str, field: &Field) {
        let name = &field.name;
        if name.starts_with('_') {
            self.found(part, format!("field \"{name}\": names that begin with _ are reserved"));
        } else if !is_name(name) {
            self.found(part, format!("field \"{name}\" is not spelled [a-z][a-z0-9_]*"));
        }
        if (field.kind == FieldType::Enum) == field.values.is_empty() {
            let what = match field.kind {
                FieldType::Enum => "is an enum without values",
                _ => "has values but is no enum",
            };
            self.found(part, format!("field \"{name}\" {what}"));
        }
        if let Some(twice) = repeated(field.values.iter()) {
            self.found(part, format!("field \"{name}\" has the value \"{twice}\" twice"));
        }
        if field.sensitivity.is_some_and(|s| s < self.layer.sensitivity) {
            let what = format!("field \"{name}\" is less sensitive than its layer; leave it out or raise it");
            self.found(part, what);
        }
        if field.datum.is_some() && !field.kind.is_number() {
            self.found(part, format!("field \"{name}\" has a datum but is no number"));
        }
        if field.search.is_some() && !matches!(field.kind, FieldType::Text | FieldType::Enum) {
            self.found(part, format!("field \"{name}\" is searched but is no text"));
        }
        if field.search.is_some() && field.sensitivity == Some(Sensitivity::Personal) {
            self.found(part, format!("field \"{name}\" is personal: no search may find it"));
        }
        if field.from_zoom != RECORDS_ONLY && field.from_zoom > self.layer.zoom.max {
            let what = format!(
                "field \"{name}\" begins at z{}, beyond the layer's last zoom; {RECORDS_ONLY} keeps it out of tiles",
                field.from_zoom
            );
            self.found(part, what);
        }
    }

    fn scene(&mut self) {
        if self.layer.scene.is_none() && self.declaration.lines.of("scene") > 0 {
            // It stands there and could not be read; that is reported.
            return;
        }
        for (part, what) in super::scene_check::findings(self.layer) {
            self.found(&part, what);
        }
    }

    fn example(&mut self, i: usize, example: &Example) {
        let layer = self.layer;
        let before = self.findings.len();
        if !layer.in_range(example.at) {
            let what = format!(
                "example at z{}, the layer is served from {} to {}",
                example.at, layer.zoom.min, layer.zoom.max
            );
            self.found(&format!("example/{i}/at"), what);
        }
        for (side, values) in [("in", &example.input), ("out", &example.out)] {
            for (name, value) in values {
                let part = format!("example/{i}/{side}/{name}");
                match layer.field(name).map(|f| layer.fields[f].check(value)) {
                    None => self.found(&part, format!("example names no field: \"{name}\"")),
                    Some(Err(what)) => self.found(&part, format!("example: \"{name}\" {what}")),
                    Some(Ok(())) => {}
                }
            }
        }
        if self.findings.len() == before
            && let Err(what) = example.run(layer)
        {
            self.found(&format!("example/{i}/out"), format!("example: {what}"));
        }
    }
}

/// Spelled `[a-z][a-z0-9_]*`: safe in a URL, a file name and an expression of a style.
fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

fn repeated<T: Eq + Hash>(mut items: impl Iterator<Item = T>) -> Option<T> {
    let mut seen = HashSet::new();
    items.find_map(|item| match seen.contains(&item) {
        true => Some(item),
        false => {
            seen.insert(item);
            None
        }
    })
}
