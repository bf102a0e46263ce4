//! `/search?q=`: what is called so, in the layers and fields that exist for the asker; or a coordinate.

use super::App;
use super::gate::Asked;
use super::problem::Problem;
use super::reply;
use crate::city::City;
use crate::geo::BBox;
use crate::records::{self, Findings, Hit, Search};
use crate::store::Sought;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde::Serialize;
use std::sync::Arc;

/// Results of a search that does not say how many.
pub const RESULTS: usize = 10;
pub const MOST_RESULTS: usize = 50;
/// Characters of what is sought.
pub const MOST_CHARACTERS: usize = 64;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    query: &'a str,
    snapshot: &'a str,
    number_returned: usize,
    /// There may be more that were not looked at or have no place on the page.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    truncated: bool,
    /// Layers whose data is damaged.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unsearched: Vec<String>,
    /// What two numbers may mean that are no coordinate as they stand.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    results: Vec<Found>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Found {
    Coordinate { kind: &'static str, lon: f64, lat: f64 },
    Record(Box<Hit>),
}

/// `q`, and `limit`, `layers` (a comma list; all without it), `bbox` (west, south, east, north), `near` (lon,lat), in degrees.
pub async fn search(
    State(app): State<Arc<App>>,
    asked: Asked,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (text, search) = read(&asked, uri.query().unwrap_or_default())?;
    let (city, audience) = (asked.city.clone(), asked.audience.clone());
    let here = app.clone();
    let work = move || {
        let (place, hint) = place(&here, &city, &text);
        let found = records::search(&city, &audience, &search)?;
        let places: Vec<_> = found.hits.iter().map(|h| (h.layer.clone(), [h.lon, h.lat])).collect();
        let answer = answer(&city.snapshot.id, &text, place, hint, found);
        Ok((answer, places))
    };
    let (body, places) = app.workers.run(work).await?;
    for (layer, place) in places {
        let ix = asked.city.snapshot.catalog.find(&layer);
        asked.spend_places(ix.as_slice(), &[place])?;
    }
    reply::document(&app, &headers, &asked, reply::JSON, body).await
}

/// What is sought as a coordinate, or why it cannot be one; neither of what is no place.
fn place(app: &App, city: &City, text: &str) -> (Option<[f64; 2]>, Option<String>) {
    // Without lookups no coordinate is known, and names are found all the same.
    match city.ownership().ok().and_then(|owners| owners.place(text, &app.spellings)) {
        Some(Ok(p)) => (Some(p), None),
        Some(Err(invalid)) => (None, Some(invalid.detail)),
        None => (None, None),
    }
}

fn answer(snapshot: &str, query: &str, place: Option<[f64; 2]>, hint: Option<String>, found: Findings) -> Vec<u8> {
    let place = place.map(|[lon, lat]| Found::Coordinate { kind: "coordinate", lon, lat });
    let hits = found.hits.into_iter().map(|hit| Found::Record(Box::new(hit)));
    let results: Vec<Found> = place.into_iter().chain(hits).collect();
    let Findings { truncated, unsearched, .. } = found;
    let answer = Answer { query, snapshot, number_returned: results.len(), truncated, unsearched, hint, results };
    // Writing to memory cannot fail, and all keys are text.
    serde_json::to_vec(&answer).unwrap_or_default()
}

fn read(asked: &Asked, query: &str) -> Result<(String, Search), Problem> {
    let (mut text, mut layers, mut bbox, mut near, mut limit, mut seen) = (None, None, None, None, RESULTS, vec![]);
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if seen.contains(&name) {
            return Err(Problem::bad_request("repeated-parameter", "a parameter stands twice in the address"));
        }
        match name.as_ref() {
            "q" => text = Some(value.trim().to_string()),
            "layers" => layers = Some(asked.layers(&value)?),
            "limit" => limit = limit_of(&value)?,
            "bbox" => bbox = Some(box_of(&value)?),
            "near" => near = Some(place_of(&value)?),
            _ => {
                let what = "a parameter is none of q, limit, layers, bbox, near";
                return Err(Problem::bad_request("unknown-parameter", what));
            }
        }
        seen.push(name);
    }
    let text = text.filter(|t| t.chars().count() <= MOST_CHARACTERS);
    let sought = text.as_deref().and_then(Sought::new);
    let (Some(text), Some(sought)) = (text, sought) else {
        return Err(Problem::bad_request("invalid-parameter", "q is what is sought: 1 to 64 characters"));
    };
    Ok((text, Search { sought, layers: layers.map_or_else(|| asked.all_layers(), Ok)?, bbox, near, limit }))
}

fn limit_of(text: &str) -> Result<usize, Problem> {
    let wrong = || Problem::bad_request("invalid-parameter", "limit is a number from 1 on").with("max", MOST_RESULTS);
    text.parse::<usize>().ok().filter(|n| *n > 0).map(|n| n.min(MOST_RESULTS)).ok_or_else(wrong)
}

/// Numbers joined by commas, longitudes and latitudes in turn, each in its range.
fn degrees<const N: usize>(text: &str) -> Option<[f64; N]> {
    let numbers: Option<Vec<f64>> = text.split(',').map(|n| n.trim().parse().ok()).collect();
    let numbers: [f64; N] = numbers?.try_into().ok()?;
    let inside = |(i, v): (usize, &f64)| v.abs() <= if i % 2 == 0 { 180.0 } else { 90.0 };
    numbers.iter().enumerate().all(inside).then_some(numbers)
}

fn box_of(text: &str) -> Result<BBox, Problem> {
    let [west, south, east, north] = degrees(text).filter(|[w, s, e, n]| w <= e && s <= n).ok_or_else(|| {
        Problem::bad_request("invalid-bbox", "bbox is west, south, east and north in degrees, joined by commas")
    })?;
    Ok(BBox::new(west, south, east, north))
}

fn place_of(text: &str) -> Result<[f64; 2], Problem> {
    let wrong = || Problem::bad_request("invalid-parameter", "near is a longitude and a latitude, joined by a comma");
    degrees(text).ok_or_else(wrong)
}
