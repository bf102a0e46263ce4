//! Every route of the server, as a table. What stands around all of them is in `front`.

use super::{
    App, catalog, features, health, identify, observe, openapi, owner, problem::Problem, register, search, styles,
    three, through, tilejson, tiles, web,
};
use axum::Router;
use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use std::sync::Arc;
use tower::util::MapRequestLayer;

pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/", get(web::page).layer(from_fn_with_state(app.clone(), features::landing)))
        .route("/web/{*file}", get(web::file))
        .route("/health", get(health::health))
        .route("/ready", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/catalog", get(catalog::catalog))
        .route("/conformance", get(features::conformance))
        .route("/api", get(openapi::api))
        .route("/collections", get(features::collections))
        .route("/collections/{layer}", get(features::collection))
        .route("/collections/{layer}/items", get(features::items))
        .route("/collections/{layer}/items/{id}", get(features::item))
        .route("/identify", get(identify::identify))
        .route("/search", get(search::search))
        .route("/owner", get(owner::one).post(owner::batch))
        .route("/owner/classes", get(register::classes))
        .route("/owner/bodies", get(register::bodies))
        .route("/tileMatrixSets", get(catalog::grids))
        .route("/tileMatrixSets/{tms}", get(catalog::grid))
        .route("/tiles/{layers_json}", get(tilejson::tilejson))
        .route("/tiles/{tms}/{layers_json}", get(tilejson::tilejson_in_grid))
        .route("/tiles/{layers}/{z}/{x}/{y_mvt}", get(tiles::tile))
        .route("/tiles/{tms}/{layers}/{z}/{x}/{y_mvt}", get(tiles::tile_in_grid))
        .route("/styles", get(styles::list))
        .route("/styles/{id_json}", get(styles::style))
        .route("/sprites/{file}", get(styles::sprite))
        .route("/fonts/{stack}/{range_pbf}", get(styles::glyphs))
        .route("/3dtiles/{layers}/tileset.json", get(three::tileset))
        .route("/3dtiles/{snapshot}/{layer}/{file}", get(three::file))
        .route("/3dtiles/{snapshot}/{layer}/{number}/{*path}", get(through::file))
        .fallback(|| async { Problem::not_found("not-found", "there is nothing at this address") })
        .method_not_allowed_fallback(|| async { Problem::new(405, "method-not-allowed", "this can only be read") })
        .layer(MapRequestLayer::new(observe::note_route))
        .with_state(app)
}

/// The N parameters of a route, percent-decoded, in their order.
pub struct Segments<const N: usize>(pub [String; N]);

impl<const N: usize, S: Send + Sync> FromRequestParts<S> for Segments<N> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Segments<N>, Problem> {
        let invalid = || Problem::bad_request("invalid-path", "the path is not percent-encoded UTF-8");
        let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| invalid())?;
        let mut values = params.iter().map(|(_, v)| v.to_string());
        let segments = std::array::from_fn(|_| values.next().unwrap_or_default());
        let control = |s: &String| s.chars().any(char::is_control);
        if segments.iter().any(control) {
            return Err(invalid());
        }
        Ok(Segments(segments))
    }
}
