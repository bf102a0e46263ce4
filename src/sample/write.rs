//! The door to GDAL for writing: containers, layers, rows. Knows formats and geometry, nothing of the city.

use super::house::House;
use super::plan::mesh::Pt;
use crate::error::{Error, Result};
use crate::geo::gauss_kruger::GaussKruger;
use gdal::spatial_ref::{AxisMappingStrategy, SpatialRef};
use gdal::vector::{Feature, FieldDefn, Geometry, Layer, LayerAccess, LayerOptions, OGRFieldType, OGRwkbGeometryType};
use gdal::{Dataset, DriverManager};
use std::path::{Path, PathBuf};

/// What a cell of a row holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Val<'a> {
    Null,
    Int(i64),
    Num(f64),
    Flag(bool),
    Text(&'a str),
    Own(String),
    /// 20261101
    Day(u32),
}

impl<'a> From<&'a str> for Val<'a> {
    fn from(v: &'a str) -> Val<'a> {
        Val::Text(v)
    }
}

impl From<String> for Val<'_> {
    fn from(v: String) -> Self {
        Val::Own(v)
    }
}

impl From<f64> for Val<'_> {
    fn from(v: f64) -> Self {
        Val::Num((v * 1000.0).round() / 1000.0)
    }
}

impl From<u32> for Val<'_> {
    fn from(v: u32) -> Self {
        Val::Int(i64::from(v))
    }
}

impl From<usize> for Val<'_> {
    fn from(v: usize) -> Self {
        Val::Int(v as i64)
    }
}

impl From<bool> for Val<'_> {
    fn from(v: bool) -> Self {
        Val::Flag(v)
    }
}

impl<'a, T: Into<Val<'a>>> From<Option<T>> for Val<'a> {
    fn from(v: Option<T>) -> Self {
        v.map_or(Val::Null, Into::into)
    }
}

/// A geometry in EPSG:4547, x = east. Rings are closed, exteriors counter-clockwise.
#[derive(Debug, Clone, Copy)]
pub enum Shape<'a> {
    Null,
    Point(Pt),
    PointZ(Pt, f64),
    Line(&'a [Pt]),
    /// Heights per vertex.
    LineZ(&'a [Pt], &'a [f64]),
    Polygon(&'a [Vec<Pt>]),
    /// A polygon at one height.
    PolygonZ(&'a [Vec<Pt>], f64),
    Polygons(&'a [Vec<Vec<Pt>>]),
    /// A solid; formats without solids take none of it.
    House(&'a House),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Shapefile,
    Gpkg,
    Gdb,
    FlatGeobuf,
    GeoJson,
    GeoJsonSeq,
    Dxf,
    Gml,
}

impl Format {
    fn driver(self) -> &'static str {
        match self {
            Format::Shapefile => "ESRI Shapefile",
            Format::Gpkg => "GPKG",
            Format::Gdb => "OpenFileGDB",
            Format::FlatGeobuf => "FlatGeobuf",
            Format::GeoJson => "GeoJSON",
            Format::GeoJsonSeq => "GeoJSONSeq",
            Format::Dxf => "DXF",
            Format::Gml => "GML",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Int,
    Num,
    Flag,
    Day,
}

#[derive(Debug, Clone)]
pub struct Column {
    pub name: String,
    pub kind: Kind,
    /// Bytes of a text, 0 where the format has no limit.
    pub width: u16,
}

/// How a shapefile's text is marked as GBK.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GbkMark {
    /// Language byte 0x4D in the DBF.
    LanguageByte,
    /// Nowhere: the reader must find out.
    Nowhere,
}

pub struct Table<'a> {
    pub name: &'a str,
    pub columns: &'a [Column],
    pub epsg: u32,
    pub gbk: GbkMark,
    /// A sample geometry: decides the layer's type.
    pub shape: Family,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    Point,
    PointZ,
    Line,
    LineZ,
    Polygon,
    PolygonZ,
    Polygons,
}

impl Family {
    fn wkb_type(self) -> u32 {
        match self {
            Family::Point => OGRwkbGeometryType::wkbPoint,
            Family::PointZ => OGRwkbGeometryType::wkbPoint25D,
            Family::Line => OGRwkbGeometryType::wkbLineString,
            Family::LineZ => OGRwkbGeometryType::wkbLineString25D,
            Family::Polygon => OGRwkbGeometryType::wkbPolygon,
            Family::PolygonZ => OGRwkbGeometryType::wkbPolygon25D,
            Family::Polygons => OGRwkbGeometryType::wkbMultiPolygon,
        }
    }
}

pub struct Container {
    dataset: Dataset,
    format: Format,
    path: PathBuf,
}

fn failed(path: &Path) -> impl Fn(gdal::errors::GdalError) -> Error + '_ {
    move |e| Error::Io { path: path.to_path_buf(), source: std::io::Error::other(e.to_string()) }
}

/// The same files on every day: formats that note the time note this one.
pub fn pin_the_clock() -> Result<()> {
    let pin = |key, value| gdal::config::set_config_option(key, value).map_err(failed(Path::new(key)));
    pin("OGR_CURRENT_DATE", "2026-11-01T00:00:00.000Z")?;
    pin("OGR_SQLITE_SYNCHRONOUS", "OFF")?;
    pin("OGR_SQLITE_CACHE", "64")
}

impl Container {
    pub fn create(path: &Path, format: Format) -> Result<Container> {
        let driver = DriverManager::get_driver_by_name(format.driver()).map_err(failed(path))?;
        let dataset = driver.create_vector_only(path).map_err(failed(path))?;
        Ok(Container { dataset, format, path: path.to_path_buf() })
    }

    /// Writes one layer; `fill` puts its rows.
    pub fn table(&mut self, table: &Table, fill: &mut dyn FnMut(&mut Sink) -> Result<()>) -> Result<()> {
        let (format, path) = (self.format, self.path.clone());
        if format != Format::Gpkg {
            return write_table(&mut self.dataset, table, format, &path, fill);
        }
        let mut transaction = self.dataset.start_transaction().map_err(failed(&path))?;
        write_table(&mut transaction, table, format, &path, fill)?;
        transaction.commit().map_err(failed(&path))
    }

    pub fn close(mut self) -> Result<()> {
        let path = self.path.clone();
        self.dataset.flush_cache().map_err(failed(&path))?;
        drop(self.dataset);
        if self.format == Format::Shapefile {
            // Survey companies deliver none.
            let cpg = path.with_extension("cpg");
            if cpg.exists() {
                std::fs::remove_file(&cpg).map_err(|e| Error::io(&cpg, e))?;
            }
        }
        Ok(())
    }
}

fn write_table(
    dataset: &mut Dataset,
    table: &Table,
    format: Format,
    path: &Path,
    fill: &mut dyn FnMut(&mut Sink) -> Result<()>,
) -> Result<()> {
    let err = failed(path);
    let mut srs = SpatialRef::from_epsg(table.epsg).map_err(&err)?;
    srs.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
    let to_degrees = (table.epsg != 4547).then(|| GaussKruger::cgcs2000(114.0, 500_000.0));
    let options: &[&str] = match (format, table.gbk) {
        (Format::Shapefile, GbkMark::LanguageByte) => &["ENCODING=LDID/77", "DBF_DATE_LAST_UPDATE=2026-11-01"],
        (Format::Shapefile, GbkMark::Nowhere) => &["ENCODING=GBK", "DBF_DATE_LAST_UPDATE=2026-11-01"],
        (Format::GeoJson | Format::GeoJsonSeq, _) => &["COORDINATE_PRECISION=9"],
        _ => &[],
    };
    let name = if format == Format::Dxf { "entities" } else { table.name };
    let declared = LayerOptions { name, srs: Some(&srs), ty: table.shape.wkb_type(), options: Some(options) };
    let layer = dataset.create_layer(declared).map_err(&err)?;
    for column in table.columns {
        let kind = match column.kind {
            Kind::Text => OGRFieldType::OFTString,
            Kind::Int | Kind::Flag => OGRFieldType::OFTInteger,
            Kind::Num => OGRFieldType::OFTReal,
            Kind::Day => OGRFieldType::OFTDate,
        };
        // DXF has its own columns and takes no others.
        if format == Format::Dxf {
            continue;
        }
        let field = FieldDefn::new(&column.name, kind).map_err(&err)?;
        if format == Format::Shapefile {
            match column.kind {
                Kind::Text => field.set_width(i32::from(column.width)),
                Kind::Int => field.set_width(9),
                Kind::Flag => field.set_width(1),
                Kind::Num => {
                    field.set_width(16);
                    field.set_precision(3);
                }
                Kind::Day => {}
            }
        }
        field.add_to_layer(&layer).map_err(&err)?;
    }
    let mut sink = Sink { layer, format, to_degrees, path: path.to_path_buf(), wkb: vec![] };
    fill(&mut sink)
}

pub struct Sink<'a> {
    layer: Layer<'a>,
    format: Format,
    to_degrees: Option<GaussKruger>,
    path: PathBuf,
    wkb: Vec<u8>,
}

impl Sink<'_> {
    /// Puts a row; `values` in the order of the table's columns. For DXF the first value is the drawing layer.
    pub fn put(&mut self, shape: &Shape, values: &[Val]) -> Result<()> {
        self.encode(shape);
        let err = failed(&self.path);
        let mut feature = Feature::new(self.layer.defn()).map_err(&err)?;
        for (i, value) in values.iter().enumerate() {
            if self.format == Format::Dxf && i > 0 {
                break;
            }
            match value {
                Val::Null => Ok(()),
                Val::Int(v) => feature.set_field_integer64(i, *v),
                Val::Num(v) => feature.set_field_double(i, *v),
                Val::Flag(v) => feature.set_field_integer(i, i32::from(*v)),
                Val::Text(v) => feature.set_field_string(i, v),
                Val::Own(v) => feature.set_field_string(i, v),
                Val::Day(v) => {
                    feature.set_field_string(i, &format!("{:04}/{:02}/{:02}", v / 10000, v / 100 % 100, v % 100))
                }
            }
            .map_err(&err)?;
        }
        if !self.wkb.is_empty() {
            let geometry = Geometry::from_wkb(&self.wkb).map_err(&err)?;
            feature.set_geometry(geometry).map_err(&err)?;
        }
        feature.create(&self.layer).map_err(&err)
    }

    /// Well-known binary (little endian, ISO numbers for Z) of a shape in the table's CRS; empty for none.
    fn encode(&mut self, shape: &Shape) {
        self.wkb.clear();
        match *shape {
            Shape::Null | Shape::House(_) => {}
            Shape::Point(p) => {
                self.head(1);
                self.vertices(&[p], None);
            }
            Shape::PointZ(p, z) => {
                self.head(1001);
                self.vertices(&[p], Some(&|_| z));
            }
            Shape::Line(line) => {
                self.head(2);
                self.counted(line, None);
            }
            Shape::LineZ(line, z) => {
                self.head(1002);
                self.counted(line, Some(&|i| z[i]));
            }
            Shape::Polygon(rings) => self.polygon(rings, None),
            Shape::PolygonZ(rings, z) => self.polygon(rings, Some(z)),
            Shape::Polygons(polygons) => {
                self.head(6);
                self.number(polygons.len());
                for rings in polygons {
                    self.polygon(rings, None);
                }
            }
        }
    }

    fn polygon(&mut self, rings: &[Vec<Pt>], z: Option<f64>) {
        self.head(if z.is_some() { 1003 } else { 3 });
        self.number(rings.len());
        for ring in rings {
            match z {
                Some(z) => self.counted(ring, Some(&|_| z)),
                None => self.counted(ring, None),
            }
        }
    }

    fn head(&mut self, kind: u32) {
        self.wkb.push(1);
        self.wkb.extend_from_slice(&kind.to_le_bytes());
    }

    fn number(&mut self, n: usize) {
        self.wkb.extend_from_slice(&(n as u32).to_le_bytes());
    }

    fn counted(&mut self, line: &[Pt], z: Option<&dyn Fn(usize) -> f64>) {
        self.number(line.len());
        self.vertices(line, z);
    }

    fn vertices(&mut self, line: &[Pt], z: Option<&dyn Fn(usize) -> f64>) {
        for (i, &p) in line.iter().enumerate() {
            let [x, y] = self.to_degrees.as_ref().map_or(p, |plane| plane.inverse(p));
            self.wkb.extend_from_slice(&x.to_le_bytes());
            self.wkb.extend_from_slice(&y.to_le_bytes());
            if let Some(z) = z {
                self.wkb.extend_from_slice(&z(i).to_le_bytes());
            }
        }
    }
}
