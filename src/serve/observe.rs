//! Around every request: its id, its line in the log, its counts, and the body of a refusal. Sees no city.

use super::App;
use super::metrics::Held;
use super::problem;
use axum::body::HttpBody as _;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::response::Response;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Request ids: one run's random prefix and a count. Never the client's: an id in the log is this server's word.
pub struct RequestIds {
    prefix: u32,
    next: AtomicU64,
}

impl RequestIds {
    pub fn new() -> RequestIds {
        use std::hash::{BuildHasher, RandomState};
        RequestIds { prefix: RandomState::new().hash_one(0u8) as u32, next: AtomicU64::new(1) }
    }

    fn next(&self) -> String {
        format!("{:08x}-{:x}", self.prefix, self.next.fetch_add(1, Ordering::Relaxed))
    }
}

/// Where the router writes which of its routes it takes: its word for the log, of requests too that never come back from there.
#[derive(Clone, Default)]
struct Route(Arc<OnceLock<MatchedPath>>);

/// Within the router.
pub fn note_route(request: Request) -> Request {
    if let (Some(Route(cell)), Some(path)) = (request.extensions().get(), request.extensions().get::<MatchedPath>()) {
        let _ = cell.set(path.clone());
    }
    request
}

/// A request from its first moment to its answer.
pub struct Observed {
    begun: Instant,
    id: String,
    method: Method,
    route: Route,
    _in_flight: Held,
}

impl Observed {
    pub fn begin(app: &App, request: &mut Request) -> Observed {
        let route = Route::default();
        request.extensions_mut().insert(route.clone());
        let (id, method) = (app.request_ids.next(), request.method().clone());
        Observed { begun: Instant::now(), id, method, route, _in_flight: app.metrics.request_begins() }
    }

    pub fn end(self, app: &App, response: Response) -> Response {
        let mut response = problem::render(response, &self.method, &self.id);
        let route = self.route.0.get().map_or("none", MatchedPath::as_str);
        let (method, status) = (method_name(&self.method), response.status().as_u16());
        app.metrics.request(route, method, status);
        // The route, not the address: what was asked for may name a thing or carry a secret.
        tracing::info!(
            target: "access",
            id = self.id,
            method,
            route,
            status,
            bytes = response.body().size_hint().exact().unwrap_or(0),
            ms = self.begun.elapsed().as_micros() as f64 / 1000.0,
        );
        let headers = response.headers_mut();
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if let Ok(value) = HeaderValue::try_from(self.id) {
            headers.insert(REQUEST_ID, value);
        }
        response
    }
}

/// A bounded set of names, for labels.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::PATCH => "PATCH",
        _ => "other",
    }
}
