//! What a source declares of its container: CRS, heights, encoding, columns of coordinates, what only some formats have.

use crate::feature::Tier;
use crate::import::load::Source;
use crate::import::manifest::{Mode, VerticalSpec};
use crate::import::wire::{CrsSpec, Format};
use std::ops::Range;
use toml::Spanned;

pub fn check_container(source: &Source, say: &mut dyn FnMut(Range<usize>, String)) {
    let d = &source.decl;
    if let Some(crs) = &d.crs {
        for what in crs_problems(&crs.get_ref().spec()) {
            say(crs.span(), what);
        }
    }
    if let Some(vertical) = &d.vertical {
        for what in crate::import::vertical::problems(&vertical.get_ref().spec()) {
            say(vertical.span(), what);
        }
        if let Some(crs) = d.crs.as_ref().filter(|c| c.get_ref().spec().vertical.is_some()) {
            say(crs.span(), "both `vertical` and `crs.vertical`: keep one".into());
        }
    }
    check_encoding(d.encoding.as_ref(), &mut *say);
    match (&d.xy, source.format) {
        (None, Format::Csv) => say(d.path.span(), "a CSV needs xy = { x = \"easting or longitude\", y = … }".into()),
        (Some(xy), Format::Csv) => {
            let c = xy.get_ref();
            if c.wkt.is_some() == (c.x.is_some() || c.y.is_some()) || c.x.is_some() != c.y.is_some() {
                say(xy.span(), "xy needs either both x and y, or wkt".into());
            }
        }
        (Some(xy), _) => say(xy.span(), "xy is for CSV; this format carries its own geometry".into()),
        (None, _) => {}
    }
    if let Some(lods) = &d.lod {
        if !matches!(
            source.format,
            Format::Cityjson | Format::Citygml | Format::Geojson | Format::Geojsonseq | Format::Gml
        ) {
            say(lods.span(), "lod is for city models; this format has no levels of detail".into());
        }
        for text in lods.get_ref().iter().filter(|t| Tier::parse(t).is_none()) {
            say(lods.span(), format!("lod `{}` is none; write \"2\" or \"2.2\"", short(text)));
        }
    }
    for (name, number) in [("resolution_m", &d.resolution_m), ("nodata", &d.nodata)] {
        if let Some(number) = number.as_ref().filter(|_| source.format != Format::Geotiff) {
            say(number.span(), format!("{name} is for GeoTIFF; this format has no pixels"));
        }
    }
    if let Some(m) = d.resolution_m.as_ref().filter(|m| !(0.25..=10_000.0).contains(m.get_ref())) {
        say(m.span(), format!("resolution_m = {}: metres, from 0.25 to 10 000", m.get_ref()));
    }
    if let Some(marker) = d.end_marker.as_ref().filter(|_| source.format != Format::Csv) {
        say(marker.span(), "end_marker is for CSV; this format has its own end".into());
    }
    if let Some(mode) = d.mode.as_ref().filter(|m| *m.get_ref() == Mode::Upsert && source.key().is_empty()) {
        say(mode.span(), "upsert needs a key: without one nothing says which record is meant".into());
    }
    if let Some(key) = d.key.as_ref().filter(|k| k.get_ref().0.is_empty()) {
        say(key.span(), "key names no column".into());
    }
}

pub fn check_encoding(label: Option<&Spanned<String>>, say: &mut dyn FnMut(Range<usize>, String)) {
    if let Some(label) = label.filter(|e| encoding_rs::Encoding::for_label(e.get_ref().as_bytes()).is_none()) {
        say(label.span(), format!("encoding `{}` is not known; Chinese files are GB18030 or UTF-8", label.get_ref()));
    }
}

/// Spelled like a CRS; whether PROJ knows it is seen when the source is read.
fn crs_problems(spec: &CrsSpec) -> Vec<String> {
    const WORDS: &[&str] = &[
        "PROJCS[",
        "GEOGCS[",
        "GEOCCS[",
        "LOCAL_CS[",
        "COMPD_CS[",
        "PROJCRS[",
        "GEOGCRS[",
        "GEODCRS[",
        "GEODETICCRS[",
        "GEOGRAPHICCRS[",
        "PROJECTEDCRS[",
        "ENGCRS[",
        "COMPOUNDCRS[",
        "BOUNDCRS[",
        "+PROJ=",
        "PROJ=",
        "+INIT=",
    ];
    let code = |text: &str| {
        let (authority, code) = text.split_once(':').unwrap_or_default();
        ["EPSG", "ESRI", "OGC", "IAU_2015"].contains(&authority.to_ascii_uppercase().as_str())
            && !code.is_empty()
            && code.chars().all(|c| c.is_ascii_alphanumeric() || c == '+')
    };
    let mut problems = vec![];
    if let Some(text) = &spec.definition {
        let packed: String = text.chars().filter(|c| !c.is_whitespace()).take(40).collect();
        let packed = packed.to_ascii_uppercase();
        if !code(text.trim()) && !WORDS.iter().any(|w| packed.starts_with(w)) {
            problems.push(format!("crs `{}` is neither a code (EPSG:4547) nor WKT nor PROJ text", short(text)));
        }
    }
    if let Some(text) = spec.operation.as_ref().filter(|t| !t.trim_start().trim_start_matches('+').starts_with("proj="))
    {
        problems.push(format!("operation `{}` is not PROJ text (+proj=pipeline …)", short(text)));
    }
    if spec.operation.is_some() && spec.helmert.is_some() {
        problems.push("both `operation` and `helmert`: keep one".to_string());
    }
    if spec.helmert.is_some_and(|h| h.iter().any(|v| !v.is_finite())) {
        problems.push("helmert: not a number".to_string());
    }
    let vertical = VerticalSpec { datum: spec.vertical.clone(), ..VerticalSpec::default() };
    problems.extend(crate::import::vertical::problems(&vertical));
    problems
}

pub fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crs_texts_are_told_from_names() {
        let ok = [
            "EPSG:4547",
            "ESRI:102100",
            "OGC:CRS84",
            "EPSG:4547+5737",
            "PROJCS[\"x\"",
            " +proj=tmerc +lon_0=114",
            "PROJCRS [\"x\"",
        ];
        for text in ok {
            let spec = CrsSpec { definition: Some(text.into()), ..CrsSpec::default() };
            assert!(crs_problems(&spec).is_empty(), "{text}");
        }
        for text in ["4547", "CGCS2000", "EPSG:", "西安80", "WKT"] {
            let spec = CrsSpec { definition: Some(text.into()), ..CrsSpec::default() };
            assert_eq!(crs_problems(&spec).len(), 1, "{text}");
        }
    }
}
