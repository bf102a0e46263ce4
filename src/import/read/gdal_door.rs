//! Calls into GDAL: one driver per opening, no network, every complaint of the library kept. No reading rules here.

use super::{Outcome, fail};
use crate::import::wire::{Format, Who};
use gdal::cpl::CslStringList;
use gdal::errors::CplErrType;
use gdal::vector::Geometry as OgrGeometry;
use gdal::{Dataset, DatasetOptions, DriverManager, GdalOpenFlags};
use std::borrow::Cow;
use std::cell::RefCell;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Once;

thread_local! {
    /// Failures that GDAL reported on this thread since they were last taken.
    static COMPLAINTS: RefCell<Vec<String>> = const { RefCell::new(vec![]) };
}

static PREPARED: Once = Once::new();

/// Options that hold for every source: no network, no sidecar files written, no text recoded behind our back.
const CONFIG: &[(&str, &str)] = &[
    ("CPL_VSIL_CURL_ALLOWED_EXTENSIONS", ".none"),
    ("CPL_CURL_ENABLE_VSIMEM", "NO"),
    ("GDAL_HTTP_MAX_RETRY", "0"),
    ("GDAL_HTTP_TIMEOUT", "1"),
    ("GDAL_PAM_ENABLED", "NO"),
    ("GML_SAVE_RESOLVED_TO", "SAME"),
    ("GML_SKIP_RESOLVE_ELEMS", "ALL"),
    ("OGR_SQLITE_LOAD_EXTENSIONS", ""),
    ("OGR_GEOJSON_MAX_OBJ_SIZE", "0"),
];

pub fn prepare() {
    PREPARED.call_once(|| {
        for (key, value) in CONFIG {
            // Fails only on embedded NULs.
            let _ = gdal::config::set_config_option(key, value);
        }
        gdal::config::set_error_handler(|class, number, message| {
            // CRSs are `reproject`'s: that GDAL's PROJ does not know one loses no record.
            if matches!(class, CplErrType::Failure | CplErrType::Fatal) && !message.starts_with("PROJ: ") {
                COMPLAINTS.with_borrow_mut(|c| {
                    if c.len() < 20 {
                        c.push(format!("{message} (GDAL {number})"));
                    }
                });
            }
        });
    });
}

/// In the child, before each job: every driver but the job's is taken out, so that nothing opened inside a file finds another
/// one.
pub fn keep_only(format: Format) {
    prepare();
    DriverManager::prevent_auto_registration();
    let keep = driver(format);
    if keep.is_some_and(|name| DriverManager::get_driver_by_name(name).is_err()) {
        DriverManager::register_all();
    }
    for i in (0..DriverManager::count()).rev() {
        if let Ok(d) = DriverManager::get_driver(i)
            && Some(d.short_name().as_str()) != keep
        {
            DriverManager::deregister_driver(&d);
        }
    }
}

/// The one driver that may open a format.
pub fn driver(format: Format) -> Option<&'static str> {
    Some(match format {
        Format::Shapefile => "ESRI Shapefile",
        Format::Gpkg => "GPKG",
        Format::Gdb => "OpenFileGDB",
        Format::Flatgeobuf => "FlatGeobuf",
        Format::Geojson => "GeoJSON",
        Format::Geojsonseq => "GeoJSONSeq",
        Format::Dxf => "DXF",
        Format::Gml => "GML",
        Format::Geotiff => "GTiff",
        Format::Csv | Format::Cityjson | Format::Citygml => return None,
    })
}

/// What GDAL complained about since the last call.
pub fn complaints() -> Vec<String> {
    COMPLAINTS.with_borrow_mut(std::mem::take)
}

/// Opens with the format's driver alone.
pub fn open(path: &Path, format: Format, options: &[&str], named: &str) -> Outcome<Dataset> {
    prepare();
    complaints();
    let drivers: Vec<&str> = driver(format).into_iter().collect();
    let opened = Dataset::open_ex(
        called(path, format),
        DatasetOptions {
            open_flags: GdalOpenFlags::GDAL_OF_VECTOR | GdalOpenFlags::GDAL_OF_READONLY,
            allowed_drivers: Some(&drivers),
            open_options: Some(options),
            sibling_files: None,
        },
    );
    let said = complaints();
    match opened {
        Ok(dataset) if said.is_empty() => Ok(dataset),
        Ok(_) => fail(Who::Supplier, "unreadable", format!("{named}: {}", said.join("; "))),
        Err(e) if said.is_empty() => fail(Who::Supplier, "unreadable", format!("{named}: {e}")),
        Err(_) => fail(Who::Supplier, "unreadable", format!("{named}: {}", said.join("; "))),
    }
}

/// How GDAL is told what a file is where it would not see it: it takes a sequence of one feature for a whole GeoJSON.
fn called(path: &Path, format: Format) -> Cow<'_, Path> {
    if format != Format::Geojsonseq {
        return path.into();
    }
    let mut name = OsString::from("GeoJSONSeq:");
    name.push(path);
    PathBuf::from(name).into()
}

/// A GeoTIFF, with its driver alone.
pub fn open_raster(path: &Path, named: &str) -> Outcome<Dataset> {
    prepare();
    complaints();
    let options = DatasetOptions {
        open_flags: GdalOpenFlags::GDAL_OF_RASTER | GdalOpenFlags::GDAL_OF_READONLY,
        allowed_drivers: Some(&["GTiff"]),
        open_options: None,
        sibling_files: None,
    };
    let opened = Dataset::open_ex(path, options);
    let said = complaints();
    match opened {
        Ok(dataset) if said.is_empty() => Ok(dataset),
        Err(e) if said.is_empty() => fail(Who::Supplier, "unreadable", format!("{named}: {e}")),
        _ => fail(Who::Supplier, "unreadable", format!("{named}: {}", said.join("; "))),
    }
}

/// GEOS's opinion on a geometry in WKB: none when valid, else the valid form as WKB.
pub fn make_valid_wkb(bytes: &[u8]) -> Result<Option<Vec<u8>>, String> {
    prepare();
    // GEOS tells what is wrong as errors; they are its answer here, not a failure of the source.
    let before = complaints();
    let answer = ask_geos(bytes);
    complaints();
    COMPLAINTS.with_borrow_mut(|c| *c = before);
    answer
}

/// One WKT text as ISO WKB, in GDAL's reading.
pub fn wkt_to_wkb(text: &str) -> Result<Vec<u8>, String> {
    prepare();
    let before = complaints();
    let made = OgrGeometry::from_wkt(text).and_then(|g| g.iso_wkb()).map_err(|_| "not readable as WKT".to_string());
    complaints();
    COMPLAINTS.with_borrow_mut(|c| *c = before);
    made
}

fn ask_geos(bytes: &[u8]) -> Result<Option<Vec<u8>>, String> {
    let g = OgrGeometry::from_wkb(bytes).map_err(|e| e.to_string())?;
    if g.is_valid() {
        return Ok(None);
    }
    let made = g.make_valid(&CslStringList::new()).map_err(|e| e.to_string())?;
    polygons_of(&made).map(Some)
}

/// The polygon parts of whatever GEOS made, as one multi-polygon.
fn polygons_of(made: &OgrGeometry) -> Result<Vec<u8>, String> {
    use gdal::vector::{OGRwkbGeometryType as T, geometry_type_flatten};
    let mut all = OgrGeometry::empty(T::wkbMultiPolygon).map_err(|e| e.to_string())?;
    let mut take = |g: &OgrGeometry| -> Result<(), String> {
        match geometry_type_flatten(g.geometry_type()) {
            T::wkbPolygon => all.add_geometry(g.clone()).map_err(|e| e.to_string()),
            _ => Ok(()),
        }
    };
    match geometry_type_flatten(made.geometry_type()) {
        T::wkbPolygon => take(made)?,
        _ => {
            for i in 0..made.geometry_count() {
                let part = made.get_geometry(i);
                take(&part)?;
                for j in 0..part.geometry_count() {
                    take(&part.get_geometry(j))?;
                }
            }
        }
    }
    all.iso_wkb().map_err(|e| e.to_string())
}
