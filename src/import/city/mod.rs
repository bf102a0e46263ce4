//! City models in: CityJSON documents and sequences and CityGML, read by this house's own readers into models (`feature::Model`)
//! and outlines. Runs in the reading process; GDAL is not asked.

mod build;
mod citygml;
mod cityjson;
mod columns;
mod crs;
mod frame;
mod images;
mod outline;
mod sound;

pub use columns::Attributes;

use super::read::unpack::Input;
use super::read::{Outcome, fail};
use super::repair::reject;
use super::reproject::{FileCrs, Reproject};
use super::wire::{Format, Frame, ReadJob, Reject, Who};
use crate::error::Result;
use crate::feature::{Geometry, Model, Tier};

/// Reads a city model; `None` where the file is not one, in spite of what may be in it. The job's format is what its
/// name says, and what the content says is believed more.
pub fn read(job: &ReadJob, input: &Input, out: &mut dyn FnMut(Frame) -> Result<()>) -> Option<Outcome<()>> {
    let is = match job.format {
        Format::Cityjson | Format::Citygml => Ok(true),
        Format::Geojson | Format::Geojsonseq => cityjson::is_one(&input.path),
        // Who names a GDAL layer wants GDAL's reading.
        Format::Gml if job.gdal_layer.is_none() => citygml::is_one(&input.path),
        _ => Ok(false),
    };
    match (is, job.format) {
        (Ok(false), _) => None,
        (Err(why), _) => Some(Err(why)),
        (Ok(true), Format::Citygml | Format::Gml) => Some(citygml::read(job, input, out)),
        (Ok(true), _) => Some(cityjson::read(job, input, out)),
    }
}

/// A model in degrees: its outline, and what is wrong with it, as it is told.
pub fn judge(model: &Model, told: Vec<Reject>) -> (std::result::Result<Geometry, Reject>, Vec<Reject>) {
    let mut faults = build::Faults::from_list(told);
    if let Some(flaw) = model.flaw() {
        return (Err(reject("bad-model", format!("the model has {flaw}"))), vec![]);
    }
    sound::check(model, &mut faults);
    (outline::outline(model), faults.into_list())
}

/// The levels of detail that the manifest wants.
fn wanted(job: &ReadJob, named: &str) -> Outcome<Vec<Tier>> {
    let parse = |text: &String| match Tier::parse(text) {
        Some(tier) => Ok(tier),
        None => fail(Who::Operator, "bad-lod", format!("{named}: lod `{text}` is none; write \"2\" or \"2.2\"")),
    };
    job.lods.iter().map(parse).collect()
}

/// The way to degrees: by the manifest, else by the file's own name of its CRS. Where both speak they must agree.
fn reproject(job: &ReadJob, name: Option<&str>, authority_order: bool, named: &str) -> Outcome<Reproject> {
    let definition = name.and_then(crs::epsg);
    if let (Some(name), None, None) = (name, &definition, &job.crs.definition) {
        let what = format!("{named}: the file's CRS `{name}` is not known here; declare `crs` by EPSG code");
        return fail(Who::Operator, "unknown-crs", what);
    }
    let file = FileCrs { spelled: definition.clone(), definition, authority_order, binding: true };
    Ok(Reproject::choose(&job.crs, &file, None, named)?)
}
