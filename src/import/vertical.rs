//! Heights of a source → heights of the store, which are those of the 1985 national height datum (or of the city's own,
//! where all sources have it). Never PROJ's: it would take a ballpark. What is done is told.

use super::geoid;
use super::load::Source;
use super::manifest::VerticalSpec;
use super::map::Draft;
use super::wire::Reject;
use crate::feature::Value;
use crate::geo::geoid::Geoid;
use crate::geo::lattice::{NODES, Patch, TileAt};
use crate::layer::{FieldType, Layer};

/// 1956 Yellow Sea heights are 1985 ones and this, at the origin in Qingdao, metres.
const FROM_1956_M: f64 = -0.029;

/// Deliveries write −99 and −9999 where they know nothing.
const UNKNOWN_M: f64 = -99.0;

/// The datum of the store, as long as no city has its own.
pub const STORE: &str = "1985";

/// What happens to the heights of a source.
#[derive(Debug, Default)]
pub struct Lift {
    /// As declared or by the file; empty when nobody says.
    datum: String,
    offset_m: f64,
    /// The manifest says how they become the store's.
    declared: bool,
    /// Of heights over the ellipsoid.
    geoid: Option<Geoid>,
}

impl Lift {
    /// `datum` is what the source said when it was opened.
    ///
    /// # Errors
    /// What must be declared, for people.
    pub fn of(source: &Source, datum: &str) -> Result<Lift, String> {
        let spec = source.vertical();
        let offset_m = spec.offset_m.unwrap_or(if is_1956(datum) { FROM_1956_M } else { 0.0 });
        let folder = source.file.path.parent().unwrap_or(std::path::Path::new(""));
        let geoid = match (is_ellipsoidal(datum), &spec.geoid) {
            (true, Some(name)) => Some(geoid::open(&name.to_string(), folder)?.biased(spec.bias_m.unwrap_or(0.0))),
            (true, None) => {
                let what = "its heights are over the ellipsoid; declare vertical = { datum = \"ellipsoidal\", geoid = \"egm96\" } \
                            (or a .gtx or .tif file, or metres): the geoid that the server is configured with";
                return Err(what.into());
            }
            (false, Some(_)) => return Err(format!("geoid is for ellipsoidal heights; these are `{datum}`")),
            (false, None) => None,
        };
        Ok(Lift { datum: datum.to_string(), offset_m, declared: spec.offset_m.is_some(), geoid })
    }

    /// What the heights are over once they are in the store, by its shortest name: `1985`, or the source's own datum where
    /// they are taken as they are. Empty where nobody says, and where the manifest says how they become the store's,
    /// whichever that is.
    pub fn over(&self) -> &str {
        let own = || match self.datum.starts_with("EPSG:") {
            // The code, without the name that a file has beside it.
            true => self.datum.split(' ').next().unwrap_or_default(),
            false => &self.datum,
        };
        match (self.declared || self.geoid.is_some(), is_1985(&self.datum) || is_1956(&self.datum)) {
            (true, _) => "",
            (false, true) => STORE,
            (false, false) => own(),
        }
    }

    pub fn is_nothing(&self) -> bool {
        self.offset_m == 0.0 && self.geoid.is_none()
    }

    /// Metres of the source at a place → metres of the store; `None` outside of the geoid.
    pub fn height(&self, lonlat: [f64; 2], height_m: f64) -> Option<f64> {
        let n = match &self.geoid {
            Some(geoid) => geoid.undulation_m(lonlat)?,
            None => 0.0,
        };
        Some(height_m + self.offset_m - n)
    }

    /// A tile of the ground; nodes outside of the geoid are unknown.
    pub fn patch(&self, at: TileAt, patch: &Patch) -> Patch {
        let mut lifted = Patch::default();
        for k in 0..NODES * NODES {
            let (i, j) = (k % NODES, k / NODES);
            lifted.set(i, j, patch.at(i, j).and_then(|h| self.height(at.node(i, j), h)));
        }
        lifted
    }

    /// Brings the heights of a record to those of the store: of its vertices and its model, and in the fields that hold
    /// 1985 heights. 0 at a vertex means nothing is known. Whether it has any, in a layer that stands in 3D.
    ///
    /// # Errors
    /// A place outside of the geoid.
    pub fn draft(&self, draft: &mut Draft, layer: &Layer) -> Result<bool, Reject> {
        let fields = || layer.fields.iter().enumerate().filter(|(_, f)| f.datum.as_deref() == Some("1985"));
        let known = |v: &Value| matches!(v, Value::Float(h) if *h > UNKNOWN_M) || matches!(v, Value::Int(_));
        let in_fields = fields().any(|(i, _)| known(&draft.values[i]));
        let any = in_fields || draft.model.is_some() || draft.geometry.z.iter().any(|z| *z != 0.0);
        if !any || self.is_nothing() {
            return Ok(any && layer.scene.is_some());
        }
        let lifted = |p: [f64; 2], h: f64| {
            let outside = || format!("{:.4} {:.4} lies outside of the geoid", p[0], p[1]);
            self.height(p, h).ok_or_else(|| Reject { code: "outside-geoid".into(), detail: outside() })
        };
        let g = &mut draft.geometry;
        for (z, p) in g.z.iter_mut().zip(&g.xy).filter(|(z, _)| **z != 0.0) {
            *z = lifted(*p, *z)?;
        }
        for p in draft.model.iter_mut().flat_map(|m| &mut m.positions) {
            p[2] = lifted([p[0], p[1]], p[2])?;
        }
        let at = g.bbox().center();
        for (i, _) in fields() {
            let value = &mut draft.values[i];
            *value = match *value {
                Value::Float(h) if h > UNKNOWN_M => Value::Float((lifted(at, h)? * 1e4).round() / 1e4),
                Value::Int(h) if layer.fields[i].kind == FieldType::Float => Value::Float(lifted(at, h as f64)?),
                _ => continue,
            };
        }
        Ok(layer.scene.is_some())
    }

    /// What people should know of a source that has heights.
    pub fn told(&self) -> Option<String> {
        let Lift { datum, offset_m, geoid, declared } = self;
        if let Some(geoid) = geoid {
            return Some(format!(
                "ellipsoidal heights were lowered by the geoid {} (bias {} m)",
                geoid.name, geoid.bias_m
            ));
        }
        match datum.as_str() {
            "" => Some("no-vertical-datum: its heights are taken as 1985 heights; declare vertical = \"1985\" or what they are".into()),
            _ if *offset_m != 0.0 => Some(format!("heights over `{datum}` became 1985 heights by {offset_m:+} m")),
            _ if is_1985(datum) => None,
            _ if *declared => Some(format!("heights over `{datum}` are those of the store, as declared")),
            _ => Some(format!("heights over `{datum}` are taken as they are; declare offset_m where 1985 heights differ")),
        }
    }
}

fn is_1985(datum: &str) -> bool {
    datum == "1985" || datum.contains("EPSG:5737") || datum.to_lowercase().contains("yellow sea 1985")
}

fn is_1956(datum: &str) -> bool {
    datum == "1956" || datum.contains("EPSG:5736") || datum.to_lowercase().contains("yellow sea 1956")
}

pub fn is_ellipsoidal(datum: &str) -> bool {
    datum == "ellipsoidal"
}

/// What is wrong with a declared datum.
pub fn problems(spec: &VerticalSpec) -> Vec<String> {
    let mut problems = vec![];
    let datum = spec.datum.as_deref().unwrap_or_default();
    let code = datum.split_once(':').is_some_and(|(authority, code)| {
        ["EPSG", "ESRI"].contains(&authority) && !code.is_empty() && code.bytes().all(|b| b.is_ascii_digit())
    });
    let known = ["1985", "1956", "ellipsoidal"].contains(&datum) || datum.starts_with("local:") || code;
    if spec.datum.is_some() && !known {
        let datum: String = datum.chars().take(40).collect();
        problems.push(format!("vertical `{datum}` is none of EPSG:…, 1985, 1956, ellipsoidal, local:…"));
    }
    if spec.offset_m.is_some_and(|m| !m.is_finite() || m.abs() > 200.0) {
        problems.push("offset_m: metres, at most 200 either way".into());
    }
    if spec.offset_m.is_some() && is_ellipsoidal(datum) {
        problems.push("offset_m and ellipsoidal heights: a geoid with bias_m is what is meant".into());
    }
    if spec.geoid.is_some() && spec.datum.is_some() && !is_ellipsoidal(datum) {
        problems.push("geoid is for datum = \"ellipsoidal\"".into());
    }
    if spec.bias_m.is_some_and(|m| !m.is_finite() || m.abs() > 5.0) || (spec.bias_m.is_some() && spec.geoid.is_none()) {
        problems.push("bias_m: metres that the height datum lies above the geoid, at most 5, beside geoid".into());
    }
    problems
}
