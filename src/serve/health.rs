//! For machines that look after the server: alive, ready, counts. They see no layer and no record.

use super::App;
use super::metrics::Levels;
use super::problem::Problem;
use super::rules::Rules;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::sync::Arc;

/// The process runs and answers. What it would say at a start is said here too: rules on disk that cannot be taken.
pub async fn health(State(app): State<Arc<App>>) -> Response {
    plain_json(match app.rules.as_ref().is_some_and(Rules::are_refused) {
        false => json!({ "status": "ok" }),
        true => json!({ "status": "ok", "access": "the settings on disk are wrong; those before hold" }),
    })
}

/// A city can be served.
pub async fn ready(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let (snapshot, _) = app.gate.snapshot().ok_or_else(Problem::no_snapshot)?;
    Ok(plain_json(json!({ "status": "ready", "snapshot": snapshot })))
}

pub async fn metrics(State(app): State<Arc<App>>) -> Response {
    let levels =
        Levels { cache_bytes: app.cache.bytes(), cache_capacity: app.cache.capacity(), snapshot: app.gate.snapshot() };
    let kind =
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    (kind, app.metrics.render(&levels)).into_response()
}

fn plain_json(value: serde_json::Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")], value.to_string())
        .into_response()
}
