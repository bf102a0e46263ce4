//! From a source's coordinates to CGCS2000 longitude, latitude in degrees. The only place where axis order, datums
//! and PROJ are known; never guesses a CRS and never takes PROJ's ballpark. Heights pass by untouched.

mod choose;
mod proj_c;
mod zone;

use crate::geo::BBox;
use crate::import::wire::{CrsSpec, Failed};
use choose::Chooser;
use proj_c::{Area, Operation};
use zone::ZoneHint;

/// How far beyond a projected CRS's area of use a point may lie, degrees. Cities on a zone's border and whole
/// prefectures are delivered in one zone, so the edge itself is no error; three degrees on is another zone.
const AREA_MARGIN_DEG: f64 = 3.0;

/// What a source's file says about its CRS.
#[derive(Debug, Clone, Default)]
pub struct FileCrs {
    /// WKT or code by the file itself.
    pub definition: Option<String>,
    /// The format writes coordinates in the authority's axis order (GML with a URN srsName).
    pub authority_order: bool,
    /// The code in that spelling, whose axes are meant.
    pub spelled: Option<String>,
    /// A declaration of another horizontal CRS is an error, not a correction.
    pub binding: bool,
}

/// A chosen way from source coordinates to lon/lat degrees.
pub struct Reproject {
    /// `EPSG:4547 CGCS2000 / 3-degree Gauss-Kruger CM 114E (declared)`
    pub crs: String,
    /// The named operation with its accuracy.
    pub operation: String,
    /// Vertical datum as declared or by the compound CRS; empty when unknown.
    pub vertical: String,
    pub findings: Vec<String>,
    swap: bool,
    height_factor: f64,
    steps: Vec<Step>,
    area: Option<Area>,
    /// Metres per unit, or none for degrees.
    metre_per_unit: Option<f64>,
    hint: ZoneHint,
}

enum Step {
    /// Through PROJ; `to_degrees` where the operation hands out radians.
    Proj { operation: Operation, to_degrees: bool },
    /// Geographic CRS in other units than degrees.
    Scale(f64),
}

impl Reproject {
    /// `extent` is the data's box in source units as written, where the container knows it.
    pub fn choose(
        spec: &CrsSpec,
        file: &FileCrs,
        extent: Option<BBox>,
        named: &str,
    ) -> std::result::Result<Reproject, Box<Failed>> {
        Chooser::new(spec, file, extent, named).choose()
    }

    /// Source coordinates as written → lon/lat degrees, in place. What cannot be transformed is not finite.
    pub fn forward(&self, xy: &mut [[f64; 2]]) {
        if self.swap {
            xy.iter_mut().for_each(|p| p.swap(0, 1));
        }
        for step in &self.steps {
            match step {
                Step::Proj { operation, to_degrees } => {
                    operation.forward(xy);
                    if *to_degrees {
                        xy.as_flattened_mut().iter_mut().for_each(|v| *v = v.to_degrees());
                    }
                }
                Step::Scale(f) => xy.as_flattened_mut().iter_mut().for_each(|v| *v *= f),
            }
        }
        xy.iter_mut().for_each(|p| *p = [within(p[0], 180.0), within(p[1], 90.0)]);
    }

    /// The other way round: lon/lat degrees → source coordinates as written. Not finite where there is no way back.
    pub fn backward(&self, xy: &mut [[f64; 2]]) {
        for step in self.steps.iter().rev() {
            match step {
                Step::Proj { operation, to_degrees } => {
                    if *to_degrees {
                        xy.as_flattened_mut().iter_mut().for_each(|v| *v = v.to_radians());
                    }
                    operation.backward(xy);
                }
                Step::Scale(f) => xy.as_flattened_mut().iter_mut().for_each(|v| *v /= f),
            }
        }
        if self.swap {
            xy.iter_mut().for_each(|p| p.swap(0, 1));
        }
    }

    /// Metres of a source unit; of a degree about those northward.
    pub fn metres_per_unit(&self) -> f64 {
        self.metre_per_unit.unwrap_or(111_320.0)
    }

    /// Heights of the source → metres, in place.
    pub fn heights(&self, z: &mut [f64]) {
        if self.height_factor != 1.0 {
            z.iter_mut().for_each(|v| *v *= self.height_factor);
        }
    }

    /// Why a transformed point cannot be right, if so.
    pub fn refuse(&self, [lon, lat]: [f64; 2]) -> Option<String> {
        if !lon.is_finite() || !lat.is_finite() {
            return Some(format!("the coordinates lie outside {}", self.crs));
        }
        if lon.abs() > 180.0 || lat.abs() > 90.0 {
            return Some(format!("{lon} {lat} is no longitude and latitude"));
        }
        let area = self.area?;
        let beyond = outside(area, [lon, lat]);
        (beyond > AREA_MARGIN_DEG)
            .then(|| format!("{lon:.4} {lat:.4} lies {beyond:.1} degrees outside the area of use of {}", self.crs))
    }

    /// Whether a transformed point lies outside the CRS's published area.
    pub fn strays(&self, at: [f64; 2]) -> bool {
        self.area.is_some_and(|area| outside(area, at) > 0.0)
    }

    /// Sagitta of 1 cm in source units, for curves.
    pub fn curve_tolerance(&self) -> f64 {
        0.01 / self.metres_per_unit()
    }

    /// What the raw numbers say about the declared CRS when they disagree: text for people, naming the CRS that fits.
    /// `at` is a source coordinate as written.
    pub fn wrong_zone(&self, at: [f64; 2]) -> Option<String> {
        let [x, y] = if self.swap { [at[1], at[0]] } else { at };
        self.hint.judge(x, y, self.metre_per_unit.is_some(), &self.crs)
    }
}

/// Rounding may carry the antimeridian or a pole a hair over its edge.
fn within(v: f64, edge: f64) -> f64 {
    if v.abs() > edge && v.abs() < edge + 1e-9 { edge.copysign(v) } else { v }
}

/// Degrees outside a west, south, east, north box; 0 inside. Boxes may cross the antimeridian.
fn outside([w, s, e, n]: Area, [lon, lat]: [f64; 2]) -> f64 {
    let dy = (s - lat).max(lat - n).max(0.0);
    let crosses = w > e;
    let dx = match crosses {
        true if lon >= w || lon <= e => 0.0,
        true => (w - lon).min(lon - e),
        false => (w - lon).max(lon - e).max(0.0),
    };
    dx.max(dy)
}
