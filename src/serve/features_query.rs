//! The parameters of `/collections/{layer}/items`: OGC API – Features 1 (17-069r4, §7.15) and 2 (18-058r1).

use super::gate::Asked;
use super::problem::Problem;
use crate::geo::{BBox, Crs};
use crate::layer::Layer;
use crate::records::{Filter, Wanted};
use std::borrow::Cow;

/// Records of a page that does not say how many.
pub const PAGE: usize = 10;
/// Records of a page at most.
pub const MOST: usize = 10_000;
/// CRSs that coordinates may be asked for in: CRS84, CGCS2000, WGS84, Web Mercator, and the 3° zones without number that
/// Chinese cities are surveyed in.
pub fn systems() -> impl Iterator<Item = Crs> {
    let by_code = [4490, 4326, 3857].into_iter().chain(4534..=4554).filter_map(Crs::from_epsg);
    std::iter::once(Crs::Crs84).chain(by_code)
}

/// A page's parameters.
pub struct Query {
    pub wanted: Wanted,
    /// All parameters but `next`, as they were asked.
    pub rest: String,
}

impl Query {
    /// `next` is `SNAPSHOT.POSITION`.
    pub fn read(query: &str, asked: &Asked, layer: &Layer) -> Result<Query, Problem> {
        let mut wanted = Wanted { bbox: None, filters: vec![], from: 0, limit: PAGE, crs: Crs::Crs84 };
        let (mut corners, mut bbox_crs, mut seen) = (None, Crs::Crs84, vec![]);
        let mut rest = form_urlencoded::Serializer::new(String::new());
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if seen.contains(&name) {
                return Err(Problem::bad_request("repeated-parameter", "a parameter stands twice in the address"));
            }
            match name.as_ref() {
                "limit" => wanted.limit = limit(&value)?,
                "bbox" => corners = Some(numbers(&value)?),
                "bbox-crs" => bbox_crs = crs(&value)?,
                "crs" => wanted.crs = crs(&value)?,
                // No layer has a temporal property: all records match (17-069r4, 7.15.4).
                "datetime" => {}
                "next" => wanted.from = position(&value)?.1,
                _ => wanted.filters.push(filter(&name, &value, asked, layer)?),
            }
            if name != "next" {
                rest.append_pair(&name, &value);
            }
            seen.push(name);
        }
        wanted.bbox = corners.map(|c| degrees(c, &bbox_crs)).transpose()?;
        Ok(Query { wanted, rest: rest.finish() })
    }
}

/// The snapshot that the page before came from, where there was one.
pub fn snapshot_of(query: &str) -> Result<Option<String>, Problem> {
    let next = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "next");
    next.map(|(_, value)| position(&value).map(|(of, _)| of)).transpose()
}

/// `crs=` alone.
pub fn read_crs(query: &str) -> Result<Crs, Problem> {
    let parameters: Vec<(Cow<'_, str>, Cow<'_, str>)> = form_urlencoded::parse(query.as_bytes()).collect();
    match &parameters[..] {
        [] => Ok(Crs::Crs84),
        [(name, value)] if name == "crs" => crs(value),
        _ => Err(Problem::bad_request("unknown-parameter", "an item has one parameter: crs")),
    }
}

fn limit(text: &str) -> Result<usize, Problem> {
    let wrong = || Problem::bad_request("invalid-parameter", "limit is a number from 1 on").with("max", MOST);
    // More than the most is answered with the most (17-069r4, 7.15.2).
    text.parse::<usize>().ok().filter(|n| *n > 0).map(|n| n.min(MOST)).ok_or_else(wrong)
}

fn crs(name: &str) -> Result<Crs, Problem> {
    let what = "the CRS is none of those that /collections lists";
    Crs::from_name(name).filter(|c| systems().any(|s| s == *c)).ok_or_else(|| Problem::bad_request("unknown-crs", what))
}

/// Four numbers, or six with heights, which are passed over.
fn numbers(text: &str) -> Result<[f64; 4], Problem> {
    let numbers: Option<Vec<f64>> =
        text.split(',').map(|n| n.trim().parse().ok().filter(|n: &f64| n.is_finite())).collect();
    match numbers.as_deref() {
        Some(&[a, b, c, d]) | Some(&[a, b, _, c, d, _]) => Ok([a, b, c, d]),
        _ => Err(Problem::bad_request("invalid-bbox", "bbox is four numbers, or six with heights, joined by commas")),
    }
}

/// The box in degrees around a box in another CRS, whose axes come in its own order.
fn degrees([a, b, c, d]: [f64; 4], crs: &Crs) -> Result<BBox, Problem> {
    let [west, south, east, north] = if crs.northing_first() { [b, a, d, c] } else { [a, b, c, d] };
    if west > east || south > north {
        let what = "bbox is its lower corner, then its upper one, in the axis order of its CRS";
        return Err(Problem::bad_request("invalid-bbox", what));
    }
    const STEPS: u32 = 8;
    let along = |from: f64, to: f64, i: u32| from + (to - from) * f64::from(i) / f64::from(STEPS);
    let grid = (0..=STEPS).flat_map(|i| (0..=STEPS).map(move |j| (i, j)));
    let around = grid.fold(BBox::EMPTY, |b, (i, j)| b.add(crs.inverse([along(west, east, i), along(south, north, j)])));
    match around.to_array().iter().all(|v| v.is_finite()) {
        true => Ok(around),
        false => Err(Problem::bad_request("invalid-bbox", "bbox is outside of the range of its CRS")),
    }
}

fn position(text: &str) -> Result<(String, usize), Problem> {
    let parts = text.rsplit_once('.').and_then(|(of, from)| Some((of.to_string(), from.parse().ok()?)));
    parts.ok_or_else(|| Problem::bad_request("invalid-parameter", "next is what the page before this one says"))
}

/// A field that exists for the asker and the value it must have.
fn filter(name: &str, value: &str, asked: &Asked, layer: &Layer) -> Result<Filter, Problem> {
    let field = layer.field(name).filter(|i| asked.audience.sees_field(layer, &layer.fields[*i]));
    let unknown = "a parameter is neither bbox, bbox-crs, crs, limit, datetime, next nor a field of the layer";
    let field = field.ok_or_else(|| Problem::bad_request("unknown-parameter", unknown))?;
    let wrong = || Problem::bad_request("invalid-parameter", format!("the value of {name} is not of the field's type"));
    Filter::new(layer, field, value).ok_or_else(wrong)
}
