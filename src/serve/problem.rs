//! Refusals as RFC 9457 problem JSON. The one place where `Error` becomes HTTP. Never echoes input, names no path.

use crate::error::Error;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

/// Why a request gets no answer. Travels as a response extension until `render` gives it its body, so that the
/// request's id can stand in it.
#[derive(Debug, Clone)]
pub struct Problem {
    pub status: StatusCode,
    /// Kebab-case slug of the problem type.
    pub code: &'static str,
    pub detail: String,
    /// Further members: `max`, `minzoom` …
    pub extra: Map<String, Value>,
}

impl Problem {
    pub fn new(status: u16, code: &'static str, detail: impl Into<String>) -> Problem {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Problem { status, code, detail: detail.into(), extra: Map::new() }
    }

    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Problem {
        self.extra.insert(member.into(), value.into());
        self
    }

    pub fn bad_request(code: &'static str, detail: impl Into<String>) -> Problem {
        Problem::new(400, code, detail)
    }

    pub fn not_found(code: &'static str, detail: impl Into<String>) -> Problem {
        Problem::new(404, code, detail)
    }

    pub fn overloaded() -> Problem {
        Problem::new(503, "overloaded", "the server is busy; ask again in a moment")
    }

    pub fn no_snapshot() -> Problem {
        Problem::new(503, "no-snapshot", "no city has been published yet")
    }

    /// A bug: logged where it happened, told without detail.
    pub fn internal() -> Problem {
        Problem::new(500, "internal-error", "the server failed; the request's id finds the reason in its log")
    }

    /// The title of a slug: `tile-out-of-range` → `Tile out of range`.
    fn title(&self) -> String {
        let words = self.code.replace('-', " ");
        let mut letters = words.chars();
        letters.next().map(|c| c.to_uppercase().chain(letters).collect()).unwrap_or_default()
    }

    fn body(&self, request_id: &str) -> Vec<u8> {
        let mut members = self.extra.clone();
        members.insert("type".into(), json!(format!("/problems/{}", self.code)));
        members.insert("title".into(), json!(self.title()));
        members.insert("status".into(), json!(self.status.as_u16()));
        members.insert("detail".into(), json!(self.detail));
        members.insert("instance".into(), json!(format!("/requests/{request_id}")));
        serde_json::to_vec(&members).unwrap_or_default()
    }
}

impl From<Error> for Problem {
    fn from(e: Error) -> Problem {
        match e {
            Error::Request { status, code, detail } => Problem::new(status, code, detail),
            Error::Overloaded => Problem::overloaded(),
            Error::Damaged { .. } => {
                tracing::error!(error = %e, "damaged data");
                Problem::new(503, "layer-data-damaged", "a layer's stored data is damaged; other layers are served")
            }
            Error::Io { .. } | Error::Missing(_) => {
                tracing::error!(error = %e, "the store cannot be read");
                Problem::new(503, "store-unavailable", "the store cannot be read at the moment")
            }
            Error::Config(_) | Error::Data(_) | Error::Busy(_) => {
                tracing::error!(error = %e, "unexpected while serving");
                Problem::internal()
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut r = self.status.into_response();
        r.extensions_mut().insert(self);
        r
    }
}

/// Gives a refused response its body. A response without a `Problem` passes.
pub fn render(mut response: Response, method: &Method, request_id: &str) -> Response {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return response };
    let body = problem.body(request_id);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    if problem.status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    if let Some(seconds) = problem.extra.get("retry_after_s").and_then(Value::as_u64) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if problem.status == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Bearer realm=\"chengtu\", error=\"invalid_token\"");
        headers.insert(header::WWW_AUTHENTICATE, challenge);
    }
    let body = if method == Method::HEAD { vec![] } else { body };
    let (parts, _) = response.into_parts();
    Response::from_parts(parts, body.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn every_error_has_its_status_and_tells_no_path() {
        let io = || std::io::Error::other("disk on fire");
        let table = [
            (Error::request(400, "invalid-x", "no"), 400, "invalid-x"),
            (Error::Overloaded, 503, "overloaded"),
            (Error::damaged("/secret/blob", "bits"), 503, "layer-data-damaged"),
            (Error::Io { path: "/secret".into(), source: io() }, 503, "store-unavailable"),
            (Error::Missing(PathBuf::from("/secret")), 503, "store-unavailable"),
            (Error::Busy(PathBuf::from("/secret")), 500, "internal-error"),
            (Error::Data("/secret".into()), 500, "internal-error"),
            (Error::config("/secret", 1, "x"), 500, "internal-error"),
        ];
        for (error, status, code) in table {
            let p = Problem::from(error);
            assert_eq!((p.status.as_u16(), p.code), (status, code));
            let body = String::from_utf8(p.body("7")).unwrap();
            assert!(!body.contains("secret") && !body.contains("fire"), "{body}");
        }
    }

    #[test]
    fn the_body_has_the_members_of_rfc_9457() {
        let p = Problem::bad_request("tile-out-of-range", "x and y must be below the grid's size").with("max", 3);
        let v: Value = serde_json::from_slice(&p.body("abc")).unwrap();
        let want = json!({"type": "/problems/tile-out-of-range", "title": "Tile out of range", "status": 400,
            "detail": "x and y must be below the grid's size", "instance": "/requests/abc", "max": 3});
        assert_eq!(v, want);
    }
}
