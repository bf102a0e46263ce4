//! Questions as they are written → `Question`: coordinates in any CRS that a request may name, class keys, codes, times.
//! What cannot be meant is refused by name and with a hint, never repaired. Knows no HTTP.

use super::Ownership;
use super::class_set::kind_of;
use super::instant::Instant;
use super::register::ClassIx;
use super::resolve::Question;
use crate::error::{Error, Result};
use crate::geo::ellipsoid::Ellipsoid;
use crate::geo::gauss_kruger::GaussKruger;
use crate::geo::helmert::Similarity4;
use crate::geo::{Crs, shift};
use serde::Deserialize;
use std::path::Path;

/// Accuracy of a telephone's place, metres.
const DEFAULT_ACCURACY_M: f64 = 10.0;
/// Beyond, a place says nothing about its owner; and the borders around it are work that has to have an end.
const MOST_ACCURACY_M: f64 = 1_000.0;
/// Characters of a component's code (CJ/T 214-2007: 16; GB/T 47678.5-2026: 17).
const CODE_LENGTHS: std::ops::RangeInclusive<usize> = 16..=17;
/// EPSG codes of CGCS2000 Gauss–Krüger, among which a wrong zone is looked for.
const GAUSS_KRUGER_CODES: std::ops::RangeInclusive<u32> = 4491..=4554;

/// A question as text; what is absent is empty or `None`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Asked<'a> {
    pub lon: Option<f64>,
    pub lat: Option<f64>,
    pub x: Option<f64>,
    pub y: Option<f64>,
    pub crs: Option<&'a str>,
    pub class: Option<&'a str>,
    pub component: Option<&'a str>,
    pub at: Option<&'a str>,
    pub accuracy_m: Option<f64>,
    pub urgent: Option<bool>,
    pub trail: Option<bool>,
}

/// `INVALID_INPUT`: its sub-code (specification 6.7) and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    pub code: &'static str,
    pub detail: String,
}

impl Invalid {
    pub fn new(code: &'static str, detail: impl Into<String>) -> Invalid {
        Invalid { code, detail: detail.into() }
    }
}

/// A city's own plane system, as configured.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalCrs {
    pub name: String,
    pub central_meridian_deg: f64,
    #[serde(default = "one")]
    pub scale: f64,
    /// Of the Gauss–Krüger plane on CGCS2000.
    #[serde(default)]
    pub false_easting_m: f64,
    #[serde(default)]
    pub false_northing_m: f64,
    /// From the local plane to that one, where they differ by more than their origin.
    #[serde(default)]
    pub to_gauss_kruger: Option<Similarity4>,
}

fn one() -> f64 {
    1.0
}

impl LocalCrs {
    /// From its TOML file.
    pub fn read(file: &Path) -> Result<LocalCrs> {
        let text = std::fs::read_to_string(file).map_err(|e| Error::io(file, e))?;
        let system: LocalCrs = toml::from_str(&text).map_err(|e| Error::config(file, 0, e.message()))?;
        match system.name.trim().is_empty() {
            true => Err(Error::config(file, 0, "a plane system needs a name")),
            false => Ok(system),
        }
    }

    fn plane(&self) -> GaussKruger {
        let origin = [self.false_easting_m, self.false_northing_m];
        GaussKruger::new(Ellipsoid::CGCS2000, self.central_meridian_deg, self.scale, origin)
    }

    fn to_lonlat(&self, p: [f64; 2]) -> [f64; 2] {
        self.plane().inverse(self.to_gauss_kruger.map_or(p, |s| s.forward(p)))
    }
}

/// The CRSs that a question may name beside the EPSG codes.
#[derive(Debug, Clone, Default)]
pub struct Spellings {
    pub local: Vec<LocalCrs>,
}

enum System<'a> {
    Known(Crs),
    Gcj02,
    Bd09,
    Local(&'a LocalCrs),
}

impl Spellings {
    /// Whether a place may be given in a system of this name.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.system(name).is_some()
    }

    /// `4547`, `EPSG:4547`, an OGC name, `GCJ02`, `BD09`, or a configured name; case does not matter.
    fn system(&self, name: &str) -> Option<System<'_>> {
        let short = name.trim().to_ascii_uppercase().replace(['-', '_'], "");
        match short.as_str() {
            "GCJ02" => return Some(System::Gcj02),
            "BD09" | "BD09LL" => return Some(System::Bd09),
            _ => {}
        }
        if let Some(local) = self.local.iter().find(|l| l.name.eq_ignore_ascii_case(name.trim())) {
            return Some(System::Local(local));
        }
        let crs = short.parse().ok().and_then(Crs::from_epsg).or_else(|| Crs::from_name(name));
        crs.map(System::Known)
    }
}

impl System<'_> {
    /// `[longitude°, latitude°]` of x = east, y = north; `None` outside the system's range.
    fn to_lonlat(&self, [x, y]: [f64; 2]) -> Option<[f64; 2]> {
        let degrees = (-180.0..=180.0).contains(&x) && (-90.0..=90.0).contains(&y);
        match self {
            System::Known(crs @ (Crs::Crs84 | Crs::Geographic { .. })) => degrees.then(|| crs.inverse([x, y])),
            System::Gcj02 => degrees.then(|| shift::from_gcj02([x, y])),
            System::Bd09 => degrees.then(|| shift::from_bd09([x, y])),
            System::Known(crs @ Crs::WebMercator) => {
                let half = std::f64::consts::PI * crate::geo::crs::MERCATOR_RADIUS_M;
                (x.abs() <= half && y.abs() <= half).then(|| crs.inverse([x, y]))
            }
            System::Known(crs @ Crs::GaussKruger { projection, .. }) => {
                in_zone(projection, [x, y]).then(|| crs.inverse([x, y]))
            }
            System::Local(local) => {
                let p = local.to_gauss_kruger.map_or([x, y], |s| s.forward([x, y]));
                in_zone(&local.plane(), p).then(|| local.to_lonlat([x, y]))
            }
        }
    }
}

/// A plane's own region: 4.5° of longitude beside the meridian at the equator, from −10,000 km to 10,000 km north.
fn in_zone(projection: &GaussKruger, [x, y]: [f64; 2]) -> bool {
    (x - projection.false_easting_m).abs() <= 500_000.0 && (y - projection.false_northing_m).abs() <= 10_002_000.0
}

impl Ownership {
    /// Reads a question. `default_trail` is what an absent `trail` means.
    pub fn parse<'a>(
        &self,
        asked: &Asked<'a>,
        spellings: &Spellings,
        now: Instant,
        default_trail: bool,
    ) -> Result<Question<'a>, Invalid> {
        let p = self.position(asked, spellings)?;
        let accuracy_m = asked.accuracy_m.unwrap_or(DEFAULT_ACCURACY_M);
        if !(0.0..=MOST_ACCURACY_M).contains(&accuracy_m) {
            return Err(Invalid::new("COORD_RANGE", "accuracy_m is a number of metres from 0 to 1000"));
        }
        let at = match present(asked.at) {
            Some(text) => Instant::parse(text).ok_or_else(|| {
                Invalid::new("TIME_FORMAT", "at is RFC 3339 (2026-11-21T08:30:00+08:00); in an address write + as %2B")
            })?,
            None => now,
        };
        let class = present(asked.class).map(|text| self.class(text)).transpose()?;
        let component = present(asked.component).map(component_code).transpose()?;
        let (urgent, trail) = (asked.urgent.unwrap_or(false), asked.trail.unwrap_or(default_trail));
        Ok(Question { p, class, component, at, accuracy_m, urgent, trail })
    }

    pub(super) fn position(&self, asked: &Asked<'_>, spellings: &Spellings) -> Result<[f64; 2], Invalid> {
        let name = present(asked.crs);
        let xy = match (asked.lon, asked.lat, asked.x, asked.y) {
            (Some(lon), Some(lat), None, None) => [lon, lat],
            (None, None, Some(x), Some(y)) if name.is_some() => [x, y],
            (None, None, Some(_), Some(_)) => {
                let needed = "x and y need crs: an EPSG code, a configured system, GCJ02 or BD09";
                return Err(Invalid::new("CRS_UNKNOWN", needed));
            }
            _ => {
                let how = "a place is lon and lat, or x and y with crs (x is east, y is north)";
                return Err(Invalid::new("COORD_MISSING", how));
            }
        };
        if !xy.iter().all(|v| v.is_finite()) {
            return Err(Invalid::new("COORD_NOT_FINITE", "coordinates are finite numbers"));
        }
        let unknown =
            "crs is an EPSG code in closed form (4326, 4490, 3857, 4491 to 4554), a configured system, GCJ02 or BD09";
        let system = match name {
            None => System::Known(Crs::Geographic { epsg: 4490 }),
            Some(name) => spellings.system(name).ok_or_else(|| Invalid::new("CRS_UNKNOWN", unknown))?,
        };
        match system.to_lonlat(xy) {
            Some(p) if self.territory.is_around(p) => Ok(p),
            // Far from the city is an answer, unless the numbers tell what was meant.
            Some(p) => match self.hint(&system, xy, spellings) {
                Some(hint) => Err(Invalid::new("COORD_RANGE", hint)),
                None => Ok(p),
            },
            None => {
                let hint = self.hint(&system, xy, spellings);
                let hint = hint.unwrap_or_else(|| "the coordinates are outside the range of their CRS".to_string());
                Err(Invalid::new("COORD_RANGE", hint))
            }
        }
    }

    /// What the numbers would mean inside the city: the axes swapped, or another zone.
    fn hint(&self, system: &System<'_>, [x, y]: [f64; 2], spellings: &Spellings) -> Option<String> {
        let inside = |s: &System<'_>, p| s.to_lonlat(p).is_some_and(|p| self.territory.covers(p));
        if inside(system, [y, x]) {
            return Some("the axes look swapped: x (lon) is east, y (lat) is north".to_string());
        }
        if matches!(system, System::Gcj02 | System::Bd09) {
            return None;
        }
        // Numbers as small as degrees are no metres of a city.
        let degrees = x.abs() <= 360.0 && y.abs() <= 360.0;
        let metric = std::iter::once(3857).chain(GAUSS_KRUGER_CODES).filter(|_| !degrees);
        for code in metric.chain([4490]) {
            let Some(other) = Crs::from_epsg(code).map(System::Known) else { continue };
            if inside(&other, [x, y]) {
                return Some(format!("the coordinates look like EPSG:{code}: name that crs"));
            }
            if inside(&other, [y, x]) {
                return Some(format!(
                    "the coordinates look like EPSG:{code} with the axes swapped: x is east, y is north"
                ));
            }
        }
        let local = spellings.local.iter().find(|l| inside(&System::Local(l), [x, y]));
        local.map(|l| format!("the coordinates look like {}: name that crs", l.name))
    }

    /// `scheme:kind:code`.
    fn class(&self, text: &str) -> Result<ClassIx, Invalid> {
        let unknown = |detail: &str| Invalid::new("CLASS_UNKNOWN", detail);
        let mut parts = text.split(':');
        let (Some(scheme), Some(kind), Some(code), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(unknown(
                "class is scheme:kind:code, like cjt214-2007:component:0101; the kind is part of the key",
            ));
        };
        let scheme = self
            .book
            .scheme(scheme)
            .ok_or_else(|| Invalid::new("SCHEME_UNKNOWN", "the register has no class table of this scheme"))?;
        let kind = kind_of(kind).ok_or_else(|| unknown("the kind of a class is component or matter"))?;
        self.book.find_class(scheme, kind, code).ok_or_else(|| unknown("the scheme has no such class of this kind"))
    }
}

fn present(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|t| !t.is_empty())
}

fn component_code(text: &str) -> Result<&str, Invalid> {
    let sound =
        CODE_LENGTHS.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
    sound.then_some(text).ok_or_else(|| {
        let detail =
            "a component's code is text of 16 or 17 digits; a number like 3.2E15 has lost its tail in a spreadsheet";
        Invalid::new("COMPONENT_ID_FORMAT", detail)
    })
}
