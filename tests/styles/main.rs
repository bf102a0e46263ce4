//! The shipped styles as one contract with `layers/`, the pictures and the style specification; and that they are
//! what their design says. How they look is judged by eyes, how they are served in `tests/http`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests say what they expect by panicking")]

use chengtu::error::Error;
use chengtu::layer::{Catalog, Serve, shown_by};
use chengtu::style::{Styles, check_style};
use serde_json::Value;
use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn shipped() -> Vec<(String, Value)> {
    let styles = Styles::shipped().unwrap();
    styles.iter().map(|s| (s.id.clone(), serde_json::from_str(&s.text).unwrap())).collect()
}

fn layers(style: &Value) -> &[Value] {
    style["layers"].as_array().unwrap()
}

#[test]
fn the_shipped_styles_fit_the_catalog_and_the_pictures() {
    let (catalog, styles) = (Catalog::shipped().unwrap(), Styles::shipped().unwrap());
    let pictures: HashSet<&str> = styles.pictures().collect();
    for style in styles.iter() {
        let findings = check_style(&style.file, &style.text, &catalog, &pictures);
        assert!(findings.is_empty(), "{}", Error::Config(findings));
    }
    assert_eq!(styles.iter().count(), 3);
}

#[test]
fn every_picture_is_shown_by_a_style() {
    let styles = Styles::shipped().unwrap();
    let texts: String = styles.iter().map(|s| s.text.as_str()).collect();
    let unused: Vec<&str> = styles.pictures().filter(|p| !texts.contains(&format!("\"{p}\""))).collect();
    assert_eq!(unused, [""; 0]);
}

#[test]
fn every_layer_says_what_it_is_and_has_a_legend() {
    let catalog = Catalog::shipped().unwrap();
    for (id, style) in shipped() {
        let mut with_legend = BTreeSet::new();
        let mut first = HashSet::new();
        for drawn in layers(&style).iter().filter(|l| l.get("source").is_some()) {
            let (of, _) = shown_by(drawn["source-layer"].as_str().unwrap());
            let layer = catalog.layer(catalog.find(of).unwrap());
            let (place, metadata) = (format!("{id}: {}", drawn["id"]), &drawn["metadata"]);
            assert_eq!(metadata["chengtu:theme"], layer.theme.as_str(), "{place}");
            assert_eq!(metadata["chengtu:title"]["zh"], layer.name.zh.as_str(), "{place}");
            assert_eq!(metadata["chengtu:title"]["en"], layer.name.en.as_str(), "{place}");
            let source = format!("{}-{:?}-z{}", layer.theme, layer.sensitivity, layer.zoom.max).to_lowercase();
            assert_eq!(drawn["source"], source.as_str(), "{place}");
            if first.insert(of) {
                assert_eq!(metadata["chengtu:minzoom"], layer.zoom.min, "{place}");
            }
            for entry in metadata["chengtu:legend"].as_array().into_iter().flatten() {
                assert!(
                    ["fill", "line", "dot", "icon", "text", "ramp"].contains(&entry["shape"].as_str().unwrap()),
                    "{place}"
                );
                assert!(entry["label"]["zh"].is_string() && entry["label"]["en"].is_string(), "{place}");
                assert!(entry["color"].as_str().unwrap().starts_with('#'), "{place}");
                with_legend.insert(of);
            }
        }
        let served: BTreeSet<&str> =
            catalog.iter().map(|(_, l)| l).filter(|l| l.serves(Serve::Mvt)).map(|l| l.id.as_str()).collect();
        let without: Vec<_> = served.difference(&with_legend).collect();
        assert!(without.is_empty(), "{id}: no legend of {without:?}");
    }
}

/// A layer is switched as a whole: all that is drawn of it is shown at first, or none of it.
#[test]
fn a_layer_is_shown_whole_or_not_at_all() {
    for (id, style) in shipped() {
        let hidden = |l: &Value| l.pointer("/layout/visibility") == Some(&Value::from("none"));
        let split = |hide: bool| -> BTreeSet<&str> {
            layers(&style).iter().filter(|l| hidden(l) == hide).filter_map(|l| l["source-layer"].as_str()).collect()
        };
        let (shown, not) = (split(false), split(true));
        assert!(shown.is_disjoint(&not), "{id}: {:?}", shown.intersection(&not).collect::<Vec<_>>());
        assert!(shown.len() > 10 && not.len() > 10, "{id}");
    }
}

/// Labels are in the fonts that the documentation asks operators to install, and no zoom of a city is without any.
#[test]
fn there_are_labels_at_every_zoom() {
    for (id, style) in shipped() {
        let labels: Vec<&Value> = layers(&style).iter().filter(|l| l.pointer("/layout/text-field").is_some()).collect();
        for label in &labels {
            let fonts = label.pointer("/layout/text-font").and_then(Value::as_array).unwrap();
            assert!(fonts.iter().all(|f| f.as_str().unwrap().starts_with("Noto Sans CJK SC ")), "{}", label["id"]);
        }
        let shown = |l: &&&Value| l.pointer("/layout/visibility").is_none();
        for zoom in 5..=22 {
            let zoom = f64::from(zoom);
            let there = |l: &&&Value| {
                l["minzoom"].as_f64().unwrap_or(0.0) <= zoom && zoom < l["maxzoom"].as_f64().unwrap_or(24.0)
            };
            assert!(labels.iter().filter(shown).any(|l| there(&l)), "{id}: no label at z{zoom}");
        }
    }
}

#[test]
fn the_styles_are_what_their_design_says() {
    let design = root().join("styles/design/make.py");
    let python = Command::new("python3").args(["-c", "import tomllib"]).output();
    if !python.is_ok_and(|o| o.status.success()) {
        eprintln!("SKIPPED: no python3 of 3.11 or later; it writes the styles from styles/design");
        return;
    }
    let run = Command::new("python3").env("PYTHONDONTWRITEBYTECODE", "1").arg(design).arg("--check").output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

/// The folder with node's packages, when node and the validator are there: the page's, or a named one.
fn packages() -> Option<PathBuf> {
    let folder = std::env::var_os("CHENGTU_NODE_PACKAGES").map_or(root().join("web"), PathBuf::from);
    let node = Command::new("node").arg("--version").output().is_ok_and(|o| o.status.success());
    (node && folder.join("node_modules/@maplibre/maplibre-gl-style-spec").is_dir()).then_some(folder)
}

/// Each style as it is served: with whole addresses. And that the validator finds faults at all.
#[test]
fn the_style_validator_finds_nothing() {
    let Some(packages) = packages() else {
        eprintln!(
            "SKIPPED: no @maplibre/maplibre-gl-style-spec. `make styles` installs it among the page's packages \
             and runs this; or name a folder that has it in CHENGTU_NODE_PACKAGES; node is needed too."
        );
        return;
    };
    let out = tempfile::tempdir().unwrap();
    let styles = Styles::shipped().unwrap();
    for style in styles.iter() {
        let mut served = style.tailored(|_| true, "http://127.0.0.1:8080");
        std::fs::write(out.path().join(format!("{}.json", style.id)), served.to_string()).unwrap();
        served["layers"][1]["paint"] = serde_json::json!({"fill-colour": "#fff", "fill-opacity": ["get"]});
        std::fs::write(out.path().join(format!("{}.faulty.json", style.id)), served.to_string()).unwrap();
    }
    let script = root().join("tests/styles/validate.mjs");
    let run = Command::new("node").arg(script).arg(out.path()).arg(packages).output().unwrap();
    assert!(run.status.success(), "{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
}
