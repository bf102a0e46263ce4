//! The house's floors: a module uses only modules on lower floors; siblings on a floor do not know each other.
//! Read from the `crate::` paths in the sources. Heavy dependencies enter through their one door.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests say what they expect by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

/// Each inner list is a floor, lowest first.
const FLOORS: &[&[&str]] = &[
    &["error", "geo"],
    &["layer", "feature", "deflate"],
    &["audience", "audit"],
    &["store", "mvt", "scene"],
    &["draw"],
    &["derive", "ownership"],
    &["import", "city"],
    &["tile", "records", "lookup", "style"],
    &["serve", "sample"],
    &["cli", "main"],
];

/// `error` and `geo` share the ground floor and may be used by all; `geo` may use `error`.
const ALLOWED_SIBLINGS: &[(&str, &str)] = &[("geo", "error")];

/// crate → the only places that may name it.
const DOORS: &[(&str, &[&str])] = &[
    ("gdal", &["import/read", "sample/write"]),
    ("proj", &["import/reproject"]),
    ("robust", &["geo/side"]),
    ("proj_sys", &["import/reproject"]),
    ("flatgeobuf", &["store/fgb"]),
    ("flatbuffers", &["store/fgb"]),
    ("earcut", &["scene/triangulate"]),
    ("meshopt", &["scene/compress"]),
    ("spade", &["derive/ground/points"]),
    ("guillotiere", &["scene/atlas/pack"]),
    ("image", &["import/city/images", "scene/atlas/picture"]),
    ("spreet", &["style/sprite"]),
    ("ttf_parser", &["style/fonts"]),
    ("ab_glyph", &["style/glyphs"]),
    ("sdf_glyph_renderer", &["style/glyphs"]),
    ("jsonwebtoken", &["serve/access/"]),
    ("ureq", &["serve/access/jwks"]),
    ("getrandom", &["serve/access/keys"]),
    ("isal_sys", &["deflate/igzip"]),
    ("crc32fast", &["deflate/piece"]),
    ("xxhash_rust", &["serve/etag"]),
    ("axum", &["serve/"]),
    ("hyper", &["serve/"]),
    ("hyper_util", &["serve/"]),
    ("tower", &["serve/"]),
    ("tower_http", &["serve/"]),
];

fn sources(dir: &Path, out: &mut Vec<PathBuf>) {
    for e in fs::read_dir(dir).expect("src is readable").flatten() {
        let p = e.path();
        match p.is_dir() {
            true => sources(&p, out),
            false if p.extension().is_some_and(|x| x == "rs") => out.push(p),
            false => {}
        }
    }
}

fn all() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = vec![];
    sources(&root, &mut files);
    files
        .into_iter()
        .map(|p| {
            let name = p.strip_prefix(&root).expect("below src").to_string_lossy().into_owned();
            (name, fs::read_to_string(&p).expect("source is readable"))
        })
        .collect()
}

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|f| f.contains(&module))
}

/// Words that follow `prefix` in `text` (comments left out).
fn words_after<'a>(text: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    text.lines().filter(|l| !l.trim_start().starts_with("//")).flat_map(move |l| {
        l.match_indices(prefix).filter_map(move |(i, _)| {
            let before = l[..i].chars().next_back();
            let whole = !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':');
            let rest = &l[i + prefix.len()..];
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            whole.then_some(&rest[..end])
        })
    })
}

#[test]
fn modules_use_only_lower_floors() {
    let mut wrong = vec![];
    for (name, text) in all().iter().filter(|(n, _)| n != "lib.rs" && n != "main.rs") {
        let own = name.split(['/', '.']).next().unwrap_or_default();
        let Some(own_floor) = floor(own) else {
            wrong.push(format!("{name}: module {own} stands on no floor; add it to FLOORS and to the README"));
            continue;
        };
        for used in words_after(text, "crate::") {
            let Some(used_floor) = floor(used) else { continue };
            let fine = used == own || used_floor < own_floor || ALLOWED_SIBLINGS.contains(&(own, used));
            if !fine {
                wrong.push(format!("{name}: {own} (floor {own_floor}) uses {used} (floor {used_floor})"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn heavy_dependencies_enter_through_their_door() {
    let mut wrong = vec![];
    for (name, text) in all() {
        for (dependency, doors) in DOORS {
            let named = format!("{dependency}::");
            let used = words_after(&text, &named).next().is_some();
            if used && !doors.iter().any(|d| name.starts_with(d)) {
                wrong.push(format!("{name}: {dependency} enters only through {doors:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_layer_is_named_in_the_code() {
    let layers = Path::new(env!("CARGO_MANIFEST_DIR")).join("layers");
    let mut ids = vec![];
    for theme in fs::read_dir(layers).expect("layers/ is readable").flatten().filter(|e| e.path().is_dir()) {
        for e in fs::read_dir(theme.path()).expect("theme is readable").flatten() {
            ids.extend(e.path().file_stem().map(|s| format!("\"{}\"", s.to_string_lossy())));
        }
    }
    let mut wrong = vec![];
    // The sample city writes deliveries for the shipped catalog; it is data, not serving code.
    for (name, text) in all().iter().filter(|(n, _)| !n.starts_with("sample/")) {
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        wrong.extend(ids.iter().filter(|id| code.contains(id.as_str())).map(|id| format!("{name} names {id}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
