//! The checker held to account: the cases of CesiumGS' 3d-tiles-validator, one wrong thing each, and official samples
//! that are right.

use super::checker::report::{Severity, severity};
use super::checker::{Report, Rules, from_folder, schema, walk};
use super::common::shared_data;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What the reference validator says of each case (its `TilesetValidationSpec`, 0.6.1).
const LABELS: &str = include_str!("labels.txt");

/// Codes that are right besides the label, and why.
fn besides(bytes: &[u8], folder: &Path) -> BTreeSet<&'static str> {
    let mut more = BTreeSet::new();
    let Ok(doc) = serde_json::from_slice::<serde_json::Value>(bytes) else { return more };
    // The reference stops at the first fault of a tile; this checker goes on to the root's missing `refine`.
    if doc["root"].is_object() && doc["root"].get("refine").is_none() {
        more.insert("TILE_REFINE_MISSING_IN_ROOT");
    }
    // The cases were taken without the contents, subtrees and schemas they name: their absence is told.
    let text = |v: &serde_json::Value| v.as_str().map(String::from);
    let named = [text(&doc["root"]["content"]["uri"]), text(&doc["schemaUri"])];
    let absent = |uri: &String| !uri.starts_with("http") && !uri.contains('{') && !folder.join(uri).exists();
    if named.iter().flatten().any(absent) {
        more.insert("IO_ERROR");
    }
    // What is wrong with a linked tileset is told once more at the link.
    let linked = named[0].as_ref().filter(|uri| uri.starts_with("validTileset"));
    if let Some(bytes) = linked.and_then(|uri| std::fs::read(folder.join(uri)).ok()) {
        more.extend(besides(&bytes, folder));
    }
    more
}

/// Why a label cannot be had.
fn excepted(file: &str) -> Option<&'static str> {
    const CONTENT: &str = "the fault is in a content that was not taken along";
    match file {
        "validTilesetWithGlbWithErrors.json"
        | "validTilesetWithGltfWithErrors.json"
        | "validTilesetWithGltfWithWarnings.json"
        | "validTilesetWithInvalidB3dm.json"
        | "validTilesetWithInvalidB3dmWithGlbWithInfos.json"
        | "validTilesetWithIB3dmWithInvalidAlignment.json"
        | "validTilesetWithInvalidI3dm.json"
        | "validTilesetWithInvalidPnts.json"
        | "validTilesetWithValidB3dmWithInvalidGlb.json"
        | "validTilesetWithValidCmptWithGlbInfo.json"
        | "validTilesetWith3tzWithError.json"
        | "validTilesetWithInvalid3tz.json" => Some(CONTENT),
        "validTilesetWithInvalidSchemaFromUri.json" => Some("the fault is in a schema that was not taken along"),
        _ => None,
    }
}

/// File → codes of the label.
fn labels() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let line = |l: &'static str| {
        let mut words = l.split_whitespace();
        Some((words.next()?, words.collect()))
    };
    LABELS.lines().filter(|l| !l.starts_with('#')).filter_map(line).collect()
}

#[tokio::test]
async fn every_case_of_the_reference_validator_is_judged_as_labelled() {
    let Some(data) = shared_data() else { return };
    let folder = data.join("6-conformance/3dtiles-validator/tilesets");
    let labels = labels();
    let there: BTreeSet<String> =
        std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(there, labels.keys().map(|k| k.to_string()).collect(), "every case has a label");
    let (mut wrong, mut excepted_files) = (vec![], 0);
    for (file, expected) in &labels {
        let bytes = std::fs::read(folder.join(file)).unwrap();
        let found = match *file == "customSemanticsSchema.json" {
            true => {
                let mut report = Report::default();
                schema(&bytes, &mut report);
                report
            }
            false => walk(file, &from_folder(&folder), Rules::Standard, |_| {}).await.report,
        };
        let mut expected = expected.clone();
        if excepted(file).is_some() {
            excepted_files += 1;
            expected.clear();
        }
        expected.extend(besides(&bytes, &folder));
        if found.codes() != expected {
            wrong.push(format!("{file}: {:?}, not {expected:?}\n{}", found.codes(), found.text()));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), labels.len(), wrong.join("\n"));
    println!("{} cases, {excepted_files} of them without the file that their label is about", labels.len());
    assert_eq!((labels.len(), excepted_files), (149, 13));
}

/// Samples of CesiumGS are right; the checker has nothing against them.
#[tokio::test]
async fn official_samples_pass() {
    let Some(data) = shared_data() else { return };
    let folder = data.join("4-city3d/3dtiles");
    for (sample, contents, expected) in [
        // Its points reach 5 mm out of its box.
        ("1.1/MultipleContents", 2, vec!["BOUNDING_VOLUMES_INCONSISTENT", "CONTENT_VALIDATION_ERROR"]),
        ("1.1/SparseImplicitOctree", 31, vec![]),
        ("1.1/SparseImplicitQuadtree", 32, vec![]),
        ("1.1/TilesetWithFullMetadata", 0, vec![]),
        ("glTF/EXT_mesh_features/FeatureIdAttribute", 1, vec![]),
        ("glTF/EXT_structural_metadata/FeatureIdAttributeAndPropertyTable", 1, vec![]),
        ("glTF/EXT_structural_metadata/SharedPropertyTable", 1, vec![]),
    ] {
        let walked = walk("tileset.json", &from_folder(&folder.join(sample)), Rules::Standard, |_| {}).await;
        let told: Vec<&str> = walked.report.codes().into_iter().filter(|c| severity(c) > Severity::Info).collect();
        assert_eq!(told, expected, "{sample}: {}", walked.report.text());
        assert_eq!(walked.contents, contents, "{sample}");
    }
}
