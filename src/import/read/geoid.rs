//! A geoid in a GeoTIFF: one band of metres in longitude and latitude, north up; the middle of a pixel is a node.

use super::{Stop, gdal_door};
use crate::geo::geoid::GeoidGrid;
use std::path::Path;

/// # Errors
/// Why the file is none, for people.
pub fn tiff(path: &Path) -> Result<GeoidGrid, String> {
    let dataset = gdal_door::open_raster(path, "the file").map_err(|stop| match stop {
        Stop::Failed(f) => f.what,
        Stop::Sink(e) => e.to_string(),
    })?;
    let said = |e: gdal::errors::GdalError| e.to_string();
    if dataset.spatial_ref().is_ok_and(|crs| crs.is_projected()) {
        return Err("it is not in longitude and latitude".into());
    }
    if dataset.raster_count() != 1 {
        return Err(format!("it has {} bands, not one", dataset.raster_count()));
    }
    let [west, east, turn, north, tilt, south] = dataset.geo_transform().map_err(said)?;
    if turn != 0.0 || tilt != 0.0 || south >= 0.0 {
        return Err("its rows do not run from north to south".into());
    }
    let (w, h) = dataset.raster_size();
    let band = dataset.rasterband(1).map_err(said)?;
    let none = band.no_data_value();
    let values = band.read_as::<f32>((0, 0), (w, h), (w, h), None).map_err(said)?;
    let value = |v: f32| if none == Some(f64::from(v)) { f32::NAN } else { v };
    let n_m = (0..h).rev().flat_map(|j| values.data()[j * w..(j + 1) * w].iter().map(|v| value(*v))).collect();
    let first = [west + east / 2.0, north + south * (h as f64 - 0.5)];
    GeoidGrid::new(first, [east, -south], [w, h], n_m).ok_or_else(|| "its numbers do not hold together".into())
}

#[cfg(test)]
pub mod tests {
    use gdal::DriverManager;
    use gdal::raster::Buffer;
    use gdal::spatial_ref::SpatialRef;
    use std::path::Path;

    /// Three nodes by two, half a degree apart from 114° E, 34° N: 4 5 6 below 1 2 3.
    pub fn tiff(path: &Path) -> gdal::errors::Result<()> {
        let driver = DriverManager::get_driver_by_name("GTiff")?;
        let mut tiff = driver.create_with_band_type::<f32, _>(path, 3, 2, 1)?;
        tiff.set_geo_transform(&[113.75, 0.5, 0.0, 34.75, 0.0, -0.5])?;
        tiff.set_spatial_ref(&SpatialRef::from_epsg(4490)?)?;
        tiff.rasterband(1)?.write((0, 0), (3, 2), &mut Buffer::new((3, 2), vec![1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0]))?;
        tiff.flush_cache()
    }
}
