//! Reading one source: its container opened and proven complete, each record handed on in lon/lat degrees with raw
//! values. The only place where GDAL is met. Knows nothing of layers, manifests and stores.

mod complete;
mod csv;
mod curve;
mod dbf;
mod fgb;
mod gdal_door;
mod geoid;
mod geojson;
mod ogr;
pub(super) mod pipe;
mod quotes;
mod raster;
mod shapefile;
mod sniff;
mod table;
mod text;
pub(super) mod textfile;
pub(super) mod unpack;
mod valid;
mod wkb;
mod xml;

pub(super) use geoid::tiff as geoid_tiff;
pub use table::{TextRow, TextTable};

use super::city;
use super::wire::{Failed, Format, Frame, ReadJob, Who};
use crate::error::{Error, Result};
use std::path::Path;

/// Why reading ended early.
pub(crate) enum Stop {
    /// The source cannot be imported; goes to the parent as a frame.
    Failed(Box<Failed>),
    /// Whoever takes the frames is gone.
    Sink(Error),
}

pub(crate) type Outcome<T> = std::result::Result<T, Stop>;

impl From<Box<Failed>> for Stop {
    fn from(f: Box<Failed>) -> Stop {
        Stop::Failed(f)
    }
}

pub(super) fn fail<T>(who: Who, code: &str, what: impl Into<String>) -> Outcome<T> {
    Err(Stop::Failed(Box::new(Failed { who, code: code.into(), what: what.into() })))
}

/// The supplier's file is not whole.
pub(super) fn incomplete<T>(file: &str, what: impl std::fmt::Display) -> Outcome<T> {
    fail(Who::Supplier, "incomplete", format!("{file}: {what}; ask for the delivery again"))
}

/// A file could not be read: missing, forbidden, or the disk failed.
fn io<T>(path: &Path, e: &std::io::Error) -> Outcome<T> {
    let missing = e.kind() == std::io::ErrorKind::NotFound;
    let (who, code) = if missing { (Who::Missing, "not-found") } else { (Who::Machine, "io") };
    let what = if missing { "not found".to_string() } else { e.to_string() };
    fail(who, code, format!("{}: {what}", path.display()))
}

pub(super) trait OrIo<T> {
    fn or_io(self, path: &Path) -> Outcome<T>;
}

impl<T> OrIo<T> for std::io::Result<T> {
    fn or_io(self, path: &Path) -> Outcome<T> {
        self.or_else(|e| io(path, &e))
    }
}

/// Reads a source in this process, handing each frame to `out`: `Opened`, `Records` …, then `Done` or `Failed`.
///
/// # Errors
/// Only what `out` returns; a bad source is a `Failed` frame.
pub fn read_source(job: &ReadJob, out: &mut dyn FnMut(Frame) -> Result<()>) -> Result<()> {
    match read(job, out) {
        Ok(()) => Ok(()),
        Err(Stop::Failed(f)) => out(Frame::Failed(*f)),
        Err(Stop::Sink(e)) => Err(e),
    }
}

fn read(job: &ReadJob, out: &mut dyn FnMut(Frame) -> Result<()>) -> Outcome<()> {
    let input = unpack::stage(job)?;
    sniff::check(job.format, &input)?;
    if let Some(read) = city::read(job, &input, out) {
        return read;
    }
    match job.format {
        Format::Shapefile => shapefile::read(job, &input, out),
        Format::Csv => csv::read(job, &input, out),
        Format::Geotiff => raster::read(job, &input, out),
        _ => ogr::read(job, &input, out),
    }
}

/// Reads a CSV without places, whole, in this process: GDAL has no part in it.
pub(super) fn read_table(path: &Path, encoding: Option<&str>) -> std::result::Result<TextTable, Failed> {
    table::read(path, encoding).map_err(|stop| match stop {
        Stop::Failed(f) => *f,
        Stop::Sink(e) => Failed { who: Who::Machine, code: "io".into(), what: e.to_string() },
    })
}

#[cfg(test)]
pub(super) use geoid::tests as geoid_tests;

/// In the child: GDAL is left with the one driver of the job.
pub(crate) fn keep_only_driver(format: Format) {
    gdal_door::keep_only(format);
}
