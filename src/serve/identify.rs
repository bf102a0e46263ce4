//! `/identify?lon=&lat=`: what is there, in the layers that exist for the asker.

use super::App;
use super::gate::Asked;
use super::problem::Problem;
use super::reply;
use crate::layer::LayerIx;
use crate::records::{self, Around};
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use std::sync::Arc;

pub const RADIUS_M: f64 = 10.0;
pub const MOST_RADIUS_M: f64 = 500.0;
pub const RECORDS: usize = 50;
pub const MOST_RECORDS: usize = 1000;

/// `lon`, `lat` in degrees (CGCS2000, WGS84), `radius_m`, `layers` (a comma list; all without it), `limit`.
pub async fn identify(
    State(app): State<Arc<App>>,
    asked: Asked,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (layers, around) = read(&asked, uri.query().unwrap_or_default())?;
    let (city, audience) = (asked.city.clone(), asked.audience.clone());
    let work = move || {
        let near = records::identify(&city, &audience, &layers, &around)?;
        let mut layers: Vec<LayerIx> = near.iter().map(|n| n.layer).collect();
        layers.dedup();
        Ok((near.len(), layers, records::features(&city, &audience, &near)?))
    };
    let (returned, from, features) = app.workers.run(work).await?;
    asked.spend_places(&from, &[around.p])?;
    let mut body =
        format!("{{\"type\":\"FeatureCollection\",\"numberReturned\":{returned},\"features\":[").into_bytes();
    body.extend(features);
    body.extend_from_slice(b"]}");
    reply::document(&app, &headers, &asked, reply::GEOJSON, body).await
}

fn read(asked: &Asked, query: &str) -> Result<(Vec<LayerIx>, Around), Problem> {
    let (mut place, mut layers, mut seen) = ([None; 2], None, vec![]);
    let (mut radius_m, mut limit) = (RADIUS_M, RECORDS);
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if seen.contains(&name) {
            return Err(Problem::bad_request("repeated-parameter", "a parameter stands twice in the address"));
        }
        match name.as_ref() {
            "lon" => place[0] = Some(number(&value, -180.0..=180.0, "lon is degrees from -180 to 180")?),
            "lat" => place[1] = Some(number(&value, -90.0..=90.0, "lat is degrees from -90 to 90")?),
            "radius_m" => radius_m = number(&value, 0.0..=MOST_RADIUS_M, "radius_m is metres from 0 to 500")?,
            "layers" => layers = Some(asked.layers(&value)?),
            "limit" => limit = number(&value, 1.0..=1e9, "limit is a number from 1 on")? as usize,
            _ => {
                let what = "a parameter is none of lon, lat, radius_m, layers, limit";
                return Err(Problem::bad_request("unknown-parameter", what));
            }
        }
        seen.push(name);
    }
    let [Some(lon), Some(lat)] = place else {
        return Err(Problem::bad_request("invalid-parameter", "a place is lon and lat, in degrees"));
    };
    let around = Around { p: [lon, lat], radius_m, limit: limit.min(MOST_RECORDS) };
    Ok((layers.map_or_else(|| asked.all_layers(), Ok)?, around))
}

fn number(text: &str, range: std::ops::RangeInclusive<f64>, what: &str) -> Result<f64, Problem> {
    let number = text.trim().parse().ok().filter(|n| range.contains(n));
    number.ok_or_else(|| Problem::bad_request("invalid-parameter", what))
}
