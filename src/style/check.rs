//! Whether a MapLibre style and a catalog fit: every source-layer is served, every field a style reads is in the
//! tiles from the zoom where it is read and for everybody who sees the layer, every layer served as MVT is drawn,
//! every picture is there. Tiles and styles are one contract.
//! Does not check a style against the style specification.

use super::expression::{Read, results};
use crate::error::Finding;
use crate::geo::GeometryKind;
use crate::layer::{Catalog, FieldType, Layer, LayerIx, Serve, shown_by};
use serde_json::{Map, Value};
use std::collections::{BTreeSet, HashSet};
use std::path::Path;

/// What a kept point of a thinned layer carries beside its fields (`Thin::count`).
const COUNT: &str = "_count";

/// Everything in which the style `text` does not fit the catalog and the pictures. `file` is where it was read.
pub fn check_style(file: &Path, text: &str, catalog: &Catalog, pictures: &HashSet<&str>) -> Vec<Finding> {
    let style: Value = match serde_json::from_str(text) {
        Ok(style) => style,
        Err(e) => {
            return vec![Finding { file: file.to_path_buf(), line: e.line(), what: format!("is not JSON: {e}") }];
        }
    };
    // Another sheet than ours may hold what it likes.
    let ours = style.get("sprite").is_none_or(|s| s.as_str().is_some_and(|s| s.starts_with("/sprites/")));
    let pictures = ours.then_some(pictures);
    let mut check = Check { file, text, catalog, pictures, findings: vec![], drawn: HashSet::new() };
    check.style(&style);
    check.findings
}

struct Check<'a> {
    file: &'a Path,
    text: &'a str,
    catalog: &'a Catalog,
    pictures: Option<&'a HashSet<&'a str>>,
    findings: Vec<Finding>,
    drawn: HashSet<LayerIx>,
}

impl Check<'_> {
    fn found(&mut self, line: usize, what: String) {
        self.findings.push(Finding { file: self.file.to_path_buf(), line, what });
    }

    fn style(&mut self, style: &Value) {
        if style.get("version").and_then(Value::as_u64) != Some(8) {
            self.found(0, "`version` is not 8".into());
        }
        let none = Map::new();
        let sources = style.get("sources").and_then(Value::as_object).unwrap_or(&none);
        for (name, source) in sources {
            for id in layers_of(source).into_iter().flatten() {
                if self.catalog.find(id).is_none() {
                    let line = self.line_of(&format!("\"{name}\""));
                    self.found(line, format!("source \"{name}\" asks for \"{id}\", which the catalog does not hold"));
                }
            }
        }
        let mut ids = HashSet::new();
        for drawing in style.get("layers").and_then(Value::as_array).into_iter().flatten() {
            let id = text_of(drawing, "id").unwrap_or_default();
            let line = self.line_of_id(id);
            if !ids.insert(id) {
                self.found(line, format!("layer \"{id}\" stands twice"));
            }
            self.drawing(drawing, id, line, sources);
        }
        for (ix, layer) in self.catalog.iter() {
            if layer.serves(Serve::Mvt) && !self.drawn.contains(&ix) {
                self.findings.push(Finding {
                    file: self.file.to_path_buf(),
                    line: 0,
                    what: format!("no layer of the style draws \"{}\"", layer.id),
                });
            }
        }
    }

    fn drawing(&mut self, drawing: &Value, id: &str, line: usize, sources: &Map<String, Value>) {
        self.shown_pictures(drawing, id, line);
        let Some(source_name) = text_of(drawing, "source") else { return };
        let Some(source) = sources.get(source_name) else {
            return self.found(line, format!("layer \"{id}\" names no source: \"{source_name}\""));
        };
        if text_of(source, "type") != Some("vector") {
            return;
        }
        let (wanted, of_names) = shown_by(text_of(drawing, "source-layer").unwrap_or_default());
        let Some(ix) = self.catalog.find(wanted) else {
            return self.found(line, format!("layer \"{id}\" draws \"{wanted}\", which the catalog does not hold"));
        };
        let layer = self.catalog.layer(ix).clone();
        if !layer.serves(Serve::Mvt) {
            return self.found(line, format!("layer \"{id}\" draws \"{wanted}\", which is not served as mvt"));
        }
        if layers_of(source).is_some_and(|ids| !ids.contains(&wanted)) {
            self.found(line, format!("layer \"{id}\" draws \"{wanted}\", which its source does not ask for"));
        }
        if of_names && layer.label.is_empty() {
            return self.found(line, format!("layer \"{id}\" draws names of \"{wanted}\", which declares no label"));
        }
        self.drawn.insert(ix);
        self.kind(drawing, id, line, &layer, of_names);
        self.fields(drawing, id, line, &layer, of_names);
    }

    /// Whether the kind of drawing fits the shapes of the layer.
    fn kind(&mut self, drawing: &Value, id: &str, line: usize, layer: &Layer, of_names: bool) {
        let kind = text_of(drawing, "type").unwrap_or_default();
        let shapes = if of_names { &[GeometryKind::Point][..] } else { &layer.geometry };
        let fits = |any: &[GeometryKind]| shapes.iter().any(|g| any.contains(g));
        let fine = match kind {
            "fill" | "fill-extrusion" => fits(&[GeometryKind::Polygon]),
            "line" => fits(&[GeometryKind::Line, GeometryKind::Polygon]),
            "heatmap" => fits(&[GeometryKind::Point]),
            _ => true,
        };
        if !fine {
            self.found(line, format!("layer \"{id}\" is a {kind} over \"{}\", which holds no such shape", layer.id));
        }
    }

    /// Whether the pictures it shows are there, on the map and in its legend.
    fn shown_pictures(&mut self, drawing: &Value, id: &str, line: usize) {
        let Some(pictures) = self.pictures else { return };
        let mut names = BTreeSet::new();
        for (group, keys) in [("layout", &["icon-image"][..]), ("paint", &["fill-pattern", "line-pattern"])] {
            keys.iter().filter_map(|key| drawing.get(group)?.get(key)).for_each(|v| results(v, &mut names));
        }
        let legend = drawing.pointer("/metadata/chengtu:legend").and_then(Value::as_array);
        names.extend(legend.into_iter().flatten().filter_map(|entry| text_of(entry, "icon")));
        for name in names.into_iter().filter(|n| !n.is_empty() && !pictures.contains(n)) {
            self.found(line, format!("layer \"{id}\" shows \"{name}\", and there is no such picture"));
        }
    }

    fn fields(&mut self, drawing: &Value, id: &str, line: usize, layer: &Layer, of_names: bool) {
        // A style's zoom counts tiles of 512 px: at 13.5 the tiles of z13 are drawn, beyond `max` those of `max`.
        let zoom = |key: &str, or: f64| drawing.get(key).and_then(Value::as_f64).unwrap_or(or).clamp(0.0, 24.0);
        let (from, to) = (zoom("minzoom", 0.0), zoom("maxzoom", 24.0));
        if to <= f64::from(layer.zoom.min) {
            let what = format!("layer \"{id}\" ends at z{to}, \"{}\" begins at z{}", layer.id, layer.zoom.min);
            return self.found(line, what);
        }
        let z = (from.floor() as u8).clamp(layer.zoom.min, layer.zoom.max);
        if of_names && z < layer.label_zoom {
            let what =
                format!("layer \"{id}\" draws names of \"{}\" at z{z}, they begin at z{}", layer.id, layer.label_zoom);
            return self.found(line, what);
        }
        let mut read = Read::default();
        for key in ["paint", "layout"] {
            for value in drawing.get(key).and_then(Value::as_object).into_iter().flat_map(Map::values) {
                read.expression(value);
            }
        }
        if let Some(filter) = drawing.get("filter") {
            read.filter(filter);
        }
        for name in &read.fields {
            let absent = of_names && !layer.label.contains(name);
            let without = absent.then(|| "which its names do not carry".to_string());
            if let Some(what) = without.or_else(|| missing(layer, name, z)) {
                self.found(line, format!("layer \"{id}\" reads \"{name}\" of \"{}\", {what}", layer.id));
            }
        }
        for (name, value) in &read.compared {
            let Some(field) = layer.field(name).map(|i| &layer.fields[i]) else { continue };
            if field.kind == FieldType::Enum && !field.values.contains(value) {
                let what = format!("layer \"{id}\" compares \"{name}\" of \"{}\" with \"{value}\"", layer.id);
                self.found(line, format!("{what}, which is none of its values"));
            }
        }
    }

    fn line_of_id(&self, id: &str) -> usize {
        let quoted = Value::from(id).to_string();
        let (spaced, tight) = (format!("\"id\": {quoted}"), format!("\"id\":{quoted}"));
        self.text.lines().position(|l| l.contains(&spaced) || l.contains(&tight)).map_or(0, |i| i + 1)
    }

    fn line_of(&self, part: &str) -> usize {
        self.text.lines().position(|l| l.contains(part)).map_or(0, |i| i + 1)
    }
}

fn text_of<'v>(object: &'v Value, key: &str) -> Option<&'v str> {
    object.get(key)?.as_str()
}

/// The layers a source asks for, where its address is one of ours: `…/tiles/[<grid>/]<a>,<b>.json`.
pub(super) fn layers_of(source: &Value) -> Option<Vec<&str>> {
    let address = text_of(source, "url")?.split(['?', '#']).next()?;
    let (before, name) = address.rsplit_once('/')?;
    let ours = before.split('/').rev().take(2).any(|part| part == "tiles");
    ours.then_some(name.strip_suffix(".json")?.split(',').collect())
}

/// Why a field cannot be read in tiles of zoom `z`.
fn missing(layer: &Layer, name: &str, z: u8) -> Option<String> {
    if name == COUNT {
        return (!layer.thin.count).then(|| "which does not count what it thins".into());
    }
    let Some(i) = layer.field(name) else { return Some("which has no such field".into()) };
    let field = &layer.fields[i];
    if field.sensitivity_in(layer) > layer.sensitivity && layer.in_any_tile(field) {
        return Some("which not everybody may read who sees the layer".into());
    }
    if !layer.in_any_tile(field) {
        return Some("where it is in records only".into());
    }
    let there = layer.tile_fields(z).any(|(there, _)| there == i);
    (!there).then(|| format!("where it is in tiles from z{} on, not at z{z}", field.from_zoom))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn catalog() -> Catalog {
        let layer = |id: &str, geometry: &str, serve: &str, count: bool| {
            let fields = json!([
                {"name": "kind", "type": "enum", "zh": "类", "values": ["甲", "乙"]},
                {"name": "late", "type": "int", "zh": "晚", "from_zoom": 14},
                {"name": "hidden", "type": "text", "zh": "隐", "sensitivity": "personal"},
                {"name": "inner", "type": "text", "zh": "内", "sensitivity": "government"},
                {"name": "kept", "type": "text", "zh": "存", "from_zoom": 99},
            ]);
            serde_json::from_value::<Layer>(json!({
                "id": id, "name": {"zh": id, "en": id}, "geometry": [geometry], "dimension": "2D",
                "sensitivity": "public", "serve": [serve], "zoom": {"min": 10, "full": 14, "max": 16},
                "thin": {"count": count}, "fields": fields,
            }))
            .unwrap()
        };
        Catalog::new(vec![
            layer("a", "point", "mvt", true),
            layer("b", "line", "mvt", false),
            layer("solid", "polygon", "3dtiles", false),
        ])
    }

    /// The findings about a style of `layers`, without file and line.
    fn check(layers: Value) -> Vec<String> {
        let style = json!({
            "version": 8,
            "sources": {"s": {"type": "vector", "url": "/tiles/a,b.json"}, "other": {"type": "vector"},
                "grid": {"type": "vector", "url": "https://host.example/x/tiles/CGCS2000Quad/a.json?f=1"}},
            "layers": layers,
        });
        let text = serde_json::to_string_pretty(&style).unwrap();
        check_style(Path::new("style.json"), &text, &catalog(), &HashSet::from(["tree", "lamp"]))
            .into_iter()
            .map(|f| f.what)
            .collect()
    }

    fn drawing(id: &str, of: &str, more: Value) -> Value {
        let kind = if of == "a" { "circle" } else { "line" };
        let mut all = json!({"id": id, "type": kind, "source": "s", "source-layer": of});
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    }

    fn about_a(more: Value) -> Vec<String> {
        check(json!([drawing("A", "a", more), drawing("B", "b", json!({}))]))
    }

    #[test]
    fn a_style_that_fits_has_no_finding() {
        let paint = json!({
            "circle-color": ["match", ["get", "kind"], "甲", "#fff", ["乙"], "#000", "#888"],
            "circle-radius": ["interpolate", ["linear"], ["coalesce", ["get", "_count"], 1], 1, 3, 100, 9],
            "circle-stroke-color": ["literal", ["get", "nothing"]],
        });
        assert_eq!(about_a(json!({"paint": paint, "filter": ["==", ["get", "kind"], "甲"]})), [""; 0]);
        assert_eq!(about_a(json!({"minzoom": 14.5, "paint": {"circle-radius": ["get", "late"]}})), [""; 0]);
        assert_eq!(about_a(json!({"minzoom": 18, "paint": {"circle-radius": ["get", "late"]}})), [""; 0]);
        assert_eq!(about_a(json!({"filter": ["all", ["==", "kind", "甲"], ["in", "$type", "Point"]]})), [""; 0]);
    }

    #[test]
    fn what_a_style_shows_must_be_there() {
        let icon = |image: Value| about_a(json!({"type": "symbol", "layout": {"icon-image": image}}));
        assert_eq!(icon(json!("tree")), [""; 0]);
        let all = json!(["match", ["get", "kind"], "甲", "tree", ["case", ["has", "late"], "lamp", ["image", "tree"]]]);
        assert_eq!(icon(json!(["step", ["zoom"], "", 14, all])).len(), 1, "late is not there at z10");
        for (image, missing) in [
            (json!("pole"), "pole"),
            (json!(["match", ["get", "kind"], ["甲", "乙"], "tree", "pole"]), "pole"),
            (json!(["match", ["get", "kind"], "甲", "pole", "tree"]), "pole"),
            (json!(["step", ["zoom"], "", 14, ["coalesce", ["image", "pole"], "tree"]]), "pole"),
            (json!(["case", ["==", ["get", "kind"], "甲"], "tree", "甲"]), "甲"),
        ] {
            let found = icon(image.clone());
            assert_eq!(found, [format!("layer \"A\" shows \"{missing}\", and there is no such picture")], "{image}");
        }
        let legend = |icon: &str| about_a(json!({"metadata": {"chengtu:legend": [{"icon": icon}, {"color": "#fff"}]}}));
        assert_eq!((legend("lamp").len(), legend("pole").len()), (0, 1));
    }

    #[test]
    fn what_a_style_reads_must_be_in_the_tiles() {
        let table = [
            (json!({"paint": {"circle-radius": ["get", "nothing"]}}), "which has no such field"),
            (json!({"paint": {"circle-radius": ["get", "late"]}}), "from z14 on, not at z10"),
            (json!({"minzoom": 13.9, "paint": {"circle-radius": ["+", 1, ["get", "late"]]}}), "not at z13"),
            (json!({"layout": {"text-field": ["get", "hidden"]}}), "in records only"),
            (json!({"layout": {"text-field": ["get", "inner"]}}), "not everybody may read"),
            (json!({"layout": {"text-field": "{kind} {kept}"}}), "reads \"kept\""),
            (json!({"filter": ["!", ["has", "gone"]]}), "reads \"gone\""),
            (json!({"filter": ["any", ["in", "gone", 1, 2]]}), "reads \"gone\""),
            (json!({"paint": {"circle-radius": {"property": "gone", "stops": [[0, 1]]}}}), "reads \"gone\""),
            (json!({"filter": ["==", ["get", "kind"], "丙"]}), "with \"丙\", which is none of its values"),
            (json!({"filter": ["!=", "kind", "丙"]}), "with \"丙\""),
            (
                json!({"paint": {"circle-color": ["match", ["get", "kind"], ["甲", "丁"], "#fff", "#000"]}}),
                "with \"丁\"",
            ),
            (json!({"maxzoom": 9}), "ends at z9"),
            (json!({"type": "fill"}), "holds no such shape"),
        ];
        for (more, expected) in table {
            let found = about_a(more.clone());
            assert!(found.len() == 1 && found[0].contains(expected), "{more}: {found:?}");
        }
    }

    #[test]
    fn sources_and_layers_must_meet() {
        let both = |more: Value| {
            let mut layers = vec![drawing("A", "a", json!({})), drawing("B", "b", json!({}))];
            layers.push(more);
            check(Value::Array(layers))
        };
        assert_eq!(check(json!([])), ["no layer of the style draws \"a\"", "no layer of the style draws \"b\""]);
        let table = [
            (drawing("A", "a", json!({})), "stands twice"),
            (drawing("C", "c", json!({})), "\"c\", which the catalog does not hold"),
            (drawing("C", "solid", json!({})), "not served as mvt"),
            (drawing("C", "b", json!({"source": "grid"})), "which its source does not ask for"),
            (drawing("C", "a", json!({"source": "gone"})), "names no source"),
            (drawing("C", "b", json!({"paint": {"line-width": ["get", "_count"]}})), "does not count"),
        ];
        for (more, expected) in table {
            let found = both(more.clone());
            assert!(found.len() == 1 && found[0].contains(expected), "{more}: {found:?}");
        }
        assert!(both(drawing("C", "a", json!({"source": "other"}))).is_empty());
    }

    #[test]
    fn findings_stand_on_their_line() {
        let text = "{\"version\": 8,\n\"sources\": {\n\"s\": {\"type\": \"vector\", \"url\": \"/tiles/zz.json\"}},\n\"layers\": [\n\
            {\"id\": \"A\", \"type\": \"circle\", \"source\": \"s\", \"source-layer\": \"yy\"}]}";
        let found = check_style(Path::new("s.json"), text, &catalog(), &HashSet::new());
        let lines: Vec<_> = found.iter().map(|f| f.line).collect();
        assert_eq!(lines, [3, 5, 0, 0], "{found:?}");
        assert_eq!(check_style(Path::new("s.json"), "{\n\n]", &catalog(), &HashSet::new())[0].line, 3);
    }
}
