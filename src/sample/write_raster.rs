//! The door to GDAL for writing heights: one band of 32-bit floats in a compressed GeoTIFF.

use super::plan::mesh::Pt;
use crate::error::{Error, Result};
use gdal::DriverManager;
use gdal::raster::{Buffer, RasterCreationOptions};
use gdal::spatial_ref::SpatialRef;
use std::path::Path;

/// Where a raster lies: its north-western corner in EPSG:4547, its pixels.
#[derive(Debug, Clone, Copy)]
pub struct Raster {
    pub north_west: Pt,
    pub size: [usize; 2],
    pub pixel_m: f64,
}

/// What a pixel without a height holds.
pub const NODATA: f64 = -9999.0;

/// Writes the height of each pixel's middle; `None` is nodata.
pub fn write(path: &Path, raster: Raster, height: impl Fn(Pt) -> Option<f64>) -> Result<()> {
    let failed = |e: gdal::errors::GdalError| Error::io(path, std::io::Error::other(e.to_string()));
    let driver = DriverManager::get_driver_by_name("GTiff").map_err(failed)?;
    let options = RasterCreationOptions::from_iter([
        "COMPRESS=DEFLATE",
        "PREDICTOR=3",
        "TILED=YES",
        "BLOCKXSIZE=256",
        "BLOCKYSIZE=256",
    ]);
    let [w, h] = raster.size;
    let mut tiff = driver.create_with_band_type_with_options::<f32, _>(path, w, h, 1, &options).map_err(failed)?;
    let [west, north] = raster.north_west;
    tiff.set_geo_transform(&[west, raster.pixel_m, 0.0, north, 0.0, -raster.pixel_m]).map_err(failed)?;
    tiff.set_spatial_ref(&SpatialRef::from_epsg(4547).map_err(failed)?).map_err(failed)?;
    let mut band = tiff.rasterband(1).map_err(failed)?;
    band.set_no_data_value(Some(NODATA)).map_err(failed)?;
    for row in 0..h {
        let at = |i: usize| [west + (i as f64 + 0.5) * raster.pixel_m, north - (row as f64 + 0.5) * raster.pixel_m];
        let heights = (0..w).map(|i| height(at(i)).unwrap_or(NODATA) as f32).collect();
        band.write((0, row as isize), (w, 1), &mut Buffer::new((w, 1), heights)).map_err(failed)?;
    }
    tiff.close().map_err(failed)
}
