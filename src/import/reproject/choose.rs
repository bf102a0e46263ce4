//! Which way leads from a source's CRS to CGCS2000: what is declared, what the file says, what PROJ offers; and why there is
//! none.

use super::proj_c::{Area, Context, Kind, Object, Operation};
use super::zone::ZoneHint;
use super::{FileCrs, Reproject, Step};
use crate::geo::BBox;
use crate::import::wire::{Axis, CrsSpec, Failed, Who};
use std::rc::Rc;

/// Which of the two datums that need no operation.
fn same_datum(datum: &str, ellipsoid: Option<(f64, f64)>) -> Option<&'static str> {
    let (a, rf) = ellipsoid?;
    let plain: String = datum.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
    let plain = plain.strip_prefix('d').filter(|p| p.starts_with("china") || p.starts_with("wgs")).unwrap_or(&plain);
    let is = |rf_wanted: f64| (a - 6_378_137.0).abs() < 1e-3 && (rf - rf_wanted).abs() < 1e-6;
    let cgcs = ["china2000", "cgcs2000", "chinageodeticcoordinatesystem2000"];
    if cgcs.contains(&plain) && is(298.257_222_101) {
        return Some("CGCS2000");
    }
    let wgs = plain.starts_with("worldgeodeticsystem1984") || plain == "wgs84" || plain == "wgs1984";
    (wgs && is(298.257_223_563)).then_some("WGS 84")
}

pub struct Chooser<'a> {
    ctx: Rc<Context>,
    spec: &'a CrsSpec,
    file: &'a FileCrs,
    extent: Option<BBox>,
    named: &'a str,
}

type Chosen<T> = std::result::Result<T, Box<Failed>>;

impl<'a> Chooser<'a> {
    pub fn new(spec: &'a CrsSpec, file: &'a FileCrs, extent: Option<BBox>, named: &'a str) -> Chooser<'a> {
        Chooser { ctx: Context::new(), spec, file, extent, named }
    }
}

impl Chooser<'_> {
    pub fn choose(self) -> Chosen<Reproject> {
        let (crs, how) = self.source_crs()?;
        let mut findings: Vec<String> = self.disagreement(&crs).into_iter().collect();
        let (flat, vertical_part) = self.horizontal(&crs)?;
        if self.file.binding && !findings.is_empty() {
            self.same_plane(&flat)?;
            // A vertical CRS added or named otherwise is the declaration's right.
            findings.clear();
        }
        let base = if flat.kind() == Kind::Bound { flat.base() } else { None };
        let plain = base.as_ref().unwrap_or(&flat);
        let label = format!("{} ({how})", describe(plain));
        let swap = self.swap(plain)?;
        let metre_per_unit = (plain.kind() == Kind::Projected).then(|| plain.axis(0).map_or(1.0, |a| a.unit_factor));
        let geodetic = plain.geodetic().ok_or_else(|| self.unknown(&format!("{label} has no geographic base")))?;
        let datum = geodetic.datum().map(|d| d.name()).unwrap_or_default();
        let (steps, operation) = self.steps(&flat, plain, &geodetic, &datum, swap, &mut findings)?;
        let height_factor =
            vertical_part.as_ref().and_then(|v| v.axis(0)).or(plain.axis(2)).map_or(1.0, |a| a.unit_factor);
        // Three axes and no vertical CRS: heights over the ellipsoid.
        let third = plain.axis(2).filter(|_| vertical_part.is_none());
        let by_file = vertical_part.as_ref().map(describe).or_else(|| third.as_ref().map(|_| "ellipsoidal".into()));
        if let (Some(declared), Some(found)) = (&self.spec.vertical, &by_file)
            && !found.contains(declared.as_str())
        {
            findings.push(format!(
                "the file says its heights are {found}, the declaration {declared}: the declaration is used"
            ));
        }
        let vertical = self.spec.vertical.clone().or(by_file).unwrap_or_default();
        Ok(Reproject {
            crs: label,
            operation,
            vertical,
            findings,
            swap,
            height_factor: if height_factor > 0.0 { height_factor } else { 1.0 },
            steps,
            // A geographic CRS says where it was made for; its numbers mean the same everywhere.
            area: plain.area_of_use().filter(|_| plain.kind() == Kind::Projected),
            metre_per_unit,
            hint: ZoneHint::of(plain.id().as_deref()),
        })
    }

    fn fail(&self, code: &str, what: String) -> Box<Failed> {
        Box::new(Failed { who: Who::Operator, code: code.into(), what: format!("{}: {what}", self.named) })
    }

    /// Where PROJ does not even know CGCS2000, it is not the declaration that is wrong.
    fn unknown(&self, what: &str) -> Box<Failed> {
        if self.ctx.create("EPSG:4490").is_none() {
            let what = "PROJ cannot read its database: proj.db is not there, or the reading process has no memory left";
            return Box::new(Failed { who: Who::Machine, ..*self.fail("no-proj-database", what.into()) });
        }
        self.fail("unknown-crs", format!("{what}; declare `crs` by EPSG code, WKT or PROJ text"))
    }

    fn source_crs(&self) -> Chosen<(Object, &'static str)> {
        if let Some(d) = self.spec.definition.as_deref() {
            return self
                .parse(d)
                .map(|o| (o, "declared"))
                .ok_or_else(|| self.unknown(&format!("PROJ does not know the declared CRS {}", brief(d))));
        }
        match self.file.definition.as_deref() {
            None => Err(self.unknown("no CRS is declared and the file has none")),
            Some(d) => self
                .parse(d)
                .map(|o| (o, "from the file"))
                .ok_or_else(|| self.unknown(&format!("PROJ does not know the file's CRS {}", brief(d)))),
        }
    }

    fn parse(&self, definition: &str) -> Option<Object> {
        let text = definition.trim();
        let proj_text = text.starts_with("+proj") && !text.contains("+type=crs");
        let object = match proj_text {
            true => self.ctx.create(&format!("{text} +type=crs")),
            false => self.ctx.create(text),
        }?;
        (object.kind() != Kind::Other && object.kind() != Kind::Vertical).then_some(object)
    }

    /// Declared wins; the file's other opinion is told.
    fn disagreement(&self, crs: &Object) -> Option<String> {
        self.spec.definition.as_ref()?;
        let file = self.parse(self.file.definition.as_deref()?)?;
        (!same_crs(crs, &file)).then(|| {
            format!("the file says {}, the declaration {}: the declaration is used", describe(&file), describe(crs))
        })
    }

    /// The file's horizontal CRS is the declared one.
    fn same_plane(&self, declared: &Object) -> Chosen<()> {
        let file = self.file.definition.as_deref().and_then(|d| self.parse(d));
        match file.as_ref().and_then(|o| self.horizontal(o).ok()) {
            Some((flat, _)) if !same_crs(declared, &flat) => {
                let (says, manifest) = (describe(&flat), describe(declared));
                let what = format!("the file says {says}, the manifest {manifest}; correct the one that is wrong");
                Err(self.fail("crs-disagrees", what))
            }
            _ => Ok(()),
        }
    }

    fn horizontal(&self, crs: &Object) -> Chosen<(Object, Option<Object>)> {
        let whole = match crs.kind() {
            Kind::Compound => return self.compound(crs),
            Kind::Bound => crs.base().filter(|b| b.kind() == Kind::Compound),
            _ => None,
        };
        match whole {
            Some(compound) => self.compound(&compound),
            None => {
                let copy = self.copy(crs)?;
                Ok((copy, None))
            }
        }
    }

    fn compound(&self, crs: &Object) -> Chosen<(Object, Option<Object>)> {
        let flat = crs.part(0).ok_or_else(|| self.unknown("the compound CRS has no horizontal part"))?;
        Ok((flat, crs.part(1)))
    }

    fn copy(&self, crs: &Object) -> Chosen<Object> {
        crs.duplicate().ok_or_else(|| self.unknown("PROJ cannot hold the CRS"))
    }

    /// The declared order; else, where the file follows its authority's order, that of the CRS it names. A PROJ text
    /// has no order of its own, so there the order must be declared.
    fn swap(&self, crs: &Object) -> Chosen<bool> {
        let north_first = |o: &Object| o.axis(0).is_some_and(|a| a.direction == "north");
        if let Some(axis) = self.spec.axis {
            return Ok(axis == Axis::Ne);
        }
        if !self.file.authority_order {
            return Ok(false);
        }
        let spelled = self.file.spelled.as_deref().and_then(|d| self.parse(d));
        if let Some(flat) = spelled.as_ref().and_then(|o| self.horizontal(o).ok()) {
            return Ok(north_first(&flat.0));
        }
        match self.spec.definition.as_deref().is_some_and(|d| d.trim().starts_with("+proj")) {
            true => Err(self.fail(
                "unknown-axis",
                "the file writes coordinates in the order of a CRS that PROJ does not know; declare axis = \"ne\" or \"en\"".into(),
            )),
            false => Ok(north_first(crs)),
        }
    }

    fn steps(
        &self,
        crs: &Object,
        plain: &Object,
        geodetic: &Object,
        datum: &str,
        swap: bool,
        findings: &mut Vec<String>,
    ) -> Chosen<(Vec<Step>, String)> {
        if let Some(text) = &self.spec.operation {
            return self.declared_pipeline(text);
        }
        let mut steps = self.to_geodetic(plain, geodetic)?;
        if let Some(parameters) = &self.spec.helmert {
            steps.push(self.helmert(geodetic, parameters)?);
            return Ok((steps, format!("{datum} to CGCS2000 by 7 declared parameters")));
        }
        let null = if crs.kind() == Kind::Bound { None } else { same_datum(datum, geodetic.ellipsoid()) };
        match null {
            Some("CGCS2000") => Ok((steps, "conversion within CGCS2000 (0 m)".into())),
            Some(name) => Ok((steps, format!("conversion within {name}, then {name} = CGCS2000 by declared null"))),
            None => {
                let op = self.best_operation(crs, datum, &steps, swap)?;
                let accuracy = op.accuracy_m.map_or("accuracy unknown".into(), |a| format!("accuracy {a} m"));
                if op.accuracy_m.is_none_or(|a| a > 1.0) && crs.kind() != Kind::Bound {
                    findings.push(format!("positions rest on `{}` ({accuracy})", op.name));
                }
                let text = format!("{} ({accuracy}), then WGS 84 = CGCS2000 by declared null", op.name);
                Ok((vec![Step::Proj { operation: op, to_degrees: false }], text))
            }
        }
    }

    fn declared_pipeline(&self, text: &str) -> Chosen<(Vec<Step>, String)> {
        let bad = || {
            let what = format!("PROJ does not take the declared operation {}", brief(text));
            self.fail("bad-operation", format!("{what}; write a pipeline from x = east to longitude, latitude degrees"))
        };
        let operation = self.ctx.create(text).and_then(|o| o.into_operation("declared operation")).ok_or_else(bad)?;
        let to_degrees = operation.radians_out();
        Ok((vec![Step::Proj { operation, to_degrees }], "the declared operation".into()))
    }

    /// The pure conversion to the CRS's own longitude, latitude in degrees.
    fn to_geodetic(&self, plain: &Object, geodetic: &Object) -> Chosen<Vec<Step>> {
        if plain.kind() == Kind::Geographic {
            let factor = plain.axis(0).map_or(1.0, |a| a.unit_factor.to_degrees());
            let degrees = (factor - 1.0).abs() < 1e-9;
            return Ok(if degrees { vec![] } else { vec![Step::Scale(factor)] });
        }
        let operation = plain.operations_to(geodetic, None).into_iter().next().ok_or_else(|| {
            self.unknown(&format!("PROJ has no conversion from {} to its geographic base", describe(plain)))
        })?;
        Ok(vec![Step::Proj { operation, to_degrees: false }])
    }

    /// Position vector, EPSG 9606, degrees in and out; parameters in metres, arc seconds and ppm.
    fn helmert(&self, geodetic: &Object, p: &[f64; 7]) -> Chosen<Step> {
        let (a, rf) = geodetic.ellipsoid().ok_or_else(|| self.unknown("the CRS has no ellipsoid"))?;
        let shape = if rf > 0.0 { format!("+a={a} +rf={rf}") } else { format!("+R={a}") };
        let [x, y, z, rx, ry, rz, s] = p;
        let text = format!(
            "+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad +step +proj=cart {shape} \
             +step +proj=helmert +x={x} +y={y} +z={z} +rx={rx} +ry={ry} +rz={rz} +s={s} +convention=position_vector \
             +step +inv +proj=cart +a=6378137 +rf=298.257222101 +step +proj=unitconvert +xy_in=rad +xy_out=deg"
        );
        let made = self.ctx.create(&text).and_then(|o| o.into_operation("helmert"));
        let operation = made.ok_or_else(|| self.fail("bad-operation", "PROJ refuses the declared helmert".into()))?;
        Ok(Step::Proj { operation, to_degrees: false })
    }

    fn best_operation(&self, crs: &Object, datum: &str, to_own: &[Step], swap: bool) -> Chosen<Operation> {
        let refuse = |why: String| {
            let what = "declare `helmert` (7 parameters to CGCS2000) or `operation` (a PROJ pipeline to lon/lat)";
            Err(self.fail("ballpark-refused", format!("{why}; {what}")))
        };
        let low = datum.to_lowercase();
        // Their public world-wide parameters are off by metres to tens of metres: crs.md §1.3.
        if crs.kind() != Kind::Bound && (low.contains("beijing") || low.contains("xian")) {
            return refuse(format!("datum {datum} has only local, restricted parameters"));
        }
        let target = self.ctx.create("EPSG:4326").ok_or_else(|| self.unknown("PROJ's database is missing"))?;
        let mut found = crs.operations_to(&target, self.area_of_data(to_own, swap));
        if found.is_empty() {
            // Data far from where the CRS is used: its points are refused one by one, by name.
            found = crs.operations_to(&target, None);
        }
        let rank = |o: &Operation| o.accuracy_m.unwrap_or(f64::MAX);
        match found.into_iter().min_by(|a, b| rank(a).total_cmp(&rank(b))) {
            Some(best) => Ok(best),
            None => refuse(format!("PROJ knows no operation from datum {datum} to WGS 84 but a ballpark")),
        }
    }

    /// The data's box in its own longitude and latitude, grown a little: near enough to choose an operation.
    fn area_of_data(&self, to_own: &[Step], swap: bool) -> Option<Area> {
        let b = self.extent.filter(|b| !b.is_empty())?;
        let [cx, cy] = b.center();
        let mut at = vec![[b.min_x, b.min_y], [b.max_x, b.min_y], [b.max_x, b.max_y], [b.min_x, b.max_y], [cx, cy]];
        if swap {
            at.iter_mut().for_each(|p| p.swap(0, 1));
        }
        for step in to_own {
            match step {
                Step::Proj { operation, .. } => operation.forward(&mut at),
                Step::Scale(f) => at.as_flattened_mut().iter_mut().for_each(|v| *v *= f),
            }
        }
        let all = BBox::of(&at);
        let sane = at.as_flattened().iter().all(|v| v.is_finite()) && all.max_x <= 180.0 && all.min_x >= -180.0;
        let sane = sane && all.max_y <= 90.0 && all.min_y >= -90.0;
        sane.then_some([all.min_x, all.min_y, all.max_x, all.max_y])
    }
}

fn describe(o: &Object) -> String {
    match o.id() {
        Some(id) => format!("{id} {}", o.name()),
        None => o.name(),
    }
}

/// By identity where both have one, else by PROJ's comparison without axis order.
fn same_crs(a: &Object, b: &Object) -> bool {
    match (a.id(), b.id()) {
        (Some(x), Some(y)) if x == y => true,
        _ => a.equivalent(b),
    }
}

/// Definitions may be long and local parameters are not for reports.
fn brief(definition: &str) -> String {
    let short: String = definition.chars().take(40).collect();
    if short.len() < definition.len() { format!("`{short}…`") } else { format!("`{short}`") }
}
