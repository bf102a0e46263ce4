//! The server from outside: the router in process, a few real sockets, the command line. One small city made here.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests say what they expect by panicking")]

#[path = "../tileset/checker/mod.rs"]
mod checker;
mod city;
mod commands;
mod features;
mod levels;
mod rules;
mod sockets;
mod three;
mod through;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request};
use chengtu::serve::{App, Options};
use std::path::Path;
use std::sync::Arc;
use tower::ServiceExt;

/// An answer, read to its end.
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&self.body)))
    }

    /// Status and problem slug.
    fn problem(&self) -> (u16, String) {
        let kind = self.json()["type"].as_str().unwrap().to_string();
        (self.status, kind.strip_prefix("/problems/").unwrap().to_string())
    }
}

async fn ask(router: &Router, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, 1 << 26).await.unwrap().to_vec();
    Answer { status: parts.status.as_u16(), headers: parts.headers, body }
}

async fn get(router: &Router, path: &str) -> Answer {
    ask(router, Method::GET, path, &[]).await
}

fn options(store: &Path) -> Options {
    Options { workers: 2, listen: ([127, 0, 0, 1], 0).into(), ..Options::new(store.to_path_buf()) }
}

fn open(store: &Path) -> Arc<App> {
    App::open(&options(store)).unwrap()
}

fn open_to_all(store: &Path) -> Arc<App> {
    App::open(&Options { open: true, ..options(store) }).unwrap()
}

/// The value of a line of `/metrics`, 0 where it is not there.
async fn metric(router: &Router, line: &str) -> f64 {
    let text = String::from_utf8(get(router, "/metrics").await.body).unwrap();
    let value = text.lines().find_map(|l| l.strip_prefix(line)?.strip_prefix(' ')?.parse().ok());
    value.unwrap_or(0.0)
}
