//! Sources whose shapes and attributes both come from a GDAL driver: GeoPackage, file geodatabase, FlatGeobuf,
//! GeoJSON, DXF and GML. Complete and well-formed is proven before (`complete`), counted again here.

use super::pipe::{Draft, Pipe};
use super::unpack::Input;
use super::{Outcome, fail, gdal_door, incomplete, wkb};
use crate::error::Result;
use crate::feature::Geometry;
use crate::geo::BBox;
use crate::import::repair::{Repairs, reject};
use crate::import::reproject::{FileCrs, Reproject};
use crate::import::wire::{Format, Frame, Opened, Raw, ReadJob, Reject, Who};
use chrono::Datelike;
use gdal::Dataset;
use gdal::vector::{Feature, Geometry as OgrGeometry, Layer, LayerAccess, OGRFieldType};

pub fn read(job: &ReadJob, input: &Input, out: &mut dyn FnMut(Frame) -> Result<()>) -> Outcome<()> {
    let proven = super::complete::prove(job, input)?;
    let dataset = gdal_door::open(&proven.path, job.format, options(job.format), &input.named)?;
    super::complete::ask_database(job.format, &proven.path, &dataset, &input.named)?;
    let mut layer = only_layer(&dataset, job.gdal_layer.as_deref(), &input.named)?;
    let mut crs = file_crs(&layer);
    // That a GeoJSON with heights is EPSG:4979 is GDAL's reading; nobody who writes 1985 heights there knows of it.
    if matches!(job.format, Format::Geojson | Format::Geojsonseq) && crs.definition.as_deref() == Some("EPSG:4979") {
        crs.definition = Some("EPSG:4326".into());
    }
    if proven.crs_name.as_deref().is_some_and(|name| !called(&crs, name)) {
        crs.definition = proven.crs_name.clone();
    }
    crs.authority_order = proven.authority_order;
    crs.spelled = proven.crs.clone();
    crs.definition = crs.definition.or_else(|| proven.crs.clone());
    let reproject = Reproject::choose(&job.crs, &crs, extent(&layer), &input.named)?;
    let columns = Columns::of(&layer, job);
    let declared = proven.declared.or_else(|| layer.try_feature_count());
    let opened = Opened {
        columns: columns.names.clone(),
        // What is passed over is handed on too, as refused.
        declared: declared.map(|d| d + proven.lost.names().count() as u64),
        encoding: proven.encoding.clone(),
        findings: proven.findings.clone(),
        ..Opened::default()
    };
    let mut pipe = Pipe::open(opened, &reproject, &input.named, out)?;
    let limits = wkb::Limits { sagitta: reproject.curve_tolerance(), vertices: job.limits.vertices };
    let mut number = 0;
    for feature in layer.features() {
        number += 1;
        let mut repairs = Repairs::default();
        let geometry = columns.geometry(&feature, &limits, &mut repairs);
        let values = columns.values(&feature, job.limits.text_bytes);
        refuse_complaints(&input.named)?;
        // Only databases have numbers of their own that people can look up.
        let row = if has_row_ids(job.format) { feature.fid().unwrap_or(number) } else { number };
        pipe.push(Draft::flat(row, geometry, repairs, values))?;
    }
    refuse_complaints(&input.named)?;
    let read = pipe.read();
    if let Some(stated) = job.stated_rows.filter(|s| *s != read) {
        return incomplete(&input.named, format!("{stated} records are stated, {read} were read"));
    }
    if let Some(declared) = declared.filter(|d| *d != read) {
        return incomplete(&input.named, format!("{declared} records are declared, {read} were read"));
    }
    // Counted like any record that is refused, after those that were read.
    for name in proven.lost.names() {
        number += 1;
        let why = reject("unknown-element", format!("`{}` is nothing that is read", name.escape_debug()));
        let values = columns.names.iter().map(|_| Raw::Null).collect();
        pipe.push(Draft::flat(number, Err(why), Repairs::default(), values))?;
    }
    pipe.done()
}

fn has_row_ids(format: Format) -> bool {
    matches!(format, Format::Gpkg | Format::Gdb)
}

/// What a driver is told; each option shuts a door or keeps the file as it is.
fn options(format: Format) -> &'static [&'static str] {
    match format {
        Format::Gpkg => &["IMMUTABLE=YES", "LIST_ALL_TABLES=NO"],
        Format::Geojson | Format::Geojsonseq => &["NATIVE_DATA=NO", "FLATTEN_NESTED_ATTRIBUTES=NO"],
        Format::Flatgeobuf => &["VERIFY_BUFFERS=YES"],
        Format::Gml => &["DOWNLOAD_SCHEMA=NO", "INVERT_AXIS_ORDER_IF_LAT_LONG=NO", "CONSIDER_EPSG_AS_URN=NO"],
        _ => &[],
    }
}

/// Any failure that GDAL spoke of means that data may be missing.
pub fn refuse_complaints(named: &str) -> Outcome<()> {
    let said = gdal_door::complaints();
    match said.is_empty() {
        true => Ok(()),
        false => fail(Who::Supplier, "unreadable", format!("{named}: {}", said.join("; "))),
    }
}

/// The layer by name, or the only one.
pub fn only_layer<'d>(dataset: &'d Dataset, name: Option<&str>, named: &str) -> Outcome<Layer<'d>> {
    let names: Vec<String> = dataset.layers().map(|l| l.name()).collect();
    let at = match name {
        Some(n) => names.iter().position(|x| x == n),
        None => (names.len() == 1).then_some(0),
    };
    let layer = at.and_then(|i| dataset.layer(i).ok());
    gdal_door::complaints();
    match layer {
        Some(l) => Ok(l),
        None if names.is_empty() => fail(Who::Supplier, "no-layer", format!("{named}: holds no layer")),
        None => {
            let what = name.map_or("name one in `gdal_layer`".into(), |n| format!("has no layer `{n}`"));
            fail(Who::Operator, "no-layer", format!("{named}: {what}; it has {}", names.join(", ")))
        }
    }
}

fn called(crs: &FileCrs, name: &str) -> bool {
    crs.definition.as_deref().is_some_and(|found| super::geojson::is_called(found, name))
}

/// The layer's CRS: by code where GDAL found one, else WKT.
pub fn file_crs(layer: &Layer) -> FileCrs {
    let definition = layer.spatial_ref().and_then(|s| s.authority().ok().or_else(|| s.to_wkt().ok()));
    gdal_door::complaints();
    FileCrs { definition, ..FileCrs::default() }
}

/// The layer's box, where the container knows it without reading all of it.
pub fn extent(layer: &Layer) -> Option<BBox> {
    let e = layer.try_get_extent().ok().flatten();
    gdal_door::complaints();
    e.map(|e| BBox::new(e.MinX, e.MinY, e.MaxX, e.MaxY)).filter(|b| b.to_array().iter().all(|v| v.is_finite()))
}

/// One OGR geometry as the flat one, in source units.
pub fn shape(g: &OgrGeometry, limits: &wkb::Limits, repairs: &mut Repairs) -> std::result::Result<Geometry, Reject> {
    if g.is_empty() {
        return Err(reject("empty-geometry", "the geometry has no vertices"));
    }
    let bytes = g.iso_wkb().map_err(|e| reject("broken-geometry", e.to_string()))?;
    wkb::decode(&bytes, limits, repairs)
}

struct Columns {
    names: Vec<String>,
    at: Vec<(usize, OGRFieldType::Type)>,
    /// Geometry columns in the order they are tried: PLATEAU's lod0 before lod1.
    shapes: Vec<usize>,
}

impl Columns {
    fn of(layer: &Layer, job: &ReadJob) -> Columns {
        let asked = |n: &String| job.columns.as_ref().is_none_or(|c| c.contains(n));
        let (names, at) = layer
            .defn()
            .fields()
            .enumerate()
            .map(|(i, f)| (f.name(), (i, f.field_type())))
            .filter(|(n, _)| asked(n))
            .unzip();
        let mut shapes: Vec<(String, usize)> =
            layer.defn().geom_fields().enumerate().map(|(i, f)| (f.name(), i)).collect();
        if shapes.len() > 1 && shapes.iter().all(|(n, _)| n.starts_with("lod")) {
            shapes.sort();
        }
        Columns { names, at, shapes: shapes.into_iter().map(|(_, i)| i).collect() }
    }

    fn geometry(
        &self,
        feature: &Feature,
        limits: &wkb::Limits,
        repairs: &mut Repairs,
    ) -> std::result::Result<Geometry, Reject> {
        // `Feature::geometry` hands out a null pointer where there is none; asked by index it says so.
        let found = self.shapes.iter().find_map(|&i| feature.geometry_by_index(i).ok());
        found.map_or_else(|| Err(reject("null-geometry", "the record has no geometry")), |g| shape(g, limits, repairs))
    }

    fn values(&self, feature: &Feature, text_bytes: u64) -> Vec<Raw> {
        self.at.iter().map(|&(i, kind)| value(feature, i, kind, text_bytes)).collect()
    }
}

fn value(f: &Feature, i: usize, kind: OGRFieldType::Type, text_bytes: u64) -> Raw {
    use OGRFieldType as T;
    match kind {
        T::OFTInteger => f.field_as_integer(i).ok().flatten().map_or(Raw::Null, |v| Raw::Int(i64::from(v))),
        T::OFTInteger64 => f.field_as_integer64(i).ok().flatten().map_or(Raw::Null, Raw::Int),
        T::OFTReal => match f.field_as_double(i).ok().flatten() {
            Some(v) if v.is_finite() => Raw::Float(v),
            _ => Raw::Null,
        },
        T::OFTDate => day(f, i).or_else(|| text(f, i).map(|t| iso(&t))).map_or(Raw::Null, Raw::Date),
        T::OFTDateTime | T::OFTTime => text(f, i).map_or(Raw::Null, |t| Raw::Date(iso(&t))),
        T::OFTIntegerList | T::OFTInteger64List | T::OFTRealList | T::OFTStringList => list(f, i),
        _ => match text(f, i) {
            None => Raw::Null,
            Some(t) if t.len() as u64 > text_bytes || t.contains('\u{fffd}') => {
                Raw::Broken(t.into_bytes().into_iter().take(200).collect())
            }
            Some(t) => plain(t),
        },
    }
}

fn text(f: &Feature, i: usize) -> Option<String> {
    f.field_as_string(i).ok().flatten()
}

/// A date without a time as OGR's text of it would read, which takes ten times as long; none of what is no date.
fn day(f: &Feature, i: usize) -> Option<String> {
    let day = f.field_as_datetime(i).ok().flatten()?.date_naive();
    (0..=9999).contains(&day.year()).then(|| day.to_string())
}

/// Without byte order mark, NULs and blanks at the end; nothing left is null.
fn plain(t: String) -> Raw {
    let cut = t.trim_start_matches('\u{feff}').trim_end_matches(['\0', ' ', '\t', '\r', '\n']);
    match cut {
        "" => Raw::Null,
        c if c.len() == t.len() => Raw::Text(t),
        c => Raw::Text(c.to_string()),
    }
}

/// OGR writes `2026/11/21 08:00:00+08`; ISO 8601 is wanted.
fn iso(t: &str) -> String {
    let t = t.replace('/', "-").replacen(' ', "T", 1);
    match t.rfind(['+', '-']).filter(|i| *i > 10 && t.len() - i == 3) {
        Some(_) => format!("{t}:00"),
        None => t,
    }
}

/// Lists as JSON text.
fn list(f: &Feature, i: usize) -> Raw {
    use gdal::vector::FieldValue as V;
    let json = match f.field(i).ok().flatten() {
        Some(V::IntegerListValue(v)) => serde_json::to_string(&v),
        Some(V::Integer64ListValue(v)) => serde_json::to_string(&v),
        Some(V::RealListValue(v)) => serde_json::to_string(&v),
        Some(V::StringListValue(v)) => serde_json::to_string(&v),
        _ => return Raw::Null,
    };
    json.map_or(Raw::Null, Raw::Text)
}
