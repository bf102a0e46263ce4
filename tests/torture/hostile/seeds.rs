//! Small sound deliveries, one a format: what all that is hostile is made from.

use gdal::spatial_ref::{AxisMappingStrategy, SpatialRef};
use gdal::vector::{Feature, Geometry, LayerAccess, LayerOptions, OGRFieldType, OGRwkbGeometryType};
use gdal::{DriverManager, raster::Buffer};

/// Records of each seed that has points.
pub const POINTS: u64 = 40;

/// A delivery that is as it should be.
#[derive(Clone)]
pub struct Seed {
    /// The file that is named in the manifest, with its parts.
    pub main: &'static str,
    pub files: Vec<(String, Vec<u8>)>,
    /// Of the source in the manifest, without `path`.
    pub lines: &'static str,
    pub records: u64,
}

impl Seed {
    fn one(main: &'static str, bytes: impl Into<Vec<u8>>, lines: &'static str, records: u64) -> Seed {
        Seed { main, files: vec![(main.to_string(), bytes.into())], lines, records }
    }
}

pub fn all() -> Vec<Seed> {
    vec![
        shapefile(),
        Seed::one("a.geojson", geojson(), "layer = \"places\"\nrows = 40", POINTS),
        Seed::one("a.geojsonl", geojson_lines(), "layer = \"places\"\nrows = 40", POINTS),
        Seed::one("a.gml", gml(), "layer = \"places\"\nrows = 40", POINTS),
        Seed::one("a.csv", csv(), CSV_LINES, POINTS),
        Seed::one("a.dxf", dxf(), "layer = \"places\"\ncrs = \"EPSG:4547\"\nrows = 40", POINTS),
        Seed::one("a.city.json", cityjson(), HOUSES, 2),
        Seed::one("a.city.gml", citygml(), HOUSES, 2),
        Seed::one("a.gpkg", vector("GPKG", "gpkg"), "layer = \"places\"\nrows = 40", POINTS),
        Seed::one("a.fgb", vector("FlatGeobuf", "fgb"), "layer = \"places\"\nrows = 40", POINTS),
        Seed::one("a.tif", geotiff(), "layer = \"terrain\"\nvertical = \"1985\"", 1),
    ]
}

pub const CSV_LINES: &str =
    "layer = \"places\"\ncrs = \"EPSG:4490\"\nxy = { x = \"x\", y = \"y\" }\nrows = 40\nend_marker = \"END\"";
const HOUSES: &str = "layer = \"houses\"\nkey = \"id\"\nfields = { code = \"id\", height_m = \"height\" }\nvertical = \"1985\"\nrows = 2";

/// Easting and northing in EPSG:4547.
fn plane(i: u64) -> [f64; 2] {
    [527_000.0 + 10.0 * i as f64, 3_852_000.0]
}

fn degrees(i: u64) -> [f64; 2] {
    [114.3 + 1e-4 * i as f64, 34.8]
}

pub fn shapefile() -> Seed {
    let points: Vec<[f64; 2]> = (0..POINTS).map(plane).collect();
    shapefile_of(&points)
}

/// Points in EPSG:4547 with a name.
pub fn shapefile_of(points: &[[f64; 2]]) -> Seed {
    let written = crate::common::shapefile::shapefile(points, b"name", |i| format!("place {i:<4}").into_bytes());
    let files = written.map(|(ext, bytes)| (format!("a.{ext}"), bytes));
    Seed {
        main: "a.shp",
        files: files.to_vec(),
        lines: "layer = \"places\"\ncrs = \"EPSG:4547\"\nrows = 40",
        records: POINTS,
    }
}

fn feature(i: u64) -> String {
    let [x, y] = degrees(i);
    format!(
        r#"{{"type":"Feature","properties":{{"name":"place {i}"}},"geometry":{{"type":"Point","coordinates":[{x:.6},{y:.6}]}}}}"#
    )
}

pub fn geojson() -> String {
    let features: Vec<String> = (0..POINTS).map(feature).collect();
    format!("{{\"type\":\"FeatureCollection\",\"features\":[\n{}\n]}}", features.join(",\n"))
}

fn geojson_lines() -> String {
    (0..POINTS).map(|i| feature(i) + "\n").collect()
}

pub fn gml() -> String {
    let member = |i: u64| {
        let [x, y] = plane(i);
        format!(
            "<gml:featureMember><p:Place gml:id=\"p{i}\"><p:name>place {i}</p:name><p:shape>\
             <gml:Point srsName=\"urn:ogc:def:crs:EPSG::4547\"><gml:pos>{y} {x}</gml:pos></gml:Point></p:shape>\
             </p:Place></gml:featureMember>\n"
        )
    };
    let members: String = (0..POINTS).map(member).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<gml:FeatureCollection xmlns:gml=\"http://www.opengis.net/gml\" \
         xmlns:p=\"urn:p\">\n{members}</gml:FeatureCollection>\n"
    )
}

pub fn csv() -> String {
    let row = |i: u64| format!("{:.6},{:.6},place {i}\n", degrees(i)[0], degrees(i)[1]);
    let rows: String = (0..POINTS).map(row).collect();
    format!("x,y,name\n{rows}END\n")
}

pub fn dxf() -> String {
    let point = |i: u64| format!("0\nPOINT\n8\nplaces\n10\n{:.3}\n20\n{:.3}\n", plane(i)[0], plane(i)[1]);
    let points: String = (0..POINTS).map(point).collect();
    format!("0\nSECTION\n2\nENTITIES\n{points}0\nENDSEC\n0\nEOF\n")
}

/// Faces of a box: bottom, top, south, north, west, east; corners x + 2y + 4z.
const FACES: [[usize; 4]; 6] = [[0, 2, 3, 1], [4, 5, 7, 6], [0, 1, 5, 4], [3, 2, 6, 7], [2, 0, 4, 6], [1, 3, 7, 5]];

fn corner(house: usize, i: usize) -> [usize; 3] {
    [527_000 + house * 50 + (i & 1) * 10, 3_852_000 + (i >> 1 & 1) * 8, 70 + (i >> 2) * 9]
}

pub fn cityjson() -> String {
    let object = |h: usize| {
        let faces: Vec<String> = FACES.iter().map(|f| format!("[{:?}]", f.map(|i| i + 8 * h))).collect();
        format!(
            r#""b{h}":{{"type":"Building","attributes":{{"use":"homes"}},"geometry":[{{"type":"Solid","lod":"1","boundaries":[[{}]]}}]}}"#,
            faces.join(",")
        )
    };
    let vertices: Vec<String> = (0..16).map(|i| format!("{:?}", corner(i / 8, i % 8))).collect();
    format!(
        "{{\"type\":\"CityJSON\",\"version\":\"2.0\",\"transform\":{{\"scale\":[1,1,1],\"translate\":[0,0,0]}},\n\
         \"metadata\":{{\"referenceSystem\":\"https://www.opengis.net/def/crs/EPSG/0/4547\"}},\n\"CityObjects\":{{{},{}}},\n\
         \"vertices\":[{}]}}",
        object(0),
        object(1),
        vertices.join(",")
    )
}

pub fn citygml() -> String {
    let ring = |h: usize, f: &[usize; 4]| {
        let place = |i: &usize| corner(h, *i).map(|c| c.to_string()).join(" ");
        let all: Vec<String> = f.iter().chain([&f[0]]).map(place).collect();
        format!(
            "<gml:surfaceMember><gml:Polygon><gml:exterior><gml:LinearRing><gml:posList>{}</gml:posList></gml:LinearRing>\
             </gml:exterior></gml:Polygon></gml:surfaceMember>",
            all.join(" ")
        )
    };
    let house = |h: usize| {
        let faces: String = FACES.iter().map(|f| ring(h, f)).collect();
        format!(
            "<core:cityObjectMember><bldg:Building gml:id=\"b{h}\"><bldg:lod1Solid><gml:Solid srsName=\"EPSG:4547\">\
             <gml:exterior><gml:CompositeSurface>{faces}</gml:CompositeSurface></gml:exterior></gml:Solid></bldg:lod1Solid>\
             </bldg:Building></core:cityObjectMember>\n"
        )
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<core:CityModel xmlns:core=\"http://www.opengis.net/citygml/2.0\" \
         xmlns:bldg=\"http://www.opengis.net/citygml/building/2.0\" xmlns:gml=\"http://www.opengis.net/gml\">\n{}{}\
         </core:CityModel>\n",
        house(0),
        house(1)
    )
}

/// Points with a name, written by GDAL.
fn vector(driver: &str, extension: &str) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(format!("a.{extension}"));
    let mut srs = SpatialRef::from_epsg(4490).unwrap();
    srs.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
    let mut dataset = DriverManager::get_driver_by_name(driver).unwrap().create_vector_only(&path).unwrap();
    let options =
        LayerOptions { name: "places", srs: Some(&srs), ty: OGRwkbGeometryType::wkbPoint, ..Default::default() };
    {
        let layer = dataset.create_layer(options).unwrap();
        layer.create_defn_fields(&[("name", OGRFieldType::OFTString)]).unwrap();
        for i in 0..POINTS {
            let [x, y] = degrees(i);
            let mut feature = Feature::new(layer.defn()).unwrap();
            feature.set_geometry(Geometry::from_wkt(&format!("POINT({x} {y})")).unwrap()).unwrap();
            feature.set_field_string(0, &format!("place {i}")).unwrap();
            feature.create(&layer).unwrap();
        }
    }
    drop(dataset);
    std::fs::read(path).unwrap()
}

/// Heights of a small slope.
pub fn geotiff() -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.tif");
    let driver = DriverManager::get_driver_by_name("GTiff").unwrap();
    let mut tiff = driver.create_with_band_type::<f32, _>(&path, 32, 32, 1).unwrap();
    tiff.set_geo_transform(&[527_000.0, 5.0, 0.0, 3_852_160.0, 0.0, -5.0]).unwrap();
    tiff.set_spatial_ref(&SpatialRef::from_epsg(4547).unwrap()).unwrap();
    let heights = (0..32 * 32).map(|k| 70.0 + (k % 32) as f32 * 0.25).collect();
    tiff.rasterband(1).unwrap().write((0, 0), (32, 32), &mut Buffer::new((32, 32), heights)).unwrap();
    tiff.flush_cache().unwrap();
    drop(tiff);
    std::fs::read(path).unwrap()
}
