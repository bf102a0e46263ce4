//! What the reading child process is told and what it hands back: frames of plain data, each re-validated by the
//! parent. Frames are postcard, each preceded by its length as u32 LE.

use crate::feature::{Geometry, ImageId, Model};
use crate::geo::lattice::{Patch, TileAt};
use crate::geo::{BBox, GeometryKind};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// How a container is read; each format has exactly one GDAL driver (or, for CSV, the csv crate) that may open it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    Shapefile,
    Gpkg,
    Gdb,
    Flatgeobuf,
    Geojson,
    Geojsonseq,
    Csv,
    Dxf,
    Gml,
    /// Documents and sequences; read by `import::city`.
    Cityjson,
    Citygml,
    /// Heights of the ground, one file or a folder of them; read by `read::raster`.
    Geotiff,
}

/// One source as the child is to read it. Paths are absolute; archives are unpacked by the child into `scratch`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReadJob {
    pub path: PathBuf,
    /// A file inside an archive (`*.zip`), by its decoded name; none = the only one of the format.
    pub member: Option<String>,
    /// By the declaration, else by the file's extension.
    pub format: Format,
    /// GDAL layer by name; none = the only one.
    pub gdal_layer: Option<String>,
    /// Encoding by the declaration (a WHATWG label, e.g. GB18030); none = decided by crs.md §6.1's order.
    pub encoding: Option<String>,
    pub crs: CrsSpec,
    /// CSV: columns of the coordinates.
    pub xy: Option<XyColumns>,
    /// How many records the supplier states: for formats that do not tell, CSV and GeoJSONSeq above all.
    pub stated_rows: Option<u64>,
    /// CSV: the text that stands alone on the last line.
    pub end_marker: Option<String>,
    /// City models: the levels of detail that are wanted (`2`, `2.2`); none = all.
    pub lods: Vec<String>,
    /// GeoTIFF: metres between heights; none = as the pixels lie.
    pub resolution_m: Option<f64>,
    /// GeoTIFF: the number that means none where the file does not say it.
    pub nodata: Option<f64>,
    /// Columns that are wanted (by source name); none = all.
    pub columns: Option<Vec<String>>,
    pub scratch: PathBuf,
    pub limits: Limits,
}

impl ReadJob {
    /// A whole source with nothing declared of it.
    pub fn plain(path: PathBuf, format: Format, scratch: PathBuf) -> ReadJob {
        ReadJob {
            path,
            member: None,
            format,
            gdal_layer: None,
            encoding: None,
            crs: CrsSpec::default(),
            xy: None,
            stated_rows: None,
            end_marker: None,
            lods: vec![],
            resolution_m: None,
            nodata: None,
            columns: None,
            scratch,
            limits: Limits::default(),
        }
    }
}

/// The declared CRS of a source.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrsSpec {
    /// `EPSG:4547`, WKT or PROJ text; none = by the file, and an error where the file has none.
    pub definition: Option<String>,
    /// Coordinate order in the file where it is not x = east: `"ne"` for northing (or latitude) first.
    pub axis: Option<Axis>,
    /// A PROJ pipeline from the source's coordinates (x = east) to lon/lat degrees: for datums without a
    /// public operation, or to choose one.
    pub operation: Option<String>,
    /// 7 parameters to CGCS2000, position vector: x, y, z (m), rx, ry, rz (″), s (ppm).
    pub helmert: Option<[f64; 7]>,
    /// Vertical datum of heights: `EPSG:5737`, `1985`, `ellipsoidal`, `local:…`.
    pub vertical: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Axis {
    /// east, north (GIS order)
    En,
    /// north, east
    Ne,
}

/// CSV columns: x = east (or longitude), y = north (or latitude), whatever the surveyor calls them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct XyColumns {
    /// Column of the easting or longitude.
    #[serde(default)]
    pub x: Option<String>,
    /// Column of the northing or latitude.
    #[serde(default)]
    pub y: Option<String>,
    #[serde(default)]
    pub z: Option<String>,
    /// Column with WKT, instead of x and y.
    #[serde(default)]
    pub wkt: Option<String>,
}

/// What one source may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Unpacked bytes of an archive or gzip file.
    pub unpacked_bytes: u64,
    /// Vertices of one geometry.
    pub vertices: u64,
    /// Bytes of one text value.
    pub text_bytes: u64,
    /// Memory of the reading process.
    pub memory_bytes: u64,
    /// Processor time of the reading process.
    pub cpu_seconds: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            unpacked_bytes: 16 << 30,
            vertices: 5_000_000,
            text_bytes: 1 << 20,
            memory_bytes: 4 << 30,
            cpu_seconds: 3600,
        }
    }
}

/// A message from the child. `Opened` first, `Done` or `Failed` last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Frame {
    Opened(Opened),
    /// Before the first record that wears it.
    Image(Image),
    Records(Vec<Record>),
    /// Heights of the ground, each tile once.
    Heights(Vec<(TileAt, Patch)>),
    Done(Done),
    Failed(Failed),
}

impl Frame {
    /// Whether no other follows of its source.
    pub fn is_last(&self) -> bool {
        matches!(self, Frame::Done(_) | Frame::Failed(_))
    }
}

/// An image that models wear.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    pub id: ImageId,
    /// One of `store::IMAGE_SIDES`, largest first, and a JPEG or PNG file of at most that many pixels a side.
    pub sizes: Vec<(u16, Vec<u8>)>,
}

/// What is known before the first record.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    /// Source columns, in the order of `Record::values`.
    pub columns: Vec<String>,
    /// Records that the container itself declares, where it does.
    pub declared: Option<u64>,
    /// Records marked as deleted (DBF), not part of `declared`.
    pub deleted: u64,
    /// Text encoding and why: `GB18030 (LDID 0x4D)`.
    pub encoding: String,
    /// CRS read, e.g. `EPSG:4547 (declared)`.
    pub crs: String,
    /// The named coordinate operation to lon/lat.
    pub operation: String,
    /// Datum of the heights (metres), as declared or by the compound CRS; empty when unknown.
    pub vertical: String,
    /// Disagreements that do not stop the import: declared CRS against the file's, a lying .cpg …
    pub findings: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The row as its container counts: FID, DBF record number or CSV line, for the report.
    pub row: u64,
    /// Lon/lat degrees, repaired; or why there is none.
    pub geometry: Result<Geometry, Reject>,
    /// What was repaired, by code (`closed-ring`, `oriented`, `duplicate-vertices`, `made-valid`, `linearised` …).
    pub repairs: Vec<String>,
    pub values: Vec<Raw>,
    /// The 3D model that stands on the geometry, in degrees and metres.
    pub model: Option<Model>,
    /// What is wrong with the model although it is kept: code and detail, each code once.
    pub faults: Vec<Reject>,
}

/// Why a record is refused: a code that is counted, and what people need to find it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reject {
    /// Kebab-case: `null-geometry`, `not-finite`, `outside-crs`, `empty-geometry`, `too-few-points`, `broken-text` …
    pub code: String,
    pub detail: String,
}

/// The code of records that have models, but none at a wanted level of detail: left out, not refused.
pub const OTHER_LOD: &str = "other-lod";

/// A raw value, typed as far as its container types it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Raw {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    /// ISO 8601 date or date-time.
    Date(String),
    /// Bytes that are not text in the source's encoding.
    Broken(Vec<u8>),
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// Records handed over.
    pub read: u64,
    /// Box of all geometries, degrees.
    pub bounds: Option<BBox>,
    pub kinds: Vec<GeometryKind>,
    /// What only the whole data tells: most of it outside the CRS's area of use …
    pub findings: Vec<String>,
}

/// The source cannot be imported at all: nothing of it may be published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    pub who: Who,
    /// Kebab-case: `incomplete`, `not-this-format`, `unknown-crs`, `ballpark-refused`, `too-large`, `broken-archive` …
    pub code: String,
    /// What was wrong, where, and what to do.
    pub what: String,
}

/// Who must act on a failed source; decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Who {
    /// 65
    Supplier,
    /// 66
    Missing,
    /// 74
    Machine,
    /// 78
    Operator,
}
