//! A geoid by what a manifest or the server's settings call it: a constant, EGM96 of the distribution's PROJ data, a GTX
//! file, a GeoTIFF. Finds and opens the file; the mathematics is `geo::geoid`'s.

use super::read;
use crate::geo::geoid::{Geoid, GeoidGrid};
use std::path::{Path, PathBuf};

/// What PROJ calls EGM96's grid of a quarter of a degree.
const EGM96: &str = "egm96_15.gtx";
/// Where distributions keep PROJ's data, after where the environment says.
const PROJ_FOLDERS: [&str; 3] = ["/usr/share/proj", "/usr/local/share/proj", "/opt/homebrew/share/proj"];
/// A grid of a minute of arc over the whole earth, and a little more.
const LARGEST_BYTES: u64 = 1 << 30;

/// Opens the geoid called `name`: metres as a number, `egm96`, or a file (`.gtx`, `.tif`), relative to `folder`.
///
/// # Errors
/// What is wrong and what to do, for people.
pub fn open(name: &str, folder: &Path) -> Result<Geoid, String> {
    if let Ok(undulation_m) = name.trim().parse::<f64>() {
        return match undulation_m.is_finite() && undulation_m.abs() <= 150.0 {
            true => Ok(Geoid::constant(undulation_m)),
            false => Err(format!("geoid = {name}: geoids lie within 110 m of the ellipsoid")),
        };
    }
    if name.eq_ignore_ascii_case("egm96") {
        let Some(path) = egm96() else {
            return Err(format!(
                "geoid = \"egm96\": {EGM96} is in none of PROJ's folders (PROJ_DATA, {}); install the package \
                 proj-data, or name a .gtx or .tif file",
                PROJ_FOLDERS.join(", ")
            ));
        };
        return grid(&path).map(|grid| Geoid::grid("EGM96", grid));
    }
    let path = folder.join(name);
    let called = Path::new(name).file_name().unwrap_or_default().to_string_lossy().into_owned();
    grid(&path).map(|grid| Geoid::grid(called, grid))
}

/// The file of EGM96, where PROJ has it.
pub fn egm96() -> Option<PathBuf> {
    let said = ["PROJ_DATA", "PROJ_LIB"].into_iter().filter_map(std::env::var_os);
    let said: Vec<PathBuf> = said.flat_map(|list| std::env::split_paths(&list).collect::<Vec<_>>()).collect();
    let folders = said.into_iter().chain(PROJ_FOLDERS.map(PathBuf::from));
    folders.map(|folder| folder.join(EGM96)).find(|path| path.is_file())
}

fn grid(path: &Path) -> Result<GeoidGrid, String> {
    let wrong = |what: &str| format!("geoid {}: {what}", path.display());
    let size = std::fs::metadata(path).map_err(|e| wrong(&e.to_string()))?.len();
    if size > LARGEST_BYTES {
        return Err(wrong("it is larger than any geoid"));
    }
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    match extension.to_str() {
        Some("gtx") => {
            let bytes = std::fs::read(path).map_err(|e| wrong(&e.to_string()))?;
            GeoidGrid::from_gtx(&bytes).ok_or_else(|| wrong("it is no GTX file, or not whole"))
        }
        Some("tif" | "tiff") => read::geoid_tiff(path).map_err(|what| wrong(&what)),
        _ => Err(wrong("only .gtx and .tif files are read; or write egm96, or metres")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// N at city centres as PROJ gives it from the same grid, metres.
    #[test]
    fn egm96_at_chinese_cities() {
        let Ok(geoid) = open("egm96", Path::new("")) else {
            println!("SKIPPED: {EGM96} is not installed");
            return;
        };
        for (city, lonlat, n) in [
            ("Beijing", [116.4, 39.9], -9.93),
            ("Shanghai", [121.47, 31.23], 11.13),
            ("Guangzhou", [113.26, 23.13], -7.02),
            ("Chengdu", [104.06, 30.67], -42.70),
            ("Xi'an", [108.94, 34.34], -35.29),
            ("Urumqi", [87.6, 43.8], -63.98),
        ] {
            let found = geoid.undulation_m(lonlat).unwrap();
            assert!((found - n).abs() < 0.02, "{city}: {found}, not {n}");
        }
    }

    #[test]
    fn files_and_constants_open_and_nonsense_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(open("-12.5", dir.path()).unwrap().undulation_m([1.0, 2.0]), Some(-12.5));
        let mut bytes = vec![];
        [34.0f64, 114.0, 0.5, 0.5].iter().for_each(|v| bytes.extend(v.to_be_bytes()));
        [2i32, 2].iter().for_each(|v| bytes.extend(v.to_be_bytes()));
        [1.0f32, 2.0, 3.0, 4.0].iter().for_each(|v| bytes.extend(v.to_be_bytes()));
        std::fs::write(dir.path().join("city.gtx"), &bytes).unwrap();
        let geoid = open("city.gtx", dir.path()).unwrap();
        assert_eq!((geoid.undulation_m([114.25, 34.25]), geoid.name.as_str()), (Some(2.5), "city.gtx"));
        std::fs::write(dir.path().join("short.gtx"), &bytes[..45]).unwrap();
        for (name, word) in
            [("gone.gtx", "No such file"), ("short.gtx", "not whole"), ("geoid.asc", "No such file"), ("200", "110 m")]
        {
            let said = open(name, dir.path()).unwrap_err();
            assert!(said.contains(word), "{name}: {said}");
        }
    }

    #[test]
    fn a_geotiff_says_what_the_same_gtx_says() {
        let dir = tempfile::tempdir().unwrap();
        let driver = gdal_tests::tiff(&dir.path().join("city.tif"));
        assert!(driver.is_ok());
        let geoid = open("city.tif", dir.path()).unwrap();
        // Pixels' middles are the nodes: 114, 114.5, 115 and 34, 34.5.
        assert_eq!(geoid.undulation_m([114.5, 34.5]), Some(2.0));
        assert_eq!(geoid.undulation_m([114.25, 34.25]), Some((1.0 + 2.0 + 4.0 + 5.0) / 4.0));
        assert_eq!(geoid.undulation_m([115.2, 34.25]), None);
    }

    use super::read::geoid_tests as gdal_tests;
}
