//! What stands around all routes, as one service: each request is observed, then CORS, limits, a caught panic, the router.
//! A router boxes and clones what it is wrapped in, layer by layer and request by request; around these it stands once.

use super::observe::Observed;
use super::problem::Problem;
use super::{App, router};
use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tower::{Layer, Service};
use tower_http::cors::{AllowOrigin, Cors, CorsLayer};

/// Longest path and query that is read. A list of all layers of a large catalog fits.
const MAX_URI_BYTES: usize = 8192;

/// Of a request that another server on the way may have understood otherwise.
#[derive(Debug, Clone, Copy)]
pub struct Malformed;

/// The whole service. A clone is cheap, and one answers one request.
#[derive(Clone)]
pub struct Front {
    app: Arc<App>,
    within: Cors<Limited>,
}

impl Front {
    pub fn new(app: Arc<App>) -> Front {
        let limited = Limited { app: app.clone(), routes: router::router(app.clone()) };
        Front { within: cors(&app.cors).layer(limited), app }
    }

    pub async fn answer(mut self, mut request: Request) -> Response {
        let observed = Observed::begin(&self.app, &mut request);
        let Ok(response) = self.within.call(request).await;
        observed.end(&self.app, response)
    }
}

/// The routes within the limits of a request.
#[derive(Clone)]
struct Limited {
    app: Arc<App>,
    routes: Router,
}

impl Service<Request> for Limited {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // A router always is.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let answer = self.clone().answer(request);
        Box::pin(async { Ok(answer.await) })
    }
}

impl Limited {
    async fn answer(mut self, request: Request) -> Response {
        if request.extensions().get::<Malformed>().is_some() {
            let close = [(header::CONNECTION, HeaderValue::from_static("close"))];
            let problem = Problem::bad_request("malformed-request", "an HTTP/1.1 request names its host once");
            return (close, problem).into_response();
        }
        let length = request.uri().path_and_query().map_or(0, |p| p.as_str().len());
        if length > MAX_URI_BYTES {
            return Problem::new(414, "address-too-long", "the address is too long").into_response();
        }
        match tokio::time::timeout(self.app.request_timeout, guarded(self.routes.call(request))).await {
            Ok(response) => self.app.outgoing.admitted(response),
            Err(_) => Problem::overloaded().into_response(),
        }
    }
}

/// The answer, or that of a panic.
async fn guarded(answer: impl Future<Output = Result<Response, Infallible>>) -> Response {
    let mut answer = pin!(answer);
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(cx))) {
        Ok(poll) => poll.map(|Ok(response)| response),
        Err(_) => Poll::Ready(Problem::internal().into_response()),
    })
    .await
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
