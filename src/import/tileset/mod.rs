//! 3D Tiles tilesets made elsewhere (oblique photogrammetry 倾斜摄影): registered for a layer by a manifest's
//! `[[tileset]]`, checked as a whole, kept byte for byte. A broken one is refused by name, with its faults counted.

mod content;
mod declared;
mod delivery;
mod document;
mod subtree;
mod uri;
mod volume;
mod walk;

pub use declared::{TilesetDecl, TilesetSource, check};

use super::progress::Progress;
use super::report::{Failure, TilesetReport};
use super::wire::Who;
use crate::error::Result;
use crate::layer::{Catalog, SceneKind};
use crate::store::{Draft, FilesWriter, SealedFiles, Tileset, tileset_key, tileset_of};
use std::path::Path;

/// Reads every tileset, even after one has failed: people see all problems at once. One file for each that is sound.
pub fn read_all(
    sources: &[TilesetSource],
    staging: &Path,
    progress: &Progress,
) -> Result<(Vec<Option<SealedFiles>>, Vec<TilesetReport>)> {
    let (mut sealed, mut reports) = (vec![], vec![]);
    for source in sources {
        let mut report = TilesetReport {
            id: source.id.clone(),
            layer: source.layer().to_string(),
            manifest: source.file.path.display().to_string(),
            line: source.line(),
            withdrawn: source.decl.withdrawn,
            ..TilesetReport::default()
        };
        sealed.push(match source.path() {
            Some(Ok(path)) => {
                report.path = path.display().to_string();
                read(source, &path, staging, progress, &mut report)?
            }
            _ => None,
        });
        reports.push(report);
    }
    Ok((sealed, reports))
}

fn read(
    source: &TilesetSource,
    path: &Path,
    staging: &Path,
    progress: &Progress,
    report: &mut TilesetReport,
) -> Result<Option<SealedFiles>> {
    let delivery = match delivery::open(path, source.decl.root.as_deref()) {
        Ok(delivery) => delivery,
        Err(failed) => {
            report.failed = Some(failed.into());
            return Ok(None);
        }
    };
    let root = delivery.root.clone();
    let mut files = FilesWriter::new(staging, "tileset")?;
    let mut step = progress.start(&source.id, None);
    let walked = walk::Walk::new(delivery, &mut files, report, &mut step).run()?;
    if source.lift_m() != 0.0 && walked.regions > 0 {
        report.fault("region-and-lift", "regions are tied to the earth; lift_m would leave them behind".to_string());
    }
    let (Some(volume), true) = (walked.volume, report.faults.is_empty()) else {
        report.failed = Some(broken(report));
        step.finish(&report.failed.as_ref().map_or(String::new(), |f| format!("FAILED {}", f.code)));
        return Ok(None);
    };
    if document::off_the_earth(volume.sphere()) {
        report.note("off-the-earth", format!("{root}: its volume is not near the ground; is it georeferenced?"));
    }
    let account = Tileset {
        root,
        version: walked.version,
        volume: volume.to_json(),
        sphere_m: volume.sphere(),
        error_m: walked.error_m,
        lift_m: source.lift_m(),
        tiles: report.tiles,
        files: report.files,
        bytes: report.bytes,
        contents: report.contents.clone(),
    };
    step.finish(&format!("{} tiles in {} files, {} bytes", report.tiles, report.files, report.bytes));
    files.seal(&account.to_json()).map(Some)
}

fn broken(report: &TilesetReport) -> Failure {
    let counts: Vec<String> = report
        .faults
        .iter()
        .map(|(code, told)| {
            let sample = told.samples.first().map_or("", String::as_str);
            format!("{code}: {} (first: {sample})", told.count)
        })
        .collect();
    let what = format!("it is refused whole; have it made again\n  {}", counts.join("\n  "));
    Failure { who: Who::Supplier, code: "broken-tileset".to_string(), what }
}

/// What was read into the draft; a tileset is in one layer at most. Those of layers that take none any more go.
pub fn register(
    catalog: &Catalog,
    sources: &[TilesetSource],
    sealed: Vec<Option<SealedFiles>>,
    draft: &mut Draft,
) -> Result<()> {
    let takes = |layer: &str| {
        let layer = catalog.find(layer).map(|ix| catalog.layer(ix));
        layer.is_some_and(|l| l.scene.as_ref().is_some_and(|s| s.kind == SceneKind::Mesh))
    };
    let delivered = |id: &str| sources.iter().any(|s| s.id == id);
    let stays = |key: &str| tileset_of(key).is_none_or(|(layer, id)| takes(layer) && !delivered(id));
    draft.manifest.extra.retain(|key, _| stays(key));
    for (source, files) in sources.iter().zip(sealed) {
        if let Some(files) = files {
            let blob = draft.add_file(&files.path)?;
            draft.manifest.extra.insert(tileset_key(source.layer(), &source.id), blob);
        }
    }
    Ok(())
}
