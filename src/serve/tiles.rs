//! `GET /tiles/…/{z}/{x}/{y}.mvt`: path → plan → cache → reply. What is in a tile is `tile`'s business.

use super::App;
use super::address::tile_key;
use super::cache::{Of, Outcome};
use super::coding::{Coding, Effort};
use super::gate::Asked;
use super::metrics::Answered;
use super::problem::Problem;
use super::reply;
use super::router::Segments;
use crate::geo::{TileKey, TileMatrixSet};
use crate::layer::{LayerIx, Serve};
use crate::tile::{self, Refusal};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use std::sync::Arc;
use std::time::Instant;

/// `/tiles/{layers}/{z}/{x}/{y}.mvt` in the web's grid.
pub async fn tile(
    State(app): State<Arc<App>>,
    asked: Asked,
    Segments([layers, z, x, y]): Segments<4>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let grid = app.default_grid.clone();
    answer(&app, &asked, grid, &layers, [&z, &x, &y], &headers).await
}

/// `/tiles/{tms}/{layers}/{z}/{x}/{y}.mvt`
pub async fn tile_in_grid(
    State(app): State<Arc<App>>,
    asked: Asked,
    Segments([tms, layers, z, x, y]): Segments<5>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let grid = app.grid(&tms)?;
    answer(&app, &asked, grid, &layers, [&z, &x, &y], &headers).await
}

async fn answer(
    app: &Arc<App>,
    asked: &Asked,
    grid: Arc<TileMatrixSet>,
    layers: &str,
    [z, x, y]: [&str; 3],
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let begun = Instant::now();
    let key = tile_key(&grid, z, x, y)?;
    let layers = tiled_layers(asked, layers)?;
    asked.spend_tile(&layers, grid.nominal_zoom(key.z), &grid.window(key, 0.0))?;
    let plan = match planned(app, asked, grid, layers, key).await? {
        Ok(Some(plan)) => plan,
        Ok(None) => {
            app.metrics.tile(Answered::Empty, None, begun.elapsed());
            return Ok(reply::empty(headers, asked));
        }
        Err(Refusal::ZoomNotServed { min, max }) if min > max => {
            return Err(Problem::not_found("zoom-not-served", "these layers are in no tile of this grid"));
        }
        Err(Refusal::ZoomNotServed { min, max }) => {
            let detail = format!("tiles of these layers exist from zoom {min} to {max}");
            let p = Problem::not_found("zoom-not-served", detail);
            return Err(p.with("minzoom", min).with("maxzoom", max));
        }
    };
    let (of, coding) = (Of::Tile(plan.revision, plan.key), Coding::negotiate(headers));
    let city = asked.city.clone();
    let (coded, outcome) = match app.cache.known(of, coding) {
        Some(coded) => (coded, Outcome::Warm),
        // What comes packed is unpacked for another coding, which is nothing to do by the way.
        None if tile::is_light(&city, &plan) && (coding == Coding::Gzip || !tile::is_seeded(&plan)) => {
            app.cache.get_here(of, coding, Effort::Quick, move || tile::make(&city, &plan)).await?
        }
        None => app.cache.get(of, coding, Effort::Quick, move || tile::make(&city, &plan)).await?,
    };
    let response = reply::coded(headers, asked, reply::MVT, coded);
    let answered = match response.status() {
        StatusCode::NOT_MODIFIED => Answered::NotModified,
        StatusCode::NO_CONTENT => Answered::Empty,
        _ => Answered::Sent(outcome),
    };
    app.metrics.tile(answered, Some(outcome), begun.elapsed());
    Ok(response)
}

/// The plan; on a worker where it has to be read for first.
async fn planned(
    app: &App,
    asked: &Asked,
    grid: Arc<TileMatrixSet>,
    layers: Vec<LayerIx>,
    key: TileKey,
) -> Result<Result<Option<tile::Plan>, Refusal>, Problem> {
    let (city, audience) = (&asked.city, &asked.audience);
    if let Some(known) = tile::planned(city, audience, &grid, &layers, key) {
        return Ok(known);
    }
    let (city, audience) = (city.clone(), audience.clone());
    app.workers.run(move || Ok(tile::plan(&city, &audience, &grid, &layers, key)?)).await
}

/// The listed layers, each visible and served as vector tiles.
pub fn tiled_layers(asked: &Asked, list: &str) -> Result<Vec<LayerIx>, Problem> {
    let layers = asked.layers(list)?;
    let catalog = &asked.city.snapshot.catalog;
    match layers.iter().map(|ix| catalog.layer(*ix)).find(|l| !l.serves(Serve::Mvt)) {
        Some(l) => Err(Problem::not_found("layer-not-tiled", format!("{} is not served as vector tiles", l.id))),
        None => Ok(layers),
    }
}
