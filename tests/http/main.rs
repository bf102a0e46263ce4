//! The server from outside: the router in process, a few real sockets, the command line. One small city made here.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests say what they expect by panicking")]

#[path = "../tileset/checker/mod.rs"]
mod checker;
mod city;
mod commands;
#[path = "../common/mod.rs"]
mod common;
mod features;
mod levels;
mod rules;
mod search;
mod sockets;
mod streams;
mod styles;
mod three;
mod through;
mod web;

use axum::Router;
use axum::http::Method;
use chengtu::serve::{App, Options};
use common::web::{Answer, ask, get};
use std::path::Path;
use std::sync::Arc;

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
