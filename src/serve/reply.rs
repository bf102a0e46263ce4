//! Answers on the wire: validators, caching, coding, 304. Every answer that is not a refusal leaves through here.

use super::App;
use super::cache::{Coded, Of};
use super::coding::{Coding, Effort};
use super::etag::{Digest, none_match};
use super::gate::Asked;
use super::problem::Problem;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use std::sync::Arc;

pub const MVT: &str = "application/vnd.mapbox-vector-tile";
pub const JSON: &str = "application/json";
pub const GLB: &str = "model/gltf-binary";
pub const PNG: &str = "image/png";
pub const GLYPHS: &str = "application/x-protobuf";
pub const GEOJSON: &str = "application/geo+json";

/// A coded answer: 200, 204 where it is empty, 304 where the client has it.
pub fn coded(request: &HeaderMap, asked: &Asked, media_type: &'static str, answer: Coded) -> Response {
    let own = asked.etag(answer.digest, answer.coding, answer.effort);
    // Who has the same bytes, packed the other way, has what would be sent.
    let other = || asked.etag(answer.digest, answer.coding, answer.effort.other());
    let held = match request.contains_key(header::IF_NONE_MATCH) {
        true => [own.clone(), other()].into_iter().find(|tag| none_match(request, tag)),
        false => None,
    };
    let status = match (held.is_some(), answer.bytes.is_empty()) {
        (true, _) => StatusCode::NOT_MODIFIED,
        (false, true) => StatusCode::NO_CONTENT,
        (false, false) => StatusCode::OK,
    };
    let mut r = Response::new(Body::empty());
    *r.status_mut() = status;
    let headers = r.headers_mut();
    headers.insert(header::ETAG, held.unwrap_or(own));
    headers.insert(header::CACHE_CONTROL, asked.cache_control());
    headers.insert(header::VARY, asked.vary());
    if status == StatusCode::OK {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(answer.bytes.len()));
        if let Some(token) = answer.coding.token() {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(token));
        }
        *r.body_mut() = Body::from(answer.bytes);
    }
    r
}

/// An answer of known size whose bytes come piece by piece.
pub fn streamed(
    asked: &Asked,
    media_type: &'static str,
    (digest, coding): (Digest, Coding),
    size: u64,
    body: Body,
) -> Response {
    let mut r = Response::new(body);
    let headers = r.headers_mut();
    headers.insert(header::ETAG, asked.etag(digest, coding, Effort::Full));
    headers.insert(header::CACHE_CONTROL, asked.cache_control());
    headers.insert(header::VARY, asked.vary());
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(size));
    if let Some(token) = coding.token() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(token));
    }
    r
}

/// A tile with nothing in it.
pub fn empty(request: &HeaderMap, asked: &Asked) -> Response {
    let nothing = Coded::plain(Bytes::new(), Digest::quick(b""));
    coded(request, asked, MVT, nothing)
}

/// A document that was just written, compressed once per content and coding.
pub async fn document(
    app: &Arc<App>,
    request: &HeaderMap,
    asked: &Asked,
    media_type: &'static str,
    bytes: Vec<u8>,
) -> Result<Response, Problem> {
    let digest = Digest::of(&bytes);
    let coding = Coding::negotiate(request);
    let answer = match coding == Coding::Identity || none_match(request, &asked.etag(digest, coding, Effort::Full)) {
        // Nothing to compress: sent as it is, or not sent.
        true => Coded { bytes: Bytes::from(bytes), coding, effort: Effort::Full, digest },
        false => app.cache.get(Of::Document(digest), coding, Effort::Full, move || Ok(bytes)).await?.0,
    };
    Ok(coded(request, asked, media_type, answer))
}
