//! Every route of the server, as a table, and what stands around all of them.

use super::{
    App, catalog, features, health, identify, observe, openapi, owner, problem::Problem, register, search, styles,
    three, through, tilejson, tiles, web,
};
use axum::Router;
use axum::extract::{FromRequestParts, RawPathParams, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header, request::Parts};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::any::Any;
use std::sync::Arc;
use std::time::Duration;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};

/// Longest path and query that is read. A list of all layers of a large catalog fits.
const MAX_URI_BYTES: usize = 8192;

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
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(app.clone(), within_limits))
        .layer(cors(&app.cors))
        .layer(from_fn_with_state(app.clone(), observe::observe))
        .with_state(app)
}

/// Other origins may read (never with credentials): what a server shows to everybody, every page may show.
fn cors(origins: &[String]) -> CorsLayer {
    let any = origins.iter().any(|o| o == "*");
    let list = origins.iter().filter_map(|o| HeaderValue::from_str(o).ok());
    let layer = CorsLayer::new()
        .allow_methods([Method::GET, Method::HEAD, Method::POST])
        .allow_headers([
            header::IF_NONE_MATCH,
            header::ACCEPT,
            header::CONTENT_TYPE,
            header::AUTHORIZATION,
            HeaderName::from_static("x-api-key"),
        ])
        .expose_headers([header::ETAG, HeaderName::from_static("x-request-id")])
        .max_age(Duration::from_secs(86_400));
    match any {
        // The answer is the same whatever the origin: nothing to vary by.
        true => layer.allow_origin(AllowOrigin::any()).vary(Vec::new()),
        false => layer.allow_origin(AllowOrigin::list(list)).vary([header::ORIGIN]),
    }
}

fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    Problem::internal().into_response()
}

/// Of a request that another server on the way may have understood otherwise.
#[derive(Debug, Clone, Copy)]
pub struct Malformed;

async fn within_limits(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    if request.extensions().get::<Malformed>().is_some() {
        let close = [(header::CONNECTION, HeaderValue::from_static("close"))];
        let problem = Problem::bad_request("malformed-request", "an HTTP/1.1 request names its host once");
        return (close, problem).into_response();
    }
    let length = request.uri().path_and_query().map_or(0, |p| p.as_str().len());
    if length > MAX_URI_BYTES {
        return Problem::new(414, "address-too-long", "the address is too long").into_response();
    }
    match tokio::time::timeout(app.request_timeout, next.run(request)).await {
        Ok(response) => app.outgoing.admitted(response),
        Err(_) => Problem::overloaded().into_response(),
    }
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
