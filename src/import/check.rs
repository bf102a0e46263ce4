//! Deliveries against the catalog, before anything is read: every finding at once, with file and line. Looks at no
//! data; columns that a file turns out not to have are found when it is opened (`columns`).

mod container;

pub use container::check_encoding;

use super::dates::DateFormat;
use super::load::{Loaded, Source, Target};
use super::manifest::{FieldRule, Scalar};
use super::values::convert_text;
use super::wire::Format;
use crate::error::Finding;
use crate::feature::SourceTag;
use crate::geo::GeometryKind;
use crate::layer::{Catalog, Layer, SceneKind};
use container::{check_container, short};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Farther than this, two borders are not the same one drawn twice.
const LONGEST_SNAP_M: f64 = 1.0;

/// What is wrong with one delivery's declarations, and the inputs that are not there.
#[derive(Debug, Default)]
pub struct Checked {
    pub findings: Vec<Finding>,
    pub missing: Vec<(PathBuf, Finding)>,
}

/// Sources and register of all manifests.
pub fn check_all(catalog: &Catalog, loaded: &Loaded) -> Checked {
    let mut checked = check_sources(catalog, &loaded.sources);
    let of_tilesets = super::tileset::check(catalog, &loaded.tilesets);
    checked.findings.extend(of_tilesets.findings);
    checked.missing.extend(of_tilesets.missing);
    if let Some(register) = &loaded.register {
        let of_register = register.check();
        checked.findings.extend(of_register.findings);
        checked.missing.extend(of_register.missing);
    }
    checked
}

fn check_sources(catalog: &Catalog, sources: &[Source]) -> Checked {
    let mut checked = Checked::default();
    let mut tags: BTreeMap<SourceTag, &str> = BTreeMap::new();
    for source in sources {
        let mut findings = vec![];
        let mut say = |at: Range<usize>, what: String| findings.push(source.file.finding(at, what));
        check_container(source, &mut say);
        let layers = check_target(catalog, source, &mut say);
        check_ground(source, &layers, &mut say);
        check_fields(source, &layers, &mut say);
        check_filters(source, &mut say);
        check_snapping(source, &layers, &mut say);
        if let Some(other) = tags.insert(SourceTag::of(&source.id), &source.id).filter(|o| *o != source.id) {
            let what = format!("source ids `{}` and `{other}` have the same 32-bit tag; change one letter", source.id);
            say(source.decl.path.span(), what);
        }
        if is_special(&source.path) {
            say(source.decl.path.span(), format!("{}: is neither a file nor a folder", source.path.display()));
        }
        checked.findings.append(&mut findings);
        if !source.path.exists() {
            let what = format!("{}: not found", source.path.display());
            checked.missing.push((source.path.clone(), source.file.finding(source.decl.path.span(), what)));
        }
    }
    checked
}

/// Pipes, sockets, devices: who reads them waits, or never ends.
pub fn is_special(path: &Path) -> bool {
    path.metadata().is_ok_and(|m| !m.is_file() && !m.is_dir())
}

fn check_target<'c>(
    catalog: &'c Catalog,
    source: &Source,
    say: &mut dyn FnMut(Range<usize>, String),
) -> Vec<&'c Arc<Layer>> {
    let at = match (&source.decl.layer, &source.decl.route) {
        (Some(layer), _) => layer.span(),
        (_, Some(route)) => route.span(),
        _ => source.decl.path.span(),
    };
    if let Target::Route { classes, .. } = &source.target
        && classes.is_empty()
    {
        say(at.clone(), "the routing table names no class".to_string());
    }
    let mut found = vec![];
    for id in source.target.layers() {
        match catalog.find(id) {
            Some(ix) => found.push(catalog.layer(ix)),
            None => say(at.clone(), format!("no layer `{id}`{}", like(id, catalog.iter().map(|(_, l)| l.id.as_str())))),
        }
    }
    found
}

/// Heights of the ground go where they are drawn as ground.
fn check_ground(source: &Source, layers: &[&Arc<Layer>], say: &mut dyn FnMut(Range<usize>, String)) {
    let other = layers.iter().find(|l| !l.scene.as_ref().is_some_and(|s| s.kind == SceneKind::Terrain));
    if let Some(layer) = other.filter(|_| source.format == Format::Geotiff) {
        say(source.decl.path.span(), format!("a GeoTIFF holds heights of the ground; {} is no terrain", layer.id));
    }
}

fn check_fields(source: &Source, layers: &[&Arc<Layer>], say: &mut dyn FnMut(Range<usize>, String)) {
    for (name, declared) in &source.decl.fields {
        let at = declared.span();
        let rule = declared.get_ref().rule();
        for what in rule_problems(&rule) {
            say(at.clone(), format!("field `{name}`: {what}"));
        }
        let fields: Vec<_> = layers.iter().filter_map(|l| Some((l, &l.fields[l.field(name)?]))).collect();
        if fields.is_empty() && !layers.is_empty() {
            let known = layers.iter().flat_map(|l| &l.fields).map(|f| f.name.as_str());
            let ids = layers.iter().map(|l| l.id.as_str()).collect::<Vec<_>>().join(", ");
            say(at.clone(), format!("{ids}: no field `{name}`{}", like(name, known)));
        }
        let constants = rule.value.iter().map(Scalar::to_string).chain(rule.map.values().chain(&rule.other).cloned());
        for text in constants {
            for (layer, field) in &fields {
                if let Err(what) = convert_text(&text, field) {
                    say(at.clone(), format!("{}.{name}: `{}` {what}", layer.id, short(&text)));
                }
            }
        }
    }
}

fn rule_problems(rule: &FieldRule) -> Vec<String> {
    let mut problems = vec![];
    let plain = FieldRule { value: rule.value.clone(), ..FieldRule::default() };
    if rule.value.is_some() && *rule != plain {
        problems.push("`value` stands for every record; it excludes the other keys".to_string());
    }
    if rule.scale.is_some_and(|s| !s.is_finite() || s == 0.0) || rule.offset.is_some_and(|o| !o.is_finite()) {
        problems.push("scale and offset are finite, scale is not 0".to_string());
    }
    if rule.pad.is_some_and(|p| p == 0 || p > 64) {
        problems.push("pad is 1 to 64 digits".to_string());
    }
    for text in rule.date.iter().flat_map(|d| d.iter()) {
        problems.extend(DateFormat::parse(text).err());
    }
    problems
}

fn check_filters(source: &Source, say: &mut dyn FnMut(Range<usize>, String)) {
    let Some(declared) = &source.decl.filter else { return };
    for f in source.filters() {
        if f.is_in.is_some() == f.not_in.is_some() {
            say(declared.span(), format!("filter on `{}` needs `in` or `not_in`, one of them", f.field));
        }
    }
}

fn check_snapping(source: &Source, layers: &[&Arc<Layer>], say: &mut dyn FnMut(Range<usize>, String)) {
    let Some(declared) = &source.decl.snap_m else { return };
    let metres = *declared.get_ref();
    if !(metres > 0.0 && metres <= LONGEST_SNAP_M) {
        say(
            declared.span(),
            format!("snap_m = {metres}: metres, more than 0 and at most {LONGEST_SNAP_M}; 0.05 is usual"),
        );
    }
    let of_layers = layers.iter().any(|l| l.geometry.contains(&GeometryKind::Polygon));
    let of_source = source.decl.geometry.as_ref().is_none_or(|kinds| kinds.0.contains(&GeometryKind::Polygon));
    let none = !of_layers || !of_source;
    if !layers.is_empty() && none {
        say(declared.span(), "snap_m is for polygons; none of this source are taken".to_string());
    }
}

/// "; did you mean …?" when one name is at most two letters away.
pub fn like<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let best = known.map(|k| (edits(name, k), k)).min();
    match best {
        Some((d, k)) if d <= 2 => format!("; did you mean `{k}`?"),
        _ => String::new(),
    }
}

/// Levenshtein distance in characters.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let change = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_a_file_or_a_folder() {
        for (path, special) in [("/dev/null", true), ("/", false), ("/etc/passwd", false), ("/no/such", false)] {
            assert_eq!(is_special(Path::new(path)), special, "{path}");
        }
    }

    #[test]
    fn a_misspelled_name_finds_its_neighbour() {
        for (a, b, d) in [("state", "state", 0), ("stat", "state", 1), ("ab", "ba", 2), ("", "abc", 3)] {
            assert_eq!(edits(a, b), d, "{a} {b}");
        }
        assert_eq!(like("stae", ["state", "code"].into_iter()), "; did you mean `state`?");
        assert_eq!(like("深度", ["state", "code"].into_iter()), "");
    }

    fn catalog() -> Catalog {
        let layer = r#"
            id = "trees"
            name = { zh = "树", en = "Trees" }
            geometry = ["point"]
            dimension = "2D"
            sensitivity = "public"
            serve = ["mvt"]
            zoom = { min = 10, full = 15, max = 18 }
            fields = [
              { name = "code", type = "text", zh = "编码", key = true },
              { name = "state", type = "enum", zh = "状态", values = ["完好", "破损"] },
            ]"#;
        Catalog::new(vec![toml::from_str(layer).unwrap()])
    }

    /// Each manifest line that is wrong, and a word of what is said about it.
    fn said(manifest: &str, also: &[(&str, &str)]) -> Vec<(usize, String)> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("city.toml");
        std::fs::write(&file, manifest).unwrap();
        for (name, text) in also {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        crate::import::check(&catalog(), &[&file]).into_iter().map(|f| (f.line, f.what)).collect()
    }

    #[test]
    fn a_sound_manifest_has_no_findings() {
        let manifest = r#"
[[source]]
path = "trees.csv"
crs = { definition = "EPSG:4547", vertical = "1985" }
xy = { x = "Y坐标", y = "X坐标" }
encoding = "GB18030"
key = ["编码"]
route = { field = "类", map = "classes.csv", from = "c" }
filter = { field = "状态", not_in = ["移除", 3] }
geometry = "point"
mode = "upsert"
max_rejects = 10
[source.fields]
code = "编码"
state = { from = "状态", map = { "1" = "完好" } }
"#;
        assert_eq!(said(manifest, &[("trees.csv", ""), ("classes.csv", "c,layer_id\n0101,trees\n0102,trees\n")]), []);
    }

    #[test]
    fn every_finding_is_said_at_once_with_its_line() {
        let manifest = r#"id = "city"
[[source]]
path = "trees.csv"
crs = "CGCS2000"
encoding = "klingon"
layer = "treez"
mode = "upsert"
[[source]]
path = "gone.geojson"
layer = "trees"
max_rejects = 0.5
end_marker = "END"
fields.stat = "状态"
fields.state = { from = "状态", map = { "1" = "好" }, date = "%d" }
filter = { field = "状态" }
[[source]]
path = "trees.csv"
colour = "green"
[[source]]
path = "${CHENGTU_TEST_NOT_SET}/x.shp"
route = { field = "c", map = "gone.csv" }
[[source]]
path = "trees.xyz"
layer = "trees"
[[source]]
path = "trees.geojson"
max_rejects = 1.5
layer = "trees"
[[source]]
path = "trees.shp"
[[source]]
path = "trees.csv"
id = "city/snapped"
xy = { x = "x", y = "y" }
snap_m = 1.01
layer = "trees"
[[source]]
path = "trees.csv"
snap_m = "5 cm"
"#;
        let said = said(manifest, &[("trees.csv", "")]);
        let expected = [
            (3, "needs xy"),
            (4, "neither a code"),
            (5, "not known"),
            (6, "did you mean `trees`"),
            (7, "needs a key"),
            (9, "not found"),
            (12, "end_marker is for CSV"),
            (13, "did you mean `state`"),
            (14, "date `%d` has no %Y"),
            (14, "is none of 完好"),
            (15, "`in` or `not_in`"),
            (18, "unknown field `colour`"),
            (20, "CHENGTU_TEST_NOT_SET is not set"),
            (21, "gone.csv"),
            (23, "extension does not say"),
            (27, "max_rejects = 1.5"),
            (30, "where do its records go"),
            (35, "at most 1"),
            (35, "snap_m is for polygons"),
            (39, "expected f64"),
        ];
        for ((line, what), (at, word)) in said.iter().zip(expected) {
            assert!(*line == at && what.contains(word), "line {line}: {what}; expected {at}: {word}");
        }
        assert_eq!(said.len(), expected.len(), "{said:#?}");
    }

    #[test]
    fn one_id_names_one_source() {
        let twice = "[[source]]\npath = \"a.geojson\"\nlayer = \"trees\"\n".repeat(2);
        let said = said(&twice, &[("a.geojson", "{}")]);
        assert!(said.len() == 1 && said[0].0 == 5 && said[0].1.contains("city.toml:2"), "{said:?}");
    }
}
