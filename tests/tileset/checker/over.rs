//! Ways to the files of a tileset: a folder, or a router in process.

use super::Fetched;
use crate::common::web::get;
use axum::Router;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use std::path::Path;

/// What a client writes in another way in an address, besides all that is not ASCII.
const UNSAFE: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'`');

/// Files of a folder, as a server would give them.
pub fn from_folder(folder: &Path) -> impl AsyncFn(&str) -> Fetched {
    let folder = folder.to_path_buf();
    async move |path: &str| std::fs::read(folder.join(path)).map_or(Fetched::Missing, Fetched::Bytes)
}

/// The router's answers.
pub fn over(router: &Router) -> impl AsyncFn(&str) -> Fetched {
    let router = router.clone();
    async move |path: &str| {
        let answer = get(&router, &utf8_percent_encode(path, UNSAFE).to_string()).await;
        match answer.status {
            200 => Fetched::Bytes(answer.body),
            _ => Fetched::Missing,
        }
    }
}
